"""The customer retention rate of `02_portrait`, on small bases whose truth is known."""

import pytest

from customerbase.chapters.portrait import retention_rate
from customerbase.unsaid import Unsaid
from tests.dashboard_base import everything, stated


class TestRetention:
    def test_is_held_against_the_reference_as_what_it_comes_to_in_a_year(self, dashboard_of):
        """Ten customers buy monthly in 2022, of whom four stop in September; none is active for more than 60 days.

        At the end of June and of September all ten are active: CRR of the third quarter is 100. At the end of December
        six are: of the fourth quarter it is 60, which comes to 0.6 ** 4 = 12.96% in a year.
        """
        rows = "".join(
            f"c{who},2022-{month:02d}-{who + 10},5\n" for who in range(10) for month in range(1, 10 if who < 4 else 13)
        )
        chapter = dashboard_of(rows, as_of="2022-12-31", active_days=60)
        rates = retention_rate.retention(chapter)
        quarters = rates[rates["kind"] == "quarter"].set_index("period")
        assert quarters["crr"].to_dict() == {"2022 Q2": 100, "2022 Q3": 100, "2022 Q4": 60}
        assert quarters["crr_a_year"]["2022 Q4"] == pytest.approx(12.96)
        # no year begins with active customers, so the quarter speaks
        assert set(rates["kind"]) == {"month", "quarter"}
        finding = stated(chapter, everything(chapter))["crr"]
        assert finding.value == pytest.approx(12.96)
        assert finding.verdict == "act"
        assert "60%, which comes to 13% in a year" in finding.statement

    def test_a_month_is_not_held_against_a_year(self, dashboard_of):
        rows = "".join(f"a,2023-{month:02d}-10,5\n" for month in range(1, 5))
        chapter = dashboard_of(rows, as_of="2023-04-30", active_days=60)
        finding = stated(chapter, everything(chapter))["crr"]
        assert finding.verdict == "unknown"
        assert finding.value is None
        assert "month 2023-04 is 100%; a month is too short" in finding.statement

    def test_a_quarter_in_which_more_came_back_than_were_lost_keeps_all_in_a_year(self, dashboard_of):
        """At the end of June a alone is active; at the end of September a and b, who had been silent: CRR is 200."""
        rows = "a,2023-01-01,5\nb,2023-01-02,5\na,2023-06-20,5\na,2023-09-20,5\nb,2023-09-20,5\n"
        rates = retention_rate.retention(dashboard_of(rows, as_of="2023-09-30", active_days=30))
        quarter = rates[rates["period"] == "2023 Q3"].iloc[0]
        assert (quarter["crr"], quarter["crr_a_year"]) == (200, 100)

    def test_needs_time_for_anybody_to_be_lost(self, dashboard_of):
        young = dashboard_of("a,2023-01-01,10\na,2023-04-30,10\n")
        assert isinstance(retention_rate.retention(young), Unsaid)
