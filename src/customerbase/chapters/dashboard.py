"""The practitioner's dashboard: retention beside its reference, LTV by its factors, new customers against existing."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl

from models import BGNBD
from models.acquisition_cost import acquisition_cost, new_and_existing, years_back
from models.exact import exact_sum
from models.lifetime_value import customer_lifetime_value
from models.lifetime_value_factors import lifetime_value_factors, times_as_customer, value_ahead
from models.penetration import penetration
from models.retention_between import Period, retention_between, whole_periods

from ..chapter import Chapter
from ..errors import CannotSay
from ..findings import Verdict
from ..ledger.returns import STOOD
from ..shown_table import Columns, ShownTable, show_table
from ..unsaid import Unsaid, says_why_not
from ..wording import DASH, between, count, day, if_known, key, money, number, percent, plural
from . import ladder as ladder_steps
from .ladder import YEAR, Ladder
from .lifetime_value import fit_spend, margins
from .profit import customer_profit, customer_revenue, profit_known

TOYOTA = 70  # per cent of its customers that practice says it keeps
LAST_YEAR = "last 365 days"
PERIODS: tuple[Period, ...] = ("month", "quarter", "year")
#: How many of a kind make a year; a month is too short to tell of one.
A_YEAR = {"quarter": 4, "year": 1, LAST_YEAR: 1}
ALL = "all customers"
OTHERS, NOT_RECORDED = "others", "not recorded"
THIRDS = ("largest third", "middle third", "smallest third")
FEWEST_FOR_THIRDS = 30
#: What may set customers apart, the first that is recorded before the next.
SEGMENTED_BY = ("kind", "channel", "department")
MOST_SEGMENTS = 8
LEAST_RECORDED = 0.5  # share of customers with a segment from which it speaks for the base
CUSTOMERS_SHOWN = 10


@dataclass(frozen=True)
class Dashboard:
    """What the dashboard found, for its findings.

    Attributes
    ----------
    ladder : Ladder
    rungs : pandas.DataFrame
        From `ladder.by_rung`.
    flow, rates, factors, newcomers, wallet : pandas.DataFrame or Unsaid
        From `ladder.moves`, `retention`, `factors`, `newcomers` and `share_of_wallet`.
    """

    ladder: Ladder
    rungs: pd.DataFrame
    flow: pd.DataFrame | Unsaid
    rates: pd.DataFrame | Unsaid
    factors: pd.DataFrame | Unsaid
    newcomers: pd.DataFrame | Unsaid
    wallet: pd.DataFrame | Unsaid


@says_why_not
def retention(chapter: Chapter) -> pd.DataFrame:
    """Return the retention rate of each whole month, quarter and year, and of the last 365 days.

    Periods that begin less than `active_days` after the ledger does are left out.

    Returns
    -------
    pandas.DataFrame
        kind ("month", "quarter", "year", "last 365 days"), period, start, end, customers_start, customers_new,
        customers_end, kept and crr as `models.retention_between.retention_between` has them, and crr_a_year: what the
        rate comes to in a year if every period is like this one. A rate above 100, where more came back than were
        lost, comes to 100; of a month, in which the few who come back weigh most, nothing is said (NaN).
    """
    active_days, first_day = chapter.parameters.active_days, _first_line(chapter)
    parts = [whole_periods(first_day, chapter.as_of, period).assign(kind=period) for period in PERIODS]
    last_year = {"period": f"to {chapter.as_of}", "start": pd.Timestamp(chapter.as_of - YEAR + dt.timedelta(days=1))}
    parts.append(pd.DataFrame([last_year | {"end": pd.Timestamp(chapter.as_of), "kind": LAST_YEAR}]))
    periods = pd.concat(parts, ignore_index=True)
    # before then nobody can have been lost, since no purchase is so old
    periods = periods[periods["start"] >= pd.Timestamp(first_day) + pd.Timedelta(days=active_days)]
    spans = list(zip(periods["start"].dt.date, periods["end"].dt.date, strict=True))
    found = retention_between(chapter.purchases, spans, active_days=active_days)
    rates = pd.concat([periods.reset_index(drop=True), found], axis=1)
    rates = rates[rates["crr"].notna()].reset_index(drop=True)
    if rates.empty:
        raise CannotSay(
            f"A retention rate needs a whole month that begins with active customers, {plural(active_days, 'day')} or "
            "more after the ledger does."
        )
    a_year = 100 * (rates["crr"].clip(upper=100) / 100) ** rates["kind"].map(A_YEAR)
    # a whole year's rate is what it is
    return rates.assign(crr_a_year=a_year.mask(rates["kind"].map(A_YEAR) == 1, rates["crr"]))


def latest_rates(rates: pd.DataFrame) -> pd.DataFrame:
    """Return the latest period of each kind, the longest last."""
    return rates.groupby("kind", sort=False).tail(1).reset_index(drop=True)


def retention_table(chapter: Chapter, rates: pd.DataFrame | Unsaid) -> ShownTable | None:
    """Show the latest month, quarter and year beside the reference.

    Nothing is shown where the figure has said why not.
    """
    if isinstance(rates, Unsaid):
        return None
    given = chapter.parameters
    frame = latest_rates(rates)
    frame["label"] = frame["kind"] + " " + frame["period"]
    frame["against"] = frame["crr_a_year"] - 100 * given.reference_retention
    columns: Columns = {
        "label": ("period", str),
        "customers_start": ("active at the start (S)", count),
        "customers_new": ("new (N)", count),
        "customers_end": ("active at the end (E)", count),
        "crr": ("CRR (%)", number),
        "crr_a_year": ("a year at this rate (%)", if_known(number, DASH)),
        "against": (f"points above {percent(given.reference_retention)}", _signed),
    }
    caption = f"CRR = (E − N) / S × 100, the latest whole periods; active: bought in the last {given.active_days} days"
    return show_table(frame, caption, columns)


@says_why_not
def model_values(chapter: Chapter, summary: pd.DataFrame, model: BGNBD) -> pl.DataFrame:
    """Return each customer's value by the models: customer and clv, as in the table `lifetime_value`."""
    given = chapter.parameters
    spend = fit_spend(summary)
    if isinstance(spend, Unsaid):
        raise CannotSay(spend.reason)
    valued = customer_lifetime_value(
        summary,
        model,
        spend,
        horizon_days=given.horizon_days,
        annual_discount_rate=given.annual_discount_rate,
        margin=margins(chapter, summary),
        time_unit=given.time_unit,
    )
    return pl.from_pandas(valued[["customer", "clv"]], nan_to_null=True)


