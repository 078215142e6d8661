"""The ladder and the practitioner's dashboard of `02_portrait`, on small bases whose truth is known."""

import datetime as dt
import re
from typing import Any

import numpy as np
import polars as pl
import pytest

from customerbase.chapter import Chapter
from customerbase.chapters import dashboard, ladder, lifetime_value, profit, purchase_model
from customerbase.figures import dashboard as figures
from customerbase.figures import ladder as ladder_figures
from customerbase.findings import QUESTIONS, Finding
from customerbase.parameters import read_parameters
from customerbase.shown_table import ShownTable
from customerbase.unsaid import Unsaid
from models.simulation import CDNOW, simulate_ledger

UNREADABLE = re.compile(r"\b(nan|NaN|NaT|inf|None)\b")


@pytest.fixture
def opened(make_base, tmp_path):
    """A chapter on a ledger given as rows, by hand."""

    def make(rows, header="customer,date,amount", **parameters) -> Chapter:
        text = rows if isinstance(rows, str) else rows.write_csv(include_header=False)
        chapter = Chapter(
            "02_portrait", read_parameters(make_base(text, header=header, **parameters)), tmp_path / "run"
        )
        chapter.in_run = False
        return chapter

    return make


@pytest.fixture
def side_table(tmp_path):
    """The section of the parameters that names a table beside the ledger, its columns called as they are meant."""

    def make(name: str, text: str, **given) -> dict:
        file = tmp_path / f"{name}_table.csv"
        file.write_text(text, encoding="utf-8")
        columns = {column: column for column in text.splitlines()[0].split(",")}
        return {"path": str(file), "columns": columns} | given

    return make


@pytest.fixture(scope="module")
def simulated() -> pl.DataFrame:
    return simulate_ledger(
        "bgnbd",
        CDNOW["bgnbd"],
        CDNOW["gamma_gamma"],
        600,
        start=dt.date(2021, 1, 4),
        acquisition_days=600,
        end=dt.date(2023, 6, 30),
        seed=11,
    )


def standing(chapter: Chapter) -> ladder.Ladder:
    summary = purchase_model.rfm(chapter)
    return ladder.climb(chapter, summary, purchase_model.fit_all(summary))


def everything(chapter: Chapter) -> Any:
    summary = purchase_model.rfm(chapter)
    model = purchase_model.fit_all(summary)
    earned = profit.customer_profit(chapter)
    climbed = ladder.climb(chapter, summary, model)
    return dashboard.Dashboard(
        climbed,
        ladder.by_rung(climbed, earned),
        ladder.moves(chapter, climbed),
        dashboard.retention(chapter),
        dashboard.factors(chapter, earned, dashboard.model_values(chapter, summary, model)),
        dashboard.newcomers(chapter),
        dashboard.share_of_wallet(chapter),
    )


def stated(chapter: Chapter, board: dashboard.Dashboard) -> dict[str, Finding]:
    dashboard.state_findings(chapter, board)
    return {finding.id: finding for finding in chapter.findings().findings}


