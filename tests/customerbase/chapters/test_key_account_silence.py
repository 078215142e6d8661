"""Which key accounts `07_key_accounts` calls silent, on bases whose truth is known."""

import datetime as dt
import json
from typing import Any

import polars as pl
import pytest

from customerbase.chapters.key_accounts import key_account_silence
from customerbase.figures.key_accounts import key_account_silence as silence_figures
from customerbase.unsaid import Unsaid
from tests.key_account_base import AS_OF, Worked, weekly


class TestSilence:
    @pytest.fixture
    def rows(self):
        # each brings more than a tenth: one fell silent 20 weeks ago, one bought on the last day, one refused contact
        last = {"gone": 20, "kept": 0, "shy": 20}
        bought = [
            (who, dt.date(2024, 12, 30) - dt.timedelta(weeks=week), 200)
            for who, weeks in last.items()
            for week in range(weeks, 60)
        ]
        return weekly() + bought

    CONSENT = "customer,consent,manager\ngone,yes,Ann\nkept,yes,Ann\nshy,no,Ann\n"

    def test_is_measured_by_the_account_s_own_rhythm(self, key_accounts_of, rows):
        chapter = key_accounts_of(rows, "customer,date,amount", self.CONSENT)
        found = Worked(chapter)
        assert dict(found.table.select("customer", "silent").rows()) == {"gone": True, "kept": False, "shy": True}
        gone = found.row("gone")
        assert gone["days_silent"] == 140
        # 39 repeat purchases in 39 weeks: by then the rate is Gamma(r + 39, alpha + 39)
        r, alpha = found.model.params_["r"], found.model.params_["alpha"]
        longest = 7 * (alpha + 39) * ((1 - 0.9) ** (-1 / (r + 39)) - 1)
        assert gone["longest_gap"] == int(longest)
        assert gone["overdue_since"] == AS_OF - dt.timedelta(days=140 - int(longest) - 1)
        assert found.row("kept")["overdue_since"] is None

    def test_value_if_alive_is_that_of_a_customer_who_is_still_one(self, key_accounts_of, rows):
        found = Worked(key_accounts_of(rows, "customer,date,amount", self.CONSENT, margin=0.25))
        value = found.values.set_index("customer").loc["gone"]
        assert found.row("gone")["value_if_alive"] == pytest.approx(value["clv"] / value["p_alive"])
        assert found.row("gone")["value_if_alive"] > 2 * value["clv"]

    def test_the_call_list_holds_nobody_who_may_not_be_called(self, key_accounts_of, rows):
        chapter = key_accounts_of(rows, "customer,date,amount", self.CONSENT)
        found = Worked(chapter)
        call: Any = key_account_silence.call_table(chapter, found.silent)
        alone: Any = key_account_silence.left_alone_table(chapter, found.silent)
        assert [row[0] for row in call.rows] == ["gone"]
        assert [row[0] for row in alone.rows] == ["shy"]
        stated = found.stated["key_accounts_silent"]
        assert (stated.value, stated.verdict, stated.question) == (2, "act", "dependency")
        assert stated.statement.startswith("2 of 3 key accounts have been silent")
        assert "gone (140 days, under 1% likely still a customer)" in stated.statement
        assert stated.statement.endswith(
            "Worth a last call, though probably lost: gone. For want of consent 1 of them may not be called."
        )
        worth = found.table.filter(pl.col("silent"))["value_if_alive"].sum()
        assert (
            f"If still customers, they would be worth USD {worth:,.0f} of revenue over the next 365 "
            in stated.statement
        )

    @pytest.mark.parametrize(("required", "called"), [(True, []), (False, ["gone", "shy"])])
    def test_consent_that_is_not_recorded_counts_where_it_need_not_be(self, key_accounts_of, rows, required, called):
        chapter = key_accounts_of(rows, "customer,date,amount", consent_required=required)
        silent = Worked(chapter).silent
        assert sorted(silent.loc[silent["silent"] & silent["may_contact"], "customer"]) == called
        shown = key_account_silence.call_table(chapter, silent)
        assert isinstance(shown, Unsaid) is required
        said = json.loads((chapter.folder / "findings" / "07_key_accounts.json").read_text())
        statement = next(found["statement"] for found in said if found["id"] == "key_accounts_silent")
        assert ("or set consent_required: false where no consent is needed" in statement) is required

    def test_the_figure_draws_the_silent_ones_first(self, key_accounts_of, rows):
        found = Worked(key_accounts_of(rows, "customer,date,amount", self.CONSENT))
        assert silence_figures.silence(found.silent).alt.startswith(
            "2 of 3 key accounts have been silent for longer than usual"
        )
