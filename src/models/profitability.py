"""What each customer leaves: profit after discounts, returns, cost of goods, and cost to serve."""

import polars as pl

from models.exact import EXACT, exact_sum


def with_profit(lines: pl.DataFrame, margin: float | None) -> pl.DataFrame:
    """Add to each row of a ledger the profit it brought, before any cost to serve.

    A row with a cost brings its amount less its cost. A row without one, in a ledger that has costs, is taken to
    cost the share of its amount that the rows with a cost do together. A ledger without costs, or one whose rows
    with a cost don't come to an amount above zero, brings `margin` times the amount.

    Parameters
    ----------
    lines : polars.DataFrame
        amount (below zero for a return) and, where known, cost (of the line, below zero for a return), in one
        currency.
    margin : float or None
        Share of revenue that is profit, where costs can't tell.

    Returns
    -------
    polars.DataFrame
        `lines` with profit (in the currency of amount); null where neither costs nor a margin tell.
    """
    share = cost_share(lines)
    if share is None and margin is not None:
        share = 1 - margin
    estimated = pl.lit(None, pl.Float64) if share is None else pl.col("amount") * share
    cost = pl.coalesce("cost", estimated) if "cost" in lines.columns else estimated
    return lines.with_columns((pl.col("amount") - cost).cast(pl.Float64).alias("profit"))


def cost_share(lines: pl.DataFrame) -> float | None:
    """Return the share of their amount that the rows with a cost cost; None where that can't be told."""
    if "cost" not in lines.columns:
        return None
    known = lines.filter(pl.col("cost").is_not_null())
    amount, cost = known.select(exact_sum("amount"), exact_sum("cost")).row(0)
    return cost / amount if amount > 0 else None


def customer_profit(
    lines: pl.DataFrame,
    margin: float | None = None,
    order_cost: float | None = None,
    contacts: pl.DataFrame | None = None,
    contact_cost: float | None = None,
) -> pl.DataFrame:
    """Follow each customer's sales down to profit: gross sales, discounts, returns, cost of goods, cost to serve.

    The columns agree: gross - discount - returned = revenue, and revenue - cost - cost_to_serve = profit.

    Parameters
    ----------
    lines : polars.DataFrame
        The ledger's rows: customer, date, amount, kind (sale or return; without it every row is a sale), and, where
        known, discount (money off the line) and cost. A column profit is used as it is; without one `with_profit`
        computes it.
    margin : float, optional
        Share of revenue that is profit, where the ledger has no costs.
    order_cost : float, optional
        What serving a day with a sale costs. None: not recorded.
    contacts : polars.DataFrame, optional
        customer, a row for each contact: a call, a visit, a letter.
    contact_cost : float, optional
        What a contact costs. None: not recorded.

    Returns
    -------
    polars.DataFrame
        One row for each customer of `lines` and of `contacts`, sorted: customer, revenue, gross (sales before
        discount), discount (on sales), returned (at least 0), cost (of the goods that stayed sold; null where not
        known), purchases (days with a sale), cost_to_serve (0 where no cost of it is given), profit (null where not
        known). Money is in the currency of amount.
    """
    if "profit" not in lines.columns:
        lines = with_profit(lines, margin)
    is_sale = pl.col("kind") == "sale" if "kind" in lines.columns else pl.lit(True)
    discount = pl.col("discount").fill_null(0.0) if "discount" in lines.columns else pl.lit(0.0)
    sums = ("revenue", "discount", "returned", "contribution")
    known = lines["profit"].null_count() == 0
    to_serve = pl.col("purchases") * (order_cost or 0.0) + pl.col("contacts") * (contact_cost or 0.0)
    return (
        lines.lazy()
        .select(
            "customer",
            revenue=pl.col("amount"),
            discount=pl.when(is_sale).then(discount).otherwise(0.0),
            returned=pl.when(is_sale).then(0.0).otherwise(-pl.col("amount")),
            contribution=pl.col("profit"),
            day=pl.when(is_sale).then(pl.col("date").dt.date()),
        )
        .group_by("customer")
        .agg(
            pl.col(sums).cast(EXACT).sum(),
            pl.col("contribution").null_count().alias("unknown"),
            pl.col("day").drop_nulls().n_unique().cast(pl.Int64).alias("purchases"),
        )
        .join(_contacts(contacts, lines), on="customer", how="full", coalesce=True)
        .with_columns(pl.exclude("customer", "unknown").fill_null(0))
        .with_columns(
            # whoever bought nothing earned nothing, where anything is known of profit
            contribution=pl.when(pl.col("unknown").fill_null(0 if known else 1) == 0).then("contribution"),
            gross=pl.col("revenue") + pl.col("discount") + pl.col("returned"),
            cost_to_serve=to_serve.cast(EXACT),
        )
        .select(
            "customer",
            "revenue",
            "gross",
            "discount",
            "returned",
            (pl.col("revenue") - pl.col("contribution")).alias("cost"),
            "purchases",
            "cost_to_serve",
            (pl.col("contribution") - pl.col("cost_to_serve")).alias("profit"),
        )
        .with_columns(pl.exclude("customer", "purchases").cast(pl.Float64))
        .sort("customer")
        .collect()
    )


def _contacts(contacts: pl.DataFrame | None, lines: pl.DataFrame) -> pl.LazyFrame:
    if contacts is None:
        return pl.LazyFrame(schema={"customer": lines.schema["customer"], "contacts": pl.Int64})
    return contacts.lazy().group_by("customer").agg(pl.len().cast(pl.Int64).alias("contacts"))
