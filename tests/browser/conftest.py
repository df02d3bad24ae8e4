"""A real JupyterLab and a real Chromium for the tests in this folder. No sleeps, no skips."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import v4
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from tests.browser.explorer_pages import save_all
from tools.browser.lab import SCREEN, Lab, Notebook, jupyterlab, listen, new_page, open_notebook
from tools.notebooks.run import METADATA, NOTEBOOKS

SCRATCH = "import rpnviz\n\nexplorer = rpnviz.explore('street-03').unfold()\nexplorer"
LAPTOP: ViewportSize = {"width": SCREEN[0], "height": SCREEN[1]}
PHONE: ViewportSize = {"width": 360, "height": 740}
FINGERS: dict[str, Any] = {"has_touch": True, "is_mobile": True}
expect.set_options(timeout=120_000)  # a busy machine is no failure

PIXELS = """(canvas) => {
  const { width, height } = canvas;
  const data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  let hash = 0;
  for (const value of new Uint32Array(data.buffer)) hash = (Math.imul(hash, 31) + value) | 0;
  return hash;
}"""
# The middle of all that is drawn in a colour, in the page's pixels.
MIDDLE = """(canvas, rgb) => {
  const { width, height } = canvas;
  const data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  const [xs, ys] = [[], []];
  for (let i = 0; i < data.length; i += 4) {
    if (rgb.some((value, k) => Math.abs(value - data[i + k]) > 8)) continue;
    xs.push((i / 4) % width);
    ys.push(Math.floor(i / 4 / width));
  }
  const extreme = (values, pick) => values.reduce((a, b) => pick(a, b));
  const middle = (values) => (extreme(values, Math.min) + extreme(values, Math.max) + 1) / 2;
  const box = canvas.getBoundingClientRect();
  return [box.left + (middle(xs) * box.width) / width, box.top + (middle(ys) * box.height) / height];
}"""


@dataclass
class View:
    """An explorer in an open page: its parts, and its Python side (`explorer`) where there is a kernel."""

    notebook: Notebook
    number: int = 0  # which of several
    kind: str = "linked"

    @property
    def root(self) -> Locator:
        return self.notebook.page.locator(f".rpnviz-{self.kind}").nth(self.number)

    def part(self, name: str) -> Locator:
        return self.root.locator(f".rpnviz-{name}")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.notebook.page.keyboard.press(key)

    def is_at(self, row: int, col: int) -> None:
        """Wait until the view stands at a cell."""
        expect(self.root).to_have_attribute("data-cell", f"{row} {col}")

    def set(self, **traits: Any) -> None:
        """Set traits in Python."""
        self.notebook.execute("; ".join(f"explorer.{name} = {value!r}" for name, value in traits.items()))

    def put(self, row: int, col: int) -> None:
        """Move the window from Python and wait for the view."""
        self.set(row=row, col=col)
        self.is_at(row, col)
        self.notebook.page.mouse.move(1, 1)

    def python_has(self, **traits: Any) -> None:
        """Wait until Python has heard of it."""
        for name, value in traits.items():
            self.notebook.wait_for(f"explorer.{name}", value)

    def pixels(self, name: str) -> int:
        """Return a hash of all pixels of a canvas."""
        return int(self.part(name).evaluate(PIXELS))

    def looks(self) -> tuple[int, int, str]:
        """Return what the reader sees of map, picture and table."""
        return self.pixels("map"), self.pixels("picture"), self.root.locator("table").inner_text()

    def middle_of(self, name: str, rgb: tuple[int, int, int]) -> tuple[float, float]:
        """Return where in the page the middle of all pixels of a colour is."""
        x, y = self.part(name).evaluate(MIDDLE, list(rgb))
        return x, y


def uncovered(root: Locator) -> Locator:
    """Uncover a view whose question waits for a guess."""
    button = root.get_by_role("button", name="show the view")
    if button.is_visible():
        button.click()
    return root


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A server on an empty folder; `put_into` fills it."""
    with jupyterlab(tmp_path_factory.mktemp("lab")) as running:
        yield running


