"""The steps of `05_retention` and `06_differentiation` about what leaving costs: revenue and value at stake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from models.futures import Futures
from models.value_at_stake import NOT_RECORDED, by_group, value_at_stake
from models.value_tiers import TIERS

from ...chapter import Chapter
from ...errors import CannotSay
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import between_roughly, count, day, if_known, key, percent, plural, roughly, tenths
from .. import left_cut, purchase_model, value_tiers
from ..lifetime_value import lifetime_value

MOST_COHORTS = 8
MOST_GROUPS = 6  # of a kind, the largest; the others are taken together
OTHERS = "others"
LONGEST_NAME = 66  # of a group, with its number
NEAR_THE_END = 1 / 8  # of an interval's length
NO_VALUE = "What is at stake can't be told: purchases or spend could not be forecast for every customer."
BOUGHT_ONCE = (
    "Who bought once can't leave by this model before buying again, so groups with many of them seem to leave least; "
    "what they really do stands under the wait for the second purchase"
)
BY_COHORT, BY_TIER = "first purchase", "value tier"


@dataclass(frozen=True)
class AtStake:
    """What leaving costs within the horizon.

    Attributes
    ----------
    base : pandas.Series
        Of the whole base: the columns of `models.value_at_stake.by_group`.
    groups : pandas.DataFrame
        One row a group: `by` (what the customers are grouped by) and the columns of `models.value_at_stake.by_group`.
        Those of each `by` add up to the base.
    customers : polars.DataFrame
        One row a customer: customer, the columns of `models.value_at_stake.value_at_stake`, and a column of groups for
        each way to group customers, null where a customer has none.
    """

    base: pd.Series
    groups: pd.DataFrame
    customers: pl.DataFrame

    @property
    def share(self) -> float:
        """Share of what those still here would bring if none left that is lost by leaving; NaN where nothing is."""
        return share_at_stake(self.base)


def share_at_stake(group: Any) -> float:
    """Return the share of what a group's customers would bring if none left that is at stake; NaN of nothing."""
    whole = group["value"] + group["at_stake"]
    return float(group["at_stake"] / whole) if whole > 0 else np.nan


def sum_at_stake(group: Any, currency: str) -> str:
    """Return what is at stake in a group in two digits, with its interval where there is one."""
    said = f"{currency} {roughly(group['at_stake'])}"
    low, high = float(group["at_stake_low"]), float(group["at_stake_high"])
    return f"{said} ({between_roughly(low, high)})" if np.isfinite(low) else said


@says_why_not
def at_stake(chapter: Chapter) -> AtStake | Unsaid:
    """Reckon what leaving costs within the horizon, by cohort, value tier, and kind and manager where recorded."""
    return at_stake_by(chapter, _groupings(chapter), value_tiers.futures(chapter))


def at_stake_by(chapter: Chapter, groups: pl.DataFrame, drawn: Futures | Unsaid) -> AtStake | Unsaid:
    """Reckon what leaving costs within the horizon, by the groups that are asked for.

    Parameters
    ----------
    chapter : Chapter
    groups : polars.DataFrame
        customer, and a column of names for each way to group customers; a grouping of one group is left out.
    drawn : Futures or Unsaid
        From `customerbase.chapters.value_tiers.futures`. Without them there are no intervals.
    """
    return _reckoned(chapter, groups, None if isinstance(drawn, Unsaid) else drawn)


@says_why_not
def _reckoned(chapter: Chapter, groups: pl.DataFrame, futures: Futures | None) -> AtStake:
    valued = chapter.table("lifetime_value")
    if not np.isfinite(valued["clv"].to_numpy(float)).all():
        raise CannotSay(NO_VALUE)
    model = purchase_model.fit_all(valued)
    if isinstance(model, Unsaid):
        raise CannotSay(model.reason)
    given = chapter.parameters
    stakes = value_at_stake(
        valued,
        model,
        horizon_days=given.horizon_days,
        annual_discount_rate=given.annual_discount_rate,
        margin=lifetime_value.margins(chapter, valued),
        time_unit=given.time_unit,
    )
    everybody = pl.repeat("all", stakes.height, eager=True, dtype=pl.String)
    base = by_group(stakes, everybody, futures, given.interval).iloc[0]
    parts = []
    placed = stakes.join(groups, on="customer", how="left", maintain_order="left")
    for name in groups.columns[1:]:
        if placed[name].drop_nulls().n_unique() > 1:
            sums = by_group(stakes, placed[name], futures, given.interval)
            parts.append(_in_order(name, sums).assign(by=name))
    empty = base.to_frame().T.iloc[:0].assign(by=[])
    return AtStake(base, pd.concat(parts, ignore_index=True) if parts else empty, placed)


