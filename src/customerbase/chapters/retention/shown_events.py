"""Words of the table of events, fit to be shown on a page."""

from __future__ import annotations

import polars as pl

from ...chapter import Chapter
from ...personal_data import personal_values, without_personal_data


def fit_to_be_shown(chapter: Chapter, words: pl.Series) -> pl.Series:
    """Return reasons, or names of campaigns, without those that tell who somebody is.

    Parameters
    ----------
    chapter : Chapter
    words : polars.Series
        Text; an empty one becomes null.

    Returns
    -------
    polars.Series
        The same, `customerbase.personal_data.HIDDEN` in place of what is personal, unless the parameters ask for it.
    """
    words = words.replace("", None)
    written = words.drop_nulls().unique(maintain_order=True)
    if chapter.parameters.show_personal_data or written.is_empty():
        return words
    known = set() if chapter.particulars is None else personal_values(chapter.particulars)
    cells = pl.DataFrame({"source": ["words"] * len(written), "as_read": written})
    shown = without_personal_data(cells, {"words": {"words": "words"}}, known)["as_read"]
    return words.replace(dict(zip(written, shown, strict=True)))
