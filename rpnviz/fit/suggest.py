"""Other anchors for these objects: found on one half of the pictures, judged on the other.

Two ways. k-means gives k shapes, whatever their areas and ratios, as YOLO9000 chose its boxes. The search gives scales
and ratios, which is what most detectors take: of all products it takes what covers most.

Shapes: n objects, k shapes; sizes are (height, width), px of the network's input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from torch import Tensor

from rpnviz._inputs import take_numbers, take_whole
from rpnviz.fit.anchor_sets import AnchorSet
from rpnviz.fit.coverage import Compared, Resized, compare
from rpnviz.fit.result import IOU_THRESHOLDS, Suggestion
from rpnviz.fit.snippets import list_snippets, product_snippets

FEWEST, MOST = 3, 15  # shapes
WORTH_MORE = 0.005  # of coverage at both thresholds together: what another shape must bring
ROUNDS = 100
SCALES = tuple(round(8 * 2 ** (i / 2)) for i in range(15))  # 8 to 1024 px, two an octave
RATIOS = (0.2, 0.25, 0.33, 0.5, 0.67, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0)
MOST_RATIOS = 5


@dataclass(frozen=True, eq=False)
class Half:
    """Objects of one half of the pictures."""

    objects: Resized

    def __len__(self) -> int:
        """How many there are."""
        return len(self.objects.boxes)


def size_ious(sizes: Tensor, others: Tensor) -> Tensor:
    """IoU of boxes that share their centre.

    Args:
        sizes (Tensor[n, 2]): (height, width).
        others (Tensor[k, 2]): likewise.

    Returns:
        Tensor[n, k]

    Source: Redmon and Farhadi 2017 (YOLO9000), section 2, "Dimension Clusters": the distance of k-means is 1 - IoU.
    """
    sizes, others = take_numbers(sizes, "sizes", "n, 2").detach(), take_numbers(others, "others", "k, 2").detach()
    heights, widths = (torch.minimum(sizes[:, i, None], others[:, i]) for i in (0, 1))  # [n, k]
    shared = heights * widths
    return shared / (sizes.prod(dim=1)[:, None] + others.prod(dim=1) - shared)


def cluster_sizes(sizes: Tensor, k: int, seed: int = 0) -> Tensor:
    """Find k shapes by k-means with the distance 1 - IoU.

    Args:
        sizes (Tensor[n, 2]): (height, width) of objects, n ≥ k.
        k: how many shapes.
        seed: of the first shapes, each drawn far from those before it (k-means++).

    Returns:
        Tensor[k, 2]: float64, smallest area first.

    Raises:
        ValueError: if there are fewer objects than shapes.
    """
    sizes = take_numbers(sizes, "sizes", "n, 2").detach().double()
    k = take_whole(k, "k", 1, len(sizes))
    random = np.random.default_rng(take_whole(seed, "seed", 0))
    # 1. The first shapes: objects, each chosen with a probability of its squared distance to the nearest before it.
    centres = sizes[int(random.integers(len(sizes)))][None]
    for _ in range(k - 1):
        far = ((1 - size_ious(sizes, centres)).amin(dim=1) ** 2).numpy() + 1e-12
        centres = torch.cat([centres, sizes[int(random.choice(len(sizes), p=far / far.sum()))][None]])
    # 2. Each object to the shape it overlaps most; each shape to the middle of its objects; until nothing moves.
    nearest = torch.full((len(sizes),), -1)
    for _ in range(ROUNDS):
        before, nearest = nearest, size_ious(sizes, centres).argmax(dim=1)
        if torch.equal(before, nearest):
            break
        for i in range(k):
            if (nearest == i).any():
                centres[i] = sizes[nearest == i].median(dim=0).values
    return centres[centres.prod(dim=1).argsort()]


def search_products(
    half: Half, anchors: AnchorSet, counts: Sequence[int]
) -> dict[int, tuple[list[float], list[float]]]:
    """Find scales and ratios whose products cover most, for each number of shapes that is a product of two.

    Coverage counts at IOU_THRESHOLDS together; the mean IoU decides between equals. Of each scale and ratio of a fixed
    list, the best IoU with every object is worked out once; a choice is then a maximum of columns. The choice begins
    with the one best scale of squares and takes in, step by step, whatever scale or ratio helps most.

    Args:
        half: the objects.
        anchors: the detector, for its maps and its border rule.
        counts: the wanted numbers of shapes.

    Returns:
        For each number of shapes: (scales, ratios). Left out are numbers that no product gives, and those that cover
        no more than fewer shapes do.
    """
    shapes = [_sides(scale, ratio) for scale, ratio in product(SCALES, RATIOS)]
    ious = _by_shape(half.objects, anchors, shapes).T.reshape(len(SCALES), len(RATIOS), -1)
    grown = [one for most in range(1, MOST_RATIOS + 1) for one in _grow(ious, most, max(counts))]
    found, so_far = dict[int, tuple[list[float], list[float]]](), 0.0
    for count in counts:
        worths = [(_worth(ious, *one), one) for one in grown if len(one[0]) * len(one[1]) == count]
        worth, (scales, ratios) = max(worths, default=(0.0, ([], [])))
        if worth > so_far + WORTH_MORE:
            found[count] = sorted(SCALES[i] for i in scales), sorted(RATIOS[i] for i in ratios)
            so_far = worth
    return found


def _grow(ious: Tensor, num_ratios: int, most: int) -> list[tuple[list[int], list[int]]]:
    """Choices with so many ratios and ever more scales, up to `most` shapes; ious Tensor[scales, ratios, n]."""
    middle = RATIOS.index(1.0)
    scales, ratios = _take_in(ious[:, middle], [], 1), [middle]
    grown = []
    while len(scales) * num_ratios <= most:
        of_ratios = ious[scales].amax(dim=0)
        ratios = _take_in(of_ratios, ratios, num_ratios)
        for one in list(ratios):  # what was good beside one scale need not be beside several
            ratios = _take_in(of_ratios, [other for other in ratios if other != one], num_ratios)
        grown.append((scales, ratios))
        scales = _take_in(ious[:, ratios].amax(dim=1), scales, len(scales) + 1)
    return grown


def _take_in(ious: Tensor, chosen: list[int], wanted: int) -> list[int]:
    """Add whatever row of Tensor[choices, n] helps most, until there are as many as wanted."""
    while len(chosen) < wanted:
        best = ious[chosen].amax(dim=0) if chosen else torch.zeros(ious.shape[1]).double()
        worths = [-1.0 if i in chosen else _value(torch.maximum(best, row)) for i, row in enumerate(ious)]
        chosen = [*chosen, max(range(len(worths)), key=worths.__getitem__)]
    return chosen


def _worth(ious: Tensor, scales: list[int], ratios: list[int]) -> float:
    return _value(ious[scales][:, ratios].flatten(0, 1).amax(dim=0))


def _value(best: Tensor) -> float:
    """What best IoUs, Tensor[n], are worth."""
    return sum(float((best >= thresh).double().mean()) for thresh in IOU_THRESHOLDS) + 1e-3 * float(best.mean())


def _sides(scale: float, ratio: float) -> tuple[float, float]:
    """(height, width) of an anchor."""
    return scale * ratio**0.5, scale / ratio**0.5


def _by_shape(objects: Resized, anchors: AnchorSet, shapes: list[tuple[float, float]]) -> Tensor:
    """Tensor[n, k]: the best IoU of each shape on its map, in the order of `shapes`."""
    columns = [compare(objects, anchors.with_shapes("", [shape]), count=False).ious for shape in shapes]
    return torch.cat(columns, dim=1)


def judge(half: Half, anchors: AnchorSet) -> tuple[tuple[float, float], float]:
    """Coverage at IOU_THRESHOLDS and the mean IoU that a detector's anchors reach on a half; 0 if it is empty."""
    if not len(half):
        return (0.0, 0.0), 0.0
    compared: Compared = compare(half.objects, anchors, count=False)
    best = compared.ious.amax(dim=1)
    low, high = (float((best >= thresh).double().mean()) for thresh in IOU_THRESHOLDS)
    return (low, high), float(best.mean())


