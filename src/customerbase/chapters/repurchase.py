"""Steps of `05_retention`: what brings customers back sooner, and whether breadth of assortment holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from scipy.special import ndtr, ndtri

from models.cox import CoxFit, OnOthers, concordance_on_others, fit_cox
from models.multiple_comparisons import holm
from models.repurchase_intervals import (
    COVARIATES,
    DOUBLING,
    RHYTHM,
    TEN_POINTS,
    YES,
    covariates_of,
    repurchase_intervals,
)

from ..chapter import Chapter
from ..errors import CannotSay
from ..ledger.returns import STOOD
from ..shown_table import Columns, ShownTable, show_table
from ..unsaid import Unsaid, says_why_not
from ..wording import DASH, between, count, listed, number, percent, plural
from .hazard_ratios_in_words import SIGNIFICANT, chance, in_words, sentence_start
from .left_cut import left_cut

MOST_WAITS = 200_000  # more are not needed to tell effects of one per cent, and cost time
EVENTS_A_COVARIATE = 20  # Vittinghoff & McCulloch (2007) find 10 enough for errors, fewer customers repeat here
FEWEST_CUSTOMERS = 50  # for errors clustered by customer
FEWEST_OF_A_KIND = 30  # waits that differ from the most common value of a covariate
FOLDS = 5
PARTS_OF_THE_WAIT = 8
CURVES = 3
NARROW = 0.5  # of ten points: the spread from which one unit is ten points
SMALL_DRIFT = 0.10  # in log hazard: what nobody would act on
LASTS, UNTOLD = "lasts", "can't be told"
SPEND = ("spend_usual", "spend_relative")
ADDS_LITTLE = 0.03  # of pairs put in order
TOO_ALIKE = 1e-3  # of a covariate's spread that the others leave it
SPLIT = ("categories_usual", "categories_relative")  # they add up to categories_last, so never beside it


@dataclass(frozen=True)
class Waits:
    """The waits for a next purchase that are compared.

    Attributes
    ----------
    rows : polars.DataFrame
        As `models.repurchase_intervals.repurchase_intervals` returns them, without missing values.
    covariates : list of str
        Those that differ between waits, and none that others tell.
    customers, of : int
        Customers drawn, and all there are.
    left_out : int
        Waits of customers who had paid for nothing yet.
    by_point : frozenset of str
        Shares that differ so little between waits that their unit is one point here rather than ten.
    """

    rows: pl.DataFrame
    covariates: list[str]
    customers: int
    of: int
    left_out: int
    by_point: frozenset[str] = frozenset()

    def more(self, name: str) -> str:
        """Return what one unit more of a covariate means."""
        words = COVARIATES[name].more
        return words.replace("10 points", "1 point") if name in self.by_point else words


@dataclass(frozen=True)
class Regression:
    """What brings customers back sooner.

    Attributes
    ----------
    waits : Waits
    fit : CoxFit
        Stratified into waits after a first purchase and after later ones.
    foretold, by_rhythm : OnOthers
        Concordance on customers not fitted, of all covariates and of the customers' rhythm alone.
    """

    waits: Waits
    fit: CoxFit
    foretold: OnOthers
    by_rhythm: OnOthers

    @property
    def rhythm(self) -> list[str]:
        """Covariates fitted that are the customer's own rhythm."""
        return [name for name in RHYTHM if name in self.fit.covariates]

    @property
    def effects(self) -> pd.DataFrame:
        """Hazard ratios with their bands, the largest difference between customers first; p corrected (Holm)."""
        effects = self.fit.coefficients.assign(p_value=holm(self.fit.coefficients["p_value"]))
        spread = self.waits.rows.select(effects["covariate"].to_list()).to_pandas().std().to_numpy()
        order = np.argsort(-np.abs(effects["coefficient"].to_numpy() * spread), kind="stable")
        return effects.iloc[order].reset_index(drop=True)


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


@says_why_not
def waits(chapter: Chapter) -> Waits:
    """Return the waits between purchases with what was known when each began.

    Where there are more than 200,000 they are those of customers drawn by the seed.
    """
    found = repurchase_intervals(chapter.ledger, chapter.as_of, chapter.events)
    visits = found.group_by("customer").len().sort("customer")
    drawn = _drawn(visits, chapter.parameters.seed)
    if drawn.height < visits.height:
        found = found.join(drawn, on="customer", how="semi", maintain_order="left")
    # where nobody has paid for anything, amounts tell nothing, and the rest is compared without them
    unpaid = found["spend_usual"].null_count() == found.height
    rows = found.drop(SPEND) if unpaid else found.drop_nulls()
    covariates = _telling(rows, [name for name in covariates_of(rows) if name not in SPLIT])
    ended = int(rows["observed"].sum())
    customers = rows.filter("observed")["customer"].n_unique()
    needed = EVENTS_A_COVARIATE * max(len(covariates), 1)
    if not covariates or ended < needed or customers < FEWEST_CUSTOMERS:
        raise CannotSay(
            f"What brings customers back sooner can be said once {FEWEST_CUSTOMERS} customers have come back and "
            f"{needed} purchases were followed by another; here {plural(customers, 'customer')} did, "
            f"{plural(ended, 'time')}{_not_counted(found.height - rows.height)}."
        )
    by_point = [name for name in covariates if _is_narrow(rows[name], name)]
    rows = rows.with_columns(pl.col(by_point) * 10)
    return Waits(rows, covariates, drawn.height, visits.height, found.height - rows.height, frozenset(by_point))