def factors(chapter: Chapter, earned: pl.DataFrame, valued: pl.DataFrame | Unsaid) -> pd.DataFrame | Unsaid:
    """Return LTV = S x C x P x T of the base and of its segments, beside the models' value.

    Parameters
    ----------
    chapter : Chapter
    earned : polars.DataFrame
        As `chapters.profit.customer_profit` returns it.
    valued : polars.DataFrame or Unsaid
        As `model_values` returns it.

    Returns
    -------
    pandas.DataFrame
        As `models.lifetime_value_factors.lifetime_value_factors` returns it, the base first, with ahead (what
        the formula says of the next `horizon_days`), model, median_model and below_mean_model (mean of the models'
        value over the same time, its median, and the share of customers below the mean; NaN where not known),
        median_so_far (of the profit, or the revenue, that customers have brought) and by, what sets the segments apart.

    Notes
    -----
    S is the ledger's revenue of these customers, after all returns, per purchase that stood, and P their profit per
    revenue: so LTV times the customers who left is the profit that they all brought. All four factors are of the whole
    ledger, whatever `lookback_days` is.
    """
    # the formula needs no model, so an answer that the models can't give takes only their column
    found: pd.DataFrame | Unsaid = _factors(chapter, earned, None if isinstance(valued, Unsaid) else valued)
    return found


