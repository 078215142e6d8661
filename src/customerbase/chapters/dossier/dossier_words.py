"""What `dossier` says of a customer in words: how likely one still, when next, and what that is worth."""

from __future__ import annotations

import datetime as dt
import math

import polars as pl

from models.key_accounts import LEVELS

from ...chapter import Chapter
from ...unsaid import Unsaid
from ...wording import between, count, day, money, percent, plural
from .dossier import YEAR, Complaint, NextPurchase, Person
from .dossier_bought import Change

NOT_KNOWN = "not known"
LONGEST_WAIT = 10 * YEAR  # a date further ahead is no date to wait for
SMALLEST_SHARE = 0.0005  # less is 0.0% when it is rounded
NEARLY = 0.01  # a probability nearer than this to none, or to certainty, isn't told from it
NEXT_TO_NOTHING = "next to nothing"
PROBABLY_LEFT = "none to wait for: this customer has probably left"
HELD_OUT = "not to be called before the next run: held out as a control, to measure what calls do"
# what an action has at stake beside what the customer is expected to bring
STAKES = {
    "develop": "{} more to be won of what is bought elsewhere",
    "hand over": "at stake {}, what serving this customer costs",
    "change terms": "at stake {}, the loss at its pace so far",
    "let go": "at stake {}, the loss at its pace so far",
}


def share_in_words(chapter: Chapter, person: Person) -> str:
    """Return the customer's share of revenue, and that of the last 365 days where it is another."""
    told = small_share(person.standing.get("share", math.nan))
    latest = share_last_year(chapter, person)
    now = told if latest is None else small_share(latest)
    return told if now == told else f"{told} ({now} in the last {YEAR} days)"


def share_last_year(chapter: Chapter, person: Person) -> float | None:
    """Return the customer's share of the revenue of the last 365 days; None where there was none."""
    latest = chapter.ledger.filter(pl.col("date").dt.date() > chapter.as_of - dt.timedelta(days=YEAR))
    whole = float(latest["amount"].sum())
    own = float(latest.filter(pl.col("customer") == person.found.customer)["amount"].sum())
    return own / whole if whole > 0 else None


def dependency(chapter: Chapter, person: Person) -> tuple[str, str]:
    """Return how far the business depends on the customer, and words for it.

    Returns
    -------
    str
        One of `models.key_accounts.LEVELS`; none where the last 365 days show none any more.
    str
        Empty for a customer who never was one to depend on.
    """
    level = person.standing.get("dependency", LEVELS[0])
    if level == LEVELS[0]:
        return level, ""
    in_words = "to be watched" if level == "watch" else level
    latest = share_last_year(chapter, person)
    # the findings page speaks of the last year, and what is over is no danger
    if latest is not None and latest < chapter.parameters.dependency_limits[0]:
        return LEVELS[0], f"no dependency by the last {YEAR} days ({in_words} over all these days)"
    return level, f"dependency on this customer: {in_words}"


def small_share(share: float) -> str:
    """Return a share in words that is never nothing where there is something."""
    return "under 0.1%" if 0 < share < SMALLEST_SHARE else percent(share, 1)


def likely(p_alive: float) -> str:
    """Return a probability in words that is neither impossibility nor certainty."""
    if p_alive < NEARLY:
        return "under 1%"
    return "over 99%" if p_alive > 1 - NEARLY else percent(p_alive)


def stay_in_words(chapter: Chapter, person: Person, due: NextPurchase, lead: str = "") -> str:
    """Return how likely this is a customer still, after the words `lead`, and whether the silence is a long one."""
    told = due.untold or f"{lead}{likely(due.p_alive)}"
    if due.left:
        told = f"probably left: {told}"
    if due.overdue_since is not None:
        silent = plural((chapter.as_of - person.purchases["date"][-1]).days, "day")
        told += f"; silent for {silent}, since {day(due.overdue_since)} longer than the own rhythm explains"
    return told


