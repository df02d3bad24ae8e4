"""Notebook 01's three explorers without a browser: what the page is told is what the compute modules say."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import traitlets as t
from matplotlib.patches import Rectangle
from PIL import Image

from rpnviz.backbone import WIDTHS, Backbone
from rpnviz.explorers.channels.explorer import ChannelsExplorer
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.payload import brightness
from rpnviz.explorers.layers.explorer import LayersExplorer, displayed
from rpnviz.explorers.poolings.explorer import LONGEST, SHORTEST, PoolingsExplorer
from rpnviz.grid import Grid
from rpnviz.inspect.channels import class_response, rank_channels
from rpnviz.inspect.layers import activations, halvings, layer_table
from rpnviz.rpn import RPNHead
from tests.explorers.small_scene import HOSTILE, make_picture, payload

PAPER = Grid.paper()
NETWORK = tuple[Backbone, RPNHead]


@pytest.fixture(scope="module")
def network() -> NETWORK:
    torch.manual_seed(0)
    return Backbone(WIDTHS["mini"]).eval(), RPNHead().eval()


@pytest.fixture(scope="module")
def opened(network: NETWORK) -> LayersExplorer:
    return LayersExplorer(make_picture(), PAPER, *network)


@pytest.fixture
def explorer(opened: LayersExplorer) -> LayersExplorer:
    """At the middle of the first layer; built once, the network is slow."""
    opened.layer, opened.channels = "conv1_1", opened.opened
    opened.x, opened.y = PAPER.centre(20, 30)
    return opened


@pytest.fixture(scope="module")
def features() -> dict[str, torch.Tensor]:
    """As smooth as a network's; noise would make large files."""
    generator = torch.Generator().manual_seed(0)
    coarse = {name: torch.rand((1, 512, 7, 10), generator=generator) for name in ("one", "two")}
    return {name: F.interpolate(maps, size=(40, 60), mode="bilinear") for name, maps in coarse.items()}


@pytest.fixture
def sheets(features: dict[str, torch.Tensor]) -> ChannelsExplorer:
    pictures = {"one": make_picture("one"), "two": make_picture("two", ("car", HOSTILE, "bus"))}
    return ChannelsExplorer(pictures, PAPER, features, class_name="dog")


# the layers


def test_the_table_is_the_walk(explorer: LayersExplorer, network: NETWORK) -> None:
    steps = layer_table(*network[:1], PAPER, network[1])
    for said, step in zip(explorer.layers, steps, strict=True):
        for name in ("name", "kernel", "stride", "channels", "jump", "receptive_field"):
            assert said[name] == getattr(step, name)
        assert said["size"] == list(step.size)
    assert [said["vgg16"] for said in explorer.layers] == [
        *[64] * 3, *[128] * 3, *[256] * 4, *[512] * 8
    ]  # fmt: skip


