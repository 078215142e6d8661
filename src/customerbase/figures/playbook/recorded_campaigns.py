"""The figures of `08_playbook` on recorded campaigns: whom they reached, who redeemed, what they did."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes

from models.campaign_response import Response

from ...chapters.playbook.recorded_campaigns import Measured, Recorded, over_all_in_words
from ...errors import CannotSay
from ...unsaid import Unsaid, says_why_not
from ...wording import between, count, money, percent, plural, tenths
from ..style import BLUE, INK, ORANGE, QUIET, Picture, drawing, in_percent

DRAWN = 20  # campaigns, the latest
ROW = 0.24  # height of a campaign, in inches
AROUND = 1.75  # height of what stands above and below them
LIGHT = "#9cc5e0"


@says_why_not
def reach(campaigns: Recorded) -> Picture:
    """Draw whom the latest campaigns reached, and who of them redeemed."""
    shown = campaigns.campaigns.tail(DRAWN)
    largest = shown.sort("reached").row(-1, named=True)
    title = f"The largest campaign reached {percent(largest['of_base'])} of the base"
    told = "; ".join(_reached_in_words(row) for row in shown.iter_rows(named=True))
    if campaigns.redemptions_known:
        rate = float(campaigns.campaigns["redeemed"].sum()) / float(campaigns.campaigns["reached"].sum())
        title = f"Of the customers whom a campaign reached {percent(rate, 1)} redeemed a coupon"
    with drawing(title, height=AROUND - 0.2 + ROW * shown.height) as (figure, ax):
        for place, row in enumerate(shown.iter_rows(named=True)):
            ax.barh(place, row["reached"], 0.66, color=LIGHT)
            redeemed = row["redeemed"] or 0
            ax.barh(place, redeemed, 0.66, color=ORANGE)
            rate_ = f" ({tenths(redeemed / row['reached'])})" if campaigns.redemptions_known else ""
            ax.annotate(
                f"{count(row['reached'])}{rate_}",
                (row["reached"], place),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
            )
        _name_rows(ax, shown)
        ax.set_xlim(0, shown["reached"].max() * 1.28)  # type: ignore[operator]
        redeemers = "\norange: of them redeemed (share in brackets)" if campaigns.redemptions_known else ""
        ax.set_xlabel(f"customers reached{redeemers}")
    return Picture(figure, f"{title}. Reached: {told}.")


def _reached_in_words(row: dict[str, object]) -> str:
    redeemed = "" if row["redeemed"] is None else f", {count(row['redeemed'])} redeemed"  # type: ignore[arg-type]
    return f"{row['name']} {count(row['reached'])}{redeemed}"  # type: ignore[arg-type]


def effects(
    campaigns: Recorded | Unsaid, found: Measured | Unsaid, interval: float, currency: str
) -> Picture | Unsaid | None:
    """Draw what the campaigns did to revenue, and what the same comparison shows before they began.

    None where the first figure says why not.
    """
    if isinstance(campaigns, Unsaid):
        return None
    return found if isinstance(found, Unsaid) else _effects(campaigns, found, interval, currency)


@says_why_not
def _effects(campaigns: Recorded, found: Measured, interval: float, currency: str) -> Picture:
    relative = {number: each.revenue for number, each in found.found.items() if each.revenue.otherwise > 0}
    shown = campaigns.campaigns.filter(pl.col("campaign").is_in(list(relative))).tail(DRAWN)
    if shown.is_empty():
        raise CannotSay("Those reached would have bought nothing without the campaigns, so no share can be drawn.")
    over_all = found.revenue
    more = over_all.effect.difference
    title = (
        f"Those reached bought for {money(abs(more), currency)} {'more' if more >= 0 else 'less'} a campaign than "
        f"comparable customers{_before_in_words(over_all)}: {over_all_in_words(found)}"
    )
    rows = [(row["name"], relative[row["campaign"]], row["campaign"]) for row in shown.iter_rows(named=True)]
    with drawing(title, height=AROUND + ROW * (len(rows) + 1)) as (figure, ax):
        ax.axvline(0, color=QUIET, linewidth=1.2)
        for place, (_, response, number) in enumerate(rows):
            _draw(ax, place, response, "an effect" in found.verdicts[number, "revenue"].split(",")[0])
        _draw(ax, len(rows), over_all, over_all_in_words(found).startswith("an effect"))
        ax.set_yticks(range(len(rows) + 1), [*(name for name, _, _ in rows), "all together"])
        ax.get_yticklabels()[-1].set_fontweight("bold")
        ax.set_ylim(len(rows) + 0.6, -0.6)
        ax.grid(visible=True, axis="x")
        ax.grid(visible=False, axis="y")
        in_percent(ax.xaxis)
        ax.set_xlabel(
            f"more revenue than without, as a share of it (lines: {percent(interval)})\n"
            "blue: while it lasted; orange: an effect\ngrey square: before it began, where nothing should show"
        )
    told = "; ".join(f"{name} {_in_words(response, currency)}" for name, response, _ in rows)
    return Picture(figure, f"{title}. {plural(len(rows), 'campaign')}: {told}. All: {_in_words(over_all, currency)}.")


def _before_in_words(response: Response) -> str:
    before = response.placebo
    if before.low <= 0 <= before.high:
        return ""
    so = before.difference * response.effect.difference > 0
    return ", and had done so before" if so else ", and had done the opposite before"


def _draw(ax: Axes, place: int, response: Response, is_effect: bool) -> None:
    color, whole = ORANGE if is_effect else BLUE, response.otherwise
    placebo, effect = response.placebo, response.effect
    down, up = place + 0.2, place - 0.14
    ax.plot([placebo.low / whole, placebo.high / whole], [down, down], color=QUIET, linewidth=1)
    ax.plot(placebo.difference / whole, down, "s", color="white", markersize=3.5, markeredgecolor=QUIET)
    ax.plot([effect.low / whole, effect.high / whole], [up, up], color=color, linewidth=2.2)
    ax.plot(effect.difference / whole, up, "o", color=color, markersize=5, markeredgecolor=INK, markeredgewidth=0.5)


def _in_words(response: Response, currency: str) -> str:
    found = response.effect
    return f"{money(found.difference, currency)} ({between(found.low, found.high)})"


def _name_rows(ax: Axes, shown: pl.DataFrame) -> None:
    ax.set_yticks(range(shown.height), shown["name"].to_list())
    ax.set_ylim(shown.height - 0.4, -0.6)
    ax.grid(visible=True, axis="x")
    ax.grid(visible=False, axis="y")