@says_why_not
def _factors(chapter: Chapter, earned: pl.DataFrame, valued: pl.DataFrame | None) -> pd.DataFrame:
    given = chapter.parameters
    times = times_as_customer(chapter.purchases, chapter.as_of, active_days=given.active_days)
    if not times["left"].any():
        raise CannotSay(
            f"No customer has been silent for {plural(given.active_days, 'day')} yet, so how long a customer stays "
            "(T), and with it LTV, can't be told."
        )
    if given.lookback_days is not None:
        earned = customer_profit(chapter, first=_first_line(chapter))
    by, segments = _segments(chapter, times)
    brought = earned.select("customer", "revenue", earned="profit" if profit_known(chapter) else "revenue")
    known = times.join(segments, on="customer", how="left").join(brought, on="customer", how="left")
    known = known.with_columns(amount=pl.col("revenue"), base=pl.lit(ALL))
    if valued is None:
        known = known.with_columns(clv=pl.lit(None, pl.Float64))
    else:
        known = known.join(valued, on="customer", how="left")
    value, mean = pl.col("clv"), exact_sum("clv") / pl.col("clv").count()
    revenue = exact_sum("revenue")
    parts = []
    for column in ("base", "segment"):
        sums = (
            known.drop_nulls(column)
            .group_by(segment=column)
            .agg(
                profit_share=pl.when(revenue > 0).then(exact_sum("earned") / revenue),
                model=pl.when(value.count() > 0).then(mean),
                median_model=value.median(),
                below_mean_model=(value < mean).mean(),
                median_so_far=pl.col("earned").median(),
            )
        )
        part = lifetime_value_factors(known, sums, by=column, interval=given.interval)
        part["ahead"] = value_ahead(part["value"], part["years"], part["lost"] / part["customers"], given.horizon_days)
        part = part.merge(sums.drop("profit_share").to_pandas(), on="segment", how="left")
        parts.append(_in_order(part))
    return pd.concat([part for part in parts if len(part)], ignore_index=True).assign(by=by)


def _segments(chapter: Chapter, times: pl.DataFrame) -> tuple[str, pl.DataFrame]:
    """Return what sets customers apart on this base, and each customer's segment."""
    particulars = chapter.particulars
    for name in SEGMENTED_BY:
        for rows in (particulars, chapter.ledger):
            if rows is None or name not in rows.columns or (rows is chapter.ledger and name == "kind"):
                continue
            told = rows.drop_nulls(name).select("customer", name, *(["date"] if rows is chapter.ledger else []))
            told = told.sort("date", maintain_order=True) if rows is chapter.ledger else told
            of_customer = told.group_by("customer").agg(segment=pl.col(name).cast(pl.String).last())
            found = times.select("customer").join(of_customer, on="customer", how="left")
            sizes = found["segment"].drop_nulls().value_counts(sort=True)
            if sizes.height > 1 and sizes["count"].sum() >= LEAST_RECORDED * times.height:
                largest = sizes["segment"].head(MOST_SEGMENTS if sizes.height <= MOST_SEGMENTS else MOST_SEGMENTS - 1)
                named = pl.col("segment").is_in(largest.implode())
                kept = pl.when(named).then("segment").otherwise(pl.lit(OTHERS))
                missing = pl.col("segment").is_null()
                return name, found.select(
                    "customer", segment=pl.when(missing).then(pl.lit(NOT_RECORDED)).otherwise(kept)
                )
    return _by_first_purchase(times)


