"""What the views of the first lessons draw, in saved pages: the pixels themselves, and what is folded away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.labels.explorer import LabelsExplorer
from rpnviz.explorers.minibatch.explorer import MinibatchExplorer
from rpnviz.explorers.poolings.explorer import PoolingsExplorer
from rpnviz.figures.palette import PALETTE
from tests.explorers.small_scene import make_picture
from tools.browser.lab import Notebook

Show = Callable[[RpnvizWidget, str], Locator]
# Which of the places, in units of a canvas's panel, show one of the colours.
SHOWN = """(canvas, [places, colours]) => {
  const panel = canvas.rpnvizPanel;
  const g = canvas.getContext("2d");
  return places.map(([x, y]) => {
    const [...rgb] = g.getImageData(panel.x(x), panel.y(y), 1, 1).data;
    return colours.some((colour) => colour.every((value, k) => Math.abs(value - rgb[k]) < 12));
  });
}"""
# What is drawn in a box, "" if nothing.
INK = """(canvas, [x1, y1, x2, y2]) => {
  const panel = canvas.rpnvizPanel;
  const [x, y] = [panel.x(x1), panel.y(y1)];
  const { data } = canvas.getContext("2d").getImageData(x, y, panel.x(x2) - x, panel.y(y2) - y);
  return data.some((value, i) => i % 4 === 3 && value > 0) ? data.join() : "";
}"""


@pytest.fixture
def show(open_file: Callable[[Path], Notebook], tmp_path: Path) -> Show:
    def opened(explorer: RpnvizWidget, name: str) -> Locator:
        explorer.to_html(tmp_path / "page.html")
        root = open_file(tmp_path / "page.html").page.locator(f".rpnviz-{name}")
        expect(root.locator("canvas").first).to_be_visible()
        return root

    return opened


def test_positive_anchors_lie_on_top_of_the_map_and_are_larger_than_their_squares(show: Show) -> None:
    explorer = LabelsExplorer(make_picture())
    positives = (explorer.found.labels == 1).nonzero().flatten().tolist()
    explorer.selected = 0
    canvas = show(explorer, "label-map").locator("canvas").first
    squares = [(i // 9 % 60 * 3 + i % 3, i // 540 * 3 + i % 9 // 3) for i in positives]
    alone = [(x, y) for x, y in squares if sum(abs(x - u) < 3 and abs(y - v) < 3 for u, v in squares) == 1]
    places = [((x + dx) / 3, (y + dy) / 3) for x, y in alone for dx, dy in ((0.5, 0.5), (-0.1, 0.5), (0.5, 1.1))]
    green = [int(PALETTE["positive"][at : at + 2], 16) for at in (1, 3, 5)]
    pale = [round((part + 255) / 2) for part in green]
    canvas.evaluate("(canvas) => { canvas.style.width = '2400px'; }")  # a square of 13 pixels, a rim of 5
    expect(canvas).to_have_js_property("width", 2400)
    assert len(alone) > 2
    assert all(canvas.evaluate(SHOWN, [places, [green, pale]]))


def test_numbers_of_the_draw_are_folded_until_they_are_asked_for(show: Show) -> None:
    explorer = MinibatchExplorer(make_picture())
    root = show(explorer, "minibatch")
    parts = [root.locator(f".rpnviz-{name}") for name in ("batch-bar", "draw", "masked")]
    for part in parts:
        expect(part).to_be_hidden()
    drawn = [str(len(explorer.sampled_pos_inds)), str(len(explorer.sampled_neg_inds))]
    assert drawn[0] not in root.inner_text().split()
    root.get_by_text("The draw in numbers").click()
    for part in parts:
        expect(part).to_be_visible()
    expect(root.locator(".rpnviz-draw tbody td:nth-child(4)")).to_have_text(drawn)


def test_a_pooling_to_be_guessed_has_its_place_and_no_number(show: Show) -> None:
    explorer = PoolingsExplorer(make_picture(), poolings=1)
    root = show(explorer, "poolings")
    canvas = root.locator("canvas")

    def ink(x1: float, x2: float, rim: float = 0) -> list[str]:
        return [canvas.evaluate(INK, (x1, 7 * level + rim, x2, 7 * level + 7 - rim)) for level in range(5)]

    assert all(ink(-52, 0))
    assert list(map(bool, ink(-40, -10, rim=2))) == [True, True, False, False, False]  # empty frames
    before = ink(0.5, 16)
    canvas.press("Shift+ArrowLeft")
    expect(root).to_have_attribute("data-steps", "984 492 246 123 61")
    assert [told != then for told, then in zip(ink(0.5, 16), before, strict=True)] == [True, True, False, False, False]
