"""What learners believe of IoU, labels and the minibatch (notebooks 04 and 05), as questions above the views.

Each function reads an explorer as it stands and returns its question: where the answers move to, and every number in
their sentences, is worked out from what the explorer holds.
"""

from __future__ import annotations

import torch
from torch import Tensor

from rpnviz.anchors import cell_anchors
from rpnviz.boxes import box_area, box_iou
from rpnviz.explorers.iou import IouPlayground
from rpnviz.explorers.labels import LabelExplorer
from rpnviz.explorers.minibatch import MinibatchExplorer
from rpnviz.explorers.questions import Choice, Question
from rpnviz.grid import Grid
from rpnviz.targets import IGNORED, NEGATIVE, TIE


def where_is_iou(explorer: IouPlayground) -> Question:
    """Is IoU computed on the feature map?"""
    grid = Grid.paper(explorer.picture.image_size)
    (stride_y, stride_x), thresholds = grid.stride, {"bg_iou_thresh": 0.3, "fg_iou_thresh": 0.7}
    small = torch.tensor([480.0, 300.0, 530.0, 345.0])
    beside = small + torch.tensor([9.0, 6.0, 9.0, 6.0])
    cells = torch.tensor([stride_x, stride_y, stride_x, stride_y])
    shared, in_cells = _iou(small, beside), _iou((small / cells).round(), (beside / cells).round())
    window = grid.footprint(0, 0)
    seen = f"{window[2] - window[0]:.0f}×{window[3] - window[1]:.0f}"
    objects = explorer.picture.gt_boxes
    largest = objects[int(box_area(objects).argmax())]
    middle = ((largest[:2] + largest[2:]) / 2).round()
    over = cell_anchors()[4] + torch.cat([middle, middle])
    far = small + torch.tensor([0.0, 0.0, 1.0, 1.0])
    return Question(
        fact=5,
        text="The IoU of an anchor and an object: what is it computed on?",
        choices=(
            Choice(
                "On the feature map, in whole cells",
                f"The IoU of these two is {shared:.2f}. Rounded to whole cells they would be one and the same box, IoU "
                f"{in_cells:.2f}: the map is far too coarse.",
                {"anchor": beside.tolist(), "gt": small.tolist(), **thresholds},
            ),
            Choice(
                "On the picture, in its pixels",
                f"The anchor is one pixel wider and higher than the object, and the IoU, {_iou(small, far):.3f}, tells "
                "them apart. Two boxes are all that it needs.",
                {"anchor": far.tolist(), "gt": small.tolist(), **thresholds},
                right=True,
            ),
            Choice(
                "In the window, with what it sees of the object",
                f"This anchor and this object are much larger than the window's {seen} px, and their IoU is "
                f"{_iou(over, largest):.2f}: whole boxes are compared.",
                {"anchor": over.tolist(), "gt": largest.tolist(), **thresholds},
            ),
        ),
    )


def low_iou_positive(explorer: LabelExplorer) -> Question:
    """How can an anchor with IoU 0.4 be positive?"""
    found, names = explorer.found, [plan["name"] for plan in explorer.plan["objects"]]
    weak = found.low_quality.nonzero().flatten()
    ignored = ((found.labels == IGNORED) & ~found.crosses_boundary).nonzero().flatten()
    weakest = int(weak[found.iou[weak] <= found.iou[weak].min() + TIE][-1])  # the view opens at the first of them
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


