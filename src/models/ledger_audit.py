"""What an analyst should ask of whoever made a ledger, before trusting it.

A question is raised only where the ledger itself shows what makes it worth asking, measured by its own rhythm and its
own amounts: a ledger that sells twice a year has no gap of a month, and one that is closed on Sundays has none on
Sundays. Nothing is corrected and nothing is left out: what to do is for the person who knows the business.
"""

from __future__ import annotations

import datetime as dt
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import polars as pl

from models.closed_cohort import closed_cohort
from models.customer_days import CustomerDays, customer_days
from models.customer_keys import like_keys
from models.ledger_rhythm import (
    CERTAIN,
    CHANCE,
    FEWEST_DAYS,
    FEWEST_SALES,
    day_numbers,
    median_shifts,
    open_weekdays,
    power_of_ten,
    silences,
    silent_by_chance,
    silent_every_year,
)
from models.left_truncation import left_truncation

Verdict = Literal["note", "watch", "act"]
WEIGHT: dict[Verdict, int] = {"act": 0, "watch": 1, "note": 2}
WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
KEYS_SHOWN, LONGEST_KEY = 3, 24

# Months
LARGE_SHIFT = 5.0  # factor between medians
MONTHS_COMPARED = 6
THIN = 0.5  # of a usual month
PART_OF_MONTH = 0.25

# Shares
CROWDED_DAY, CROWDED_TIMES = 0.05, 20.0  # share of all rows on one day, and times the median day's
SAME_DAY_OF_MONTH = 0.5
LARGE_SALE, LARGE_CUSTOMER, MOST = 0.05, 0.1, 0.5  # of revenue
TIMES_EVEN_SHARE = 10  # a large share is none where there are few to divide by
COLLECTIVE, COLLECTIVE_TIMES = 0.05, 5.0  # share of all rows under one key, and times the next one's
FREE_WATCHED, RETURNS_WATCHED, REPEATS_WATCHED, SAME_AMOUNT, ROUND = 0.05, 0.1, 0.01, 0.5, 0.9
ONCE = 0.99  # of the keys occur on one day only
FEWEST_KEYS = 100
FEWEST_WITHOUT_RETURN = 1000  # sales

USED = ("customer", "date", "amount", "source")

NOBODY = (  # what stands as a key where there is no customer; without spaces and signs
    *("none", "null", "nan", "na", "unknown", "anonymous", "guest", "cash", "cashsale", "retail", "walkin", "test"),
    *("dummy", "default", "нет", "неизвестно", "тест", "розница", "наличные", "частноелицо", "физлицо"),
    "розничныйпокупатель",
)


@dataclass(frozen=True)
class Question:
    """One question worth asking of whoever made the ledger.

    Attributes
    ----------
    id : str
        Names the kind of question.
    statement : str
        What the ledger shows, with figures; amounts are in the ledger's currency.
    question : str
        What to ask.
    verdict : {"note", "watch", "act"}
        ``act``: answer it before trusting what rests on it. ``watch``: figures may be off. ``note``: know it.
    value : float or None
    unit : str
        Of `value`.
    """

    id: str
    statement: str
    question: str
    verdict: Verdict = "note"
    value: float | None = None
    unit: str = ""


def audit(rows: pl.DataFrame, as_of: dt.date, *, repeats: int = 0) -> list[Question]:
    """Return the questions that a ledger raises, the weightiest first.

    Parameters
    ----------
    rows : polars.DataFrame
        customer (string), date (date or datetime), amount (negative for a return), kind (sale or return), and, where
        there are, source, and net_amount (what is left of each row once returns are set against purchases).
    as_of : datetime.date
        Last day observed; later rows are only counted.
    repeats : int, default 0
        Rows that repeat another one in every column.

    Returns
    -------
    list of Question
        Empty for a ledger without a sale up to `as_of`.
    """
    seen = _Observed(rows, as_of)
    if seen.sales.is_empty():
        return []
    checks = (
        _gaps,
        _silent_end,
        _closed_days,
        _unit_change,
        _unit_of_sources,
        _left_cut,
        _closed_cohort,
        _cut_in_mid_month,
        _thin_last_month,
        _after_as_of,
        _dates_bunched,
        _largest_sale,
        _largest_customer,
        _collective_customer,
        _nobody,
        _like_keys,
        _keys_once,
        _free_sales,
        _returns,
        _same_amount,
        _round_amounts,
    )
    found = [question for check in checks for question in check(seen)] + list(_repeats(repeats, rows.height))
    return sorted(found, key=lambda question: WEIGHT[question.verdict])


