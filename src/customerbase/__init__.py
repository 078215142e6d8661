"""Everything around the statistics: parameters, ledger intake, figures, findings, the run, the pages, the command."""

from .chapter import Chapter, open_chapter

__all__ = ["Chapter", "open_chapter"]