def always_half(explorer: MinibatchExplorer) -> Question:
    """Always 128 + 128?"""
    pos, neg = explorer.sampled_pos_inds, explorer.sampled_neg_inds
    size, there = explorer.batch_size_per_image, explorer.counts["positive"]
    most = int(size * explorer.positive_fraction)
    return Question(
        fact=9,
        text=f"{size} anchors are drawn, with a positive fraction of {explorer.positive_fraction:g}. "
        f"Is it always {most} + {size - most}?",
        choices=(
            Choice(
                "Yes: that is what balanced means",
                f"This is one of only {there} positive anchors of the picture: all are drawn, and there is no "
                f"{there + 1}th.",
                {"selected": int(pos[len(pos) // 3])},
            ),
            Choice(
                "No: with fewer positives the batch is smaller",
                f"It has {size} all the same: this negative is one of {len(neg)} that fill it up.",
                {"selected": int(neg[0])},
            ),
            Choice(
                f"No: at most {most} are positive, and negatives fill up",
                f"{len(pos)} + {len(neg)} here, and this is the last of the {len(pos)}: the line at {most} is a "
                "ceiling, not a promise.",
                {"selected": int(pos[-1])},
                right=True,
            ),
        ),
    )


def which_number(explorer: MinibatchExplorer) -> Question:
    """256, 128 or 512?"""
    pos, neg, size = explorer.sampled_pos_inds, explorer.sampled_neg_inds, explorer.batch_size_per_image
    drawn = len(pos) + len(neg)
    return Question(
        fact=8,
        text="You read of 128, of 256 and of 512 that are drawn. Which of them train the RPN on this picture?",
        choices=(
            Choice(
                "512 of the 2,000 proposals",
                "This one was drawn, and it is an anchor, at its fixed place: no network has proposed it. The 512 are "
                "drawn from proposals, later, for the second head.",
                {"selected": int(neg[len(neg) // 2])},
            ),
            Choice(
                f"{size} of the anchors",
                f"{drawn} dots and rings, each of them an anchor; this is one. The 128 or 512 are the second head's.",
                {"selected": int(pos[len(pos) // 2])},
                right=True,
            ),
            Choice(
                "128: the positive half",
                "This negative is in the loss as well, and its answer should be 'background'. The 128 that the paper "
                "draws from the proposals belong to the second head.",
                {"selected": int(neg[-1])},
            ),
        ),
    )


def rest_of_the_map(explorer: MinibatchExplorer) -> Question:
    """How do you train on 256 of a dense map?"""
    found, drawn = explorer.found, torch.cat([explorer.sampled_pos_inds, explorer.sampled_neg_inds])
    left_out = torch.ones(len(found.labels), dtype=torch.bool).index_fill(0, drawn, False)
    undrawn = (left_out & (found.labels == NEGATIVE)).nonzero().flatten()
    ignored = ((found.labels == IGNORED) & ~found.crosses_boundary).nonzero().flatten()
    near, best = int(undrawn[found.iou[undrawn].argmax()]), int(ignored[found.iou[ignored].argmax()])
    number, rest = len(found.labels), int(left_out.sum())
    return Question(
        fact=19,
        text=f"{len(drawn)} of {number:,} anchors are drawn. What happens to the other {rest:,} in this step?",
        choices=(
            Choice(
                "They are computed like all others, and left out of the loss",
                "This negative was not drawn; the convolution answers for it all the same, and the loss picks its "
                f"{len(drawn)} rows.",
                {"selected": near},
                right=True,
            ),
            Choice(
                "The network is run at the drawn places only",
                f"This cell has no anchor in the sample, yet a convolution runs over the whole map: {number:,} logits "
                "come out, wanted or not.",
                {"selected": _lonely(explorer, left_out)},
            ),
            Choice(
                "They count as background",
                f"This one overlaps an object by {float(found.iou[best]):.2f}. Calling it background would teach "
                "something wrong, so it has no loss.",
                {"selected": best},
            ),
        ),
    )


def _iou(one: Tensor, other: Tensor) -> float:
    return float(box_iou(one[None], other[None]))


def _lonely(explorer: MinibatchExplorer, left_out: Tensor) -> int:
    """An anchor of a cell of which none is drawn, nearest to the middle of the map."""
    rows, cols = explorer.grid.feature_size
    a = len(left_out) // (rows * cols)
    empty = left_out.view(rows, cols, a).all(dim=2).nonzero()
    middle = torch.tensor([rows / 2, cols / 2])
    row, col = empty[int(((empty - middle) ** 2).sum(dim=1).argmin())].tolist()
    return int((row * cols + col) * a)
