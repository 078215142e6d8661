"""The part of `05_retention` that asks who has left, in three ways, and which of them is right."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from models import BGNBD
from models.defection import (
    METHODS,
    WaitCurves,
    bought_after,
    defection,
    probability_scores,
    reliability,
    wait_curves,
)
from models.rfm import DAYS_PER_UNIT, rfm_summary

from ...chapter import Chapter
from ...errors import CannotSay
from ...findings import Verdict
from ...particulars import LEFT
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import DASH, count, day, if_known, listed, money, percent, plural
from ..left_cut import what_it_means
from ..purchase_model import fit_purchases
from ..purchases_known import purchases_as_known
from .hazard_ratios_in_words import SIGNIFICANT

NAMES = {"model": "the model", "curve": "the curve of waits", "rule": "the rule"}
ANSWERS = ("model_stays", "curve_stays", "rule_stays")
FEWEST_CUSTOMERS = 30
BINS = 10
WORTH_ACTING = 0.01  # of the customers, or of what all have spent
POINTS = 60  # of a line in a figure
KINDS = {  # by the answers of model, curve and rule
    (True, True, True): "all say customer",
    (True, True, False): "within their usual wait",
    (True, False, True): "here lately, late for their kind",
    (True, False, False): "bought seldom, long ago",
    (False, True, True): "frequent buyers gone quiet",
    (False, True, False): "frequent buyers, quiet for long",
    (False, False, True): "gone quiet, within the days",
    (False, False, False): "all say gone",
}


@dataclass(frozen=True)
class Asked:
    """The three answers on one day.

    Attributes
    ----------
    on : date
        All that is known of ends with it.
    ahead : int
        Days ahead for which the probabilities of a purchase are.
    customers : pandas.DataFrame
        See `models.defection.defection`; and model_stays, curve_stays, rule_stays: whether each calls the customer one.
    model : BGNBD
        Fitted up to that day.
    curves : WaitCurves
        Estimated up to that day.
    """

    on: dt.date
    ahead: int
    customers: pd.DataFrame
    model: BGNBD
    curves: WaitCurves


@dataclass(frozen=True)
class Judged:
    """How the three answers of an earlier day held.

    Attributes
    ----------
    asked : Asked
    bought : pandas.Series of bool
        Whether each customer bought in the days ahead.
    reliability : dict of str to pandas.DataFrame
        For each method; see `models.defection.reliability`.
    scores : pandas.DataFrame
        See `models.defection.probability_scores`.
    """

    asked: Asked
    bought: pd.Series
    reliability: dict[str, pd.DataFrame]
    scores: pd.DataFrame


@says_why_not
def ask(chapter: Chapter) -> Asked:
    """Ask the three who has left by the last day; the days ahead are as many as are kept back for the test."""
    return _ask(chapter, chapter.as_of, (chapter.as_of - chapter.calibration_end).days)


@says_why_not
def judge(chapter: Chapter) -> Judged:
    """Ask the three on the last day before the days kept back, and see who bought in those.

    What was returned only afterwards was a purchase on that day.
    """
    cut = chapter.calibration_end
    asked = _ask(chapter, cut, (chapter.as_of - cut).days)
    customers = asked.customers
    if len(customers) < FEWEST_CUSTOMERS:
        raise CannotSay(
            f"By {day(cut)} {plural(len(customers), 'customer')} had bought; who is right about whom can be said from "
            f"{FEWEST_CUSTOMERS} up."
        )
    bought = bought_after(chapter.purchases, cut, chapter.as_of, customers["customer"].tolist())
    interval = chapter.parameters.interval
    bins = {name: reliability(customers[name], bought, bins=BINS, interval=interval) for name in METHODS}
    scores = probability_scores(customers[list(METHODS)], bought, interval=interval)
    return Judged(asked, pd.Series(bought, index=customers.index), bins, scores)


def _ask(chapter: Chapter, on: dt.date, ahead: int) -> Asked:
    given = chapter.parameters
    known = purchases_as_known(chapter, on)
    summary = rfm_summary(known, on, time_unit=given.time_unit).to_pandas()
    model = fit_purchases(summary["frequency"], summary["recency"], summary["T"])
    curves = wait_curves(known, on)
    terms: dict[str, Any] = {"active_days": given.active_days, "time_unit": given.time_unit}
    try:
        customers = defection(known, on, ahead, model, curves, **terms)
    except ValueError as reason:
        raise CannotSay(f"The ledger is too short to learn from what the rule of days is worth: {reason}") from None
    answers = {
        "model_stays": customers["p_alive"] >= given.alive_limit,
        "curve_stays": customers["comes_back"] >= given.alive_limit,
        "rule_stays": customers["active"],
    }
    return Asked(on, ahead, customers.assign(**answers), model, curves)


def agreement(asked: Asked, judged: Judged | None) -> pd.DataFrame:
    """Return where the three agree and where they don't.

    Returns
    -------
    pandas.DataFrame
        A row for each combination of answers that occurs: model_stays, curve_stays, rule_stays; customers, share (of
        them), spent (so far), purchases and silence (medians, NaN without customers); then (customers who looked so on
        the earlier day) and bought (the share of those who bought in the days kept back), NaN where nobody looked so.
    """
    keys = list(ANSWERS)
    grouped = asked.customers.groupby(keys)
    now = grouped.agg(
        customers=("customer", "size"),
        spent=("spent", "sum"),
        purchases=("purchases", "median"),
        silence=("silence", "median"),
    )
    now["share"] = now["customers"] / now["customers"].sum()
    if judged is None:
        return now.assign(then=0, bought=np.nan).reset_index().sort_values(keys, ascending=False, ignore_index=True)
    earlier = judged.asked.customers.assign(bought=judged.bought).groupby(keys)["bought"]
    then = earlier.agg(then="size", bought="mean")
    table = now.join(then, how="outer").reset_index().sort_values(keys, ascending=False, ignore_index=True)
    table = table.fillna({"customers": 0, "spent": 0.0, "share": 0.0, "then": 0})
    return table.astype({"customers": int, "then": int})


def given_up_too_soon(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `agreement` whose customers the rule calls gone, and neither the model nor the curve does."""
    return table[~table["rule_stays"] & table["curve_stays"] & table["model_stays"]]


