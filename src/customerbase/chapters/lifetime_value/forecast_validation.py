"""The part of `04_lifetime_value` that asks how far its forecast can be trusted, before anything is done with it."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from models import BGNBD, GammaGamma, ModifiedBGNBD, ParetoNBD
from models.assumptions import RelatedSpend, contradictions, spend_related_to_frequency
from models.baselines import rule_of_thumb_value
from models.league import ForecastTrust, Origin, forecast_trust, league, league_summary, rolling_origins
from models.posterior import Posterior, sample_posterior
from models.prediction_intervals import forecast_base, interval_of, purchase_intervals
from models.rfm import calibration_holdout
from models.validation import (
    calibration_by_decile,
    cumulative_tracking,
    expectation_by_frequency,
    value_scores,
)

from ...chapter import Chapter
from ...errors import CannotSay
from ...findings import Verdict
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import DASH, between, count, if_known, listed, number, percent, plural
from ..left_cut import what_it_means
from ..purchase_model import fit_purchases, fitted
from ..purchases_known import purchases_as_known, purchases_for_test

DOUBTS = {
    "left_cut": "Customers of before the ledger taken for new",
    "seasonality": "Strong seasons",
    "regularity": "Buying more regular than random",
}
MEANS = {
    "seasonality": "Purchases have strong seasons, which the models don't know: plan by whole years, not by the month.",
    "regularity": "Customers buy more regularly than the models believe, so whoever is silent is lost sooner than they "
    "say.",
}
MOST_SHOWN = 7  # purchases from which on customers are shown together
MODELS = {"BGNBD": BGNBD, "ModifiedBGNBD": ModifiedBGNBD, "ParetoNBD": ParetoNBD}
NAMES = {"BGNBD": "BG/NBD", "ModifiedBGNBD": "modified BG/NBD", "ParetoNBD": "Pareto/NBD"}
RULE = "rule of thumb"
USED = "BGNBD"  # the suite's model
ORIGINS = 3
POSTERIOR_DRAWS = 64  # enough for intervals of counts
FUTURES = 100
HOLDOUT = (
    "model",
    "purchases_actual",
    "purchases_expected",
    "mae",
    "rmse",
    "correlation",
    "bias",
    "coverage",
    "log_likelihood",
)


@says_why_not
def split(chapter: Chapter) -> pd.DataFrame:
    """Return the customers' calibration summary, as it was known then, beside what they bought in the holdout."""
    end = chapter.calibration_end
    purchases = purchases_for_test(chapter, end)
    return calibration_holdout(purchases, end, chapter.as_of, time_unit=chapter.parameters.time_unit).to_pandas()


@says_why_not
def fit_calibration(halves: pd.DataFrame) -> BGNBD:
    """Fit BG/NBD to the calibration period alone."""
    return fit_purchases(halves["frequency_cal"], halves["recency_cal"], halves["T_cal"])


def repeat_spend(summary: pd.DataFrame) -> pd.DataFrame:
    """Return the customers who came back and spent something.

    Raises
    ------
    CannotSay
        Where there are none.
    """
    repeat = summary[(summary["frequency"] > 0) & (summary["monetary_value"] > 0)]
    if repeat.empty:
        raise CannotSay("No customer has spent anything on a second day, so spend a purchase can't be forecast.")
    return repeat


@says_why_not
def forecast_holdout(halves: pd.DataFrame, model: BGNBD) -> pd.Series:
    """Return each customer's expected purchases in the holdout."""
    expected = model.conditional_expected_number_of_purchases_up_to_time(
        halves["duration_holdout"], halves["frequency_cal"], halves["recency_cal"], halves["T_cal"]
    )
    return pd.Series(np.asarray(expected), index=halves.index, name="expected")


@says_why_not
def compete(chapter: Chapter) -> pd.DataFrame:
    """Let every model and every rule of practice forecast from several days of the past."""
    days = (chapter.as_of - chapter.calibration_end).days
    return _compete(chapter, rolling_origins(chapter.first_day, chapter.as_of, days, ORIGINS))


