"""The steps of `06_differentiation` about value: who is most valuable, who could grow, who costs money."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from models.futures import Futures, draw_futures
from models.posterior import Posterior
from models.rfm import DAYS_PER_UNIT
from models.value_tiers import (
    BELOW_ZERO,
    MOST_GROWABLE,
    MOST_VALUABLE,
    THE_REST,
    TIERS,
    TierDoubt,
    tier_doubt,
    value_tiers,
)

from ..chapter import Chapter
from ..errors import CannotSay
from ..shown_table import ShownTable, show_table
from ..unsaid import Unsaid, says_why_not
from ..wording import between, count, if_known, listed, money, percent, plural
from . import purchase_model
from .first_line import first_line
from .lifetime_value import lifetime_value
from .profit import costs_known, customer_profit, customer_revenue, profit_known, serving_known, since

YEAR = 365
RECORDED, FROM_MODEL = "recorded", "from the model"
NO_COSTS = "Who is below zero can't be told: what customers cost is not recorded."
NO_DOUBT = "How sure the tiers are can't be told: a lifetime value with its interval is needed for each customer."


@dataclass(frozen=True)
class ValueTiers:
    """Everybody's value tier, and what it rests on.

    Attributes
    ----------
    customers : polars.DataFrame
        One row a customer of the table `lifetime_value`, in its order: customer, clv, clv_high, profit (null where
        costs don't tell), unrealised (null where not known), value_tier (null where nothing tells it).
    growth : str
        Where `unrealised` comes from: `RECORDED` (potential or share of wallet) or `FROM_MODEL`.
    with_potential : int
        Customers of whom the unrealised potential is known.
    losses_known : bool
        Whether costs tell who is below zero.
    """

    customers: pl.DataFrame
    growth: str
    with_potential: int
    losses_known: bool


def tiers(chapter: Chapter) -> ValueTiers:
    """Give every customer a value tier; see `models.value_tiers.value_tiers`."""
    given = chapter.parameters
    table = chapter.table("lifetime_value")
    valued = pl.from_pandas(table[["customer", "clv", "clv_low", "clv_high"]], nan_to_null=True).with_columns(
        pl.col("customer").cast(pl.String),
        # a mean spend without end makes no value that could be compared
        pl.col("clv", "clv_low", "clv_high").cast(pl.Float64).replace({float("inf"): None, float("-inf"): None}),
    )
    recorded = _recorded_potential(chapter)
    losses_known = _losses_known(chapter)
    profit = customer_profit(chapter).select("customer", "profit") if losses_known else None
    if recorded is None:
        # in an interval that is turned round, of a margin below zero, nothing can grow
        rest = (pl.col("clv_high") - pl.col("clv")).clip(lower_bound=0.0).alias("unrealised")
        customers = valued.with_columns(rest)
    else:
        customers = valued.join(recorded, on="customer", how="left", maintain_order="left")
    if profit is None:
        customers = customers.with_columns(pl.lit(None, pl.Float64).alias("profit"))
    else:
        customers = customers.join(profit, on="customer", how="left", maintain_order="left")
    given_tiers = value_tiers(
        customers, most_valuable_share=given.most_valuable_share, most_growable_share=given.most_growable_share
    )
    return ValueTiers(
        customers.select("customer", "clv", "clv_high", "profit", "unrealised", given_tiers["value_tier"]),
        FROM_MODEL if recorded is None else RECORDED,
        int(customers["unrealised"].count()),
        losses_known,
    )


def _losses_known(chapter: Chapter) -> bool:
    """Return whether costs differ between customers: a margin alone is the same share of everybody's revenue."""
    return costs_known(chapter) or (profit_known(chapter) and serving_known(chapter))


def _recorded_potential(chapter: Chapter) -> pl.DataFrame | None:
    """Return customer and unrealised (money a year) where potential or share of wallet is recorded, else None."""
    told = chapter.particulars
    columns = [] if told is None else [name for name in ("potential", "share_of_wallet") if name in told.columns]
    if told is None or not any(told.schema[name].is_numeric() for name in columns):
        return None
    days = min(YEAR, (chapter.as_of - first_line(chapter)).days + 1)
    last_year = customer_revenue(chapter, first=chapter.as_of - dt.timedelta(days=YEAR - 1))
    bought = pl.col("revenue").fill_null(0.0).clip(lower_bound=0.0) * (YEAR / days)
    known = []
    if "potential" in columns and told.schema["potential"].is_numeric():
        known.append(pl.when(pl.col("potential") > 0).then(pl.col("potential") - bought))
    if "share_of_wallet" in columns and told.schema["share_of_wallet"].is_numeric():
        share = pl.col("share_of_wallet")
        known.append(pl.when((share > 0) & (share <= 1)).then(bought * (1 / share - 1)))
    found = (
        told.join(chapter.ledger, on="customer", how="semi")
        .join(last_year, on="customer", how="left")
        .select("customer", pl.coalesce(known).clip(lower_bound=0.0).cast(pl.Float64).alias("unrealised"))
    )
    return found if found["unrealised"].count() else None


@says_why_not
def futures(chapter: Chapter) -> Futures:
    """Draw futures of the customers of the table `lifetime_value`; see `models.futures.draw_futures`."""
    valued = chapter.table("lifetime_value")
    if not np.isfinite(valued[["clv", "clv_low", "clv_high"]].to_numpy(float)).all():
        raise CannotSay(NO_DOUBT)
    known: list[Posterior] = []
    for model in (purchase_model.fit_all(valued), lifetime_value.fit_spend(valued)):
        found = model if isinstance(model, Unsaid) else lifetime_value.posterior(chapter, model)
        if isinstance(found, Unsaid):
            raise CannotSay(found.reason)
        known.append(found)
    given = chapter.parameters
    horizon = given.horizon_days / DAYS_PER_UNIT[given.time_unit]
    return draw_futures(known[0], known[1], valued, horizon, seed=given.seed)


@says_why_not
def doubt(chapter: Chapter, told: ValueTiers, drawn: Futures) -> TierDoubt:
    """Tell how sure the tiers are, and how far luck will mix them; see `models.value_tiers.tier_doubt`."""
    given = chapter.parameters
    valued = chapter.table("lifetime_value").iloc[drawn.rows]
    spent = (valued["expected_purchases"] * valued["expected_spend"]).to_numpy(float)
    # margin and discount of what each customer brings
    worth = np.divide(valued["clv"].to_numpy(float), spent, out=np.zeros(len(spent)), where=spent > 0)
    return tier_doubt(
        told.customers[drawn.rows],
        drawn.expected * worth[:, np.newaxis],
        realised=drawn.brought * worth[:, np.newaxis],
        room_is_drawn=told.growth == FROM_MODEL,
        most_valuable_share=given.most_valuable_share,
        most_growable_share=given.most_growable_share,
        interval=given.interval,
    )


def tier_sums(told: ValueTiers) -> pd.DataFrame:
    """Return each tier that customers have, in the order of `TIERS`.

    Returns
    -------
    pandas.DataFrame
        tier, customers, share (of the customers whose tier is known), value, value_share, profit, unrealised; NaN
        where not known.
    """
    known = told.customers.filter(pl.col("value_tier").is_not_null())
    sums = known.group_by("value_tier").agg(
        pl.len().alias("customers"),
        *(pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name) for name in ("clv", "unrealised")),
        pl.when(pl.col("profit").null_count() == 0).then(pl.col("profit").sum()).alias("profit"),
    )
    frame = sums.to_pandas().set_index("value_tier")
    frame = frame.loc[[tier for tier in TIERS if tier in frame.index]].rename(columns={"clv": "value"})
    frame["share"] = frame["customers"] / frame["customers"].sum()
    together = frame["value"].sum()
    frame["value_share"] = frame["value"] / together if together > 0 else np.nan
    return frame.rename_axis("tier").reset_index()


