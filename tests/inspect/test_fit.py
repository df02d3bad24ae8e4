"""The best IoU that a shape reaches: found by the nearest place, as by comparing with every anchor."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList

from rpnviz.anchors import cell_anchors, ctpn_cell_anchors, grid_anchors, inside_picture
from rpnviz.boxes import box_iou
from rpnviz.grid import Grid
from rpnviz.inspect.fit import best_ious_of_shapes
from rpnviz.pictures import Picture
from rpnviz.targets import label_anchors

SHAPES = {
    "paper": cell_anchors(),
    "ctpn": ctpn_cell_anchors(),
    "small": cell_anchors((8.0, 20.5), (0.3, 1.0, 7.0)),
    "large": cell_anchors((400.0, 900.0), (0.5, 1.0)),  # some shapes fit nowhere
    "one-sided": torch.tensor([[0.0, 0, 40, 30], [-90, -10, -10, 50]]),
}


def places(grid: Grid) -> tuple[Tensor, Tensor]:
    """Where the rows and the columns of a grid stand, in the very numbers of `grid_anchors`."""
    (h, w), dot = grid.feature_size, torch.tensor([[-1.0, -1, 1, 1]], dtype=torch.float64)
    middle = grid_anchors(grid, dot).reshape(h, w, 4) + torch.tensor([1, 1, -1, -1])
    return middle[:, 0, 1], middle[0, :, 0]


def by_force(gt_boxes: Tensor, anchors: Tensor, num_shapes: int, image_size: tuple[int, int] | None) -> Tensor:
    ious = box_iou(gt_boxes, anchors)
    if image_size is not None:
        ious = ious * inside_picture(anchors, image_size)
    return ious.reshape(len(gt_boxes), -1, num_shapes).amax(dim=1)


@st.composite
def drawn(draw: st.DrawFn) -> tuple[Tensor, Grid, str, bool]:
    size = draw(st.sampled_from([(600, 1000), (97, 301), (333, 64), (48, 48)]))
    grid = Grid.named(draw(st.sampled_from(["paper", "floor", "ceil"])), size)
    generator = torch.Generator().manual_seed(draw(st.integers(0, 10**6)))
    height, width = size
    corners = torch.rand(8, 2, 2, generator=generator).sort(dim=1).values * torch.tensor([width, height])
    boxes = torch.cat([corners[:, 0], corners[:, 1] + 0.5], dim=1)
    boxes = boxes.round() if draw(st.booleans()) else boxes
    boxes[:, 2:] = torch.maximum(boxes[:, 2:], boxes[:, :2] + 0.5)
    edge = torch.tensor([[0.0, 0, 3, 3], [width - 3.0, height - 3.0, width, height], [0, 0, width, height]])
    return torch.cat([boxes, edge]), grid, draw(st.sampled_from(list(SHAPES))), draw(st.booleans())


@settings(max_examples=300)
@given(drawn())
def test_as_by_force(case: tuple[Tensor, Grid, str, bool]) -> None:
    gt_boxes, grid, shapes, drop = case
    cells, size = SHAPES[shapes].double(), grid.image_size if drop else None
    found = best_ious_of_shapes(gt_boxes.double(), cells, *places(grid), image_size=size)
    expected = by_force(gt_boxes.double(), grid_anchors(grid, cells), len(cells), size)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", Picture.bundled())
@pytest.mark.parametrize("drop", [True, False])
def test_as_label_anchors_on_the_bundled_pictures(name: str, drop: bool) -> None:
    picture, grid = Picture.load(name), Grid.paper()
    found = best_ious_of_shapes(
        picture.gt_boxes, cell_anchors(), *places(grid), image_size=grid.image_size if drop else None
    )
    labelled = label_anchors(
        grid_anchors(grid, cell_anchors()), picture.gt_boxes, grid.image_size, drop_cross_boundary=drop
    )
    torch.testing.assert_close(found.amax(dim=1).float(), labelled.best_iou_per_gt, rtol=1e-5, atol=1e-6)


def test_on_torchvisions_lattice() -> None:
    """Its anchors stand at the cells' corners; and stand beyond the picture."""
    generator = AnchorGenerator(((32, 100),), ((0.5, 1.0, 2.0),))
    (anchors,) = generator(ImageList(torch.zeros(1, 3, 320, 480), [(310, 470)]), [torch.zeros(1, 1, 20, 30)])
    cells = generator.cell_anchors[0]
    boxes = torch.tensor([[1.0, 1, 40, 60], [440, 290, 470, 310], [100.5, 20.25, 300, 290]])
    ys, xs = torch.arange(20) * 16.0, torch.arange(30) * 16.0
    for size in (None, (310, 470)):
        found = best_ious_of_shapes(boxes, cells, ys, xs, size)
        torch.testing.assert_close(found, by_force(boxes, anchors, 6, size), rtol=2e-6, atol=2e-7)


def test_one_place_and_none() -> None:
    one, square = torch.tensor([5.0]), torch.tensor([[-5.0, -5, 5, 5]])
    boxes = torch.tensor([[0.0, 0, 10, 10], [5, 0, 15, 10], [50, 50, 60, 60]])
    torch.testing.assert_close(best_ious_of_shapes(boxes, square, one, one)[:, 0], torch.tensor([1, 1 / 3, 0]))
    assert best_ious_of_shapes(boxes, square, one, one, (9, 20)).tolist() == [[0], [0], [0]]  # too high by a pixel
    assert best_ious_of_shapes(torch.zeros(0, 4), square, one, one).shape == (0, 1)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"gt_boxes": torch.tensor([[9.0, 0, 0, 5]])}, "gt_boxes"),
        ({"cells": torch.zeros(2, 3)}, "cells"),
        ({"xs": torch.tensor([1.0, 1])}, "xs must be one or more ascending numbers"),
        ({"ys": torch.zeros(0)}, "ys must be one or more ascending numbers"),
        ({"image_size": (0, 5)}, "image_size"),
    ],
)
def test_bad_input_is_named(changed: dict[str, object], words: str) -> None:
    good = {"gt_boxes": torch.tensor([[0.0, 0, 9, 9]]), "cells": torch.tensor([[-5.0, -5, 5, 5]])}
    good |= {"ys": torch.tensor([1.0, 2]), "xs": torch.tensor([1.0, 2])}
    with pytest.raises(ValueError, match=words):
        best_ious_of_shapes(**{**good, **changed})  # type: ignore[arg-type]
