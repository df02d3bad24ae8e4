"""How large a detector sees a picture: sizes only, nothing is resampled.

Shapes: n pictures, sizes are (height, width).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Resizing:
    """A rule by which pictures are made larger or smaller before the network.

    Attributes:
        name (str): e.g. "600/1000".
        shorter, longer (int): the shorter side becomes `shorter`, unless the longer one would become more than
            `longer`. Equal: the picture is fitted into a square and centred on it. 0: it stays as it is.
        rounds_down (bool): whether a part of a pixel is left out, as torchvision does it, or rounded.
    """

    name: str
    shorter: int
    longer: int
    rounds_down: bool = False

    def apply(self, sizes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Say what becomes of pictures.

        Args:
            sizes (Tensor[n, 2]): int64.

        Returns:
            float64 [n, 2] the factors, (y, x); float64 [n, 2] where the picture's corner then lies, (y, x) px; int64
            [n, 2] the size of the network's input.
        """
        if not self.shorter:
            return torch.ones(sizes.shape).double(), torch.zeros(sizes.shape).double(), sizes
        sides = sizes.double()
        wanted = sides.new_tensor([self.shorter, self.longer])  # a number by a tensor would be rounded twice
        factor = torch.minimum(wanted[0] / sides.amin(dim=1), wanted[1] / sides.amax(dim=1))
        resized = sides * factor[:, None]
        resized = (resized.floor() if self.rounds_down else resized.round()).clamp(min=1)
        if self.shorter != self.longer:
            return resized / sides, torch.zeros_like(sides), resized.long()
        square = torch.full_like(sizes, self.shorter)
        return resized / sides, ((square - resized) / 2).floor(), square


RESIZINGS = {
    one.name: one
    for one in (
        Resizing("600/1000", 600, 1000),  # the paper's, and py-faster-rcnn's
        Resizing("800/1333", 800, 1333, rounds_down=True),  # torchvision's; detectron2 and MMDetection round
        Resizing("640", 640, 640),  # into a square, as YOLO's tools do it
        Resizing("none", 0, 0),
    )
}
