"""The league: models and baselines forecast the same holdouts, from several split days of one ledger."""

import datetime as dt
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd
from lifetimes.utils import ConvergenceError

from models._columns import to_pandas
from models.baselines import BASELINES, Baseline
from models.rfm import DAYS_PER_UNIT, calibration_holdout
from models.validation import holdout_scores, interval_coverage, mean_log_score

Array = np.ndarray
Fit = Callable[[Any, Any, Any], Any]
Intervals = Callable[[Any, float, Array, Array, Array], tuple[Any, Any]]

MODEL, BASELINE = "model", "baseline"
SHORTEST_STEP_DAYS = 7  # origins closer than this see nearly the same

#: Measures by which contenders are compared, and whether more is better.
MEASURES: Mapping[str, bool] = {"mae": False, "rmse": False, "correlation": True, "absolute_bias": False}

# What a forecast must reach to be trusted, in `forecast_trust`.
LARGEST_MEDIAN_BIAS, LARGEST_WORST_BIAS = 0.10, 0.25
LEAST_CORRELATION_TO_RANK, LEAST_CORRELATION_OF_CUSTOMERS = 0.4, 0.7
SLACK_OF_CORRELATION = 0.02
SLACK_OF_COVERAGE = 0.05


class Origin(NamedTuple):
    """A day from which the future is forecast.

    Attributes
    ----------
    calibration_end : date
        Last day that a contender sees.
    holdout_end : date
        Last day forecast.
    """

    calibration_end: dt.date
    holdout_end: dt.date

    @property
    def holdout_days(self) -> int:
        """Length of the holdout, in days."""
        return (self.holdout_end - self.calibration_end).days


