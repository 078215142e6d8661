"""Steps of `06_differentiation`: whether new customers are getting better, by month and by where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from models.association import SIGNIFICANT
from models.cross_validation import Estimate
from models.good_customers import FEWEST_OF_EACH
from models.ideal_customer import IdealCustomer, Scored
from models.multiple_comparisons import holm
from models.newcomer_quality import EXPECTED, Newest, Trend, months, newest, quality, trend

from ...chapter import Chapter
from ...errors import CannotSay
from ...findings import Verdict
from ...shown_table import ShownTable, Wording, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import NOT_RECORDED, count, if_known, key, percent, plural
from ..estimates_in_words import CHANCE, ends, points
from .newcomers import Newcomers

GROUPS_SHOWN = 8
FEWEST_IN_GROUP = 5
MONTHS_SHOWN = 36
SHORTEST_TREND_DAYS = 56
REAL, UNSURE = "more than chance", "too little to be sure of"
#: Why an interval that misses nought isn't yet a claim.
BRACKETS = "Brackets are {0} intervals, which miss {1} of the time; a claim asks for {2}, over all that is looked at."
#: How the group of new customers is read off, the first there is: the column, and what it is called.
GROUPS = {
    "channel": "channel",
    "recorded channel": "channel",
    "recorded kind": "kind of customer",
    "department": "department",
    "manager": "manager",
    "main category": "category most spent on",
}


@dataclass(frozen=True)
class Quality:
    """How good new customers are.

    Attributes
    ----------
    by_month : pandas.DataFrame
        See `models.newcomer_quality.quality`.
    by_group : pandas.DataFrame or None
        group, watched, good, turned_out and its interval, and, where some aren't watched yet, new, expected and its
        interval of these; None where nothing tells groups apart.
    group : str
        What the groups are.
    turned_out : Trend or None
        Of those watched; None where they came within too few days.
    newest : Newest or None
        Those who aren't watched yet, beside those before; None where the first purchase doesn't tell, or there are
        too few.
    expected : Trend or None
        By the first purchase, of all; None likewise.
    """

    by_month: pd.DataFrame
    by_group: pd.DataFrame | None
    group: str
    turned_out: Trend | None
    newest: Newest | None
    expected: Trend | None


def newcomer_quality(chapter: Chapter, known: Newcomers | Unsaid, found: IdealCustomer | Unsaid) -> Quality | Unsaid:
    """Follow the share of good ones by month of the first purchase and by channel."""
    if isinstance(known, Unsaid) or isinstance(found, Unsaid):
        return Unsaid("Whether new customers are getting better can't be said, for the same reason.")
    coverage = chapter.parameters.interval
    customers, good = known.first.customers, known.good.good
    scored = found.scored(customers) if found.tells else None
    first_day = customers["first_day"]
    by_month = quality(months(first_day), good, scored, coverage=coverage)
    watched = pd.Series(customers.index.isin(good.index), index=customers.index)
    by_group, group = _by_group(known, watched, scored, coverage)
    began = first_day[watched]
    turned_out = trend(began, good[began.index].astype(float), coverage=coverage) if _long(began) else None
    expected = since = None
    if scored is not None:
        if _long(first_day):
            expected = trend(first_day, scored.expected, scored, coverage=coverage)
        if (~watched).sum() >= FEWEST_OF_EACH:
            since = newest(scored, watched, coverage=coverage)
    shown = by_month[by_month["customers"] >= FEWEST_IN_GROUP].tail(MONTHS_SHOWN).reset_index(drop=True)
    return Quality(shown, by_group, group, turned_out, since, expected)


def _long(first_day: pd.Series) -> bool:
    """Tell whether customers came over enough days for a trend."""
    return len(first_day) > 0 and (first_day.max() - first_day.min()).days >= SHORTEST_TREND_DAYS


def _by_group(
    known: Newcomers, watched: pd.Series, scored: Scored | None, coverage: float
) -> tuple[pd.DataFrame | None, str]:
    customers = known.first.customers
    sizes = {name: customers[name].value_counts() for name in GROUPS if name in customers.columns}
    column = next((name for name, counts in sizes.items() if (counts >= FEWEST_OF_EACH).sum() > 1), None)
    if column is None:
        return None, ""
    names = customers[column].astype(object)
    # of equally large ones the first by name
    ordered = sizes[column].sort_index().sort_values(ascending=False, kind="stable")
    large = list(ordered[ordered >= FEWEST_OF_EACH].index[:GROUPS_SHOWN])
    place = names.map({name: number for number, name in enumerate(large)})
    # by number, since a channel may be called anything
    place = place.where(place.notna(), np.where(names.notna(), len(large), len(large) + 1)).astype(int)
    shown = dict(enumerate([*(key(name, 28) for name in large), "all others", NOT_RECORDED]))
    table = quality(place[watched], known.good.good, None, coverage=coverage)
    table = table[["group", "watched", "good", "turned_out", "turned_out_low", "turned_out_high"]]
    new = ~watched
    if scored is not None and new.any():
        coming = quality(place[new], known.good.good, scored.of(new.to_numpy()), coverage=coverage)
        coming = coming.rename(columns={"customers": "new"})[["group", "new", *EXPECTED]]
        table = table.merge(coming, on="group", how="outer", sort=True)
        table[["watched", "good", "new"]] = table[["watched", "good", "new"]].fillna(0).astype(int)
    return table.assign(group=table["group"].map(shown)), GROUPS[column]


def group_table(chapter: Chapter, found: Quality | Unsaid) -> ShownTable | Unsaid | None:
    """Show who turned out good by channel, and what the newest customers let expect.

    Nothing is shown where the figure has said why not.
    """
    return None if isinstance(found, Unsaid) else _group_table(chapter, found)


@says_why_not
def _group_table(chapter: Chapter, found: Quality) -> ShownTable:
    if found.by_group is None:
        raise CannotSay(
            "Where good customers come from can't be compared: there are no two channels, kinds, departments, managers "
            f"or categories with {FEWEST_OF_EACH} new customers each."
        )
    table = found.by_group
    low, high = table["turned_out_low"], table["turned_out_high"]
    shown = table.assign(interval=[ends(*pair) for pair in zip(low, high, strict=True)])
    columns: dict[str, tuple[str, Wording]] = {
        "group": (found.group, str),
        "watched": ("watched", count),
        "turned_out": ("turned out good", if_known(percent)),
        "interval": (f"{percent(chapter.parameters.interval)} interval", str),
    }
    caption = f"Good customers by {found.group} at the first purchase"
    if "new" in table.columns:
        expected = zip(table["expected_low"], table["expected_high"], strict=True)
        shown["coming"] = [ends(*pair) for pair in expected]
        columns["new"] = ("too new to know", count)
        columns["expected"] = ("expected of these", if_known(percent))
        columns["coming"] = ("interval", str)
        caption += ", and what is expected of the newest"
    return show_table(shown, caption, columns)


def state_findings(chapter: Chapter, found: Quality | Unsaid) -> None:
    """State whether new customers get better."""
    if isinstance(found, Unsaid):
        chapter.state("new_customers", found.reason, verdict="unknown")
        return
    shown = found.expected or found.turned_out  # what is expected takes in the newest customers too
    if shown is None:
        reason = f"New customers came within less than {SHORTEST_TREND_DAYS} days: too few for a trend."
        chapter.state("new_customers", reason, verdict="unknown")
        return
    moves = _moves(found)
    parts = [
        f"{who} a straight line through the days on which they came runs from {percent(line.at_first)} good ones to "
        f"{percent(line.at_last)}, {points(line.change)}, {_judged(moves, line.change)}"
        for line, who in ((found.turned_out, "of those watched to the end"), (found.expected, "by the first purchase"))
        if line is not None
    ]
    if found.newest is not None:
        new = found.newest
        parts.append(
            f"of the {plural(new.customers, 'customer')} too new to know {percent(new.expected)} are expected to turn "
            f"out good, against {percent(new.before)} before, {points(new.difference)}, "
            f"{_judged(moves, new.difference)}"
        )
    real = [move.change for move in moves if move.p_value < SIGNIFICANT]
    change = real[0] if real else shown.change
    signs = _signs(moves)
    verdict: Verdict = "note" if not signs else "good" if signs == {True} else "watch"
    # where something is more than chance, what could be chance stands in the table only
    told = [text for text in parts if not signs or text.endswith(REAL)]
    statement = f"{direction(found)}: {'; '.join(told)}."
    if any(text.endswith(UNSURE) for text in told):
        coverage = chapter.parameters.interval
        statement += f" {BRACKETS.format(percent(coverage), percent(1 - coverage), percent(SIGNIFICANT))}"
    chapter.state(
        "new_customers",
        statement,
        value=100 * change.value,
        low=100 * change.low,
        high=100 * change.high,
        unit="points",
        verdict=verdict,
        question="decisions" if verdict != "note" else None,
    )


def direction(found: Quality) -> str:
    """Say in a sentence's beginning whether new customers are getting better."""
    signs = _signs(_moves(found))
    if not signs:
        return "New customers are neither better nor worse than before, as far as can be seen"
    if len(signs) == 2:
        return "Some signs say that new customers are getting better, others that they are getting worse"
    change = "better" if True in signs else "worse"
    if not _signs([move for move in _moves(found) if not move.of_newest]):
        return f"The newest customers look {change} at their first purchase than those before"
    return f"New customers are getting {change}"


class _Move(NamedTuple):
    """A change of the share of good ones, with p corrected (Holm) for all looks at the same question."""

    change: Estimate
    p_value: float
    of_newest: bool


def _moves(found: Quality) -> list[_Move]:
    looks = [(each.change, each.p_value, False) for each in (found.turned_out, found.expected) if each is not None]
    if found.newest is not None:
        looks.append((found.newest.difference, found.newest.p_value, True))
    corrected = holm([p_value for _, p_value, _ in looks])
    return [_Move(change, float(p), newest) for (change, _, newest), p in zip(looks, corrected, strict=True)]


def _signs(moves: list[_Move]) -> set[bool]:
    """Return which ways it goes beyond chance: True where up."""
    return {move.change.value > 0 for move in moves if move.p_value < SIGNIFICANT}


def _judged(moves: list[_Move], change: Estimate) -> str:
    if any(move.p_value < SIGNIFICANT for move in moves if move.change is change):
        return REAL
    # an interval narrower than the test may miss nought where the test finds nothing
    return f"which {CHANCE}" if change.low <= 0 <= change.high else UNSURE
