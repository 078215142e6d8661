"""The five lenses of a customer-base audit (Fader, Hardie & Ross 2022) in `02_portrait`, taken together."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from models import customer_base_audit as audit

from ...chapter import Chapter
from ...unsaid import Unsaid
from ..first_line import first_line
from ..profit import ledger_lines
from . import lens1_one_period, lens2_two_periods, lens4_equal_age
from .cohorts import Cohorts
from .lens1_one_period import OnePeriod
from .lens2_two_periods import TwoPeriods
from .lens4_equal_age import EqualAge


@dataclass(frozen=True)
class Lenses:
    """What the findings are stated from; an `Unsaid` stands where a lens has nothing to see."""

    one: OnePeriod | Unsaid
    two: TwoPeriods | Unsaid
    cohorts: Cohorts
    equal: EqualAge | Unsaid


def customer_days(chapter: Chapter) -> pl.DataFrame:
    """Return the ledger by customer and day, with its profit; see `models.customer_base_audit.customer_days`."""
    return audit.customer_days(ledger_lines(chapter, first=first_line(chapter)), chapter.purchases)


def state_findings(chapter: Chapter, seen: Lenses) -> None:
    """State what the lenses show."""
    lens1_one_period.state_findings(chapter, seen.one)
    lens2_two_periods.state_findings(chapter, seen.two)
    lens4_equal_age.state_findings(chapter, seen.cohorts, seen.equal)
