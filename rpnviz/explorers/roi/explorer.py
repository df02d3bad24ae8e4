"""Notebook 09's explorer: RoI pooling and RoIAlign of one box side by side, cell by cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import traitlets as t
from torch import Tensor

from rpnviz._inputs import check_count, take_shown, take_whole
from rpnviz.boxes import check_boxes
from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.payload import picture_file
from rpnviz.explorers.common.rules import Rule, box, numbers, obeys_rules, one_of, whole
from rpnviz.explorers.common.taken import check_picture
from rpnviz.explorers.roi.figure import CHOSEN, WHOLE_CELLS, RoIState, roi_figure
from rpnviz.figures.maps import within_rim
from rpnviz.figures.palette import LINE_STYLES, PALETTE, PROPOSAL_LOOK
from rpnviz.figures.primitives import Still
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.roi import AlignedBox, Neighbours, PooledBox, align_one_box, neighbours, pool_one_box, to_cells, to_pixels

BINS = 7
MOST_PROPOSALS = 2000
CHANNELS = 32  # sent to the page as exact numbers; all 512 would be 5 MB


class RoIExplorer(RpnvizWidget):
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

    unmoved = ("worked_out",)
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
        self.picture, self.grid = picture, grid
        h, w = grid.feature_size
        maps = take_shown(features, "features", f"1, C, {h}, {w}")[0]
        inner = within_rim(maps).flatten(1)
        if channels is None:
            channels = sorted(inner.std(dim=1, correction=0).topk(min(CHANNELS, len(maps))).indices.tolist())
        channels = [take_whole(channel, "channels", 0, len(maps) - 1) for channel in channels]
        if not channels:
            raise ValueError(f"channels must be some of 0 to {len(maps) - 1}; got {list(channels)}")
        self._maps = {channel: maps[channel] for channel in channels}
        lows, highs = inner.amin(dim=1).clamp(max=0), inner.amax(dim=1)
        self._ranges = {c: (float(lows[c]), max(float(highs[c]), float(lows[c]) + 1e-6)) for c in channels}
        first = pool_one_box(maps[list(channels)], to_cells(proposals[start][None], grid)[0]).output.flatten(1)
        liveliest = channels[int(first.std(dim=1).argmax())]
        super().__init__(box=proposals[start].tolist(), channel=liveliest)
        self.set_trait("plan", self._plan(proposals))
        self.set_trait("image", picture_file(picture))
        self.set_trait("features", torch.stack(list(self._maps.values())).numpy().astype("<f4").tobytes())
        for name, value in traits.items():
            setattr(self, name, value)

    def _plan(self, proposals: Tensor) -> dict[str, Any]:
        looks = {"box": PROPOSAL_LOOK, "whole": WHOLE_CELLS, "chosen": CHOSEN}
        lines = {name: {**LINE_STYLES[style], "color": colour} for name, (style, colour) in looks.items()}
        return {
            "image_size": list(self.picture.image_size),
            "feature_size": list(self.grid.feature_size),
            "stride": list(self.grid.stride),
            "bins": BINS,
            "proposals": proposals.tolist(),
            "channels": list(self._maps),
            "ranges": [list(self._ranges[channel]) for channel in self._maps],
            "lines": {name: {**line, "casing": PALETTE["casing"]} for name, line in lines.items()},
        }

    @property
    def box_in_cells(self) -> Tensor:
        """Tensor[4]: the box on the feature map, xyxy in cells."""
        return to_cells(torch.tensor([self.box]), self.grid)[0]

    @property
    def pooled(self) -> PooledBox:
        """What RoI pooling makes of the box in the channel shown."""
        return pool_one_box(self._maps[self.channel][None], self.box_in_cells, (BINS, BINS))

    @property
    def aligned_box(self) -> AlignedBox:
        """What RoIAlign makes of it."""
        features = self._maps[self.channel][None]
        return align_one_box(features, self.box_in_cells, (BINS, BINS), self.sampling_ratio, self.aligned)

    @property
    def at_point(self) -> tuple[Neighbours, float]:
        """The four cells round the sampling point that stands out (or the dragged one), and the value there."""
        points = self.aligned_box.points(self.bin_row, self.bin_col)
        at = torch.tensor([self.probe]) if self.probe else points[min(self.point, len(points) - 1)][None]
        found = neighbours(at, self.grid.feature_size)
        return found, float((self._maps[self.channel][found.rows, found.cols] * found.weights).sum())

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
            "channel": one_of(self._maps),
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
                feature_map=self._maps[self.channel],
                map_name=f"channel {self.channel}",
                value_range=self._ranges[self.channel],
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
