"""Notebook 06's explorer: one anchor's answer can be moved, and the ledger of its loss follows."""

from __future__ import annotations

import math
from typing import Any

import torch
import traitlets as t
from torch import Tensor

from rpnviz._inputs import take_shown, take_whole
from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.boxes import decode, pair_iou
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.finite import Finite
from rpnviz.explorers.common.payload import picture_file, picture_plan
from rpnviz.explorers.common.rules import Rule, number, numbers, obeys_rules, whole
from rpnviz.explorers.common.taken import check_picture
from rpnviz.explorers.loss.anchors import Scene, as_binary, describe_anchor, telling_anchors
from rpnviz.explorers.loss.figure import LossState, loss_figure
from rpnviz.figures.primitives import Still
from rpnviz.grid import Grid
from rpnviz.inspect.loss_ledger import (
    NORMALISATIONS,
    Ledger,
    binary_cross_entropy,
    minibatch_losses,
    smooth_l1,
    take_step,
    write_ledger,
)
from rpnviz.pictures import Picture
from rpnviz.rpn import rpn_losses
from rpnviz.targets import label_anchors, regression_targets, sample_minibatch

# The least range of the sliders: logit, dx, dy, dw, dh. The network's own answers widen it where they lie outside.
LOW, HIGH = (-10.0, -2.0, -2.0, -3.0, -3.0), (10.0, 2.0, 2.0, 5.0, 5.0)
NAMES = ("logit", "dx", "dy", "dw", "dh")


class LossExplorer(RpnvizWidget):
    """Move what the network says of one anchor: its decoded box, its loss and the sum over the minibatch follow.

    Args:
        picture: name of a bundled picture, or a `Picture`.
        objectness (Tensor[N]): the network's logits for the 40×60 grid, flat.
        pred_bbox_deltas (Tensor[N, 4]): its deltas.
        seed: of the minibatch.

    Raises:
        ValueError: if the answers are not one for each anchor of the grid, or nothing is sampled.
    """

    presented = "chosen"
    view = "loss/view.js"
    sheets = ("common/labels.css", "loss/view.css")
    plan = t.Dict(read_only=True, help="sizes, the anchors to choose from, the three ways to divide").tag(sync=True)
    image = t.Bytes(read_only=True, help="the picture as a file").tag(sync=True)
    sample = t.Dict(read_only=True, help="float32 and int8 [S]: the minibatch, row by row").tag(sync=True)
    chosen = t.Int(0, help="which of the anchors offered").tag(sync=True)
    logit = t.Float(0.0, help="its objectness").tag(sync=True)
    deltas = t.List(t.Float(), [0.0] * 4, minlen=4, maxlen=4, help="its dx, dy, dw, dh").tag(sync=True)
    normalisation = t.Enum(list(NORMALISATIONS), "torchvision", help="whose smooth L1 and divisors").tag(sync=True)
    learning_rate = Finite(0.05, min=0.01, max=0.3, help="how far a step goes for a slope of 1").tag(sync=True)

    close_up = t.Bool(False, help="show the part of the picture round the anchor").tag(sync=True)

    def __init__(self, picture: str | Picture, objectness: Tensor, pred_bbox_deltas: Tensor, seed: int = 0) -> None:
        """Label, sample and offer the telling anchors, each with the network's own answer."""
        self.scene = _scene(picture, objectness, pred_bbox_deltas, seed)
        inds = self.scene.sampled_inds
        rows = (self.scene.objectness, self.scene.deltas, self.scene.found.labels, self.scene.targets)
        self._sampled = (rows[0][inds], rows[1][inds], rows[2][inds], rows[3][inds])
        self.rows = telling_anchors(self.scene, write_ledger(*self._sampled))
        if not self.rows:
            many = f"all {len(self.scene.anchors):,} anchors cross its border"
            raise ValueError(f"picture: {many}, so none has a loss; takes a larger one, as Picture.fit makes it")
        self.offered = [describe_anchor(self.scene, key, row) for key, row in self.rows.items()]
        self._low, self._high = _limits(self.offered)
        super().__init__()
        self.set_trait("image", picture_file(self.scene.picture))
        floats = {"objectness": rows[0], "deltas": rows[1], "targets": rows[3]}
        sample = {name: as_binary(values[inds]) for name, values in floats.items()}
        self.set_trait("sample", {**sample, "labels": as_binary(rows[2][inds], torch.int8)})
        self.set_trait("plan", self._plan())
        self.answer_as_network()

    def _plan(self) -> dict[str, Any]:
        num_sampled = len(self.scene.sampled_inds)
        ways = []
        for key, way in NORMALISATIONS.items():
            per_bce, per_box = way.factors(num_sampled)
            ways.append({"key": key, "whose": way.whose, "beta": way.beta, "per_bce": per_bce, "per_box": per_box})
        return {
            **picture_plan(self.scene.picture),
            "anchors": self.offered,
            "low": self._low,
            "high": self._high,
            "ways": ways,
            "tensor_losses": list(self.tensor_losses),
        }

    @property
    def tensor_losses(self) -> tuple[float, float]:
        """What `rpn_losses` says of the network's own answers."""
        scene = self.scene
        pos, neg = scene.sampled_inds[: scene.num_pos], scene.sampled_inds[scene.num_pos :]
        losses = rpn_losses(scene.objectness, scene.deltas, scene.found.labels, scene.targets, pos, neg)
        return float(losses[0]), float(losses[1])

    @property
    def anchor(self) -> dict[str, Any]:
        """What there is to know of the chosen anchor."""
        return self.offered[self.chosen]

    @property
    def ledger(self) -> Ledger:
        """The chosen anchor's ledger, one row, as it stands."""
        row = ([self.logit], [self.deltas], [self.anchor["label"]], [self.anchor["targets"]])
        logit, deltas, label, targets = (torch.tensor(values, dtype=torch.float64) for values in row)
        return write_ledger(logit, deltas, label, targets, NORMALISATIONS[self.normalisation].beta)

    @property
    def decoded(self) -> Tensor:
        """The box that the deltas make of the anchor: Tensor[1, 4], xyxy, px."""
        return decode(torch.tensor([self.deltas]), torch.tensor([self.anchor["box"]]))

    @property
    def losses(self) -> dict[str, tuple[float, float]]:
        """Of the whole minibatch, the chosen anchor as it stands: way -> (loss_objectness, loss_rpn_box_reg)."""
        objectness, deltas, labels, targets = (values.double() for values in self._sampled)
        at = self.anchor["at"]
        if at >= 0:
            objectness[at], deltas[at] = self.logit, torch.tensor(self.deltas, dtype=torch.float64)
        return {k: minibatch_losses(objectness, deltas, labels, targets, way) for k, way in NORMALISATIONS.items()}

    def answer_as_network(self) -> None:
        """Put logit and deltas back to what the network says of the chosen anchor."""
        with self.hold_sync():
            self.logit, self.deltas = self.anchor["logit"], self.anchor["deltas"]

    def step(self) -> None:
        """Take one step of gradient descent on the chosen anchor's own loss; stays on the sliders."""
        logits, deltas = take_step(self.ledger, self.learning_rate)
        after = [float(logits[0]), *deltas[0].tolist()]
        kept = [min(max(v, low), high) for v, low, high in zip(after, self._low, self._high, strict=True)]
        with self.hold_sync():
            self.logit, self.deltas = kept[0], kept[1:]

    def rules(self) -> dict[str, Rule]:
        """Say what a saved page may set."""
        return {
            "chosen": whole(0, len(self.offered) - 1),
            "logit": number(self._low[0], self._high[0]),
            "deltas": numbers(self._low[1:], self._high[1:]),
        }

    def figure(self) -> Still:
        """Draw the boxes, the ledger and the sums as they stand."""
        anchor = self.anchor
        logits, differences = torch.linspace(self._low[0], self._high[0], 101), torch.linspace(-1.5, 1.5, 301)
        state = LossState(
            image=self.scene.picture.image,
            anchor=anchor["box"],
            label=anchor["label"],
            gt_box=anchor["gt"],
            view=anchor["view"] if self.close_up else None,
            decoded=self.decoded[0].tolist(),
            ledger=self.ledger,
            bce_curve=(logits, binary_cross_entropy(logits, torch.full_like(logits, max(anchor["label"], 0)))),
            box_curve=(differences, smooth_l1(differences, NORMALISATIONS[self.normalisation].beta)),
            losses={NORMALISATIONS[key].whose: pair for key, pair in self.losses.items()},
            sentence=self.describe(),
        )
        return loss_figure(state)

    def describe(self) -> str:
        """Say what the anchor's two losses are."""
        ledger, anchor = self.ledger, self.anchor
        label = {1: "positive", 0: "negative", -1: "left out"}[anchor["label"]]
        said = f"Anchor of {anchor['size']} px, IoU {anchor['iou_text']}, {label}: "
        if anchor["gt"]:
            iou = pair_iou(self.decoded[0], torch.tensor(anchor["gt"]))
            said = said[:-2] + f", decoded box at IoU {iou:.2f}: "
        return said + f"cross-entropy {float(ledger.bce):.4f}, box loss {float(ledger.box_loss):.4f}."

    @t.observe("chosen")
    def _choose(self, _: Any) -> None:
        self.answer_as_network()

    _check = obeys_rules("chosen", "logit", "deltas")


