"""How the picture becomes the feature map: the backbone layer by layer.

Shapes: H' × W' the network's input; C × h × w what a layer puts out. One output number at (row, col) is a unit.
A jump is the distance of two neighbouring units, a receptive field the side of what one unit sees: input pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rpnviz._inputs import take_numbers, take_whole
from rpnviz.backbone import Backbone, preprocess
from rpnviz.grid import CELL, POOLINGS, Box, Grid
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead

WINDOW = "RPN 3×3"  # what the 3 × 3 window after the backbone is called among the layers


@dataclass(frozen=True)
class Layer:
    """One layer on the way, and how far its units see.

    Attributes:
        name (str): "conv1_1" … "conv5_3", "pool1" … "pool4", "RPN 3×3".
        kernel, stride (int): of the layer itself.
        channels (int), size (tuple[int, int]): its output is channels × h × w.
        jump (int): input px from one of its units to the next: the product of all strides so far.
        receptive_field (int): input px, the side of the square that one of its units depends on.
        parameters (int): weights and biases.
    """

    name: str
    kernel: int
    stride: int
    channels: int
    size: tuple[int, int]
    jump: int
    receptive_field: int
    parameters: int

    def sees(self, row: int, col: int, grid: Grid | None = None) -> Box:
        """What the unit at (row, col) sees: xyxy, also beyond the border.

        Args:
            row: 0 … h - 1.
            col: 0 … w - 1.
            grid: give it for a box in pixels of the picture; without it they are pixels of the network's input.

        Raises:
            ValueError: if there is no such unit.
        """
        h, w = self.size
        row, col = take_whole(row, f"row of {self.name}", 0, h - 1), take_whole(col, f"col of {self.name}", 0, w - 1)
        half = self.receptive_field / 2
        y, x = (row + 0.5) * self.jump, (col + 0.5) * self.jump
        per_y, per_x = (1.0, 1.0) if grid is None else picture_per_input(grid)
        return (x - half) * per_x, (y - half) * per_y, (x + half) * per_x, (y + half) * per_y


def layer_table(backbone: Backbone, grid: Grid, head: RPNHead | None = None) -> list[Layer]:
    """Follow the picture through the backbone, and through the window's 3 × 3 convolution if there is a head.

    Args:
        backbone: its weights are only counted.
        grid: says how large the network's input is and how poolings round.
        head: the window after the backbone.

    Source: Simonyan and Zisserman 2014, configuration D. That r grows by (kernel - 1) · jump follows from unrolling
        the layers: the outermost of k neighbouring inputs lie (k - 1) · jump pixels apart.
    Differs: no.
    """
    layers: list[Layer] = []
    channels, size, jump, receptive_field = 3, grid.input_size, 1, 1  # a pixel sees itself
    for name, modules in layer_modules(backbone, head):
        kernel, stride, padding = _window(modules[0])
        # 1. The window of this layer covers `kernel` units of the layer before, which lie `jump` px apart.
        receptive_field += (kernel - 1) * jump
        # 2. A stride moves the units of this layer apart.
        jump *= stride
        # 3. With kernel 3 and padding 1 the size stays; a pooling halves it, and must round.
        halve = math.ceil if grid.ceil_mode and stride > 1 else math.floor
        h, w = (halve((side + 2 * padding - kernel) / stride) + 1 for side in size)
        size = (h, w)
        channels = getattr(modules[0], "out_channels", channels)
        parameters = sum(p.numel() for module in modules for p in module.parameters())
        layers.append(Layer(name, kernel, stride, channels, size, jump, receptive_field, parameters))
    return layers


@torch.no_grad()
def activations(
    backbone: Backbone, picture: Picture, grid: Grid, head: RPNHead | None = None
) -> Iterator[tuple[str, Tensor]]:
    """What every layer puts out, after its ReLU, one after the other: keep what you need, the first are large.

    Args:
        backbone: the network.
        picture: its `image` is uint8 [H, W, 3] of the grid's image_size.
        grid: says what the picture is resampled to and how poolings round.
        head: the window after the backbone.

    Yields:
        name (str), Tensor[1, C, h, w]: as in `layer_table`.
    """
    x = network_input(picture, grid)
    for name, modules in layer_modules(backbone, head):
        x = run_layer(modules, x, grid.ceil_mode)
        yield name, x


def halvings(length: int, ceil_mode: bool = False) -> list[int]:
    """How many columns there are before the first pooling and after each of the four.

    Args:
        length: columns (or rows) of the network's input, px.
        ceil_mode: a pooling keeps an odd last column (Caffe); else it drops it (PyTorch).

    Returns:
        list[int], 5 entries: 1000 gives 1000, 500, 250, 125, 62.

    Raises:
        ValueError: if nothing would be left.
    """
    steps = [take_whole(length, "length", low=CELL)]
    for _ in range(POOLINGS):
        steps.append(-(-steps[-1] // 2) if ceil_mode else steps[-1] // 2)
    return steps


def network_input(picture: Picture, grid: Grid) -> Tensor:
    """The picture as the network gets it: Tensor[1, 3, H', W'], resampled and normalised."""
    if picture.image_size != grid.image_size:
        raise ValueError(f"picture must have the grid's image_size {grid.image_size}; got {picture.image_size}")
    return preprocess(torch.tensor(picture.image).permute(2, 0, 1)[None], grid.input_size)


def picture_per_input(grid: Grid) -> tuple[float, float]:
    """(y, x): pixels of the picture for one pixel of the network's input."""
    return grid.image_size[0] / grid.input_size[0], grid.image_size[1] / grid.input_size[1]


def layer_modules(backbone: Backbone, head: RPNHead | None) -> list[tuple[str, list[nn.Module]]]:
    """The modules of each layer under VGG's names: a convolution with its ReLU, or a pooling."""
    stations: list[tuple[str, list[nn.Module]]] = []
    stage, number = 1, 0
    for module in backbone.layers:
        if isinstance(module, nn.Conv2d):
            number += 1
            stations.append((f"conv{stage}_{number}", [module]))
        elif isinstance(module, nn.MaxPool2d):
            stations.append((f"pool{stage}", [module]))
            stage, number = stage + 1, 0
        else:
            stations[-1][1].append(module)  # a ReLU, in training a batch norm
    return stations if head is None else [*stations, (WINDOW, [head.conv, nn.ReLU()])]


def _window(module: nn.Module) -> tuple[int, int, int]:
    """Kernel, stride and padding of a convolution or pooling."""
    sides = (getattr(module, name) for name in ("kernel_size", "stride", "padding"))
    kernel, stride, padding = (side[0] if isinstance(side, tuple) else side for side in sides)
    return kernel, stride, padding


def run_layer(modules: list[nn.Module], x: Tensor, ceil_mode: bool) -> Tensor:
    """Apply the modules of one layer to Tensor[B, C, h, w]; poolings round as asked."""
    x = take_numbers(x, "x", "B, C, h, w")
    for module in modules:
        if isinstance(module, nn.Conv2d):
            x = x.to(module.weight.dtype)
        x = F.max_pool2d(x, 2, ceil_mode=ceil_mode) if isinstance(module, nn.MaxPool2d) else module(x)
    return x


def find_layer(layers: Sequence[Layer], name: str) -> Layer:
    """The layer of that name; a ValueError lists those there are."""
    for layer in layers:
        if layer.name == name:
            return layer
    raise ValueError(f"layer must be one of {', '.join(layer.name for layer in layers)}; got {name!r}")
