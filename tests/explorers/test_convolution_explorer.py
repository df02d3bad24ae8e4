"""The convolution explorer without a browser: the page gets the exact numbers of the network."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import traitlets as t

from rpnviz.explorers.convolution.explorer import TILE, ConvolutionExplorer
from rpnviz.grid import Grid
from rpnviz.rpn import RPNHead
from tests.explorers.small_scene import make_picture, payload

PAPER = Grid.paper()
CHANNELS = 33


@pytest.fixture(scope="module")
def features() -> torch.Tensor:
    return torch.rand((1, CHANNELS, 40, 60), generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def head() -> RPNHead:
    torch.manual_seed(0)
    return RPNHead(CHANNELS).eval()


@pytest.fixture
def explorer(features: torch.Tensor, head: RPNHead) -> ConvolutionExplorer:
    return ConvolutionExplorer(make_picture(), PAPER, features, head, row=24, col=13)


def sent_window(explorer: ConvolutionExplorer) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """What the window covers, cut out of the part of the map that was sent."""
    numbers = np.frombuffer(zlib.decompress(explorer.tile_features), np.float32).reshape(CHANNELS, TILE + 2, TILE + 2)
    row, col = explorer.row % TILE, explorer.col % TILE
    return numbers[:, row : row + 3, col : col + 3]


@pytest.mark.parametrize("place", [(0, 0), (24, 13), (19, 20), (20, 19), (39, 59), (0, 59)])
def test_window_and_filter_are_sent_to_the_bit(
    explorer: ConvolutionExplorer, features: torch.Tensor, head: RPNHead, place: tuple[int, int]
) -> None:
    explorer.row, explorer.col = place
    explorer.output = 7
    row, col = place
    covered = F.pad(features[0], (1, 1, 1, 1))[:, row : row + 3, col : col + 3].numpy()
    np.testing.assert_array_equal(sent_window(explorer), covered)
    weights = np.frombuffer(explorer.filter_weights, np.float32).reshape(CHANNELS, 3, 3)
    np.testing.assert_array_equal(weights, head.conv.weight[7].detach().numpy())
    with torch.no_grad():
        before = head.conv(features)[0, 7, row, col]
    assert float((sent_window(explorer) * weights).sum()) + explorer.bias == pytest.approx(float(before), abs=1e-4)
    assert explorer.taken_apart.before_relu == pytest.approx(float(before), abs=1e-4)


def test_it_opens_on_the_largest_output_and_what_adds_most(explorer: ConvolutionExplorer, head: RPNHead) -> None:
    with torch.no_grad():
        made = head.window_vector(explorer._features)[0, :, 24, 13]
    assert explorer.output == int(made.argmax())
    assert explorer.channel == int(explorer.taken_apart.channel_sums.abs().argmax())


def test_within_a_part_nothing_is_sent_again(explorer: ConvolutionExplorer) -> None:
    changes: list[str] = []
    explorer.observe(lambda change: changes.append(change["name"]), names=["tile_features", "filter_weights"])
    explorer.col, explorer.row = 14, 39
    assert changes == []
    explorer.row = 19
    assert changes == ["tile_features"]


@pytest.mark.parametrize(("name", "value"), [("row", 40), ("col", 60), ("channel", CHANNELS), ("output", -1)])
def test_nothing_beyond_the_map_or_its_channels(explorer: ConvolutionExplorer, name: str, value: int) -> None:
    with pytest.raises(t.TraitError, match=f"^{name}: got {value}"):
        setattr(explorer, name, value)


def test_a_window_of_one_cell_is_refused(features: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="head must have a window of 3×3 cells; got 1×1"):
        ConvolutionExplorer(make_picture(), PAPER, features, RPNHead(CHANNELS, kernel_size=1))


def test_the_site_has_all_parts_of_the_map_and_some_filters(explorer: ConvolutionExplorer) -> None:
    parts, filters = (list(asked.given.items()) for asked in explorer.recorded())
    assert parts == [("tile", list(range(6)))]
    assert explorer.output in filters[0][1] and len(filters[0][1]) == 32
    assert explorer.moves()["output"]["choices"] == [explorer.output]


def test_the_sentence_has_the_numbers(explorer: ConvolutionExplorer) -> None:
    made = explorer.taken_apart
    assert explorer.describe().endswith(f"after the ReLU {made.after_relu:.3f}.")


def test_it_opens_small(explorer: ConvolutionExplorer) -> None:
    assert payload(explorer) < 600_000
