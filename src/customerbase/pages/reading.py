"""Turn an executed notebook into what a reader sees.

The nbconvert template only lays out what is decided here: which cells and outputs show, in which of their
forms, under which headings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from customerbase.pages.clean import clean
from customerbase.pages.layout import VERDICTS

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag
    from nbformat import NotebookNode

HIDDEN_TAGS = {"remove", "remove_cell", "parameters", "injected-parameters", "papermill-error-cell-tag"}

#: A markdown cell so tagged explains what follows it, and keeps its headings alone where nothing does.
EXPLAINS = "explains"

_PICTURES = ("image/svg+xml", "image/png", "image/jpeg")
# What matplotlib's objects say about themselves when the last line of a cell returns one.
_OBJECT_TEXT = re.compile(r"^\s*[(\[]?<(Figure size|Axes|matplotlib\.|seaborn\.)|^Text\(")
_ANSI = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07)")
_NEEDS_A_LOOK = re.compile(r"<(h[1-6]|table|img|li|figure)\b|\b(id|role)=", re.IGNORECASE)
_NOTE = '<p class="cb-note">'
_NO_ALT = "Figure without description"


@dataclass
class Outline:
    """The headings of one page, in order, and the names already taken.

    Attributes
    ----------
    title : str
        Text of the first level-one heading; it leaves the text and becomes the page's title.
    sections : list of (str, str)
        Anchor and text of every level-two heading.
    """

    title: str = ""
    sections: list[tuple[str, str]] = field(default_factory=list)
    _ids: set[str] = field(default_factory=lambda: {"main", "parameters", "contents"})
    _labels: set[str] = field(default_factory=set)
    _level: int = 1

    def tidy(self, html: str) -> str:
        """Give headings their anchors, and finish tables, pictures and findings.

        Parameters
        ----------
        html : str
            Clean markup of one cell or output, the next one on the page.

        Returns
        -------
        str
            The markup to show.
        """
        if not _NEEDS_A_LOOK.search(html):
            return html
        from bs4 import BeautifulSoup

        soup = BeautifulSoup(html, "html.parser")
        for element in soup.select("[id]"):
            element["id"] = self._unused(str(element["id"]))
        for heading in soup.select("h1, h2, h3, h4, h5, h6"):
            self._place(heading)
        for table in soup.select("table"):
            self._make_scrollable(soup, table)
        for corner in soup.select("th"):
            # pandas leaves the header over its index empty; a header that says nothing isn't one.
            if not corner.get_text(strip=True):
                corner.name = "td"
                del corner["scope"]
        for caption in soup.select("caption"):
            words = soup.new_tag("span", attrs={"class": "cb-caption"})
            words.extend([child.extract() for child in list(caption.contents)])
            caption.append(words)
        for region in soup.select("[role=region]"):
            region["aria-label"] = self._unused_label(str(region.get("aria-label") or "Table"))
        for picture in soup.select("img"):
            if not picture.get("src"):
                picture.decompose()
            elif not str(picture.get("alt") or "").strip():
                picture["alt"] = _NO_ALT
        for finding in soup.select("li[data-verdict]"):
            _say_verdict(soup, finding)
        return str(soup)

    def _place(self, heading: Tag) -> None:
        text = " ".join(heading.get_text().split())
        if heading.name == "h1" and not self.title:
            self.title = text
            heading.decompose()
            return
        # One level-one heading a page, and no level left out below it.
        level = min(max(int(heading.name[1]), 2), self._level + 1)
        heading.name = f"h{level}"
        self._level = level
        if not heading.get("id"):
            heading["id"] = self._unused(re.sub(r"[^\w]+", "-", text.lower()).strip("-") or "section")
        if level == 2 and text:
            self.sections.append((str(heading["id"]), text))

    def _make_scrollable(self, soup: BeautifulSoup, table: Tag) -> None:
        if table.find_parent(class_="cb-table") is not None or table.find_parent("table") is not None:
            return
        caption = table.find("caption")
        label = caption.get_text(" ", strip=True) if caption is not None else "Table"
        table.wrap(
            soup.new_tag("div", attrs={"class": "cb-table", "role": "region", "tabindex": "0", "aria-label": label})
        )

    def _unused(self, anchor: str) -> str:
        return _first_unused(anchor, self._ids, "{}-{}")

    def _unused_label(self, label: str) -> str:
        return _first_unused(label, self._labels, "{} ({})")


def _first_unused(wanted: str, taken: set[str], pattern: str) -> str:
    candidate, count = wanted, 1
    while candidate in taken:
        count += 1
        candidate = pattern.format(wanted, count)
    taken.add(candidate)
    return candidate


def _say_verdict(soup: BeautifulSoup, finding: Tag) -> None:
    """Put the verdict in words: a colour alone tells nothing to who can't see it or prints in grey."""
    verdict = str(finding["data-verdict"])
    if verdict not in VERDICTS or finding.select_one(".cb-verdict") is not None:
        return
    word = soup.new_tag("span", attrs={"class": "cb-verdict"})
    word.string = VERDICTS[verdict]
    text = soup.new_tag("div", attrs={"class": "cb-finding"})
    for child in list(finding.contents):
        text.append(child.extract())
    finding.append(word)
    finding.append(text)


