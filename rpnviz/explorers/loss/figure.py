"""The still of notebook 06: one anchor's boxes on the picture, its ledger, its place on the two curves, the sums.

Like `draw`, whose lines and colours these are: results in, matplotlib Figure out, nothing computed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from torch import Tensor

from rpnviz.figures.palette import PALETTE
from rpnviz.figures.primitives import Still, draw_box, legend, new_still, show_picture

if TYPE_CHECKING:
    from rpnviz.inspect.loss_ledger import Ledger

NAMES = ("dx", "dy", "dw", "dh")
NEAR = 0.03  # of the axis: names of dots closer than this would lie on one another
LABELS = {1: "positive", 0: "negative", -1: "ignored"}
TABLE: dict[str, Any] = {"va": "top", "family": "monospace", "fontsize": 8.5, "parse_math": False, "linespacing": 1.45}


@dataclass(frozen=True)
class LossState:
    """What notebook 06's explorer shows at one moment.

    Args:
        image (uint8 [H, W, 3]): the picture.
        anchor (xyxy): px.
        label: 1, 0 or -1.
        gt_box (xyxy or None): what a positive anchor has to move to.
        view (xyxy or None): the part of the picture to show; None is all of it.
        decoded (xyxy): the anchor moved by its deltas.
        ledger (Ledger): one row.
        bce_curve (x, y): cross-entropy against the logit.
        box_curve (x, y): smooth L1 against the difference.
        losses: whose way -> (loss_objectness, loss_rpn_box_reg) of the minibatch.
        sentence: the title.
    """

    image: npt.NDArray[np.uint8]
    anchor: Sequence[float]
    label: int
    gt_box: Sequence[float] | None
    view: Sequence[float] | None
    decoded: Sequence[float]
    ledger: Ledger
    bce_curve: tuple[Tensor, Tensor]
    box_curve: tuple[Tensor, Tensor]
    losses: dict[str, tuple[float, float]]
    sentence: str


def loss_figure(state: LossState) -> Still:
    """Draw the explorer as it stands."""
    figure = new_still(11.5, 5.4, state.sentence)
    picture = figure.add_axes((0.01, 0.24, 0.52, 0.69))
    show_picture(picture, state.image)
    if state.view is not None:
        picture.set(xlim=state.view[::2], ylim=state.view[3::-2])
    lines = [(LABELS[state.label], f"anchor, {LABELS[state.label]}"), ("proposal", "decoded box")]
    if state.gt_box is not None:
        draw_box(picture, state.gt_box, "ground_truth")
        lines.append(("ground_truth", "ground truth"))
    draw_box(picture, state.anchor, LABELS[state.label])
    draw_box(picture, state.decoded, "proposal")
    legend(figure, lines, 3, (0.01, 0.22))
    figure.text(0.55, 0.92, _ledger_text(state.ledger), **TABLE)
    figure.text(0.01, 0.16, _sums_text(state.losses), **TABLE)
    bce, box = figure.add_axes((0.58, 0.1, 0.18, 0.34)), figure.add_axes((0.81, 0.1, 0.18, 0.34))
    _curve(bce, state.bce_curve, "cross-entropy against the logit")
    _curve(box, state.box_curve, "smooth L1 against the difference")
    ledger = state.ledger
    if state.label >= 0:
        bce.plot(ledger.objectness, ledger.bce, "o", color=PALETTE["proposal"], markeredgecolor=PALETTE["casing"])
    if state.label == 1:
        _name_points(box, list(zip(ledger.differences[0].tolist(), ledger.smooth_l1[0].tolist(), strict=True)))
    return figure


def _curve(ax: Axes, curve: tuple[Tensor, Tensor], title: str) -> None:
    ax.plot(*curve, color=PALETTE["crosses_border"])
    ax.set_title(title, fontsize=9, loc="left")
    ax.tick_params(labelsize=7)


def _name_points(ax: Axes, points: list[tuple[float, float]]) -> None:
    """A dot for each delta, its name beside it and outside the curve; dots that nearly touch share a line."""
    left, right = ax.get_xlim()
    named: list[tuple[float, float, str]] = []
    for name, (x, y) in zip(NAMES, points, strict=True):
        ax.plot(x, y, "o", color=PALETTE["proposal"], markeredgecolor=PALETTE["casing"])
        near = [i for i, (u, _, _) in enumerate(named) if abs(u - x) < NEAR * (right - left)]
        if near:
            u, v, before = named[near[0]]
            named[near[0]] = u, max(v, y), f"{before}, {name}"
        else:
            named.append((x, y, name))
    for x, y, name in named:
        side = 1 if x > 0 else -1
        ha = "left" if x > 0 else "right"
        ax.annotate(name, (x, y), (7 * side, 0), textcoords="offset points", fontsize=8, ha=ha, va="center")


def _ledger_text(ledger: Ledger) -> str:
    logit, score, bce = (float(x) for x in (ledger.objectness, ledger.scores, ledger.bce))
    rows = [f"logit {logit:.4f}   score {score:.4f}   label {int(ledger.labels)}   cross-entropy {bce:.4f}", ""]
    rows.append("      delta    target   difference          smooth L1   slope")
    columns = (ledger.deltas, ledger.targets, ledger.differences, ledger.smooth_l1, ledger.slopes)
    for k, name in enumerate(NAMES):
        delta, target, difference, loss, slope = (float(column[0, k]) for column in columns)
        branch = "line" if bool(ledger.on_line[0, k]) else "parabola"
        rows.append(
            f"{name}  {delta:8.4f}  {target:8.4f}  {difference:8.4f}  {branch:>8}  {loss:8.4f}  {slope:8.4f}"
            if int(ledger.labels) == 1
            else f"{name}  {delta:8.4f}     not in the loss: background has no box to move to"
        )
    return "\n".join([*rows, f"      box loss {float(ledger.box_loss):.4f}"])


def _sums_text(losses: dict[str, tuple[float, float]]) -> str:
    head = f"{'loss of the minibatch':28}  objectness     box        sum"
    rows = [f"{whose:28}  {bce:9.6f}  {box:9.6f}  {bce + box:9.6f}" for whose, (bce, box) in losses.items()]
    return "\n".join([head, *rows])
