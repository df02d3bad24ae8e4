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
    first = weak[found.iou[weak].argmin()]  # where the view opens
    same = [inds[weak] == inds[first] for inds in (found.best_for_gt_idxs, found.best_gt_idxs)]
    weakest = int(weak[same[0] & same[1]][-1])  # another that ties with it
    strongest = int(ignored[found.iou[ignored].argmax()])
    second = int(weak[found.iou[weak].argmax()])
    half = int(ignored[(found.iou[ignored] - 0.5).abs().argmin()])
    whose = {i: names[int(found.best_gt_idxs[i])] for i in (weakest, second, strongest)}
    return Question(
        fact=14,
        text=f"An anchor has an IoU of {float(found.iou[weakest]):.2f}, and the threshold is "
        f"{explorer.fg_iou_thresh:g}. Can it be positive?",
        choices=(
            Choice(
                "No: below the threshold there are no positives",
                f"Here it is: IoU {float(found.iou[weakest]):.2f} with {whose[weakest]}, and positive; no anchor fits "
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
                f"The best that any anchor has with {whose[second]} is {float(found.iou[second]):.2f}, and this is "
                "it; were it not positive, nothing would be learnt from that object.",
                {"selected": second},
                right=True,
            ),
        ),
    )