def next_in_words(chapter: Chapter, due: NextPurchase) -> str:
    """Return when the next purchase is due, in words; no date where the customer has probably left."""
    if due.left:
        return PROBABLY_LEFT
    if due.days > LONGEST_WAIT:
        return "more than ten years ahead: nothing to wait for"
    coverage = percent(chapter.parameters.interval)
    from_, to = _ahead(chapter, due.low), _ahead(chapter, due.high)
    return f"if still a customer, by {_ahead(chapter, due.days)} ({coverage} interval {from_} to {to})"


def due_day(chapter: Chapter, days: float) -> dt.date:
    """Return the day so many days ahead, tomorrow at the earliest."""
    return chapter.as_of + dt.timedelta(days=max(1, round(days)))


def _ahead(chapter: Chapter, days: float) -> str:
    return "more than ten years ahead" if days > LONGEST_WAIT else day(due_day(chapter, days))


def worth(chapter: Chapter, person: Person, due: NextPurchase | Unsaid) -> str:
    """Return in words what the customer will bring as things stand, and what the action has at stake beside it."""
    standing, currency = person.standing, chapter.parameters.currency
    if "clv" not in standing:
        return NOT_KNOWN
    as_it_is, stake = _as_it_is(chapter, person, due), standing.get("value_at_stake")
    action = standing.get("action")
    if stake is None or stake == standing["clv"]:
        return as_it_is
    if action == "win back":
        more = "" if as_it_is.startswith(NEXT_TO_NOTHING) else " more"
        return f"{money(stake, currency)} of {_kind(person)}{more} if won back, {as_it_is} left as it is"
    return f"{as_it_is}; {STAKES[action].format(money(stake, currency))}" if action in STAKES else as_it_is


def _as_it_is(chapter: Chapter, person: Person, due: NextPurchase | Unsaid) -> str:
    # what is expected is the value of a living customer times the probability of being one
    if not isinstance(due, Unsaid) and due.left and due.p_alive < NEARLY:
        return NEXT_TO_NOTHING
    value = person.standing["clv"]
    told = f"{money(value, chapter.parameters.currency)} of {_kind(person)}"
    ends = interval_of(person)
    if ends is not None:
        return f"{told} ({percent(chapter.parameters.interval)} interval {between(*ends)})"
    high = person.standing.get("clv_high")
    if high is None:
        return told
    if value <= high:
        return f"{told} on average, more as a rule"
    return f"{told} on average, {'less' if high > 0 else 'nothing'} as a rule"


def interval_of(person: Person) -> tuple[float, float] | None:
    """Return the interval of the lifetime value, where it holds the mean that is shown beside it."""
    value, low, high = (person.standing.get(name) for name in ("clv", "clv_low", "clv_high"))
    if value is None or low is None or high is None or not low <= value <= high:
        return None
    return low, high


def _kind(person: Person) -> str:
    return "profit" if person.profit_known else "revenue"


def complaint_in_words(found: Complaint) -> str:
    """Return a complaint, and what is to be done about it."""
    why = f" ({found.reason})" if found.reason else ""
    told = f"Complaint of {day(found.date)}{why}"
    if found.spoken_since is None:
        return f"{told}: answer first"
    return f"{told}; in contact since, last on {day(found.spoken_since)}: ask whether it is settled"


def change_in_words(chapter: Chapter, change: Change) -> str:
    """Return what was bought in the last year, against the year before."""
    currency, days = chapter.parameters.currency, f"in the {count(YEAR)} days before"
    now, before = money(change.now, currency), money(change.before, currency)
    if change.growth is None:
        return now if change.before <= 0 else f"{now}, after {before} {days}"
    if change.now <= 0:
        return f"nothing that was kept, after {before} {days}"
    moved = f"{percent(abs(change.growth))} {'less' if change.growth < 0 else 'more'} than"
    return f"{now}, {'as much as' if round(change.growth, 2) == 0 else moved} {days} ({before})"


def fell_most_in_words(chapter: Chapter, change: Change) -> str:
    """Return which category, or product, fell most; nothing where none is named or none fell."""
    if not change.part:
        return ""
    currency = chapter.parameters.currency
    now = money(change.part_now, currency) if change.part_now > 0 else "nothing"
    return f"{change.part} fell most, from {money(change.part_before, currency)} to {now}"
