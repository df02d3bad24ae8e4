"""The loss as a ledger: one row for each anchor, one column for each step from the network's answer to a number.

Shapes: K anchors, in any order; the four columns of deltas are dx, dy, dw, dh. Labels: 1 positive, 0 negative, -1 left
out of the loss. `rpn.rpn_losses` is the same sum in two calls of PyTorch, a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from rpnviz._inputs import take_number, take_numbers, take_whole, take_whole_numbers
from rpnviz.rpn import BETA


@dataclass(frozen=True)
class Normalisation:
    """By what the two sums are divided before they are added.

    Attributes:
        beta: where smooth L1 turns from a parabola into a line; 0 is plain L1.
        n_cls: divides the sum of the cross-entropies; None is the number of anchors sampled.
        n_reg: divides the sum of the box losses; None is the number of anchors sampled.
        box_weight: λ, multiplies the box loss.
        whose: where it is done like this, in words.

    Raises:
        ValueError: if beta or box_weight is negative, or a divisor is below 1.
    """

    beta: float
    n_cls: int | None
    n_reg: int | None
    box_weight: float
    whose: str

    def __post_init__(self) -> None:
        """Refuse what nothing can be divided or multiplied by."""
        for argument in ("beta", "box_weight"):
            object.__setattr__(self, argument, take_number(getattr(self, argument), argument))
        for argument in ("n_cls", "n_reg"):
            if (divisor := getattr(self, argument)) is not None:
                object.__setattr__(self, argument, take_whole(divisor, argument))

    def factors(self, num_sampled: int) -> tuple[float, float]:
        """What one unit of cross-entropy, and one unit of box loss, adds to the loss; a ValueError for less than 0."""
        num_sampled = take_whole(num_sampled, "num_sampled", low=0)
        n_cls = max(num_sampled, 1) if self.n_cls is None else self.n_cls
        n_reg = max(num_sampled, 1) if self.n_reg is None else self.n_reg
        return 1 / n_cls, self.box_weight / n_reg


# Paper: equation 1, with Fast R-CNN's smooth L1. py-faster-rcnn writes beta as 1 / sigma², sigma = 3.
NORMALISATIONS = {
    "paper": Normalisation(1.0, 256, 2400, 10.0, "the paper"),
    "torchvision": Normalisation(BETA, None, None, 1.0, "torchvision, py-faster-rcnn"),
    "detectron2": Normalisation(0.0, 256, 256, 1.0, "detectron2"),
}


@dataclass(frozen=True)
class Ledger:
    """The loss of K anchors, worked out. Float64: a ledger does not round.

    Attributes:
        objectness (Tensor[K]): logits.
        scores (Tensor[K]): their sigmoid.
        labels (Tensor[K]): 1, 0 or -1.
        bce (Tensor[K]): binary cross-entropy, 0 where left out.
        bce_slopes (Tensor[K]): its derivative by the logit, score − label; 0 where left out.
        deltas (Tensor[K, 4]): what the network says.
        targets (Tensor[K, 4]): what it should say.
        differences (Tensor[K, 4]): deltas − targets.
        smooth_l1 (Tensor[K, 4]): of the differences; 0 for all that is not positive.
        slopes (Tensor[K, 4]): its derivative by the deltas, -1 to 1; 0 for all that is not positive.
        on_line (Tensor[K, 4]): bool; the difference is beyond the parabola.
        beta: where the parabola ends.
    """

    objectness: Tensor
    scores: Tensor
    labels: Tensor
    bce: Tensor
    bce_slopes: Tensor
    deltas: Tensor
    targets: Tensor
    differences: Tensor
    smooth_l1: Tensor
    slopes: Tensor
    on_line: Tensor
    beta: float

    @property
    def box_loss(self) -> Tensor:
        """Tensor[K]: the four smooth L1 of each anchor, added."""
        return self.smooth_l1.sum(dim=1)


def binary_cross_entropy(objectness: Tensor, labels: Tensor) -> Tensor:
    """−ln of the score for an object, −ln of 1 − score for background.

    Args:
        objectness (Tensor[K]): logits.
        labels (Tensor[K]): 1 or 0; -1 counts as 0.

    Returns:
        Tensor[K].

    Raises:
        ValueError: as `write_ledger`.

    Source: Ren et al. 2015, equation 1, L_cls.
    Differs: no. Written as ln(1 + e^∓logit), which is the same number and does not overflow.
    """
    objectness, labels = take_numbers(objectness, "objectness", "K"), _checked_labels(labels, len(objectness))
    signed = torch.where(labels == 1, -objectness, objectness)
    return signed.clamp(min=0) + torch.log1p(torch.exp(-signed.abs()))


def smooth_l1(differences: Tensor, beta: float = BETA) -> Tensor:
    """A parabola near 0, a line further out; both have slope 1 where they meet.

    Args:
        differences (Tensor[...]): prediction − target.
        beta: |difference| below it is on the parabola; 0 leaves the line alone, which is L1.

    Returns:
        Tensor[...]: d² / (2 · beta) on the parabola, |d| − beta / 2 on the line.

    Raises:
        ValueError: if a difference is not finite, or beta is negative or not finite.

    Source: Girshick 2015 (Fast R-CNN), equation 3, for beta = 1.
    Differs: no; torch.nn.functional.smooth_l1_loss.
    """
    beta, size = take_number(beta, "beta"), take_numbers(differences, "differences").abs()
    if beta == 0:
        return size
    return torch.where(size < beta, size**2 / (2 * beta), size - beta / 2)


def smooth_l1_slope(differences: Tensor, beta: float = BETA) -> Tensor:
    """The derivative of `smooth_l1`: difference / beta on the parabola, then −1 or 1, however far the target is.

    Args:
        differences (Tensor[...]): prediction − target.
        beta: as in `smooth_l1`.

    Returns:
        Tensor[...]: in [-1, 1].

    Raises:
        ValueError: as `smooth_l1`.
    """
    beta, differences = take_number(beta, "beta"), take_numbers(differences, "differences")
    return differences.sign() if beta == 0 else (differences / beta).clamp(-1, 1)


def write_ledger(
    objectness: Tensor, pred_bbox_deltas: Tensor, labels: Tensor, regression_targets: Tensor, beta: float = BETA
) -> Ledger:
    """Work out the loss of each anchor, step by step.

    Args:
        objectness (Tensor[K]): logits.
        pred_bbox_deltas (Tensor[K, 4]): (dx, dy, dw, dh).
        labels (Tensor[K]): 1, 0, or -1 for an anchor that is left out.
        regression_targets (Tensor[K, 4]): counts for positives only.
        beta: of smooth L1.

    Returns:
        Ledger: see there.

    Raises:
        ValueError: if shapes do not belong together, a number is not finite, a label is none of the three, or beta is
            negative.

    Source: Ren et al. 2015, equation 1, before the sums.
    Differs: no.
    """
    logits, deltas, labels, targets = _checked_rows(objectness, pred_bbox_deltas, labels, regression_targets)
    beta = take_number(beta, "beta")
    # 1. Objectness: every anchor with a label counts.
    counts = (labels >= 0).double()
    scores = torch.sigmoid(logits)
    bce = binary_cross_entropy(logits, labels) * counts
    bce_slopes = (scores - labels.double()) * counts
    # 2. Box: positives only; background has no box to move to.
    has_box = (labels == 1).double()[:, None]  # p* of the paper
    differences = deltas - targets
    losses = smooth_l1(differences, beta) * has_box
    slopes = smooth_l1_slope(differences, beta) * has_box
    on_line = differences.abs() >= beta
    return Ledger(logits, scores, labels, bce, bce_slopes, deltas, targets, differences, losses, slopes, on_line, beta)


def minibatch_losses(
    objectness: Tensor,
    pred_bbox_deltas: Tensor,
    labels: Tensor,
    regression_targets: Tensor,
    normalisation: Normalisation = NORMALISATIONS["torchvision"],
) -> tuple[float, float]:
    """Add up the ledger of the sampled anchors and divide, as the paper or one of its descendants does.

    Args:
        objectness (Tensor[K]): logits of the sampled anchors.
        pred_bbox_deltas (Tensor[K, 4]): their deltas.
        labels (Tensor[K]): their labels.
        regression_targets (Tensor[K, 4]): their targets.
        normalisation: by what to divide.

    Returns:
        loss_objectness, loss_rpn_box_reg: weighted, so that their sum is the loss.

    Raises:
        ValueError: as `write_ledger`.
    """
    ledger = write_ledger(objectness, pred_bbox_deltas, labels, regression_targets, normalisation.beta)
    per_bce, per_box = normalisation.factors(int((ledger.labels >= 0).sum()))
    return float(ledger.bce.sum()) * per_bce, float(ledger.box_loss.sum()) * per_box


def take_step(ledger: Ledger, learning_rate: float) -> tuple[Tensor, Tensor]:
    """One step of gradient descent on the network's answer itself, each anchor on its own loss.

    Training moves the weights, and thereby all answers at once; this is the direction in which an anchor pulls.

    Args:
        ledger (Ledger): of K anchors.
        learning_rate: how far to go for a slope of 1.

    Returns:
        objectness (Tensor[K]), pred_bbox_deltas (Tensor[K, 4]): after the step.

    Raises:
        ValueError: if learning_rate is not above 0 and finite.
    """
    learning_rate = take_number(learning_rate, "learning_rate", above=True)
    return ledger.objectness - learning_rate * ledger.bce_slopes, ledger.deltas - learning_rate * ledger.slopes


def _checked_rows(
    objectness: Tensor, pred_bbox_deltas: Tensor, labels: Tensor, regression_targets: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The four columns of a ledger, fit to compute with: float64 without gradients, labels int64."""
    logits = take_numbers(objectness, "objectness", "K").detach().double()
    deltas = take_numbers(pred_bbox_deltas, "pred_bbox_deltas", f"{len(logits)}, 4").detach().double()
    targets = take_numbers(regression_targets, "regression_targets", f"{len(logits)}, 4").detach().double()
    return logits, deltas, _checked_labels(labels, len(logits)), targets


def _checked_labels(labels: Tensor, count: int) -> Tensor:
    """Labels of any number type, one for each of `count` anchors, as int64."""
    return take_whole_numbers(labels, "labels", f"{count}", -1, 1)
