"""The lesson a second time, in JavaScript: each function of the page's compute modules is held against its original.

Whole numbers are the same (labels, matches, order, what is kept, who suppressed whom), floats within a millionth of
their size, on hundreds of drawn inputs. A twin without a row here is an error, and so is a function of the lesson
without one that is not said to need none.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
import torchvision.ops
from playwright.sync_api import Browser

from rpnviz import anchors, boxes, proposals, roi, rpn, targets
from rpnviz.explorers.common import bundle
from rpnviz.grid import Grid
from rpnviz.inspect import convolution, funnel, loss_ledger, nms_steps
from tests.explorers.compute import drawn
from tests.explorers.compute.conversation import ASK, check_same, packed, unpacked
from tests.explorers.compute.drawn import IMAGE_SIZE, Rng
from tests.explorers.page_code import Opening, ask_page, exports

CASES = 300
MODULES = sorted(path.relative_to(bundle.EXPLORERS).as_posix() for path in bundle.EXPLORERS.glob("common/compute/*.js"))
LESSON = [boxes, anchors, targets, rpn, proposals, roi, convolution, funnel, loss_ledger, nms_steps]


@dataclass(frozen=True)
class Twin:
    """One function twice.

    Attributes:
        name: module and export, "boxes.js boxIou".
        call: what the page says, an expression over the drawn arguments.
        original: of the lesson.
        python: what it says, of the same arguments, with the page's names.
        draw: makes the arguments.
        size: of the numbers that are added up, where a sum may be much smaller than they are.
    """

    name: str
    call: str
    original: Any
    python: Any
    draw: Any
    size: float = 0.0


def lists(count: int, most: int = 40) -> Callable[[Rng], list[Any]]:
    """So many lists of boxes, of any length each."""
    return lambda rng: [drawn.boxes(rng, drawn.many(rng, most)) for _ in range(count)]


def pair(rng: Rng) -> list[Any]:
    boxes: list[Any] = drawn.boxes(rng, 2).tolist()
    return boxes


def encodable(rng: Rng) -> list[Any]:
    count = drawn.many(rng, 40)
    return [drawn.solid(rng, count), drawn.solid(rng, count)]


def decodable(rng: Rng) -> list[Any]:
    count = drawn.many(rng, 40)
    return [drawn.deltas(rng, count), drawn.boxes(rng, count)]


def grid(rng: Rng) -> list[Any]:
    name = str(rng.choice(["paper", "floor", "ceil"]))
    size = [int(side) for side in rng.integers(33, 1200, 2)] if rng.random() < 0.8 else list(IMAGE_SIZE)
    rows, cols = Grid.named(name, (size[0], size[1])).feature_size
    return [name, size, int(rng.integers(rows)), int(rng.integers(cols)), *rng.uniform(-200, 1300, 2).tolist()]


def placed(rng: Rng) -> list[Any]:
    return [*grid(rng)[:4], drawn.boxes(rng, 1)[0].tolist()]


def laid(name: str, size: list[int]) -> Grid:
    return Grid.named(name, (size[0], size[1]))


def grid_says(name: str, size: list[int], row: int, col: int, x: float, y: float) -> dict[str, Any]:
    made = laid(name, size)
    return {
        "featureSize": made.feature_size,
        "stride": made.stride,
        "centre": made.centre(row, col),
        "cellAt": made.cell_at(x, y),
        "footprint": made.footprint(row, col),
        "receptiveField": made.receptive_field(row, col),
    }


def shapes(rng: Rng) -> list[Any]:
    scales = rng.integers(8, 700, rng.integers(1, 5)).astype(float)
    ratios = rng.choice([0.1, 0.25, 0.5, 1, 1.5, 2, 3, rng.uniform(0.2, 5)], rng.integers(1, 5))
    return [scales.tolist(), ratios.tolist()]


def laid_shapes(rng: Rng) -> list[Any]:
    name, size, *_ = grid(rng)
    return [name, [min(side, 160) for side in size], *shapes(rng)]


def anchors_of(name: str, size: list[int], *own: Any) -> torch.Tensor:
    return anchors.grid_anchors(laid(name, size), anchors.cell_anchors(*own))


def labelling(rng: Rng) -> list[Any]:
    low, high = sorted((drawn.threshold(rng), drawn.threshold(rng)))
    some, objects = drawn.boxes(rng, drawn.many(rng, 80)), drawn.boxes(rng, drawn.many(rng, 6))
    if rng.random() < 0.3:  # twice the same, but for the last digits
        some = np.concatenate([some, some + np.float32(1e-4)])
    return [some, objects, list(IMAGE_SIZE), high, low, bool(rng.random() < 0.7), bool(rng.random() < 0.7)]


LABELS = {
    "labels": "labels",
    "matchedIdxs": "matched_idxs",
    "iou": "iou",
    "bestGtIdxs": "best_gt_idxs",
    "crossesBoundary": "crosses_boundary",
    "lowQuality": "low_quality",
    "bestForGtIdxs": "best_for_gt_idxs",
    "bestIouPerGt": "best_iou_per_gt",
    "bestAnchorPerGt": "best_anchor_per_gt",
    "numTied": "num_tied",
}


def label(*args: Any) -> dict[str, Any]:
    found = targets.label_anchors(*args)
    return {ours: getattr(found, theirs) for ours, theirs in LABELS.items()}


def sampling(rng: Rng) -> list[Any]:
    return [
        drawn.labels(rng, drawn.many(rng, 2000)),
        int(rng.integers(1, 300)),
        float(rng.choice([0, 0.25, 0.5, 1, rng.random()])),
        int(rng.integers(0, 2**32)),
    ]


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def minibatch(inds: tuple[Any, Any]) -> dict[str, Any]:
    return {"posInds": inds[0], "negInds": inds[1]}


def sample(labels: Any, size: int, fraction: float, seed: int) -> dict[str, Any]:
    return minibatch(targets.sample_minibatch(labels, size, fraction, seeded(seed)))


def sample_unbalanced(labels: Any, size: int, _: float, seed: int) -> dict[str, Any]:
    return minibatch(targets.sample_unbalanced(labels, size, seeded(seed)))


def matched(rng: Rng) -> list[Any]:
    count, objects = drawn.many(rng, 40), int(rng.integers(1, 6))
    idxs = rng.integers(-1, objects, count).astype(np.int32)
    return [drawn.solid(rng, count), drawn.solid(rng, objects), idxs]


def losing(rng: Rng) -> list[Any]:
    count = drawn.many(rng, 300)
    marked = drawn.labels(rng, count)
    kept = rng.random(count) < rng.random()
    inds = [np.flatnonzero(kept & (marked == one)).astype(np.int32) for one in (1, 0)]
    return [drawn.logits(rng, count), drawn.deltas(rng, count), marked, drawn.deltas(rng, count), *inds]


def losses(logits: Any, *others: Any) -> dict[str, float]:
    """In float64, as the page adds up: float32 loses digits where a score is nearly right."""
    bce, box = rpn.rpn_losses(logits.astype(np.float64), *others)
    return {"lossObjectness": float(bce), "lossRpnBoxReg": float(box)}


def slopes(logits: Any, deltas: Any, *others: Any) -> dict[str, Any]:
    """By autograd, in float64."""
    answers = [torch.tensor(values, dtype=torch.float64, requires_grad=True) for values in (logits, deltas)]
    torch.stack(rpn.rpn_losses(*answers, *others)).sum().backward()
    return {name: values.grad for name, values in zip(("objectness", "deltas"), answers, strict=True)}


def proposing(rng: Rng) -> list[Any]:
    count = drawn.many(rng, 120)
    settings = {
        "preNmsTopN": int(rng.integers(1, 140)),
        "postNmsTopN": int(rng.integers(1, 60)),
        "nmsThresh": drawn.threshold(rng),
        "minSize": float(rng.choice([0, 16, 20, rng.uniform(0, 60)])),
    }
    answers = drawn.logits(rng, count), drawn.deltas(rng, count) * np.float32(rng.choice([0, 1]))
    return [*answers, drawn.boxes(rng, count), list(IMAGE_SIZE), *settings.values()]


def propose(
    objectness: Any, deltas: Any, some: Any, size: Any, pre: int, post: int, thresh: float, least: float
) -> Any:
    return proposals.propose(objectness, deltas, some, tuple(size), pre, post, thresh, least)


def stages(*args: Any) -> dict[str, Any]:
    found = propose(*args)
    return {
        "allScores": found.all_scores,
        "decoded": found.decoded,
        "allBoxes": found.all_boxes,
        "largeInds": found.large_inds,
        "preNmsInds": found.pre_nms_inds,
        "nmsInds": found.nms_inds,
        "postNmsInds": found.post_nms_inds,
        "rank": found.rank,
        "suppressedBy": found.suppressed_by,
        "suppressedIou": found.suppressed_iou,
    }


def staged(rng: Rng) -> list[Any]:
    return [*proposing(rng), drawn.boxes(rng, drawn.many(rng, 5))]


def stage_by_stage(*args: Any) -> list[Any]:
    found = funnel.stage_by_stage(propose(*args[:-1]), args[2], args[-1])
    return [{"name": one.name, "inds": one.inds, "bestIous": one.best_ious} for one in found]


def scored(rng: Rng) -> list[Any]:
    count = drawn.many(rng, 60)
    return [drawn.boxes(rng, count), drawn.logits(rng, count), drawn.threshold(rng)]


def suppress(some: Any, scores: Any, thresh: float) -> dict[str, Any]:
    rounded = torch.tensor(thresh).item()  # the IoUs are float32
    return {"kept": torchvision.ops.nms(torch.tensor(some), torch.tensor(scores), rounded)}


def classed(rng: Rng) -> list[Any]:
    some, scores, thresh = scored(rng)
    return [some, scores, thresh, rng.integers(1, 4, len(some)).astype(np.int32)]


def suppress_by_class(some: Any, scores: Any, thresh: float, classes: Any) -> Any:
    """As torchvision's loop over the classes does; boxes that it shifts apart lose digits."""
    given = torch.tensor(some), torch.tensor(scores), torch.tensor(classes)
    kept = torchvision.ops.boxes._batched_nms_vanilla(*given, torch.tensor(thresh).item())
    return kept.sort().values[given[1][kept.sort().values].argsort(descending=True, stable=True)]


