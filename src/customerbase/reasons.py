"""Reasons in words: a rule's text with each customer's own numbers in it."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from models.playbook import Rule, words_of
from models.playbook_columns import COLUMNS

from .wording import NOT_RECORDED

SAID_OF_NOTHING = {"most_bought": "what they have bought before", "p_alive": "not known"}
CENTS_BELOW = 100  # as `wording.money`


def in_words(customers: pl.DataFrame, rules: Sequence[Rule], currency: str) -> pl.DataFrame:
    """Fill in each customer's numbers into the texts of the rule that decides.

    Parameters
    ----------
    customers : polars.DataFrame
        One row a customer: rule (the number of the rule that decides), and the columns that the rules' texts name.
    rules : sequence of Rule
        In order; the rule of number n stands at n - 1.
    currency : str

    Returns
    -------
    polars.DataFrame
        action, action_reason and offer, in the order of the rows; offer is null where the rule offers nothing.
    """
    schema = {"row": pl.Int64, "action": pl.String, "action_reason": pl.String, "offer": pl.String}
    rows = customers.with_columns(pl.Series("row", range(customers.height), dtype=pl.Int64))
    # a rule at a time, since a text is filled in only for those it is about
    filled = [
        rows.filter(pl.col("rule") == rule.number).select(
            "row",
            pl.lit(rule.action).alias("action"),
            filled_in(rule.because, currency).alias("action_reason"),
            (filled_in(rule.offer, currency) if rule.offer else pl.lit(None, pl.String)).alias("offer"),
        )
        for rule in rules
    ]
    return pl.concat([pl.DataFrame(schema=schema), *filled]).sort("row").drop("row")


def filled_in(text: str, currency: str) -> pl.Expr:
    """Return a text with the values of the columns that it names in braces, as words."""
    parts = []
    for plain, name in words_of(text):
        parts.append(pl.lit(plain))
        if name is not None:
            parts.append(worded(name, currency).fill_null(SAID_OF_NOTHING.get(name, NOT_RECORDED)))
    return pl.concat_str(parts)


def worded(name: str, currency: str) -> pl.Expr:
    """Return a column's values as `wording` would word them; null where there is none."""
    value = pl.col(name)
    match COLUMNS[name].kind:
        case "money":
            return pl.concat_str(pl.lit(f"{currency} "), _money(value))
        case "number":
            return _whole(value)
        case "share":
            return pl.concat_str(_tenths(value * 100), pl.lit("%"))
        case "probability":
            sure = pl.concat_str(_whole(value * 100), pl.lit("%"))
            return (
                pl.when(value < 0.01)
                .then(pl.lit("under 1%"))
                .when(value > 0.99)
                .then(pl.lit("over 99%"))
                .otherwise(sure)
            )
        case "yes or no":
            return pl.when(value).then(pl.lit("yes")).when(~value).then(pl.lit("no"))
        case "date":
            return value.dt.strftime("%-d %B %Y")
    return value


def _money(value: pl.Expr) -> pl.Expr:
    cents = (value * 100).round().cast(pl.Int64, strict=False)
    point = cents.abs().cast(pl.String).str.zfill(3).str.replace(r"(\d\d)$", ".$1")
    return pl.when(cents.abs() < 100 * CENTS_BELOW).then(pl.concat_str(_sign(cents), point)).otherwise(_whole(value))


def _whole(value: pl.Expr) -> pl.Expr:
    """Return a number without decimals, thousands separated."""
    whole = value.cast(pl.Float64).round().cast(pl.Int64, strict=False)
    digits = whole.abs().cast(pl.String).str.reverse()
    parted = digits.str.replace_all(r"(\d{3})", "$1,").str.strip_chars_end(",").str.reverse()
    return pl.concat_str(_sign(whole), parted)


def _tenths(value: pl.Expr) -> pl.Expr:
    """Return a number with one decimal, thousands separated."""
    tenths = (value.cast(pl.Float64) * 10).round().cast(pl.Int64, strict=False)
    last = pl.concat_str(pl.lit("."), (tenths.abs() % 10).cast(pl.String))
    return pl.concat_str(_sign(tenths), _whole(tenths.abs() // 10), last)


def _sign(whole: pl.Expr) -> pl.Expr:
    return pl.when(whole < 0).then(pl.lit("-")).otherwise(pl.lit(""))
