"""A trained head, read by the conventions of another project: what is off, and by how much.

The bundled heads mean the paper's nine anchors in the middle of their cells, ratio by ratio, and deltas without
weights. Shapes: N anchors.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from rpnviz._inputs import take_numbers
from rpnviz.grid import Grid
from rpnviz.inspect.convention_presets import CONVENTIONS, PAPER
from rpnviz.inspect.conventions import Convention, convention_anchors, decode_by
from rpnviz.proposals import Stages, propose


@dataclass(frozen=True)
class Misreading:
    """How a head is read.

    Attributes:
        convention: whose anchors and deltas.
        four: where dx, dy, dw, dh stand among the four numbers.
        background: take the score for background instead of that for an object.
    """

    convention: Convention = PAPER
    four: tuple[int, int, int, int] = (0, 1, 2, 3)
    background: bool = False

    def boxes(self, pred_bbox_deltas: Tensor, grid: Grid) -> Tensor:
        """Tensor[N, 4]: xyxy, px; where the boxes come to lie. A ValueError for deltas that are not the grid's."""
        anchors = convention_anchors(self.convention, grid)
        deltas = take_numbers(pred_bbox_deltas, "pred_bbox_deltas", f"{len(anchors)}, 4").detach()
        return decode_by(self.convention, deltas[:, list(self.four)], anchors)

    def propose(self, objectness: Tensor, pred_bbox_deltas: Tensor, grid: Grid, post_nms_top_n: int = 300) -> Stages:
        """The proposals that are read, by py-faster-rcnn's numbers for testing.

        Args:
            objectness (Tensor[N]): logits.
            pred_bbox_deltas (Tensor[N, 4]): what the head says.
            grid: of its feature map.
            post_nms_top_n: how many proposals there are at most.

        Raises:
            ValueError: as `proposals.propose`.
        """
        boxes = self.boxes(pred_bbox_deltas, grid)
        objectness = take_numbers(objectness, "objectness", f"{len(boxes)}").detach()
        scores = -objectness if self.background else objectness
        return propose(scores, boxes.new_zeros(boxes.shape), boxes, grid.image_size, post_nms_top_n=post_nms_top_n)


_STDS = CONVENTIONS["Mask_RCNN"].weights
MISREADINGS = {
    "as it was trained": Misreading(),
    "sides not rounded": Misreading(replace(PAPER, sides="not rounded")),
    "one pixel wider and higher": Misreading(replace(PAPER, extra_pixel=1)),
    "anchors on the corners": Misreading(replace(PAPER, offset=0.0)),
    "weights 10, 10, 5, 5": Misreading(replace(PAPER, weights=_STDS)),
    "the deltas not used": Misreading(replace(PAPER, weights=(1e9, 1e9, 1e9, 1e9))),
    "weights 0.1, 0.1, 0.2, 0.2": Misreading(
        replace(PAPER, weights=(1 / _STDS[0], 1 / _STDS[1], 1 / _STDS[2], 1 / _STDS[3]))
    ),
    "dy, dx, dh, dw": Misreading(four=(1, 0, 3, 2)),
    "ratio as width / height": Misreading(replace(PAPER, ratio="width / height")),
    "outputs scale by scale": Misreading(replace(PAPER, order="scale by scale")),
    "the score for background": Misreading(background=True),
}