def _by_first_purchase(times: pl.DataFrame) -> tuple[str, pl.DataFrame]:
    """Cut customers into thirds by what they first bought: known before anyone could leave, unlike their value."""
    first = times.select("customer", "first_amount").sort("first_amount", "customer")
    if first.height < FEWEST_FOR_THIRDS or first["first_amount"][0] == first["first_amount"][-1]:
        return "", times.select("customer", segment=pl.lit(None, pl.String))
    third = pl.int_range(pl.len()) * len(THIRDS) // pl.len()
    named = third.replace_strict(dict(enumerate(THIRDS[::-1])), return_dtype=pl.String)
    return "first purchase", first.select("customer", segment=named)


def _in_order(part: pd.DataFrame) -> pd.DataFrame:
    """Sort thirds as they are named, and other segments by their number of customers, what is left over last."""
    last = {name: place for place, name in enumerate((*THIRDS, OTHERS, NOT_RECORDED), start=1)}
    place = part["segment"].map(last).fillna(0)
    return (
        part.assign(place=place)
        .sort_values(["place", "customers", "segment"], ascending=[True, False, True], ignore_index=True)
        .drop(columns="place")
    )


def factor_table(chapter: Chapter, frame: pd.DataFrame | Unsaid) -> ShownTable | None:
    """Show the four factors, LTV, and beside it the models' value.

    Nothing is shown where the figure has said why not.
    """
    if isinstance(frame, Unsaid):
        return None
    given, currency = chapter.parameters, chapter.parameters.currency
    known = zip(*(frame[name] for name in ("years", "years_low", "years_high")), strict=True)
    shown = frame.assign(
        segment=frame["segment"].map(key),
        stays=[f"{number(years)} ({between(low, high, '{:.2f}')})" for years, low, high in known],
    )
    share = "P: share that is profit" if profit_known(chapter) else "P: not recorded, so 1"
    ahead = f"in the next {count(given.horizon_days)} days"
    columns: Columns = {
        "segment": (_by_in_words(frame), str),
        "customers": ("customers", count),
        "mean_purchase": (f"S: mean purchase ({currency})", number),
        "median_purchase": ("a customer's own, median", number),
        "below_mean_purchase": ("customers below S", percent),
        "purchases_a_year": ("C: purchases a year", number),
        "profit_share": (share, percent),
        "stays": (f"T: years a customer ({percent(given.interval)} interval)", str),
        "value": (f"LTV = S × C × P × T ({currency})", number),
        "ahead": (f"of it {ahead} ({currency})", number),
        "model": (f"the models' mean value {ahead} ({currency})", number),
        "median_model": ("median", number),
        "below_mean_model": ("below the mean", percent),
    }
    what = "profit" if profit_known(chapter) else "revenue"
    return show_table(shown, f"What a customer brings in {what} over a lifetime, and what the models say", columns)


def _by_in_words(frame: pd.DataFrame) -> str:
    by = frame["by"].iloc[0]
    return f"customers, by {by}" if by else "customers"


@says_why_not
def newcomers(chapter: Chapter) -> pd.DataFrame:
    """Return new and existing customers of the last years, their revenue, and what each kind costs.

    Returns
    -------
    pandas.DataFrame
        As `models.acquisition_cost.acquisition_cost` returns it; its columns of spending are missing where no
        spending is recorded. To a ledger of no more than a year everybody is new, so of one nothing can be said.
    """
    lines = chapter.ledger.select("customer", pl.col("date").dt.date(), "amount", bought=STOOD)
    years = years_back(_first_line(chapter), chapter.as_of)
    if len(years) < 2:
        raise CannotSay(
            f"The ledger begins on {day(_first_line(chapter))}, no more than a year before {day(chapter.as_of)}: "
            "everyone is new to it, so new customers can't be told from existing ones."
        )
    counts = new_and_existing(lines, years)
    if counts.filter(pl.col("new") + pl.col("existing") > 0).is_empty():
        raise CannotSay("No purchase of the last years stood, so there are no customers to set side by side.")
    if chapter.spending is not None:
        counts = acquisition_cost(counts, chapter.spending.with_columns(pl.col("date").dt.date()))
    return counts.to_pandas()


