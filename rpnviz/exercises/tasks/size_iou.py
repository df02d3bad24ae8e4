"""Exercise of notebook 13: how alike two sizes are, which is what k-means asks of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from matplotlib.figure import Figure
from torch import Tensor

from rpnviz.exercises import references
from rpnviz.exercises.exercise import Arguments, Case, Draw, Exercise, Mistake
from rpnviz.exercises.figures.panels import Boxes, case_figure
from rpnviz.exercises.figures.tables import got_and_wanted
from rpnviz.exercises.tasks.strategies import rows

SIDE = (1, 30)  # px
ALL_PAIRS = (
    "You compare sizes[i] with others[i] alone. Wanted is every size with every other, a table [n, k]: sizes[:, None] "
    "has room for it, or a loop in a loop."
)


def _inputs(draw: Draw) -> Arguments:
    sizes, others = rows(draw, 1, 4, SIDE, SIDE), rows(draw, 1, 5, SIDE, SIDE)
    return torch.tensor(sizes, dtype=torch.float32), torch.tensor(others, dtype=torch.float32)


def _larger() -> Arguments:
    generator = torch.Generator().manual_seed(0)
    sizes, others = (1 + torch.rand(count, 2, generator=generator) * 200 for count in (500, 9))
    return sizes.round(), others.round()


def _parts(sizes: Tensor, others: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The shared areas [n, k], and the areas of both as [n, 1] and [k]."""
    shared = torch.minimum(sizes[:, None], others).prod(dim=2)
    return shared, sizes.prod(dim=1)[:, None], others.prod(dim=1)


def _by_area_alone(sizes: Tensor, others: Tensor) -> Tensor:
    _, area, other = _parts(sizes, others)
    return torch.minimum(area, other) / torch.maximum(area, other)


def _shared_counted_twice(sizes: Tensor, others: Tensor) -> Tensor:
    shared, area, other = _parts(sizes, others)
    return shared / (area + other)


def _over_the_larger(sizes: Tensor, others: Tensor) -> Tensor:
    shared, area, other = _parts(sizes, others)
    return shared / torch.maximum(area, other)


def _box_around_both(sizes: Tensor, others: Tensor) -> Tensor:
    shared, _, _ = _parts(sizes, others)
    return shared / torch.maximum(sizes[:, None], others).prod(dim=2)


def _twice_over_the_sum(sizes: Tensor, others: Tensor) -> Tensor:
    shared, area, other = _parts(sizes, others)
    return 2 * shared / (area + other)


def _pair_by_pair(sizes: Tensor, others: Tensor) -> Tensor:
    return references.size_iou(*torch.broadcast_tensors(sizes, others)).diagonal()


def _zipped(sizes: Tensor, others: Tensor) -> Tensor:
    return references.size_iou(sizes, others).diagonal()


def _distance(sizes: Tensor, others: Tensor) -> Tensor:
    return 1 - references.size_iou(sizes, others)


def _turned(sizes: Tensor, others: Tensor) -> Tensor:
    return references.size_iou(others, sizes)


def _sides_exchanged(sizes: Tensor, others: Tensor) -> Tensor:
    return references.size_iou(sizes, others.flip(1))


def _picture(case: Case) -> Figure:
    sizes, others = case.arguments["sizes"], case.arguments["others"]
    named = [("proposal", "sizes", sizes), ("anchor", "others", others)]
    shown: list[tuple[Sequence[float], str, str]] = [
        ([-width / 2, -height / 2, width / 2, height / 2], style, f"{name}[{i}]")
        for style, name, listed in named
        for i, (height, width) in enumerate(listed.tolist())
    ]
    return case_figure([Boxes("round one centre, px", shown, wide=1.5), *got_and_wanted(case, SIZE_IOU.tolerance)])


SIZE_IOU = Exercise(
    name="my_size_iou",
    notebook="13",
    title="IoU of sizes",
    arguments=("sizes", "others"),
    returns=("the IoU",),
    reference=references.size_iou,
    oracle="torchvision.ops.box_iou of boxes round one centre",
    inputs=_inputs,
    larger=_larger,
    larger_words="500 objects × 9 shapes",
    mistakes=(
        Mistake(
            "areas_alone",
            "You compare areas. A long box and a high box of the same area are far from alike: the shared part is the "
            "smaller height times the smaller width.",
            _by_area_alone,
        ),
        Mistake(
            "shared_counted_twice",
            "The sum of both areas counts the shared part twice. The union is area + other area − shared.",
            _shared_counted_twice,
        ),
        Mistake(
            "over_the_larger",
            "You divide by the larger area. If one box is wider and the other higher, the union is larger than both.",
            _over_the_larger,
        ),
        Mistake(
            "box_around_both",
            "You divide by the box that holds both. The union has no corners where neither box is.",
            _box_around_both,
        ),
        Mistake(
            "dice",
            "2 · shared / (area + other area) is another measure (Dice). Divide the shared part by the union.",
            _twice_over_the_sum,
        ),
        Mistake("pair_by_pair", ALL_PAIRS, _pair_by_pair),
        Mistake("zipped", ALL_PAIRS, _zipped),
        Mistake("distance", "This is the distance, 1 − IoU. Return the IoU itself.", _distance),
        Mistake("transposed", "Rows belong to sizes, columns to others.", _turned),
        Mistake(
            "sides_exchanged",
            "Both are (height, width): compare heights with heights and widths with widths.",
            _sides_exchanged,
        ),
    ),
    hints=(
        "Two boxes that share their centre share a box as high as the lower one and as wide as the narrower one.",
        "torch.minimum(sizes[:, None], others) is [n, k, 2]; its product over the last dimension is the shared area.",
    ),
    picture=_picture,
)
