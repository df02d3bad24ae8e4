"""Notebook 02's second explorer: one channel times one filter, nine products, one sum; then 512 of each."""

from __future__ import annotations

import zlib
from functools import cached_property
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
import traitlets as t
from torch import Tensor

from rpnviz._inputs import take_shown
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.map_and_picture import place
from rpnviz.explorers.common.payload import brightness, picture_file, sheet_file
from rpnviz.explorers.common.recorded import Recorded
from rpnviz.explorers.common.rules import Rule, obeys_rules, one_of, whole
from rpnviz.explorers.common.taken import check_picture
from rpnviz.explorers.common.words import fixed
from rpnviz.explorers.convolution.figure import Chosen, convolution_figure
from rpnviz.figures.primitives import Still
from rpnviz.grid import Grid
from rpnviz.inspect.convolution import OneOutput, one_output
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead

TILE = 20  # rows and columns of the map whose exact numbers are sent at once: most moves of the window stay within
OFFERED = 32  # filters whose weights the site has: those that answer most where the explorer stands


class ConvolutionExplorer(RpnvizWidget):
    """Move the window, choose a channel and a filter; each number shows what it was made of.

    The exact numbers of the whole map and the weights of all filters would be nine megabytes, so Python sends the part
    of the map round the window and the filter that is looked at.
    """

    view = "convolution/view.js"
    sheets = ("common/map_and_picture.css", "convolution/view.css")
    asks: ClassVar[tuple[str, ...]] = ("tile", "output")
    unmoved: ClassVar[tuple[str, ...]] = ("tile",)
    presented = "col"
    needs_python = "Python has the weights of all filters; this page has those of some."
    image = t.Bytes(read_only=True, help="the picture, WebP").tag(sync=True)
    place = t.Dict(read_only=True, help="how the feature map lies on the picture").tag(sync=True)
    row = t.Int(0, help="row of the cell under the window's centre").tag(sync=True)
    col = t.Int(0, help="column of the cell under the window's centre").tag(sync=True)
    channel = t.Int(0, help="the channel whose nine products are shown").tag(sync=True)
    output = t.Int(0, help="the filter, and so the output channel, that is looked at").tag(sync=True)
    tile = t.Int(0, help="the part of the map that the window stands on; follows row and col").tag(sync=True)
    num_channels = t.Int(0, read_only=True, help="C").tag(sync=True)
    features = t.Bytes(read_only=True, help="`brightness` of all channels as one picture, see `sheet_file`").tag(
        sync=True
    )
    vectors = t.Bytes(read_only=True, help="what the 3×3 convolution makes of them, likewise").tag(sync=True)
    tile_features = t.Bytes(read_only=True, help="float32 [C, TILE + 2, TILE + 2], deflated").tag(sync=True)
    filter_weights = t.Bytes(read_only=True, help="float32 [C, 3, 3]: the filter").tag(sync=True)
    bias = t.Float(0.0, read_only=True, help="of the filter").tag(sync=True)

    def __init__(self, picture: Picture, grid: Grid, features: Tensor, head: RPNHead, **traits: Any) -> None:
        """Take the 3×3 convolution of ``head`` apart.

        Args:
            picture: what the features were computed from.
            grid: how they lie on the picture.
            features (Tensor[1, C, h, w]): the feature map.
            head: its first layer is shown.
            **traits: where to start, e.g. row=20, col=30, output=17, channel=5; else on the largest of the outputs
                there, and on the channel that adds most to it.

        Raises:
            ValueError: if picture or features are not of the grid, the features not finite, or the head's window is
                not 3×3.
        """
        check_picture(picture, grid)
        h, w = grid.feature_size
        self._features = take_shown(features, "features", f"1, C, {h}, {w}")
        if head.conv.kernel_size != (3, 3):
            raise ValueError(f"head must have a window of 3×3 cells; got {'×'.join(map(str, head.conv.kernel_size))}")
        self._weight = head.conv.weight.detach()
        self._bias = torch.as_tensor(head.conv.bias).detach()
        with torch.no_grad():
            self._made = head.window_vector(self._features)
        self.picture, self.grid = picture, grid
        super().__init__()
        self._show_map()
        start = {"row": h // 2, "col": w // 2, **traits}
        self.row, self.col = start["row"], start["col"]
        self.output = start.get("output", int(self._made[0, :, self.row, self.col].argmax()))
        self.start_answering()
        self.channel = start.get("channel", int(self.taken_apart.channel_sums.abs().argmax()))

    def _show_map(self) -> None:
        bright = brightness(self._features[0])
        self.set_trait("place", place(self.grid))
        self.set_trait("image", picture_file(self.picture))
        self.set_trait("num_channels", len(bright))
        self.set_trait("features", sheet_file(bright, cells=True))
        self.set_trait("vectors", sheet_file(brightness(self._made[0].float()), cells=True))

    def answer(self) -> dict[str, Any]:
        """The exact numbers of the part of the map, and the filter."""
        return {
            "tile_features": zlib.compress(self._part().contiguous().numpy().tobytes(), 9),
            "filter_weights": self._weight[self.output].float().contiguous().numpy().tobytes(),
            "bias": float(self._bias[self.output]),
        }

    def _part(self) -> Tensor:
        """The part of the map, with one cell more all round."""
        across = -(-self.grid.feature_size[1] // TILE)
        top, left = (self.tile // across) * TILE, (self.tile % across) * TILE
        part = self._rimmed[:, top : top + TILE + 2, left : left + TILE + 2]
        return F.pad(part, (0, TILE + 2 - part.shape[2], 0, TILE + 2 - part.shape[1]))

    @cached_property
    def _rimmed(self) -> Tensor:
        """The map with its padding."""
        return F.pad(self._features[0].float(), (1, 1, 1, 1))

    @t.observe("row", "col")
    def _follow(self, _: Any) -> None:
        self.tile = self.row // TILE * -(-self.grid.feature_size[1] // TILE) + self.col // TILE

    @property
    def taken_apart(self) -> OneOutput:
        """All that leads to the number that is looked at."""
        return one_output(self._features, self._weight, self._bias, self.row, self.col, self.output)

    def recorded(self) -> list[Recorded]:
        """All parts of the map, and the filters that answer most here."""
        rows, cols = self.grid.feature_size
        tiles = -(-rows // TILE) * -(-cols // TILE)
        strongest = self._made[0, :, self.row, self.col].topk(min(OFFERED, self.num_channels)).indices.tolist()
        offered = sorted({self.output, *strongest})
        return [Recorded({"tile": list(range(tiles))}), Recorded({"output": offered})]

    _check = obeys_rules("row", "col", "channel", "output", "tile")

    def rules(self) -> dict[str, Rule]:
        """Say what a saved page may set."""
        rows, cols = self.grid.feature_size
        last = self._features.shape[1] - 1
        return {
            "row": whole(0, rows - 1),
            "col": whole(0, cols - 1),
            "channel": whole(0, last),
            "output": whole(0, last),
            "tile": whole(0, -(-rows // TILE) * -(-cols // TILE) - 1),
        }

    def moves(self) -> dict[str, Rule]:
        """A page without a kernel has the weights of this filter; the site has those that are recorded besides."""
        return {**super().moves(), "output": one_of([self.output])}

    def figure(self) -> Still:
        """Draw the explorer as it stands."""
        row, col, channel = self.row, self.col, self.channel
        chosen = Chosen(row, col, channel, self.output)
        return convolution_figure(self.taken_apart, self._features[0, channel], self._made[0, :, row, col], chosen)

    def describe(self) -> str:
        """Say in a sentence what the explorer shows."""
        made = self.taken_apart
        return (
            f"The 3×3 window at row {self.row}, column {self.col}: nine products of channel {self.channel} and filter "
            f"{self.output} add up to {fixed(float(made.channel_sums[self.channel]), 3)}; all {self.num_channels} "
            f"channels and the bias to {fixed(made.before_relu, 3)}, after the ReLU {fixed(made.after_relu, 3)}."
        )
