"""The steps of `08_playbook`: one action for every customer, why, what it is worth, and the lists to work through."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import polars as pl
import yaml

from models.control_group import draw_control_group
from models.playbook import ACTIONS, Rule, decide, read_rules
from models.playbook_columns import COLUMNS
from models.playbook_default import DEFAULT_RULES
from models.playbook_stakes import value_at_stake

from ...call_lists import BY_MANAGER, MANAGER_ROWS, REACHED_BY, write_call_lists
from ...chapter import Chapter
from ...errors import CannotSay, Refusal
from ...lists import WORKBOOK_ROWS
from ...reasons import in_words
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import between, count, if_known, percent, plural, printable, shortened
from ..customer_facts import facts
from ..first_line import first_line
from ..profit import profit_known

PRESSING = ("protect", "develop", "win back", "change terms")
SHOWN_FIRST = 15
RULES_FILE = "playbook.yml"
YES, NO, NOT_RECORDED = "yes", "no", "not recorded"
NO_MANAGER = "no manager"
MANAGERS_SHOWN = 10
OTHER_MANAGERS = "the others"
FRIDAY = 5


def rules(chapter: Chapter) -> tuple[Rule, ...]:
    """Return the rules of this base: those of the parameter file, or else the default ones.

    Raises
    ------
    Refusal
        With a line for each rule that can't be used.
    """
    try:
        return read_rules(_as_written(chapter))
    except ValueError as reason:
        lines = (line if line.endswith("?") else f"{line}." for line in str(reason).splitlines())
        raise Refusal(*(f"playbook: {line}" for line in lines)) from None


def played(chapter: Chapter, book: Sequence[Rule]) -> pl.DataFrame:
    """Decide what to do with each customer, and who is on a list.

    Returns
    -------
    polars.DataFrame
        The table `customers` of all the suite's: one row for every customer of the ledger, sorted; what
        `customer_facts.facts` knows, rule (the number of the rule that decided), action, action_reason, offer,
        value_at_stake with value_at_stake_low and _high, next_contact (a day, null where no next purchase can be
        expected, and where one is overdue with somebody to keep at low cost), due_since (the day on which a purchase
        was due that hasn't come), may_contact (yes, no, not recorded), on_list and control_group.
    """
    given = chapter.parameters
    known = facts(chapter)
    known = known.with_columns(decide(known, book))
    # after one purchase the model can't tell who has left
    told = known.with_columns(pl.when(pl.col("purchases") > 1).then("p_alive").alias("p_alive"))
    frame = pl.concat([known, in_words(told, book, given.currency)], how="horizontal")
    frame = frame.with_columns(
        *value_at_stake(frame, given.horizon_days, _days_looked_at(chapter), chapter.as_of),
        *next_dates(chapter.as_of),
    )
    return frame.with_columns(_on_lists(chapter, frame))


def next_dates(as_of: dt.date) -> list[pl.Expr]:
    """Return the day of the next contact, and since when a purchase is overdue, from the columns due and action.

    The next contact is on the day on which the next purchase is due, and from the day after as_of on; what falls on a
    Saturday or Sunday moves to the Monday after. Holidays aren't known.
    """
    due = pl.col("due")
    passed = due <= as_of
    day = pl.when(passed).then(pl.lit(as_of + dt.timedelta(days=1))).otherwise(due)
    to_monday = pl.duration(days=(8 - day.dt.weekday()) * (day.dt.weekday() > FRIDAY))
    # a call that nothing presses for waits until a purchase is due, or for the next mailing
    waits = passed & (pl.col("action") == "keep at low cost")
    return [
        pl.when(~waits).then((day + to_monday).cast(pl.Date)).alias("next_contact"),
        pl.when(passed).then(due).alias("due_since"),
    ]


def table_customers(chapter: Chapter) -> pd.DataFrame:
    """Compute the table `customers` for a chapter that needs it."""
    return played(chapter, rules(chapter)).to_pandas()


def write_tables(chapter: Chapter, customers: pl.DataFrame) -> None:
    """Write the table `customers`."""
    # in Arrow's own kinds, so that days stay days and yes and no stay so
    chapter.write("customers", customers.to_pandas(use_pyarrow_extension_array=True))


def write_lists(chapter: Chapter, customers: pl.DataFrame) -> dict[str, int]:
    """Write the lists into the run's folder, and the rules as they can be copied into a parameter file.

    Returns
    -------
    dict of str to int
        Rows of each file; see `customerbase.call_lists.write_call_lists`.
    """
    told = chapter.particulars
    if chapter.parameters.show_personal_data and told is not None:
        there = [name for name in REACHED_BY if name in told.columns]
        customers = customers.join(told.select("customer", *there), on="customer", how="left")
    folder = chapter.folder / "lists"
    written = write_call_lists(folder, customers, chapter.parameters.currency)
    text = yaml.safe_dump(
        {"playbook": [dict(rule) for rule in _as_written(chapter)]}, allow_unicode=True, sort_keys=False
    )
    (folder / RULES_FILE).write_text(text, encoding="utf-8")
    return written


def rule_table(book: Sequence[Rule], customers: pl.DataFrame) -> ShownTable:
    """Show the rules, in order, each with its conditions, its reason and how many customers it decides for."""
    decided = customers["rule"].value_counts()
    numbers = dict(zip(decided["rule"], decided["count"], strict=True))
    frame = pd.DataFrame(
        {
            "number": [str(rule.number) for rule in book],
            "action": [rule.action for rule in book],
            "when": ["; ".join(f"{name} {text}" for name, text in rule.when.items()) or "all others" for rule in book],
            "customers": [numbers.get(rule.number, 0) for rule in book],
            "because": [_with_offer(rule.because, rule.offer) for rule in book],
        }
    )
    columns: Columns = {
        "number": ("rule", str),
        "action": ("action", str),
        "when": ("when", printable),
        "customers": ("customers", count),
        "because": ("because, and the offer", printable),
    }
    return show_table(frame, "The rules: the first one whose every condition holds decides", columns)


def column_table() -> ShownTable:
    """Show what a rule can ask about."""
    frame = pd.DataFrame(
        {
            "column": list(COLUMNS),
            "meaning": [column.meaning for column in COLUMNS.values()],
            "holds": [", ".join(column.values) or column.kind for column in COLUMNS.values()],
        }
    )
    columns: Columns = {"column": ("column", str), "meaning": ("what it says", str), "holds": ("what it holds", str)}
    return show_table(frame, "What rules can ask about", columns)


def by_action(customers: pl.DataFrame) -> pd.DataFrame:
    """Return how customers, revenue and value divide over the actions.

    Returns
    -------
    pandas.DataFrame
        Every action, in order: customers, revenue, profit, clv (missing where nothing is known), value_at_stake (with
        its mean and median), stake_on_list (of it, with those on the list), on_list (how many they are), and
        share_of_customers, share_of_revenue, share_of_value (missing where there is nothing to divide).
    """
    stake = pl.col("value_at_stake")
    sums = customers.group_by("action").agg(
        pl.len().alias("customers"),
        pl.col("revenue").sum(),
        *(pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name) for name in ("profit", "clv")),
        pl.when(stake.count() > 0).then(stake.sum()).alias("value_at_stake"),
        stake.mean().alias("mean"),
        stake.median().alias("median"),
        pl.when(stake.count() > 0).then(stake.filter("on_list").sum()).alias("stake_on_list"),
        pl.col("on_list").sum(),
    )
    frame = sums.to_pandas().set_index("action").reindex(list(ACTIONS)).rename_axis("action").reset_index()
    counted = ["customers", "revenue", "on_list"]
    frame[counted] = frame[counted].fillna(0)
    for name, share in (("customers", "customers"), ("revenue", "revenue"), ("clv", "value")):
        total = frame[name].sum()
        frame[f"share_of_{share}"] = frame[name].fillna(0) / total if total > 0 else float("nan")
    return frame


def action_table(chapter: Chapter, actions: pd.DataFrame) -> ShownTable:
    """Show how many customers each action has, what they bring, and what is at stake."""
    currency = chapter.parameters.currency
    columns: Columns = {
        "action": ("action", str),
        "customers": ("customers", count),
        "revenue": (f"revenue ({currency})", count),
        **({"profit": (f"profit ({currency})", if_known(count))} if profit_known(chapter) else {}),
        "value_at_stake": (f"value at stake ({currency})", if_known(count)),
        "stake_on_list": ("of it, on the list", if_known(count)),
        "mean": ("each, mean", if_known(count)),
        "median": ("each, median", if_known(count)),
    }
    caption = f"One action for each of {plural(actions['customers'].sum(), 'customer')}"
    return show_table(actions, caption, columns)


@says_why_not
def first_table(chapter: Chapter, customers: pl.DataFrame) -> ShownTable:
    """Show whom to turn to first: of those who may be contacted, those with most at stake."""
    called = customers.filter(pl.col("on_list") & pl.col("action").is_in(PRESSING))
    called = called.sort("value_at_stake", "customer", descending=[True, False], nulls_last=True).head(SHOWN_FIRST)
    if called.is_empty():
        raise CannotSay("No customer who needs attention is on a list, so there is nobody to turn to first.")
    frame = called.select("customer", "action", "value_at_stake").to_pandas()
    frame["between"] = [
        "no interval" if low is None else between(low, high)
        for low, high in called.select("value_at_stake_low", "value_at_stake_high").iter_rows()
    ]
    frame["date"] = [_date(when) for when in called["next_contact"]]
    frame["due"] = ["" if when is None else when.isoformat() for when in called["due_since"]]
    frame["because"] = [_with_offer(*words) for words in called.select("action_reason", "offer").iter_rows()]
    columns: Columns = {
        "customer": ("customer", printable),
        "action": ("action", str),
        "date": ("next contact", str),
        "due": ("overdue since", str),
        "because": ("because, and the offer", printable),
        "value_at_stake": (f"value at stake ({chapter.parameters.currency})", if_known(count)),
        "between": ("from … to", str),
    }
    share = percent(chapter.parameters.interval)
    return show_table(frame, f"Whom to turn to first; where value is forecast, with its {share} interval", columns)


def list_counts(customers: pl.DataFrame) -> pd.DataFrame:
    """Return for each action how many customers are on its list, held out, and not to be contacted; they add up."""
    neither = ~pl.col("on_list") & ~pl.col("control_group")
    counts = customers.group_by("action").agg(
        pl.len().alias("customers"),
        pl.col("on_list").sum(),
        pl.col("control_group").sum(),
        (neither & (pl.col("may_contact") == NO)).sum().alias("said_no"),
        (neither & (pl.col("may_contact") != NO)).sum().alias("not_recorded"),
        (pl.col("on_list") & pl.col("key_account")).sum().alias("never_held_out"),
    )
    frame = counts.to_pandas().set_index("action").reindex(list(ACTIONS)).fillna(0).astype(int)
    frame.loc["all together"] = frame.sum()
    return frame.rename_axis("action").reset_index()


def list_table(counts: pd.DataFrame) -> ShownTable:
    """Show who is on the lists, who is held out, and who may not be contacted."""
    columns: Columns = {
        "action": ("action", str),
        "customers": ("customers", count),
        "on_list": ("on the list", count),
        "control_group": ("held out", count),
        "said_no": ("said no", count),
        "not_recorded": ("consent not recorded", count),
        "never_held_out": ("key accounts on the list", count),
    }
    caption = "Who is on the lists: on the list, held out, said no and not recorded add up to the customers"
    return show_table(counts, caption, columns)


def file_table(written: Mapping[str, int]) -> ShownTable:
    """Show which files were written, and how many rows each holds."""
    stems = dict.fromkeys(name.rpartition(".")[0] for name in written)
    of_managers = [stem for stem in stems if stem.startswith(f"{BY_MANAGER}/")]
    rows = [
        {"file": stem, "csv": written.get(f"{stem}.csv", 0), "xlsx": float(written.get(f"{stem}.xlsx", "nan"))}
        for stem in stems
        if stem not in of_managers
    ]
    if of_managers:
        ends = [sum(written[f"{stem}.{ending}"] for stem in of_managers) for ending in ("csv", "xlsx")]
        label = f"{BY_MANAGER}/ ({plural(len(of_managers), 'manager')})"
        rows.append({"file": label, "csv": ends[0], "xlsx": float(ends[1])})
    columns: Columns = {
        "file": ("list", str),
        "csv": ("rows as CSV", count),
        "xlsx": ("rows in the Excel workbook", if_known(count)),
    }
    caption = f"What lies in the run's folder lists; a workbook holds the first {count(WORKBOOK_ROWS)} at most "
    caption += f"(a manager's {count(MANAGER_ROWS)})"
    return show_table(pd.DataFrame(rows, columns=["file", "csv", "xlsx"]), caption, columns)


@says_why_not
def by_manager(customers: pl.DataFrame) -> pd.DataFrame:
    """Return the value at stake by manager and action, the manager with most at stake first.

    Returns
    -------
    pandas.DataFrame
        Indexed by manager; a column for each action that anybody has. Beyond the first managers the rest stand
        together.

    Raises
    ------
    CannotSay
        Where no manager is recorded, or nothing is known to be at stake.
    """
    if customers["manager"].is_null().all():
        raise CannotSay("Who looks after whom isn't recorded, so the lists aren't divided by manager.")
    known = customers.filter(pl.col("value_at_stake") > 0).with_columns(pl.col("manager").fill_null(NO_MANAGER))
    if known.is_empty():
        raise CannotSay("What is at stake can't be told on this base, so it isn't divided by manager.")
    totals = (
        known.group_by("manager")
        .agg(pl.col("value_at_stake").sum())
        .sort("value_at_stake", "manager", descending=[True, False])
    )
    first = totals["manager"].head(MANAGERS_SHOWN).to_list()
    shown = pl.when(pl.col("manager").is_in(first)).then("manager").otherwise(pl.lit(OTHER_MANAGERS))
    sums = known.group_by(shown.alias("manager"), "action").agg(pl.col("value_at_stake").sum()).to_pandas()
    wide = sums.pivot(index="manager", columns="action", values="value_at_stake").fillna(0.0)
    rest = [OTHER_MANAGERS] if OTHER_MANAGERS in wide.index and OTHER_MANAGERS not in first else []
    return wide.loc[first + rest, [action for action in ACTIONS if action in wide.columns]]


def manager_table(chapter: Chapter, managers: pd.DataFrame | Unsaid, customers: pl.DataFrame) -> ShownTable | None:
    """Show what each manager has to do; nothing where the figure has said why not."""
    if isinstance(managers, Unsaid):
        return None
    counted = customers.with_columns(pl.col("manager").fill_null(NO_MANAGER))
    of_each = counted.group_by("manager").agg(
        pl.len().alias("customers"),
        pl.col("on_list").sum(),
        (pl.col("on_list") & pl.col("action").is_in(PRESSING)).sum().alias("pressing"),
    )
    numbers = of_each.to_pandas().set_index("manager").reindex(managers.index)
    frame = numbers.assign(stake=managers.sum(axis=1)).reset_index()
    frame = frame[frame["manager"] != OTHER_MANAGERS]
    columns: Columns = {
        "manager": ("manager", lambda name: printable(shortened(name, 30))),
        "customers": ("customers", count),
        "on_list": ("on lists", count),
        "pressing": ("to protect, develop, win back or change terms with", count),
        "stake": (f"value at stake ({chapter.parameters.currency})", count),
    }
    return show_table(frame, "What each manager has to do, most at stake first", columns)


def _as_written(chapter: Chapter) -> Sequence[Mapping[str, Any]]:
    return DEFAULT_RULES if chapter.parameters.playbook is None else chapter.parameters.playbook


def _days_looked_at(chapter: Chapter) -> int:
    """Return over how many days profit and cost to serve are summed."""
    span = (chapter.as_of - first_line(chapter)).days + 1
    return min(span, chapter.parameters.lookback_days or span)


def _on_lists(chapter: Chapter, frame: pl.DataFrame) -> list[pl.Series]:
    """Return who is on a list, and who would be but is held out; drawn anew for each action.

    A key account is never held out: leaving one alone may cost more than knowing what the list does is worth.
    """
    given = chapter.parameters
    allowed = (YES,) if given.consent_required else (YES, NOT_RECORDED)
    may = frame.select("customer", "action", "key_account", pl.col("may_contact").is_in(allowed).alias("may"))
    held: list[str] = []
    for action in ACTIONS:
        drawn_from = pl.col("may") & ~pl.col("key_account") & (pl.col("action") == action)
        reached = may.filter(drawn_from)["customer"]
        drawn = draw_control_group(reached.to_list(), given.control_share, given.seed, chapter.as_of, action)
        held += reached.filter(pl.Series(drawn, dtype=pl.Boolean)).to_list()
    control_group = may["customer"].is_in(held).alias("control_group")
    return [(may["may"] & ~control_group).alias("on_list"), control_group]


def _with_offer(because: str, offer: str | None) -> str:
    return f"{because}. Offer: {offer}." if offer else f"{because}."


def _date(when: dt.date | None) -> str:
    return "not known" if when is None else when.isoformat()
