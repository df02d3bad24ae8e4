"""The second head: what is in a proposal, and a better box for it; then detections, after a last NMS for each class.

Shapes: K proposals of one picture, C classes with the background as number 0, D detections.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
import torchvision.ops
from safetensors.torch import load_file
from torch import Tensor, nn

from rpnviz._files.data import data_folder
from rpnviz._inputs import (
    MOST_ANCHORS,
    MOST_BIN_VALUES,
    check_count,
    take_number,
    take_numbers,
    take_whole,
    take_whole_numbers,
    to_one_type,
)
from rpnviz.boxes import check_boxes, clip, decode
from rpnviz.grid import Grid
from rpnviz.roi import to_cells

CLASSES = ("background", "person", "dog", "bicycle", "car", "bus", "traffic cone")
BINS = 7  # RoIAlign makes 7 × 7 bins of every box
BOX_WEIGHTS = (10.0, 10.0, 5.0, 5.0)  # the head answers in tenths and fifths: its targets are then about as large as 1


class RoIHead(nn.Module):
    """Turn every proposal into C class logits and one refined box for each class.

    Args:
        in_channels: of the feature map; at most 2,048.
        num_classes: C, the background included; at most 10,000.
        channels: of the map after the 1×1 convolution that makes it narrow; at most 512.
        hidden: length of the vector that a box becomes; at most 4,096.

    Source: Girshick 2015, section 2.
    Differs: two layers of 4,096 there, one of 256 after a 1×1 convolution to 64 channels here: six classes of rendered
        objects need no more. RoIAlign (He et al. 2017, section 3) instead of RoI pooling.
    """

    def __init__(
        self, in_channels: int = 512, num_classes: int = len(CLASSES), channels: int = 64, hidden: int = 256
    ) -> None:
        """Start untrained."""
        super().__init__()
        in_channels = take_whole(in_channels, "in_channels", 1, 2048)
        num_classes = take_whole(num_classes, "num_classes", 1, 10_000)
        channels, hidden = take_whole(channels, "channels", 1, 512), take_whole(hidden, "hidden", 1, 4096)
        self.conv = nn.Conv2d(in_channels, channels, kernel_size=1)
        self.fc = nn.Linear(channels * BINS * BINS, hidden)
        self.cls_score = nn.Linear(hidden, num_classes)
        self.bbox_pred = nn.Linear(hidden, 4 * num_classes)

    @classmethod
    def load(cls, name: str, folder: Path | None = None) -> RoIHead:
        """The trained head that belongs to a backbone.

        Args:
            name: "mini".
            folder: where roi_head_NAME.safetensors lies; None for the bundled ones.

        Raises:
            ValueError: if there is none of that name.
        """
        folder = folder or data_folder() / "weights"
        bundled = sorted(path.stem.removeprefix("roi_head_") for path in folder.glob("roi_head_*.safetensors"))
        if name not in bundled:
            raise ValueError(f"name must be a bundled head ({', '.join(bundled)}); got {name!r}")
        head = cls()
        head.load_state_dict({k: v.float() for k, v in load_file(folder / f"roi_head_{name}.safetensors").items()})
        return head.eval()

    def forward(self, features: Tensor, proposals: Tensor, grid: Grid) -> tuple[Tensor, Tensor]:
        """Name and move the proposals of one picture.

        Args:
            features (Tensor[1, in_channels, h, w]): the feature map, the very one the RPN looked at.
            proposals (Tensor[K, 4]): xyxy, px of the picture.
            grid: how the feature map lies on the picture.

        Returns:
            class_logits (Tensor[K, C]).
            box_regression (Tensor[K, C, 4]): (dx, dy, dw, dh) · BOX_WEIGHTS for each class.

        Raises:
            ValueError: if `features` is not one finite map of in_channels channels on the grid, `proposals` are no
                boxes, or there are so many that their bins would hold more than 268,435,456 values.
        """
        h, w = grid.feature_size
        features = take_numbers(features, "features", f"1, {self.conv.in_channels}, {h}, {w}").to(
            self.conv.weight.dtype
        )
        proposals = check_boxes(proposals, "proposals")
        check_count(len(proposals) * self.fc.in_features, MOST_BIN_VALUES, "proposals make … values in their bins")
        # 1. A narrow map; after autocast it may be in half, in which no coordinate has a place.
        (narrow,) = to_one_type(F.relu(self.conv(features)))  # (1, 64, h, w)
        # 2. 7 × 7 bins of every box, whatever its size.
        boxes = to_cells(proposals, grid).to(narrow.dtype)
        bins = torchvision.ops.roi_align(narrow, [boxes], BINS, sampling_ratio=2, aligned=True)  # (K, 64, 7, 7)
        # 3. One vector a box; both answers are read off it.
        vector = F.relu(self.fc(bins.flatten(1).to(self.fc.weight.dtype)))  # (K, 256)
        logits: Tensor = self.cls_score(vector)
        return logits, self.bbox_pred(vector).unflatten(1, (-1, 4))


def roi_losses(
    class_logits: Tensor, box_regression: Tensor, labels: Tensor, regression_targets: Tensor
) -> tuple[Tensor, Tensor]:
    """The two losses of the proposals that were sampled.

    Args:
        class_logits (Tensor[K, C]): as the head answers.
        box_regression (Tensor[K, C, 4]): likewise.
        labels (Tensor[K]): int64; 0 is background, the last C - 1.
        regression_targets (Tensor[K, 4]): (dx, dy, dw, dh), not multiplied by BOX_WEIGHTS; read for objects only.

    Returns:
        loss_classifier, loss_box_reg: two scalars; 0 if nothing was sampled. Gradients flow back to the answers.

    Raises:
        ValueError: if the shapes do not fit, a number is not finite, or labels are no classes.

    Source: Girshick 2015, section 2.3.
    Differs: no; torchvision's `fastrcnn_loss`.
    """
    class_logits, box_regression, labels, regression_targets = _checked_answers(
        class_logits, box_regression, labels, regression_targets
    )
    # 1. Cross-entropy over all that was sampled.
    loss_classifier = F.cross_entropy(class_logits, labels, reduction="sum") / max(len(labels), 1)
    # 2. Smooth L1 for objects, and only at the box of their own class.
    objects = (labels > 0).nonzero().flatten()
    targets = regression_targets[objects] * regression_targets.new_tensor(BOX_WEIGHTS)
    loss = F.smooth_l1_loss(box_regression[objects, labels[objects]], targets, beta=1 / 9, reduction="sum")
    return loss_classifier, loss / max(len(labels), 1)


def _checked_answers(
    class_logits: Tensor, box_regression: Tensor, labels: Tensor, regression_targets: Tensor
) -> tuple[Tensor, ...]:
    """The arguments of `roi_losses`, fit to compute with."""
    class_logits = take_numbers(class_logits, "class_logits", "K, C")
    count, num_classes = class_logits.shape
    box_regression = take_numbers(box_regression, "box_regression", f"{count}, {num_classes}, 4")
    labels = take_whole_numbers(labels, "labels", f"{count}", 0, num_classes - 1)
    regression_targets = take_numbers(regression_targets, "regression_targets", f"{count}, 4").detach()
    logits, box_regression, targets = to_one_type(class_logits, box_regression, regression_targets)
    return logits, box_regression, labels, targets


@dataclass(frozen=True)
class Detections:
    """What was found in a picture, best first.

    Attributes:
        boxes (Tensor[D, 4]): xyxy, px.
        labels (Tensor[D]): int64; a place in CLASSES, never 0.
        scores (Tensor[D]): in [0, 1].
        proposal_inds (Tensor[D]): int64; the proposal that each came from.
    """

    boxes: Tensor
    labels: Tensor
    scores: Tensor
    proposal_inds: Tensor

    @property
    def names(self) -> list[str]:
        """Class names of the detections."""
        return [CLASSES[label] for label in self.labels.tolist()]


@torch.no_grad()
def detect(
    features: Tensor,
    proposals: Tensor,
    head: RoIHead,
    grid: Grid,
    score_thresh: float = 0.05,
    nms_thresh: float = 0.5,
    max_detections: int = 100,
) -> Detections:
    """Turn the proposals of a picture into detections.

    Args:
        features (Tensor[1, 512, h, w]): the feature map the proposals came from.
        proposals (Tensor[K, 4]): xyxy, px.
        head: the second head.
        grid: how the feature map lies on the picture.
        score_thresh: a class must score above it.
        nms_thresh: of two boxes of one class that overlap more than it, the better stays; 1 keeps all.
        max_detections: how many are kept at most.

    Returns:
        Detections: best first. One proposal can be found as several classes.

    Raises:
        ValueError: if a setting is out of range, `features` is no feature map or `proposals` are no boxes.

    Source: Girshick 2015, section 2.2 (test time); Ren et al. 2015, section 3.3.
    Differs: no; the settings are torchvision's `postprocess_detections`. Its `batched_nms` shifts each class to a
        place of its own, where float32 rounds corners to 0.0005 px; here boxes stay where they are.
    """
    score_thresh, nms_thresh = (
        take_number(value, name, 0, 1) for value, name in ((score_thresh, "score_thresh"), (nms_thresh, "nms_thresh"))
    )
    max_detections, proposals = take_whole(max_detections, "max_detections"), check_boxes(proposals, "proposals")
    # 1. Every proposal gets a score and a box for every class.
    answers = head(features, proposals, grid)
    class_logits, box_regression = to_one_type(*(take_numbers(answer, "answers of head") for answer in answers))
    check_count(class_logits.numel(), MOST_ANCHORS, "proposals make … boxes, one for each class")
    scores = class_logits.softmax(dim=1)  # (K, C)
    num_proposals, num_classes = scores.shape
    deltas = box_regression / box_regression.new_tensor(BOX_WEIGHTS)
    boxes = decode(deltas.flatten(0, 1), proposals.to(deltas).repeat_interleave(num_classes, dim=0))  # (K · C, 4)
    boxes = clip(boxes, grid.image_size)
    # 2. Here, unlike in the RPN, what is background is dropped, and what scores too low.
    labels = torch.arange(num_classes, device=scores.device).repeat(num_proposals)
    found = ((labels > 0) & (scores.flatten() > score_thresh)).nonzero().flatten()
    # 3. NMS once more, for each class by itself: a person may stand in front of a car.
    kept = _nms_by_class(boxes[found], scores.flatten()[found], labels[found], nms_thresh)
    # 4. The best.
    found = found[kept[:max_detections]]
    return Detections(boxes[found], labels[found], scores.flatten()[found], found // num_classes)


def _nms_by_class(boxes: Tensor, scores: Tensor, labels: Tensor, nms_thresh: float) -> Tensor:
    """Rows that are kept, best first; of equal scores the first in the list."""
    nms_thresh = boxes.new_tensor(nms_thresh).item()  # rounded as the IoUs are
    rows = [(labels == label).nonzero().flatten() for label in labels.unique()]
    kept = [own[torchvision.ops.nms(boxes[own], scores[own], nms_thresh)] for own in rows]
    found = torch.cat([*kept, labels.new_zeros(0)]).sort().values
    return found[scores[found].argsort(descending=True, stable=True)]


def recorded_precision() -> tuple[dict[str, Any], dict[str, float]]:
    """How good the bundled heads are on scenes that no training has seen; `python -m tools.data.train_roi` measured it.

    Returns:
        Of which scenes, and {"AP@0.5": …, "AP@0.5:0.95": …, "AP@0.5 dog": …, one for each class}.
    """
    card = json.loads((data_folder() / "weights" / "mini.json").read_text(encoding="utf-8"))
    return card["data"], card["average precision on the held-out scenes"]
