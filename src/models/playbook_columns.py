"""What the rules of a playbook may ask about a customer."""

from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from models.value_tiers import TIERS

Kind = Literal["money", "number", "share", "probability", "text", "yes or no", "date"]

#: How polars holds each kind.
DTYPES: dict[str, Any] = {
    **dict.fromkeys(("money", "number", "share", "probability"), pl.Float64),
    "text": pl.String,
    "yes or no": pl.Boolean,
    "date": pl.Date,
}


@dataclass(frozen=True)
class Column:
    """A column of the table `customers` that a rule may ask about.

    Attributes
    ----------
    kind : str
        Tells which conditions can be put, and how the column's values are worded. Money is of the base's currency.
    meaning : str
    values : tuple of str
        All it can hold; empty where any text can stand.
    least : float or None, default None
        No number is below it; None where it can be any.
    """

    kind: Kind
    meaning: str
    values: tuple[str, ...] = ()
    least: float | None = None

    @property
    def ends(self) -> tuple[float, ...]:
        """The least number the column can hold and the largest, as far as there are such."""
        return (0.0, 1.0) if self.kind == "probability" else () if self.least is None else (self.least,)


_CLASSES_ABC, _CLASSES_XYZ = ("A", "B", "C"), ("X", "Y", "Z")
_RUNGS = ("left", "buyer", "client", "regular", "adherent", "advocate")
_LEVELS = ("none", "watch", "high", "dangerous", "critical")

#: The columns a rule may ask about, in the order in which they are explained.
COLUMNS: dict[str, Column] = {
    "revenue": Column("money", "what the customer brought, returns taken off"),
    "share": Column("share", "of the revenue of the whole base"),
    "profit": Column("money", "what was left after discounts, returns, cost of goods and cost to serve"),
    "cost_to_serve": Column("money", "what serving the customer cost"),
    "serving_share": Column("share", "of the profit before serving that cost to serve takes"),
    "discount_share": Column("share", "of sales that was given away as discounts"),
    "abc": Column("text", "class by share of revenue", _CLASSES_ABC),
    "abc_profit": Column("text", "class by share of profit", _CLASSES_ABC),
    "xyz": Column("text", "class by regularity", _CLASSES_XYZ),
    "abc_a_year_ago": Column("text", "class by revenue a year ago", _CLASSES_ABC),
    "xyz_a_year_ago": Column("text", "class by regularity a year ago", _CLASSES_XYZ),
    "rung": Column("text", "rung of the ladder of commitment", _RUNGS),
    "rung_a_year_ago": Column("text", "rung a year ago", _RUNGS),
    "rung_change": Column("text", "where the customer moved on the ladder within a year", ("up", "same", "down")),
    "growth": Column(
        "share", "change of the last 365 days' revenue from the 365 before; customers of two years or more"
    ),
    "purchases": Column("number", "days with a purchase that stood", least=0),
    "first_purchase": Column("date", "day of the first purchase that stood"),
    "last_purchase": Column("date", "day of the last purchase that stood"),
    "days_since_last": Column("number", "days from the last purchase to the last day observed", least=0),
    "days_to_due": Column(
        "number", "days until the next purchase is due by the customer's own rhythm; below 0, overdue"
    ),
    "silent": Column("yes or no", "silent for longer than the customer's own rhythm explains"),
    "p_alive": Column("probability", "probability of still being a customer"),
    "expected_purchases": Column("number", "purchases expected over the horizon"),
    "expected_spend": Column("money", "expected value of a purchase"),
    "clv": Column("money", "lifetime value over the horizon"),
    "clv_low": Column("money", "lower end of the lifetime value's interval"),
    "clv_high": Column("money", "upper end of the lifetime value's interval"),
    "value_if_alive": Column("money", "lifetime value if the customer is still one"),
    "value_tier": Column("text", "tier by lifetime value, room to grow and losses", TIERS),
    "value_tier_probability": Column("probability", "how surely the customer is of that tier"),
    "cluster_name": Column("text", "group of customers with like needs"),
    "most_bought": Column("text", "category, or else product, of which the customer bought for most"),
    "key_account": Column("yes or no", "meets a criterion of a key account"),
    "criteria": Column("text", "criteria of a key account that are met"),
    "dependency": Column("text", "how far the business depends on the customer", _LEVELS),
    "manager": Column("text", "who looks after the customer"),
    "department": Column("text", "department that looks after the customer"),
    "potential": Column("money", "what the customer could buy in a year, wherever they buy it"),
    "unused_potential": Column("money", "what the customer buys elsewhere in a year"),
    "share_of_wallet": Column("share", "of what the customer buys anywhere that is bought here"),
    "volume_discount": Column("share", "discount that the customer's volume earns"),
    "has_potential": Column("yes or no", "potential, where it is recorded as yes or no"),
    "reputation": Column("yes or no", "a name that brings others"),
    "innovator": Column("yes or no", "tries new things first"),
    "demanding": Column("yes or no", "asks for more than others"),
    "exclusive": Column("yes or no", "buys only here"),
    "kind": Column("text", "kind of customer"),
    "channel": Column("text", "where the customer came from"),
    "city": Column("text", "where the customer is"),
    "may_contact": Column("text", "consent to be contacted", ("yes", "no", "not recorded")),
}

PLAYBOOK_COLUMNS = tuple(COLUMNS)
