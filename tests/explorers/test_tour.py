"""The tour of the linked explorer: each sentence is true of what its step shows, and no step leaves what a page can."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
import torch
import traitlets as t
from torch import Tensor

import rpnviz
from rpnviz.anchors import cell_anchors
from rpnviz.backbone import Backbone
from rpnviz.explorers.linked.explorer import LinkedExplorer
from rpnviz.explorers.linked.tour import PARTS, Step, packed, tour_of
from rpnviz.explorers.precomputed.explorer import PrecomputedExplorer
from rpnviz.figures.palette import PALETTE
from rpnviz.grid import Grid
from rpnviz.rpn import RPNHead
from tests.explorers.small_scene import make_picture
from tests.explorers.test_failures import OWN


@pytest.fixture(scope="module")
def explorer() -> LinkedExplorer:
    return rpnviz.explore("street-03")


def at(explorer: LinkedExplorer, number: int) -> tuple[Step, str]:
    """Go to a step, counted from 1, as the page does; return it and what it says."""
    step = tour_of(explorer)[number - 1]
    with explorer.hold_trait_notifications():
        for name, value in {**explorer.guide["asked"], **step.moves}.items():
            setattr(explorer, name, value)
    return step, step.text


@pytest.fixture(autouse=True)
def back(explorer: LinkedExplorer) -> Any:
    yield
    for name, value in explorer.guide["asked"].items():
        setattr(explorer, name, value)


def test_a_picture_is_opened_quietly_with_one_anchor_and_its_objects(explorer: LinkedExplorer) -> None:
    assert explorer.quiet and explorer.alone and explorer.layers == ("anchors", "ground_truth") and explorer.step == -1
    state = explorer.state()
    best = explorer.results.found.best_anchor_per_gt
    here = explorer.results.here(explorer.row, explorer.col)[explorer.selected]
    assert len(state.anchors) == len(state.labels) == 1 and int(here) in best.tolist()
    assert torch.equal(state.anchors[0], explorer.results.anchors[here])


def test_unfolded_all_is_there() -> None:
    explorer = rpnviz.explore("street-03").unfold()
    assert not explorer.quiet and not explorer.alone and len(explorer.state().anchors) == 9 and explorer.selected == -1
    assert "labels" in explorer.layers and len(explorer.guide["steps"]) == 10
    explorer.alone = True
    best = explorer.results.found.iou[explorer.results.here(explorer.row, explorer.col)].max()
    assert explorer.state().iou.tolist() == [best]  # none is selected: the one that fits best


def test_ten_steps_of_one_or_two_sentences(explorer: LinkedExplorer) -> None:
    steps = tour_of(explorer)
    assert len(steps) == 10 and len(explorer.guide["steps"]) == 10
    for step in steps:
        sentences = re.findall(r"[.?!](?:\s|$)", step.text)
        assert 1 <= len(sentences) <= 2 and len(step.text) < 230, step.text
        assert set(step.shows) <= set(PARTS) and step.shows


def test_1_the_picture(explorer: LinkedExplorer) -> None:
    step, said = at(explorer, 1)
    assert "600×1000" in said and "4 objects" in said and step.shows == ("picture",)
    assert explorer.layers == ("ground_truth",) and len(explorer.results.picture.gt_boxes) == 4


def test_2_the_map(explorer: LinkedExplorer) -> None:
    step, said = at(explorer, 2)
    assert "40×60 cells" in said and "512 numbers" in said and explorer.channel is not None and "one of the 512" in said
    convolutions = [layer for layer in Backbone.load("mini").modules() if isinstance(layer, torch.nn.Conv2d)]
    assert len(convolutions) == 13 and "Thirteen" in said and "window" not in step.shows


def test_3_every_stop_once(explorer: LinkedExplorer) -> None:
    step, said = at(explorer, 3)
    x1, y1, x2, y2 = Grid.paper().footprint(0, 0)
    assert "2,400 cells" in said and f"{x2 - x1:.0f}×{y2 - y1:.0f}" in said
    visited = {(0, 0)}
    for (r1, c1), (r2, c2) in zip(step.path, [*step.path[1:], (explorer.row, explorer.col)], strict=True):
        assert r1 == r2 or (c1 == c2 and r2 == r1 + 1)  # along a row, or down by one
        visited |= {(r, c) for r in range(r1, r2 + 1) for c in range(min(c1, c2), max(c1, c2) + 1)}
    assert visited == {(row, col) for row in range(40) for col in range(60)}
    assert (explorer.row, explorer.col) == step.path[-1]


@torch.no_grad()
def test_4_the_vector_is_that_of_the_window(explorer: LinkedExplorer) -> None:
    step, said = at(explorer, 4)
    assert said.count("512") == 2 and {"vector", "window"} <= set(step.shows) and "picture" not in step.shows
    features = Backbone.load("mini").features(explorer.picture_shown, Grid.paper())
    whole = RPNHead.load("mini").window_vector(features)[0, :, explorer.row, explorer.col]
    shown = torch.frombuffer(bytearray(explorer.guide["vector"]), dtype=torch.uint8)
    assert len(shown) == 512 and (shown.double() - 255 * whole / whole.max()).abs().max() <= 0.51
    assert (explorer.row, explorer.col) == (explorer.guide["asked"]["row"], explorer.guide["asked"]["col"])


@pytest.mark.parametrize("cell", [(0, 0), (0, 30), (39, 59)])
@torch.no_grad()
def test_the_window_reads_zeros_beyond_the_rim(cell: tuple[int, int]) -> None:
    explorer = rpnviz.explore("street-03")
    explorer.row, explorer.col = cell
    explorer.prepare_tour()
    features = Backbone.load("mini").features(explorer.picture_shown, Grid.paper())
    whole = RPNHead.load("mini").window_vector(features)[0, :, cell[0], cell[1]]
    shown = torch.frombuffer(bytearray(explorer.guide["vector"]), dtype=torch.uint8)
    assert (shown.double() - 255 * whole / whole.max()).abs().max() <= 0.51


def test_5_scores_and_deltas(explorer: LinkedExplorer) -> None:
    step, said = at(explorer, 5)
    head = RPNHead.load("mini")
    assert f"{head.cls_logits.out_channels} scores" in said and f"{head.bbox_pred.out_channels} deltas" in said
    assert "outputs" in step.shows


def test_6_and_7_one_anchor_and_the_other_eight(explorer: LinkedExplorer) -> None:
    _, said = at(explorer, 6)
    width, height = (cell_anchors()[explorer.selected][2:] * 2).round().int().tolist()
    assert f"{width}×{height} pixels" in said and len(explorer.state().anchors) == 1
    step, said = at(explorer, 7)
    assert "Eight more" in said and len(explorer.state().anchors) == 9
    (row, there), home = step.path
    assert row == explorer.row == home[0] and abs(there - home[1]) == 9 and home == (explorer.row, explorer.col)


def test_8_labels_come_from_the_objects(explorer: LinkedExplorer) -> None:
    _, said = at(explorer, 8)
    state = explorer.state()
    assert {"labels", "ground_truth", "anchors"} <= set(explorer.layers)
    assert "positive" in state.labels and "negative" in state.labels and "green" in said and "red" in said


def test_the_colours_are_what_step_8_calls_them(explorer: LinkedExplorer) -> None:
    rgb = {name: [int(PALETTE[name][i : i + 2], 16) for i in (1, 3, 5)] for name in ("positive", "negative")}
    assert max(rgb["positive"]) == rgb["positive"][1] and max(rgb["negative"]) == rgb["negative"][0]


def test_9_the_minibatch(explorer: LinkedExplorer) -> None:
    _, said = at(explorer, 9)
    positive, negative = map(len, explorer.minibatch)
    assert f"anchors {positive + negative} are drawn" in said and "minibatch" in explorer.layers
    assert f"{positive} positive and {negative} negative" in said


def test_10_proposals(explorer: LinkedExplorer) -> None:
    _, said = at(explorer, 10)
    stages = explorer.results.stages
    assert "21,600 boxes" in said and f"best {len(stages.pre_nms_inds):,} go on" in said
    assert f"{len(stages.proposals)} are proposed" in said and explorer.top_n == 10 and said.endswith("the best 10.")
    drawn: Tensor | None = explorer.state().proposals
    assert drawn is not None and len(drawn) == 10


def test_a_tour_starts_at_its_first_step_and_gives_the_explorer_back(explorer: LinkedExplorer) -> None:
    assert explorer.tour() is explorer and explorer.step == 0
    with pytest.raises(t.TraitError, match=r"step: got 10, takes -1 to 9"):
        explorer.step = 10
    assert explorer.saved_state()["presented"] == "step"


def test_a_tour_is_of_what_is_shown_now() -> None:
    explorer = rpnviz.explore("street-03").unfold()
    explorer.picture, explorer.seed = "street-07", 3
    explorer.tour()
    assert explorer.guide["asked"]["picture"] == "street-07" and not explorer.guide["asked"]["quiet"]
    positive, negative = map(len, explorer.minibatch)
    assert f"{positive} positive and {negative} negative" in explorer.guide["steps"][8]["text"]
    explorer.step, explorer.layers = 4, ()
    explorer.tour()
    assert explorer.step == 0 and explorer.guide["asked"]["layers"]  # from its beginning, and not from within


def test_a_picture_that_was_opened_in_the_view_has_none() -> None:
    explorer = rpnviz.explore("street-03")
    explorer.set_state(OWN)
    with pytest.raises(ValueError, match=r"was opened in the view; explore\(picture\) gives it a tour"):
        explorer.tour()


def test_a_tour_of_any_picture_with_objects() -> None:
    torch.manual_seed(0)
    explorer = LinkedExplorer(make_picture(), Backbone.load("mini").features, RPNHead())
    assert explorer.guide == {} and explorer.saved_state()["presented"] == "col"
    with pytest.raises(t.TraitError, match=r"step: got 0, takes -1 to -1"):
        explorer.step = 0
    explorer.tour()
    assert explorer.step == 0 and len(explorer.guide["steps"]) == 10


def test_without_objects_there_is_none() -> None:
    bare = replace(make_picture(), gt_boxes=torch.zeros(0, 4), class_names=[])
    explorer = rpnviz.explore(bare)
    assert explorer.guide == {}
    with pytest.raises(ValueError, match=r"has no objects, and the tour shows"):
        explorer.tour()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"moves": {}}, r"step 2 of the tour: moves: got none"),
        ({"moves": {"rwo": 3}}, r"step 2 of the tour: moves: got rwo, which a page cannot set"),
        ({"moves": {"row": 40}}, r"step 2 of the tour: moves: row: got 40"),
        ({"shows": ("map", "sky")}, r"step 2 of the tour: shows: got 'sky', takes any of map, picture"),
    ],
)
def test_a_step_that_no_page_can_take_is_refused(
    explorer: LinkedExplorer, change: dict[str, Any], problem: str
) -> None:
    steps = list(tour_of(explorer))
    steps[1] = replace(steps[1], **change)
    with pytest.raises(ValueError, match=problem):
        packed(tuple(steps), explorer.moves(), explorer.guide["asked"])


def test_results_that_were_handed_over_have_none(explorer: LinkedExplorer) -> None:
    handed = PrecomputedExplorer(explorer.results)
    with pytest.raises(ValueError, match="handed over, and the tour shows what only their network knows"):
        handed.tour()
    assert handed.step == -1
