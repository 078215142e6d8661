"""The part of `05_retention` for bases with contracts: how long they last, and how far that can be foretold."""

from __future__ import annotations

import datetime as dt
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl
from lifetimes.utils import ConvergenceError

from models.contract_projection import (
    cut_before,
    held_out_periods,
    held_out_projection,
    renewal_posterior,
    survival_band,
)
from models.contract_renewals import (
    MONTHS,
    ContractPeriod,
    Contracts,
    contract_survival,
    contracts_until,
    renewal_counts,
)
from models.shifted_beta_geometric import ShiftedBetaGeometric

from ...chapter import Chapter
from ...errors import CannotSay
from ...findings import Verdict
from ...particulars import JOINED, LEFT
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import DASH, between, count, day, if_known, listed, number, percent, plural
from ..left_cut import new_customers, what_it_means

FEWEST_CONTRACTS = 30
MOST_ROWS = 12
AHEAD = 0.5  # how far the projection is drawn, as a share of the renewals seen
MEASURED_WELL = 0.05  # error of a projection, as a share of the contracts, that misleads nobody
MEASURED_BADLY = 0.15
NEXT_TO_NOTHING = 0.005  # renewals to come
BY_CHANCE = 0.001  # probability below which it isn't chance that nobody left


@dataclass(frozen=True)
class ContractBase:
    """The contracts of a base.

    Attributes
    ----------
    found : Contracts
        As they are known on `as_of`.
    terms : polars.DataFrame
        customer, joined, left: what they were counted from.
    records_from : date
        The ledger's first day.
    period : str
        How long a contract runs before it is renewed.
    curve : pandas.DataFrame
        The share still on after each renewal; see `models.contract_renewals.contract_survival`.
    """

    found: Contracts
    terms: pl.DataFrame
    records_from: dt.date
    period: ContractPeriod
    curve: pd.DataFrame

    @property
    def running(self) -> pl.DataFrame:
        """The contracts that are on, without notice of their end."""
        return self.found.rows.filter("on")

    @property
    def cancelled(self) -> int:
        """Contracts cancelled in the period under way: their next renewal, which hasn't come up yet, won't be made."""
        return self.found.rows.filter(~pl.col("lost") & ~pl.col("on")).height


@dataclass(frozen=True)
class Projection:
    """What the shifted-beta-geometric says of a base's contracts.

    Attributes
    ----------
    model : ShiftedBetaGeometric
        Fitted to all renewals that came up.
    caveats : list of str
        What the fit warned of.
    curve : pandas.DataFrame
        renewal, survival, low, high: of a contract that begins, beyond what was seen.
    remaining : pandas.DataFrame
        tenure (renewals so far), running (contracts on), came_up, retention and expected (observed and the model's
        share renewed next), lifetime (renewals to come, discounted). Notice of the next renewal that might have been
        given by now, and wasn't, is not counted in favour of a contract.
    """

    model: ShiftedBetaGeometric
    caveats: list[str]
    curve: pd.DataFrame
    remaining: pd.DataFrame


@dataclass(frozen=True)
class HeldOut:
    """How a projection made some periods ago held.

    Attributes
    ----------
    cut : date
        The day it was made on, with nothing known after it.
    periods : int
        Renewals that have come up since.
    table : pandas.DataFrame
        See `models.contract_projection.held_out_projection`.
    """

    cut: dt.date
    periods: int
    table: pd.DataFrame


@says_why_not
def contracts(chapter: Chapter) -> ContractBase:
    """Return the base's contracts, where its customers' table says who left."""
    people = chapter.particulars
    if people is None or LEFT not in people.columns:
        raise CannotSay(
            "This base has no contracts that can be followed: no customers' table says when customers left (in a "
            "column named left, empty for those still on)."
        )
    terms = _terms(chapter, people)
    start, period = chapter.first_day, chapter.parameters.contract_period
    found = contracts_until(terms, chapter.as_of, period=period, records_from=start)
    counts = renewal_counts(found.rows)
    watched = found.rows.filter(pl.col("periods") > pl.col("entered")).height
    if watched < FEWEST_CONTRACTS:
        raise CannotSay(
            f"A renewal has come up for {plural(watched, 'contract')} since the ledger begins; how long contracts last "
            f"can be said from {FEWEST_CONTRACTS} up. (A contract is taken to run for a {period}, see contract_period.)"
        )
    return ContractBase(found, terms, start, period, contract_survival(counts, interval=chapter.parameters.interval))


