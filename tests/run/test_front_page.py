"""What the findings page leads to: the workbooks that are there, and words about the key accounts."""

from pathlib import Path

import polars as pl

from customerbase.run.front_page import about_accounts, lists_of

CUSTOMERS = pl.DataFrame(
    {
        "customer": ["001", "002", "003", "004"],
        "action": ["win back", "protect", "protect", "let go"],
        "manager": ["Ann\nExample", None, "Bob", "Bob"],
        "on_list": [True, True, True, False],
    }
)


def test_only_workbooks_that_were_written_are_led_to_actions_before_managers(tmp_path: Path) -> None:
    (tmp_path / "lists" / "by_manager").mkdir(parents=True)
    for file in ("win_back", "protect", "by_manager/bob"):
        (tmp_path / "lists" / f"{file}.xlsx").touch()
    assert lists_of(tmp_path, CUSTOMERS) == [
        ("protect", "protect.xlsx", "2 customers"),
        ("win back", "win_back.xlsx", "1 customer"),
        ("Bob", "by_manager/bob.xlsx", "1 customer"),
    ]


def test_of_too_many_managers_there_is_one_list(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "by_manager.csv").touch()
    assert lists_of(tmp_path, CUSTOMERS) == [("every manager", "by_manager.csv", "")]


def test_an_account_is_told_by_its_action_and_its_manager_in_one_line() -> None:
    assert about_accounts(CUSTOMERS, ["001", "002", "unknown"]) == {"001": "win back, Ann?Example", "002": "protect"}