def window_and_filter(rng: Rng) -> list[Any]:
    channels = drawn.many(rng, 30) + 1
    window, weights = rng.normal(0, 1, (2, channels * 9)).astype(np.float32)
    return [window, weights, float(np.float32(rng.normal()))]


def taken_apart(window: Any, weights: Any, bias: float) -> dict[str, Any]:
    """Of a map of 3×3 cells, whose middle has no padding in its window."""
    features, weight = (torch.tensor(one).view(1, -1, 3, 3) for one in (window, weights))
    made = convolution.one_output(features, weight, torch.tensor([bias]), 1, 1, 0)
    sums = {"products": made.products.flatten(), "channelSums": made.channel_sums}
    return {**sums, "beforeRelu": made.before_relu, "afterRelu": made.after_relu}


WHOLE = """(({ products, channelSums, ...rest }) =>
  ({ products: [...products], channelSums: [...channelSums], ...rest }))(oneOutput(...args))"""


def walking(rng: Rng) -> list[Any]:
    return [*scored(rng), bool(rng.random() < 0.5), bool(rng.random() < 0.5)]


def walk(some: Any, scores: Any, thresh: float, too: bool, reverse: bool) -> dict[str, Any]:
    some, scores = torch.tensor(some), torch.tensor(scores)
    order = nms_steps.ranking(scores, reverse)
    steps = nms_steps.nms_steps(some[order], scores[order], thresh, too)
    by, iou = np.full(len(some), -1), np.zeros(len(some), np.float32)
    for step in steps:
        by[order[step.row]] = order[step.suppressed_by] if step.suppressed_by >= 0 else -1
        iou[order[step.row]] = step.iou
    turn = len(steps) // 2
    states = nms_steps.states_after(steps, turn)
    return {
        "order": order,
        "kept": order[nms_steps.kept_rows(steps)],
        "by": by,
        "iou": iou,
        "states": [states[int(place)] for place in order.argsort()],
    }


