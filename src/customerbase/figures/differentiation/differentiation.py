"""The figures of `06_differentiation` about needs: are there groups, what sets them apart, where they lie."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.patches import Ellipse
from matplotlib.transforms import Bbox

from models.cluster_map import ClusterMap
from models.cluster_validity import APART, STABLE
from models.clustering import Clusters
from models.value_tiers import TIERS

from ...chapters.differentiation.value_by_needs import TOO_SELDOM
from ...errors import CannotSay
from ...said_before import nothing_without
from ...trait_words import bare, in_unit
from ...unsaid import says_why_not
from ...wording import count, percent, plural, printable, shortened, small_percent
from ..style import BLUE, DOTS_PER_INCH, INK, LINE_OF_TEXT, ORANGE, QUIET, SERIES, Picture, drawing, label_line, wrapped
from .value_tiers import people_of

METHODS = {"k-means": (BLUE, "o-"), "mixture": (ORANGE, "D--"), "HDBSCAN": (INK, "*")}
MARKERS = "osD^vPX*"
POINTS = 1500
STEPS = range(1, 9)  # halves of a name's height above or below its ellipse
ROOM_FOR_NAMES = 0.1  # above and below the points, in shares of their height
REACH = 2  # standard deviations of the base at which the colours of a profile end
NAMED_COLUMNS = 4  # of more clusters a profile has no room for the names
LETTERS = 26
LETTER_WIDTH = 5.3  # points, of bold letters of the size in which groups are named
AXIS = 72  # letters in a line beside an axis
HALF = 1.18  # radius, in standard deviations, within which half of a bivariate normal lies


@says_why_not
def number_of_groups(grouping: Clusters) -> Picture:
    """Draw for each method and number of groups whether they are found again, and whether they are apart."""
    groups = plural(grouping.k, "group")
    on = f" by {grouping.part}" if grouping.part else ""
    title = f"{groups}{on} are found again in halves of the base, and are apart"
    if not grouping.clear:
        title = f"No clear groups here: the {groups} shown are handy pieces of a continuum"
    choice = grouping.choice
    with drawing(title, height=4.6, rows=2) as (figure, (top, bottom)):
        for ax, name, limit, better in (
            (top, "stability", STABLE, f"stable from {STABLE:g} up"),
            (bottom, "between", APART, f"apart below {APART:g}"),
        ):
            ax.axhline(limit, color=QUIET, linestyle=":", linewidth=1.2)
            for method, rows in choice.groupby("method", sort=False):
                color, style = METHODS[str(method)]
                ax.plot(rows["clusters"], rows[name], style, color=color, markersize=5, label=str(method))
            taken = choice[choice["chosen"]].iloc[0]
            ax.plot([taken["clusters"]], [taken[name]], "o", color=INK, fillstyle="none", markersize=12)
            ax.set_xlim(choice["clusters"].min() - 0.4, choice["clusters"].max() + 0.4)
            label_line(ax, choice["clusters"].max() + 0.4, limit, better, QUIET, ha="right", offset=(0, 6))
        top.set_ylim(min(0.0, choice["stability"].min()) - 0.06, 1.06)
        bottom.set_ylim(-0.06, max(1.06, 1.06 * choice["between"].max()))
        top.set_ylabel("found again\n(1: always)")
        bottom.set_ylabel("crowd between them\n(1: as inside)")
        bottom.set_xticks(sorted(choice["clusters"].unique()))
        bottom.set_xlabel("number of groups (ring: the one taken)")
        figure.legend(
            *top.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False, fontsize=8.5
        )
    tried = "; ".join(
        f"{row.method} {row.clusters:.0f}: found again {row.stability:.2f}, between {row.between:.2f}"
        for row in choice.itertuples()
    )
    return Picture(figure, f"{title}. {tried}.")


@says_why_not
def profiles(profile: pd.DataFrame, currency: str) -> Picture:
    """Draw what is typical of each cluster, coloured by how far it stands from the base.

    Parameters
    ----------
    profile : pandas.DataFrame
        From `customerbase.chapters.differentiation.cluster_portraits.profile`.
    currency : str
    """
    names = dict(zip(profile["cluster"], profile["name"], strict=True))
    apart = profile.pivot(index="trait", columns="cluster", values="apart").loc[profile["trait"].unique()]
    told = profile.assign(
        said=[in_unit(*pair, currency) for pair in zip(profile["typical"], profile["unit"], strict=True)],
        short=[bare(*pair) for pair in zip(profile["typical"], profile["unit"], strict=True)],
    )
    words = told.pivot(index="trait", columns="cluster", values="said").loc[apart.index]
    cells = told.pivot(index="trait", columns="cluster", values="short").loc[apart.index]
    traits = profile.drop_duplicates("trait").set_index("trait")
    labels = traits["label"]
    of_money = traits["unit"] == "money"
    beside = [shortened(labels[name], LETTERS) + (f" ({currency})" if of_money[name] else "") for name in apart.index]
    title = f"What sets the {plural(len(names), 'group')} apart: typical values, coloured by distance from all"
    few = len(names) <= NAMED_COLUMNS
    heads = [textwrap.fill(f"{number}: {name}", 13) if few else str(number) for number, name in names.items()]
    with drawing(title, height=1.7 + 0.3 * len(apart) + (0.5 if few else 0)) as (figure, ax):
        sns.heatmap(
            apart.set_axis(heads, axis=1).set_axis(beside),
            ax=ax,
            cmap="PuOr_r",
            center=0,
            vmin=-REACH,
            vmax=REACH,
            annot=cells.to_numpy(),
            fmt="",
            annot_kws={"fontsize": 8},
            linewidths=1,
            cbar_kws={"ticks": [-REACH, 0, REACH], "format": _deviations, "location": "bottom", "shrink": 0.7},
        )
        ax.grid(visible=False)
        ax.tick_params(length=0, rotation=0)
        ax.xaxis.tick_top()
        ax.set(xlabel="", ylabel="")
    rows = "; ".join(
        f"{number}: {names[number]}: " + ", ".join(f"{labels[t]} {words.loc[t, number]}" for t in apart.index)
        for number in names
    )
    return Picture(figure, f"{title}. {rows}.", shades_count=True)


def _deviations(value: float, _: object = None) -> str:
    return "like all" if value == 0 else f"far {'above' if value > 0 else 'below'}"


@nothing_without
@says_why_not
def needs_map(mapped: ClusterMap, named: pd.DataFrame, grouping: Clusters, seed: int) -> Picture:
    """Draw a sample of customers in two dimensions, a colour and a mark for each cluster, with what each way means.

    Parameters
    ----------
    mapped : ClusterMap
    named : pandas.DataFrame
        From `models.cluster_names.cluster_names`.
    grouping : Clusters
        Where its groups aren't clear, the title says that they are pieces.
    seed : int
        Of the sample.
    """
    points = mapped.points.sort_values("customer")
    sample = points.sample(min(POINTS, len(points)), random_state=seed)
    called = dict(zip(named["cluster"], named["name"], strict=True))
    title = f"Where the {plural(len(called), 'group')} lie by what and how they buy"
    if not grouping.clear:
        title = f"Where customers are cut into {plural(len(called), 'piece')}, by what and how they buy"
    across, up = mapped.axes
    ellipses: dict[str, tuple[Ellipse, str]] = {}
    with drawing(title, height=5.1) as (figure, ax):
        for place, (cluster, name) in enumerate(called.items()):
            color, marker = SERIES[place % len(SERIES)], MARKERS[place % len(MARKERS)]
            own = sample[sample["cluster"] == cluster]
            ax.scatter(own["x"], own["y"], s=9, marker=marker, color=color, alpha=0.35, linewidths=0)
            ellipse = _ellipse(points.loc[points["cluster"] == cluster, ["x", "y"]].to_numpy(), color)
            ax.add_patch(ellipse)
            ellipses[textwrap.fill(f"{cluster}: {name}", 18)] = ellipse, color
        ax.set_xlabel(
            f"{wrapped(f'left: {across.less}', AXIS)}\n{wrapped(f'right: {across.more}', AXIS)}", fontsize=7.5
        )
        ax.set_ylabel(f"{wrapped(f'up: {up.more}', AXIS)}\n{wrapped(f'down: {up.less}', AXIS)}", fontsize=7.5)
        ax.set_xticks([])
        ax.set_yticks([])
        ax.grid(visible=False)
        ax.margins(y=ROOM_FOR_NAMES)
        figure.draw_without_rendering()  # the layout decides where the names have room
        _name_groups(ax, ellipses)
    return Picture(
        figure,
        f"{title}. To the right: {across.more}; to the left: {across.less}. Up: {up.more}; down: {up.less}. The two "
        f"directions hold {percent(mapped.explained)} of the differences between customers; each ellipse holds about "
        "half of its group.",
    )


def _name_groups(ax: Axes, names: dict[str, tuple[Ellipse, str]]) -> None:
    """Write each group's name above its ellipse, or below it, as near as no other name is in the way."""
    taken: list[Bbox] = []
    to_dots, to_points = ax.transData, 72 / DOTS_PER_INCH
    for text, (ellipse, color) in names.items():
        outline = np.asarray(ellipse.get_patch_transform().transform(ellipse.get_path().vertices), dtype=float)
        ends = outline[outline[:, 1].argmax()], outline[outline[:, 1].argmin()]
        lines = text.split("\n")
        half = np.array([max(map(len, lines)) * LETTER_WIDTH + 8, len(lines) * LINE_OF_TEXT + 8]) / 2
        tried = [(end, up * step * half[1]) for step in STEPS for end, up in zip(ends, (1, -1), strict=True)]
        middles = [to_dots.transform(end) * to_points + [0, away] for end, away in tried]
        boxes = [Bbox([middle - half, middle + half]) for middle in middles]
        free = [n for n, box in enumerate(boxes) if not any(box.overlaps(other) for other in taken)]
        chosen = free[0] if free else 0
        taken.append(boxes[chosen])
        ax.annotate(
            text,
            tuple(tried[chosen][0]),
            xytext=(0, tried[chosen][1]),
            textcoords="offset points",
            color=color,
            fontsize=8,
            fontweight="bold",
            ha="center",
            va="center",
            bbox={"boxstyle": "round,pad=0.25", "facecolor": "white", "edgecolor": color, "alpha": 0.9},
            arrowprops={"arrowstyle": "-", "color": color, "linewidth": 0.8} if chosen >= len(ends) else None,
        )


