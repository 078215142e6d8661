"""What goes into the table `customers` of what somebody recorded."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from customerbase.chapter import Chapter
from customerbase.chapters.playbook import playbook
from customerbase.parameters import read_parameters

LEDGER = "".join(f"c{i % 9},2024-{1 + i % 12:02d}-{1 + (i * 7) % 28:02d},{10 + i % 13}\n" for i in range(90))
RECORDED = {"kind": "dealer", "channel": "fair", "city": "Ghent", "exclusive": "yes", "consent": "yes"}
FREE = {"mobile": "+44 7700 900123", "contact_person": "Ann Example", "comment": "ask for Ann", "action": "let go"}
FREE |= {"on_list": "yes", "offer": "gold", "rule": "7", "may_contact": "yes", "value_at_stake": "1"}


@pytest.fixture
def recorded(make_base: Any, tmp_path: Path) -> Chapter:
    file = make_base(LEDGER)
    values = RECORDED | FREE
    rows = [",".join([f"c{i}", *values.values()]) for i in range(9)]
    people = tmp_path / "people.csv"
    people.write_text("\n".join([",".join(["customer", *values]), *rows]) + "\n", encoding="utf-8")
    columns = {name: name for name in ("customer", *values)}
    given = yaml.safe_load(file.read_text()) | {"customers": {"path": str(people), "columns": columns}}
    file.write_text(yaml.safe_dump(given), encoding="utf-8")
    chapter = Chapter("08_playbook", read_parameters(file))
    chapter.folder = tmp_path / "by-hand"
    return chapter


def test_what_is_not_known_to_be_impersonal_stays_out_and_decides_nothing(recorded: Chapter) -> None:
    table = playbook.table_customers(recorded)
    assert set(RECORDED) - {"consent"} <= set(table.columns)
    assert not {"mobile", "contact_person", "comment"} & set(table.columns)
    text = table.astype(str)
    for name, value in FREE.items():
        if name not in ("on_list", "rule", "value_at_stake", "may_contact"):
            assert not (text == value).any(axis=None), name
    assert table["may_contact"].eq("yes").all()
