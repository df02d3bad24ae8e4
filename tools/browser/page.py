"""What a test needs of a page, whichever browser shows it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.browser.actions import Spot

PATIENCE = 60  # seconds that anything may take; only there so that what never comes ends
SCREEN = (1366, 768)  # px of a new page: a small laptop

# The function sees no name that is not the page's.
_WAIT = """function () {
  return (async (look, [given, ms]) => {
    const until = performance.now() + ms;
    for (;;) {
      const found = await look(given);
      if (found) return found;
      if (performance.now() > until) throw new Error("it did not come");
      await new Promise((done) => setTimeout(done, 20));
    }
  })(FUNCTION, arguments[0]);
}"""
_MIDDLE = """(selector) => {
  const element = document.querySelector(selector);
  if (!element) throw new Error(`nothing is ${selector}`);
  element.scrollIntoView({ block: "center", behavior: "instant" });
  const { left, top, width, height } = element.getBoundingClientRect();
  return [left + width / 2, top + height / 2];
}"""


class Page(ABC):
    """A page of its own, of SCREEN's size until it is resized, and what has gone wrong in it so far."""

    @property
    @abstractmethod
    def troubles(self) -> list[str]:
        """Console errors, uncaught exceptions, what a policy refused, what could not be loaded."""

    @abstractmethod
    def open(self, address: str) -> None:
        """Go to an address, file:// as well, and wait until it has loaded."""

    @abstractmethod
    def evaluate(self, function: str, given: Any = None) -> Any:
        """Return what a JavaScript function says of `given`, both JSON; if it is a promise, what it is kept with.

        Raises:
            RuntimeError: with what the function throws.
        """

    @abstractmethod
    def press(self, *keys: str) -> None:
        """Press keys, written as "ArrowRight", "a" or "Shift+Tab", on what has the focus."""

    @abstractmethod
    def move(self, spots: Sequence[Spot]) -> None:
        """Press the mouse button at the first spot, go through the others, let go at the last."""

    @abstractmethod
    def upload(self, selector: str, path: Path) -> None:
        """Choose a file in an `<input type=file>`."""

    @abstractmethod
    def resize(self, width: int, height: int) -> None:
        """Make the window's inside this large, in CSS px."""

    @abstractmethod
    def screenshot(self) -> bytes:
        """Return what is in the window, as PNG."""

    @abstractmethod
    def close(self) -> None:
        """Close the page."""

    def wait_for(self, function: str, given: Any = None) -> Any:
        """Return what a JavaScript function says of `given`, as soon as that is truthy."""
        return self.evaluate(_WAIT.replace("FUNCTION", function), [given, PATIENCE * 1000])

    def click(self, selector: str) -> None:
        """Click into the middle of the first element that a CSS selector names."""
        self.move([self._middle(selector)])

    def drag(self, selector: str, by: Spot) -> None:
        """Drag from the middle of the first element that a CSS selector names, in two steps."""
        x, y = self._middle(selector)
        self.move([(x + by[0] * share, y + by[1] * share) for share in (0, 0.5, 1)])

    def _middle(self, selector: str) -> Spot:
        x, y = self.evaluate(_MIDDLE, selector)
        return x, y


class Engine(ABC):
    """A running browser."""

    name: str

    @abstractmethod
    def new_page(self) -> Page:
        """Open an empty page."""

    @abstractmethod
    def close(self) -> None:
        """End the browser."""