def entries(rng: Rng) -> list[Any]:
    count = drawn.many(rng, 30)
    beta = float(rng.choice([0, 1 / 9, 1]))
    return [
        *(drawn.logits(rng, count), drawn.deltas(rng, count), drawn.labels(rng, count), drawn.deltas(rng, count) / 3),
        beta,
    ]


def ledger(logits: Any, deltas: Any, labels: Any, wanted: Any, beta: float) -> list[Any]:
    found = loss_ledger.write_ledger(logits, deltas, labels, wanted, beta)
    after = loss_ledger.take_step(found, 0.05)
    rows = []
    for i in range(len(found.objectness)):
        four = [
            {"difference": found.differences[i, k], "onLine": found.on_line[i, k], "loss": found.smooth_l1[i, k]}
            | {"slope": found.slopes[i, k]}
            for k in range(4)
        ]
        rows.append(
            {
                "score": found.scores[i],
                "bce": found.bce[i],
                "bceSlope": found.bce_slopes[i],
                "boxLoss": found.box_loss[i],
                "rows": four,
                "after": {"logit": after[0][i], "deltas": after[1][i]},
            }
        )
    return rows


def summed(logits: Any, deltas: Any, labels: Any, wanted: Any, beta: float) -> list[float]:
    way = loss_ledger.Normalisation(beta, None, None, 2.0, "nobody")
    return list(loss_ledger.minibatch_losses(logits, deltas, labels, wanted, way))


