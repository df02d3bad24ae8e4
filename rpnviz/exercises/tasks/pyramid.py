"""Exercise of notebook 10: the proposals of a pyramid."""

from __future__ import annotations

import torch
from matplotlib.figure import Figure
from torch import Tensor

from rpnviz.exercises import references
from rpnviz.exercises.compare import indices_of, is_index_list
from rpnviz.exercises.exercise import Arguments, Case, Draw, Exercise, Mistake
from rpnviz.exercises.figures.panels import Boxes, Panel, case_figure
from rpnviz.exercises.figures.tables import tables
from rpnviz.exercises.tasks.strategies import one_of, rows, seeded_boxes, whole


def _inputs(draw: Draw) -> Arguments:
    """One to three levels of a few boxes in few places; all scores differ."""
    from hypothesis import strategies

    level_sizes = [whole(draw, 1, 4) for _ in range(whole(draw, 1, 3))]
    many = sum(level_sizes)
    places = rows(draw, many, many, (0, 2), (0, 1), (2, 4), (1, 2))
    boxes = torch.tensor([[4 * x, 4 * y, 4 * (x + w), 4 * (y + h)] for x, y, w, h in places], dtype=torch.float32)
    order = draw(strategies.permutations(range(many)))
    scores = torch.tensor([(i + 1) / 16 for i in order])
    return boxes, scores, level_sizes, whole(draw, 1, 4), one_of(draw, (0.5, 0.25)), whole(draw, 1, 6)


def _larger() -> Arguments:
    scores = torch.rand(1000, generator=torch.Generator().manual_seed(2))
    return seeded_boxes(1000), scores, [600, 300, 100], 200, 0.5, 100


def _best(rows_left: Tensor, scores: Tensor, most: int) -> Tensor:
    return rows_left[scores[rows_left].argsort(descending=True, stable=True)][:most]


def _levels(level_sizes: list[int]) -> list[Tensor]:
    """The rows of each level."""
    return list(torch.arange(sum(level_sizes)).split(level_sizes))


def _nms(inds: Tensor, boxes: Tensor, scores: Tensor, thresh: float) -> Tensor:
    return inds[references.nms(boxes[inds], scores[inds], thresh)]


def _one_top_n(
    boxes: Tensor, scores: Tensor, level_sizes: list[int], pre_nms_top_n: int, nms_thresh: float, post_nms_top_n: int
) -> Tensor:
    top = _best(torch.arange(len(scores)), scores, pre_nms_top_n)
    kept = [_nms(top[torch.isin(top, own)], boxes, scores, nms_thresh) for own in _levels(level_sizes)]
    return _best(torch.cat(kept), scores, post_nms_top_n)


def _one_nms(
    boxes: Tensor, scores: Tensor, level_sizes: list[int], pre_nms_top_n: int, nms_thresh: float, post_nms_top_n: int
) -> Tensor:
    top = torch.cat([_best(own, scores, pre_nms_top_n) for own in _levels(level_sizes)])
    return _nms(top, boxes, scores, nms_thresh)[:post_nms_top_n]


def _post_of_each(
    boxes: Tensor, scores: Tensor, level_sizes: list[int], pre_nms_top_n: int, nms_thresh: float, post_nms_top_n: int
) -> Tensor:
    kept = [
        _nms(_best(own, scores, pre_nms_top_n), boxes, scores, nms_thresh)[:post_nms_top_n]
        for own in _levels(level_sizes)
    ]
    return _best(torch.cat(kept), scores, len(scores))


def _level_by_level(
    boxes: Tensor, scores: Tensor, level_sizes: list[int], pre_nms_top_n: int, nms_thresh: float, post_nms_top_n: int
) -> Tensor:
    tops = [_best(own, scores, pre_nms_top_n) for own in _levels(level_sizes)]
    return torch.cat([_nms(top, boxes, scores, nms_thresh) for top in tops])[:post_nms_top_n]


def _rows_of_the_level(
    boxes: Tensor, scores: Tensor, level_sizes: list[int], pre_nms_top_n: int, nms_thresh: float, post_nms_top_n: int
) -> Tensor:
    right = references.propose_by_level(boxes, scores, level_sizes, pre_nms_top_n, nms_thresh, post_nms_top_n)
    firsts = torch.cat([own - own[0] for own in _levels(level_sizes)])
    return firsts[right]


def _nms_first(
    boxes: Tensor, scores: Tensor, level_sizes: list[int], pre_nms_top_n: int, nms_thresh: float, post_nms_top_n: int
) -> Tensor:
    kept = [_nms(own, boxes, scores, nms_thresh)[:pre_nms_top_n] for own in _levels(level_sizes)]
    return _best(torch.cat(kept), scores, post_nms_top_n)


def _picture(case: Case) -> Figure:
    boxes, scores, level_sizes, pre, thresh, post = case.arguments.values()
    wanted = case.wanted.tolist()
    level_of = [level for level, size in enumerate(level_sizes) for _ in range(size)]
    styles = ["proposal" if row in wanted else "dropped" for row in range(len(boxes))]
    names = [
        f"{row}: level {level}, {score:.3g}"
        for row, (level, score) in enumerate(zip(level_of, scores.tolist(), strict=True))
    ]
    shown = list(zip(boxes.tolist(), styles, names, strict=True))
    words = f"row: level, score; {pre} of each level, NMS at {thresh:g}, {post} in all"
    got = torch.tensor(indices_of(case.got)) if is_index_list(case.got) else case.got
    kept = tables(got, case.wanted, 0, case.raised, columns=("row",), wide=0.5)
    panels: list[Panel] = [Boxes(words, shown, wide=1.8), *kept]
    return case_figure(panels, height=3.4)


PYRAMID = Exercise(
    name="my_propose_by_level",
    notebook="10",
    title="The proposals of a pyramid",
    arguments=("boxes", "scores", "level_sizes", "pre_nms_top_n", "nms_thresh", "post_nms_top_n"),
    returns=("the proposals' rows",),
    reference=references.propose_by_level,
    oracle="torchvision's RegionProposalNetwork",
    inputs=_inputs,
    larger=_larger,
    larger_words="1,000 boxes on three levels",
    mistakes=(
        Mistake(
            "one_top_n",
            "You take the best pre_nms_top_n of all levels together. Each level sends its own best: a level with low "
            "scores would otherwise send nothing.",
            _one_top_n,
        ),
        Mistake(
            "one_nms",
            "A box of one level suppresses a box of another. Each level has an NMS of its own.",
            _one_nms,
        ),
        Mistake(
            "post_of_each",
            "You keep post_nms_top_n of each level. This number is for all levels together: join them, then cut.",
            _post_of_each,
        ),
        Mistake(
            "level_by_level",
            "What NMS keeps is still in the order of the levels. Sort it by score before the last cut, best first.",
            _level_by_level,
        ),
        Mistake(
            "rows_of_the_level",
            "You return rows counted from the beginning of each level. Add how many boxes come before the level.",
            _rows_of_the_level,
        ),
        Mistake(
            "nms_first",
            "NMS comes after the top-N of the level: first the best pre_nms_top_n, then NMS among these alone.",
            _nms_first,
        ),
    ),
    hints=(
        "Go through the levels. first is the row at which a level begins: its rows are first to first + size. Of these "
        "the best pre_nms_top_n go through NMS. Collect what is kept, add size to first.",
        "torch.cat what all levels kept, sort it by scores, and cut it at post_nms_top_n. torchvision.ops.nms(boxes, "
        "scores, thresh) returns places in what it was given: rows[places] are rows again.",
    ),
    picture=_picture,
    indices=True,
)
