"""Notebook 01's third explorer: the feature map's channels as a contact sheet, and which of them fire on what."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
import traitlets as t
from torch import Tensor

from rpnviz._inputs import take_shown
from rpnviz.explorers.channels.figure import SHEET_COLUMNS, channels_figure
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.map_and_picture import place
from rpnviz.explorers.common.own_picture import TakesOwnPictures, look, saved_by_name
from rpnviz.explorers.common.page_network import BACKBONE_AND_RPN
from rpnviz.explorers.common.payload import brightness, picture_file, sheet_file
from rpnviz.explorers.common.recorded import Recorded
from rpnviz.explorers.common.rules import Rule, obeys_rules, one_of, whole
from rpnviz.explorers.common.taken import check_picture
from rpnviz.figures.primitives import Still
from rpnviz.grid import Grid
from rpnviz.inspect.channels import Response, class_response, rank_channels
from rpnviz.pictures import Picture


class ChannelsExplorer(TakesOwnPictures, RpnvizWidget):
    """Browse channels, ranked by what they answer to. Another picture is asked of Python.

    One of the reader's own has no objects: its channels are shown in the ranks that they have over the others.
    """

    asks: ClassVar[tuple[str, ...]] = ("picture", "own_picture")
    networks: ClassVar[tuple[str, ...]] = BACKBONE_AND_RPN
    presented = "channel"
    view = "channels/view.js"
    sheets = ("common/map_and_picture.css", "common/layers.css")
    place = t.Dict(read_only=True, help="how the map lies on the picture").tag(sync=True)
    image = t.Bytes(read_only=True, help="the picture, WebP").tag(sync=True)
    sheet = t.Bytes(read_only=True, help="brightness of all channels as one grey WebP, 32 tiles of w×h a row").tag(
        sync=True
    )
    boxes: t.List[Any] = t.List(read_only=True, help="name and box of each object of the picture").tag(sync=True)
    shown = t.Unicode("", read_only=True, help="the picture that `image` and `sheet` belong to").tag(sync=True)
    num_channels = t.Int(0, read_only=True).tag(sync=True)
    pictures: t.List[str] = t.List(read_only=True, help="names of the pictures").tag(sync=True)
    classes: t.List[str] = t.List(read_only=True, help="names of the classes").tag(sync=True)
    entries: t.List[Any] = t.List(read_only=True, help="class, picture, cells: where there is such an object").tag(
        sync=True
    )
    means = t.Bytes(read_only=True, help="float32 [entries, 2, C]: mean inside the boxes, mean outside").tag(sync=True)
    ratios = t.Bytes(read_only=True, help="float32 [classes, C]: inside / outside over all pictures").tag(sync=True)
    orders = t.Bytes(read_only=True, help="uint16 [classes, C]: channels, the highest ratio first").tag(sync=True)
    sheet_columns = t.Int(SHEET_COLUMNS, read_only=True).tag(sync=True)
    class_name = t.Unicode("", help="the class that ranks the channels; empty: by number").tag(sync=True)
    channel = t.Int(0, help="the channel on the picture").tag(sync=True)
    picture = t.Unicode("", help="name of the picture").tag(sync=True)

    def __init__(
        self, pictures: Mapping[str, Picture], grid: Grid, features: Mapping[str, Tensor], **traits: Any
    ) -> None:
        """Rank the channels for every class of the pictures.

        Args:
            pictures: by name.
            grid: how the map lies on each of them.
            features (name → Tensor[1, C, h, w]): what the backbone makes of each.
            **traits: where to start, e.g. class_name="dog", picture="street-04"; on the best channel unless told.

        Raises:
            ValueError: if there are no pictures, or not the same in both, or one cannot be shown, or pictures or
                features are not of the grid.
        """
        if not pictures:
            raise ValueError("pictures: got none, takes at least one by its name")
        for name, picture in pictures.items():
            check_picture(picture, grid, f"pictures[{name!r}]")
        if set(pictures) != set(features):
            raise ValueError(f"features must be of the pictures {sorted(pictures)}; got {sorted(features)}")
        h, w = grid.feature_size
        maps = {name: take_shown(values, f"features[{name!r}]", f"1, C, {h}, {w}") for name, values in features.items()}
        self._opened_on, self._pictures, self._features = grid, dict(pictures), maps
        self.show_picture(next(iter(pictures.values())))
        classes = sorted({name for picture in pictures.values() for name in picture.class_names})
        self.responses = {
            (kind, name): class_response(maps[name], picture, grid, kind)
            for kind in classes
            for name, picture in pictures.items()
            if kind in picture.class_names
        }
        self.ranked = {kind: rank_channels(list(self.of_class(kind).values())) for kind in classes}
        super().__init__()
        self._send_rankings(classes)
        first = traits.get("class_name") or (classes[0] if classes else "")
        start = {"picture": next(iter(pictures)), "class_name": first}
        for name, value in {**start, **traits}.items():
            setattr(self, name, value)
        self.start_answering()
        if "channel" not in traits and self.class_name:
            self.channel = int(self.ranked[self.class_name][0][0])

    @property
    def grid(self) -> Grid:
        """How the map lies on the picture shown."""
        return self.laid(self._opened_on)

    def of_class(self, class_name: str) -> dict[str, Response]:
        """The responses to a class, by picture; only of the pictures that show one."""
        return {name: response for (kind, name), response in self.responses.items() if kind == class_name}

    def _send_rankings(self, classes: list[str]) -> None:
        count = next(iter(self._features.values())).shape[1]
        entries = [(kind, name, response.cells_inside) for (kind, name), response in self.responses.items()]
        means = [torch.stack([r.inside, r.outside]) for r in self.responses.values()]
        self.set_trait("num_channels", count)
        self.set_trait("pictures", list(self._pictures))
        self.set_trait("classes", classes)
        self.set_trait("entries", [list(entry) for entry in entries])
        for name, tensors, dtype in (
            ("means", means, "<f4"),
            ("ratios", [ratio for _, ratio in self.ranked.values()], "<f4"),
            ("orders", [order for order, _ in self.ranked.values()], "<u2"),
        ):
            self.set_trait(
                name, np.concatenate([x.numpy().astype(dtype).ravel() for x in tensors]).tobytes() if tensors else b""
            )

    @t.validate("picture", "class_name")
    def _known(self, proposal: Any) -> str:
        name, value = proposal["trait"].name, proposal["value"]
        known = list(self._pictures) if name == "picture" else ["", *self.classes]
        if value not in known:
            raise t.TraitError(f"{name}: got {value!r}, takes one of {', '.join(map(repr, known))}")
        return str(value)

    _check = obeys_rules("channel")

    def answer(self) -> dict[str, Any]:
        """Show the picture chosen, and the sheet of its channels."""
        picture = self.opened_picture if self.own_picture else self._pictures[self.picture]
        features = self._ask_bundled(picture) if self.own_picture else self._features[self.picture]
        bright = brightness(features[0])
        boxes = zip(picture.class_names, picture.gt_boxes.tolist(), strict=True)
        sent = {
            "place": place(self.grid),
            "image": picture_file(picture),
            "sheet": sheet_file(bright),
            "boxes": [{"name": kind, "box": box} for kind, box in boxes],
            "shown": picture.name if self.own_picture else self.picture,
        }
        self._bright = bright
        if not self.own_picture:
            self.show_picture(picture)
        return sent

    def _ask_bundled(self, picture: Picture) -> Tensor:
        """The bundled backbone's feature map, Tensor[1, C, h, w]; ranks of another network's channels are not its."""
        self._check_bundled()
        return look(picture, self.grid)[0]

    def _check_bundled(self) -> None:
        if not self._is_bundled:
            raise ValueError("features are not the bundled backbone's, which is asked about a picture of your own")

    @cached_property
    def _is_bundled(self) -> bool:
        name, features = next(iter(self._features.items()))
        said = look(self._pictures[name], self._opened_on)[0]
        return said.shape == features.shape and torch.allclose(said, features.float(), atol=1e-2)

    def to_html(self, path: str | Path | None = None, with_network: bool = False) -> str:
        """Make one page of it, see the base; with the network only if the ranks are those of its channels.

        Raises:
            ValueError: if they are not.
        """
        if with_network:
            self._check_bundled()
        return super().to_html(path, with_network)

    def order(self) -> list[int]:
        """The channels in the order of the sheet."""
        return self.ranked[self.class_name][0].tolist() if self.class_name else list(range(self.num_channels))

    def recorded(self) -> list[Recorded]:
        """Record every picture."""
        return [Recorded({"picture": self.pictures})]

    def rules(self) -> dict[str, Rule]:
        """Say what a saved page may set."""
        return {
            "picture": one_of([self._name]),
            "class_name": one_of(["", *self.classes]),
            "channel": whole(0, self.num_channels - 1),
        }

    @property
    def _name(self) -> str:
        return self.picture_shown.name if self.own_picture else self.picture

    def saved_state(self) -> dict[str, Any]:
        """One of the reader's own is to the saved page like any other picture."""
        return saved_by_name(super().saved_state(), self._name)

    def figure(self) -> Still:
        """Draw the explorer as it stands."""
        picture = self.picture_shown
        return channels_figure(
            picture.image,
            self._bright,
            self.order(),
            self.channel,
            picture.gt_boxes,
            picture.class_names,
            self.describe(),
        )

    def describe(self) -> str:
        """Say in a sentence what the explorer shows."""
        told = f"Channel {self.channel} of {self.num_channels} on {self._name}"
        if not self.class_name:
            return f"{told}."
        order, ratio = self.ranked[self.class_name]
        rank = int((order == self.channel).nonzero()) + 1
        where = " on the pictures whose objects are known" if self.own_picture else ""
        times = f"{ratio[self.channel]:.1f} times as bright in a {self.class_name} as elsewhere"
        return f"{told}: {times}{where}, rank {rank}."
