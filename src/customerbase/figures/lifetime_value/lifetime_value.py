"""The figures of `04_lifetime_value`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.ticker import FuncFormatter

from models.rfm import DAYS_PER_UNIT
from models.validation import frequency_groups

from ...errors import CannotSay
from ...parameters import Parameters
from ...unsaid import says_why_not
from ...wording import count, day, money, number, percent, plural, shortened
from ..style import (
    BLUE,
    FAINT,
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

MOST_FREQUENT = 15  # purchases shown in the map of a customer's prospects
GRID = 40
FLAT = 1.05  # a map whose highest value exceeds its lowest by less shows nothing
EXACT = 0.005  # a forecast off by less is called right


@says_why_not
def tracking(curve: pd.DataFrame) -> Picture:
    """Draw cumulative repeat purchases against what the model expected."""
    last = curve.iloc[-1]
    calibration_end = last["calibration_end"]
    then = curve[curve["date"] == calibration_end].iloc[0]
    made, expected = (last[name] - then[name] for name in ("actual", "expected"))
    off = expected / made - 1 if made else np.inf
    than = "as many purchases as" if abs(off) < EXACT else f"{'more' if off > 0 else 'fewer'} purchases than"
    share = f"{percent(abs(off))} " if EXACT <= abs(off) < np.inf else ""
    title = f"After {day(calibration_end)} the model expected {share}{than} were made"
    with drawing(title, height=3.7) as (figure, ax):
        ax.axvspan(calibration_end, last["date"], color="#f3f5f7", linewidth=0)
        ax.plot(curve["date"], curve["actual"], color=INK)
        ax.plot(curve["date"], curve["expected"], color=ORANGE, linestyle="--")
        ax.annotate(
            "kept back",
            (calibration_end, 0.03),
            xycoords=("data", "axes fraction"),
            xytext=(5, 0),
            textcoords="offset points",
            color=QUIET,
            fontsize=8.5,
        )
        ax.set_ylabel("repeat purchases since the start")
        ax.set_ylim(0)
        ax.margins(x=0)
        label_ends(ax, last["date"], [last["actual"], last["expected"]], ["actual", "expected"], [INK, ORANGE])
        in_thousands(ax.yaxis)
        in_dates(ax)
    totals = f"{count(made)} made, {count(expected)} expected"
    return Picture(
        figure, f"{title}: {totals}. Line chart of cumulative repeat purchases from {day(curve['date'].iloc[0])}."
    )


@says_why_not
def holdout_by_frequency(groups: pd.DataFrame, interval: float) -> Picture:
    """Draw mean purchases in the holdout by number of earlier purchases, with the mean's interval."""
    if len(groups) < 2:
        raise CannotSay("All customers had come back equally often, so there are no groups to compare.")
    sure = groups["actual_high"] > groups["actual_low"]
    apart = sure & ~groups["expected"].between(groups["actual_low"], groups["actual_high"])
    title = (
        f"By past purchases the forecast misses the interval of what was bought in {apart.sum()} of {sure.sum()} groups"
    )
    with drawing(title) as (figure, ax):
        place = np.arange(len(groups))
        low = groups["actual_low"].clip(lower=0)
        spread = [groups["actual"] - low, groups["actual_high"] - groups["actual"]]
        ax.errorbar(place, groups["actual"], yerr=spread, fmt="o", color=INK, capsize=3, linewidth=1.4)
        ax.plot(place, groups["expected"], color=ORANGE, linestyle="--", marker="D", markersize=4)
        end = len(groups) - 1
        ax.set_xticks(place, groups["frequency"])
        ax.set_xlim(-0.4, end + 0.9)
        ax.set_ylim(0, 1.08 * max(groups["actual_high"].max(), groups["actual"].max(), groups["expected"].max(), 0.01))
        last = groups.iloc[-1]
        label_ends(ax, end + 0.1, [last["actual"], last["expected"]], ["actual", "expected"], [INK, ORANGE])
        ax.set_xlabel("repeat purchases before the test")
        ax.set_ylabel(f"mean purchases in the test\n(bars: {percent(interval)} interval of the mean)")
    rows = "; ".join(f"{g.frequency}: {g.actual:.2f} made, {g.expected:.2f} expected" for g in groups.itertuples())
    return Picture(figure, f"{title}. By number of earlier purchases: {rows}.")


