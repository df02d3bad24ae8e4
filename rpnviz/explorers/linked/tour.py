"""The tour of the linked explorer: ten steps from the picture to the proposals, one idea each.

A step moves the view as an answer to a question does, and leaves away what it is not about. Where it goes and which
numbers it states are worked out from what the explorer holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rpnviz.explorers.common.map_and_picture import size_name
from rpnviz.explorers.common.moves import check_moves
from rpnviz.explorers.common.rules import Rule

if TYPE_CHECKING:
    from rpnviz.explorers.linked.explorer import LinkedExplorer

PARTS = ("map", "picture", "window", "vector", "outputs")  # what a step may show
DRAWN = 10  # proposals in the last step
REACH = 9  # cells that the window slides in the steps about all nine


@dataclass(frozen=True)
class Step:
    """One idea, one sentence or two.

    Attributes:
        text (str): what is said.
        shows (tuple[str, ...]): what is drawn, of PARTS; the boxes on the picture are the trait `layers`.
        moves (dict): trait → value; how the view then stands.
        path (tuple[tuple[int, int], ...]): cells (row, col) through which the window slides before it comes to rest.
    """

    text: str
    shows: tuple[str, ...]
    moves: dict[str, Any]
    path: tuple[tuple[int, int], ...] = field(default=())


def tour_of(explorer: LinkedExplorer) -> tuple[Step, ...]:
    """The ten steps for the picture shown, with the window where it stands.

    Raises:
        ValueError: if the picture has no objects: four steps are about them.
    """
    if not len(explorer.results.picture.gt_boxes):
        raise ValueError(f"{explorer.picture}: has no objects, and the tour shows how anchors are compared with them")
    return (*_seeing(explorer), *_putting_out(explorer), *_laying_anchors(explorer), *_two_branches(explorer))


def packed(steps: tuple[Step, ...], rules: dict[str, Rule], now: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Write the steps for the page.

    Args:
        steps: the steps.
        rules: what a page without a kernel may set, from `RpnvizWidget.moves`.
        now: what a reader may set, as it stands.

    Raises:
        ValueError: if a step moves what may not be moved, or too far, or shows what is no part; names the step.
    """
    for number, step in enumerate(steps, start=1):
        check_moves(step.moves, rules, now, f"step {number} of the tour: moves")
        unknown = [part for part in step.shows if part not in PARTS]
        if unknown:
            raise ValueError(f"step {number} of the tour: shows: got {unknown[0]!r}, takes any of {', '.join(PARTS)}")
    return [{"text": one.text, "shows": one.shows, "moves": one.moves, "path": one.path} for one in steps]


def _seeing(explorer: LinkedExplorer) -> tuple[Step, ...]:
    """1. The picture. 2. The map. 3. The window at every stop."""
    results = explorer.results
    (height, width), (rows, cols) = results.grid.image_size, results.grid.feature_size
    channels, number = len(results.features), len(results.picture.gt_boxes)
    x1, y1, x2, y2 = results.grid.footprint(0, 0)
    shown = f"one of the {channels}" if explorer.channel is not None else f"the {explorer.map}"
    objects, each = ("one object", "it") if number == 1 else (f"{number} objects", "each")
    return (
        Step(
            f"This is the picture, {height}×{width} pixels. It shows {objects}, and we want a box round {each}.",
            ("picture",),
            {"layers": ["ground_truth"], "map": explorer.map},
        ),
        Step(
            f"Thirteen convolutions and four poolings make a feature map of it: {rows}×{cols} cells, with {channels} "
            f"numbers in each. Drawn is {shown}.",
            ("map", "picture"),
            {"layers": [], "map": explorer.map},
        ),
        Step(
            f"A window of 3×3 cells stops at each of the {rows * cols:,} cells once. On the picture it covers "
            f"{x2 - x1:.0f}×{y2 - y1:.0f} pixels.",
            ("map", "picture", "window"),
            {"layers": [], "map": explorer.map, "row": rows - 1, "col": 0 if rows % 2 == 0 else cols - 1},
            _everywhere(rows, cols),
        ),
    )


