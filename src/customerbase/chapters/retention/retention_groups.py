"""Steps of `05_retention`: who comes back sooner, by what was known at the first purchase."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import polars as pl

from models.multiple_comparisons import holm
from models.survival import LogRank, SurvivalAt, each_against_the_rest, kaplan_meier, log_rank, survival_at

from ...chapter import Chapter
from ...errors import CannotSay
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import NOT_RECORDED, between, count, key, listed, percent, plural
from .first_purchase_groups import COHORT, DISCOUNTED, of_customers_table, of_ledger
from .hazard_ratios_in_words import SIGNIFICANT, chance
from .waits import Waits, watched_days

FEWEST_IN_GROUP = 30
MOST_GROUPS = 6
OTHERS = "all others"
WITHIN_KINDS = (
    "Managers are compared within a kind of customer, since which kinds they serve isn't their doing: one test over "
    "all kinds together, and curves of each kind to look at."
)
NO_KINDS = "Managers serve different customers: that theirs come back later needn't be their doing."
MANAGER, KIND = "manager", "kind"
ASKED = ("category", "channel", DISCOUNTED, MANAGER)
LONGEST_SHOWN = 22


@dataclass(frozen=True)
class Grouping:
    """Customers in groups by one thing known at their first purchase.

    Attributes
    ----------
    name : str
        What it is.
    groups : pandas.DataFrame
        One row a group, the one most of which came back first: group, customers, back (share back within `days`), low,
        high, p_value (against the rest, within strata where there are any; Holm over every group of all groupings),
        differs.
    curves : dict of str to pandas.DataFrame
        Kaplan-Meier curves of the groups; see `models.survival.kaplan_meier`.
    days : int
        The day on which the groups' shares are compared: that on which half of all customers are back, or the last one
        for which every group has been watched.
    watched : dict of str to int
        For how many days each group has been watched, by all but a few of its customers watched longest.
    test : LogRank
        Whether the groups share one curve.
    p_value : float
        That of `test`, corrected by Holm over all groupings.
    recorded : bool
        Whether it comes from the customers' table as it stands today.
    within : tuple of Grouping
        Where groups are tested within strata: those of each stratum, to be looked at, the one of most customers first.
        They bear the p-values of the one test.
    """

    name: str
    groups: pd.DataFrame
    curves: dict[str, pd.DataFrame]
    days: int
    watched: dict[str, int]
    test: LogRank
    p_value: float = np.nan
    recorded: bool = False
    within: tuple[Grouping, ...] = ()

    @property
    def shown(self) -> tuple[Grouping, ...]:
        """What is drawn and listed of it: itself, or the groups within each stratum."""
        return self.within or (self,)

    @property
    def words(self) -> str:
        """Its name as a reader meets it."""
        return key(self.name).replace("_", " ")

    @property
    def differs(self) -> bool:
        """Whether its groups differ by more than chance, however many groupings were looked at."""
        return bool(self.p_value < SIGNIFICANT)


@dataclass(frozen=True)
class Compared:
    """All groupings of a base.

    Attributes
    ----------
    groupings : tuple of Grouping
        The surest difference first.
    not_recorded : tuple of str
        What the ledger doesn't record.
    alike : tuple of str
        What is recorded, but the same of nearly everybody.
    filled_in : tuple of str
        What the customers' table records of those who came back sooner, or later, than others: so it was filled in
        partly after the first purchase.
    """

    groupings: tuple[Grouping, ...]
    not_recorded: tuple[str, ...]
    alike: tuple[str, ...]
    filled_in: tuple[str, ...] = ()

    @property
    def about_managers(self) -> str:
        """What is to be known of the comparison of managers; empty where there is none."""
        managers = [grouping for grouping in self.groupings if grouping.name == MANAGER]
        if not managers:
            return ""
        return WITHIN_KINDS if managers[0].within else NO_KINDS


@says_why_not
def compare(chapter: Chapter, waits: Waits) -> Compared:
    """Compare how soon customers come back after the first purchase, by everything known on its day.

    One wait a customer, so that the customers compared are independent. Log-rank test of each grouping, corrected for
    their number (Holm 1979); within those that differ, each group against the rest, corrected for the number of groups
    in all groupings together. Only true first purchases are looked at, as they stood on their day.
    Managers are compared within a kind of customer, since whom they serve isn't their doing: one log-rank test
    stratified by kind, in which customers of no recorded kind are a stratum too.
    """
    first = waits.from_first_sale
    known = of_ledger(chapter, first) if first.height else pl.DataFrame({"customer": []})
    told = of_customers_table(chapter, known.columns)
    filled_in = _filled_in_with_success(first, told)
    told = told.drop(filled_in)
    made = {name: _grouping(chapter, name, first, known) for name in known.columns[1:]}
    if MANAGER in made and KIND in told.columns:
        made[MANAGER] = _within_kinds(
            chapter, first, known.join(told.select("customer", KIND), on="customer", how="left")
        )
    made |= {name: _grouping(chapter, name, first, told, recorded=True) for name in told.columns[1:]}
    found = [grouping for grouping in made.values() if grouping is not None]
    if not found:
        raise CannotSay(
            f"Who comes back sooner can be compared once two groups of {FEWEST_IN_GROUP} customers each have been "
            f"watched from the first purchase; the ledger shows {plural(first.height, 'true first purchase')}."
        )
    missing = tuple(name for name in ASKED if name not in made)
    alike = tuple(name for name, grouping in made.items() if grouping is None)
    return Compared(_corrected(found), missing, alike, filled_in)


def _within_kinds(chapter: Chapter, waited: pl.DataFrame, known: pl.DataFrame) -> Grouping | None:
    """Return managers tested within kinds of customers, or None where no kind has two of them to set beside another."""
    known = known.with_columns(pl.col(KIND).cast(pl.String).fill_null(NOT_RECORDED))
    whole = _grouping(chapter, MANAGER, waited, known, strata=KIND)
    sizes = waited.join(known, on="customer")[KIND].value_counts().sort("count", KIND, descending=[True, False])
    found = [
        _grouping(chapter, f"{MANAGER} of '{kind}'", waited, known.filter(pl.col(KIND) == kind), column=MANAGER)
        for kind in sizes.filter(pl.col("count") >= 2 * FEWEST_IN_GROUP)[KIND]
    ]
    within = tuple(grouping for grouping in found if grouping is not None)
    return replace(whole, within=within) if whole is not None and within else None


def _filled_in_with_success(waited: pl.DataFrame, told: pl.DataFrame) -> tuple[str, ...]:
    """Return what is recorded of customers who came back sooner, or later, than those of whom it isn't recorded."""
    rows = waited.join(told, on="customer")
    found = []
    for name in told.columns[1:]:
        missing = rows[name].is_null()
        if missing.any() and not missing.all():
            p_value = log_rank(rows["days"], rows["observed"], missing.cast(pl.Int8)).p_value
            found += [name] if p_value < SIGNIFICANT else []
    return tuple(found)


