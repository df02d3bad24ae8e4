"""What the page of the overview gets: a scene of the linked explorer without what it does not draw.

Shapes: N = h · w · 9 anchors, h × w feature map.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from rpnviz.explorers.common.payload import LABELS, brightness, count_codes, label_codes, sheet_file
from rpnviz.explorers.linked.scene import Answers, Scene, pack_handed, pack_minibatch
from rpnviz.pictures import Picture
from rpnviz.rpn import rpn_losses
from rpnviz.targets import regression_targets
from rpnviz.train.recording import Replay

SEED = 0  # of the minibatch shown
PHOTO_WIDTH = 500  # px; no thumbnail is wider
SHOWN_NUMBERS = 64  # of the 512 of the vector: every eighth
CURVE_POINTS = 30  # of the recorded loss, each the mean of as many steps
UNSENT = ("best_gt", "iou", "boxes", "suppressed_iou", "minibatches", "channels", "best_of", "best_anchors", "objects")


@dataclass(frozen=True)
class Losses:
    """Of the minibatch: classification, box regression."""

    objectness: float
    box: float


def losses_of(scene: Scene, answers: Answers) -> Losses:
    """The two losses of the minibatch that SEED draws."""
    found = scene.found
    targets = regression_targets(scene.anchors, scene.picture.gt_boxes, found.matched_idxs)
    objectness, box = rpn_losses(answers.objectness, answers.deltas, found.labels, targets, *scene.minibatch(SEED))
    return Losses(float(objectness), float(box))


def recorded_losses() -> Tensor:
    """Tensor[CURVE_POINTS]: both losses together in the bundled training, smoothed."""
    run = Replay.load("mini")
    both = run.loss_objectness + run.loss_rpn_box_reg
    return torch.stack([part.mean() for part in both.tensor_split(CURVE_POINTS)])


def counts_of(scene: Scene) -> dict[str, Any]:
    """What is counted at the stations."""
    kinds = count_codes(label_codes(scene.found))
    positive, negative = scene.minibatch(SEED)
    return {
        "anchors": len(scene.anchors),
        "labels": {name: kinds[name] for name in LABELS},
        "minibatch": [len(positive), len(negative)],
        "stages": dict(scene.stages.funnel()),
        "steps": len(Replay.load("mini").loss_steps),
    }


def pack_overview(scene: Scene, answers: Answers, vector: Tensor) -> dict[str, Any]:
    """Pack it: JSON and little-endian buffers.

    Args:
        scene: what the stations say.
        answers: of the network.
        vector (Tensor[C, h, w]): what the window becomes at each cell.
    """
    packed = {name: value for name, value in pack_handed(scene).items() if name not in UNSENT}
    losses, bright = losses_of(scene, answers), brightness(vector)
    return {
        **packed,
        "photo": small_photo(scene.picture),
        "gt_boxes": scene.picture.gt_boxes.tolist(),
        "deltas": answers.deltas.half().numpy().astype("<f2").tobytes(),
        "vectors": sheet_file(bright[:: len(bright) // SHOWN_NUMBERS or 1], cells=True),
        "num_numbers": len(vector),
        "minibatch": pack_minibatch(scene, SEED),
        "counts": counts_of(scene),
        "losses": [losses.objectness, losses.box],
        "curve": recorded_losses().tolist(),
    }


def small_photo(picture: Picture) -> bytes:
    """The picture as a small WebP."""
    height, width = picture.image_size
    size = (PHOTO_WIDTH, max(1, round(height * PHOTO_WIDTH / width)))
    small = Image.fromarray(picture.image).resize(size, Image.Resampling.LANCZOS)
    small.save(buffer := io.BytesIO(), "WEBP", quality=80, method=6)
    return buffer.getvalue()
