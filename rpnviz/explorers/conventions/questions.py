"""What learners believe of other people's settings: questions above the conventions explorer."""

from __future__ import annotations

from typing import Any

from rpnviz.explorers.common.questions import Choice, Question
from rpnviz.explorers.conventions.explorer import ConventionsExplorer
from rpnviz.inspect.convention_differences import differences
from rpnviz.inspect.convention_presets import CONVENTIONS


def same_ratios(explorer: ConventionsExplorer) -> Question:
    """Are ratios 0.5, 1, 2 the same anchors everywhere?"""
    told = {one["name"]: one for one in explorer.plan["conventions"]}
    first = {name: one["anchor_names"][0] for name, one in told.items()}
    second = {name: one["anchor_names"][1] for name, one in told.items()}
    at = {"row": explorer.row, "col": explorer.col}
    return Question(
        fact=23,
        text="Somebody's settings say: scales 128, 256, 512, ratios 0.5, 1, 2. Are its nine outputs yours?",
        choices=(
            Choice(
                "Yes: the same numbers make the same anchors",
                f"In Mask_RCNN the first is {first['Mask_RCNN']}, in the paper {first['paper']}: there a ratio is "
                "width / height.",
                {**at, "convention": "Mask_RCNN", "anchor": 0},
            ),
            Choice(
                "Only if ratio, order and place mean the same there",
                f"In detectron2 the second output is {second['detectron2']}, in the paper {second['paper']}: it counts "
                "scale by scale.",
                {**at, "convention": "detectron2", "anchor": 1},
                right=True,
            ),
            Choice(
                "Yes, give or take the rounding of their sides",
                f"In MMDetection the fifth is {told['MMDetection']['anchor_names'][4]} as in the paper, and lies "
                "elsewhere all the same: on the corner of its cell.",
                {**at, "convention": "MMDetection", "anchor": 4},
            ),
        ),
    )


def border_labels(explorer: ConventionsExplorer) -> Question:
    """What do labels for border anchors change?"""
    rows = {row.setting: row for row in differences(CONVENTIONS["torchvision"], explorer.case)}
    changed, count = rows["drop_cross_boundary"].changed, len(explorer.followed["paper"].anchors)
    h, w = explorer.grid.feature_size
    positives = [len(explorer.followed[name].sampled[0]) for name in ("paper", "torchvision")]
    moves: dict[str, Any] = {"convention": "torchvision", "anchor": 4}
    return Question(
        fact=24,
        text="torchvision labels anchors that cross the border, too. How many labels does that change here?",
        choices=(
            Choice(
                "A few hundred: those along the rim of the map",
                f"It changes {changed:,}. Of this cell too, well inside the map, the large anchors reach beyond the "
                "picture.",
                {**moves, "row": h // 3, "col": w // 3, "anchor": 8},
            ),
            Choice(
                f"Nearly none: of {count:,}, most lie inside",
                f"It changes {changed:,}. Most of these anchors do not lie inside the picture: by the paper's rule "
                "they have no label at all.",
                {**moves, "row": 0, "col": 0},
            ),
            Choice(
                "More than half of all",
                f"It changes {changed:,} of {count:,}, nearly all of them to negative. In the minibatch "
                f"there are {positives[1]} positives instead of {positives[0]}.",
                {**moves, "row": h // 2, "col": w // 2},
                right=True,
            ),
        ),
    )
