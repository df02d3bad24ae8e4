"""The best anchor of each shape for each object, found and not searched.

Anchors of one shape stand at the points of a lattice. How much of an object one covers from left to right depends on
its column alone, from top to bottom on its row alone; and both are largest at the point nearest to the object's centre.
So an object takes A comparisons instead of h · w · A. All in float64: ties between places then stay ties.

Shapes: M gt boxes, A anchors of a cell.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from rpnviz._inputs import take_number, take_numbers, take_whole_numbers
from rpnviz.boxes import box_area, check_boxes

MOST_AT_ONCE = 2**22  # comparisons, so that what is worked out in between does not grow with the number of objects


@dataclass(frozen=True, eq=False)
class Lattice:
    """The anchors of one map, on pictures of any size.

    Attributes:
        name (str): e.g. "P2".
        stride (float): px of the network's input between two cells, as the detector means it.
        offset (float): where the first anchor stands, in strides: 0.5 in the middle of its cell, 0 in the corner.
        cells (Tensor[A, 4]): float64 xyxy, px; the anchors of a cell, round their origin.
    """

    name: str
    stride: float
    offset: float
    cells: Tensor

    def __post_init__(self) -> None:
        """Check what was given."""
        object.__setattr__(self, "stride", take_number(self.stride, "stride", 0, above=True))
        object.__setattr__(self, "offset", take_number(self.offset, "offset", 0, 1))
        object.__setattr__(self, "cells", check_boxes(self.cells, "cells").detach().double())


@dataclass(frozen=True, eq=False)
class Best:
    """The best place of each shape for each object.

    Attributes:
        ious (Tensor[M, A]): float64; 0 where no anchor of the shape overlaps, or none is allowed.
        rows, cols (Tensor[M, A]): int64; where it stands.
        allowed (Tensor[M, A, 4]): int64; first row, first column, last row, last column on which the shape may stand.
        strides (Tensor[M, 2]): float64; as they were given.
    """

    ious: Tensor
    rows: Tensor
    cols: Tensor
    allowed: Tensor
    strides: Tensor


@torch.no_grad()
def find_best(
    gt_boxes: Tensor, lattice: Lattice, map_sizes: Tensor, strides: Tensor, inside_sizes: Tensor | None = None
) -> Best:
    """Find the best anchor of each shape for each object.

    Args:
        gt_boxes (Tensor[M, 4]): xyxy, px of the network's input.
        lattice: the anchors.
        map_sizes (Tensor[M, 2]): int64; (rows, columns) of the map of each object's picture.
        strides (Tensor[M, 2]): (y, x) px between two cells there; what a detector divides need not come out even.
        inside_sizes (Tensor[M, 2]): (H, W), px: anchors that cross the border are left out, as the paper trains.
            None: all count.

    Raises:
        ValueError: if an argument is not what it should be; names it.
    """
    boxes = check_boxes(gt_boxes, "gt_boxes").detach().double()
    counts = take_whole_numbers(map_sizes, "map_sizes", f"{len(boxes)}, 2", 1)
    strides = take_numbers(strides, "strides", f"{len(boxes)}, 2").detach().double()
    if (strides <= 0).any():
        raise ValueError(f"strides must be above 0; got {strides.min().item():g}")
    if inside_sizes is not None:
        inside_sizes = take_whole_numbers(inside_sizes, "inside_sizes", f"{len(boxes)}, 2", 1)
    places, firsts, lasts = [], [], []
    for axis in (1, 0):  # rows stand along y, columns along x
        limit = None if inside_sizes is None else inside_sizes[:, 1 - axis].double()
        stride = strides[:, 1 - axis, None]
        first, last = _allowed(lattice, axis, stride, counts[:, 1 - axis], limit)
        places.append(_nearest(boxes, lattice, axis, stride, first, last))
        firsts.append(first)
        lasts.append(last)
    rows, cols = places
    fits = (firsts[0] <= lasts[0]) & (firsts[1] <= lasts[1])
    sides = [_overlap(boxes, lattice, axis, strides, at) for axis, at in ((1, rows), (0, cols))]
    shared = sides[0] * sides[1]
    ious = shared / (box_area(boxes)[:, None] + box_area(lattice.cells) - shared)
    return Best(ious.where(fits, 0), rows, cols, torch.stack([*firsts, *lasts], dim=-1), strides)


@torch.no_grad()
def count_reaching(gt_boxes: Tensor, lattice: Lattice, best: Best, iou_thresh: float) -> Tensor:
    """Count the anchors that have at least an IoU with each object.

    Args:
        gt_boxes (Tensor[M, 4]): as given to `find_best`.
        lattice: likewise.
        best: what it found.
        iou_thresh: 0.5 … 1.

    Returns:
        Tensor[M]: int64.
    """
    iou_thresh = take_number(iou_thresh, "iou_thresh", 0.5, 1)
    boxes = check_boxes(gt_boxes, "gt_boxes").detach().double()
    counts = torch.zeros(len(boxes), dtype=torch.int64)
    least = best.strides.amin(dim=0) if len(boxes) else best.strides.new_ones(2)
    for a, cell in enumerate(lattice.cells):
        # Who is further from an object's centre than this share of its own sides has too little of it.
        reach = ((cell[2:] - cell[:2]) * (1 - iou_thresh) / least.flip(0) + 1.5).long()
        steps = [torch.arange(-int(most), int(most) + 1) for most in reach.flip(0)]  # of rows, of columns
        chosen = (best.ious[:, a] >= iou_thresh).nonzero().flatten()
        for some in chosen.split(max(1, MOST_AT_ONCE // (len(steps[0]) * len(steps[1])))):
            counts[some] += _count_near(boxes[some], lattice, a, best, some, steps, iou_thresh)
    return counts


def _count_near(
    boxes: Tensor, lattice: Lattice, shape: int, best: Best, some: Tensor, steps: list[Tensor], iou_thresh: float
) -> Tensor:
    """Of one shape, how many near its best place reach the threshold: int64, one for each of `boxes`."""
    one = Lattice(lattice.name, lattice.stride, lattice.offset, lattice.cells[shape : shape + 1])
    allowed = best.allowed[some, shape]
    sides = []
    for which, (axis, places) in enumerate(((1, best.rows), (0, best.cols))):
        near = places[some, shape, None] + steps[which]  # [P, steps]
        may = (near >= allowed[:, which, None]) & (near <= allowed[:, which + 2, None])
        sides.append(_overlap(boxes, one, axis, best.strides[some], near).where(may, 0))
    shared = sides[0][:, :, None] * sides[1][:, None, :]
    areas = box_area(boxes) + box_area(one.cells)
    return (shared / (areas[:, None, None] - shared) >= iou_thresh).sum(dim=(1, 2))


def _allowed(
    lattice: Lattice, axis: int, stride: Tensor, counts: Tensor, sides: Tensor | None
) -> tuple[Tensor, Tensor]:
    """The first and the last place of each shape on each map along an axis, int64 [M, A]; none if first > last."""
    low, high = lattice.cells[:, axis], lattice.cells[:, axis + 2]
    first = torch.zeros(len(counts), len(low), dtype=torch.int64)
    last = (counts - 1)[:, None].expand_as(first)
    if sides is None:
        return first, last

    def place(k: Tensor) -> Tensor:
        return stride * (lattice.offset + k)

    # Dividing may round across a whole number; what counts is whether the anchor itself lies inside.
    start = (-low / stride - lattice.offset).ceil().long()
    start = start - (place(start - 1) + low >= 0).long()
    start = start + (place(start) + low < 0).long()
    end = ((sides[:, None] - high) / stride - lattice.offset).floor().long()
    end = end + (place(end + 1) + high <= sides[:, None]).long()
    end = end - (place(end) + high > sides[:, None]).long()
    return torch.maximum(first, start), torch.minimum(last, end)


def _nearest(boxes: Tensor, lattice: Lattice, axis: int, stride: Tensor, first: Tensor, last: Tensor) -> Tensor:
    """The place, of those allowed, at which each shape's centre is nearest to each object's: int64 [M, A]."""
    middle = (lattice.cells[:, axis] + lattice.cells[:, axis + 2]) / 2
    wanted = (boxes[:, axis] + boxes[:, axis + 2])[:, None] / 2 - middle
    nearest = (wanted / stride - lattice.offset).round().long()
    return torch.minimum(torch.maximum(nearest, first), torch.maximum(last, first))


def _overlap(boxes: Tensor, lattice: Lattice, axis: int, strides: Tensor, places: Tensor) -> Tensor:
    """How many px of each object [M] a shape at places [M, …] covers along an axis; 0 if it does not touch it."""
    origin = strides[:, 1 - axis, None] * (lattice.offset + places)
    ends = torch.minimum(boxes[:, axis + 2, None], origin + lattice.cells[:, axis + 2])
    return (ends - torch.maximum(boxes[:, axis, None], origin + lattice.cells[:, axis])).clamp(min=0)
