"""Steps of `06_differentiation`: which first purchases foretell a good customer, and whether new ones get better."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import polars as pl

from models.cross_validation import Estimate
from models.first_purchase import (
    BASKET,
    BOUGHT,
    BREADTH,
    COUPON,
    DISCOUNT,
    HOUR,
    MONTH,
    PRODUCTS,
    UNITS,
    WEEKDAY,
    FirstPurchases,
    first_days,
    first_purchases,
)
from models.ideal_customer import (
    FEWEST_CUSTOMERS,
    FEWEST_OF_EACH,
    SIGNIFICANT,
    GoodCustomers,
    IdealCustomer,
    Scored,
    by_score,
    calibration,
    filled_in_with_success,
    fit_ideal_customer,
    good_customers,
    later_value,
)
from models.multiple_comparisons import holm
from models.newcomer_quality import EXPECTED, Newest, Trend, months, newest, quality, trend
from models.profitability import with_profit

from ..chapter import Chapter
from ..errors import CannotSay
from ..findings import Verdict
from ..ledger.returns import NET, net_of_returns
from ..shown_table import Columns, ShownTable, Wording, show_table
from ..unsaid import Unsaid, says_why_not
from ..wording import NOT_RECORDED, between, count, day, if_known, key, listed, money, percent, plural
from . import profit
from .first_purchase_groups import NOT_AT_FIRST, OF_LATER
from .left_cut import left_cut, what_it_means

LOOKED_AT = 50_000  # customers; of more a random sample
ROWS_SHOWN, SIDES_OF_TRAIT = 9, 2
GROUPS_SHOWN = 8
FEWEST_IN_GROUP = 5
MONTHS_SHOWN = 36
CHANCE = "could be chance"
SHORTEST_TREND_DAYS = 56
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
class Newcomers:
    """Customers as they were on the day of their first purchase, and who became good.

    Attributes
    ----------
    first : FirstPurchases
    good : GoodCustomers
        Of those watched for long enough.
    customers : int
        All that could be looked at; `first` may hold a random sample of them.
    """

    first: FirstPurchases
    good: GoodCustomers
    customers: int


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


@says_why_not
def newcomers(chapter: Chapter) -> Newcomers:
    """Look at customers on the day of their first purchase, and at what they brought afterwards."""
    given = chapter.parameters
    days = _begun(chapter)
    customers = days.height
    if customers > LOOKED_AT:
        chosen = np.random.default_rng(given.seed).choice(customers, LOOKED_AT, replace=False)
        days = days[np.sort(chosen)]
    watched_days = given.good_customer_days
    value = later_value(_valued(chapter, days), days, watched_days=watched_days, as_of=chapter.as_of)
    good = good_customers(value, given.good_customer_share)
    if not good.enough:
        raise CannotSay(_too_few(chapter, good))
    learned_to = chapter.as_of - dt.timedelta(days=watched_days)
    lines = chapter.ledger
    first = first_purchases(lines, days, learned_to=learned_to, particulars=_particulars(chapter))
    late = filled_in_with_success(first, good.good)
    first = first.without(late, "filled in more or less often of those who became good, so partly later")
    return Newcomers(first, good, customers)


def _begun(chapter: Chapter) -> pl.DataFrame:
    """Return whose first purchase is a real one, by the first sale: what was returned later was a purchase that day."""
    found = left_cut(chapter)
    days = first_days(chapter.ledger, chapter.as_of)
    if not found.cut:
        return days
    return days.clear() if found.new_from is None else days.filter(pl.col("first_day") >= found.new_from)


def _valued(chapter: Chapter, days: pl.DataFrame) -> pl.DataFrame:
    """Return what each row brought that was kept at the end of the days watched.

    A return that undoes the first purchase so takes nothing from what was bought later; one that undoes no purchase of
    the ledger counts on its own day.
    """
    rows = chapter.ledger.drop(NET)
    value = pl.col(NET)
    if profit.costs_known(chapter):
        rows = with_profit(rows, chapter.parameters.margin)
        kept = pl.when(pl.col("amount") == 0).then(1.0).otherwise(pl.col(NET) / pl.col("amount"))
        value = pl.col("profit") * kept
    reach = pl.duration(days=chapter.parameters.good_customer_days)
    rows = rows.join(days, on="customer", maintain_order="left")
    rows = rows.filter(pl.col("date").dt.date() <= pl.col("first_day") + reach).drop("first_day")
    return net_of_returns(rows).with_columns(value=value)


def _particulars(chapter: Chapter) -> pl.DataFrame | None:
    if chapter.particulars is None:
        return None
    return chapter.particulars.drop(NOT_AT_FIRST, strict=False)


def _too_few(chapter: Chapter, good: GoodCustomers) -> str:
    given = chapter.parameters
    cut = what_it_means(chapter, "ideal_customer")
    seen = plural(len(good.good), "customer")
    said = (
        f"Which first purchases foretell a good customer can't be said: {seen} with a known first purchase "
        f"{'has' if len(good.good) == 1 else 'have'} been watched for {plural(given.good_customer_days, 'day')} "
        f"afterwards, and {count(int(good.good.sum()))} of them brought enough to be called good. It takes "
        f"{FEWEST_CUSTOMERS} customers, and {FEWEST_OF_EACH} of each kind."
    )
    return said if cut is None else f"{said} {cut}"


@says_why_not
def ideal(chapter: Chapter, known: Newcomers) -> IdealCustomer:
    """Fit what the first purchase tells, and test it on customers not fitted on."""
    if not known.first.traits:
        raise CannotSay("First purchases can't tell who becomes a good customer: nothing recorded of them differs.")
    given = chapter.parameters
    return fit_ideal_customer(
        known.first,
        known.good.good,
        watched_days=given.good_customer_days,
        coverage=given.interval,
        seed=given.seed,
    )


@says_why_not
def told(found: IdealCustomer) -> IdealCustomer:
    """Return what was found where the first purchase tells anything."""
    if not found.tells:
        raise CannotSay(doesnt_tell(found))
    return found


def doesnt_tell(found: IdealCustomer) -> str:
    """Say that the first purchase tells nothing, and how sure that is."""
    return (
        f"As far as {plural(len(found.good), 'customer')} can show, the first purchase doesn't tell who becomes good: "
        "of one who did and one who didn't, a score of all that is known on the first day picks the right one "
        f"{_in_words(found.auc)} of the time, and guessing 50%."
    )


def about_traits(chapter: Chapter, known: Newcomers | Unsaid) -> Unsaid | None:
    """Say what a reader must know of the customers and traits looked at; nothing where there is nothing to say."""
    if isinstance(known, Unsaid):
        return None
    said = [what_it_means(chapter, "ideal_customer")]
    if known.customers > len(known.first.customers):
        said.append(
            f"A random {count(len(known.first.customers))} of {count(known.customers)} customers are looked at."
        )
    recorded = [key(trait.name).replace("_", " ") for trait in known.first.traits if trait.recorded]
    if recorded:
        said.append(
            f"From the customers' table come {listed(recorded)}: when they were filled in it doesn't say, and what was "
            "corrected later tells more than anybody knew on the first day."
        )
    for why in dict.fromkeys(why for _, why in known.first.left_out):
        names = [key(name).replace("_", " ") for name, reason in known.first.left_out if reason == why]
        said.append(f"Left out, {why}: {listed(names)}.")
    traits = {trait.name for trait in known.first.traits}
    there = set() if chapter.particulars is None else set(chapter.particulars.columns) - traits
    later = [name.replace("_", " ") for name in OF_LATER if name in there]
    if later:
        said.append(f"Left out as known, or judged, later: {listed(later)}.")
    whole = " ".join(sentence for sentence in said if sentence)
    return Unsaid(whole) if whole else None


def traits_table(
    chapter: Chapter, known: Newcomers | Unsaid, found: IdealCustomer | Unsaid
) -> ShownTable | Unsaid | None:
    """Show in words what sets first purchases of good customers apart; nothing where the figure has said why not."""
    if isinstance(known, Unsaid) or isinstance(found, Unsaid) or not found.tells:
        return None
    return _traits_table(chapter, known, found)


@says_why_not
def _traits_table(chapter: Chapter, known: Newcomers, found: IdealCustomer) -> ShownTable:
    table = _shown_sides(found)
    kinds = {trait.name: trait.kind for trait in known.first.traits}
    currency = chapter.parameters.currency
    evidence = {row["trait"]: _evidence(row) for _, row in found.importance.iterrows()}
    rows = table.assign(
        words=[side_in_words(row, kinds[str(row["trait"])], currency) for _, row in table.iterrows()],
        alike=[_points(Estimate(*row)) for row in table[["difference", "low", "high"]].to_numpy()],
        evidence=[evidence[trait] for trait in table["trait"]],
    )
    columns: Columns = {
        "words": ("first purchase", str),
        "customers": ("customers", count),
        "share": ("became good", percent),
        "other_share": ("of the others", percent),
        "alike": ("with all else alike", str),
        "evidence": ("evidence", str),
    }
    return show_table(rows, f"Traits of a first purchase, and who became good: {good_means(chapter, known)}", columns)


def _evidence(trait: pd.Series) -> str:
    if trait["tells"]:
        return "tells"
    return "shared with others" if trait["goes_with"] else CHANCE


def good_means(chapter: Chapter, known: Newcomers) -> str:
    """Say who is called good."""
    given = chapter.parameters
    brought = "left a profit of" if profit.costs_known(chapter) else "bought for"
    return (
        f"{brought} {money(known.good.limit, given.currency)} or more in the {plural(given.good_customer_days, 'day')} "
        f"after the first day, as {percent(known.good.good.mean())} did"
    )


def _shown_sides(found: IdealCustomer) -> pd.DataFrame:
    """Return the sides to show: two of each trait that tells, then one of the others as far as there is room."""
    telling = set(found.importance.loc[found.importance["tells"], "trait"])
    rank = found.contrasts.groupby("trait", sort=False).cumcount()
    most = found.contrasts["trait"].map(lambda trait: SIDES_OF_TRAIT if trait in telling else 1)
    shown = found.contrasts[rank < most].head(ROWS_SHOWN)
    if shown.empty:
        raise CannotSay("The first purchase tells something, but too few customers share any one trait to show it.")
    return shown.reset_index(drop=True)


def side_in_words(side: pd.Series, kind: str, currency: str) -> str:
    """Say what customers of one side of a contrast have in common; see `models.ideal_customer.IdealCustomer`."""
    trait, above = str(side["trait"]), float(side["above"])
    if kind == "text":
        level = key(side["level"], 32)
        return {
            WEEKDAY: f"on a {level}",
            MONTH: f"in {level}",
            HOUR: f"{'at' if level == 'night' else 'in the'} {level}",
        }.get(trait, f"{key(trait)}: {level}")
    if kind == "flags":
        return f"bought {key(side['level'], 32)}"
    if kind == "money":
        return f"{trait} above {money(above, currency)}"
    if kind == "share":
        what = {DISCOUNT: "discount", COUPON: "coupon"}.get(trait, key(trait))
        return f"with a {what}" if above == 0 else f"{what} above {percent(above)} of the price"
    if kind == "count":
        nouns = {UNITS: ("unit", "units"), PRODUCTS: ("product", "products"), BREADTH: ("category", "categories")}
        one, many = nouns[trait]
        return f"more than {above:,.10g} {one if above == 1 else many}"
    return f"{key(trait)} above {above:,.10g}"


def trait_in_words(trait: str) -> str:
    """Return a trait as a figure's label."""
    return {
        BASKET: "size of the first basket",
        UNITS: "units bought",
        PRODUCTS: "number of products",
        BREADTH: "number of categories",
        DISCOUNT: "share of discount",
        COUPON: "share of coupons",
        BOUGHT: "categories bought",
    }.get(trait, key(trait, 24))


