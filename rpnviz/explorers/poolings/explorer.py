"""Notebook 01's second explorer: which columns of pixels survive the four poolings, rounding down or up."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets as t

from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.own_picture import ShowsOnePicture
from rpnviz.explorers.common.payload import picture_file
from rpnviz.explorers.common.rules import Rule, obeys_rules, whole
from rpnviz.explorers.common.taken import check_picture
from rpnviz.explorers.poolings.figure import poolings_figure
from rpnviz.figures.primitives import Still
from rpnviz.grid import CELL, POOLINGS
from rpnviz.inspect.layers import halvings
from rpnviz.pictures import Picture

SHORTEST, LONGEST = 4 * CELL, 1100  # px: a side of the network's input
MODES = ("floor", "ceil")


class PoolingsExplorer(ShowsOnePicture, RpnvizWidget):
    """Show the last columns of the input, and what each pooling makes of them; all lengths go to the page once."""

    presented = "poolings"
    view = "poolings/view.js"
    sheets = ("common/map_and_picture.css", "common/layers.css")
    image = t.Bytes(read_only=True, help="the picture, WebP").tag(sync=True)
    shortest = t.Int(SHORTEST, read_only=True).tag(sync=True)
    longest = t.Int(LONGEST, read_only=True).tag(sync=True)
    counts = t.Bytes(read_only=True, help="uint16 [2, lengths, 5]: `layers.halvings`, floor first").tag(sync=True)
    length = t.Int(1000, help="columns of the network's input, px").tag(sync=True)
    rounding = t.Enum(MODES, "floor", help="whether a pooling drops an odd last column or keeps it").tag(sync=True)
    poolings = t.Int(POOLINGS, help="how many poolings are drawn").tag(sync=True)

    def __init__(self, picture: Picture, **traits: Any) -> None:
        """Show the right end of ``picture``; ``traits`` say where to start, e.g. length=960, rounding="ceil"."""
        lengths = range(SHORTEST, LONGEST + 1)
        table = [[halvings(length, ceil_mode=mode == "ceil") for length in lengths] for mode in MODES]
        super().__init__()
        self.show_picture(check_picture(picture))
        self.start_answering()
        self.set_trait("counts", np.array(table, dtype="<u2").tobytes())
        for name, value in traits.items():
            setattr(self, name, value)

    _check = obeys_rules("length", "poolings")

    def answer(self) -> dict[str, Any]:
        """The picture shown."""
        return {"image": picture_file(self.picture)}

    def steps(self) -> list[int]:
        """How many columns there are at first and after each pooling."""
        return halvings(self.length, ceil_mode=self.rounding == "ceil")

    def rules(self) -> dict[str, Rule]:
        """Say what a saved page may set."""
        return {"length": whole(SHORTEST, LONGEST), "poolings": whole(0, POOLINGS)}

    def figure(self) -> Still:
        """Draw the explorer as it stands."""
        return poolings_figure(self.steps(), self.poolings, self.picture.image, self.describe())

    def describe(self) -> str:
        """Say in a sentence what the explorer shows."""
        return f"Poolings that {'keep' if self.rounding == 'ceil' else 'drop'} an odd last column: " + " → ".join(
            str(count) for count in self.steps()[: self.poolings + 1]
        )
