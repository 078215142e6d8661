"""The tables that one chapter makes and others need: who computes each, and from which parameters."""

from __future__ import annotations

from dataclasses import dataclass

_VALUE = ("time_unit", "horizon_days", "annual_discount_rate", "margin", "interval", "seed")


@dataclass(frozen=True)
class Table:
    """A table of the run.

    Attributes
    ----------
    made_in : str
        The module of `customerbase.chapters` whose function `table_<name>` computes it.
    uses : tuple of str
        The parameters it depends on, beside the ledger and `as_of`.
    """

    made_in: str
    uses: tuple[str, ...]


_PROFIT = ("margin", "lookback_days", "order_cost", "contact_cost")
_LADDER = ("time_unit", "alive_limit", "adherent_share")
_ABC_XYZ = (*_PROFIT, "abc_limits", "xyz_limits", "xyz_period", "xyz_measure")
_KEY_ACCOUNTS = (
    *_PROFIT,
    *_VALUE,
    "key_account_share",
    "key_account_score",
    "dependency_limits",
    "silence",
)
_PLAYBOOK = ("playbook", "consent_required", "control_share")
_SEGMENTS = (*_PROFIT, *_VALUE, "most_valuable_share", "most_growable_share", "needs_categories", "clusters")

TABLES = {
    "abc_xyz": Table("abc_xyz.abc_xyz", _ABC_XYZ),
    "cluster_centres": Table("differentiation.differentiation", _SEGMENTS),
    "customers": Table("playbook.playbook", (*_VALUE, *_LADDER, *_ABC_XYZ, *_KEY_ACCOUNTS, *_SEGMENTS, *_PLAYBOOK)),
    "holdout": Table("lifetime_value.forecast_validation", ("time_unit", "holdout_days", "interval", "seed")),
    "key_accounts": Table("key_accounts.key_accounts", _KEY_ACCOUNTS),
    "ladder": Table("portrait.ladder", _LADDER),
    "lifetime_value": Table("lifetime_value.lifetime_value", _VALUE),
    "retention": Table("retention.retention", ("interval", "seed", "currency")),
    "segments": Table("differentiation.differentiation", _SEGMENTS),
}
