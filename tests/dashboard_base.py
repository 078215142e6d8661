"""The practitioner's dashboard of `02_portrait` on a small base, step by step."""

from pathlib import Path
from typing import Any

from customerbase.chapter import Chapter
from customerbase.chapters import profit, purchase_model
from customerbase.chapters.portrait import (
    dashboard,
    ladder,
    lifetime_value_factors,
    new_and_existing,
    retention_rate,
    share_of_wallet,
)
from customerbase.findings import Finding


def everything(chapter: Chapter) -> Any:
    """Return the whole dashboard."""
    summary = purchase_model.rfm(chapter)
    model = purchase_model.fit_all(summary)
    earned = profit.customer_profit(chapter)
    climbed = ladder.climb(chapter, summary, model)
    return dashboard.Dashboard(
        climbed,
        ladder.by_rung(climbed, earned),
        ladder.moves(chapter, climbed),
        retention_rate.retention(chapter),
        lifetime_value_factors.factors(chapter, earned, lifetime_value_factors.model_values(chapter, summary, model)),
        new_and_existing.newcomers(chapter),
        share_of_wallet.share_of_wallet(chapter),
    )


def stated(chapter: Chapter, board: dashboard.Dashboard) -> dict[str, Finding]:
    """Return what the dashboard states, by id."""
    dashboard.state_findings(chapter, board)
    return {finding.id: finding for finding in chapter.findings().findings}


def written_beside(folder: Path, name: str, text: str) -> dict[str, Any]:
    """Write a table beside the ledger and return its section of the parameters, every column called as it is meant."""
    file = folder / f"{name}_table.csv"
    file.write_text(text, encoding="utf-8")
    return {"path": str(file), "columns": {column: column for column in text.splitlines()[0].split(",")}}
