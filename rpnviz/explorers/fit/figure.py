"""The still picture of a fit: sizes of objects and shapes of anchors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from rpnviz.figures.palette import PALETTE
from rpnviz.figures.primitives import Still, new_still

EDGE = PALETTE["casing"]


def fit_figure(
    sizes: npt.NDArray[np.float64],
    covered: npt.NDArray[np.bool_] | None,
    shapes: Sequence[tuple[float, float]],
    sentence: str,
) -> Still:
    """Draw width against height, both logarithmic.

    Args:
        sizes (float64 [S, 2]): (height, width) of objects, px of the network's input.
        covered (bool [S]): whether the best anchor covers them; None if nobody knows.
        shapes: (height, width) of anchors.
        sentence: the title.
    """
    figure = new_still(8, 5.6, sentence)
    ax = figure.add_axes((0.08, 0.1, 0.68, 0.82))
    if covered is None:
        _scatter(ax, sizes, "crosses_border", "o", "objects")
    else:
        _scatter(ax, sizes[~covered], "negative", "D", "objects not covered")
        _scatter(ax, sizes[covered], "positive", "o", "objects covered")
    height, width = np.array(shapes, np.float64).reshape(-1, 2).T
    ax.scatter(width, height, s=70, marker="s", facecolors="none", edgecolors=EDGE, linewidths=1.8, label="anchors")
    every = np.concatenate([sizes, np.array(shapes, np.float64).reshape(-1, 2)])
    limits = (every.min() / 1.25, every.max() * 1.25) if every.size else (8, 512)
    ax.set(xlim=limits, ylim=limits)
    ax.set_xscale("log", base=2)
    ax.set_yscale("log", base=2)
    ax.xaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_major_formatter("{x:g}")
    ax.set(xlabel="width, px of the network's input", ylabel="height, px")
    ax.grid(alpha=0.3)
    figure.legend(loc="upper left", bbox_to_anchor=(0.77, 0.92), frameon=False, fontsize=9)
    return figure


def _scatter(ax: Axes, sizes: npt.NDArray[np.float64], style: str, marker: str, label: str) -> None:
    ax.scatter(sizes[:, 1], sizes[:, 0], s=14, marker=marker, c=PALETTE[style], ec=EDGE, linewidths=0.4, label=label)
