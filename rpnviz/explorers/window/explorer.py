"""Notebook 02's explorer: the 3×3 window, the 512 numbers it becomes, and the 9 + 36 numbers read off those."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
import traitlets as t
from torch import Tensor

from rpnviz._inputs import take_shown
from rpnviz.anchors import cell_anchors
from rpnviz.explorers.common.map_and_picture import MapAndPicture, shapes
from rpnviz.explorers.common.own_picture import look
from rpnviz.explorers.common.page_network import BACKBONE_AND_RPN
from rpnviz.explorers.common.payload import brightness, hundredths, sheet_file
from rpnviz.explorers.common.rules import Rule, obeys_rules, whole
from rpnviz.explorers.common.taken import check_picture
from rpnviz.explorers.window.figure import WindowState, window_figure
from rpnviz.figures.maps import within_rim
from rpnviz.figures.primitives import Still
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead


class WindowExplorer(MapAndPicture):
    """Move the window; all its numbers go to the page once, so that it moves without the kernel."""

    view = "window/view.js"
    networks: ClassVar[tuple[str, ...]] = BACKBONE_AND_RPN
    anchors: t.List[Any] = t.List(read_only=True, help="name and box of each anchor of a cell").tag(sync=True)
    channel = t.Int(-1, help="the channel on the map; -1 for the mean of all").tag(sync=True)
    show_anchors = t.Bool(False, help="draw all nine anchors of the cell").tag(sync=True)
    mean_map = t.Bytes(read_only=True, help="uint8 [h, w]").tag(sync=True)
    num_channels = t.Int(0, read_only=True, help="C").tag(sync=True)
    features = t.Bytes(read_only=True, help="`brightness` of all channels as one picture, see `sheet_file`").tag(
        sync=True
    )
    vectors = t.Bytes(read_only=True, help="what the 3×3 convolution makes of them, likewise").tag(sync=True)
    objectness = t.Bytes(read_only=True, help="logits [A, h, w], see `hundredths`").tag(sync=True)
    deltas = t.Bytes(read_only=True, help="[4A, h, w], likewise").tag(sync=True)

    def __init__(self, picture: Picture, grid: Grid, features: Tensor, head: RPNHead, **traits: Any) -> None:
        """Show what ``head`` makes of ``features``.

        Args:
            picture: what the features were computed from.
            grid: how they lie on the picture.
            features (Tensor[1, C, h, w]): the feature map.
            head: the window and its two 1×1 convolutions.
            **traits: where to start, e.g. row=20, col=30, channel=17; else on the channel that varies most.

        Raises:
            ValueError: if picture or features are not of the grid, or the features not finite.
        """
        check_picture(picture, grid)
        h, w = grid.feature_size
        self._made_of, self._head = take_shown(features, "features", f"1, C, {h}, {w}"), head
        super().__init__(picture, grid, **traits)
        self.set_trait("anchors", shapes(cell_anchors()))

    def answer(self) -> dict[str, Any]:
        """What the head makes of the picture shown; the bundled backbone has looked at one of the reader's own."""
        features = look(self.picture, self.grid)[0] if self.own_picture else self._made_of
        with torch.no_grad():
            vectors = self._head.window_vector(features)
            objectness, deltas = (take_shown(answer, "answers of head") for answer in self._head(features))
        bright, mean = brightness(features[0]), brightness(features.mean(dim=1))[0]
        bright_vectors = brightness(vectors[0].float())
        varied = int(within_rim(features[0]).flatten(1).std(dim=1, correction=0).argmax())
        found = {
            "num_channels": len(bright),
            "mean_map": (mean * 255).round().byte().numpy().tobytes(),
            "features": sheet_file(bright, cells=True),
            "vectors": sheet_file(bright_vectors, cells=True),
            "objectness": hundredths(objectness[0]),
            "deltas": hundredths(deltas[0]),
            **super().answer(),
            **self.brings(channel=varied),
        }
        self._features, self._mean, self._vectors = bright, mean, bright_vectors
        self._objectness, self._deltas = objectness[0], deltas[0]
        return found

    @property
    def logits(self) -> Tensor:
        """Tensor[A, h, w]: objectness at every place, before the sigmoid."""
        logits: Tensor = self._objectness
        return logits

    _check_channel = obeys_rules("channel")

    def rules(self) -> dict[str, Rule]:
        """Say what a saved page may set."""
        return {**super().rules(), "channel": whole(-1, len(self._features) - 1)}

    def figure(self) -> Still:
        """Draw the explorer as it stands."""
        row, col = self.row, self.col
        padded = F.pad(self._features, (1, 1, 1, 1))
        return window_figure(
            WindowState(
                image=self.picture.image,
                grid=self.grid,
                row=row,
                col=col,
                feature_map=self._mean if self.channel < 0 else self._features[self.channel],
                map_name="mean of all channels" if self.channel < 0 else f"channel {self.channel}",
                patch=padded[:, row : row + 3, col : col + 3],
                vector=self._vectors[:, row, col],
                objectness=self._objectness[:, row, col],
                deltas=self._deltas[:, row, col].reshape(-1, 4),
                anchor_names=[anchor["name"] for anchor in self.anchors],
            )
        )

    def describe(self) -> str:
        """Say in a sentence what the explorer shows."""
        logits = self._objectness[:, self.row, self.col]
        best = int(logits.argmax())
        return (
            f"The 3×3 window at row {self.row}, column {self.col}: {len(self._vectors)} numbers, then {len(logits)} "
            f"logits (highest {logits[best]:.2f}, for the anchor {self.anchors[best]['name']}) and "
            f"{len(self._deltas)} deltas."
        )
