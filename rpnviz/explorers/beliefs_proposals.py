"""What learners believe of the proposals (notebook 08) and of what follows (09), as questions above the views.

Each function reads an explorer as it stands and returns its question: where the answers move to, and every number in
their sentences, is worked out from what the explorer holds.
"""

from __future__ import annotations

from rpnviz.boxes import box_iou
from rpnviz.explorers.detections import DetectionExplorer
from rpnviz.explorers.funnel import FunnelExplorer
from rpnviz.explorers.nms import LAYERS, NmsExplorer
from rpnviz.explorers.questions import Choice, Question
from rpnviz.explorers.roi import RoIExplorer
from rpnviz.funnel import STAGES
from rpnviz.proposals import PRESETS


def real_order(explorer: FunnelExplorer) -> Question:
    """21,600 → 6,000 → NMS → 2,000 → 512: what is the real order?"""
    left = dict(zip(STAGES, (len(row.inds) for row in explorer.rows), strict=True))
    top, kept, clipped = (STAGES.index(name) for name in ("top-N by score", "after NMS", "clipped"))
    free = {"selected": -1}
    return Question(
        fact=7,
        text=f"{left['anchors']:,} anchors become {left['proposals']} proposals. In which order?",
        choices=(
            Choice(
                "Border crossers go, then negatives, then NMS",
                f"After clipping there are {left['clipped']:,}, all of them: border and labels are matters of "
                "training, nobody asks for them here.",
                {"stage": clipped, "side": "left", **free},
            ),
            Choice(
                "NMS first, over all of them; then the best scores",
                f"NMS is near the end: it sees {left['top-N by score']:,} and keeps {left['after NMS']:,}. Comparing "
                "every box with every other is dear.",
                {"stage": kept, "side": "dropped", **free},
            ),
            Choice(
                "The lowest scores go, then NMS, then the best stay",
                f"By score {left['large enough']:,} become {left['top-N by score']:,}, after the tiny ones are gone; "
                "only then NMS, and the best of its rest.",
                {"stage": top, "side": "dropped", **free},
                right=True,
            ),
            Choice(
                "NMS leaves 2,000, and of these some are drawn at random",
                f"Nothing is random here: the last {left['proposals']} are the best of {left['after NMS']:,}. The "
                "512 are drawn from proposals, in training only, for the second head.",
                {"stage": len(STAGES) - 1, "side": "left", **free},
            ),
        ),
    )


def scored_background(explorer: FunnelExplorer) -> Question:
    """Are proposals scored background dropped?"""
    stages, last = explorer.stages, len(STAGES) - 1
    scores, inds = stages.scores, stages.post_nms_inds
    low = int((scores < 0.5).sum())
    beyond = stages.nms_inds[len(inds)]  # the first that is not a proposal
    return Question(
        fact=18,
        text="A box has a score of 0.2: rather background than object. Can it be among the proposals?",
        choices=(
            Choice(
                f"Yes, if fewer than {len(inds)} score better",
                f"Proposals are ranked, not judged: {len(inds)} are wanted, {len(inds) - low} score 0.5 or more, and "
                "the next best fill up.",
                {"stage": last, "side": "left", "selected": int(inds[len(inds) - low])},
                right=True,
            ),
            Choice(
                "No: below 0.5 it is background, and dropped",
                f"{low} of the {len(inds)} proposals score below 0.5; this is the last, with {float(scores[-1]):.2f}.",
                {"stage": last, "side": "left", "selected": int(inds[-1])},
            ),
            Choice(
                "Yes, if it overlaps an object",
                "No object is asked, they are drawn for you alone: this is what NMS kept and nobody took, with a score "
                f"of {float(stages.all_scores[beyond]):.2f}, place {len(inds) + 1}.",
                {"stage": last, "side": "dropped", "selected": int(beyond)},
            ),
        ),
    )


def same_two_thousand(explorer: NmsExplorer) -> Question:
    """Why is pre-NMS 2,000 = post-NMS 2,000 in torchvision?"""
    torchvision = PRESETS["torchvision"]["train"]
    number, kept = explorer.top_n, len(explorer.kept)
    at = {"top_n": number, "nms_thresh": explorer.nms_thresh, "suppressed_too": False, "layers": list(LAYERS)}
    falls = {turn: len(step.suppresses) for turn, step in enumerate(explorer.steps(), start=1)}
    hungry = max(list(falls)[1:], key=falls.__getitem__)  # not the first, where the view opens
    return Question(
        fact=16,
        text=f"torchvision sends {torchvision['pre_nms_top_n']:,} boxes into NMS and keeps at most "
        f"{torchvision['post_nms_top_n']:,} after it. What is the second number for?",
        choices=(
            Choice(
                "The first counts for each map of a pyramid, the second for the picture",
                f"One map's {number} leave {kept} here; five maps bring five such lists, and the second number cuts "
                "what they leave together.",
                {**at, "turn": number, "layers": ["kept", "ground_truth"]},
                right=True,
            ),
            Choice(
                "Nothing: it is the same number written twice",
                f"Of one list, as here, it would never bite: {number} go in, {kept} are left. So there must be more "
                "than one list.",
                {**at, "turn": number},
            ),
            Choice(
                "NMS only sorts: as many come out as go in",
                f"It removes: the box whose turn it is alone takes {falls[hungry]} of the {number} out.",
                {**at, "turn": hungry},
            ),
        ),
    )


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


def what_comes_next(explorer: DetectionExplorer) -> Question:
    """What comes next?"""
    named, left = explorer.named, explorer.detections
    proposals = explorer.proposals
    moved = box_iou(named.boxes, proposals[named.proposal_inds]).diagonal()
    sure = named.scores > 0.5
    most = int(moved.masked_fill(~sure, 2).argmin())
    above = named.scores > explorer.score_thresh
    every, useful = int(above.sum()), len(set(named.proposal_inds[above].tolist()))
    at = {"score_thresh": explorer.score_thresh}
    return Question(
        fact=21,
        text=f"The RPN has made {len(proposals)} proposals. What is still to do before it can say 'dog'?",
        choices=(
            Choice(
                "Take the best of them: they are the detections",
                f"In the eyes of the second head {useful} of the {len(proposals)} hold something: {every} boxes, "
                "many round each object. The RPN's score does not say what.",
                {**at, "stage": "named", "selected": -1},
            ),
            Choice(
                "Name each: the boxes themselves are final",
                f"This {named.names[most]} was moved by the second head: its box and its proposal overlap by only "
                f"{float(moved[most]):.2f}.",
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
