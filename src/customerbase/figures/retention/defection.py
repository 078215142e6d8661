"""The figures of who has left, in `05_retention`."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from ...chapters.retention.defection import given_up_too_soon
from ...chapters.retention.hazard_ratios_in_words import SIGNIFICANT
from ...unsaid import says_why_not
from ...wording import count, day, listed, percent, plural
from ..style import BLUE, GREEN, INK, ORANGE, QUIET, Picture, drawing, in_percent
from .names_above import names_above

COLORS = {"model": BLUE, "curve": ORANGE, "rule": GREEN}
DASHES = {"model": "-", "curve": "--", "rule": ":"}
MARKS = {"model": "o", "curve": "D", "rule": "s"}
LABELS = {"model": "the model", "curve": "the curve of waits", "rule": "the rule"}
DOTS_SHOWN = 1500
ROOM = 0.05  # around the points, as a share of all customers


@says_why_not
def who_has_left(asked: Any, table: Any, lines: Any, seed: int) -> Picture:
    """Draw customers by purchases and silence, and from which silence on each of the three calls them gone.

    The curve of waits ends where no waits as long were watched.
    """
    customers = asked.customers
    late = table[table["rule_stays"] & ~table["curve_stays"]]["customers"].sum()
    slow = given_up_too_soon(table)["customers"].sum()
    still = f"still counts {plural(late, 'customer')} as active whose kind seldom come back"
    given_up = f"gives up {plural(slow, 'customer')} whose kind do come back"
    said = [text for text, number in ((still, late), (given_up, slow)) if number]
    days = plural(lines["rule"]["silence"].iloc[0], "day")
    title = f"The rule of {days} {' and '.join(said)}" if said else "The rule and the curve agree on who has left"
    random = np.random.default_rng(seed)
    shown = customers.iloc[np.sort(random.permutation(len(customers))[:DOTS_SHOWN])]
    # apart from one another: a purchase more or less is a whole step at the left end
    apart = shown["purchases"] * np.exp(random.uniform(-0.12, 0.12, len(shown)))
    with drawing(title, height=4.0) as (figure, ax):
        ax.plot(apart, shown["silence"], "o", color=QUIET, alpha=0.25, markersize=2.5, markeredgewidth=0)
        for name, line in lines.items():
            steps = "steps-post" if name == "curve" else "default"
            look: dict[str, Any] = {"color": COLORS[name], "linestyle": DASHES[name], "drawstyle": steps}
            watched = line["silence"].where(line["seen"])
            if watched.notna().any():
                ax.plot(line["purchases"], watched, linewidth=2.4, label=LABELS[name], **look)
        ax.set_xscale("log")
        most = float(customers["purchases"].max())
        ax.set_xlim(0.85, max(most, 2) * 1.15)
        highest = max(float(line["silence"].where(line["seen"]).max()) for line in lines.values())
        ax.set_ylim(0, np.nanmax([float(customers["silence"].max()), highest]) * 1.05 + 1)
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: count(value)))
        ax.set_xlabel("purchases so far")
        ax.set_ylabel("days since the last purchase\n(above a line: gone)")
        names_above(ax, columns=3)
    at_once = bool((lines["curve"]["silence"].iloc[:1] <= 0).any())
    never_back = " After one purchase fewer than half come back, from the first day on." if at_once else ""
    dots = f" Dots: {count(DOTS_SHOWN)} customers drawn at random." if len(customers) > DOTS_SHOWN else ""
    return Picture(
        figure,
        f"{title}. By purchases so far, the silence from which each calls a customer gone; the curve ends where no "
        f"waits as long were watched.{never_back}{dots}",
    )


@says_why_not
def foretold_and_bought(judged: Any, interval: float) -> Picture:
    """Draw the share who bought against the probability foretold, for each of the three."""
    best = judged.scores.iloc[0]
    beaten = judged.scores["p_value"] < SIGNIFICANT  # the best one's own is missing
    as_good = [LABELS[method] for method in judged.scores.loc[~beaten, "method"]]
    title = (
        "The three foretold equally well who would buy again, as far as can be told"
        if len(as_good) == len(judged.scores)
        else f"Of the three {listed(as_good)} foretold best who would buy again"
    )
    with drawing(title, height=4.0) as (figure, ax):
        ax.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle="-", zorder=1, label="as foretold")
        for name, bins in judged.reliability.items():
            spread = [bins["happened"] - bins["low"], bins["high"] - bins["happened"]]
            ax.errorbar(
                bins["predicted"],
                bins["happened"],
                yerr=spread,
                fmt=MARKS[name] + DASHES[name],
                color=COLORS[name],
                markersize=6 if name == "rule" else 4.5,
                linewidth=1.2,
                capsize=2,
                label=LABELS[name],
            )
        _shares(ax, judged, interval)
        ax.legend(loc="upper left", frameon=False, fontsize=8.5)
    told = "; ".join(
        f"{LABELS[row['method']]}: Brier score {row['brier']:.3f}, foretold {percent(row['predicted'])}"
        for row in judged.scores.to_dict("records")
    )
    return Picture(figure, f"{title}. {told}; {percent(best['happened'])} bought.")


def _shares(ax: Axes, judged: Any, interval: float) -> None:
    asked = judged.asked
    bins = judged.reliability.values()
    least = min(min(float(each["predicted"].min()), float(each["low"].min())) for each in bins)
    most = max(max(float(each["predicted"].max()), float(each["high"].max())) for each in bins)
    low, high = max(0.0, least - ROOM), min(1.0, most + ROOM)
    ax.set_xlim(low - 0.02 * (high - low), high + 0.02 * (high - low))
    ax.set_ylim(low - 0.02 * (high - low), high + 0.04 * (high - low))
    ax.set_xlabel(f"foretold on {day(asked.on)}: will buy in {plural(asked.ahead, 'day')}")
    ax.set_ylabel(f"bought (bars: {percent(interval)} intervals)")
    in_percent(ax.xaxis)
    in_percent(ax.yaxis)
    ax.tick_params(axis="x", color=INK)
