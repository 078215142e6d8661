"""One chapter as a page: an executed notebook through nbconvert and our template."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from customerbase.pages.layout import TEMPLATES, chapter_number, shared_context

if TYPE_CHECKING:
    from nbconvert import HTMLExporter
    from nbformat import NotebookNode


def chapter_page(
    notebook: NotebookNode,
    *,
    name: str,
    parameters: list[tuple[str, str, str]],
    chapters: list[tuple[str, str]],
    failed: bool = False,
    run_line: str = "",
    home: str = "../index.html",
) -> str:
    """Return the page of one chapter.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        The chapter as executed. It isn't changed.
    name : str
        The chapter's name, as in ``04_lifetime_value``.
    parameters : list of (str, str, str)
        Name, value and comment of each parameter the chapter ran with.
    chapters : list of (str, str)
        Name and title of every chapter of the run, in reading order.
    failed : bool
        Whether the chapter failed. The page then opens with that, and shows the failing cell and its error.
    run_line : str
        What was run, in a few words: the base and the last day observed.
    home : str
        Where the findings page is, seen from this one; empty, there is none.

    Returns
    -------
    str
        A whole HTML document that needs no other file, no script and no network.
    """
    from customerbase.pages.reading import read

    shown, outline = read(notebook, failed=failed)
    names = [other for other, _ in chapters]
    position = names.index(name) if name in names else None
    page: dict[str, Any] = {
        **shared_context(),
        "name": name,
        "title": outline.title or dict(chapters).get(name) or _title_of(name),
        "number": chapter_number(name),
        "sections": outline.sections,
        "chapters": [(other, title, chapter_number(other)) for other, title in chapters],
        "previous": chapters[position - 1] if position else None,
        "next": chapters[position + 1] if position is not None and position + 1 < len(chapters) else None,
        "parameters": parameters,
        "failed": failed,
        "shows_failing_cell": any(cell.metadata.get("failing") for cell in shown.cells),
        "run_line": run_line,
        "home": home,
    }
    html, _ = _exporter().from_notebook_node(shown, resources={"page": page})
    return str(html)


def _title_of(name: str) -> str:
    return re.sub(r"^\d+_", "", name).replace("_", " ").capitalize()


@cache
def _exporter() -> HTMLExporter:
    from nbconvert import HTMLExporter

    return HTMLExporter(
        template_name="chapter",
        extra_template_basedirs=[str(TEMPLATES)],
        extra_template_paths=[str(TEMPLATES)],
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
        sanitize_html=True,
    )