def _not_counted(left_out: int) -> str:
    """Return what a sentence of too few waits adds about those of customers who had paid for nothing yet."""
    return f", beside {plural(left_out, 'wait')} of customers who had paid for nothing yet" if left_out else ""


def _is_narrow(values: pl.Series, name: str) -> bool:
    return COVARIATES[name].unit == TEN_POINTS and float(values.std()) < NARROW  # type: ignore[arg-type]


def _drawn(visits: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Draw customers until their purchases reach the limit; all of them where they don't."""
    if visits["len"].sum() <= MOST_WAITS:
        return visits
    mixed = visits[np.random.default_rng(seed).permutation(visits.height)]
    return mixed.filter(pl.col("len").cum_sum() <= MOST_WAITS)


def _telling(rows: pl.DataFrame, names: list[str]) -> list[str]:
    """Return the covariates that differ between waits that are compared, each beyond what those before it tell."""
    if rows.is_empty():
        return []
    differ = [name for name in names if rows.height - _most_common(rows[name]) >= FEWEST_OF_A_KIND]
    if not differ:
        return []
    first = [name for name in (*RHYTHM, *SPEND) if name in differ]
    ordered = first + [name for name in differ if name not in first]
    centred = rows.select("repeat", *ordered).with_columns(pl.col(ordered) - pl.col(ordered).mean().over("repeat"))
    x = centred.select(ordered).to_numpy()
    left = np.abs(np.diag(np.linalg.qr(x / np.maximum(np.linalg.norm(x, axis=0), 1e-300), mode="r")))
    kept = {name for name, own in zip(ordered, left, strict=True) if own > TOO_ALIKE}
    return [name for name in names if name in kept]


def _most_common(values: pl.Series) -> int:
    return int(values.value_counts()["count"].max())  # type: ignore[arg-type]


@says_why_not
def regression(chapter: Chapter, compared: Waits) -> Regression:
    """Fit a Cox regression of the time to the next purchase, errors clustered by customer."""
    given = chapter.parameters
    frame = compared.rows
    rhythm = [name for name in RHYTHM if name in compared.covariates] or compared.covariates
    try:
        fit = fit_waits(compared.rows, compared.covariates, given.interval)
        foretold, by_rhythm = (
            concordance_on_others(
                frame,
                "days",
                "observed",
                names,
                "customer",
                strata="repeat",
                folds=FOLDS,
                interval=given.interval,
                seed=given.seed,
            )
            for names in (compared.covariates, rhythm)
        )
    except ValueError as reason:
        raise CannotSay(f"What brings customers back sooner can't be told from this ledger: {reason}") from None
    return Regression(compared, fit, foretold, by_rhythm)


def fit_waits(rows: pl.DataFrame, names: list[str], interval: float, strata: str = "repeat") -> CoxFit:
    """Fit waits, errors clustered by customer; see `models.cox.fit_cox`, also for what it raises."""
    return fit_cox(rows, "days", "observed", names, cluster="customer", strata=strata, interval=interval)


def effects_table(found: Regression | Unsaid) -> ShownTable | None:
    """Show each effect in words, with what is usual of it in this base; nothing where the figure says why not."""
    if isinstance(found, Unsaid):
        return None
    effects = found.effects
    rows = pd.DataFrame(
        {
            "more": [sentence_start(found.waits.more(name)) for name in effects["covariate"]],
            "effect": [in_words(*ends) for ends in ends_of(effects)],
            "usual": [_usual(found.waits, name) for name in effects["covariate"]],
            "doubt": [chance(p) for p in effects["p_value"]],
        }
    )
    columns: Columns = {
        "more": ("with", str),
        "effect": (f"back (with {percent(found.fit.interval)} interval)", str),
        "usual": ("usual here (middle half)", str),
        "doubt": ("p, corrected", str),
    }
    return show_table(rows, "What goes with coming back sooner or later, all else listed being equal", columns)


def about(chapter: Chapter, found: Regression | Unsaid) -> Unsaid | None:
    """Say who was compared, what was left out, and how well it foretells; nothing where the figure says why not."""
    if isinstance(found, Unsaid):
        return None
    compared = found.waits
    said = [
        f"{plural(found.fit.rows, 'wait')} of {plural(found.fit.clusters, 'customer')} were compared; "
        f"{count(found.fit.events)} of them ended with a next purchase."
    ]
    if compared.customers < compared.of:
        said.append(
            f"These customers were drawn by chance (seed {chapter.parameters.seed}) from {count(compared.of)}, since "
            "more would cost time and change little."
        )
    if compared.left_out:
        said.append(f"{plural(compared.left_out, 'wait')} of customers who had paid for nothing yet are left out.")
    if (chapter.ledger.filter(pl.col("kind") == "sale").select(~STOOD)).to_series().any():
        said.append(
            "A purchase counts here as it stood on its day, also where it was returned later; the curves above count "
            "what was kept, so that they have other waits."
        )
    if left_cut(chapter).cut:
        said.append(
            "The ledger begins in the middle of its customers' lives. The waits in it are whole, but what is counted "
            "from the beginning (purchases, categories ever bought) leaves out what came before the ledger."
        )
    if "complained" in compared.covariates:
        said.append(
            "A complaint before is one at any time before, however long ago; what follows upon a complaint is told "
            "further down."
        )
    said.append(foretold_in_words(found))
    return Unsaid(" ".join(said))


def foretold_in_words(found: Regression) -> str:
    """Say how well the regression orders the waits of customers it hasn't seen."""
    known, rhythm = found.foretold, found.by_rhythm
    ends = between(100 * known.low, 100 * known.high)
    said = f"Of two waits of customers it hasn't seen it names the shorter in {percent(known.value)} ({ends}%)"
    if found.rhythm and len(found.rhythm) < len(found.fit.covariates):
        said += f"; by their rhythm alone (how often they have bought, how far apart) in {percent(rhythm.value)}"
        said += ", so that all else adds little" if known.value - rhythm.value < ADDS_LITTLE else ""
    return f"{said}; guessing would in 50%."


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
                DASH if becomes == LASTS and not row["told"] else becomes
                for row in table.to_dict("records")
                for becomes in [course(row)]
            ],
        }
    )
    columns: Columns = {
        "what": ("with", str),
        "early": (f"in the first {plural(found.split_days, 'day')}", str),
        "late": ("later", str),
        "doubt": ("p, corrected", str),
        "so": ("the effect", str),
    }
    together = f"Grambsch and Therneau's test that all of them last: p {chance(found.p_value)}"
    return show_table(rows, f"Does an effect last? Back, early and late in the wait. {together}", columns)