def pooled(rng: Rng) -> list[Any]:
    rows, cols = (int(side) for side in rng.integers(3, 30, 2))
    box = drawn.boxes(rng, 1)[0] / 25
    box = np.round(box * 2) / 2 if rng.random() < 0.5 else box
    features = rng.normal(0, 1, (rows, cols)).astype(np.float32)
    return [features.ravel(), [rows, cols], box.tolist(), int(rng.integers(1, 8))]


def pool(features: Any, size: list[int], box: list[float], bins: int) -> dict[str, Any]:
    found = roi.pool_one_box(features.reshape(1, *size), torch.tensor(box), (bins, bins))
    return {"rectangle": found.rectangle, "rows": found.rows, "cols": found.cols, "output": found.output}


def aligned(rng: Rng) -> list[Any]:
    return [*pooled(rng), int(rng.integers(0, 4)), bool(rng.random() < 0.5)]


def align(features: Any, size: list[int], box: list[float], bins: int, ratio: int, half: bool) -> dict[str, Any]:
    found = roi.align_one_box(features.reshape(1, *size), torch.tensor(box), (bins, bins), ratio, half)
    return {"ys": found.ys, "xs": found.xs, "output": found.output}


POOL = """(() => {
  const found = poolCells(args[2], args[1], args[3]);
  const output = found.rows.flatMap((rows) => found.cols.map((cols) => largest(args[0], args[1][1], rows, cols).value));
  return { ...found, output };
})()"""
ALIGN = """(() => {
  const found = alignPoints(args[2], args[3], args[4], args[5]);
  return { ...found, output: found.ys.flatMap((ys) => found.xs.map((xs) => mean(args[0], args[1], ys, xs))) };
})()"""
SETTINGS = "{ preNmsTopN: args[4], postNmsTopN: args[5], nmsThresh: args[6], minSize: args[7] }"
ORDER = "Int32Array.from(ranking(args[1], false))"
WALK = """(() => {
  const run = nmsSteps(args[0], ranking(args[1], args[4]), args[2], args[3]);
  const turns = Math.floor(run.order.length / 2);
  return { ...run, kept: keptRows(run), states: Array.from(args[1], (_, row) => stateAfter(run, row, turns)) };
})()"""
LEDGER = """Array.from(args[2], (label, i) => {
  const four = (values) => [...values.subarray(4 * i, 4 * i + 4)];
  const entry = { logit: args[0][i], deltas: four(args[1]), label, targets: four(args[3]) };
  return { ...writeLedger(entry, args[4]), after: takeStep(entry, args[4], 0.05) };
})"""
SUMMED = """(() => {
  const sample = { objectness: args[0], deltas: args[1], labels: args[2], targets: args[3] };
  const drawn = Math.max(args[2].filter((label) => label >= 0).length, 1);
  return minibatchLosses(sample, { beta: args[4], per_bce: 1 / drawn, per_box: 2 / drawn }, { at: -1 });
})()"""
GRID = """(() => {
  const grid = Grid.named(args[0], args[1]);
  const { featureSize, stride } = grid;
  const [centre, cellAt] = [grid.centre(args[2], args[3]), grid.cellAt(args[4], args[5])];
  const [footprint, receptiveField] = [grid.footprint(args[2], args[3]), grid.receptiveField(args[2], args[3])];
  return { featureSize, stride, centre, cellAt, footprint, receptiveField };
})()"""

