"""The practitioner's dashboard: retention beside its reference, LTV by its factors, new customers against existing."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl

from models import BGNBD
from models.acquisition_cost import ACQUISITION, RETENTION, acquisition_cost, new_and_existing, years_back
from models.lifetime_value import customer_lifetime_value
from models.lifetime_value_factors import lifetime_value_factors, times_as_customer, value_ahead
from models.penetration import penetration
from models.retention_between import retention_between, whole_periods
from models.retention_rate import Period

from ..chapter import Chapter
from ..errors import CannotSay
from ..findings import Verdict
from ..shown_table import Columns, ShownTable, show_table
from ..unsaid import Unsaid, says_why_not
from ..wording import between, count, day, money, number, percent, plural
from . import ladder as ladder_steps
from .ladder import STOOD, YEAR, Ladder
from .lifetime_value import fit_spend, margins
from .profit import profit_known

TOYOTA = 70  # per cent of its customers that practice says it keeps
PERIODS: dict[Period, int] = {"month": 12, "quarter": 4, "year": 1}  # how many of each make a year
LAST_YEAR = "last 365 days"
ALL = "all customers"
OTHERS, NOT_RECORDED = "others", "not recorded"
THIRDS = ("largest third", "middle third", "smallest third")
FEWEST_FOR_THIRDS = 30
#: What may set customers apart, the first that is recorded before the next.
SEGMENTED_BY = ("kind", "channel", "department")
MOST_SEGMENTS = 8
LEAST_RECORDED = 0.5  # share of customers with a segment from which it speaks for the base
CUSTOMERS_SHOWN = 10

#: Beginnings of words for what money is spent on, in English, Russian, German, French, Spanish, Italian and Polish.
PURPOSES = {
    ACQUISITION: (
        *("acqui", "attract", "winning", "new customer", "new client", "prospect", "привлеч", "новых клиент"),
        *("новые клиент", "neukund", "akqui", "kundengewinn", "captac", "captación", "adquis", "pozysk"),
    ),
    RETENTION: (
        *("reten", "retain", "keep", "loyal", "existing", "удержан", "лояльн", "сохранен", "постоянн"),
        *("kundenbindung", "bestandskund", "fidel", "fidél", "rétention", "retenc", "ritenzione", "utrzyman"),
    ),
}


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
        customers_end and crr as `models.retention_between.retention_between` has them, and crr_a_year: what the
        rate comes to in a year if every period is like this one.
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
    return rates.assign(crr_a_year=100 * (rates["crr"] / 100) ** rates["kind"].map(PERIODS | {LAST_YEAR: 1}))


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
        "crr_a_year": ("a year at this rate (%)", number),
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
        the formula says of the next `horizon_days`), model (the mean of the models' value over the same time;
        NaN where not known) and by, what sets the segments apart.
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
    by, segments = _segments(chapter, times)
    known = times.join(segments, on="customer", how="left").join(
        earned.select("customer", "profit", "revenue"), on="customer", how="left"
    )
    profit = pl.col("profit" if profit_known(chapter) else "revenue")
    if valued is None:
        known = known.with_columns(clv=pl.lit(None, pl.Float64))
    else:
        known = known.join(valued, on="customer", how="left")
    parts = []
    for column in ("base", "segment"):
        grouped = known.with_columns(base=pl.lit(ALL)).drop_nulls(column).group_by(segment=column)
        sums = grouped.agg(profit.sum().alias("profit"), pl.col("revenue").sum(), pl.col("clv").mean())
        share = pl.when(pl.col("revenue") > 0).then(pl.col("profit") / pl.col("revenue"))
        sums = sums.with_columns(profit_share=share)
        part = lifetime_value_factors(known.with_columns(base=pl.lit(ALL)), sums, by=column, interval=given.interval)
        part["ahead"] = value_ahead(part["value"], part["years"], part["lost"] / part["customers"], given.horizon_days)
        part["model"] = part["segment"].map(dict(sums.select("segment", "clv").iter_rows())).astype(float)
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
    shown = frame.assign(stays=[f"{number(years)} ({between(low, high, '{:.2f}')})" for years, low, high in known])
    share = "P: share that is profit" if profit_known(chapter) else "P: not recorded, so 1"
    ahead = f"in the next {count(given.horizon_days)} days"
    columns: Columns = {
        "segment": (_by_in_words(frame), str),
        "customers": ("customers", count),
        "mean_purchase": (f"S: mean purchase ({currency})", number),
        "purchases_a_year": ("C: purchases a year", number),
        "profit_share": (share, percent),
        "stays": (f"T: years a customer ({percent(given.interval)} interval)", str),
        "value": (f"LTV = S × C × P × T ({currency})", number),
        "ahead": (f"of it {ahead} ({currency})", number),
        "model": (f"the models' value {ahead} ({currency})", number),
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
        spending is recorded.
    """
    lines = chapter.ledger.select("customer", pl.col("date").dt.date(), "amount", bought=STOOD)
    counts = new_and_existing(lines, years_back(_first_line(chapter), chapter.as_of))
    if counts.filter(pl.col("new") + pl.col("existing") > 0).is_empty():
        raise CannotSay("No purchase of the last years stood, so there are no customers to set side by side.")
    spent = spending_by_purpose(chapter)
    if spent is not None:
        counts = acquisition_cost(counts, spent)
    return counts.to_pandas()


