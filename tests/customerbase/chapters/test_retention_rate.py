"""The customer retention rate of `02_portrait`, on small bases whose truth is known."""

import pandas as pd
import pytest

from customerbase.chapters.portrait import retention_rate
from customerbase.figures.portrait import retention_rate as figures
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

    def test_of_newly_won_customers_is_not_held_against_a_whole_base(self, dashboard_of):
        """Ten are won by April; at the end of June all are active, at the end of September two."""
        rows = "".join(f"c{who},2023-04-{who + 10},5\n" for who in range(10))
        rows += "c1,2023-09-20,5\nc2,2023-09-20,5\nold,2023-01-01,5\n"
        chapter = dashboard_of(rows, as_of="2023-09-30", active_days=90)
        board = everything(chapter)
        assert board.rates.iloc[-1][["period", "newly_won", "crr"]].tolist() == ["2023 Q3", 1.0, 20.0]
        finding = stated(chapter, board)["crr"]
        assert finding.verdict == "note"
        assert "10 customers active at its start 100% had first bought in the 90 days before" in finding.statement
        assert "isn't to be held against the 70% a year" in finding.statement

    def test_made_up_by_those_who_came_back_tells_not_how_many_stay(self, dashboard_of):
        """Of the two active at the end of June one is silent at the end of September, and one came back."""
        rows = "a,2023-01-01,5\nb,2023-01-02,5\nc,2023-01-03,5\na,2023-06-20,5\nb,2023-06-20,5\n"
        rows += "a,2023-09-20,5\nc,2023-09-20,5\n"
        chapter = dashboard_of(rows, as_of="2023-09-30", active_days=30)
        finding = stated(chapter, everything(chapter))["crr"]
        assert (finding.verdict, finding.value) == ("note", 100.0)
        assert "is 100%, since 1 fell silent and 1 who had been silent came back" in finding.statement

    def test_a_year_that_ends_today_is_told_once(self, dashboard_of):
        rows = "".join(f"a,{year}-{month:02d}-10,5\n" for year in (2021, 2022) for month in range(1, 13))
        rates = retention_rate.retention(dashboard_of(rows, as_of="2022-12-31", active_days=60))
        assert retention_rate.latest_rates(rates)["kind"].tolist() == ["month", "quarter", "year"]
        assert rates["kind"].iloc[-1] == retention_rate.LAST_YEAR

    def test_needs_time_for_anybody_to_be_lost(self, dashboard_of):
        young = dashboard_of("a,2023-01-01,10\na,2023-04-30,10\n")
        assert isinstance(retention_rate.retention(young), Unsaid)


@pytest.mark.parametrize(
    ("newly_won", "says"), [(0.2, "below the 70% a year"), (0.95, "95% of the customers at its start")]
)
def test_the_reference_stands_in_the_figure_beside_years_of_a_whole_base_alone(newly_won, says):
    ends = pd.to_datetime(["2022-12-31", "2023-12-31", "2023-03-31", "2023-12-31"])
    kinds, crr = ["quarter", "quarter", "year", "year"], [90.0, 92.0, 60.0, 65.0]
    rates = pd.DataFrame({"kind": kinds, "period": "2023", "end": ends, "crr": crr, "crr_a_year": crr})
    picture = figures.retention(rates.assign(newly_won=newly_won, kept=5, customers_start=10), 0.7)
    assert says in picture.alt
    (ax,) = picture.figure.axes
    lines = [line.get_xdata() for line in ax.lines if set(line.get_ydata()) == {70}]
    assert len(lines) == (newly_won < 0.5)
    assert all(pd.Timestamp(days[0]) > ends[0] for days in lines)