class TestLadder:
    def test_every_customer_stands_where_the_purchases_and_the_model_say(self, opened, simulated):
        returned = "return-only,2023-01-05,20\nreturn-only,2023-01-09,-20\n"
        rows = simulated.with_columns(order=pl.lit("")).write_csv(include_header=False)
        undone = returned.replace("\n", ",R1\n")
        chapter = opened(rows + undone, header="customer,date,amount,order")
        table = pl.from_pandas(ladder.table_ladder(chapter))
        assert table["customer"].to_list() == sorted(set(chapter.ledger["customer"]))
        summary = purchase_model.rfm(chapter)
        model = purchase_model.fit_all(summary)
        alive = model.conditional_probability_alive(summary["frequency"], summary["recency"], summary["T"])
        expected = np.select(
            [alive < 0.5, summary["frequency"] == 0, summary["frequency"] == 1], ["left", "buyer", "client"], "regular"
        )
        found = dict(table.select("customer", "rung").iter_rows())
        assert found.pop("return-only") == "left"
        assert found == dict(zip(summary["customer"], expected, strict=True))
        assert {"left", "buyer", "client", "regular"} == set(expected)

    def test_a_year_ago_is_what_the_chapter_would_have_said_then(self, opened, simulated):
        chapter = opened(simulated)
        now = standing(chapter).customers.set_index("customer")["rung_a_year_ago"].dropna()
        summary = purchase_model.rfm(chapter)
        then = opened(simulated, as_of="2022-06-30")
        climbed = ladder.climb(then, purchase_model.rfm(then), purchase_model.fit_all(summary))
        assert now.to_dict() == climbed.customers.set_index("customer")["rung"].to_dict()
        assert 0 < len(now) < len(summary)

    def test_a_return_of_this_year_undoes_nothing_a_year_ago(self, opened):
        rows = "a,2021-01-01,10,A1\na,2022-03-01,-10,A1\nb,2022-12-31,5,B1\nc,2021-01-01,5,C1\nc,2021-02-01,5,C2\n"
        customers = standing(opened(rows, header="customer,date,amount,order")).customers
        assert list(customers.set_index("customer").loc["a"]) == ["left", "buyer"]
        assert customers["rung_a_year_ago"].isna().to_list() == [False, True, False]

    def test_adherents_and_advocates_come_from_the_customers_table(self, opened, side_table):
        customers = "customer,exclusive,share_of_wallet,referred_by\na,yes,,\nb,no,90,a\nc,no,20,b\nd,no,10,\n"
        rows = "".join(f"{who},2023-0{month}-01,10\n" for who in "abcd" for month in (1, 2, 3))
        climbed = standing(opened(rows, customers=side_table("customers", customers)))
        assert climbed.unknown == ()
        assert climbed.customers["rung"].to_list() == ["advocate", "advocate", "regular", "regular"]

    def test_columns_without_an_answer_record_nothing(self, opened, side_table):
        section = side_table("customers", "customer,exclusive,share_of_wallet,referred_by\na,,,\nb,,,\n")
        chapter = opened("a,2023-01-01,10\nb,2023-01-01,10\n", customers=section)
        board = everything(chapter)
        assert board.ladder.unknown == ("advocate", "adherent")
        assert stated(chapter, board)["ladder_not_recorded"].verdict == "unknown"

    def test_where_the_model_has_run_to_a_limit_nobody_has_left(self, opened):
        """Of three customers with five purchases it says a probability of 0 for one who bought the day before."""
        rows = "a,2023-01-01,1\nb,2023-01-01,1\nb,2023-06-29,1\nc,2023-01-01,1\nc,2023-06-30,1\n"
        chapter = opened(rows, as_of="2023-06-30")
        summary = purchase_model.rfm(chapter)
        model = purchase_model.fit_all(summary)
        alive = model.conditional_probability_alive(summary["frequency"], summary["recency"], summary["T"])
        assert min(alive) < 0.5
        board = everything(chapter)
        assert board.ladder.customers["rung"].to_list() == ["buyer", "client", "client"]
        statement = stated(chapter, board)["ladder"].statement
        assert "Who has left can't be told. On purchases so few" in statement

    def test_whose_purchases_were_all_undone_is_no_customer_who_left(self, opened):
        rows = "a,2023-01-01,10,A1\na,2023-01-05,-10,A1\nb,2023-02-01,5,B1\n"
        chapter = opened(rows, header="customer,date,amount,order")
        board = everything(chapter)
        assert board.ladder.customers["rung"].to_list() == ["left", "buyer"]
        statement = stated(chapter, board)["ladder"].statement
        assert statement.startswith(
            "0% of 1 customer buys regularly or only from us; the base also holds 1 one-time buyer. "
            "Besides, 1 customer of the ledger bought nothing that stood."
        )

    def test_a_return_before_the_first_purchase_makes_no_customer_of_a_year_ago(self, opened):
        rows = "a,2021-01-01,-10\na,2023-01-01,30\nb,2021-01-01,5\nb,2023-06-30,5\n"
        customers = standing(opened(rows)).customers.set_index("customer")
        assert customers["rung_a_year_ago"].isna().to_dict() == {"a": True, "b": False}

    def test_one_time_buyers_don_t_count_among_those_who_could_have_left(self, opened, simulated):
        chapter = opened(simulated)
        board = everything(chapter)
        finding = stated(chapter, board)["ladder_lost"]
        bought = chapter.purchases.group_by("customer").agg(
            now=pl.col("date").n_unique(), then=pl.col("date").filter(pl.col("date") <= dt.date(2022, 6, 30)).n_unique()
        )
        rungs = pl.from_pandas(board.ladder.customers).join(bought, on="customer")
        could = rungs.filter((pl.col("rung_a_year_ago") != "left") & (pl.col("then") >= 2))
        gone = could.filter(pl.col("rung") == "left").height
        once = rungs.filter((pl.col("then") == 1) & (pl.col("now") == 1)).height
        assert finding.statement.startswith(
            f"Of the {could.height} customers who had bought twice or more a year ago, "
        )
        assert f" {gone} ({gone / could.height:.0%}) have left by the model" in finding.statement
        assert finding.statement.endswith(
            f"Of the {once} who have bought once only, then and up to now, it can't be told."
        )
        assert finding.question is None

    def test_without_repeat_purchases_nobody_is_said_to_have_left(self, opened):
        chapter = opened("a,2021-01-01,10\nb,2023-01-01,10\n")
        board = everything(chapter)
        assert board.ladder.customers["rung"].to_list() == ["buyer", "buyer"]
        assert board.ladder.unknown == ("advocate", "adherent")
        found = stated(chapter, board)
        assert "Who has left can't be told" in found["ladder"].statement
        assert found["ladder_not_recorded"].verdict == "unknown"
        assert "not recorded" in ladder.rung_table(chapter, board.ladder, board.rungs)._plain()

    def test_rungs_and_flows_add_up(self, opened, simulated):
        chapter = opened(simulated)
        board = everything(chapter)
        assert board.rungs["customers"].sum() == len(board.ladder.customers)
        assert board.rungs["revenue"].sum() == pytest.approx(chapter.ledger["amount"].sum())
        for side, column in (("now", "rung"), ("before", "rung_a_year_ago")):
            counted = board.ladder.customers[column].fillna("not yet a customer").value_counts().to_dict()
            assert board.flow.groupby(side)["customers"].sum().to_dict() == counted
        shown = ladder.move_table(chapter, board.flow)
        assert shown is not None
        assert shown.rows[-1][-1] == f"{len(board.ladder.customers):,}"


