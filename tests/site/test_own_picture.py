"""A visitor without Python opens the site from the disk and asks: and on my picture? In each of the browsers."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import rpnviz
from rpnviz.explorers.linked.explorer import LinkedExplorer
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


def test_a_visitor_drops_a_photograph_and_asks(
    site: Path, new_page: Callable[[], Page], photo: tuple[str, Picture]
) -> None:
    page = new_page()
    page.open(f"{site.as_uri()}/00_nine_anchors.html")
    live(page, ".rpnviz-mount")
    explorer: Any = rpnviz.explore(photo[1])
    page.evaluate(DROP, ["photo.png", photo[0]])
    page.wait_for(OPENED)
    assert page.evaluate(SAID) == counts(explorer)
    page.drag(".rpnviz-mount .rpnviz-drawing-sheet", (90, 60))  # draws a box
    page.wait_for("() => measured.querySelectorAll('.rpnviz-object-layer .rpnviz-movable').length === 1")
    for by in ((0, 0), (-40, -25)):
        if by != (0, 0):
            page.drag(".rpnviz-mount .rpnviz-movable", by)  # moves it
        explorer.objects = [{"name": "object", "box": box_of(page)}]
        assert page.evaluate(SAID) == counts(explorer)
    for name, key in KEYS.items():  # moves every threshold
        before = getattr(explorer, name)
        page.evaluate(FOCUS, name)
        for _ in range(5):
            page.press(key)
        setattr(explorer, name, round(before + (0.05 if key == "ArrowRight" else -0.05), 2))
        assert page.evaluate(SAID) == counts(explorer), name
    assert page.evaluate(FOREIGN) == []
