"""One run of a live training: a head from random values, what it lost at each step, and what it makes of one picture.

Shapes: h × w cells, K ≤ 50 proposals, M gt boxes of the picture that is watched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rpnviz.backbone import Backbone
from rpnviz.explorers.common.curves import TOP_NS, smoothed
from rpnviz.figures.training import Curve
from rpnviz.inspect.recall import best_ious
from rpnviz.pictures import Picture
from rpnviz.proposals import propose
from rpnviz.rpn import flatten_head
from rpnviz.train.head import HeadTraining
from rpnviz.train.variants import VARIANTS

SMOOTH = 20  # steps in the running mean
LOOK_EVERY = 10  # steps from one look at the watched picture to the next
PRE_NMS_TOP_N = 1000  # enough for the best 50, and quick


@dataclass(frozen=True)
class Outcome:
    """What a head makes of the watched picture after a number of steps.

    Attributes:
        step: how many steps it was trained.
        objectness (Tensor[h, w]): uint8, score of the best anchor of each cell × 255.
        proposals (Tensor[K, 4]): float32, xyxy, px, best first.
        scores (Tensor[K]): float32, in [0, 1].
        covered (BoolTensor[M, 2]): which objects the best 10 and the best 50 proposals cover at IoU 0.5.
    """

    step: int
    objectness: Tensor
    proposals: Tensor
    scores: Tensor
    covered: Tensor


class Run:
    """A variant in training.

    Args:
        name: key of VARIANTS.
        backbone: fixed.
        pictures: what to train on.
        features: of each, from `features_and_mirrored`.
        watched: the picture to look at, and its features (Tensor[1, C, h, w]).
        steps: length of the run.
        seed: of first weights, pictures and minibatches.
    """

    def __init__(
        self,
        name: str,
        backbone: Backbone,
        pictures: Sequence[Picture],
        features: Sequence[Tensor],
        watched: tuple[Picture, Tensor],
        steps: int,
        seed: int,
    ) -> None:
        """Set up with random weights and look at the picture once."""
        variant = VARIANTS[name]
        head = variant.new_head(seed, in_channels=watched[1].shape[1])
        self.training = HeadTraining(
            backbone, head, pictures, steps, rules=variant.rules, cells=variant.cells(), seed=seed, features=features
        )
        self.name, self.watched = name, watched
        self.losses: list[tuple[float, float]] = []  # objectness, box; one pair a step
        self.outcome = self.first = self.look()

    @property
    def step(self) -> int:
        """How many steps were taken."""
        return self.training.step

    @property
    def left(self) -> int:
        """How many steps are left."""
        return self.training.steps - self.training.step

    def advance(self) -> None:
        """Take one step; look at the watched picture now and then, and after the last step."""
        report = next(self.training.run())
        self.losses.append((report["loss_objectness"], report["loss_rpn_box_reg"]))
        if self.step % LOOK_EVERY == 0 or not self.left:
            self.outcome = self.look()

    def save(self, path: Path) -> None:
        """Write a checkpoint."""
        self.training.save(path)

    @torch.no_grad()
    def look(self) -> Outcome:
        """Ask the head, as it is now, about the watched picture."""
        picture, features = self.watched
        objectness, pred_bbox_deltas = self.training.head(features)
        flat = flatten_head(objectness, pred_bbox_deltas)
        stages = propose(*flat, self.training.anchors, picture.image_size, PRE_NMS_TOP_N, max(TOP_NS))
        ious = [best_ious(stages.proposals, picture.gt_boxes, top_n) for top_n in TOP_NS]
        return Outcome(
            self.step,
            (objectness[0].sigmoid().amax(dim=0) * 255).round().byte(),
            stages.proposals,
            stages.scores,
            torch.stack(ious, dim=1) >= 0.5,
        )

    def curve(self, which: int, line: str) -> Curve:
        """A loss over the steps: 0 objectness, 1 box."""
        raw = np.array([pair[which] for pair in self.losses], dtype=np.float32)
        return Curve(self.name, line, np.arange(1, len(raw) + 1), smoothed(raw, SMOOTH), raw)

    def pack(self) -> dict[str, Any]:
        """All that the page shows of the run: counts as JSON, arrays as bytes."""
        raw = np.array(self.losses, dtype=np.float32).reshape(-1, 2).T.copy()
        curves = [{"raw": line.tobytes(), "mean": smoothed(line, SMOOTH).tobytes()} for line in raw]
        return {"name": self.name, "step": self.step, "curves": curves, **pack_outcome(self.outcome)}


def pack_outcome(outcome: Outcome) -> dict[str, Any]:
    """What the page shows of an outcome."""
    return {
        "looked": outcome.step,
        "map": outcome.objectness.numpy().tobytes(),
        "proposals": outcome.proposals.float().numpy().tobytes(),
        "covered": outcome.covered.int().tolist(),
    }