def newcomer_table(chapter: Chapter, years: pd.DataFrame | Unsaid) -> ShownTable | None:
    """Show new customers against existing ones, the latest year first.

    Nothing is shown where the figure has said why not.
    """
    if isinstance(years, Unsaid):
        return None
    currency = chapter.parameters.currency
    revenue = years["revenue_new"].add(years["revenue_existing"])
    labels = _span_labels(years, first_day=_first_line(chapter))
    measures = ("mean", "median", "below_mean")
    kinds = [
        pd.DataFrame(
            {
                "label": labels if kind == "new" else "",
                "kind": kind,
                "customers": years[kind],
                "revenue": years[f"revenue_{kind}"],
                "share": (years[f"revenue_{kind}"] / revenue).where(revenue > 0),
                **{name: years[f"{name}_{kind}"] for name in measures},
            }
        )
        for kind in ("new", "existing")
    ]
    frame = pd.concat(kinds).sort_index(ascending=False, kind="stable")
    columns: Columns = {
        "label": ("year", str),
        "kind": ("customers", str),
        "customers": ("who bought", count),
        "revenue": (f"revenue ({currency})", count),
        "share": ("share of revenue", percent),
        "mean": (f"each brought, mean ({currency})", if_known(number, DASH)),
        "median": (f"median ({currency})", if_known(number, DASH)),
        "below_mean": ("below the mean", if_known(percent, DASH)),
    }
    return show_table(frame, "New customers against existing ones, by year", columns)


def cost_table(chapter: Chapter, years: pd.DataFrame | Unsaid) -> ShownTable | Unsaid | None:
    """Show what winning a customer costs against keeping one, the latest year first.

    Nothing is shown where the figure of new customers has said why not.
    """
    if isinstance(years, Unsaid):
        return None
    if "cost_of_winning" not in years.columns or years["spent_winning"].isna().all():
        return Unsaid(_no_spending(chapter))
    currency = chapter.parameters.currency
    frame = years.assign(label=_span_labels(years, first_day=None))
    columns: Columns = {
        "label": ("year", str),
        "spent_winning": (f"spent on winning ({currency})", count),
        "spent_keeping": (f"spent on keeping ({currency})", count),
        "cost_of_winning": (f"winning one ({currency})", if_known(number, DASH)),
        "cost_of_keeping": (f"keeping one ({currency})", if_known(number, DASH)),
        "share_of_budget": ("winning's share of the budget", if_known(percent, DASH)),
        "share_of_revenue": ("share of new in revenue", if_known(percent, DASH)),
    }
    first, last, recorded = _spending_recorded(chapter)
    caption = f"Spending on customers, recorded from {day(first)} to {day(last)}"
    other, begins = years["spent_otherwise"].sum(), years["first"].min().date()
    if other > 0:
        caption += f"; {money(other, currency)} more was spent on purposes that name neither winning nor keeping"
    before = recorded.filter(pl.col("date").dt.date() < begins).select(exact_sum("amount")).item()
    if before > 0:
        caption += f"; {money(before, currency)} was spent before {day(begins)} and is in none of these years"
    return show_table(frame.iloc[::-1], caption, columns)


def _spending_recorded(chapter: Chapter) -> tuple[dt.date, dt.date, pl.DataFrame]:
    """Return the first and the last day of recorded spending, and its rows."""
    rows: pl.DataFrame = chapter.spending  # type: ignore[assignment]
    return rows["date"].min(), rows["date"].max(), rows  # type: ignore[return-value]


def _no_spending(chapter: Chapter) -> str:
    """Say why what winning a customer cost in the last year isn't known."""
    if chapter.spending is None or chapter.spending.is_empty():
        return NO_SPENDING
    first, last, _ = _spending_recorded(chapter)
    return (
        f"What winning and keeping customers cost in the last year is not recorded: the table of spending goes from "
        f"{day(first)} to {day(last)}. Add the spending since then."
    )


