"""Share of wallet in `02_portrait`, on small bases whose truth is known."""

import pytest

from customerbase.chapters.portrait import share_of_wallet
from tests.dashboard_base import everything, stated


class TestShareOfWallet:
    def test_is_of_the_last_year_and_of_customers_with_a_potential(self, dashboard_of, side_table):
        customers = "customer,potential\na,1000\nb,200\nprospect,9000\nc,\n"
        rows = "a,2021-01-01,700\na,2023-01-01,100\nb,2023-02-01,250\nc,2023-01-01,5\n"
        chapter = dashboard_of(rows, as_of="2023-06-30", customers=side_table("customers", customers))
        board = everything(chapter)
        assert board.wallet[["customer", "share", "left_to_win"]].to_numpy().tolist() == [
            ["a", 0.1, 900],
            ["b", 1.25, 0],
        ]
        finding = stated(chapter, board)["share_of_wallet"]
        assert finding.value == pytest.approx(350 / 1200)
        assert "1 customer bought more than the recorded potential" in finding.statement

    def test_a_ledger_of_half_a_year_is_scaled_to_one(self, dashboard_of, side_table):
        section = side_table("customers", "customer,potential\na,1000\n")
        rows = "a,2023-01-01,73\na,2023-03-14,73\n"
        # 73 days hold 146, so 365 would hold 730
        wallet = share_of_wallet.share_of_wallet(dashboard_of(rows, as_of="2023-03-14", customers=section))
        assert wallet["bought"].to_list() == pytest.approx([730])

    def test_who_buys_little_here_but_is_on_record_as_buying_only_here_is_told(self, dashboard_of, side_table):
        """Of a, b and c, said to buy only here, b buys 10 of 100 and c 79 of 100: less than 80%. d isn't said to."""
        customers = "customer,potential,exclusive\na,100,yes\nb,100,yes\nc,100,yes\nd,100,no\ne,,yes\n"
        rows = "a,2023-01-01,80\nb,2023-01-01,10\nc,2023-01-01,79\nd,2023-01-01,1\ne,2023-01-01,1\n"
        chapter = dashboard_of(rows, as_of="2023-12-31", customers=side_table("customers", customers))
        finding = stated(chapter, everything(chapter))["share_of_wallet"]
        told = "Of 3 on record as buying only here, 2 buy less than 80% of the recorded potential: ask anew."
        assert finding.statement.endswith(told)

    def test_yes_and_no_are_no_money(self, dashboard_of, side_table):
        section = side_table("customers", "customer,potential\na,yes\nb,no\n")
        found = share_of_wallet.share_of_wallet(dashboard_of("a,2023-01-01,10\nb,2023-01-02,5\n", customers=section))
        assert "in money a year" in found.reason
