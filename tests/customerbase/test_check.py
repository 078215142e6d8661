"""An audit without a run: what was read, what is set aside and why, what to ask, and whether a run would go through."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from customerbase.check import check
from customerbase.errors import Refusal

GOOD = "".join(f"c{row % 7},2024-{row % 12 + 1:02}-{row % 28 + 1:02},{row}.50\n" for row in range(100))
FIRMS = ("Alpha", "Bravo Trade", "Carpets", "Dough", "Eagle Windows", "Foxtrot")
BAD = "c1,soon,4\nc2,2024-01-01,ten\n,2024-01-01,5\nc3,2024-01-02\nTotal,,4950\n"


@pytest.fixture
def checked(tmp_path: Path) -> Callable[..., tuple[bool, str]]:
    """Check a parameter file; return the answer and what was printed, as one line without doubled spaces."""

    def run(file: Path, **options: Any) -> tuple[bool, str]:
        console = Console(file=io.StringIO(), width=80)
        before = sorted(path.name for path in tmp_path.rglob("*"))
        answer = check(file, console, runs=tmp_path / "runs", **options)
        assert sorted(path.name for path in tmp_path.rglob("*")) == before, "something was written"
        assert isinstance(console.file, io.StringIO)
        text = console.file.getvalue()
        assert max(map(len, text.splitlines())) <= 80
        return answer, " ".join(text.split())

    return run


Checked = Callable[..., tuple[bool, str]]
MakeBase = Callable[..., Path]


def test_a_good_ledger(make_base: MakeBase, checked: Checked) -> None:
    answer, text = checked(make_base(GOOD, currency="EUR"))
    assert answer
    assert "ledger small.csv 100 0 2024-01-01 2024-12-28" in text
    assert "delimiter , It divides the header" in text
    assert "Nothing: every row can be used." in text
    assert "in rows and in EUR rows amount read 100 5,000.00 used 100 5,000.00 set aside 0 0.00" in text
    assert "7 customers, 100 sales and 0 returns." in text
    assert text.endswith("Would a run go through? Yes.")


def test_every_reason_is_told_with_its_rows(make_base: MakeBase, checked: Checked) -> None:
    answer, text = checked(make_base(GOOD + BAD, quarantine_limit=0.04))
    assert answer, "a total is no loss"
    for reason, row in {
        "1 4.00 no date that can be read in 'date'": 102,
        "1 0.00 no number that can be read in 'amount'": 103,
        "1 5.00 no customer in 'customer'": 104,
        "1 4,950.00 a total, not a purchase": 106,
    }.items():
        assert f"{reason} small.csv row {row}" in text
    assert "has 2 fields where the header has 3" in text
    assert "used 100 5,000.00 set aside 5 4,959.00" in text


def test_over_the_limit_the_whole_list_is_shown_and_the_run_refused(make_base: MakeBase, checked: Checked) -> None:
    answer, text = checked(make_base(GOOD + BAD, quarantine_limit=0.01))
    assert not answer
    assert "1 5.00 no customer" in text
    assert "used 100 5,000.00" in text
    assert "4 rows of 104 (4%) can't be used, and quarantine_limit lets 1% be set aside." in text
    assert text.endswith("No: a run would refuse this.")


def test_reasons_that_differ_in_a_number_are_one(make_base: MakeBase, checked: Checked) -> None:
    _, text = checked(make_base(GOOD + "c1,2024-01-01,5\nc1,2024-01-01,5\nc1,2024-01-01,5\n", drop_duplicates=True))
    assert "2 10.00 repeats row 102 of small.csv small.csv row 103, 104" in text


@pytest.mark.parametrize("rows", ["", "c1,soon,4\n"])
def test_what_can_not_be_read_at_all_is_a_refusal(rows: str, make_base: MakeBase, checked: Checked) -> None:
    with pytest.raises(Refusal, match=r"no row|can't be used"):
        checked(make_base(rows))


def test_returns_alone_would_be_refused(make_base: MakeBase, checked: Checked) -> None:
    answer, text = checked(make_base("a,2024-01-01,-10\n"))
    assert not answer
    assert "every row is a return" in text


def test_questions_are_asked(make_base: MakeBase, checked: Checked) -> None:
    _, text = checked(make_base(GOOD.replace("c1,2024-12", "C1,2024-12")))
    assert "Questions to ask" in text
    assert "such as 'C1' and 'c1'. Are they the same customers?" in text


def test_keys_that_are_names_are_not_shown(make_base: MakeBase, checked: Checked) -> None:
    names = ["Moby O'Dick", "Moby O'DICK", "Anna Lee", "Jo Smith"]
    rows = "".join(f"{names[row % 4]},2024-{row % 12 + 1:02}-01,{row}.50\n" for row in range(60))
    _, text = checked(make_base(rows))
    assert "such as (not shown). Are they the same customers?" in text
    assert "Moby" not in text
    _, told = checked(make_base(rows, show_personal_data=True))
    assert "such as 'Moby O'DICK' and 'Moby O'Dick'." in told


@pytest.fixture
def with_customers(tmp_path: Path, make_base: MakeBase) -> Path:
    """A base with a table of customers."""
    (tmp_path / "customers.csv").write_text(
        "id,name,phone\n" + "".join(f"c{row},{name},+4930123450{row}{row}\n" for row, name in enumerate(FIRMS))
    )
    table = {"path": str(tmp_path / "customers.csv"), "columns": {"customer": "id", "name": "name", "phone": "phone"}}
    return make_base(GOOD, customers=table)


def test_customers_are_counted(with_customers: Path, checked: Checked) -> None:
    answer, text = checked(with_customers)
    assert answer
    assert "customers customers.csv 6 0" in text
    assert "6 records of customers; 1 customer of the ledger not among them. These are 6 customers." in text
    assert "Windows" not in text
    assert "4930" not in text


def test_looking_for_identities_can_be_left_out(with_customers: Path, checked: Checked) -> None:
    answer, text = checked(with_customers, skip_identity=True)
    assert answer
    assert "6 records of customers" in text
    assert "not looked for (--skip-identity)" in text


def test_nothing_in_a_file_steers_the_terminal(make_base: MakeBase, checked: Checked) -> None:
    _, text = checked(make_base(GOOD.replace("c1,", "[bold]x\x1b[31m,").replace("c2,", "[bold]X\x1b[31m,")))
    assert "such as '[bold]X?[31m' and '[bold]x?[31m'" in text
    assert "\x1b" not in text


def test_a_bad_parameter_file_is_refused(tmp_path: Path, checked: Checked) -> None:
    with pytest.raises(Refusal, match="no such parameter file"):
        checked(tmp_path / "none.yml")
