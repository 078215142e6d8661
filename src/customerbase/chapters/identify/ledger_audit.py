"""The steps of `01_identify` about the ledger: what came in, what was set aside, and what can't be trusted."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import polars as pl

from models.ledger_audit import Question, audit
from models.ledger_rhythm import median_shifts, silences

from ...chapter import Chapter
from ...errors import CannotSay
from ...findings import Verdict
from ...ledger.account import UNITS, units
from ...ledger.totals import TOTAL
from ...personal_data import without_names
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import says_why_not
from ...wording import count, day, if_known, money, percent, plural

ROWS_CITED = 3
WEEKS_SHOWN = 110  # a longer ledger is shown by month
LOST_WATCHED = 0.01  # share of rows that can't be used
DELIMITERS = {";": "semicolons", ",": "commas", "\t": "tabs", "|": "bars"}
WEIGHTS = {"act": "answer first", "watch": "ask", "note": "know"}
REPEATED = "repeats row "
TOLD_APART = ("left_cut", "closed_cohort", "largest_customer")  # questions that have findings of their own
USED, TOTALS, REPEATS, UNUSABLE = (
    "used",
    "set aside: totals, which are no purchases",
    "set aside: repeats of earlier rows",
    "set aside: can't be used",
)


def account(chapter: Chapter) -> pd.DataFrame:
    """Return the rows and the money of the ledger: read, used, and set aside by kind."""
    used = chapter.whole_ledger["amount"]
    aside = _set_aside_of_ledger(chapter)
    is_total = pl.col("reason") == TOTAL
    is_repeat = pl.col("reason").str.starts_with(REPEATED)
    parts = {
        USED: used,
        TOTALS: aside.filter(is_total)["amount"],
        REPEATS: aside.filter(is_repeat)["amount"],
        UNUSABLE: aside.filter(~is_total & ~is_repeat)["amount"],
    }
    rows = [{"what": what, "rows": len(amounts), "amount": units(amounts) / UNITS} for what, amounts in parts.items()]
    read = {"what": "read", "rows": _rows_read(chapter), "amount": sum(map(units, parts.values())) / UNITS}
    return pd.DataFrame([read, *(row for row in rows if row["rows"] or row["what"] in (USED, UNUSABLE))])


def account_table(chapter: Chapter, accounted: pd.DataFrame) -> ShownTable:
    """Show that nothing is lost: what was read is used or set aside."""
    frame = accounted.assign(share=accounted["rows"] / accounted["rows"].iloc[0])
    columns: Columns = {
        "what": ("rows of the ledger", str),
        "rows": ("rows", count),
        "share": ("share of rows", lambda share: percent(share, 1)),
        "amount": (f"amount ({chapter.parameters.currency})", _to_the_cent),
    }
    return show_table(frame, "Rows and money that came in", columns)


def source_table(chapter: Chapter) -> ShownTable:
    """Show what each file brought."""
    frame = chapter.sources.to_pandas()
    is_ledger = frame["section"] == "ledger"
    used, aside = (
        table.group_by(pl.col("source").cast(pl.String)).agg(pl.len()).to_pandas().set_index("source")["len"]
        for table in (chapter.whole_ledger, chapter.quarantine)
    )
    frame["aside"] = frame["source"].map(aside).fillna(0)
    frame["used"] = frame["source"].map(used).where(is_ledger, frame["rows"] - frame["aside"]).fillna(0)
    frame["amount"] = frame["amount"].where(is_ledger)
    columns: Columns = {
        "source": ("source", str),
        "section": ("table", str),
        "rows": ("rows read", count),
        "used": ("used", count),
        "aside": ("set aside", count),
        "first_day": ("first day", _day_or_blank),
        "last_day": ("last day", _day_or_blank),
        "amount": (f"amount ({chapter.parameters.currency})", if_known(count)),
    }
    return show_table(frame, "What each source brought", columns)


def reading_table(chapter: Chapter) -> ShownTable:
    """Show how each file was read, in words."""
    sources = chapter.sources.select("source", "reading", "evidence").to_pandas()
    sources["how"] = [
        _in_words(json.loads(reading), json.loads(evidence))
        for reading, evidence in zip(sources["reading"], sources["evidence"], strict=True)
    ]
    return show_table(sources, "How each source was read", {"source": ("source", str), "how": ("read as", str)})


@says_why_not
def set_aside_table(chapter: Chapter) -> ShownTable:
    """Show why rows were set aside, and where the first of them stand."""
    quarantine = chapter.quarantine
    if quarantine.is_empty():
        raise CannotSay("Nothing was set aside: every row that was read is used.")
    kind = pl.col("reason").str.replace(rf"^{REPEATED}.*$", "repeats an earlier row").str.replace_all(r"\d+", "…")
    reasons = (
        quarantine.with_columns(kind.alias("kind"))
        .sort("source", "row")
        .group_by("kind", maintain_order=True)
        .agg(
            pl.when(pl.col("reason").n_unique() == 1).then(pl.col("reason").first()).otherwise(pl.col("kind").first()),
            pl.len().alias("rows"),
            pl.col("amount").sum(),
            pl.col("amount").count().alias("known"),
            pl.struct("source", "row").head(ROWS_CITED).alias("first"),
        )
        .sort("rows", "reason", descending=[True, False])
        .to_pandas()
    )
    reasons["first"] = [_cited(first) for first in reasons["first"]]
    reasons["amount"] = reasons["amount"].where(reasons["known"] > 0)
    columns: Columns = {
        "reason": ("reason", str),
        "rows": ("rows", count),
        "amount": (f"amount ({chapter.parameters.currency})", count),
        "first": ("the first rows", str),
    }
    return show_table(reasons, f"{plural(quarantine.height, 'row')} set aside, by reason", columns)


def by_period(chapter: Chapter) -> pd.DataFrame:
    """Return purchases (a customer's day) and revenue after returns of each week, or of each month of a long ledger.

    Returns
    -------
    pandas.DataFrame
        start (of the period), purchases, revenue, and complete: whether the ledger holds all of its days. Its
        attribute ``period`` is week or month.
    """
    observed = chapter.ledger["date"].dt.date()
    first: dt.date = observed.min()  # type: ignore[assignment]
    last = chapter.as_of
    period, every = ("week", "1w") if (last - first).days / 7 <= WEEKS_SHOWN else ("month", "1mo")
    start = pl.col("date").dt.date().dt.truncate(every).alias("start")
    bought = chapter.purchases.unique(["customer", "date"]).group_by(start).agg(pl.len().alias("purchases"))
    earned = chapter.ledger.group_by(start).agg(pl.col("amount").sum().alias("revenue"))
    # silent periods, too
    starts = pl.select(pl.date_range(pl.lit(first).dt.truncate(every), pl.lit(last), every).alias("start"))
    whole = (pl.col("start") >= first) & (pl.col("start").dt.offset_by(every) <= last + dt.timedelta(1))
    joined = starts.join(bought, on="start", how="left").join(earned, on="start", how="left").sort("start")
    frame = joined.with_columns(pl.col("purchases", "revenue").fill_null(0), whole.alias("complete")).to_pandas()
    frame.attrs["period"] = period
    return frame


def doubts(chapter: Chapter) -> pd.DataFrame:
    """Return the stretches of the ledger worth a question.

    Returns
    -------
    pandas.DataFrame
        start, end and label, sorted: silences far longer than usual, and times from which amounts are of another size.
    """
    sales = chapter.ledger.filter(pl.col("kind") == "sale")
    found = silences(sales, chapter.as_of).filter(~pl.col("every_year"))
    marks = [
        {"start": first, "end": last, "label": f"{plural(days, 'day')} silent"}
        for first, last, days in found.select("first_day", "last_day", "days").iter_rows()
    ]
    for shift in median_shifts(sales):
        times = shift.after / shift.before
        label = f"median × {times:,.0f}" if times > 1 else f"median ÷ {1 / times:,.0f}"
        last = chapter.as_of if shift.until is None else shift.until - dt.timedelta(1)
        marks.append({"start": shift.month, "end": last, "label": label})
    frame = pd.DataFrame(marks, columns=["start", "end", "label"])
    return frame.assign(start=pd.to_datetime(frame["start"]), end=pd.to_datetime(frame["end"])).sort_values("start")


def questions(chapter: Chapter) -> list[Question]:
    """Return what to ask of whoever made the ledger; see `models.ledger_audit.audit`."""
    asked = audit(chapter.whole_ledger, chapter.as_of, repeats=chapter.repeats.height)
    if chapter.parameters.show_personal_data:
        return asked
    return without_names(asked, chapter.whole_ledger["customer"].unique())


@says_why_not
def question_table(asked: list[Question]) -> ShownTable:
    """Show the questions, the weightiest first."""
    if not asked:
        raise CannotSay("The ledger raises no question.")
    frame = pd.DataFrame(
        {
            "seen": [question.statement for question in asked],
            "question": [question.question for question in asked],
            "weight": [WEIGHTS[question.verdict] for question in asked],
        }
    )
    columns: Columns = {
        "seen": ("what the ledger shows", str),
        "question": ("what to ask", str),
        "weight": ("weight", str),
    }
    return show_table(frame, f"{plural(len(asked), 'question')} to whoever made this ledger", columns)


def state_ledger(chapter: Chapter, accounted: pd.DataFrame, asked: list[Question]) -> None:
    """State what came of the ledger."""
    rows = dict(zip(accounted["what"], accounted["rows"], strict=True))
    amount = dict(zip(accounted["what"], accounted["amount"], strict=True))
    currency = chapter.parameters.currency
    returned = " after returns" if (chapter.whole_ledger["kind"] == "return").any() else ""
    chapter.state(
        "ledger_accounted",
        f"Every one of {plural(rows['read'], 'row')} is accounted for: {count(rows[USED])} used, for "
        f"{money(amount[USED], currency)}{returned}, and {count(rows['read'] - rows[USED])} set aside.",
        value=float(rows["read"]),
        unit="rows",
        verdict="good",
        question="trust",
    )
    share = rows[UNUSABLE] / rows["read"]
    limit = percent(chapter.parameters.quarantine_limit)
    worth = money(amount[UNUSABLE], currency)
    lost = (
        f"{plural(rows[UNUSABLE], 'row')} ({percent(share, 1)}) can't be used, worth {worth} as far as that can be "
        f"read; up to {limit} may be set aside (quarantine_limit)."
    )
    chapter.state(
        "quarantine_share",
        lost if rows[UNUSABLE] else "No row had to be set aside for a fault.",
        value=share,
        unit="share of rows",
        verdict="good" if not rows[UNUSABLE] else "watch" if share >= LOST_WATCHED else "note",
    )
    first = sum(question.verdict == "act" for question in asked)
    weightiest = next((question for question in asked if question.id not in TOLD_APART), None)
    verdict: Verdict = "good" if not asked else "note" if weightiest is None else weightiest.verdict
    named = "The weightiest" if weightiest in asked[:1] else "One of them"
    chapter.state(
        "ledger_questions",
        f"The ledger raises {plural(len(asked), 'question')}"
        + (f", {count(first)} of them to be answered before anything else" if first else "")
        + ("." if weightiest is None else f". {named}: {weightiest.statement}"),
        value=float(len(asked)),
        unit="questions",
        verdict=verdict,
        question="trust" if verdict in ("watch", "act") else None,
    )


def _set_aside_of_ledger(chapter: Chapter) -> pl.DataFrame:
    of_ledger = chapter.sources.filter(pl.col("section") == "ledger")["source"].to_list()
    return chapter.quarantine.filter(pl.col("source").is_in(of_ledger))


def _rows_read(chapter: Chapter) -> int:
    return int(chapter.sources.filter(pl.col("section") == "ledger")["rows"].sum())


def _cited(rows: Iterable[Mapping[str, Any]]) -> str:
    """Name rows by their numbers, each file once."""
    numbers: dict[str, list[str]] = {}
    for row in rows:
        numbers.setdefault(row["source"], []).append(str(row["row"]))
    return "; ".join(f"{source} {', '.join(cited)}" for source, cited in numbers.items())


def _in_words(reading: dict[str, str | int], evidence: dict[str, str]) -> str:
    said = [_found(name, value) for name, value in reading.items()]
    columns = {"date": "dates", "decimal": "numbers"}
    said += [f"{columns.get(name, name)}: {why}" for name, why in evidence.items() if name not in reading]
    return "; ".join(said) or "as it stands"


def _found(name: str, value: str | int) -> str:
    match name:
        case "encoding":
            return f"text in {value}"
        case "delimiter":
            return f"columns set apart by {DELIMITERS.get(str(value), repr(value))}"
        case "header_row":
            return f"header in row {value}"
    return f"{name.replace('_', ' ')} {value}"


def _to_the_cent(amount: float) -> str:
    return f"{amount:z,.2f}"


def _day_or_blank(date: object) -> str:
    return "" if pd.isna(date) else day(pd.Timestamp(date).date())  # type: ignore[arg-type, call-overload]
