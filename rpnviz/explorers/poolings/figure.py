"""The still picture of the poolings: which columns are dropped."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from rpnviz.figures.palette import PALETTE
from rpnviz.figures.primitives import Still, legend, line_of, new_still


def poolings_figure(steps: Sequence[int], shown: int, image: npt.NDArray[np.uint8], sentence: str) -> Still:
    """Draw the last columns of the picture and which of them each pooling keeps.

    Args:
        steps: how many columns there are at first and after each pooling.
        shown: how many poolings are drawn.
        image (uint8 [H, W, 3]): its upper part is the strip on top, scaled to the first number of columns.
        sentence: the title.
    """
    figure = new_still(8, 3.9, sentence)
    ax = figure.add_axes((0.13, 0.11, 0.86, 0.74))
    length = steps[0]
    left, right = length - 48, length + 12
    strip = image[image.shape[0] // 3 : image.shape[0] // 2]
    ax.imshow(strip, extent=(0, length, 0.92, 0.08), aspect="auto", interpolation="nearest")
    ax.set(xlim=(left, right), ylim=(len(steps) + 0.05, 0), yticks=np.arange(len(steps)) + 0.5, facecolor="0.95")
    ax.set_yticklabels(
        [f"{'input' if i == 0 else f'pool{i}'}: {n if i <= shown else '?'}" for i, n in enumerate(steps)]
    )
    ax.set_xlabel(f"pixel column of the network's input: the last {length - left} of {length:,}", fontsize=8)
    for level in range(1, shown + 1):
        side, before = 2**level, steps[level - 1]
        for column in range(max(left // side, 0), steps[level]):
            style = "half_fed" if 2 * column + 1 == before else "window"
            _cell(ax, column * side, min((column + 1) * side, length), level, style, str(column))
        if 2 * steps[level] < before:
            half = side // 2
            _cell(ax, (before - 1) * half, min(before * half, length), level, "dropped", "×")
    for level in range(shown + 1, len(steps)):  # still to be guessed
        ax.add_patch(Rectangle((left, level + 0.12), length - left, 0.76, fill=False, ec="0.47", ls="--", lw=0.8))
    entries = [("window", "kept"), ("half_fed", "kept, from one column alone"), ("dropped", "dropped")]
    legend(figure, entries, 3, (0.13, 0.915))
    ax.tick_params(labelsize=8)
    return figure


def _cell(ax: Axes, x1: float, x2: float, level: int, style: str, words: str) -> None:
    line = line_of(style)
    corner, look = (x1, level + 0.12), {"ec": PALETTE["casing"], "lw": 0.6, "alpha": 0.75}
    ax.add_patch(Rectangle(corner, x2 - x1, 0.76, facecolor=PALETTE[style], **look))  # type: ignore[arg-type]
    if style != "window":
        ax.add_patch(Rectangle(corner, x2 - x1, 0.76, fill=False, lw=1.4, ls=line["linestyle"], ec="black"))
    if level > 1 and (x1 + x2) / 2 > ax.get_xlim()[0] + 1:
        ax.text((x1 + x2) / 2, level + 0.5, words, ha="center", va="center", fontsize=7, clip_on=True)