def suggest(first: Half, second: Half, anchors: AnchorSet, usual_size: tuple[int, int]) -> tuple[Suggestion, ...]:
    """Suggest 3 to 15 shapes in both ways.

    Args:
        first: they are found on these objects.
        second: and judged on these.
        anchors: the detector as it is.
        usual_size: (H, W) of the network's input for which anchors are counted.

    Returns:
        The fewest anchors first; none if there are fewer objects than shapes.
    """
    counts = range(FEWEST, MOST + 1)
    if len(first) < MOST or not len(second):
        return ()
    found: list[Suggestion] = []
    for k in counts:
        shapes = [(h, w) for h, w in cluster_sizes(first.objects.sizes, k).round().clamp(min=1).tolist()]
        chosen = anchors.with_shapes("k-means", shapes)
        judged = judge(second, chosen)
        snippets = list_snippets(chosen)
        found.append(
            Suggestion("k-means with 1 − IoU", tuple(shapes), (), (), *judged, chosen.count(usual_size), snippets)
        )
    for scales, ratios in search_products(first, anchors, counts).values():
        shapes = [_sides(scale, ratio) for ratio in ratios for scale in scales]
        chosen = anchors.with_shapes("search", shapes)
        judged = judge(second, chosen)
        snippets = product_snippets(anchors, chosen, scales, ratios)
        own = (tuple(scales), tuple(ratios), *judged, chosen.count(usual_size), snippets)
        found.append(Suggestion("search over coverage", tuple(shapes), *own))
    return tuple(sorted(found, key=lambda one: (one.anchors, len(one.shapes))))
