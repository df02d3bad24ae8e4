"""What learners believe of RoI pooling: a question above its explorer."""

from __future__ import annotations

from rpnviz.explorers.common.questions import Choice, Question
from rpnviz.explorers.roi.explorer import RoIExplorer


def slope_of_a_box(explorer: RoIExplorer) -> Question:
    """Do gradients flow through box coordinates?"""
    start, now = list(explorer.box), explorer.values
    quiet, after = _unnoticed(explorer)
    return Question(
        fact=20,
        text="The second head's loss says: this box should lie further left. Does the RPN hear of it through the box?",
        choices=(
            Choice(
                "Yes: all is one network, and gradients flow everywhere",
                f"Through RoI pooling they cannot: the box is {start[0] - quiet[0]:.0f} px further left, and its bin "
                f"still says {after['pool']:.3f}. What changes nothing has no slope.",
                {"box": quiet, "probe": []},
            ),
            Choice(
                "No: the coordinates are taken as plain numbers",
                "The box stands where the RPN put it. Approximate joint training cuts the thread there: the second "
                "head's loss goes back through the features alone.",
                {"box": start, "probe": []},
                right=True,
            ),
            Choice(
                "No: a box has no slope, whatever one does",
                f"RoIAlign has one: {start[0] - quiet[0]:.0f} px further left, its bin went from {now['align']:.3f} to "
                f"{after['align']:.3f}. One could follow that, and does not.",
                {"box": quiet, "probe": [], "aligned": True},
            ),
        ),
    )


def _unnoticed(explorer: RoIExplorer) -> tuple[list[float], dict[str, float]]:
    """The box moved to the left as far as RoI pooling does not notice in its bin, and what both say there."""
    start = list(explorer.box)
    pooled = explorer.values["pool"]
    found = start, explorer.values
    with explorer.hold_sync():  # the view hears of none of it
        for step in range(1, int(start[0])):
            explorer.box = [start[0] - step, start[1], start[2] - step, start[3]]
            if explorer.values["pool"] != pooled:
                break
            found = list(explorer.box), explorer.values
        explorer.box = start
    return found
