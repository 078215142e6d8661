"""The steps of `03_abc_xyz`: who brings revenue and profit, how regularly, and who moved since the year before."""

from __future__ import annotations

import datetime as dt
from math import isclose, isnan

import pandas as pd
import polars as pl

from models import abc_xyz as model
from models.exact import exact_sum

from ...chapter import Chapter
from ...errors import CannotSay
from ...findings import Findings
from ...shown_table import Columns, ShownTable, show_table
from ...unsaid import Unsaid, says_why_not
from ...wording import count, day, key, money, number, percent, plural, profit_or_loss, tenths
from ..closed_base import closed_base, without_blame
from ..profit import (
    NO_PROFIT,
    costs_known,
    customer_profit,
    customer_revenue,
    first_counted,
    over,
    profit_known,
    serving_known,
    share,
    total,
)
from . import unprofitable

TABLE = ("customer", "revenue", "profit", "abc", "xyz", "abc_profit", "variation", "periods")
A_YEAR_AGO = ("abc_a_year_ago", "xyz_a_year_ago")
YEAR = dt.timedelta(days=365)
CARRIED_BY_A_FEW = 0.05  # share of customers: if so few are A, losing one of them is felt
REGULARITY = {
    "X": "X: regular",
    "Y": "Y: varying",
    "Z": "Z: irregular",
    "nothing": "Z: spent nothing in these {periods}",
    "new": "Z: too new to tell",
    "short": "Z: lookback_days too short to tell",
}


def classify(chapter: Chapter) -> pl.DataFrame:
    """Return every customer of the ledger with what they bring and their classes, today and a year ago.

    Returns
    -------
    polars.DataFrame
        Sorted by customer: the columns of `models.profitability.customer_profit`, last_sale (the last day with a
        sale; null without one), the columns of the table `abc_xyz`.
    """
    earned = customer_profit(chapter).lazy()
    sums = pl.col("revenue", "gross", "discount", "returned", "purchases", "cost_to_serve")
    if profit_known(chapter):
        sums = pl.exclude("customer", "last_sale")
    bring = _everybody(chapter).join(earned, on="customer", how="left").with_columns(sums.fill_null(0))
    today = _classes(chapter, bring)
    # what those below zero eat would make everybody else's share larger
    shared_out = today.select("customer", pl.col("profit").clip(lower_bound=0.0))
    today = today.with_columns(abc_profit=model.abc(shared_out, "profit", chapter.parameters.abc_limits))
    then = _as_it_stood(chapter, chapter.as_of - YEAR)
    if then is None:
        return today.with_columns(pl.lit(None, pl.String).alias(name) for name in A_YEAR_AGO)
    brought = _everybody(then).join(customer_revenue(then).lazy(), on="customer", how="left")
    earlier = _classes(then, brought.with_columns(pl.col("revenue").fill_null(0.0)))
    earlier = earlier.select("customer", abc_a_year_ago="abc", xyz_a_year_ago="xyz")
    return today.join(earlier, on="customer", how="left", maintain_order="left")


def table_abc_xyz(chapter: Chapter) -> pd.DataFrame:
    """Compute the table `abc_xyz` for a chapter that needs it."""
    return _table(classify(chapter))


def write_tables(chapter: Chapter, customers: pl.DataFrame) -> None:
    """Write the table `abc_xyz`."""
    chapter.write("abc_xyz", _table(customers))


def _table(customers: pl.DataFrame) -> pd.DataFrame:
    table = customers.select(*TABLE, *A_YEAR_AGO)
    text = [name for name, kind in table.schema.items() if kind == pl.String]
    return table.to_pandas().astype({**dict.fromkeys(text, pd.StringDtype()), "periods": pd.Int64Dtype()})


def _everybody(chapter: Chapter) -> pl.LazyFrame:
    """Return every customer of the ledger, with the last day of a sale."""
    day_of_sale = pl.when(pl.col("kind") == "sale").then(pl.col("date").dt.date())
    return chapter.ledger.lazy().group_by("customer").agg(day_of_sale.max().alias("last_sale"))