def rolling_origins(first_day: Any, as_of: Any, holdout_days: int, origins: int = 4) -> list[Origin]:
    """Pick split days for a forecast to be tested from, spread evenly, the last one `holdout_days` before `as_of`.

    The first calibration period is half as long as the last. Every holdout has its full length; those of near origins
    overlap, so what they say is not independent. On a short ledger there are fewer origins, since they lie at
    least a week apart.

    Parameters
    ----------
    first_day : date, datetime or ISO string
        Day of the first purchase.
    as_of : date, datetime or ISO string
        Last day observed.
    holdout_days : int
        Length of every holdout, at least 1.
    origins : int, default 4
        The most to pick, at least 1.

    Returns
    -------
    list of Origin
        The earliest first.

    Raises
    ------
    ValueError
        If `holdout_days` leaves no calibration period, or it or `origins` is below 1.
    """
    first, end = pd.Timestamp(first_day).date(), pd.Timestamp(as_of).date()
    if holdout_days < 1 or origins < 1:
        raise ValueError(f"holdout_days is {holdout_days} and origins {origins}; both must be at least 1.")
    longest = (end - first).days - holdout_days
    if longest < 1:
        raise ValueError(
            f"holdout_days keeps back {holdout_days} days, but from {first} to {end} there are only "
            f"{(end - first).days}: nothing is left to fit on."
        )
    shortest = longest - longest // 2
    number = min(origins, 1 + (longest - shortest) // SHORTEST_STEP_DAYS)
    spans = np.linspace(longest, shortest, number).round().astype(int)[::-1]  # of one, it is the longest
    splits = [first + dt.timedelta(days=int(span)) for span in spans]
    return [Origin(split, split + dt.timedelta(days=holdout_days)) for split in splits]


def league(
    purchases: Any,
    origins: Sequence[Origin],
    models: Mapping[str, Fit],
    *,
    baselines: Mapping[str, type[Baseline]] = BASELINES,
    time_unit: str = "week",
    intervals: Intervals | None = None,
    total_interval: Callable[[Any, float, Array, Array, Array], tuple[float, float]] | None = None,
) -> pd.DataFrame:
    """Let every model and baseline forecast the holdout of every origin, and score them.

    Parameters
    ----------
    purchases : frame
        customer and date, rows in any order; pandas, Polars or any other narwhals drives.
    origins : sequence of Origin
        As `rolling_origins` picks them.
    models : mapping of str to callable
        By name, what fits a model: (frequency, recency, T) to a fitted model with `predict(t, frequency, recency, T)`
        and, if known, `log_likelihood_` and `conditional_probability_of_n_purchases_up_to_time`. So
        ``{"BG/NBD": BGNBD().fit}`` does.
    baselines : mapping of str to Baseline class, default `models.baselines.BASELINES`
    time_unit : {"week", "day", "month", "year"}, default "week"
        Unit of the histories.
    intervals : callable, optional
        (model, t, frequency, recency, T) to the (low, high) of each customer's purchases in the next t.
    total_interval : callable, optional
        The same for the purchases of all of them together: two numbers.

    Returns
    -------
    DataFrame
        A row for each origin and contender, in the order given:

        - origin (last day of the calibration), holdout_days, customers;
        - model (its name), kind ("model" or "baseline");
        - purchases_actual, purchases_expected, mae, rmse, correlation, bias, coverage, log_likelihood: see
          `holdout_scores`. coverage without `intervals` and log_likelihood of a baseline are NaN;
        - log_score: mean log-probability of what each customer did (`mean_log_score`); NaN for a baseline;
        - total_low, total_high: interval of purchases_expected;
        - caveat: what the fit warned of;
        - reason: why a contender has no forecast or no interval; empty where all went well. Without a forecast its
          numbers are NaN, but for purchases_actual.
    """
    rows = [
        row
        for origin in origins
        for row in _origin_rows(purchases, origin, models, baselines, time_unit, intervals, total_interval)
    ]
    return pd.DataFrame(rows, columns=_COLUMNS).astype({"origin": "datetime64[us]"})


def league_summary(scores: pd.DataFrame) -> pd.DataFrame:
    """Sum the league up over its origins: a row a contender, the best first.

    Parameters
    ----------
    scores : DataFrame
        As `league` gives it.

    Returns
    -------
    DataFrame
        - model, kind;
        - origins, failed: at how many it has a forecast, and has none;
        - mae, rmse, correlation, coverage, log_likelihood, log_score: means over its origins;
        - median_absolute_bias, worst_absolute_bias;
        - totals_inside: share of origins whose total lies inside its interval; NaN without intervals;
        - mean_rank: over origins and `MEASURES`, 1 being the best; who has no forecast is last, ties share their
          mean;
        - rank: place in the league by mean_rank.
    """
    ranked = _measured(scores)
    ranks = [ranked.groupby("origin")[name].rank(ascending=not more) for name, more in MEASURES.items()]
    last = ranked.groupby("origin")["model"].transform("size").astype(float)
    mean_rank = pd.concat([rank.fillna(last) for rank in ranks], axis=1).mean(axis=1)
    inside = ranked["purchases_actual"].between(ranked["total_low"], ranked["total_high"]).astype(float)
    ranked = ranked.assign(
        mean_rank=mean_rank,
        inside=inside.where(ranked["total_low"].notna()),
        failed=ranked["mae"].isna(),
    )
    summary = ranked.groupby(["model", "kind"], sort=False, as_index=False).agg(
        origins=("mae", "count"),
        failed=("failed", "sum"),
        mae=("mae", "mean"),
        rmse=("rmse", "mean"),
        correlation=("correlation", "mean"),
        coverage=("coverage", "mean"),
        log_likelihood=("log_likelihood", "mean"),
        log_score=("log_score", "mean"),
        median_absolute_bias=("absolute_bias", "median"),
        worst_absolute_bias=("absolute_bias", "max"),
        totals_inside=("inside", "mean"),
        mean_rank=("mean_rank", "mean"),
    )
    summary["rank"] = summary["mean_rank"].rank(method="min").astype(int)
    return summary.sort_values(["rank", "mae"], ignore_index=True)


class Gain(NamedTuple):
    """What a model gains on the best baseline by one measure, over the origins at which both have a forecast.

    Attributes
    ----------
    baseline : str
        The best of them by this measure; empty if there is none to compare with.
    value, baseline_value : float
        Means of the model and of that baseline.
    gain : float
        Share of the baseline's error that the model saves; for correlation, the difference. Above 0 the model is
        better.
    origins_better, origins : int
        At how many origins the model beats that baseline, of how many.
    """

    baseline: str
    value: float
    baseline_value: float
    gain: float
    origins_better: int
    origins: int


class ForecastTrust(NamedTuple):
    """How far a model's forecast of this base can be trusted, and for what.

    Attributes
    ----------
    model : str
    origins, failed : int
        At how many origins it has a forecast, and has none.
    median_absolute_bias, worst_absolute_bias : float
        By how much of what was bought the forecast total was off.
    totals_inside : float
        Share of origins whose total lies inside its interval; NaN without intervals.
    coverage : float
        Mean share of customers inside their intervals; NaN without intervals.
    correlation : float
        Mean correlation of forecast and actual purchases over customers.
    mae, rmse, correlation_gain : Gain
        Against the best baseline.
    for_totals : bool
        The total was off by at most 10% at the median origin and at most 25% at the worst.
    for_ranking : bool
        The correlation is at least 0.4, and at most 0.02 below that of the best baseline.
    for_customers : bool
        The correlation is at least 0.7 (half of the variance explained), the root mean squared error is below that of
        the best baseline, and intervals, where there are any, hold their share but for 5 points.
    """

    model: str
    origins: int
    failed: int
    median_absolute_bias: float
    worst_absolute_bias: float
    totals_inside: float
    coverage: float
    correlation: float
    mae: Gain
    rmse: Gain
    correlation_gain: Gain
    for_totals: bool
    for_ranking: bool
    for_customers: bool


def forecast_trust(scores: pd.DataFrame, model: str, interval: float = 0.8) -> ForecastTrust:
    """Judge from the league for what a model's forecast can be trusted.

    Where most customers buy nothing, the least mean absolute error goes to whoever expects least of everybody, so it is
    reported but doesn't decide.

    Parameters
    ----------
    scores : DataFrame
        As `league` gives it.
    model : str
        Name in the league.
    interval : float, default 0.8
        Nominal coverage of the customers' intervals.

    Returns
    -------
    ForecastTrust
        With no forecast at any origin it is trusted for nothing and its numbers are NaN.

    Raises
    ------
    ValueError
        If the league has no such model.
    """
    summary = league_summary(scores)
    if model not in set(summary["model"]):
        raise ValueError(f"The league has no model {model!r}; it has: {', '.join(summary['model'])}.")
    row = summary[summary["model"] == model].iloc[0]
    mae, rmse, correlation = (_gain(scores, model, measure) for measure in ("mae", "rmse", "correlation"))
    no_worse_order = not correlation.gain < -SLACK_OF_CORRELATION
    intervals_hold = not row["coverage"] < interval - SLACK_OF_COVERAGE
    return ForecastTrust(
        model=model,
        origins=int(row["origins"]),
        failed=int(row["failed"]),
        median_absolute_bias=float(row["median_absolute_bias"]),
        worst_absolute_bias=float(row["worst_absolute_bias"]),
        totals_inside=float(row["totals_inside"]),
        coverage=float(row["coverage"]),
        correlation=float(row["correlation"]),
        mae=mae,
        rmse=rmse,
        correlation_gain=correlation,
        for_totals=bool(
            row["median_absolute_bias"] <= LARGEST_MEDIAN_BIAS and row["worst_absolute_bias"] <= LARGEST_WORST_BIAS
        ),
        for_ranking=bool(row["correlation"] >= LEAST_CORRELATION_TO_RANK and no_worse_order),
        for_customers=bool(
            row["correlation"] >= LEAST_CORRELATION_OF_CUSTOMERS and not rmse.gain <= 0 and intervals_hold
        ),
    )


_COLUMNS = [
    "origin",
    "holdout_days",
    "customers",
    "model",
    "kind",
    "purchases_actual",
    "purchases_expected",
    "mae",
    "rmse",
    "correlation",
    "bias",
    "coverage",
    "log_likelihood",
    "log_score",
    "total_low",
    "total_high",
    "caveat",
    "reason",
]


def _origin_rows(
    purchases: Any,
    origin: Origin,
    models: Mapping[str, Fit],
    baselines: Mapping[str, type[Baseline]],
    time_unit: str,
    intervals: Intervals | None,
    total_interval: Any,
) -> list[dict[str, Any]]:
    ledger: Any = nw.from_native(purchases)
    rows = ledger.select("customer", "date").to_native()
    halves = to_pandas(calibration_holdout(rows, origin.calibration_end, origin.holdout_end, time_unit))
    histories = tuple(halves[name].to_numpy() for name in ("frequency_cal", "recency_cal", "T_cal"))
    actual = halves["frequency_holdout"].to_numpy()
    t = origin.holdout_days / DAYS_PER_UNIT[time_unit]
    common = {"origin": origin.calibration_end, "holdout_days": origin.holdout_days, "customers": len(halves)}

    seen = (rows, origin.calibration_end, origin.holdout_days, time_unit)
    fits = [(name, MODEL, partial(fit, *histories)) for name, fit in models.items()]
    fits += [(name, BASELINE, partial(baseline.from_ledger, *seen)) for name, baseline in baselines.items()]
    table = []
    for name, kind, fit in fits:
        row = {**common, "model": name, "kind": kind, "purchases_actual": actual.sum(), "caveat": "", "reason": ""}
        table.append(row)
        try:
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always", UserWarning)
                fitted = fit()
            row.update(_scores(name, fitted, actual, t, histories))
        except (ConvergenceError, ValueError, ArithmeticError) as reason:
            row["reason"] = str(reason)
            continue
        row["caveat"] = " ".join(str(each.message) for each in said if issubclass(each.category, UserWarning))
        if kind == MODEL:
            row.update(_interval_scores(fitted, actual, t, histories, intervals, total_interval))
    return table


def _scores(name: str, fitted: Any, actual: Array, t: float, histories: tuple[Array, ...]) -> dict[str, Any]:
    expected = np.asarray(fitted.predict(t, *histories), dtype=float)
    if not np.isfinite(expected).all():
        raise ValueError(f"The forecast is missing or infinite for {(~np.isfinite(expected)).sum()} customers.")
    likelihood = getattr(fitted, "log_likelihood_", np.nan)
    scored = holdout_scores(actual, expected, model=name, log_likelihood=likelihood)
    scores = {str(column): scored[column].iloc[0] for column in scored}
    if hasattr(fitted, "conditional_probability_of_n_purchases_up_to_time"):
        scores["log_score"] = mean_log_score(fitted, actual, t, *histories)
    return scores


def _interval_scores(
    fitted: Any,
    actual: Array,
    t: float,
    histories: tuple[Array, ...],
    intervals: Intervals | None,
    total_interval: Any,
) -> dict[str, Any]:
    scores: dict[str, Any] = {}
    try:
        if intervals is not None:
            scores["coverage"] = interval_coverage(actual, *intervals(fitted, t, *histories))
        if total_interval is not None:
            scores["total_low"], scores["total_high"] = total_interval(fitted, t, *histories)
    except (ConvergenceError, ValueError, ArithmeticError) as reason:
        scores["reason"] = f"No intervals: {reason}"
    return scores


def _measured(scores: pd.DataFrame) -> pd.DataFrame:
    return scores.assign(absolute_bias=scores["bias"].abs())


def _gain(scores: pd.DataFrame, model: str, measure: str) -> Gain:
    by_origin = scores.pivot(index="origin", columns="model", values=measure)
    rivals = [name for name in scores.loc[scores["kind"] == BASELINE, "model"].unique() if name != model]
    forecasting = [name for name in rivals if by_origin[name].notna().any()]
    compared = by_origin[[model, *forecasting]].dropna()
    if compared.empty or not forecasting:
        return Gain("", float(by_origin[model].mean()), np.nan, np.nan, 0, 0)
    means = compared.mean()
    more = MEASURES[measure]
    best = str(means[forecasting].idxmax() if more else means[forecasting].idxmin())
    value, of_best = float(means[model]), float(means[best])
    gain = value - of_best if more else 1 - value / of_best if of_best > 0 else np.nan
    better = compared[model] > compared[best] if more else compared[model] < compared[best]
    return Gain(best, value, of_best, gain, int(better.sum()), len(compared))
