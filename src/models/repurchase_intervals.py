"""Waits between purchases, each with what was known of the customer on the day it began.

A wait begins with a purchase and ends with the customer's next one, or is censored on the last day observed. What is
said of it comes of rows dated on or before the day it began, and of nothing else: neither a return that undid the
purchase later, nor a mean or a spread over the base, which later rows would move. So covariates have fixed units that
a person reads: amounts, counts and times count in doublings (the logarithm to base 2), shares in ten points, and what
has happened or not is 1 or 0.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import polars as pl

#: What one unit more of a covariate is.
DOUBLING, TEN_POINTS, YES = "doubling", "ten points", "yes"

DAYS_BEFORE_1970 = 719_163  # since the first day of year 1
MOST_DAYS = 2**22  # more than there are up to the year 9999


class Covariate(NamedTuple):
    """One thing known when a wait begins.

    Attributes
    ----------
    more : str
        What one unit more of it means.
    unit : {"doubling", "ten points", "yes"}
        One unit is twice as much, ten percentage points more, or yes rather than no.
    """

    more: str
    unit: str


#: What each covariate says, in the order in which a reader meets them.
COVARIATES: Mapping[str, Covariate] = MappingProxyType(
    {
        "categories_last": Covariate("twice as many categories in the last basket", DOUBLING),
        "categories_so_far": Covariate("twice as many categories ever bought", DOUBLING),
        "categories_usual": Covariate("customers whose usual basket has twice the categories", DOUBLING),
        "categories_relative": Covariate("a basket with twice the customer's usual categories", DOUBLING),
        "spend_usual": Covariate("customers who spend twice as much", DOUBLING),
        "spend_relative": Covariate("a purchase of twice the customer's usual amount", DOUBLING),
        "discount_relative": Covariate("10 points more discount than the customer's usual", TEN_POINTS),
        "discount_so_far": Covariate("10 points more discount on all so far", TEN_POINTS),
        "coupons_so_far": Covariate("10 points more purchases with a coupon", TEN_POINTS),
        "complained": Covariate("a complaint before", YES),
        "returned": Covariate("a return before", YES),
        "purchases": Covariate("twice as many purchases so far", DOUBLING),
        "gap": Covariate("twice as long between purchases so far", DOUBLING),
    }
)

#: The customer's own rhythm: what foretells the next wait, whatever is in the basket.
RHYTHM = ("purchases", "gap")


def repurchase_intervals(lines: pl.DataFrame, as_of: dt.date, events: pl.DataFrame | None = None) -> pl.DataFrame:
    """Measure every wait for the next purchase, with what was known when it began.

    Parameters
    ----------
    lines : polars.DataFrame
        The ledger's rows in any order: customer, date (date or datetime), amount; kind (sale, return; all are sales
        where there is none); category, discount (money taken off beside the amount), coupon (the same), where the
        ledger has them. All sales of one customer on one day are one purchase, whether or not returned later.
    as_of : date
        Last day observed; later rows are left out.
    events : polars.DataFrame, optional
        customer, date, kind: complaint and return count, others don't.

    Returns
    -------
    polars.DataFrame
        A row for each purchase day, sorted by customer and date: customer; purchase_number (1 is the first); start;
        days to the next purchase, or to `as_of`; observed, whether the next one came; repeat, whether it wasn't the
        first; and those of `COVARIATES` that the ledger can tell:

        - categories_last, categories_so_far: distinct categories in this basket, and in all up to it; 1 where none is
          named;
        - categories_usual, categories_relative: geometric mean over the baskets before this one (of a first basket,
          itself), and this basket against it; they add up to categories_last;
        - spend_usual: mean amount of the purchases so far, this one included, free ones aside; null until one was
          paid for;
        - spend_relative: this amount against the mean of those before; 0 where either is missing or free;
        - discount_so_far: money taken off, as a share of what would have been paid, this purchase included;
        - discount_relative: that share of this purchase less the share of those before; 0 on the first;
        - coupons_so_far: share of the purchases so far with a coupon;
        - complained, returned: whether so far;
        - purchases: so far; gap: mean days between them, 0 (a constant) on the first.

    Raises
    ------
    ValueError
        If customer, date or amount is missing.
    """
    missing = {"customer", "date", "amount"} - set(lines.columns)
    if missing:
        raise ValueError(f"lines has no column {', '.join(sorted(missing))}.")
    rows = lines.lazy().with_columns(pl.col("date").dt.date()).filter(pl.col("date") <= as_of)
    is_sale = pl.col("kind") == "sale" if "kind" in lines.columns else pl.lit(value=True)
    sales = rows.filter(is_sale)
    days = _purchase_days(sales, set(lines.columns)).drop("visit").sort("customer", "date")
    days = days.with_columns(_so_far(set(lines.columns)))
    first_return = _first_days(rows.filter(~is_sale), "returned")
    if events is not None:
        known = events.lazy().with_columns(pl.col("date").dt.date()).filter(pl.col("date") <= as_of)
        complaints, returns = (known.filter(pl.col("kind") == kind) for kind in ("complaint", "return"))
        days = days.join(_first_days(complaints, "complained"), on="customer", how="left", maintain_order="left")
        both = pl.concat([first_return, _first_days(returns, "returned")], how="vertical_relaxed")
        first_return = both.group_by("customer").agg(pl.col("returned").min())
    days = days.join(first_return, on="customer", how="left", maintain_order="left")
    names = days.collect_schema().names()
    happened = [
        (pl.col(name) <= pl.col("date")).fill_null(value=False) for name in ("complained", "returned") if name in names
    ]
    return days.with_columns(happened).select(_waits(as_of, names)).collect()


def covariates_of(intervals: pl.DataFrame) -> list[str]:
    """Return the covariates a base can tell, in reading order."""
    return [name for name in COVARIATES if name in intervals.columns]


def _purchase_days(sales: pl.LazyFrame, columns: set[str]) -> pl.LazyFrame:
    """Sum up what each customer bought on each day.

    Rows are sorted by numbers rather than names, which is several times as fast, and summed in their order, so that
    the same ledger gives the same bytes each time.
    """
    code, day = _number(pl.col("customer")), pl.col("date").to_physical().cast(pl.Int64) + DAYS_BEFORE_1970
    names = [name for name in ("discount", "coupon") if name in columns]
    rows = sales.select("customer", "date", "amount", *names, code.alias("code"), *_categories(columns))
    rows = rows.with_columns((pl.col("code") * MOST_DAYS + day).alias("code_and_day"))
    rows = rows.sort("code_and_day", maintain_order=True)
    rows = rows.with_columns(pl.col("code_and_day").rle_id().cast(pl.Int64).set_sorted().alias("visit"))
    sums = [pl.col("customer").first(), pl.col("date").first(), _exact_sum("amount")]
    sums += [_exact_sum("discount")] if "discount" in columns else []
    sums += [(pl.col("coupon").abs() > 0).any().alias("coupon")] if "coupon" in columns else []
    days = rows.group_by("visit", maintain_order=True).agg(sums)
    if "category" not in columns:
        return days
    bought = rows.drop_nulls("category").select(
        "visit", _pair("visit", "category").alias("of_visit"), _pair("code", "category").alias("of_customer")
    )
    bought = bought.unique("of_visit", keep="first", maintain_order=True)
    held = bought.group_by("visit").len("categories")
    # the first time a customer buys of a category
    new = bought.filter(pl.col("of_customer").is_first_distinct()).group_by("visit").len("new")
    days = days.join(held, on="visit", how="left").join(new, on="visit", how="left")
    return days.with_columns(pl.col("categories", "new").fill_null(0).cast(pl.Int64))


def _categories(columns: set[str]) -> list[pl.Expr]:
    return [_number(pl.col("category")).alias("category")] if "category" in columns else []


def _number(names: pl.Expr) -> pl.Expr:
    """Return a number for each name, in no particular order."""
    return names.cast(pl.String).cast(pl.Categorical).to_physical().cast(pl.Int64)


def _pair(first: str, second: str) -> pl.Expr:
    """Make one number of two below 2^32."""
    return pl.col(first) * 2**32 + pl.col(second)


def _first_days(rows: pl.LazyFrame, name: str) -> pl.LazyFrame:
    return rows.group_by("customer").agg(pl.col("date").min().alias(name))


def _so_far(columns: set[str]) -> list[pl.Expr]:
    """Sum up each customer's days to this one; in sorted rows."""

    def cumulative(values: pl.Expr) -> pl.Expr:
        return values.cum_sum().over("customer")

    amount, paid = pl.col("amount"), pl.col("amount") > 0
    sums = [
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("customer").alias("purchase_number"),
        pl.col("date").first().over("customer").alias("first"),
        pl.col("date").shift(-1).over("customer").alias("next"),
        cumulative(pl.when(paid).then(amount).otherwise(0.0)).alias("paid_sum"),
        cumulative(paid.cast(pl.Int64)).alias("paid_days"),
    ]
    if "discount" in columns:
        whole = _before_discount(amount, pl.col("discount"))
        sums += [cumulative(pl.col("discount")).alias("discount_sum"), cumulative(whole).alias("whole_sum")]
    if "coupon" in columns:
        sums.append(cumulative(pl.col("coupon").cast(pl.Int64)).alias("coupon_days"))
    if "category" in columns:
        sums.append(cumulative(pl.col("new")).alias("categories_ever"))
        sums.append(cumulative(_doublings(pl.col("categories").clip(1))).alias("doublings_sum"))
    return sums