@says_why_not
def tier_table(chapter: Chapter, told: ValueTiers) -> ShownTable:
    """Show what each tier is of customers, value, profit and potential."""
    sums = tier_sums(told)
    if sums.empty:
        raise CannotSay(f"Nobody's value tier can be told: there is no lifetime value. {NO_COSTS}")
    currency = chapter.parameters.currency
    columns: dict[str, Any] = {
        "tier": ("tier", str),
        "customers": ("customers", count),
        "share": ("share", percent),
        "value": (f"lifetime value ({currency})", if_known(count, "not known")),
        "value_share": ("share of value", percent),
    }
    if told.losses_known:
        columns["profit"] = (f"profit {since(chapter)} ({currency})", if_known(count, "not known"))
    growth = "recorded potential left, a year" if told.growth == RECORDED else "room above what is expected"
    columns["unrealised"] = (f"{growth} ({currency})", if_known(count, "not known"))
    return show_table(sums, "Customers by value tier", columns)


def about_tiers(chapter: Chapter, told: ValueTiers) -> Unsaid | None:
    """Say what the tiers rest on where something isn't recorded; None where everything is."""
    said = []
    if told.growth == FROM_MODEL and told.with_potential:
        said.append(
            "No potential and no share of wallet is recorded, so who could grow is read from the model: how far the "
            f"upper end of the {percent(chapter.parameters.interval)} interval of the value lies above what is "
            "expected. That is room the model leaves, not a promise."
        )
        said.append(_next_by_value(told))
    elif told.growth == RECORDED and told.with_potential < told.customers.height:
        said.append(
            f"Potential or share of wallet is recorded of {plural(told.with_potential, 'customer')} of "
            f"{count(told.customers.height)}: who else could grow isn't known."
        )
    if not told.losses_known:
        said.append(NO_COSTS)
    return Unsaid(" ".join(filter(None, said))) if said else None