def score_table(chapter: Chapter, known: Newcomers | Unsaid, found: IdealCustomer | Unsaid) -> ShownTable | None:
    """Show how far the score of a first purchase can be trusted; nothing where there is none."""
    if isinstance(known, Unsaid) or isinstance(found, Unsaid):
        return None
    coverage = chapter.parameters.interval
    rows = []
    for method, *area in found.judged.itertuples(index=False):
        used = " (used)" if method == found.method else ""
        rows.append((f"right of two: {method}{used}", *_percents(Estimate(*area))))
    if found.later is not None:
        later = found.later
        rows.append((f"right of two: who came since {day(later.since)}, by those before", *_percents(later.auc)))
        rows.append((f"good ones among these: expected {percent(later.expected)}", percent(later.turned_out), ""))
    if found.tells:
        best = by_score(found, coverage=coverage).iloc[-1]
        part = "tenth" if best["part"] == 10 else "fifth"
        rows.append(
            (
                f"good ones in the {part} with the highest scores ({percent(found.good.mean())} in all)",
                *_percents(Estimate(best["turned_out"], best["low"], best["high"])),
            )
        )
        slope = calibration(found, coverage=coverage)
        ends = between(slope.low, slope.high, "{:.2f}")
        rows.append(("of the scores' differences comes true (1: all)", f"{slope.value:.2f}", ends))
    frame = pd.DataFrame(rows, columns=["what", "value", "interval"])
    columns: Columns = {
        "what": ("measure", str),
        "value": ("value", str),
        "interval": (f"{percent(coverage)} interval", str),
    }
    fitted, watched = len(found.good), len(known.good.good)
    sample = f"a random {count(fitted)} of {count(watched)}" if fitted < watched else count(fitted)
    return show_table(
        frame, f"How well the first purchase tells, tested on customers not fitted on ({sample})", columns
    )


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
    shown = table.assign(interval=[_ends(*ends) for ends in zip(low, high, strict=True)])
    columns: dict[str, tuple[str, Wording]] = {
        "group": (found.group, str),
        "watched": ("watched", count),
        "turned_out": ("turned out good", if_known(percent)),
        "interval": (f"{percent(chapter.parameters.interval)} interval", str),
    }
    caption = f"Good customers by {found.group} at the first purchase"
    if "new" in table.columns:
        expected = zip(table["expected_low"], table["expected_high"], strict=True)
        shown["coming"] = [_ends(*ends) for ends in expected]
        columns["new"] = ("too new to know", count)
        columns["expected"] = ("expected of these", if_known(percent))
        columns["coming"] = ("interval", str)
        caption += ", and what is expected of the newest"
    return show_table(shown, caption, columns)