def _compete(chapter: Chapter, origins: list[Origin]) -> pd.DataFrame:
    given = chapter.parameters

    @cache
    def posterior(model: Any) -> Posterior:
        return sample_posterior(model, draws=POSTERIOR_DRAWS, seed=given.seed)

    def intervals(model: Any, t: float, frequency: Any, recency: Any, T: Any) -> Any:
        return purchase_intervals(
            model, posterior(model), t, frequency, recency, T, coverage=given.interval, seed=given.seed
        )

    def total(model: Any, t: float, frequency: Any, recency: Any, T: Any) -> Any:
        if type(model).__name__ != USED:
            return np.nan, np.nan
        base = pd.DataFrame({"frequency": frequency, "recency": recency, "T": T, "monetary_value": 0.0})
        forecast = forecast_base(model, posterior(model), None, t, base, futures=FUTURES, seed=given.seed)
        return interval_of(forecast.purchases, given.interval)

    def fit_with(model: type[Any]) -> Any:
        # a model of its own for each origin: posteriors are kept by model
        return lambda *histories: model().fit(*histories)

    fits = {name: fit_with(model) for name, model in MODELS.items()}
    by_origin = [
        league(
            purchases_for_test(chapter, origin.calibration_end),
            [origin],
            fits,
            time_unit=given.time_unit,
            intervals=intervals,
            total_interval=total,
        )
        for origin in origins
    ]
    scores = pd.concat(by_origin, ignore_index=True)
    models = scores[scores["model"].isin(MODELS)]
    if models["mae"].isna().all():
        raise CannotSay(f"No forecast could be tested: {models['reason'].iloc[-1]}")
    return scores


