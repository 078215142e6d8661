"""Twenty customers whose every figure is worked out by hand: the working stands here, beside each expected number.

The firm sells from 1 January 2024 to 31 December 2025, the last day observed. One row of the ledger is one order;
`amount` is after `discount`. A month's letter: 2024 has January to December, 2025 again, 24 months in all.

    key  when bought                        each                  amount    discount   cost    revenue   profit
    c01  10th of all 24 months              1,400 - 150           1,250     150        1,000   30,000     6,000
    c02  15th of all 24 months              750                     750       0          450   18,000     7,200
    c03  5 Jan, Apr, Jul, Oct (8 times)     2,000 - 500           1,500     500        1,600   12,000      -800
    c04  20 Feb, Apr, ... Dec (12 times)    750                     750       0          500    9,000     3,000
    c05  12th of the 12 months of 2025      500                     500       0          300    6,000     2,400
    c06  25th of all 24 months              125, 375 in turn        250 *     0          150 *  6,000     2,400
    c07  8 Jan, Feb, Mar, Apr 2024          1,000                 1,000       0          600    4,000     1,600
    c08  3 Sep, Oct, Nov 2025               1,000                 1,000       0          700    3,000       900
    c09  17 Jun 2024: 2,000; 17 Jun 2025: 1,000                             0  1,300, 700       3,000     1,000
    c10  4 Mar, May, Jul, Sep, Nov 2025     500, July's returned    500       0          300    2,000       800
    c11  9 Sep 2024                         2,000                 2,000       0        1,200    2,000       800
    c12  6 May, Jun, Jul 2024               500                     500       0          300    1,500       600
    c13  14 Oct, Nov 2025                   500                     500       0          300    1,000       400
    c14  2 Dec 2025                         1,000                 1,000       0          600    1,000       400
    c15  11 Aug, Nov 2025                   400                     400       0          250      800       300
    c16  16 Dec 2024                        700                     700       0          400      700       300
    c17  19 May 2025                        400                     400       0          250      400       150
    c18  7 Apr, Oct 2025                    100                     100       0           80      200        40
    c19  3 Feb (returned 10 Feb), 3 Jun 2025  100                   100       0           60      100        40
    c20  1 Mar 2024; 1,000 given back on 20 Mar, for no known order 300     0          200     -700      -900
                                                                                              -------   ------
                                                                                              100,000   26,630
    * means

    Revenue: 30 + 18 + 12 + 9 + 6 + 6 = 81 thousand; + 4 + 3 + 3 + 2 + 2 = 95; + 1.5 + 1 + 1 + .8 + .7 + .4 + .2 + .1
    = 100.7; - .7 = 100. Profit: 6,000 + 7,200 - 800 + 3,000 + 2,400 + 2,400 = 20,200; + 1,600 + 900 + 1,000 + 800 + 800
    = 25,300; + 600 + 400 + 400 + 300 + 300 + 150 + 40 + 40 = 27,530; - 900 = 26,630.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from math import sqrt
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
import yaml
from lifetimes import BetaGeoFitter

from customerbase.chapter import Chapter
from customerbase.chapters import profit, purchase_model
from customerbase.chapters.abc_xyz import abc_xyz, unprofitable
from customerbase.chapters.key_accounts import key_account_load, key_account_standing, key_accounts
from customerbase.chapters.playbook import playbook
from customerbase.chapters.portrait import ladder, lenses, lifetime_value_factors, new_and_existing, share_of_wallet
from customerbase.parameters import read_parameters
from models import customer_base_audit as audit
from models.abc_xyz import nine_cells, reconciled
from models.cohorts import cohort_activity
from models.concentration import gini, herfindahl
from models.key_accounts import without_the_largest
from models.lens2_two_periods import compare_periods, flows
from models.lens5_whole_base import base_by_cohort
from models.periods import latest_period, two_periods
from models.profit_factors import split
from models.retention_between import retention_between

OPENED = dt.date(2024, 1, 1)
CUSTOMERS = [f"c{number:02d}" for number in range(1, 21)]
ALL = range(1, 13)
#: customer: day of the month, months of 2024, months of 2025, amount, discount, cost.
REGULAR: dict[str, tuple[int, Any, Any, float, float, float]] = {
    "c01": (10, ALL, ALL, 1250, 150, 1000),
    "c02": (15, ALL, ALL, 750, 0, 450),
    "c03": (5, (1, 4, 7, 10), (1, 4, 7, 10), 1500, 500, 1600),
    "c04": (20, range(2, 13, 2), range(2, 13, 2), 750, 0, 500),
    "c05": (12, (), ALL, 500, 0, 300),
    "c07": (8, (1, 2, 3, 4), (), 1000, 0, 600),
    "c08": (3, (), (9, 10, 11), 1000, 0, 700),
    "c10": (4, (), (3, 5, 7, 9, 11), 500, 0, 300),
    "c11": (9, (9,), (), 2000, 0, 1200),
    "c12": (6, (5, 6, 7), (), 500, 0, 300),
    "c13": (14, (), (10, 11), 500, 0, 300),
    "c14": (2, (), (12,), 1000, 0, 600),
    "c15": (11, (), (8, 11), 400, 0, 250),
    "c16": (16, (12,), (), 700, 0, 400),
    "c17": (19, (), (5,), 400, 0, 250),
    "c18": (7, (), (4, 10), 100, 0, 80),
    "c19": (3, (), (2, 6), 100, 0, 60),
    "c20": (1, (3,), (), 300, 0, 200),
}
#: North: Ann has c01, c02; Bob has c03, c04, c05. South: Cleo has the others.
MANAGER = {"c01": "Ann", "c02": "Ann", "c03": "Bob", "c04": "Bob", "c05": "Bob"}
PARTICULARS = """\
customer,exclusive,share_of_wallet,potential,reputation,innovator,demanding,referred_by,volume_discount,consent
c01,no,,,no,no,no,,10%,yes
c02,yes,,,no,no,no,,0%,yes
c03,no,,,no,no,no,,25%,no
c04,no,85%,,no,no,no,,0%,yes
c05,no,25%,24000,no,no,no,,0%,yes
c06,no,,,no,no,no,,0%,
c07,no,,,no,no,no,,0%,yes
c08,no,,,no,no,no,,0%,yes
c09,no,40%,5000,no,no,no,,0%,yes
c10,no,,6000,no,no,no,,0%,yes
c14,no,,,yes,no,no,c04,0%,yes
c15,no,,,no,yes,no,,0%,no
c18,no,,,no,no,yes,,0%,yes
"""
SPENDING = "date,purpose,amount\n" + "".join(
    f"2025-{month:02d}-01,acquisition,375\n2025-{month:02d}-01,retention,100\n" for month in ALL
)


def ledger() -> str:
    """Write the ledger as its table above says."""
    rows = []
    for customer, (day, earlier, later, amount, discount, cost) in REGULAR.items():
        rows += [
            (customer, dt.date(year, month, day), amount, discount, cost)
            for year, months in ((2024, earlier), (2025, later))
            for month in months
        ]
    for year in (2024, 2025):
        for month in ALL:
            amount = 125 if month % 2 else 375
            rows.append(("c06", dt.date(year, month, 25), amount, 0, amount * 0.6))
    rows += [("c09", dt.date(2024, 6, 17), 2000, 0, 1300), ("c09", dt.date(2025, 6, 17), 1000, 0, 700)]
    lines = ["customer,date,order,amount,discount,cost,kind,manager,department"]
    for customer, bought, amount, discount, cost in sorted(rows, key=lambda row: (row[1], row[0])):
        manager = MANAGER.get(customer, "Cleo")
        terms = f"{manager},{'South' if manager == 'Cleo' else 'North'}"
        lines.append(f"{customer},{bought},{customer}-{bought},{amount},{discount},{cost},sale,{terms}")
    lines += [
        "c10,2025-07-10,c10-2025-07-04,-500,0,-300,return,Cleo,South",
        "c19,2025-02-10,c19-2025-02-03,-100,0,-60,return,Cleo,South",
        "c20,2024-03-20,unknown,-1000,0,0,return,Cleo,South",
    ]
    return "\n".join(lines) + "\n"


def section(file: Path, text: str) -> dict[str, Any]:
    file.write_text(text, encoding="utf-8")
    return {"path": str(file), "columns": {name: name for name in text.partition("\n")[0].split(",")}}


@pytest.fixture(scope="module")
def open_at(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Chapter]:
    """Open a chapter on the twenty, taken in as every base is."""
    folder = tmp_path_factory.mktemp("twenty")
    given = {
        "base": "twenty",
        "ledger": section(folder / "ledger.csv", ledger()),
        "customers": section(folder / "customers.csv", PARTICULARS),
        "spending": section(folder / "spending.csv", SPENDING),
        "as_of": "2025-12-31",
        "active_days": 180,
    }

    def open_(name: str, **terms: Any) -> Chapter:
        file = folder / "twenty.yml"
        file.write_text(yaml.safe_dump(given | terms), encoding="utf-8")
        chapter = Chapter(name, read_parameters(file))
        chapter.folder = folder / "by-hand"
        return chapter

    return open_


@pytest.fixture(scope="module")
def base(open_at: Callable[..., Chapter]) -> Chapter:
    return open_at("02_portrait")


def by_customer(table: pd.DataFrame | pl.DataFrame, column: str) -> dict[str, Any]:
    return dict(zip(table["customer"], table[column], strict=True))


def of_all(*values: Any) -> dict[str, Any]:
    """Give the twenty their values in turn."""
    return dict(zip(CUSTOMERS, values, strict=True))


# fmt: off
REVENUE = of_all(30000, 18000, 12000, 9000, 6000, 6000, 4000, 3000, 3000, 2000,
                 2000, 1500, 1000, 1000, 800, 700, 400, 200, 100, -700)
PROFIT = of_all(6000, 7200, -800, 3000, 2400, 2400, 1600, 900, 1000, 800,
                800, 600, 400, 400, 300, 300, 150, 40, 40, -900)
#: Days with a sale, those later undone included: c10 has five, c19 two.
SALE_DAYS = of_all(24, 24, 8, 12, 12, 24, 4, 3, 2, 5, 1, 3, 2, 1, 2, 1, 1, 2, 2, 1)
#: Purchases that stood.
PURCHASES = SALE_DAYS | {"c10": 4, "c19": 1}
# fmt: on


# Profit


def test_what_each_brings_before_and_after_cost_to_serve(open_at: Callable[..., Chapter]) -> None:
    told = profit.customer_profit(open_at("03_abc_xyz")).to_pandas()
    assert by_customer(told, "revenue") == REVENUE
    assert by_customer(told, "profit") == pytest.approx(PROFIT)
    # c01: 24 x 150; c03: 8 x 500
    assert by_customer(told, "discount") == {key: {"c01": 3600, "c03": 4000}.get(key, 0) for key in CUSTOMERS}
    assert by_customer(told, "returned") == {
        key: {"c10": 500, "c19": 100, "c20": 1000}.get(key, 0) for key in CUSTOMERS
    }
    # 10 for each day with a sale, whether or not the sale was undone later
    served = profit.customer_profit(open_at("03_abc_xyz", order_cost=10)).to_pandas()
    assert by_customer(served, "cost_to_serve") == {key: 10 * days for key, days in SALE_DAYS.items()}
    assert by_customer(served, "profit") == pytest.approx({key: PROFIT[key] - 10 * SALE_DAYS[key] for key in CUSTOMERS})


def test_the_walk_from_gross_sales_to_profit(base: Chapter) -> None:
    customers = abc_xyz.classify(base)
    steps = unprofitable.walk(base, customers).set_index("step")["amount"]
    # sales after discount are 100,000 + 1,600 returned; before it + 3,600 + 4,000
    assert [round(value) for value in steps if pd.notna(value)] == [109200, -7600, -1600, 100000, -73370, 26630]


# ABC-XYZ

#: The share of revenue before each: A below 80%, B below 95%. Before c06 it is 75%, before c07 81%, before c12 exactly
#: 95%.
ABC = of_all(*"AAAAAA", *"BBBBB", *"CCCCCCCCC")
#: By profit, in which whoever is below zero counts as nothing: 26,630 + 800 + 900 = 28,330, of which 80% are 22,664 and
#: 95% are 26,913.50. c02 7,200, c01 13,200, c04 16,200, c05 18,600, c06 21,000, c07 22,600, c09 (22,600 before it: A)
#: 23,600, c08 24,500, c10 25,300, c11 26,100, c12 26,700, c13 (26,700 before it: B) 27,100, the others.
ABC_BY_PROFIT = of_all(*"AACAAA", *"ABAB", *"BBB", *"CCCCCCC")
#: Variation of the amounts a month. Bought the same in k of n months: sqrt((n - k) / k).
VARIATION = of_all(
    0.0,  # every month the same
    0.0,
    sqrt(16 / 8),  # 8 of 24 months
    sqrt(11 / 12),  # 12 of 23 months, from February 2024
    0.0,  # 12 of 12, from January 2025
    0.5,  # 125 and 375: mean 250, deviation 125
    sqrt(20 / 4),  # 4 of 24
    sqrt(1 / 3),  # 3 of 4, from September 2025
    # 2,000 and 1,000 in 19 months: mean of squares 5,000,000 / 19, square of the mean (3,000 / 19) ^ 2
    sqrt(5e6 / 19 - (3e3 / 19) ** 2) / (3e3 / 19),
    sqrt(6 / 4),  # 4 of 10, from March 2025; July's was undone
    sqrt(15 / 1),  # 1 of 16, from September 2024
    sqrt(17 / 3),  # 3 of 20, from May 2024
    sqrt(1 / 2),  # 2 of 3, from October 2025
    0.0,  # one whole month: too new to tell, so Z whatever it is
    sqrt(3 / 2),  # 2 of 5, from August 2025
    sqrt(12 / 1),  # 1 of 13, from December 2024
    sqrt(7 / 1),  # 1 of 8, from May 2025
    sqrt(7 / 2),  # 2 of 9, from April 2025
    sqrt(6 / 1),  # 1 of 7, from June 2025: February's was undone
    sqrt(21 / 1),  # 1 of 22, from March 2024
)
XYZ = of_all(*"XXZYXYZYZZ", *"ZZYZZZZZZZ")
#: On 31 December 2024, of 47,000: c01 15,000, c02 24,000, c03 30,000, c04 34,500 (73.4%), c07 38,500 (A: 73.4% before
#: it), c06 41,500 (81.9% before), c09 43,500, c11 45,500 (92.6% before), c12 (96.8% before), c16, c20.
ABC_THEN = dict(
    zip(("c01", "c02", "c03", "c04", "c07", "c06", "c09", "c11", "c12", "c16", "c20"), "AAAAABBBCCC", strict=True)
)
#: c04: 6 of 11 months, sqrt(5 / 6) = .91; c16: one month, too new; the others as above, with fewer months.
XYZ_THEN = dict.fromkeys(ABC_THEN, "Z") | {"c01": "X", "c02": "X", "c04": "Y", "c06": "Y"}


def test_abc_and_xyz(base: Chapter) -> None:
    table = abc_xyz.table_abc_xyz(base)
    assert by_customer(table, "revenue") == REVENUE
    assert by_customer(table, "abc") == ABC
    assert by_customer(table, "abc_profit") == ABC_BY_PROFIT
    assert by_customer(table, "xyz") == XYZ
    assert by_customer(table, "variation") == pytest.approx(VARIATION)


def test_the_nine_cells_and_how_they_came_about(base: Chapter) -> None:
    customers = abc_xyz.classify(base)
    cells = nine_cells(customers).to_pandas().set_index(["abc", "xyz"])
    # AX c01, c02, c05; AY c04, c06; AZ c03; BY c08; BZ c07, c09, c10, c11; CY c13; CZ the other eight
    assert cells["customers"].to_list() == [3, 2, 1, 0, 1, 4, 0, 1, 8]
    assert cells["revenue"].to_list() == [54000, 15000, 12000, 0, 3000, 11000, 0, 1000, 4000]
    assert cells["profit"].to_list() == pytest.approx([15600, 5400, -800, 0, 900, 4200, 0, 400, 930])
    then = {key: None if pd.isna(value) else value for key, value in by_customer(customers, "abc_a_year_ago").items()}
    assert {key: value for key, value in then.items() if value} == ABC_THEN
    then = by_customer(customers, "xyz_a_year_ago")
    assert {key: value for key, value in then.items() if pd.notna(value)} == XYZ_THEN
    flow = reconciled(pl.from_pandas(abc_xyz.moves(base, customers)))
    moved = {cell: numbers for cell, *numbers in flow.iter_rows()}
    # AX: c01, c02, joined by the new c05. BZ: c09, c11; c07 came from AZ, c10 joined. AY: c04; c06 came from BY.
    assert moved["AX"] == [2, 1, 0, 0, 3]
    assert moved["AY"] == [1, 0, 1, 0, 2]
    assert moved["AZ"] == [2, 0, 0, 1, 1]
    assert moved["BZ"] == [2, 1, 1, 0, 4]


# The five lenses


def test_the_year_split_into_its_factors(base: Chapter) -> None:
    days = lenses.customer_days(base)
    before, now = two_periods(OPENED, base.as_of)
    assert (now.first, now.last) == (dt.date(2025, 1, 1), dt.date(2025, 12, 31))
    # 2025 without c07, c11, c12, c16 and c20: 15 customers; 12 + 12 + 4 + 6 + 12 + 12 + 3 + 1 + 4 + 2 + 1 + 2 + 1 + 2
    # + 1 = 75 purchases; 15,000 + 9,000 + 6,000 + 4,500 + 6,000 + 3,000 + 3,000 + 1,000 + 2,000 + 1,000 + 1,000 + 800
    # + 400 + 200 + 100 = 53,000; profit 3,000 + 3,600 - 400 + 1,500 + 2,400 + 1,200 + 900 + 300 + 800 + 400 + 400
    # + 300 + 150 + 40 + 40 = 14,630
    factors = split(audit.customers_of_period(days, now))
    assert factors == pytest.approx((15, 75 / 15, 53000 / 75, 14630 / 53000))
    # 2024: c01, c02, c03, c04, c06, c07, c09, c11, c12, c16, c20: 12 + 12 + 4 + 6 + 12 + 4 + 1 + 1 + 3 + 1 + 1 = 57
    # purchases for 47,000, 26,630 - 14,630 of it profit
    factors = split(audit.customers_of_period(days, before))
    assert factors == pytest.approx((11, 57 / 11, 47000 / 57, 12000 / 47000))


def test_what_changed_from_the_year_before(base: Chapter) -> None:
    days = lenses.customer_days(base)
    before, now = (audit.customers_of_period(days, span) for span in two_periods(OPENED, base.as_of))
    became = flows(compare_periods(before, now, pl.Series("customer", [], pl.String))).set_index("status")
    # lost: c07 4,000, c11 2,000, c12 1,500, c16 700, c20 -700; c09 fell from 2,000 to 1,000; new: c05 6,000, c08 3,000,
    # c10 2,000, c13 1,000, c14 1,000, c15 800, c17 400, c18 200, c19 100. 47,000 - 7,500 - 1,000 + 14,500 = 53,000
    change = {status: value for status, value in became["revenue_change"].items() if value}
    assert change == {"lost": -7500, "kept, less": -1000, "new": 14500}
    assert became["customers"].to_dict() | {"kept, more": 0} == became["customers"].to_dict()
    assert [became["customers"][status] for status in ("lost", "kept, less", "kept, same", "new")] == [5, 1, 5, 9]
    # profit: 1,600 + 800 + 600 + 300 - 900 lost; c09 700 before, 300 now; 2,400 + 900 + 800 + 400 + 400 + 300 + 150
    # + 40 + 40 new
    assert [became["profit_change"][status] for status in ("lost", "kept, less", "new")] == pytest.approx(
        [-2400, -400, 5430]
    )


def test_the_cohort_of_the_first_quarter(base: Chapter) -> None:
    days = lenses.customer_days(base)
    cells = cohort_activity(days, base.as_of, "quarter")
    first = cells[cells["cohort"] == pd.Timestamp("2024-01-01")].set_index("age")
    # c01, c02, c03, c04, c06, c07, c20; from the third quarter on without c07 and c20
    assert set(first["size"]) == {7}
    assert first["customers"].to_list() == [7, 6, 5, 5, 5, 5, 5, 5]
    # January to March 2024: 3,750 + 2,250 + 1,500 + 750 + (125 + 375 + 125) + 3,000 + (300 - 1,000)
    assert first["revenue"].iloc[0] == 3750 + 2250 + 1500 + 750 + 625 + 3000 - 700
    by_cohort = base_by_cohort(days, latest_period(base.first_day, base.as_of), "year")
    # won in 2024; in 2025; and c19's sale of February with its return, before the first purchase that stood
    assert by_cohort["revenue"].to_list() == [85500, 14500, 0]
    assert by_cohort["revenue_latest"].to_list() == [38500, 14500, 0]
    assert by_cohort["customers"].to_list() == [11, 9, 0]
    assert by_cohort["active"].to_list() == [6, 9, 0]


# The ladder

#: c14, whom c04 sent, makes c04 an advocate; c02 buys only here. c07 and c12 came monthly and stopped long ago.
RUNG = of_all(
    *("regular", "adherent", "regular", "advocate", "regular", "regular", "left", "regular", "client", "regular"),
    *("buyer", "left", "client", "buyer", "client", "buyer", "buyer", "client", "buyer", "buyer"),
)
#: Who was there on 31 December 2024: c09 had bought once. What is known of c02 and c04 has no date.
RUNG_THEN = {
    **dict.fromkeys(("c01", "c03", "c06"), "regular"),
    **{"c02": "adherent", "c04": "advocate"},
    **dict.fromkeys(("c09", "c11", "c16", "c20"), "buyer"),
}


def test_each_stands_on_the_rung_of_the_ladder(base: Chapter) -> None:
    summary = purchase_model.rfm(base)
    # who is still a customer is the model's to say, and lifetimes' own fit says the same
    fitted = BetaGeoFitter().fit(summary["frequency"], summary["recency"], summary["T"])
    alive = fitted.conditional_probability_alive(summary["frequency"], summary["recency"], summary["T"])
    assert {key for key, chance in zip(summary["customer"], alive, strict=True) if chance < 0.5} == {"c07", "c12"}
    table = ladder.table_ladder(base)
    assert by_customer(table, "rung") == RUNG
    then = {key: rung for key, rung in by_customer(table, "rung_a_year_ago").items() if pd.notna(rung)}
    assert {key: rung for key, rung in then.items() if key not in ("c07", "c12")} == RUNG_THEN


# The dashboard


def test_retention_in_the_year(base: Chapter) -> None:
    kept = retention_between(base.purchases, [(dt.date(2025, 1, 1), dt.date(2025, 12, 31))], active_days=180).iloc[0]
    # active at the start, with a purchase from 5 July 2024 on: c01, c02, c03, c04, c06, c11, c12 (6 July), c16. At the
    # end, from 5 July 2025 on: c01 to c06, c08, c10, c13, c14, c15, c18; new are c05, c08, c10, c13, c14, c15, c18
    assert (kept["customers_start"], kept["customers_end"], kept["customers_new"]) == (8, 12, 7)
    assert kept["crr"] == pytest.approx((12 - 7) / 8 * 100)


def test_lifetime_value_by_its_four_factors(base: Chapter) -> None:
    summary = purchase_model.rfm(base)
    valued = lifetime_value_factors.model_values(base, summary, purchase_model.fit_all(summary))
    frame = lifetime_value_factors.factors(base, profit.customer_profit(base), valued)
    assert isinstance(frame, pd.DataFrame)
    found = frame.iloc[0]
    # 132 purchases, and a revenue of 100,000 after all returns, even that for no known order. Days as customers, up
    # to leaving after 180 silent ones or to the last day: 721 + 716 + 726 + 680 + 353 + 706 + 119 + 302 + 78 + 29 + 142
    # + 268 = 4,840 of those who stayed, and of the 8 who left 91, 365, 0, 61, 0, 0, 0 and 0, and 180 each
    assert sum(PURCHASES.values()) == 132
    years = (4840 + 517 + 8 * 180) / 365.25
    assert found["mean_purchase"] == pytest.approx(100000 / 132)
    assert found["purchases_a_year"] == pytest.approx(132 / years)
    assert found["profit_share"] == pytest.approx(26630 / 100000)
    assert found["years"] == pytest.approx(years / 8)
    assert found["value"] == pytest.approx(100000 / 8 * 0.2663)
    # so the 8 who left brought, at that value, the whole profit
    assert found["value"] * found["lost"] == pytest.approx(26630)


def test_what_a_new_customer_costs_and_brings(base: Chapter) -> None:
    year = new_and_existing.newcomers(base).iloc[-1]
    # new in 2025: c05, c08, c10, c13, c14, c15, c17, c18, c19; bought again: c01, c02, c03, c04, c06, c09
    assert (year["new"], year["existing"]) == (9, 6)
    assert (year["revenue_new"], year["revenue_existing"]) == (14500, 38500)
    assert year["cost_of_winning"] == pytest.approx(12 * 375 / 9)
    assert year["cost_of_keeping"] == pytest.approx(12 * 100 / 6)
    assert year["share_of_budget"] == pytest.approx(4500 / 5700)
    assert year["share_of_revenue"] == pytest.approx(14500 / 53000)


def test_share_of_wallet(base: Chapter) -> None:
    wallet = share_of_wallet.share_of_wallet(base).set_index("customer")
    # bought in 2025, of what they could: c05 6,000 of 24,000; c09 1,000 of 5,000; c10 2,000 of 6,000
    assert wallet["share"].to_dict() == pytest.approx({"c05": 6 / 24, "c09": 1 / 5, "c10": 2 / 6})
    assert wallet["left_to_win"].to_dict() == {"c05": 18000, "c09": 4000, "c10": 4000}


# Key accounts

#: North has 75,000 (Ann 48,000, Bob 27,000), South 25,000 (Cleo). A tenth of the last year's revenue is 5,300.
CRITERIA = {
    "c01": "company revenue, department revenue, manager revenue",  # 30%, 40%, 62.5%
    "c02": "company revenue, department revenue, manager revenue",  # 18%, 24%, 37.5%
    "c03": "company revenue, department revenue, manager revenue",  # 12%, 16%, 44.4%
    "c04": "department revenue, manager revenue",  # 9%, 12%, 33.3%
    "c05": "manager revenue, potential",  # 6%, 8%, 22.2%; 24,000
    "c06": "department revenue, manager revenue",  # 6%, 24%
    "c07": "department revenue, manager revenue",  # 4%, 16%
    "c08": "department revenue, manager revenue",  # 3%, 12%
    "c09": "department revenue, manager revenue",  # 3%, 12%; 5,000 is too little
    "c10": "potential",  # 2%, 8%; 6,000
    "c14": "reputation",
    "c15": "innovator",
    "c18": "demanding",
}


def test_key_accounts_dependency_and_silence(base: Chapter) -> None:
    table = key_accounts.table_key_accounts(base)
    assert by_customer(table, "criteria") == CRITERIA
    assert list(table["customer"]) == list(CRITERIA)  # by share, equal ones by key
    assert by_customer(table, "share") == pytest.approx({key: REVENUE[key] / 100000 for key in CRITERIA})
    # 30% is where high begins
    assert by_customer(table, "dependency") == {key: "high" if key == "c01" else "none" for key in CRITERIA}
    assert by_customer(table, "manager") == {key: MANAGER.get(key, "Cleo") for key in CRITERIA}
    assert {key for key, silent in by_customer(table, "silent").items() if silent} == {"c07"}
    assert by_customer(table, "days_silent")["c07"] == 632  # from 8 April 2024: 267 days, and the 365 of 2025


def test_no_manager_holds_more_than_three(base: Chapter) -> None:
    everybody = key_account_standing.standing(base)
    values = base.table("lifetime_value")
    table = key_accounts.accounts(base, everybody, values, key_accounts.rhythm(values))
    loads = key_account_load.load(base, everybody, table).set_index("manager")
    assert loads["key_accounts"].to_dict() == {"Cleo": 8, "Bob": 3, "Ann": 2}
    assert loads["too_many"].to_dict() == {"Cleo": 5, "Bob": 0, "Ann": 0}


def test_if_the_largest_leave_and_how_concentrated_revenue_is(base: Chapter) -> None:
    one, three = without_the_largest(key_account_standing.standing(base).customers).iter_rows(named=True)
    assert (one["who"], one["revenue_lost"], one["profit_lost"], one["discount"]) == (["c01"], 30000, 6000, 3600)
    assert three["who"] == ["c01", "c02", "c03"]
    assert (three["revenue_lost"], three["profit_lost"], three["discount"]) == (60000, pytest.approx(12400), 7600)
    # squares of the shares: .09 + .0324 + .0144 + .0081 + 2 x .0036 + .0016 + 2 x .0009 + 2 x .0004 + .000225
    # + 2 x .0001 + .000064 + .000049 + .000016 + .000004 + .000001 + .000049
    assert herfindahl(list(REVENUE.values())) == pytest.approx(0.156908)
    # sum of (2 i - 21) x_i from the smallest up, i from 1: (-19)(-700) - 17(100) - 15(200) - 13(400) - 11(700) - 9(800)
    # - 7(1,000) - 5(1,000) - 3(1,500) - 1(2,000) + 1(2,000) + 3(3,000) + 5(3,000) + 7(4,000) + 9(6,000) + 11(6,000)
    # + 13(9,000) + 15(12,000) + 17(18,000) + 19(30,000) = 1,317,000, over 20 x 100,000
    assert gini(list(REVENUE.values())) == pytest.approx(1_317_000 / 2_000_000)


# The playbook

#: Key accounts are protected, unless they cost more than they bring (c03, class A: new terms) or have left (c07). c20
#: is below zero, small, and bought long ago. Of the others none is large, growing, or of known potential.
ACTION = of_all(
    *(
        "protect",
        "protect",
        "change terms",
        "protect",
        "protect",
        "protect",
        "win back",
        "protect",
        "protect",
        "protect",
    ),
    *("keep at low cost", "keep at low cost", "keep at low cost", "protect", "protect", "keep at low cost"),
    *("keep at low cost", "protect", "keep at low cost", "let go"),
)
#: c03 and c15 said no; c06 and those without a record were never asked.
CONSENT = of_all(*"yyn", *"yy", "?", *"yyyy", *"???", "y", "n", *"??", "y", *"??")


def test_each_has_one_action_and_nobody_without_consent_is_on_a_list(base: Chapter) -> None:
    table = playbook.table_customers(base)
    assert by_customer(table, "action") == ACTION
    words = {"y": "yes", "n": "no", "?": "not recorded"}
    assert by_customer(table, "may_contact") == {key: words[said] for key, said in CONSENT.items()}
    reached = set(table.loc[table["on_list"] | table["control_group"], "customer"])
    assert reached == {key for key, said in CONSENT.items() if said == "y"}
    # nine to protect may be called, and one to win back: all of them are key accounts, who are never held out, and a
    # tenth of the others is nobody
    assert not table["control_group"].any()
    assert set(table.loc[table["on_list"], "customer"]) <= set(table.loc[table["key_account"], "customer"])
    assert table.groupby("action")["on_list"].sum().to_dict() == {
        **dict.fromkeys(("change terms", "keep at low cost", "let go"), 0),
        **{"protect": 9, "win back": 1},
    }
