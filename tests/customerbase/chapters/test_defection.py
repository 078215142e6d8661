"""Who has left, in three ways: what `05_retention` says of bases whose truth is known and of those that say little."""

import datetime as dt
import re

import pandas as pd
import polars as pl
import pytest

from customerbase.chapter import Chapter
from customerbase.chapters.retention import defection
from customerbase.figures.retention import defection as figures
from customerbase.parameters import check_parameters, read_parameters
from customerbase.unsaid import Unsaid
from tests.contractual_base import AS_OF, simulated_contracts, write_contractual_base
from tests.simulated_base import simulated_purchases

UNREADABLE = re.compile(r"\b(nan|NaN|NaT|inf|None)\b")


@pytest.fixture
def opened(make_base, tmp_path):
    def make(ledger: pl.DataFrame | str, **parameters) -> Chapter:
        rows = ledger if isinstance(ledger, str) else ledger.write_csv(include_header=False)
        chapter = Chapter("05_retention", read_parameters(make_base(rows, **parameters)), tmp_path / "run")
        chapter.in_run = False
        return chapter

    return make


@pytest.fixture(scope="module")
def ledger() -> pl.DataFrame:
    bought = simulated_purchases(1_500, dt.date(2022, 1, 3), dt.date(2023, 12, 31), acquisition_days=300, seed=9)
    return bought.select("customer", pl.col("date").cast(pl.Date), "amount")


def told(chapter: Chapter) -> dict:
    asked, judged = defection.ask(chapter), defection.judge(chapter)
    table = defection.agreement_now(asked, judged)
    lines = defection.gone_lines(chapter, asked)
    shown = [defection.agreement_table(chapter, asked, table), defection.score_table(judged)]
    pictures = [figures.who_has_left(asked, table, lines, 1), figures.foretold_and_bought(judged, 0.8)]
    defection.state_findings(chapter, asked, judged, table)
    stated = {finding.id: finding for finding in chapter.findings().findings}
    texts = [finding.statement for finding in stated.values()]
    texts += [each.reason if isinstance(each, Unsaid) else each.alt for each in pictures]
    texts += [each._repr_mimebundle_()["text/plain"] for each in shown if each is not None]
    assert not any(UNREADABLE.search(text) for text in texts), texts
    return {"asked": asked, "judged": judged, "table": table, "lines": lines, "shown": shown, "stated": stated}


