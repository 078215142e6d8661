"""The pages of a finished run in a real browser.

Each page is loaded once and looked at in every way that matters; the tests then ask what was seen. The run is
made by a fixture, so its pages aren't known when tests are collected: a test goes over all of them, with a
subtest each.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

DESKTOP, PHONE = 1280, 375

# Rules whose answer can change with the colours or the width; the others are asked once.
DEPENDS_ON_COLOUR = ["color-contrast", "link-in-text-block"]
DEPENDS_ON_WIDTH = [
    "color-contrast",
    "empty-heading",
    "landmark-unique",
    "region",
    "scrollable-region-focusable",
    "target-size",
]

OVERFLOW = """() => {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  const wide = [...document.body.querySelectorAll("*")].filter(
    (element) => element.getBoundingClientRect().right > root.clientWidth + 1);
  return ["page " + root.scrollWidth + " px", ...wide.slice(0, 5).map((e) => e.outerHTML.slice(0, 120))];
}"""

PICTURES = "all => all.map(one => ({alt: one.alt.trim(), shown: one.complete && one.naturalWidth > 0}))"


@dataclass
class Seen:
    """What was seen on one page."""

    path: Path
    console: list[str]
    errors: list[str]
    requests: list[str]
    violations: dict[str, list[str]] = field(default_factory=dict)
    overflow: dict[str, list[str]] = field(default_factory=dict)
    pictures: list[dict[str, Any]] = field(default_factory=list)
    printed: dict[str, Any] = field(default_factory=dict)


def violations(found: list[dict[str, Any]]) -> list[str]:
    """Return what axe found, a line a rule, with the elements it is about."""
    return [
        f"{rule['id']}: {rule['help']} -- {json.dumps([node['html'][:160] for node in rule['nodes'][:4]])}"
        for rule in found
    ]


def axe_again(page: Page, rules: list[str]) -> list[str]:
    """Ask some rules again; axe is on the page since its first run."""
    answer = page.evaluate(
        "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})",
        rules,
    )
    return violations(answer["violations"])


def look(path: Path, open_page: Any) -> Seen:
    """Load a page once: light and dark, on a desktop, on a phone and on paper."""
    opened = open_page(path, width=DESKTOP)
    page = opened.page
    # The lists go on filling while the page is looked at.
    seen = Seen(path, opened.console, opened.errors, opened.requests)
    seen.pictures = page.locator("img").evaluate_all(PICTURES)
    seen.overflow["desktop"] = page.evaluate(OVERFLOW)
    seen.violations["desktop, light"] = violations(Axe().run(page).response["violations"])
    page.emulate_media(color_scheme="dark")
    seen.violations["desktop, dark"] = axe_again(page, DEPENDS_ON_COLOUR)

    page.set_viewport_size({"width": PHONE, "height": 812})
    seen.overflow["phone"] = page.evaluate(OVERFLOW)
    page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true })")
    seen.overflow["phone, all unfolded"] = page.evaluate(OVERFLOW)
    seen.violations["phone, dark"] = axe_again(page, DEPENDS_ON_WIDTH)
    page.emulate_media(color_scheme="light")
    seen.violations["phone, light"] = axe_again(page, DEPENDS_ON_COLOUR)

    page.locator("details").evaluate_all("all => all.forEach(one => { one.open = false })")
    page.emulate_media(media="print")
    parameters = page.locator("details.parameters table")
    seen.printed = {
        "title": page.locator("h1").is_visible(),
        "navigation": page.locator("nav:visible").count(),
        "parameters": [box["height"] if box else 0 for box in [one.bounding_box() for one in parameters.all()]],
    }
    page.context.close()
    return seen


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = dict(attrs)
        if held.get("id"):
            self.anchors.add(str(held["id"]))
        if tag == "a" and held.get("href") is not None:
            self.links.append(str(held["href"]))


@cache
def links_of(path: Path) -> _Links:
    reader = _Links()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader


def broken_links(path: Path) -> Iterator[str]:
    """Give every link of a page that leads to no file of the run, or to no place in it."""
    for link in links_of(path).links:
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        file, _, fragment = link.partition("#")
        target = (path.parent / unquote(file)).resolve() if file else path
        if not target.is_file() or (fragment and unquote(fragment) not in links_of(target).anchors):
            yield link


@pytest.fixture(scope="session")
def seen(finished_run: Path, open_page: Any) -> list[Seen]:
    """Every page of the run, the index first."""
    pages = [finished_run / "index.html", *sorted((finished_run / "chapters").glob("*.html"))]
    return [look(path, open_page) for path in pages]


def test_a_run_has_an_index_and_chapters(seen: list[Seen]) -> None:
    assert seen[0].path.name == "index.html"
    assert len(seen) > 1


def test_pages_say_nothing_to_the_console(seen: list[Seen], subtests: pytest.Subtests) -> None:
    for page in seen:
        with subtests.test(page=page.path.name):
            assert page.console == []
            assert page.errors == []


def test_pages_ask_the_network_for_nothing(seen: list[Seen], subtests: pytest.Subtests) -> None:
    for page in seen:
        with subtests.test(page=page.path.name):
            assert page.requests == []


def test_pages_are_accessible(seen: list[Seen], subtests: pytest.Subtests) -> None:
    for page in seen:
        for how, found in page.violations.items():
            with subtests.test(page=page.path.name, how=how):
                assert found == []


def test_pages_never_scroll_sideways(seen: list[Seen], subtests: pytest.Subtests) -> None:
    for page in seen:
        for how, found in page.overflow.items():
            with subtests.test(page=page.path.name, how=how):
                assert found == []


def test_every_picture_shows_and_is_described(seen: list[Seen], subtests: pytest.Subtests) -> None:
    for page in seen:
        with subtests.test(page=page.path.name):
            assert [picture for picture in page.pictures if not (picture["alt"] and picture["shown"])] == []


def test_paper_has_no_navigation_and_all_parameters(seen: list[Seen], subtests: pytest.Subtests) -> None:
    for page in seen:
        with subtests.test(page=page.path.name):
            assert page.printed["title"]
            assert page.printed["navigation"] == 0
            assert all(height > 20 for height in page.printed["parameters"])


def test_links_lead_somewhere(seen: list[Seen], subtests: pytest.Subtests) -> None:
    for page in seen:
        with subtests.test(page=page.path.name):
            assert list(broken_links(page.path)) == []