def _terms(chapter: Chapter, people: pl.DataFrame) -> pl.DataFrame:
    """Return when each contract began and ended; where nobody wrote the beginning, the first purchase stands for it."""
    first = new_customers(chapter).select("customer", first=pl.col("first").cast(pl.Date))
    joined = pl.col(JOINED) if JOINED in people.columns else pl.lit(None, dtype=pl.Date)
    return (
        people.with_columns(joined.alias(JOINED))
        .join(first, on="customer", how="left")
        .select("customer", joined=pl.coalesce(JOINED, "first"), left=LEFT)
    )


@says_why_not
def project(chapter: Chapter, base: ContractBase) -> Projection:
    """Fit the shifted-beta-geometric to every renewal that came up, and project from it."""
    counts = base.curve.iloc[1:]
    if base.cancelled and not counts["lost"].sum():
        raise CannotSay(
            f"How long contracts go on can't be projected yet: none ended at a renewal that has come up, but "
            f"{_notice(base)}. It can be once that renewal has come."
        )
    model, caveats = _fitted(base.found)
    seen = int(base.curve["renewal"].iloc[-1])
    renewals = np.arange(seen + max(round(AHEAD * seen), 1) + 1)
    low, high = survival_band(renewal_posterior(counts), renewals, interval=chapter.parameters.interval)
    survival = model.survival(renewals)
    curve = pd.DataFrame(
        {
            "renewal": renewals,
            "survival": survival,
            "low": np.minimum(low, survival),
            "high": np.maximum(high, survival),
        }
    )
    tenure = np.arange(seen + 1)
    running = base.running["periods"].to_numpy()
    remaining = pd.DataFrame(
        {
            "tenure": tenure,
            "running": np.bincount(running, minlength=seen + 1)[: seen + 1],
            "came_up": [*counts["at_risk"], 0],
            "retention": [*counts["retention"], np.nan],
            "expected": model.retention_rate(tenure + 1),
            "lifetime": model.discounted_expected_residual_lifetime(_discount(chapter, base.period), tenure),
        }
    )
    return Projection(model, caveats, curve, remaining)


@says_why_not
def hold_out(chapter: Chapter, base: ContractBase) -> HeldOut:
    """Project from an earlier day with what was known then, and compare with what came."""
    period = base.period
    began = max(base.found.rows["joined"].min(), base.records_from)  # type: ignore[type-var]
    periods = held_out_periods(began, chapter.as_of, period)  # type: ignore[arg-type]
    if not periods:
        raise CannotSay(
            f"A projection can be tested once contracts have been watched for three {period}s; these have been since "
            f"{day(began)}."  # type: ignore[arg-type]
        )
    cut = cut_before(chapter.as_of, periods, period)
    before = contracts_until(base.terms, cut, period=period, records_from=base.records_from)
    watched = before.rows.filter(pl.col("periods") > pl.col("entered")).height
    if before.rows.filter(~pl.col("lost")).is_empty():
        raise CannotSay(f"By {day(cut)} every contract had ended or none had begun, so there was nothing to foretell.")
    if watched < FEWEST_CONTRACTS:
        raise CannotSay(
            f"By {day(cut)}, {plural(periods, period)} before the last day, a renewal had come up for "
            f"{plural(watched, 'contract')}: too few to test a projection with."
        )
    model, _ = _fitted(before)
    given = chapter.parameters
    table = held_out_projection(before, base.found, model, periods, interval=given.interval, seed=given.seed)
    return HeldOut(cut, periods, table)


def _fitted(found: Contracts) -> tuple[ShiftedBetaGeometric, list[str]]:
    rows = found.rows.filter(pl.col("periods") > pl.col("entered"))
    model = ShiftedBetaGeometric()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", UserWarning)
        try:
            model.fit(rows["periods"].to_numpy(), rows["lost"].to_numpy(), rows["entered"].to_numpy())
        except ConvergenceError as reason:
            raise CannotSay(f"The shifted-beta-geometric can't be fitted to these contracts: {reason}") from None
    return model, [str(warning.message) for warning in said if issubclass(warning.category, UserWarning)]


