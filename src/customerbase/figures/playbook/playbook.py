"""The figures of `08_playbook`."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns

from ...unsaid import says_why_not
from ...wording import money, percent, plural, printable, shortened
from ..style import BLUE, GREEN, ORANGE, Picture, drawing, in_percent, wrapped

BAR = 0.26
LEAST_SHARE_WRITTEN = 0.005
UNITS = ((1e9, "billions"), (1e6, "millions"), (1e3, "thousands"))
LETTERS_OF_ACTION = 10
PARTS = (
    ("share_of_customers", "customers", BLUE),
    ("share_of_revenue", "revenue", ORANGE),
    ("share_of_value", "value", GREEN),
)
TO_BE = {
    "protect": "be protected",
    "develop": "be developed",
    "win back": "be won back",
    "keep at low cost": "be kept at low cost",
    "change terms": "get new terms",
    "hand over": "be handed over",
    "let go": "be let go",
}
HELD = {"revenue": "revenue", "value": "lifetime value"}


def divided(actions: pd.DataFrame) -> Picture:
    """Draw how customers, revenue and lifetime value divide over the actions."""
    shown = actions[actions["customers"] > 0].iloc[::-1].reset_index(drop=True)
    parts = [part for part in PARTS if shown[part[0]].notna().any()]
    name, held, _ = parts[-1]
    most = shown.sort_values(name).iloc[-1]
    title = f"{percent(most['share_of_customers'])} of customers are to {TO_BE[most['action']]}"
    if name != "share_of_customers":
        title += f": they hold {percent(most[name])} of {HELD[held]}"
    with drawing(title, height=1.5 + 0.45 * len(shown)) as (figure, ax):
        for number, (name, label, color) in enumerate(parts):
            heights = np.arange(len(shown)) + BAR * ((len(parts) - 1) / 2 - number)
            bars = ax.barh(heights, shown[name], height=BAR * 0.9, color=color, label=label, linewidth=0)
            ax.bar_label(
                bars, [percent(s) if s >= LEAST_SHARE_WRITTEN else "" for s in shown[name]], fontsize=7, padding=2
            )
        ax.set_yticks(range(len(shown)), shown["action"])
        ax.set_xlabel("share of the base")
        in_percent(ax.xaxis)
        ax.set_xlim(
            min(0, shown[[part[0] for part in parts]].min().min()), 1.12 * shown[[p[0] for p in parts]].max().max()
        )
        ax.grid(axis="y", visible=False)
        ax.grid(axis="x", visible=True)
        ax.legend(frameon=False, ncols=3, fontsize=8.5, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0)
    rows = "; ".join(
        f"{row['action']}: " + ", ".join(f"{percent(row[name])} of {label}" for name, label, _ in parts)
        for _, row in shown.iloc[::-1].iterrows()
    )
    return Picture(figure, f"{title}. {rows}.")


@says_why_not
def stakes(managers: pd.DataFrame, currency: str) -> Picture:
    """Draw the value at stake by manager and action."""
    total = managers.sum(axis=1)
    name = printable(shortened(str(total.idxmax()), 30))
    title = f"Most is at stake with {name}: {money(total.max(), currency)}, {percent(total.max() / total.sum())} of all"
    size, word = next((unit for unit in UNITS if managers.max().max() >= unit[0]), (1.0, ""))
    labels = [printable(shortened(str(manager))) for manager in managers.index]
    cells = (managers / size).to_numpy()
    with drawing(title, height=1.7 + 0.3 * len(managers)) as (figure, ax):
        sns.heatmap(
            cells,
            ax=ax,
            cmap="Blues",
            vmin=0,
            annot=np.vectorize(lambda value: f"{value:,.1f}" if value else "")(cells),
            fmt="",
            annot_kws={"fontsize": 8},
            linewidths=0.8,
            cbar=False,
            xticklabels=[wrapped(action, LETTERS_OF_ACTION) for action in managers.columns],
            yticklabels=labels,
        )
        ax.grid(visible=False)
        ax.tick_params(length=0, rotation=0)
        ax.xaxis.tick_top()
        ax.set_xlabel(f"value at stake, {currency}{f' in {word}' if word else ''}")
        ax.set_ylabel("")
    rows = "; ".join(f"{label}: {money(amount, currency)}" for label, amount in zip(labels, total, strict=True))
    return Picture(figure, f"{title}. By {plural(len(labels), 'manager')}: {rows}.", shades_count=True)