def _groupings(chapter: Chapter) -> pl.DataFrame:
    """Return each customer's group, by what customers are grouped by."""
    valued = pl.Series("customer", chapter.table("lifetime_value")["customer"].astype(str).to_list(), dtype=pl.String)
    frame = valued.to_frame().join(_cohorts(chapter), on="customer", how="left", maintain_order="left")
    tiers = value_tiers.tiers(chapter).customers.select("customer", pl.col("value_tier").alias(BY_TIER))
    frame = frame.join(tiers, on="customer", how="left", maintain_order="left")
    told = chapter.particulars
    for name in ("kind", "manager"):
        if told is not None and name in told.columns and told.schema[name] == pl.String:
            frame = frame.join(told.select("customer", name), on="customer", how="left", maintain_order="left")
        elif name == "manager" and name in chapter.ledger.columns:
            frame = frame.join(_latest_manager(chapter), on="customer", how="left", maintain_order="left")
    return frame.with_columns(_largest(frame[name]) for name in ("kind", "manager") if name in frame.columns)


def _cohorts(chapter: Chapter) -> pl.DataFrame:
    """Return customer and when each was won: by month, quarter or year, whichever makes not more than 8 cohorts."""
    first = chapter.purchases.group_by("customer").agg(pl.col("date").min().alias("first"))
    new = left_cut.new_customers(chapter).select("customer", pl.lit(True).alias("new"))
    first = first.join(new, on="customer", how="left")
    on = pl.col("first")
    quarter = pl.format("{} Q{}", on.dt.year(), on.dt.quarter())
    names = {"month": on.dt.strftime("%Y-%m"), "quarter": quarter, "year": on.dt.year().cast(pl.String)}
    won = first.filter("new")
    for name in names.values():
        cohorts = won.select(name.alias("cohort"))["cohort"].unique().sort()
        if len(cohorts) <= MOST_COHORTS:
            break
    else:
        oldest = cohorts[-MOST_COHORTS]
        name = pl.when(name <= oldest).then(pl.format("up to {}", pl.lit(oldest))).otherwise(name)
    # whoever is first seen before that day may have been a customer already
    before = pl.lit(f"before {day(left_cut.left_cut(chapter).new_from or chapter.first_day)}")
    return first.select("customer", pl.when("new").then(name).otherwise(before).alias(BY_COHORT))


def _latest_manager(chapter: Chapter) -> pl.DataFrame:
    known = chapter.ledger.filter(pl.col("manager").is_not_null())
    return known.group_by("customer").agg(pl.col("manager").sort_by("date", "manager").last())


def _largest(groups: pl.Series) -> pl.Series:
    """Keep the groups of most customers, and take the others together."""
    sizes = groups.drop_nulls().value_counts().sort("count", groups.name, descending=[True, False])
    if sizes.height <= MOST_GROUPS:
        return groups
    kept = sizes[groups.name].head(MOST_GROUPS - 1)
    return pl.select(
        pl.when(groups.is_in(kept.implode()) | groups.is_null())
        .then(groups)
        .otherwise(pl.lit(OTHERS))
        .alias(groups.name)
    ).to_series()


def _in_order(name: str, sums: pd.DataFrame) -> pd.DataFrame:
    if name == BY_TIER:
        place = {tier: at for at, tier in enumerate(TIERS)}
        return sums.sort_values("group", key=lambda group: group.map(place).fillna(len(TIERS)), ignore_index=True)
    if name == BY_COHORT:
        # those of before the ledger, or up to some year, come first
        told = sums["group"].str.startswith(("before", "up to"))
        return pd.concat([sums[told], sums[~told]], ignore_index=True)
    last = sums["group"].isin([OTHERS, NOT_RECORDED])
    ranked = sums.assign(last=last).sort_values(["last", "at_stake", "group"], ascending=[True, False, True])
    return ranked.drop(columns="last").reset_index(drop=True)


@says_why_not
def stake_table(chapter: Chapter, stake: AtStake) -> ShownTable:
    """Show what is at stake by cohort and segment, the whole base last."""
    frame = _with_base(stake)
    labels = [f"{by}: {group}" if by else group for by, group in zip(frame["by"], frame["group"].map(key), strict=True)]
    columns: Columns = {
        "label": ("customers by", str),
        "customers": ("customers", count),
        "revenue_at_stake": ("revenue at stake", roughly),
        "at_stake": ("lifetime value at stake", roughly),
        "ends": ("from … to", str),
        "point": ("a point fewer keeps", if_known(roughly, "not known")),
        "lost": ("lost already, at old pace", roughly),
    }
    return show_table(frame.assign(label=labels), f"{_caption(chapter)}. {BOUGHT_ONCE}", columns)