def _putting_out(explorer: LinkedExplorer) -> tuple[Step, ...]:
    """4. 512 numbers. 5. Nine scores and 36 deltas."""
    results = explorer.results
    channels, nine = len(results.features), len(results.here(0, 0))
    at = {"layers": [], "map": explorer.map, "row": explorer.row, "col": explorer.col}
    return (
        Step(
            f"At each stop a convolution makes {channels} new numbers of the 3×3×{channels} under the window. These "
            "are the new ones at this stop.",
            ("map", "window", "vector"),
            at,
        ),
        Step(
            f"Two more layers read these {channels}: out come {nine} scores, how likely each of {nine} boxes holds an "
            f"object, and {4 * nine} deltas, how to move them. That is all the network does.",
            ("map", "window", "vector", "outputs"),
            at,
        ),
    )


def _laying_anchors(explorer: LinkedExplorer) -> tuple[Step, ...]:
    """6. One anchor. 7. The other eight."""
    results = explorer.results
    nine = results.anchors[results.here(explorer.row, explorer.col)].tolist()
    row, col = explorer.row, explorer.col
    there = _aside(col, results.grid.feature_size[1])
    at = {"layers": ["anchors"], "map": explorer.map, "row": row, "col": col, "selected": explorer.selected}
    return (
        Step(
            f"The boxes were there before: this anchor of {size_name(nine[explorer.selected])} pixels is laid round "
            "the middle of the window, and no network computed it.",
            ("map", "picture", "window"),
            {**at, "alone": True},
        ),
        Step(
            "Eight more have the same middle: three sizes in three shapes. The nine move with the window like one "
            "stiff frame, the same at every stop: that is how nine anchors belong to a 3×3 window.",
            ("map", "picture", "window"),
            {**at, "alone": False, "selected": -1},
            ((row, there), (row, col)),
        ),
    )


def _two_branches(explorer: LinkedExplorer) -> tuple[Step, ...]:
    """8. Labels. 9. The 256. 10. Proposals."""
    results = explorer.results
    positive, negative = map(len, explorer.minibatch)
    stages = dict(results.stages.funnel())
    row, col = explorer.row, explorer.col
    there = _aside(col, results.grid.feature_size[1])
    at = {"map": explorer.map, "row": row, "col": col, "selected": -1, "alone": False}
    seen = ("map", "picture", "window")
    first, drawn = results.stages.post_nms_inds, min(DRAWN, len(results.stages.post_nms_inds))
    return (
        Step(
            "For training, anchors are compared with the objects: green fits one, red fits none. If you imagine the "
            "nine sliding over the picture, you are right, except that the network has no part in it.",
            seen,
            {**at, "layers": ["anchors", "ground_truth", "labels"]},
            ((row, there), (row, col)),
        ),
        Step(
            f"Of all labelled anchors {positive + negative} are drawn by lot for one step of training, the dots on the "
            f"map: {positive} positive and {negative} negative ones. Only they count in the loss.",
            ("map", "picture"),
            {**at, "layers": ["ground_truth", "minibatch"], "seed": explorer.seed},
        ),
        Step(
            f"Once trained, the network scores and moves all {len(results.anchors):,} boxes. The best "
            f"{stages['top-N by score']:,} go on, NMS drops near-copies, and {len(first)} are proposed: here, the best "
            f"{drawn}.",
            ("map", "picture"),
            {**at, "layers": ["proposals"], "top_n": drawn},
        ),
    )


def _everywhere(rows: int, cols: int) -> tuple[tuple[int, int], ...]:
    """The corners of a way over all cells: along one row, back along the next."""
    ends = [(row, col) for row in range(rows) for col in ((0, cols - 1) if row % 2 == 0 else (cols - 1, 0))]
    return tuple(ends)


def _aside(col: int, cols: int) -> int:
    """A column some cells away, on the side where there is more room."""
    return max(col - REACH, 0) if col > cols // 2 else min(col + REACH, cols - 1)
