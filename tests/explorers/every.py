"""One of each explorer, quickly made: an untrained network on a small picture, or bundled data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.backbone import WIDTHS, Backbone
from rpnviz.detection import RoIHead
from rpnviz.explorers.anchors.explorer import AnchorsExplorer
from rpnviz.explorers.channels.explorer import ChannelsExplorer
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.conventions.explorer import ConventionsExplorer
from rpnviz.explorers.convolution.explorer import ConvolutionExplorer
from rpnviz.explorers.detections.explorer import DetectionsExplorer
from rpnviz.explorers.fit.explorer import FitExplorer
from rpnviz.explorers.funnel.explorer import FunnelExplorer
from rpnviz.explorers.iou.explorer import IouExplorer
from rpnviz.explorers.labels.explorer import LabelsExplorer
from rpnviz.explorers.layers.explorer import LayersExplorer
from rpnviz.explorers.linked.explorer import LinkedExplorer
from rpnviz.explorers.linked.scene import run_scene
from rpnviz.explorers.live.explorer import LiveExplorer
from rpnviz.explorers.loss.explorer import LossExplorer
from rpnviz.explorers.minibatch.explorer import MinibatchExplorer
from rpnviz.explorers.nms.explorer import NmsExplorer
from rpnviz.explorers.overview.explorer import OverviewExplorer
from rpnviz.explorers.poolings.explorer import PoolingsExplorer
from rpnviz.explorers.precomputed.explorer import PrecomputedExplorer
from rpnviz.explorers.pyramid.explorer import PyramidExplorer
from rpnviz.explorers.replay.explorer import ReplayExplorer
from rpnviz.explorers.roi.explorer import RoIExplorer
from rpnviz.explorers.window.explorer import WindowExplorer
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.proposals import propose
from rpnviz.rpn import RPNHead, flatten_head
from rpnviz.train.head import features_and_mirrored
from tests.explorers.fit_result import make_result
from tests.explorers.small_scene import drawn_pyramid, make_picture
from tests.inspect.test_nms_steps import six


@torch.no_grad()
def every_explorer(
    folder: Path, picture: Picture | None = None, grid_name: str = "paper"
) -> dict[str, Callable[[], RpnvizWidget]]:
    """What makes each explorer, by its name in links; `folder` is where the live training writes.

    Some do not ask for a grid: loss and funnel show the paper's, the live training takes 600×1000 alone, and a
    pyramid has grids of its own.
    """
    torch.manual_seed(0)
    picture = picture or make_picture()
    grid, paper = Grid.named(grid_name, picture.image_size), Grid.paper(picture.image_size)
    backbone, head = Backbone(WIDTHS["mini"]).eval(), RPNHead().eval()
    torch.nn.init.normal_(head.cls_logits.weight, std=0.3)
    torch.nn.init.normal_(head.bbox_pred.weight, std=0.1)
    features = backbone.features(picture, grid)
    anchors = grid_anchors(grid, cell_anchors())
    proposals = propose(*flatten_head(*head(features)), anchors, picture.image_size).proposals[:12]
    answers = flatten_head(*head(backbone.features(picture, paper)))
    pyramid = drawn_pyramid()
    return {
        "linked": lambda: LinkedExplorer(picture, backbone.features, head, grid_name),
        "overview": lambda: OverviewExplorer(picture, grid, features, head),
        "precomputed": lambda: PrecomputedExplorer(run_scene(picture, grid, features, head)),
        "window": lambda: WindowExplorer(picture, grid, features, head),
        "convolution": lambda: ConvolutionExplorer(picture, grid, features, head),
        "anchors": lambda: AnchorsExplorer(picture, grid),
        "iou": lambda: IouExplorer(picture),
        "labels": lambda: LabelsExplorer(picture, grid_name),
        "minibatch": lambda: MinibatchExplorer(picture, grid_name),
        "layers": lambda: LayersExplorer(picture, grid, backbone, head),
        "poolings": lambda: PoolingsExplorer(picture),
        "channels": lambda: ChannelsExplorer({picture.name: picture}, grid, {picture.name: features}),
        "loss": lambda: LossExplorer(picture, *answers),
        "conventions": lambda: ConventionsExplorer(picture, grid, *flatten_head(*head(features))),
        "live": lambda: LiveExplorer(
            *(backbone, [picture], [features_and_mirrored(backbone, picture, paper)], picture),
            steps=3,
            checkpoint=folder / "head.pt",
        ),
        "replay": lambda: ReplayExplorer(),
        "nms": lambda: NmsExplorer(picture, *six(), list("ABCDEF")),
        "funnel": lambda: FunnelExplorer(picture, *answers),
        "roi": lambda: RoIExplorer(picture, grid, features, proposals),
        "detections": lambda: DetectionsExplorer(picture, grid, features, proposals, RoIHead.load("mini")),
        "pyramid": lambda: PyramidExplorer(picture, pyramid),
        "fit": lambda: FitExplorer(make_result()),
    }
