"""What `07_key_accounts` found, in sentences."""

from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl

from models.key_accounts import CRITERIA, DAYS_A_YEAR, LEVELS

from ...chapter import Chapter
from ...figures.key_accounts.key_account_leaving import WHO, latest_cases
from ...findings import Findings, Question, Verdict
from ...unsaid import Unsaid
from ...wording import count, day, key, listed, money, percent, plural, profit_or_loss, tenths
from ..profit import since, total
from .key_account_leaving import recorded_discounts
from .key_account_standing import Standing
from .key_account_words import value_in_words

NAMED = 3  # customers or managers in a sentence
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
    _state_dependency(chapter, everybody, largest, cases)
    _state_accounts(chapter, everybody, table)
    _state_silence(chapter, table, silent)
    _state_load(chapter, table, loads)
    _state_trend(chapter, periods)
    _state_volume(chapter, everybody, cases)
    return chapter.findings()


def _state_dependency(
    chapter: Chapter, everybody: Standing, largest: pd.DataFrame | Unsaid, cases: pl.DataFrame | Unsaid
) -> None:
    if isinstance(largest, Unsaid):
        chapter.state("dependency", largest.reason, verdict="unknown", question=DEPENDENCY)
        return
    latest = everybody.customers if everybody.last_year is None else everybody.last_year
    latest = latest.sort("share", "customer", descending=[True, False])
    if latest["share"].null_count():
        whole = largest.iloc[0]
        chapter.state(
            "dependency",
            f"Revenue isn't above zero {_last_year(chapter)}, so on whom we depend now can't be told; {since(chapter)} "
            f"{key(whole['customer'])} brought most, {tenths(whole['share'])} of revenue.",
            verdict="unknown",
            question=DEPENDENCY,
        )
        return
    level, share = latest.select("dependency", "share").row(0)
    verdict: Verdict = "good" if level == LEVELS[0] else "watch" if level == "watch" else "act"
    if level == LEVELS[0] and _share_since(everybody, latest) >= chapter.parameters.dependency_limits[0]:
        verdict = "watch"
    statement = f"{_on_whom(chapter, everybody, latest)}{_once(chapter, largest, latest)}"
    if not isinstance(cases, Unsaid):
        told = latest_cases(cases).to_dicts()
        # where one customer is no danger, only what several would take is worth a sentence
        told = told[-1:] if level == LEVELS[0] else told
        statement += "".join(f". Should {WHO[case['leave']]} leave, {_gone(chapter, case)}" for case in told)
    chapter.state(
        "dependency",
        f"{statement}.",
        value=share,
        unit="share of revenue",
        verdict=verdict,
        question=DEPENDENCY,
    )


def _last_year(chapter: Chapter) -> str:
    return f"in the {DAYS_A_YEAR} days up to {day(chapter.as_of)}"


def _on_whom(chapter: Chapter, everybody: Standing, latest: pl.DataFrame) -> str:
    """Say on whom the company depends by the latest days, what they brought over the days that count beside it."""
    limits = chapter.parameters.dependency_limits
    days = everybody.days if everybody.last_year is None else _last_year(chapter)
    first = latest.row(0, named=True)
    beside = ""
    if everybody.last_year is not None:
        beside = f"{tenths(_share_since(everybody, latest))} {since(chapter)}"
    who, share = key(first["customer"]), tenths(first["share"])
    if first["dependency"] == LEVELS[0] and _share_since(everybody, latest) >= limits[0]:
        return (
            f"{days[0].upper()}{days[1:]} the largest customer, {who}, brings {share} of revenue, but brought "
            f"{beside}: below the {percent(limits[0])} from which we call it a dependency, and one to keep an eye on"
        )
    if first["dependency"] == LEVELS[0]:
        return (
            f"We depend on no single customer: {days} the largest, {who}, brings {share} of revenue"
            f"{f' ({beside})' if beside else ''}, and a dependency is to be watched from {percent(limits[0])}"
        )
    level = first["dependency"]
    words = f"{'to be watched' if level == 'watch' else level} from {percent(limits[LEVELS.index(level) - 1])}"
    statement = f"We depend on {who}, who brings {share} of revenue {days} ({words}{f'; {beside}' if beside else ''})"
    others = latest.filter(pl.col("dependency") != LEVELS[0]).tail(-1)
    named = [f"{key(other)} ({tenths(part)})" for other, part in others.select("customer", "share").rows()]
    return f"{statement}, and on {listed(named, NAMED)}" if named else statement


def _share_since(everybody: Standing, latest: pl.DataFrame) -> float:
    """Return what the largest customer of the latest days brought over the days that count, as a share of revenue."""
    is_largest = pl.col("customer") == latest["customer"][0]
    return float(everybody.customers.row(by_predicate=is_largest, named=True)["share"] or 0.0)


def _once(chapter: Chapter, largest: pd.DataFrame, latest: pl.DataFrame) -> str:
    """Say who brought most over the days that count, where that is no longer who brings most."""
    was = largest.iloc[0]
    if was["customer"] == latest["customer"][0]:
        return ""
    part = was["share_last_year"]
    now = f"{tenths(part) if part > 0 else 'nothing'} in the last {DAYS_A_YEAR} days"
    days = f"{since(chapter)[0].upper()}{since(chapter)[1:]}"
    no_longer = ", and is no dependency" if was["dependency_last_year"] == LEVELS[0] else ""
    return f". {days} {key(was['customer'])} brought {tenths(was['share'])}, but {now}{no_longer}"


