"""How an h × w feature map lies on an H × W picture: strides, centres, the 3 × 3 window, receptive fields.

Shapes: H, W picture; h, w feature map. A position is (row, col), row first; a point of the picture is (x, y), x first.
Boxes are xyxy in pixels of the picture and may reach beyond its border.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from rpnviz._inputs import FURTHEST, MOST_PIXELS, check_count, take_number, take_size, take_whole

POOLINGS = 4  # VGG-16 up to conv5_3 has four 2 × 2 poolings, so one cell is 2**4 input pixels
CELL = 2**POOLINGS
WINDOW = 3 * CELL  # the 3 × 3 window measured in strides: 48 input pixels
RECEPTIVE_FIELD_CONV5_3 = 196  # input pixels that one conv5_3 value depends on
RECEPTIVE_FIELD_WINDOW = RECEPTIVE_FIELD_CONV5_3 + 2 * CELL  # and the 3 × 3 convolution after it: 228

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Grid:
    """A feature map laid over a picture.

    Args:
        name: "paper", "floor" or "ceil".
        image_size: (H, W) of the picture in px.
        input_size: (H, W) of what the network sees; the picture is resampled to it. At most 8,388,608 px in all.
        ceil_mode: whether a pooling keeps an odd last row or column (Caffe) or drops it (PyTorch).

    Source: Ren et al. 2015 (arXiv 1506.01497), section 3.1.1 for the 3 × 3 window, section 3.3 for 60 × 40.
    Differs: the centre of a cell is (i + 0.5) · stride, which is the centre of its receptive field;
        torchvision puts its anchors on the corner i · stride; py-faster-rcnn on 7.5 + 16 · i in inclusive pixels
        (the same point).
    """

    name: str
    image_size: tuple[int, int]
    input_size: tuple[int, int]
    ceil_mode: bool = False

    def __post_init__(self) -> None:
        """Refuse sizes that no picture has."""
        for argument in ("image_size", "input_size"):
            object.__setattr__(self, argument, take_size(getattr(self, argument), argument, low=CELL))
        check_count(math.prod(self.input_size), MOST_PIXELS, f"input_size {self.input_size} has … px")

    @classmethod
    def paper(cls, image_size: tuple[int, int] = (600, 1000)) -> Grid:
        """The paper's round figure 40 × 60: the picture resampled to 640 × 960, which halves exactly four times."""
        return cls("paper", image_size, input_size=(640, 960))

    @classmethod
    def floor(cls, image_size: tuple[int, int] = (600, 1000)) -> Grid:
        """The picture as it is, poolings that drop an odd last row or column (PyTorch): 37 × 62 for 600 × 1000."""
        return cls("floor", image_size, input_size=image_size)

    @classmethod
    def ceil(cls, image_size: tuple[int, int] = (600, 1000)) -> Grid:
        """The picture as it is, poolings that keep an odd last row or column (Caffe): 38 × 63 for 600 × 1000."""
        return cls("ceil", image_size, input_size=image_size, ceil_mode=True)

    @classmethod
    def named(cls, name: str, image_size: tuple[int, int] = (600, 1000)) -> Grid:
        """The preset of that name.

        Raises:
            ValueError: if there is no such preset.
        """
        presets = {"paper": cls.paper, "floor": cls.floor, "ceil": cls.ceil}
        if name not in presets:
            raise ValueError(f"grid must be one of {', '.join(presets)}; got {name!r}")
        return presets[name](image_size)

    @property
    def feature_size(self) -> tuple[int, int]:
        """(h, w) of the feature map: the input halved four times, each time rounded down or up."""
        height, width = self.input_size
        for _ in range(POOLINGS):
            halve = math.ceil if self.ceil_mode else math.floor
            height, width = halve(height / 2), halve(width / 2)
        return height, width

    @property
    def stride(self) -> tuple[float, float]:
        """(y, x): picture pixels from one cell to the next."""
        return CELL * self.image_size[0] / self.input_size[0], CELL * self.image_size[1] / self.input_size[1]

    def centre(self, row: int, col: int) -> tuple[float, float]:
        """(x, y) of the centre of a cell, in picture px."""
        h, w = self.feature_size
        row, col = take_whole(row, "row", 0, h - 1), take_whole(col, "col", 0, w - 1)
        stride_y, stride_x = self.stride
        return (col + 0.5) * stride_x, (row + 0.5) * stride_y

    def cell_at(self, x: float, y: float) -> tuple[int, int]:
        """(row, col) of the cell that covers a point of the picture; the nearest cell if no cell covers it."""
        x, y = take_number(x, "x", -FURTHEST, FURTHEST), take_number(y, "y", -FURTHEST, FURTHEST)
        h, w = self.feature_size
        stride_y, stride_x = self.stride
        return min(max(int(y // stride_y), 0), h - 1), min(max(int(x // stride_x), 0), w - 1)

    def footprint(self, row: int, col: int) -> Box:
        """The 3 × 3 window at (row, col) measured in strides: xyxy in picture px, 50 × 45 on the paper's grid."""
        return self._around(row, col, WINDOW)

    def receptive_field(self, row: int, col: int) -> Box:
        """All that the window's outputs can see: xyxy in picture px, 228 × 228 px of the network's input."""
        return self._around(row, col, RECEPTIVE_FIELD_WINDOW)

    def _around(self, row: int, col: int, side: int) -> Box:
        """A square of `side` input pixels round the centre of a cell, in picture px."""
        x, y = self.centre(row, col)
        half_y, half_x = (side / 2 * stride / CELL for stride in self.stride)
        return x - half_x, y - half_y, x + half_x, y + half_y
