"""A browser that takes note of everything a page says, breaks or asks for."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright


def _beside(name: str) -> ModuleType:
    """Import a module of this folder, which under pytest's importlib mode is no package."""
    spec = importlib.util.spec_from_file_location(f"pages_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Opened:
    """A page in the browser, and what was noticed since it was asked for."""

    page: Page
    console: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


OpenPage = Callable[..., Opened]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests. Where none starts the tests fail: a page nobody opened isn't tested."""
    with sync_playwright() as playwright:
        started = _beside("browser").launch(playwright)
        yield started
        started.close()


@pytest.fixture(scope="session")
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Open a file, at a width in CSS pixels and in a colour scheme."""
    contexts: list[BrowserContext] = []

    def open_it(path: Path, *, width: int = 1280, color_scheme: str = "light") -> Opened:
        # Scripts stay on although the pages have none: one that slipped in has to show itself.
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if color_scheme == "dark" else "light",
            reduced_motion="reduce",
        )
        contexts.append(context)
        opened = Opened(context.new_page())
        opened.page.on("console", lambda message: opened.console.append(f"{message.type}: {message.text}"))
        opened.page.on("pageerror", lambda error: opened.errors.append(str(error)))
        opened.page.on(
            "request",
            lambda request: None if request.url.startswith(("file:", "data:")) else opened.requests.append(request.url),
        )
        opened.page.goto(path.resolve().as_uri())
        return opened

    yield open_it
    for context in contexts:
        context.close()
