"""Every explorer as a saved page, on real pictures and with the bundled network, as the notebooks build them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

import rpnviz
from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.backbone import Backbone
from rpnviz.detection import RoIHead
from rpnviz.explorers import EXPLORERS
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
from rpnviz.explorers.live.explorer import LiveExplorer
from rpnviz.explorers.loss.explorer import LossExplorer
from rpnviz.explorers.minibatch.explorer import MinibatchExplorer
from rpnviz.explorers.nms.explorer import NmsExplorer
from rpnviz.explorers.overview.explorer import OverviewExplorer
from rpnviz.explorers.poolings.explorer import PoolingsExplorer
from rpnviz.explorers.pyramid.explorer import PyramidExplorer
from rpnviz.explorers.replay.explorer import ReplayExplorer
from rpnviz.explorers.roi.explorer import RoIExplorer
from rpnviz.explorers.window.explorer import WindowExplorer
from rpnviz.grid import Grid
from rpnviz.inspect.detector import load_detector
from rpnviz.pictures import Picture
from rpnviz.proposals import propose
from rpnviz.rpn import RPNHead, flatten_head
from rpnviz.train.head import features_and_mirrored
from tests.explorers.fit_result import make_result

NAMES = tuple(name for name in EXPLORERS if name != "precomputed")  # which is the linked one of other results


def save_all(folder: Path) -> dict[str, Path]:
    """Write every explorer's page into a folder; return the pages by name. The network sees each picture once."""
    pages = {}
    for name, explorer in _build().items():
        pages[name] = folder / f"{name}.html"
        explorer().to_html(pages[name])
    return pages


@torch.no_grad()
def _build() -> dict[str, Callable[[], RpnvizWidget]]:
    picture, other, grid = Picture.load("street-03"), Picture.load("street-04"), Grid.paper()
    backbone, head = Backbone.load("mini"), RPNHead.load("mini")
    features = backbone.features(picture, grid)
    answers: tuple[Tensor, Tensor] = flatten_head(*head(features))
    stages = propose(*answers, grid_anchors(grid, cell_anchors()), picture.image_size)
    best = stages.pre_nms_inds[:24]
    maps = {"street-03": features, "street-04": backbone.features(other, grid)}
    pictures = {"street-03": picture, "street-04": other}
    place = {"row": 20, "col": 30}
    explorers: dict[str, Callable[[], RpnvizWidget]] = {
        "linked": lambda: rpnviz.explore("street-03").unfold(),
        "overview": lambda: OverviewExplorer(picture, grid, features, head),
        "window": lambda: WindowExplorer(picture, grid, features, head, **place),
        "convolution": lambda: ConvolutionExplorer(picture, grid, features, head, row=24, col=13),
        "anchors": lambda: AnchorsExplorer(picture, grid, **place),
        "iou": lambda: IouExplorer("street-03"),
        "labels": lambda: LabelsExplorer("street-03"),
        "minibatch": lambda: MinibatchExplorer("street-03"),
        "layers": lambda: LayersExplorer(picture, grid, backbone, head, layer="conv3_2", x=500, y=300),
        "poolings": lambda: PoolingsExplorer(picture, poolings=2),
        "channels": lambda: ChannelsExplorer(pictures, grid, maps, class_name="dog", picture="street-03"),
        "loss": lambda: LossExplorer("street-03", *answers),
        "live": lambda: _trained(backbone, picture, other),
        "replay": lambda: _replayed("street-03"),
        "nms": lambda: NmsExplorer(picture, stages.all_boxes[best], stages.all_scores[best], turn=1),
        "funnel": lambda: FunnelExplorer(picture, *answers, stage=5),
        "roi": lambda: RoIExplorer(picture, grid, features, stages.proposals[:12], proposal=5),
        "detections": lambda: DetectionsExplorer(picture, grid, features, stages.proposals, RoIHead.load("mini")),
        "pyramid": lambda: PyramidExplorer(picture, load_detector("fasterrcnn_mini_fpn"), shown="proposals"),
        "conventions": lambda: ConventionsExplorer(picture, grid, *answers, row=20, col=30),
        "fit": lambda: FitExplorer(make_result(60, 900), selected=7),
    }
    assert set(explorers) == set(NAMES)
    return explorers


def _trained(backbone: Backbone, picture: Picture, other: Picture) -> LiveExplorer:
    live = LiveExplorer(backbone, [other], [features_and_mirrored(backbone, other, Grid.paper())], picture, steps=3)
    live.running = True
    live.wait()
    return live


def _replayed(picture: str) -> ReplayExplorer:
    replay = ReplayExplorer(picture)
    replay.go_to(500)
    return replay