def curves(compared: Compared | Unsaid) -> pd.DataFrame:
    """Return the groups' curves in the columns of the table `retention`."""
    if isinstance(compared, Unsaid):
        return pd.DataFrame(columns=["curve", "days", "survival", "low", "high", "at_risk"])
    drawn = [
        curve.assign(curve=f"{grouping.name}{' ' if grouping.name == COHORT else ': '}{group}")
        for whole in compared.groupings
        for grouping in whole.shown
        for group, curve in grouping.curves.items()
    ]
    return pd.concat(drawn, ignore_index=True)[["curve", "days", "survival", "low", "high", "at_risk"]]


def _grouping(
    chapter: Chapter,
    name: str,
    waited: pl.DataFrame,
    known: pl.DataFrame,
    *,
    recorded: bool = False,
    column: str | None = None,
    strata: str | None = None,
) -> Grouping | None:
    """Return the grouping, or None where nearly everybody is in one group.

    Its groups are in `column`, or in that of its name, and tested within those of the column `strata`.
    """
    stratum = pl.lit("") if strata is None else pl.col(strata)
    placed = known.select("customer", group=column or name, stratum=stratum)
    parts = _parts(waited.join(placed, on="customer"))
    if len(parts) < 2:
        return None
    rows = pl.concat(parts.values())
    # numbered, since a million names take long to tell apart
    numbers = np.repeat(np.arange(len(parts)), [part.height for part in parts.values()])
    test = log_rank(rows["days"], rows["observed"], numbers, strata=rows["stratum"])
    if np.isnan(test.p_value):
        return None
    interval = chapter.parameters.interval
    drawn = {group: kaplan_meier(part["days"], part["observed"], interval=interval) for group, part in parts.items()}
    watched = {group: watched_days(part, chapter.as_of) for group, part in parts.items()}
    days = _compared_on(rows, min(watched.values()))
    shares = [_height(curve, days) for curve in drawn.values()]
    alone = each_against_the_rest(rows["days"], rows["observed"], numbers, strata=rows["stratum"])
    groups = pd.DataFrame(
        {
            "group": list(parts),
            "customers": [part.height for part in parts.values()],
            "back": [1 - share.value for share in shares],
            "low": [1 - share.high for share in shares],
            "high": [1 - share.low for share in shares],
            "p_value": [alone[number].p_value if number in alone else np.nan for number in range(len(parts))],
        }
    )
    groups = groups.sort_values("back", ascending=False, ignore_index=True)
    return Grouping(name, groups, drawn, days, watched, test, recorded=recorded)


