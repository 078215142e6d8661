"""Whether the ledger follows only customers won in a certain time, and what that means for the findings."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from models.closed_cohort import ClosedCohort, closed_cohort

from ..chapter import Chapter
from ..findings import Verdict
from ..unsaid import Unsaid
from ..wording import count, day, plural

_found: WeakKeyDictionary[Chapter, ClosedCohort] = WeakKeyDictionary()


def closed_base(chapter: Chapter) -> ClosedCohort:
    """Return whether the ledger follows only customers won in a certain time; found once for a chapter."""
    if chapter not in _found:
        _found[chapter] = closed_cohort(chapter.purchases, chapter.as_of)
    return _found[chapter]


def whom_it_follows(chapter: Chapter) -> str | None:
    """Return whom such a ledger follows, in words that begin a sentence; None where it is open to new customers."""
    found = closed_base(chapter)
    if not found.closed or found.won_from is None or found.won_until is None:
        return None
    return f"This ledger follows only the customers won from {day(found.won_from)} to {day(found.won_until)}"


def without_blame(chapter: Chapter, verdict: Verdict) -> Verdict:
    """Return a verdict on falling revenue or missing new customers: a note where that follows from how it was drawn."""
    return "note" if verdict in ("act", "watch") and closed_base(chapter).closed else verdict


def note(chapter: Chapter) -> Unsaid | None:
    """Show in a sentence whom the ledger follows; nothing where it is open to new customers."""
    follows = whom_it_follows(chapter)
    if follows is None:
        return None
    return Unsaid(f"{follows}, so nobody in it is new later, and what they bring falls as they leave.")


def state_closed_base(chapter: Chapter) -> None:
    """State whom the ledger follows, where it isn't open to new customers."""
    said = _in_full(chapter)
    if said is not None:
        found = closed_base(chapter)
        chapter.state("closed_base", said, value=found.quiet_days, unit="days", question="who")


def _in_full(chapter: Chapter) -> str | None:
    follows = whom_it_follows(chapter)
    if follows is None:
        return None
    found = closed_base(chapter)
    return (
        f"{follows}: in the {plural(found.quiet_days, 'day')} since, nobody bought for the first time, while these "
        f"{count(found.customers)} bought {count(found.purchases_after)} times more. As far as can be seen it was "
        "drawn so, unless the business stopped winning customers then; that nobody is new and that revenue falls "
        "follows from it, and says nothing of how the business does."
    )
