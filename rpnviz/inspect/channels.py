"""Which channels of the feature map answer to which objects: means inside the boxes of a class against outside.

Shapes: C channels on h × w cells; M ground-truth boxes, xyxy in pixels of the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rpnviz._inputs import take_numbers, take_whole
from rpnviz.boxes import check_boxes
from rpnviz.grid import Grid
from rpnviz.pictures import Picture


@dataclass(frozen=True)
class Response:
    """How the channels answer on one picture to one class.

    Attributes:
        inside, outside (Tensor[C]): mean over the cells inside the boxes of the class, and over all others.
        cells_inside, cells_outside (int): how many those are.
    """

    inside: Tensor
    outside: Tensor
    cells_inside: int
    cells_outside: int

    def __post_init__(self) -> None:
        """Refuse what is no mean over cells."""
        for name in ("inside", "outside"):
            object.__setattr__(self, name, take_numbers(getattr(self, name), name, "C").detach())
            cells = f"cells_{name}"
            object.__setattr__(self, cells, take_whole(getattr(self, cells), cells))


def cells_inside(grid: Grid, boxes: Tensor) -> Tensor:
    """Which cells have their centre in one of the boxes; a box that holds no centre gets the cell under its own.

    Args:
        grid: the map on the picture.
        boxes (Tensor[M, 4]): xyxy in px of the picture.

    Returns:
        BoolTensor[h, w].

    Raises:
        ValueError: if `boxes` is not a list of boxes.
    """
    boxes = check_boxes(boxes, "boxes").detach()
    rows, cols = grid.feature_size
    y = (torch.arange(rows) + 0.5) * grid.stride[0]
    x = (torch.arange(cols) + 0.5) * grid.stride[1]
    inside = torch.zeros(rows, cols, dtype=torch.bool)
    for x1, y1, x2, y2 in boxes.tolist():
        covered = ((y >= y1) & (y <= y2))[:, None] & ((x >= x1) & (x <= x2))[None, :]
        if not covered.any():
            covered[grid.cell_at((x1 + x2) / 2, (y1 + y2) / 2)] = True
        inside |= covered
    return inside


def class_response(features: Tensor, picture: Picture, grid: Grid, class_name: str) -> Response:
    """Compare every channel inside the boxes of a class with outside, on one picture.

    Args:
        features (Tensor[1, C, h, w]): what the backbone makes of the picture.
        picture: with its ground truth.
        grid: how the map lies on the picture.
        class_name: e.g. "dog".

    Raises:
        ValueError: if the picture has no such object or no cell outside, or the picture or the features do not fit the
            grid.
    """
    wanted = [index for index, name in enumerate(picture.class_names) if name == class_name]
    if not wanted:
        has = ", ".join(dict.fromkeys(picture.class_names)) or "none"
        raise ValueError(f"class_name must be one that {picture.name} has ({has}); got {class_name!r}")
    if picture.image_size != grid.image_size:
        raise ValueError(f"picture must have the grid's image_size {grid.image_size}; got {picture.image_size}")
    h, w = grid.feature_size
    maps = take_numbers(features, "features", f"1, C, {h}, {w}")[0].detach()
    inside = cells_inside(grid, picture.gt_boxes[wanted])
    if inside.all():
        raise ValueError(f"class_name {class_name!r} covers every cell of {picture.name}: there is no outside")
    means = [maps[:, chosen].mean(dim=1) for chosen in (inside, ~inside)]
    return Response(means[0], means[1], int(inside.sum()), int((~inside).sum()))


def rank_channels(responses: Sequence[Response]) -> tuple[Tensor, Tensor]:
    """Rank channels by how many times brighter they are inside the boxes than outside, over several pictures.

    Args:
        responses: of one class, one a picture; each counts with its cells.

    Returns:
        order (Tensor[C]): int64, the channel numbers, the highest ratio first; ties by number.
        ratio (Tensor[C]): mean inside / mean outside, at most 1e9 for one that is dark outside; 0 for a channel that is
            dark inside, whatever it is outside.

    Raises:
        ValueError: if there are no responses, or they are not of the same channels.
    """
    if not responses:
        raise ValueError("responses must not be empty: rank_channels needs a picture with such an object")
    if len({tuple(mean.shape) for r in responses for mean in (r.inside, r.outside)}) > 1:
        raise ValueError(f"responses must have the same channels; got {[len(r.inside) for r in responses]}")
    inside = sum(r.inside.double() * r.cells_inside for r in responses) / sum(r.cells_inside for r in responses)
    outside = sum(r.outside.double() * r.cells_outside for r in responses) / sum(r.cells_outside for r in responses)
    assert isinstance(inside, Tensor) and isinstance(outside, Tensor)
    ratio = torch.where(inside > 0, inside / outside.maximum(1e-9 * inside), 0.0)
    return ratio.argsort(descending=True, stable=True), ratio.float()
