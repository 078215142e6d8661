"""New customers against existing ones in `02_portrait`, on small bases whose truth is known."""

import pytest

from customerbase.chapters.portrait import acquisition_cost, new_and_existing
from tests.dashboard_base import everything, stated


class TestNewAgainstExisting:
    ROWS = "old,2022-05-01,100\nold,2023-05-01,300\nnew,2023-03-01,60\nnew,2023-04-01,40\n"

    @pytest.mark.parametrize("first", ["2023-01-01", "2023-07-01", "2022-12-28"])
    def test_to_a_ledger_of_a_year_everybody_is_new(self, dashboard_of, side_table, first):
        section = side_table("spending", "date,purpose,amount\n2023-08-01,acquisition,50\n")
        chapter = dashboard_of(f"a,{first},10\nb,2023-09-01,5\n", as_of="2023-12-31", spending=section)
        board = everything(chapter)
        found = stated(chapter, board)
        for name in ("new_against_existing", "cost_of_winning"):
            assert found[name].verdict == "unknown"
            assert "everyone is new to it" in found[name].statement
        assert new_and_existing.newcomer_table(chapter, board.newcomers) is None
        assert acquisition_cost.cost_table(chapter, board.newcomers) is None

    def test_means_stand_beside_medians(self, dashboard_of):
        rows = self.ROWS + "newer,2023-06-01,10\nnewest,2023-06-01,10\n"
        chapter = dashboard_of(rows, as_of="2023-12-31")
        shown = new_and_existing.newcomer_table(chapter, new_and_existing.newcomers(chapter))
        assert shown is not None
        # new in 2023 are three, with 100, 10 and 10: mean 40, median 10, two of three below the mean
        new, existing = shown.rows[:2]
        assert new[1:] == ("new", "3", "120", "29%", "40.0", "10.0", "67%")
        assert existing[1:] == ("existing", "1", "300", "71%", "300", "300", "0%")