@says_why_not
def score(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the table `holdout`: from the last origin, what each contender forecast against what happened."""
    last = scores[(scores["origin"] == scores["origin"].max()) & scores["mae"].notna()]
    return last[list(HOLDOUT)].reset_index(drop=True)


@says_why_not
def league_table(scores: pd.DataFrame) -> ShownTable:
    """Show how the contenders' forecasts held, over all origins."""
    summary = league_summary(scores)
    summary = summary[summary["origins"] > 0].sort_values("rmse", ignore_index=True)
    summary["name"] = [NAMES.get(name, f"rule: {name}") for name in summary["model"]]
    columns: Columns = {
        "name": ("forecast by", str),
        "rmse": ("root mean squared error a customer", number),
        "mae": ("mean absolute error", number),
        "correlation": ("correlation", if_known(number, DASH)),
        "median_absolute_bias": ("total off by, median", if_known(percent, DASH)),
        "worst_absolute_bias": ("total off by, worst", if_known(percent, DASH)),
        "coverage": ("customers inside their interval", if_known(percent, DASH)),
        "log_score": ("mean log score", if_known(number, DASH)),
    }
    tested = plural(scores["origin"].nunique(), "test")
    caption = f"Who forecasts best, over {tested} of {scores['holdout_days'].iloc[0]} days each (smallest error first)"
    return show_table(summary, caption, columns)


@says_why_not
def score_table(chapter: Chapter, scores: pd.DataFrame) -> ShownTable:
    """Show how the forecasts of the holdout held."""
    days = (chapter.as_of - chapter.calibration_end).days
    named = scores.assign(name=[NAMES.get(name, f"rule: {name}") for name in scores["model"]])
    columns: Columns = {
        "name": ("forecast by", str),
        "purchases_actual": ("purchases made", count),
        "purchases_expected": ("purchases forecast", count),
        "bias": ("forecast off by", _signed),
        "mae": ("mean absolute error a customer", number),
        "rmse": ("root mean squared error", number),
        "correlation": ("correlation", if_known(number, DASH)),
        "coverage": ("customers inside their interval", if_known(percent, DASH)),
        "log_likelihood": ("log-likelihood of the fit", if_known(count, DASH)),
    }
    return show_table(named, f"The forecasts of the {days} days kept back, against what happened", columns)


@says_why_not
def track(chapter: Chapter, model: BGNBD) -> pd.DataFrame:
    """Return cumulative repeat purchases, actual and expected, from the first day to `as_of`."""
    unit, end = chapter.parameters.time_unit, chapter.calibration_end
    curve = cumulative_tracking(purchases_for_test(chapter, end), model, end, chapter.as_of, time_unit=unit)
    return curve.assign(calibration_end=pd.Timestamp(end))


@says_why_not
def by_frequency(chapter: Chapter, halves: pd.DataFrame, expected: pd.Series) -> pd.DataFrame:
    """Return holdout purchases by number of earlier purchases, actual and expected."""
    coverage = chapter.parameters.interval
    actual = halves["frequency_holdout"]
    return expectation_by_frequency(halves["frequency_cal"], actual, expected, most=MOST_SHOWN, interval=coverage)


@says_why_not
def by_decile(chapter: Chapter, halves: pd.DataFrame, expected: pd.Series) -> pd.DataFrame:
    """Return holdout purchases by tenth of the forecast, actual and expected."""
    return calibration_by_decile(halves["frequency_holdout"], expected, interval=chapter.parameters.interval)


@says_why_not
def value_test(chapter: Chapter, halves: pd.DataFrame, expected: pd.Series) -> pd.DataFrame:
    """Return forecasts of the holdout's revenue, by the models and by the rule of thumb, against what came."""
    repeat = halves[(halves["frequency_cal"] > 0) & (halves["monetary_value_cal"] > 0)]
    if repeat.empty:
        raise CannotSay("No customer had spent anything on a second day before the test, so value can't be tested.")
    spend = fitted(GammaGamma(), repeat["frequency_cal"], repeat["monetary_value_cal"])
    a_purchase = spend.conditional_expected_average_profit(halves["frequency_cal"], halves["monetary_value_cal"])
    if not np.isfinite(a_purchase).all():
        raise CannotSay("The mean spend has no end under the model fitted, so value can't be tested.")
    end = chapter.calibration_end
    rule = rule_of_thumb_value(purchases_as_known(chapter, end), end, horizon_days=(chapter.as_of - end).days)
    forecasts = {"the models": expected.to_numpy() * np.asarray(a_purchase), RULE: rule.value_in_horizon}
    if rule.value > rule.value_in_horizon:
        forecasts[f"{RULE}, for the whole lifetime"] = rule.value
    return value_scores(halves["amount_holdout"], forecasts)


@says_why_not
def value_test_table(chapter: Chapter, scored: pd.DataFrame) -> ShownTable:
    """Show the forecasts of the holdout's revenue."""
    currency = chapter.parameters.currency
    days = (chapter.as_of - chapter.calibration_end).days
    columns: Columns = {
        "method": ("forecast by", str),
        "value_actual": (f"brought ({currency})", count),
        "value_expected": (f"forecast ({currency})", count),
        "bias": ("forecast off by", _signed),
        "correlation": ("correlation with each customer's", if_known(number, DASH)),
    }
    return show_table(scored, f"The revenue of the {days} days kept back, forecast and brought", columns)


@says_why_not
def spend_and_frequency(chapter: Chapter, summary: pd.DataFrame, spend: GammaGamma) -> RelatedSpend:
    """Return how far spend a purchase is related to the number of purchases."""
    repeat = repeat_spend(summary)
    p, q, _ = spend.params_
    given = chapter.parameters
    related = spend_related_to_frequency(
        repeat["frequency"], repeat["monetary_value"], p, q, seed=given.seed, interval=given.interval
    )
    if related.seen is None:
        raise CannotSay(f"Whether spend and frequency are related can't be told: {related.reason}")
    return related


@says_why_not
def doubts(chapter: Chapter) -> pd.DataFrame:
    """Check the ledger for what would contradict the models of purchases."""
    return contradictions(chapter.purchases, chapter.as_of, chapter.parameters.interval)


@says_why_not
def doubts_table(found: pd.DataFrame) -> ShownTable:
    """Show what was looked for."""
    measured = {
        "left_cut": "{:.0%} of the customers",
        "seasonality": "best month {:.1f} times the worst",
        "regularity": "{:.2f}, where 1 is random",
    }
    shown = found.assign(
        doubt=found["assumption"].map(DOUBTS),
        answer=["can't tell" if pd.isna(seen) else "yes" if seen else "no" for seen in found["seen"]],
        measured=[
            measured[name].format(max(value, 0.0)) if np.isfinite(value) else "–"
            for name, value in zip(found["assumption"], found["value"], strict=True)
        ],
    )
    columns: Columns = {
        "doubt": ("what could mislead the models", str),
        "answer": ("seen here", str),
        "measured": ("measured", str),
        "reason": ("why it can't be told", str),
    }
    return show_table(shown, "What the models take for granted, checked on this ledger", columns)


def table_holdout(chapter: Chapter) -> pd.DataFrame:
    """Compute the table `holdout` for a chapter that needs it."""
    return scores_or_none(score(_last_test(chapter)))


@says_why_not
def _last_test(chapter: Chapter) -> pd.DataFrame:
    return _compete(chapter, [Origin(chapter.calibration_end, chapter.as_of)])


def scores_or_none(scores: pd.DataFrame | Unsaid) -> pd.DataFrame:
    """Return the table `holdout`, without rows where nothing could be tested."""
    if not isinstance(scores, Unsaid):
        return scores
    return pd.DataFrame({name: pd.Series(dtype="str" if name == "model" else "float64") for name in HOLDOUT})


def state_trust(chapter: Chapter, scores: pd.DataFrame | Unsaid) -> None:
    """State whether the forecast deserves trust, and for what."""
    if isinstance(scores, Unsaid):
        chapter.state(
            "forecast_held",
            f"How far a forecast can be trusted is not known: {scores.reason}",
            verdict="unknown",
            question="trust",
        )
        return
    trust = forecast_trust(scores, USED, chapter.parameters.interval)
    last = scores[(scores["model"] == USED) & (scores["origin"] == scores["origin"].max())].iloc[0]
    if not trust.origins or not np.isfinite(trust.median_absolute_bias) or not np.isfinite(last["bias"]):
        why = scores.loc[scores["model"] == USED, "reason"].iloc[-1] or "Nobody bought in the days kept back."
        chapter.state(
            "forecast_held",
            f"How far a forecast can be trusted is not known: {why}",
            verdict="unknown",
            question="trust",
        )
        return
    uses = {"totals": trust.for_totals, "ranking customers": trust.for_ranking, "single customers": trust.for_customers}
    good = [use for use, deserved in uses.items() if deserved]
    bad = [use for use, deserved in uses.items() if not deserved]
    verdict: Verdict = "good" if trust.for_totals and trust.for_ranking else "watch" if good else "act"
    trusted = f"trust it for {listed(good)}" if good else "trust it for nothing yet"
    side = "more" if last["bias"] > 0 else "fewer"
    tests = plural(trust.origins, "test")
    chapter.state(
        "forecast_held",
        f"In {tests} on days it had not seen, the forecast of all purchases was off by "
        f"{percent(trust.median_absolute_bias)} at the median and {percent(trust.worst_absolute_bias)} at worst (in "
        f"the last, {percent(abs(last['bias']))} {side} than the {count(last['purchases_actual'])} made): {trusted}"
        f"{', not for ' + listed(bad) if bad and good else ''}{_why_not_all(trust)}.",
        value=last["bias"],
        unit="share of purchases",
        verdict=verdict,
        question="trust",
    )
    _state_coverage(chapter, last)
    _state_best(chapter, scores)


def _why_not_all(trust: ForecastTrust) -> str:
    if trust.for_ranking and not trust.for_totals:
        return ". It tells who buys more than whom better than how much all buy together"
    if trust.for_totals and not trust.for_customers:
        return ". Errors of single customers, too high for one and too low for another, even out in the total"
    return ""


def tested_error(chapter: Chapter, scores: pd.DataFrame | Unsaid) -> ForecastTrust | None:
    """Return how far forecasts were off where they could be tested; None where none could."""
    if isinstance(scores, Unsaid):
        return None
    trust = forecast_trust(scores, USED, chapter.parameters.interval)
    return trust if np.isfinite(trust.median_absolute_bias) else None


def _state_coverage(chapter: Chapter, last: pd.Series) -> None:
    if not np.isfinite(last["coverage"]):
        return
    nominal = chapter.parameters.interval
    holds = last["coverage"] >= nominal - 0.05
    inside = last["total_low"] <= last["purchases_actual"] <= last["total_high"]
    bounds = between(last["total_low"], last["total_high"])
    total = f"the total forecast, {bounds}, {'held' if inside else 'did not hold'} what was bought together"
    warning = "" if inside else ": intervals know chance, not what changes in the market"
    chapter.state(
        "intervals_held",
        f"{percent(last['coverage'])} of the customers bought as many times as their {percent(nominal)} interval said; "
        f"{total}{warning}.",
        value=last["coverage"],
        unit="share of customers",
        verdict="good" if holds and inside else "watch",
    )


def _state_best(chapter: Chapter, scores: pd.DataFrame) -> None:
    summary = league_summary(scores).dropna(subset="rmse").sort_values("rmse", ignore_index=True)
    if len(summary) < 2:
        return
    best, used = summary.iloc[0], summary[summary["model"] == USED].iloc[0]
    rules = summary[summary["kind"] == "baseline"]
    beaten = (rules["rmse"] > used["rmse"]).sum()
    worse = used["rmse"] / best["rmse"] - 1
    first = (
        f"{NAMES[USED]}, which is used here, errs least"
        if best["model"] == USED
        else f"{_named(best['model'])} errs least; {NAMES[USED]}, which is used here, errs {percent(worse, 1)} more"
    )
    chapter.state(
        "best_forecast",
        f"Of {len(summary)} ways to forecast each customer's purchases {first}, and beats {beaten} of the "
        f"{plural(len(rules), 'rule')} that practice uses.",
        value=worse,
        unit="share of error",
        verdict="good" if beaten == len(rules) and worse < 0.05 else "watch",
    )


def state_value_test(chapter: Chapter, scored: pd.DataFrame | Unsaid) -> None:
    """State how far the models and the rule of thumb were off in value."""
    if isinstance(scored, Unsaid):
        chapter.state("value_forecast", scored.reason, verdict="unknown")
        return
    by = scored.set_index("method")["bias"]
    models, rule, lifetime = by.iloc[0], by[RULE], by.iloc[-1]
    as_it_stands = f" ({_off(lifetime)} taken for a whole lifetime)" if lifetime > rule else ""
    if not np.isfinite(models):
        chapter.state("value_forecast", "Nothing was spent in the days kept back to test value on.", verdict="unknown")
        return
    chapter.state(
        "value_forecast",
        f"The revenue kept back was forecast {_off(models)} by the models. The rule of thumb, purchase x purchases a "
        f"month x lifetime, would have been {_off(rule)} over these days{as_it_stands}, and values all customers "
        "alike.",
        value=models,
        unit="share of revenue",
        verdict="good" if abs(models) <= 0.1 else "watch" if abs(models) <= 0.25 else "act",
    )


def state_relation(chapter: Chapter, related: RelatedSpend | Unsaid) -> None:
    """State whether spend and frequency may be forecast apart."""
    if isinstance(related, Unsaid):
        chapter.state("spend_frequency", related.reason, verdict="unknown")
        return
    chapter.state(
        "spend_frequency",
        f"Spend a purchase and number of purchases are {'related' if related.seen else 'nearly unrelated'}: rank "
        f"correlation {related.excess:z.2f} beyond chance ({between(related.low, related.high, '{:z.2f}')}), so "
        f"valuing them apart {'misjudges the best customers' if related.seen else 'does little harm'}.",
        value=related.excess,
        low=related.low,
        high=related.high,
        unit="correlation",
        verdict="watch" if related.seen else "good",
    )


def state_doubts(chapter: Chapter, found: pd.DataFrame | Unsaid) -> None:
    """State what was seen that the models take for granted not to be."""
    if isinstance(found, Unsaid):
        chapter.state("doubts", found.reason, verdict="unknown")
        return
    seen = found["seen"].fillna(False).astype(bool)
    means = MEANS | {"left_cut": what_it_means(chapter, "purchase_model")}
    for row in found[seen].itertuples():
        name = str(row.assumption)
        chapter.state(f"doubt_{name}", means[name] or "", value=float(row.value), verdict="watch")  # type: ignore[arg-type]
    unknown = found["seen"].isna()
    sentences = [
        f"{verb}: {listed([DOUBTS[name].lower() for name in found.loc[which, 'assumption']])}"
        for verb, which in (("not seen", ~seen & ~unknown), ("can't be told here", unknown))
        if which.any()
    ]
    if sentences:
        verdict: Verdict = "unknown" if unknown.all() else "note" if unknown.any() or seen.any() else "good"
        chapter.state("doubts", f"Of what would mislead the models, {'; '.join(sentences)}.", verdict=verdict)


def _off(bias: float) -> str:
    return f"{percent(abs(bias))} too {'high' if bias > 0 else 'low'}"


def _named(model: str) -> str:
    return NAMES.get(model, f"the rule '{model}'")


def _signed(bias: float) -> str:
    return "–" if pd.isna(bias) else f"{100 * bias:+.1f}%"
