"""Take the README's pictures from the latest run on CDNOW: python -m docs.pictures."""

from __future__ import annotations

import base64
import re
from html import unescape
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.pages.browser import launch

HERE = Path(__file__).parent
RUN = HERE.parent / "runs" / "cdnow" / "latest"
FIGURES = {
    "forecast.png": ("04_lifetime_value", "the model expected"),
    "never-back.png": ("05_retention", "not come back"),
}


def main() -> None:
    """Write docs/*.png."""
    for picture, (chapter, words) in FIGURES.items():
        page = (RUN / "chapters" / f"{chapter}.html").read_text(encoding="utf-8")
        images = re.findall(r"<img[^>]*>", page)
        (found,) = (image for image in images if words in unescape(image).split('alt="')[1].split('"')[0])
        (HERE / picture).write_bytes(base64.b64decode(re.findall(r"base64,([^\"]+)", found)[0]))
    with sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page(viewport={"width": 1100, "height": 760}, device_scale_factor=1.5)
        page.goto((RUN / "index.html").resolve().as_uri())
        page.screenshot(path=HERE / "findings.png")
        browser.close()


if __name__ == "__main__":
    main()
