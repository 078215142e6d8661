"""What `07_key_accounts` says of the largest leaving, and of those who left, on bases whose truth is known."""

from typing import Any

import pytest

from customerbase.chapters.key_accounts import key_account_dependency, key_account_leaving
from customerbase.figures.key_accounts import key_account_dependency as dependency_figures
from customerbase.figures.key_accounts import key_account_leaving as leaving_figures
from tests.key_account_base import Worked, monthly


class TestThoseWhoLeftLongAgo:
    """`old` brought 60,000 in 2023 and nothing in 2024; eight others 1,200 in each year, `new` 2,400 in 2024."""

    @pytest.fixture
    def rows(self):
        others = [row for number in range(8) for year in (2023, 2024) for row in monthly(f"c{number}", year, 100)]
        return monthly("old", 2023, 5000) + others + monthly("new", 2024, 200)

    def test_are_no_dependency(self, key_accounts_of, rows):
        chapter = key_accounts_of(rows, "customer,date,amount", margin=0.5)
        found = Worked(chapter)
        # in all 60,000 + 8 x 2,400 + 2,400 = 81,600; in the last 365 days, all of 2024, 8 x 1,200 + 2,400 = 12,000
        assert (found.row("old")["share"], found.row("old")["dependency"]) == (pytest.approx(60000 / 81600), "critical")
        stated = found.stated["dependency"]
        assert (stated.value, stated.verdict) == (pytest.approx(0.2, rel=1e-12), "watch")
        assert stated.statement == (
            "We depend on new, who brings 20.0% of revenue in the 365 days up to 30 December 2024 (to be watched from "
            "20%; 2.9% since 10 January 2023). Since 10 January 2023 old brought 73.5%, but nothing in the last 365 "
            "days, and is no dependency. Should the largest leave, USD 2,400 of revenue (20.0%) and USD 1,200 of "
            "profit (20.0%) would go. Should the three largest leave, USD 4,800 of revenue (40.0%) and USD 2,400 of "
            "profit (40.0%) would go."
        )
        shown: Any = key_account_dependency.largest_table(chapter, found.largest)
        assert (shown.rows[0][0], *shown.rows[0][2:]) == ("old", "73.5%", "73.5%", "critical", "0.0%", "none")
        left: Any = key_account_leaving.leaving_table(chapter, found.everybody, found.cases)
        assert left.rows[0] == ("who", "old", "old, c0, c1", "new", "new, c0, c1")
        assert leaving_figures.leaving(found.cases).alt.startswith("Should the three largest leave, 40.0% of revenue")
        assert dependency_figures.largest(found.largest, chapter.parameters.dependency_limits).alt.startswith(
            "The largest customer brought 73.5% of revenue"
        )

    def test_where_nobody_is_left_it_is_said(self, key_accounts_of, rows):
        before = [row for row in rows if row[1].year == 2023]
        found = Worked(key_accounts_of(before, "customer,date,amount"))
        stated = found.stated["dependency"]
        assert (stated.value, stated.verdict) == (None, "unknown")
        assert stated.statement.startswith("Revenue isn't above zero in the 365 days up to 30 December 2024, so")
        assert found.cases["of_last_year"].to_list() == [False, False]

    def test_days_that_count_within_the_last_year_are_told_alone(self, key_accounts_of, rows):
        found = Worked(key_accounts_of(rows, "customer,date,amount", lookback_days=90))
        assert found.everybody.last_year is None
        assert "share_last_year" not in found.largest
        assert "brings 20.0% of revenue in the 90 days up to 30 December 2024 (to be" in (
            found.stated["dependency"].statement
        )


class TestVolumeDiscount:
    ROWS = ("a,2024-05-01,100,60,5", "b,2024-06-01,60,40,0", "c,2024-06-02,40,20,0", "d,2024-06-03,10,10,0")
    DISCOUNTS = "customer,volume_discount\na,10%\nb,5%\nd,20%\n"

    def test_is_the_recorded_share_of_what_is_bought_for_them(self, key_accounts_of):
        rows = [row.split(",") for row in self.ROWS]
        chapter = key_accounts_of(rows, "customer,date,amount,cost,discount", self.DISCOUNTS)
        found = Worked(chapter)
        shown: Any = key_account_leaving.leaving_table(chapter, found.everybody, found.cases)
        facts = {row[0]: row[1:] for row in shown.rows}
        # 60 x 10%, and 40 x 5% more; of c nothing is recorded
        assert facts[key_account_leaving.VOLUME_DISCOUNT_LOST] == ("USD 6.00", "USD 8.00 (of 2 of them)")
        assert facts["volume we buy for them"] == ("USD 60.00 (46.2%)", "USD 120 (92.3%)")
        assert facts["volume discount recorded of them"] == ("10%", "10%, 5%, not recorded")
        assert facts["discounts given to them"] == ("USD 5.00", "USD 5.00")
        assert found.stated["supplier_volume"].statement == (
            "With the three largest would go 92.3% of the volume we bought from 1 May 2024 to 30 December 2024. If the "
            "volume discount recorded of them (10%, 5%, not recorded) is what their volume earns us from suppliers, "
            "USD 8.00 of it would be lost; if it is what we give them, none."
        )

    def test_of_a_margin_there_is_no_volume(self, key_accounts_of):
        rows = [row.split(",")[:3] for row in self.ROWS]
        chapter = key_accounts_of(rows, "customer,date,amount", self.DISCOUNTS, margin=0.4)
        found = Worked(chapter)
        assert found.stated["supplier_volume"].verdict == "unknown"
        assert "volume we buy" not in leaving_figures.leaving(found.cases).alt
