"""Every notebook as a reader meets it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tools.browser.lab import Notebook
from tools.notebooks.run import NOTEBOOKS

COLOURS = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return new Set(new Uint32Array(data.buffer)).size;
}"""


@pytest.mark.parametrize("name", sorted(path.stem for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")))
def test_runs_and_shows_its_explorers(open_and_run: Callable[..., Notebook], name: str) -> None:
    page = open_and_run(name).page
    views = page.locator(".rpnviz")
    expect(views.first).to_be_attached()
    for view in views.all():
        view.scroll_into_view_if_needed()
        expect(view).to_be_visible()
        for canvas in view.locator("canvas").all():
            expect(canvas).to_be_visible()
            lens = "rpnviz-lens" in (canvas.get_attribute("class") or "")  # 3×3 pixels, at the first layer
            assert canvas.evaluate(COLOURS) > (1 if lens else 4), "an empty canvas"
    assert "Error displaying widget" not in page.locator(".jp-Notebook").inner_text()
