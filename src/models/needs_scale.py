"""The scale on which customers' needs are compared: traits drawn towards the base, transformed and weighed.

Shares are compositions: they add up to one, so that raw percentages can't vary freely and their correlations mislead.
They are compared as centred log-ratios (Aitchison 1986), which no zero survives. A zero is replaced as in the
Bayesian-multiplicative methods, by the mean of a Dirichlet posterior whose prior is the base's own composition; unlike
there, the other parts are taken from the same posterior, so that three purchases make no extreme composition. The other
traits are drawn towards the base in the same way (`models.empirical_bayes`).

References
----------
Aitchison, J. (1986). *The Statistical Analysis of Compositional Data*. Chapman & Hall.
Martín-Fernández, J. A., K. Hron, M. Templ, P. Filzmoser & J. Palarea-Albaladejo (2015). Bayesian-multiplicative
treatment of count zeros in compositional data sets. *Statistical Modelling* 15(2), 134-158.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from models.empirical_bayes import drawn_towards, prior_strength, spread_beyond_chance
from models.measured_traits import Measured

FARTHEST = 3.0
#: What each block contributes to the distance between two customers: its variance, shared among its columns.
BLOCKS = {
    "categories": 2.0,
    "basket": 1.0,
    "breadth": 1.0,
    "rhythm": 1.0,
    "discount": 1.0,
    "hours": 1.0,
    "channel": 1.0,
    "brand": 1.0,
}
#: A table of everything that a later run needs; `models.cluster_model.ClusterModel.to_frame` has the same columns.
TABLE_SCHEMA: dict[str, Any] = {
    "part": pl.String,
    "feature": pl.String,
    "cluster": pl.Int64,
    "quantity": pl.String,
    "value": pl.Float64,
}
SCALE = "scale"

_SCALE_COLUMNS = ("base", "strength", "centre", "spread", "weight")
_ROUNDING = 1e-9
_DECIMALS = 9  # beyond them a value depends on the order in which threads add up


@dataclass(frozen=True)
class Scale:
    """How customers were made comparable, so that a later customer is put on the same scale.

    Attributes
    ----------
    columns : pandas.DataFrame
        One row per column compared, indexed by it: `kind`; `base`, what the typical customer has; `strength`, with
        how many purchases' worth of the base each customer is mixed; `centre` and `spread` after the transformation;
        `weight`, by which the standardised value is multiplied.
    """

    columns: pd.DataFrame

    def to_frame(self) -> pl.DataFrame:
        """Return the scale as a table: part, feature, cluster (null), quantity, value; see `from_frame`."""
        rows = [
            {
                "part": SCALE,
                "feature": feature,
                "cluster": None,
                "quantity": f"{row['kind']} {name}",
                "value": float(row[name]),
            }
            for feature, row in self.columns.iterrows()
            for name in _SCALE_COLUMNS
        ]
        return pl.DataFrame(rows, schema=TABLE_SCHEMA)

    @classmethod
    def from_frame(cls, frame: pl.DataFrame) -> Scale:
        """Return the scale that `to_frame` wrote; rows of other parts are passed over.

        Raises
        ------
        ValueError
            When the table holds no scale.
        """
        rows = frame.filter(pl.col("part") == SCALE)
        if rows.is_empty():
            raise ValueError("The table of an earlier run's clusters doesn't say how its customers were compared.")
        split = pl.col("quantity").str.split_exact(" ", 1).struct
        wide = (
            rows.with_columns(kind=split.field("field_0"), name=split.field("field_1"))
            .pivot("name", index=["feature", "kind"], values="value")
            .to_pandas()
            .set_index("feature")
        )
        return cls(wide[["kind", *_SCALE_COLUMNS]].rename_axis(None))


def fitted_scale(parts: list[Measured]) -> Scale:
    """Estimate from the base how far to draw its customers towards it, and how to weigh what is left."""
    columns = []
    for part in parts:
        base = part.values.mean().astype(np.float64)
        strength = prior_strength(part)
        if not np.isfinite(strength):
            continue
        drawn = _transformed(part, base, strength)
        reliability = float((part.number / (part.number + strength)).mean())
        signal = _signal(part, drawn)
        for name, trait in part.about.items():
            if name not in drawn:
                continue
            centre, spread = float(drawn[name].mean()), float(drawn[name].std(ddof=0))
            if spread > _ROUNDING * max(1.0, abs(centre)):
                told = (base[name], strength, centre, spread, reliability, signal[name])
                columns.append((name, trait.block, part.kind, *told))
    names = ["feature", "block", "kind", "base", "strength", "centre", "spread", "reliability", "signal"]
    frame = pd.DataFrame(columns, columns=names).set_index("feature").rename_axis(None)
    share = frame["block"].map(BLOCKS) / frame.groupby("block")["block"].transform("size")
    share = share * frame["signal"] / frame.groupby(["block", "kind"])["signal"].transform("mean")
    frame["weight"] = np.sqrt(share.to_numpy(np.float64) * frame["reliability"].to_numpy(np.float64))
    return Scale(frame[["kind", *_SCALE_COLUMNS]])


def _signal(part: Measured, drawn: pd.DataFrame) -> pd.Series:
    """Return how much of a column's variance is to count, relative to the others of its composition.

    Logarithms make the most of small shares, and so of chance: what a category's shares differ by chance only, counts
    nothing.
    """
    if part.kind != "part":
        return pd.Series(1.0, index=drawn.columns)
    known = part.number > 0
    number = part.number[known][:, None]
    beyond_chance, spread = spread_beyond_chance(part.values.to_numpy(np.float64)[known], part.number[known])
    alike = np.divide(beyond_chance, spread, out=np.zeros_like(spread), where=spread > 0).clip(0, 1)
    reliability = (number * alike / (number * alike + 1 - alike)).mean(axis=0)
    return drawn.var(ddof=0) * reliability


def _transformed(part: Measured, base: pd.Series, strength: float) -> pd.DataFrame:
    """Return values drawn towards the base, on the scale on which they are compared."""
    drawn = drawn_towards(part, base, strength)
    if part.kind == "part":
        drawn = np.log(drawn)
        drawn -= drawn.mean(axis=1, keepdims=True)
    elif part.kind == "share":
        drawn = np.log(drawn / (1 - drawn))
    elif part.kind == "rate":
        drawn = np.arcsin(np.sqrt(drawn.clip(0, 1)))
    return pd.DataFrame(drawn, index=part.values.index, columns=part.values.columns)


def compared_on(parts: list[Measured], scale: Scale) -> pd.DataFrame:
    """Return the traits on a scale: standardised, cut off at three standard deviations and weighted."""
    columns = {}
    for part in parts:
        of_part = scale.columns.loc[[name for name in part.values if name in scale.columns.index]]
        if of_part.empty:
            continue
        drawn = _transformed(part, of_part["base"], float(of_part["strength"].iloc[0]))
        for name, row in of_part.iterrows():
            standardised = ((drawn[name] - row["centre"]) / row["spread"]).clip(-FARTHEST, FARTHEST)
            columns[name] = (standardised * row["weight"]).round(_DECIMALS)
    return pd.DataFrame(columns, index=parts[0].values.index)[list(scale.columns.index)]
