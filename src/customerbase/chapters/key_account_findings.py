"""What `07_key_accounts` found, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import polars as pl

from models.key_accounts import CRITERIA, LEVELS

from ..chapter import Chapter
from ..figures.key_accounts import WHO
from ..findings import Findings, Question
from ..unsaid import Unsaid
from ..wording import count, money, percent, plural, printable, shortened
from .key_accounts import Standing, recorded_discounts, value_in_words, window

NAMED = 3  # customers or managers in a sentence
LONGEST_KEY = 24
PERIODS_A_YEAR = {"quarter": 4, "year": 1}
DEPENDENCY: Question = "dependency"


def findings(
    chapter: Chapter,
    everybody: Standing,
    table: pl.DataFrame,
    largest: pd.DataFrame | Unsaid,
    periods: pd.DataFrame | Unsaid,
    cases: pl.DataFrame | Unsaid,
    loads: pd.DataFrame | Unsaid,
    silent: pd.DataFrame | Unsaid,
) -> Findings:
    """State what the chapter found."""
    _state_dependency(chapter, largest, cases)
    _state_accounts(chapter, everybody, table)
    _state_silence(chapter, table, silent)
    _state_load(chapter, table, loads)
    _state_trend(chapter, periods)
    _state_volume(chapter, everybody, cases)
    return chapter.findings()


def _state_dependency(chapter: Chapter, largest: pd.DataFrame | Unsaid, cases: pl.DataFrame | Unsaid) -> None:
    if isinstance(largest, Unsaid):
        chapter.state("dependency", largest.reason, verdict="unknown", question=DEPENDENCY)
        return
    first, limits = largest.iloc[0], chapter.parameters.dependency_limits
    level, who = first["dependency"], _key(first["customer"])
    if level == LEVELS[0]:
        statement = (
            f"We depend on no single customer: the largest, {who}, brings {percent(first['share'], 1)} of revenue, "
            f"and a dependency is to be watched from {percent(limits[0])}"
        )
    else:
        words = "to be watched" if level == "watch" else level
        limit = percent(limits[LEVELS.index(level) - 1])
        statement = f"We depend on {who}, who brings {percent(first['share'], 1)} of revenue ({words} from {limit})"
        others = largest[largest["dependency"] != LEVELS[0]].iloc[1:]
        if len(others):
            named = [f"{_key(who)} ({percent(share, 1)})" for who, share in others[["customer", "share"]].to_numpy()]
            statement += f", and on {_listed(named)}"
    if not isinstance(cases, Unsaid):
        # where one customer is no danger, only what several would take is worth a sentence
        told = cases.to_dicts()[-1:] if level == LEVELS[0] else cases.to_dicts()
        statement += "".join(f". Should {WHO[case['leave']]} leave, {_gone(chapter, case)}" for case in told)
    chapter.state(
        "dependency",
        f"{statement}.",
        value=first["share"],
        unit="share of revenue",
        verdict="good" if level == LEVELS[0] else "watch" if level == "watch" else "act",
        question=DEPENDENCY,
    )


def _gone(chapter: Chapter, case: dict[str, float]) -> str:
    currency = chapter.parameters.currency
    gone = f"{money(case['revenue_lost'], currency)} of revenue ({percent(case['revenue_share'], 1)})"
    if case["profit_lost"] is None:
        return f"{gone} would go; profit isn't recorded"
    share = "" if case["profit_share"] is None else f" ({percent(case['profit_share'], 1)})"
    return f"{gone} and {money(case['profit_lost'], currency)} of profit{share} would go"


def _state_accounts(chapter: Chapter, everybody: Standing, table: pl.DataFrame) -> None:
    judged = [name for name in CRITERIA if name not in everybody.unjudged]
    if not judged:
        chapter.state("key_accounts", "No criterion of a key account can be judged on this base.", verdict="unknown")
        return
    unrecorded = [name for name in CRITERIA if everybody.unjudged.get(name) == "not recorded"]
    aside = f"; not recorded here: {_listed(unrecorded, len(CRITERIA))}" if unrecorded else ""
    share = float(table["share"].sum())
    if table.is_empty():
        statement = f"Nobody is a key account by {_listed(judged, len(CRITERIA))}"
    else:
        met = table["criteria"].str.split(", ").explode().to_list()
        by = [f"{count(met.count(name))} by {name}" for name in CRITERIA if name in met]
        brings = f", {percent(share, 1)} of revenue" if "company revenue" in judged else ""
        statement = f"{plural(table.height, 'customer')} {_are(table.height)}{brings}: {_listed(by, len(CRITERIA))}"
    chapter.state("key_accounts", f"{statement}{aside}.", value=table.height, unit="customers")


def _are(number: int) -> str:
    return "is a key account" if number == 1 else "are key accounts"


def _state_silence(chapter: Chapter, table: pl.DataFrame, silent: pd.DataFrame | Unsaid) -> None:
    if isinstance(silent, Unsaid):
        chapter.state("key_accounts_silent", silent.reason, verdict="unknown")
        return
    if table.is_empty():
        return
    if silent.empty:
        reason = "No key account has a purchase that stood, so none has a rhythm to fall silent against."
        chapter.state("key_accounts_silent", reason, verdict="unknown")
        return
    gone = silent[silent["silent"]]
    of_all = plural(table.height, "key account")
    if gone.empty:
        statement = f"None of {of_all} has been silent for longer than the account's own rhythm explains."
        chapter.state("key_accounts_silent", statement, value=0, unit="customers", verdict="good", question=DEPENDENCY)
        return
    named = [f"{_key(who)} ({plural(days, 'day')})" for who, days in gone[["customer", "days_silent"]].to_numpy()]
    statement = (
        f"{count(len(gone))} of {of_all} {'has' if len(gone) == 1 else 'have'} been silent for longer than their own "
        f"rhythm explains: {_listed(named)}"
    )
    at_stake = gone["value_at_stake"].dropna()
    if len(at_stake):
        statement += (
            f", with {money(at_stake.sum(), chapter.parameters.currency)} of {value_in_words(chapter)} at stake over "
            f"the next {count(chapter.parameters.horizon_days)} days"
        )
    called = gone.loc[gone["may_contact"], "customer"]
    refused = len(gone) - len(called)
    if len(called):
        statement += f". To be called today: {_listed([_key(who) for who in called])}"
    if refused:
        statement += f". For want of consent {count(refused)} of them may not be called"
    chapter.state(
        "key_accounts_silent",
        f"{statement}.",
        value=len(gone),
        unit="customers",
        verdict="act",
        question=DEPENDENCY,
    )


def _state_load(chapter: Chapter, table: pl.DataFrame, loads: pd.DataFrame | Unsaid) -> None:
    if isinstance(loads, Unsaid):
        chapter.state("manager_load", loads.reason, verdict="unknown")
        return
    if table.is_empty():
        return
    limit = plural(chapter.parameters.key_accounts_per_manager, "key account")
    over = loads[loads["too_many"] > 0]
    unheld = int(table["manager"].null_count())
    aside = (
        f"; {count(unheld)} of the key accounts {'has' if unheld == 1 else 'have'} no manager recorded"
        if unheld
        else ""
    )
    if over.empty:
        statement = f"No manager holds more than {limit}{aside}."
        chapter.state("manager_load", statement, value=0, unit="managers", verdict="watch" if unheld else "good")
        return
    named = [f"{_key(name)} ({count(held)})" for name, held in over[["manager", "key_accounts"]].to_numpy()]
    to_hand_over, room = over["too_many"].sum(), loads["room"].sum()
    statement = (
        f"{_listed(named)} {'holds' if len(over) == 1 else 'hold'} more than {limit}: {count(to_hand_over)} should go "
        f"to others, who have room for {count(room)}{aside}."
    )
    chapter.state("manager_load", statement, value=len(over), unit="managers", verdict="act", question=DEPENDENCY)


def _state_trend(chapter: Chapter, periods: pd.DataFrame | Unsaid) -> None:
    if isinstance(periods, Unsaid):
        chapter.state("concentration", periods.reason, verdict="unknown")
        return
    known = periods[periods["complete"] & periods["largest_share"].notna()]
    last = known.iloc[-1]
    statement = (
        f"In {last['label']} the largest customer brought {percent(last['largest_share'], 1)} of revenue and the three "
        f"largest {percent(last['three_largest_share'], 1)}; revenue was as concentrated as among "
        f"{plural(1 / last['herfindahl'], 'equal customer')}"
    )
    earlier = known.index[-1] - PERIODS_A_YEAR[periods.attrs["period"]]
    if earlier in known.index:
        then = known.loc[earlier]
        statement += (
            f". A year earlier the largest brought {percent(then['largest_share'], 1)}, as among "
            f"{count(1 / then['herfindahl'])} equals"
        )
    chapter.state("concentration", f"{statement}.", value=last["herfindahl"], unit="Herfindahl index")


def _state_volume(chapter: Chapter, everybody: Standing, cases: pl.DataFrame | Unsaid) -> None:
    if isinstance(cases, Unsaid):
        return
    case, currency = cases.row(-1, named=True), chapter.parameters.currency
    if case["cost_lost"] is None or case["cost_share"] is None:
        reason = "What we buy for our customers isn't recorded, so the volume that leaves with them can't be told."
        chapter.state("supplier_volume", reason, verdict="unknown")
    else:
        chapter.state(
            "supplier_volume",
            f"With {WHO[case['leave']]} would go {percent(case['cost_share'], 1)} of the volume we buy. What discount "
            f"our suppliers give on volume isn't recorded; each point of it lost would cost "
            f"{money(case['cost_left'] / 100, currency)} on the rest, reckoned {window(chapter)}.",
            value=case["cost_share"],
            unit="share of cost",
        )
    if case["discount"] is not None:
        chapter.state(
            "discount_given",
            f"Discounts to {WHO[case['leave']]} come to {money(case['discount'], currency)}, taken off their revenue "
            f"and profit already; volume discount recorded: {recorded_discounts(everybody, case['who'])}.",
            value=case["discount"],
            unit=currency,
        )


def _key(name: object) -> str:
    return shortened(printable(name), LONGEST_KEY)


def _listed(names: Sequence[str], most: int = NAMED) -> str:
    """Return names in words, those beyond the first few as a number."""
    if len(names) > most:
        names = [*names[:most], plural(len(names) - most, "other")]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
