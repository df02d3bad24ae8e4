"""The linked explorer of results that were handed over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
import traitlets as t
from torch import Tensor

from rpnviz.explorers.linked.scene import Scene, run_scene
from rpnviz.explorers.precomputed.explorer import NOT_DRAWN, PrecomputedExplorer
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead
from rpnviz.targets import AnchorLabels
from tests.explorers.small_scene import make_picture


@pytest.fixture(scope="module")
def scene(network: tuple[Callable[[Picture, Grid], Tensor], RPNHead]) -> Scene:
    features_of, head = network
    picture, grid = make_picture(), Grid.floor()
    return run_scene(picture, grid, features_of(picture, grid), head)


def last_of_all(labels: Tensor, size: int, fraction: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """A sampler of somebody else's: the last anchors, whatever their labels."""
    assert (size, fraction) == (256, 0.5)
    return torch.tensor([len(labels) - 1]), torch.tensor([len(labels) - 2])


def test_ours_handed_over_is_the_linked_explorer(scene: Scene, explorer: PrecomputedExplorer) -> None:
    handed = PrecomputedExplorer(scene)
    explorer.grid = "floor"
    assert handed.results is scene
    explorer.row, explorer.col = handed.row, handed.col
    assert handed.describe() == explorer.describe()
    same = ("picture", "grid", "mean", "channels", "footprint", "cell_anchors")
    assert {name: handed.scene[name] for name in same} == {name: explorer.scene[name] for name in same}
    assert (handed.grid, handed.pictures) == ("floor", [scene.picture.name])


@pytest.mark.parametrize(
    ("trait", "value"),
    [("nms_thresh", 0.5), ("fg_iou_thresh", 0.8), ("objects", []), ("batch_size_per_image", 64), ("min_size", 0.0)],
)
def test_what_was_handed_over_is_not_worked_out_again(scene: Scene, trait: str, value: Any) -> None:
    handed = PrecomputedExplorer(scene)
    with pytest.raises(t.TraitError, match=f"{trait}: these results were handed over"):
        setattr(handed, trait, value)
    assert trait not in handed.moves()


def test_what_was_computed_elsewhere_is_shown(scene: Scene) -> None:
    labels = torch.full_like(scene.found.labels, -1)
    labels[7] = 1
    iou = torch.zeros(3, len(labels))
    iou[2, 7] = 0.4
    found = AnchorLabels.from_labels(
        labels=labels, match_quality_matrix=iou, crosses_boundary=torch.zeros_like(labels, dtype=torch.bool)
    )
    handed = PrecomputedExplorer(replace(scene, found=found, sample=last_of_all, by="your functions"))
    kinds = torch.frombuffer(bytearray(handed.scene["kinds"]), dtype=torch.uint8)
    assert [int(kind) for kind in (kinds[7] & 3, kinds[7] & 4, kinds[8] & 3)] == [
        1,
        4,
        2,
    ]  # positive, by the best-per-gt rule; ignored
    assert handed.scene["by"] == "your functions" and "by your functions" in handed.describe()
    drawn = handed.scene["minibatches"]["3"]
    last = len(labels) - 1
    assert [int.from_bytes(drawn[kind], "little") for kind in ("positive", "negative")] == [last, last - 1]
    handed.seed = 999  # asked for later
    assert int.from_bytes(handed.extra_minibatch["positive"], "little") == last


def test_another_picture_or_grid_is_refused(scene: Scene) -> None:
    handed = PrecomputedExplorer(scene)
    with pytest.raises(t.TraitError, match="grid: got 'paper', takes 'floor'"):
        handed.grid = "paper"
    with pytest.raises(t.TraitError, match="picture: got 'street-03', takes 'mine'"):
        handed.picture = "street-03"
    assert handed.scene["grid"] == "floor" and handed.error == ""


def test_anchors_on_other_places_are_drawn_there(scene: Scene) -> None:
    handed = PrecomputedExplorer(replace(scene, anchors=scene.anchors - 8))
    first = handed.scene["cell_anchors"][0]
    assert first == pytest.approx([edge - 8 for edge in PrecomputedExplorer(scene).scene["cell_anchors"][0]])
    assert handed.error == ""


def test_anchors_that_differ_from_cell_to_cell_are_replaced_and_that_is_said(scene: Scene) -> None:
    turned = scene.anchors.view(-1, 9, 4).transpose(0, 1).reshape(-1, 4)
    handed = PrecomputedExplorer(replace(scene, anchors=turned))
    assert handed.error == NOT_DRAWN
    assert handed.scene["cell_anchors"] == PrecomputedExplorer(scene).scene["cell_anchors"]


def test_it_saves_as_a_page_of_its_own(scene: Scene) -> None:
    page = PrecomputedExplorer(replace(scene, by="your functions")).to_html()
    assert "your functions" in page
