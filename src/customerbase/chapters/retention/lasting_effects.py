"""The part of `05_retention` that asks whether an effect on coming back lasts through the wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from scipy.special import ndtr, ndtri

from models.multiple_comparisons import holm
from models.repurchase_intervals import RHYTHM

from ...chapter import Chapter
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import DASH, plural
from .hazard_ratios_in_words import SIGNIFICANT, chance, in_words, sentence_start
from .repurchase import Regression, ends_of, fit_waits

PARTS_OF_THE_WAIT = 8
CURVES = 3
SMALL_DRIFT = 0.10  # in log hazard: what nobody would act on
LASTS, CHANGES_LITTLE, TURNS, TURNS_LITTLE, UNTOLD = (
    "lasts",
    "changes little",
    "turns round",
    "turns round, but little",
    "can't be told",
)
MUCH_THE_SAME = (LASTS, CHANGES_LITTLE, TURNS_LITTLE, UNTOLD)  # no figure shows a change that nobody would act on


@dataclass(frozen=True)
class Lasting:
    """Whether effects last through the wait.

    Attributes
    ----------
    split_days : int
        Half of the next purchases come within so many days.
    table : pandas.DataFrame
        A row for each covariate, in the order of `Regression.effects`: covariate; ratio, of the whole wait; early and
        late with their ends and p (early_low, early_high, early_p, ...), of the wait up to `split_days` and beyond;
        p_value of an effect that is the same in both, corrected for their number (Holm); more, what one unit more
        means; told, whether the effect over the whole wait is more than chance.
    curves : pandas.DataFrame
        Effects by time since the purchase, of the covariates that drift most: covariate, days, ratio, low, high.
    p_value : float
        Of all effects staying the same: Grambsch and Therneau's test, errors clustered by customer.
    """

    split_days: int
    table: pd.DataFrame
    curves: pd.DataFrame
    p_value: float


def lasting(chapter: Chapter, found: Regression | Unsaid) -> Lasting | Unsaid:
    """Check whether each effect stays the same through the wait (proportional hazards)."""
    if isinstance(found, Unsaid):
        return Unsaid("Whether effects last can't be told either, for the same reason.")
    return _lasting(chapter, found)


@says_why_not
def _lasting(chapter: Chapter, found: Regression) -> Lasting:
    rows, names, interval = found.waits.rows, found.fit.covariates, chapter.parameters.interval
    check = found.fit.proportional_hazards(robust=True)
    split = int(rows.filter("observed")["days"].median())  # type: ignore[arg-type]
    within = pl.col("days") <= split
    early = rows.with_columns(observed=pl.col("observed") & within, days=pl.min_horizontal("days", pl.lit(split)))
    parts = {"early": early, "late": rows.filter(~within)}
    table = found.effects[["covariate", "hazard_ratio"]].rename(columns={"hazard_ratio": "ratio"})
    table["told"] = found.effects["p_value"] < SIGNIFICANT
    table["more"] = [found.waits.more(name) for name in table["covariate"]]
    drift, variance = np.zeros(len(table)), np.zeros(len(table))
    for sign, (part, chosen) in zip((-1, 1), parts.items(), strict=True):
        known = _coefficients_or_none(chosen, names, interval).reindex(table["covariate"])
        columns = [part, f"{part}_low", f"{part}_high", f"{part}_p"]
        table[columns] = known[["hazard_ratio", "low", "high", "p_value"]].to_numpy()
        drift += sign * known["coefficient"].to_numpy()
        # the parts share customers: where these make both effects err the same way, p comes out too large
        variance += known["robust_error"].to_numpy() ** 2
    z = np.abs(drift) / np.sqrt(variance)
    table["p_value"] = holm(2 * ndtr(-z))
    # that the rhythm so far tells less and less of a long wait is no news
    z = np.where(table["covariate"].isin(RHYTHM), -2.0, np.nan_to_num(z, nan=-1.0))
    shown = list(table["covariate"].iloc[np.argsort(-z, kind="stable")[:CURVES]])
    together = float(check.tests["p_value"].iloc[-1])
    return Lasting(split, table, _over_the_wait(check.residuals, shown, interval), together)


def lasting_table(found: Lasting | Unsaid) -> ShownTable | None:
    """Show each effect early and late in the wait; nothing where the figure says why not."""
    if isinstance(found, Unsaid):
        return None
    table = found.table
    rows = pd.DataFrame(
        {
            "what": [sentence_start(more) for more in table["more"]],
            "early": [in_words(*ends) for ends in ends_of(table, "early", "early_low", "early_high")],
            "late": [in_words(*ends) for ends in ends_of(table, "late", "late_low", "late_high")],
            "doubt": [chance(p) for p in table["p_value"]],
            # what may be no effect can't be said to last
            "so": [
                DASH if becomes in (LASTS, CHANGES_LITTLE) and not row["told"] else becomes
                for row in table.to_dict("records")
                for becomes in [course(row)]
            ],
        }
    )
    columns: Columns = {
        "what": ("with", str),
        "so": ("the effect", str),
        "early": (f"in the first {plural(found.split_days, 'day')}", str),
        "late": ("later", str),
        "doubt": ("p if it lasted", str),
    }
    return show_table(rows, "How much likelier customers come back on a day, early and late in the wait", columns)


def about(found: Lasting | Unsaid) -> Unsaid | None:
    """Say how to read the table; nothing where the figure says why not."""
    if isinstance(found, Unsaid):
        return None
    return Unsaid(
        f"Half of the next purchases come within {plural(found.split_days, 'day')}. p is corrected for how many are "
        "listed, and rather too large than too small, since both parts hold the same customers; if all effects "
        f"lasted: p {chance(found.p_value)} (Grambsch and Therneau's test). Of many purchases even a small "
        "change shows, so look at its size."
    )


def _coefficients_or_none(rows: pl.DataFrame, names: list[str], interval: float) -> pd.DataFrame:
    """Fit a part of the wait; empty where it can't tell the effects apart."""
    try:
        return fit_waits(rows, names, interval).coefficients.set_index("covariate")
    except ValueError:
        return pd.DataFrame(
            columns=["coefficient", "hazard_ratio", "low", "high", "robust_error", "p_value"], dtype=float
        )