def agreement_now(asked: Asked | Unsaid, judged: Judged | Unsaid) -> pd.DataFrame | Unsaid:
    """Return `agreement`, without what came of earlier answers where that can't be told."""
    return asked if isinstance(asked, Unsaid) else agreement(asked, None if isinstance(judged, Unsaid) else judged)


def agreement_table(chapter: Chapter, asked: Asked | Unsaid, table: pd.DataFrame | Unsaid) -> ShownTable | None:
    """Show where the three agree and where they don't, in customers and in value.

    Nothing is shown where the figure has said why not.
    """
    if isinstance(asked, Unsaid) or isinstance(table, Unsaid):
        return None
    given = chapter.parameters
    shown = table.assign(kind=[_kind(row) for row in table.itertuples()])
    shown["by"] = [_by_whom(row) for row in table[list(ANSWERS)].itertuples(index=False)]
    columns: Columns = {
        "kind": ("who they are", str),
        "by": (f"customers by (rule: {plural(given.active_days, 'day')})", str),
        "customers": ("customers", count),
        "then": (f"looked so {plural(asked.ahead, 'day')} earlier", count),
        "bought": ("and have bought since", if_known(percent, DASH)),
        "spent": (f"spent so far ({given.currency})", count),
        "purchases": ("purchases, median", if_known(count, DASH)),
    }
    return show_table(shown, f"Who has left by {day(asked.on)}, in three ways", columns)


def _by_whom(answers: Any) -> str:
    """Return who of the three calls such customers ones."""
    said = [name for name, stays in zip(METHODS, answers, strict=True) if stays]
    return "all three" if len(said) == len(METHODS) else listed(said) or "none"


def _kind(row: Any) -> str:
    answers = (bool(row.model_stays), bool(row.curve_stays), bool(row.rule_stays))
    if answers == (True, False, False) and row.purchases > 1:
        return "rare buyers, quiet for long"
    return KINDS[answers]


