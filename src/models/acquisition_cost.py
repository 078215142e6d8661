"""New customers against existing ones: what each brings, and what winning one costs against keeping one."""

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise

import polars as pl

#: What money can be spent on; anything else is spending on neither.
ACQUISITION, RETENTION = "acquisition", "retention"

Span = tuple[dt.date, dt.date]


def years_back(first_day: dt.date, as_of: dt.date, *, most: int = 5) -> list[Span]:
    """Cut the time up to `as_of` into years, counted back from it.

    Parameters
    ----------
    first_day, as_of : datetime.date
        First and last day observed.
    most : int, default 5
        No more than so many, the latest ones.

    Returns
    -------
    list of (datetime.date, datetime.date)
        First and last day of each, the earliest first; each ends on the day and month of `as_of` (28 February where
        the year has no 29th). The earliest begins on `first_day` where a whole year doesn't fit, and so may be shorter.
    """
    spans: list[Span] = []
    last = as_of
    while last >= first_day and len(spans) < most:
        year_before = _in_year(as_of, as_of.year - len(spans) - 1)
        spans.append((max(first_day, year_before + dt.timedelta(days=1)), last))
        last = year_before
    return spans[::-1]


def _in_year(day: dt.date, year: int) -> dt.date:
    leap = day.month == 2 and day.day == 29
    return day.replace(year=year, day=28) if leap else day.replace(year=year)


def new_and_existing(lines: pl.DataFrame, spans: Sequence[Span]) -> pl.DataFrame:
    """Count customers and revenue of each span, of those won in it and of those won before.

    Parameters
    ----------
    lines : polars.DataFrame
        The ledger: customer, date (a date), amount (of returns below zero) and bought (Boolean: whether the row is a
        purchase that stood).
    spans : sequence of (datetime.date, datetime.date)
        First and last day of each, the earliest first; they may not overlap.

    Returns
    -------
    polars.DataFrame
        One row a span: first, last; new, customers whose first purchase falls in it; existing, those who bought in it
        and had bought before; revenue_new and revenue_existing, which add up to the amount of all lines of the
        span. Lines of a customer who has bought nothing that stood count as those of existing ones.

    Raises
    ------
    ValueError
        If spans overlap or aren't in order.
    """
    days = [day for span in spans for day in span]
    if days != sorted(days) or any(later <= earlier for (_, earlier), (later, _) in pairwise(spans)):
        raise ValueError("Spans must follow one another, the earliest first, and may not overlap.")
    frame = pl.DataFrame(
        {"span": range(len(spans)), "first": [first for first, _ in spans], "last": [last for _, last in spans]},
        schema={"span": pl.Int64, "first": pl.Date, "last": pl.Date},
    )
    span = pl.lit(None, pl.Int64)
    for number, (first, last) in enumerate(spans):
        span = pl.when(pl.col("date").is_between(first, last)).then(number).otherwise(span)
    customers = (
        lines.group_by("customer", span=span)
        .agg(
            pl.col("amount").sum(),
            bought=pl.col("bought").any(),
            won=pl.col("date").filter(pl.col("bought")).min(),
        )
        .with_columns(pl.col("won").min().over("customer"))
        .drop_nulls("span")
        .join(frame, on="span")
        .with_columns(new=(pl.col("won") >= pl.col("first")).fill_null(False))
    )
    is_new, bought, amount = pl.col("new"), pl.col("bought"), pl.col("amount")
    sums = customers.group_by("span").agg(
        new=(is_new & bought).sum().cast(pl.Int64),
        existing=(~is_new & bought).sum().cast(pl.Int64),
        revenue_new=amount.filter(is_new).sum(),
        revenue_existing=amount.filter(~is_new).sum(),
    )
    counts = ("new", "existing", "revenue_new", "revenue_existing")
    return (
        frame.join(sums, on="span", how="left")
        .sort("span")
        .select("first", "last", *(pl.col(name).fill_null(0) for name in counts))
    )


def acquisition_cost(counts: pl.DataFrame, spending: pl.DataFrame) -> pl.DataFrame:
    """Set what was spent on winning and on keeping customers beside how many were won and kept.

    Parameters
    ----------
    counts : polars.DataFrame
        As `new_and_existing` returns it.
    spending : polars.DataFrame
        date (a date), purpose (`ACQUISITION`, `RETENTION`, or null for neither) and amount.

    Returns
    -------
    polars.DataFrame
        `counts` with spent_winning, spent_keeping and spent_otherwise (all null in a span in which nothing at all is
        recorded), cost_of_winning (spent_winning / new), cost_of_keeping (spent_keeping / existing), share_of_budget
        (of winning, in what both took together) and share_of_revenue (of new customers, in the span's); null
        where there is nothing to divide by, and a cost where nothing was spent for that purpose.
    """
    spans = list(counts.select("first", "last").iter_rows())
    spent = []
    for begins, ends in spans:
        rows = spending.filter(pl.col("date").is_between(begins, ends))
        sums = {
            name: rows.filter(pl.col("purpose").eq_missing(pl.lit(purpose, pl.String)))["amount"].sum()
            for name, purpose in (("winning", ACQUISITION), ("keeping", RETENTION), ("otherwise", None))
        }
        spent.append({f"spent_{name}": float(total) if rows.height else None for name, total in sums.items()})
    columns = ("spent_winning", "spent_keeping", "spent_otherwise")
    costs = pl.DataFrame(spent, schema=dict.fromkeys(columns, pl.Float64))
    both = pl.col("spent_winning") + pl.col("spent_keeping")
    revenue = pl.col("revenue_new") + pl.col("revenue_existing")
    return counts.hstack(costs).with_columns(
        cost_of_winning=_where_positive(pl.col("spent_winning"), pl.col("new")),
        cost_of_keeping=_where_positive(pl.col("spent_keeping"), pl.col("existing")),
        share_of_budget=pl.when(both > 0).then(pl.col("spent_winning") / both),
        share_of_revenue=pl.when(revenue > 0).then(pl.col("revenue_new") / revenue),
    )


def _where_positive(spent: pl.Expr, customers: pl.Expr) -> pl.Expr:
    return pl.when((customers > 0) & (spent > 0)).then(spent / customers)