def state_findings(
    chapter: Chapter, known: Newcomers | Unsaid, found: IdealCustomer | Unsaid, quality: Quality | Unsaid
) -> None:
    """State what the first purchase tells, and whether new customers get better."""
    if isinstance(known, Unsaid) or isinstance(found, Unsaid):
        reason = known.reason if isinstance(known, Unsaid) else found.reason  # type: ignore[union-attr]
        chapter.state("ideal_customer", reason, verdict="unknown")
    else:
        _state_ideal(chapter, known, found)
    if isinstance(quality, Unsaid):
        chapter.state("new_customers", quality.reason, verdict="unknown")
    else:
        _state_quality(chapter, quality)


def _state_ideal(chapter: Chapter, known: Newcomers, found: IdealCustomer) -> None:
    area = found.auc
    if found.tells:
        statement = (
            f"Of one customer who became good and one who didn't, the first purchase picks the right one "
            f"{_in_words(area)} of the time (guessing: 50%). {_what_tells(chapter, known, found)} A good customer "
            f"{good_means(chapter, known)}."
        )
    else:
        statement = doesnt_tell(found)
    cut = what_it_means(chapter, "ideal_customer")
    chapter.state(
        "ideal_customer",
        statement if cut is None else f"{statement} {cut}",
        value=area.value,
        low=area.low,
        high=area.high,
        unit="share of pairs",
        question="decisions" if found.tells and cut is None else None,
    )


