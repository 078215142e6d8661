"""The look that every figure shares, and the figure as a page takes it: with its text alternative."""

from __future__ import annotations

import base64
import io
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

# Okabe and Ito's palette keeps its colours apart for the colour-blind; these also differ in lightness, for print
INK = "#22272e"
QUIET = "#6b7480"
FAINT = "#d5dae0"
BLUE = "#0072b2"
ORANGE = "#d55e00"
GREEN = "#00795c"
SERIES = (BLUE, ORANGE, GREEN, "#8a4f7d", "#9a6a00", QUIET)

# narrow enough that the text is still readable on a phone, where the page scales it down
WIDTH = 4.7
HEIGHT = 3.2
DOTS_PER_INCH = 200
SHOWN_DOTS_PER_INCH = 140  # in JupyterLab, which shows a figure at the width it is told
TITLE_LETTERS = 48
LINE_OF_TEXT = 11  # points between two names that would otherwise lie on each other

LOOK: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.labelcolor": QUIET,
    "axes.edgecolor": FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#e9ecef",
    "grid.linewidth": 0.8,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "ytick.major.size": 0,
    "text.color": INK,
    "text.parse_math": False,  # a dollar sign in a customer's name is a dollar sign
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "lines.linewidth": 1.9,
}


class Picture:
    """A finished figure: one message, in the title and again in the text alternative.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    alt : str
        What the figure tells, for those who can't see it.
    shades_count : bool, default False
        Whether light and dark carry meaning, as in a heat map: a page then never turns them over.
    """

    def __init__(self, figure: Figure, alt: str, *, shades_count: bool = False) -> None:
        self.figure = figure
        self.alt = alt
        self.shades_count = shades_count

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        width = round(self.figure.get_figwidth() * SHOWN_DOTS_PER_INCH)
        data = {"image/png": base64.b64encode(self.png()).decode(), "text/plain": self.alt}
        about = {"alt": self.alt, "width": width} | ({"needs_background": "light"} if self.shades_count else {})
        return data, {"image/png": about}

    def png(self) -> bytes:
        """Return the figure as PNG."""
        file = io.BytesIO()
        with mpl.rc_context(LOOK):
            # not savefig, which draws a figure with a layout engine twice
            FigureCanvasAgg(self.figure).print_png(file, metadata={"Software": None})
        return file.getvalue()


@contextmanager
def drawing(title: str, *, height: float = HEIGHT, rows: int = 1) -> Iterator[tuple[Figure, Any]]:
    """Draw in the suite's look, under a title that says the finding.

    Yields
    ------
    figure, axes
        One `Axes`, or an array of them under one another, sharing their x axis, when `rows` is more than one.
    """
    with mpl.rc_context(LOOK):
        figure = Figure(figsize=(WIDTH, height), dpi=DOTS_PER_INCH)
        axes = figure.subplots(rows, 1, sharex=rows > 1)
        figure.suptitle(wrapped(title), x=0.01, ha="left", fontsize=10, fontweight="bold")
        yield figure, axes


def wrapped(text: str, letters: int = TITLE_LETTERS) -> str:
    """Break a text into lines that fit a figure."""
    return "\n".join(textwrap.wrap(text, letters))


def in_percent(axis: Any, decimals: int = 0) -> None:
    """Label an axis of shares in per cent."""
    axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.{decimals}f}%"))


def in_thousands(axis: Any) -> None:
    """Label an axis with thousands separated."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def in_dates(ax: Axes) -> None:
    """Label an axis of dates with few words."""
    locator = AutoDateLocator(minticks=3, maxticks=7)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def label_line(ax: Axes, x: Any, y: float, text: str, color: str, **where: Any) -> None:
    """Write a series' name beside it, so that no legend is needed."""
    ax.annotate(
        text,
        (x, y),
        xytext=where.pop("offset", (4, 0)),
        textcoords="offset points",
        color=color,
        va=where.pop("va", "center"),
        fontsize=8.5,
        fontweight="bold",
        annotation_clip=False,
        **where,
    )


def label_ends(ax: Axes, x: Any, heights: Sequence[float], names: Sequence[str], colors: Sequence[str]) -> None:
    """Name several series where they end, far enough from one another to be read."""
    bottom, top = ax.get_ylim()
    high = 72 * ax.bbox.height / DOTS_PER_INCH
    points = [(height - bottom) / (top - bottom) * high for height in heights]
    shifts = dict.fromkeys(range(len(points)), 0.0)
    ceiling = float("inf")
    for number in sorted(shifts, key=lambda n: -points[n]):
        ceiling = min(points[number], ceiling - LINE_OF_TEXT)
        shifts[number] = ceiling - points[number]
    for number, name in enumerate(names):
        label_line(ax, x, heights[number], name, colors[number], offset=(5, shifts[number]))