class TestRetention:
    def test_is_held_against_the_reference_as_what_it_comes_to_in_a_year(self, opened):
        """Ten customers buy monthly in 2022, of whom four stop in September; none is active for more than 60 days.

        At the end of June and of September all ten are active: CRR of the third quarter is 100. At the end of December
        six are: of the fourth quarter it is 60, which comes to 0.6 ** 4 = 12.96% in a year.
        """
        rows = "".join(
            f"c{who},2022-{month:02d}-{who + 10},5\n" for who in range(10) for month in range(1, 10 if who < 4 else 13)
        )
        chapter = opened(rows, as_of="2022-12-31", active_days=60)
        rates = dashboard.retention(chapter)
        quarters = rates[rates["kind"] == "quarter"].set_index("period")
        assert quarters["crr"].to_dict() == {"2022 Q2": 100, "2022 Q3": 100, "2022 Q4": 60}
        assert quarters["crr_a_year"]["2022 Q4"] == pytest.approx(12.96)
        # no year begins with active customers, so the quarter speaks
        assert set(rates["kind"]) == {"month", "quarter"}
        finding = stated(chapter, everything(chapter))["crr"]
        assert finding.value == pytest.approx(12.96)
        assert finding.verdict == "act"
        assert "60%, which comes to 13% in a year" in finding.statement

    def test_a_month_is_not_held_against_a_year(self, opened):
        rows = "".join(f"a,2023-{month:02d}-10,5\n" for month in range(1, 5))
        chapter = opened(rows, as_of="2023-04-30", active_days=60)
        finding = stated(chapter, everything(chapter))["crr"]
        assert finding.verdict == "unknown"
        assert finding.value is None
        assert "month 2023-04 is 100%; a month is too short" in finding.statement

    def test_a_quarter_in_which_more_came_back_than_were_lost_keeps_all_in_a_year(self, opened):
        """At the end of June a alone is active; at the end of September a and b, who had been silent: CRR is 200."""
        rows = "a,2023-01-01,5\nb,2023-01-02,5\na,2023-06-20,5\na,2023-09-20,5\nb,2023-09-20,5\n"
        rates = dashboard.retention(opened(rows, as_of="2023-09-30", active_days=30))
        quarter = rates[rates["period"] == "2023 Q3"].iloc[0]
        assert (quarter["crr"], quarter["crr_a_year"]) == (200, 100)

    def test_needs_time_for_anybody_to_be_lost(self, opened):
        young = opened("a,2023-01-01,10\na,2023-04-30,10\n")
        assert isinstance(dashboard.retention(young), Unsaid)