def _parts(rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return the waits of the largest groups, and those of all others together, sorted by the groups' names."""
    rows = rows.filter(pl.col("group").is_not_null())
    sizes = rows.group_by("group").len().sort("len", "group", descending=[True, False])
    large = sizes.filter(pl.col("len") >= FEWEST_IN_GROUP)["group"].to_list()
    if sizes.height > MOST_GROUPS or len(large) < sizes.height:
        large = large[: MOST_GROUPS - 1]
        own = pl.col("group").is_in(large)
        rows = rows.with_columns(pl.when(own).then("group").otherwise(pl.lit(OTHERS)).alias("group"))
    found = {str(name): part for (name,), part in rows.group_by("group", maintain_order=True)}
    return {name: found[name] for name in sorted(found) if found[name].height >= FEWEST_IN_GROUP}


def _compared_on(rows: pl.DataFrame, watched: int) -> int:
    """Return the day on which groups are told apart best: when half have come back, or the last day all are watched."""
    curve = kaplan_meier(rows["days"], rows["observed"])
    half = curve.loc[curve["survival"] <= 0.5, "days"]
    return min(int(half.iloc[0]), watched) if len(half) else watched


def _height(curve: pd.DataFrame, days: int) -> SurvivalAt:
    return survival_at(curve, min(days, curve["days"].max()))


def _corrected(found: list[Grouping]) -> tuple[Grouping, ...]:
    """Correct all p-values for how many comparisons there are; the surest difference first."""
    overall = holm([grouping.test.p_value for grouping in found])
    alone = holm(np.concatenate([grouping.groups["p_value"] for grouping in found]))
    ends = np.cumsum([len(grouping.groups) for grouping in found])[:-1]
    corrected = []
    for grouping, p_value, single in zip(found, overall, np.split(alone, ends), strict=True):
        # a group can't stand out where the grouping as a whole may be chance
        p_values = np.maximum(single, p_value)
        groups = grouping.groups.assign(p_value=p_values, differs=p_values < SIGNIFICANT)
        within = tuple(replace(part, p_value=float(p_value)) for part in grouping.within)
        corrected.append(replace(grouping, groups=groups, p_value=float(p_value), within=within))
    return tuple(sorted(corrected, key=lambda grouping: grouping.p_value))


def group_table(compared: Compared | Unsaid) -> ShownTable | None:
    """Show every grouping: how many customers come back in its groups, and which of these differ from the rest.

    Nothing is shown where the figure has said why not, or that none differ.
    """
    if isinstance(compared, Unsaid) or not any(grouping.differs for grouping in compared.groupings):
        return None
    rows = []
    for whole in compared.groupings:
        for grouping in whole.shown:
            rows.append(
                {
                    "known": grouping.words + ("*" if grouping.recorded else ""),
                    "days": grouping.days,
                    "most": _share(grouping.groups.iloc[0]),
                    "least": _share(grouping.groups.iloc[-1]),
                    "p_value": whole.p_value,
                    "differs": _standing_out(whole),
                }
            )
    columns: Columns = {
        "known": ("known at the first purchase", str),
        "most": ("most come back", str),
        "least": ("fewest come back", str),
        "days": ("within (days)", count),
        "p_value": ("p, corrected", chance),
        "differs": ("groups that differ from the rest", str),
    }
    caption = "Who comes back within the days watched, by what was known at the first purchase"
    if any(grouping.recorded for grouping in compared.groupings):
        caption += " (*: as the customers' table has it today)"
    return show_table(pd.DataFrame(rows), caption, columns)


def left_out(compared: Compared | Unsaid) -> Unsaid | None:
    """Say what could not be compared, unless the figure has."""
    if isinstance(compared, Unsaid):
        return None
    said = []
    if sum(grouping.differs for grouping in compared.groupings) > 1:
        said.append("Groupings overlap, and each is looked at alone, so that two may show the same difference.")
    if compared.about_managers:
        said.append(compared.about_managers)
    if compared.not_recorded:
        said.append(f"Not recorded in this base: {listed(compared.not_recorded)}.")
    if compared.alike:
        said.append(f"Too few customers differ, or too few are recorded, to compare: {_named(compared.alike)}.")
    if compared.filled_in:
        said.append(
            "Left out, recorded of customers who come back sooner or later than those of whom it isn't, so partly "
            f"filled in afterwards: {_named(compared.filled_in)}."
        )
    if any(grouping.recorded for grouping in compared.groupings):
        said.append("Customers of whom something isn't recorded are left out of that comparison.")
    return Unsaid(" ".join(said)) if said else None


def _named(columns: tuple[str, ...]) -> str:
    return listed([key(name).replace("_", " ") for name in columns])


def _share(group: pd.Series) -> str:
    return f"{key(group['group'], LONGEST_SHOWN)}: {percent(group['back'])}"


def _standing_out(grouping: Grouping) -> str:
    if not grouping.differs:
        return "none"
    alone = grouping.groups[grouping.groups["differs"]]
    if len(alone) == len(grouping.groups):
        return f"all {len(alone)}"
    return f"{len(alone)} of {len(grouping.groups)}"


def none_differ(compared: Compared) -> str:
    """Say that no grouping differs, and which ones were looked at."""
    names = listed([grouping.words for grouping in compared.groupings])
    return (
        f"By nothing known at the first purchase ({names}) do customers differ beyond chance in how soon they return."
    )


def state_findings(chapter: Chapter, compared: Compared | Unsaid) -> None:
    """State which groups come back more often."""
    if isinstance(compared, Unsaid):
        chapter.state("groups_differ", compared.reason, verdict="unknown")
        return
    differing = [grouping for grouping in compared.groupings if grouping.differs]
    if not differing:
        chapter.state(
            "groups_differ",
            none_differ(compared),
            value=0,
            unit="groupings",
        )
        return
    surest = differing[0]
    looked_at = surest.shown[0]
    most, least = looked_at.groups.iloc[0], looked_at.groups.iloc[-1]
    chapter.state(
        "groups_differ",
        f"Of {plural(len(compared.groupings), 'thing')} known at the first purchase "
        f"{plural(len(differing), 'tells', 'tell')} who comes back sooner, beyond chance: "
        f"{listed([grouping.words for grouping in differing])}. By {looked_at.words}, within "
        f"{count(looked_at.days)} days {percent(most['back'])} ({between(100 * most['low'], 100 * most['high'])}%) of "
        f"'{key(most['group'])}' come back, {percent(least['back'])} "
        f"({between(100 * least['low'], 100 * least['high'])}%) of '{key(least['group'])}'.",
        value=most["back"] - least["back"],
        unit="share of customers",
    )
