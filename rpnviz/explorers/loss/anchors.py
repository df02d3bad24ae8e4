"""The anchors that notebook 06's explorer offers: the telling ones of one minibatch, and one that was left out.

Shapes: N anchors of the picture, S of them sampled: the positives first, then the negatives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from rpnviz.explorers.common.map_and_picture import size_name
from rpnviz.explorers.common.payload import object_names, picture_plan
from rpnviz.explorers.common.words import beside_thresholds
from rpnviz.inspect.loss_ledger import Ledger
from rpnviz.pictures import Picture
from rpnviz.targets import IGNORED, AnchorLabels

ROOM = 100  # px round an anchor in close up
WHY = {
    "best": "the positive anchor that fits its object best",
    "worst": "the positive anchor that fits its object worst",
    "far": "the positive anchor whose box loss is largest",
    "unsure": "the positive anchor with the lowest score",
    "alarm": "the negative anchor with the highest score",
    "easy": "the negative anchor with the lowest score",
    "out": "not in the minibatch: neither positive nor negative",
}


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
        sampled_inds (Tensor[S]): the minibatch.
        num_pos: how many of it are positive; they come first.
    """

    picture: Picture
    anchors: Tensor
    objectness: Tensor
    deltas: Tensor
    targets: Tensor
    found: AnchorLabels
    sampled_inds: Tensor
    num_pos: int


def telling_anchors(scene: Scene, ledger: Ledger) -> dict[str, int]:
    """Pick the anchors to offer, by their row among the N.

    Args:
        scene: the picture.
        ledger: of its minibatch, S rows.

    Returns:
        Key of WHY -> row; keys whose anchor is offered already, or does not exist, are left out.
    """
    inds, num_pos, iou = scene.sampled_inds, scene.num_pos, scene.found.iou
    picked: dict[str, int] = {}
    if num_pos:
        pos = inds[:num_pos]
        picked["best"], picked["worst"] = int(pos[iou[pos].argmax()]), int(pos[iou[pos].argmin()])
        picked["far"] = int(pos[ledger.box_loss[:num_pos].argmax()])
        picked["unsure"] = int(pos[ledger.scores[:num_pos].argmin()])
    if num_pos < len(inds):
        neg, scores = inds[num_pos:], ledger.scores[num_pos:]
        picked["alarm"], picked["easy"] = int(neg[scores.argmax()]), int(neg[scores.argmin()])
    ignored = ((scene.found.labels == IGNORED) & ~scene.found.crosses_boundary).nonzero().flatten()
    if len(ignored):
        picked["out"] = int(ignored[iou[ignored].argmax()])
    return {key: row for i, (key, row) in enumerate(picked.items()) if row not in list(picked.values())[:i]}


def describe_anchor(scene: Scene, key: str, row: int) -> dict[str, Any]:
    """Tell the page all it needs of one anchor; plain numbers, boxes in px."""
    found, box = scene.found, scene.anchors[row].tolist()
    match, nearest = int(found.matched_idxs[row]), int(found.best_gt_idxs[row])
    place = (scene.sampled_inds == row).nonzero().flatten()
    return {
        "key": key,
        "why": WHY[key],
        "size": size_name(box),
        "object": object_names(scene.picture)[nearest] if nearest >= 0 else "",
        "box": box,
        "gt": scene.picture.gt_boxes[match].tolist() if match >= 0 else None,
        "label": int(found.labels[row]),
        "low_quality": bool(found.low_quality[row]),
        "iou": float(found.iou[row]),
        "iou_text": beside_thresholds(float(found.iou[row])),
        "view": close_up(box, scene.picture),
        "at": int(place[0]) if len(place) else -1,
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


def as_binary(values: Tensor, kind: torch.dtype = torch.float32) -> bytes:
    """A tensor's numbers in order, little-endian on every machine that runs a browser."""
    return values.detach().to(kind).contiguous().numpy().tobytes()
