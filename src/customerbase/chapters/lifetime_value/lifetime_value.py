"""The steps of `04_lifetime_value`: what each customer will buy and bring, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from lifetimes.utils import ConvergenceError

from models import BGNBD, GammaGamma
from models.assumptions import RelatedSpend
from models.league import ForecastTrust
from models.lifetime_value import LifetimeValue, customer_lifetime_value, with_intervals
from models.posterior import Posterior, sample_posterior
from models.validation import frequency_groups

from ...chapter import Chapter
from ...errors import CannotSay
from ...findings import Findings, Verdict
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import between, count, day, if_known, money, number, percent, plural
from ..purchase_model import fit_all, fitted, rfm
from .forecast_validation import (
    MOST_SHOWN,
    repeat_spend,
    scores_or_none,
    state_doubts,
    state_relation,
    state_trust,
    state_value_test,
    tested_error,
)

TOP_CUSTOMERS = 10
FEWEST_FOR_TENTHS = 100


def rfm_table(chapter: Chapter, summary: pd.DataFrame) -> ShownTable:
    """Show the summary by number of repeat purchases."""
    unit = chapter.parameters.time_unit
    group, labels = frequency_groups(summary["frequency"], MOST_SHOWN)
    frame = summary.groupby(group).agg(
        customers=("customer", "size"),
        recency=("recency", "mean"),
        T=("T", "mean"),
        spend=("monetary_value", "mean"),
    )
    frame["label"] = [labels[each] for each in frame.index]
    frame.loc[frame["label"] == "0", ["recency", "spend"]] = np.nan
    columns: Columns = {
        "label": ("repeat purchases", str),
        "customers": ("customers", count),
        "recency": (f"recency: {unit}s from first to last purchase", if_known(number)),
        "T": (f"T: {unit}s since the first purchase", number),
        "spend": (f"mean repeat purchase ({chapter.parameters.currency})", if_known(number)),
    }
    return show_table(frame, f"The RFM summary on {day(chapter.as_of)}, by number of repeat purchases (means)", columns)


@says_why_not
def fit_spend(summary: pd.DataFrame) -> GammaGamma:
    """Fit Gamma-Gamma to the mean repeat purchase of customers who came back."""
    repeat = repeat_spend(summary)
    return fitted(GammaGamma(), repeat["frequency"], repeat["monetary_value"])


@says_why_not
def posterior(chapter: Chapter, model: Any) -> Posterior:
    """Return what is known of a model's parameters, and how well."""
    try:
        return sample_posterior(model, seed=chapter.parameters.seed)
    except ConvergenceError as reason:
        raise CannotSay(f"How sure {type(model).__name__} is can't be told: {reason}") from None


@says_why_not
def model_table(chapter: Chapter, model: Any, known: Posterior | Unsaid, fitted_to: str) -> ShownTable:
    """Show a fitted model's parameters with what is known of them."""
    coverage = chapter.parameters.interval
    bounds = None if isinstance(known, Unsaid) else known.interval(coverage)
    frame = pd.DataFrame(
        {
            "name": model.params_.index,
            "value": model.params_.to_numpy(),
            "error": model.standard_errors_.to_numpy(),
            "low": np.nan if bounds is None else bounds["low"].to_numpy(),
            "high": np.nan if bounds is None else bounds["high"].to_numpy(),
        }
    )
    columns: Columns = {
        "name": ("parameter", str),
        "value": ("estimate", number),
        "error": ("standard error", if_known(number, "not identified")),
        "low": (f"{percent(coverage)} interval from", number),
        "high": ("to", number),
    }
    likelihood = f"log-likelihood {model.log_likelihood_:,.1f}, AIC {model.aic_:,.1f}"
    return show_table(frame, f"{type(model).__name__} fitted to {fitted_to}: {likelihood}", columns)


