"""The built site, served from a sub-path with its policy as a header, and opened from the disk."""

from __future__ import annotations

import functools
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page

from benchmarks.series import LOOK_AT_ROOT
from rpnviz.site.policy import policy
from tools.browser.lab import Notebook, listen, new_page
from tools.site.__main__ import ROOT

SUB_PATH = "some/where/rpnviz"
# The sum of all shifts that nobody's hand caused, and what a policy refused.
WATCH = """
window.shifts = 0;
window.refused = [];
addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
  refused.push(`${violatedDirective} ${blockedURI}`);
});
new PerformanceObserver((list) => {
  for (const { value, hadRecentInput } of list.getEntries()) if (!hadRecentInput) shifts += value;
}).observe({ type: "layout-shift", buffered: true });
"""
MOVED = f"before => ({LOOK_AT_ROOT})() !== before"


class Handler(SimpleHTTPRequestHandler):
    """Sends with each page its policy, as a careful server would."""

    def end_headers(self) -> None:
        path = Path(self.translate_path(self.path))
        if path.suffix == ".html" and path.is_file():
            self.send_header("Content-Security-Policy", policy(path.read_text("utf-8")).replace(" file:", ""))
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site, every notebook executed: as test_committed.py did it, kept in runs/site."""
    folder = tmp_path_factory.mktemp("served") / SUB_PATH
    made = subprocess.run(
        [sys.executable, "-m", "tools.site", "--to", str(folder)], cwd=ROOT, capture_output=True, text=True
    )
    assert made.returncode == 0, made.stdout + made.stderr
    return folder


@pytest.fixture(scope="session")
def served(site: Path) -> Iterator[str]:
    """Where a web server has the site."""
    root = site.parents[SUB_PATH.count("/")]
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(root)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/{SUB_PATH}"
    server.shutdown()


@dataclass
class Opened:
    """A page of the site and what went wrong in it."""

    page: Page
    note: Notebook

    @property
    def places(self) -> list[Locator]:
        return self.page.locator(".rpnviz-mount").all()

    def live(self, place: Locator) -> Locator:
        """Scroll to an explorer and wait until it is there; return its view."""
        place.scroll_into_view_if_needed()
        view = place.locator(".rpnviz")
        view.wait_for()
        view.evaluate("view => { window.measured = view; }")
        self.page.wait_for_function(f"() => ({LOOK_AT_ROOT})().split('|').length > 1")  # it has drawn
        return view

    def look(self) -> str:
        """What the reader sees of the explorer that `live` came to last."""
        return str(self.page.evaluate(f"({LOOK_AT_ROOT})()"))

    def changes(self, before: str) -> None:
        """Wait until that explorer looks different."""
        self.page.wait_for_function(MOVED, arg=before)


# From top to bottom, not faster than a hand scrolls, nor than a slow machine brings what comes.
SCROLL = """([frames, patience]) => {
  const places = [...document.querySelectorAll(".rpnviz-mount")];
  const isNear = (place) => place.getBoundingClientRect().top < 2 * innerHeight;
  const comes = (place) => isNear(place) && !place.querySelector(".rpnviz");
  const end = performance.now() + patience;
  const scroll = async () => {
    for (let y = 0; y < document.documentElement.scrollHeight; y += 300) {
      scrollTo(0, y);
      for (let i = 0; i < frames || (places.some(comes) && performance.now() < end); i++) {
        await new Promise(requestAnimationFrame);
      }
    }
  };
  window.scrolled = scroll();
}"""


def scroll_through(*pages: Opened) -> None:
    """Read pages to their ends, all at once."""
    for one in pages:
        one.page.evaluate(f"given => {{ ({SCROLL})(given); }}", [8 if one.places else 1, 60_000])
    for one in pages:
        one.page.evaluate("() => scrolled")
        for place in one.places:
            place.locator(".rpnviz").wait_for()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Any]:
    """Open a page of the site; errors, failed and foreign requests, and what the policy refuses fail the test."""
    opened: list[Opened] = []

    def opener(url: str, width: int = 1366, height: int = 768) -> Opened:
        page = new_page(browser)
        page.set_default_timeout(60_000)
        page.set_viewport_size({"width": width, "height": height})
        note = Notebook(page)
        listen(page, note)
        page.on("requestfailed", lambda request: note.note(f"failed: {request.url}"))
        page.on("response", lambda got: note.note(f"{got.status}: {got.url}") if got.status >= 400 else None)
        page.add_init_script(WATCH)
        page.goto(url)
        opened.append(Opened(page, note))
        return opened[-1]

    yield opener
    for one in opened:
        assert one.note.troubles == []
        assert one.page.evaluate("() => refused") == []
        one.page.context.close()