class _Observed:
    """What the checks look at, each part computed once."""

    def __init__(self, rows: pl.DataFrame, as_of: dt.date) -> None:
        self.as_of = as_of
        used = [name for name in USED if name in rows.columns]
        # customers are told apart by hashes of their keys, which takes half the time of texts
        rows = rows.with_columns(pl.col("customer").hash().alias("hash"))
        is_sale, is_late = rows["kind"] == "sale", rows["date"].dt.date() > as_of
        self.later = rows.select("date").filter(is_late)["date"].dt.date()
        self.sales = rows.select("hash", *used).filter(is_sale & ~is_late)
        self.returns = rows.filter(~is_sale & ~is_late)

    @cached_property
    def by_day(self) -> pl.DataFrame:
        """Return day and sales, sorted."""
        return self.sales.group_by(pl.col("date").dt.date().alias("day")).agg(pl.len().alias("sales")).sort("day")

    @cached_property
    def customer_days(self) -> CustomerDays:
        """Return on which days each customer bought."""
        return customer_days(self.sales.select(pl.col("hash").alias("customer"), "date"))

    @cached_property
    def by_month(self) -> pl.DataFrame:
        """Return month and sales, silent months too."""
        months = self.by_day.group_by(pl.col("day").dt.truncate("1mo").alias("month")).agg(pl.col("sales").sum())
        first, last = self.first_day.replace(day=1), self.last_day.replace(day=1)
        every = pl.DataFrame({"month": pl.date_range(first, last, "1mo", eager=True)})
        return every.join(months, on="month", how="left").fill_null(0).sort("month")

    @cached_property
    def by_customer(self) -> pl.DataFrame:
        """Return customer, sales, revenue (after returns), and the first and the last sale's date."""
        bought = self.sales.group_by("hash").agg(
            pl.col("customer").first(),
            pl.len().alias("sales"),
            pl.col("amount").sum().alias("sold"),
            pl.col("date").min().alias("first"),
            pl.col("date").max().alias("last"),
        )
        returned = self.returns.group_by("hash").agg(
            pl.col("customer").first().alias("returning"), pl.col("amount").sum().alias("returned")
        )
        joined = bought.join(returned, on="hash", how="full", coalesce=True)
        revenue = pl.col("sold").fill_null(0) + pl.col("returned").fill_null(0)
        return joined.with_columns(
            pl.coalesce("customer", "returning").alias("customer"),
            pl.col("sales").fill_null(0),
            revenue.alias("revenue"),
        )

    @cached_property
    def amounts(self) -> pl.DataFrame:
        """Return amount and count of the sales, sorted."""
        return self.sales["amount"].value_counts().sort("amount")

    @cached_property
    def median(self) -> float:
        """Return the median sale."""
        return float(self.sales["amount"].median())  # type: ignore[arg-type]

    @cached_property
    def sold(self) -> float:
        """Return what was sold, before returns."""
        return float(self.sales["amount"].sum())

    @cached_property
    def silences(self) -> pl.DataFrame:
        """Return what `models.ledger_rhythm.silences` finds."""
        return silences(self.by_day.rename({"day": "date"}), self.as_of)

    @property
    def first_day(self) -> dt.date:
        return self.by_day["day"][0]

    @property
    def last_day(self) -> dt.date:
        return self.by_day["day"][-1]