@dataclass(frozen=True)
class Valued:
    """What customers are worth.

    Attributes
    ----------
    customers : pandas.DataFrame
        The table `lifetime_value`.
    purchases, value : tuple of float
        Interval of the base's total purchases and of its total value; NaN where not known.
    """

    customers: pd.DataFrame
    purchases: tuple[float, float]
    value: tuple[float, float]


def margins(chapter: Chapter, summary: pd.DataFrame) -> Any:
    """Return each customer's own margin where the ledger has costs, else the base's, else None."""
    given = chapter.parameters.margin
    if "cost" not in chapter.ledger.columns:
        return given
    sales = chapter.ledger.filter((pl.col("kind") == "sale") & pl.col("cost").is_not_null())
    earned = sales.group_by("customer").agg(pl.col("amount").sum(), pl.col("cost").sum()).to_pandas()
    if not earned["amount"].sum() > 0:
        return given
    base = 1 - earned["cost"].sum() / earned["amount"].sum()
    earned = earned[earned["amount"] > 0].set_index("customer")
    own = 1 - earned["cost"] / earned["amount"]
    return summary["customer"].map(own).fillna(base).to_numpy()


def value(
    chapter: Chapter,
    summary: pd.DataFrame,
    model: BGNBD | Unsaid,
    spend: GammaGamma | Unsaid,
    model_known: Posterior | Unsaid,
    spend_known: Posterior | Unsaid,
) -> Valued:
    """Return what customers are worth; what can't be forecast on this base is left empty."""
    given = chapter.parameters
    terms: dict[str, Any] = {
        "horizon_days": given.horizon_days,
        "annual_discount_rate": given.annual_discount_rate,
        "margin": margins(chapter, summary),
        "time_unit": given.time_unit,
    }
    purchases = None if isinstance(model, Unsaid) else model
    customers = customer_lifetime_value(summary, purchases, None if isinstance(spend, Unsaid) else spend, **terms)
    unknown = (np.nan, np.nan)
    if purchases is None or isinstance(model_known, Unsaid):
        return Valued(customers, unknown, unknown)
    found: LifetimeValue = with_intervals(
        customers,
        purchases,
        model_known,
        None if isinstance(spend_known, Unsaid) else spend_known,
        coverage=given.interval,
        seed=given.seed,
        **terms,
    )
    return Valued(found.customers, found.purchases, found.value)


def table_lifetime_value(chapter: Chapter) -> pd.DataFrame:
    """Compute the table `lifetime_value` for a chapter that needs it."""
    summary = rfm(chapter)
    model, spend = fit_all(summary), fit_spend(summary)
    return value(chapter, summary, model, spend, posterior(chapter, model), posterior(chapter, spend)).customers


def write_tables(chapter: Chapter, scores: pd.DataFrame | Unsaid, valued: Valued) -> None:
    """Write the tables `holdout` and `lifetime_value` for other chapters and for whoever takes them further."""
    chapter.write("holdout", scores_or_none(scores))
    chapter.write("lifetime_value", valued.customers)


@says_why_not
def value_by_tenth(worth: Valued) -> pd.DataFrame:
    """Return lifetime value by tenth of customers, the most valuable tenth first."""
    valued = worth.customers
    if not np.isfinite(valued["clv"]).all():
        raise CannotSay("Lifetime value can't be told for every customer of this base, so it is not summed up.")
    if len(valued) < FEWEST_FOR_TENTHS:
        raise CannotSay(f"Value is shown by tenths of customers from {FEWEST_FOR_TENTHS} customers up.")
    ranked = valued.sort_values(["clv", "customer"], ascending=[False, True], ignore_index=True)
    ranked["came_back"] = ranked["frequency"] > 0
    tenth = ranked.index * 10 // len(ranked) + 1
    grouped = ranked.groupby(tenth)
    frame = grouped.agg(
        customers=("customer", "size"),
        came_back=("came_back", "mean"),
        clv=("clv", "sum"),
        mean=("clv", "mean"),
        purchases=("expected_purchases", "mean"),
    )
    frame["share"] = frame["clv"] / frame["clv"].sum() if frame["clv"].sum() > 0 else np.nan
    return frame.rename_axis("tenth").reset_index()


