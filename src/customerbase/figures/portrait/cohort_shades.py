"""The shade of each cohort, from the oldest to the newest, and which is which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.patches import Patch

from ..style import BLUE

if TYPE_CHECKING:
    from ...chapters.portrait.cohorts import Cohorts

FEW_COHORTS = 4  # up to here cohorts are told apart by colour and name, beyond by shade, from the oldest to the newest
FROM_OLD_TO_NEW = LinearSegmentedColormap.from_list("from old to new", ["#00263d", BLUE, "#b5d3e8"])


def from_old_to_new(cohorts: int) -> list[str]:
    """Return a shade for each of so many cohorts, the oldest the darkest."""
    return [to_hex(FROM_OLD_TO_NEW(place)) for place in np.linspace(0, 1, cohorts)]


def name_shades(ax: Axes, cohorts: list[Any], followed: Cohorts, shades: list[str]) -> None:
    """Say above the figure which shade is which cohort: of many the oldest, the middle one and the newest."""
    places = range(len(cohorts)) if len(cohorts) <= FEW_COHORTS else (0, len(cohorts) // 2, len(cohorts) - 1)
    handles = [Patch(color=shades[place], label=followed.names[cohorts[place]]) for place in places]
    ax.legend(
        handles=handles,
        title="won in",
        title_fontsize=8.5,
        frameon=False,
        ncols=len(handles),
        fontsize=8.5,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        borderaxespad=0.2,
        handlelength=1,
        alignment="left",
    )