def _classes(chapter: Chapter, bring: pl.LazyFrame) -> pl.DataFrame:
    """Add abc, xyz, variation and periods to what customers bring, and sort by customer."""
    given = chapter.parameters
    first = None if given.lookback_days is None else first_counted(chapter)
    regularity = model.variation(
        chapter.purchases, chapter.as_of, period=given.xyz_period, measure=given.xyz_measure, first=first
    )
    customers = bring.join(regularity.lazy(), on="customer", how="left").sort("customer").collect()
    return customers.with_columns(
        abc=model.abc(customers, "revenue", given.abc_limits), xyz=model.xyz(customers, given.xyz_limits)
    )


def _as_it_stood(chapter: Chapter, then: dt.date) -> Chapter | None:
    """Return the same base observed up to an earlier day; None where nothing had been bought yet."""
    is_sale = chapter.ledger["kind"] == "sale"
    if then < chapter.ledger["date"].filter(is_sale).dt.date().min():  # type: ignore[operator]
        return None
    folder = chapter.folder if chapter.in_run else None
    earlier = Chapter(chapter.name, chapter.parameters.model_copy(update={"as_of": then}), folder)
    earlier.whole_ledger = chapter.whole_ledger
    return earlier


def class_table(chapter: Chapter, customers: pl.DataFrame) -> ShownTable:
    """Show what the classes A, B and C bring, and how they differ in how often and how much they buy."""
    currency = chapter.parameters.currency
    revenue, profit = total(customers["revenue"]), total(customers["profit"])
    rows = []
    for letter in model.ABC:
        of_class = customers.filter(pl.col("abc") == letter)
        brought, purchases = total(of_class["revenue"]), total(of_class["purchases"])
        rows.append(
            {
                "class": letter,
                "customers": of_class.height,
                "revenue_share": share(brought, revenue),
                "profit_share": share(total(of_class["profit"]), profit),
                "mean": share(brought, of_class.height),
                "median": of_class["revenue"].median(),
                "purchases": share(purchases, of_class.height),
                "each": brought / purchases if purchases else None,
            }
        )
    columns: Columns = {
        "class": ("class by revenue", str),
        "customers": ("customers", count),
        "revenue_share": ("share of revenue", tenths),
        "profit_share": ("share of profit", tenths),
        "mean": (f"revenue each, mean ({currency})", count),
        "median": (f"median ({currency})", count),
        "purchases": ("purchases each, mean", number),
        "each": (f"a purchase ({currency})", count),
    }
    first, second = chapter.parameters.abc_limits
    caption = (
        f"A brings the first {percent(first)} of revenue, B what is up to {percent(second)}, C the rest{over(chapter)}"
    )
    return show_table(pd.DataFrame(rows).astype(dict.fromkeys(list(columns)[1:], float)), caption, columns)


@says_why_not
def both_classes(chapter: Chapter, customers: pl.DataFrame) -> pd.DataFrame:
    """Count customers by their class in revenue and their class in profit.

    Returns
    -------
    pandas.DataFrame
        abc (in revenue), A, B, C (customers of that class in profit), and the profit of the row.
    """
    if not profit_known(chapter):
        raise CannotSay(NO_PROFIT)
    if not costs_known(chapter) and not serving_known(chapter):
        raise CannotSay(
            "Costs aren't recorded, so profit is taken to be the same share of everybody's revenue: the classes by "
            "profit are those by revenue."
        )
    counted = customers.group_by("abc", "abc_profit").agg(pl.len())
    numbers = {(row["abc"], row["abc_profit"]): row["len"] for row in counted.iter_rows(named=True)}
    rows = [
        {
            "abc": size,
            **{profit: numbers.get((size, profit), 0) for profit in model.ABC},
            "profit": total(customers.filter(pl.col("abc") == size)["profit"]),
        }
        for size in model.ABC
    ]
    return pd.DataFrame(rows)


@says_why_not
def both_classes_table(chapter: Chapter, both: pd.DataFrame) -> ShownTable:
    """Show the classes by revenue beside those by profit."""
    columns: Columns = {
        "abc": ("class by revenue", str),
        **{letter: (f"{letter} by profit", count) for letter in model.ABC},
        "profit": (f"their profit ({chapter.parameters.currency})", count),
    }
    return show_table(both, "Customers by their class in revenue and in profit", columns)


