"""Notebook 03's explorer without a browser's window: what page and Python say of the same traits; what is refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
import traitlets as t
from matplotlib.patches import Rectangle
from playwright.sync_api import Browser

from rpnviz.anchors import cell_anchors, ctpn_cell_anchors, grid_anchors, inside_picture
from rpnviz.explorers.anchors.explorer import AnchorsExplorer, chosen_cells
from rpnviz.explorers.common.anchor_shapes import MOST_ANCHORS
from rpnviz.explorers.common.map_and_picture import place
from rpnviz.figures.anchors import _examples
from rpnviz.grid import Grid
from tests.explorers.page_code import as_state, ask_page
from tests.explorers.small_scene import make_picture

BY_SHAPE = [1700, 1064, 256, 1664, 968, 180, 1512, 800, 0]
ASK = """
const { revive, standIn } = rpnviz.take("saved/open.js");
export const ask = (states) => states.map((state) => {
  const store = readStore({ model: standIn(JSON.parse(state, revive)), redraw: () => {} });
  const { anchors, counts, inside, place } = store.answer();
  return { anchors, counts, inside: [...inside], place };
});
"""


@pytest.fixture
def explorer() -> AnchorsExplorer:
    return AnchorsExplorer(make_picture(), Grid.paper(), row=20, col=30)


def test_it_opens_with_the_nine_and_their_counts(explorer: AnchorsExplorer) -> None:
    assert explorer.counts == BY_SHAPE
    assert sum(explorer.counts) == 8144
    assert (explorer.preset, explorer.scales, explorer.aspect_ratios) == ("paper", [128, 256, 512], [0.5, 1, 2])
    assert "8,144 of 21,600 anchors lie inside" in explorer.describe()


def test_the_flags_are_those_of_the_compute_module(explorer: AnchorsExplorer) -> None:
    grid = Grid.paper()
    wanted = inside_picture(grid_anchors(grid, cell_anchors()), grid.image_size)
    assert torch.equal(explorer.inside, wanted.reshape(-1, 9))


MOVED: list[dict[str, Any]] = [
    {},
    {"grid_name": "floor"},
    {"grid_name": "ceil", "preset": "ctpn"},
    {"preset": "own", "scales": [32.0, 64.0], "aspect_ratios": [1.0]},
    {"preset": "own", "scales": [20.5], "aspect_ratios": [0.3, 1 / 3, 7.0], "grid_name": "floor"},
    {"preset": "own", "scales": [100.0 * i for i in range(1, 9)], "aspect_ratios": [0.5, 1.0, 2.0]},
]


def test_page_shows_what_python_says(browser: Browser) -> None:
    explorers = [AnchorsExplorer(make_picture(), Grid.paper()) for _ in MOVED]
    for explorer, moved in zip(explorers, MOVED, strict=True):
        explorer.set_state(moved)  # as the page sends it
        assert explorer.error == ""
    states = [as_state(explorer.saved_state()) for explorer in explorers]
    for explorer, said in zip(explorers, ask_page(browser, "anchors/view.js", ASK, states), strict=True):
        assert said["counts"] == explorer.counts
        assert said["inside"] == explorer.inside.flatten().int().tolist()
        assert said["anchors"] == json.loads(json.dumps(explorer.anchors))
        assert said["place"] == json.loads(json.dumps(place(explorer.grid)))
        assert said["place"]["feature_size"] == list(explorer.grid.feature_size)
    assert len({tuple(explorer.counts) for explorer in explorers}) == len(MOVED)


FITS = """
const { revive, standIn } = rpnviz.take("saved/open.js");
export const ask = (states) => states.map((state) => {
  const answer = readStore({ model: standIn(JSON.parse(state, revive)), redraw: () => {} }).answer();
  return answer.anchors.map((_, shape) => ({ room: room(answer, shape), examples: examples(answer, shape) }));
});
"""


def test_page_draws_where_a_shape_fits(browser: Browser) -> None:
    """In the area stand the centres of the cells whose anchor lies inside; of three boxes two lie inside."""
    explorers = [AnchorsExplorer(make_picture(), Grid.paper()) for _ in MOVED]
    for explorer, moved in zip(explorers, MOVED, strict=True):
        explorer.set_state(moved)
    states = [as_state(explorer.saved_state()) for explorer in explorers]
    for explorer, said in zip(explorers, ask_page(browser, "anchors/view.js", FITS, states), strict=True):
        boxes = grid_anchors(explorer.grid, explorer.cells).reshape(-1, len(explorer.cells), 4)
        for shape, drawn in enumerate(said):
            inside = explorer.inside[:, shape]
            centres = (boxes[:, shape, :2] + boxes[:, shape, 2:]) / 2
            x1, y1, x2, y2 = drawn["room"] or (1, 1, 0, 0)
            low, high = torch.tensor([x1, y1]), torch.tensor([x2, y2])
            assert torch.equal(((centres >= low) & (centres <= high)).all(dim=1), inside)
            styles = {one["cell"]: one["style"] for one in drawn["examples"]}
            assert {cell: "positive" if inside[cell] else "crosses_border" for cell in styles} == styles
            fits, columns = inside.nonzero().flatten().tolist(), explorer.grid.feature_size[1]
            still = _examples(fits, columns, len(inside))
            assert [(one["cell"], one["style"]) for one in drawn["examples"]] == still


@pytest.mark.parametrize(("name", "inside"), [("paper", 8144), ("floor", 8044), ("ceil", 8044)])
def test_the_page_may_choose_another_grid(explorer: AnchorsExplorer, name: str, inside: int) -> None:
    explorer.set_state({"grid_name": name})
    assert sum(explorer.counts) == inside
    assert explorer.grid == Grid.named(name) and explorer.error == ""


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
    explorer.use("ctpn")
    assert [anchor["name"] for anchor in explorer.anchors][::9] == ["16×11", "16×273"]
    torch.testing.assert_close(explorer.cells, ctpn_cell_anchors())
    assert len(explorer.counts) == 10


def test_scales_and_ratios_of_ones_own(explorer: AnchorsExplorer) -> None:
    explorer.use("own", (32, 64), (1,))
    assert [anchor["name"] for anchor in explorer.anchors] == ["32×32", "64×64"]
    assert (explorer.preset, explorer.scales, explorer.aspect_ratios) == ("own", [32, 64], [1])
    assert torch.equal(explorer.here()[0], torch.tensor([*explorer.grid.centre(20, 30)] * 2) + explorer.cells[0])
    explorer.use("ctpn")
    assert explorer.scales == [32, 64]  # still there when "own" is chosen again


SLIPS: list[tuple[list[float], list[float], str]] = [
    ([0], [1], "scales: got 0, takes numbers from 4 to 2000"),
    ([64, 3.9], [1], "scales: got 3.9, takes numbers from 4 to 2000"),
    ([2000.5], [1], "scales: got 2000.5, takes numbers from 4 to 2000"),
    ([float("nan")], [1], "scales: got nan, takes numbers from 4 to 2000"),
    ([], [1], "scales must be one or more "),
    ([64], [], "aspect_ratios must be one or more "),
    ([64], [-1], "aspect_ratios: got -1, takes numbers from 0.05 to 20"),
    ([64], [0.5, 20.1], "aspect_ratios: got 20.1, takes numbers from 0.05 to 20"),
    ([3], [30], "scales: got 3, takes numbers from 4 to 2000"),
    ([8] * 25, [1, 2], f"scales × aspect_ratios: got 50, takes at most {MOST_ANCHORS}"),
    ([4], [20], "scales"),  # 1 px wide, half of it rounds to 0
]


def test_page_and_python_refuse_the_same_in_the_same_words(browser: Browser) -> None:
    taken: list[tuple[list[float], list[float]]] = [([4, 2000], [0.05 * 20]), ([128], [0.05, 20]), ([8] * 24, [1])]
    pairs = [[scales, ratios] for scales, ratios, _ in SLIPS] + [list(pair) for pair in taken]
    ask = "export const ask = (pairs) => pairs.map(([scales, ratios]) => refusal(scales.map(Number), ratios));"
    given = [[["NaN" if one != one else one for one in scales], ratios] for scales, ratios in pairs]
    said = ask_page(browser, "common/anchor_shapes.js", ask, given)
    for (scales, ratios, words), of_page in zip(SLIPS, said, strict=False):
        with pytest.raises(ValueError, match=f"^{words}") as refused:
            chosen_cells("own", scales, ratios)
        assert of_page.lower().startswith(words), scales
        if words[-1].isdigit():  # the whole sentence
            assert of_page.lower() == str(refused.value) == words
    assert said[len(SLIPS) :] == [""] * len(taken)
    for scales, ratios in taken:
        chosen_cells("own", scales, ratios)


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ({"scales": [0.0]}, "scales: got 0, takes numbers from 4 to 2000"),
        ({"scales": []}, "scales must be one or more finite numbers above 0"),
        ({"scales": ["abc"]}, "scales"),
        ({"aspect_ratios": [-1.0]}, "aspect_ratios: got -1, takes numbers from 0.05 to 20"),
        ({"scales": [8.0] * 25}, "scales × aspect_ratios: got 75, takes at most 24"),
        ({"preset": "mine"}, "preset"),
        ({"grid_name": "square"}, "grid_name: got 'square', takes one of paper, floor, ceil"),
    ],
)
def test_a_slip_changes_nothing(explorer: AnchorsExplorer, asked: dict[str, Any], answer: str) -> None:
    explorer.use("own", (64,), (0.5, 1, 2))
    before = explorer.anchors, explorer.counts, explorer.grid
    for trait, value in asked.items():
        with pytest.raises(t.TraitError, match=answer):
            setattr(explorer, trait, value)
        with pytest.raises(t.TraitError, match=answer):
            explorer.set_state({trait: value})  # from a page that does not look before
        assert answer.split(":")[0] in explorer.error
    assert (explorer.anchors, explorer.counts, explorer.grid) == before
    explorer.set_state({"preset": "paper"})
    assert explorer.error == ""


def test_the_same_slip_in_python_raises(explorer: AnchorsExplorer) -> None:
    with pytest.raises(ValueError, match="scales: got 0, takes numbers from 4 to 2000"):
        explorer.use("own", scales=(0, 64))
    with pytest.raises(ValueError, match="preset: got 'mine', takes one of paper, ctpn, own"):
        explorer.use("mine")
    with pytest.raises(ValueError, match="grid must be one of paper, floor, ceil; got 'square'"):
        explorer.use("own", (64,), (1,), grid="square")
    assert (explorer.preset, explorer.grid_name, explorer.scales) == ("paper", "paper", [128, 256, 512])


def test_fewer_anchors_keep_a_selected_one(explorer: AnchorsExplorer) -> None:
    explorer.selected = 8
    explorer.use("own", scales=(64,), aspect_ratios=(1,))
    assert explorer.selected == 0


@pytest.mark.parametrize(
    ("mode", "said"), [("centres", "512×512 at 40×60 centres: 180 inside"), ("boxes", "180 inside")]
)
def test_the_other_modes_have_a_still_and_a_sentence(explorer: AnchorsExplorer, mode: str, said: str) -> None:
    explorer.mode, explorer.selected = mode, 5
    assert said in explorer.describe()
    (axes,) = explorer.figure().axes
    drawn = [len(np.asarray(c.get_offsets())) for c in axes.collections]
    assert drawn == ([2400 - 180, 180] if mode == "centres" else [1, 1, 1])  # of a shape that fits: three boxes


def test_the_still_of_a_cell_has_nine_boxes_and_the_bundle_a_picture(explorer: AnchorsExplorer) -> None:
    (axes,) = explorer.figure().axes
    boxes = [(*p.get_xy(), p.get_width(), p.get_height()) for p in axes.patches if isinstance(p, Rectangle)]
    np.testing.assert_allclose([(x, y, x + w, y + h) for x, y, w, h in boxes], explorer.here().numpy())
    data, _ = explorer._repr_mimebundle_()
    assert data["text/plain"].startswith("Row 20, column 30 of 40×60 cells")
    assert len(data["image/png"]) > 1000
