"""A chapter as it lies in the notebooks' folder, read as plain JSON: a run starts kernels before it needs more."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ..errors import Refusal
from ..project import NOTEBOOKS

CHAPTERS = "[0-9][0-9]_*.ipynb"
DOSSIER = "dossier.ipynb"  # no chapter: it is about one customer, and is run once for each


@dataclass(frozen=True)
class ChapterFile:
    """A notebook of the suite.

    Attributes
    ----------
    file : Path
    """

    file: Path

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.file.stem

    @cached_property
    def cells(self) -> list[dict[str, Any]]:
        """The cells, each with its source as one text."""
        try:
            cells = json.loads(self.file.read_text(encoding="utf-8"))["cells"]
            return [cell | {"source": "".join(cell["source"])} for cell in cells]
        except (ValueError, LookupError, TypeError):
            raise Refusal(f"{self.file}: is no notebook that can be read. Restore it, or save it again.") from None

    @property
    def code(self) -> list[str]:
        """The sources of the code cells."""
        return [cell["source"] for cell in self.cells if cell["cell_type"] == "code"]

    @property
    def title(self) -> str:
        """The first heading, or else the name."""
        headings = (line.removeprefix("# ") for line in self._prose if line.startswith("# "))
        return next(headings, self.name).strip()

    @property
    def question(self) -> str:
        """The first line of text, which asks what the chapter answers."""
        return next((line for line in self._prose if line and not line.startswith("#")), self.title).strip("*_ ")

    def parameters(self) -> dict[str, str]:
        """Return the names in the parameters cell, each with its comment."""
        from papermill.translators import PythonTranslator

        tagged = (cell for cell in self.cells if "parameters" in cell["metadata"].get("tags", []))
        return {p.name: p.help.strip() for cell in tagged for p in PythonTranslator.inspect(cell)}

    @property
    def _prose(self) -> list[str]:
        return [line for cell in self.cells if cell["cell_type"] == "markdown" for line in cell["source"].splitlines()]


def chapter_files(only: Sequence[str] = ()) -> list[ChapterFile]:
    """Return the suite's chapters in reading order, or those named in `only`.

    Raises
    ------
    Refusal
        When there are no chapters, or a named one isn't there.
    """
    chapters = {file.stem: ChapterFile(file) for file in sorted(NOTEBOOKS.glob(CHAPTERS))}
    if not chapters:
        raise Refusal(f"There are no chapters in {NOTEBOOKS}. Run from a checkout installed with --editable.")
    wanted = [name.removesuffix(".ipynb") for name in only] or list(chapters)
    unknown = [name for name in wanted if name not in chapters]
    if unknown:
        raise Refusal(f"--only: there is no chapter '{unknown[0]}'; there is: {', '.join(chapters)}.")
    return [chapter for name, chapter in chapters.items() if name in wanted]


def dossier_file() -> ChapterFile:
    """Return the notebook that tells of one customer.

    Raises
    ------
    Refusal
        When it isn't there.
    """
    file = NOTEBOOKS / DOSSIER
    if not file.exists():
        raise Refusal(f"There is no {DOSSIER} in {NOTEBOOKS}. Run from a checkout installed with --editable.")
    return ChapterFile(file)
