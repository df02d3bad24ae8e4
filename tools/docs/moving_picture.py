"""Film the linked explorer for the README: its window is dragged from object to object.

    python -m tools.docs.moving_picture              writes docs/explorer.webp and, its first frame, explorer-still.webp
    python -m tools.docs.moving_picture --out PATH

What is filmed is the page of `explorer.to_html()`, moved with a mouse as a reader moves it. Only the arrow is drawn
here: a headless browser shows none. The table below picture and map is left out: its letters would be too small.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, FloatRect, Page

import rpnviz
from rpnviz.explorers.linked.explorer import NUM_ANCHORS, LinkedExplorer
from rpnviz.grid import Grid
from tools.browser.lab import chromium

OUT = Path(__file__).resolve().parents[2] / "docs" / "explorer.webp"
WIDTH = 880  # px: about the width of a README
FRAME = 66  # ms that a frame of a movement is shown
RIM = 8  # px of the page round the explorer
QUALITY = 76  # of WebP: letters stay clean
SWITCHES = ("anchors", "receptive field", "proposals after NMS")  # pressed before the proposals are seen, and after
POINTER = """() => {
  const pointer = document.createElement("div");
  pointer.innerHTML = `<svg width="22" height="28" viewBox="0 0 22 28"><path d="M2 2v20l5-4.6 3.4 8 3.6-1.6-3.4-7.8H18z"
    fill="#111" stroke="#fff" stroke-width="1.6" stroke-linejoin="round"/></svg>`;
  Object.assign(pointer.style, { position: "fixed", left: "0", top: "0", pointerEvents: "none", zIndex: 9 });
  document.body.append(pointer);
  document.addEventListener("pointermove", ({ clientX, clientY }) => {
    pointer.style.transform = `translate(${clientX - 2}px, ${clientY - 2}px)`;
  }, true);
}"""
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))"


def still_of(path: Path) -> Path:
    """Return where the first frame alone is written."""
    return path.with_name(f"{path.stem}-still{path.suffix}")


class Film:
    """The frames so far, and the mouse that moves the explorer.

    Attributes:
        frames (list[Image]): RGB, all of one size.
        shown (list[int]): ms that each is shown.
    """

    def __init__(self, page: Page, explorer: LinkedExplorer) -> None:
        """Start on a page of the explorer, with the mouse on its window."""
        self.page, self.explorer = page, explorer
        self.frames: list[Image.Image] = []
        self.shown: list[int] = []
        top, table = (page.locator(f".rpnviz-linked .rpnviz-{part}").bounding_box() for part in ("body", "scroll"))
        assert top and table, "the explorer is shown"
        left, high = round(top["x"]) - RIM, round(top["y"]) - RIM
        self.clip: FloatRect = {"x": left, "y": high, "width": WIDTH, "height": round(table["y"]) - high}
        page.evaluate(POINTER)
        self.cell = explorer.row, explorer.col
        self.place = self.on_map(*self.cell)
        page.mouse.move(*self.place)

    def on_map(self, row: int, col: int) -> tuple[float, float]:
        """Return where on the page the centre of a cell of the map is. The map shows one cell more all round."""
        grid = Grid.named(self.explorer.grid)
        (height, width), (stride_y, stride_x) = grid.image_size, grid.stride
        x, y = grid.centre(row, col)
        box = self.page.locator(".rpnviz-map").bounding_box()
        assert box, "the map is shown"
        return (
            box["x"] + box["width"] * (x + stride_x) / (width + 2 * stride_x),
            box["y"] + box["height"] * (y + stride_y) / (height + 2 * stride_y),
        )

    def hold(self, milliseconds: int = FRAME) -> None:
        """Show for so long what the explorer shows now."""
        self.page.evaluate(DRAWN)
        frame = Image.open(io.BytesIO(self.page.screenshot(clip=self.clip))).convert("RGB")
        if self.frames and frame.tobytes() == self.frames[-1].tobytes():
            self.shown[-1] += milliseconds
        else:
            self.frames.append(frame)
            self.shown.append(milliseconds)

    def glide(self, place: tuple[float, float], frames: int) -> None:
        """Move the mouse there, slowly at both ends."""
        (x0, y0), (x1, y1) = self.place, place
        for k in range(1, frames + 1):
            share = k / frames
            eased = share * share * (3 - 2 * share)
            self.page.mouse.move(x0 + eased * (x1 - x0), y0 + eased * (y1 - y0))
            self.hold()
        self.place = place

    def drag(self, start: tuple[float, float], end: tuple[float, float], frames: int) -> None:
        """Take hold at one place, going there first, and let go at another."""
        if start != self.place:
            self.glide(start, max(frames // 2, 1))
        self.page.mouse.down()
        self.glide(end, frames)
        self.page.mouse.up()

    def drag_window(self, cell: tuple[int, int], frames: int) -> None:
        """Drag the window to a cell."""
        self.drag(self.on_map(*self.cell), self.on_map(*cell), frames)
        self.cell = cell

    def drag_top_n(self, number: int, frames: int) -> None:
        """Drag the slider of how many proposals are shown."""
        slider = self.page.get_by_role("slider", name="Number of proposals shown")
        box = slider.bounding_box()
        assert box, "the slider is shown"
        now, low, high = (int(slider.evaluate(f"(input) => input.{name}")) for name in ("value", "min", "max"))

        def thumb(value: int) -> tuple[float, float]:
            inner = box["width"] - box["height"]  # the thumb is about as wide as the slider is high
            return box["x"] + box["height"] / 2 + inner * (value - low) / (high - low), box["y"] + box["height"] / 2

        self.drag(thumb(now), thumb(number), frames)

    def click(self, switch: str, frames: int) -> None:
        """Go to a switch and press it."""
        box = self.page.get_by_role("checkbox", name=switch, exact=True).bounding_box()
        assert box, "the switch is shown"
        self.glide((box["x"] + box["width"] / 2, box["y"] + box["height"] / 2), frames)
        self.page.mouse.down()
        self.page.mouse.up()

    def write(self, path: Path) -> None:
        """Write the frames as an endless WebP, and the first one alone for readers who ask for reduced motion.

        Only the first frame is a whole one: the others are what changes.
        """
        first, *others = self.frames
        first.save(still_of(path), quality=QUALITY, method=6)
        first.save(
            path,
            save_all=True,
            append_images=others,
            duration=self.shown,
            loop=0,
            quality=QUALITY,
            method=6,
            kmin=len(self.frames),
            kmax=len(self.frames) + 1,
        )


def film_page(browser: Browser, explorer: LinkedExplorer, folder: Path) -> Film:
    """Open the explorer's page in a window of such a size that a frame is WIDTH wide.

    Args:
        browser: a Chromium.
        explorer: how it stands is how the film begins.
        folder: where its page may be written.
    """
    path = folder / "explorer.html"
    explorer.to_html(path)
    context = browser.new_context(
        viewport={"width": WIDTH + 24 - 2 * RIM, "height": 900}, color_scheme="light", offline=True, bypass_csp=True
    )
    page = context.new_page()
    page.goto(path.as_uri())
    page.locator(".rpnviz-tools").wait_for()
    return Film(page, explorer)


def story(film: Film) -> None:
    """Visit the objects that an anchor fits, see what the network proposes, and go back to where it began."""
    explorer = film.explorer
    opening, width = film.cell, Grid.named(explorer.grid).feature_size[1]
    film.hold(800)
    for anchor in explorer.results.found.best_anchor_per_gt.tolist():
        cell = divmod(anchor // NUM_ANCHORS, width)
        if anchor >= 0 and cell != opening:
            film.drag_window(cell, frames=15)
            film.hold(450)
    for name in SWITCHES:
        film.click(name, frames=6)
    film.hold(400)
    film.drag_top_n(2 * len(explorer.objects), frames=12)
    film.hold(1300)
    for name in reversed(SWITCHES):
        film.click(name, frames=4)
    film.drag_window(opening, frames=15)
    film.hold(150)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=OUT, metavar="PATH", help="where to write it")
    options = parser.parse_args(arguments)
    explorer = rpnviz.explore("street-03").unfold()
    explorer.top_n = 100
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        film = film_page(browser, explorer, Path(folder))
        story(film)
    film.write(options.out)
    seconds, size = sum(film.shown) / 1000, options.out.stat().st_size / 1e6
    print(f"{options.out}: {len(film.frames)} frames, {seconds:.1f} s, {size:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
