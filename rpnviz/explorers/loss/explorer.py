"""Notebook 06's explorer: one anchor's answer can be moved, and the ledger of its loss follows."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, NamedTuple

import torch
import traitlets as t
from torch import Tensor

from rpnviz._inputs import take_shown, take_whole
from rpnviz.anchors import cell_anchors, grid_anchors, inside_picture
from rpnviz.boxes import decode, pair_iou
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.finite import Finite
from rpnviz.explorers.common.own_picture import look
from rpnviz.explorers.common.page_network import BACKBONE_AND_RPN
from rpnviz.explorers.common.payload import picture_file, picture_plan
from rpnviz.explorers.common.rules import Rule, number, numbers, obeys_rules, whole
from rpnviz.explorers.common.sampled import MAX_SEED, SAMPLING, HasMinibatch
from rpnviz.explorers.common.taken import check_picture
from rpnviz.explorers.common.thresholds import LABEL_RULES
from rpnviz.explorers.loss.anchors import MOST_OFFERED, Scene
from rpnviz.explorers.loss.figure import LossState, loss_figure
from rpnviz.explorers.loss.limits import find_limits
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
from rpnviz.targets import regression_targets

SETTINGS = ("objects", *LABEL_RULES, *SAMPLING)  # what decides which anchors are offered


class _Shown(NamedTuple):
    """The anchor that is shown: its place among those offered, of which kind it is, and its row among the N."""

    place: int
    key: str
    row: int


class LossExplorer(HasMinibatch, RpnvizWidget):
    """Move what the network says of one anchor: its decoded box, its loss and the sum over the minibatch follow.

    Objects, the rules of the labels and the settings of the minibatch can be moved too. The view then stays with the
    kind of anchor that it shows, "best" or "alarm"; without one, with the first. Where that is another anchor, the
    network's own answer for it is shown.

    Args:
        picture: name of a bundled picture, or a `Picture`.
        objectness (Tensor[N]): the network's logits for the 40×60 grid, flat.
        pred_bbox_deltas (Tensor[N, 4]): its deltas.
        seed: of the minibatch, 0 to 99.

    Raises:
        ValueError: if the answers are not one for each anchor of the grid, or no anchor lies within the picture.
    """

    presented = "chosen"
    view = "loss/view.js"
    networks = BACKBONE_AND_RPN
    sheets = ("common/labels.css", "loss/view.css")
    plan = t.Dict(read_only=True, help="sizes, how far an answer goes, the three ways to divide").tag(sync=True)
    image = t.Bytes(read_only=True, help="the picture as a file").tag(sync=True)
    said = t.Dict(read_only=True, help="float32: the network's logits [N] and deltas [N, 4]").tag(sync=True)
    chosen = t.Int(0, help="which of the anchors offered").tag(sync=True)
    logit = t.Float(0.0, help="its objectness").tag(sync=True)
    deltas = t.List(t.Float(), [0.0] * 4, minlen=4, maxlen=4, help="its dx, dy, dw, dh").tag(sync=True)
    normalisation = t.Enum(list(NORMALISATIONS), "torchvision", help="whose smooth L1 and divisors").tag(sync=True)
    learning_rate = Finite(0.05, min=0.01, max=0.3, help="how far a step goes for a slope of 1").tag(sync=True)

    close_up = t.Bool(False, help="show the part of the picture round the anchor").tag(sync=True)

    _shown: _Shown | None = None  # none before it is open
    _named: frozenset[str] = frozenset()  # what the page names in the message that is being taken

    def __init__(self, picture: str | Picture, objectness: Tensor, pred_bbox_deltas: Tensor, seed: int = 0) -> None:
        """Label, sample and offer the telling anchors, each with the network's own answer."""
        picture = check_picture(Picture.load(picture) if isinstance(picture, str) else picture)
        anchors = grid_anchors(Grid.paper(picture.image_size), cell_anchors())
        shape = f"{len(anchors)}"
        objectness = take_shown(objectness, "objectness", shape)
        self._given = objectness, take_shown(pred_bbox_deltas, "pred_bbox_deltas", f"{shape}, 4")
        if not inside_picture(anchors, picture.image_size).any():
            many = f"all {len(anchors):,} anchors cross its border"
            raise ValueError(f"picture: {many}, so none has a loss; takes a larger one, as Picture.fit makes it")
        super().__init__(seed=take_whole(seed, "seed", 0, MAX_SEED))
        self.show_picture(picture)
        self.start_answering()

    def answer(self) -> dict[str, Any]:
        """The picture, and what the network says of it: of the first anchor offered, and of all."""
        heard = look(self.picture, self.grid)[1:] if self.own_picture else self._given
        limits = find_limits(*heard, self.anchors, self.picture.image_size)
        ways = [{"key": key, **asdict(way)} for key, way in NORMALISATIONS.items()]
        plan = {**picture_plan(self.picture), "grid": self.grid.name, **asdict(limits), "ways": ways}
        file = picture_file(self.picture)
        names = zip(("objectness", "deltas"), heard, strict=True)
        said = {name: values.numpy().astype("<f4").tobytes() for name, values in names}
        self._objectness, self._deltas, self._limits = *heard, limits
        self._looked = dict[str, Scene]()
        first = self.offered[0]
        own = self.brings(chosen=0, logit=first["logit"], deltas=first["deltas"])
        key, row = list(self.rows.items())[min(own["chosen"], len(self.rows) - 1)]
        self._shown = _Shown(own["chosen"], key, row)
        self._stood = {name: getattr(self, name) for name in SETTINGS} | {"chosen": own["chosen"]}
        return {"plan": plan, "image": file, "said": said, **own}

    @property
    def scene(self) -> Scene:
        """Labels, minibatch and targets of all anchors, as objects and settings stand."""
        key = repr([getattr(self, name) for name in SETTINGS])
        if key not in self._looked:  # only the last is kept
            found, (pos, neg) = self.found, self.sampled
            picture, thresholds = self.picture, (self.bg_iou_thresh, self.fg_iou_thresh)
            targets = regression_targets(self.anchors, picture.gt_boxes, found.matched_idxs)
            rows = (self.anchors, self._objectness, self._deltas, targets)
            self._looked = {key: Scene(picture, *rows, found, thresholds, torch.cat([pos, neg]), len(pos))}
        return self._looked[key]

    @property
    def rows(self) -> dict[str, int]:
        """The anchors offered: "best", "worst", … -> row among the N."""
        return self.scene.rows

    @property
    def offered(self) -> list[dict[str, Any]]:
        """What there is to know of each."""
        return self.scene.offered

    @property
    def tensor_losses(self) -> tuple[float, float]:
        """What `rpn_losses` says of the network's own answers."""
        scene = self.scene
        pos, neg = scene.sampled_inds[: scene.num_pos], scene.sampled_inds[scene.num_pos :]
        losses = rpn_losses(scene.objectness, scene.deltas, scene.found.labels, scene.targets, pos, neg)
        return float(losses[0]), float(losses[1])

    @property
    def anchor(self) -> dict[str, Any]:
        """What there is to know of the chosen anchor; a page may name one that is not offered: then of the first."""
        return self.offered[self.chosen if self.chosen < len(self.offered) else 0]

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
        objectness, deltas, labels, targets = (values.double() for values in self.scene.sample)
        at = self.anchor["at"]
        if at >= 0:
            objectness[at], deltas[at] = self.logit, torch.tensor(self.deltas, dtype=torch.float64)
        return {k: minibatch_losses(objectness, deltas, labels, targets, way) for k, way in NORMALISATIONS.items()}

    def answer_as_network(self) -> None:
        """Put logit and deltas back to what the network says of the chosen anchor."""
        with self.hold_sync():
            self.logit, self.deltas = self.anchor["logit"], self.anchor["deltas"]

    def step(self) -> None:
        """Take one step of gradient descent on the chosen anchor's own loss; stays within what an answer may be."""
        logits, deltas = take_step(self.ledger, self.learning_rate)
        kept = self._limits.clamp([float(logits[0]), *deltas[0].tolist()])
        with self.hold_sync():
            self.logit, self.deltas = kept[0], kept[1:]

    def rules(self) -> dict[str, Rule]:
        """Say what a saved page may set; how many are offered there hangs on what else it sets."""
        least, most = self._limits.least, self._limits.most
        return {
            **self.object_rules(),
            **self.threshold_rules(),
            "chosen": whole(0, MOST_OFFERED - 1),
            "logit": number(least[0], most[0]),
            "deltas": numbers(least[1:], most[1:]),
        }

    def figure(self) -> Still:
        """Draw the boxes, the ledger and the sums as they stand."""
        anchor, limits = self.anchor, self._limits
        logits, differences = torch.linspace(limits.low[0], limits.high[0], 101), torch.linspace(-1.5, 1.5, 301)
        state = LossState(
            image=self.picture.image,
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

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what the page sets. What it names of the anchor and its answer has followed there already."""
        self._named = frozenset(sync_data)
        try:
            super().set_state(sync_data)
        finally:
            self._named = frozenset()

    def _follow(self) -> None:
        """Stay with the kind of anchor that is shown; another anchor begins with the network's own answer."""
        rows, was = self.scene.rows, self._shown or _Shown(0, "", -1)
        kinds, place = list(rows), self.chosen
        if place == was.place and "chosen" not in self._named:
            place = kinds.index(was.key) if was.key in rows else 0
        key = kinds[place if place < len(kinds) else 0]
        self._shown = _Shown(place, key, rows[key])
        with self.hold_sync():
            self.chosen = place
            if rows[key] != was.row and not self._named & {"logit", "deltas"}:
                self.answer_as_network()
        self._stood = {name: getattr(self, name) for name in (*SETTINGS, "chosen")}

    @t.observe(*SETTINGS, "chosen")
    def _moved(self, _: Any) -> None:
        if self._shown:
            with self.reporting("could not change what is shown", **self._stood):
                self._follow()

    @t.validate("chosen")
    def _check_chosen(self, proposal: Any) -> int:
        chosen = int(proposal["value"])
        offered = MOST_OFFERED if self._named else len(self.offered)  # a page may name it with what is to decide
        if not 0 <= chosen < offered:
            raise t.TraitError(f"chosen: got {chosen}, takes 0 to {offered - 1}")
        return chosen

    _check = obeys_rules("logit", "deltas")