def _gaps(seen: _Observed) -> Iterator[Question]:
    found = seen.silences.filter(~pl.col("every_year") & ~pl.col("at_end")).sort("days", descending=True)
    if found.is_empty():
        return
    longest = [_days(first, last) for first, last in found.select("first_day", "last_day").head(KEYS_SHOWN).iter_rows()]
    more = f" and {found.height - KEYS_SHOWN} more times" if found.height > KEYS_SHOWN else ""
    days = int(found["days"].sum())
    span = (seen.last_day - seen.first_day).days + 1
    yield Question(
        "gaps",
        f"Nothing was sold {_listed(longest)}{more}: {_plural(days, 'day')} of silence far longer than is usual here.",
        "Was nothing sold then, or are these days missing from the export?",
        "act" if days >= PART_OF_MONTH * span else "watch",
        days,
        "days",
    )


def _silent_end(seen: _Observed) -> Iterator[Question]:
    found = seen.silences.filter("at_end")
    if found.height:
        yield Question(
            "silent_end",
            f"The last sale is of {_day(seen.last_day)}; the {_plural(found['days'][0], 'day')} from then to "
            f"{_day(seen.as_of)} are silent, far longer than is usual here.",
            "Does the export end there? Then set as_of to its last day, or everybody looks longer gone than they are.",
            "act",
            float(found["days"][0]),
            "days",
        )


def _closed_days(seen: _Observed) -> Iterator[Question]:
    closed = ~open_weekdays(day_numbers(seen.by_day["day"]))
    every_year = seen.silences.filter("every_year")
    said = []
    if closed.any() and not closed.all():
        names = [name for name, shut in zip(WEEKDAYS, closed, strict=True) if shut]
        on_closed = seen.by_day.filter((pl.col("day").dt.weekday() - 1).is_in(np.flatnonzero(closed).tolist()))
        odd = int(on_closed["sales"].sum())
        but = f" but for {_plural(odd, 'row')} on {_plural(on_closed.height, 'day')}" if odd else ""
        said.append(f"on {_listed(names)}{but}")
    if every_year.height:
        last = every_year.row(-1, named=True)
        said.append(f"every year around {last['first_day'].day} {last['first_day']:%B}")
    if said:
        yield Question(
            "closed_days",
            f"Next to nothing is sold {' and '.join(said)}.",
            "Is the business closed then, or are those sales booked on other days?",
            value=float(closed.sum()),
            unit="weekdays",
        )


def _unit_change(seen: _Observed) -> Iterator[Question]:
    shifts = median_shifts(seen.sales)
    if not shifts:
        return
    shift = max(shifts, key=lambda each: each.factor)
    until = "" if shift.until is None else f" until {shift.until:%B %Y}"
    higher = "higher" if shift.after > shift.before else "lower"
    more = f" Such jumps: {len(shifts)}." if len(shifts) > 1 else ""
    suspected = f", close to {shift.power_of_ten:,}," if shift.power_of_ten else ""
    yield Question(
        "unit_change",
        f"From {shift.month:%B %Y}{until} the median sale is {_amount(shift.factor)} times{suspected} {higher} than "
        f"before: "
        f"{_amount(shift.after)} after {_amount(shift.before)}.{more}",
        "Did the currency, the unit (thousands, cents) or what counts as a row change then?",
        "act" if shift.power_of_ten or shift.factor >= LARGE_SHIFT else "watch",
        shift.factor,
        "times",
    )


def _unit_of_sources(seen: _Observed) -> Iterator[Question]:
    if "source" not in seen.sales.columns:
        return
    paid = seen.sales.filter(pl.col("amount") > 0)
    sources = (
        paid.group_by("source")
        .agg(pl.col("amount").median().alias("median"), pl.len().alias("sales"))
        .filter(pl.col("sales") >= FEWEST_SALES)
        .sort("sales", "source", descending=[True, False])
    )
    if sources.height < 2:
        return
    main = sources["median"][0]
    odd = [
        (name, median)
        for name, median in sources.select(pl.col("source").cast(pl.String), "median").iter_rows()
        if power_of_ten(max(median / main, main / median))
    ]
    if odd:
        name, median = odd[0]
        yield Question(
            "unit_of_sources",
            f"The median sale in {_plural(len(odd), 'source')} is a power of ten away from that of the largest one: "
            f"{_amount(median)} in {_shown(name)}, {_amount(main)} there.",
            "Is the currency or the unit another one in that file, or is its decimal sign read wrongly?",
            "watch",
            len(odd),
            "sources",
        )


