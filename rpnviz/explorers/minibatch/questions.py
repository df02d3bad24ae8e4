"""What learners believe of the minibatch: questions above its explorer."""

from __future__ import annotations

import torch
from torch import Tensor

from rpnviz.explorers.common.questions import Choice, Question
from rpnviz.explorers.minibatch.explorer import MinibatchExplorer
from rpnviz.targets import IGNORED, NEGATIVE


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
                f"{len(pos)} + {len(neg)} here, and this is the last of the {len(pos)}: {most} is a ceiling, not a "
                "promise.",
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


def _lonely(explorer: MinibatchExplorer, left_out: Tensor) -> int:
    """An anchor of a cell of which none is drawn, nearest to the middle of the map."""
    rows, cols = explorer.grid.feature_size
    a = len(left_out) // (rows * cols)
    empty = left_out.view(rows, cols, a).all(dim=2).nonzero()
    middle = torch.tensor([rows / 2, cols / 2])
    row, col = empty[int(((empty - middle) ** 2).sum(dim=1).argmin())].tolist()
    return int((row * cols + col) * a)
