"""What a run takes in holds together, whatever the sources are called."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from customerbase.errors import Refusal
from customerbase.intake import take_in
from customerbase.parameters import Parameters, check_parameters
from customerbase.run.taken_in import write_intake

TODAY = dt.date(2025, 1, 1)
SALES = "customer,date,amount\n" + "".join(f"c{at % 9},2024-{1 + at % 12:02d}-13,{at}.5\n" for at in range(1, 40))
CUSTOMERS = "customer,name\n" + "".join(f"c{at},Customer number {at}\n" for at in range(30)) + ",Nobody\n"


@pytest.fixture
def parameters(tmp_path: Path) -> Parameters:
    """A ledger and a customers' table whose files have one name."""
    paths = {}
    for section, content in (("ledger", SALES), ("customers", CUSTOMERS)):
        paths[section] = tmp_path / section / "data.csv"
        paths[section].parent.mkdir()
        paths[section].write_text(content)
    columns = {
        "ledger": {name: name for name in ("customer", "date", "amount")},
        "customers": {"customer": "customer", "name": "name"},
    }
    sections = {section: {"path": str(path), "columns": columns[section]} for section, path in paths.items()}
    return check_parameters({"base": "shop", **sections}, where="shop.yml")


def test_sources_of_one_name_are_told_apart_and_the_account_balances(parameters: Parameters, tmp_path: Path) -> None:
    intake = take_in(parameters, today=TODAY)
    assert intake.sources["source"].to_list() == ["data.csv", "customers: data.csv"]
    assert intake.quarantine.select("source", "row").rows() == [("customers: data.csv", 32)]
    write_intake(tmp_path / "run", intake, parameters)


def test_the_fingerprint_is_that_of_what_is_used(parameters: Parameters) -> None:
    doubled = Path(parameters.ledger.path)
    doubled.write_text(SALES + "".join(SALES.splitlines(keepends=True)[1:3]))
    kept = take_in(parameters, today=TODAY)
    dropped = take_in(parameters.model_copy(update={"drop_duplicates": True}), today=TODAY)
    assert kept.ledger.fingerprint == dropped.ledger.fingerprint
    assert kept.fingerprint != dropped.fingerprint


def test_decisions_without_customers_are_refused(parameters: Parameters) -> None:
    alone = parameters.model_copy(update={"customers": None, "identity_decisions": "decisions.csv"})
    with pytest.raises(Refusal, match="identity_decisions"):
        take_in(alone, today=TODAY)
