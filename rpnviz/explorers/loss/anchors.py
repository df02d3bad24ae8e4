"""The anchors that notebook 06's explorer offers: the telling ones of one minibatch, and one that was left out.

The page works out the same by loss/offered.js, whose functions have the same names.

Shapes: N anchors of the picture, S of them sampled: the positives first, then the negatives.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from torch import Tensor

from rpnviz.explorers.common.map_and_picture import size_name
from rpnviz.explorers.common.payload import object_names, picture_plan
from rpnviz.explorers.common.words import beside_thresholds
from rpnviz.inspect.loss_ledger import Ledger, write_ledger
from rpnviz.pictures import Picture
from rpnviz.targets import IGNORED, TIE, AnchorLabels

ROOM = 100  # px round an anchor in close up
WHY = {
    "best": "the positive anchor that fits its object best",
    "worst": "the positive anchor that fits its object worst",
    "far": "the positive anchor whose box loss is largest",
    "unsure": "the positive anchor with the lowest score",
    "alarm": "the negative anchor with the highest score",
    "easy": "the negative anchor with the lowest score",
    "out": "not in the minibatch: neither positive nor negative",
    "rest": "not in the minibatch: with these settings none is",
}
MOST_OFFERED = len(WHY) - 1  # "rest" is only offered alone


@dataclass(frozen=True)
class Scene:
    """One picture's answers and labels, one row for each of the N anchors.

    Attributes:
        picture: the picture.
        anchors (Tensor[N, 4]): xyxy, px.
        objectness (Tensor[N]): logits.
        deltas (Tensor[N, 4]): what the network says.
        targets (Tensor[N, 4]): what it should say; zeros for all that is not positive.
        found: the labels.
        thresholds: bg_iou_thresh and fg_iou_thresh, by which they were found.
        sampled_inds (Tensor[S]): the minibatch.
        num_pos: how many of it are positive; they come first.
    """

    picture: Picture
    anchors: Tensor
    objectness: Tensor
    deltas: Tensor
    targets: Tensor
    found: AnchorLabels
    thresholds: tuple[float, float]
    sampled_inds: Tensor
    num_pos: int

    @property
    def sample(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The S rows of objectness, deltas, labels and targets."""
        inds = self.sampled_inds
        return self.objectness[inds], self.deltas[inds], self.found.labels[inds], self.targets[inds]

    @cached_property
    def rows(self) -> dict[str, int]:
        """Key of WHY -> row of the anchor that is offered."""
        return telling_anchors(self, write_ledger(*self.sample))

    @cached_property
    def offered(self) -> list[dict[str, Any]]:
        """What there is to know of each anchor that is offered."""
        return [describe_anchor(self, key, row) for key, row in self.rows.items()]


def telling_anchors(scene: Scene, ledger: Ledger) -> dict[str, int]:
    """Pick the anchors to offer, by their row among the N.

    Args:
        scene: the picture.
        ledger: of its minibatch, S rows.

    Returns:
        Key of WHY -> row, at least one; keys whose anchor is offered already, or does not exist, are left out.
    """
    inds, num_pos, iou, logits = scene.sampled_inds, scene.num_pos, scene.found.iou, scene.objectness
    picked: dict[str, int] = {}
    if num_pos:
        pos = inds[:num_pos]
        picked["best"], picked["worst"] = int(pos[iou[pos].argmax()]), int(pos[iou[pos].argmin()])
        picked["far"] = int(pos[_first_largest(ledger.box_loss[:num_pos])])
        picked["unsure"] = int(pos[logits[pos].argmin()])  # by logits: two scores may both be 1
    if num_pos < len(inds):
        neg = inds[num_pos:]
        picked["alarm"], picked["easy"] = int(neg[logits[neg].argmax()]), int(neg[logits[neg].argmin()])
    ignored = ((scene.found.labels == IGNORED) & ~scene.found.crosses_boundary).nonzero().flatten()
    if len(ignored):
        picked["out"] = int(ignored[iou[ignored].argmax()])
    if not picked:
        picked["rest"] = int(iou.argmax())
    return {key: row for i, (key, row) in enumerate(picked.items()) if row not in list(picked.values())[:i]}


def _first_largest(losses: Tensor) -> int:
    """The first of those that are as large as the largest, but for the last digits: targets are rounded to float32."""
    return int((losses >= losses.max() * (1 - TIE)).nonzero()[0])


def describe_anchor(scene: Scene, key: str, row: int) -> dict[str, Any]:
    """Say all there is to know of one anchor; plain numbers, boxes in px. What is not in the minibatch has no label."""
    found, box = scene.found, scene.anchors[row].tolist()
    place = (scene.sampled_inds == row).nonzero().flatten()
    at, nearest = int(place[0]) if len(place) else -1, int(found.best_gt_idxs[row])
    match = int(found.matched_idxs[row]) if at >= 0 else -1
    return {
        "key": key,
        "why": WHY[key],
        "row": row,
        "size": size_name(box),
        "object": object_names(scene.picture)[nearest] if nearest >= 0 else "",
        "box": box,
        "gt": scene.picture.gt_boxes[match].tolist() if match >= 0 else None,
        "label": int(found.labels[row]) if at >= 0 else IGNORED,
        "low_quality": bool(found.low_quality[row]),
        "iou": float(found.iou[row]),
        "iou_text": beside_thresholds(float(found.iou[row]), scene.thresholds),
        "view": close_up(box, scene.picture),
        "at": at,
        "logit": float(scene.objectness[row]),
        "deltas": scene.deltas[row].tolist(),
        "targets": scene.targets[row].tolist(),
    }


def close_up(box: list[float], picture: Picture) -> list[float]:
    """The part of the plane round an anchor, in the shape of the whole; never more than the whole, in px."""
    x1, y1, x2, y2 = picture_plan(picture)["extent"]
    share = min(1.0, max((box[2] - box[0] + 2 * ROOM) / (x2 - x1), (box[3] - box[1] + 2 * ROOM) / (y2 - y1)))
    half_w, half_h = share * (x2 - x1) / 2, share * (y2 - y1) / 2
    x = min(max((box[0] + box[2]) / 2, x1 + half_w), x2 - half_w)
    y = min(max((box[1] + box[3]) / 2, y1 + half_h), y2 - half_h)
    return [x - half_w, y - half_h, x + half_w, y + half_h]