def _scene(picture: str | Picture, objectness: Tensor, pred_bbox_deltas: Tensor, seed: int) -> Scene:
    """Label all anchors of the 40×60 grid and draw the minibatch."""
    picture = check_picture(Picture.load(picture) if isinstance(picture, str) else picture)
    anchors = grid_anchors(Grid.paper(picture.image_size), cell_anchors())
    answers = (
        take_shown(objectness, "objectness", f"{len(anchors)}"),
        take_shown(pred_bbox_deltas, "pred_bbox_deltas", f"{len(anchors)}, 4"),
    )
    seed = take_whole(seed, "seed", 0, 2**63 - 1)
    found = label_anchors(anchors, picture.gt_boxes, picture.image_size)
    pos, neg = sample_minibatch(found.labels, generator=torch.Generator().manual_seed(seed))
    targets = regression_targets(anchors, picture.gt_boxes, found.matched_idxs)
    return Scene(picture, anchors, *answers, targets, found, torch.cat([pos, neg]), len(pos))


def _limits(offered: list[dict[str, Any]]) -> tuple[list[float], list[float]]:
    """What the sliders span, in order of NAMES: at least LOW to HIGH, and every answer and target in it."""
    points = [point for a in offered for point in ([a["logit"], *a["deltas"]], [a["logit"], *a["targets"]])]
    columns = list(zip(LOW, HIGH, *points, strict=True))
    return [float(math.floor(min(column))) for column in columns], [float(math.ceil(max(column))) for column in columns]
