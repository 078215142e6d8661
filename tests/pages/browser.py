"""The browser the pages are tested in.

As a module: where it is and how to start it. As a script (``python tests/pages/browser.py``): make sure
there is one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium_path() -> str | None:
    """Return the Chromium of this machine; None means playwright's own."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    return next((path for path in map(shutil.which, NAMES) if path), None)


def launch_flags() -> list[str]:
    """Return flags that keep the browser from fetching anything on its own account."""
    flags = [
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]
    # Chromium's sandbox refuses root, which is who runs in most containers.
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        flags.append("--no-sandbox")
    return flags


def launch(playwright: Playwright) -> Browser:
    """Start the browser."""
    return playwright.chromium.launch(executable_path=chromium_path(), args=launch_flags())


def _problem() -> str:
    """Start the browser once; return why that failed, or nothing."""
    from playwright.sync_api import Error, sync_playwright

    try:
        with sync_playwright() as playwright:
            browser = launch(playwright)
            print(f"Chromium {browser.version} at {chromium_path() or 'playwright’s own place'}")
            browser.close()
    except Error as error:
        return error.message.strip().splitlines()[0]
    return ""


def _succeeds(command: list[str]) -> bool:
    print("$", " ".join(command), flush=True)
    try:
        return subprocess.run(command, check=False).returncode == 0
    except OSError as error:
        print(error)
        return False


def _install() -> bool:
    if _succeeds([sys.executable, "-m", "playwright", "install", "--with-deps", "chromium"]):
        return True
    if shutil.which("apt-get") is None:
        return False
    sudo = ["sudo"] if hasattr(os, "geteuid") and os.geteuid() != 0 else []
    # A fresh container has no package lists; where updating fails the old ones may still do.
    _succeeds([*sudo, "apt-get", "update"])
    return _succeeds([*sudo, "apt-get", "install", "-y", "chromium"])


def main() -> int:
    """Make sure a browser is there and starts."""
    problem = _problem()
    if not problem:
        return 0
    print(f"No Chromium starts here yet: {problem}")
    # A browser somebody named, or one that is there and doesn't start, isn't mended by installing another.
    if chromium_path() is None and _install():
        problem = _problem()
        if not problem:
            return 0
    where = os.environ.get("CHROMIUM") or chromium_path()
    print(
        f"The pages can't be tested: {problem}\n"
        + (f"The browser tried is {Path(where)}.\n" if where else "")
        + "Install Chromium and put it on PATH, or name it: CHROMIUM=/path/to/chromium",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
