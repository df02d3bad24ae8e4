"""NMS one box at a time: on six boxes, or on the best of a real picture (notebook 08)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import traitlets as t
from matplotlib.figure import Figure
from torch import Tensor

from rpnviz._inputs import take_shown
from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.boxes import check_boxes
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.objects import HasObjects
from rpnviz.explorers.common.own_picture import OWN_PICTURE, ShowsOnePicture, look
from rpnviz.explorers.common.page_network import BACKBONE_AND_RPN
from rpnviz.explorers.common.payload import picture_file, picture_plan
from rpnviz.explorers.common.rules import Rule, number, obeys_rules, some_of, whole
from rpnviz.explorers.common.taken import check_picture
from rpnviz.explorers.common.words import beside_thresholds
from rpnviz.explorers.nms.figure import MARGIN, NAMED, NMS_LINES, nms_figure
from rpnviz.grid import Grid
from rpnviz.inspect.nms_steps import NmsStep, nms_steps, ranking, states_after
from rpnviz.pictures import Picture
from rpnviz.proposals import propose

LAYERS = ("waiting", "suppressed", "kept", "ground_truth")
MOST = 500  # boxes: the page compares each with each


class NmsExplorer(ShowsOnePicture, HasObjects, RpnvizWidget):
    """Boxes, best score first, each having its turn; the page itself works out who is suppressed.

    Args:
        picture: what the boxes lie on.
        boxes (Tensor[N, 4]): xyxy, px; at most 500.
        scores (Tensor[N]): probabilities.
        names (list[str], N entries, optional): what to call them; without, their places in the order of the scores.
        **traits: where to start, e.g. nms_thresh=0.5, turn=3.

    Raises:
        ValueError: if shapes or numbers are no good, or there are none or more than 500 boxes.
    """

    unmoved = (*OWN_PICTURE, "worked_out")
    networks = BACKBONE_AND_RPN
    presented = "turn"
    view = "nms/view.js"
    sheets = ("nms/view.css",)
    plan = t.Dict(read_only=True, help="sizes, objects, names, the line of each state").tag(sync=True)
    image = t.Bytes(read_only=True, help="the picture as a file").tag(sync=True)
    boxes = t.Bytes(read_only=True, help="float32 [N, 4]").tag(sync=True)
    scores = t.Bytes(read_only=True, help="float32 [N]").tag(sync=True)
    turn = t.Int(0, help="how many boxes have had their turn").tag(sync=True)
    top_n = t.Int(1, help="this many of the best take part").tag(sync=True)
    nms_thresh = t.Float(0.7, help="a box is suppressed above it").tag(sync=True)
    speed = t.Int(2, help="boxes a second when it plays").tag(sync=True)
    pass_over = t.Bool(False, help="pass over boxes that were suppressed before their turn").tag(sync=True)
    suppressed_too = t.Bool(False, help="suppressed boxes suppress as well: not NMS").tag(sync=True)
    reverse_ties = t.Bool(False, help="of equal scores the last of the list first").tag(sync=True)
    layers = t.Tuple(LAYERS, help=f"what is drawn, of {', '.join(LAYERS)}").tag(sync=True)
    worked_out = t.Dict(help="what the page worked out last: rows kept, and of what; empty before").tag(sync=True)

    def __init__(
        self, picture: Picture, boxes: Tensor, scores: Tensor, names: Sequence[str] | None = None, **traits: Any
    ) -> None:
        """Start before the first turn."""
        check_picture(picture)
        boxes = check_boxes(boxes, "boxes").detach().float().cpu()
        scores = take_shown(scores, "scores", f"{len(boxes)}")
        if not 1 <= len(boxes) <= MOST:
            raise ValueError(f"boxes: got {len(boxes) or 'none'}, takes 1 to {MOST} of them")
        rank = ranking(scores).argsort()
        names = [str(int(place) + 1) for place in rank] if names is None else list(names)
        if len(names) != len(boxes):
            raise ValueError(f"names must be {len(boxes)}, one for each box; got {len(names)}")
        self._given = boxes, scores, names
        super().__init__()
        self.show_picture(picture)
        self.start_answering()
        for name, value in {"top_n": len(boxes), "pass_over": len(boxes) > NAMED, **traits}.items():
            setattr(self, name, value)

    def answer(self) -> dict[str, Any]:
        """The boxes that were given; of a picture of the reader's own as many, the best of the bundled network."""
        boxes, scores, names = self._best(len(self._given[0])) if self.own_picture else self._given
        sent = {
            "plan": self._plan(scores, names),
            "image": picture_file(self.picture),
            "boxes": boxes.numpy().astype("<f4").tobytes(),
            "scores": scores.numpy().astype("<f4").tobytes(),
        }
        self.all_boxes, self.all_scores, self.names = boxes, scores, names
        return {**sent, **self.brings(turn=0)}

    def _best(self, count: int) -> tuple[Tensor, Tensor, list[str]]:
        """Boxes, scores and places of those that would go into NMS first."""
        grid = Grid.paper(self.picture.image_size)
        _, objectness, deltas = look(self.picture, grid)
        stages = propose(objectness, deltas, grid_anchors(grid, cell_anchors()), grid.image_size, count)
        inds = stages.pre_nms_inds
        return stages.all_boxes[inds], stages.all_scores[inds], [str(place + 1) for place in range(len(inds))]

    def _plan(self, scores: Tensor, names: list[str]) -> dict[str, Any]:
        height, width = self.picture.image_size
        extent = [-MARGIN * width, -MARGIN * height, (1 + MARGIN) * width, (1 + MARGIN) * height]
        ties = len(set(scores.tolist())) < len(scores)
        lines = {state: {"style": style, "words": words} for state, (style, words) in NMS_LINES.items()}
        own = {"extent": extent, "names": names, "named": NAMED, "ties": ties, "lines": lines}
        return {**picture_plan(self.picture), **own}

    @property
    def rows(self) -> Tensor:
        """Tensor[top_n]: int64; rows of the boxes that take part, in the order of their turns."""
        return ranking(self.all_scores, self.reverse_ties)[: self.top_n]

    def steps(self) -> list[NmsStep]:
        """Every turn, as `nms.nms_steps` tells it; rows are places in `rows`."""
        # The scores are in order already, and so equal ones stay as `rows` has them.
        return nms_steps(self.all_boxes[self.rows], self.all_scores[self.rows], self.nms_thresh, self.suppressed_too)

    @property
    def kept(self) -> Tensor:
        """Tensor[K]: int64; rows of the boxes that are kept in the end, best first."""
        return self.rows[torch.tensor([step.row for step in self.steps() if step.kept])]

    def rules(self) -> dict[str, Rule]:
        """Say what a saved page may set."""
        return {
            **self.object_rules(),
            "top_n": whole(1, len(self.all_boxes)),
            "turn": whole(0, len(self.all_boxes), at_most="top_n"),
            "nms_thresh": number(0, 1),
            "speed": whole(1, 20),
            "layers": some_of(LAYERS),
        }

    def figure(self) -> Figure:
        """Draw the boxes as they stand."""
        states = states_after(self.steps(), self.turn)
        rows = self.rows
        shown = [i for i, state in enumerate(states) if state in (*self.layers, "falls", "current")]
        with_objects = "ground_truth" in self.layers
        objects = (self.picture.gt_boxes, self.picture.class_names) if with_objects else (torch.zeros(0, 4), [])
        names = [self.names[int(rows[i])] for i in shown]
        boxes = self.all_boxes[rows[shown]]
        return nms_figure(self.picture.image, boxes, [states[i] for i in shown], names, objects, self.describe())

    def describe(self) -> str:
        """Say whose turn it is and what happens."""
        steps = self.steps()
        names = [f"box {name}" if name.isdigit() else name for name in (self.names[int(row)] for row in self.rows)]
        kept = sum(step.kept for step in steps[: self.turn])
        if self.turn == 0:
            return f"NMS at {self.nms_thresh:.2f} on {len(steps)} boxes, before the first turn."
        step = steps[self.turn - 1]
        iou = beside_thresholds(step.iou, (self.nms_thresh,))
        fate = "is kept" if step.kept else f"was suppressed by {names[step.suppressed_by]}, IoU {iou}"
        number = len(step.suppresses)
        many = "it suppresses " + ("nobody" if not number else "1 box" if number == 1 else f"{number} boxes")
        said = f"Turn {self.turn} of {len(steps)}, NMS at {self.nms_thresh:.2f}: {names[step.row]} {fate}; {many}."
        return f"{said} {kept} kept so far."

    _check = obeys_rules("turn", "top_n", "nms_thresh", "speed", "layers")

    @t.observe("top_n")
    def _stay_inside(self, _: Any) -> None:
        self.turn = min(self.turn, self.top_n)
