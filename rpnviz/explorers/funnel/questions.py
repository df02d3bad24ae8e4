"""What learners believe of the order of the stages: questions above the funnel explorer."""

from __future__ import annotations

from rpnviz.explorers.common.questions import Choice, Question
from rpnviz.explorers.funnel.explorer import FunnelExplorer
from rpnviz.inspect.funnel import STAGES


def real_order(explorer: FunnelExplorer) -> Question:
    """21,600 → 6,000 → NMS → 2,000 → 512: what is the real order?"""
    left = dict(zip(STAGES, (len(row.inds) for row in explorer.rows), strict=True))
    top, kept, clipped = (STAGES.index(name) for name in ("top-N by score", "after NMS", "clipped"))
    free = {"selected": -1}
    return Question(
        fact=7,
        text=f"In which order does py-faster-rcnn make {left['proposals']} proposals of {left['anchors']:,} anchors?",
        veiled=True,
        choices=(
            Choice(
                "Border crossers go, then negatives, then NMS",
                f"After clipping there are {left['clipped']:,}, all of them: border and labels are matters of "
                "training, nobody asks for them here.",
                {"stage": clipped, "side": "left", **free},
            ),
            Choice(
                "NMS first, over all of them; then the best scores",
                f"That is the paper's order. This code first takes the best {left['top-N by score']:,}, because NMS "
                f"on all {left['large enough']:,} takes long; it keeps {left['after NMS']:,}.",
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
                "Objects are drawn for you alone; no step asks for them. NMS kept this box too, but with a score of "
                f"{float(stages.all_scores[beyond]):.2f} it comes at place {len(inds) + 1}.",
                {"stage": last, "side": "dropped", "selected": int(beyond)},
            ),
        ),
    )
