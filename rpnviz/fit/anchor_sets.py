"""The anchors that are asked about: on one map, or on the maps of a pyramid.

Shapes: n pictures, sizes are (height, width).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from rpnviz._inputs import take_number
from rpnviz.anchors import ASPECT_RATIOS, SCALES, cell_anchors
from rpnviz.boxes import box_area
from rpnviz.fit.lattice import Lattice


@dataclass(frozen=True, eq=False)
class AnchorSet:
    """All anchors of a detector.

    Attributes:
        name (str): e.g. "paper".
        lattices (tuple[Lattice, ...]): a map each, the finest first.
        resizing (str): of RESIZINGS; how its detector makes pictures ready.
        pads_to (int): its maps are those of the input padded to a multiple of this.
        inside_only (bool): anchors that cross the border take no part in training.
        shape_names (tuple[str, ...]): of all shapes, map by map.
    """

    name: str
    lattices: tuple[Lattice, ...]
    resizing: str
    pads_to: int
    inside_only: bool
    shape_names: tuple[str, ...]

    def maps(self, lattice: Lattice, input_sizes: Tensor) -> tuple[Tensor, Tensor]:
        """How a map lies on pictures.

        Args:
            lattice: the map.
            input_sizes (Tensor[n, 2]): int64; (H, W) in the network.

        Returns:
            int64 [n, 2]: rows and columns; float64 [n, 2]: the strides, (y, x).
        """
        if self.pads_to == 1:  # VGG-16's poolings leave out what is not whole
            sizes = (input_sizes / lattice.stride).floor().long().clamp(min=1)
            return sizes, torch.full(sizes.shape, lattice.stride, dtype=torch.float64)
        padded = (input_sizes / self.pads_to).ceil() * self.pads_to
        sizes = (padded / lattice.stride).ceil().long()
        return sizes, (padded / sizes).floor().double()  # torchvision divides whole numbers, and 608 / 10 is 60

    def count(self, input_size: tuple[int, int]) -> int:
        """How many anchors stand on a picture of this size in the network."""
        size = torch.tensor([input_size])
        return sum(int(self.maps(one, size)[0].prod()) * len(one.cells) for one in self.lattices)

    @property
    def shapes(self) -> Tensor:
        """float64 [A of all maps, 2]: (height, width) of each shape."""
        cells = torch.cat([one.cells for one in self.lattices])
        return (cells[:, 2:] - cells[:, :2]).flip(1)

    def with_shapes(self, name: str, shapes: Sequence[tuple[float, float]]) -> AnchorSet:
        """The same detector with other anchors: each (height, width) on the map that now has those nearest in size."""
        sides = torch.tensor(shapes, dtype=torch.float64)
        now = torch.stack([box_area(one.cells).log2().mean() for one in self.lattices])
        homes = (sides.prod(dim=1).log2()[:, None] - now).abs().argmin(dim=1)
        halves = torch.stack([-sides[:, 1], -sides[:, 0], sides[:, 1], sides[:, 0]], dim=1) / 2
        halves = halves.round().where(halves.abs() >= 1, halves)  # as torchvision rounds them
        lattices = [replace(one, cells=halves[homes == i]) for i, one in enumerate(self.lattices)]
        ordered = [shape for i in range(len(lattices)) for shape, home in zip(shapes, homes, strict=True) if home == i]
        names = tuple(f"{height:.0f} × {width:.0f} px" for height, width in ordered)
        return replace(self, name=name, lattices=tuple(lattices), shape_names=names)


def one_map(
    scales: Sequence[float] = SCALES, aspect_ratios: Sequence[float] = ASPECT_RATIOS, stride: float = 16
) -> AnchorSet:
    """The anchors of a detector with one map, each centred on its cell, as in the paper.

    Raises:
        ValueError: if a list is empty, or holds anything but numbers above 0; names it.
    """
    cells, stride = cell_anchors(scales, aspect_ratios), take_number(stride, "stride", 0, above=True)
    names = tuple(f"{scale:g} px, ratio {ratio:g}" for ratio in aspect_ratios for scale in scales)
    lattice = Lattice(f"stride {stride:g}", stride, 0.5, cells)
    own = (tuple(scales), tuple(aspect_ratios), stride) != (SCALES, ASPECT_RATIOS, 16)
    return AnchorSet("your own" if own else "paper", (lattice,), "600/1000", 1, True, names)


def pyramid(
    scales: Sequence[Sequence[float]] = ((32,), (64,), (128,), (256,), (512,)),
    aspect_ratios: Sequence[float] = ASPECT_RATIOS,
    strides: Sequence[float] = (4, 8, 16, 32, 64),
    name: str = "fpn",
) -> AnchorSet:
    """The anchors of a detector with a feature pyramid; the defaults are torchvision's Faster R-CNN.

    Args:
        scales: those of each map.
        aspect_ratios: the same on all maps.
        strides: of each map.
        name: what to call them.

    Raises:
        ValueError: if there are not as many lists of scales as strides, or as for `one_map`.

    Source: torchvision, models/detection/anchor_utils.py: anchors stand at whole strides from the corner on, and those
        that cross the border take part; generalized_rcnn's transform pads to multiples of 32.
    """
    if len(scales) != len(strides):
        raise ValueError(f"scales: got {len(scales)} lists for {len(strides)} strides, takes one a map")
    maps = list(zip(scales, strides, strict=True))
    lattices = tuple(Lattice(f"stride {stride:g}", stride, 0, cell_anchors(own, aspect_ratios)) for own, stride in maps)
    names = tuple(
        f"{scale:g} px, ratio {ratio:g}, stride {stride:g}"
        for own, stride in maps
        for ratio in aspect_ratios
        for scale in own
    )
    return AnchorSet(name, lattices, "800/1333", 32, False, names)


def retinanet() -> AnchorSet:
    """The nine anchors on each of five maps of RetinaNet. Source: torchvision, models/detection/retinanet.py."""
    thirds = [tuple(int(x * 2 ** (i / 3)) for i in range(3)) for x in (32, 64, 128, 256, 512)]
    return pyramid(thirds, strides=(8, 16, 32, 64, 128), name="retinanet")


ANCHOR_SETS: dict[str, Callable[[], AnchorSet]] = {"paper": one_map, "fpn": pyramid, "retinanet": retinanet}