def state_findings(chapter: Chapter, found: Regression | Unsaid, lasts: Lasting | Unsaid) -> None:
    """State what brings customers back sooner, and whether it lasts."""
    if isinstance(found, Unsaid):
        chapter.state("comes_back_sooner", found.reason, verdict="unknown")
        return
    effects = found.effects
    beside = effects[~effects["covariate"].isin(RHYTHM)]
    told = beside[beside["p_value"] < SIGNIFICANT]
    if told.empty:
        chapter.state(
            "comes_back_sooner",
            f"Nothing known of a purchase goes with a sooner or later next one beyond chance, once the customer's own "
            f"rhythm is allowed for. {foretold_in_words(found)}",
            value=found.foretold.value,
            low=found.foretold.low,
            high=found.foretold.high,
            unit="concordance",
        )
        return
    parts = [
        f"{found.waits.more(row['covariate'])}: {in_words(row['hazard_ratio'], row['low'], row['high'])}"
        for row in told.head(3).to_dict("records")
    ]
    first = told.iloc[0]
    fades = "" if isinstance(lasts, Unsaid) else _said_of(lasts, first["covariate"])
    chapter.state(
        "comes_back_sooner",
        f"Beside the customer's own rhythm, what goes most with the next purchase, all else being equal: "
        f"{listed(parts)}. {fades}{foretold_in_words(found)}",
        value=first["hazard_ratio"],
        low=first["low"],
        high=first["high"],
        unit="hazard ratio",
    )


def _said_of(lasts: Lasting, covariate: str) -> str:
    becomes = course(lasts.table.set_index("covariate").loc[covariate].to_dict())
    if becomes in (LASTS, UNTOLD):
        return ""
    return f"The first of these effects {becomes} after the first {plural(lasts.split_days, 'day')} of a wait. "


def ends_of(
    table: pd.DataFrame, ratio: str = "hazard_ratio", low: str = "low", high: str = "high"
) -> list[tuple[float, float, float]]:
    """Return the ratios of a table with their ends."""
    return list(table[[ratio, low, high]].itertuples(index=False, name=None))


def _usual(compared: Waits, name: str) -> str:
    # on a first purchase nothing lies between purchases yet
    rows = compared.rows.filter("repeat") if name == "gap" else compared.rows
    values, unit = rows[name], COVARIATES[name].unit
    if unit == YES:
        return f"{percent(values.mean())} of waits"  # type: ignore[arg-type]
    middle, low, high = (values.quantile(share, "linear") for share in (0.5, 0.25, 0.75))
    if unit == TEN_POINTS:
        units = 100 if name in compared.by_point else 10
        shown = [percent(value / units) for value in (middle, low, high)]  # type: ignore[operator]
    else:
        shown = [number(2**value, 2) for value in (middle, low, high)]  # type: ignore[operator]
    times = " times" if name.endswith("_relative") and unit == DOUBLING else ""
    return f"{shown[0]}{times} ({shown[1]} to {shown[2]})"


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
    if row["p_value"] >= SIGNIFICANT or abs(np.log(late / early)) < SMALL_DRIFT:
        return LASTS
    if max(row["early_p"], row["late_p"]) < SIGNIFICANT and (early > 1) != (late > 1):
        return "turns round"
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
