"""How the time of each step grows with the number of customers."""

from collections.abc import Mapping

from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from customerbase.figures.style import BLUE, ORANGE, Picture, drawing, label_line

#: Seconds of each step, by number of customers.
Growth = Mapping[int, Mapping[str, float]]


def draw_growth(ours: Growth, theirs: Growth) -> Picture:
    """Draw each step's time against the number of customers, on logarithmic axes.

    Parameters
    ----------
    ours, theirs : mapping of int to mapping of str to float
        Seconds of each step by number of customers, for this package and for lifetimes; the same steps and sizes.
        The last step is the whole.
    """
    sizes = sorted(ours)
    most = sizes[-1]
    *steps, whole = ours[most]
    our_time, their_time = in_words(ours[most][whole]), in_words(theirs[most][whole])
    all_times = [time for growth in (ours, theirs) for times in growth.values() for time in times.values()]
    fastest, slowest = min(all_times), max(all_times)
    title = f"From a ledger to the value of {most:,} customers: {our_time}, and {their_time} with lifetimes"
    ratios = ", ".join(f"{step} {theirs[most][step] / ours[most][step]:.0f} times" for step in (*steps, whole))
    alt = f"{title}. At that size lifetimes takes longer by step: {ratios}."
    with drawing(title, height=8.4, rows=len(steps) + 1) as (figure, panels):
        figure.supylabel("seconds", fontsize=9)
        for ax, step in zip(panels, (*steps, whole), strict=True):
            ax.set_xscale("log")
            ax.set_yscale("log")
            ax.set_title(step)
            for name, growth, color in (("lifetimes", theirs, ORANGE), ("ours", ours, BLUE)):
                times = [growth[size][step] for size in sizes]
                ax.plot(sizes, times, color=color, marker="o", markersize=3.5)
                highest = times[-1] == max(ours[most][step], theirs[most][step])
                where = "bottom" if highest else "top"
                label_line(ax, most, times[-1], f"{name}, {in_words(times[-1])}", color, va=where)
            ax.set_ylim(fastest / 2, slowest * 2)
            ax.yaxis.set_major_locator(LogLocator(numticks=6))
            ax.yaxis.set_minor_locator(NullLocator())
            ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            ax.set_xticks(sizes, [f"{size:,}" for size in sizes])
            ax.xaxis.set_minor_locator(NullLocator())
        panels[-1].set_xlabel("customers")
    return Picture(figure, alt)


def in_words(seconds: float) -> str:
    """Write a length of time as a reader would say it."""
    if seconds >= 120:
        return f"{seconds / 60:.0f} min"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.2g} s"
