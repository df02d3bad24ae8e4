"""The network in the page in Firefox and WebKitGTK too: in a worker, with PyTorch's numbers, of the same pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.rpn import flatten_head
from tests.explorers.compute_page import ComputePage
from tests.explorers.network_page import LOOK, NO_PAGE_KERNEL, as_grid, far, network_page, networks
from tests.explorers.test_page_pictures import FILES
from tools.browser.engines import chosen
from tools.browser.page import Engine

# What a browser does otherwise than Python, and the largest difference, of 255, that may come of it. Firefox and
# WebKitGTK lose a bit of a colour that is multiplied by its alpha; WebKitGTK believes a colour profile that it was told
# to ignore, and does not turn a PNG.
OTHERWISE = {
    "firefox": {"PNG with any alpha": 4, "WebP with any alpha": 4},
    "webkit": {
        "PNG with any alpha": 4,
        "WebP with any alpha": 4,
        "JPEG with a colour profile": 255,
        "PNG turned by EXIF 6": 255,
    },
}
OPEN = "(bytes, name) => reader.openPicture(new File([bytes], name))"


@pytest.fixture(scope="module", params=[name for name in chosen() if name != "chromium"])
def engine(request: pytest.FixtureRequest, engines: Callable[[str], Engine]) -> Engine:
    return engines(request.param)


@pytest.fixture(scope="module")
def page(engine: Engine) -> Iterator[ComputePage]:
    made = network_page(engine)
    made.page.evaluate(f"() => {{ {NO_PAGE_KERNEL} }}")
    yield made
    made.page.close()


@torch.no_grad()
def test_another_browser_has_the_numbers_of_pytorch(page: ComputePage) -> None:
    picture, grid = Picture.load("street-03"), Grid.paper()
    said = page.run(LOOK, picture.image, as_grid(grid))
    backbone, head, _ = networks()
    features = backbone.features(picture, grid)
    logits, deltas = flatten_head(*head(features))
    assert far(said["features"], features) < 1e-4
    assert far(said["objectness"], logits) < 1e-3
    assert far(said["deltas"], deltas) < 1e-4


@pytest.mark.parametrize("kind", FILES)
def test_another_browser_has_the_pixels_of_python(engine: Engine, page: ComputePage, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "picture"
    path.write_bytes(FILES[kind]())
    said, picture = page.run(OPEN, path.read_bytes(), "picture"), Picture.open(path)
    difference = said["image"].reshape(picture.image.shape).astype(int) - picture.image
    allowed = OTHERWISE.get(engine.name, {}).get(kind, 0)
    largest = np.abs(difference).max()
    assert largest <= allowed
    assert allowed == 0 or largest > 0, "it is not so any more"
