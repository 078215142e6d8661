"""Which campaigns there were, by whom they reached and when.

A name that comes back after a pause, as a spring letter does each year, is another campaign each time.
"""

import datetime as dt

import polars as pl


def campaign_waves(reached: pl.DataFrame, campaign_days: int) -> pl.DataFrame:
    """Tell campaigns apart.

    Parameters
    ----------
    reached : polars.DataFrame
        One row for each time a campaign reached a customer: customer, date (its first day for that customer), reason
        (its name; null where there is none), and until (its last day; may be missing or null).
    campaign_days : int
        How long a campaign lasts whose last day isn't known. A name that reaches nobody for longer is another campaign
        the next time.

    Returns
    -------
    polars.DataFrame
        One row a customer and campaign, by campaign: campaign (a number from 0, in order of the first day), name,
        customer, start and until (of the campaign), spread (days from the first to the last on which it began for
        somebody).
    """
    last = pl.col("date").dt.offset_by(f"{campaign_days - 1}d")
    if "until" in reached.columns:
        last = pl.coalesce("until", last)
    rows = reached.with_columns(until=last).sort("reason", "date", "customer", nulls_last=True)
    pause = pl.col("date") - pl.col("date").shift().over("reason")
    rows = rows.with_columns(
        wave=(pause > dt.timedelta(days=campaign_days)).fill_null(value=False).cum_sum().over("reason")
    )
    told = rows.group_by("reason", "wave").agg(
        start=pl.col("date").min(),
        last_start=pl.col("date").max(),
        until=pl.col("until").max(),
        customer=pl.col("customer").unique(maintain_order=True),
    )
    told = told.sort("start", "reason", "wave", nulls_last=True).with_row_index("campaign")
    return told.explode("customer").select(
        pl.col("campaign").cast(pl.Int64),
        name="reason",
        customer="customer",
        start="start",
        until="until",
        spread=(pl.col("last_start") - pl.col("start")).dt.total_days(),
    )


def redeemed_by(waves: pl.DataFrame, redemptions: pl.DataFrame) -> pl.DataFrame:
    """Assign each redemption to the latest campaign of its name that had begun.

    Parameters
    ----------
    waves : polars.DataFrame
        As `campaign_waves` returns it.
    redemptions : polars.DataFrame
        customer, date, reason (the campaign's name; null where there is none).

    Returns
    -------
    polars.DataFrame
        campaign, customer, date: of those whose campaign is known.
    """
    begun = waves.select("campaign", "start", name=pl.col("name").fill_null("")).unique().sort("start", "campaign")
    used = redemptions.select("customer", "date", name=pl.col("reason").fill_null("")).sort("date", "customer")
    found = used.join_asof(begun, left_on="date", right_on="start", by="name", check_sortedness=False)
    return found.filter(pl.col("campaign").is_not_null()).select("campaign", "customer", "date")
