"""Notebook 01's first explorer: step through the layers; one unit's receptive field grows on the picture."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
import traitlets as t
from torch import Tensor

from rpnviz.backbone import WIDTHS, Backbone
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.own_picture import OWN_PICTURE, ShowsOnePicture
from rpnviz.explorers.common.page_network import BACKBONE_AND_RPN
from rpnviz.explorers.common.payload import brightness, picture_file
from rpnviz.explorers.common.rules import Rule, number, obeys_rules, one_of
from rpnviz.explorers.common.taken import check_picture
from rpnviz.explorers.layers.figure import layer_figure
from rpnviz.figures.primitives import Still
from rpnviz.grid import Box, Grid
from rpnviz.inspect.layers import Layer, activations, layer_table
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead

FINEST = 4  # input pixels: maps are shown no finer than this, or the page would get 40 MB
HEADS = ("", "output, h×w", "channels", "in VGG-16", "kernel, stride", "jump", "receptive field")


class LayersExplorer(ShowsOnePicture, RpnvizWidget):
    """Show one channel of each layer. The page asks for other channels by `wish`; Python looks them up and answers."""

    asks: ClassVar[tuple[str, ...]] = ("own_picture", "wish")
    unmoved: ClassVar[tuple[str, ...]] = (*OWN_PICTURE, "channels", "wish")
    networks: ClassVar[tuple[str, ...]] = BACKBONE_AND_RPN
    needs_python = "The other channels are looked up by Python"
    presented = "layer"
    view = "layers/view.js"
    sheets = ("common/map_and_picture.css", "common/layers.css")
    image = t.Bytes(read_only=True, help="the picture, WebP").tag(sync=True)
    place = t.Dict(read_only=True, help="the grid, sizes of the picture and of the network's input").tag(sync=True)
    layers: t.List[Any] = t.List(read_only=True, help="what `layers.layer_table` says of each").tag(sync=True)
    maps = t.Dict(read_only=True, help="layer → uint8 map of its channel in `opened`, brightness").tag(sync=True)
    opened = t.Dict(read_only=True, help="layer → channel that `maps` holds").tag(sync=True)
    layer = t.Unicode("conv1_1", help="the layer shown").tag(sync=True)
    channels = t.Dict(help="layer → the channel shown of it").tag(sync=True)
    x = t.Float(0.0, help="place of the unit in the picture, px").tag(sync=True)
    y = t.Float(0.0, help="place of the unit in the picture, px").tag(sync=True)
    wish = t.Dict(help="a map that the page lacks: layer, channel").tag(sync=True)
    extra_map = t.Bytes(read_only=True, help="that map").tag(sync=True)

    def __init__(
        self, picture: Picture, grid: Grid, backbone: Backbone, head: RPNHead | None = None, **traits: Any
    ) -> None:
        """Run the network once for a picture and keep the maps, as bytes, at the size they are shown in.

        Args:
            picture: what it sees.
            grid: what the picture is resampled to, and how poolings round.
            backbone: the network.
            head: the 3×3 window after it; None ends at conv5_3.
            **traits: where to start, e.g. layer="conv3_2", x=500, y=300.
        """
        self.show_picture(check_picture(picture, grid))
        self._opened_on, self._backbone, self._head = grid, backbone, head
        self._looked_at: Picture | None = None
        super().__init__()
        self.start_answering()
        for name, value in traits.items():
            setattr(self, name, value)

    @property
    def grid(self) -> Grid:
        """What the picture is resampled to, and how poolings round."""
        return self.laid(self._opened_on)

    def _look(self) -> dict[str, Any]:
        """Run the network once for the picture shown, keep all maps, and say what another picture moves."""
        grid, (height, width) = self.grid, self.picture.image_size
        walk, shown = self._run(grid)
        chosen = {name: int(maps.float().flatten(1).std(dim=1, correction=0).argmax()) for name, maps in shown.items()}
        with torch.device("meta"):  # its shapes, not its weights
            vgg16 = layer_table(Backbone(WIDTHS["vgg16"]), grid, RPNHead())
        rows, cols = grid.feature_size
        x, y = (min(self.x, width), min(self.y, height)) if self.own_picture else grid.centre(rows // 2, cols // 2)
        moved = self.brings(channels=chosen, x=x, y=y)
        found = {
            "image": picture_file(self.picture),
            "place": {"grid": grid.name, "image_size": list(grid.image_size), "input_size": list(grid.input_size)},
            "layers": [_said(layer, other, shown[layer.name]) for layer, other in zip(walk, vgg16, strict=False)],
            **_maps_of(shown, moved["channels"]),
            **moved,
        }
        self.walk, self._shown, self._looked_at = walk, shown, self.picture
        return found

    def _run(self, grid: Grid) -> tuple[list[Layer], dict[str, Tensor]]:
        """The layers, and all maps of each as they are shown."""
        walk = layer_table(self._backbone, grid, self._head)
        outputs = activations(self._backbone, self.picture, grid, self._head)
        pairs = zip(walk, outputs, strict=True)
        return walk, {name: displayed(output[0].float(), layer.jump) for layer, (name, output) in pairs}

    def saved_state(self) -> dict[str, Any]:
        """What a page without a kernel opens with; see the base. It holds the channels that are chosen now."""
        with self.hold_sync():
            for name, value in _maps_of(self._shown, self.channels).items():
                self.set_trait(name, value)
        return super().saved_state()

    def answer(self) -> dict[str, Any]:
        """Look at another picture, and look up the map that the page asked for."""
        name, channel = str(self.wish.get("layer")), self.wish.get("channel")
        if self.wish:
            self._check_channel(name, channel)
        found = {} if self._looked_at is self.picture else self._look()
        if self.wish:
            found["extra_map"] = self._shown[name][channel].numpy().tobytes()
        return found

    def _check_channel(self, name: Any, channel: Any) -> None:
        if name not in self._shown:
            raise t.TraitError(f"channels: got a layer {name!r}, takes {', '.join(self._shown)}")
        high = len(self._shown[name]) - 1
        if not isinstance(channel, int) or not 0 <= channel <= high:
            raise t.TraitError(f"channels[{name!r}]: got {channel!r}, takes 0 to {high}")

    @t.validate("channels")
    def _channels_there_are(self, proposal: Any) -> dict[str, int]:
        for name, channel in proposal["value"].items():
            self._check_channel(name, channel)
        return {**self.channels, **proposal["value"]}  # layers that are not named keep theirs

    _check = obeys_rules("layer", "x", "y")

    @property
    def current(self) -> Layer:
        """The layer shown."""
        return next(layer for layer in self.walk if layer.name == self.layer)

    def unit(self, layer: Layer | None = None) -> tuple[int, int]:
        """(row, col) of the unit at (x, y) in the layer shown, or in another."""
        layer = layer or self.current
        ends = zip((self.y, self.x), self.grid.input_size, self.grid.image_size, layer.size, strict=True)
        row, col = (min(int(at * inner / outer / layer.jump), units - 1) for at, inner, outer, units in ends)
        return row, col

    def receptive_field(self) -> Box:
        """What the unit sees, xyxy in picture px."""
        return self.current.sees(*self.unit(), self.grid)

    def rules(self) -> dict[str, Rule]:
        """Say what a saved page may set."""
        height, width = self.picture.image_size
        return {"layer": one_of(self._shown), "x": number(0, width), "y": number(0, height)}

    def figure(self) -> Still:
        """Draw the explorer as it stands."""
        number = self.walk.index(self.current)
        channel, (row, col) = self.channels[self.layer], self.unit()
        finer = max(1, FINEST // self.current.jump)
        rows = [[said["name"], *_words(said)] for said in self.layers]
        return layer_figure(
            image=self.picture.image,
            shown=self._shown[self.layer][channel],
            map_name=f"{self.layer}, channel {channel} of {self.current.channels}",
            unit=(col / finer, row / finer, (col + 1) / finer, (row + 1) / finer),
            fields=[layer.sees(*self.unit(layer), self.grid) for layer in self.walk[: number + 1]],
            table=list(zip(HEADS, *rows, strict=True)),
            current=number,
            sentence=self.describe(),
        )

    def describe(self) -> str:
        """Say in a sentence what the explorer shows."""
        layer, (row, col) = self.current, self.unit()
        h, w = layer.size
        return (
            f"{layer.name}: {layer.channels} channels of {h}×{w}. The unit at row {row}, column {col} sees "
            f"{layer.receptive_field}×{layer.receptive_field} px of the network's input."
        )


def displayed(output: Tensor, jump: int) -> Tensor:
    """The maps of a layer (Tensor[C, h, w]) as bytes of brightness; fine ones as means over squares."""
    bright = brightness(output)
    finer = max(1, FINEST // jump)
    if finer > 1:
        bright = F.avg_pool2d(bright, finer, ceil_mode=True)
    return (bright * 255).round().byte()


def _said(layer: Layer, vgg16: Layer, shown: Tensor) -> dict[str, Any]:
    """What the page is told of a layer; `shown` are its maps, Tensor[C, h, w]."""
    return {
        "name": layer.name,
        "kernel": layer.kernel,
        "stride": layer.stride,
        "channels": layer.channels,
        "vgg16": vgg16.channels,
        "size": list(layer.size),
        "jump": layer.jump,
        "receptive_field": layer.receptive_field,
        "shown": list(shown.shape[1:]),
    }


def _maps_of(shown: dict[str, Tensor], channels: dict[str, int]) -> dict[str, Any]:
    """The map of one channel of each layer, for the page."""
    maps = {name: shown[name][channel].numpy().tobytes() for name, channel in channels.items()}
    return {"maps": maps, "opened": dict(channels)}


def _words(said: dict[str, Any]) -> list[str]:
    size = "×".join(map(str, said["size"]))
    numbers = [said[name] for name in ("channels", "vgg16")]
    return [
        size,
        *map(str, numbers),
        f"{said['kernel']}, {said['stride']}",
        str(said["jump"]),
        str(said["receptive_field"]),
    ]
