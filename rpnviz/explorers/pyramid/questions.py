"""What learners believe of a pyramid: a question above its explorer."""

from __future__ import annotations

from rpnviz.explorers.common.payload import object_names
from rpnviz.explorers.common.questions import Choice, Question
from rpnviz.explorers.pyramid.explorer import PyramidExplorer


def which_level(explorer: PyramidExplorer) -> Question:
    """Who decides which map of a pyramid answers for an object?"""
    fits, names = explorer.best_iou_by_level, object_names(explorer.picture)
    levels = [level.name for level in explorer.levels]
    best, second = fits.topk(2, dim=1).values.T
    sure, torn = int((best - second).argmax()), int((best - second).argmin())
    areas = (explorer.gt_boxes[:, 2:] - explorer.gt_boxes[:, :2]).prod(dim=1)
    small, large = int(areas.argmin()), int(areas.argmax())
    at = {"shown": "anchors", "level": -1}
    first, other = fits[torn].topk(2).indices.tolist()
    return Question(
        fact=22,
        text=f"{len(levels)} maps of one picture. Who decides which of them answers for an object?",
        choices=(
            Choice(
                "The network: it learns which map sees the object best",
                f"No weight takes part: {names[sure]}'s best anchor is on {levels[int(fits[sure].argmax())]}, IoU "
                f"{float(best[sure]):.2f}. So it was before any training.",
                {**at, "selected": sure, "level": int(fits[sure].argmax())},
            ),
            Choice(
                "The anchors: the one that overlaps it most, on whatever map",
                f"{names[small]} has its best anchor on {levels[int(fits[small].argmax())]}, {names[large]} on "
                f"{levels[int(fits[large].argmax())]}: the rule of IoU, over all maps at once.",
                {**at, "selected": small},
                right=True,
            ),
            Choice(
                "A rule of sizes: each map takes objects between two sizes",
                f"That is the second head's rule. The RPN asks for IoU: {names[torn]} has {float(best[torn]):.2f} on "
                f"{levels[first]}, and {float(second[torn]):.2f} on {levels[other]}.",
                {**at, "selected": torn},
            ),
        ),
    )
