"""What the still picture draws at each station of the overview, small: what thumbnails.js draws in the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.typing import ColorType
from PIL import Image
from torch import Tensor

from rpnviz.figures.palette import PALETTE, PAPER
from rpnviz.figures.primitives import MARGIN

if TYPE_CHECKING:
    from rpnviz.explorers.overview.figure import OverviewState

LABELS = ("negative", "positive", "ignored", "crosses_border")
DRAWN = 100  # proposals; more cannot be told apart
PHOTO = (300, 180)  # px of a thumbnail; the first is drawn large
HEAT = colormaps["magma"]
BEYOND = PAPER["band"]  # the band outside the picture


def show(ax: Axes, state: OverviewState, dim: float = 0.0) -> None:
    """The picture, darker by a share, with a band outside its border."""
    height, width = state.grid.image_size
    small = Image.fromarray(state.image).resize(PHOTO, Image.Resampling.LANCZOS)
    few = small.quantize(128, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).convert("RGB")
    dark = (np.asarray(few) * (1 - dim)).astype(np.uint8)
    ax.imshow(dark, extent=(0, width, height, 0), interpolation="none")
    _frame(ax, state)


def _frame(ax: Axes, state: OverviewState) -> None:
    height, width = state.grid.image_size
    ax.set(facecolor=BEYOND, xticks=[], yticks=[])
    ax.set(xlim=(-MARGIN * width, (1 + MARGIN) * width), ylim=((1 + MARGIN) * height, -MARGIN * height))


def boxes(ax: Axes, all_boxes: Tensor, colour: str, alpha: float = 1.0) -> None:
    """Thin outlines."""
    for x1, y1, x2, y2 in all_boxes.tolist():
        ax.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor=colour, linewidth=1, alpha=alpha))


def _window(ax: Axes, state: OverviewState) -> None:
    x1, y1, x2, y2 = state.grid.footprint(state.row, state.col)
    ax.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, facecolor="none", edgecolor=PALETTE["window"], linewidth=1.8))


def _picture(ax: Axes, state: OverviewState) -> None:
    show(ax, state)
    _window(ax, state)


def _cells(ax: Axes, state: OverviewState, values: npt.NDArray[np.integer]) -> None:
    height, width = state.grid.image_size
    ax.imshow(values, cmap=HEAT, extent=(0, width, height, 0), interpolation="none")
    _frame(ax, state)
    _window(ax, state)


def _map(ax: Axes, state: OverviewState) -> None:
    _cells(ax, state, state.feature_map)


def _top(ax: Axes, state: OverviewState) -> None:
    rows, cols = state.grid.feature_size
    nine = len(state.scores)
    _cells(ax, state, np.bincount(state.stages.pre_nms_inds.numpy() // nine, minlength=rows * cols).reshape(rows, cols))


def _plain(ax: Axes) -> None:
    ax.set(xlim=(0, 1), ylim=(1, 0), facecolor="none")


def _bar(ax: Axes, x1: float, y1: float, x2: float, y2: float, colour: ColorType) -> None:
    ax.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, facecolor=colour, edgecolor="none"))


def _convolutions(ax: Axes, state: OverviewState) -> None:
    _plain(ax)
    at = 0.04
    for block, count in enumerate((2, 2, 3, 3, 3)):
        half = 0.44 * 0.72**block
        for _ in range(count):
            _bar(ax, at, 0.5 - half, at + 0.05, 0.5 + half, PALETTE["proposal"])
            at += 0.062
        at += 0.022


def _block(ax: Axes, state: OverviewState) -> None:
    _plain(ax)
    padded = np.pad(state.feature_map, 1)[state.row : state.row + 3, state.col : state.col + 3]
    for k in range(7, -1, -1):
        for i, value in enumerate(padded.flatten()):
            x, y = 0.15 + k * 0.055 + (i % 3) * 0.12, 0.34 - k * 0.035 + (i // 3) * 0.2
            colour, edge = HEAT(int(value)), PALETTE["window"]
            ax.add_patch(Rectangle((x, y), 0.12, 0.2, facecolor=colour, edgecolor=edge, linewidth=0.5))


def _vector(ax: Axes, state: OverviewState) -> None:
    _plain(ax)
    values = (state.vector / state.vector.max().clamp(min=1e-9)).sqrt().tolist()
    for i, value in enumerate(values):
        x, y = 0.04 + (i % 16) * 0.057, 0.24 + (i // 16) * 0.13
        _bar(ax, x, y, x + 0.05, y + 0.115, HEAT(value))


def _outputs(ax: Axes, state: OverviewState) -> None:
    _plain(ax)
    for a, (score, deltas) in enumerate(zip(state.scores.tolist(), state.deltas.tolist(), strict=True)):
        top, bottom = 0.06 + a * 0.1, 0.13 + a * 0.1
        _bar(ax, 0.05, top, 0.3, bottom, PAPER["room"])
        _bar(ax, 0.05, top, 0.05 + 0.25 * score, bottom, PALETTE["positive"])
        for k, delta in enumerate(deltas):
            zero = 0.43 + k * 0.15
            tip = zero + 0.06 * max(-1.0, min(1.0, delta))
            _bar(ax, zero - 0.004, top, zero + 0.004, bottom, PAPER["grey"])
            _bar(ax, min(zero, tip), top, max(zero, tip), bottom, PALETTE["proposal"])


def _anchors(ax: Axes, state: OverviewState) -> None:
    show(ax, state)
    boxes(ax, state.anchors, PALETTE["anchor"])
    ax.plot(*state.grid.centre(state.row, state.col), "o", color=PALETTE["window"], markersize=3)


def _labels(ax: Axes, state: OverviewState) -> None:
    show(ax, state, 0.35)
    boxes(ax, state.gt_boxes, PALETTE["ground_truth"])
    for box, kind in zip(state.anchors, state.kinds.tolist(), strict=True):
        boxes(ax, box[None], PALETTE[LABELS[kind]])


def _minibatch(ax: Axes, state: OverviewState) -> None:
    show(ax, state, 0.6)
    for inds, name, size in ((state.negative, "negative", 1.6), (state.positive, "positive", 2.6)):
        cells = (inds // len(state.scores)).tolist()
        places = [state.grid.centre(*divmod(cell, state.grid.feature_size[1])) for cell in cells]
        ax.plot([x for x, _ in places], [y for _, y in places], "o", color=PALETTE[name], markersize=size)


def _losses(ax: Axes, state: OverviewState) -> None:
    _plain(ax)
    most = max(*state.losses, 1e-9)
    for k, loss in enumerate(state.losses):
        top = 0.2 + 0.34 * k
        _bar(ax, 0.06, top, 0.94, top + 0.24, PAPER["band"])
        _bar(ax, 0.06, top, 0.06 + 0.88 * loss / most, top + 0.24, PALETTE["proposal" if k else "positive"])


def _training(ax: Axes, state: OverviewState) -> None:
    _plain(ax)
    most, count = float(state.curve.max()), len(state.curve)
    for i, loss in enumerate(state.curve.tolist()):
        x = 0.04 + 0.92 * i / count
        _bar(ax, x, 0.94 - 0.84 * loss / most, x + 0.024, 0.94, PALETTE["negative"])


def _decode(ax: Axes, state: OverviewState) -> None:
    show(ax, state, 0.35)
    boxes(ax, state.stages.decoded[state.here], PALETTE["proposal"])


def _clip(ax: Axes, state: OverviewState) -> None:
    show(ax, state, 0.35)
    boxes(ax, state.stages.all_boxes[state.here], PALETTE["proposal"])


def _nms(ax: Axes, state: OverviewState) -> None:
    show(ax, state, 0.35)
    kept = set(state.stages.post_nms_inds.tolist())
    best = state.stages.pre_nms_inds[:DRAWN].flip(0).tolist()
    for wanted, name, alpha in ((False, "negative", 0.5), (True, "proposal", 1.0)):
        boxes(ax, state.stages.all_boxes[[one for one in best if (one in kept) == wanted]], PALETTE[name], alpha)


def _proposals(ax: Axes, state: OverviewState) -> None:
    show(ax, state, 0.35)
    boxes(ax, state.stages.proposals[:DRAWN].flip(0), PALETTE["proposal"], 0.8)


def _roi(ax: Axes, state: OverviewState) -> None:
    _frame(ax, state)
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    for x1, y1, x2, y2 in state.stages.proposals[:1].tolist():
        part = 0.75 * max((x2 - x1) / (right - left), (y2 - y1) / (low - high))
        left, right = ((x1 + x2) / 2 + sign * part * (right - left) for sign in (-1, 1))
        high, low = ((y1 + y2) / 2 + sign * part * (low - high) for sign in (-1, 1))
        xs, ys = (slice(max(0, int(first)), int(last) + 1) for first, last in ((left, right), (high, low)))
        near = state.image[ys, xs]
        ax.imshow(near, extent=(xs.start, xs.start + near.shape[1], ys.start + near.shape[0], ys.start))
        ax.set(xlim=(left, right), ylim=(low, high))
        for i in range(8):
            x, y = x1 + (x2 - x1) * i / 7, y1 + (y2 - y1) * i / 7
            ax.plot([x, x], [y1, y2], color=PALETTE["window"], linewidth=0.7)
            ax.plot([x1, x2], [y, y], color=PALETTE["window"], linewidth=0.7)


DRAW: dict[str, Callable[[Axes, OverviewState], None]] = {
    "picture": _picture,
    "convolutions": _convolutions,
    "map": _map,
    "window": _block,
    "vector": _vector,
    "outputs": _outputs,
    "anchors": _anchors,
    "labels": _labels,
    "minibatch": _minibatch,
    "losses": _losses,
    "training": _training,
    "decode": _decode,
    "clip": _clip,
    "top": _top,
    "nms": _nms,
    "proposals": _proposals,
    "roi": _roi,
}