class TestFactors:
    def test_the_models_column_is_that_of_the_table_of_lifetime_values(self, opened, simulated):
        chapter = opened(simulated, margin=0.4)
        factors = everything(chapter).factors
        table = lifetime_value.table_lifetime_value(chapter)
        assert factors["model"][0] == pytest.approx(table["clv"].mean())
        assert factors["segment"].to_list() == ["all customers", "largest third", "middle third", "smallest third"]
        assert factors["customers"][1:].sum() == factors["customers"][0] == 600
        np.testing.assert_allclose(factors["profit_share"], 0.4)
        thirds = factors["customers"][1:] * factors["model"][1:]
        assert thirds.sum() == pytest.approx(table["clv"].sum())

    def test_multiply_to_the_profit_after_returns_that_name_no_purchase(self, opened):
        """40 customers bought once for 100 each and gave 37 back: each who left brought 63, half of it profit."""
        rows = "".join(f"c{n:02d},2021-01-{1 + n % 28:02d},100\nc{n:02d},2021-03-01,-37\n" for n in range(40))
        chapter = opened(rows, as_of="2023-01-01", margin=0.5)
        base = everything(chapter).factors.iloc[0]
        assert base["mean_purchase"] == pytest.approx(63)
        assert base["value"] * base["lost"] == pytest.approx(40 * 63 / 2)

    def test_are_of_the_whole_ledger_whatever_the_days_of_profit(self, opened):
        rows = "".join(f"c{n},2021-0{1 + n}-01,100,{40 + n}\n" for n in range(8)) + "new,2022-12-31,100,99\n"
        header = "customer,date,amount,cost"
        whole, window = (
            everything(opened(rows, header=header, as_of="2022-12-31", lookback_days=days)).factors
            for days in (None, 30)
        )
        assert window["value"].to_list() == whole["value"].to_list()
        assert window["profit_share"][0] == pytest.approx((9 * 100 - 8 * 40 - 28 - 99) / 900)

    def test_need_no_model(self, opened):
        """Nobody came back: S = 15, and with everybody gone C x T is the one purchase each made; LTV is 15."""
        chapter = opened("a,2021-01-01,10\nb,2021-06-01,20\n", as_of="2023-01-01")
        factors = everything(chapter).factors
        assert factors["value"].to_list() == pytest.approx([15])
        assert factors["model"].isna().all()
        assert factors["ahead"].to_list() == [0]
        assert "15.0" in str(dashboard.factor_table(chapter, factors))

    def test_are_of_the_segments_that_are_recorded(self, opened, side_table):
        customers = "customer,kind,channel\n" + "".join(f"c{n},{'firm' if n < 3 else 'person'},x\n" for n in range(9))
        rows = "".join(f"c{n},2021-0{n + 1}-01,{100 if n < 3 else 10},{80 if n < 3 else 4}\n" for n in range(9))
        rows += "new,2021-01-01,10,4\n"
        section = side_table("customers", customers)
        chapter = opened(rows, header="customer,date,amount,cost", customers=section, as_of="2023-01-01")
        factors = everything(chapter).factors.set_index("segment")
        assert factors["by"].unique().tolist() == ["kind"]
        assert factors["customers"].to_dict() == {"all customers": 10, "person": 6, "firm": 3, "not recorded": 1}
        assert factors["median_so_far"][["person", "firm"]].to_list() == [6, 20]
        # firms: 100 a purchase, a fifth of it profit; persons: 10, 60% of it
        assert factors["value"][["person", "firm"]].to_list() == pytest.approx([6, 20])

    def test_are_not_told_while_nobody_has_left(self, opened):
        chapter = opened("a,2023-01-01,10\na,2023-02-01,10\n")
        board = everything(chapter)
        assert isinstance(board.factors, Unsaid)
        assert stated(chapter, board)["ltv_factors"].verdict == "unknown"