@says_why_not
def tenth_table(chapter: Chapter, tenths: pd.DataFrame) -> ShownTable:
    """Show lifetime value by tenth of customers."""
    currency = chapter.parameters.currency
    columns: Columns = {
        "tenth": ("tenth of customers", count),
        "customers": ("customers", count),
        "came_back": ("came back at least once", percent),
        "purchases": ("purchases expected each", number),
        "mean": (f"value each ({currency})", number),
        "clv": (f"value together ({currency})", count),
        "share": ("share of value", percent),
    }
    return show_table(tenths, f"{_value_in_words(chapter)}, by tenth of customers", columns)


@says_why_not
def top_customers(chapter: Chapter, worth: Valued) -> pd.DataFrame:
    """Return the most valuable customers."""
    valued = worth.customers
    if not np.isfinite(valued["clv"]).any():
        raise CannotSay("Without a forecast of purchases and spend no customer's lifetime value can be told.")
    return valued.sort_values(["clv", "customer"], ascending=[False, True]).head(TOP_CUSTOMERS)


@says_why_not
def top_table(chapter: Chapter, top: pd.DataFrame) -> ShownTable:
    """Show the most valuable customers."""
    unit, currency = chapter.parameters.time_unit, chapter.parameters.currency
    shown = top.assign(
        purchases_between=_bounds(top["expected_purchases_low"], top["expected_purchases_high"]),
        clv_between=_bounds(top["clv_low"], top["clv_high"]),
    )
    columns: Columns = {
        "customer": ("customer", str),
        "clv": (f"lifetime value ({currency})", count),
        "clv_between": ("value from … to", str),
        "expected_purchases": ("purchases expected", number),
        "purchases_between": ("purchases from … to", str),
        "expected_spend": (f"spend a purchase ({currency})", number),
        "p_alive": ("still alive", percent),
        "frequency": ("repeat purchases", count),
        "recency": (f"recency ({unit}s)", number),
        "T": (f"T ({unit}s)", number),
    }
    coverage = percent(chapter.parameters.interval)
    return show_table(
        shown,
        f"The {len(top)} most valuable customers, over the next {chapter.parameters.horizon_days} days, with their "
        f"{coverage} intervals",
        columns,
    )


def _bounds(low: pd.Series, high: pd.Series) -> list[str]:
    return [between(one, other) for one, other in zip(low, high, strict=True)]


def findings(
    chapter: Chapter,
    scores: pd.DataFrame | Unsaid,
    value_scores: pd.DataFrame | Unsaid,
    related: RelatedSpend | Unsaid,
    doubts: pd.DataFrame | Unsaid,
    model: BGNBD | Unsaid,
    spend: GammaGamma | Unsaid,
    valued: Valued,
    tenths: pd.DataFrame | Unsaid,
    known: tuple[Posterior | Unsaid, ...],
) -> Findings:
    """State what the chapter found."""
    _state_value(chapter, valued, tenths, tested_error(chapter, scores))
    _state_purchases(chapter, model, valued)
    state_trust(chapter, scores)
    state_value_test(chapter, value_scores)
    _state_alive(chapter, model, valued.customers)
    state_relation(chapter, related)
    state_doubts(chapter, doubts)
    for fit, posterior_, of_what in ((model, known[0], "purchases"), (spend, known[1], "spend")):
        caveats = list(getattr(fit, "caveats", ()))
        if not isinstance(posterior_, Unsaid) and posterior_.caveat:
            caveats.append(posterior_.caveat)
        for number_, caveat in enumerate(caveats, start=1):
            chapter.state(f"{of_what}_caveat_{number_}", f"On the model of {of_what}: {caveat}")
    return chapter.findings()


