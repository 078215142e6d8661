"""The steps of `01_identify` about the central file: how complete it is, how old, and who may be contacted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl

from ...chapter import Chapter
from ...errors import CannotSay
from ...findings import Verdict
from ...identities import AS_RECORDED
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import count, number, percent, plural, tenths

AGES = {"up to 3 months": 91, "3 to 6 months": 182, "6 to 12 months": 365, "1 to 2 years": 730, "over 2 years": np.inf}
YEAR = 365
NOT_KNOWN = "not known"
YES, NO, NOT_RECORDED, NO_RECORD = "yes", "no", "not recorded", "no record"
ANSWERS = (NOT_RECORDED, YES, NO)  # of the answers of one customer the last one holds
IN_BOTH, IN_LEDGER, IN_FILE = "in both", "only in the ledger", "only in the central file"
NO_TABLE = "The parameters name no customers' table"
NOBODY = ", and where consent is required nobody may be put on a contact list"
EVERY_FIELD = "all of these"
INCOMPLETE_WATCHED, INCOMPLETE_BAD = 0.1, 0.5  # share of revenue from customers whose record lacks something
OLD_WATCHED, OLD_BAD = 0.25, 0.5  # share of revenue from customers whose record is untouched for a year
CONSENT_WATCHED = 0.8  # share of customers who said yes: below it lists are short
UNRECORDED_WATCHED, UNRECORDED_BAD = 0.01, 0.1  # share of revenue from customers without a record


def revenue_as_recorded(chapter: Chapter) -> pd.Series:
    """Return the revenue of each key as the ledger's source writes it, returns taken off."""
    return revenue_by(chapter, AS_RECORDED if AS_RECORDED in chapter.ledger.columns else "customer")


@says_why_not
def completeness(chapter: Chapter, revenue: pd.Series) -> pd.DataFrame:
    """Return how complete the records are in each of the fields required, the emptiest first.

    Returns
    -------
    pandas.DataFrame
        field, filled (share of records), missing (records), revenue_missing (share of revenue that comes from
        customers without it: of records that lack it, and without a record). The last row is of records that have
        every field.
    """
    records = _records(chapter, "how complete records are can't be said")
    brought = revenue.reindex(records.index).fillna(0.0)
    fields = required_fields(chapter)
    if not fields or records.empty:
        raise CannotSay("The customers' table holds no column or no record whose completeness could be looked at.")
    # a field that the table doesn't have is missing everywhere
    empty = pd.DataFrame({field: _is_empty(records, field) for field in fields})
    total = revenue.sum()
    frame = pd.DataFrame(
        {
            "field": fields,
            "filled": [1 - empty[field].mean() for field in fields],
            "missing": [int(empty[field].sum()) for field in fields],
            "revenue_missing": [share_of(total - brought[~empty[field]].sum(), total) for field in fields],
        }
    ).sort_values(["filled", "field"], ignore_index=True)
    lacking = empty.any(axis=1)
    whole = pd.DataFrame(
        {
            "field": [EVERY_FIELD],
            "filled": [1 - lacking.mean()],
            "missing": [int(lacking.sum())],
            "revenue_missing": [share_of(total - brought[~lacking].sum(), total)],
        }
    )
    return pd.concat([frame, whole], ignore_index=True)


def required_fields(chapter: Chapter) -> list[str]:
    """Return the fields that a record should have: `required_fields`, or else every column of the table."""
    if chapter.parameters.required_fields is not None:
        return list(chapter.parameters.required_fields)
    columns = chapter.parameters.customers.columns if chapter.parameters.customers else {}
    return [name for name in columns if name != "customer"]


def completeness_table(complete: pd.DataFrame | Unsaid) -> ShownTable | None:
    """Show how complete records are, field by field; nothing where the figure has said why not."""
    if isinstance(complete, Unsaid):
        return None
    columns: Columns = {
        "field": ("field", str),
        "filled": ("filled in", tenths),
        "missing": ("records without it", count),
        "revenue_missing": ("their share of revenue", tenths),
    }
    named = complete.assign(field=complete["field"].str.replace("_", " "))
    return show_table(named, "How complete the central file is", columns)


@says_why_not
def consent(chapter: Chapter) -> pd.DataFrame:
    """Return who agreed to be contacted.

    Of the records of one customer a single no outweighs every yes.

    Returns
    -------
    pandas.DataFrame
        answer (yes, no, not recorded, no record), customers, revenue, and the shares of both.
    """
    records = _records(chapter, f"who agreed to be contacted isn't known{NOBODY}")
    if "consent" not in records.columns:
        raise CannotSay(
            f"The customers' table has no column consent, so who agreed to be contacted isn't known{NOBODY}; name it "
            f"under customers.columns."
        )
    rank = records["consent"].map({YES: 1, NO: 2}).fillna(0).astype(int)
    strictest = rank.groupby(_persons(chapter, records.index).to_numpy()).max()
    revenue = revenue_by(chapter, "customer")
    everybody = strictest.index.union(revenue.index)
    answer = strictest.map(dict(enumerate(ANSWERS))).reindex(everybody).fillna(NO_RECORD)
    brought = pd.DataFrame({"answer": answer, "revenue": revenue.reindex(everybody).fillna(0.0)})
    frame = _by_group(brought, "answer", [YES, NO, NOT_RECORDED, NO_RECORD])
    return frame[(frame["customers"] > 0) | (frame["answer"] != NO_RECORD)].reset_index(drop=True)


