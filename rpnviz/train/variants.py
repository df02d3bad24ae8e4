"""Our way to train a head, and five with one thing changed: notebook 07 and two tools in `tools/data` compare them.

Ours is not the paper's in all: anchors that cross the border are kept, AdamW takes the steps, two pictures each, and
smooth L1 turns at 1/9.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from rpnviz._inputs import take_whole
from rpnviz.anchors import SCALES, cell_anchors
from rpnviz.rpn import RPNHead
from rpnviz.train.training import OURS, Rules


@dataclass(frozen=True)
class Variant:
    """A training with at most one thing changed.

    Attributes:
        what: a sentence that says it.
        rules: of the labels and the sampling.
        kernel_size: of the window.
        scales: of the anchors, px.
    """

    what: str
    rules: Rules = OURS
    kernel_size: int = 3
    scales: tuple[float, ...] = SCALES

    def cells(self) -> Tensor:
        """Tensor[A, 4]: the anchors of a cell."""
        return cell_anchors(scales=self.scales)

    def new_head(self, seed: int, in_channels: int = 512) -> RPNHead:
        """An untrained head for these anchors; leaves the caller's own random numbers alone."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(take_whole(seed, "seed", 0, 2**63 - 1))
            return RPNHead(in_channels, len(self.cells()), self.kernel_size)


INTACT = "all rules of ours"
BORDER = "cross-boundary anchors dropped"
VARIANTS = {
    INTACT: Variant("Nothing is changed."),
    "256 drawn without balance": Variant("The 256 are drawn blindly from all labelled anchors.", Rules(balanced=False)),
    "no best-per-gt rule": Variant("Only anchors with an IoU of 0.7 or more are positive.", Rules(best_per_gt=False)),
    "1×1 instead of 3×3": Variant("The window is a single cell.", kernel_size=1),
    "one scale only": Variant("Three anchors a cell, of scale 256.", scales=(256,)),
    BORDER: Variant("Anchors that cross the border have no label, as in the paper.", Rules(drop_cross_boundary=True)),
}