def score_table(judged: Judged | Unsaid) -> ShownTable | None:
    """Show how well each foretold who would buy in the days kept back.

    Nothing is shown where the figure has said why not.
    """
    if isinstance(judged, Unsaid):
        return None
    frame = judged.scores.assign(name=judged.scores["method"].map(NAMES))
    share = judged.bought.mean()
    columns: Columns = {
        "name": ("foretold by", str),
        "predicted": ("foretold to buy", percent),
        "happened": ("bought", percent),
        "brier": ("Brier score", _score),
    }
    caption = (
        f"Who buys in {plural(judged.asked.ahead, 'day')}. The smaller the Brier score, the better: it is the mean "
        f"squared error, at best {_score(share * (1 - share))} with one probability for all"
    )
    return show_table(frame, caption, columns)


def state_findings(
    chapter: Chapter, asked: Asked | Unsaid, judged: Judged | Unsaid, table: pd.DataFrame | Unsaid
) -> None:
    """State where the three disagree and what it is worth, and which was right."""
    if isinstance(asked, Unsaid) or isinstance(table, Unsaid):
        unsaid = asked if isinstance(asked, Unsaid) else table
        chapter.state("defection", f"Who has left can't be told: {unsaid.reason}", verdict="unknown")
        return
    _state_agreement(chapter, asked, table, None if isinstance(judged, Unsaid) else judged)
    if note := what_it_means(chapter, "purchase_model"):
        chapter.state("defection_left_cut", note, verdict="watch")
    if isinstance(judged, Unsaid):
        chapter.state("defection_best", judged.reason, verdict="unknown")
    else:
        _state_best(chapter, judged)


def _state_agreement(chapter: Chapter, asked: Asked, table: pd.DataFrame, judged: Judged | None) -> None:
    given = chapter.parameters
    same = (table["model_stays"] == table["curve_stays"]) & (table["curve_stays"] == table["rule_stays"])
    agreed = table.loc[same, "customers"].sum() / table["customers"].sum()
    late = table[table["rule_stays"] & ~table["curve_stays"]]
    slow = given_up_too_soon(table)
    limit, days = percent(given.alive_limit), plural(given.active_days, "day")
    parts = []
    if len(slow):
        parts.append(
            f"The rule gives up {plural(slow['customers'].sum(), 'customer')} ({_spent(chapter, slow)}), though the "
            f"model counts them as customers and after such a silence {limit} of their kind or more come back"
        )
    customers = asked.customers
    once = customers[(customers["purchases"] == 1) & customers["model_stays"] & ~customers["rule_stays"]]
    if len(once):
        parts.append(
            f"Of {plural(len(once), 'customer')} of one purchase longer ago ({_spent(chapter, once)}) the model can't "
            "tell, since it lets nobody leave before a second"
        )
    told = "".join(f" {part}." for part in parts)
    chapter.state(
        "defection",
        f"On whether they have left the model, the curve of waits and the rule of {days} agree for {percent(agreed)} "
        f"of customers{_how_it_ended(table, judged)}.{told}{_by_the_records(chapter, customers)}",
        value=float(agreed),
        unit="share of customers",
    )
    if len(late):
        customers_late = int(late["customers"].sum())
        everybody = asked.customers
        lost = max(customers_late / len(everybody), late["spent"].sum() / max(everybody["spent"].sum(), 1e-9))
        chapter.state(
            "silent_too_long",
            f"{plural(customers_late, 'customer')} ({_spent(chapter, late)}) bought within {days}, and have been "
            f"silent too long all the same: of their kind fewer than {limit} come back after such a silence.",
            value=customers_late,
            unit="customers",
            verdict="act" if lost >= WORTH_ACTING else "watch",
            question="losing",
        )


def _how_it_ended(table: pd.DataFrame, judged: Judged | None) -> str:
    """Return how many of those whom all three called gone on the earlier day have bought since; empty where nobody."""
    if judged is None:
        return ""
    gone = table[(table["then"] > 0) & ~table[list(ANSWERS)].any(axis=1)]
    if gone.empty:
        return ""
    (row,) = gone.to_dict("records")
    return (
        f"; of the {plural(row['then'], 'customer')} whom all three called gone on {day(judged.asked.on)} "
        f"{percent(row['bought'])} have bought since all the same"
    )


