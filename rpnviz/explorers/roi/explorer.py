"""Notebook 09's explorer: RoI pooling and RoIAlign of one box side by side, cell by cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import torch
import traitlets as t
from torch import Tensor

from rpnviz._inputs import check_count, take_shown, take_whole
from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.boxes import check_boxes
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.own_picture import OWN_PICTURE, ShowsOnePicture, look
from rpnviz.explorers.common.page_network import BACKBONE_AND_RPN
from rpnviz.explorers.common.payload import picture_file
from rpnviz.explorers.common.rules import Rule, box, numbers, obeys_rules, one_of, whole
from rpnviz.explorers.common.taken import check_picture
from rpnviz.explorers.roi.figure import RoIState, roi_figure
from rpnviz.figures.maps import within_rim
from rpnviz.figures.palette import LINE_STYLES, PALETTE
from rpnviz.figures.primitives import Still
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.proposals import propose
from rpnviz.roi import AlignedBox, Neighbours, PooledBox, align_one_box, neighbours, pool_one_box, to_cells, to_pixels

BINS = 7
MOST_PROPOSALS = 2000
CHANNELS = 32  # sent to the page as exact numbers; all 512 would be 5 MB
OWN_PROPOSALS = 12  # to choose among on a picture of the reader's own


@dataclass(frozen=True, eq=False)
class Shown:
    """What boxes are pooled from: maps (channel → Tensor[h, w]), and the proposals (Tensor[K, 4]) to begin with."""

    grid: Grid
    maps: dict[int, Tensor]
    proposals: Tensor
    start: int = 0  # the proposal that is shown first

    @classmethod
    def varied(cls, grid: Grid, maps: Tensor, proposals: Tensor) -> Shown:
        """The channels of maps (Tensor[C, h, w]) that vary most."""
        spread = within_rim(maps).flatten(1).std(dim=1, correction=0)
        channels = sorted(spread.topk(min(CHANNELS, len(maps))).indices.tolist())
        return cls(grid, {channel: maps[channel] for channel in channels}, proposals)

    @cached_property
    def ranges(self) -> dict[int, tuple[float, float]]:
        """Lowest and highest value of each channel, for the eye."""
        inner = {channel: within_rim(values) for channel, values in self.maps.items()}
        lows = {channel: min(float(values.min()), 0) for channel, values in inner.items()}
        return {channel: (low, max(float(inner[channel].max()), low + 1e-6)) for channel, low in lows.items()}

    @property
    def stacked(self) -> Tensor:
        """Tensor[n, h, w]: all maps."""
        return torch.stack(list(self.maps.values()))

    @property
    def liveliest(self) -> int:
        """The channel that varies most in the box shown first."""
        first = to_cells(self.proposals[self.start][None], self.grid)[0]
        return list(self.maps)[int(pool_one_box(self.stacked, first).output.flatten(1).std(dim=1).argmax())]


class RoIExplorer(ShowsOnePicture, RpnvizWidget):
    """Move a box; see which cells each bin of RoI pooling takes, and which points RoIAlign reads.

    Args:
        picture: what the features were computed from.
        grid: how they lie on the picture.
        features (Tensor[1, C, h, w]): the feature map.
        proposals (Tensor[K, 4]): boxes to choose among, px of the picture, best first; at most 2,000.
        channels: the channels to choose among; the 32 that vary most if left out.
        **traits: where to start, e.g. proposal=5 (a row of `proposals`), bin_row=3, aligned=False.

    Raises:
        ValueError: if there is no proposal, or no channel of that number, or features are not of the grid.
    """

    unmoved: ClassVar[tuple[str, ...]] = (*OWN_PICTURE, "worked_out")
    networks: ClassVar[tuple[str, ...]] = BACKBONE_AND_RPN
    presented = "bin_col"
    view = "roi/view.js"
    sheets = ("common/labels.css", "common/roi.css")
    plan = t.Dict(read_only=True, help="sizes, the boxes and channels to choose among, lines").tag(sync=True)
    image = t.Bytes(read_only=True, help="the picture as a file").tag(sync=True)
    features = t.Bytes(read_only=True, help="float32 [n, h, w]: the channels of `plan`").tag(sync=True)
    box = t.List(t.Float(), minlen=4, maxlen=4, help="[x1, y1, x2, y2] in px of the picture").tag(sync=True)
    channel = t.Int(0, help="the channel shown, one of `plan`'s").tag(sync=True)
    bin_row = t.Int(BINS // 2, min=0, max=BINS - 1, help="row of the bin that stands out").tag(sync=True)
    bin_col = t.Int(BINS // 2, min=0, max=BINS - 1, help="its column").tag(sync=True)
    sampling_ratio = t.Int(2, min=0, max=4, help="points of a bin each way; 0: as many as cells").tag(sync=True)
    aligned = t.Bool(True, help="values sit at the cells' centres: take half a cell off").tag(sync=True)
    point = t.Int(0, min=0, help="the sampling point of the bin; beyond the last is the last").tag(sync=True)
    probe = t.List(t.Float(), maxlen=2, help="[y, x] of a point dragged off its place, or empty").tag(sync=True)
    worked_out = t.Dict(help="what the page worked out last: pool, align, value; empty before").tag(sync=True)

    def __init__(
        self,
        picture: Picture,
        grid: Grid,
        features: Tensor,
        proposals: Tensor,
        channels: Sequence[int] | None = None,
        **traits: Any,
    ) -> None:
        """Show the best proposal, or the one that ``traits`` name."""
        check_picture(picture, grid)
        start = traits.pop("proposal", 0)
        proposals = check_boxes(proposals, "proposals").detach().float().cpu()
        check_count(len(proposals), MOST_PROPOSALS, "proposals are … boxes")
        if not len(proposals):
            raise ValueError("proposals: got none, takes at least one box to pool")
        if not 0 <= start < len(proposals):
            raise ValueError(f"proposal: got {start}, takes a row of proposals, 0 to {len(proposals) - 1}")
        h, w = grid.feature_size
        maps = take_shown(features, "features", f"1, C, {h}, {w}")[0]
        shown = Shown.varied(grid, maps, proposals)
        if channels is not None:
            channels = [take_whole(channel, "channels", 0, len(maps) - 1) for channel in channels]
            shown = replace(shown, maps={channel: maps[channel] for channel in channels})
        if not shown.maps:
            raise ValueError(f"channels must be some of 0 to {len(maps) - 1}; got {list(channels or ())}")
        self.show_picture(picture)
        self._made_of = self._shown = replace(shown, start=start)
        super().__init__(box=proposals[start].tolist(), channel=self._shown.liveliest)
        self.start_answering()
        for name, value in traits.items():
            setattr(self, name, value)

    def answer(self) -> dict[str, Any]:
        """The picture and what its boxes are pooled from; the bundled network looks at one of the reader's own."""
        shown = self._own_shown() if self.own_picture else self._made_of
        found = {
            "plan": self._plan(shown),
            "image": picture_file(self.picture),
            "features": shown.stacked.numpy().astype("<f4").tobytes(),
            **self.brings(box=shown.proposals[shown.start].tolist(), channel=shown.liveliest, point=0, probe=[]),
        }
        self._shown = shown
        return found

    def _own_shown(self) -> Shown:
        picture = self.picture
        grid = self.laid(self._made_of.grid)
        features, objectness, deltas = look(picture, grid)
        proposals = propose(objectness, deltas, grid_anchors(grid, cell_anchors()), picture.image_size).proposals
        return Shown.varied(grid, features[0], proposals[:OWN_PROPOSALS])

    @property
    def grid(self) -> Grid:
        """How the feature map lies on it."""
        return self._shown.grid

    def _plan(self, shown: Shown) -> dict[str, Any]:
        styles = {"box": "proposal", "whole": "whole_cells", "chosen": "window"}
        lines = {name: {**LINE_STYLES[style], "color": PALETTE[style]} for name, style in styles.items()}
        return {
            "grid": shown.grid.name,
            "image_size": list(shown.grid.image_size),
            "feature_size": list(shown.grid.feature_size),
            "stride": list(shown.grid.stride),
            "bins": BINS,
            "proposals": shown.proposals.tolist(),
            "channels": list(shown.maps),
            "ranges": [list(limits) for limits in shown.ranges.values()],
            "lines": {name: {**line, "casing": PALETTE["casing"]} for name, line in lines.items()},
        }

    @property
    def box_in_cells(self) -> Tensor:
        """Tensor[4]: the box on the feature map, xyxy in cells."""
        return to_cells(torch.tensor([self.box]), self.grid)[0]

    @property
    def pooled(self) -> PooledBox:
        """What RoI pooling makes of the box in the channel shown."""
        return pool_one_box(self._shown.maps[self.channel][None], self.box_in_cells, (BINS, BINS))

    @property
    def aligned_box(self) -> AlignedBox:
        """What RoIAlign makes of it."""
        features = self._shown.maps[self.channel][None]
        return align_one_box(features, self.box_in_cells, (BINS, BINS), self.sampling_ratio, self.aligned)

    @property
    def at_point(self) -> tuple[Neighbours, float]:
        """The four cells round the sampling point that stands out (or the dragged one), and the value there."""
        points = self.aligned_box.points(self.bin_row, self.bin_col)
        at = torch.tensor([self.probe]) if self.probe else points[min(self.point, len(points) - 1)][None]
        found = neighbours(at, self.grid.feature_size)
        return found, float((self._shown.maps[self.channel][found.rows, found.cols] * found.weights).sum())

    @property
    def values(self) -> dict[str, float]:
        """The bin that stands out: by RoI pooling, by RoIAlign, and at the one point; what the page works out too."""
        at = (0, self.bin_row, self.bin_col)
        pool, align = self.pooled.output[at], self.aligned_box.output[at]
        return {"pool": float(pool), "align": float(align), "value": self.at_point[1]}

    def rules(self) -> dict[str, Rule]:
        """Say what a saved page may set."""
        height, width = self.picture.image_size
        rows, cols = self.grid.feature_size
        return {
            "box": box([0, 0, width, height]),
            "channel": one_of(self._shown.maps),
            "point": whole(0, rows * cols),
            "probe": numbers([0, 0], [rows - 1, cols - 1], or_none=True),
        }

    def figure(self) -> Still:
        """Draw the explorer as it stands."""
        pooled, aligned, box = self.pooled, self.aligned_box, self.box_in_cells
        row, col = self.bin_row, self.bin_col
        (top, bottom), (left, right) = pooled.rows[row].tolist(), pooled.cols[col].tolist()
        bin_size = (box[2:] - box[:2]) / BINS
        corner = box[:2] + bin_size * torch.tensor([col, row])
        points = torch.cartesian_prod(aligned.xs.flatten(), aligned.ys.flatten()) + 0.5  # a centre lies half a cell in
        return roi_figure(
            RoIState(
                image=self.picture.image,
                box=torch.tensor(self.box),
                rectangle=to_pixels(pooled.rectangle[None], self.grid)[0],
                feature_map=self._shown.maps[self.channel],
                map_name=f"channel {self.channel}",
                value_range=self._shown.ranges[self.channel],
                box_in_cells=box,
                rectangle_in_cells=pooled.rectangle,
                chosen_cells=torch.tensor([left, top, right, bottom]),
                chosen_bin=torch.cat([corner, corner + bin_size]),
                points=points,
                pooled=pooled.output[0],
                aligned=aligned.output[0],
                bin=(row, col),
            ),
            self.describe(),
        )

    def describe(self) -> str:
        """Say in a sentence what the explorer shows."""
        width, height = self.box[2] - self.box[0], self.box[3] - self.box[1]
        values = self.values
        return (
            f"A box of {width:.0f}×{height:.0f} px, channel {self.channel}, bin ({self.bin_row}, {self.bin_col}): "
            f"RoI pooling {values['pool']:.3f}, RoIAlign {values['align']:.3f}."
        )

    _check = obeys_rules("box", "channel", "point", "probe")
