"""What a page of the site costs its reader: bytes, the time until it moves, pictures a second, and whether it jumps.

Bytes are what a server sends that compresses texts with gzip (level 6): at opening, and after the page was read to
its end, when all its explorers have come. Movable: from the start of the navigation until a slider or an arrow key of
the first explorer has changed the picture, with the CPU slowed down four times; pages whose first explorer is further
down are scrolled there as soon as they are parsed. Tour: likewise, until *Show me* was pressed and the first step is
drawn. Pictures a second: once all is loaded, the slider or the thing on the picture is moved once in each animation
frame, sixty times. Jumps: the sum of layout shifts (CLS) while the page is read at 1366×768.
"""

from __future__ import annotations

import functools
import gzip
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from rpnviz.site.pages import build
from tools.browser.lab import new_page
from tools.notebooks.run import chosen
from tools.site.__main__ import KEPT

SLOWER = 4
FRAMES = 60
COSTS = """\
| page | bytes at opening, gzip | read to the end | movable, s, CPU 4 × slower | tour, s | pictures a second | CLS |
|---|---|---|---|---|---|---|"""
BUDGET = (
    "Budget: front page 1,000,000 bytes, movable and tour in 2 s; a page 1,500,000; 50 pictures a second; CLS 0.05."
)
TEXTS = (".html", ".js", ".css")
WATCH = """
window.shifts = 0;
new PerformanceObserver((list) => {
  for (const { value, hadRecentInput } of list.getEntries()) if (!hadRecentInput) shifts += value;
}).observe({ type: "layout-shift", buffered: true });
"""
# Runs from the start: goes to the first explorer, moves a control as soon as there is one, and looks at the canvases.
MOVE = """
const MOVABLE = "input[type=range]:not(:disabled), canvas[tabindex='0'], [role=slider], [role=application]";
window.frame = () => new Promise(requestAnimationFrame);
window.seen = (view) => [...view.querySelectorAll("canvas")].filter(({ width, height }) => width && height);
window.look = (view) => seen(view).flatMap((canvas) => [1, 2, 3, 4, 5].map((sixth) => { // all rows would take long
  const { data } = canvas.getContext("2d").getImageData(0, Math.floor((canvas.height * sixth) / 6), canvas.width, 1);
  return new Uint32Array(data.buffer).reduce((hash, pixel) => (Math.imul(hash, 31) + pixel) | 0, canvas.width);
})).join();
window.step = (control, by) => {
  if (control.matches("input")) {
    control.value = Number(control.value) + by * Number(control.step || 1);
    control.dispatchEvent(new Event("input", { bubbles: true }));
  } else {
    const key = by > 0 ? "ArrowRight" : "ArrowLeft";
    control.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  }
};
window.movable = new Promise((done) => addEventListener("DOMContentLoaded", async () => {
  const place = document.querySelector(".rpnviz-mount");
  if (!place) return done(null);
  if (place.getBoundingClientRect().top > innerHeight) place.scrollIntoView();
  while (!place.classList.contains("rpnviz-mounted")) await frame();
  for (let tries = 0; tries < 60; tries++) {
    for (const control of place.querySelectorAll(MOVABLE)) {
      const before = look(place);
      step(control, 1);
      await frame();
      if (before && look(place) !== before) return done((window.control = control) && performance.now());
      step(control, -1);
      await frame();
    }
  }
  done(null);
}));
"""
TOUR = """
window.toured = new Promise((done) => addEventListener("DOMContentLoaded", async () => {
  const frame = () => new Promise(requestAnimationFrame);
  while (!document.querySelector(".rpnviz-tour-show:not([hidden])")) await frame();
  document.querySelector(".rpnviz-tour-show").click();
  while (!document.querySelector(".rpnviz-touring")) await frame();
  await frame();
  done(performance.now());
}));
"""
DRAG = """async frames => {
  if (!window.control) return null;
  const [least, most] = [Number(control.min), Number(control.max)]; // of a slider
  let by = -1;
  const start = performance.now();
  for (let i = 0; i < frames; i++) {
    if (!control.matches("input")) by = -by; // no end to run into
    else if (Number(control.value) <= least) by = 1;
    else if (Number(control.value) >= most) by = -1;
    step(control, by);
    await frame();
  }
  return (1000 * frames) / (performance.now() - start);
}"""
READ = """async () => {
  for (let y = 0; y < document.documentElement.scrollHeight; y += 300) {
    scrollTo(0, y);
    for (let i = 0; i < 12; i++) await new Promise(requestAnimationFrame);
  }
}"""


