"""What learners believe of CTPN's anchors: a question above the anchors explorer."""

from __future__ import annotations

from rpnviz.anchors import cell_anchors
from rpnviz.explorers.anchors.explorer import AnchorsExplorer
from rpnviz.explorers.common.questions import Choice, Question


def sixteen_wide(explorer: AnchorsExplorer) -> Question:
    """Where do "width 16, height 11 to 273" come from?"""
    sides = explorer.cells[:, 2:] - explorer.cells[:, :2]
    low, high = float(sides[:, 1].min()), float(sides[:, 1].max())
    rows, cols = explorer.grid.feature_size
    at = {"row": explorer.row, "col": explorer.col}
    width, count = f"{float(sides[0, 0]):.0f}", len(sides)
    narrowest = min(x2 - x1 for x1, _, x2, _ in cell_anchors().tolist())
    return Question(
        fact=4,
        text=f"You may have met anchors that are all {width} wide and {low:.0f} to {high:.0f} high, as here. "
        "What are they made for?",
        choices=(
            Choice(
                "Small objects, in Faster R-CNN",
                f"{count} strips of {width} px: what of a car would fit one? The narrowest of Faster R-CNN's nine is "
                f"{narrowest:.0f} px wide.",
                {**at, "mode": "cell", "selected": count // 2},
            ),
            Choice(
                f"Nothing in particular: {width} is the stride, so an anchor is a cell",
                f"The stride says where anchors stand, {rows}×{cols} centres; how large they are is chosen freely, and "
                f"here one is {float(sides[-1, 1]):.0f} px high.",
                {**at, "mode": "centres", "selected": count - 1},
            ),
            Choice(
                "Lines of text, found strip by strip",
                f"{cols} centres in a row, a stride apart: strips of {width} px side by side make a line of text. "
                f"Only the height, one of {count}, is left to guess.",
                {**at, "mode": "centres", "selected": 0},
                right=True,
            ),
        ),
    )