@pytest.fixture(scope="module")
def said(ledger, tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("agreement")
    ledger.write_csv(folder / "ledger.csv")
    section = {"path": str(folder / "ledger.csv"), "columns": {name: name for name in ledger.columns}}
    given = check_parameters({"base": "simulated", "ledger": section, "active_days": 120}, where="05_retention")
    chapter = Chapter("05_retention", given, folder)
    chapter.in_run = False
    return told(chapter)


class TestAgreement:
    def test_every_customer_is_counted_once(self, said, ledger):
        table = said["table"]
        assert table["customers"].sum() == ledger["customer"].n_unique()
        assert table["share"].sum() == pytest.approx(1)
        assert table["spent"].sum() == pytest.approx(ledger["amount"].sum())
        assert table["then"].sum() == len(said["judged"].asked.customers)

    def test_answers_are_those_of_the_limits(self, said):
        customers = said["asked"].customers
        assert ((customers["p_alive"] >= 0.5) == customers["model_stays"]).all()
        assert ((customers["silence"] < 120) == customers["rule_stays"]).all()
        assert ((customers["comes_back"] >= 0.5) == customers["curve_stays"]).all()

    def test_on_its_own_ledger_the_model_foretells_best_or_as_well(self, said):
        scores = said["judged"].scores.set_index("method")
        assert scores["worse_low"].to_dict()["model"] <= 0
        assert scores["worse_low"].to_dict()["rule"] > 0
        bins = said["judged"].reliability["model"]
        held = ((bins["low"] - 0.03 <= bins["predicted"]) & (bins["predicted"] <= bins["high"] + 0.03)).mean()
        assert held >= 0.7

    def test_the_findings_name_the_customers_in_dispute(self, said):
        table, stated = said["table"], said["stated"]
        late = table[table["rule_stays"] & ~table["curve_stays"]]["customers"].sum()
        assert stated["silent_too_long"].statement.startswith(f"{late:,} customers (")
        assert (stated["silent_too_long"].value, stated["silent_too_long"].question) == (late, "losing")
        assert "rule" in stated["defection_best"].statement

    def test_lines_part_those_called_gone_from_the_others(self, said):
        lines, customers = said["lines"], said["asked"].customers
        assert (lines["rule"]["silence"] == 120).all()
        twice = customers[customers["purchases"] == 2]
        line = lines["curve"].set_index("purchases")["silence"].to_dict()[2]
        assert twice.loc[twice["silence"] < line - 5, "curve_stays"].all()
        assert not twice.loc[twice["silence"] > line + 5, "curve_stays"].any()


def test_the_answers_of_the_earlier_day_know_nothing_later(opened, ledger):
    chapter = opened(ledger, name="told", as_of="2023-12-31")
    cut = chapter.calibration_end
    late = pl.col("date") > cut
    altered = pl.concat([ledger.filter(~late), ledger.filter(late).sample(20, seed=1).with_columns(amount=pl.lit(1e6))])
    other = opened(altered, name="altered", as_of="2023-12-31")
    assert other.calibration_end == cut
    one, two = (defection.judge(each) for each in (chapter, other))
    pd.testing.assert_frame_equal(one.asked.customers, two.asked.customers)
    assert one.bought.sum() > 5 * two.bought.sum()


def test_returns_after_the_earlier_day_change_nothing_that_was_known_then(opened, ledger):
    orders = ledger.sort("customer", "date").with_row_index("order").with_columns(pl.col("order").cast(pl.String))
    orders = orders.select("customer", "date", "amount", "order")
    chapter = opened(orders, name="kept", header="customer,date,amount,order", as_of="2023-12-31")
    cut = chapter.calibration_end
    before = orders.filter(pl.col("date") <= cut)
    undone = before.filter(pl.col("date") > before["date"].min() + dt.timedelta(days=30)).sample(200, seed=3)
    undone = undone.with_columns(date=pl.lit(cut + dt.timedelta(days=10)), amount=-pl.col("amount"))
    returned = opened(
        pl.concat([orders, undone]), name="returned", header="customer,date,amount,order", as_of="2023-12-31"
    )
    assert returned.calibration_end == cut
    assert returned.purchases.filter(pl.col("date") <= cut).height < before.height
    one, two = (defection.judge(each) for each in (chapter, returned))
    pd.testing.assert_frame_equal(one.asked.customers, two.asked.customers)
    assert defection.ask(returned).customers["purchases"].sum() < defection.ask(chapter).customers["purchases"].sum()


def test_of_those_whom_all_called_gone_it_is_said_how_many_came_back(opened, ledger):
    chapter = opened(ledger, name="ended", as_of="2023-12-31", active_days=120)
    asked = defection.ask(chapter)
    judged = defection.judge(chapter)
    table = pd.DataFrame(
        {
            "model_stays": [True, False],
            "curve_stays": [True, False],
            "rule_stays": [True, False],
            "customers": [1_500, 500],
            "spent": [1_500.0, 500.0],
            "then": [900, 100],
            "bought": [0.8, 0.27],
        }
    )
    defection.state_findings(chapter, asked, judged, table)
    (stated,) = (found.statement for found in chapter.findings().findings if found.id == "defection")
    assert "agree for 100% of customers; of the 100 customers whom all three called gone on" in stated
    assert "27% have bought since all the same" in stated


def test_a_handful_with_little_at_stake_is_watched_only(opened, ledger):
    chapter = opened(ledger, name="few", as_of="2023-12-31", active_days=120)
    asked = defection.ask(chapter)
    asked.customers["spent"] = 1.0
    few = pd.DataFrame(
        {
            "model_stays": [True, True],
            "curve_stays": [True, False],
            "rule_stays": [True, True],
            "customers": [1_497, 3],
            "spent": [1_497.0, 3.0],
        }
    )
    defection.state_findings(chapter, asked, Unsaid("not asked"), few)
    stated = {finding.id: finding for finding in chapter.findings().findings}
    assert stated["silent_too_long"].verdict == "watch"


def test_who_is_known_to_have_left_is_held_against_the_three(tmp_path):
    people = simulated_contracts(300, 1.0, 2.0, first=dt.date(2014, 1, 1), joining_days=1_000)
    chapter = Chapter("05_retention", read_parameters(write_contractual_base(tmp_path, people)), tmp_path / "run")
    chapter.in_run = False
    asked = defection.ask(chapter)
    defection.state_findings(chapter, asked, Unsaid("not asked"), defection.agreement_now(asked, Unsaid("not asked")))
    left = people.filter(pl.col("left") <= AS_OF)["customer"].to_list()
    rule = asked.customers[asked.customers["customer"].isin(left)]["rule_stays"]
    statement = chapter.findings().findings[0].statement
    assert f"says that {len(left)} have left" in statement
    assert f"the rule calls {100 * (1 - rule.mean()):.0f}% gone" in statement


class TestWhatCannotBeSaid:
    @pytest.mark.parametrize(
        "rows",
        [
            "a,2023-01-01,5",
            "a,2023-01-01,5\nb,2023-01-02,5\nc,2023-06-01,7",
            "a,2023-01-01,5\na,2023-01-02,5",
            "a,2023-01-01,5\na,2023-04-02,5\na,2023-11-02,5",
        ],
    )
    def test_a_ledger_that_says_little_is_said_to(self, opened, rows):
        said = told(opened(rows))
        assert (
            said["stated"]["defection_best" if "defection_best" in said["stated"] else "defection"].verdict == "unknown"
        )

    def test_a_reason_is_said_once(self, opened):
        said = told(opened("a,2023-01-01,5\nb,2023-01-02,5\nc,2023-06-01,7"))
        assert said["shown"] == [None, None]
        assert set(said["stated"]) == {"defection"}
