"""The practitioner's dashboard of `02_portrait`, taken together."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ...chapter import Chapter
from ...unsaid import Unsaid
from . import acquisition_cost, ladder, lifetime_value_factors, new_and_existing, retention_rate, share_of_wallet
from .ladder import Ladder


@dataclass(frozen=True)
class Dashboard:
    """What the dashboard found, for its findings.

    Attributes
    ----------
    ladder : Ladder
    rungs : pandas.DataFrame
        From `ladder.by_rung`.
    flow, rates, factors, newcomers, wallet : pandas.DataFrame or Unsaid
        From `ladder.moves`, `retention_rate.retention`, `lifetime_value_factors.factors`, `new_and_existing.newcomers`
        and `share_of_wallet.share_of_wallet`.
    """

    ladder: Ladder
    rungs: pd.DataFrame
    flow: pd.DataFrame | Unsaid
    rates: pd.DataFrame | Unsaid
    factors: pd.DataFrame | Unsaid
    newcomers: pd.DataFrame | Unsaid
    wallet: pd.DataFrame | Unsaid


def state_findings(chapter: Chapter, found: Dashboard) -> None:
    """State what the dashboard shows."""
    ladder.state_findings(chapter, found.ladder, found.rungs, found.flow)
    retention_rate.state_findings(chapter, found.rates)
    lifetime_value_factors.state_findings(chapter, found.factors)
    new_and_existing.state_findings(chapter, found.newcomers)
    acquisition_cost.state_findings(chapter, found.newcomers, found.factors)
    share_of_wallet.state_findings(chapter, found.wallet, found.ladder)
