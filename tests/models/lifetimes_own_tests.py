"""Run lifetimes' own tests of its four fitters on ours.

    python tests/models/lifetimes_own_tests.py [path to lifetimes' tests/test_estimation.py] [--theirs]

lifetimes doesn't ship its tests. Without a path the file of its last release is fetched from GitHub. With
`--theirs` the names stay bound to lifetimes' fitters: a test that fails there too is broken by today's libraries,
or by lifetimes.
"""

import argparse
import os
import sys
import tempfile
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import lifetimes
import pytest

from models import BGNBD, GammaGamma, ModifiedBGNBD, ParetoNBD

SOURCE = "https://raw.githubusercontent.com/CamDavidsonPilon/lifetimes/v0.11.3/tests/test_estimation.py"
FITTERS = {
    "BetaGeoFitter": BGNBD,
    "ModifiedBetaGeoFitter": ModifiedBGNBD,
    "ParetoNBDFitter": ParetoNBD,
    "GammaGammaFitter": GammaGamma,
}
CLASSES = ("TestBetaGeoFitter", "TestModifiedBetaGammaFitter", "TestParetoNBDFitter", "TestGammaGammaFitter")


class OnlyTheFourFitters:
    """A pytest plugin that leaves out the tests of other classes, and refuses a file without these."""

    @staticmethod
    def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keep the tests of the four fitters."""
        wanted = [item for item in items if item.nodeid.split("::")[1] in CLASSES]
        absent = set(CLASSES) - {item.nodeid.split("::")[1] for item in wanted}
        if absent:
            raise pytest.UsageError(f"The file has no tests named {', '.join(sorted(absent))}.")
        config.hook.pytest_deselected(items=[item for item in items if item not in wanted])
        items[:] = wanted


def run(tests: Path, theirs: bool = False) -> int:
    """Run the tests of the four fitters.

    Parameters
    ----------
    tests : Path
        lifetimes' tests/test_estimation.py.
    theirs : bool, default False
        Leave the names bound to lifetimes' own fitters.

    Returns
    -------
    int
        pytest's exit code: 0 if every test passed.
    """
    if not theirs:
        for name, fitter in FITTERS.items():
            setattr(lifetimes, name, fitter)
    with tempfile.TemporaryDirectory() as folder:
        # The tests save models where they run.
        os.chdir(folder)
        return int(
            pytest.main(
                ["-v", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(tests.parent), str(tests)],
                plugins=[OnlyTheFourFitters()],
            )
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks."""
    parser = argparse.ArgumentParser(description="Run lifetimes' own tests of its four fitters on ours.")
    parser.add_argument("tests", nargs="?", type=Path, help="lifetimes' tests/test_estimation.py; fetched by default")
    parser.add_argument("--theirs", action="store_true", help="run them on lifetimes' own fitters")
    given = parser.parse_args(arguments)
    if given.tests is not None:
        return run(given.tests.resolve(strict=True), given.theirs)
    with tempfile.TemporaryDirectory() as folder:
        fetched = Path(folder) / "test_estimation.py"
        with urllib.request.urlopen(SOURCE, timeout=60) as answer:
            fetched.write_bytes(answer.read())
        return run(fetched, given.theirs)


if __name__ == "__main__":
    sys.exit(main())