def _first_line(chapter: Chapter) -> dt.date:
    return chapter.ledger["date"].dt.date().min()  # type: ignore[return-value]


def _span_labels(years: pd.DataFrame, first_day: dt.date | None) -> list[str]:
    """Name spans by their days; in the one with which the ledger begins everybody is new to it."""
    return [
        f"{first} to {last}{' (the ledger begins: everyone is new to it)' if first_day and first <= first_day else ''}"
        for first, last in zip(years["first"].dt.date, years["last"].dt.date, strict=True)
    ]


@says_why_not
def share_of_wallet(chapter: Chapter) -> pd.DataFrame:
    """Return what each customer with a recorded potential buys of it, the most left to win first.

    Returns
    -------
    pandas.DataFrame
        As `models.penetration.penetration` returns it. A ledger shorter than a year is scaled to one.
    """
    particulars = chapter.particulars
    if particulars is None or "potential" not in particulars.columns:
        raise CannotSay(NO_POTENTIAL)
    if not particulars["potential"].dtype.is_numeric():
        raise CannotSay("Potential is recorded as yes or no; how much is left to win needs it in money a year.")
    days = min(YEAR.days, (chapter.as_of - _first_line(chapter)).days + 1)
    last_year = customer_revenue(chapter, first=chapter.as_of - YEAR + dt.timedelta(days=1))
    bought = last_year.select("customer", amount=pl.col("revenue") * (YEAR.days / days))
    known = particulars.join(chapter.ledger, on="customer", how="semi").select("customer", "potential")
    found = penetration(bought, known)
    if found.is_empty():
        raise CannotSay(NO_POTENTIAL)
    return found.to_pandas()


def wallet_table(chapter: Chapter, ladder: Ladder, wallet: pd.DataFrame | Unsaid) -> ShownTable | None:
    """Show share of wallet by rung, the highest first.

    Nothing is shown where the figure has said why not.
    """
    if isinstance(wallet, Unsaid):
        return None
    currency = chapter.parameters.currency
    rung = wallet["customer"].map(ladder.customers.set_index("customer")["rung"])
    sums = wallet.groupby(rung)[["bought", "potential", "left_to_win"]].sum()
    grouped = wallet.groupby(rung)["share"]
    frame = sums.assign(customers=grouped.size(), median=grouped.median())
    frame = frame.reindex([name for name in ladder_steps.RUNGS[::-1] if name in frame.index])
    whole = wallet[["bought", "potential", "left_to_win"]].sum()
    frame.loc[ALL] = {**whole, "customers": len(wallet), "median": wallet["share"].median()}
    frame = frame.assign(share=frame["bought"] / frame["potential"]).rename_axis("rung").reset_index()
    columns: Columns = {
        "rung": ("rung", str),
        "customers": ("customers with a potential", count),
        "potential": (f"could buy a year ({currency})", count),
        "bought": (f"bought here ({currency})", count),
        "share": ("share of wallet", percent),
        "median": ("at the median", percent),
        "left_to_win": (f"left to win ({currency})", count),
    }
    return show_table(frame, f"Share of wallet in the year to {day(chapter.as_of)}", columns)


def state_findings(chapter: Chapter, found: Dashboard) -> None:
    """State what the dashboard shows."""
    ladder_steps.state_findings(chapter, found.ladder, found.rungs, found.flow)
    _state_retention(chapter, found.rates)
    _state_factors(chapter, found.factors)
    _state_newcomers(chapter, found.newcomers)
    _state_costs(chapter, found.newcomers, found.factors)
    _state_wallet(chapter, found.wallet, found.ladder)