def spending_by_purpose(chapter: Chapter) -> pl.DataFrame | None:
    """Return what was spent, its purpose told as `ACQUISITION`, `RETENTION` or neither; None without a table."""
    if chapter.spending is None:
        return None
    words = chapter.spending["purpose"].unique().to_list()
    meant = {word: _purpose(word) for word in words}
    return chapter.spending.select(
        pl.col("date").dt.date(), pl.col("purpose").replace_strict(meant, return_dtype=pl.String), "amount"
    )


def _purpose(words: str) -> str | None:
    lowered = words.lower()
    found = [name for name, stems in PURPOSES.items() if any(re.search(rf"\b{stem}", lowered) for stem in stems)]
    return found[0] if len(found) == 1 else None


def newcomer_table(chapter: Chapter, years: pd.DataFrame | Unsaid) -> ShownTable | None:
    """Show new customers against existing ones, the latest year first.

    Nothing is shown where the figure has said why not.
    """
    if isinstance(years, Unsaid):
        return None
    currency = chapter.parameters.currency
    revenue = years["revenue_new"].add(years["revenue_existing"])
    frame = years.assign(
        label=_span_labels(years, first_day=_first_line(chapter)),
        share=(years["revenue_new"] / revenue).where(revenue > 0),
        each_new=(years["revenue_new"] / years["new"]).where(years["new"] > 0),
        each_existing=(years["revenue_existing"] / years["existing"]).where(years["existing"] > 0),
    )
    columns: Columns = {
        "label": ("year", str),
        "new": ("new customers", count),
        "existing": ("existing customers who bought", count),
        "revenue_new": (f"revenue of new ({currency})", count),
        "revenue_existing": (f"revenue of existing ({currency})", count),
        "share": ("share of new in revenue", percent),
        "each_new": (f"a new customer brought ({currency})", _dash_or_number),
        "each_existing": (f"an existing one brought ({currency})", _dash_or_number),
    }
    return show_table(frame.iloc[::-1], "New customers against existing ones, by year", columns)


@says_why_not
def cost_table(chapter: Chapter, years: pd.DataFrame) -> ShownTable:
    """Show what winning a customer costs against keeping one, the latest year first."""
    if "cost_of_winning" not in years.columns or years["spent_winning"].isna().all():
        raise CannotSay(NO_SPENDING)
    currency = chapter.parameters.currency
    frame = years.assign(label=_span_labels(years, first_day=None))
    columns: Columns = {
        "label": ("year", str),
        "spent_winning": (f"spent on winning ({currency})", count),
        "spent_keeping": (f"spent on keeping ({currency})", count),
        "cost_of_winning": (f"winning one ({currency})", _dash_or_number),
        "cost_of_keeping": (f"keeping one ({currency})", _dash_or_number),
        "share_of_budget": ("winning's share of the budget", _dash_or_percent),
        "share_of_revenue": ("share of new in revenue", _dash_or_percent),
    }
    recorded = chapter.spending["date"]  # type: ignore[index]
    caption = f"Spending on customers, recorded from {day(recorded.min())} to {day(recorded.max())}"  # type: ignore[arg-type]
    other = years["spent_otherwise"].sum()
    if other > 0:
        caption += f"; {money(other, currency)} more was spent on purposes that name neither winning nor keeping"
    return show_table(frame.iloc[::-1], caption, columns)


