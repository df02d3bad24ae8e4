"""Notebook 02's explorer without a browser: the page gets the head's own numbers."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import traitlets as t
from PIL import Image

from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.explorers.common.map_and_picture import place
from rpnviz.explorers.common.payload import brightness
from rpnviz.explorers.window.explorer import WindowExplorer
from rpnviz.grid import Grid
from rpnviz.rpn import RPNHead
from tests.explorers.small_scene import make_picture

PAPER = Grid.paper()


@pytest.fixture(scope="module")
def features() -> torch.Tensor:
    return torch.rand((1, 512, 40, 60), generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def head() -> RPNHead:
    torch.manual_seed(0)
    return RPNHead().eval()


@pytest.fixture
def window(features: torch.Tensor, head: RPNHead) -> WindowExplorer:
    return WindowExplorer(make_picture(), PAPER, features, head, row=20, col=30)


def test_logits_and_deltas_are_the_heads(window: WindowExplorer, features: torch.Tensor, head: RPNHead) -> None:
    with torch.no_grad():
        objectness, deltas = head(features)
    np.testing.assert_array_equal(np.frombuffer(window.objectness, "<f4"), objectness.flatten().numpy())
    np.testing.assert_array_equal(np.frombuffer(window.deltas, "<f4"), deltas.flatten().numpy())


def test_the_sheets_show_features_and_vectors(window: WindowExplorer, features: torch.Tensor, head: RPNHead) -> None:
    with torch.no_grad():
        vectors = head.window_vector(features)
    for sent, values in ((window.features, features), (window.vectors, vectors)):
        bright = np.frombuffer(sent, np.uint8).reshape(512, 40, 60) / 255
        most = values[0, :, 6:-6, 6:-6].amax(dim=(1, 2)).numpy()[:, None, None]  # away from the rim
        np.testing.assert_allclose(bright**2 * most, values[0].clamp(max=torch.tensor(most)), atol=0.01 * most.max())


def test_an_empty_channel_stays_dark() -> None:
    assert brightness(torch.zeros(2, 20, 20)).eq(0).all()


def test_it_opens_on_the_channel_that_varies_most(features: torch.Tensor, head: RPNHead) -> None:
    lively = features * 0.01
    lively[0, 77, 10:20] = 1
    assert WindowExplorer(make_picture(), PAPER, lively, head).channel == 77
    assert WindowExplorer(make_picture(), PAPER, lively, head, channel=-1).channel == -1


@pytest.mark.parametrize("name", ["paper", "floor", "ceil"])
def test_the_page_can_place_window_field_and_anchors(name: str) -> None:
    grid = Grid.named(name)
    said = place(grid)
    row, col = 7, 11
    y, x = ((n + 0.5) * stride for n, stride in zip((row, col), said["stride"], strict=True))
    for half, box in (("window", grid.footprint(row, col)), ("receptive_field", grid.receptive_field(row, col))):
        half_x, half_y = said["half"][half]
        assert (x - half_x, y - half_y, x + half_x, y + half_y) == pytest.approx(box)
    ours = grid_anchors(grid, cell_anchors()).reshape(*grid.feature_size, 9, 4)[row, col]
    assert torch.allclose(cell_anchors() + torch.tensor([x, y, x, y]), ours)


def test_the_picture_and_the_anchors_go_over(window: WindowExplorer) -> None:
    sent = np.asarray(Image.open(io.BytesIO(window.image)).convert("RGB"))
    assert sent.shape == (600, 1000, 3)
    assert np.abs(sent.astype(int) - make_picture().image).mean() < 6
    assert [anchor["box"] for anchor in window.anchors] == cell_anchors().tolist()
    assert [anchor["name"] for anchor in window.anchors][:3] == ["182×90", "362×182", "724×362"]
    assert len({(anchor["color"], tuple(anchor["dash"])) for anchor in window.anchors}) == 9


@pytest.mark.parametrize(
    ("trait", "low", "high"), [("row", 0, 39), ("col", 0, 59), ("channel", -1, 511), ("selected", -1, 8)]
)
def test_traits_take_what_is_on_the_map(window: WindowExplorer, trait: str, low: int, high: int) -> None:
    for fine in (low, high):
        setattr(window, trait, fine)
    for off in (low - 1, high + 1):
        with pytest.raises(t.TraitError, match=re.escape(f"{trait}: got {off}, takes {low} to {high}")):
            setattr(window, trait, off)
    assert getattr(window, trait) == high


def test_the_sentence_names_the_highest_logit(window: WindowExplorer, features: torch.Tensor, head: RPNHead) -> None:
    window.row, window.col = 3, 4
    with torch.no_grad():
        logits = head(features)[0][0, :, 3, 4]
    best = window.anchors[int(logits.argmax())]["name"]
    assert (
        f"row 3, column 4: 512 numbers, then 9 logits (highest {logits.max():.2f}, for the anchor {best})"
        in window.describe()
    )


@pytest.mark.parametrize(("row", "col"), [(0, 0), (39, 59), (20, 30)])
def test_the_still_shows_the_window_also_at_the_rim(window: WindowExplorer, row: int, col: int) -> None:
    window.row, window.col, window.channel = row, col, 17
    figure = window.figure()
    patch = F.pad(window._features, (1, 1, 1, 1))[:, row : row + 3, col : col + 3]
    tiles = np.asarray(figure.axes[2].images[0].get_array())
    assert tiles.shape == (48, 96)
    for channel in (0, 31, 32, 511):
        top, left = 3 * (channel // 32), 3 * (channel % 32)
        np.testing.assert_array_equal(tiles[top : top + 3, left : left + 3], patch[channel])
    assert window.to_png().startswith(b"\x89PNG")


def test_bundle_and_page(window: WindowExplorer) -> None:
    data, _ = window._repr_mimebundle_()
    assert {"image/png", "text/plain", "application/vnd.jupyter.widget-view+json"} <= set(data)
    page = window.to_html()
    assert page.count("<script") == 2 and "http://" not in page.replace("http://www.w3.org/2000/svg", "")


def test_the_modules_are_joined_whole(window: WindowExplorer) -> None:
    assert not re.search(r"^import ", window._esm, re.MULTILINE)
    names = re.findall(r"^(?:async )?(?:function|class|const|let) (\w+)", window._esm, re.MULTILINE)
    assert len(names) == len(set(names))
