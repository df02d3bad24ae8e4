"""Exercise of notebook 04: intersection over union of all pairs of boxes."""

from __future__ import annotations

import torch
from matplotlib.figure import Figure
from torch import Tensor

from rpnviz.exercises import references
from rpnviz.exercises.exercise import Arguments, Case, Draw, Exercise, Mistake
from rpnviz.exercises.figures.panels import Boxes, case_figure
from rpnviz.exercises.figures.tables import got_and_wanted
from rpnviz.exercises.tasks.strategies import boxes, seeded_boxes

ALL_PAIRS = (
    "You compare boxes1[i] with boxes2[i] alone. Wanted is every box of boxes1 with every box of boxes2, a table "
    "[N, M]: boxes1[:, None] has room for it, or a loop in a loop."
)


def _inputs(draw: Draw) -> Arguments:
    return boxes(draw, 4), boxes(draw, 5)


def _larger() -> Arguments:
    return seeded_boxes(60), seeded_boxes(60, seed=1)


def _sides(boxes1: Tensor, boxes2: Tensor, more: float = 0, clamp: bool = True) -> tuple[Tensor, Tensor, Tensor]:
    """Intersections [N, M] and the areas of both, every side `more` longer."""
    low = torch.maximum(boxes1[:, None, :2], boxes2[:, :2])
    high = torch.minimum(boxes1[:, None, 2:], boxes2[:, 2:])
    shared = high - low + more
    shared = shared.clamp(min=0) if clamp else shared
    size1, size2 = boxes1[:, 2:] - boxes1[:, :2] + more, boxes2[:, 2:] - boxes2[:, :2] + more
    return shared.prod(dim=2), size1.prod(dim=1)[:, None], size2.prod(dim=1)


