"""The steps of `04_lifetime_value`: what each customer will buy and bring, and how well that forecast held."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from lifetimes.utils import ConvergenceError

from models import BGNBD, GammaGamma
from models.lifetime_value import customer_lifetime_value
from models.rfm import calibration_holdout, rfm_summary
from models.validation import (
    cumulative_tracking,
    expectation_by_frequency,
    holdout_scores,
    spend_frequency_correlation,
)

from ..chapter import Chapter
from ..errors import CannotSay
from ..figures.lifetime_value import RELATED
from ..findings import Findings, Verdict
from ..shown_table import Columns, ShownTable, show_table
from ..unsaid import Unsaid, says_why_not
from ..wording import between, count, day, money, number, percent, plural

MOST_SHOWN = 7  # purchases from which on customers are shown together
TRUSTED, DOUBTFUL = 0.10, 0.25  # share by which a forecast of the total may be off
TOP_CUSTOMERS = 10
FEWEST_FOR_TENTHS = 100


def rfm(chapter: Chapter) -> pd.DataFrame:
    """Return the RFM summary of every customer at `as_of`."""
    return rfm_summary(chapter.purchases, chapter.as_of, time_unit=chapter.parameters.time_unit).to_pandas()


def rfm_table(chapter: Chapter, summary: pd.DataFrame) -> ShownTable:
    """Show the summary by number of repeat purchases."""
    unit = chapter.parameters.time_unit
    grouped = summary.groupby(summary["frequency"].clip(upper=MOST_SHOWN))
    frame = grouped.agg(
        customers=("customer", "size"),
        recency=("recency", "mean"),
        T=("T", "mean"),
        spend=("monetary_value", "mean"),
    ).reset_index()
    frame["label"] = [f"{f}{'+' if f == MOST_SHOWN else ''}" for f in frame["frequency"]]
    frame.loc[frame["frequency"] == 0, ["recency", "spend"]] = np.nan
    columns: Columns = {
        "label": ("repeat purchases", str),
        "customers": ("customers", count),
        "recency": (f"recency: {unit}s from first to last purchase", _blank_or_number),
        "T": (f"T: {unit}s since the first purchase", number),
        "spend": (f"mean repeat purchase ({chapter.parameters.currency})", _blank_or_number),
    }
    return show_table(frame, f"The RFM summary on {day(chapter.as_of)}, by number of repeat purchases (means)", columns)


@says_why_not
def split(chapter: Chapter) -> pd.DataFrame:
    """Return the customers' calibration summary beside what they bought in the holdout."""
    end = chapter.calibration_end
    return calibration_holdout(
        chapter.purchases, end, chapter.as_of, time_unit=chapter.parameters.time_unit
    ).to_pandas()


@says_why_not
def fit_calibration(halves: pd.DataFrame) -> BGNBD:
    """Fit BG/NBD to the calibration period alone."""
    return _fit_purchases(halves["frequency_cal"], halves["recency_cal"], halves["T_cal"])


@says_why_not
def fit_all(summary: pd.DataFrame) -> BGNBD:
    """Fit BG/NBD to everything up to `as_of`."""
    return _fit_purchases(summary["frequency"], summary["recency"], summary["T"])


def _fit_purchases(frequency: pd.Series, recency: pd.Series, T: pd.Series) -> BGNBD:
    if not (frequency > 0).any():
        raise CannotSay("No customer has bought on a second day, so nothing can be learnt about repeat purchases.")
    return _fitted(BGNBD(), frequency, recency, T)


@says_why_not
def fit_spend(summary: pd.DataFrame) -> GammaGamma:
    """Fit Gamma-Gamma to the mean repeat purchase of customers who came back."""
    repeat = _repeat_spend(summary)
    return _fitted(GammaGamma(), repeat["frequency"], repeat["monetary_value"])


def _repeat_spend(summary: pd.DataFrame) -> pd.DataFrame:
    repeat = summary[(summary["frequency"] > 0) & (summary["monetary_value"] > 0)]
    if repeat.empty:
        raise CannotSay("No customer has spent anything on a second day, so spend a purchase can't be forecast.")
    return repeat


def _fitted(model: Any, *data: pd.Series) -> Any:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", UserWarning)
        try:
            model.fit(*data)
        except (ConvergenceError, ValueError) as reason:
            raise CannotSay(f"{type(model).__name__} can't be fitted to this base: {reason}") from None
    model.caveats = [str(warning.message) for warning in said if issubclass(warning.category, UserWarning)]
    return model


@says_why_not
def model_table(model: Any, fitted_to: str) -> ShownTable:
    """Show a fitted model's parameters with their standard errors."""
    frame = pd.DataFrame(
        {
            "name": model.params_.index,
            "value": model.params_.to_numpy(),
            "error": model.standard_errors_.to_numpy(),
        }
    )
    columns: Columns = {
        "name": ("parameter", str),
        "value": ("estimate", number),
        "error": ("standard error", _number_or_dash),
    }
    likelihood = f"log-likelihood {model.log_likelihood_:,.1f}"
    return show_table(frame, f"{type(model).__name__} fitted to {fitted_to}: {likelihood}", columns)