def large_but_poor(
    chapter: Chapter, customers: pl.DataFrame, both: pd.DataFrame | Unsaid
) -> ShownTable | Unsaid | None:
    """Show who is A in revenue and C in profit, the largest first; nothing where the table above has said why not."""
    if isinstance(both, Unsaid):
        return None
    poor = customers.filter((pl.col("abc") == "A") & (pl.col("abc_profit") == "C"))
    if poor.is_empty():
        return Unsaid("Nobody is A in revenue and C in profit.")
    columns: Columns = {
        "customer": ("customer", key),
        **unprofitable.money_columns(chapter, "revenue", "discount", "returned", "cost_to_serve", "profit"),
    }
    shown = poor.sort(["revenue", "customer"], descending=[True, False]).head(unprofitable.LONGEST_LIST)
    return show_table(
        shown.to_pandas(), f"A in revenue, C in profit{unprofitable.first_of(poor.height, shown.height)}", columns
    )


def regularity(chapter: Chapter, customers: pl.DataFrame) -> pd.DataFrame:
    """Count customers and revenue by how regularly they buy, those about whom nothing can be told apart.

    Returns
    -------
    pandas.DataFrame
        class (X, Y, Z, nothing, new, and short where lookback_days holds too few periods to tell), customers, share,
        revenue, revenue_share, strict (customers by the stricter limits).
    """
    strict = model.xyz(customers, model.STRICT_XYZ_LIMITS)
    before = chapter.purchases.filter(pl.col("date") < first_counted(chapter))["customer"].unique()
    cut_short = pl.col("customer").is_in(before.implode())
    told = customers.select(
        "revenue", today=_kind_of(pl.col("xyz"), cut_short), strict=_kind_of(pl.lit(strict), cut_short)
    )
    today = told.group_by("today").agg(pl.len(), exact_sum("revenue"))
    rows = []
    for name in REGULARITY:
        found = today.filter(pl.col("today") == name)
        rows.append(
            {
                "class": name,
                "customers": int(total(found["len"])),
                "revenue": float(total(found["revenue"])),
                "strict": int((told["strict"] == name).sum()),
            }
        )
    frame = pd.DataFrame(rows)
    frame["share"] = frame["customers"] / customers.height
    frame["revenue_share"] = [share(part, total(customers["revenue"])) for part in frame["revenue"]]
    return frame[(frame["class"] != "short") | (frame["customers"] > 0)]


def _kind_of(letter: pl.Expr, cut_short: pl.Expr) -> pl.Expr:
    too_few = pl.col("periods") < model.FEWEST_PERIODS
    return (
        pl.when(too_few & cut_short)
        .then(pl.lit("short"))
        .when(too_few)
        .then(pl.lit("new"))
        # without a purchase that stood there are no periods either
        .when(pl.col("variation").is_null())
        .then(pl.lit("nothing"))
        .otherwise(letter)
    )


def regularity_table(chapter: Chapter, regular: pd.DataFrame) -> ShownTable:
    """Show how regularly customers buy."""
    given = chapter.parameters
    names = {name: text.format(periods=f"{given.xyz_period}s") for name, text in REGULARITY.items()}
    frame = regular.assign(named=regular["class"].map(names))
    strict = " and ".join(f"{limit:g}" for limit in model.STRICT_XYZ_LIMITS)
    columns: Columns = {
        "named": ("class", str),
        "customers": ("customers", count),
        "share": ("share of customers", tenths),
        "revenue": (f"revenue ({given.currency})", count),
        "revenue_share": ("share of revenue", tenths),
        "strict": (f"customers by the stricter limits {strict}", count),
    }
    first, second = given.xyz_limits
    what = "money" if given.xyz_measure == "amount" else "the number of purchases"
    caption = (
        f"How evenly customers buy: variation of {what} a {given.xyz_period}, X below {first:g}, Y below {second:g}"
    )
    return show_table(frame, caption, columns)


def cells(customers: pl.DataFrame) -> pd.DataFrame:
    """Return customers, revenue and profit of each of the nine cells; see `models.abc_xyz.nine_cells`."""
    frame = model.nine_cells(customers).to_pandas()
    frame["share"] = frame["customers"] / customers.height
    for name in ("revenue", "profit"):
        everybody = total(customers[name])
        frame[f"{name}_share"] = [share(part, everybody) for part in frame[name]]
    return frame


