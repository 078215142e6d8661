"""What winning and keeping customers costs in `02_portrait`, on small bases whose truth is known."""

from customerbase.chapters.portrait import acquisition_cost
from customerbase.shown_table import ShownTable
from customerbase.unsaid import Unsaid
from tests.dashboard_base import everything, stated


class TestCostOfWinning:
    ROWS = "old,2022-05-01,100\nold,2023-05-01,300\nnew,2023-03-01,60\nnew,2023-04-01,40\n"

    def test_costs_are_set_beside_what_both_bring(self, dashboard_of, side_table):
        """In 2023 winning one took 50 + 10, keeping one 20: three quarters of the budget for 100 of 400."""
        spending = "date,purpose,amount\n2023-01-01,Acquisition,50\n2023-02-01,Привлечение клиентов,10\n"
        spending += "2023-03-01,удержание,20\n2023-04-01,existing office rent,5\n"
        # before the ledger's first line: in none of its years
        spending += "2022-04-01,acquisition,33\n"
        section = side_table("spending", spending)
        chapter = dashboard_of(self.ROWS, as_of="2023-12-31", spending=section, margin=0.5)
        board = everything(chapter)
        last = board.newcomers.iloc[-1]
        assert last[["new", "existing", "revenue_new", "revenue_existing"]].to_list() == [1, 1, 100, 300]
        assert last[["cost_of_winning", "cost_of_keeping", "spent_otherwise"]].to_list() == [60, 20, 5]
        found = stated(chapter, board)
        assert found["new_against_existing"].value == 0.25
        assert found["cost_of_winning"].value == 60
        assert "75% of the budget" in found["cost_of_winning"].statement
        assert "25% of revenue" in found["cost_of_winning"].statement
        shown = acquisition_cost.cost_table(chapter, board.newcomers)
        assert isinstance(shown, ShownTable)
        assert "USD 5.00 more" in shown.caption
        assert "USD 33.00 was spent before 1 May 2022" in shown.caption

    def test_without_spending_its_cost_is_not_recorded(self, dashboard_of):
        chapter = dashboard_of(self.ROWS, as_of="2023-12-31")
        board = everything(chapter)
        assert isinstance(acquisition_cost.cost_table(chapter, board.newcomers), Unsaid)
        assert stated(chapter, board)["cost_of_winning"].verdict == "unknown"

    def test_spending_of_other_years_alone_is_named(self, dashboard_of, side_table):
        section = side_table("spending", "date,purpose,amount\n2022-06-01,acquisition,50\n2022-07-01,retention,5\n")
        chapter = dashboard_of(self.ROWS, as_of="2023-12-31", spending=section)
        finding = stated(chapter, everything(chapter))["cost_of_winning"]
        assert "goes from 1 June 2022 to 1 July 2022" in finding.statement
        assert finding.verdict == "unknown"
