"""Steps of `08_playbook`: what the lists of an earlier run did."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from statsmodels.stats.multitest import multipletests

from models.campaign_effect import SIGNIFICANCE, CampaignEffect, Effect, campaign_effect

from ...chapter import Chapter
from ...earlier_runs import EarlierRun
from ...errors import CannotSay
from ...findings import Verdict
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import count, day, if_known, money, percent, plural, tenths

SHORTEST_DAYS = 28  # in less time nobody has bought again, called or not
TABLE = "customers"
COLUMNS: dict[str, Any] = {
    "customer": pl.String,
    "action": pl.String,
    "on_list": pl.Boolean,
    "control_group": pl.Boolean,
}
FORECAST = ("expected_purchases", "expected_spend")
KEY_ACCOUNT = "key_account"
FEWEST = 2  # customers in either group
FEWEST_TO_TELL = 5  # customers in either group from which on a difference is taken for more than a few people's ways
ALL = "all actions"
MEASURES = ("share", "revenue")
KINDS = {"customer": "text", "action": "text", "on_list": "true and false", "control_group": "true and false"}


@dataclass(frozen=True)
class Campaign:
    """The lists of an earlier run and what became of the customers on them.

    Attributes
    ----------
    run : EarlierRun
    until : datetime.date
        The last day that counts: today, or the day of the next run that made lists, for these call whom the lists
        before held out.
    customers : polars.DataFrame
        customer, action, held_out, expected (revenue, as that run forecast it; null where it didn't), bought (again)
        and revenue, one row for each customer on a list, called or held out; key accounts, which nobody holds out, are
        not among them.
    left_out : int
        Customers left out because two of them turned out to be one and stood in different groups or lists.
    today : datetime.date
    passed_over : tuple of str
        Sentences on later runs whose lists can't be used, and why.
    """

    run: EarlierRun
    until: dt.date
    customers: pl.DataFrame
    left_out: int
    today: dt.date
    passed_over: tuple[str, ...] = ()

    @property
    def days(self) -> int:
        """How many days count."""
        return (self.until - self.run.as_of).days


@dataclass(frozen=True)
class Effects:
    """What the lists did, over all and by action.

    Attributes
    ----------
    over_all : CampaignEffect
        Of the actions in `by_action`, each list's called against its own held out.
    by_action : dict of str to CampaignEffect
        Where both groups have at least `FEWEST` customers. What is called an effect is so with all actions looked at:
        of lists that do nothing, any is called an effect in at most one run of twenty.
    too_few : dict of str to tuple of int
        The other actions: customers called, and held out.
    """

    over_all: CampaignEffect
    by_action: dict[str, CampaignEffect]
    too_few: dict[str, tuple[int, int]]


@says_why_not
def last_campaign(chapter: Chapter) -> Campaign:
    """Find the latest earlier run whose lists had time enough to themselves, and see what became of its customers."""
    if not chapter.earlier_runs:
        raise CannotSay(
            "There is no earlier run of this base, so there are no lists whose effect could be measured. The next "
            f"run measures what today's lists did, from {SHORTEST_DAYS} days after {day(chapter.as_of)} on."
        )
    run, lists, until, passed_over = _latest_with_time(chapter)
    if not lists["control_group"].any():
        raise CannotSay(
            f"In the run of {day(run.as_of)} nobody was held out of the lists, so what they did can't be told from "
            "what customers do anyway. Set control_share above 0."
        )
    customers, left_out = _as_known_today(lists, chapter.identities)
    known = chapter.ledger["customer"].unique().implode()
    if not customers["customer"].is_in(known).any():
        raise CannotSay(
            f"None of the customers on the lists of the run of {day(run.as_of)} is in this ledger, so it is not known "
            "what became of them."
        )
    outcomes = _outcomes(customers, chapter.purchases, run.as_of, until)
    return Campaign(run, until, outcomes, left_out, chapter.as_of, passed_over)


def _latest_with_time(chapter: Chapter) -> tuple[EarlierRun, pl.DataFrame, dt.date, tuple[str, ...]]:
    """Return the run, its lists, the last day that counts, and what is to be said of runs passed over."""
    until = chapter.as_of
    passed_over: list[str] = []
    too_short: list[tuple[dt.date, int]] = []
    for as_of, runs in groupby(chapter.earlier_runs, key=lambda run: run.as_of):
        lists, unread = None, False
        for run in runs:
            try:
                lists = _lists(run)
            except _UnusableError as error:
                unread = True
                passed_over.append(f"The lists of the run of {day(as_of)} are passed over: {error}.")
            if lists is not None:
                break
        if lists is None and not unread:
            continue
        if lists is not None and (until - as_of).days >= SHORTEST_DAYS:
            return run, lists, until, tuple(passed_over)
        if lists is not None:
            too_short.append((as_of, (until - as_of).days))
        # lists that can't be read may have been called all the same
        until = as_of
    raise CannotSay(" ".join([_no_lists(too_short), *passed_over]))


def _no_lists(too_short: list[tuple[dt.date, int]]) -> str:
    if not too_short:
        return "The earlier runs of this base made no lists that can be measured."
    as_of, days = too_short[0]
    latest = (
        f"The last lists are those of {day(as_of)}, {plural(days, 'day')} before this run: too short a time to tell "
        f"what they did. That takes {SHORTEST_DAYS} days."
    )
    if len(too_short) == 1:
        return latest
    return (
        f"{latest} Those before were followed by new lists within at most "
        f"{plural(max(days for _, days in too_short[1:]), 'day')}, and new lists call whom the ones before held out: "
        f"make lists at least {SHORTEST_DAYS} days apart to learn what they do."
    )


class _UnusableError(Exception):
    """Why the lists of a run can't be used."""


def _lists(run: EarlierRun) -> pl.DataFrame | None:
    """Return the customers whom a run's lists would call or hold out by lot; None where it made no lists."""
    try:
        table = run.table(TABLE)
    except (OSError, pl.exceptions.PolarsError):
        raise _UnusableError("their table can't be read") from None
    if table is None:
        return None
    for name, dtype in COLUMNS.items():
        if table.schema.get(name) != dtype:
            raise _UnusableError(f"their table has no column {name} of {KINDS[name]}")
    listed = table.filter(pl.col("on_list") | pl.col("control_group"))
    if listed["customer"].null_count() or listed["action"].null_count():
        raise _UnusableError("in their table customers or actions are missing")
    if listed["customer"].is_duplicated().any():
        raise _UnusableError("in their table customers stand more than once")
    if listed.schema.get(KEY_ACCOUNT) == pl.Boolean:
        # nobody holds a key account out, so none can be held against those who are
        listed = listed.filter(~pl.col(KEY_ACCOUNT).fill_null(value=False))
    if listed.is_empty():
        return None
    known = all(table.schema.get(name, pl.String).is_numeric() for name in FORECAST)
    expected = pl.col(FORECAST[0]) * pl.col(FORECAST[1]) if known else pl.lit(None)
    return listed.select(*COLUMNS, expected.cast(pl.Float64).alias("expected"))


def _as_known_today(lists: pl.DataFrame, identities: pl.DataFrame | None) -> tuple[pl.DataFrame, int]:
    """Take customers who turned out to be one together; those who stood in different groups or lists are left out."""
    if identities is not None:
        persons = identities.select("customer", "person")
        lists = lists.join(persons, on="customer", how="left", maintain_order="left")
        lists = lists.with_columns(pl.coalesce("person", "customer").alias("customer")).drop("person")
    group = pl.struct("action", "control_group").n_unique().over("customer")
    clear = lists.filter(group == 1)
    together = clear.group_by("customer").agg(
        pl.col("action").first(),
        pl.col("control_group").first().alias("held_out"),
        pl.when(pl.col("expected").is_not_null().any()).then(pl.col("expected").sum()),
    )
    return together.sort("customer"), lists.height - clear.height


def _outcomes(customers: pl.DataFrame, purchases: pl.DataFrame, since: dt.date, until: dt.date) -> pl.DataFrame:
    after = purchases.filter((pl.col("date") > since) & (pl.col("date") <= until))
    spent = after.group_by("customer").agg(pl.col("amount").sum().alias("revenue"), pl.lit(True).alias("bought"))
    found = customers.join(spent, on="customer", how="left", maintain_order="left")
    return found.with_columns(pl.col("bought").fill_null(value=False), pl.col("revenue").fill_null(0.0))


@says_why_not
def measure(chapter: Chapter, campaign: Campaign) -> Effects:
    """Measure what the lists did; see `models.campaign_effect`."""
    by_action: dict[str, CampaignEffect] = {}
    too_few: dict[str, tuple[int, int]] = {}
    measured = []
    for (action,), customers in campaign.customers.sort("action", "customer").group_by("action", maintain_order=True):
        held_out = int(customers["held_out"].sum())
        called = customers.height - held_out
        if min(called, held_out) < FEWEST:
            too_few[str(action)] = called, held_out
        else:
            by_action[str(action)] = _effect(chapter, customers)
            measured.append(customers)
    if not measured:
        called, held_out = (sum(numbers) for numbers in zip(*too_few.values(), strict=True))
        raise CannotSay(
            f"In the run of {day(campaign.run.as_of)} {plural(called, 'customer was', 'customers were')} to be "
            f"called and {count(held_out)} held out, on no list {FEWEST} or more of both: too few to compare."
        )
    return Effects(_effect(chapter, pl.concat(measured)), _together(by_action), too_few)


def _effect(chapter: Chapter, customers: pl.DataFrame) -> CampaignEffect:
    effect = campaign_effect(
        customers["bought"].to_numpy(),
        customers["revenue"].to_numpy(),
        customers["held_out"].to_numpy(),
        customers["expected"].to_numpy(),
        lists=customers["action"].to_numpy(),
        coverage=chapter.parameters.interval,
        seed=chapter.parameters.seed,
    )
    if _can_tell(effect):
        return effect
    return replace(effect, share=_untold(effect.share), revenue=_untold(effect.revenue))


def _can_tell(effect: CampaignEffect) -> bool:
    return min(effect.called, effect.held_out) >= FEWEST_TO_TELL


def _untold(effect: Effect) -> Effect:
    return replace(effect, is_effect=False, smallest_found=float("inf"))


def _together(by_action: dict[str, CampaignEffect]) -> dict[str, CampaignEffect]:
    """Call an effect only what is one with all actions and both measures looked at, by Holm's (1979) procedure."""
    if not by_action:
        return by_action
    p_values = [getattr(effect, name).p_value for effect in by_action.values() for name in MEASURES]
    found = iter(multipletests(p_values, alpha=SIGNIFICANCE, method="holm")[0].tolist())
    return {
        action: replace(
            effect,
            **{name: replace(getattr(effect, name), is_effect=next(found) and _can_tell(effect)) for name in MEASURES},
        )
        for action, effect in by_action.items()
    }


def rows_of(effects: Effects, measure_: str) -> list[tuple[str, int, int, Effect | None]]:
    """Return one measure's effects: the action, customers called and held out, and the effect where it is measured.

    The actions stand in the order of their names, and all of them together last.
    """
    known = {**effects.by_action, ALL: effects.over_all}
    measured = [(name, found.called, found.held_out, getattr(found, measure_)) for name, found in known.items()]
    few = [(action, called, held_out, None) for action, (called, held_out) in effects.too_few.items()]
    return [*sorted([*measured[:-1], *few], key=lambda row: row[0]), measured[-1]]


def share_table(chapter: Chapter, campaign: Campaign | Unsaid, effects: Effects | Unsaid) -> ShownTable | None:
    """Show how many bought again, of those to be called and of those held out. None where the figure says why not."""
    if isinstance(campaign, Unsaid) or isinstance(effects, Unsaid):
        return None
    return _table(
        chapter,
        rows_of(effects, "share"),
        f"Who bought again in {when(campaign)} (differences in points)",
        tenths,
        in_points,
    )


def revenue_table(chapter: Chapter, campaign: Campaign | Unsaid, effects: Effects | Unsaid) -> ShownTable | None:
    """Show what a customer brought, of those to be called and of those held out. None where the figure says why not."""
    if isinstance(campaign, Unsaid) or isinstance(effects, Unsaid):
        return None
    currency = chapter.parameters.currency
    taken = "" if campaign.customers["expected"].null_count() else "; the difference beyond what was expected of each"
    caption = f"Revenue a customer in {when(campaign)} ({currency}){taken}"
    return _table(chapter, rows_of(effects, "revenue"), caption, _amount, in_money)


def _table(
    chapter: Chapter,
    rows: list[tuple[str, int, int, Effect | None]],
    caption: str,
    wording: Callable[[float], str],
    of_difference: Callable[[float], str],
) -> ShownTable:
    nothing = float("nan")
    frame = pd.DataFrame(
        {
            "action": action,
            "customers": called,
            "customers_held_out": held_out,
            "called": nothing if effect is None else effect.called,
            "held_out": nothing if effect is None else effect.held_out,
            "difference": nothing if effect is None else effect.difference,
            "between": "" if effect is None else _ends(effect, of_difference),
            "smallest": "" if effect is None else _smallest(effect, of_difference),
            "says": verdict_in_words(effect),
        }
        for action, called, held_out, effect in rows
    )
    columns: Columns = {
        "action": ("action", str),
        "customers": ("customers to be called", count),
        "customers_held_out": ("held out", count),
        "called": ("of those to be called", if_known(wording)),
        "held_out": ("of those held out", if_known(wording)),
        "difference": ("difference", if_known(of_difference)),
        "between": (f"{percent(chapter.parameters.interval)} interval", str),
        "smallest": ("these groups show from", str),
        "says": ("so it is", str),
    }
    return show_table(frame, caption, columns)


def verdict_in_words(effect: Effect | None) -> str:
    """Say whether a difference is an effect, and if it isn't, whether the groups could have shown one."""
    if effect is None:
        return "not known: too few"
    if effect.is_effect:
        return "an effect" if effect.difference > 0 else "an effect, for the worse"
    return "no effect found" if effect.large_enough else "not known: groups too small"


def when(campaign: Campaign) -> str:
    """Name the days in which the effect was measured."""
    since = f"the {plural(campaign.days, 'day')} after {day(campaign.run.as_of)}"
    # from then on the next lists call whom these held out
    return since if campaign.until == campaign.today else f"{since} (up to the next lists, of {day(campaign.until)})"


def in_points(difference: float) -> str:
    """Write a difference of shares in points, with its sign."""
    return f"{100 * difference:+z.1f}"


def in_money(difference: float) -> str:
    """Write a difference of money with its sign, without cents from 100 up."""
    return f"{difference:+z,.0f}" if abs(round(difference, 2)) >= 100 else f"{difference:+z,.2f}"


def _amount(value: float) -> str:
    return money(value, "").strip()


def _ends(effect: Effect, wording: Callable[[float], str]) -> str:
    return "not known" if pd.isna(effect.low) else f"{wording(effect.low)} to {wording(effect.high)}"


def _smallest(effect: Effect, wording: Callable[[float], str]) -> str:
    if pd.isna(effect.low):
        return "not known"
    return wording(effect.smallest_found) if np.isfinite(effect.smallest_found) else "no difference at all"


def state_findings(chapter: Chapter, campaign: Campaign | Unsaid, effects: Effects | Unsaid) -> None:
    """State what the lists of the earlier run did, over all and by action, and whether the groups could tell."""
    if isinstance(campaign, Unsaid) or isinstance(effects, Unsaid):
        unsaid = campaign if isinstance(campaign, Unsaid) else effects
        chapter.state("campaigns", unsaid.reason, verdict="unknown")  # type: ignore[union-attr]
        return
    _state_over_all(chapter, campaign, effects)
    _state_groups(chapter, effects.over_all)
    for action, effect in effects.by_action.items():
        if effect.is_effect:
            _state_action(chapter, action, effect)
    if campaign.passed_over:
        chapter.state("campaigns_passed_over", " ".join(campaign.passed_over), verdict="watch")
    if campaign.left_out:
        chapter.state(
            "campaigns_left_out",
            f"{plural(campaign.left_out, 'customer')} of the lists turned out to be one with a customer of another "
            "list or group, and are left out of the comparison.",
            value=campaign.left_out,
            unit="customers",
        )


def _state_over_all(chapter: Chapter, campaign: Campaign, effects: Effects) -> None:
    found = effects.over_all
    share, revenue = found.share, found.revenue
    currency = chapter.parameters.currency
    interval = percent(chapter.parameters.interval)
    statement = (
        f"In {when(campaign)} {tenths(share.called)} of the customers to be called by that day's lists bought "
        f"again, and {tenths(share.held_out)} of those held out{_list_by_list(effects)}: "
        f"{in_points(share.difference)} points ({interval} interval {_ends(share, in_points)}), "
        f"and {currency} {in_money(revenue.difference)} of revenue a customer"
    )
    statement += (
        f" ({interval} interval {_ends(revenue, in_money)})"
        if pd.notna(revenue.low)
        else ", of too few held out who bought to tell how sure that is"
    )
    verdict: Verdict = "note"
    if found.is_effect:
        chosen = share if share.is_effect else revenue
        verdict = "good" if chosen.difference > 0 else "act"
        says = "chance doesn't explain that: provided the lists were called, it is what they did"
    elif share.large_enough and revenue.large_enough:
        says = "that is no more than chance explains"
    else:
        says = "chance explains as much, and the groups are too small to show what a list usually does"
    chapter.state(
        "campaigns",
        f"{statement}; {says}.",
        value=share.difference,
        low=share.low,
        high=share.high,
        unit="share of customers",
        verdict=verdict,
        question="decisions",
    )


def _list_by_list(effects: Effects) -> str:
    return " of the same lists, each counted by how many it called" if len(effects.by_action) > 1 else ""


def _state_groups(chapter: Chapter, found: CampaignEffect) -> None:
    share = found.share
    customers = found.called + found.held_out
    held = f"{plural(found.held_out, 'customer was', 'customers were')} held out of {count(customers)}"
    if not np.isfinite(share.smallest_found):
        statement = f"{held}: too few to show any difference in who buys again."
    else:
        statement = f"{held}: enough to show a difference of {in_points(share.smallest_found)} points in who buys again"
        if share.large_enough:
            statement += f", and {in_points(share.worth_finding)}, a quarter more than without a call, was to be shown."
        else:
            statement += (
                f"; for {in_points(share.worth_finding)}, a quarter more than without a call, it takes about "
                f"{count(share.customers_needed)} customers on the lists, or a larger control_share."
            )
    chapter.state(
        "campaign_groups",
        statement,
        value=share.smallest_found,
        unit="share of customers",
        verdict="note" if share.large_enough else "watch",
    )


def _state_action(chapter: Chapter, action: str, found: CampaignEffect) -> None:
    measure_ = found.share if found.share.is_effect else found.revenue
    what = (
        f"{in_points(measure_.difference)} points in who bought again"
        if found.share.is_effect
        else f"{chapter.parameters.currency} {in_money(measure_.difference)} of revenue a customer"
    )
    chapter.state(
        f"campaign_{action.replace(' ', '_')}",
        f"The list '{action}' had an effect: {what} against those held out.",
        value=measure_.difference,
        low=measure_.low,
        high=measure_.high,
        unit="share of customers" if found.share.is_effect else chapter.parameters.currency,
        verdict="good" if measure_.difference > 0 else "act",
    )