def _state_retention(chapter: Chapter, rates: pd.DataFrame | Unsaid) -> None:
    if isinstance(rates, Unsaid):
        chapter.state("crr", rates.reason, verdict="unknown")
        return
    reference = 100 * chapter.parameters.reference_retention
    row = latest_rates(rates).iloc[-1]
    a_year = row["crr_a_year"]
    if row["kind"] == "month":
        statement = (
            f"The customer retention rate of the month {row['period']} is {row['crr']:.0f}%; a month is too short to "
            f"be held against the {reference:.0f}% a year taken as reference."
        )
        chapter.state("crr", statement, verdict="unknown")
        return
    yearly = row["kind"] in ("year", LAST_YEAR)
    when = f"the {LAST_YEAR}" if row["kind"] == LAST_YEAR else f"the {row['kind']} {row['period']}"
    quoted = f"the {reference:.0f}% a year taken as reference"
    quoted += ", which practice quotes of Toyota" if reference == TOYOTA else ""
    rate = f"{row['crr']:.0f}%" + ("" if yearly else f", which comes to {a_year:.0f}% in a year")
    verdict: Verdict = "good" if a_year >= reference else "watch" if a_year >= reference / 2 else "act"
    chapter.state(
        "crr",
        f"The customer retention rate of {when} is {rate}, {'at least' if a_year >= reference else 'below'} {quoted}.",
        value=a_year,
        unit="%",
        verdict=verdict,
    )


def _state_factors(chapter: Chapter, factors: pd.DataFrame | Unsaid) -> None:
    if isinstance(factors, Unsaid):
        chapter.state("ltv_factors", factors.reason, verdict="unknown")
        return
    given, currency = chapter.parameters, chapter.parameters.currency
    base = factors.iloc[0]
    if not np.isfinite(base["value"]):
        reason = "LTV can't be told: without time as a customer, or revenue above zero, one of its factors is missing."
        chapter.state("ltv_factors", reason, verdict="unknown")
        return
    what = "profit" if profit_known(chapter) else "revenue"
    profit = f" × {percent(base['profit_share'])} profit" if profit_known(chapter) else ""
    statement = (
        f"The mean customer brings {money(base['value'], currency)} of {what} over a lifetime: "
        f"{money(base['mean_purchase'], currency)} a purchase × {number(base['purchases_a_year'])} purchases a year"
        f"{profit} × {number(base['years'], 2)} years"
    )
    if np.isfinite(base["model"]):
        days = plural(given.horizon_days, "day")
        statement += (
            f"; by the same reckoning {money(base['ahead'], currency)} of it in the next {days}, where the models see "
            f"{money(base['model'], currency)} (median {money(base['median_model'], currency)})"
        )
    statement += f". Half of all customers have brought less than {money(base['median_so_far'], currency)} so far"
    low, high = (bound if np.isfinite(bound) else None for bound in (base["value_low"], base["value_high"]))
    chapter.state("ltv_factors", f"{statement}.", value=base["value"], low=low, high=high, unit=currency)


def _state_newcomers(chapter: Chapter, years: pd.DataFrame | Unsaid) -> None:
    if isinstance(years, Unsaid):
        chapter.state("new_against_existing", years.reason, verdict="unknown")
        return
    last = years.iloc[-1]
    currency, revenue = chapter.parameters.currency, last["revenue_new"] + last["revenue_existing"]
    new, existing = (money(last[f"revenue_{kind}"], currency) for kind in ("new", "existing"))
    customers = plural(last["existing"], "existing customer")
    statement = (
        f"In the last year {plural(last['new'], 'new customer')} brought {new} and {customers} {existing}"
        if last["new"]
        else f"In the last year nobody new was won; {customers} brought {existing}"
    )
    share = last["revenue_new"] / revenue if revenue > 0 else None
    if share is not None and last["new"]:
        statement += f": new customers bring {percent(share)} of revenue"
    chapter.state("new_against_existing", f"{statement}.", value=share, unit="share of revenue")


