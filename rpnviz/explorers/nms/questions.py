"""What learners believe of NMS: a question above its explorer."""

from __future__ import annotations

from rpnviz.explorers.common.questions import Choice, Question
from rpnviz.explorers.nms.explorer import LAYERS, NmsExplorer
from rpnviz.proposals import PRESETS


def same_two_thousand(explorer: NmsExplorer) -> Question:
    """Why is pre-NMS 2,000 = post-NMS 2,000 in torchvision?"""
    torchvision = PRESETS["torchvision"]["train"]
    number, kept = explorer.top_n, len(explorer.kept)
    at = {"top_n": number, "nms_thresh": explorer.nms_thresh, "suppressed_too": False, "layers": list(LAYERS)}
    falls = {turn: len(step.suppresses) for turn, step in enumerate(explorer.steps(), start=1)}
    hungry = max(list(falls)[1:], key=falls.__getitem__)  # not the first turn, which everybody has seen
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
                f"With one list, as here, it would never cut anything: {number} go in, {kept} are left. So there "
                "must be more than one list.",
                {**at, "turn": number},
            ),
            Choice(
                "NMS only sorts: as many come out as go in",
                f"It removes: the box whose turn it is alone takes {falls[hungry]} of the {number} out.",
                {**at, "turn": hungry},
            ),
        ),
    )
