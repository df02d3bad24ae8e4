"""The still picture of one number taken apart: nine products, 512 sums, 512 outputs.

Shapes: C channels on h × w cells.
"""

from __future__ import annotations

from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from torch import Tensor

from rpnviz.explorers.common.words import fixed
from rpnviz.figures.maps import set_title, show_heat, show_map
from rpnviz.figures.primitives import Still, new_still
from rpnviz.inspect.convolution import OneOutput

SIGNED = "PuOr_r"  # orange adds, as in the page


class Chosen(NamedTuple):
    """Where the window stands, and which channel and filter are looked at."""

    row: int
    col: int
    channel: int
    output: int


def convolution_figure(made: OneOutput, feature_map: Tensor, vector: Tensor, chosen: Chosen) -> Still:
    """Draw one channel times one filter, and beside it how far that is from the whole.

    Args:
        made: the number, taken apart.
        feature_map (Tensor[h, w]): the channel.
        vector (Tensor[C]): what all filters make of the window.
        chosen: what is looked at.
    """
    row, col, channel, output = chosen
    total = fixed(made.after_relu, 3)
    figure = new_still(
        11.5, 6.2, f"Row {row}, column {col}: filter {output} makes {total} out of 3×3×{len(vector)} numbers."
    )
    show_map(ax := figure.add_axes((0.01, 0.5, 0.35, 0.4)), feature_map, row, col)
    set_title(ax, f"feature map: channel {channel}")
    parts = {"under the window": made.window, "× weights": made.weights, "= nine products": made.products}
    for i, (name, numbers) in enumerate(parts.items()):
        _nine(figure.add_axes((0.39 + 0.17 * i, 0.56, 0.16, 0.3)), numbers[channel], name)
    figure.text(0.91, 0.72, f"→ {fixed(float(made.channel_sums[channel]), 3)}", fontsize=14, weight="bold")
    figure.text(0.91, 0.67, "their sum", fontsize=9)
    sums, outputs = figure.add_axes((0.01, 0.1, 0.47, 0.3)), figure.add_axes((0.52, 0.1, 0.47, 0.3))
    most = float(made.channel_sums.abs().max().clamp(min=1e-9))
    show_heat(sums, made.channel_sums.reshape(16, -1), f"such sums of all {len(vector)} channels", SIGNED)
    sums.images[0].set_norm(TwoSlopeNorm(0, -most, most))
    show_heat(outputs, vector.reshape(16, -1), f"such numbers of all {len(vector)} filters")
    before = made.before_relu - made.bias
    steps = f"sums {fixed(before, 3)}, with the bias {fixed(made.before_relu, 3)}, after the ReLU {total}"
    figure.text(0.01, 0.04, steps, fontsize=10)
    return figure


def _nine(ax: Axes, numbers: Tensor, name: str) -> None:
    """Three rows of three numbers, on the colour of each."""
    most = float(numbers.abs().max().clamp(min=1e-9))
    show_heat(ax, numbers, name, SIGNED)
    ax.images[0].set_norm(TwoSlopeNorm(0, -2 * most, 2 * most))  # pale, for the numbers to be read
    for y, line in enumerate(numbers.tolist()):
        for x, value in enumerate(line):
            ax.text(x, y, fixed(value, 3), ha="center", va="center", fontsize=9)
