"""Dossiers: one for every key account of a run, and one for whomever somebody asks; whatever customers are called."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import polars as pl
import pytest
import yaml
from bs4 import BeautifulSoup
from typer.testing import CliRunner

from customerbase.cli import app
from customerbase.errors import Refusal
from customerbase.parameters import read_parameters
from customerbase.run import chapter_file, dossiers, earlier_tables, run_suite
from customerbase.store import write_table

HOSTILE = [
    "../../etc/passwd",
    "a/b",
    "a\\b",
    "..",
    ".",
    "CON",
    "nul",
    "a b",
    "<script>alert(1)</script>",
    "Ромашка",
    "a:b",
    "x" * 300,
    "a\nb",
    "%00",
    "-rf",
    "~",
]
ROWS = "".join(
    f"{key},2024-0{month}-05,{amount}\n"
    for key, amount in (("big", 90), ("mid", 40), ("low", 5))
    for month in (1, 2, 3)
)

FIND_KEY_ACCOUNTS = """\
import os, polars as pl
from pathlib import Path
tables = Path(os.environ["CUSTOMERBASE_RUN_FOLDER"]) / "tables"
sums = pl.read_parquet(tables / "ledger.parquet").group_by("customer").agg(pl.col("amount").sum())
table = sums.with_columns(share=pl.col("amount") / pl.col("amount").sum()).sort("customer")
table.write_parquet(tables / "key_accounts.parquet")
decided = dict(action=pl.lit("protect"), manager=pl.lit(None, pl.String), on_list=pl.lit(False))
table.with_columns(**decided).write_parquet(tables / "customers.parquet");"""
TELL = """\
import os
tables = os.listdir(os.path.join(os.environ["CUSTOMERBASE_RUN_FOLDER"], "tables"))
print("dossier of", customer, "among", *sorted(tables))"""


class Silent:
    """Progress that nobody watches."""

    def intake_step(self, step: str) -> None: ...

    def chapter_starts(self, name: str, cells: int) -> None: ...

    def cell_done(self) -> None: ...

    def chapter_ends(self, name: str, seconds: float, failure: str | None) -> None: ...


def write_notebook(folder: Path, name: str, cell: str) -> None:
    """Write a notebook that imports nothing heavy."""
    notebook = nbformat.v4.new_notebook()
    source = 'base: str = "x"  # names the run folder\ncustomer: str = None  # whose dossier'
    parameters = nbformat.v4.new_code_cell(source, metadata={"tags": ["parameters"]})
    heading = nbformat.v4.new_markdown_cell(f"# Of {name}\n\n**What is it?**")
    notebook.cells = [heading, parameters, nbformat.v4.new_code_cell(cell)]
    nbformat.write(notebook, folder / f"{name}.ipynb")


@pytest.fixture
def notebooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A suite of one chapter, which finds key accounts, and a dossier that tells what it was given."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    monkeypatch.setattr(chapter_file, "NOTEBOOKS", folder)
    write_notebook(folder, "07_key_accounts", FIND_KEY_ACCOUNTS)
    write_notebook(folder, "dossier", TELL)
    return folder


@pytest.fixture
def ask(tmp_path: Path) -> Callable[..., Any]:
    """Ask for a dossier as the command does."""

    def asking(parameters: Path, customer: str) -> Any:
        return CliRunner().invoke(app, ["dossier", str(parameters), "--out", str(tmp_path / "out"), "--", customer])

    return asking


class TestNames:
    def test_a_plain_key_stays_as_it_is(self) -> None:
        keys = pl.Series(["00123", "C-17_b"])
        assert [dossiers.dossier_name(key, keys) for key in keys] == ["dossier-00123", "dossier-C-17_b"]

    def test_no_key_leaves_the_folder_or_breaks_a_file_system(self, tmp_path: Path) -> None:
        names = [dossiers.dossier_name(key, pl.Series(HOSTILE)) for key in HOSTILE]
        for name in names:
            assert dossiers.re.fullmatch(r"dossier-[A-Za-z0-9_~-]{1,60}", name), name
            (tmp_path / f"{name}.html").write_text("")
        assert len({name.lower() for name in names}) == len(list(tmp_path.iterdir())) == len(HOSTILE)

    def test_a_key_can_be_read_from_its_name_as_far_as_it_goes(self) -> None:
        assert dossiers.dossier_name("Ромашка", pl.Series(["Ромашка", "1"])).startswith("dossier-Romashka~")

    def test_keys_apart_in_case_only_have_names_apart_in_more(self) -> None:
        keys = pl.Series(["ab", "AB", "aB"])
        names = {dossiers.dossier_name(key, keys).lower() for key in keys}
        assert len(names) == 3

    def test_no_key_can_be_written_like_the_name_of_another(self) -> None:
        other = dossiers.dossier_name("a/b", pl.Series(["a/b"]))
        posing = other.removeprefix("dossier-")
        assert dossiers.dossier_name(posing, pl.Series(["a/b", posing])) != other

    def test_a_name_of_a_person_is_not_a_name_of_a_file(self) -> None:
        keys = pl.Series(["Anna Bergson", "Boris Godunov", "Carl Linnaeus"])
        assert "nna" not in dossiers.dossier_name("Anna Bergson", keys)


class TestWhichKeyAccounts:
    @pytest.fixture
    def accounts(self, make_base: Callable[..., Path], tmp_path: Path) -> Callable[..., Any]:
        def found(keys: list[str], shares: list[float | None], limit: int) -> Any:
            write_table(tmp_path, "key_accounts", pl.DataFrame({"customer": keys, "share": shares}))
            parameters = read_parameters(make_base(ROWS), dossiers=limit)
            return dossiers.key_account_sheets(tmp_path, parameters, pl.Series(keys))

        return found

    def test_the_largest_come_first_and_the_others_are_named(self, accounts: Callable[..., Any]) -> None:
        sheets, notes = accounts(["k1", "k2", "k3", "k4"], [0.1, 0.4, None, 0.2], 2)
        assert [sheet.customer for sheet in sheets] == ["k2", "k4"]
        assert notes == ["The 2 largest key accounts have a dossier (dossiers is 2); without one: k1, k3."]

    def test_none_are_made_where_none_are_wanted(self, accounts: Callable[..., Any]) -> None:
        sheets, (note,) = accounts(["k1"], [0.1], 0)
        assert sheets == []
        assert note == "No key account has a dossier (dossiers is 0); without one: k1."

    def test_a_key_of_many_letters_is_cut(self, accounts: Callable[..., Any]) -> None:
        (sheet,), (note,) = accounts(["x" * 400, "y" * 400], [0.2, 0.1], 1)
        assert len(sheet.title) < 60
        assert len(note) < 160

    def test_persons_names_are_in_no_note(self, accounts: Callable[..., Any]) -> None:
        _, (note,) = accounts(["Anna Bergson", "Boris Godunov"], [0.2, 0.1], 1)
        assert note.endswith("without one: 1 other.")

    def test_a_base_without_any_has_no_dossier_and_no_note(self, accounts: Callable[..., Any]) -> None:
        assert accounts([], [], 5) == ([], [])


def test_a_run_makes_one_for_every_key_account(notebooks: Path, make_base: Callable[..., Path], tmp_path: Path) -> None:
    odd = '<i>../x"\\'
    file = make_base(ROWS + '"<i>../x""\\",2024-03-05,50\n', dossiers=3)
    run = run_suite(file, tmp_path / "out", progress=Silent())
    assert not run.failed
    customers = ["big", "mid", odd]
    assert [outcome.customer for outcome in run.dossiers] == customers
    record = json.loads((run.folder / "run.json").read_text(encoding="utf-8"))
    assert [made["customer"] for made in record["dossiers"]] == customers
    assert [made["name"] for made in record["chapters"]] == ["07_key_accounts"]
    assert any(note.endswith("without one: low.") for note in record["notes"])
    index = BeautifulSoup((run.folder / "index.html").read_text(encoding="utf-8"), "html.parser")
    links = {link.get_text(): str(link["href"]) for link in index.select(".dossiers a")}
    assert list(links) == customers
    for outcome in run.dossiers:
        page = run.folder / "chapters" / f"{outcome.name}.html"
        assert links[str(outcome.customer)].endswith(f"/{page.name}")
        soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
        assert soup.h1 is not None
        assert soup.h1.get_text() == f"Dossier: {outcome.customer}"
        assert f"dossier of {outcome.customer} among" in soup.get_text()
        executed = nbformat.read(run.folder / "notebooks" / f"{outcome.name}.ipynb", as_version=4)
        assert executed.cells[0].source.startswith("# Of dossier")
    assert sorted(page.stem for page in (run.folder / "chapters").iterdir()) == sorted(
        ["07_key_accounts", *(outcome.name for outcome in run.dossiers)]
    )


def test_a_dossier_is_no_chapter(notebooks: Path) -> None:
    assert [chapter.name for chapter in chapter_file.chapter_files()] == ["07_key_accounts"]
    with pytest.raises(Refusal, match="no chapter 'dossier'"):
        chapter_file.chapter_files(["dossier"])


def test_a_failed_dossier_fails_the_run(notebooks: Path, make_base: Callable[..., Path], tmp_path: Path) -> None:
    write_notebook(notebooks, "dossier", "1 / (customer != 'mid')")
    result = CliRunner().invoke(app, ["run", str(make_base(ROWS, dossiers=2)), "--out", str(tmp_path / "out")])
    assert result.exit_code == 1
    assert "dossier-mid failed: ZeroDivisionError" in result.stdout
    (failed,) = (tmp_path / "out" / "small").glob("*-failed")
    record = json.loads((failed / "run.json").read_text(encoding="utf-8"))
    assert record["status"] == "failed"
    assert [made["status"] for made in record["dossiers"]] == ["succeeded", "failed"]
    assert "Dossier: mid did not end" in (failed / "index.html").read_text(encoding="utf-8")


class TestAskedFor:
    def test_it_rests_on_the_latest_run_as_long_as_that_is_of_the_same_base(
        self, notebooks: Path, make_base: Callable[..., Path], tmp_path: Path, ask: Callable[..., Any]
    ) -> None:
        file = make_base(ROWS, dossiers=0)
        run = run_suite(file, tmp_path / "out", progress=Silent())
        folder = tmp_path / "out" / "small" / "dossiers"
        before = {file: file.read_bytes() for file in run.folder.rglob("*") if file.is_file()}

        found = ask(file, "low")
        assert found.exit_code == 0, found.output
        assert f"From the tables of the run {run.folder.name}." in found.output
        page = folder / "dossier-low.html"
        assert f"Dossier: {page.as_uri()}" in found.output
        shown = page.read_text(encoding="utf-8")
        assert "dossier of low among customers.parquet key_accounts.parquet ledger.parquet" in shown
        assert f'href="../{run.folder.name}/index.html"' in shown
        assert {entry.name for entry in folder.iterdir()} == {"dossier-low.html", "dossier-low.ipynb"}
        assert before == {file: file.read_bytes() for file in run.folder.rglob("*") if file.is_file()}

        # what follows is found out before a notebook is run
        seen = read_parameters(file, customer="low", interval=0.5)
        intake = dossiers.take_in(seen, today=dossiers.today())
        last_day = dossiers.as_of(seen, intake.ledger.rows)
        assert "1 other parameter (interval)" in earlier_tables.why_not(run.folder, seen, intake, last_day)
        same = read_parameters(file, customer="low", as_of=str(last_day))
        assert earlier_tables.why_not(run.folder, same, intake, last_day) == ""
        (run.folder / "tables" / "customers.parquet").write_bytes(b"PAR1 cut off")
        said = earlier_tables.why_not(run.folder, same, intake, last_day)
        assert said == f"a table of the run {run.folder.name} can't be read"
        (tmp_path / "small.csv").write_text("customer,date,amount\n" + ROWS.replace("90", "91"), encoding="utf-8")
        changed = read_parameters(file, customer="low")
        anew = dossiers.take_in(changed, today=dossiers.today())
        said = earlier_tables.why_not(run.folder, changed, anew, last_day)
        assert said == f"the ledger, or a table beside it, has changed since the run {run.folder.name}"
        (run.folder / "run.json").write_text("{}", encoding="utf-8")
        assert "can't be read" in earlier_tables.why_not(run.folder, changed, intake, last_day)

    def test_an_earlier_day_can_be_asked_for(
        self, notebooks: Path, make_base: Callable[..., Path], tmp_path: Path
    ) -> None:
        file, out = make_base(ROWS, dossiers=0), tmp_path / "out"
        run = run_suite(file, out, progress=Silent())
        asked = ["dossier", str(file), "big", "--out", str(out), "--as-of", "2024-02-28"]
        found = CliRunner().invoke(app, asked)
        assert found.exit_code == 0, found.output
        assert f"the run {run.folder.name} is as of another day (2024-03-05)" in found.output
        shown = (out / "small" / "dossiers" / "dossier-big.html").read_text(encoding="utf-8")
        assert "small, as of 28 February 2024" in shown

    def test_without_a_run_everything_is_computed(
        self, notebooks: Path, make_base: Callable[..., Path], tmp_path: Path, ask: Callable[..., Any]
    ) -> None:
        found = ask(make_base(ROWS), "mid")
        assert found.exit_code == 0, found.output
        assert "Everything was computed anew: there is no run of this base yet." in found.output
        shown = (tmp_path / "out" / "small" / "dossiers" / "dossier-mid.html").read_text(encoding="utf-8")
        assert "dossier of mid among ledger.parquet quarantine.parquet sources.parquet" in shown
        assert "index.html" not in shown

    def test_who_is_no_customer_is_refused_with_the_nearest(
        self, make_base: Callable[..., Path], tmp_path: Path, ask: Callable[..., Any]
    ) -> None:
        found = ask(make_base(ROWS), "bigg")
        assert found.exit_code == 2
        assert "no customer with the key 'bigg'. The nearest: 'big'." in found.output
        assert "No dossier was made." in found.output
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize("customer", ["", "\x1b[2J", "--help", "big\n"])
    def test_what_is_no_key_is_refused_without_a_traceback(
        self, customer: str, make_base: Callable[..., Path], ask: Callable[..., Any]
    ) -> None:
        found = ask(make_base(ROWS), customer)
        assert found.exit_code == 2
        assert found.exception is None or isinstance(found.exception, SystemExit)
        assert "\x1b" not in found.output

    def test_a_number_in_the_parameter_file_is_refused_with_the_remedy(self, make_base: Callable[..., Path]) -> None:
        file = make_base(ROWS)
        file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | {"customer": 123}))
        with pytest.raises(Refusal, match="-r customer"):
            read_parameters(file)

    def test_one_that_fails_is_kept_beside_the_last_good_one(
        self, notebooks: Path, make_base: Callable[..., Path], tmp_path: Path, ask: Callable[..., Any]
    ) -> None:
        file, folder = make_base(ROWS), tmp_path / "out" / "small" / "dossiers"
        folder.mkdir(parents=True)
        (folder / "dossier-mid.html").write_text("the last good one", encoding="utf-8")
        write_notebook(notebooks, "dossier", "raise ValueError('no way')")
        found = ask(file, "mid")
        assert found.exit_code == 1
        assert "The dossier failed: ValueError: no way" in found.output
        assert (folder / "dossier-mid.html").read_text(encoding="utf-8") == "the last good one"
        assert "no way" in (folder / "dossier-mid~failed.html").read_text(encoding="utf-8")

    def test_a_place_that_cannot_be_written_to_is_refused(
        self, make_base: Callable[..., Path], tmp_path: Path, ask: Callable[..., Any]
    ) -> None:
        (tmp_path / "out").write_text("a file", encoding="utf-8")
        found = ask(make_base(ROWS), "big")
        assert found.exit_code == 2
        assert "can't be written to" in found.output


def test_the_suite_s_own_dossier_runs_on_a_small_base(
    make_base: Callable[..., Path], tmp_path: Path, ask: Callable[..., Any]
) -> None:
    rows = "".join(f"c{i % 40:02d},2024-{1 + i % 12:02d}-{1 + (i * 7) % 28:02d},{10 + i % 13}\n" for i in range(400))
    found = ask(make_base(rows), "c07")
    assert found.exit_code == 0, found.output
    page = tmp_path / "out" / "small" / "dossiers" / "dossier-c07.html"
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    assert soup.find("th", string="what to do") is not None
    assert len(soup.select(".cb-findings li")) == 6
    (picture,) = soup.select("img")
    assert "3 purchases since April 2024" in str(picture["alt"])
