"""Customers who cost more than they bring, the tail of small ones, and what practice does with them.

The further up the cost of serving a customer is followed, the fewer customers bring a profit: see Cooper & Kaplan
(1991), Profit Priorities from Activity-Based Costing, *Harvard Business Review* 69(3), 130-135.
"""

from collections.abc import Sequence

import polars as pl

from models.abc_xyz import share_before
from models.exact import exact_sum

NEW_TERMS, TO_A_DEALER, TO_RETAIL, FAREWELL = (
    "new terms",
    "hand over to a dealer",
    "move to retail service",
    "polite farewell",
)
DECISIONS = (NEW_TERMS, TO_A_DEALER, TO_RETAIL, FAREWELL)
BY_RETURNS, BY_DISCOUNT, BY_SERVING, BY_PRICE = "returns", "discounts", "cost to serve", "cost of the goods"
TAILS = (0.20, 0.15, 0.05)


def burdens(customers: pl.DataFrame) -> pl.DataFrame:
    """Tell of each customer whether discounts or service cost more than the customer brings, and what eats a loss.

    A discount costs more than it brings where it is larger than the profit there would be without it: it has turned
    that profit into a loss, if the customer would have bought as much all the same. Service costs more than it brings
    where it takes more than it leaves of what goods bring.

    Parameters
    ----------
    customers : polars.DataFrame
        One row a customer: revenue, discount, returned, cost_to_serve and profit (null where not known); see
        `models.profitability.customer_profit`.

    Returns
    -------
    polars.DataFrame
        `customers` with goods_bring (profit before cost to serve), discount_exceeds, serving_exceeds and below_zero
        (bool; false where profit isn't known), and eaten_by: what takes the profit of a customer below zero (returns,
        discounts, cost to serve, cost of the goods), null for the others.
    """
    profit, discount, serving = pl.col("profit"), pl.col("discount"), pl.col("cost_to_serve")
    goods_bring = profit + serving
    below = (profit < 0).fill_null(False)
    discount_exceeds = below & (profit + discount > 0).fill_null(False)
    return customers.with_columns(
        goods_bring=goods_bring,
        discount_exceeds=discount_exceeds,
        serving_exceeds=((goods_bring > 0) & (serving > profit)).fill_null(False),
        below_zero=below,
        eaten_by=pl.when(~below)
        .then(None)
        .when((pl.col("revenue") <= 0) & (pl.col("returned") > 0))
        .then(pl.lit(BY_RETURNS))
        .when(discount_exceeds & (discount >= serving))
        .then(pl.lit(BY_DISCOUNT))
        .when(goods_bring >= 0)
        .then(pl.lit(BY_SERVING))
        .when(discount_exceeds)
        .then(pl.lit(BY_DISCOUNT))
        .otherwise(pl.lit(BY_PRICE)),
    )


def decisions(burdened: pl.DataFrame) -> pl.DataFrame:
    """Choose what practice does with customers below zero, and with those whose service takes more than it leaves.

    In this order, the first that fits:

    - class A, or a discount larger than the cost to serve and without which a profit would be left: new terms;
    - goods that bring something, which service takes: a dealer for those who buy regularly (X, Y), retail service
      for the irregular (Z);
    - goods that bring nothing: a polite farewell.

    Parameters
    ----------
    burdened : polars.DataFrame
        abc and xyz beside the columns of `burdens`, one row a customer.

    Returns
    -------
    polars.DataFrame
        `burdened` with decision (one of `DECISIONS`, null for whom nothing has to change) and regained: what the
        decision brings at most, had it held over the time summed up: the discount or the cost to serve saved, or the
        loss ended; 0 without a decision.
    """
    discount, serving = pl.col("discount"), pl.col("cost_to_serve")
    concerned = pl.col("below_zero") | pl.col("serving_exceeds")
    by_discount = pl.col("discount_exceeds") & (discount >= serving)
    loss = (-pl.col("profit")).clip(lower_bound=0.0)
    decided = burdened.with_columns(
        decision=pl.when(~concerned)
        .then(None)
        .when((pl.col("abc") == "A") | by_discount)
        .then(pl.lit(NEW_TERMS))
        .when(pl.col("goods_bring") <= 0)
        .then(pl.lit(FAREWELL))
        .when(pl.col("xyz") == "Z")
        .then(pl.lit(TO_RETAIL))
        .otherwise(pl.lit(TO_A_DEALER))
    )
    decision = pl.col("decision")
    return decided.with_columns(
        regained=pl.when(decision.is_null())
        .then(0.0)
        .when(decision == NEW_TERMS)
        .then(pl.max_horizontal(discount, serving, loss))
        .when(decision == FAREWELL)
        .then(loss)
        .otherwise(serving)
    )


def tails(customers: pl.DataFrame, shares: Sequence[float] = TAILS) -> pl.DataFrame:
    """Sum up the smallest customers, who together bring the last part of revenue.

    Parameters
    ----------
    customers : polars.DataFrame
        customer, revenue, purchases, cost_to_serve and profit, one row a customer.
    shares : sequence of float, default (0.20, 0.15, 0.05)
        How much of revenue each tail brings, at most: it begins after the largest customers who bring the rest.

    Returns
    -------
    polars.DataFrame
        One row a share, and a last one of everybody (share 1): share, customers, purchases (days with a sale),
        revenue, cost_to_serve, profit (null where not known). Who brings no revenue belongs to every tail.
    """
    ranked = customers.with_columns(before=share_before(customers, "revenue"))
    small = {share: (pl.col("before") >= 1 - share) | (pl.col("revenue") <= 0) for share in shares}
    known = pl.col("profit").null_count() == 0
    return pl.concat(
        ranked.filter(within)
        .select(
            pl.lit(share).alias("share"),
            pl.len().cast(pl.Int64).alias("customers"),
            pl.col("purchases").sum(),
            exact_sum("revenue"),
            exact_sum("cost_to_serve"),
            exact_sum("profit"),
            known.alias("known"),
        )
        .with_columns(profit=pl.when("known").then("profit"))
        .drop("known")
        for share, within in {**small, 1.0: pl.lit(True)}.items()
    )