@dataclass
class Cost:
    """What was measured of one page; None where nothing moves without Python."""

    page: str
    opening: int
    read: int
    movable: float | None
    tour: float | None
    pictures: float | None
    shifts: float


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder, texts compressed, and counts the bytes of the bodies."""

    sent = 0

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        body, text = sent_as(path), path.suffix in TEXTS
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Length", str(len(body)))
        if text:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(body)
        Handler.sent += len(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@functools.cache
def sent_as(path: Path) -> bytes:
    """The body of a file's answer."""
    body = path.read_bytes()
    return gzip.compress(body, 6) if path.suffix in TEXTS else body


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def measure(browser: Browser, live: list[str]) -> Iterator[Cost]:
    """Build the site, `live` as in `tools.site`, and measure each of its pages that has an explorer."""
    with tempfile.TemporaryDirectory(prefix="rpnviz-") as folder:
        build(Path(folder), KEPT, chosen(live))
        pages = [path.name for path in sorted(Path(folder).glob("*.html")) if "rpnviz-mount" in path.read_text("utf-8")]
        with _served(Path(folder)) as url:
            for name in sorted(pages, key=lambda name: name != "index.html"):
                yield _page(browser, f"{url}/{name}")


def _page(browser: Browser, url: str) -> Cost:
    page = new_page(browser)
    page.add_init_script(WATCH)
    Handler.sent = 0
    page.goto(url, wait_until="networkidle")
    opening = Handler.sent
    read(page)
    has_tour = page.locator(".rpnviz-mount").first.locator(".rpnviz-tour-show").is_visible()
    cost = Cost(url.rsplit("/", 1)[1], opening, Handler.sent, None, None, None, page.evaluate("() => shifts"))
    page.context.close()
    page = new_page(browser)
    page.add_init_script(MOVE)
    client = page.context.new_cdp_session(page)  # one for both: a second one would not take back what this one asks for
    client.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.goto(url)
    cost.movable = page.evaluate("() => movable")
    client.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    page.wait_for_load_state("networkidle")
    cost.pictures = page.evaluate(DRAG, FRAMES)
    page.context.close()
    cost.tour = _tour(browser, url) if has_tour else None
    return cost


def _tour(browser: Browser, url: str) -> float:
    """When the tour of the front page has begun, in ms."""
    page = new_page(browser)
    page.add_init_script(TOUR)
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.goto(url)
    begun: float = page.evaluate("() => toured")
    page.context.close()
    return begun


def read(page: Page) -> None:
    """Scroll to the end, and to every view."""
    page.evaluate(READ)
    for place in page.locator(".rpnviz-mount").all():
        place.scroll_into_view_if_needed()
        place.locator(".rpnviz").wait_for()
    page.wait_for_load_state("networkidle")


def cost_row(cost: Cost) -> str:
    """A row of COSTS."""
    movable, tour = ("–" if ms is None else f"{ms / 1000:.2f}" for ms in (cost.movable, cost.tour))
    pictures = "–" if cost.pictures is None else f"{cost.pictures:.0f}"
    start = f"| {cost.page} | {cost.opening:,} | {cost.read:,} | {movable} | {tour} |"
    return f"{start} {pictures} | {cost.shifts:.3f} |"