def _waits(as_of: dt.date, names: list[str]) -> list[pl.Expr]:
    """Word each purchase day's sums as a wait and its covariates."""
    number, date = pl.col("purchase_number"), pl.col("date")
    end = pl.col("next").fill_null(pl.lit(as_of))
    covariates: dict[str, pl.Expr] = {}
    if "categories" in names:
        held = _doublings(pl.col("categories").clip(1))
        usual = pl.when(number > 1).then((pl.col("doublings_sum") - held) / (number - 1)).otherwise(held)
        covariates |= {
            "categories_last": held,
            "categories_so_far": _doublings(pl.col("categories_ever").clip(1)),
            "categories_usual": usual,
            "categories_relative": held - usual,
        }
    amount = pl.col("amount")
    paid = amount > 0
    days_before = pl.col("paid_days") - paid.cast(pl.Int64)
    mean_before = (pl.col("paid_sum") - amount) / days_before
    covariates |= {
        "spend_usual": pl.when(pl.col("paid_days") > 0).then(_doublings(pl.col("paid_sum") / pl.col("paid_days"))),
        "spend_relative": pl.when(paid & (days_before > 0)).then(_doublings(amount / mean_before)).otherwise(0.0),
    }
    if "discount" in names:
        off, off_sum = pl.col("discount"), pl.col("discount_sum")
        whole, whole_sum = _before_discount(amount, off), pl.col("whole_sum")
        covariates |= {
            "discount_relative": pl.when(number > 1)
            .then(_tens(off, whole) - _tens(off_sum - off, whole_sum - whole))
            .otherwise(0.0),
            "discount_so_far": _tens(off_sum, whole_sum),
        }
    if "coupon" in names:
        covariates["coupons_so_far"] = _tens(pl.col("coupon_days"), number)
    covariates |= {name: pl.col(name).cast(pl.Float64) for name in ("complained", "returned") if name in names}
    between = (date - pl.col("first")).dt.total_days() / (number - 1)
    covariates |= {
        "purchases": _doublings(number),
        "gap": pl.when(number > 1).then(_doublings(between)).otherwise(0.0),
    }
    return [
        pl.col("customer"),
        number,
        date.alias("start"),
        (end - date).dt.total_days().alias("days"),
        pl.col("next").is_not_null().alias("observed"),
        (number > 1).alias("repeat"),
        *(expression.alias(name) for name, expression in covariates.items()),
    ]


def _before_discount(amount: pl.Expr, discount: pl.Expr) -> pl.Expr:
    return amount + discount


def _doublings(values: pl.Expr) -> pl.Expr:
    return values.log(2)


def _tens(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """Return a share in ten points, within 0 and 1; 0 of nothing."""
    return pl.when(whole > 0).then(10 * (part / whole).clip(0, 1)).otherwise(0.0)


def _exact_sum(name: str) -> pl.Expr:
    """Sum as decimals, whose sum doesn't depend on the order in which parts of a frame are added up."""
    return pl.col(name).cast(pl.Decimal(38, 10)).sum().cast(pl.Float64)
