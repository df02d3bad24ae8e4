"""A visitor without Python opens the site from the disk and asks: and on my picture? In each of the browsers."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import rpnviz
from rpnviz.explorers.common.own_picture import look
from rpnviz.explorers.linked.explorer import LinkedExplorer
from rpnviz.explorers.loss.explorer import LossExplorer
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from tests.explorers.photos import photograph
from tests.moving import live
from tests.site.test_engines import FOREIGN
from tools.browser.page import Page

# Drop a file on the explorer, as a file manager would.
DROP = """([name, text]) => {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, { type: "image/png" }));
  for (const kind of ["dragenter", "dragover", "drop"]) {
    measured.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
  }
}"""
OPENED = "() => measured.querySelector('.rpnviz-own-said').textContent.includes('fitted into')"
SAID = "() => [...measured.querySelectorAll('.rpnviz-funnel b')].map((one) => one.textContent)"
SUMS = """() => [...measured.querySelectorAll(".rpnviz-sums tbody tr")].flatMap((row) =>
  [...row.querySelectorAll("td")].slice(-3).map((cell) => cell.textContent))"""
BOXES = """() => [...measured.querySelectorAll(".rpnviz-object-layer .rpnviz-movable")].map((one) => one.ariaLabel)"""
FOCUS = """(name) => {
  const named = (one) => one.ariaLabel || one.labels?.[0]?.textContent.trim() || "";
  const found = [...measured.querySelectorAll("details input[type=range]")].find((one) => named(one).startsWith(name));
  found.focus();
  return named(found);
}"""
KEYS = {"bg_iou_thresh": "ArrowRight", "fg_iou_thresh": "ArrowLeft", "nms_thresh": "ArrowLeft"}


@pytest.fixture(scope="module")
def photo() -> tuple[str, Picture]:
    """A photograph as PNG, so that every browser decodes the very same pixels."""
    image = Image.open(photograph())
    image.save(file := io.BytesIO(), "PNG")
    return base64.b64encode(file.getvalue()).decode("ascii"), Picture.fit(image, name="photo")


def box_of(page: Page) -> list[float]:
    """The one object, as its grip tells it: "object: 200 by 100, left 10, top 20"."""
    (told,) = page.evaluate(BOXES)
    words = told.partition(": ")[2].replace(",", "").replace("by ", "").split()
    width, height, left, top = (float(one) for one in words if one.replace(".", "").isdigit())
    return [left, top, left + width, top + height]


def counts(explorer: LinkedExplorer) -> list[str]:
    """What stands above the view: both branches, counted."""
    results, (pos, neg) = explorer.results, explorer.minibatch
    labels = results.found.labels
    many = f"{int((labels == 1).sum()):,} positive + {int((labels == 0).sum()):,} negative"
    inside = int((~results.found.crosses_boundary).sum())
    branch = [f"{inside:,}", many, f"{len(pos) + len(neg)} = {len(pos)} + {len(neg)}"]
    return [*branch, *(f"{count:,}" for _, count in results.stages.funnel())]


def drop(page: Page, address: str, photo: str) -> None:
    """Open a page, and drop a photograph on its first explorer."""
    page.open(address)
    live(page, ".rpnviz-mount")
    page.evaluate(DROP, ["photo.png", photo])
    page.wait_for(OPENED)


def move_all(page: Page, explorer: Any, says_the_same: Callable[[], bool], thresholds: Iterable[str]) -> None:
    """Draw a box, move it, move every threshold; each time the page says what Python says of the same."""
    page.drag(".rpnviz-mount .rpnviz-drawing-sheet", (90, 60))
    page.wait_for("() => measured.querySelectorAll('.rpnviz-object-layer .rpnviz-movable').length === 1")
    for by in ((0, 0), (-40, -25)):
        if by != (0, 0):
            page.drag(".rpnviz-mount .rpnviz-object-layer .rpnviz-movable", by)
        explorer.objects = [{"name": "object", "box": box_of(page)}]
        assert says_the_same()
    for name in thresholds:
        page.evaluate(FOCUS, name)
        for _ in range(5):
            page.press(KEYS[name])
        setattr(explorer, name, round(getattr(explorer, name) + (0.05 if KEYS[name] == "ArrowRight" else -0.05), 2))
        assert says_the_same(), name


def test_labels_minibatch_and_proposals_of_a_photograph(
    site: Path, new_page: Callable[[], Page], photo: tuple[str, Picture]
) -> None:
    page = new_page()
    drop(page, f"{site.as_uri()}/00_nine_anchors.html", photo[0])
    explorer = rpnviz.explore(photo[1])
    assert page.evaluate(SAID) == counts(explorer)
    move_all(page, explorer, lambda: page.evaluate(SAID) == counts(explorer), KEYS)
    assert page.evaluate(FOREIGN) == []


def test_losses_of_a_photograph(site: Path, new_page: Callable[[], Page], photo: tuple[str, Picture]) -> None:
    page = new_page()
    drop(page, f"{site.as_uri()}/06_the_loss.html", photo[0])
    explorer = LossExplorer(photo[1], *look(photo[1], Grid.paper())[1:])

    def says_the_same() -> bool:
        sums = np.array([float(one.replace("−", "-").replace(",", "")) for one in page.evaluate(SUMS)])
        ours = [[*pair, sum(pair)] for pair in explorer.losses.values()]
        return bool(np.abs(sums - np.array(ours).ravel()).max() < 2e-4)

    assert says_the_same()
    move_all(page, explorer, says_the_same, ("bg_iou_thresh", "fg_iou_thresh"))
    assert page.evaluate(FOREIGN) == []
