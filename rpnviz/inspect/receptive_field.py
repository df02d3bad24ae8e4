"""What one unit of a layer sees, asked by gradients: in a network whose paths are all open, and in a real one.

Shapes: H' × W' the network's input; a unit is one output number of a layer, at (row, col).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from rpnviz._inputs import take_numbers
from rpnviz.backbone import Backbone
from rpnviz.grid import Box, Grid
from rpnviz.inspect.layers import Layer, find_layer, layer_modules, layer_table, network_input, run_layer
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead


def input_gradient(
    backbone: Backbone, picture: Picture, grid: Grid, layer: str, row: int, col: int, head: RPNHead | None = None
) -> Tensor:
    """How much each input pixel moves one unit, all channels of it together, on this very picture.

    Args:
        backbone: the network.
        picture: where the gradient is taken.
        grid: says what the picture is resampled to.
        layer: a name of `layer_table`.
        row: of the unit.
        col: of the unit.
        head: needed for the layer "RPN 3×3".

    Returns:
        Tensor[H', W']: sum of the gradient's magnitudes over red, green and blue; 0 where nothing gets through.

    Raises:
        ValueError: if there is no such layer or unit.
    """
    found = find_layer(layer_table(backbone, grid, head), layer)
    found.sees(row, col)  # refuses a unit that is not there
    x = pixels = network_input(picture, grid).requires_grad_()
    with torch.enable_grad():
        for name, modules in layer_modules(backbone, head):
            x = run_layer(modules, x, grid.ceil_mode)
            if name == layer:
                break
        (gradient,) = torch.autograd.grad(x[0, :, row, col].sum(), pixels)
    return gradient[0].abs().sum(dim=0)


def uniform_path_weights(layers: Sequence[Layer], grid: Grid, row: int, col: int) -> Tensor:
    """The share of all ways from the input to one unit of the last of `layers` that start at each input pixel.

    The gradient of a network of this shape whose weights are all alike and which closes no path: convolutions and
    poolings take means. Where it is not 0 a pixel can reach the unit, and nowhere else.

    Args:
        layers: the first K of `layer_table`.
        grid: the one they were walked on.
        row: of the unit.
        col: of the unit.

    Returns:
        Tensor[H', W']: float64; sums to 1 where no path starts in the zero padding.

    Raises:
        ValueError: if there is no layer or no such unit, or the grid is another.
    """
    if not layers:
        raise ValueError("layers is empty: uniform_path_weights needs at least one")
    layers[-1].sees(row, col)
    pixels = torch.zeros((1, 1, *grid.input_size), dtype=torch.float64, requires_grad=True)
    x: Tensor = pixels
    with torch.enable_grad():
        for layer in layers:
            if layer.stride > 1:
                x = F.avg_pool2d(x, layer.kernel, layer.stride, ceil_mode=grid.ceil_mode)
            else:
                mean = torch.full((1, 1, layer.kernel, layer.kernel), layer.kernel**-2.0, dtype=x.dtype)
                x = F.conv2d(x, mean, padding=layer.kernel // 2)
            if x.shape[2:] != layer.size:
                raise ValueError(f"grid must be that of layers: {layer.name} is {layer.size}, not {tuple(x.shape[2:])}")
        (gradient,) = torch.autograd.grad(x[0, 0, row, col], pixels)
    return gradient[0, 0]


def nonzero_box(values: Tensor) -> Box:
    """The smallest box round all that is not 0: xyxy in whole pixels.

    Args:
        values (Tensor[H', W']): a gradient.

    Raises:
        ValueError: if all is 0 or something is not a number.
    """
    values = take_numbers(values, "values", "H, W")
    if not bool(values.any()):
        raise ValueError(f"values must hold something that is not 0; got {list(values.shape)}")
    rows, cols = values.any(dim=1).nonzero(), values.any(dim=0).nonzero()
    return float(cols[0]), float(rows[0]), float(cols[-1] + 1), float(rows[-1] + 1)