def _state_costs(chapter: Chapter, years: pd.DataFrame | Unsaid, factors: pd.DataFrame | Unsaid) -> None:
    if isinstance(years, Unsaid):
        reason = NO_SPENDING if chapter.spending is None else years.reason
        chapter.state("cost_of_winning", reason, verdict="unknown")
        return
    if "cost_of_winning" not in years.columns or np.isnan(years["spent_winning"].iloc[-1]):
        chapter.state("cost_of_winning", _no_spending(chapter), verdict="unknown")
        return
    currency, last = chapter.parameters.currency, years.iloc[-1]
    winning, keeping = last["cost_of_winning"], last["cost_of_keeping"]
    if np.isnan(winning):
        spent = money(last["spent_winning"], currency)
        statement = f"In the last year {spent} went into winning customers, and nobody was won."
        chapter.state("cost_of_winning", statement, verdict="act" if last["spent_winning"] > 0 else "note")
        return
    statement = f"In the last year winning a customer cost {money(winning, currency)}"
    if np.isfinite(keeping):
        statement += f", keeping one {money(keeping, currency)}"
    if np.isfinite(last["share_of_budget"]) and np.isfinite(last["share_of_revenue"]):
        statement += (
            f"; winning took {percent(last['share_of_budget'])} of the budget, and new customers brought "
            f"{percent(last['share_of_revenue'])} of revenue"
        )
    verdict: Verdict = "note"
    if profit_known(chapter) and not isinstance(factors, Unsaid) and np.isfinite(factors["value"].iloc[0]):
        lifetime = factors["value"].iloc[0]
        verdict = "good" if lifetime > winning else "act"
        statement += f". Over a lifetime the mean customer brings {money(lifetime, currency)} of profit"
    chapter.state("cost_of_winning", f"{statement}.", value=winning, unit=currency, verdict=verdict)


def _state_wallet(chapter: Chapter, wallet: pd.DataFrame | Unsaid, ladder: Ladder) -> None:
    if isinstance(wallet, Unsaid):
        chapter.state("share_of_wallet", wallet.reason, verdict="unknown")
        return
    currency = chapter.parameters.currency
    share = wallet["bought"].sum() / wallet["potential"].sum()
    most = wallet.head(CUSTOMERS_SHOWN)
    left = wallet["left_to_win"].sum()
    statement = (
        f"{plural(len(wallet), 'customer')} with a recorded potential {'buys' if len(wallet) == 1 else 'buy'} "
        f"{percent(share)} of it from us; "
        f"{money(left, currency)} a year is left to win"
    )
    if left > 0 and len(wallet) > len(most):
        statement += f", {percent(most['left_to_win'].sum() / left)} of it with {plural(len(most), 'customer')}"
    outgrown = int((wallet["share"] > 1).sum())
    if outgrown:
        statement += f". {plural(outgrown, 'customer')} bought more than the recorded potential: ask anew"
    only_here, less = _said_to_buy_only_here(chapter, wallet, ladder)
    if less:
        statement += (
            f". Of {count(only_here)} on record as buying only here, {count(less)} {'buys' if less == 1 else 'buy'} "
            f"less than {percent(chapter.parameters.adherent_share)} of the recorded potential: ask anew"
        )
    chapter.state("share_of_wallet", f"{statement}.", value=share, unit="share of potential")


def _said_to_buy_only_here(chapter: Chapter, wallet: pd.DataFrame, ladder: Ladder) -> tuple[int, int]:
    """Count who stands as an adherent or advocate and has a recorded potential, and those who buy too little of it."""
    rung = wallet["customer"].map(ladder.customers.set_index("customer")["rung"])
    share = wallet.loc[rung.isin(["adherent", "advocate"]), "share"]
    return len(share), int((share < chapter.parameters.adherent_share).sum())


NO_SPENDING = (
    "What winning and keeping customers costs is not recorded for the last year: a table of spending with date, "
    "purpose (such as acquisition or retention) and amount tells it."
)
NO_POTENTIAL = (
    "What customers could buy is not recorded, so neither is their share of wallet: potential in the customers' table, "
    "in money a year, tells it."
)


def _signed(points: float) -> str:
    return "–" if pd.isna(points) else f"{points:+.0f}"
