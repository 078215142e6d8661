"""The day of the ledger's first line, from which a chapter looks at all there is."""

import datetime as dt

from ..chapter import Chapter


def first_line(chapter: Chapter) -> dt.date:
    """Return the day of the ledger's first line, be it a return; `Chapter.first_day` is that of the first sale."""
    return chapter.ledger["date"].dt.date().min()  # type: ignore[return-value]
