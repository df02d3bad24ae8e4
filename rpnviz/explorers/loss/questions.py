"""What learners believe of the loss (notebook 06), as questions above its view.

Each function reads an explorer as it stands and returns its question: where the answers move to, and every number in
their sentences, is worked out from what the explorer holds.
"""

from __future__ import annotations

import torch

from rpnviz.boxes import decode, pair_iou
from rpnviz.explorers.common.questions import Choice, Question
from rpnviz.explorers.loss.explorer import LossExplorer
from rpnviz.inspect.loss_ledger import NORMALISATIONS


def whose_iou(explorer: LossExplorer) -> Question:
    """Is the IoU that of the anchor or of the prediction?"""
    keys, offered = list(explorer.rows), explorer.offered
    decoded = [_decoded_iou(explorer, i) for i in range(len(keys))]
    fits = explorer.fg_iou_thresh
    fitting = [i for i, anchor in enumerate(offered) if anchor["label"] == 1 and anchor["iou"] >= fits]
    spoilt = min(fitting, key=lambda i: decoded[i])  # fits, and is moved off
    worst, alarm = keys.index("worst"), keys.index("alarm")
    return Question(
        fact=6,
        text="An IoU decides whether an anchor is positive. The IoU of which box with the object?",
        veiled=True,
        choices=(
            Choice(
                "The predicted one: what finds the object is positive",
                f"The network moves this anchor off, to an IoU of {decoded[spoilt]:.2f}. It is positive: its own is "
                f"{offered[spoilt]['iou_text']}.",
                _answer(explorer, spoilt),
            ),
            Choice(
                "The anchor's own, wherever the network moves it",
                f"This anchor has {offered[worst]['iou_text']}, the best there is for its object, and so is "
                f"positive; pull its box, now at {decoded[worst]:.2f}, wherever you like: the label stays.",
                _answer(explorer, worst),
                right=True,
            ),
            Choice(
                "The better one of the two",
                f"The better of these two is {decoded[alarm]:.2f}, above {explorer.bg_iou_thresh:g}. "
                f"The anchor is negative all the same: its own is {offered[alarm]['iou_text']}.",
                _answer(explorer, alarm),
            ),
        ),
    )


def where_is_lambda(explorer: LossExplorer) -> Question:
    """Where is λ = 10 in the code?"""
    sampled = len(explorer.scene.sampled_inds)
    paper, code = NORMALISATIONS["paper"], NORMALISATIONS["torchvision"]
    shares = {way: 1 / way.factors(sampled)[1] for way in (paper, code)}
    first = _answer(explorer, 0)
    weaker = 1 - shares[paper] / shares[code]
    return Question(
        fact=17,
        text=f"The paper multiplies the box loss by λ = {paper.box_weight:g}. Search the code of torchvision: no 10. "
        "Why?",
        veiled=True,
        choices=(
            Choice(
                "It was forgotten, and its boxes are trained ten times too weakly",
                f"See the column box ×: 1/{shares[paper]:.0f} in the paper, λ and all, 1/{shares[code]:.0f} in "
                f"torchvision. Its boxes count {weaker:.0%} less, not ten times.",
                {**first, "normalisation": "paper"},
            ),
            Choice(
                "There is nothing left to weigh: both sums are divided by the same number",
                f"{paper.box_weight:g}/{paper.n_reg:,} is 1/{shares[paper]:.0f}, and the code divides by "
                f"{shares[code]:.0f}, the number sampled: nearly the same.",
                {**first, "normalisation": "torchvision"},
                right=True,
            ),
            Choice(
                "It hides in the learning rate",
                "A learning rate would scale both parts of the loss alike; λ weighs one against the other, and the "
                "sums show them apart.",
                {**first, "normalisation": "detectron2"},
            ),
        ),
    )


def _answer(explorer: LossExplorer, i: int) -> dict[str, object]:
    """The moves to an anchor that is offered, with the network's own answer."""
    anchor = explorer.offered[i]
    return {"chosen": i, "logit": anchor["logit"], "deltas": anchor["deltas"], "close_up": True}


def _decoded_iou(explorer: LossExplorer, i: int) -> float:
    """The best IoU with an object of the box that the network makes of an anchor that is offered."""
    anchor = explorer.offered[i]
    box = decode(torch.tensor([anchor["deltas"]]), torch.tensor([anchor["box"]]))
    return max(pair_iou(box[0], gt_box) for gt_box in explorer.scene.picture.gt_boxes)