def _left_cut(seen: _Observed) -> Iterator[Question]:
    found = left_truncation(seen.customer_days, seen.as_of)
    if found.cut:
        yield Question(
            "left_cut",
            f"{_plural(found.opening_customers, 'customer')} first bought in the ledger's first "
            f"{_plural(found.opening_days, 'day')}, and fewer and fewer after. {_share(found.back_opening)} of them "
            f"came back within {_plural(found.watch_days, 'day')}; of customers known for long "
            f"{_share(found.back_known)} do, of those first seen later {_share(found.back_later)}. So about "
            f"{_share(found.share_already)} of all were customers before.",
            "Does the ledger begin when the business did? If not, can an older export be had?",
            "watch",
            found.share_already,
            "share of the customers",
        )


def _closed_cohort(seen: _Observed) -> Iterator[Question]:
    found = closed_cohort(seen.customer_days, seen.as_of)
    if found.closed and found.won_from is not None and found.won_until is not None:
        yield Question(
            "closed_cohort",
            f"All {_plural(found.customers, 'customer')} first bought from {_day(found.won_from)} to "
            f"{_day(found.won_until)}, and nobody in the {_plural(found.quiet_days, 'day')} since, though these bought "
            f"{_plural(found.purchases_after, 'time')} more.",
            "Were only the customers of that time exported? If so, can those won later be had?",
            "watch",
            found.quiet_days,
            "days",
        )


def _cut_in_mid_month(seen: _Observed) -> Iterator[Question]:
    if seen.by_day.height < FEWEST_DAYS:
        return
    month = seen.first_day.replace(day=1)
    missing = (seen.first_day - month).days
    if _is_part_of_month(seen, month, missing):
        yield Question(
            "begins_in_mid_month",
            f"The ledger begins on {_day(seen.first_day)}: of its first month {_plural(missing, 'day')} are missing.",
            "Is that the first day of business, or of the export?",
            value=missing,
            unit="days",
        )
    missing = _length(seen.as_of) - seen.as_of.day
    if seen.later.is_empty() and _is_part_of_month(seen, seen.as_of + dt.timedelta(1), missing):
        yield Question(
            "ends_in_mid_month",
            f"The ledger ends on {_day(seen.as_of)}: of its last month {_plural(missing, 'day')} are missing.",
            "Is the export complete up to that day? Months and quarters are compared as far as they go.",
            value=missing,
            unit="days",
        )


def _is_part_of_month(seen: _Observed, first: dt.date, missing: int) -> bool:
    """Whether so many days from `first` on are a part of a month, not silent by chance or as every year."""
    days = day_numbers(seen.by_day["day"])
    start = int(day_numbers(pl.Series([first]))[0])
    return (
        missing >= PART_OF_MONTH * _length(first)
        and silent_by_chance(days, missing) < CHANCE
        and not silent_every_year(days, start, start + missing - 1)
    )


def _thin_last_month(seen: _Observed) -> Iterator[Question]:
    months = seen.by_month["sales"].to_numpy()
    if seen.silences["at_end"].any() or len(months) <= MONTHS_COMPARED:
        return
    month = seen.last_day.replace(day=1)
    observed = min(seen.as_of, month + dt.timedelta(_length(month) - 1)).day / _length(month)
    before = months[-1 - MONTHS_COMPARED : -1]
    usual = float(np.median(before)) * observed
    beyond_chance = usual - months[-1] > CERTAIN * np.sqrt(usual)
    if months[-1] >= min(THIN * usual, before.min() * observed) or not beyond_chance:
        return
    if len(months) > 12 + MONTHS_COMPARED:
        then = months[-13 - MONTHS_COMPARED : -13]
        if months[-13] < THIN * np.median(then):  # the same month was as thin a year ago
            return
    yield Question(
        "thin_last_month",
        f"{month:%B %Y} holds {_plural(int(months[-1]), 'sale')}, {_share(months[-1] / usual)} of what the "
        f"{MONTHS_COMPARED} months before lead one to expect.",
        "Is the last month booked in full? If not, set as_of to the last day that is.",
        "watch",
        months[-1] / usual,
        "share of a usual month",
    )