TWINS = [
    Twin("boxes.js boxArea", "boxArea(...args)", boxes.box_area, boxes.box_area, lists(1)),
    Twin("boxes.js boxIou", "boxIou(...args)", boxes.box_iou, boxes.box_iou, lists(2)),
    Twin(  # to the last bit: an IoU may be the threshold itself
        *("boxes.js boxIou", "new Int32Array(boxIou(...args).buffer)", boxes.box_iou),
        *(lambda *some: (boxes.box_iou(*some) + 0).view(torch.int32), lists(2)),  # −0 is 0
    ),
    Twin("boxes.js pairIou", "pairIou(...args)", boxes.pair_iou, boxes.pair_iou, pair),
    Twin(
        *("boxes.js clip", "clip(args[0], [600, 1000])", boxes.clip),
        *(lambda some: boxes.clip(some, IMAGE_SIZE), lists(1)),
    ),
    Twin("boxes.js encode", "encode(...args)", boxes.encode, boxes.encode, encodable),
    Twin("boxes.js decode", "decode(...args)", boxes.decode, boxes.decode, decodable),
    Twin("grid.js Grid", GRID, Grid, grid_says, grid),
    Twin("anchors.js cellAnchors", "cellAnchors(...args)", anchors.cell_anchors, anchors.cell_anchors, shapes),
    Twin(
        *("anchors.js ctpnCellAnchors", "ctpnCellAnchors()", anchors.ctpn_cell_anchors),
        *(lambda *_: anchors.ctpn_cell_anchors(), shapes),
    ),
    Twin(
        *("anchors.js gridAnchors", "gridAnchors(Grid.named(args[0], args[1]), cellAnchors(args[2], args[3]))"),
        *(
            anchors.grid_anchors,
            anchors_of,
        ),
        laid_shapes,
    ),
    Twin(
        *("anchors.js insidePicture", "insidePicture(args[0], [600, 1000])", anchors.inside_picture),
        *(lambda some: anchors.inside_picture(some, IMAGE_SIZE), lists(1)),
    ),
    Twin("targets.js labelAnchors", "labelAnchors(...args)", targets.label_anchors, label, labelling),
    Twin(
        *("targets.js sampleMinibatch", "sampleMinibatch(args[0], args[1], args[2], manualSeed(args[3]))"),
        *(targets.sample_minibatch, sample, sampling),
    ),
    Twin(
        *("targets.js sampleUnbalanced", "sampleUnbalanced(args[0], args[1], manualSeed(args[3]))"),
        *(targets.sample_unbalanced, sample_unbalanced, sampling),
    ),
    Twin(
        *("targets.js regressionTargets", "regressionTargets(...args)"),
        *(targets.regression_targets, targets.regression_targets, matched),
    ),
    Twin(
        *("rpn.js rpnLosses", "rpnLosses(...args)", rpn.rpn_losses, losses),
        losing,
    ),
    Twin("rpn.js rpnSlopes", "rpnSlopes(...args)", rpn.rpn_losses, slopes, losing, size=0.1),
    Twin(
        *("proposals.js propose", f"propose(...args.slice(0, 4), {SETTINGS})"),
        *(proposals.propose, stages, proposing),
    ),
    Twin(
        "funnel.js stageByStage",
        f"stageByStage(propose(...args.slice(0, 4), {SETTINGS}), args[2], args[8])",
        *(funnel.stage_by_stage, stage_by_stage, staged),
    ),
    Twin(
        "funnel.js scoreOrder",
        f"scoreOrder(propose(...args.slice(0, 4), {SETTINGS}))",
        *(funnel.score_order, lambda *args: funnel.score_order(propose(*args)), proposing),
    ),
    Twin(
        "funnel.js droppedAt",
        f"droppedAt(propose(...args.slice(0, 4), {SETTINGS}))",
        *(funnel.dropped_at, lambda *args: funnel.dropped_at(propose(*args)), proposing),
    ),
    Twin("nms.js nms", f"nms(args[0], {ORDER}, args[2])", torchvision.ops.nms, suppress, scored),
    Twin(
        *("nms.js batchedNms", f"batchedNms(args[0], {ORDER}, args[3], args[2])", torchvision.ops.batched_nms),
        *(suppress_by_class, classed),
    ),
    Twin(
        *("convolution_steps.js oneOutput", WHOLE, convolution.one_output),
        *(taken_apart, window_and_filter),
        size=10.0,
    ),
    Twin("nms_steps.js nmsSteps", WALK, nms_steps.nms_steps, walk, walking),
    Twin(
        "nms_steps.js ranking",
        "ranking(args[1], args[4])",
        nms_steps.ranking,
        lambda *a: nms_steps.ranking(a[1], a[4]),
        walking,
    ),
    Twin("nms_steps.js keptRows", WALK, nms_steps.kept_rows, walk, walking),
    Twin("nms_steps.js stateAfter", WALK, nms_steps.states_after, walk, walking),
    Twin("loss_ledger.js writeLedger", LEDGER, loss_ledger.write_ledger, ledger, entries),
    Twin("loss_ledger.js takeStep", LEDGER, loss_ledger.take_step, ledger, entries),
    Twin("loss_ledger.js minibatchLosses", SUMMED, loss_ledger.minibatch_losses, summed, entries),
    Twin(
        *("loss_ledger.js binaryCrossEntropy", "args[0].map((one, i) => binaryCrossEntropy(one, args[2][i]))"),
        *(loss_ledger.binary_cross_entropy, lambda *a: loss_ledger.binary_cross_entropy(a[0], a[2]), entries),
    ),
    Twin(
        *("loss_ledger.js smoothL1", "args[1].map((one) => smoothL1(one, args[4]))"),
        *(loss_ledger.smooth_l1, lambda *a: loss_ledger.smooth_l1(a[1], a[4]), entries),
    ),
    Twin(
        *("loss_ledger.js smoothL1Slope", "args[1].map((one) => smoothL1Slope(one, args[4]))"),
        *(loss_ledger.smooth_l1_slope, lambda *a: loss_ledger.smooth_l1_slope(a[1], a[4]), entries),
    ),
    Twin(
        *("roi.js toCells", "toCells(args[4], Grid.named(args[0], args[1]).stride)", roi.to_cells),
        *(lambda name, size, _, __, box: roi.to_cells(torch.tensor([box]), laid(name, size)), placed),
    ),
    Twin(
        *("roi.js toPixels", "toPixels(args[4], Grid.named(args[0], args[1]).stride)", roi.to_pixels),
        *(lambda name, size, _, __, box: roi.to_pixels(torch.tensor([box]), laid(name, size)), placed),
    ),
    Twin("roi.js poolCells", POOL, roi.pool_one_box, pool, pooled),
    Twin("roi.js alignPoints", ALIGN, roi.align_one_box, align, aligned, size=1),
]

