"""Why customers may have left: what happened to them, by reason, weighted by the value that is lost with them.

A reason's value lost is what its customers were expected to buy (their pace before it happened, over a horizon) times
the drop in staying: by how much more of them have fallen silent since than of comparable customers to whom nothing
had happened. Frequent reasons and costly ones are not the same, and ten complaints of small customers may weigh less
than one of a large one.

References
----------
Reichheld, F. F. (1996). Learning from Customer Defections. *Harvard Business Review* 74(2), 56-69.
Keaveney, S. M. (1995). Customer Switching Behavior in Service Industries: An Exploratory Study. *Journal of
Marketing* 59(2), 71-82.
"""

import datetime as dt
from dataclasses import replace

import polars as pl

from .matched_risk_set import YEAR, compare, weights

SHORTEST_PACE_DAYS = 90  # a younger customer's pace is reckoned over so many days, or one purchase would be a pace
FEWEST = 5  # customers compared, below which a share is a few people's ways
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
        by the first time. kind, reason, events, customers, spent (in the year before), compared (customers),
        silent, expected_silent, difference, low, high (shares), clear (whether more fell silent than chance explains,
        with all reasons looked at), at_stake (what those compared were expected to buy),
        lost, lost_low, lost_high (`at_stake` times the difference); NaN where fewer than 5 are compared. Rows of
        several reasons share customers, so they don't add up to the one of all.
    """
    schema = {"kind": pl.String, "reason": pl.String}
    groups = [
        (str(kind), None if reason is None else str(reason), rows)
        for (kind, reason), rows in cases.sort("kind", "reason", "date", "customer").group_by(
            ["kind", "reason"], maintain_order=True
        )
    ]
    groups.append((ANY, None, cases))
    # of k reasons looked at, chance alone makes one clear no oftener than it would of one (Bonferroni)
    strict = 1 - (1 - coverage) / max(len(groups) - 1, 1)
    return pl.DataFrame(
        [_weighed(kind, reason, rows, comparable, followed_until, (coverage, strict)) for kind, reason, rows in groups],
        schema_overrides=schema,
        infer_schema_length=None,
    )


def _weighed(
    kind: str,
    reason: str | None,
    rows: pl.DataFrame,
    comparable: pl.DataFrame,
    followed_until: dt.date,
    coverage: tuple[float, float],
) -> dict[str, object]:
    once = rows.sort("date", maintain_order=True).unique("customer", keep="first", maintain_order=True)
    followed = once.filter(pl.col("date") <= followed_until)
    found, strict = (compare(followed, comparable, "silent", coverage=each) for each in coverage)
    at_stake = float(weights(followed, comparable)[0]["expected"].sum())
    if found.cases < FEWEST:
        found, strict = (replace(each, difference=NOT_KNOWN, low=NOT_KNOWN, high=NOT_KNOWN) for each in (found, strict))
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
        "clear": strict.low > 0,
        "at_stake": at_stake,
        "lost": at_stake * found.difference,
        "lost_low": at_stake * found.low,
        "lost_high": at_stake * found.high,
    }
