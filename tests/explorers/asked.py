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
from rpnviz.explorers import beliefs_anchors, beliefs_labels, beliefs_loss, beliefs_proposals, beliefs_window
from rpnviz.explorers.anchors import AnchorsExplorer
from rpnviz.explorers.base import RpnvizWidget
from rpnviz.explorers.detections import DetectionExplorer
from rpnviz.explorers.funnel import FunnelExplorer
from rpnviz.explorers.iou import IouPlayground
from rpnviz.explorers.labels import LabelExplorer
from rpnviz.explorers.loss import LossExplorer
from rpnviz.explorers.minibatch import MinibatchExplorer
from rpnviz.explorers.nms import NmsExplorer
from rpnviz.explorers.poolings import PoolingsExplorer
from rpnviz.explorers.roi import RoIExplorer
from rpnviz.explorers.window import WindowExplorer
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.proposals import Stages, propose
from rpnviz.rpn import RPNHead, flatten_head


@dataclass(frozen=True)
class Asked:
    """A view of a notebook and the questions above it, as functions of the modules beliefs_*."""

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

    def text(self) -> AnchorsExplorer:
        explorer = AnchorsExplorer(self.pictures["street-03"], self.grid, row=20, col=30)
        explorer.use("ctpn")
        return explorer

    def stepper(self) -> NmsExplorer:
        stages = self.stages("street-07")
        top = stages.pre_nms_inds[:300]
        return NmsExplorer(self.pictures["street-07"], stages.all_boxes[top], stages.all_scores[top], turn=1)

    def second_head(self, kind: type, *end: Any, **traits: Any) -> Any:
        proposals = self.stages("street-03").proposals
        boxes = proposals if kind is DetectionExplorer else proposals[:12]
        return kind(self.pictures["street-03"], self.grid, self.features["street-03"], boxes, *end, **traits)


def every_asked() -> dict[str, Asked]:
    """All views with questions, in the order of the notebooks."""
    world, third = _World(), "street-03"
    seventh = world.pictures["street-07"]
    anchors, window, labels, proposals = beliefs_anchors, beliefs_window, beliefs_labels, beliefs_proposals
    return {
        "linked": Asked(
            "00",
            lambda: rpnviz.explore(third),
            (
                *(anchors.nine_from_one_window, anchors.anchors_of_a_cell),
                *(anchors.longer_than_the_field, anchors.border_in_use),
            ),
        ),
        "poolings": Asked("01", lambda: PoolingsExplorer(world.pictures[third], poolings=0), (window.forty_by_sixty,)),
        "window": Asked("02", world.window, (window.nine_sizes_of_one_vector,)),
        "reader": Asked(
            "02",
            lambda: world.window(show_anchors=True, selected=4),
            (window.three_by_three, window.nine_or_eighteen),
        ),
        "text": Asked("03", world.text, (anchors.sixteen_wide,)),
        "iou": Asked("04", lambda: IouPlayground(third), (labels.where_is_iou,)),
        "labels": Asked("04", lambda: LabelExplorer("street-07"), (labels.low_iou_positive,)),
        "minibatch": Asked(
            "05",
            lambda: MinibatchExplorer("street-07"),
            (labels.always_half, labels.which_number, labels.rest_of_the_map),
        ),
        "loss": Asked(
            "06",
            lambda: LossExplorer(third, *world.answers[third]),
            (beliefs_loss.whose_iou, beliefs_loss.where_is_lambda),
        ),
        "funnel": Asked(
            "08",
            lambda: FunnelExplorer(seventh, *world.answers["street-07"], stage=5),
            (proposals.real_order, proposals.scored_background),
        ),
        "stepper": Asked("08", world.stepper, (proposals.same_two_thousand,)),
        "detections": Asked(
            "09",
            lambda: world.second_head(DetectionExplorer, RoIHead.load("mini"), stage="proposals"),
            (proposals.what_comes_next,),
        ),
        "roi": Asked("09", lambda: world.second_head(RoIExplorer, proposal=5), (proposals.slope_of_a_box,)),
    }