def _gone(chapter: Chapter, case: dict[str, float]) -> str:
    currency = chapter.parameters.currency
    gone = f"{money(case['revenue_lost'], currency)} of revenue ({percent(case['revenue_share'], 1)})"
    if case["profit_lost"] is None:
        return f"{gone} would go; profit isn't recorded"
    share = "" if case["profit_share"] is None else f" ({percent(case['profit_share'], 1)})"
    return f"{gone} and {profit_or_loss(case['profit_lost'], currency)}{share} would go"


def _state_accounts(chapter: Chapter, everybody: Standing, table: pl.DataFrame) -> None:
    judged = [name for name in CRITERIA if name not in everybody.unjudged]
    if not judged:
        chapter.state("key_accounts", "No criterion of a key account can be judged on this base.", verdict="unknown")
        return
    unrecorded = [name for name in CRITERIA if everybody.unjudged.get(name) == "not recorded"]
    aside = f"; not recorded here: {listed(unrecorded)}" if unrecorded else ""
    share = total(table["share"].fill_null(0.0))
    if table.is_empty():
        statement = f"Nobody is a key account by {listed(judged)}"
    else:
        met = table["criteria"].str.split(", ").explode().to_list()
        by = [_meets(met.count(name), name) for name in CRITERIA if name in met]
        brings = f", {percent(share, 1)} of revenue" if "company revenue" in judged else ""
        statement = f"{plural(table.height, 'customer')} {_are(table.height)}{brings}: {listed(by)}"
    chapter.state("key_accounts", f"{statement}{aside}.", value=table.height, unit="customers")


def _meets(number: int, criterion: str) -> str:
    if criterion == "innovator":
        return f"{count(number)} as {'an innovator' if number == 1 else 'innovators'}"
    return f"{count(number)} {'as' if criterion == 'demanding' else 'by'} {criterion}"


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
    named = [
        f"{key(who)} ({plural(days, 'day')}, {_likely(alive)} likely still a customer)"
        for who, days, alive in gone[["customer", "days_silent", "p_alive"]].to_numpy()
    ]
    statement = (
        f"{count(len(gone))} of {of_all} {'has' if len(gone) == 1 else 'have'} been silent for longer than their own "
        f"rhythm explains: {listed(named, NAMED)}"
    )
    worth = gone["value_if_alive"].dropna()
    if len(worth):
        statement += (
            f". If still {'a customer, it' if len(worth) == 1 else 'customers, they'} would be worth "
            f"{money(total(pl.Series(worth)), chapter.parameters.currency)} of {value_in_words(chapter)} over the next "
            f"{plural(chapter.parameters.horizon_days, 'day')}"
        )
    called = gone[gone["may_contact"]]
    if len(called):
        lost = (called["p_alive"] < chapter.parameters.alive_limit).all()
        call = "Worth a last call, though probably lost" if lost else "To be called today"
        statement += f". {call}: {listed([key(who) for who in called['customer']], NAMED)}"
    statement += _not_called(gone[~gone["may_contact"]])
    chapter.state(
        "key_accounts_silent",
        f"{statement}.",
        value=len(gone),
        unit="customers",
        verdict="act",
        question=DEPENDENCY,
    )


def _likely(probability: float) -> str:
    return "under 1%" if probability < 0.005 else percent(probability)


def _not_called(barred: pd.DataFrame) -> str:
    """Say who may not be called, and what would change it."""
    unrecorded = int((barred["consent"] == "not recorded").sum())
    refused = len(barred) - unrecorded
    said = f". For want of consent {count(refused)} of them may not be called" if refused else ""
    if unrecorded:
        said += (
            f". Whether {count(unrecorded)} of them may be called isn't recorded: name the customers' table's column "
            "under customers.columns.consent, or set consent_required: false where no consent is needed"
        )
    return said


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
    named = [f"{key(name)} ({count(held)})" for name, held in over[["manager", "key_accounts"]].to_numpy()]
    to_hand_over, room = over["too_many"].sum(), loads["room"].sum()
    statement = (
        f"{listed(named, NAMED)} {'holds' if len(over) == 1 else 'hold'} more than {limit}: {count(to_hand_over)} "
        f"should go to others, who have room for {count(room)}{aside}."
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
    case, currency = latest_cases(cases).row(-1, named=True), chapter.parameters.currency
    who, days = WHO[case["leave"]], _last_year(chapter) if case["of_last_year"] else everybody.days
    if case["cost_lost"] is None or case["cost_share"] is None:
        reason = "What we buy for our customers isn't recorded, so the volume that leaves with them can't be told."
        chapter.state("supplier_volume", reason, verdict="unknown")
    else:
        chapter.state(
            "supplier_volume",
            f"With {who} would go {tenths(case['cost_share'])} of the volume we bought {days}"
            f"{_discount_lost(everybody, case, currency)}.",
            value=case["cost_share"],
            unit="share of cost",
        )
    if case["discount"] is not None:
        chapter.state(
            "discount_given",
            f"Discounts to {who} came to {money(case['discount'], currency)} {days}, taken off their revenue and "
            "profit already.",
            value=case["discount"],
            unit=currency,
        )


def _discount_lost(everybody: Standing, case: dict[str, Any], currency: str) -> str:
    """Say what the recorded volume discounts come to on what is bought for those who leave, if they are suppliers'."""
    if case["volume_discount"] is None:
        return "; no volume discount is recorded of them, so what of it would be lost can't be told"
    recorded = recorded_discounts(everybody, case["who"])
    return (
        f". If the volume discount recorded of them ({recorded}) is what their volume "
        f"earns us from suppliers, {money(case['volume_discount'], currency)} of it would be lost; if it is what we "
        "give them, none"
    )