@says_why_not
def totals_by_test(scores: pd.DataFrame, used: str, names: Mapping[str, str], interval: float) -> Picture:
    """Draw by how much each way of forecasting missed the total, test by test."""
    tested = scores[np.isfinite(scores["bias"])]
    if tested.empty:
        raise CannotSay("Nothing was bought in the days kept back, so no forecast can be held against it.")
    order = tested.groupby("model")["bias"].agg(lambda bias: bias.abs().median()).sort_values(ascending=False).index
    own = tested[tested["model"] == used]
    worst = own["bias"].abs().max()
    title = f"The forecast of the total missed by up to {percent(worst)} in {plural(len(own), 'test')}"
    place = {model: number for number, model in enumerate(order)}
    tests = tested["origin"].drop_duplicates().sort_values()
    beside = dict(zip(tests, np.linspace(0.22, -0.22, len(tests)) if len(tests) > 1 else [0.0], strict=True))
    with drawing(title, height=1.6 + 0.3 * len(order)) as (figure, ax):
        ax.axvline(0, color=INK, linewidth=1)
        for row in tested.itertuples():
            mine = row.model == used
            color = ORANGE if mine else QUIET
            height = place[row.model] + beside[row.origin]
            if mine and np.isfinite(row.total_low):
                ends = [bound / row.purchases_actual - 1 for bound in (row.total_low, row.total_high)]
                ax.plot(ends, [height, height], color=color, linewidth=5, alpha=0.3, solid_capstyle="butt")
            ax.plot(row.bias, height, "o", color=color, markersize=4.5)
        ax.set_yticks(range(len(order)), [names.get(model, f"rule: {model}") for model in order])
        ax.grid(visible=True, axis="x")
        ax.grid(visible=False, axis="y")
        ax.set_ylim(-0.6, len(order) - 0.4)
        ax.set_xlabel(
            "purchases forecast against purchases made\n"
            f"(dots: tests, first on top; bars: {percent(interval)} interval)"
        )
        ax.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:+.0f}%"))
    rows = "; ".join(
        f"{names.get(str(model), model)}: " + ", ".join(f"{100 * bias:+.0f}%" for bias in group["bias"])
        for model, group in tested.groupby("model")
    )
    return Picture(figure, f"{title}. By how much each way of forecasting was off: {rows}.")


@says_why_not
def calibration(deciles: pd.DataFrame, interval: float) -> Picture:
    """Draw mean purchases in the holdout by tenth of the forecast."""
    if len(deciles) < 2:
        raise CannotSay("The forecast is the same for all customers, so it can't be held against groups of them.")
    best, rest = deciles.iloc[-1], deciles.iloc[0]
    title = (
        f"Customers of whom most was expected bought {number(best['actual'], 2)} times, those of whom least "
        f"{number(rest['actual'], 2)} times"
    )
    with drawing(title) as (figure, ax):
        spread = [deciles["actual"] - deciles["actual_low"], deciles["actual_high"] - deciles["actual"]]
        top = 1.05 * max(deciles["actual_high"].max(), deciles["actual"].max(), deciles["expected"].max())
        ax.plot([0, top], [0, top], color=ORANGE, linestyle="--", linewidth=1.4)
        ax.errorbar(
            deciles["expected"], deciles["actual"], yerr=spread, fmt="o", color=INK, capsize=3, linewidth=1.2, ms=4
        )
        label_line(ax, top * 0.8, top * 0.8, "as forecast", ORANGE, offset=(-6, 8), ha="right")
        ax.set_xlim(0, top)
        ax.set_ylim(0, top)
        ax.set_xlabel("purchases expected a customer, by tenth of customers")
        ax.set_ylabel(f"mean purchases made\n(bars: {percent(interval)} interval of the mean)")
    rows = "; ".join(f"{d.expected:.2f} expected, {d.actual:.2f} made" for d in deciles.itertuples())
    return Picture(figure, f"{title}. From the lowest forecasts to the highest: {rows}.")


@says_why_not
def spend_against_frequency(summary: pd.DataFrame, related: Any, currency: str, most: int) -> Picture:
    """Draw the spread of mean spend by number of repeat purchases."""
    repeat = summary[(summary["frequency"] > 0) & (summary["monetary_value"] > 0)]
    group, labels = frequency_groups(repeat["frequency"], most)
    groups = repeat.groupby(group)["monetary_value"]
    low, middle, high = (groups.quantile(q) for q in (0.25, 0.5, 0.75))
    tied = "depends" if related.seen else "hardly depends"
    title = f"Spend a purchase {tied} on the number of purchases (rank correlation {related.excess:z.2f})"
    with drawing(title) as (figure, ax):
        place = np.arange(len(middle))
        ax.vlines(place, low, high, color=BLUE, alpha=0.35, linewidth=9)
        ax.plot(place, middle, "o-", color=BLUE, markersize=5)
        end = len(middle) - 1
        label_line(ax, end, middle.iloc[-1], "median", BLUE, offset=(9, 0))
        label_line(ax, end, high.iloc[-1], "middle half\nof customers", QUIET, offset=(9, -8))
        ax.set_xlim(-0.5, end + 1.4)
        ax.set_xticks(place, [labels[each] for each in middle.index])
        ax.set_ylim(0)
        ax.set_xlabel("repeat purchases")
        ax.set_ylabel(f"mean repeat purchase ({currency})")
        in_thousands(ax.yaxis)
    rows = "; ".join(f"{labels[int(each)]}: {m:,.0f}" for each, m in zip(middle.index, middle, strict=True))
    return Picture(figure, f"{title}. Median spend in {currency} by number of repeat purchases: {rows}.")


