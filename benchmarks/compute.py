"""The core against torchvision on the same inputs: time ratios of label_anchors and propose."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torchvision.models.detection import rpn as torchvision_rpn
from torchvision.models.detection.anchor_utils import AnchorGenerator

from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.proposals import propose
from rpnviz.rpn import RPNHead
from rpnviz.targets import label_anchors


@dataclass
class Compared:
    """One step of the core: seconds of ours and of torchvision's, taken in turns."""

    name: str
    ours: list[float]
    torchvision: list[float]

    @property
    def ratio(self) -> float:
        """Median of ours over median of torchvision's; above 1 is slower."""
        return statistics.median(self.ours) / statistics.median(self.torchvision)


def measure(samples: int = 40) -> list[Compared]:
    """Time both steps on street-03 with the paper's grid: 21,600 anchors."""
    picture = Picture.load("street-03")
    anchors = grid_anchors(Grid.paper(picture.image_size), cell_anchors())
    generator = torch.Generator().manual_seed(0)
    objectness = torch.randn(len(anchors), generator=generator)
    deltas = torch.randn(len(anchors), 4, generator=generator) * 0.2
    theirs = _torchvision()
    return [
        _alternate(
            "label_anchors, 21,600 anchors",
            lambda: label_anchors(anchors, picture.gt_boxes, picture.image_size, drop_cross_boundary=False),
            lambda: theirs.assign_targets_to_anchors([anchors], [{"boxes": picture.gt_boxes}]),
            samples,
        ),
        _alternate(
            "propose, 21,600 → 6,000 → 300 (rpnviz keeps every stage)",
            lambda: propose(objectness, deltas, anchors, picture.image_size),
            lambda: _filter(theirs, objectness, deltas, anchors, picture.image_size),
            samples,
        ),
    ]


def _torchvision() -> torchvision_rpn.RegionProposalNetwork:
    top_n = {"training": 6000, "testing": 6000}
    post = {"training": 300, "testing": 300}
    network = torchvision_rpn.RegionProposalNetwork(
        AnchorGenerator(), RPNHead(), 0.7, 0.3, 256, 0.5, top_n, post, nms_thresh=0.7
    ).eval()
    network.min_size = 16
    return network


def _filter(
    network: torchvision_rpn.RegionProposalNetwork,
    objectness: torch.Tensor,
    deltas: torch.Tensor,
    anchors: torch.Tensor,
    image_size: tuple[int, int],
) -> object:
    boxes = network.box_coder.decode(deltas, [anchors]).view(1, -1, 4)
    return network.filter_proposals(boxes, objectness[:, None], [image_size], [len(anchors)])


def _alternate(name: str, ours: Callable[[], object], torchvision: Callable[[], object], samples: int) -> Compared:
    """Time the two in turns, so that what else the machine does meets both alike."""
    compared = Compared(name, [], [])
    with torch.no_grad():
        for number in range(samples + 2):  # two to warm up
            for call, times in ((ours, compared.ours), (torchvision, compared.torchvision)):
                started = time.perf_counter()
                call()
                if number >= 2:
                    times.append(time.perf_counter() - started)
    return compared
