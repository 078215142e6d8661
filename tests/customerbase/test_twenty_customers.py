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
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from customerbase.chapter import Chapter
from customerbase.parameters import read_parameters

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
    for customer, day, amount, discount, cost in sorted(rows, key=lambda row: (row[1], row[0])):
        manager = MANAGER.get(customer, "Cleo")
        terms = f"{manager},{'South' if manager == 'Cleo' else 'North'}"
        lines.append(f"{customer},{day},{customer}-{day},{amount},{discount},{cost},sale,{terms}")
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


def by_customer(table: pd.DataFrame, column: str) -> dict[str, Any]:
    return dict(zip(table["customer"], table[column], strict=True))


REVENUE = dict(
    zip(
        CUSTOMERS,
        (30000, 18000, 12000, 9000, 6000, 6000, 4000, 3000, 3000, 2000)
        + (2000, 1500, 1000, 1000, 800, 700, 400, 200, 100, -700),
        strict=True,
    )
)
PROFIT = dict(
    zip(
        CUSTOMERS,
        (6000, 7200, -800, 3000, 2400, 2400, 1600, 900, 1000, 800)
        + (800, 600, 400, 400, 300, 300, 150, 40, 40, -900),
        strict=True,
    )
)