@says_why_not
def forecast_holdout(halves: pd.DataFrame, model: BGNBD) -> pd.Series:
    """Return each customer's expected purchases in the holdout."""
    expected = model.conditional_expected_number_of_purchases_up_to_time(
        halves["duration_holdout"], halves["frequency_cal"], halves["recency_cal"], halves["T_cal"]
    )
    return pd.Series(np.asarray(expected), index=halves.index, name="expected")


@says_why_not
def score(halves: pd.DataFrame, expected: pd.Series, model: BGNBD) -> pd.DataFrame:
    """Return the table `holdout`: forecast against what happened."""
    actual = halves["frequency_holdout"]
    return holdout_scores(actual, expected, model=type(model).__name__, log_likelihood=model.log_likelihood_)


@says_why_not
def score_table(chapter: Chapter, scores: pd.DataFrame) -> ShownTable:
    """Show how the forecast of the holdout held."""
    days = (chapter.as_of - chapter.calibration_end).days
    columns: Columns = {
        "model": ("model", str),
        "purchases_actual": ("purchases made", count),
        "purchases_expected": ("purchases forecast", count),
        "bias": ("forecast off by", lambda bias: f"{100 * bias:+.1f}%"),
        "mae": ("mean absolute error a customer", number),
        "rmse": ("root mean squared error", number),
        "correlation": ("correlation", number),
    }
    return show_table(scores, f"The forecast of the {days} days kept back, against what happened", columns)


@says_why_not
def track(chapter: Chapter, model: BGNBD) -> pd.DataFrame:
    """Return cumulative repeat purchases, actual and expected, from the first day to `as_of`."""
    unit, end = chapter.parameters.time_unit, chapter.calibration_end
    curve = cumulative_tracking(chapter.purchases, model, end, chapter.as_of, time_unit=unit)
    return curve.assign(calibration_end=pd.Timestamp(end))


@says_why_not
def by_frequency(chapter: Chapter, halves: pd.DataFrame, expected: pd.Series) -> pd.DataFrame:
    """Return holdout purchases by number of earlier purchases, actual and expected."""
    coverage = chapter.parameters.interval
    actual = halves["frequency_holdout"]
    return expectation_by_frequency(halves["frequency_cal"], actual, expected, most=MOST_SHOWN, interval=coverage)


@says_why_not
def spend_and_frequency(chapter: Chapter, summary: pd.DataFrame) -> Any:
    """Return how far spend a purchase is related to the number of purchases."""
    repeat = _repeat_spend(summary)
    related = spend_frequency_correlation(repeat["frequency"], repeat["monetary_value"], chapter.parameters.interval)
    if np.isnan(related.correlation):
        raise CannotSay(
            "Whether spend and frequency are related can't be told: too few customers came back, or they all buy "
            "equally often or for equally much."
        )
    return related


def value(chapter: Chapter, summary: pd.DataFrame, model: BGNBD | Unsaid, spend: GammaGamma | Unsaid) -> pd.DataFrame:
    """Return the table `lifetime_value`; what can't be forecast on this base is left empty."""
    given = chapter.parameters
    return customer_lifetime_value(
        summary,
        None if isinstance(model, Unsaid) else model,
        None if isinstance(spend, Unsaid) else spend,
        horizon_days=given.horizon_days,
        annual_discount_rate=given.annual_discount_rate,
        margin=given.margin,
        time_unit=given.time_unit,
    )


def table_holdout(chapter: Chapter) -> pd.DataFrame:
    """Compute the table `holdout` for a chapter that needs it."""
    halves = split(chapter)
    model = fit_calibration(halves)
    return _scores_or_none(score(halves, forecast_holdout(halves, model), model))


def table_lifetime_value(chapter: Chapter) -> pd.DataFrame:
    """Compute the table `lifetime_value` for a chapter that needs it."""
    summary = rfm(chapter)
    return value(chapter, summary, fit_all(summary), fit_spend(summary))


def write_tables(chapter: Chapter, scores: pd.DataFrame | Unsaid, valued: pd.DataFrame) -> None:
    """Write the tables `holdout` and `lifetime_value` for other chapters and for whoever takes them further."""
    chapter.write("holdout", _scores_or_none(scores))
    chapter.write("lifetime_value", valued)


def _scores_or_none(scores: pd.DataFrame | Unsaid) -> pd.DataFrame:
    none = holdout_scores([1], [1], model="", log_likelihood=np.nan).iloc[:0]
    return none if isinstance(scores, Unsaid) else scores