def about(base: ContractBase | Unsaid, projection: Projection | Unsaid) -> Unsaid | None:
    """Say how to read the figures; nothing where there are none."""
    if isinstance(base, Unsaid) or isinstance(projection, Unsaid):
        return None
    return Unsaid(
        "The points are the share of contracts still on after each renewal; contracts that began before the records "
        "count from when they were first seen (Kaplan-Meier). The line is the model (shifted-beta-geometric): "
        "everybody leaves with a probability of their own that never changes, so the likeliest go first and those who "
        "are left stay longer. The second figure tests it on what was known some periods ago, beside one churn rate "
        "for all and a straight line; there the points are what came."
    )


def remaining_table(
    chapter: Chapter, base: ContractBase | Unsaid, projection: Projection | Unsaid
) -> ShownTable | None:
    """Show how many renew, and how long contracts are expected to go on, by how often they have been renewed.

    Nothing is shown where the figure has said why not.
    """
    if isinstance(base, Unsaid) or isinstance(projection, Unsaid):
        return None
    rate = percent(chapter.parameters.annual_discount_rate)
    columns: Columns = {
        "tenure": (f"{base.period}s behind them", count),
        "running": ("contracts on", count),
        "came_up": ("came up for renewal", count),
        "retention": ("renewed", if_known(_rate, DASH)),
        "expected": ("by the model", _rate),
        "lifetime": (f"renewals to come, discounted at {rate} a year", _lifetime),
    }
    rows = projection.remaining
    if len(rows) > MOST_ROWS:
        rows = rows[rows["tenure"].isin(_spread(int(rows["tenure"].iloc[-1])))]
    return show_table(rows, f"Contracts by {base.period}s so far", columns)


def state_findings(
    chapter: Chapter, base: ContractBase | Unsaid, projection: Projection | Unsaid, held_out: HeldOut | Unsaid
) -> None:
    """State how long contracts last, what remains of them, and how well that could be foretold."""
    if isinstance(base, Unsaid):
        chapter.state("contracts", base.reason, verdict="unknown")
        return
    _state_kept(chapter, base)
    _state_test(chapter, base, held_out)
    if isinstance(projection, Unsaid):
        chapter.state("contract_lifetime", projection.reason, verdict="unknown")
    else:
        _state_lifetime(chapter, base, projection)


def _state_kept(chapter: Chapter, base: ContractBase) -> None:
    counts = base.curve.iloc[1:]
    came_up, lost = counts["at_risk"].sum(), counts["lost"].sum()
    rate = 1 - lost / came_up
    rows = counts[counts["at_risk"] >= FEWEST_CONTRACTS]
    rising = ""
    if len(rows) > 1:
        first, last = rows.iloc[0], rows.iloc[-1]
        rising = (
            f": {_rate(first['retention'])} at renewal {count(first['renewal'])}, {_rate(last['retention'])} at "
            f"renewal {count(last['renewal'])}"
        )
    aside = _left_out(base.found, base.period) + _unrecorded(base, float(rate))
    if note := what_it_means(chapter, "contract"):
        aside += f" {note}"
    elif base.found.truncated:
        aside += (
            f" {plural(base.found.truncated, 'contract')} began before the ledger and count from the {base.period} in "
            "which they were first seen whole."
        )
    of_year = rate ** (12 / MONTHS[base.period])
    in_a_year = f" ({percent(of_year)} a year)" if base.period != "year" else ""
    # of those whose renewal comes up next, no more than these can renew
    on = base.running.height
    at_most = (on / max(on + base.cancelled, 1)) ** (12 / MONTHS[base.period])
    notice = f"; {_notice(base)}" if base.cancelled else ""
    given = chapter.parameters
    chapter.state(
        "contracts_renewed",
        f"Of {plural(came_up, 'renewal')} that came up, {percent(rate, 1)} were made{in_a_year}{rising}; "
        f"{plural(on, 'contract')} {'is' if on == 1 else 'are'} on{notice}.{aside}",
        value=rate,
        unit="share of renewals",
        verdict="good" if min(of_year, at_most) >= given.reference_retention else "watch",
        question="losing",
    )


def _notice(base: ContractBase) -> str:
    """Say how many contracts have been cancelled in the period under way."""
    came = base.cancelled + base.running.height
    return (
        f"of {plural(came, 'contract')} whose next renewal hasn't come up, {count(base.cancelled)} "
        f"{'has' if base.cancelled == 1 else 'have'} been cancelled already"
    )


