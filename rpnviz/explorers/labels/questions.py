"""What learners believe of labels: a question above the labels explorer."""

from __future__ import annotations

from rpnviz.explorers.common.payload import object_names
from rpnviz.explorers.common.questions import Choice, Question
from rpnviz.explorers.labels.explorer import LabelsExplorer
from rpnviz.targets import IGNORED


def low_iou_positive(explorer: LabelsExplorer) -> Question:
    """How can an anchor with IoU 0.4 be positive?"""
    found, names = explorer.found, object_names(explorer.picture)
    weak = found.low_quality.nonzero().flatten()
    ignored = ((found.labels == IGNORED) & ~found.crosses_boundary).nonzero().flatten()
    lowest = weak[found.iou[weak].argmin()]
    same = [inds[weak] == inds[lowest] for inds in (found.best_for_gt_idxs, found.best_gt_idxs)]
    first, weakest = int(lowest), int(weak[same[0] & same[1]][-1])  # two that tie
    strongest = int(ignored[found.iou[ignored].argmax()])
    half = int(ignored[(found.iou[ignored] - 0.5).abs().argmin()])
    whose = {i: names[int(found.best_gt_idxs[i])] for i in (weakest, strongest)}
    return Question(
        fact=14,
        text=f"An anchor has an IoU of {float(found.iou[weakest]):.2f}, and the threshold is "
        f"{explorer.fg_iou_thresh:g}. Can it be positive?",
        choices=(
            Choice(
                "No: below the threshold there are no positives",
                f"This one has {float(found.iou[weakest]):.2f} with {whose[weakest]} and is positive: no anchor fits "
                "that object better.",
                {"selected": weakest},
            ),
            Choice(
                f"Yes, by half: from {explorer.bg_iou_thresh:g} to {explorer.fg_iou_thresh:g} it counts less",
                f"This one lies between, at {float(found.iou[half]):.2f}: it is ignored, and has no loss at all.",
                {"selected": half},
            ),
            Choice(
                "Yes, if the network moves it onto the object",
                f"This one has {float(found.iou[strongest]):.2f} with {whose[strongest]} and is ignored, wherever the "
                "network moves it: no network was asked.",
                {"selected": strongest},
            ),
            Choice(
                "Yes, if it is the best that its object has",
                f"Here it is: {float(found.iou[first]):.2f} is the best that any anchor reaches with {whose[weakest]}. "
                "Were it not positive, that object would teach nothing.",
                {"selected": first},
                right=True,
            ),
        ),
    )