def _next_by_value(told: ValueTiers) -> str:
    """Say how far the most growable are those next by value under another name."""
    others = told.customers.filter(pl.col("value_tier").is_in([MOST_GROWABLE, THE_REST]) & pl.col("clv").is_not_null())
    growing = others.filter(value_tier=MOST_GROWABLE)
    if growing.is_empty():
        return ""
    following = others.sort("clv", "customer", descending=[True, False]).head(growing.height)
    both = following.filter(value_tier=MOST_GROWABLE).height
    return (
        f"{percent(both / growing.height)} of the most growable are simply those who come next by value after the most "
        "valuable."
    )


def state_findings(chapter: Chapter, told: ValueTiers, doubted: TierDoubt | Unsaid) -> None:
    """State whom the value rests on, who is below zero, and how sure the tiers are."""
    sums = {str(row["tier"]): row for row in tier_sums(told).to_dict("records")}
    _state_most_valuable(chapter, told, sums)
    _state_below_zero(chapter, told, sums)
    _state_doubt(chapter, doubted)


def _state_most_valuable(chapter: Chapter, told: ValueTiers, sums: dict[str, Any]) -> None:
    if MOST_VALUABLE not in sums or not sums[MOST_VALUABLE]["value_share"] > 0:
        reason = "Who is most valuable can't be told: there is no lifetime value that sets some customers apart."
        chapter.state("most_valuable", reason, verdict="unknown")
        return
    best = sums[MOST_VALUABLE]
    statement = (
        f"The {plural(best['customers'], 'most valuable customer')} ({percent(best['share'])} of all) hold "
        f"{percent(best['value_share'])} of the lifetime value"
    )
    # what the model leaves open is no promise that somebody will grow
    if MOST_GROWABLE in sums and told.growth == RECORDED:
        growing = sums[MOST_GROWABLE]
        statement += f"; another {count(growing['customers'])} have the most room to grow"
    chapter.state("most_valuable", f"{statement}.", value=best["value_share"], unit="share of value", question="who")


def _state_below_zero(chapter: Chapter, told: ValueTiers, sums: dict[str, Any]) -> None:
    if not told.losses_known:
        chapter.state("tier_below_zero", NO_COSTS, verdict="unknown")
        return
    if BELOW_ZERO not in sums:
        chapter.state("tier_below_zero", "No customer costs more than they bring.", value=0, unit="customers")
        return
    below = sums[BELOW_ZERO]
    one = below["customers"] == 1
    statement = f"{plural(below['customers'], 'customer')} {'is' if one else 'are'} below zero"
    if below["profit"] < 0:
        together = "" if one else "together "
        statement += f": {together}{money(-below['profit'], chapter.parameters.currency)} lost {since(chapter)}"
    chapter.state("tier_below_zero", f"{statement}.", value=below["customers"], unit="customers", verdict="watch")


def _state_doubt(chapter: Chapter, doubted: TierDoubt | Unsaid) -> None:
    if isinstance(doubted, Unsaid):
        chapter.state("tiers_hold", doubted.reason, verdict="unknown")
        return
    mean, low, high = doubted.changed
    kept = [
        f"{percent(held['mean'])} of the {tier}"
        for tier, held in doubted.held.to_dict("index").items()
        if tier in (MOST_VALUABLE, MOST_GROWABLE)
    ]
    statement = "As far as their value is known"
    statement += f", {listed(kept)} are rightly so called; of all" if kept else ", of all"
    statement += f" customers {percent(mean)} ({between(100 * low, 100 * high)}%) belong in another tier than today's"
    if mean > 0 and doubted.realised is not None and MOST_VALUABLE in doubted.realised.index:
        lucky = percent(float(doubted.realised["mean"][MOST_VALUABLE]))
        statement += (
            f". Luck comes on top: if the model is right, {lucky} of today's most valuable will be among those who "
            f"bring most in the next {count(chapter.parameters.horizon_days)} days. Don't take a tier's border for "
            "sharp"
        )
    chapter.state("tiers_hold", f"{statement}.", value=mean, low=low, high=high, unit="share of customers")
