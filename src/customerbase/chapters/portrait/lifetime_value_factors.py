"""LTV = S x C x P x T in `02_portrait`: what a customer brings over a lifetime, beside what the models say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl

from models import BGNBD
from models.exact import exact_sum
from models.lifetime_value import customer_lifetime_value
from models.lifetime_value_factors import lifetime_value_factors, times_as_customer, value_ahead

from ...chapter import Chapter
from ...errors import CannotSay
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import NOT_RECORDED, between, count, key, money, number, percent, plural
from ..first_line import first_line
from ..lifetime_value.lifetime_value import fit_spend, margins
from ..profit import customer_profit, profit_known

ALL = "all customers"
OTHERS = "others"
THIRDS = ("largest third", "middle third", "smallest third")
FEWEST_FOR_THIRDS = 30
#: What may set customers apart, the first that is recorded before the next.
SEGMENTED_BY = ("kind", "channel", "department")
MOST_SEGMENTS = 8
LEAST_RECORDED = 0.5  # share of customers with a segment from which it speaks for the base


@says_why_not
def model_values(chapter: Chapter, summary: pd.DataFrame, model: BGNBD) -> pl.DataFrame:
    """Return each customer's value by the models: customer and clv, as in the table `lifetime_value`."""
    given = chapter.parameters
    spend = fit_spend(summary)
    if isinstance(spend, Unsaid):
        raise CannotSay(spend.reason)
    valued = customer_lifetime_value(
        summary,
        model,
        spend,
        horizon_days=given.horizon_days,
        annual_discount_rate=given.annual_discount_rate,
        margin=margins(chapter, summary),
        time_unit=given.time_unit,
    )
    return pl.from_pandas(valued[["customer", "clv"]], nan_to_null=True)


def factors(chapter: Chapter, earned: pl.DataFrame, valued: pl.DataFrame | Unsaid) -> pd.DataFrame | Unsaid:
    """Return LTV = S x C x P x T of the base and of its segments, beside the models' value.

    Parameters
    ----------
    chapter : Chapter
    earned : polars.DataFrame
        As `customerbase.chapters.profit.customer_profit` returns it.
    valued : polars.DataFrame or Unsaid
        As `model_values` returns it.

    Returns
    -------
    pandas.DataFrame
        As `models.lifetime_value_factors.lifetime_value_factors` returns it, the base first, with ahead (what
        the formula says of the next `horizon_days`), model, median_model and below_mean_model (mean of the models'
        value over the same time, its median, and the share of customers below the mean; NaN where not known),
        median_so_far (of the profit, or the revenue, that customers have brought) and by, what sets the segments apart.

    Notes
    -----
    S is the ledger's revenue of these customers, after all returns, per purchase that stood, and P their profit per
    revenue: so LTV times the customers who left is the profit that they all brought. All four factors are of the whole
    ledger, whatever `lookback_days` is.
    """
    # the formula needs no model, so an answer that the models can't give takes only their column
    found: pd.DataFrame | Unsaid = _factors(chapter, earned, None if isinstance(valued, Unsaid) else valued)
    return found


@says_why_not
def _factors(chapter: Chapter, earned: pl.DataFrame, valued: pl.DataFrame | None) -> pd.DataFrame:
    given = chapter.parameters
    times = times_as_customer(chapter.purchases, chapter.as_of, active_days=given.active_days)
    if not times["left"].any():
        raise CannotSay(
            f"No customer has been silent for {plural(given.active_days, 'day')} yet, so how long a customer stays "
            "(T), and with it LTV, can't be told."
        )
    if given.lookback_days is not None:
        earned = customer_profit(chapter, first=first_line(chapter))
    by, segments = _segments(chapter, times)
    brought = earned.select("customer", "revenue", earned="profit" if profit_known(chapter) else "revenue")
    known = times.join(segments, on="customer", how="left").join(brought, on="customer", how="left")
    known = known.with_columns(amount=pl.col("revenue"), base=pl.lit(ALL))
    if valued is None:
        known = known.with_columns(clv=pl.lit(None, pl.Float64))
    else:
        known = known.join(valued, on="customer", how="left")
    value, mean = pl.col("clv"), exact_sum("clv") / pl.col("clv").count()
    revenue = exact_sum("revenue")
    parts = []
    for column in ("base", "segment"):
        sums = (
            known.drop_nulls(column)
            .group_by(segment=column)
            .agg(
                profit_share=pl.when(revenue > 0).then(exact_sum("earned") / revenue),
                model=pl.when(value.count() > 0).then(mean),
                median_model=value.median(),
                below_mean_model=(value < mean).mean(),
                median_so_far=pl.col("earned").median(),
            )
        )
        part = lifetime_value_factors(known, sums, by=column, interval=given.interval)
        part["ahead"] = value_ahead(part["value"], part["years"], part["lost"] / part["customers"], given.horizon_days)
        part = part.merge(sums.drop("profit_share").to_pandas(), on="segment", how="left")
        parts.append(_in_order(part))
    return pd.concat([part for part in parts if len(part)], ignore_index=True).assign(by=by)


