"""Names of curves above a figure, where no line runs."""

from __future__ import annotations

from matplotlib.axes import Axes


def names_above(ax: Axes, columns: int = 1) -> None:
    """Name the curves that have a label above the axes, each beside a piece of its line."""
    ax.legend(
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=columns,
        frameon=False,
        fontsize=8.5,
        handlelength=2.6,
        columnspacing=1.2,
        borderpad=0,
    )
