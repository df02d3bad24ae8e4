"""The explorer of notebook 09: what it holds, what it refuses, what is left without a page."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
import torch
import torchvision.ops
import traitlets as t
from PIL import Image

from rpnviz.explorers.roi.explorer import CHANNELS, RoIExplorer
from rpnviz.figures.palette import PALETTE
from rpnviz.grid import Grid
from rpnviz.roi import to_cells
from tests.explorers.small_scene import HOSTILE, make_picture, payload

PROPOSALS = torch.tensor([[300.0, 200, 560, 460], [110.3, 90.7, 250.9, 180.1], [0, 400, 120, 600]])


def features(channels: int = 40) -> torch.Tensor:
    return torch.rand(1, channels, 40, 60, generator=torch.Generator().manual_seed(0))


def make(**traits: Any) -> RoIExplorer:
    return RoIExplorer(make_picture(), Grid.paper(), features(), PROPOSALS, **traits)


@pytest.fixture
def explorer() -> RoIExplorer:
    return make(proposal=1)


def test_opens_on_the_chosen_proposal(explorer: RoIExplorer) -> None:
    assert explorer.box == pytest.approx(PROPOSALS[1].tolist())
    assert explorer.channel in explorer.plan["channels"]
    assert len(explorer.plan["channels"]) == CHANNELS
    assert explorer.plan["proposals"] == PROPOSALS.tolist()


@pytest.mark.parametrize("settings", [{}, {"aligned": False}, {"sampling_ratio": 0}, {"box": [3.0, 5, 900, 555]}])
def test_outputs_are_torchvisions(explorer: RoIExplorer, settings: dict[str, Any]) -> None:
    for name, value in settings.items():
        setattr(explorer, name, value)
    box = to_cells(torch.tensor([explorer.box]), explorer.grid)
    channel = features()[:, [explorer.channel]]
    assert torch.equal(explorer.pooled.output, torchvision.ops.roi_pool(channel, [box], 7)[0])
    theirs = torchvision.ops.roi_align(channel, [box], 7, 1, explorer.sampling_ratio, explorer.aligned)[0]
    assert torch.allclose(explorer.aligned_box.output, theirs, atol=1e-6)
    at = explorer.bin_row, explorer.bin_col
    assert explorer.values["pool"] == explorer.pooled.output[0][at].item()
    assert explorer.values["align"] == pytest.approx(theirs[0][at].item(), abs=1e-6)


def test_page_gets_the_very_numbers(explorer: RoIExplorer) -> None:
    sent = np.frombuffer(explorer.features, "<f4").reshape(-1, 40, 60)
    assert np.array_equal(sent, features()[0, explorer.plan["channels"]].numpy())


def test_a_point_is_read_where_it_is_dragged_to(explorer: RoIExplorer) -> None:
    grid_point = explorer.values["value"]
    explorer.probe = [10.0, 12.0]  # a cell's centre: that cell alone
    assert explorer.values["value"] == pytest.approx(features()[0, explorer.channel, 10, 12].item())
    explorer.probe = []
    assert explorer.values["value"] == grid_point
    explorer.point = 99  # beyond the last is the last
    four = explorer.aligned_box.points(3, 3)
    assert explorer.at_point[0].weights.sum() == pytest.approx(1)
    explorer.point = len(four) - 1
    last = explorer.values["value"]
    explorer.point = 99
    assert explorer.values["value"] == last


@pytest.mark.parametrize(
    ("trait", "value"),
    [
        ("box", [10.0, 10, 10, 20]),
        ("box", [10.0, 10, float("nan"), 20]),
        ("box", [-1.0, 10, 50, 20]),
        ("box", [10.0, 10, 1001, 20]),
        ("box", [10.0, 10, 50]),
        ("channel", 512),
        ("bin_row", 7),
        ("bin_col", -1),
        ("sampling_ratio", 5),
        ("sampling_ratio", -1),
        ("aligned", "yes"),
        ("point", -1),
        ("probe", [1.0]),
        ("probe", [40.0, 1.0]),
        ("probe", [1.0, float("nan")]),
    ],
)
def test_refuses(explorer: RoIExplorer, trait: str, value: Any) -> None:
    before = getattr(explorer, trait)
    with pytest.raises(t.TraitError, match=trait):
        setattr(explorer, trait, value)
    assert getattr(explorer, trait) == before


def test_refuses_what_is_not_there() -> None:
    with pytest.raises(ValueError, match="proposal: got 3, takes a row of proposals, 0 to 2"):
        make(proposal=3)
    with pytest.raises(ValueError, match="channels must be a whole number from 0 to 39; got 40"):
        make(channels=[40])
    with pytest.raises(ValueError, match="channels must be"):
        make(channels=[])


def test_channels_of_ones_own() -> None:
    explorer = make(channels=[5, 2])
    assert explorer.plan["channels"] == [5, 2]
    explorer.channel = 2
    with pytest.raises(t.TraitError, match="channel: got 3, takes one of"):
        explorer.channel = 3


def test_something_is_left_without_a_page() -> None:
    shown = RoIExplorer(make_picture(HOSTILE, (HOSTILE, "dog", "dog")), Grid.paper(), features(), PROPOSALS)
    bundle: Any = shown._repr_mimebundle_()[0]
    assert Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))).width > 900
    assert bundle["text/plain"] == shown.describe()
    page = shown.to_html()
    assert HOSTILE not in page and page.count("</script>") == 2
    assert payload(shown) < 700_000


def test_still_draws_both_boxes_and_the_bin_in_their_colours(explorer: RoIExplorer) -> None:
    explorer.figure().savefig(buffer := io.BytesIO(), dpi=100)
    pixels: Any = Image.open(buffer).convert("RGB").getcolors(1 << 20)
    colours = {"#" + "".join(f"{value:02X}" for value in rgb) for _, rgb in pixels}
    assert {PALETTE["proposal"], PALETTE["whole_cells"], PALETTE["window"]} <= colours


def test_describes_both_values(explorer: RoIExplorer) -> None:
    values = explorer.values
    assert f"RoI pooling {values['pool']:.3f}, RoIAlign {values['align']:.3f}." in explorer.describe()
    assert explorer.describe().startswith("A box of 141×89 px")


def test_stills_differ_where_the_explorer_does(explorer: RoIExplorer) -> None:
    first = explorer.to_png()
    assert explorer.to_png() == first
    for name, value in {"bin_row": 0, "aligned": False, "box": [10.0, 10, 60, 60], "channel": 0}.items():
        if name == "channel":
            value = next(c for c in explorer.plan["channels"] if c != explorer.channel)
        setattr(explorer, name, value)
        changed = explorer.to_png()
        assert changed != first, name
        first = changed