class TestNewAgainstExisting:
    ROWS = "old,2022-05-01,100\nold,2023-05-01,300\nnew,2023-03-01,60\nnew,2023-04-01,40\n"

    def test_costs_are_set_beside_what_both_bring(self, opened, side_table):
        """In 2023 winning one took 50 + 10, keeping one 20: three quarters of the budget for 100 of 400."""
        spending = "date,purpose,amount\n2023-01-01,Acquisition,50\n2023-02-01,Привлечение клиентов,10\n"
        spending += "2023-03-01,удержание,20\n2023-04-01,existing office rent,5\n"
        # before the ledger's first line: in none of its years
        spending += "2022-04-01,acquisition,33\n"
        section = side_table("spending", spending)
        chapter = opened(self.ROWS, as_of="2023-12-31", spending=section, margin=0.5)
        board = everything(chapter)
        last = board.newcomers.iloc[-1]
        assert last[["new", "existing", "revenue_new", "revenue_existing"]].to_list() == [1, 1, 100, 300]
        assert last[["cost_of_winning", "cost_of_keeping", "spent_otherwise"]].to_list() == [60, 20, 5]
        found = stated(chapter, board)
        assert found["new_against_existing"].value == 0.25
        assert found["cost_of_winning"].value == 60
        assert "75% of the budget" in found["cost_of_winning"].statement
        assert "25% of revenue" in found["cost_of_winning"].statement
        shown = dashboard.cost_table(chapter, board.newcomers)
        assert isinstance(shown, ShownTable)
        assert "USD 5.00 more" in shown.caption
        assert "USD 33.00 was spent before 1 May 2022" in shown.caption

    def test_without_spending_its_cost_is_not_recorded(self, opened):
        chapter = opened(self.ROWS, as_of="2023-12-31")
        board = everything(chapter)
        assert isinstance(dashboard.cost_table(chapter, board.newcomers), Unsaid)
        assert stated(chapter, board)["cost_of_winning"].verdict == "unknown"

    def test_spending_of_other_years_alone_is_named(self, opened, side_table):
        section = side_table("spending", "date,purpose,amount\n2022-06-01,acquisition,50\n2022-07-01,retention,5\n")
        chapter = opened(self.ROWS, as_of="2023-12-31", spending=section)
        finding = stated(chapter, everything(chapter))["cost_of_winning"]
        assert "goes from 1 June 2022 to 1 July 2022" in finding.statement
        assert finding.verdict == "unknown"

    @pytest.mark.parametrize("first", ["2023-01-01", "2023-07-01", "2022-12-28"])
    def test_to_a_ledger_of_a_year_everybody_is_new(self, opened, side_table, first):
        section = side_table("spending", "date,purpose,amount\n2023-08-01,acquisition,50\n")
        chapter = opened(f"a,{first},10\nb,2023-09-01,5\n", as_of="2023-12-31", spending=section)
        board = everything(chapter)
        found = stated(chapter, board)
        for name in ("new_against_existing", "cost_of_winning"):
            assert found[name].verdict == "unknown"
            assert "everyone is new to it" in found[name].statement
        assert dashboard.newcomer_table(chapter, board.newcomers) is None
        assert dashboard.cost_table(chapter, board.newcomers) is None

    def test_means_stand_beside_medians(self, opened):
        rows = self.ROWS + "newer,2023-06-01,10\nnewest,2023-06-01,10\n"
        chapter = opened(rows, as_of="2023-12-31")
        shown = dashboard.newcomer_table(chapter, dashboard.newcomers(chapter))
        assert shown is not None
        # new in 2023 are three, with 100, 10 and 10: mean 40, median 10, two of three below the mean
        new, existing = shown.rows[:2]
        assert new[1:] == ("new", "3", "120", "29%", "40.0", "10.0", "67%")
        assert existing[1:] == ("existing", "1", "300", "71%", "300", "300", "0%")


