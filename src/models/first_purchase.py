"""What is known of customers on the day of their first purchase, and nothing that came to be known later."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd
import polars as pl

from models.exact import EXACT

Kind = Literal["money", "count", "share", "number", "text", "flags"]

CATEGORIES = 8
FEWEST_WITH_LEVEL = 20  # customers: fewer say nothing of a level
MOST_LEVELS = 10
FEWEST_COVERED = 0.5  # of those recorded: the levels kept must tell of at least so many
FEWEST_RECORDED = 0.25  # of all customers
SEASONS_SEEN_DAYS = 730  # with less, a month of the year can't be told from the year's own ups and downs

DISCOUNT, COUPON, WEEKDAY, HOUR, MONTH = "discount", "coupons", "weekday", "time of day", "month"
BASKET, UNITS, PRODUCTS, BREADTH, BOUGHT = "first basket", "units", "products", "number of categories", "categories"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
#: From this hour on, up to the next.
TIMES_OF_DAY = {5: "morning", 12: "afternoon", 17: "evening", 22: "night"}
_OF_LEDGER = ("channel", "department", "manager", "brand")


@dataclass(frozen=True)
class Trait:
    """Something known at the first purchase.

    Attributes
    ----------
    name : str
        In plain words.
    kind : {"money", "count", "share", "number", "text", "flags"}
        ``text``: one of several levels; ``flags``: any of several things at once.
    columns : tuple of str
        Where it stands in `FirstPurchases.customers`: one column, of ``flags`` one for each thing.
    levels : tuple of str
        Of ``flags`` the things, in the order of `columns`; of others empty.
    recorded : bool
        Whether it is a particular of the customers' table, and so may have been filled in later than it says.
    """

    name: str
    kind: Kind
    columns: tuple[str, ...]
    levels: tuple[str, ...] = ()
    recorded: bool = False


@dataclass(frozen=True)
class FirstPurchases:
    """Customers as known on the day of their first purchase.

    Attributes
    ----------
    customers : pandas.DataFrame
        Indexed and sorted by customer: `first_day`, the columns of the traits (numbers, or text with None for what
        isn't recorded), and `main category`, that of most money, where there are categories.
    traits : tuple of Trait
        Those that differ between customers.
    left_out : tuple of (str, str)
        Particulars that are no trait here, and why.
    """

    customers: pd.DataFrame
    traits: tuple[Trait, ...]
    left_out: tuple[tuple[str, str], ...] = ()

    def without(self, names: Sequence[str], why: str) -> "FirstPurchases":
        """Return the same with some traits left out."""
        kept = tuple(trait for trait in self.traits if trait.name not in names)
        return FirstPurchases(self.customers, kept, (*self.left_out, *((name, why) for name in names)))


def first_days(lines: pl.DataFrame, known_to: dt.date) -> pl.DataFrame:
    """Return the day of each customer's first sale: customer, first_day; sorted by customer.

    What became of the sale later, a return for one, was not known on that day and doesn't matter.

    Parameters
    ----------
    lines : polars.DataFrame
        The ledger's rows: customer, date, and kind (sale or return; without it every row is a sale).
    known_to : datetime.date
        The last day that is known.
    """
    return (
        _sales(lines)
        .group_by("customer")
        .agg(pl.col("date").dt.date().min().alias("first_day"))
        .filter(pl.col("first_day") <= known_to)
        .sort("customer")
        .collect()
    )


def first_purchases(
    lines: pl.DataFrame,
    days: pl.DataFrame,
    *,
    learned_to: dt.date,
    particulars: pl.DataFrame | None = None,
    categories: int = CATEGORIES,
) -> FirstPurchases:
    """Describe customers by the sales of their first day and by what was recorded of them.

    Which categories and traits are looked at is learned from the customers who began by `learned_to`, so that a
    model of these stays the same whoever comes later.

    Parameters
    ----------
    lines : polars.DataFrame
        The ledger's rows: customer, date, amount, and, where known, kind, quantity, product, category, discount and
        coupon (money off the line), brand, channel, department, manager. Only sales of the first day are looked at,
        at the amounts paid that day.
    days : polars.DataFrame
        customer, first_day; see `first_days`.
    learned_to : datetime.date
        Up to this day customers count when the traits are chosen.
    particulars : polars.DataFrame, optional
        customer, one row each, and particulars known from the beginning. Columns of few values become traits, and
        columns of numbers.
    categories : int, default 8
        How many categories are looked at: those in the most first baskets.

    Returns
    -------
    FirstPurchases
    """
    rows = (
        _sales(lines).join(days.lazy(), on="customer").filter(pl.col("date").dt.date() == pl.col("first_day")).collect()
    )
    known = days.filter(pl.col("first_day") <= learned_to)
    measures, traits = _measures(rows)
    frame = days.join(measures, on="customer", how="left", maintain_order="left")
    for table, more in (_text(rows), _bought(rows, known, categories), _calendar(days, known), _time_of_day(rows)):
        if table is not None:
            frame = frame.join(table, on="customer", how="left", maintain_order="left")
            traits += more
    left_out: list[tuple[str, str]] = []
    if particulars is not None:
        table, more, left_out = _particulars(particulars, known, {trait.name for trait in traits})
        frame = frame.join(table, on="customer", how="left", maintain_order="left")
        traits += more
    customers = frame.to_pandas().set_index("customer")
    watched = customers.loc[known["customer"].to_list()]
    return FirstPurchases(customers, tuple(_that_differ(traits, watched)), tuple(left_out))


def _sales(lines: pl.DataFrame) -> pl.LazyFrame:
    return lines.lazy().filter(pl.col("kind") == "sale") if "kind" in lines.columns else lines.lazy()


def _measures(rows: pl.DataFrame) -> tuple[pl.DataFrame, list[Trait]]:
    """Return what can be counted and added up of a first day."""
    there = set(rows.columns)
    paid = _added("amount")
    gross = paid + _added("discount").clip(0) if "discount" in there else paid

    def of_gross(name: str) -> pl.Expr:
        return pl.when(gross > 0).then((_added(name) / gross).clip(0, 1))

    wanted: list[tuple[str | None, str, Kind, Callable[[], pl.Expr]]] = [
        ("amount", BASKET, "money", lambda: paid.clip(0)),
        ("quantity", UNITS, "count", lambda: pl.when(pl.col("quantity").count() > 0).then(_added("quantity").clip(0))),
        ("product", PRODUCTS, "count", lambda: pl.col("product").drop_nulls().n_unique()),
        ("category", BREADTH, "count", lambda: pl.col("category").drop_nulls().n_unique()),
        ("discount", DISCOUNT, "share", lambda: of_gross("discount")),
        ("coupon", COUPON, "share", lambda: of_gross("coupon")),
    ]
    taken = [(name, kind, made()) for source, name, kind, made in wanted if source in there]
    table = rows.group_by("customer").agg(made.cast(pl.Float64).alias(name) for name, _, made in taken)
    return table, [Trait(name, kind, (name,)) for name, kind, _ in taken]


def _added(name: str) -> pl.Expr:
    """Return a sum that doesn't depend on the order of the rows."""
    return pl.col(name).cast(EXACT).sum().cast(pl.Float64)


def _text(rows: pl.DataFrame) -> tuple[pl.DataFrame | None, list[Trait]]:
    """Return where and from whom the first purchase was made: of several on a day that of most money."""
    table, traits = None, []
    for name in (name for name in _OF_LEDGER if name in rows.columns):
        most = _of_most_money(rows, name, name)
        table = most if table is None else table.join(most, on="customer", how="full", coalesce=True)
        traits.append(Trait(name, "text", (name,)))
    return table, traits


def _of_most_money(rows: pl.DataFrame, name: str, named: str) -> pl.DataFrame:
    return (
        rows.filter(pl.col(name).is_not_null())
        .with_columns(pl.col(name).cast(pl.String).alias(named))
        .group_by("customer", named)
        .agg(pl.col("amount").cast(EXACT).sum())
        .sort("customer", "amount", named, descending=[False, True, False])
        .unique("customer", keep="first", maintain_order=True)
        .drop("amount")
    )


def _bought(rows: pl.DataFrame, known: pl.DataFrame, most: int) -> tuple[pl.DataFrame | None, list[Trait]]:
    """Return which of the commonest categories a first basket held."""
    if "category" not in rows.columns:
        return None, []
    baskets = rows.select("customer", pl.col("category").cast(pl.String)).drop_nulls().unique()
    often = (
        baskets.join(known, on="customer", how="semi")
        .group_by("category")
        .len()
        .filter((pl.col("len") >= FEWEST_WITH_LEVEL) & (pl.col("len") < known.height))
        .sort("len", "category", descending=[True, False])
        .head(most)["category"]
        .to_list()
    )
    names = tuple(f"category {number}" for number in range(1, len(often) + 1))
    flags = [
        (pl.col("category") == category).any().cast(pl.Float64).alias(name)
        for name, category in zip(names, often, strict=True)
    ]
    table = baskets.group_by("customer").agg(flags)
    main = _of_most_money(rows, "category", "main category")
    traits = [Trait(BOUGHT, "flags", names, tuple(often))] if often else []
    return table.join(main, on="customer", how="left"), traits


def _calendar(days: pl.DataFrame, known: pl.DataFrame) -> tuple[pl.DataFrame, list[Trait]]:
    """Return on which day of the week and, where years can be told from seasons, in which month it was."""
    day = pl.col("first_day")
    table = days.select(
        "customer",
        _named(day.dt.weekday(), WEEKDAYS).alias(WEEKDAY),
        _named(day.dt.month(), MONTHS).alias(MONTH),
    )
    span = known.select((day.max() - day.min()).dt.total_days()).item() or 0
    names = (WEEKDAY, MONTH) if span >= SEASONS_SEEN_DAYS else (WEEKDAY,)
    return table, [Trait(name, "text", (name,)) for name in names]


def _time_of_day(rows: pl.DataFrame) -> tuple[pl.DataFrame | None, list[Trait]]:
    """Return at what time of the day it was, in a ledger that records it."""
    if rows.schema["date"] == pl.Date:
        return None, []
    hour = pl.col("date").dt.hour()
    named = pl.lit(TIMES_OF_DAY[max(TIMES_OF_DAY)])
    for first, name in TIMES_OF_DAY.items():
        named = pl.when(hour >= first).then(pl.lit(name)).otherwise(named)
    table = rows.sort("customer", "date").group_by("customer", maintain_order=True).agg(named.first().alias(HOUR))
    return table, [Trait(HOUR, "text", (HOUR,))]


def _named(numbers: pl.Expr, names: Sequence[str]) -> pl.Expr:
    return numbers.cast(pl.Int64).replace_strict(dict(enumerate(names, start=1)), return_dtype=pl.String)


def _particulars(
    particulars: pl.DataFrame, known: pl.DataFrame, taken: set[str]
) -> tuple[pl.DataFrame, list[Trait], list[tuple[str, str]]]:
    """Return the particulars that can be a trait: figures, and text of few values, recorded of enough customers."""
    kept, traits, left_out = [pl.col("customer")], [], []
    of_known = particulars.join(known, on="customer", how="semi")
    for name in (name for name in particulars.columns if name not in {"customer", *taken}):
        values = of_known[name].drop_nulls()
        column = f"recorded {name}"
        if values.len() < FEWEST_RECORDED * known.height:
            left_out.append((name, f"recorded of fewer than {FEWEST_RECORDED:.0%} of the customers"))
        elif _is_number(values):
            kept.append(pl.col(name).cast(pl.Float64, strict=False).alias(column))
            traits.append(Trait(name, "number", (column,), recorded=True))
        elif _has_few_values(values):
            kept.append(pl.col(name).cast(pl.String).alias(column))
            traits.append(Trait(name, "text", (column,), recorded=True))
        else:
            left_out.append((name, "too many different values"))
    return particulars.select(kept), traits, left_out


def _is_number(values: pl.Series) -> bool:
    """Tell whether values are figures that differ, but not with every customer, as the number of a file does."""
    if not (values.dtype.is_numeric() or values.dtype == pl.String):
        return False
    read = values.cast(pl.Float64, strict=False)
    different = read.n_unique()
    return read.null_count() == 0 and bool(read.is_finite().all()) and MOST_LEVELS < different <= values.len() / 2


def _has_few_values(values: pl.Series) -> bool:
    counts = values.cast(pl.String).value_counts()["count"].sort(descending=True)
    large = counts.head(MOST_LEVELS).filter(counts.head(MOST_LEVELS) >= FEWEST_WITH_LEVEL)
    return bool(large.sum() >= FEWEST_COVERED * values.len())


def _that_differ(traits: Sequence[Trait], watched: pd.DataFrame) -> list[Trait]:
    """Return the traits that aren't the same for almost all customers."""
    kept = []
    for trait in traits:
        values = watched[trait.columns[0]]
        most = values.value_counts(dropna=False).max() if len(values) else 0
        if trait.kind == "flags" or len(values) - most >= FEWEST_WITH_LEVEL:
            kept.append(trait)
    return kept