@says_why_not
def value_by_tenth(valued: pd.DataFrame) -> pd.DataFrame:
    """Return lifetime value by tenth of customers, the most valuable tenth first."""
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
def top_customers(chapter: Chapter, valued: pd.DataFrame) -> ShownTable:
    """Show the most valuable customers."""
    if valued["clv"].isna().all():
        raise CannotSay("Without a forecast of purchases and spend no customer's lifetime value can be told.")
    unit, currency = chapter.parameters.time_unit, chapter.parameters.currency
    top = valued.sort_values(["clv", "customer"], ascending=[False, True]).head(TOP_CUSTOMERS)
    columns: Columns = {
        "customer": ("customer", str),
        "frequency": ("repeat purchases", count),
        "recency": (f"recency ({unit}s)", number),
        "T": (f"T ({unit}s)", number),
        "p_alive": ("still alive", percent),
        "expected_purchases": ("purchases expected", number),
        "expected_spend": (f"spend a purchase ({currency})", number),
        "clv": (f"lifetime value ({currency})", count),
    }
    return show_table(
        top,
        f"The {len(top)} most valuable customers, over the next {chapter.parameters.horizon_days} days",
        columns,
    )


def findings(
    chapter: Chapter,
    scores: pd.DataFrame | Unsaid,
    related: Any,
    model: BGNBD | Unsaid,
    spend: GammaGamma | Unsaid,
    valued: pd.DataFrame,
    tenths: pd.DataFrame | Unsaid,
) -> Findings:
    """State what the chapter found."""
    _state_trust(chapter, scores)
    _state_relation(chapter, related)
    _state_alive(chapter, model, valued)
    _state_value(chapter, valued, tenths)
    for fitted, of_what in ((model, "purchases"), (spend, "spend")):
        for number_, caveat in enumerate(getattr(fitted, "caveats", ()), start=1):
            chapter.state(f"{of_what}_caveat_{number_}", f"For whoever reads the model of {of_what}: {caveat}")
    return chapter.findings()


def _state_trust(chapter: Chapter, scores: pd.DataFrame | Unsaid) -> None:
    if isinstance(scores, Unsaid):
        chapter.state(
            "forecast_held",
            f"How far a forecast can be trusted is not known: {scores.reason}",
            verdict="unknown",
        )
        return
    row = scores.iloc[0]
    days = (chapter.as_of - chapter.calibration_end).days
    off = abs(row["bias"])
    if np.isnan(off) or not np.isfinite(off):
        chapter.state(
            "forecast_held",
            f"Nobody bought in the {days} days kept back, so the forecast can't be judged by its share.",
            verdict="unknown",
        )
        return
    verdict: Verdict = "good" if off <= TRUSTED else "watch" if off <= DOUBTFUL else "act"
    trust = {
        "good": "good enough to plan by",
        "watch": "good enough to rank customers, too far off to budget by",
        "act": "too far off to plan by",
    }[verdict]
    side = "more" if row["bias"] > 0 else "fewer"
    chapter.state(
        "forecast_held",
        f"Tested on the {days} days kept back, the forecast expected {percent(off)} {side} purchases than were made "
        f"({count(row['purchases_expected'])} against {count(row['purchases_actual'])}): {trust}.",
        value=row["bias"],
        unit="share of purchases",
        verdict=verdict,
    )


def _state_relation(chapter: Chapter, related: Any) -> None:
    if isinstance(related, Unsaid):
        chapter.state("spend_frequency", related.reason, verdict="unknown")
        return
    strong = abs(related.correlation) >= RELATED
    chapter.state(
        "spend_frequency",
        f"Spend a purchase and number of purchases are {'related' if strong else 'nearly unrelated'}: correlation "
        f"{related.correlation:z.2f} ({between(related.low, related.high, '{:z.2f}')}), so valuing them apart "
        f"{'misjudges the best customers' if strong else 'does little harm'}.",
        value=related.correlation,
        low=related.low,
        high=related.high,
        unit="correlation",
        verdict="watch" if strong else "good",
    )


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


def _state_value(chapter: Chapter, valued: pd.DataFrame, tenths: pd.DataFrame | Unsaid) -> None:
    total = valued["clv"].sum(min_count=1)
    currency = chapter.parameters.currency
    if not np.isfinite(total):
        reason = "Lifetime value can't be told: purchases or spend could not be forecast, or the mean spend has no end."
        chapter.state("lifetime_value", reason, verdict="unknown")
        return
    statement = f"{_value_in_words(chapter)}: {money(total, currency)} from {plural(len(valued), 'customer')}"
    if not isinstance(tenths, Unsaid):
        statement += f", {percent(tenths['share'].iloc[0])} of it from the best tenth"
    span = (chapter.as_of - chapter.first_day).days
    verdict: Verdict = "note"
    if chapter.parameters.horizon_days > span:
        statement += f"; this looks further ahead than the {plural(span, 'day')} that the ledger looks back"
        verdict = "watch"
    chapter.state("lifetime_value", f"{statement}.", value=total, unit=currency, verdict=verdict)


def _value_in_words(chapter: Chapter) -> str:
    given = chapter.parameters
    what = "Revenue" if given.margin is None else f"Profit (at a margin of {percent(given.margin)})"
    rate = percent(given.annual_discount_rate)
    return f"{what} expected over the next {count(given.horizon_days)} days, discounted by {rate} a year"


def _blank_or_number(value: float) -> str:
    return "" if pd.isna(value) else number(value)


def _number_or_dash(value: float) -> str:
    return "not identified" if pd.isna(value) else number(value)