class TestShareOfWallet:
    def test_is_of_the_last_year_and_of_customers_with_a_potential(self, opened, side_table):
        customers = "customer,potential\na,1000\nb,200\nprospect,9000\nc,\n"
        rows = "a,2021-01-01,700\na,2023-01-01,100\nb,2023-02-01,250\nc,2023-01-01,5\n"
        chapter = opened(rows, as_of="2023-06-30", customers=side_table("customers", customers))
        board = everything(chapter)
        assert board.wallet[["customer", "share", "left_to_win"]].to_numpy().tolist() == [
            ["a", 0.1, 900],
            ["b", 1.25, 0],
        ]
        finding = stated(chapter, board)["share_of_wallet"]
        assert finding.value == pytest.approx(350 / 1200)
        assert "1 customer bought more than the recorded potential" in finding.statement

    def test_a_ledger_of_half_a_year_is_scaled_to_one(self, opened, side_table):
        section = side_table("customers", "customer,potential\na,1000\n")
        rows = "a,2023-01-01,73\na,2023-03-14,73\n"
        # 73 days hold 146, so 365 would hold 730
        wallet = dashboard.share_of_wallet(opened(rows, as_of="2023-03-14", customers=section))
        assert wallet["bought"].to_list() == pytest.approx([730])

    def test_who_buys_little_here_but_is_on_record_as_buying_only_here_is_told(self, opened, side_table):
        """Of a, b and c, said to buy only here, b buys 10 of 100 and c 79 of 100: less than 80%. d isn't said to."""
        customers = "customer,potential,exclusive\na,100,yes\nb,100,yes\nc,100,yes\nd,100,no\ne,,yes\n"
        rows = "a,2023-01-01,80\nb,2023-01-01,10\nc,2023-01-01,79\nd,2023-01-01,1\ne,2023-01-01,1\n"
        chapter = opened(rows, as_of="2023-12-31", customers=side_table("customers", customers))
        finding = stated(chapter, everything(chapter))["share_of_wallet"]
        told = "Of 3 on record as buying only here, 2 buy less than 80% of the recorded potential: ask anew."
        assert finding.statement.endswith(told)

    def test_yes_and_no_are_no_money(self, opened, side_table):
        section = side_table("customers", "customer,potential\na,yes\nb,no\n")
        found = dashboard.share_of_wallet(opened("a,2023-01-01,10\nb,2023-01-02,5\n", customers=section))
        assert "in money a year" in found.reason