def test_the_maps_are_the_activations_at_the_size_they_are_shown_in(explorer: LayersExplorer, network: NETWORK) -> None:
    for said, (name, output) in zip(
        explorer.layers, activations(network[0], make_picture(), PAPER, network[1]), strict=True
    ):
        channel = explorer.opened[name]
        finer = output.shape[2] // said["shown"][0]
        wanted = F.avg_pool2d(brightness(output[0, channel : channel + 1]), finer) * 255
        sent = np.frombuffer(explorer.maps[name], np.uint8).reshape(said["shown"])
        assert finer == max(1, 4 // said["jump"])
        np.testing.assert_allclose(sent, wanted[0].numpy(), atol=0.51)


def test_opening_is_light(explorer: LayersExplorer, sheets: ChannelsExplorer) -> None:
    for widget in (explorer, sheets, PoolingsExplorer(make_picture())):
        assert payload(widget) < 700_000


def test_it_opens_on_the_channel_of_each_layer_that_varies_most(explorer: LayersExplorer) -> None:
    for name, channel in explorer.opened.items():
        spread = explorer._shown[name].float().flatten(1).std(dim=1)
        assert spread[channel] == spread.max()


@pytest.mark.parametrize(("layer", "unit"), [("conv1_1", (328, 488)), ("pool2", (82, 122)), ("conv5_3", (20, 30))])
def test_the_unit_is_the_one_at_the_place(explorer: LayersExplorer, layer: str, unit: tuple[int, int]) -> None:
    explorer.layer = layer
    assert explorer.unit() == unit
    x1, y1, x2, y2 = explorer.receptive_field()
    assert x1 < explorer.x < x2 and y1 < explorer.y < y2
    assert f"row {unit[0]}, column {unit[1]} sees" in explorer.describe()


def test_the_edges_of_the_picture_belong_to_the_outermost_units(explorer: LayersExplorer) -> None:
    explorer.layer = "conv5_3"
    explorer.x, explorer.y = 0, 0
    assert explorer.unit() == (0, 0)
    explorer.x, explorer.y = 1000, 600
    assert explorer.unit() == (39, 59)


def test_the_field_of_the_window_is_the_grids(explorer: LayersExplorer) -> None:
    explorer.layer = "RPN 3×3"
    assert explorer.receptive_field() == pytest.approx(PAPER.receptive_field(20, 30))


def test_a_wish_is_answered_with_that_channel(explorer: LayersExplorer) -> None:
    wish = {"layer": "conv4_2", "channel": 17}
    explorer.wish = wish
    assert explorer.answered["wish"] == wish
    assert explorer.extra_map == explorer._shown["conv4_2"][17].numpy().tobytes()
    with pytest.raises(t.TraitError, match=re.escape("channels['conv4_2']: got 128, takes 0 to 127")):
        explorer.wish = {"layer": "conv4_2", "channel": 128}
    assert "got 128, takes 0 to 127" in explorer.error
    assert explorer.wish == wish
    explorer.wish = {"layer": "conv4_2", "channel": 18}
    assert explorer.error == ""


def test_channels_of_layers_that_are_not_named_stay(explorer: LayersExplorer) -> None:
    before = dict(explorer.channels)
    explorer.channels = {"conv1_1": 3}
    assert explorer.channels == {**before, "conv1_1": 3}


@pytest.mark.parametrize(
    ("trait", "value", "message"),
    [
        ("layer", "conv6_1", "layer: got 'conv6_1', takes one of conv1_1, conv1_2, pool1"),
        ("channels", {"conv1_1": 16}, "channels['conv1_1']: got 16, takes 0 to 15"),
        ("channels", {"conv1_1": -1}, "channels['conv1_1']: got -1, takes 0 to 15"),
        ("channels", {"conv9": 0}, "channels: got a layer 'conv9', takes conv1_1"),
        ("channels", {"conv1_1": 2.5}, "channels['conv1_1']: got 2.5, takes 0 to 15"),
        ("x", 1000.5, "x: got 1000.5, takes 0 to 1000"),
        ("x", -1.0, "x: got -1.0, takes 0 to 1000"),
        ("y", float("nan"), "y: got nan, takes 0 to 600"),
    ],
)
def test_traits_take_what_there_is(explorer: LayersExplorer, trait: str, value: Any, message: str) -> None:
    before = getattr(explorer, trait)
    with pytest.raises(t.TraitError, match=re.escape(message)):
        setattr(explorer, trait, value)
    assert getattr(explorer, trait) == before


@pytest.mark.parametrize("layer", ["conv1_1", "pool3", "RPN 3×3"])
def test_the_still_shows_map_fields_and_table(explorer: LayersExplorer, layer: str) -> None:
    explorer.layer = layer
    figure = explorer.figure()
    shown = figure.axes[0].images[0].get_array()
    np.testing.assert_array_equal(shown, explorer._shown[layer][explorer.channels[layer]])
    number = [said["name"] for said in explorer.layers].index(layer)
    widths = [patch.get_width() for patch in figure.axes[1].patches if isinstance(patch, Rectangle)]
    assert len(widths) == number + 1 and widths == sorted(widths)
    words = {cell.get_text().get_text() for cell in figure.axes[2].tables[0].get_celld().values()}
    assert {"228", "640×960", "RPN 3×3", "receptive field"} <= words
    assert explorer.to_png().startswith(b"\x89PNG")


def test_a_saved_page_holds_the_channels_chosen_now(explorer: LayersExplorer) -> None:
    chosen = (explorer.opened["conv2_1"] + 1) % 32
    explorer.channels = {"conv2_1": chosen}
    explorer.to_html()
    assert explorer.opened["conv2_1"] == chosen
    assert explorer.maps["conv2_1"] == explorer._shown["conv2_1"][chosen].numpy().tobytes()


def test_it_ends_at_conv5_3_without_a_head_and_follows_the_grid(network: NETWORK) -> None:
    explorer = LayersExplorer(make_picture(), Grid.floor(), network[0], layer="conv5_3")
    assert [said["name"] for said in explorer.layers][-1] == "conv5_3"
    assert explorer.current.size == (37, 62)
    explorer.x, explorer.y = 1000, 600
    assert explorer.unit() == (36, 61)  # no unit stands over the last eight pixels


def test_fine_maps_are_shown_coarser_to_their_very_edge() -> None:
    assert displayed(torch.rand(2, 66, 98), 1).shape == (2, 17, 25)
    assert displayed(torch.rand(2, 66, 98), 16).shape == (2, 66, 98)
    assert displayed(torch.rand(2, 66, 98), 1).dtype == torch.uint8


# the poolings


def test_the_page_has_the_halvings_of_every_length() -> None:
    explorer = PoolingsExplorer(make_picture())
    sent = np.frombuffer(explorer.counts, "<u2").reshape(2, LONGEST - SHORTEST + 1, 5)
    for length in (SHORTEST, 600, 639, 1000, LONGEST):
        for row, ceil_mode in enumerate((False, True)):
            assert sent[row, length - SHORTEST].tolist() == halvings(length, ceil_mode)


def test_the_poolings_in_words() -> None:
    explorer = PoolingsExplorer(make_picture())
    assert explorer.describe() == "Poolings that drop an odd last column: 1000 → 500 → 250 → 125 → 62"
    explorer.length, explorer.rounding, explorer.poolings = 600, "ceil", 3
    assert explorer.describe() == "Poolings that keep an odd last column: 600 → 300 → 150 → 75"


@pytest.mark.parametrize(
    ("length", "rounding", "last"),
    [(1000, "floor", ["60", "61", "×"]), (1000, "ceil", ["60", "61", "62"]), (960, "floor", ["57", "58", "59"])],
)
def test_the_still_says_what_becomes_of_the_last_columns(length: int, rounding: str, last: list[str]) -> None:
    figure = PoolingsExplorer(make_picture(), length=length, rounding=rounding).figure()
    (ax,) = figure.axes
    bottom = [text.get_text() for text in ax.texts if text.get_position()[1] == 4.5]
    assert bottom[-3:] == last
    assert ax.get_yticklabels()[0].get_text() == f"input: {length}"


@pytest.mark.parametrize(
    ("trait", "low", "high"), [("length", SHORTEST, LONGEST), ("poolings", 0, 4)]
)  # fmt: skip
def test_poolings_take_what_there_is(trait: str, low: int, high: int) -> None:
    explorer = PoolingsExplorer(make_picture())
    for fine in (low, high):
        setattr(explorer, trait, fine)
    for off in (low - 1, high + 1):
        with pytest.raises(t.TraitError, match=re.escape(f"{trait}: got {off}, takes {low} to {high}")):
            setattr(explorer, trait, off)
    with pytest.raises(t.TraitError):
        explorer.rounding = "round"


# the channels


def test_rankings_are_those_of_rank_channels(sheets: ChannelsExplorer, features: dict[str, torch.Tensor]) -> None:
    classes = [HOSTILE, "bus", "car", "dog"]
    assert sheets.classes == classes
    orders = np.frombuffer(sheets.orders, "<u2").reshape(4, 512)
    ratios = np.frombuffer(sheets.ratios, "<f4").reshape(4, 512)
    pictures = {"one": make_picture("one"), "two": make_picture("two", ("car", HOSTILE, "bus"))}
    for k, kind in enumerate(classes):
        responses = [class_response(features[n], p, PAPER, kind) for n, p in pictures.items() if kind in p.class_names]
        order, ratio = rank_channels(responses)
        np.testing.assert_array_equal(orders[k], order)
        np.testing.assert_array_equal(ratios[k], ratio)
    shown = [(HOSTILE, "two"), ("bus", "two"), ("car", "one"), ("car", "two"), ("dog", "one")]
    assert [(kind, name) for kind, name, _ in sheets.entries] == shown


def test_means_of_every_entry_go_over(sheets: ChannelsExplorer) -> None:
    sent = np.frombuffer(sheets.means, "<f4").reshape(len(sheets.entries), 2, 512)
    for numbers, (kind, name, cells) in zip(sent, sheets.entries, strict=True):
        response = sheets.responses[kind, name]
        np.testing.assert_array_equal(numbers, [response.inside, response.outside])
        assert cells == response.cells_inside


def test_the_sheet_holds_every_channel_in_its_place(
    sheets: ChannelsExplorer, features: dict[str, torch.Tensor]
) -> None:
    sheets.picture = "two"
    assert sheets.shown == "two" and sheets.boxes[1]["name"] == HOSTILE
    sent = np.asarray(Image.open(io.BytesIO(sheets.sheet)).convert("L")).astype(float)
    assert sent.shape == (16 * 40, 32 * 60)
    wanted = brightness(features["two"][0]).numpy() * 255
    for channel in (0, 31, 32, 200, 511):
        top, left = channel // 32 * 40, channel % 32 * 60
        assert np.abs(sent[top : top + 40, left : left + 60] - wanted[channel]).mean() < 4


def test_it_opens_on_the_first_of_the_ranking(sheets: ChannelsExplorer) -> None:
    assert sheets.class_name == "dog" and sheets.channel == sheets.order()[0]
    assert "rank 1." in sheets.describe()
    sheets.channel = sheets.order()[6]
    assert "rank 7." in sheets.describe()
    sheets.class_name = ""
    assert sheets.order() == list(range(512)) and "rank" not in sheets.describe()


@pytest.mark.parametrize(
    ("trait", "value", "message"),
    [
        ("picture", "three", "picture: got 'three', takes one of 'one', 'two'"),
        ("class_name", "cat", "class_name: got 'cat', takes one of ''"),
        ("channel", 512, "channel: got 512, takes 0 to 511"),
        ("channel", -1, "channel: got -1, takes 0 to 511"),
    ],
)
def test_sheets_take_what_there_is(sheets: ChannelsExplorer, trait: str, value: Any, message: str) -> None:
    with pytest.raises(t.TraitError, match=re.escape(message)):
        setattr(sheets, trait, value)


def test_features_of_other_pictures_are_refused(features: dict[str, torch.Tensor]) -> None:
    with pytest.raises(ValueError, match=re.escape("features must be of the pictures ['mine']; got ['one', 'two']")):
        ChannelsExplorer({"mine": make_picture()}, PAPER, features)
    with pytest.raises(ValueError, match="pictures: got none, takes at least one"):
        ChannelsExplorer({}, PAPER, {})


def test_the_still_lights_the_channel_and_marks_its_tile(sheets: ChannelsExplorer) -> None:
    sheets.channel = sheets.order()[23]  # second row, second tile
    left, right = sheets.figure().axes
    (tile,) = (patch for patch in left.patches if isinstance(patch, Rectangle))
    assert tile.get_xy() == (62 - 1, 42 - 1)
    dark = np.asarray(right.images[1].get_array())[..., 3]
    np.testing.assert_allclose(dark, 0.78 * (1 - sheets._bright[sheets.channel].numpy()), atol=1e-6)


def test_an_error_while_showing_a_picture_is_seen_and_raised(
    sheets: ChannelsExplorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sheets._features, "two", torch.zeros(3))
    with pytest.raises(ValueError, match="unpack"):
        sheets.picture = "two"
    assert sheets.error.startswith("could not change what is shown: ValueError")


@pytest.mark.parametrize("which", ["layers", "poolings", "channels"])
def test_bundle_page_and_modules(which: str, explorer: LayersExplorer, sheets: ChannelsExplorer) -> None:
    poolings = PoolingsExplorer(make_picture())
    each: dict[str, RpnvizWidget] = {"layers": explorer, "poolings": poolings, "channels": sheets}
    widget = each[which]
    data, _ = widget._repr_mimebundle_()
    assert {"image/png", "text/plain", "application/vnd.jupyter.widget-view+json"} <= set(data)
    page = widget.to_html()
    assert page.count("<script") == 2 and "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "<img src=x" not in page
