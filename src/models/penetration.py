"""Share of wallet, or penetration: what customers buy here of what they could buy."""

import polars as pl


def penetration(bought: pl.DataFrame, potential: pl.DataFrame) -> pl.DataFrame:
    """Set what each customer buys in a year beside what the customer could buy.

    Parameters
    ----------
    bought : polars.DataFrame
        customer and amount: what each bought here in a year. Whoever isn't in it bought nothing.
    potential : polars.DataFrame
        customer and potential: the money that each could spend in a year on what is sold here. Where it is null
        or not above 0 nothing is known, and the customer is left out.

    Returns
    -------
    polars.DataFrame
        One row a customer, the largest left to win first (then by customer): customer, bought (at least 0), potential,
        share (bought / potential; above 1 where the potential has been outgrown), left_to_win (potential - bought, at
        least 0).
    """
    return (
        potential.filter(pl.col("potential") > 0)
        .select("customer", "potential")
        .join(bought.select("customer", bought="amount"), on="customer", how="left")
        .with_columns(pl.col("bought").fill_null(0.0).clip(lower_bound=0.0))
        .select(
            "customer",
            "bought",
            "potential",
            share=pl.col("bought") / pl.col("potential"),
            left_to_win=(pl.col("potential") - pl.col("bought")).clip(lower_bound=0.0),
        )
        .sort("left_to_win", "customer", descending=[True, False])
    )