def cell_table(chapter: Chapter, nine: pd.DataFrame) -> ShownTable:
    """Show the nine cells."""
    currency = chapter.parameters.currency
    columns: Columns = {
        "cell": ("cell", str),
        "customers": ("customers", count),
        "share": ("share of customers", tenths),
        "revenue": (f"revenue ({currency})", count),
        "revenue_share": ("share of revenue", tenths),
        "profit": (f"profit ({currency})", count),
        "profit_share": ("share of profit", tenths),
    }
    return show_table(nine.assign(cell=nine["abc"] + nine["xyz"]), f"The nine cells{over(chapter)}", columns)


@says_why_not
def moves(chapter: Chapter, customers: pl.DataFrame) -> pd.DataFrame:
    """Return who moved from which cell to which since the year before; see `models.abc_xyz.movement`."""
    if customers["abc_a_year_ago"].null_count() == customers.height:
        then = chapter.as_of - YEAR
        raise CannotSay(f"The ledger holds no purchase up to {day(then)}, so who moved since then can't be said.")
    return model.movement(customers).to_pandas()


@says_why_not
def move_table(chapter: Chapter, moved: pd.DataFrame) -> ShownTable:
    """Show how each cell came from the customers it had to those it has."""
    columns: Columns = {
        "cell": ("cell", str),
        "then": (f"on {day(chapter.as_of - YEAR)}", count),
        "joined": ("+ joined", count),
        "came": ("+ came from other cells", count),
        "went": ("- went to other cells", count),
        "now": (f"on {day(chapter.as_of)}", count),
    }
    frame = model.reconciled(pl.from_pandas(moved)).to_pandas()
    totals = {name: frame[name].sum() for name in columns if name != "cell"}
    frame = pd.concat([frame, pd.DataFrame([{"cell": "all", **totals}])], ignore_index=True)
    return show_table(frame, "Movement between the cells within a year, in customers", columns)


def findings(
    chapter: Chapter,
    customers: pl.DataFrame,
    both: pd.DataFrame | Unsaid,
    regular: pd.DataFrame,
    moved: pd.DataFrame | Unsaid,
    burdened: pl.DataFrame | Unsaid,
    decided: pd.DataFrame | Unsaid,
) -> Findings:
    """State who brings revenue and profit, how regularly, and who eats it."""
    _state_classes(chapter, customers)
    _state_both(chapter, customers, both)
    _state_regularity(chapter, regular)
    _state_movement(chapter, customers, moved)
    unprofitable.state_findings(chapter, customers, burdened, decided)
    return chapter.findings()


def _state_classes(chapter: Chapter, customers: pl.DataFrame) -> None:
    best, others = (customers.filter(pl.col("abc") == "A"), customers.filter(pl.col("abc") != "A"))
    if best.is_empty():
        chapter.state("abc", f"There is no revenue above zero to share out{over(chapter)}.", verdict="unknown")
        return
    part = best.height / customers.height
    brought = share(total(best["revenue"]), total(customers["revenue"]))
    left = share(total(best["profit"]), total(customers["profit"]))
    # at one margin for all the share of profit is that of revenue
    differs = not isnan(left) and not isclose(left, brought, rel_tol=1e-6)
    chapter.state(
        "abc",
        f"{plural(best.height, 'customer')} ({tenths(part)} of all) {'brings' if best.height == 1 else 'bring'} "
        f"{percent(brought)} of revenue{'' if not differs else f' and {percent(left)} of profit'}{over(chapter)}"
        f"{_because(best, others)}.",
        value=part,
        unit="share of customers",
        verdict="watch" if part < CARRIED_BY_A_FEW else "note",
        question="profit",
    )


def _because(best: pl.DataFrame, others: pl.DataFrame) -> str:
    """Say in what the customers of class A differ: in how often they buy, and in how much at a time."""
    often, seldom = (share(total(part["purchases"]), part.height) for part in (best, others))
    much, little = (share(total(part["revenue"]), total(part["purchases"])) for part in (best, others))
    if not (often > 0 and seldom > 0 and little > 0):
        return ""
    return (
        f": they buy {number(often / seldom, 2)} times as often as the others, and {number(much / little, 2)} times as "
        "much at a time"
    )


