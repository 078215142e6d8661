"""What `02_portrait` says of bases whose truth is known, and of bases that say little."""

from __future__ import annotations

import ast
import datetime as dt
import re
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest

from customerbase.chapter import Chapter
from customerbase.chapters.portrait import lenses, portrait
from customerbase.figures.style import Picture
from customerbase.findings import Findings
from tests.portrait_base import HEADER, TWO_YEARS, stated, words

NOTEBOOK = Path(__file__).resolve().parents[3] / "notebooks" / "02_portrait.ipynb"


def read_through(chapter: Chapter) -> list[Any]:
    """Run the notebook's cells on a chapter and return what each shows."""
    shown = []
    names: dict[str, Any] = {"chapter": chapter}
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        if cell.cell_type != "code" or "parameters" in cell.metadata.get("tags", []):
            continue
        *steps, last = ast.parse(cell.source.replace('open_chapter("02_portrait", globals())', "chapter")).body
        if isinstance(last, ast.Expr):
            exec(compile(ast.Module(steps, []), "cell", "exec"), names)
            shown.append(eval(compile(ast.Expression(last.value), "cell", "eval"), names))
        else:
            exec(compile(ast.Module([*steps, last], []), "cell", "exec"), names)
    return shown


class TestOneSizeOfTheBase:
    #: b's only purchase was returned, with 2 more than it had cost; a and c have 3 purchases for 60.
    ROWS = (
        "a,2024-01-01,sale,10,1\na,2024-02-01,sale,20,2\nb,2024-01-05,sale,5,3\nb,2024-03-01,return,-7,3\n"
        "c,2024-06-01,sale,30,4"
    )

    def test_means_are_those_of_who_bought(self, portrait_of):
        chapter = portrait_of(self.ROWS, header=f"{HEADER},order")
        shown = words([portrait.at_a_glance(chapter, portrait.everybody(chapter, lenses.customer_days(chapter)))])
        facts = dict(re.split(r"  +", line.strip()) for line in shown.splitlines()[3:])
        assert facts == {
            "customers": "2",
            "purchases (days with a purchase)": "3",
            "revenue after returns": "USD 58.00",
            "besides: customers whose every purchase was undone": "1",
            "what these add to the revenue": "USD -2.00",
            "purchases a customer, mean": "1.50",
            "purchases a customer, median": "1.50",
            "customers below the mean of purchases": "50%",
            "revenue a customer, mean": "USD 30.00",
            "revenue a customer, median": "USD 30.00",
            "customers below the mean of revenue": "0%",
        }

    def test_who_has_no_purchase_left_is_named_apart(self, portrait_of):
        chapter = portrait_of(self.ROWS, header=f"{HEADER},order")
        portrait.state_size(chapter, portrait.everybody(chapter, lenses.customer_days(chapter)))
        assert stated(chapter)["base_size"].statement == (
            "2 customers bought 3 times between 1 January 2024 and 1 June 2024, for USD 58.00 after returns. Of 1 more "
            "customer every purchase was undone by returns."
        )
        assert stated(chapter)["base_size"].value == 2


class TestRepeatBusiness:
    def test_a_year_is_365_days(self, portrait_of):
        # to 30 June 2024 the year began on 2 July 2023: what was sold a day before isn't of it
        rows = "a,2023-07-01,sale,1000\na,2023-07-02,sale,30\nb,2023-07-02,sale,50\nb,2024-06-30,sale,20"
        lately = portrait.repeat_business(portrait_of(f"z,2022-01-01,sale,1\n{rows}"))
        assert (lately.period.first, lately.period.last) == (dt.date(2023, 7, 2), dt.date(2024, 6, 30))
        assert (lately.new, lately.repeat, lately.share) == (50, 50, 0.5)

    def test_what_new_customers_bought_later_is_said_to_count_as_repeat(self, portrait_of):
        chapter = portrait_of("z,2022-01-01,sale,1\nb,2023-07-02,sale,50\nb,2024-06-30,sale,150")
        months = portrait.by_month(chapter)
        portrait._state_repeat_share(chapter, months, portrait.repeat_business(chapter))
        assert stated(chapter)["repeat_share"].statement.startswith(
            "Repeat purchases brought 75% of revenue in the year to 30 June 2024, first purchases 25% (what new "
            "customers bought after their first day counts as repeat)"
        )

    def test_a_year_without_purchases_has_no_share(self, portrait_of):
        lately = portrait.repeat_business(portrait_of("a,2022-01-01,sale,10", as_of="2024-06-30"))
        assert (lately.new, lately.repeat) == (0, 0)
        assert np.isnan(lately.share)


def test_without_costs_or_margin_profit_is_not_recorded(portrait_of):
    shown = read_through(portrait_of(TWO_YEARS, as_of="2024-12-30"))
    told = words(shown)
    assert "profit   not recorded" in told
    assert "change of profit" not in told
    assert "nan" not in told.lower()


SMALL = {
    "one customer": "only,2024-01-01,sale,10",
    "one customer, again and again": "\n".join(f"only,2024-{month:02d}-03,sale,10" for month in range(1, 13)),
    "one month": "\n".join(f"c{place},2024-05-{1 + place % 31:02d},sale,{place + 1}" for place in range(40)),
    "everything returned": "a,2024-01-01,sale,10\na,2024-02-01,return,-10\nb,2024-01-05,sale,5\nb,2024-03-01,return,-9",
    "silent for years": "a,2018-01-01,sale,10\nb,2018-02-01,sale,20\nb,2018-03-01,sale,20\na,2024-01-01,return,-3",
}


@pytest.mark.parametrize("rows", SMALL.values(), ids=SMALL.keys())
def test_a_base_that_says_little_is_told_so_in_sentences(portrait_of, rows):
    shown = read_through(portrait_of(rows))
    assert isinstance(shown[-1], Findings)
    for picture in (each for each in shown if isinstance(each, Picture)):
        picture.figure.set_dpi(40)
        assert picture.png().startswith(b"\x89PNG")
        assert "nan" not in picture.alt
    for word in ("nan", "NaT", "None", "inf "):
        assert word not in words(shown)