# Exports that are no function of the lesson: parts of one that a view needs alone, or what Python has from a library.
PARTS = {
    "backbone.js": "DEPTHS LAYERS MEAN OUT_CHANNELS STD networkInput",
    "bilinear.js": "resizeBilinear",
    "boxes.js": "BBOX_XFORM_CLIP boxAt clamp iouAt listOf sharedBox sides",
    "anchors.js": "ASPECT_RATIOS SCALES",
    "convolution.js": "BLOCK bestBinary",
    "detection.js": "BINS BOX_WEIGHTS CLASSES MOST_PROPOSALS",
    "kernel.js": "FUSED SIMD SOURCE_SHA256",
    "lanczos.js": "resizeLanczos",
    "pictures.js": "FIT_SIZE MAX_FILE_BYTES MAX_PIXELS PADDING fit fitBitmap fittedPlace readBitmap withoutAlpha",
    "safetensors.js": "tensorOf",
    "turns.js": "nobodyWaits turnsOnThePage",
    "winograd.js": "TILE turnedWeights",
    "funnel.js": "STAGES overlapsWith stagesLeft",
    "grid.js": "CELL halved",
    "generator.js": "manualSeed normal randint randperm skip",
    "half.js": "fromHalf halfValues toHalf",
    "adamw.js": "AdamW oneCycle",
    "variants.js": "INTACT VARIANTS",
    "loss_ledger.js": "sigmoid",
    "nms_steps.js": "victims",
    "proposals.js": "DEFAULTS chooseBoxes moveAnchors",
    "pyramid.js": "anchorOf",
    "roi.js": "largest mean neighbours valueAt",
    "rpn.js": "BETA RPN_LAYERS flattenHead transposed",
    "targets.js": "IGNORED NEGATIVE POSITIVE",
}
# The network, its training and the opening of a picture: held against PyTorch and Pillow by other tests.
ELSEWHERE = {
    "test_page_training.py": {"head_features.js featuresAndMirrored", "head_features.js mirrorBoxes"},
    "test_head_training.py": {"head_training.js HeadTraining", "trained_head.js TrainedHead", "new_head.js newHead"},
    "network_page.py": {"backbone.js Backbone", "rpn.js RPNHead"},
    "test_network_numbers.py": {"backbone.js preprocess", "detection.js RoIHead", "detection.js detect"}
    | {"convolution.js Kernel"},
    "test_network_weights.py": {"safetensors.js readSafetensors"},
    "test_page_pictures.py": {"pictures.js openPicture"},
    "test_pyramid_explorer.py": {f"pyramid.js {name}" for name in ("bestAnchor", "countReaching", "proposeByLevel")},
}
# Functions of the lesson that the page has no need of.
ALONE = {
    boxes: "check_boxes pairwise_iou",
    rpn: "flatten_head",
    roi: "neighbours sample_proposals",
}


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.name)
def test_page_says_what_python_says(browser: Browser, twin: Twin) -> None:
    rng = np.random.default_rng(0)
    cases = [twin.draw(rng) for _ in range(CASES)]
    for i, said in enumerate(converse(browser, twin.call, cases)):
        check_same(said, twin.python(*cases[i]), f"{twin.name}, case {i}", twin.size)


