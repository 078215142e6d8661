"""The statistics: frames and arrays in, frames out.

The models are loaded when first asked for, so that `models.rfm` comes without lifetimes.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.bgnbd import BGNBD
    from models.gamma_gamma import GammaGamma
    from models.modified_bgnbd import ModifiedBGNBD
    from models.pareto_nbd import ParetoNBD

__all__ = ["BGNBD", "GammaGamma", "ModifiedBGNBD", "ParetoNBD"]

_HOMES = {
    "BGNBD": "models.bgnbd",
    "GammaGamma": "models.gamma_gamma",
    "ModifiedBGNBD": "models.modified_bgnbd",
    "ParetoNBD": "models.pareto_nbd",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
