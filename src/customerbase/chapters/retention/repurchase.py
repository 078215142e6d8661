"""The part of `05_retention` that asks what goes with coming back sooner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl

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

from ...chapter import Chapter
from ...errors import CannotSay
from ...ledger.returns import STOOD
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import between, count, listed, number, percent, plural
from ..left_cut import left_cut
from .hazard_ratios_in_words import SIGNIFICANT, UsualWait, chance, sentence_start

MOST_WAITS = 200_000  # more are not needed to tell effects of one per cent, and cost time
EVENTS_A_COVARIATE = 20  # Vittinghoff & McCulloch (2007) find 10 enough for errors, fewer customers repeat here
FEWEST_CUSTOMERS = 50  # for errors clustered by customer
FEWEST_OF_A_KIND = 30  # waits that differ from the most common value of a covariate
FOLDS = 5
NARROW = 0.5  # of ten points: the middle half of waits is so far apart where one unit is ten points
SPEND = ("spend_usual", "spend_relative")
MOST_TOLD = 3  # effects in a sentence
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
    usual : UsualWait
        How long a wait usually is, by the fit's own curves.
    foretold, by_rhythm : OnOthers
        Concordance on customers not fitted, of all covariates and of the customers' rhythm alone.
    """

    waits: Waits
    fit: CoxFit
    usual: UsualWait
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
    left_out = found.height - rows.height
    return Waits(rows, covariates, drawn.height, visits.height, left_out, frozenset(by_point))


def _not_counted(left_out: int) -> str:
    """Return what a sentence of too few waits adds about those of customers who had paid for nothing yet."""
    return f", beside {plural(left_out, 'wait')} of customers who had paid for nothing yet" if left_out else ""


def _is_narrow(values: pl.Series, name: str) -> bool:
    if COVARIATES[name].unit != TEN_POINTS:
        return False
    low, high = (float(values.quantile(share)) for share in (0.25, 0.75))  # type: ignore[arg-type]
    return high - low < NARROW


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
    return Regression(compared, fit, UsualWait(fit.standardised_survival()), foretold, by_rhythm)


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
            "days": [found.usual.in_words(*ends) for ends in ends_of(effects)],
            "ratio": [f"{ratio:.2f} ({between(low, high, '{:.2f}')})" for ratio, low, high in ends_of(effects)],
            "usual": [_usual(found.waits, name) for name in effects["covariate"]],
            "doubt": [chance(p) for p in effects["p_value"]],
        }
    )
    columns: Columns = {
        "more": ("with", str),
        "days": (f"a usual wait of {found.usual.in_days} becomes", str),
        "usual": ("usual here (middle half)", str),
        "ratio": ("hazard ratio", str),
        "doubt": ("p, corrected", str),
    }
    interval = percent(found.fit.interval)
    caption = f"What goes with coming back sooner or later, all else listed being equal ({interval} intervals)"
    return show_table(rows, caption, columns)


def about(chapter: Chapter, found: Regression | Unsaid) -> Unsaid | None:
    """Say how to read it, who was compared and how well it foretells; nothing where the figure says why not."""
    if isinstance(found, Unsaid):
        return None
    compared = found.waits
    said = [
        "With a hazard ratio of 1.10 a customer is 10% likelier to come back on any day of the wait (Cox regression).",
        f"Bars and brackets are {percent(found.fit.interval)} intervals, which miss the truth "
        f"{percent(1 - found.fit.interval)} of the time; a claim asks for more: where p, corrected for how many are "
        f"listed, is {SIGNIFICANT:g} or more, it could be chance.",
        "Days suppose that the effect lasts through the wait, which is looked at below; they are those of the waits "
        "compared, each at its own customer's rhythm and all else listed.",
        f"{plural(found.fit.rows, 'wait')} of {plural(found.fit.clusters, 'customer')} were compared; "
        f"{count(found.fit.events)} of them ended with a next purchase.",
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
    """Say how well the regression tells who comes back first, of customers it hasn't seen."""
    known, rhythm = found.foretold, found.by_rhythm
    ends = between(100 * known.low, 100 * known.high)
    told = f"in {percent(known.value)} ({ends}%) of pairs"
    which = "which of two customers comes back first"
    if not found.rhythm or len(found.rhythm) == len(found.fit.covariates):
        return f"All this tells {which} {told}; guessing would in 50%."
    little = ": all else adds little" if known.value - rhythm.value < ADDS_LITTLE else ""
    return (
        f"All this together tells {which} {told}, their rhythm alone (how often they have bought, and how far apart) "
        f"in {percent(rhythm.value)}, guessing in 50%{little}."
    )


def state_findings(chapter: Chapter, found: Regression | Unsaid) -> None:
    """State what goes with coming back sooner."""
    if isinstance(found, Unsaid):
        chapter.state("comes_back_sooner", found.reason, verdict="unknown")
        return
    effects = found.effects
    beside = effects[~effects["covariate"].isin(RHYTHM)]
    told = beside[beside["p_value"] < SIGNIFICANT]
    if told.empty:
        chapter.state(
            "comes_back_sooner",
            "Nothing known of a purchase goes with a sooner or later next one beyond chance, once the customer's own "
            f"rhythm is allowed for. {foretold_in_words(found)}",
            value=found.foretold.value,
            low=found.foretold.low,
            high=found.foretold.high,
            unit="concordance",
        )
        return
    usual, first = found.usual, told.iloc[0]
    parts = [
        f"{found.waits.more(row['covariate'])}: {usual.in_words(row['hazard_ratio'], row['low'], row['high'])}"
        for row in told.head(MOST_TOLD).to_dict("records")
    ]
    chapter.state(
        "comes_back_sooner",
        f"Beside a customer's own rhythm, what goes most with a sooner or later purchase is, in what a usual wait of "
        f"{usual.in_days} becomes if the effect lasts: {listed(parts)}. {foretold_in_words(found)}",
        value=first["hazard_ratio"],
        low=first["low"],
        high=first["high"],
        unit="hazard ratio",
    )


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
        shown = [number(float(f"{2**value:.1e}"), 2) for value in (middle, low, high)]  # type: ignore[operator]
    times = " times" if name.endswith("_relative") and unit == DOUBLING else ""
    return f"{shown[0]}{times} ({shown[1]} to {shown[2]})"


def ends_of(
    table: pd.DataFrame, ratio: str = "hazard_ratio", low: str = "low", high: str = "high"
) -> list[tuple[float, float, float]]:
    """Return the ratios of a table with their ends."""
    return list(table[[ratio, low, high]].itertuples(index=False, name=None))