def _state_alive(chapter: Chapter, model: BGNBD | Unsaid, valued: pd.DataFrame) -> None:
    if isinstance(model, Unsaid):
        chapter.state("alive", model.reason, verdict="unknown")
        return
    again = valued[valued["frequency"] > 0]
    once = valued[valued["frequency"] == 0]
    share = again["p_alive"].mean()
    who = f"Of {plural(len(again), 'customer')} who came back at least once"
    statement = f"{who}, {percent(share)} are probably still customers"
    if len(once):
        statement += (
            f"; of the {count(len(once))} who bought once the model can't tell who is gone, and expects "
            f"{number(once['expected_purchases'].mean(), 2)} purchases each in the next "
            f"{count(chapter.parameters.horizon_days)} days"
        )
    chapter.state("alive", f"{statement}.", value=share, unit="share of customers")


def _state_purchases(chapter: Chapter, model: BGNBD | Unsaid, valued: Valued) -> None:
    if isinstance(model, Unsaid) or not np.isfinite(valued.purchases[0]):
        return
    low, high = valued.purchases
    days = count(chapter.parameters.horizon_days)
    chapter.state(
        "purchases_expected",
        f"In the next {days} days today's customers are expected to make "
        f"{count(valued.customers['expected_purchases'].sum())} purchases ({percent(chapter.parameters.interval)} "
        f"interval for chance alone {between(low, high)}).",
        value=valued.customers["expected_purchases"].sum(),
        low=low,
        high=high,
        unit="purchases",
    )


def _state_value(chapter: Chapter, valued: Valued, tenths: pd.DataFrame | Unsaid, tested: ForecastTrust | None) -> None:
    customers = valued.customers
    total = customers["clv"].sum(min_count=1)
    currency = chapter.parameters.currency
    if not np.isfinite(total):
        reason = "Lifetime value can't be told: purchases or spend could not be forecast, or the mean spend has no end."
        chapter.state("lifetime_value", reason, verdict="unknown", question="profit")
        return
    statement = f"{_value_in_words(chapter)}: {money(total, currency)} from {plural(len(customers), 'customer')}"
    low, high = (bound if np.isfinite(bound) else None for bound in valued.value)
    if not isinstance(tenths, Unsaid):
        statement += f", {percent(tenths['share'].iloc[0])} of it from the best tenth"
    if low is not None and high is not None:
        by_chance = f"the {percent(chapter.parameters.interval)} interval {between(low, high)} knows chance alone"
        if tested is None:
            statement += f"; {by_chance}, and how far off such a forecast is could not be tested"
        else:
            off, worst = tested.median_absolute_bias, tested.worst_absolute_bias
            either_way = money(float(f"{worst * total:.2g}"), currency)
            statement += f". In tests such forecasts were off by {percent(off)} at the median and {percent(worst)} at "
            statement += f"worst, which here is {either_way} either way; {by_chance}"
    span = (chapter.as_of - chapter.first_day).days
    verdict: Verdict = "note" if tested is None or tested.for_totals else "watch"
    if chapter.parameters.horizon_days > span:
        statement += f"; this looks further ahead than the {plural(span, 'day')} that the ledger looks back"
        verdict = "watch"
    chapter.state(
        "lifetime_value",
        f"{statement}.",
        value=total,
        low=low,
        high=high,
        unit=currency,
        verdict=verdict,
        question="profit",
    )


def _value_in_words(chapter: Chapter) -> str:
    given = chapter.parameters
    what = "Revenue" if given.margin is None else f"Profit (at a margin of {percent(given.margin)})"
    if "cost" in chapter.ledger.columns:
        what = "Profit (at each customer's own margin)"
    rate = percent(given.annual_discount_rate)
    return f"{what} expected over the next {count(given.horizon_days)} days, discounted by {rate} a year"
