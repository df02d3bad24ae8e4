"""From proposals to detections: the second head's answers before and after the last NMS (notebook 09)."""

from __future__ import annotations

from typing import Any

import traitlets as t
from torch import Tensor

from rpnviz._inputs import check_count, take_shown
from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.boxes import check_boxes
from rpnviz.detection import CLASSES, Detections, RoIHead, detect
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.finite import Finite
from rpnviz.explorers.common.objects import HasObjects
from rpnviz.explorers.common.own_picture import ShowsOnePicture, look
from rpnviz.explorers.common.page_network import AND_ROI_HEAD
from rpnviz.explorers.common.payload import picture_file, picture_plan
from rpnviz.explorers.common.rules import Rule, obeys_rules, whole
from rpnviz.explorers.common.taken import check_picture
from rpnviz.explorers.detections.figure import detections_figure
from rpnviz.figures.primitives import Still
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.proposals import propose

LOWEST = 0.05  # a class that scores less is not sent to the page
MOST_PROPOSALS = 2000  # the page gets a box for each class of each
MOST = 100  # detections of a picture, as in detection.detect
STAGES = ("proposals", "named", "detections")


class DetectionsExplorer(ShowsOnePicture, HasObjects, RpnvizWidget):
    """The proposals, the boxes that the second head makes of them, and those that the last NMS keeps.

    Args:
        picture: what the features were computed from.
        grid: how they lie on the picture.
        features (Tensor[1, C, h, w]): the feature map.
        proposals (Tensor[K, 4]): px of the picture, best first; at most 2,000.
        head: the second head.
        **traits: where to start, e.g. stage="named", score_thresh=0.5.

    Raises:
        ValueError: as `detect`, or if there are more proposals.
    """

    presented = "stage"
    networks = AND_ROI_HEAD
    view = "detections/view.js"
    sheets = ("common/roi.css",)
    plan = t.Dict(read_only=True, help="sizes, objects, classes, proposals").tag(sync=True)
    image = t.Bytes(read_only=True, help="the picture as a file").tag(sync=True)
    boxes = t.Bytes(read_only=True, help="float32 [D, 4]: a box for each class that scores, best first").tag(sync=True)
    labels = t.Bytes(read_only=True, help="uint8 [D]: its class").tag(sync=True)
    scores = t.Bytes(read_only=True, help="float32 [D]").tag(sync=True)
    proposal_inds = t.Bytes(read_only=True, help="int32 [D]: the proposal it came from").tag(sync=True)
    stage = t.Enum(STAGES, "detections", help="which boxes are shown").tag(sync=True)
    score_thresh = Finite(LOWEST, min=LOWEST, max=0.95, help="a class must score above it").tag(sync=True)
    nms_thresh = Finite(0.5, min=0, max=1, help="of two boxes of a class that overlap more, one goes").tag(sync=True)
    selected = t.Int(-1, min=-1, help="the box that stands out, best first; -1 for none").tag(sync=True)

    def __init__(
        self, picture: Picture, grid: Grid, features: Tensor, proposals: Tensor, head: RoIHead, **traits: Any
    ) -> None:
        """Ask the head once."""
        proposals = check_boxes(proposals, "proposals").detach().float().cpu()
        check_count(len(proposals), MOST_PROPOSALS, "proposals are … boxes")
        self._given = (take_shown(features, "features"), proposals, head, grid)
        detect(*self._given, max_detections=1)  # features or head that it does not take are told of before all else
        super().__init__()
        self.show_picture(check_picture(picture, grid))
        self.start_answering()
        for name, value in traits.items():
            setattr(self, name, value)

    def answer(self) -> dict[str, Any]:
        """Ask the head once; a picture of the reader's own has the proposals of the bundled network."""
        asked = self._propose() if self.own_picture else self._given
        every = len(asked[1]) * len(CLASSES)  # NMS at 1 removes nothing
        named = detect(*asked, score_thresh=LOWEST, nms_thresh=1, max_detections=max(every, 1))
        kinds = {"boxes": "<f4", "labels": "u1", "scores": "<f4", "proposal_inds": "<i4"}
        numbers = {name: getattr(named, name).numpy().astype(kind).tobytes() for name, kind in kinds.items()}
        sent = {"plan": self._plan(asked[1]), "image": picture_file(self.picture), **numbers}
        self._asked, self.named = asked, named
        return {**sent, **self.brings(selected=-1)}

    def _propose(self) -> tuple[Tensor, Tensor, RoIHead, Grid]:
        """What the head is asked of a picture of the reader's own: features, the usual 300 proposals, head, grid."""
        grid = Grid.paper(self.picture.image_size)
        features, objectness, deltas = look(self.picture, grid)
        proposals = propose(objectness, deltas, grid_anchors(grid, cell_anchors()), grid.image_size).proposals
        return features, proposals, self._given[2], grid

    @property
    def grid(self) -> Grid:
        """How the features lie on the picture."""
        return self._asked[3]

    def _plan(self, proposals: Tensor) -> dict[str, Any]:
        limits = {"lowest": LOWEST, "most": MOST}
        return {**picture_plan(self.picture), "classes": list(CLASSES), "proposals": proposals.tolist(), **limits}

    @property
    def proposals(self) -> Tensor:
        """Tensor[K, 4]: px, best first."""
        return self._asked[1]

    @property
    def detections(self) -> Detections:
        """What is left at both thresholds."""
        return detect(*self._asked, self.score_thresh, self.nms_thresh, MOST)

    def rules(self) -> dict[str, Rule]:
        """Say what a saved page may set."""
        return {**self.object_rules(), "selected": whole(-1, len(self.named.boxes) - 1)}

    def figure(self) -> Still:
        """Draw the explorer as it stands."""
        if self.stage == "proposals":
            proposals = self._asked[1]
            return detections_figure(self.picture.image, proposals, [0] * len(proposals), [], self.describe())
        if self.stage == "named":
            above = self.named.scores > self.score_thresh
            boxes, labels = self.named.boxes[above], self.named.labels[above].tolist()
            return detections_figure(self.picture.image, boxes, labels, [], self.describe())
        found = self.detections
        names = [f"{name} {score:.2f}" for name, score in zip(found.names, found.scores.tolist(), strict=True)]
        return detections_figure(self.picture.image, found.boxes, found.labels.tolist(), names, self.describe())

    def describe(self) -> str:
        """Say how many boxes there are at each stage."""
        above, left = int((self.named.scores > self.score_thresh).sum()), len(self.detections.boxes)
        best = "the best " if left == MOST else ""
        return (
            f"{len(self._asked[1])} proposals, {above} boxes that score above {self.score_thresh:.2f} for a class, "
            f"{best}{left} detections after NMS at {self.nms_thresh:.2f}."
        )

    _check = obeys_rules("selected")
