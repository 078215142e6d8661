"""New customers against existing ones: what each brings, and what winning one costs against keeping one."""

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise

import polars as pl

from models.exact import EXACT, exact_sum
from models.periods import MAY_BE_MISSING_DAYS, YEAR_DAYS, latest_period

#: What money can be spent on; anything else is spending on neither.
ACQUISITION, RETENTION = "acquisition", "retention"

Span = tuple[dt.date, dt.date]


def years_back(first_day: dt.date, as_of: dt.date, *, most: int = 5) -> list[Span]:
    """Cut the time up to `as_of` into years of 365 days, counted back from it.

    Parameters
    ----------
    first_day, as_of : datetime.date
        First and last day observed.
    most : int, default 5
        No more than so many, the latest ones.

    Returns
    -------
    list of (datetime.date, datetime.date)
        First and last day of each, the earliest first. Each is as `models.periods.latest_period` has it:
        365 days, of which a week may lie before `first_day`. Where a year doesn't fit, the earliest is shorter; and
        where no more than a week is left over, the earliest takes it in.
    """
    spans: list[Span] = []
    last = as_of
    while last >= first_day and len(spans) < most:
        year = latest_period(first_day, last, YEAR_DAYS)
        begins = first_day if 0 < (year.first - first_day).days <= MAY_BE_MISSING_DAYS else year.first
        spans.append((begins, last))
        last = begins - dt.timedelta(days=1)
    return spans[::-1]


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
        span. Lines of a customer who has bought nothing that stood by the span's end count as those of existing ones.
        Of the revenue of those who bought, also mean, median and below_mean (share of them below their mean), each
        with the ending _new and _existing; null where there is nobody.

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
            pl.col("amount").cast(EXACT).sum(),
            bought=pl.col("bought").any(),
            won=pl.col("date").filter(pl.col("bought")).min(),
        )
        .with_columns(pl.col("won").min().over("customer"))
        .drop_nulls("span")
        .join(frame, on="span")
        .with_columns(is_new=pl.col("won").is_between("first", "last").fill_null(False))
    )
    for kind, chosen in (("new", pl.col("is_new")), ("existing", ~pl.col("is_new"))):
        spent = pl.col("amount").cast(pl.Float64).filter(pl.col("bought"))
        mean = pl.col("amount").filter(pl.col("bought")).sum().cast(pl.Float64) / pl.col("bought").sum()
        sums = (
            customers.filter(chosen)
            .group_by("span")
            .agg(
                pl.col("bought").sum().cast(pl.Int64).alias(kind),
                exact_sum("amount").alias(f"revenue_{kind}"),
                pl.when(pl.col("bought").any()).then(mean).alias(f"mean_{kind}"),
                spent.median().alias(f"median_{kind}"),
                (spent < mean).mean().alias(f"below_mean_{kind}"),
            )
        )
        frame = frame.join(sums, on="span", how="left")
    counts = ("new", "existing", "revenue_new", "revenue_existing")
    spread = (f"{name}_{kind}" for kind in ("new", "existing") for name in ("mean", "median", "below_mean"))
    return frame.sort("span").select("first", "last", *(pl.col(name).fill_null(0) for name in counts), *spread)


def acquisition_cost(counts: pl.DataFrame, spending: pl.DataFrame) -> pl.DataFrame:
    """Set what was spent on winning and on keeping customers beside how many were won and kept.

    Parameters
    ----------
    counts : polars.DataFrame
        As `new_and_existing` returns it.
    spending : polars.DataFrame
        date (a date), purpose (`ACQUISITION`, `RETENTION`, or anything else for neither) and amount.

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
        chosen = {
            "spent_winning": rows.filter(pl.col("purpose") == ACQUISITION),
            "spent_keeping": rows.filter(pl.col("purpose") == RETENTION),
            "spent_otherwise": rows.filter(~pl.col("purpose").is_in([ACQUISITION, RETENTION]).fill_null(False)),
        }
        spent.append(
            {name: part.select(exact_sum("amount")).item() if rows.height else None for name, part in chosen.items()}
        )
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
