"""What learners believe of objects that no anchor fits: a question above the fit explorer."""

from __future__ import annotations

import numpy as np

from rpnviz.explorers.common.questions import Choice, Question
from rpnviz.explorers.fit.explorer import FitExplorer

POSITIVE, BACKGROUND = 0.7, 0.3  # the paper's thresholds


def without_an_anchor(explorer: FitExplorer) -> Question:
    """Who answers for an object that no anchor reaches with 0.7?"""
    found, ious = explorer.result, explorer.result.sample.ious
    alone = np.flatnonzero((ious > 0) & (ious < POSITIVE))
    order = alone[np.argsort(ious[alone], kind="stable")]
    worst, middle = int(order[0]), int(order[len(order) // 2])
    between = float(((ious >= BACKGROUND) & (ious < POSITIVE)).mean())
    here = {"class_index": -1, "anchor_set": 0}
    return Question(
        fact=25,
        text=f"{found.by_best_rule_alone:,} of {found.num_objects:,} objects have no anchor with an IoU of 0.7. "
        "Who is positive for them?",
        choices=(
            Choice(
                "Nobody: to the network they are background",
                f"The best anchor of this object has an IoU of {ious[middle]:.2f}. It is positive all the same, as the "
                "object's best.",
                {"iou_thresh": POSITIVE, "selected": middle, **here},
            ),
            Choice(
                "Every anchor with 0.3 or more",
                f"{between:.1%} of those shown have their best between 0.3 and 0.7. Anchors there are left out of "
                "training, but for an object's best.",
                {"iou_thresh": BACKGROUND, "selected": -1, **here},
            ),
            Choice(
                "Each object's best anchor, and no other",
                f"Even this one, with an IoU of {ious[worst]:.2f}. One anchor that lies far off is all that such an "
                "object teaches.",
                {"iou_thresh": POSITIVE, "selected": worst, **here},
                right=True,
            ),
        ),
    )
