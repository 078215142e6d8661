"""Every chapter keeps the form that an analyst, the scheduler and the pages rely on."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest

from customerbase.parameters import KEYS, read_parameters

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))
DEFAULTS = read_parameters(ROOT / "params" / "cdnow.yml").flat()
LONGEST_CELL = 12

# a slash, a drive or a home that begins a path; not the one in a fraction or a tag
ABSOLUTE_PATH = re.compile(r"(?<![\w<./:])(/(home|root|Users|usr|tmp|var|work|opt|mnt)/|[A-Z]:\\\\|~/)")

pytestmark = pytest.mark.parametrize("file", CHAPTERS, ids=lambda file: file.stem)


def read(file: Path) -> Any:
    return nbformat.read(file, as_version=4)


def code_cells(file: Path) -> list[Any]:
    return [cell for cell in read(file).cells if cell.cell_type == "code"]


def tagged(file: Path, tag: str) -> list[Any]:
    return [cell for cell in code_cells(file) if tag in cell.metadata.get("tags", [])]


def test_it_is_a_valid_notebook_for_the_kernel_python3(file: Path) -> None:
    notebook = read(file)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"


def test_it_begins_with_its_title_and_its_question(file: Path) -> None:
    first = read(file).cells[0]
    title, _, question = first.source.split("\n", 2)
    assert first.cell_type == "markdown"
    assert title.startswith("# ")
    assert re.match(r"\*\*.+\?\*\*", question)


def test_it_ends_with_its_findings(file: Path) -> None:
    *_, heading, last = read(file).cells
    assert heading.source == "## Findings"
    assert "findings(" in last.source


def test_it_has_one_parameters_cell_whose_every_line_papermill_reads(file: Path) -> None:
    (cell,) = tagged(file, "parameters")
    assigned = [node.target.id for node in ast.parse(cell.source).body if isinstance(node, ast.AnnAssign)]  # type: ignore[union-attr]
    inspected = papermill.inspect_notebook(str(file))
    assert list(inspected) == assigned
    assert len(assigned) == len(cell.source.splitlines())
    for parameter in inspected.values():
        assert parameter["inferred_type_name"] not in ("", "None")
        assert parameter["help"].strip()


def test_its_parameters_are_the_schema_s_with_the_default_base_s_values(file: Path) -> None:
    for name, parameter in papermill.inspect_notebook(str(file)).items():
        assert name in KEYS
        assert ast.literal_eval(parameter["default"]) == DEFAULTS[name], name


def test_its_parameters_enter_in_one_place(file: Path) -> None:
    assert sum("open_chapter(" in cell.source for cell in code_cells(file)) == 1
    assert f'open_chapter("{file.stem}", globals())' in "".join(cell.source for cell in code_cells(file))


def test_its_cells_are_short_and_define_nothing(file: Path) -> None:
    for cell in code_cells(file):
        nodes = list(ast.walk(ast.parse(cell.source)))
        machinery = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda | ast.For | ast.While | ast.Try
        assert not [node for node in nodes if isinstance(node, machinery)]
        if "parameters" not in cell.metadata.get("tags", []):
            assert len(cell.source.splitlines()) <= LONGEST_CELL


def test_every_figure_and_table_is_led_up_to_by_prose(file: Path) -> None:
    cells = read(file).cells
    sections = [cell for cell in cells if cell.cell_type == "markdown" and cell.source.startswith("## ")]
    for section in sections[:-1]:
        assert len(section.source.splitlines()) > 2, section.source


def test_it_is_stored_as_executed_from_top_to_bottom(file: Path) -> None:
    cells = code_cells(file)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    shown = [cell for cell in cells if cell.outputs]
    assert len(shown) >= 6


def test_its_stored_outputs_hold_no_error_warning_or_path_of_a_machine(file: Path) -> None:
    for cell in code_cells(file):
        for output in cell.outputs:
            assert output.output_type in ("display_data", "execute_result"), output
    assert not ABSOLUTE_PATH.search(re.sub(r'"image/png": "[^"]*"', "", file.read_text(encoding="utf-8")))


def test_every_stored_figure_has_a_text_alternative_that_tells_the_finding(file: Path) -> None:
    figures = [output for cell in code_cells(file) for output in cell.outputs if "image/png" in output.data]
    assert figures
    for figure in figures:
        alt = figure.metadata["image/png"]["alt"]
        assert alt == figure.data["text/plain"]
        assert len(alt) > 40
        assert any(letter.isdigit() for letter in alt)


def test_at_least_three_of_its_tables_are_compared_by_nbval(file: Path) -> None:
    compared = tagged(file, "nbval-check-output")
    assert len(compared) >= 3
    for cell in compared:
        (output,) = cell.outputs
        assert "image/png" not in output.data
        assert any(letter.isdigit() for letter in output.data["text/plain"])
