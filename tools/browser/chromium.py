"""Chromium, through Playwright, as the other two browsers are offered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error

from tools.browser.actions import Spot
from tools.browser.lab import Notebook, listen, new_page
from tools.browser.page import PATIENCE, Engine, Page


class Chromium(Engine):
    """A Chromium that Playwright has started, and that somebody else ends."""

    name = "chromium"

    def __init__(self, browser: Browser) -> None:
        """Take the browser, from `lab.chromium()`."""
        self._browser = browser

    def new_page(self) -> ChromiumPage:
        """Open an empty page in a profile of its own."""
        return ChromiumPage(self._browser)

    def close(self) -> None:
        """Leave it to whoever started it."""


class ChromiumPage(Page):
    """A page in Chromium."""

    def __init__(self, browser: Browser) -> None:
        """Open it."""
        self._page = new_page(browser)
        self._page.set_default_timeout(PATIENCE * 1000)
        self._note = Notebook(self._page)
        listen(self._page, self._note)
        self._page.on("requestfailed", lambda request: self._note.note(f"failed: {request.url}"))

    @property
    def troubles(self) -> list[str]:
        """What has gone wrong until now."""
        self.evaluate("() => new Promise((done) => setTimeout(done))")
        return self._note.troubles

    def open(self, address: str) -> None:
        """Go there."""
        self._page.goto(address)

    def evaluate(self, function: str, given: Any = None) -> Any:
        """Call a function in the page."""
        try:
            return self._page.evaluate(function, given)
        except Error as error:
            raise RuntimeError(f"Chromium: {error.message[:1000]}") from error

    def press(self, *keys: str) -> None:
        """Press keys."""
        for key in keys:
            self._page.keyboard.press(key)

    def move(self, spots: Sequence[Spot]) -> None:
        """Go along the spots with the button down."""
        self._page.mouse.move(*spots[0])
        self._page.mouse.down()
        for spot in spots[1:]:
            self._page.mouse.move(*spot)
        self._page.mouse.up()

    def upload(self, selector: str, path: Path) -> None:
        """Choose a file."""
        self._page.set_input_files(selector, path)

    def resize(self, width: int, height: int) -> None:
        """Make the window's inside this large."""
        self._page.set_viewport_size({"width": width, "height": height})

    def screenshot(self) -> bytes:
        """Return what is in the window."""
        return self._page.screenshot()

    def close(self) -> None:
        """Close the page."""
        self._page.context.close()