def converse(browser: Opening, call: str, cases: list[Any]) -> list[Any]:
    """What the page says of each case, with all compute modules in reach."""
    answer = f"{ASK}\nconst answer = (args) => {call};"
    return [unpacked(one) for one in ask_page(browser, MODULES, answer, [packed(case) for case in cases])]


def test_every_function_of_the_page_has_an_original() -> None:
    held: dict[str, set[str]] = {}
    for both in [*(twin.name for twin in TWINS), *set().union(*ELSEWHERE.values())]:
        module, name = both.split()
        held.setdefault(module, set()).add(name)
    for module in MODULES:
        name = module.rpartition("/")[2]
        parts = set(PARTS.get(name, "").split())
        assert set(exports(module)) == held.get(name, set()) | parts, name
    for test, names in ELSEWHERE.items():
        text = (Path(__file__).parent.parent / test).read_text("utf-8")
        assert all(name.split()[1] in text for name in names), test


@pytest.mark.parametrize("module", LESSON, ids=lambda module: module.__name__)
def test_every_function_of_the_lesson_has_a_twin(module: ModuleType) -> None:
    own = {
        name
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
    }
    twins = {twin.original.__name__ for twin in TWINS if twin.original.__module__ == module.__name__}
    assert own == twins | set(ALONE.get(module, "").split())


def test_constants_are_the_lessons(browser: Browser) -> None:
    named = "({ BBOX_XFORM_CLIP, SCALES, ASPECT_RATIOS, STAGES, BETA, POSITIVE, NEGATIVE, IGNORED })"
    (said,) = converse(browser, named, [None])
    theirs = {
        "BBOX_XFORM_CLIP": boxes.BBOX_XFORM_CLIP,
        "SCALES": anchors.SCALES,
        "ASPECT_RATIOS": anchors.ASPECT_RATIOS,
        "STAGES": list(funnel.STAGES),
        "BETA": rpn.BETA,
        **{name: getattr(targets, name) for name in ("POSITIVE", "NEGATIVE", "IGNORED")},
    }
    check_same(said, theirs, "constants")