def _after_as_of(seen: _Observed) -> Iterator[Question]:
    later = len(seen.later)
    if later:
        last: dt.date = seen.later.max()  # type: ignore[assignment]
        yield Question(
            "after_as_of",
            f"{_plural(later, 'row')} dated after {_day(seen.as_of)}, up to {_day(last)}, {_are(later)} left out.",
            "Is the ledger newer than as_of says, or are these dates wrong?",
            value=later,
            unit="rows",
        )


def _dates_bunched(seen: _Observed) -> Iterator[Question]:
    span = (seen.last_day - seen.first_day).days + 1
    if span <= 3 * 31:
        return
    total = seen.sales.height
    day, most = seen.by_day.sort("sales", "day", descending=[True, False]).row(0)
    if most >= CROWDED_DAY * total and most >= CROWDED_TIMES * seen.by_day["sales"].median():  # type: ignore[operator]
        yield Question(
            "crowded_day",
            f"{_share(most / total)} of all sales ({_plural(most, 'row')}) are dated {_day(day)}.",
            "Is that an opening balance, an import, or a date put in where none was known?",
            "watch",
            most / total,
            "share of sales",
        )
        return
    of_month = seen.by_day.group_by(pl.col("day").dt.day().alias("number")).agg(pl.col("sales").sum())
    ends = int(seen.by_day.filter(pl.col("day") == pl.col("day").dt.month_end())["sales"].sum())
    number, most = of_month.sort("sales", descending=True).row(0)
    named, most = ("the last day of a month", ends) if ends > most else (f"day {number} of a month", most)
    if most >= SAME_DAY_OF_MONTH * total and total >= FEWEST_KEYS:
        yield Question(
            "same_day_of_month",
            f"{_share(most / total)} of all sales are dated {named}.",
            "Are these monthly totals? Then how often and when a customer bought can't be told.",
            "act",
            most / total,
            "share of sales",
        )


def _largest_sale(seen: _Observed) -> Iterator[Question]:
    largest = float(seen.amounts["amount"][-1])
    share = largest / seen.sold if seen.sold > 0 else 0.0
    if share >= LARGE_SALE and share * seen.sales.height >= TIMES_EVEN_SHARE:
        times = f", {_amount(largest / seen.median)} times the median" if seen.median > 0 else ""
        yield Question(
            "largest_sale",
            f"One sale of {_amount(largest)} is {_share(share)} of all that was sold{times}.",
            "Is it real? It stays in, and every mean rests on it.",
            "act" if share >= MOST else "watch",
            share,
            "share of sales",
        )


def _largest_customer(seen: _Observed) -> Iterator[Question]:
    customers = seen.by_customer
    revenue = float(customers["revenue"].sum())
    top = customers.filter(pl.col("revenue") == pl.col("revenue").max()).sort("customer").row(0, named=True)
    share = float(top["revenue"]) / revenue if revenue > 0 else 0.0
    if share >= LARGE_CUSTOMER and share * customers.height >= TIMES_EVEN_SHARE:
        yield Question(
            "largest_customer",
            f"One customer of {customers.height:,}, {_shown(top['customer'])}, brings {_share(share)} of revenue.",
            "Is that one customer, or a key that stands for many?",
            "act" if share >= MOST else "watch",
            share,
            "share of revenue",
        )