@says_why_not
def one_grouping_table(chapter: Chapter, stake: AtStake, what: str) -> ShownTable:
    """Show what is at stake beside what they are worth, of customers who are grouped in one way; the base last.

    Parameters
    ----------
    chapter : Chapter
    stake : AtStake
        From `at_stake_by`.
    what : str
        What the groups are, for the head of their column.
    """
    if stake.groups.empty:
        raise CannotSay("There is one group of customers only, so what is at stake isn't compared between groups.")
    frame = _with_base(stake)
    of_all = [share_at_stake(row) for _, row in frame.iterrows()]
    columns: Columns = {
        "group": (what, _whole_name),
        "value": (f"lifetime value ({chapter.parameters.currency})", count),
        "at_stake": ("at stake", roughly),
        "ends": ("from … to", str),
        "of_all": ("share", if_known(tenths, "not known")),
        "point": ("a point fewer keeps", if_known(roughly, "not known")),
        "revenue_at_stake": ("revenue at stake", roughly),
    }
    return show_table(frame.assign(of_all=of_all), _caption(chapter), columns)


def _whole_name(group: object) -> str:
    return key(group, LONGEST_NAME)


def _caption(chapter: Chapter) -> str:
    given = chapter.parameters
    return f"What leaving costs in the next {plural(given.horizon_days, 'day')} ({given.currency})"


def _with_base(stake: AtStake) -> pd.DataFrame:
    """Return the groups and then the base, with their intervals in words."""
    frame = pd.concat([stake.groups, stake.base.to_frame().T.assign(by="", group="all")], ignore_index=True)
    frame = frame.infer_objects()
    low, high = frame["at_stake_low"].astype(float), frame["at_stake_high"].astype(float)
    return frame.assign(ends=[between_roughly(*ends) for ends in zip(low, high, strict=True)])


def about_cohorts(chapter: Chapter) -> Unsaid | None:
    """Say what it means for cohorts where the ledger begins in the middle of its customers' lives."""
    said = left_cut.what_it_means(chapter, "cohorts")
    return Unsaid(said) if said else None


def state_findings(chapter: Chapter, stake: AtStake | Unsaid) -> None:
    """State what is at stake, and where most of it lies."""
    if isinstance(stake, Unsaid):
        chapter.state("value_at_stake", stake.reason, verdict="unknown", question="losing")
        return
    base, currency = stake.base, chapter.parameters.currency
    days = count(chapter.parameters.horizon_days)
    low, high = (
        float(base[f"at_stake_{end}"]) if np.isfinite(base[f"at_stake_{end}"]) else None for end in ("low", "high")
    )
    statement = f"Customers who leave within the next {days} days take {sum_at_stake(base, currency)} of lifetime value"
    statement += " with them"
    if np.isfinite(stake.share):
        statement += f", {percent(stake.share)} of what those still here would bring if they all stayed"
    if np.isfinite(base["point"]):
        leaving = percent(base["leaves"] / base["here"], 1)
        statement += (
            f"; {leaving} of those still here are expected to leave (by the model nobody can before a second "
            f"purchase), and one point fewer keeps {currency} {roughly(base['point'])}"
        )
    if low is not None and high is not None and not _in_the_middle(base["at_stake"], low, high):
        statement += (
            ". The sum lies near an end of its interval: how unlike customers are in leaving is hardly told by these "
            "purchases"
        )
    chapter.state(
        "value_at_stake",
        f"{statement}.",
        value=float(base["at_stake"]),
        low=low,
        high=high,
        unit=currency,
        verdict="watch",
        question="losing",
    )
    _state_where(chapter, stake)


def _in_the_middle(value: float, low: float, high: float) -> bool:
    """Return whether a value is no nearer to an end of its interval than an eighth of its length."""
    return low + (high - low) * NEAR_THE_END <= value <= high - (high - low) * NEAR_THE_END


def _state_where(chapter: Chapter, stake: AtStake) -> None:
    told = stake.groups[~stake.groups["group"].isin([NOT_RECORDED, OTHERS])]
    if told.empty or not stake.base["at_stake"] > 0:
        return
    by = BY_TIER if (told["by"] == BY_TIER).any() else told["by"].iloc[0]
    theirs = told[told["by"] == by]
    most = theirs.iloc[int(theirs["at_stake"].to_numpy(float).argmax())]
    share = float(most["at_stake"] / stake.base["at_stake"])
    chapter.state(
        "most_at_stake",
        f"By {by}, most is at stake with '{key(most['group'])}': {percent(share)} of it, from "
        f"{plural(most['customers'], 'customer')}.",
        value=share,
        unit="share of value at stake",
    )