@says_why_not
def consent_table(chapter: Chapter, agreed: pd.DataFrame) -> ShownTable:
    """Show who agreed to be contacted."""
    return show_table(agreed, "Consent to be contacted", _customers_and_revenue(chapter, "answer", "consent"))


@says_why_not
def record_age(chapter: Chapter, revenue: pd.Series) -> pd.DataFrame:
    """Return how long ago each record was last touched.

    Returns
    -------
    pandas.DataFrame
        Indexed by key: days (missing where the day isn't known, 0 where it lies after `as_of`) and revenue.
    """
    records = _records(chapter, "how old records are can't be said")
    if "updated" not in records.columns:
        raise CannotSay(
            "The customers' table has no column updated, so how old its records are can't be said; name it under "
            "customers.columns."
        )
    touched = pd.to_datetime(records["updated"])
    if touched.isna().all():
        raise CannotSay("No record of the customers' table says when it was last touched.")
    days = (pd.Timestamp(chapter.as_of) - touched).dt.days.clip(lower=0)
    return pd.DataFrame({"days": days, "revenue": revenue.reindex(records.index).fillna(0.0)})


def record_age_table(chapter: Chapter, ages: pd.DataFrame | Unsaid) -> ShownTable | None:
    """Show how long records have been left alone; nothing where the figure has said why not."""
    if isinstance(ages, Unsaid):
        return None
    groups = pd.cut(ages["days"], [-1, *AGES.values()], labels=list(AGES)).astype(object).fillna(NOT_KNOWN)
    frame = _by_group(ages.assign(age=groups), "age", [*AGES, NOT_KNOWN])
    frame = frame[(frame["age"] != NOT_KNOWN) | (frame["customers"] > 0)]
    columns = _customers_and_revenue(chapter, "age", "last touched", "records")
    mean, median = (number(value) for value in (ages["days"].mean(), ages["days"].median()))
    return show_table(frame, f"Age of the records: {mean} days on average, median {median}", columns)


@says_why_not
def matched(chapter: Chapter, revenue: pd.Series) -> pd.DataFrame:
    """Return how many keys the ledger and the central file share.

    Returns
    -------
    pandas.DataFrame
        where, customers, revenue, and the shares of both.
    """
    records = _records(chapter, "which customers lack a record can't be said")
    keys = revenue.index.union(records.index)
    bought, recorded = keys.isin(revenue.index), keys.isin(records.index)
    where = np.select([bought & recorded, bought], [IN_BOTH, IN_LEDGER], IN_FILE)
    brought = pd.DataFrame({"where": where, "revenue": revenue.reindex(keys).fillna(0.0).to_numpy()})
    return _by_group(brought, "where", [IN_BOTH, IN_LEDGER, IN_FILE])


@says_why_not
def matched_table(chapter: Chapter, where: pd.DataFrame) -> ShownTable:
    """Show which customers are in the ledger, in the central file, and in both."""
    caption = "The ledger's keys and those of the central file"
    return show_table(where, caption, _customers_and_revenue(chapter, "where", "where they are", "keys"))


def state_central_file(
    chapter: Chapter,
    complete: pd.DataFrame | Unsaid,
    agreed: pd.DataFrame | Unsaid,
    ages: pd.DataFrame | Unsaid,
    where: pd.DataFrame | Unsaid,
) -> None:
    """State how well the customers are known."""
    if chapter.customers_file is None:
        chapter.state(
            "central_file",
            f"{NO_TABLE}, so how complete and how old records are, who agreed to be contacted, and which records are "
            f"one customer can't be said.",
            verdict="unknown",
        )
        return
    _state_completeness(chapter, complete)
    _state_consent(chapter, agreed)
    _state_age(chapter, ages)
    if not isinstance(where, Unsaid):
        _state_unrecorded(chapter, where)


def _state_completeness(chapter: Chapter, complete: pd.DataFrame | Unsaid) -> None:
    if isinstance(complete, Unsaid):
        chapter.state("completeness", complete.reason, verdict="unknown")
        return
    whole, emptiest = complete.iloc[-1], complete.iloc[0]
    share = float(whole["revenue_missing"])
    field = emptiest["field"].replace("_", " ")
    worst = f"; most often {field} is missing, in {percent(1 - emptiest['filled'])}" if whole["missing"] else ""
    chapter.state(
        "completeness",
        f"{percent(whole['filled'])} of the records hold every field required{worst}. Customers whose record lacks "
        f"something, or who have none, bring {percent(share)} of revenue.",
        value=float(whole["filled"]),
        unit="share of records",
        verdict=graded(share, INCOMPLETE_WATCHED, INCOMPLETE_BAD),
    )


