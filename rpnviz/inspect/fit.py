"""Do these anchors fit these objects? The best IoU that any anchor reaches, without comparing with all of them.

Anchors of one shape stand at the points of a lattice. How much of an object one covers from left to right depends on
its column alone, from top to bottom on its row alone; and both are largest at the point nearest to the object's centre.
So the best place of a shape is found and not searched: A comparisons for an object instead of h · w · A.

Shapes: M gt boxes, h × w cells, A anchors of a cell.
"""

from __future__ import annotations

import torch
from torch import Tensor

from rpnviz._inputs import take_numbers, take_size, to_one_type
from rpnviz.boxes import box_area, check_boxes

AT_ONCE = 65_536  # objects, so that what is worked out in between does not grow with their number


@torch.no_grad()
def best_ious_of_shapes(
    gt_boxes: Tensor, cells: Tensor, ys: Tensor, xs: Tensor, image_size: tuple[int, int] | None = None
) -> Tensor:
    """The best IoU that each shape reaches with each object, wherever on its lattice.

    Args:
        gt_boxes (Tensor[M, 4]): xyxy, px.
        cells (Tensor[A, 4]): the anchors of a cell, round (0, 0), e.g. from `cell_anchors`.
        ys (Tensor[h]): where the rows stand, px, ascending.
        xs (Tensor[w]): where the columns stand, px, ascending.
        image_size: (H, W), px: anchors that cross its border are left out. None: all count.

    Returns:
        Tensor[M, A]: 0 where no anchor of the shape overlaps, or none lies inside the picture. No gradient flows.

    Raises:
        ValueError: if an argument is not a list of boxes, or ys or xs are none, or do not ascend.
    """
    gt_boxes, cells = check_boxes(gt_boxes, "gt_boxes"), check_boxes(cells, "cells")
    ys, xs = take_numbers(ys, "ys", "h"), take_numbers(xs, "xs", "w")
    gt_boxes, cells, ys, xs = to_one_type(gt_boxes, cells, ys, xs)
    for name, places in (("ys", ys), ("xs", xs)):
        if len(places) == 0 or (places.diff() <= 0).any():
            raise ValueError(f"{name} must be one or more ascending numbers")
    height, width = (None, None) if image_size is None else take_size(image_size, "image_size")
    best = [
        _ious_at(part, cells, *_best_places(part, cells, ys, 1, height), *_best_places(part, cells, xs, 0, width))
        for part in gt_boxes.split(AT_ONCE)
    ]
    return torch.cat(best) if best else torch.zeros(0, len(cells))


def _best_places(gt_boxes: Tensor, cells: Tensor, places: Tensor, axis: int, side: int | None) -> tuple[Tensor, Tensor]:
    """Along an axis, 0 for x, 1 for y: the best place of each shape for each object, [M, A]; which shapes fit, [A]."""
    low, high = cells[:, axis], cells[:, axis + 2]
    # 1. Where a shape may stand: at consecutive places, between the first and the last one inside the picture.
    ends = places[:, None] + low, places[:, None] + high  # [places, A]
    inside = torch.ones_like(ends[0], dtype=torch.bool) if side is None else (ends[0] >= 0) & (ends[1] <= side)
    first = inside.int().argmax(dim=0)
    last = first + inside.sum(dim=0) - 1
    # 2. Where it should stand: with its centre at the object's.
    wanted = (gt_boxes[:, axis, None] + gt_boxes[:, axis + 2, None]).double() / 2 - (low + high).double() / 2  # [M, A]
    # 3. The nearest place that there is.
    after = torch.searchsorted(places.double().contiguous(), wanted).clamp(1, max(len(places) - 1, 1))
    before = places[after - 1].double()
    after_it = places[after.clamp(max=len(places) - 1)].double()
    nearest = torch.where(wanted - before <= after_it - wanted, after - 1, after.clamp(max=len(places) - 1))
    return places[nearest.clamp(first, last.clamp(min=0))], inside.any(dim=0)


def _ious_at(gt_boxes: Tensor, cells: Tensor, y: Tensor, fits_y: Tensor, x: Tensor, fits_x: Tensor) -> Tensor:
    """IoU [M, A] of each object with each shape at its place (x, y), both [M, A]; 0 for shapes that fit nowhere."""
    anchors = torch.stack([x, y, x, y], dim=-1) + cells  # [M, A, 4]
    objects = gt_boxes[:, None]  # [M, 1, 4]
    sides = torch.minimum(objects[..., 2:], anchors[..., 2:]) - torch.maximum(objects[..., :2], anchors[..., :2])
    shared = sides.clamp(min=0).prod(dim=-1)
    ious = shared / (box_area(gt_boxes)[:, None] + box_area(cells) - shared)
    return ious.where(fits_y & fits_x, 0)
