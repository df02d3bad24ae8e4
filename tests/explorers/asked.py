"""The explorers with questions, built as the notebooks build them: real pictures and the bundled network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

import rpnviz
from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.backbone import Backbone
from rpnviz.detection import RoIHead
from rpnviz.explorers.anchors.explorer import AnchorsExplorer
from rpnviz.explorers.anchors.questions import sixteen_wide
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.conventions.explorer import ConventionsExplorer
from rpnviz.explorers.conventions.questions import border_labels, same_ratios
from rpnviz.explorers.convolution.explorer import ConvolutionExplorer
from rpnviz.explorers.convolution.questions import weights_of_a_filter
from rpnviz.explorers.detections.explorer import DetectionsExplorer
from rpnviz.explorers.detections.questions import what_comes_next
from rpnviz.explorers.fit.explorer import FitExplorer
from rpnviz.explorers.fit.questions import without_an_anchor
from rpnviz.explorers.funnel.explorer import FunnelExplorer
from rpnviz.explorers.funnel.questions import real_order, scored_background
from rpnviz.explorers.iou.explorer import IouExplorer
from rpnviz.explorers.iou.questions import where_is_iou
from rpnviz.explorers.labels.explorer import LabelsExplorer
from rpnviz.explorers.labels.questions import low_iou_positive
from rpnviz.explorers.linked.questions import (
    anchors_of_a_cell,
    border_in_use,
    longer_than_the_field,
    nine_from_one_window,
)
from rpnviz.explorers.loss.explorer import LossExplorer
from rpnviz.explorers.loss.questions import where_is_lambda, whose_iou
from rpnviz.explorers.minibatch.explorer import MinibatchExplorer
from rpnviz.explorers.minibatch.questions import always_half, rest_of_the_map, which_number
from rpnviz.explorers.nms.explorer import NmsExplorer
from rpnviz.explorers.nms.questions import same_two_thousand
from rpnviz.explorers.poolings.explorer import PoolingsExplorer
from rpnviz.explorers.poolings.questions import forty_by_sixty
from rpnviz.explorers.pyramid.explorer import PyramidExplorer
from rpnviz.explorers.pyramid.questions import which_level
from rpnviz.explorers.roi.explorer import RoIExplorer
from rpnviz.explorers.roi.questions import slope_of_a_box
from rpnviz.explorers.window.explorer import WindowExplorer
from rpnviz.explorers.window.questions import (
    nine_cells_nine_anchors,
    nine_or_eighteen,
    nine_sizes_of_one_vector,
    three_by_three,
)
from rpnviz.grid import Grid
from rpnviz.inspect.detector import load_detector
from rpnviz.pictures import Picture
from rpnviz.proposals import Stages, propose
from rpnviz.rpn import RPNHead, flatten_head
from tests.explorers.fit_result import make_result


@dataclass(frozen=True)
class Asked:
    """A view of a notebook and the questions above it, as functions of the modules questions.py."""

    notebook: str
    make: Callable[[], Any]
    makers: tuple[Callable[[Any], Any], ...]

    def build(self) -> RpnvizWidget:
        explorer: RpnvizWidget = self.make()
        explorer.ask(*self.makers)
        return explorer


class _World:
    """What the notebooks share; each picture goes through the network once."""

    def __init__(self) -> None:
        self.grid, self.backbone, self.head = Grid.paper(), Backbone.load("mini"), RPNHead.load("mini")
        self.anchors = grid_anchors(self.grid, cell_anchors())
        self.pictures = {name: Picture.load(name) for name in ("street-03", "street-07")}
        with torch.no_grad():
            self.features = {name: self.backbone.features(p, self.grid) for name, p in self.pictures.items()}
            self.answers = {name: flatten_head(*self.head(maps)) for name, maps in self.features.items()}

    def stages(self, name: str) -> Stages:
        return propose(*self.answers[name], self.anchors, self.pictures[name].image_size)

    def window(self, **traits: Any) -> WindowExplorer:
        first = self.pictures["street-03"]
        x1, y1, x2, y2 = first.gt_boxes[0].tolist()
        row, col = self.grid.cell_at((x1 + x2) / 2, (y1 + y2) / 2)
        return WindowExplorer(
            first, self.grid, self.features["street-03"], self.head, **{"row": row, "col": col, **traits}
        )

    def convolution(self) -> ConvolutionExplorer:
        window = self.window()
        return ConvolutionExplorer(
            *(window.picture, self.grid, self.features["street-03"], self.head), row=window.row, col=window.col
        )

    def text(self) -> AnchorsExplorer:
        explorer = AnchorsExplorer(self.pictures["street-03"], self.grid, row=20, col=30)
        explorer.use("ctpn")
        return explorer

    def one_list(self) -> NmsExplorer:
        stages = self.stages("street-03")
        top = stages.pre_nms_inds[:300]
        return NmsExplorer(self.pictures["street-03"], stages.all_boxes[top], stages.all_scores[top])

    def loss(self, chosen: int) -> LossExplorer:
        explorer = LossExplorer("street-03", *self.answers["street-03"])
        explorer.chosen = chosen
        return explorer

    def second_head(self, kind: type, *end: Any, **traits: Any) -> Any:
        proposals = self.stages("street-03").proposals
        boxes = proposals if kind is DetectionsExplorer else proposals[:12]
        return kind(self.pictures["street-03"], self.grid, self.features["street-03"], boxes, *end, **traits)


def every_asked() -> dict[str, Asked]:
    """All views with questions, in the order of the notebooks."""
    world, third = _World(), "street-03"
    seventh = world.pictures["street-07"]
    return {
        "linked": Asked(
            "00",
            lambda: rpnviz.explore(third).unfold(),
            (
                *(nine_from_one_window, anchors_of_a_cell),
                *(longer_than_the_field, border_in_use),
            ),
        ),
        "poolings": Asked("01", lambda: PoolingsExplorer(world.pictures[third], poolings=0), (forty_by_sixty,)),
        "window": Asked("02", world.window, (nine_sizes_of_one_vector,)),
        "convolution": Asked("02", world.convolution, (weights_of_a_filter,)),
        "reader": Asked(
            "02",
            lambda: world.window(show_anchors=True, selected=4),
            (nine_cells_nine_anchors, three_by_three, nine_or_eighteen),
        ),
        "text": Asked("03", world.text, (sixteen_wide,)),
        "iou": Asked("04", lambda: IouExplorer(third), (where_is_iou,)),
        "labels": Asked("04", lambda: LabelsExplorer(third), (low_iou_positive,)),
        "minibatch": Asked(
            "05",
            lambda: MinibatchExplorer(third),
            (always_half, which_number, rest_of_the_map),
        ),
        "loss": Asked(
            "06",
            lambda: world.loss(chosen=1),
            (whose_iou,),
        ),
        "sums": Asked("06", lambda: world.loss(chosen=0), (where_is_lambda,)),
        "funnel": Asked(
            "08",
            lambda: FunnelExplorer(world.pictures[third], *world.answers[third], stage=5),
            (real_order, scored_background),
        ),
        "stepper": Asked("08", world.one_list, (same_two_thousand,)),
        "detections": Asked(
            "09",
            lambda: world.second_head(DetectionsExplorer, RoIHead.load("mini"), stage="proposals"),
            (what_comes_next,),
        ),
        "roi": Asked("09", lambda: world.second_head(RoIExplorer, proposal=5), (slope_of_a_box,)),
        "pyramid": Asked(
            "10",
            lambda: PyramidExplorer(seventh, load_detector("fasterrcnn_mini_fpn")),
            (which_level,),
        ),
        "conventions": Asked(
            "11",
            lambda: ConventionsExplorer(
                *(world.pictures[third], world.grid, *world.answers[third]), convention="paper", row=20, col=30
            ),
            (same_ratios, border_labels),
        ),
        "fit": Asked("13", lambda: FitExplorer(make_result()), (without_an_anchor,)),
    }