def _state_consent(chapter: Chapter, agreed: pd.DataFrame | Unsaid) -> None:
    if isinstance(agreed, Unsaid):
        chapter.state("consent", agreed.reason, verdict="unknown")
        return
    yes = agreed.iloc[0]
    chapter.state(
        "consent",
        f"{plural(yes['customers'], 'customer')} ({percent(yes['share'])}) agreed to be contacted; they bring "
        f"{percent(yes['revenue_share'])} of revenue. Nobody who said no may be put on a contact list, and "
        f"where consent is required nobody without a yes.",
        value=float(yes["share"]),
        unit="share of customers",
        verdict="good" if yes["share"] >= CONSENT_WATCHED else "watch" if yes["customers"] else "act",
    )


def _state_age(chapter: Chapter, ages: pd.DataFrame | Unsaid) -> None:
    if isinstance(ages, Unsaid):
        chapter.state("record_age", ages.reason, verdict="unknown")
        return
    days, untouched = ages["days"].dropna(), ages["days"] > YEAR
    old = float((days > YEAR).mean())
    share = share_of(ages["revenue"][untouched].sum(), ages["revenue"].sum())
    whose = f", whose customers bring {percent(share)} of revenue," if old else ""
    chapter.state(
        "record_age",
        f"{percent(old)} of the records{whose} haven't been touched for over a year; the median is "
        f"{plural(days.median(), 'day')}.",
        value=old,
        unit="share of records",
        verdict=graded(share, OLD_WATCHED, OLD_BAD),
    )


def _state_unrecorded(chapter: Chapter, where: pd.DataFrame) -> None:
    only = where[where["where"] == IN_LEDGER].iloc[0]
    if not only["customers"]:
        chapter.state("unrecorded", "Every customer of the ledger has a record in the central file.", verdict="good")
        return
    share = only["revenue_share"]
    verdict = graded(share, UNRECORDED_WATCHED, UNRECORDED_BAD, good="note")
    chapter.state(
        "unrecorded",
        f"{plural(only['customers'], 'customer')} of the ledger, with {percent(share, 1)} of revenue, "
        f"{'has' if only['customers'] == 1 else 'have'} no record in the central file.",
        value=share,
        unit="share of revenue",
        verdict=verdict,
        question=None if verdict == "note" else "trust",
    )


def revenue_by(chapter: Chapter, key: str) -> pd.Series:
    """Return the revenue, returns taken off, of each value of a column of the ledger."""
    totals = chapter.ledger.group_by(key).agg(pl.col("amount").sum()).sort(key)
    return pd.Series(totals["amount"].to_numpy(), index=totals[key].to_list(), dtype=float)


def share_of(part: float, whole: float) -> float:
    """Return a part's share of the whole; 0 of nothing."""
    return float(part / whole) if whole > 0 else 0.0


def graded(share: float, watched: float, bad: float, good: Verdict = "good") -> Verdict:
    """Return the verdict on a share that should be small."""
    return "act" if share >= bad else "watch" if share >= watched else good


def _records(chapter: Chapter, unsaid: str) -> pd.DataFrame:
    """Return the customers' table, indexed by key."""
    if chapter.customers_file is None:
        raise CannotSay(f"{NO_TABLE}, so {unsaid}.")
    return chapter.customers_file.rows.to_pandas().set_index("customer")


def _persons(chapter: Chapter, keys: pd.Index) -> pd.Series:
    """Return the person of each key; the key itself where nobody was identified."""
    if chapter.identities is None:
        return pd.Series(keys, index=keys)
    known = chapter.identities.to_pandas().set_index("customer")["person"]
    return known.reindex(keys).fillna(pd.Series(keys, index=keys))


def _is_empty(records: pd.DataFrame, field: str) -> pd.Series:
    if field not in records.columns:
        return pd.Series(True, index=records.index)
    column = records[field]
    return column.isna() | (column.astype(str).str.strip() == "")


def _by_group(customers: pd.DataFrame, name: str, order: list[str]) -> pd.DataFrame:
    """Return customers and revenue of each group, in order, with the shares of both."""
    groups = customers.groupby(name)["revenue"]
    frame = pd.DataFrame({"customers": groups.size(), "revenue": groups.sum()}).reindex(order).fillna(0)
    frame["share"] = [share_of(part, len(customers)) for part in frame["customers"]]
    frame["revenue_share"] = [share_of(part, frame["revenue"].sum()) for part in frame["revenue"]]
    return frame.rename_axis(name).reset_index()


def _customers_and_revenue(chapter: Chapter, name: str, heading: str, who: str = "customers") -> Columns:
    return {
        name: (heading, str),
        "customers": (who, count),
        "share": (f"share of {who}", tenths),
        "revenue": (f"revenue ({chapter.parameters.currency})", count),
        "revenue_share": ("share of revenue", tenths),
    }
