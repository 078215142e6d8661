"""The figures of `06_differentiation`."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
import seaborn as sns

from models.clustering import Clustering

from ..unsaid import says_why_not
from ..wording import number, percent, plural
from .style import BLUE, ORANGE, QUIET, SERIES, Picture, drawing, label_line

SHOWN = {
    "purchases": "purchases",
    "days_since_last": "days since the last",
    "mean_spend": "spend a purchase",
}
MARKERS = "osD^vPX*"
POINTS = 1500
REACH = 3  # colours of the profile end at the base's median times and by two to this power


@says_why_not
def number_of_clusters(grouping: Clustering) -> Picture:
    """Draw silhouette and stability by number of clusters."""
    choice = grouping.choice
    title = f"{plural(grouping.k, 'cluster')} are the best compromise of clear and found again in resamples"
    if not grouping.clear:
        title = "No number of clusters stands clearly apart: customers form a continuum"
    with drawing(title) as (figure, ax):
        ax.axvline(grouping.k, color=QUIET, linestyle=":", linewidth=1.2)
        ax.annotate("chosen", (grouping.k, 0.02), xytext=(4, 0), textcoords="offset points", color=QUIET, fontsize=8.5)
        for name, color, marker in (("stability", ORANGE, "D--"), ("silhouette", BLUE, "o-")):
            ax.plot(choice["k"], choice[name], marker, color=color, markersize=5)
            label_line(ax, choice["k"].iloc[-1], choice[name].iloc[-1], name, color, offset=(8, 0))
        ax.set_xticks(choice["k"])
        ax.set_xlim(choice["k"].iloc[0] - 0.3, choice["k"].iloc[-1] + 1.5)
        ax.set_ylim(min(0, choice["silhouette"].min()), 1.02)
        ax.set_xlabel("number of clusters")
        ax.set_ylabel("1: clear, or the same each time")
    rows = "; ".join(f"{r.k}: silhouette {r.silhouette:.2f}, stability {r.stability:.2f}" for r in choice.itertuples())
    return Picture(figure, f"{title}. By number of clusters: {rows}.")


@says_why_not
def profiles(grouping: Clustering, behaviour: pd.DataFrame) -> Picture:
    """Draw each cluster's medians against the whole base's."""
    medians = grouping.profile.set_index("name")[list(SHOWN)]
    base = behaviour[list(SHOWN)].median()
    times = (medians + 1) / (base + 1)
    title = f"What sets the {plural(grouping.k, 'cluster')} apart from the median customer"
    with drawing(title, height=1.6 + 0.5 * len(medians)) as (figure, ax):
        sns.heatmap(
            times.transform(np.log2).set_axis([textwrap.fill(label, 11) for label in SHOWN.values()], axis=1),
            ax=ax,
            cmap="PuOr_r",
            center=0,
            vmin=-REACH,
            vmax=REACH,
            annot=medians.map(number).to_numpy(),
            fmt="",
            annot_kws={"fontsize": 9},
            linewidths=1,
            cbar_kws={"label": "against the base", "ticks": [-REACH, 0, REACH], "format": _times},
        )
        ax.grid(visible=False)
        ax.tick_params(length=0, rotation=0)
        ax.set_ylabel("")
    rows = "; ".join(
        f"{name}: " + ", ".join(f"{number(row[key])} {label}" for key, label in SHOWN.items())
        for name, row in medians.iterrows()
    )
    return Picture(figure, f"{title}. Medians: {rows}.", shades_count=True)


@says_why_not
def clusters_apart(grouping: Clustering, behaviour: pd.DataFrame, seed: int) -> Picture:
    """Draw a sample of customers by silence and number of purchases, a colour and a mark for each cluster."""
    sample = behaviour.sort_index().sample(min(POINTS, len(behaviour)), random_state=seed)
    labels = grouping.labels.loc[sample.index]
    rng = np.random.default_rng(seed)
    title = "Where the clusters lie: how often customers bought, and how long they have been silent"
    with drawing(title, height=4) as (figure, ax):
        for number_, name in enumerate(grouping.names, start=1):
            own = sample[labels == number_]
            color, marker = SERIES[(number_ - 1) % len(SERIES)], MARKERS[(number_ - 1) % len(MARKERS)]
            spread = own["purchases"] * np.exp(rng.uniform(-0.12, 0.12, len(own)))
            ax.scatter(own["days_since_last"], spread, s=9, marker=marker, color=color, alpha=0.45, linewidths=0)
            if len(own):
                centre = own["days_since_last"].median(), np.exp(np.log(own["purchases"]).mean())
                box = {"boxstyle": "round", "facecolor": "white", "edgecolor": color, "alpha": 0.9}
                ax.annotate(name, centre, color=color, fontsize=9, fontweight="bold", ha="center", bbox=box)
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        ax.minorticks_off()
        ax.set_xlabel("days since the last purchase")
        ax.set_ylabel("purchases (log scale, points spread a little)")
    shares = "; ".join(
        f"{name}: {percent(share)} of customers"
        for name, share in zip(grouping.profile["name"], grouping.profile["share"], strict=True)
    )
    return Picture(figure, f"{title}. {shares}.")


def _times(power: float, _: object = None) -> str:
    return "the same" if power == 0 else f"{2 ** abs(power):.0f} times {'more' if power > 0 else 'less'}"