_folders = count()
COLOURS = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return new Set(new Uint32Array(data.buffer)).size;
}"""


def put_into(lab: Lab, name: str, *cells: str) -> str:
    """Put a notebook where none was: one with these cells, or a copy of ours, by how its name starts.

    Two pages on one file would share its kernel, and JupyterLab saves what has been open for two minutes: the next to
    open it would find outputs there that no kernel knows of.
    """
    folder = lab.root / str(next(_folders))
    folder.mkdir()
    if cells:
        notebook = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells], metadata=METADATA)
        nbformat.write(notebook, folder / f"{name}.ipynb")
    else:
        (path,) = NOTEBOOKS.glob(f"{name}*.ipynb")
        shutil.copy(path, folder / f"{name}.ipynb")
    return f"{folder.name}/{name}.ipynb"


@pytest.fixture(scope="module")
def _opened() -> Iterator[dict[str, Notebook]]:
    """What this module opened and ran; its tests share it, and each puts its explorer where it needs it."""
    opened: dict[str, Notebook] = {}
    yield opened
    for notebook in opened.values():
        notebook.close()


def shows_its_explorers(page: Page) -> None:
    """A lesson that has run shows all its views, and nothing in them is empty."""
    views = page.locator(".rpnviz")
    expect(views.first).to_be_attached()
    for view in views.all():
        view.scroll_into_view_if_needed()
        expect(view).to_be_visible()
        for canvas in view.locator("canvas").all():
            expect(canvas).to_be_visible()
            lens = "rpnviz-lens" in (canvas.get_attribute("class") or "")  # 3×3 pixels, at the first layer
            drawn = f"([canvas, least]) => ({COLOURS})(canvas) > least"  # it may come into sight before it is drawn
            page.wait_for_function(drawn, arg=[canvas.element_handle(), 1 if lens else 4])
    assert "Error displaying widget" not in page.locator(".jp-Notebook").inner_text()


@pytest.fixture
def open_and_run(browser: Browser, lab: Lab, _opened: dict[str, Notebook]) -> Iterator[Callable[..., Notebook]]:
    """Open a notebook, ours or of these cells, and run all of it. What goes wrong in it fails the test."""
    used: list[Notebook] = []

    def opener(name: str, *cells: str) -> Notebook:
        if name not in _opened:
            _opened[name] = open_notebook(new_page(browser), lab, put_into(lab, name, *cells))
            _opened[name].run_all()
            if name[:2].isdigit():
                shows_its_explorers(_opened[name].page)
        used.append(_opened[name])
        return used[-1]

    yield opener
    for notebook in used:
        assert notebook.collect() == []
        assert notebook.page.locator(".rpnviz-error").all_inner_texts() == []


@pytest.fixture
def linked(open_and_run: Callable[..., Notebook]) -> View:
    """The linked explorer of notebook 00, over the middle of the map, with the layers it opens with."""
    explorer = View(open_and_run("00"))
    explorer.root.scroll_into_view_if_needed()
    explorer.root.evaluate("() => document.activeElement.blur()")
    explorer.notebook.execute("explorer.unfold()")
    explorer.set(map="mean", seed=0, top_n=50)
    explorer.put(20, 30)
    return explorer


@pytest.fixture
def open_file(browser: Browser) -> Iterator[Callable[[Path], Notebook]]:
    """Open a saved page from file://, with no network at all."""
    opened: list[Notebook] = []

    def opener(path: Path) -> Notebook:
        opened.append(Notebook(new_page(browser)))
        listen(opened[-1].page, opened[-1])
        opened[-1].page.context.set_offline(True)
        opened[-1].page.goto(path.as_uri())
        return opened[-1]

    yield opener
    for notebook in opened:
        assert notebook.troubles == []
        notebook.page.context.close()


@pytest.fixture(scope="session")
def explorer_pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every explorer as a saved page, by its name."""
    return save_all(tmp_path_factory.mktemp("explorers"))


@pytest.fixture(scope="session")
def _windows(browser: Browser) -> dict[str, Notebook]:
    """A laptop's window and a phone's, without a network; their pages come and go."""
    windows = {}
    for name, options in {"laptop": {"viewport": LAPTOP}, "phone": {"viewport": PHONE, **FINGERS}}.items():
        page = browser.new_context(offline=True, bypass_csp=True, **options).new_page()  # the tests may evaluate
        windows[name] = Notebook(page)
        listen(page, windows[name])
    return windows


@pytest.fixture
def show(_windows: dict[str, Notebook], explorer_pages: dict[str, Path]) -> Iterator[Callable[..., Page]]:
    """Show the saved page of an explorer in a window; what goes wrong in it fails the test."""

    def shower(name: str, window: str = "laptop") -> Page:
        page = _windows[window].page
        page.emulate_media(media="screen", color_scheme="light", reduced_motion="no-preference")
        page.set_viewport_size(PHONE if window == "phone" else LAPTOP)
        page.goto(explorer_pages[name].as_uri())
        expect(page.locator(".rpnviz-shown")).not_to_be_empty()
        return page

    yield shower
    assert [trouble for window in _windows.values() for trouble in window.troubles] == []