def _no_clamp(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    shared, area1, area2 = _sides(boxes1, boxes2, clamp=False)
    return shared / (area1 + area2 - shared)


def _one_pixel_more(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    shared, area1, area2 = _sides(boxes1, boxes2, more=1)
    return shared / (area1 + area2 - shared)


def _shared_counted_twice(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    shared, area1, area2 = _sides(boxes1, boxes2)
    return shared / (area1 + area2)


def _over_the_first(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    shared, area1, _ = _sides(boxes1, boxes2)
    return shared / area1


def _over_the_second(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    shared, _, area2 = _sides(boxes1, boxes2)
    return shared / area2


def _twice_over_the_sum(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    shared, area1, area2 = _sides(boxes1, boxes2)
    return 2 * shared / (area1 + area2)


def _box_round_both(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    low = torch.minimum(boxes1[:, None, :2], boxes2[:, :2])
    high = torch.maximum(boxes1[:, None, 2:], boxes2[:, 2:])
    return _sides(boxes1, boxes2)[0] / (high - low).prod(dim=2)


def _absolute(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    shared, area1, area2 = _sides(boxes1, boxes2, clamp=False)
    return shared.abs() / (area1 + area2 - shared.abs())


def _product_clamped(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    shared, area1, area2 = _sides(boxes1, boxes2, clamp=False)
    return shared.clamp(min=0) / (area1 + area2 - shared.clamp(min=0))


def _pair_by_pair(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    boxes1, boxes2 = torch.broadcast_tensors(boxes1, boxes2)
    return references.box_iou(boxes1, boxes2).diagonal()


def _zipped(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    return references.box_iou(boxes1, boxes2).diagonal()


def _over_the_smaller(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    shared, area1, area2 = _sides(boxes1, boxes2)
    return shared / torch.minimum(area1, area2)


def _intersection_alone(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    return _sides(boxes1, boxes2)[0]


def _as_sizes(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """The last two numbers taken for width and height."""
    corners = [torch.cat([b[:, :2], b[:, :2] + b[:, 2:]], dim=1) for b in (boxes1, boxes2)]
    return references.box_iou(*corners)


def _turned(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    return references.box_iou(boxes2, boxes1)


def _picture(case: Case) -> Figure:
    boxes1, boxes2 = case.arguments["boxes1"], case.arguments["boxes2"]
    shown = [(box, "ground_truth", f"boxes1[{i}]") for i, box in enumerate(boxes1.tolist())]
    shown += [(box, "anchor", f"boxes2[{j}]") for j, box in enumerate(boxes2.tolist())]
    return case_figure([Boxes("the boxes, px", shown, wide=1.5), *got_and_wanted(case, BOX_IOU.tolerance)])


BOX_IOU = Exercise(
    name="my_box_iou",
    notebook="04",
    title="IoU of all pairs of boxes",
    arguments=("boxes1", "boxes2"),
    returns=("the IoU",),
    reference=references.box_iou,
    oracle="torchvision.ops.box_iou",
    inputs=_inputs,
    larger=_larger,
    larger_words="60 × 60 boxes",
    mistakes=(
        Mistake(
            "no_clamp",
            "Two boxes that lie apart have a negative overlap in width, height or both, and two negatives make a "
            "positive product. Cut both off at 0 before you multiply.",
            _no_clamp,
        ),
        Mistake(
            "plus_one_pixel",
            "You count a width as x2 − x1 + 1. That is the convention of inclusive pixels (py-faster-rcnn); here edges "
            "are continuous, a width is x2 − x1.",
            _one_pixel_more,
        ),
        Mistake(
            "shared_counted_twice",
            "The sum of both areas counts the shared part twice. The union is area1 + area2 − intersection.",
            _shared_counted_twice,
        ),
        Mistake(
            "over_one_area",
            "You divide by the area of the first box. Divide by the area of the union.",
            _over_the_first,
        ),
        Mistake(
            "over_smaller_area",
            "You divide by the smaller area: a small box inside a large one would get 1. Divide by the union.",
            _over_the_smaller,
        ),
        Mistake(
            "over_the_second_area",
            "You divide by the area of the second box. Divide by the area of the union.",
            _over_the_second,
        ),
        Mistake(
            "dice",
            "2 · intersection / (area1 + area2) is another measure (Dice). IoU is intersection / union, and the union "
            "is area1 + area2 − intersection.",
            _twice_over_the_sum,
        ),
        Mistake(
            "box_around_both",
            "You divide by the box round both. The union has no corners where neither box is: it is area1 + area2 − "
            "intersection.",
            _box_round_both,
        ),
        Mistake(
            "abs_for_clamp",
            "A negative overlap means that the boxes lie apart: they share 0. abs() turns the gap between them into an "
            "overlap.",
            _absolute,
        ),
        Mistake(
            "product_clamped",
            "Cut off width and height at 0 each, before you multiply: two negatives make a positive product.",
            _product_clamped,
        ),
        Mistake("pair_by_pair", ALL_PAIRS, _pair_by_pair),
        Mistake("zipped", ALL_PAIRS, _zipped),
        Mistake("no_union", "This is the intersection. Divide it by the area of the union.", _intersection_alone),
        Mistake(
            "corners_as_sizes",
            "A box is (x1, y1, x2, y2): the last two numbers are a corner, not width and height.",
            _as_sizes,
        ),
        Mistake(
            "transposed",
            "Rows and columns are exchanged: row i belongs to boxes1[i], column j to boxes2[j].",
            _turned,
        ),
    ),
    hints=(
        "First the intersection of two boxes: its left edge is the larger of the two left edges, its right edge the "
        "smaller of the two right edges; likewise in y. What if the boxes lie apart?",
        "For all pairs at once give boxes1 a second dimension, boxes1[:, None, :]: then torch.maximum and "
        "torch.minimum of [N, 1, 2] and [M, 2] are [N, M, 2]. The union is area1[:, None] + area2 − intersection.",
    ),
    picture=_picture,
)
