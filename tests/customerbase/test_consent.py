"""Who may be contacted is the same customer everywhere: in the central file, on the lists, among the silent."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from customerbase.chapter import Chapter
from customerbase.chapters.identify import central_file
from customerbase.chapters.key_accounts import key_account_silence, key_account_standing, key_accounts
from customerbase.chapters.lifetime_value import lifetime_value
from customerbase.chapters.playbook import playbook
from customerbase.chapters.purchase_model import fit_all, rfm
from customerbase.parameters import Parameters, read_parameters
from customerbase.unsaid import Unsaid

AS_OF = dt.date(2024, 12, 31)
SAID = {
    "yes": ["yes", "Да!", "ja", "opt-in", "1", "согласен"],
    "no": ["No!", "no.", "nie", "não", "withdrawn", "opted out", "не согласен", "отозвано", "do not call", "perhaps"],
    "not recorded": ["", "n/a", "?", "-"],
}
TRUTH = {f"{answer[:3]}{number}": (answer, cell) for answer, cells in SAID.items() for number, cell in enumerate(cells)}
UNRECORDED = [f"un{number}" for number in range(40)]
MEANT = {**{who: answer for who, (answer, _) in TRUTH.items()}, **dict.fromkeys(UNRECORDED, "not recorded")}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Customers who answered in many words, and forty without a record."""
    home = tmp_path_factory.mktemp("consent")
    random = np.random.default_rng(3)
    lines = ["customer,date,amount"]
    for who in MEANT:
        # some buy often and some seldom, and some have stopped
        days = np.unique(random.integers(random.choice([0, 0, 400]), 900, random.integers(1, 25)))
        lines += [f"{who},{AS_OF - dt.timedelta(days=int(ago))},{random.integers(20, 90)}" for ago in days]
    (home / "ledger.csv").write_text("\n".join(lines), "utf-8")
    (home / "customers.csv").write_text(
        "\n".join(["customer,consent", *(f'{who},"{cell}"' for who, (_, cell) in TRUTH.items())]), "utf-8"
    )
    return home


def given(home: Path, *, required: bool) -> Parameters:
    sections = {
        name: {"path": str(home / f"{name}.csv"), "columns": {column: column for column in columns}}
        for name, columns in {"ledger": ("customer", "date", "amount"), "customers": ("customer", "consent")}.items()
    }
    file = home / "consent.yml"
    # so that everybody is a key account
    settings = {"as_of": str(AS_OF), "consent_required": required, "key_account_share": 0.0001}
    file.write_text(yaml.safe_dump({"base": "consent", **settings, **sections}), "utf-8")
    return read_parameters(file)


@pytest.fixture(scope="module")
def values(base: Path) -> pd.DataFrame:
    """What customers are worth, without the intervals, which take most of the time."""
    chapter = Chapter("08_playbook", given(base, required=True))
    summary, unsure = rfm(chapter), Unsaid("not sampled")
    model, spend = fit_all(summary), lifetime_value.fit_spend(summary)
    return lifetime_value.value(chapter, summary, model, spend, unsure, unsure).customers


@pytest.mark.parametrize("required", [True, False])
def test_every_chapter_knows_the_same_answers(
    base: Path, values: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, required: bool
) -> None:
    chapter = Chapter("08_playbook", given(base, required=required))
    chapter.folder = tmp_path
    computed = chapter.table
    monkeypatch.setattr(chapter, "table", lambda name: values if name == "lifetime_value" else computed(name))

    agreed = central_file.consent(chapter)
    assert not isinstance(agreed, Unsaid)
    counted = agreed.set_index("answer")["customers"].to_dict()
    expected = {answer: len(cells) for answer, cells in SAID.items()}
    assert counted == {**expected, "no record": len(UNRECORDED)}

    customers = playbook.played(chapter, playbook.rules(chapter))
    assert dict(customers.select("customer", "may_contact").rows()) == MEANT
    allowed = {who for who, answer in MEANT.items() if answer == "yes" or (answer == "not recorded" and not required)}
    reached = customers.filter(customers["on_list"] | customers["control_group"])["customer"]
    assert set(reached) == allowed

    everybody, model = key_account_standing.standing(chapter), key_accounts.rhythm(values)
    accounts = key_accounts.accounts(chapter, everybody, values, model)
    silent = key_account_silence.silence(chapter, everybody, accounts, values, model)
    assert not isinstance(silent, Unsaid)
    assert dict(zip(silent["customer"], silent["consent"], strict=True)) == MEANT
    assert set(silent.loc[silent["may_contact"], "customer"]) == allowed
