"""What learners believe of the map's size: a question above the poolings explorer."""

from __future__ import annotations

from rpnviz.explorers.common.questions import Choice, Question
from rpnviz.explorers.poolings.explorer import PoolingsExplorer
from rpnviz.grid import CELL
from rpnviz.inspect.layers import halvings


def forty_by_sixty(explorer: PoolingsExplorer) -> Question:
    """Why 40×60 when my code prints 37×62?"""
    length, wanted = explorer.picture.image_size[1], 60
    floor, ceil = halvings(length), halvings(length, ceil_mode=True)
    at = {"length": length, "poolings": len(floor) - 1}
    return Question(
        fact=10,
        text=f"The paper says 40×{wanted} for a picture {length} px wide, and your code prints 37×{floor[-1]}. Why?",
        choices=(
            Choice(
                f"My code loses columns: a correct VGG-16 gives {wanted}",
                f"Even if every pooling keeps its odd last column there are {' → '.join(map(str, ceil))}: "
                f"{ceil[-1]}, not {wanted}.",
                {**at, "rounding": "ceil"},
            ),
            Choice(
                f"40×{wanted} is a round figure",
                f"{length} / {CELL} is {length / CELL:g}, so poolings that drop an odd column end at {floor[-1]}; "
                "your code is right.",
                {**at, "rounding": "floor"},
                right=True,
            ),
            Choice(
                f"The convolutions cut off a rim: {floor[-1]} becomes {wanted}",
                f"Convolutions keep the size, only poolings change it; {wanted} columns need an input of "
                f"{wanted * CELL} px, and this series resamples to that.",
                {**at, "length": wanted * CELL, "rounding": "floor"},
            ),
        ),
    )