def _segments(chapter: Chapter, times: pl.DataFrame) -> tuple[str, pl.DataFrame]:
    """Return what sets customers apart on this base, and each customer's segment."""
    particulars = chapter.particulars
    for name in SEGMENTED_BY:
        for rows in (particulars, chapter.ledger):
            if rows is None or name not in rows.columns or (rows is chapter.ledger and name == "kind"):
                continue
            told = rows.drop_nulls(name).select("customer", name, *(["date"] if rows is chapter.ledger else []))
            told = told.sort("date", maintain_order=True) if rows is chapter.ledger else told
            of_customer = told.group_by("customer").agg(segment=pl.col(name).cast(pl.String).last())
            found = times.select("customer").join(of_customer, on="customer", how="left")
            sizes = found["segment"].drop_nulls().value_counts(sort=True)
            if sizes.height > 1 and sizes["count"].sum() >= LEAST_RECORDED * times.height:
                largest = sizes["segment"].head(MOST_SEGMENTS if sizes.height <= MOST_SEGMENTS else MOST_SEGMENTS - 1)
                named = pl.col("segment").is_in(largest.implode())
                kept = pl.when(named).then("segment").otherwise(pl.lit(OTHERS))
                missing = pl.col("segment").is_null()
                return name, found.select(
                    "customer", segment=pl.when(missing).then(pl.lit(NOT_RECORDED)).otherwise(kept)
                )
    return _by_first_purchase(times)


def _by_first_purchase(times: pl.DataFrame) -> tuple[str, pl.DataFrame]:
    """Cut customers into thirds by what they first bought: known before anyone could leave, unlike their value."""
    first = times.select("customer", "first_amount").sort("first_amount", "customer")
    if first.height < FEWEST_FOR_THIRDS or first["first_amount"][0] == first["first_amount"][-1]:
        return "", times.select("customer", segment=pl.lit(None, pl.String))
    third = pl.int_range(pl.len()) * len(THIRDS) // pl.len()
    named = third.replace_strict(dict(enumerate(THIRDS[::-1])), return_dtype=pl.String)
    return "first purchase", first.select("customer", segment=named)


def _in_order(part: pd.DataFrame) -> pd.DataFrame:
    """Sort thirds as they are named, and other segments by their number of customers, what is left over last."""
    last = {name: place for place, name in enumerate((*THIRDS, OTHERS, NOT_RECORDED), start=1)}
    place = part["segment"].map(last).fillna(0)
    return (
        part.assign(place=place)
        .sort_values(["place", "customers", "segment"], ascending=[True, False, True], ignore_index=True)
        .drop(columns="place")
    )


def factor_table(chapter: Chapter, frame: pd.DataFrame | Unsaid) -> ShownTable | None:
    """Show the four factors, LTV, and beside it the models' value.

    Nothing is shown where the figure has said why not.
    """
    if isinstance(frame, Unsaid):
        return None
    given, currency = chapter.parameters, chapter.parameters.currency
    known = zip(*(frame[name] for name in ("years", "years_low", "years_high")), strict=True)
    shown = frame.assign(
        segment=frame["segment"].map(key),
        stays=[f"{number(years)} ({between(low, high, '{:.2f}')})" for years, low, high in known],
    )
    share = "P: share that is profit" if profit_known(chapter) else "P: not recorded, so 1"
    ahead = f"in the next {count(given.horizon_days)} days"
    columns: Columns = {
        "segment": (_by_in_words(frame), str),
        "customers": ("customers", count),
        "mean_purchase": (f"S: mean purchase ({currency})", number),
        "median_purchase": ("a customer's own, median", number),
        "below_mean_purchase": ("customers below S", percent),
        "purchases_a_year": ("C: purchases a year", number),
        "profit_share": (share, percent),
        "stays": (f"T: years a customer ({percent(given.interval)} interval)", str),
        "value": (f"LTV = S × C × P × T ({currency})", number),
        "ahead": (f"of it {ahead} ({currency})", number),
        "model": (f"the models' mean value {ahead} ({currency})", number),
        "median_model": ("median", number),
        "below_mean_model": ("below the mean", percent),
    }
    what = "profit" if profit_known(chapter) else "revenue"
    return show_table(shown, f"What a customer brings in {what} over a lifetime, and what the models say", columns)


def _by_in_words(frame: pd.DataFrame) -> str:
    by = frame["by"].iloc[0]
    return f"customers, by {by}" if by else "customers"


def state_findings(chapter: Chapter, factors: pd.DataFrame | Unsaid) -> None:
    """State what the mean customer brings over a lifetime, by its factors."""
    if isinstance(factors, Unsaid):
        chapter.state("ltv_factors", factors.reason, verdict="unknown")
        return
    given, currency = chapter.parameters, chapter.parameters.currency
    base = factors.iloc[0]
    if not np.isfinite(base["value"]):
        reason = "LTV can't be told: without time as a customer, or revenue above zero, one of its factors is missing."
        chapter.state("ltv_factors", reason, verdict="unknown")
        return
    what = "profit" if profit_known(chapter) else "revenue"
    profit = f" × {percent(base['profit_share'], 1)} profit" if profit_known(chapter) else ""
    statement = (
        f"The mean customer brings {money(base['value'], currency)} of {what} over a lifetime: "
        f"{money(base['mean_purchase'], currency)} a purchase × {number(base['purchases_a_year'])} purchases a year"
        f"{profit} × {number(base['years'])} years"
    )
    if np.isfinite(base["model"]):
        days = plural(given.horizon_days, "day")
        statement += (
            f"; by the same reckoning {money(base['ahead'], currency)} of it in the next {days}, where the models see "
            f"{money(base['model'], currency)} (median {money(base['median_model'], currency)})"
        )
    statement += f". Half of all customers have brought less than {money(base['median_so_far'], currency)} so far"
    low, high = (bound if np.isfinite(bound) else None for bound in (base["value_low"], base["value_high"]))
    chapter.state("ltv_factors", f"{statement}.", value=base["value"], low=low, high=high, unit=currency)