def _what_tells(chapter: Chapter, known: Newcomers, found: IdealCustomer) -> str:
    traits = found.importance
    telling = traits.loc[traits["tells"], "trait"].tolist()
    shared = traits.loc[traits["goes_with"] & ~traits["tells"], "trait"].tolist()
    named = telling or shared
    sides = found.contrasts[found.contrasts["trait"].isin(named[:1])]
    if sides.empty:
        return "No single trait stands out."
    side, kinds = sides.iloc[0], {trait.name: trait.kind for trait in known.first.traits}
    words = side_in_words(side, kinds[str(side["trait"])], chapter.parameters.currency)
    shares = f"{words}: {percent(side['share'])} became good against {percent(side['other_share'])}"
    others = listed([trait_in_words(str(trait)) for trait in named[1:]], 3)
    if not telling:
        also = f"; others that go with it: {others}" if others else ""
        return f"No trait stands out from the others; one that goes with it is {shares}{also}."
    also = f"; after that {others}" if others else ""
    return f"Most is told by the {trait_in_words(str(side['trait']))} ({shares}){also}."


def _state_quality(chapter: Chapter, found: Quality) -> None:
    shown = found.expected or found.turned_out  # what is expected takes in the newest customers too
    if shown is None:
        reason = f"New customers came within less than {SHORTEST_TREND_DAYS} days: too few for a trend."
        chapter.state("new_customers", reason, verdict="unknown")
        return
    parts = [
        f"{who} a straight line through the months runs from {percent(line.at_first)} good ones to "
        f"{percent(line.at_last)} ({_points(line.change)}; {_judged(found, line.change)})"
        for line, who in ((found.turned_out, "of those watched to the end"), (found.expected, "by the first purchase"))
        if line is not None
    ]
    if found.newest is not None:
        new = found.newest
        parts.append(
            f"of the {plural(new.customers, 'customer')} too new to know {percent(new.expected)} are expected to turn "
            f"out good, against {percent(new.before)} before ({_points(new.difference)}; "
            f"{_judged(found, new.difference)})"
        )
    signs = _signs(_moves(found))
    verdict: Verdict = "note" if not signs else "good" if signs == {True} else "watch"
    # where something is more than chance, what could be chance stands in the table only
    told = [text for text in parts if not signs or not text.endswith(f"{CHANCE})")]
    chapter.state(
        "new_customers",
        f"{direction(found)}: {'; '.join(told)}.",
        value=shown.change.value,
        low=shown.change.low,
        high=shown.change.high,
        unit="change of the share of good ones",
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


def _judged(found: Quality, change: Estimate) -> str:
    real = any(move.p_value < SIGNIFICANT for move in _moves(found) if move.change is change)
    return "more than chance" if real else CHANCE


def _in_words(share: Estimate) -> str:
    return f"{percent(share.value)} ({_ends(share.low, share.high)})"


def _percents(share: Estimate) -> tuple[str, str]:
    return percent(share.value), _ends(share.low, share.high)


def _ends(low: float, high: float) -> str:
    return "" if pd.isna(low) else f"{between(100 * low, 100 * high)}%"


def _points(change: Estimate) -> str:
    # a change below a point would read as none
    digits = 0 if abs(change.value) >= 0.02 else 1
    # a negative number that rounds to nothing would read as -0
    value, low, high = (round(100 * each, digits) + 0.0 for each in change)
    shown = f"{{:+.{digits}f}}"
    return f"{shown.format(value)} points ({between(low, high, shown)})"