def _by_the_records(chapter: Chapter, customers: pd.DataFrame) -> str:
    """Return what the three say of those who have left by the customers' table; empty where it doesn't tell."""
    people = chapter.particulars
    if people is None or LEFT not in people.columns:
        return ""
    left = people.filter(pl.col(LEFT) <= chapter.as_of)["customer"]
    known = customers[customers["customer"].isin(left.to_list())]
    if known.empty:
        return ""
    called = [f"{NAMES[name]} calls {percent(1 - known[f'{name}_stays'].mean())} gone" for name in METHODS]
    return f" The customers' table says that {count(len(known))} have left: of them {listed(called)}."


def _state_best(chapter: Chapter, judged: Judged) -> None:
    scores = judged.scores
    best = scores.iloc[0]
    others = scores.iloc[1:]
    worse_for_sure = others["p_value"] < SIGNIFICANT
    beaten = others[worse_for_sure]
    as_good = [NAMES[method] for method in others.loc[~worse_for_sure, "method"]]
    words = (
        f"{NAMES[best['method']]} foretold best who would buy: {percent(best['predicted'])} of customers, and "
        f"{percent(best['happened'])} did"
    )
    if as_good:
        words += f"; {listed(as_good)} did as well, as far as can be told"
    if len(beaten):
        words += f"; {listed([NAMES[method] for method in beaten['method']])} did worse beyond chance"
    rule = judged.asked.customers["active"]
    called = [
        f"of {plural(rows.sum(), 'customer')} whom the rule called {name} {percent(judged.bought[rows].mean())} bought"
        for name, rows in (("active", rule), ("gone", ~rule))
        if rows.any()
    ]
    off = best["predicted"] - best["happened"]
    verdict: Verdict = "good" if abs(off) <= 0.05 else "watch"
    chapter.state(
        "defection_best",
        f"Asked on {day(judged.asked.on)} about the next {plural(judged.asked.ahead, 'day')}, {words}; "
        f"{listed(called)}.",
        value=float(best["brier"]),
        unit="Brier score",
        verdict=verdict,
    )


@says_why_not
def gone_lines(chapter: Chapter, asked: Asked) -> dict[str, pd.DataFrame]:
    """Return from which silence on each of the three calls a customer gone, by number of purchases.

    Returns
    -------
    dict of str to pandas.DataFrame
        For model, curve and rule: purchases; silence (days; NaN where it never does); seen, whether waits as long were
        watched. The model's line is that of a customer of the median age.
    """
    given, customers = chapter.parameters, asked.customers
    unit = DAYS_PER_UNIT[given.time_unit]
    numbers = np.unique(np.geomspace(1, int(customers["purchases"].max()), POINTS).round().astype(int))
    age = float(np.median(asked.model.data["T"])) * unit
    silence = np.linspace(0, float(customers["silence"].max()), 4 * POINTS)
    bought, silent = np.meshgrid(numbers, silence, indexing="ij")
    recency = np.where(bought > 1, np.maximum(age - silent, 1.0), 0.0)
    alive = asked.model.conditional_probability_alive(bought - 1, recency / unit, np.maximum(age, silent) / unit)
    back = asked.curves.apply("comes_back", bought.ravel(), silent.ravel(), asked.ahead).reshape(bought.shape)
    by_model, by_curve = (_first_below(np.asarray(share), silence, given.alive_limit) for share in (alive, back))
    watched = asked.curves.watched_days(numbers)
    return {
        "model": pd.DataFrame({"purchases": numbers, "silence": by_model, "seen": True}),
        "curve": pd.DataFrame({"purchases": numbers, "silence": by_curve, "seen": by_curve <= watched}),
        "rule": pd.DataFrame({"purchases": numbers, "silence": float(given.active_days), "seen": True}),
    }


def _first_below(share: np.ndarray, silence: np.ndarray, limit: float) -> np.ndarray:
    below = share < limit
    return np.where(below.any(axis=1), silence[below.argmax(axis=1)], np.nan)


def _spent(chapter: Chapter, rows: pd.DataFrame) -> str:
    return f"{money(rows['spent'].sum(), chapter.parameters.currency)} spent so far"


def _score(value: float) -> str:
    return f"{value:.3f}"
