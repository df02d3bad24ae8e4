"""One number of a convolution, taken apart: what the window covers, times one filter, product by product.

Shapes: C channels on h × w cells; K filters of 3 × 3 × C weights, each with one bias and one output channel.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from rpnviz._inputs import take_numbers, take_whole


@dataclass(frozen=True)
class OneOutput:
    """How one filter makes one number out of one window; all numbers float64.

    Attributes:
        window (Tensor[C, 3, 3]): what it covers; zeros beyond the rim of the map.
        weights (Tensor[C, 3, 3]): the filter.
        products (Tensor[C, 3, 3]): window times weights, number by number.
        channel_sums (Tensor[C]): the nine products of each channel, added up.
        bias (float): of the filter.
        before_relu (float): all channel sums and the bias.
        after_relu (float): the number itself; 0 where that is negative.
    """

    window: Tensor
    weights: Tensor
    products: Tensor
    channel_sums: Tensor
    bias: float
    before_relu: float
    after_relu: float


def one_output(features: Tensor, weight: Tensor, bias: Tensor, row: int, col: int, output: int) -> OneOutput:
    """Take one number of a 3 × 3 convolution apart.

    Args:
        features (Tensor[1, C, h, w]): the map that the window stands on.
        weight (Tensor[K, C, 3, 3]): the filters, e.g. `RPNHead.conv.weight`.
        bias (Tensor[K]): of each.
        row: of the cell under the window's centre.
        col: of that cell.
        output: which filter.

    Raises:
        ValueError: if the shapes do not fit one another, or there is no such cell or filter.
    """
    features = take_numbers(features, "features", "1, C, h, w").detach().double()
    _, channels, h, w = features.shape
    weight = take_numbers(weight, "weight", f"K, {channels}, 3, 3").detach().double()
    bias = take_numbers(bias, "bias", f"{len(weight)}").detach().double()
    row, col = take_whole(row, "row", 0, h - 1), take_whole(col, "col", 0, w - 1)
    output = take_whole(output, "output", 0, len(weight) - 1)
    # 1. Read: three rows, three columns, every channel; padding of one zero, so that the corner has a window too.
    window = F.pad(features[0], (1, 1, 1, 1))[:, row : row + 3, col : col + 3]  # (C, 3, 3)
    # 2. Multiply: each number with its own weight.
    products = window * weight[output]  # (C, 3, 3)
    # 3. Add: the nine of a channel, then all channels, then the bias.
    channel_sums = products.sum(dim=(1, 2))  # (C,)
    before_relu = float(channel_sums.sum() + bias[output])
    return OneOutput(
        window, weight[output], products, channel_sums, float(bias[output]), before_relu, max(before_relu, 0.0)
    )
