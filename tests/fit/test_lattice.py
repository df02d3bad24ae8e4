"""The best anchor of each shape: found at the nearest place, as by comparing with every anchor."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList

from rpnviz.anchors import cell_anchors, ctpn_cell_anchors, grid_anchors
from rpnviz.boxes import box_iou
from rpnviz.fit.anchor_sets import AnchorSet, one_map, pyramid, retinanet
from rpnviz.fit.lattice import Lattice, count_reaching, find_best
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.targets import label_anchors

SETS = {
    "paper": one_map(),
    "small": one_map((8.0, 20.5), (0.3, 1.0, 7.0), stride=8),
    "large": one_map((400.0, 900.0), (0.5, 1.0)),  # some shapes fit nowhere
    "fpn": pyramid(),
    "retinanet": retinanet(),
}
LATTICES = {
    **{f"{name} {one.name}": one for name, anchors in SETS.items() for one in anchors.lattices},
    "ctpn": Lattice("stride 16", 16, 0.5, ctpn_cell_anchors()),
    "one-sided": Lattice("stride 5", 5, 0, torch.tensor([[0.0, 0, 40, 30], [-90, -10, -10, 50]])),
}


def all_anchors(lattice: Lattice, size: tuple[int, int], strides: tuple[float, float]) -> Tensor:
    """Tensor[h · w, A, 4]"""
    ys, xs = (
        stride * (lattice.offset + torch.arange(count).double()) for count, stride in zip(size, strides, strict=True)
    )
    origins = torch.stack(torch.meshgrid(ys, xs, indexing="ij"), dim=-1).flip(-1).reshape(-1, 1, 2)
    return origins.repeat(1, 1, 2) + lattice.cells


@st.composite
def drawn(draw: st.DrawFn) -> tuple[Tensor, str, tuple[int, int], bool]:
    height, width = draw(st.sampled_from([(600, 1000), (97, 301), (333, 64), (48, 48)]))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 10**6)))
    corners = torch.rand(8, 2, 2, generator=generator).double().sort(dim=1).values * torch.tensor([width, height])
    boxes = torch.cat([corners[:, 0], corners[:, 1]], dim=1)
    boxes = boxes.round() if draw(st.booleans()) else boxes
    boxes[:, 2:] = torch.maximum(boxes[:, 2:], boxes[:, :2] + 0.5)
    edge = torch.tensor([[0.0, 0, 3, 3], [width - 3.0, height - 3.0, width, height], [0, 0, width, height]])
    return torch.cat([boxes, edge]), draw(st.sampled_from(sorted(LATTICES))), (height, width), draw(st.booleans())


@settings(max_examples=300)
@given(drawn(), st.sampled_from([0.5, 0.6, 0.7, 0.9]))
def test_as_by_force(case: tuple[Tensor, str, tuple[int, int], bool], iou_thresh: float) -> None:
    boxes, name, size, inside_only = case
    lattice, (height, width) = LATTICES[name], size
    rows, cols = (max(1, int(side // lattice.stride)) for side in size)
    strides = lattice.stride, lattice.stride * 0.93
    anchors = all_anchors(lattice, (rows, cols), strides)
    ious = box_iou(boxes, anchors.flatten(0, 1)).reshape(len(boxes), *anchors.shape[:2])
    if inside_only:
        x1, y1, x2, y2 = anchors.unbind(-1)
        ious = ious.where((x1 >= 0) & (y1 >= 0) & (x2 <= width) & (y2 <= height), 0)
    maps, inside = (torch.tensor([one]).expand(len(boxes), 2) for one in ((rows, cols), size))
    best = find_best(
        boxes,
        lattice,
        maps,
        torch.tensor([strides], dtype=torch.float64).expand(len(boxes), 2),
        inside if inside_only else None,
    )
    torch.testing.assert_close(best.ious, ious.amax(dim=1), rtol=1e-12, atol=1e-12)
    counts = count_reaching(boxes, lattice, best, iou_thresh)
    near = ((ious - iou_thresh).abs() < 1e-12).sum(dim=(1, 2))  # equal but for the order of the arithmetic
    assert ((counts - (ious >= iou_thresh).sum(dim=(1, 2))).abs() <= near).all()


@pytest.mark.parametrize("name", Picture.bundled())
@pytest.mark.parametrize("inside_only", [True, False])
def test_as_label_anchors_on_the_bundled_pictures(name: str, inside_only: bool) -> None:
    gt_boxes, grid = Picture.load(name).gt_boxes, Grid.paper()
    labelled = label_anchors(
        grid_anchors(grid, cell_anchors()), gt_boxes, grid.image_size, drop_cross_boundary=inside_only
    )
    laid = (grid.feature_size, grid.stride, grid.image_size)
    sizes, strides, inside = (torch.tensor([one]).expand(len(gt_boxes), 2) for one in laid)
    best = find_best(gt_boxes, one_map().lattices[0], sizes, strides, inside if inside_only else None)
    torch.testing.assert_close(best.ious.amax(dim=1).float(), labelled.best_iou_per_gt, rtol=1e-5, atol=1e-6)


def test_two_boxes_by_hand() -> None:
    """A 10×10 anchor every 10 px from 5 on, a 10×10 object 2 px right of one: 8·10 / (100 + 100 - 80) = 2/3."""
    lattice = Lattice("", 10, 0.5, torch.tensor([[-5.0, -5, 5, 5]]))
    maps, strides = torch.tensor([[3, 3], [3, 3]]), torch.tensor([[10.0, 10], [10, 10]])
    boxes = torch.tensor([[12.0, 20, 22, 30], [-3, 0, 3, 10]])
    best = find_best(boxes, lattice, maps, strides)
    assert best.ious[0].tolist() == pytest.approx([80 / 120])
    assert (best.rows[0].item(), best.cols[0].item()) == (2, 1)
    assert best.ious[1].tolist() == pytest.approx([30 / 130])  # the first column is the nearest there is
    assert count_reaching(boxes, lattice, best, 0.5).tolist() == [1, 0]
    alone = find_best(boxes, lattice, maps, strides, torch.tensor([[30, 30], [9, 9]]))
    assert alone.ious.flatten().tolist() == pytest.approx([80 / 120, 0])  # none lies inside 9×9


@pytest.mark.parametrize("anchors", [pyramid(), retinanet()], ids=["fpn", "retinanet"])
@pytest.mark.parametrize("size", [(608, 800), (800, 1088)])
def test_lattices_are_torchvisions_anchors(anchors: AnchorSet, size: tuple[int, int]) -> None:
    sizes = {
        "fpn": tuple((x,) for x in (32, 64, 128, 256, 512)),
        "retinanet": tuple(tuple(int(x * 2 ** (i / 3)) for i in range(3)) for x in (32, 64, 128, 256, 512)),
    }[anchors.name]
    generator = AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * 5)
    laid = [anchors.maps(one, torch.tensor([size])) for one in anchors.lattices]
    maps = [(tuple(sizes[0].tolist()), tuple(strides[0].tolist())) for sizes, strides in laid]
    images = ImageList(torch.zeros(1, 3, *size), [size])
    theirs = generator(images, [torch.zeros(1, 1, *map_size) for map_size, _ in maps])[0]
    ours = [all_anchors(one, *both).flatten(0, 1) for one, both in zip(anchors.lattices, maps, strict=True)]
    torch.testing.assert_close(theirs.double(), torch.cat(ours), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"gt_boxes": torch.zeros(2, 3)}, "gt_boxes"),
        ({"map_sizes": torch.tensor([[3, 3]])}, "map_sizes"),
        ({"map_sizes": torch.tensor([[3, 3], [0, 3]])}, "map_sizes"),
        ({"strides": torch.tensor([[3.0, 3], [0, 3]])}, "strides"),
        ({"inside_sizes": torch.tensor([[3, 3], [3, -1]])}, "inside_sizes"),
    ],
)
def test_bad_input_is_named(given: dict[str, Any], named: str) -> None:
    boxes, maps = torch.tensor([[0.0, 0, 1, 1], [0, 0, 2, 2]]), torch.tensor([[3, 3], [3, 3]])
    right: dict[str, Any] = {"gt_boxes": boxes, "map_sizes": maps, "strides": maps * 1.0}
    with pytest.raises(ValueError, match=named):
        find_best(**{"lattice": LATTICES["ctpn"], **right, **given})