def _unrecorded(base: ContractBase, rate: float) -> str:
    """Say, as a sentence that follows another, where so few ends are recorded at first that some seem to be missing."""
    ends = base.terms.filter((pl.col("left") >= base.records_from) & (pl.col("left") >= pl.col("joined")))["left"]
    if ends.is_empty() or rate in (0, 1):
        return ""
    first: dt.date = ends.min()  # type: ignore[assignment]
    before = contracts_until(
        base.terms, first - dt.timedelta(days=1), period=base.period, records_from=base.records_from
    )
    made = int((before.rows["periods"] - before.rows["entered"]).clip(0).sum())
    if rate**made >= BY_CHANCE:
        return ""
    return (
        f" No end is recorded before {day(first)}, though {plural(made, 'renewal')} had come up by then: if customers "
        "who left earlier were struck off the table, contracts end sooner than this says."
    )


def _left_out(found: Contracts, period: str) -> str:
    """Return which contracts can't be counted, as a sentence that follows another; empty where all can."""
    parts = [
        (found.unknown_start, "whose beginning nobody knows"),
        (found.impossible, "that ended before they began"),
        (found.not_begun, "that begin after the last day"),
        (found.before_records, f"that ended before the first whole {period} of records"),
    ]
    left_out = [f"{count(number)} {what}" for number, what in parts if number]
    return f" Left out: {listed(left_out)}." if left_out else ""


def _state_test(chapter: Chapter, base: ContractBase, held_out: HeldOut | Unsaid) -> None:
    if isinstance(held_out, Unsaid):
        chapter.state("contract_projection", held_out.reason, verdict="unknown")
        return
    end = held_out.table.iloc[-1]
    running = held_out.table["actual"].iloc[0]
    off = {name: (end[name] - end["actual"]) / running for name in ("model", "constant", "line")}
    inside = end["low"] <= end["actual"] <= end["high"]
    error = abs(off["model"])
    verdict: Verdict = "good" if error <= MEASURED_WELL or inside else "watch" if error <= MEASURED_BADLY else "act"
    chapter.state(
        "contract_projection",
        f"Foretold on {day(held_out.cut)} for {plural(held_out.periods, base.period)} ahead, {count(end['model'])} "
        f"({between(end['low'], end['high'])}) of {count(running)} contracts would be renewed each time; "
        f"{count(end['actual'])} were. The shifted-beta-geometric was off by {_points(off['model'])} of them, one "
        f"churn rate by {_points(off['constant'])}, a straight line by {_points(off['line'])}.",
        value=off["model"],
        low=(end["low"] - end["actual"]) / running,
        high=(end["high"] - end["actual"]) / running,
        unit="share of contracts",
        verdict=verdict,
    )


def _state_lifetime(chapter: Chapter, base: ContractBase, projection: Projection) -> None:
    rows = projection.remaining
    new = rows.iloc[0]
    held = rows[rows["running"] >= FEWEST_CONTRACTS]
    old = held.iloc[-1] if len(held) else rows.iloc[-1]
    running = rows["running"].to_numpy()
    together = float(running @ np.where(running > 0, rows["lifetime"], 0.0))
    compared = (
        f", one that has been renewed {plural(old['tenure'], 'time')} {_lifetime(old['lifetime'])}"
        if old["tenure"] > 0
        else ""
    )
    sorted_out = (
        "" if projection.caveats else " Those likely to leave go first, so whoever has stayed long stays longer."
    )
    still = "contract that is" if running.sum() == 1 else "contracts that are"
    chapter.state(
        "contract_lifetime",
        f"A contract that begins is expected to be renewed {_lifetime(new['lifetime'])} times, discounted at "
        f"{percent(chapter.parameters.annual_discount_rate)} a year{compared}; the {count(running.sum())} {still} "
        f"on together {_lifetime(together)}.{sorted_out}{''.join(f' {caveat}' for caveat in projection.caveats)}",
        value=float(new["lifetime"]),
        unit="renewals",
    )


def _discount(chapter: Chapter, period: str) -> float:
    return float((1 + chapter.parameters.annual_discount_rate) ** (MONTHS[period] / 12) - 1)


def _spread(last: int) -> list[int]:
    """Return some tenures from 0 to the last, close together at the beginning, where most is decided."""
    return sorted({0, 1, 2, *np.unique(np.geomspace(3, last, MOST_ROWS - 3).round().astype(int))})


def _lifetime(renewals: float) -> str:
    if np.isinf(renewals):
        return "without end"
    return count(renewals) if renewals >= 100 else "0" if renewals < NEXT_TO_NOTHING else number(renewals, 2)


def _rate(share: float) -> str:
    return percent(share, 1)


def _points(off: float) -> str:
    return f"{100 * off:+z.1f}%"
