"""The three browsers in which pages are tested, behind the one small interface of `page.py`.

with start("firefox") as engine:
    page = engine.new_page()
    page.open("https://…")
    page.press("ArrowRight")

python -m tools.browser.engines     # says in one line which of them is missing
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

from tools.browser.chromium import Chromium
from tools.browser.firefox import Firefox
from tools.browser.lab import chromium, find_chromium
from tools.browser.page import Engine
from tools.browser.webkit import WebKit

ALL = ("chromium", "firefox", "webkit")
SYSTEM_PYTHON = "/usr/bin/python3"  # Debian's, for which Debian has the bindings of WebKitGTK
_BINDINGS = 'import gi; gi.require_version("Gtk", "3.0"); gi.require_version("WebKit2", "4.1")'


def chosen() -> list[str]:
    """Return the browsers to test in: all, or those that BROWSERS names.

    Raises:
        ValueError: if BROWSERS names another or none.
    """
    names = os.environ.get("BROWSERS", " ".join(ALL)).split()
    if not names or set(names) - set(ALL):
        raise ValueError(f"BROWSERS: {' '.join(names)!r}, takes some of {' '.join(ALL)}")
    return [name for name in ALL if name in names]


def find_firefox() -> str:
    """Return the path of a Firefox.

    Raises:
        RuntimeError: if there is none, with one line that says how to get one.
    """
    named = os.environ.get("FIREFOX")
    found = shutil.which(named) if named else shutil.which("firefox-esr") or shutil.which("firefox")
    if not found:
        raise RuntimeError(
            f"no Firefox found{f' at FIREFOX={named}' if named else ''}: install one (`apt-get install firefox-esr`, "
            "`brew install --cask firefox`) or set FIREFOX to its path"
        )
    return found


def find_webkit() -> tuple[str, str, str]:
    """Return the paths of WebKitWebDriver, of Xvfb and of the Python that can open a window of WebKitGTK.

    Raises:
        RuntimeError: if one is missing, with one line that says which packages to install.
    """
    packages = []
    driver, xvfb = shutil.which("WebKitWebDriver"), shutil.which("Xvfb")
    if not driver:
        packages.append("webkit2gtk-driver")
    if not xvfb:
        packages.append("xvfb")
    if (
        not shutil.which(SYSTEM_PYTHON)
        or subprocess.run([SYSTEM_PYTHON, "-c", _BINDINGS], capture_output=True).returncode
    ):
        packages += ["python3-gi", "gir1.2-webkit2-4.1"]
    if packages or not driver or not xvfb:
        raise RuntimeError(
            f"no WebKitGTK to be driven found: `apt-get install {' '.join(packages)}`, or leave it to CI: "
            '`make test BROWSERS="chromium firefox"`'
        )
    return driver, xvfb, SYSTEM_PYTHON


def missing() -> list[str]:
    """Return a line for each of the chosen browsers that is not there."""
    found = {"chromium": find_chromium, "firefox": find_firefox, "webkit": find_webkit}
    lines = []
    for name in chosen():
        try:
            found[name]()
        except RuntimeError as error:
            lines.append(str(error))
    return lines


@contextlib.contextmanager
def start(name: str) -> Iterator[Engine]:
    """Start a browser, of ALL, and end it afterwards."""
    with contextlib.ExitStack() as stack:
        if name == "chromium":
            yield Chromium(stack.enter_context(chromium()))
            return
        engine: Engine = Firefox(find_firefox()) if name == "firefox" else WebKit(*find_webkit())
        with contextlib.closing(engine):
            yield engine


def main() -> int:
    """Say what is missing; return the exit status."""
    try:
        lines = missing()
    except ValueError as error:
        lines = [str(error)]
    if lines:
        print("; ".join(lines), file=sys.stderr)
    return bool(lines)


if __name__ == "__main__":
    sys.exit(main())