def _ellipse(points: np.ndarray, color: str) -> Ellipse:
    """Return the ellipse that holds about half of these points."""
    spread = np.cov(points, rowvar=False) if len(points) > 2 else np.zeros((2, 2))
    values, vectors = np.linalg.eigh(spread)
    width, height = 2 * HALF * np.sqrt(values.clip(min=0.0))
    angle = np.degrees(np.arctan2(vectors[1, 0], vectors[0, 0]))
    centre = points.mean(axis=0)
    return Ellipse(tuple(centre), width, height, angle=angle, fill=False, color=color, linewidth=1.6)


@says_why_not
def value_by_needs(cells: pd.DataFrame) -> Picture:
    """Draw customers and value in each cell of needs and value tier.

    Parameters
    ----------
    cells : pandas.DataFrame
        From `customerbase.chapters.differentiation.value_by_needs.crossed`.
    """
    grouped = cells[cells["cluster"].notna()]
    if grouped.empty:
        raise CannotSay("Without groups by needs there is nothing to set value tiers beside.")
    by_value = grouped["value_share"].notna().all()
    label = np.where(
        cells["cluster"].notna(),
        cells["cluster"].astype("Int64").astype(str) + ": " + cells["name"].fillna("").map(printable),
        TOO_SELDOM,
    )
    frame = cells.assign(label=[textwrap.fill(shortened(text, 70), 24) for text in label])
    order = frame["label"].drop_duplicates()
    shown = [tier for tier in TIERS if tier in set(frame["value_tier"])]
    share = "value_share" if by_value else "share"
    parts = frame.pivot(index="label", columns="value_tier", values=share).reindex(order, columns=shown)
    customers = frame.pivot(index="label", columns="value_tier", values="customers").reindex(order, columns=shown)
    best = grouped.iloc[int(grouped[share].to_numpy(float).argmax())]
    title = (
        f"Most {'value' if by_value else 'customers'} in one cell: {percent(best[share])}, "
        f"{people_of(best['value_tier'])} of "
        f"'{shortened(printable(best['name']), 60)}'"
    )
    words = [
        [
            "" if pd.isna(size) else f"{count(size)}\n{small_percent(part)}"
            for size, part in zip(sizes, shares, strict=True)
        ]
        for sizes, shares in zip(customers.to_numpy(), parts.to_numpy(), strict=True)
    ]
    with drawing(title, height=1.5 + 0.44 * len(parts)) as (figure, ax):
        sns.heatmap(
            parts.set_axis([tier.replace(" ", "\n", 1) for tier in shown], axis=1),
            ax=ax,
            cmap="Blues",
            vmin=0,
            vmax=max(0.01, float(np.nanmax(parts.to_numpy()))),
            annot=np.array(words),
            fmt="",
            annot_kws={"fontsize": 8},
            linewidths=1,
            cbar=False,
        )
        ax.grid(visible=False)
        ax.tick_params(length=0, rotation=0)
        ax.xaxis.tick_top()
        what = "their share of the lifetime value" if by_value else "their share of the customers"
        ax.set(xlabel="", ylabel="")
        figure.supxlabel(f"customers, and {what} (shade)", fontsize=8.5, color=QUIET)
    rows = "; ".join(
        f"{TOO_SELDOM if pd.isna(row['cluster']) else printable(row['name'])}, {row['value_tier']}: "
        f"{plural(row['customers'], 'customer')}, {small_percent(row[share])}"
        for row in cells.to_dict("records")
    )
    return Picture(figure, f"{title}. {rows}.", shades_count=True)
