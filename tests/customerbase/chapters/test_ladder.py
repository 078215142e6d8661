"""The ladder of commitment of `02_portrait`, on small bases whose truth is known."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from customerbase.chapter import Chapter
from customerbase.chapters import purchase_model
from customerbase.chapters.portrait import ladder
from tests.dashboard_base import everything, stated


def standing(chapter: Chapter) -> ladder.Ladder:
    summary = purchase_model.rfm(chapter)
    return ladder.climb(chapter, summary, purchase_model.fit_all(summary))


class TestLadder:
    def test_every_customer_stands_where_the_purchases_and_the_model_say(self, dashboard_of, simulated):
        returned = "return-only,2023-01-05,20\nreturn-only,2023-01-09,-20\n"
        rows = simulated.with_columns(order=pl.lit("")).write_csv(include_header=False)
        undone = returned.replace("\n", ",R1\n")
        chapter = dashboard_of(rows + undone, header="customer,date,amount,order")
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

    def test_a_year_ago_is_what_the_chapter_would_have_said_then(self, dashboard_of, simulated):
        chapter = dashboard_of(simulated)
        now = standing(chapter).customers.set_index("customer")["rung_a_year_ago"].dropna()
        summary = purchase_model.rfm(chapter)
        then = dashboard_of(simulated, as_of="2022-06-30")
        climbed = ladder.climb(then, purchase_model.rfm(then), purchase_model.fit_all(summary))
        assert now.to_dict() == climbed.customers.set_index("customer")["rung"].to_dict()
        assert 0 < len(now) < len(summary)

    def test_a_return_of_this_year_undoes_nothing_a_year_ago(self, dashboard_of):
        rows = "a,2021-01-01,10,A1\na,2022-03-01,-10,A1\nb,2022-12-31,5,B1\nc,2021-01-01,5,C1\nc,2021-02-01,5,C2\n"
        customers = standing(dashboard_of(rows, header="customer,date,amount,order")).customers
        assert list(customers.set_index("customer").loc["a"]) == ["left", "buyer"]
        assert customers["rung_a_year_ago"].isna().to_list() == [False, True, False]

    def test_adherents_and_advocates_come_from_the_customers_table(self, dashboard_of, side_table):
        customers = "customer,exclusive,share_of_wallet,referred_by\na,yes,,\nb,no,90,a\nc,no,20,b\nd,no,10,\n"
        rows = "".join(f"{who},2023-0{month}-01,10\n" for who in "abcd" for month in (1, 2, 3))
        climbed = standing(dashboard_of(rows, customers=side_table("customers", customers)))
        assert climbed.unknown == ()
        assert climbed.customers["rung"].to_list() == ["advocate", "advocate", "regular", "regular"]

    def test_columns_without_an_answer_record_nothing(self, dashboard_of, side_table):
        section = side_table("customers", "customer,exclusive,share_of_wallet,referred_by\na,,,\nb,,,\n")
        chapter = dashboard_of("a,2023-01-01,10\nb,2023-01-01,10\n", customers=section)
        board = everything(chapter)
        assert board.ladder.unknown == ("advocate", "adherent")
        assert stated(chapter, board)["ladder_not_recorded"].verdict == "unknown"

    def test_where_the_model_has_run_to_a_limit_nobody_has_left(self, dashboard_of):
        """Of three customers with five purchases it says a probability of 0 for one who bought the day before."""
        rows = "a,2023-01-01,1\nb,2023-01-01,1\nb,2023-06-29,1\nc,2023-01-01,1\nc,2023-06-30,1\n"
        chapter = dashboard_of(rows, as_of="2023-06-30")
        summary = purchase_model.rfm(chapter)
        model = purchase_model.fit_all(summary)
        alive = model.conditional_probability_alive(summary["frequency"], summary["recency"], summary["T"])
        assert min(alive) < 0.5
        board = everything(chapter)
        assert board.ladder.customers["rung"].to_list() == ["buyer", "client", "client"]
        statement = stated(chapter, board)["ladder"].statement
        assert "Who has left can't be told. On purchases so few" in statement

    def test_whose_purchases_were_all_undone_is_no_customer_who_left(self, dashboard_of):
        rows = "a,2023-01-01,10,A1\na,2023-01-05,-10,A1\nb,2023-02-01,5,B1\n"
        chapter = dashboard_of(rows, header="customer,date,amount,order")
        board = everything(chapter)
        assert board.ladder.customers["rung"].to_list() == ["left", "buyer"]
        statement = stated(chapter, board)["ladder"].statement
        assert statement.startswith(
            "0% of 1 customer buys regularly; the base also holds 1 one-time buyer. "
            "Besides, 1 customer of the ledger bought nothing that stood."
        )

    def test_a_return_before_the_first_purchase_makes_no_customer_of_a_year_ago(self, dashboard_of):
        rows = "a,2021-01-01,-10\na,2023-01-01,30\nb,2021-01-01,5\nb,2023-06-30,5\n"
        customers = standing(dashboard_of(rows)).customers.set_index("customer")
        assert customers["rung_a_year_ago"].isna().to_dict() == {"a": True, "b": False}

    def test_one_time_buyers_don_t_count_among_those_who_could_have_left(self, dashboard_of, simulated):
        chapter = dashboard_of(simulated)
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

    def test_without_repeat_purchases_nobody_is_said_to_have_left(self, dashboard_of):
        chapter = dashboard_of("a,2021-01-01,10\nb,2023-01-01,10\n")
        board = everything(chapter)
        assert board.ladder.customers["rung"].to_list() == ["buyer", "buyer"]
        assert board.ladder.unknown == ("advocate", "adherent")
        found = stated(chapter, board)
        assert "Who has left can't be told" in found["ladder"].statement
        assert found["ladder_not_recorded"].verdict == "unknown"
        assert "not recorded" in ladder.rung_table(chapter, board.ladder, board.rungs)._plain()

    def test_rungs_and_flows_add_up(self, dashboard_of, simulated):
        chapter = dashboard_of(simulated)
        board = everything(chapter)
        assert board.rungs["customers"].sum() == len(board.ladder.customers)
        assert board.rungs["revenue"].sum() == pytest.approx(chapter.ledger["amount"].sum())
        for side, column in (("now", "rung"), ("before", "rung_a_year_ago")):
            counted = board.ladder.customers[column].fillna("not yet a customer").value_counts().to_dict()
            assert board.flow.groupby(side)["customers"].sum().to_dict() == counted
        shown = ladder.move_table(chapter, board.flow)
        assert shown is not None
        assert shown.rows[-1][-1] == f"{len(board.ladder.customers):,}"


def test_the_table_written_keeps_text_as_text_whatever_is_missing(dashboard_of, tmp_path):
    chapter = dashboard_of("a,2023-01-01,10\n")
    ladder.write_tables(chapter, standing(chapter))
    written = pl.read_parquet(tmp_path / "run" / "tables" / "ladder.parquet")
    assert written.schema == {"customer": pl.String, "rung": pl.String, "rung_a_year_ago": pl.String}
    assert written.rows() == [("a", "buyer", None)]