def course(row: Mapping[Any, Any]) -> str:
    """Say in a word what becomes of an effect while the wait lasts; of a row of `Lasting.table`."""
    early, late = row["early"], row["late"]
    if not np.isfinite([early, late, row["p_value"]]).all():
        return UNTOLD
    if row["p_value"] >= SIGNIFICANT:
        return LASTS
    is_small = abs(np.log(late / early)) < SMALL_DRIFT
    if max(row["early_p"], row["late_p"]) < SIGNIFICANT and (early > 1) != (late > 1):
        return TURNS_LITTLE if is_small else TURNS
    if is_small:
        return CHANGES_LITTLE
    return "fades" if abs(np.log(late)) < abs(np.log(early)) else "grows"


def _over_the_wait(residuals: pd.DataFrame, names: list[str], interval: float) -> pd.DataFrame:
    """Average scaled Schoenfeld residuals over parts of the wait with about equally many events.

    Bands are those of independent waits; the table's intervals are clustered.
    """
    edges = np.unique(residuals["duration"].quantile(np.linspace(0, 1, PARTS_OF_THE_WAIT + 1)))
    part = np.clip(np.searchsorted(edges, residuals["duration"], side="left"), 1, None)
    grouped = residuals.groupby(part)
    days, size = grouped["duration"].median(), grouped.size()
    half = ndtri((1 + interval) / 2)
    curves = []
    for name in names:
        mean = grouped[name].mean()
        error: pd.Series = grouped[name].std() / np.sqrt(size)
        curves.append(
            pd.DataFrame(
                {
                    "covariate": name,
                    "days": days,
                    "ratio": np.exp(mean),
                    "low": np.exp(mean - half * error),
                    "high": np.exp(mean + half * error),
                }
            )
        )
    return pd.concat(curves, ignore_index=True)
