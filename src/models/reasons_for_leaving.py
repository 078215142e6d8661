"""Why customers may have left: what happened to them, by reason, weighted by the value that is lost with them.

A reason's value lost is the sum over its customers of what each was expected to buy (the pace before it happened, over
a horizon) times silent less usual: silent is 1 for whoever has fallen silent since and 0 for the others, usual the
share of comparable customers who have, to whom nothing had happened. Frequent reasons and costly ones are not the
same, and ten complaints of small customers may weigh less than one of a large one. Where few large customers hold most
of what was expected, the loss hangs on those few: its interval rests on as many customers as their expected purchases
are worth (Kish's effective number), and of fewer than 5 no loss is told.

References
----------
Kish, L. (1965). *Survey Sampling*. Wiley. Section 11.7.
Reichheld, F. F. (1996). Learning from Customer Defections. *Harvard Business Review* 74(2), 56-69.
Keaveney, S. M. (1995). Customer Switching Behavior in Service Industries: An Exploratory Study. *Journal of
Marketing* 59(2), 71-82.
"""

import datetime as dt
from dataclasses import replace

import polars as pl

from .matched_risk_set import YEAR, compare
from .multiple_comparisons import holm

SHORTEST_PACE_DAYS = 90  # a younger customer's pace is reckoned over so many days, or one purchase would be a pace
FEWEST = 5  # customers compared, below which a share is a few people's ways
SIGNIFICANT = 0.05
ANY = "any of them"
NOT_KNOWN = float("nan")


def expected_before(histories: pl.DataFrame, horizon_days: float) -> pl.Series:
    """Return what each was on the way to buy in `horizon_days`: the pace of the last 365 days.

    Parameters
    ----------
    histories : polars.DataFrame
        spent and age, as `models.matched_risk_set.histories` returns them.
    horizon_days : float

    Returns
    -------
    polars.Series
        Of whoever hasn't been a customer for 365 days the pace since the first purchase, over 90 days at least.
    """
    days = pl.col("age").clip(SHORTEST_PACE_DAYS, YEAR)
    return histories.select(expected=pl.col("spent").clip(lower_bound=0) / days * horizon_days)["expected"]


def by_reason(
    cases: pl.DataFrame, comparable: pl.DataFrame, followed_until: dt.date, *, coverage: float = 0.8
) -> pl.DataFrame:
    """Weigh each reason by the value lost with its customers.

    Parameters
    ----------
    cases : polars.DataFrame
        One row for each time something happened: customer, date, kind, reason, spent, expected (to be bought, as
        `expected_before` returns it), silent (whether the customer has fallen silent by now), and the bands of
        `models.matched_risk_set.in_bands`.
    comparable : polars.DataFrame
        Moments of customers at risk: customer, silent, and the bands.
    followed_until : datetime.date
        Whatever happened later is counted but not compared: nobody could fall silent in so short a time.
    coverage : float, default 0.8
        Of the intervals.

    Returns
    -------
    polars.DataFrame
        A row for each kind and reason, and one with the kind `ANY` for all together; a customer counts once in each,
        by the first time.

        - kind, reason, events, customers, spent (in the year before), compared (customers)
        - silent, expected_silent, difference, low, high (shares of customers, `difference` is silent less
          expected_silent), p_value; NaN where fewer than 5 are compared
        - clear: whether the two shares differ beyond chance (p_value below 0.05) and more have fallen silent
        - at_stake (what those compared were expected to buy), worth (of how many customers that is as concentrated)
        - lost, lost_low, lost_high (sum over the customers), lost_p_value; NaN where `worth` is below 5
        - lost_clear: whether the loss is above 0 beyond chance

        Both p-values are corrected by Holm's method for the number of reasons; the row of all is one question by
        itself. Rows of several reasons share customers, so they don't add up to the one of all.
    """
    groups = [
        (str(kind), None if reason is None else str(reason), rows)
        for (kind, reason), rows in cases.sort("kind", "reason", "date", "customer").group_by(
            ["kind", "reason"], maintain_order=True
        )
    ]
    groups.append((ANY, None, cases))
    table = pl.DataFrame(
        [_weighed(kind, reason, rows, comparable, followed_until, coverage) for kind, reason, rows in groups],
        schema_overrides={"kind": pl.String, "reason": pl.String},
        infer_schema_length=None,
    )
    corrected = {
        name: pl.Series([*holm(table[name].head(-1)), table[name][-1]], dtype=pl.Float64)
        for name in ("p_value", "lost_p_value")
    }
    # NaN is larger than any number in polars, so an untold one is never clear
    return table.with_columns(**corrected).with_columns(
        clear=(pl.col("p_value") < SIGNIFICANT) & (pl.col("difference") > 0),
        lost_clear=(pl.col("lost_p_value") < SIGNIFICANT) & (pl.col("lost") > 0),
    )


def _weighed(
    kind: str,
    reason: str | None,
    rows: pl.DataFrame,
    comparable: pl.DataFrame,
    followed_until: dt.date,
    coverage: float,
) -> dict[str, object]:
    once = rows.sort("date", maintain_order=True).unique("customer", keep="first", maintain_order=True)
    followed = once.filter(pl.col("date") <= followed_until)
    found = compare(followed, comparable, "silent", coverage=coverage)
    by_value = compare(followed, comparable, "silent", worth="expected", coverage=coverage)
    if found.cases < FEWEST:
        found = replace(found, difference=NOT_KNOWN, low=NOT_KNOWN, high=NOT_KNOWN, p_value=NOT_KNOWN)
    if by_value.effective_cases < FEWEST:
        by_value = replace(by_value, difference=NOT_KNOWN, low=NOT_KNOWN, high=NOT_KNOWN, p_value=NOT_KNOWN)
    at_stake = by_value.weight
    return {
        "kind": kind,
        "reason": reason,
        "events": rows.height,
        "customers": once.height,
        "spent": float(once["spent"].sum()),
        "compared": found.cases,
        "silent": found.share,
        "expected_silent": found.expected,
        "difference": found.difference,
        "low": found.low,
        "high": found.high,
        "p_value": found.p_value,
        "at_stake": at_stake,
        "worth": by_value.effective_cases,
        "lost": at_stake * by_value.difference,
        "lost_low": at_stake * by_value.low,
        "lost_high": at_stake * by_value.high,
        "lost_p_value": by_value.p_value,
    }
