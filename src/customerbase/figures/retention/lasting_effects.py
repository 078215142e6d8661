"""The figure of `05_retention` on whether effects last through the wait."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter, NullLocator

from models.repurchase_intervals import RHYTHM

from ...chapters.retention.hazard_ratios_in_words import sentence_start
from ...chapters.retention.lasting_effects import MUCH_THE_SAME, Lasting, course
from ...errors import CannotSay
from ...unsaid import says_why_not
from ...wording import percent, plural
from ..style import BLUE, FAINT, INK, QUIET, Picture, drawing

# no change first, then the roundest
RATIOS = (1, 0.5, 2, 0.8, 1.2, 0.9, 1.1, 0.95, 1.05, 0.7, 1.4, 0.6, 1.6, 0.98, 1.02, 0.25, 4, 0.1, 10, 0.99, 1.01)


@says_why_not
def lasting(found: Lasting, interval: float) -> Picture:
    """Draw the effects that change while the wait lasts (scaled Schoenfeld residuals); where none does, say so."""
    drawn = list(dict.fromkeys(found.curves["covariate"]))
    if not drawn or found.curves["days"].nunique() < 2:
        raise CannotSay("The next purchases come too close together to see whether effects last through the wait.")
    whole = found.table.set_index("covariate")
    courses = {name: course(whole.loc[name].to_dict()) for name in drawn}
    names = [name for name in drawn if courses[name] not in MUCH_THE_SAME and name not in RHYTHM]
    if not names:
        raise CannotSay("Beside the customers' own rhythm, the effects stay much the same however long a wait lasts.")
    what, becomes = sentence_start(whole.loc[names[0], "more"]), courses[names[0]]
    title = f"{what}: the effect {becomes} after {plural(found.split_days, 'day')}"
    with drawing(title, height=1.35 * len(names) + 1.2, rows=len(names)) as (figure, axes):
        panels: list[Axes] = list(np.atleast_1d(axes))
        for ax, name in zip(panels, names, strict=True):
            curve = found.curves[found.curves["covariate"] == name]
            ax.axhline(1, color=FAINT, linewidth=1.2)
            ax.axhline(whole.loc[name, "ratio"], color=QUIET, linestyle="--", linewidth=1.1)
            ax.fill_between(curve["days"], curve["low"], curve["high"], color=BLUE, alpha=0.2, linewidth=0)
            ax.plot(curve["days"], curve["ratio"], "o-", color=BLUE, markersize=3.5)
            low = min(curve["low"].min(), 1, whole.loc[name, "ratio"])
            high = max(curve["high"].max(), 1, whole.loc[name, "ratio"])
            ax.set_yscale("log")
            ax.set_ylim(low / 1.03, high * 1.03)
            _ratio_scale(ax.yaxis, low / 1.03, high * 1.03, apart=0.22)
            ax.set_title(sentence_start(whole.loc[name, "more"]), color=INK, fontsize=8.5)
        last = panels[-1]
        last.set_xscale("log")
        days = _days(float(found.curves["days"].min()), float(found.curves["days"].max()))
        last.xaxis.set_major_locator(FixedLocator(days))
        last.xaxis.set_major_formatter(FixedFormatter([f"{day:,.0f}" for day in days]))
        last.xaxis.set_minor_locator(NullLocator())
        last.set_xlabel(
            f"days since the last purchase\n(dashes: over the whole wait; bands: {percent(interval)} interval)"
        )
        figure.supylabel("likelier back on a day", fontsize=9, color=QUIET)
    rows = "; ".join(
        f"{whole.loc[name, 'more']}: {_change(curve['ratio'].iloc[0])} after {plural(curve['days'].iloc[0], 'day')}, "
        f"{_change(curve['ratio'].iloc[-1])} after {plural(curve['days'].iloc[-1], 'day')}"
        for name, curve in ((name, found.curves[found.curves["covariate"] == name]) for name in names)
    )
    return Picture(figure, f"{title}. {rows}.")


def _ratio_scale(axis: Axis, low: float, high: float, apart: float) -> None:
    """Label an axis of ratios as changes in per cent, at ratios that a person reads and far enough from one another."""
    chosen: list[float] = []
    span = np.log(high / low)
    for ratio in RATIOS:
        if low <= ratio <= high and all(abs(np.log(ratio / other)) >= apart * span for other in chosen):
            chosen.append(ratio)
    chosen.sort()
    axis.set_major_locator(FixedLocator(chosen))
    axis.set_major_formatter(FixedFormatter([_change(ratio) for ratio in chosen]))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def _change(ratio: float) -> str:
    return "same" if ratio == 1 else f"×{ratio:g}" if ratio >= 2 else f"{100 * (ratio - 1):+.0f}%".replace("-", "−")


def _days(first: float, last: float) -> list[float]:
    steps = [1, 2, 3, 5, 7, 14, 30, 60, 90, 180, 365, 730, 1460]
    fitting = [float(day) for day in steps if first <= day <= last]
    while len(fitting) > 6:
        fitting = fitting[::2]
    return fitting or [first, last]
