"""Chapters opened on small ledgers for `02_portrait`, and what they show and state."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from customerbase.chapter import Chapter
from customerbase.figures.style import Picture
from customerbase.findings import Finding
from customerbase.parameters import read_parameters

HEADER = "customer,date,kind,amount"
#: Bought in 2023: a 100 + 100, b 300, c 50. In 2024: a 150, b 100 + 100 + 100, d 400, e 0 (40, given back).
TWO_YEARS = """\
a,2023-01-01,sale,100
a,2023-06-01,sale,100
b,2023-03-05,sale,300
c,2023-07-09,sale,50
a,2024-02-02,sale,150
b,2024-03-05,sale,100
b,2024-05-05,sale,100
b,2024-09-05,sale,100
d,2024-08-08,sale,400
c,2024-10-10,return,-10
c,2024-12-30,return,-1
"""


def portraits(make_base: Callable[..., Path], folder: Path, header: str = HEADER) -> Callable[..., Chapter]:
    """Return a function that opens the chapter on a ledger given as rows."""

    def make(rows: str | pl.DataFrame, header: str = header, **parameters: Any) -> Chapter:
        text = rows if isinstance(rows, str) else rows.write_csv(include_header=False)
        chapter = Chapter("02_portrait", read_parameters(make_base(text, header=header, **parameters)), folder / "run")
        chapter.in_run = False
        return chapter

    return make


def words(shown: list[Any]) -> str:
    """Return what tables and sentences say, pictures left out."""
    told = [each for each in shown if each is not None and not isinstance(each, Picture)]
    return "\n".join(str(each._repr_mimebundle_()["text/plain"]) for each in told)


def stated(chapter: Chapter) -> dict[str, Finding]:
    """Return what the chapter has stated, by id."""
    return {finding.id: finding for finding in chapter.findings().findings}
