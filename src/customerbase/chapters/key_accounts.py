"""The steps of `07_key_accounts`: on whom the business depends, and who of them has gone silent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from models import BGNBD
from models.concentration import concentration_by_period
from models.key_accounts import (
    CRITERIA,
    DAYS_A_YEAR,
    JUDGED,
    LEVELS,
    against_own_rhythm,
    dependency_level,
    key_accounts,
    largest_share_of_part,
    load_by_manager,
    revenue_a_year,
    shares_of_revenue,
    spellings,
    without_the_largest,
)
from models.rfm import DAYS_PER_UNIT

from ..chapter import Chapter
from ..errors import CannotSay
from ..figures.key_accounts import WHO
from ..shown_table import Columns, ShownTable, show_table
from ..unsaid import Unsaid, says_why_not
from ..wording import count, day, key, money, number, percent, plural, tenths
from .profit import costs_known, customer_profit, discounts_known, first_counted, ledger_lines, profit_known, total
from .purchase_model import fit_all

SHOWN = 20
LARGEST_SHOWN = 10
QUARTERS_SHOWN = 16  # of a longer ledger years are followed
PARTS = ("department", "manager")
VOLUME_DISCOUNT_LOST = "purchase volume discount lost, if the recorded discount is what their volume earns us"
RECORDED = ("potential", *JUDGED)  # criteria that the customers' table answers
TABLE = (
    *("customer", "share", "criteria", "dependency", "manager", "revenue", "profit"),
    *("department", "share_of_department", "share_of_manager", "dependent_manager"),
    *("silent", "days_silent", "longest_gap", "overdue_since", "value_if_alive"),
)


@dataclass(frozen=True)
class Standing:
    """What each customer weighs in the business.

    Attributes
    ----------
    customers : polars.DataFrame
        Everybody of the ledger, sorted by customer: customer; revenue, profit, cost and discount (given to the
        customer) of the days that count, in money, the last three null where not known; share of the revenue;
        dependency, volume_discount, manager, department, and what the criteria of a key account are judged by.
    last_year : polars.DataFrame or None
        The same of the last 365 days, up to dependency and volume_discount; None where the days that count are no
        more than these.
    days : str
        The days that count, in words.
    unjudged : mapping
        Criteria that this base can't judge, each with the reason.
    potential : float or None
        Potential, in money a year, from which on it counts; None where there is no revenue to measure it by.
    respelt : mapping
        How many spellings of departments and of managers were taken for another that differs by case and spaces only.
    """

    customers: pl.DataFrame
    last_year: pl.DataFrame | None
    days: str
    unjudged: Mapping[str, str]
    potential: float | None
    respelt: Mapping[str, int]


def standing(chapter: Chapter) -> Standing:
    """Return what each customer weighs in the business."""
    given = chapter.parameters
    lines = ledger_lines(chapter)
    customers = _weighed(chapter)
    limit = given.key_account_share * revenue_a_year(chapter.ledger, chapter.as_of)
    unjudged = {}
    if customers["share"].null_count():
        unjudged["company revenue"] = "revenue isn't above zero"
    if chapter.particulars is not None:
        wanted = ("manager", "department", "consent", *RECORDED)
        names = [name for name in wanted if name in chapter.particulars.columns]
        customers = customers.join(chapter.particulars.select("customer", *names), on="customer", how="left")
    respelt = {}
    for part in PARTS:
        same = _spellings(chapter, part)
        respelt[part] = len(same)
        customers, reason = _with_part(chapter, lines, customers, part, same)
        unjudged |= {f"{part} revenue": reason} if reason else {}
    for name in RECORDED:
        if name not in customers.columns or customers[name].null_count() == customers.height:
            unjudged[name] = "not recorded"
    if limit <= 0 and customers.schema.get("potential") == pl.Float64:
        unjudged["potential"] = "no revenue a year to measure it by"
    year_began = chapter.as_of - dt.timedelta(days=DAYS_A_YEAR - 1)
    return Standing(
        customers=customers.sort("customer"),
        last_year=_weighed(chapter, year_began) if first_counted(chapter) < year_began else None,
        days=window(chapter),
        unjudged=unjudged,
        potential=limit if limit > 0 else None,
        respelt=respelt,
    )


def _weighed(chapter: Chapter, first: dt.date | None = None) -> pl.DataFrame:
    """Return what everybody of the ledger brought since a day, and how far the company depends on it."""
    customers = shares_of_revenue(_brought(chapter, first))
    customers = customers.with_columns(
        dependency_level(pl.col("share"), chapter.parameters.dependency_limits).alias("dependency")
    )
    told = chapter.particulars
    if told is not None and "volume_discount" in told.columns:
        customers = customers.join(told.select("customer", "volume_discount"), on="customer", how="left")
    return customers.sort("customer")


def _brought(chapter: Chapter, first: dt.date | None) -> pl.DataFrame:
    """Return what everybody of the ledger brought since a day; nothing, where they have no row since."""
    brought = customer_profit(chapter, first).select("customer", "revenue", "profit", "cost", "discount")
    everybody = chapter.ledger.select("customer").unique()
    known = {
        "revenue": True,
        "profit": profit_known(chapter),
        # a margin tells what is earned, but not what is bought for whom
        "cost": costs_known(chapter),
        "discount": discounts_known(chapter),
    }
    nothing = pl.col("revenue").is_null()
    return everybody.join(brought, on="customer", how="left").with_columns(
        (pl.when(nothing).then(0.0).otherwise(pl.col(name)) if told else pl.lit(None, pl.Float64)).alias(name)
        for name, told in known.items()
    )


def _spellings(chapter: Chapter, part: str) -> dict[str, str]:
    """Return which spellings of a department or manager are another's, by ledger and customers' table together."""
    frames = [frame for frame in (chapter.ledger, chapter.particulars) if frame is not None and part in frame.columns]
    return spellings(pl.concat([frame[part] for frame in frames])) if frames else {}


def _with_part(
    chapter: Chapter, lines: pl.DataFrame, customers: pl.DataFrame, part: str, same: Mapping[str, str]
) -> tuple[pl.DataFrame, str | None]:
    """Add who looks after each customer, and the part of the company that rests on the customer most.

    Of the customers' table first, else of the customer's latest row. The second answer is why the share of a part is
    no criterion here.
    """
    spelt = pl.col(part).replace(same) if same else pl.col(part)
    recorded = spelt if part in customers.columns else pl.lit(None, pl.String)
    named = "dependent_manager" if part == "manager" else part
    share = pl.lit(None, pl.Float64).alias(f"share_of_{part}")
    if part in lines.columns:
        latest = (
            chapter.ledger.filter(pl.col(part).is_not_null())
            .sort("date", maintain_order=True)
            .group_by("customer")
            .agg(spelt.last().alias("latest"))
        )
        customers = customers.join(latest, on="customer", how="left")
        customers = customers.with_columns(pl.coalesce(recorded, "latest").alias(part)).drop("latest")
        lines = lines.with_columns(spelt)
    else:
        customers = customers.with_columns(recorded.alias(part))
        lines = lines.join(customers.select("customer", part), on="customer", how="left")
    parts = lines[part].drop_nulls().n_unique()
    if parts < 2:
        reason = f"one {part} only, so the same as the company" if parts else "not recorded"
        extra = [share] if named == part else [share, pl.lit(None, pl.String).alias(named)]
        return customers.with_columns(extra), reason
    rests_on = largest_share_of_part(lines, part).rename({part: "rests_on"})
    customers = customers.join(rests_on, on="customer", how="left")
    where = pl.col("rests_on") if named != part else pl.coalesce("rests_on", part)
    return customers.with_columns(where.alias(named)).drop("rests_on"), None


def rhythm(values: pd.DataFrame) -> BGNBD | Unsaid:
    """Fit the model that tells how long a silence is longer than a customer's own rhythm explains.

    Parameters
    ----------
    values : pandas.DataFrame
        The table `lifetime_value`, whose histories are those of every customer at `as_of`.
    """
    model: BGNBD | Unsaid = fit_all(values)
    return model


def accounts(chapter: Chapter, everybody: Standing, values: pd.DataFrame, model: BGNBD | Unsaid) -> pl.DataFrame:
    """Return the table `key_accounts`.

    Parameters
    ----------
    chapter : Chapter
    everybody : Standing
    values : pandas.DataFrame
        The table `lifetime_value`.
    model : BGNBD or Unsaid
        From `rhythm`; where there is none, nobody is called silent.

    Returns
    -------
    polars.DataFrame
        One row a key account, by share from the largest down; columns as in `TABLE`. share_of_manager is the largest
        share in any one manager's revenue, dependent_manager whose revenue that is, and department likewise.
        days_silent counts from the last purchase that stood, longest_gap is how many days without one the customer's
        own rhythm explains, and value_if_alive is what the customer is worth over the horizon if still one.
    """
    given = chapter.parameters
    kept = key_accounts(
        everybody.customers,
        share=given.key_account_share,
        score=given.key_account_score,
        potential=everybody.potential,
    )
    theirs = pl.from_pandas(values[values["customer"].isin(kept["customer"].to_list())], nan_to_null=True)
    limit = (
        np.full(theirs.height, np.nan)
        if isinstance(model, Unsaid)
        else model.overdue_after(theirs["frequency"].to_numpy(), theirs["recency"].to_numpy(), given.silence)
    )
    silence = against_own_rhythm(theirs, np.asarray(limit), DAYS_PER_UNIT[given.time_unit], chapter.as_of)
    worth = theirs.select("customer", value_if_alive())
    return (
        kept.join(silence, on="customer", how="left", maintain_order="left")
        .join(worth, on="customer", how="left", maintain_order="left")
        .select(*TABLE)
    )


def value_if_alive() -> pl.Expr:
    """Return what a customer is worth over the horizon if still one, from clv and p_alive."""
    alive = pl.col("p_alive")
    return pl.when(alive > 0).then(pl.col("clv").cast(pl.Float64) / alive).alias("value_if_alive")


def table_key_accounts(chapter: Chapter) -> pd.DataFrame:
    """Compute the table `key_accounts` for a chapter that needs it."""
    values = chapter.table("lifetime_value")
    return accounts(chapter, standing(chapter), values, rhythm(values)).to_pandas()


def write_tables(chapter: Chapter, table: pl.DataFrame) -> None:
    """Write the table `key_accounts`."""
    # arrow's types, so that a column without any answer keeps its own
    chapter.write("key_accounts", table.to_pandas(use_pyarrow_extension_array=True))


def criteria_table(chapter: Chapter, everybody: Standing, table: pl.DataFrame) -> ShownTable:
    """Show each criterion with its number, how many customers meet it, and what they bring."""
    rows = [_criterion(chapter, everybody, table, name) for name in CRITERIA]
    rows.append({"criterion": "any of these", "from": "", **_group(table)})
    columns: Columns = {
        "criterion": ("criterion", str),
        "from": ("met from", str),
        "customers": ("key accounts", str),
        "share": ("share of revenue", str),
    }
    return show_table(pd.DataFrame(rows), f"Who is a key account, {everybody.days}", columns)


def _criterion(chapter: Chapter, everybody: Standing, table: pl.DataFrame, name: str) -> dict[str, str]:
    if name in everybody.unjudged:
        return {"criterion": name, "from": everybody.unjudged[name], "customers": "", "share": ""}
    met = table.filter(pl.col("criteria").str.split(", ").list.contains(name))
    return {"criterion": name, "from": _met_from(chapter, everybody, name), **_group(met)}


def _group(rows: pl.DataFrame) -> dict[str, str]:
    return {"customers": count(rows.height), "share": tenths(total(rows["share"].fill_null(0.0)))}


def _met_from(chapter: Chapter, everybody: Standing, name: str) -> str:
    given = chapter.parameters
    if name.endswith("revenue"):
        part = name.split()[0]
        whose = {"company": "all revenue"}.get(
            part, f"the revenue of a {part}{_respelt(everybody.respelt.get(part, 0))}"
        )
        return f"{percent(given.key_account_share)} of {whose}"
    if everybody.customers.schema[name] == pl.Boolean:
        return "a yes in the customers' table"
    if name == "potential":
        limit = money(everybody.potential or np.nan, given.currency)
        return f"{limit} a year, {percent(given.key_account_share)} of our revenue"
    return f"a score of {given.key_account_score:g}"


def _respelt(number: int) -> str:
    return f" ({plural(number, 'other spelling')} taken together)" if number else ""


@says_why_not
def account_table(chapter: Chapter, table: pl.DataFrame) -> ShownTable:
    """Show the key accounts, the largest first."""
    if table.is_empty():
        raise CannotSay("No customer meets a criterion of a key account, so there is none to list.")
    currency = chapter.parameters.currency
    shown = table.head(SHOWN).to_pandas()
    shown["of_department"] = _of_part(shown, "department", "department")
    shown["of_manager"] = _of_part(shown, "manager", "dependent_manager")
    columns: Columns = {
        "customer": ("customer", key),
        "share": ("share of revenue", tenths),
        "dependency": ("dependency", str),
        "criteria": ("criteria met", str),
        "manager": ("manager", _name),
        "revenue": (f"revenue ({currency})", count),
        "profit": (f"profit ({currency})", _amount),
        "of_department": ("largest share of a department", str),
        "of_manager": ("largest share of a manager", str),
    }
    which = (
        f"The {count(SHOWN)} largest of {count(table.height)} key accounts" if table.height > SHOWN else "Key accounts"
    )
    return show_table(shown, f"{which}, {window(chapter)}", columns)


def _of_part(rows: pd.DataFrame, part: str, named: str) -> list[str]:
    return [
        "not recorded" if pd.isna(share) else f"{tenths(share)} ({key(name)})"
        for share, name in zip(rows[f"share_of_{part}"], rows[named], strict=True)
    ]


@says_why_not
def largest_customers(everybody: Standing) -> pd.DataFrame:
    """Return the customers who bring most revenue, with what they bring together with those before them.

    Returns
    -------
    pandas.DataFrame
        The columns of `Standing.customers` and together; where other days count than the last 365, share_last_year
        and dependency_last_year too. attrs["days"] names the days that count.
    """
    if everybody.customers["share"].null_count():
        raise CannotSay("Revenue isn't above zero in the days that count, so no customer has a share in it.")
    top = everybody.customers.sort("share", "customer", descending=[True, False]).head(LARGEST_SHOWN)
    top = top.with_columns(pl.col("share").cum_sum().alias("together"))
    if everybody.last_year is not None:
        latest = everybody.last_year.select("customer", share_last_year="share", dependency_last_year="dependency")
        top = top.join(latest, on="customer", how="left", maintain_order="left")
    frame = top.to_pandas()
    frame.attrs["days"] = everybody.days
    return frame


def largest_table(chapter: Chapter, largest: pd.DataFrame | Unsaid) -> ShownTable | None:
    """Show the customers who bring most revenue, and how dangerous that is.

    Nothing is shown where the figure has said why not.
    """
    if isinstance(largest, Unsaid):
        return None
    columns: dict[str, tuple[str, Any]] = {
        "customer": ("customer", key),
        "revenue": (f"revenue ({chapter.parameters.currency})", count),
        "share": ("share of revenue", tenths),
        "together": ("with those above", tenths),
        "dependency": ("dependency", str),
    }
    if "share_last_year" in largest:
        columns["share_last_year"] = (f"share in the last {DAYS_A_YEAR} days", tenths)
        columns["dependency_last_year"] = ("dependency now", str)
    limits = ", ".join(
        f"{name} from {percent(limit)}"
        for name, limit in zip(LEVELS[1:], chapter.parameters.dependency_limits, strict=True)
    )
    return show_table(largest, f"The largest customers, {largest.attrs['days']}; dependency: {limits}", columns)


@says_why_not
def over_time(chapter: Chapter) -> pd.DataFrame:
    """Return concentration by quarter, of a long ledger by year; see `concentration_by_period`.

    Returns
    -------
    pandas.DataFrame
        With label, the period in words; attrs["period"] is ``quarter`` or ``year``.
    """
    lines = chapter.ledger.select("customer", "date", "amount")
    period = "quarter"
    found = concentration_by_period(lines, period, chapter.as_of)
    if found.height > QUARTERS_SHOWN:
        period = "year"
        found = concentration_by_period(lines, period, chapter.as_of)
    if not (found["largest_share"].is_not_null() & found["complete"]).any():
        raise CannotSay(f"Concentration is followed by {period}, and no whole {period} with revenue has passed yet.")
    frame = found.to_pandas()
    starts = pd.DatetimeIndex(frame["period"])
    frame["label"] = starts.strftime("%Y") if period == "year" else [f"{d.year} Q{d.quarter}" for d in starts]
    frame.attrs["period"] = period
    return frame


def over_time_table(chapter: Chapter, periods: pd.DataFrame | Unsaid) -> ShownTable | None:
    """Show concentration by period, the newest first.

    Nothing is shown where the figure has said why not.
    """
    if isinstance(periods, Unsaid):
        return None
    shown = periods.iloc[::-1].reset_index(drop=True)
    shown["label"] = shown["label"] + shown["complete"].map({True: "", False: " (in part)"})
    shown["equal"] = 1 / shown["herfindahl"]
    columns: Columns = {
        "label": (periods.attrs["period"], str),
        "customers": ("customers", count),
        "revenue": (f"revenue ({chapter.parameters.currency})", count),
        "largest": ("the largest", _name),
        "largest_share": ("its share", tenths),
        "three_largest_share": ("share of the three largest", tenths),
        "gini": ("Gini", number),
        "herfindahl": ("Herfindahl", number),
        "equal": ("as among equals", count),
    }
    return show_table(shown, f"Concentration of revenue by {periods.attrs['period']}", columns)


@says_why_not
def if_they_leave(everybody: Standing) -> pl.DataFrame:
    """Return what goes with the largest customer, and with the largest three.

    Returns
    -------
    polars.DataFrame
        of_last_year (bool) before the columns of `without_the_largest`: the cases reckoned on the days that count
        and, where these are others and had revenue, those reckoned on the last 365 days.
    """
    if everybody.customers.height < 2:
        raise CannotSay("There is one customer only: should that one leave, nothing is left.")
    if everybody.customers["share"].null_count():
        raise CannotSay(
            "Revenue isn't above zero in the days that count, so what would go with the largest can't be told."
        )
    spans = [everybody.customers]
    if everybody.last_year is not None and not everybody.last_year["share"].null_count():
        spans.append(everybody.last_year)
    return pl.concat(
        without_the_largest(span, list(WHO)).select(pl.lit(bool(latest)).alias("of_last_year"), pl.all())
        for latest, span in enumerate(spans)
    )


def leaving_table(chapter: Chapter, everybody: Standing, cases: pl.DataFrame | Unsaid) -> ShownTable | None:
    """Show what goes with the largest customers, and what is left.

    Nothing is shown where the figure has said why not.
    """
    if isinstance(cases, Unsaid):
        return None
    currency = chapter.parameters.currency
    facts = {_leavers(case): _loss(everybody, case, currency) for case in cases.iter_rows(named=True)}
    frame = pd.DataFrame(facts).rename_axis("what").reset_index()
    columns: Columns = {"what": ("", str)} | {name: (name, str) for name in facts}
    beside = f", and in the last {DAYS_A_YEAR} days" if cases["of_last_year"].any() else ""
    caption = f"What goes with the largest customers, reckoned on what they brought {everybody.days}{beside}"
    return show_table(frame, caption, columns)


def _leavers(case: dict) -> str:
    leave = f"{WHO[case['leave']]} leave{'s' if case['leave'] == 1 else ''}"
    return f"{leave}: last {DAYS_A_YEAR} days" if case["of_last_year"] else leave


def _loss(everybody: Standing, case: dict, currency: str) -> dict[str, str]:
    lost = _money(case["volume_discount"], currency)
    if case["volume_discount"] is not None and case["discounts_known"] < case["leave"]:
        lost += f" (of {count(case['discounts_known'])} of them)"
    return {
        "who": ", ".join(map(key, case["who"])),
        "revenue that goes": _part(case, "revenue", currency),
        "revenue left": money(case["revenue_left"], currency),
        "profit that goes": _part(case, "profit", currency),
        "profit left": _money(case["profit_left"], currency),
        "of the revenue left, the next largest brings": tenths(case["next_share"]),
        "volume we buy for them": _part(case, "cost", currency),
        "volume discount recorded of them": recorded_discounts(everybody, case["who"]),
        VOLUME_DISCOUNT_LOST: lost,
        "discounts given to them": _money(case["discount"], currency),
    }


def recorded_discounts(everybody: Standing, who: list[str]) -> str:
    """Return the volume discount recorded of each of these customers, in words."""
    if "volume_discount" not in everybody.customers.columns:
        return "not recorded"
    recorded = dict(
        everybody.customers.filter(pl.col("customer").is_in(who)).select("customer", "volume_discount").rows()
    )
    return ", ".join("not recorded" if recorded[name] is None else percent(recorded[name]) for name in who)


def _part(case: Mapping[str, float | None], name: str, currency: str) -> str:
    lost, share = case[f"{name}_lost"], case[f"{name}_share"]
    return _money(lost, currency) + ("" if share is None else f" ({tenths(share)})")


@says_why_not
def load(chapter: Chapter, everybody: Standing, table: pl.DataFrame) -> pd.DataFrame:
    """Return how many key accounts each manager holds; see `load_by_manager`.

    Names that differ by case and spaces only are one manager's; attrs["respelt"] says how many such spellings.
    """
    managers = everybody.customers["manager"].drop_nulls().unique().to_list()
    if not managers:
        raise CannotSay("Neither the ledger nor the customers' table names a manager, so load can't be told.")
    frame = load_by_manager(table, managers, chapter.parameters.key_accounts_per_manager).to_pandas()
    frame.attrs["respelt"] = everybody.respelt["manager"]
    return frame


def load_table(chapter: Chapter, loads: pd.DataFrame | Unsaid) -> ShownTable | None:
    """Show how many key accounts each manager holds.

    Nothing is shown where the figure has said why not.
    """
    if isinstance(loads, Unsaid):
        return None
    columns: Columns = {
        "manager": ("manager", key),
        "key_accounts": ("key accounts", count),
        "revenue": (f"their revenue ({chapter.parameters.currency})", count),
        "too_many": ("too many", _blank_or_count),
        "room": ("room for", _blank_or_count),
    }
    limit = plural(chapter.parameters.key_accounts_per_manager, "key account")
    return show_table(loads.head(SHOWN), f"Load: a manager can hold {limit}{_respelt(loads.attrs['respelt'])}", columns)


@says_why_not
def silence(
    chapter: Chapter, everybody: Standing, table: pl.DataFrame, values: pd.DataFrame, model: BGNBD | Unsaid
) -> pd.DataFrame:
    """Return the key accounts who have bought, those worth most if still customers first, and whom one may contact.

    Without a `model` of their rhythm the reason for that is the answer.

    Returns
    -------
    pandas.DataFrame
        The columns of the table `key_accounts`, p_alive, consent (yes, no, not recorded) and may_contact.
    """
    known = everybody.customers
    consent = pl.col("consent") if "consent" in known.columns else pl.lit(None, pl.String)
    allowed = ["yes"] if chapter.parameters.consent_required else ["yes", "not recorded"]
    bought = table.filter(pl.col("days_silent").is_not_null())
    alive = pl.DataFrame({name: values[name].to_numpy() for name in ("customer", "p_alive")})
    return (
        bought.join(known.select("customer", consent.fill_null("not recorded").alias("consent")), on="customer")
        .join(alive, on="customer", how="left")
        .with_columns(pl.col("consent").is_in(allowed).alias("may_contact"))
        .sort("value_if_alive", "revenue", "customer", descending=[True, True, False], nulls_last=True)
        .to_pandas()
    )


def call_table(chapter: Chapter, silent: pd.DataFrame | Unsaid) -> ShownTable | Unsaid | None:
    """Show whom to call today: silent for longer than their own rhythm explains, and not to be left alone.

    Nothing is shown where the figure has said why not.
    """
    if isinstance(silent, Unsaid):
        return None
    called = silent[silent["silent"] & silent["may_contact"]]
    if called.empty:
        return Unsaid("Nobody is to be called today.")
    return _silent_table(chapter, called, "To be called today")


def left_alone_table(chapter: Chapter, silent: pd.DataFrame | Unsaid) -> ShownTable | None:
    """Show who has gone silent as well, and may not be contacted; nothing where there is nobody."""
    if isinstance(silent, Unsaid):
        return None
    left_alone = silent[silent["silent"] & ~silent["may_contact"]]
    if left_alone.empty:
        return None
    return _silent_table(chapter, left_alone, "Silent too, and not to be contacted")


def _silent_table(chapter: Chapter, rows: pd.DataFrame, caption: str) -> ShownTable:
    columns: Columns = {
        "customer": ("customer", key),
        "manager": ("manager", _name),
        "days_silent": ("days silent", count),
        "longest_gap": ("longest usual gap (days)", count),
        "overdue_since": ("overdue since", day),
        "p_alive": ("still a customer", percent),
        "value_if_alive": (f"{value_in_words(chapter)} if still a customer ({chapter.parameters.currency})", _amount),
        "consent": ("consent", str),
    }
    which = f", the first {count(SHOWN)} of {count(len(rows))}" if len(rows) > SHOWN else ""
    horizon = f"over the next {count(chapter.parameters.horizon_days)} days"
    return show_table(rows.head(SHOWN), f"{caption}{which}; worth {horizon}", columns)


def value_in_words(chapter: Chapter) -> str:
    """Return what lifetime value is of on this base."""
    return "profit" if profit_known(chapter) else "revenue"


def window(chapter: Chapter) -> str:
    """Return the days that count in words."""
    lookback = chapter.parameters.lookback_days
    return (
        f"from {day(first_counted(chapter))} to {day(chapter.as_of)}"
        if lookback is None
        else f"in the {count(lookback)} days up to {day(chapter.as_of)}"
    )


def _money(amount: float | None, currency: str) -> str:
    return "not recorded" if amount is None else money(amount, currency)


def _amount(amount: float) -> str:
    return "not recorded" if pd.isna(amount) else count(amount)


def _blank_or_count(value: float) -> str:
    return count(value) if value else ""


def _name(name: str | None) -> str:
    return "not recorded" if name is None or pd.isna(name) else key(name)