def read(notebook: NotebookNode, *, failed: bool) -> tuple[NotebookNode, Outline]:
    """Reduce a notebook to what is shown.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        As executed. It isn't changed.
    failed : bool
        Whether the run of this notebook failed: then the failing cell keeps its source and what went wrong,
        and has ``failing`` in its metadata.

    Returns
    -------
    notebook : nbformat.NotebookNode
        Only the cells that show. A markdown cell's source is safe HTML now; every output has one form,
        the one to show, and that is safe too. A figure's metadata has its ``alt``.
    outline : Outline
        Title and sections of the page.
    """
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    outline = Outline()
    failing = _failing_cell(notebook) if failed else None
    shown = new_notebook()
    for position, cell in enumerate(notebook.cells):
        if failing is not None and cell is failing:
            shown.cells.append(
                new_code_cell(
                    failing.source,
                    metadata={"failing": True},
                    outputs=_outputs(failing, outline, with_stderr=True),
                )
            )
        elif HIDDEN_TAGS.intersection(cell.metadata.get("tags", [])):
            continue
        elif cell.cell_type == "markdown":
            source = cell.source
            explains = EXPLAINS in cell.metadata.get("tags", []) and not failed
            if explains and _says_nothing(notebook.cells[position + 1 :]):
                source = "\n".join(line for line in source.splitlines() if line.startswith("#"))
            html = outline.tidy(clean(_markdown(source, cell.get("attachments", {}))))
            if html.strip():
                shown.cells.append(new_markdown_cell(html))
        elif cell.cell_type == "code":
            outputs = _outputs(cell, outline, with_stderr=False)
            if outputs:
                shown.cells.append(new_code_cell(outputs=outputs))
    return shown, outline


def _says_nothing(following: list[NotebookNode]) -> bool:
    """Whether up to the next text nothing is shown but the sentences of `customerbase.unsaid.Unsaid`."""
    code = takewhile(lambda cell: cell.cell_type != "markdown", following)
    shown = [output for cell in code for output in cell.get("outputs", [])]
    return all(_NOTE in str(output.get("data", {}).get("text/html", "")) for output in shown)


def _failing_cell(notebook: NotebookNode) -> NotebookNode | None:
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in code:
        if any(output.output_type == "error" for output in cell.get("outputs", [])):
            return cell
    # A kernel that died writes no error; papermill still marks where it was.
    for cell in code:
        marks = cell.metadata.get("papermill", {})
        if marks.get("exception") or marks.get("status") in {"running", "failed"}:
            return cell
    return None


def _markdown(source: str, attachments: dict[str, Any]) -> str:
    """Render markdown without nbconvert's reading of dollar signs as mathematics: here they are money."""
    import mistune
    from nbconvert.filters.markdown_mistune import IPythonRenderer

    renderer = IPythonRenderer(escape=False, attachments=attachments, exclude_anchor_links=True)
    return str(mistune.create_markdown(renderer=renderer, plugins=["table", "strikethrough"])(source))


def _outputs(cell: NotebookNode, outline: Outline, *, with_stderr: bool) -> list[NotebookNode]:
    from nbformat.v4 import new_output

    shown = []
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            text = strip_ansi(output.text)
            if text.strip() and (output.name == "stdout" or with_stderr):
                shown.append(new_output("stream", name="stdout", text=text))
        elif output.output_type == "error":
            lines = output.get("traceback") or [f"{output.ename}: {output.evalue}"]
            shown.append(new_output("error", traceback=[strip_ansi(line) for line in lines]))
        else:
            data, metadata = _richest(output, outline)
            if data:
                shown.append(new_output("display_data", data=data, metadata=metadata))
    return shown


def _richest(output: NotebookNode, outline: Outline) -> tuple[dict[str, str], dict[str, Any]]:
    data = output.get("data", {})
    text = strip_ansi(str(data.get("text/plain", "")))
    if _OBJECT_TEXT.search(text):
        text = ""
    for kind in _PICTURES:
        if kind in data:
            about = dict(output.get("metadata", {}).get(kind, {}))
            about["alt"] = " ".join(str(about.get("alt") or text or _NO_ALT).split())
            return {kind: data[kind]}, {kind: about}
    html = ""
    if "text/html" in data:
        html = outline.tidy(clean(data["text/html"]))
    elif "text/markdown" in data:
        html = outline.tidy(clean(_markdown(data["text/markdown"], {})))
    if html.strip():
        return {"text/html": html}, {}
    # Scripts and widgets can't run here and don't show; neither does what an object says about itself.
    return ({"text/plain": text}, {}) if text.strip() else ({}, {})


def strip_ansi(text: str) -> str:
    """Return text without the codes that colour it in a terminal."""
    return _ANSI.sub("", text)