def _collective_customer(seen: _Observed) -> Iterator[Question]:
    if seen.by_customer.height < FEWEST_DAYS:
        return
    first, second = seen.by_customer.top_k(2, by="sales").sort("sales", descending=True).iter_rows(named=True)
    share = first["sales"] / seen.sales.height
    if share >= COLLECTIVE and first["sales"] >= COLLECTIVE_TIMES * second["sales"]:
        yield Question(
            "collective_customer",
            f"The key {_shown(first['customer'])} has {_share(share)} of all sales, "
            f"{first['sales'] / max(second['sales'], 1):,.0f} times as many as the next one.",
            "Does it stand for everybody without a name, such as cash sales? Then it is no customer.",
            "act",
            share,
            "share of sales",
        )


def _nobody(seen: _Observed) -> Iterator[Question]:
    bare = pl.col("customer").str.to_lowercase().str.replace_all(r"[\s\p{P}]+", "")
    is_nobody = bare.is_in(["", *NOBODY])
    found = seen.by_customer.filter(is_nobody).sort("sales", "customer", descending=[True, False])
    if found.height:
        share = float(found["sales"].sum()) / seen.sales.height
        keys = _listed([_shown(key) for key in found["customer"].head(KEYS_SHOWN)])
        yield Question(
            "nobody",
            f"{keys} {'stands' if found.height == 1 else 'stand'} as a customer's key, with "
            f"{_plural(int(found['sales'].sum()), 'sale')} ({_share(share)}).",
            "Does it mean that the customer isn't known?",
            "watch" if share >= REPEATS_WATCHED else "note",
            share,
            "share of sales",
        )


def _like_keys(seen: _Observed) -> Iterator[Question]:
    groups = like_keys(seen.by_customer["customer"])
    if groups.height:
        one = " and ".join(_shown(key) for key in groups["keys"][0][:2])
        yield Question(
            "like_keys",
            f"{_plural(int(groups['keys'].list.len().sum()), 'key')} in {_plural(groups.height, 'group')} differ only "
            f"by {_listed(_differences(groups))}, such as {one}.",
            "Are they the same customers? Then let the source write each key one way.",
            "watch",
            groups.height,
            "groups of keys",
        )


def _differences(groups: pl.DataFrame) -> list[str]:
    names = {"zeros": "leading zeros", "case": "case", "spaces": "spaces", "letters": "letters that look alike"}
    return [name for column, name in names.items() if groups[column].any()]


def _keys_once(seen: _Observed) -> Iterator[Question]:
    bought = seen.by_customer.filter(pl.col("sales") > 0)
    once = int((bought["first"].dt.date() == bought["last"].dt.date()).sum())
    if bought.height >= FEWEST_KEYS and once >= ONCE * bought.height and seen.by_day.height >= FEWEST_DAYS:
        yield Question(
            "keys_once",
            f"{once:,} of {bought.height:,} customers bought on one day only.",
            "Is the key that of a customer, or of an order, a receipt or a visit?",
            "act",
            once / bought.height,
            "share of customers",
        )


def _free_sales(seen: _Observed) -> Iterator[Question]:
    free = int(seen.amounts.filter(pl.col("amount") == 0)["count"].sum())
    if free:
        share = free / seen.sales.height
        yield Question(
            "free_sales",
            f"{_plural(free, 'sale')} of {seen.sales.height:,} ({_share(share)}) {_are(free)} for nothing.",
            "Are these gifts and samples, or is the price missing?",
            "watch" if share >= FREE_WATCHED else "note",
            share,
            "share of sales",
        )