def test_a_contact_is_what_the_events_table_was_read_as(opened, side_table):
    """Words are told when the table is read, as whole cells: a note on visits is no visit."""
    events = "customer,date,kind\na,2023-01-05,Call\na,2023-01-06,письмо\na,2023-01-07,visit planned\n"
    chapter = opened("a,2023-01-01,10\nb,2023-02-01,5\n", events=side_table("events", events))
    made = profit.contacts(chapter)
    assert made is not None
    assert made["customer"].to_list() == ["a", "a"]


LITTLE = {
    "one customer": "only,2024-01-01,10\n",
    "one customer who came back": "only,2022-01-01,10\nonly,2024-01-01,10\n",
    "everything returned": "a,2022-01-01,10,A\na,2022-01-02,-10,A\nb,2024-01-01,5,B\nb,2024-01-02,-5,B\n",
    "three rows": "a,2020-01-01,1\nb,2022-01-01,2\na,2024-01-01,3\n",
    "free": "".join(f"c{n % 9},202{n % 4}-0{1 + n % 9}-11,0\n" for n in range(60)),
    "returns above purchases": "a,2022-01-01,10\na,2023-01-02,-50\nb,2022-06-01,5\nb,2023-06-01,5\n",
}


@pytest.mark.parametrize("rows", LITTLE.values(), ids=LITTLE)
def test_a_base_that_says_little_is_told_what_it_can_t_say(opened, rows):
    columns = rows.split("\n", 1)[0].count(",") + 1
    chapter = opened(rows, header=",".join(("customer", "date", "amount", "order")[:columns]))
    board = everything(chapter)
    currency, given = chapter.parameters.currency, chapter.parameters
    shown = [
        ladder.rung_table(chapter, board.ladder, board.rungs),
        ladder.move_table(chapter, board.flow),
        dashboard.retention_table(chapter, board.rates),
        dashboard.factor_table(chapter, board.factors),
        dashboard.newcomer_table(chapter, board.newcomers),
        dashboard.cost_table(chapter, board.newcomers),
        dashboard.wallet_table(chapter, board.ladder, board.wallet),
    ]
    drawn = [
        ladder_figures.rungs(board.rungs, board.ladder.unknown),
        ladder_figures.flow(board.flow),
        figures.retention(board.rates, given.reference_retention),
        figures.lifetime_values(board.factors, currency, given.horizon_days),
        figures.new_against_existing(board.newcomers, currency),
        figures.left_to_win(board.wallet, currency),
    ]
    found = stated(chapter, board)
    told = [finding.statement for finding in found.values()]
    told += [each.reason if isinstance(each, Unsaid) else each._plain() for each in shown if each is not None]
    told += [each.reason if isinstance(each, Unsaid) else each.alt for each in drawn]
    assert not [text for text in told if UNREADABLE.search(text)]
    assert all(picture.png() for picture in drawn if not isinstance(picture, Unsaid))
    assert all(finding.statement.endswith(".") for finding in found.values())
    assert len(board.ladder.customers) == chapter.ledger["customer"].n_unique()


def test_a_manager_hears_who_the_customers_are(opened, simulated):
    chapter = opened(simulated)
    found = stated(chapter, everything(chapter))
    asked = {finding.question: name for name, finding in found.items() if finding.question}
    assert asked == {"who": "ladder"}
    assert set(asked) <= set(QUESTIONS)


def test_the_table_written_keeps_text_as_text_whatever_is_missing(opened, tmp_path):
    chapter = opened("a,2023-01-01,10\n")
    ladder.write_tables(chapter, standing(chapter))
    written = pl.read_parquet(tmp_path / "run" / "tables" / "ladder.parquet")
    assert written.schema == {"customer": pl.String, "rung": pl.String, "rung_a_year_ago": pl.String}
    assert written.rows() == [("a", "buyer", None)]
