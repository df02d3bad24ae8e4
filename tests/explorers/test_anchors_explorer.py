"""Notebook 03's explorer without a browser: counts, wishes of the page, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import traitlets as t
from matplotlib.patches import Rectangle

from rpnviz.anchors import cell_anchors, ctpn_cell_anchors, grid_anchors, inside_picture
from rpnviz.explorers.anchors.explorer import AnchorsExplorer, parse
from rpnviz.grid import Grid
from tests.explorers.small_scene import make_picture

BY_SHAPE = [1700, 1064, 256, 1664, 968, 180, 1512, 800, 0]


@pytest.fixture
def explorer() -> AnchorsExplorer:
    return AnchorsExplorer(make_picture(), Grid.paper(), row=20, col=30)


def wish(explorer: AnchorsExplorer, **asked: str) -> None:
    """Ask as the page does."""
    explorer.set_state({"wish": asked})


def test_it_opens_with_the_nine_and_their_counts(explorer: AnchorsExplorer) -> None:
    assert explorer.counts == BY_SHAPE
    assert sum(explorer.counts) == 8144
    assert explorer.choice == {"preset": "paper", "scales": "128, 256, 512", "aspect_ratios": "0.5, 1, 2"}
    assert "8,144 of 21,600 anchors lie inside" in explorer.describe()


def test_the_flags_are_those_of_the_compute_module(explorer: AnchorsExplorer) -> None:
    sent = np.frombuffer(explorer.inside, np.uint8)
    grid = Grid.paper()
    np.testing.assert_array_equal(sent, inside_picture(grid_anchors(grid, cell_anchors()), grid.image_size).numpy())


@pytest.mark.parametrize(("name", "inside"), [("paper", 8144), ("floor", 8044), ("ceil", 8044)])
def test_the_page_may_ask_for_another_grid(explorer: AnchorsExplorer, name: str, inside: int) -> None:
    wish(explorer, preset="paper", grid=name)
    assert sum(explorer.counts) == inside
    assert explorer.place["feature_size"] == list(Grid.named(name).feature_size)
    assert explorer.answered == {"wish": explorer.wish} and explorer.error == ""


def test_a_smaller_grid_keeps_the_window_on_the_map() -> None:
    explorer = AnchorsExplorer(make_picture(), Grid.ceil(), row=37, col=62)
    explorer.use(grid="paper")
    assert (explorer.row, explorer.col) == (37, 59)
    explorer.use(grid="floor")
    assert (explorer.row, explorer.col) == (36, 59)
    explorer.row = 36
    with pytest.raises(t.TraitError, match="row: got 37, takes 0 to 36"):
        explorer.row = 37


def test_ctpn_has_ten(explorer: AnchorsExplorer) -> None:
    wish(explorer, preset="ctpn", grid="paper")
    assert [anchor["name"] for anchor in explorer.anchors][::9] == ["16×11", "16×273"]
    torch.testing.assert_close(explorer.cells, ctpn_cell_anchors())
    assert len(explorer.counts) == 10


def test_scales_and_ratios_of_ones_own(explorer: AnchorsExplorer) -> None:
    wish(explorer, preset="own", grid="paper", scales="32 64", aspect_ratios="1")
    assert [anchor["name"] for anchor in explorer.anchors] == ["32×32", "64×64"]
    assert explorer.choice == {"preset": "own", "scales": "32, 64", "aspect_ratios": "1"}
    assert torch.equal(explorer.here()[0], torch.tensor([*explorer.grid.centre(20, 30)] * 2) + explorer.cells[0])


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ({"scales": "abc"}, "scales: got 'abc', takes numbers separated by commas"),
        ({"scales": "0"}, "scales: got 0, takes numbers from 4 to 2000"),
        ({"scales": "nan"}, "scales: got nan, takes numbers from 4 to 2000"),
        ({"scales": "1e9"}, "scales: got 1e+09, takes numbers from 4 to 2000"),
        ({"scales": ""}, "scales must be one or more finite numbers above 0"),
        ({"aspect_ratios": "-1"}, "aspect_ratios: got -1, takes numbers from 0.05 to 20"),
        ({"scales": "8, " * 25}, "scales × aspect_ratios: got 75, takes at most 24"),
        ({"preset": "mine"}, "preset: got 'mine', takes one of paper, ctpn, own"),
        ({"grid": "square"}, "grid must be one of paper, floor, ceil; got 'square'"),
    ],
)
def test_a_slip_in_the_page_is_answered_and_changes_nothing(
    explorer: AnchorsExplorer, asked: dict[str, str], answer: str
) -> None:
    before = explorer.anchors, explorer.choice, explorer.counts
    wish(explorer, **{"preset": "own", "scales": "64", "aspect_ratios": "0.5, 1, 2", **asked})
    assert explorer.error.startswith(answer)
    assert (explorer.anchors, explorer.choice, explorer.counts) == before
    assert explorer.answered == {"wish": explorer.wish}  # the page does not wait for ever
    wish(explorer, preset="paper")
    assert explorer.error == ""


def test_the_same_slip_in_python_raises(explorer: AnchorsExplorer) -> None:
    with pytest.raises(ValueError, match="scales: got 0, takes numbers from 4 to 2000"):
        explorer.use("own", scales=(0, 64))


def test_fewer_anchors_keep_a_selected_one(explorer: AnchorsExplorer) -> None:
    explorer.selected = 8
    explorer.use("own", scales=(64,), aspect_ratios=(1,))
    assert explorer.selected == 0


def test_parse_takes_commas_and_spaces() -> None:
    assert parse(" 128,256  512 ", "scales") == [128, 256, 512]


@pytest.mark.parametrize(
    ("mode", "said"), [("centres", "512×512 at 40×60 centres: 180 inside"), ("boxes", "180 inside")]
)
def test_the_other_modes_have_a_still_and_a_sentence(explorer: AnchorsExplorer, mode: str, said: str) -> None:
    explorer.mode, explorer.selected = mode, 5
    assert said in explorer.describe()
    (axes,) = explorer.figure().axes
    drawn = [len(np.asarray(c.get_offsets())) if mode == "centres" else len(c.get_paths()) for c in axes.collections]
    assert drawn == [2400 - 180, 180]


def test_the_still_of_a_cell_has_nine_boxes_and_the_bundle_a_picture(explorer: AnchorsExplorer) -> None:
    (axes,) = explorer.figure().axes
    boxes = [(*p.get_xy(), p.get_width(), p.get_height()) for p in axes.patches if isinstance(p, Rectangle)]
    np.testing.assert_allclose([(x, y, x + w, y + h) for x, y, w, h in boxes], explorer.here().numpy())
    data, _ = explorer._repr_mimebundle_()
    assert data["text/plain"].startswith("Row 20, column 30 of 40×60 cells")
    assert len(data["image/png"]) > 1000
