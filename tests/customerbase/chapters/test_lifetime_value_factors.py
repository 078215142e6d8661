"""LTV by its factors in `02_portrait`, on small bases whose truth is known."""

import numpy as np
import pytest

from customerbase.chapters.lifetime_value import lifetime_value
from customerbase.chapters.portrait import lifetime_value_factors
from customerbase.unsaid import Unsaid
from tests.dashboard_base import everything, stated


class TestFactors:
    def test_the_models_column_is_that_of_the_table_of_lifetime_values(self, dashboard_of, simulated):
        chapter = dashboard_of(simulated, margin=0.4)
        factors = everything(chapter).factors
        table = lifetime_value.table_lifetime_value(chapter)
        assert factors["model"][0] == pytest.approx(table["clv"].mean())
        assert factors["segment"].to_list() == ["all customers", "largest third", "middle third", "smallest third"]
        assert factors["customers"][1:].sum() == factors["customers"][0] == 600
        np.testing.assert_allclose(factors["profit_share"], 0.4)
        thirds = factors["customers"][1:] * factors["model"][1:]
        assert thirds.sum() == pytest.approx(table["clv"].sum())

    def test_multiply_to_the_profit_after_returns_that_name_no_purchase(self, dashboard_of):
        """40 customers bought once for 100 each and gave 37 back: each who left brought 63, half of it profit."""
        rows = "".join(f"c{n:02d},2021-01-{1 + n % 28:02d},100\nc{n:02d},2021-03-01,-37\n" for n in range(40))
        chapter = dashboard_of(rows, as_of="2023-01-01", margin=0.5)
        base = everything(chapter).factors.iloc[0]
        assert base["mean_purchase"] == pytest.approx(63)
        assert base["value"] * base["lost"] == pytest.approx(40 * 63 / 2)

    def test_are_of_the_whole_ledger_whatever_the_days_of_profit(self, dashboard_of):
        rows = "".join(f"c{n},2021-0{1 + n}-01,100,{40 + n}\n" for n in range(8)) + "new,2022-12-31,100,99\n"
        header = "customer,date,amount,cost"
        whole, window = (
            everything(dashboard_of(rows, header=header, as_of="2022-12-31", lookback_days=days)).factors
            for days in (None, 30)
        )
        assert window["value"].to_list() == whole["value"].to_list()
        assert window["profit_share"][0] == pytest.approx((9 * 100 - 8 * 40 - 28 - 99) / 900)

    def test_need_no_model(self, dashboard_of):
        """Nobody came back: S = 15, and with everybody gone C x T is the one purchase each made; LTV is 15."""
        chapter = dashboard_of("a,2021-01-01,10\nb,2021-06-01,20\n", as_of="2023-01-01")
        factors = everything(chapter).factors
        assert factors["value"].to_list() == pytest.approx([15])
        assert factors["model"].isna().all()
        assert factors["ahead"].to_list() == [0]
        assert "15.0" in str(lifetime_value_factors.factor_table(chapter, factors))

    def test_are_of_the_segments_that_are_recorded(self, dashboard_of, side_table):
        customers = "customer,kind,channel\n" + "".join(f"c{n},{'firm' if n < 3 else 'person'},x\n" for n in range(9))
        rows = "".join(f"c{n},2021-0{n + 1}-01,{100 if n < 3 else 10},{80 if n < 3 else 4}\n" for n in range(9))
        rows += "new,2021-01-01,10,4\n"
        section = side_table("customers", customers)
        chapter = dashboard_of(rows, header="customer,date,amount,cost", customers=section, as_of="2023-01-01")
        factors = everything(chapter).factors.set_index("segment")
        assert factors["by"].unique().tolist() == ["kind"]
        assert factors["customers"].to_dict() == {"all customers": 10, "person": 6, "firm": 3, "not recorded": 1}
        assert factors["median_so_far"][["person", "firm"]].to_list() == [6, 20]
        # firms: 100 a purchase, a fifth of it profit; persons: 10, 60% of it
        assert factors["value"][["person", "firm"]].to_list() == pytest.approx([6, 20])

    def test_are_not_told_while_nobody_has_left(self, dashboard_of):
        chapter = dashboard_of("a,2023-01-01,10\na,2023-02-01,10\n")
        board = everything(chapter)
        assert isinstance(board.factors, Unsaid)
        assert stated(chapter, board)["ltv_factors"].verdict == "unknown"
