"""One source of truth for the environment: the lock, which pip, conda and CI all install."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
GROCERY_LOCK = (ROOT / "requirements-grocery.lock").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
README = (ROOT / "README.md").read_text(encoding="utf-8")

PINNED = dict(re.findall(r"^([a-z0-9][a-z0-9.-]*)==([^\s;]+)", LOCK, flags=re.MULTILINE))
NAMED_BY_THE_USER = [
    "jupyterlab",
    "pandas",
    "lifetimes",
    "scikit-learn",
    "statsmodels",
    "seaborn",
    "papermill",
    "nbval",
]


def name_of(requirement: str) -> str:
    return re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def test_every_dependency_is_pinned_in_the_lock() -> None:
    asked = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
    assert {name_of(requirement) for requirement in asked} <= PINNED.keys()
    assert set(NAMED_BY_THE_USER) <= {name_of(requirement) for requirement in PROJECT["dependencies"]}


def test_every_pin_has_hashes() -> None:
    entries = re.split(r"\n(?=\S)", LOCK.strip())
    assert len(entries) > 100
    for entry in entries:
        assert "==" in entry.splitlines()[0]
        assert "--hash=sha256:" in entry, entry.splitlines()[0]


def test_the_lock_serves_all_three_systems() -> None:
    # packages that only one of them installs
    assert "sys_platform == 'win32'" in LOCK
    assert "sys_platform == 'darwin'" in LOCK
    assert "ptyprocess" in PINNED


def test_the_lock_names_no_index() -> None:
    assert not re.search(r"index|find-links|https?:|file:", re.sub(r"^[a-z0-9.-]+==.*", "", LOCK, flags=re.MULTILINE))


def test_the_grocers_data_are_locked_apart() -> None:
    # for one base alone, so nobody downloads them for another
    (wanted,) = PROJECT["optional-dependencies"]["grocery"]
    assert re.fullmatch(rf"{wanted}==[\d.]+(?: \\\n    --hash=sha256:[0-9a-f]{{64}})+\n", GROCERY_LOCK)
    assert wanted not in PINNED


def test_conda_users_get_the_same_lock() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    *conda, pip = environment["dependencies"]
    assert [name_of(package) for package in conda] == ["python", "pip"]
    assert pip == {"pip": ["--require-hashes", "--requirement requirements.lock"]}
    (python,) = (package for package in conda if package.startswith("python"))
    assert python.removeprefix("python") == PROJECT["requires-python"]


def test_ci_runs_exactly_what_the_readme_tells_to_run() -> None:
    commands = [line for line in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines() if "make" in line]
    assert commands[-1] == "make test"
    assert re.search(r"^make test\b", README, flags=re.MULTILINE)


@pytest.mark.parametrize("package", sorted(name_of(requirement) for requirement in PROJECT["dependencies"]))
def test_the_readme_says_why_each_dependency_is_there(package: str) -> None:
    assert re.search(rf"^\| .*`{re.escape(package)}`.* \| .{{10,}} \|$", README, flags=re.MULTILINE)