def _first_line(chapter: Chapter) -> dt.date:
    return chapter.ledger["date"].dt.date().min()  # type: ignore[return-value]


def _span_labels(years: pd.DataFrame, first_day: dt.date | None) -> list[str]:
    """Name spans by their days; in the one with which the ledger begins everybody is new to it."""
    return [
        f"{first} to {last}{' (the ledger begins: everyone is new to it)' if first == first_day else ''}"
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
    date = pl.col("date").dt.date()
    last_year = chapter.ledger.filter(date > chapter.as_of - YEAR)
    days = min(YEAR.days, (chapter.as_of - _first_line(chapter)).days + 1)
    bought = last_year.group_by("customer").agg(pl.col("amount").sum() * (YEAR.days / days))
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
    _state_wallet(chapter, found.wallet)


def _state_retention(chapter: Chapter, rates: pd.DataFrame | Unsaid) -> None:
    if isinstance(rates, Unsaid):
        chapter.state("crr", rates.reason, verdict="unknown")
        return
    reference = 100 * chapter.parameters.reference_retention
    row = latest_rates(rates).iloc[-1]
    a_year = row["crr_a_year"]
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
        f"A customer brings {money(base['value'], currency)} of {what} over a lifetime: "
        f"{money(base['mean_purchase'], currency)} a purchase × {number(base['purchases_a_year'])} purchases a year"
        f"{profit} × {number(base['years'], 2)} years"
    )
    if np.isfinite(base["model"]):
        days = plural(given.horizon_days, "day")
        statement += (
            f"; by the same reckoning {money(base['ahead'], currency)} fall in the next {days}, where the models see "
            f"{money(base['model'], currency)}"
        )
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
    if isinstance(years, Unsaid) or "cost_of_winning" not in years.columns or np.isnan(years["spent_winning"].iloc[-1]):
        chapter.state("cost_of_winning", NO_SPENDING, verdict="unknown")
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
        statement += f". Over a lifetime a customer brings {money(lifetime, currency)} of profit"
    chapter.state("cost_of_winning", f"{statement}.", value=winning, unit=currency, verdict=verdict)


def _state_wallet(chapter: Chapter, wallet: pd.DataFrame | Unsaid) -> None:
    if isinstance(wallet, Unsaid):
        chapter.state("share_of_wallet", wallet.reason, verdict="unknown")
        return
    currency = chapter.parameters.currency
    share = wallet["bought"].sum() / wallet["potential"].sum()
    most = wallet.head(CUSTOMERS_SHOWN)
    left = wallet["left_to_win"].sum()
    statement = (
        f"{plural(len(wallet), 'customer')} with a recorded potential buy {percent(share)} of it from us; "
        f"{money(left, currency)} a year is left to win"
    )
    if left > 0 and len(wallet) > len(most):
        statement += f", {percent(most['left_to_win'].sum() / left)} of it with {plural(len(most), 'customer')}"
    outgrown = int((wallet["share"] > 1).sum())
    if outgrown:
        statement += f". {plural(outgrown, 'customer')} bought more than the potential noted for them: ask anew"
    chapter.state("share_of_wallet", f"{statement}.", value=share, unit="share of potential")


NO_SPENDING = (
    "What winning and keeping customers costs is not recorded for the last year: a table of spending with date, "
    "purpose (such as acquisition or retention) and amount tells it."
)
NO_POTENTIAL = (
    "What customers could buy is not recorded, so neither is their share of wallet: potential in the customers' table, "
    "in money a year, tells it."
)


def _signed(points: float) -> str:
    return f"{points:+.0f}"


def _dash_or_number(value: float) -> str:
    return "–" if pd.isna(value) else number(value)


def _dash_or_percent(share: float) -> str:
    return "–" if pd.isna(share) else percent(share)
