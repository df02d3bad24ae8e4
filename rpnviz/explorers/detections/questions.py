"""What learners believe of proposals and names: a question above the detections explorer."""

from __future__ import annotations

from rpnviz.boxes import pair_iou
from rpnviz.explorers.common.questions import Choice, Question
from rpnviz.explorers.detections.explorer import DetectionsExplorer


def what_comes_next(explorer: DetectionsExplorer) -> Question:
    """What comes next?"""
    named, left = explorer.named, explorer.detections
    proposals = explorer.proposals
    sure = (named.scores > 0.5).nonzero().flatten().tolist() or range(len(named.scores))
    moved = {row: pair_iou(named.boxes[row], proposals[named.proposal_inds[row]]) for row in sure}
    most = min(moved, key=moved.__getitem__)
    above = named.scores > explorer.score_thresh
    every, useful = int(above.sum()), len(set(named.proposal_inds[above].tolist()))
    at = {"score_thresh": explorer.score_thresh}
    return Question(
        fact=21,
        text=f"The RPN has made {len(proposals)} proposals. What is still to do before it can say 'dog'?",
        veiled=True,
        choices=(
            Choice(
                "Take the best of them: they are the detections",
                f"The second head finds something in {useful} of the {len(proposals)}: {every} boxes, "
                "many round each object. The RPN's score does not say what.",
                {**at, "stage": "named", "selected": -1},
            ),
            Choice(
                "Name each: the boxes themselves are final",
                f"This {named.names[most]} was moved by the second head: its box and its proposal overlap by only "
                f"{moved[most]:.2f}.",
                {**at, "stage": "named", "selected": most},
            ),
            Choice(
                "Pool the features of each, name it, move it again, and NMS class by class",
                f"{len(proposals)} proposals, {every} named boxes, {len(left.boxes)} detections: 7×7 features of each, "
                "class scores, a second regression, the last NMS.",
                {**at, "stage": "detections", "selected": -1},
                right=True,
            ),
        ),
    )
