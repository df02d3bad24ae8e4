"""Notebook 02's explorer without a browser: the page gets the head's own numbers."""

from __future__ import annotations

import io
import re
import zlib
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import traitlets as t
from PIL import Image
from playwright.sync_api import Browser

from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.backbone import Backbone
from rpnviz.explorers.common.bundle import view_module
from rpnviz.explorers.common.map_and_picture import place
from rpnviz.explorers.common.payload import brightness, hundredths
from rpnviz.explorers.window.explorer import WindowExplorer
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead
from tests.explorers.page_code import as_state, ask_page
from tests.explorers.small_scene import make_picture, payload

PAPER = Grid.paper()
PLACES = [(0, 0, 0), (31, 39, 59), (32, 0, 1), (511, 20, 30)]  # channel, row, column
UNPACK = f"""
const {{ revive }} = rpnviz.take("saved/open.js");
const there = (load) => new Promise((done) => {{ const got = load(() => done(got())); got(); }});
export async function ask(state) {{
  const {{ features, deltas }} = JSON.parse(state, revive);
  const sheet = await there((onLoad) => loadSheet(() => features, [40, 60], onLoad));
  return {{
    deltas: Array.from(await there((onLoad) => loadHundredths(deltas, onLoad))),
    map: Array.from(sheet.map(33)),
    cells: {[list(place) for place in PLACES]}.map((place) => sheet.at(...place)),
  }};
}}
"""


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


def numbers(sent: bytes) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.frombuffer(zlib.decompress(sent), "<i4") / 100


def brightness_sent(sheet: bytes, count: int, rows: int, cols: int) -> np.ndarray[tuple[int, int, int], np.dtype[Any]]:
    """The maps [C, h, w] out of a sheet of 32 maps a row."""
    grey = np.asarray(Image.open(io.BytesIO(sheet)).convert("L")) / 255
    tiles = grey.reshape(-1, rows, 32, cols).transpose(0, 2, 1, 3)
    return tiles.reshape(-1, rows, cols)[:count]


def test_logits_and_deltas_are_the_heads(window: WindowExplorer, features: torch.Tensor, head: RPNHead) -> None:
    with torch.no_grad():
        objectness, deltas = head(features)
    for sent, answer in ((window.objectness, objectness), (window.deltas, deltas)):
        np.testing.assert_allclose(numbers(sent), answer.flatten().numpy(), rtol=0, atol=0.005 + 1e-6)


@pytest.mark.parametrize("count", [512, 33])
def test_the_sheets_show_features_and_vectors(features: torch.Tensor, count: int) -> None:
    torch.manual_seed(0)
    head, seen = RPNHead(in_channels=count).eval(), features[:, :count]
    window = WindowExplorer(make_picture(), PAPER, seen, head)
    with torch.no_grad():
        vectors = head.window_vector(seen)
    assert window.num_channels == count
    for sent, values in ((window.features, seen), (window.vectors, vectors)):
        most = values[0, :, 6:-6, 6:-6].amax(dim=(1, 2)).numpy()[:, None, None]  # away from the rim
        wanted = np.sqrt((values[0].numpy() / most.clip(min=1e-9)).clip(max=1))  # a channel may be silent
        bright = brightness_sent(sent, count, 40, 60)
        assert np.abs(bright - wanted).max() <= 1 / 40 + 1 / 510 + 1e-6  # half a step, and half a grey value
        assert bright[wanted == 0].max(initial=0) == 0  # what is dark stays dark


def test_numbers_come_to_the_hundredth_however_large() -> None:
    given = torch.tensor([0.0, -0.004, 0.126, -69.0793, 12_345.678, 1e12])
    assert numbers(hundredths(given)).tolist() == [0, 0, 0.13, -69.08, 12_345.68, (2**31 - 1) / 100]


def test_the_page_unpacks_what_was_packed(window: WindowExplorer, browser: Browser) -> None:
    state = {"features": window.features, "deltas": window.deltas}
    said = ask_page(browser, "common/packed.js", UNPACK, as_state(state))
    assert said["deltas"] == numbers(window.deltas).tolist()
    sent = np.rint(brightness_sent(window.features, 512, 40, 60) * 255).astype(int)
    assert said["map"] == sent[33].flatten().tolist()
    assert said["cells"] == [int(sent[channel, row, col]) for channel, row, col in PLACES]


def test_it_opens_with_few_bytes() -> None:
    picture = Picture.load("street-09")  # of the bundled ones that whose maps are the longest
    grid = Grid.paper(picture.image_size)
    window = WindowExplorer(picture, grid, Backbone.load("mini").features(picture, grid), RPNHead.load("mini"))
    assert payload(window) <= 680_000  # 84 kB of them are the code of the network, which a page without a kernel asks


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
    assert all(set(anchor) == {"name", "box"} for anchor in window.anchors)  # a shape has no line of its own


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
    modules = re.split(r"^rpnviz\.define\(", view_module(window.view), flags=re.MULTILINE)
    for module in modules:  # each has a scope of its own
        names = re.findall(r"^(?:async )?(?:function\*?|class|const|let) (\w+)", module, re.MULTILINE)
        assert len(names) == len(set(names))
    defined = [module.partition(",")[0] for module in modules[1:]]
    assert len(defined) == len(set(defined)) > 1