def _returns(seen: _Observed) -> Iterator[Question]:
    returned = -float(seen.returns["amount"].sum())
    if seen.returns.is_empty():
        if seen.sales.height >= FEWEST_WITHOUT_RETURN:
            yield Question(
                "no_returns",
                f"There is not one return beside {_plural(seen.sales.height, 'sale')}.",
                "Does nobody bring anything back, or are returns booked elsewhere? Then revenue is too high.",
                value=0.0,
                unit="share of sales",
            )
        return
    share = returned / seen.sold if seen.sold > 0 else np.inf
    yield Question(
        "returns",
        f"{_plural(seen.returns.height, 'return')} {'takes' if seen.returns.height == 1 else 'take'} back "
        f"{_share(share)} of what was sold.",
        "Is that usual in this business?",
        "watch" if share >= RETURNS_WATCHED else "note",
        share,
        "share of sales",
    )
    only_returns = seen.by_customer.filter(pl.col("revenue") < 0)
    if only_returns.height:
        yield Question(
            "returned_more_than_bought",
            f"{_plural(only_returns.height, 'customer')} brought back more than the ledger shows them buying, by "
            f"{_amount(-float(only_returns['revenue'].sum()))} in all.",
            "Did they buy before the ledger begins, or under another key?",
            "watch",
            only_returns.height,
            "customers",
        )
    if {"order", "product"} & set(seen.returns.columns) and "net_amount" in seen.returns.columns and returned > 0:
        unmatched = -float(seen.returns["net_amount"].sum()) / returned
        if unmatched >= REPEATS_WATCHED:
            yield Question(
                "returns_of_nothing_known",
                f"{_share(unmatched)} of the money returned can't be set against a purchase in the ledger.",
                "Do returns name the order they undo? Without it they only lower the customer's revenue.",
                "watch" if unmatched >= MOST else "note",
                unmatched,
                "share of returns",
            )


def _same_amount(seen: _Observed) -> Iterator[Question]:
    if seen.sales.height < FEWEST_SALES:
        return
    amount, times = seen.amounts.sort("count", "amount", descending=[True, False]).row(0)
    share = times / seen.sales.height
    if share >= SAME_AMOUNT and amount != 0:
        yield Question(
            "same_amount",
            f"{_share(share)} of all sales are of {_amount(amount)}.",
            "Is that a real price, such as a subscription's, or one put in where none was known?",
            "watch",
            share,
            "share of sales",
        )


def _round_amounts(seen: _Observed) -> Iterator[Question]:
    paid = seen.amounts.filter(pl.col("amount") > 0)
    if paid["count"].sum() < FEWEST_KEYS or paid.height < FEWEST_DAYS or seen.median < FEWEST_DAYS:
        return
    unit = 10 ** int(np.floor(np.log10(seen.median)))
    share = int(paid.filter(pl.col("amount") % unit == 0)["count"].sum()) / int(paid["count"].sum())
    if share >= ROUND:
        yield Question(
            "round_amounts",
            f"{_share(share)} of all sales are whole multiples of {unit:,}, with a median of {_amount(seen.median)}.",
            "Were amounts rounded, or are they estimates?",
            value=share,
            unit="share of sales",
        )


def _repeats(repeats: int, rows: int) -> Iterator[Question]:
    if repeats:
        share = repeats / rows
        yield Question(
            "repeats",
            f"{_plural(repeats, 'row')} of {rows:,} ({_share(share)}) {_are(repeats)} equal to an earlier one in every "
            f"column.",
            "Were these bought twice, or booked twice? Set drop_duplicates if booked twice.",
            "watch" if share >= REPEATS_WATCHED else "note",
            share,
            "share of rows",
        )


def _length(month: dt.date) -> int:
    return monthrange(month.year, month.month)[1]


def _plural(number: float, one: str) -> str:
    return f"{number:,.0f} {one}{'' if number == 1 else 's'}"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _share(share: float) -> str:
    if share == np.inf:
        return "more than all"
    return "less than 0.1%" if 0 < share < 0.0005 else f"{100 * share:.{0 if share >= 0.1 else 1}f}%"


def _amount(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"


def _day(day: dt.date) -> str:
    return f"{day.day} {day:%B %Y}"


def _days(first: dt.date, last: dt.date) -> str:
    return f"on {_day(first)}" if first == last else f"from {_day(first)} to {_day(last)}"


def _shown(key: str) -> str:
    """Quote a key in one line."""
    printable = "".join(sign if sign.isprintable() else "?" for sign in key)
    return f"'{printable if len(printable) <= LONGEST_KEY else printable[: LONGEST_KEY - 1] + '…'}'"
