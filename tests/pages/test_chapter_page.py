"""A notebook as a page: what shows, what doesn't, and that nothing in it can run."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import nbformat
import pytest
from bs4 import BeautifulSoup, Tag
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from customerbase.pages import chapter_page
from customerbase.unsaid import Unsaid

HOSTILE = "<script>alert(1)</script>"
CHAPTERS = [("03_abc_xyz", "ABC-XYZ"), ("04_lifetime_value", "Lifetime value"), ("05_retention", "Retention")]
# One white pixel.
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8/5+hHgAHggJ/PchI7wAAAABJRU5ErkJggg=="


def page(*cells: nbformat.NotebookNode, **given: Any) -> BeautifulSoup:
    """Render cells under the title "Worth", and read the page."""
    notebook = new_notebook(cells=[new_markdown_cell("# Worth\n\nWhat is each worth?"), *cells])
    about: dict[str, Any] = {"name": "04_lifetime_value", "parameters": [], "chapters": CHAPTERS, **given}
    return BeautifulSoup(chapter_page(notebook, **about), "html.parser")


def one(soup: BeautifulSoup | Tag, selector: str) -> Tag:
    """Return the one element there must be."""
    found = soup.select(selector)
    assert len(found) == 1, selector
    return found[0]


def shows(data: dict[str, str], metadata: dict[str, Any] | None = None) -> nbformat.NotebookNode:
    return new_code_cell("show()", outputs=[new_output("display_data", data=data, metadata=metadata or {})])


def failing() -> nbformat.NotebookNode:
    error = new_output(
        "error",
        ename="ValueError",
        evalue="no rows",
        traceback=["\x1b[0;31mValueError\x1b[0m: no <b>rows</b>"],
    )
    return new_code_cell("fit(frame)  # <i>", outputs=[error])


def test_title_is_the_first_heading() -> None:
    soup = page(new_markdown_cell("# Another"))
    assert soup.title is not None
    assert soup.title.text.strip() == "Worth"
    assert [h1.text for h1 in soup.select("h1")] == ["Worth"]
    assert soup.html is not None
    assert soup.html["lang"] == "en"


def test_a_notebook_without_a_heading_takes_its_title_from_the_chapters() -> None:
    notebook = new_notebook(cells=[new_markdown_cell("Text.")])
    html = chapter_page(notebook, name="05_retention", parameters=[], chapters=CHAPTERS)
    assert "<h1>Retention</h1>" in html


def test_the_notebook_is_not_changed() -> None:
    notebook = new_notebook(cells=[new_markdown_cell("# Worth"), shows({"text/html": HOSTILE})])
    before = nbformat.writes(notebook)
    chapter_page(notebook, name="04_lifetime_value", parameters=[], chapters=CHAPTERS)
    assert nbformat.writes(notebook) == before


@pytest.mark.parametrize("shown", [{"text/html": "<table><tr><td>1</td></tr></table>"}, None])
def test_an_explanation_of_what_is_not_there_is_left_out(shown: dict[str, str] | None) -> None:
    explains = new_markdown_cell("## Managers\n\nThe darker a cell.", metadata={"tags": ["explains"]})
    cells = [explains, shows(Unsaid("Not recorded.")._repr_mimebundle_()), new_code_cell("nothing")]
    text = page(*cells, *([shows(shown)] if shown else []), new_markdown_cell("## Next\n\nMore.")).text
    assert "Managers" in text
    assert "Not recorded." in text
    assert ("The darker a cell." in text) == (shown is not None)


def test_code_prompts_and_warnings_do_not_show() -> None:
    noisy = new_code_cell(
        "SECRET = 1",
        execution_count=7,
        outputs=[
            new_output("stream", name="stderr", text="FutureWarning"),
            new_output("stream", name="stdout", text="printed"),
        ],
    )
    text = page(noisy).text
    assert "printed" in text
    for hidden in ("SECRET", "FutureWarning", "In [", "[7]", "¶"):
        assert hidden not in text


@pytest.mark.parametrize("tag", ["remove", "parameters", "injected-parameters", "papermill-error-cell-tag"])
def test_cells_for_the_machine_do_not_show(tag: str) -> None:
    hidden = new_code_cell("x", metadata={"tags": [tag]}, outputs=[new_output("stream", name="stdout", text="noise")])
    note = new_markdown_cell("noise", metadata={"tags": [tag]})
    assert "noise" not in page(hidden, note).text


@pytest.mark.parametrize(
    "cell",
    [
        new_markdown_cell(f"Customer {HOSTILE} left."),
        new_markdown_cell(f"## {HOSTILE}"),
        shows({"text/html": f"<table><tr><td>{HOSTILE}</td></tr></table>"}),
        shows({"text/markdown": HOSTILE}),
        shows({"text/plain": HOSTILE}),
        new_code_cell("x", outputs=[new_output("stream", name="stdout", text=HOSTILE)]),
    ],
    ids=["markdown", "heading", "html", "markdown output", "plain", "stdout"],
)
def test_a_hostile_name_is_text(cell: nbformat.NotebookNode) -> None:
    soup = page(cell)
    assert soup.select("script") == []
    assert HOSTILE in soup.text


@pytest.mark.parametrize(
    "markup",
    [
        "<img src=x onerror=alert(1)>",
        '<img src="https://example.com/pixel.png" alt="x">',
        "<svg onload=alert(1)></svg>",
        '<a href="javascript:alert(1)">x</a>',
        '<a href=" java\nscript:alert(1)">x</a>',
        '<a href="data:text/html,<script>alert(1)</script>">x</a>',
        '<iframe src="https://example.com"></iframe>',
        '<p onclick="alert(1)" style="background:url(https://example.com)">x</p>',
        '<form action="https://example.com"><input></form>',
        '<meta http-equiv="refresh" content="0;url=https://example.com">',
        '<link rel="stylesheet" href="https://example.com/x.css">',
        '<table><caption><img src=x onerror="alert(1)"></caption></table>',
    ],
)
@pytest.mark.parametrize("kind", ["text/html", "text/markdown"])
def test_markup_that_runs_or_loads_is_harmless(markup: str, kind: str) -> None:
    soup = page(shows({kind: markup}))
    main = one(soup, "main")
    assert main.select("script, svg, iframe, form, input, meta, link, object, embed") == []
    for element in main.find_all(True):
        assert not [name for name in element.attrs if name.startswith("on")]
        assert "url(" not in str(element.get("style", ""))
        assert not re.match(r"(?i)\s*(javascript|data):", str(element.get("href", "")))
        assert str(element.get("src", "data:image/")).startswith("data:image/")


def test_scripts_and_widgets_are_dropped() -> None:
    soup = page(
        shows({"application/javascript": "alert(1)"}),
        shows({"application/vnd.jupyter.widget-view+json": "{}", "text/plain": "<Axes: >"}),
        shows({"text/html": f"<div id=plot></div><script>{'plot();' * 100}</script>"}),
    )
    assert soup.select("script") == []
    assert "plot();" not in soup.text
    assert "needs a script" in soup.text


def test_our_own_markup_comes_through() -> None:
    table = (
        '<div class="cb-table" role="region" tabindex="0" aria-label="Worth most"><table>'
        "<caption>Worth most</caption>"
        '<thead><tr><th scope="col">Customer</th><th scope="col" class="num">USD</th></tr></thead>'
        '<tbody><tr><th scope="row">007</th><td class="num">12</td></tr></tbody></table></div>'
    )
    findings = '<ul class="cb-findings"><li id="finding-clv" data-verdict="watch">Less than last year.</li></ul>'
    soup = page(shows({"text/html": table}), shows({"text/html": '<p class="cb-note">No margins.</p>' + findings}))
    region = one(soup, "div.cb-table[role=region][tabindex='0'][aria-label='Worth most']")
    assert len(soup.select(".cb-table .cb-table")) == 0
    assert region.select_one("td.num") is not None
    assert region.select_one("th[scope=row]") is not None
    assert soup.select_one("p.cb-note") is not None
    finding = one(soup, "li#finding-clv[data-verdict=watch]")
    # The verdict is a word as well as a colour.
    assert one(finding, ".cb-verdict").text == "Watch"
    assert "Less than last year." in finding.text


def test_bare_tables_scroll_and_regions_have_names_of_their_own() -> None:
    frame = "<style scoped>td {color: red}</style><table class=dataframe><tr><td>1</td></tr></table>"
    soup = page(shows({"text/html": frame}), shows({"text/html": frame}))
    labels = [region["aria-label"] for region in soup.select("main [role=region]")]
    assert labels == ["Table", "Table (2)"]
    assert "color: red" not in one(soup, "main").text


def test_figures_carry_their_description() -> None:
    alt = 'Sales "fell" <by> half & more'
    soup = page(
        shows({"image/png": PIXEL, "text/plain": alt}, {"image/png": {"alt": alt, "width": 550}}),
        shows({"image/png": PIXEL, "text/plain": "Told in text"}),
        shows({"image/png": PIXEL, "text/plain": "<Figure size 640x480 with 1 Axes>"}),
        shows({"image/svg+xml": "<svg onload='alert(1)'/>"}),
    )
    pictures = soup.select("figure img")
    assert [picture["alt"] for picture in pictures] == [
        alt,
        "Told in text",
        "Figure without description",
        "Figure without description",
    ]
    assert pictures[0]["width"] == "550"
    assert all(str(picture["src"]).startswith("data:image/") for picture in pictures)
    # The description stands in for the figure, not beside it.
    assert "Told in text" not in soup.text


def test_contents_list_the_sections_and_skip_no_level() -> None:
    soup = page(new_markdown_cell("## Hold\n\n#### Deep\n\n## Hold\n\n## What's & next"))
    links = soup.select("nav .sections a")
    assert [link.text for link in links] == ["Hold", "Hold", "What's & next"]
    targets = [str(link["href"])[1:] for link in links]
    assert len(set(targets)) == 3
    for target in targets:
        assert soup.find(id=target) is not None
    assert [h.name for h in soup.select("main h2, main h3, main h4")] == ["h2", "h3", "h2", "h2"]


def test_navigation_marks_this_chapter_and_leads_to_the_others() -> None:
    soup = page()
    assert [link["href"] for link in soup.select("nav .chapters > li > a")] == [f"{name}.html" for name, _ in CHAPTERS]
    assert [link["href"] for link in soup.select("[aria-current=page]")] == ["04_lifetime_value.html"]
    assert soup.select_one("header a[href='../index.html']") is not None
    assert [link["href"] for link in soup.select("nav.turn a")] == ["03_abc_xyz.html", "05_retention.html"]


def test_parameters_and_the_run_line_are_escaped() -> None:
    soup = page(parameters=[(HOSTILE, HOSTILE, HOSTILE)], run_line=HOSTILE, chapters=[("04_lifetime_value", HOSTILE)])
    assert soup.select("script") == []
    row = one(soup, "details.parameters tbody tr")
    assert [cell.text for cell in row.find_all(["th", "td"])] == [HOSTILE] * 3
    assert one(soup, ".run-line").text == HOSTILE


def test_a_failed_chapter_says_so_and_shows_where() -> None:
    soup = page(failing(), failed=True)
    banner = one(soup, ".failure")
    assert "This chapter failed." in banner.text
    step = one(soup, "#failing-step")
    assert "fit(frame)  # <i>" in step.text
    assert "ValueError: no <b>rows</b>" in step.text
    assert "\x1b" not in str(soup)


def test_a_failed_chapter_shows_only_the_step_that_failed() -> None:
    other = new_code_cell("LOADED = 1", outputs=[new_output("stream", name="stderr", text="noise")])
    text = page(other, failing(), failed=True).text
    assert "LOADED" not in text
    assert "noise" not in text


def test_a_kernel_that_died_still_fails_readably() -> None:
    assert "stopped before any error" in page(failed=True).text
    died = new_code_cell("explode()", metadata={"papermill": {"status": "running"}})
    assert "explode()" in page(died, failed=True).text


def test_dollars_are_money_not_mathematics() -> None:
    assert one(page(new_markdown_cell("From $20 in **March** to $35.")), "main strong").text == "March"


def test_a_page_is_whole_and_loads_nothing() -> None:
    soup = page(shows({"image/png": PIXEL}))
    policy = one(soup, "meta[http-equiv=Content-Security-Policy]")
    assert "default-src 'none'" in str(policy["content"])
    assert soup.select("script, link") == []
    assert not re.search(r"""(?:src|href)=["']https?://""", str(soup))
    assert not re.search(r"@import|url\(", str(soup.select("style")))
    assert len(str(soup).encode()) < 40_000


def test_importing_the_pages_does_not_import_nbconvert() -> None:
    heavy = "{'nbconvert', 'bs4', 'bleach', 'jinja2'}"
    code = f"import sys, customerbase.pages; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
