"""The figures of the practitioner's dashboard."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from ..errors import CannotSay
from ..unsaid import says_why_not
from ..wording import count, key, money, percent, plural
from .style import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    ORANGE,
    QUIET,
    Picture,
    drawing,
    in_dates,
    in_percent,
    in_thousands,
    label_ends,
    label_line,
)

PERIOD_LOOKS = {"month": (BLUE, "-", "o"), "quarter": (ORANGE, "--", "D"), "year": (GREEN, ":", "s")}
LAST_YEAR = "last 365 days"
ROW = 0.42  # inches that a row of two bars takes
MARGIN = pd.Timedelta(days=20)
MOST_MARKED = 40  # with more points their marks run together
WALLETS = 10
LETTERS = 18  # of a name beside a bar


@says_why_not
def retention(rates: pd.DataFrame, reference: float) -> Picture:
    """Draw the retention rate of months, quarters and years, beside the reference.

    Parameters
    ----------
    rates : pandas.DataFrame
        From `chapters.dashboard.retention`.
    reference : float
        The rate a year that practice holds up as good, a share.
    """
    latest = rates.groupby("kind", sort=False).tail(1)
    last = latest.iloc[-1]
    what = f"the {LAST_YEAR}" if last["kind"] == LAST_YEAR else f"the {last['kind']} {last['period']}"
    title = f"CRR of {what} is {last['crr']:.0f}%"
    if pd.notna(last["crr_a_year"]):
        stands = "above" if last["crr_a_year"] >= 100 * reference else "below"
        title += "" if last["kind"] in ("year", LAST_YEAR) else f", or {last['crr_a_year']:.0f}% a year"
        title += f": {stands} the {percent(reference)} a year that practice quotes"
    with drawing(title, height=3.6) as (figure, ax):
        names, ends, colors = [], [], []
        for kind, (color, dashes, mark) in PERIOD_LOOKS.items():
            shown = rates[rates["kind"].isin([kind, LAST_YEAR] if kind == "year" else [kind])].sort_values("end")
            if shown.empty:
                continue
            marked = mark if len(shown) <= MOST_MARKED else ""
            ax.plot(shown["end"], shown["crr"], dashes, marker=marked, markersize=4, color=color)
            names.append(f"{kind}s" if len(shown) > 1 else kind)
            ends.append(float(shown["crr"].iloc[-1]))
            colors.append(color)
        ax.axhline(100 * reference, color=INK, linewidth=1, linestyle=(0, (1, 2)))
        ax.set_ylim(0, max(105, rates["crr"].max() * 1.05))
        first, end = rates["end"].min() - MARGIN, rates["end"].max() + MARGIN
        ax.set_xlim(first, end)
        ax.set_ylabel("CRR of the period (%)")
        in_dates(ax)
        # the names stand beside the lines, the reference's among them
        label_ends(ax, end, [*ends, 100 * reference], [*names, f"{percent(reference)} a year"], [*colors, INK])
    rows = "; ".join(
        f"{row['kind']} {row['period']}: {row['crr']:.0f}%"
        + (f", {row['crr_a_year']:.0f}% a year" if pd.notna(row["crr_a_year"]) else "")
        for row in latest.to_dict("records")
    )
    return Picture(figure, f"{title}. The latest of each: {rows}.")


@says_why_not
def lifetime_values(factors: pd.DataFrame, currency: str, horizon_days: int) -> Picture:
    """Draw what the formula and what the models say of the time ahead, by segment.

    Parameters
    ----------
    factors : pandas.DataFrame
        From `chapters.dashboard.factors`.
    currency : str
    horizon_days : int
    """
    shown = factors[factors["ahead"].notna() | factors["model"].notna()].iloc[::-1].reset_index(drop=True)
    if shown.empty:
        raise CannotSay("Neither the formula nor the models can tell what is ahead, so there is nothing to draw.")
    base = factors.iloc[0]
    title = f"LTV by its four factors is {money(base['value'], currency)} for the mean customer"
    by_model = bool(shown["model"].notna().any())
    if by_model:
        title += (
            f"; for the next {plural(horizon_days, 'day')} it says {money(base['ahead'], currency)} and the models "
            f"{money(base['model'], currency)}"
        )
    bars = [("ahead", "S × C × P × T, its part of that time", BLUE, "", 0.2)]
    bars += [("model", "the models", ORANGE, "///", -0.2)] if by_model else []
    place = np.arange(len(shown))
    with drawing(title, height=1.5 + ROW * len(shown)) as (figure, ax):
        longest = max(float(shown[[bar[0] for bar in bars]].max().max()), 0.01)
        for column, name, color, hatch, shift in bars:
            values = shown[column].fillna(0).to_numpy()
            ax.barh(place + shift, values, 0.36, color=color, hatch=hatch, edgecolor="white", linewidth=0, label=name)
            for at, value in zip(place, shown[column], strict=True):
                label_line(ax, max(0 if pd.isna(value) else value, 0), at + shift, count(value), color, offset=(3, 0))
        ax.set_yticks(place, [key(name, LETTERS) for name in shown["segment"]])
        ax.tick_params(axis="y", colors=INK)
        ax.grid(visible=False)
        ax.set_xlim(min(0.0, float(shown[[bar[0] for bar in bars]].min().min())), longest * 1.25)
        ax.xaxis.set_major_locator(MaxNLocator(4))
        in_thousands(ax.xaxis)
        ax.set_xlabel(f"{currency} a customer over the next {plural(horizon_days, 'day')}")
        # of the figure, since long names leave the axes too narrow for it
        figure.legend(frameon=False, fontsize=8.5, loc="outside lower center", ncols=2)
    rows = "; ".join(
        f"{key(row['segment'])}: {count(row['ahead'])} by the formula"
        + (f", {count(row['model'])} by the models" if by_model else "")
        for row in factors.to_dict("records")
    )
    return Picture(figure, f"{title}. By the formula and by the models: {rows}.")


@says_why_not
def new_against_existing(years: pd.DataFrame, currency: str) -> Picture:
    """Draw the share of new customers among customers, in revenue and, where it is recorded, in the budget, by year.

    Parameters
    ----------
    years : pandas.DataFrame
        From `chapters.dashboard.newcomers`.
    currency : str
    """
    last = years.iloc[-1]
    revenue, customers = (years[a] + years[b] for a, b in (("revenue_new", "revenue_existing"), ("new", "existing")))
    shares = pd.DataFrame(
        {
            "customers": (years["new"] / customers).where(customers > 0),
            "revenue": (years["revenue_new"] / revenue).where(revenue > 0),
        }
    )
    if "share_of_budget" in years.columns and years["share_of_budget"].notna().any():
        shares["budget"] = years["share_of_budget"]
    now = shares.iloc[-1]
    parts = [f"{percent(value)} of {name}" for name, value in now.items() if pd.notna(value)]
    title = (
        f"New customers are {' and '.join(parts[:2])}" + (f", and take {parts[2]}" if len(parts) > 2 else "")
        if last["new"]
        else "Nobody new was won in the last year"
    )
    looks = {"customers": (QUIET, ""), "revenue": (BLUE, "///"), "budget": (ORANGE, "....")}
    with drawing(title, height=1.5 + 0.26 * len(shares.columns) * len(years)) as (figure, ax):
        place, width = np.arange(len(years)), 0.8 / len(shares.columns)
        for number, name in enumerate(shares.columns):
            color, hatch = looks[name]
            at = place + 0.4 - width * (number + 0.5)
            values = shares[name]
            ax.barh(at, values.fillna(0), width * 0.9, color=color, hatch=hatch, edgecolor="white", linewidth=0)
            for y, value in zip(at, values, strict=True):
                told = "not recorded" if pd.isna(value) and name == "budget" else percent(value)
                label_line(ax, max(0 if pd.isna(value) else value, 0), y, f"{told} of {name}", color, offset=(3, 0))
        ends = years["last"].dt.strftime("%Y-%m-%d")
        ax.set_yticks(place, [f"year to\n{end}" for end in ends])
        ax.tick_params(axis="y", colors=INK)
        ax.grid(visible=False)
        ax.set_xlim(min(0.0, float(shares.min().min())), 1.45)
        ax.set_xticks([0, 0.25, 0.5, 0.75, 1])
        in_percent(ax.xaxis)
        ax.set_xlabel("share of customers won in the year")
    rows = "; ".join(
        f"year to {row['last']:%Y-%m-%d}: {plural(row['new'], 'new customer')} and {count(row['existing'])} existing, "
        f"revenue {money(row['revenue_new'], currency)} and {money(row['revenue_existing'], currency)}"
        for row in years.iloc[::-1].to_dict("records")
    )
    return Picture(figure, f"{title}. {rows}.")


@says_why_not
def left_to_win(wallet: pd.DataFrame, currency: str) -> Picture:
    """Draw what the customers with the most left to win buy here, and what they could.

    Parameters
    ----------
    wallet : pandas.DataFrame
        From `chapters.dashboard.share_of_wallet`.
    currency : str
    """
    shown = wallet[wallet["left_to_win"] > 0].head(WALLETS).iloc[::-1]
    if shown.empty:
        raise CannotSay("Every customer with a recorded potential buys all of it here already.")
    share = wallet["bought"].sum() / wallet["potential"].sum()
    left_over = money(wallet["left_to_win"].sum(), currency)
    title = f"Customers buy {percent(share)} of what they could from us; {left_over} a year is left to win"
    place = np.arange(len(shown))
    with drawing(title, height=1.5 + 0.27 * len(shown)) as (figure, ax):
        bought = np.minimum(shown["bought"].to_numpy(), shown["potential"].to_numpy())
        left = shown["left_to_win"].to_numpy()
        ax.barh(place, bought, 0.62, color=BLUE, label="bought here")
        ax.barh(
            place, left, 0.62, left=bought, color=FAINT, hatch="///", edgecolor=QUIET, linewidth=0, label="left to win"
        )
        for y, row in zip(place.tolist(), shown.to_dict("records"), strict=True):
            label_line(ax, row["potential"], y, percent(row["share"]), BLUE, offset=(4, 0))
        ax.set_yticks(place, [key(name, LETTERS) for name in shown["customer"]])
        ax.tick_params(axis="y", colors=INK)
        ax.grid(visible=False)
        ax.set_xlim(0, float(shown["potential"].max()) * 1.12)
        ax.xaxis.set_major_locator(MaxNLocator(4))
        in_thousands(ax.xaxis)
        ax.set_xlabel(f"a year, {currency}: the {plural(len(shown), 'customer')} with the most left to win")
        ax.legend(frameon=False, fontsize=8.5, loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0)
    top = shown.iloc[-1]
    rows = "; ".join(f"{key(row['customer'])} {percent(row['share'])}" for row in shown.iloc[::-1].to_dict("records"))
    return Picture(
        figure,
        f"{title}. Most is left with {key(top['customer'])}: {money(top['left_to_win'], currency)} of "
        f"{money(top['potential'], currency)}. Share of wallet of the {len(shown)} shown: {rows}.",
    )