@says_why_not
def prospects(model: Any, summary: pd.DataFrame, given: Parameters) -> Picture:
    """Draw how many purchases the model expects of a customer, by past purchases and silence."""
    time_unit, horizon_days = given.time_unit, given.horizon_days
    horizon = horizon_days / DAYS_PER_UNIT[time_unit]
    age = float(summary["T"].median())
    most = int(min(MOST_FREQUENT, summary["frequency"].max()))
    frequency = np.arange(1, most + 1)
    silence = np.linspace(0, age, GRID)
    x, quiet = np.meshgrid(frequency, silence)
    expected = np.asarray(
        model.conditional_expected_number_of_purchases_up_to_time(
            horizon, x.ravel(), age - quiet.ravel(), np.full(x.size, age)
        )
    ).reshape(x.shape)
    if expected.max() < FLAT * expected.min():
        raise CannotSay("By the model silence and past purchases hardly change what is to be expected of a customer.")
    half = GRID // 2
    silent = plural(round(silence[half]), time_unit) if silence[half] >= 1 else f"{silence[half]:.1f} {time_unit}s"
    title = f"After {silent} of silence a customer of {plural(most, 'repeat purchase')} is expected to make "
    title += f"{number(expected[half, -1], 2)} more instead of {number(expected[0, -1], 2)}"
    with drawing(title, height=3.9) as (figure, ax):
        sns.heatmap(
            pd.DataFrame(expected, columns=frequency),
            ax=ax,
            cmap="cividis",
            cbar_kws={"label": f"purchases expected in {count(horizon_days)} days", "format": "%g"},
        )
        ax.grid(visible=False)
        places = np.linspace(0, GRID - 1, 5)
        ax.set_yticks(
            places + 0.5, [f"{value:.{0 if age >= 8 else 1}f}" for value in np.linspace(0, age, 5)], rotation=0
        )
        ax.tick_params(length=0)
        ax.set_xlabel("repeat purchases so far")
        ax.set_ylabel(f"{time_unit}s since the last purchase")
    alt = f"{title}. Heat map for a customer first seen {number(age, 2)} {time_unit}s ago."
    return Picture(figure, alt, shades_count=True)


@says_why_not
def value_of_top(top: pd.DataFrame, currency: str, interval: float) -> Picture:
    """Draw the most valuable customers' lifetime value with its interval."""
    if top["clv_low"].isna().any():
        raise CannotSay("How sure the value of single customers is can't be told on this base.")
    first = top.iloc[0]
    title = (
        f"Even the most valuable customer may bring anything from {money(first['clv_low'], currency)} to "
        f"{money(first['clv_high'], currency)}"
    )
    with drawing(title, height=1.5 + 0.24 * len(top)) as (figure, ax):
        place = np.arange(len(top))[::-1]
        ax.hlines(place, top["clv_low"], top["clv_high"], color=BLUE, alpha=0.35, linewidth=6)
        ax.plot(top["clv"], place, "o", color=BLUE, markersize=5)
        ax.set_yticks(place, [shortened(str(customer)) for customer in top["customer"]])
        ax.grid(visible=True, axis="x")
        ax.grid(visible=False, axis="y")
        ax.set_xlim(min(0, top["clv_low"].min()))
        ax.set_xlabel(f"lifetime value in {currency} (dot: expected; bar: {percent(interval)} interval)")
        ax.set_ylabel("customer")
        in_thousands(ax.xaxis)
    alt = f"{title}. Expected {money(first['clv'], currency)}; the {len(top)} most valuable customers, with intervals."
    return Picture(figure, alt)


@says_why_not
def value_by_tenth(tenths: pd.DataFrame, currency: str) -> Picture:
    """Draw each tenth's share of the lifetime value."""
    title = f"The most valuable tenth of customers holds {percent(tenths['share'].iloc[0])} of the value to come"
    with drawing(title) as (figure, ax):
        colors = [BLUE] + [FAINT] * (len(tenths) - 1)
        bars = ax.bar(tenths["tenth"], tenths["share"], color=colors, edgecolor=QUIET, linewidth=0.6)
        ax.bar_label(bars, [percent(share) for share in tenths["share"]], fontsize=8.5, padding=2)
        ax.set_xticks(tenths["tenth"])
        ax.set_xlabel("tenth of customers, the most valuable first")
        ax.set_ylabel("share of lifetime value")
        in_percent(ax.yaxis)
    best, worst = (money(tenths["mean"].iloc[end], currency) for end in (0, -1))
    return Picture(figure, f"{title}. A customer of the first tenth is worth {best} on average, of the last {worst}.")