def _state_both(chapter: Chapter, customers: pl.DataFrame, both: pd.DataFrame | Unsaid) -> None:
    if isinstance(both, Unsaid):
        chapter.state("abc_profit", both.reason, verdict="unknown")
        return
    large = customers.filter(pl.col("abc") == "A")
    poor = large.filter(pl.col("abc_profit") == "C")
    if poor.is_empty():
        same = int((large["abc_profit"] == "A").sum())
        chapter.state(
            "abc_profit",
            f"Who is large is profitable: of the {plural(large.height, 'customer')} of class A in revenue "
            f"{count(same)} {'is' if same == 1 else 'are'} A in profit too, and none is C.",
            value=0,
            unit="customers",
            verdict="good",
        )
        return
    currency = chapter.parameters.currency
    chapter.state(
        "abc_profit",
        f"{plural(poor.height, 'customer is', 'customers are')} A in revenue but C in profit: "
        f"{money(total(poor['revenue']), currency)} of revenue, {profit_or_loss(total(poor['profit']), currency)}.",
        value=poor.height,
        unit="customers",
        verdict="watch",
    )


def _state_regularity(chapter: Chapter, regular: pd.DataFrame) -> None:
    customers = dict(zip(regular["class"], regular["customers"], strict=True))
    brings = dict(zip(regular["class"], regular["revenue_share"], strict=True))
    given, short = chapter.parameters, customers.get("short", 0)
    whole = f"{model.FEWEST_PERIODS} whole {given.xyz_period}s"
    if customers["new"] + short and not sum(customers[letter] for letter in model.XYZ):
        reason = f"Nobody has been a customer for {whole} yet, so how regularly they buy can't be told"
        if short:
            reason = (
                f"The {plural(given.lookback_days or 0, 'day')} of lookback_days hold fewer than {whole}, so how "
                "regularly customers buy can't be told: set more of them, or a shorter xyz_period"
            )
        chapter.state("regularity", f"{reason}; all count as Z.", verdict="unknown")
        return
    even = plural(customers["X"], "customer buys", "customers buy") if customers["X"] else "nobody buys"
    kinds = {
        "X": f"{even} regularly",
        "Y": f"{count(customers['Y'])} var{'ies' if customers['Y'] == 1 else 'y'}",
        "Z": f"{count(customers['Z'])} buy{'s' if customers['Z'] == 1 else ''} irregularly",
    }
    told = []
    for letter, words in kinds.items():
        part = "" if isnan(brings[letter]) else f", with {percent(brings[letter])} of revenue"
        if customers[letter] or letter == "X":
            told.append(f"{words} ({letter}){part if customers[letter] else ''}")
    untold = {
        "nothing": f"spent nothing in these {given.xyz_period}s",
        "new": f"{'is' if customers['new'] == 1 else 'are'} too new to tell",
        "short": "can't be told within lookback_days",
    }
    told += [f"{count(customers[name])} {what}" for name, what in untold.items() if customers.get(name)]
    chapter.state(
        "regularity",
        f"From {given.xyz_period} to {given.xyz_period} {'; '.join(told)}.",
        value=float(regular["share"].iloc[0]),
        unit="share of customers",
    )


def _state_movement(chapter: Chapter, customers: pl.DataFrame, moved: pd.DataFrame | Unsaid) -> None:
    if isinstance(moved, Unsaid):
        chapter.state("cell_movement", moved.reason, verdict="unknown")
        return
    was, is_now = pl.col("abc_a_year_ago"), pl.col("abc")
    large = customers.filter(was == "A")
    fell = large.filter(is_now != "A").height
    rose = customers.filter((was != "A") & (is_now == "A")).height
    joined = customers.filter(was.is_null())
    arrived = joined.filter(is_now == "A").height
    currency = chapter.parameters.currency
    new = "nobody won since is in the ledger" if closed_base(chapter).closed else "nobody joined since"
    if joined.height:
        new = (
            f"{plural(joined.height, 'customer')} joined since, {count(arrived)} of them straight into it, with "
            f"{money(total(joined['revenue']), currency)} of revenue in all"
        )
    chapter.state(
        "cell_movement",
        f"Of {plural(large.height, 'customer')} of class A a year before {count(fell)} "
        f"{'is' if fell == 1 else 'are'} A no longer; {count(rose)} rose into it, and {new}.",
        value=fell / large.height if large.height else None,
        unit="share of customers",
        verdict=without_blame(chapter, "watch") if fell > rose + arrived else "note",
    )
