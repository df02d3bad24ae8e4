"""Every public function on every type of number: it works as on float32, or it names the argument that it refuses.

`rows` has one entry for each public function, class and method that is given tensors or numbers; a function without an
entry fails here. Its arguments are exact in all types. Each is handed over as half, as an array, as lists …, alone and
together with all others, and the result compared with float32's.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import math
import pkgutil
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import rpnviz
from rpnviz.anchors import cell_anchors, grid_anchors, inside_picture
from rpnviz.backbone import Backbone, preprocess
from rpnviz.boxes import box_area, box_iou, check_boxes, clip, decode, encode, pair_iou
from rpnviz.detection import RoIHead, detect, roi_losses
from rpnviz.fit.anchor_sets import one_map
from rpnviz.fit.lattice import Lattice, count_reaching, find_best
from rpnviz.fit.suggest import cluster_sizes, size_ious
from rpnviz.grid import Grid
from rpnviz.inspect.channels import Response, cells_inside, class_response
from rpnviz.inspect.convention_differences import Case, differences
from rpnviz.inspect.convention_presets import CONVENTIONS
from rpnviz.inspect.conventions import convention_cells, decode_by, encode_by, label_by, losses_by, propose_by
from rpnviz.inspect.convolution import one_output
from rpnviz.inspect.funnel import stage_by_stage
from rpnviz.inspect.layers import halvings, layer_table, run_layer
from rpnviz.inspect.loss_ledger import (
    NORMALISATIONS,
    Normalisation,
    binary_cross_entropy,
    minibatch_losses,
    smooth_l1,
    smooth_l1_slope,
    take_step,
    write_ledger,
)
from rpnviz.inspect.misreadings import MISREADINGS
from rpnviz.inspect.nms_steps import nms_steps, ranking, states_after
from rpnviz.inspect.pyramid import Level, best_by_level, propose_by_level
from rpnviz.inspect.recall import average_recall, best_ious, recall, recall_table
from rpnviz.inspect.receptive_field import input_gradient, nonzero_box, uniform_path_weights
from rpnviz.pictures import Picture, fitted_place
from rpnviz.proposals import propose
from rpnviz.roi import align_one_box, neighbours, pool_one_box, sample_proposals, to_cells, to_pixels
from rpnviz.rpn import RPNHead, flatten_head, rpn_losses
from rpnviz.targets import AnchorLabels, label_anchors, regression_targets, sample_minibatch, sample_unbalanced
from rpnviz.train.head import HeadTraining, mirror_boxes
from rpnviz.train.recording import Replay
from rpnviz.train.roi_head import best_proposals
from rpnviz.train.training import OURS, draw_minibatch
from rpnviz.train.variants import VARIANTS

# --- the table --------------------------------------------------------------------------------------------------------


@dataclass
class Row:
    """A call whose result is known.

    `numbers` are tensors of any numbers, `whole` tensors of labels and indices, `settings` single numbers, tuples and
    the rest. A gradient flows back to the arguments in `differentiable`, and to no other.
    """

    call: Callable[..., Any]
    numbers: dict[str, Tensor] = dataclasses.field(default_factory=dict)
    whole: dict[str, Tensor] = dataclasses.field(default_factory=dict)
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    differentiable: tuple[str, ...] = ()

    @property
    def tensors(self) -> dict[str, Tensor]:
        return {**self.numbers, **self.whole}

    def run(self, **changed: Any) -> Any:
        return self.call(**{**self.tensors, **self.settings, **changed})


# Multiples of 4 up to 252 and of 1/4 up to 4: exact in bfloat16, which has eight binary digits.
BOXES = torch.tensor([[0.0, 0, 64, 64], [16, 8, 80, 72], [128, 32, 192, 160], [4, 4, 60, 200]])
OTHERS = torch.tensor([[4.0, 0, 68, 60], [0, 0, 100, 100], [120, 40, 200, 152], [0, 8, 64, 192]])
DELTAS = torch.tensor([[0.25, -0.5, 0.5, 0.0], [0, 0, 0, 0], [-1, 0.75, -0.25, 1], [0.5, 0.5, 0.25, 0.25]])
LOGITS = torch.tensor([1.5, -0.75, 3.0, 0.25])
LABELS = torch.tensor([1, 0, 1, -1])
TARGETS = torch.tensor([[0.0, 0.25, -0.5, 1], [0, 0, 0, 0], [0.5, 0.5, 0.5, 0.5], [0, 0, 0, 0]])
SIZE = (96, 128)
GRID = Grid.floor(SIZE)  # 6 × 8 cells
LATTICE = Lattice("P4", 16, 0.5, BOXES)
MAPS = torch.tensor([[6, 8]]).expand(4, 2)
LEVELS = [Level("P2", (1, 3), (16, 16), 1), Level("P3", (1, 1), (32, 32), 1)]


def maps(channels: int, rows: int = 6, cols: int = 8, seed: int = 0) -> Tensor:
    """Tensor[C, h, w] of quarters from -2 to 2."""
    numbers = torch.randint(-8, 9, (channels, rows, cols), generator=torch.Generator().manual_seed(seed))
    return numbers / 4


def seeded(call: Callable[..., Any]) -> Callable[..., Any]:
    """The call with the same random draw each time."""
    return lambda **given: call(generator=torch.Generator().manual_seed(0), **given)


def shapes(module: type[torch.nn.Module]) -> Callable[..., Any]:
    """How large a network's weights are, which are random."""
    return lambda **given: [tuple(weight.shape) for weight in module(**given).parameters()]


def told(training: HeadTraining) -> tuple[Any, ...]:
    """What a training was given."""
    rate = training.optimizer.param_groups[0]["max_lr"]
    seed = training.generator.initial_seed()
    return training.steps, training.batch_size, rate, seed, training.anchors, training.features[0].float()


def rows() -> dict[str, Row]:
    """By qualified name."""
    torch.manual_seed(0)
    head, roi_head, backbone = RPNHead(4, 2), RoIHead(4, 3, channels=4, hidden=8), Backbone((2, 2, 2, 2, 2))
    picture = Picture(np.full((*SIZE, 3), 100, np.uint8), BOXES[:1], ["dog"], "mine")
    large = Picture(np.full((600, 1000, 3), 100, np.uint8), BOXES[:1], ["dog"], "large")
    layers = layer_table(backbone, GRID)
    stages = propose(LOGITS, DELTAS, BOXES, SIZE, nms_thresh=0.5)
    near = find_best(OTHERS, LATTICE, MAPS, MAPS * 2.0)
    steps = nms_steps(BOXES, LOGITS, 0.5)
    ledger = write_ledger(LOGITS, DELTAS, LABELS, TARGETS)
    aligned = align_one_box(maps(2), torch.tensor([1.0, 1, 5, 4]))
    quality = torch.tensor([[0.75, 0.25, 0.0, 0.5], [0.125, 0.5, 0.0, 0.25]])
    answer = {"objectness": LOGITS, "pred_bbox_deltas": DELTAS}
    cell = {"row": 3, "col": 5}
    features = maps(4)[None]
    return {
        # boxes
        "check_boxes": Row(check_boxes, {"boxes": BOXES}, {}, {"argument": "boxes"}, ("boxes",)),
        "box_area": Row(box_area, {"boxes": BOXES}, differentiable=("boxes",)),
        "box_iou": Row(box_iou, {"boxes1": BOXES, "boxes2": OTHERS}, differentiable=("boxes1", "boxes2")),
        "pair_iou": Row(pair_iou, {"box1": BOXES[0], "box2": OTHERS[1]}),
        "clip": Row(clip, {"boxes": BOXES}, {}, {"image_size": SIZE}, ("boxes",)),
        "encode": Row(encode, {"gt_boxes": OTHERS, "anchors": BOXES}, differentiable=("gt_boxes", "anchors")),
        "decode": Row(decode, {"deltas": DELTAS, "anchors": BOXES}, differentiable=("deltas", "anchors")),
        # pictures
        "fitted_place": Row(fitted_place, {}, {}, {"size": SIZE}),
        # grid
        "Grid": Row(lambda **given: Grid("mine", **given), {}, {}, {"image_size": SIZE, "input_size": (64, 96)}),
        "Grid.paper": Row(Grid.paper, {}, {}, {"image_size": SIZE}),
        "Grid.floor": Row(Grid.floor, {}, {}, {"image_size": SIZE}),
        "Grid.ceil": Row(Grid.ceil, {}, {}, {"image_size": SIZE}),
        "Grid.named": Row(Grid.named, {}, {}, {"name": "ceil", "image_size": SIZE}),
        "Grid.centre": Row(GRID.centre, {}, {}, cell),
        "Grid.footprint": Row(GRID.footprint, {}, {}, cell),
        "Grid.receptive_field": Row(GRID.receptive_field, {}, {}, cell),
        "Grid.cell_at": Row(GRID.cell_at, {}, {}, {"x": 60.5, "y": 33.0}),
        # anchors
        "cell_anchors": Row(
            cell_anchors, {"scales": torch.tensor([16.0, 64]), "aspect_ratios": torch.tensor([0.5, 1, 2])}
        ),
        "grid_anchors": Row(grid_anchors, {"cells": BOXES}, {}, {"grid": GRID}, ("cells",)),
        "inside_picture": Row(inside_picture, {"anchors": BOXES}, {}, {"image_size": SIZE}),
        # targets
        "AnchorLabels.from_labels": Row(
            AnchorLabels.from_labels,
            {"match_quality_matrix": quality},
            {"labels": LABELS, "crosses_boundary": torch.tensor([0, 0, 1, 0])},
            {"fg_iou_thresh": 0.75},
        ),
        "label_anchors": Row(
            label_anchors,
            {"anchors": BOXES, "gt_boxes": OTHERS[1:]},
            {},
            {"image_size": SIZE, "fg_iou_thresh": 0.5, "bg_iou_thresh": 0.25, "drop_cross_boundary": False},
        ),
        "sample_minibatch": Row(
            seeded(sample_minibatch), {}, {"labels": LABELS}, {"batch_size_per_image": 2, "positive_fraction": 0.5}
        ),
        "sample_unbalanced": Row(seeded(sample_unbalanced), {}, {"labels": LABELS}, {"batch_size_per_image": 2}),
        "regression_targets": Row(
            regression_targets,
            {"anchors": BOXES, "gt_boxes": OTHERS[:2]},
            {"matched_idxs": torch.tensor([1, -1, 0, -1])},
        ),
        # rpn
        "RPNHead": Row(shapes(RPNHead), {}, {}, {"in_channels": 4, "num_anchors": 2, "kernel_size": 1}),
        "RPNHead.window_vector": Row(head.window_vector, {"features": features}, differentiable=("features",)),
        "RPNHead.forward": Row(head.forward, {"features": features}, differentiable=("features",)),
        "RPNHead.at_cells": Row(
            head.at_cells, {"features": features}, {"cells": torch.tensor([7, 0, 47])}, differentiable=("features",)
        ),
        "flatten_head": Row(
            flatten_head,
            {"objectness": maps(2)[None], "pred_bbox_deltas": maps(8)[None]},
            differentiable=("objectness", "pred_bbox_deltas"),
        ),
        "rpn_losses": Row(
            rpn_losses,
            {**answer, "regression_targets": TARGETS},
            {"labels": LABELS, "sampled_pos_inds": torch.tensor([0, 2]), "sampled_neg_inds": torch.tensor([1])},
            differentiable=("objectness", "pred_bbox_deltas"),
        ),
        # ledger
        "Normalisation": Row(
            lambda **given: Normalisation(whose="mine", **given).factors(3),
            {},
            {},
            {"beta": 0.5, "n_cls": 256, "n_reg": 8, "box_weight": 2.5},
        ),
        "Normalisation.factors": Row(NORMALISATIONS["torchvision"].factors, {}, {}, {"num_sampled": 3}),
        "binary_cross_entropy": Row(
            binary_cross_entropy, {"objectness": LOGITS}, {"labels": LABELS}, differentiable=("objectness",)
        ),
        "smooth_l1": Row(smooth_l1, {"differences": DELTAS}, {}, {"beta": 0.5}, ("differences",)),
        "smooth_l1_slope": Row(smooth_l1_slope, {"differences": DELTAS}, {}, {"beta": 0.5}, ("differences",)),
        "write_ledger": Row(write_ledger, {**answer, "regression_targets": TARGETS}, {"labels": LABELS}, {"beta": 0.5}),
        "minibatch_losses": Row(minibatch_losses, {**answer, "regression_targets": TARGETS}, {"labels": LABELS}),
        "take_step": Row(take_step, {}, {}, {"ledger": ledger, "learning_rate": 0.5}),
        # proposals and nms
        "propose": Row(
            propose,
            {**answer, "anchors": BOXES},
            {},
            {"image_size": SIZE, "pre_nms_top_n": 3, "post_nms_top_n": 2, "nms_thresh": 0.5, "min_size": 4.0},
        ),
        "Stages.fate": Row(stages.fate, {}, {}, {"index": 2}),
        "propose_by_level": Row(
            propose_by_level,
            {"objectness": LOGITS, "decoded": BOXES},
            {},
            {
                **{"levels": LEVELS, "image_size": SIZE, "pre_nms_top_n": 2, "post_nms_top_n": 2},
                **{"nms_thresh": 0.5, "min_size": 4.0, "score_thresh": 0.25},
            },
        ),
        "PyramidStages.fate": Row(propose_by_level(LOGITS, BOXES, LEVELS, SIZE).fate, {}, {}, {"index": 2}),
        "best_by_level": Row(best_by_level, {"boxes": BOXES, "gt_boxes": OTHERS[:3]}, {}, {"levels": LEVELS}),
        # conventions
        "convention_cells": Row(
            lambda **given: convention_cells(CONVENTIONS["detectron2"], **given),
            {"scales": torch.tensor([16.0, 64]), "aspect_ratios": torch.tensor([0.5, 1, 2])},
        ),
        "label_by": Row(
            lambda **given: label_by(CONVENTIONS["Mask_RCNN"], **given),
            {"anchors": BOXES, "gt_boxes": OTHERS[1:], "crowd_boxes": OTHERS[:1]},
            {},
            {"image_size": SIZE},
        ),
        "encode_by": Row(
            lambda **given: encode_by(CONVENTIONS["Mask_RCNN"], **given),
            {"gt_boxes": OTHERS, "anchors": BOXES},
            differentiable=("gt_boxes", "anchors"),
        ),
        "decode_by": Row(
            lambda **given: decode_by(CONVENTIONS["py-faster-rcnn"], **given),
            {"deltas": DELTAS, "anchors": BOXES},
            differentiable=("deltas", "anchors"),
        ),
        "losses_by": Row(
            lambda **given: losses_by(CONVENTIONS["Mask_RCNN"], **given),
            {**answer, "regression_targets": TARGETS},
            {"labels": LABELS},
        ),
        "propose_by": Row(
            lambda **given: propose_by(CONVENTIONS["torchvision"], **given),
            {"objectness": LOGITS, "boxes": BOXES},
            {},
            {"image_size": SIZE, "resized_by": 2.0},
        ),
        "Case": Row(
            lambda **given: differences(CONVENTIONS["torchvision"], Case(Grid.floor((16, 16)), **given)),
            {"gt_boxes": BOXES[:2], "objectness": LOGITS.repeat(3)[:9], "pred_bbox_deltas": DELTAS.repeat(3, 1)[:9]},
            {},
            {"seed": 1, "crowd": 0, "resized_by": 2.0},
        ),
        "Misreading.boxes": Row(
            lambda **given: MISREADINGS["dy, dx, dh, dw"].boxes(grid=Grid.floor((16, 16)), **given),
            {"pred_bbox_deltas": DELTAS.repeat(3, 1)[:9]},
        ),
        "Misreading.propose": Row(
            lambda **given: MISREADINGS["the score for background"].propose(grid=Grid.floor((16, 16)), **given),
            {"objectness": LOGITS.repeat(3)[:9], "pred_bbox_deltas": DELTAS.repeat(3, 1)[:9]},
            {},
            {"post_nms_top_n": 3},
        ),
        # whether anchors fit
        "Lattice": Row(lambda **given: Lattice("P4", **given), {"cells": BOXES}, {}, {"stride": 16.0, "offset": 0.5}),
        "find_best": Row(
            find_best,
            {"gt_boxes": OTHERS, "strides": MAPS * 2.0},
            {"map_sizes": MAPS, "inside_sizes": MAPS * 40},
            {"lattice": LATTICE},
        ),
        "count_reaching": Row(
            count_reaching, {"gt_boxes": OTHERS}, {}, {"lattice": LATTICE, "best": near, "iou_thresh": 0.5}
        ),
        "size_ious": Row(size_ious, {"sizes": BOXES[:, 2:], "others": OTHERS[:2, 2:]}),
        "cluster_sizes": Row(cluster_sizes, {"sizes": BOXES[:, 2:]}, {}, {"k": 2, "seed": 1}),
        "one_map": Row(lambda **given: one_map(**given).shapes, {}, {}, {"stride": 16.0}),
        "ranking": Row(ranking, {"scores": LOGITS}),
        "nms_steps": Row(nms_steps, {"boxes": BOXES, "scores": LOGITS}, {}, {"nms_thresh": 0.5}),
        "states_after": Row(states_after, {}, {}, {"steps": steps, "turns": 2}),
        # recall and funnel
        "best_ious": Row(best_ious, {"proposals": BOXES, "gt_boxes": OTHERS}, {}, {"top_n": 3}),
        "recall": Row(recall, {"ious": torch.tensor([0.5, 0.75, 0.25])}, {}, {"iou_thresh": 0.5}),
        "average_recall": Row(
            average_recall, {"ious": torch.tensor([0.5, 0.75, 0.25])}, {}, {"iou_thresholds": (0.5, 0.75)}
        ),
        "recall_table": Row(
            lambda proposals, gt_boxes, top_ns: recall_table([(proposals, gt_boxes)], top_ns),
            {"proposals": BOXES, "gt_boxes": OTHERS},
            {},
            {"top_ns": (1, 3)},
        ),
        "Stage.covered": Row(stage_by_stage(stages, BOXES, OTHERS)[-1].covered, {}, {}, {"iou_thresh": 0.5}),
        "stage_by_stage": Row(stage_by_stage, {"anchors": BOXES, "gt_boxes": OTHERS}, {}, {"stages": stages}),
        # roi
        "to_cells": Row(to_cells, {"boxes": BOXES}, {}, {"grid": GRID}, ("boxes",)),
        "to_pixels": Row(to_pixels, {"boxes": BOXES}, {}, {"grid": GRID}, ("boxes",)),
        "pool_one_box": Row(
            pool_one_box,
            {"features": maps(2), "box": torch.tensor([0.5, 1, 6, 4.75])},
            {},
            {"output_size": (2, 3)},
            ("features",),
        ),
        "align_one_box": Row(
            align_one_box,
            {"features": maps(2), "box": torch.tensor([0.5, 1, 6, 4.75])},
            {},
            {"output_size": (2, 3), "sampling_ratio": 0},
            ("features", "box"),
        ),
        "AlignedBox.points": Row(aligned.points, {}, {}, {"bin_row": 1, "bin_col": 6}),
        "neighbours": Row(
            neighbours, {"points": torch.tensor([[0.5, 1.25], [-2, 3]])}, {}, {"feature_size": (4, 6)}, ("points",)
        ),
        "sample_proposals": Row(
            seeded(sample_proposals),
            {"proposals": BOXES, "gt_boxes": OTHERS[:2]},
            {"gt_labels": torch.tensor([2, 1])},
            {"batch_size_per_image": 4, "positive_fraction": 0.5, "fg_iou_thresh": 0.5, "bg_iou_thresh": 0.25},
        ),
        # the second head
        "RoIHead": Row(shapes(RoIHead), {}, {}, {"in_channels": 4, "num_classes": 3, "channels": 2, "hidden": 5}),
        "RoIHead.forward": Row(
            roi_head.forward, {"features": features, "proposals": BOXES}, {}, {"grid": GRID}, ("features",)
        ),
        "roi_losses": Row(
            roi_losses,
            {"class_logits": maps(1, 4, 3)[0], "box_regression": maps(4, 3, 4), "regression_targets": TARGETS},
            {"labels": torch.tensor([0, 2, 1, 0])},
            differentiable=("class_logits", "box_regression"),
        ),
        "detect": Row(
            detect,
            {"features": features, "proposals": BOXES},
            {},
            {"head": roi_head, "grid": GRID, "score_thresh": 0.125, "nms_thresh": 0.5, "max_detections": 4},
        ),
        # the backbone and its layers
        "Backbone": Row(
            shapes(Backbone),
            {},
            {},
            {"widths": (2, 2, 3, 2, 2)},
        ),
        "Backbone.forward": Row(backbone.forward, {"images": maps(3, 32, 48)[None]}, differentiable=("images",)),
        "preprocess": Row(
            preprocess, {"images": maps(3, 4, 6)[None] * 8}, {}, {"input_size": (8, 9)}, differentiable=("images",)
        ),
        "halvings": Row(halvings, {}, {}, {"length": 100}),
        "Layer.sees": Row(layers[-1].sees, {}, {}, cell),
        "run_layer": Row(run_layer, {"x": features}, {}, {"modules": [head.conv], "ceil_mode": False}, ("x",)),
        "input_gradient": Row(
            input_gradient,
            {},
            {},
            {"backbone": backbone, "picture": picture, "grid": GRID, "layer": "conv2_1", **cell},
        ),
        "uniform_path_weights": Row(uniform_path_weights, {}, {}, {"layers": layers[:4], "grid": GRID, **cell}),
        "nonzero_box": Row(nonzero_box, {"values": maps(1)[0]}),
        "cells_inside": Row(cells_inside, {"boxes": BOXES}, {}, {"grid": GRID}),
        "one_output": Row(
            one_output,
            {
                "features": maps(2, 6, 8)[None],
                "weight": maps(6, 3, 3).view(3, 2, 3, 3),
                "bias": maps(3, 1, 1).flatten(),
            },
            {},
            {"row": 2, "col": 3, "output": 1},
        ),
        "class_response": Row(
            class_response, {"features": features}, {}, {"picture": picture, "grid": GRID, "class_name": "dog"}
        ),
        "Response": Row(
            Response,
            {"inside": LOGITS, "outside": DELTAS[0]},
            {},
            {"cells_inside": 3, "cells_outside": 5},
        ),
        "mirror_boxes": Row(mirror_boxes, {"boxes": BOXES}, {}, {"grid": GRID}, ("boxes",)),
        "draw_minibatch": Row(
            seeded(draw_minibatch),
            {"anchors": BOXES, "gt_boxes": OTHERS},
            {},
            {"image_size": SIZE, "rules": OURS},
        ),
        "HeadTraining": Row(
            lambda features, **given: told(
                HeadTraining(backbone, RPNHead(2, 4), [large], features=[features], **given)
            ),
            {"cells": BOXES, "features": maps(2, 40, 60).repeat(2, 1, 1, 1)},
            {},
            {"steps": 3, "batch_size": 2, "max_lr": 0.5, "seed": 1},
        ),
        "Variant.new_head": Row(
            lambda **given: VARIANTS["one scale only"].new_head(**given).conv.weight.detach(),
            {},
            {},
            {"seed": 3, "in_channels": 2},
        ),
        "best_proposals": Row(
            best_proposals, {"features": maps(2, 40, 60)[None]}, {}, {"head": RPNHead(2), "grid": Grid.paper()}
        ),
        # a recorded run
        "Replay": Row(
            lambda **given: Replay(["mine"], **given),
            {
                "loss_objectness": LOGITS,
                "loss_rpn_box_reg": LOGITS,
                "proposals": BOXES.repeat(1, 1, 13, 1)[:, :, :50].repeat(2, 1, 1, 1),
                "scores": torch.full((2, 1, 50), 0.5),
                "recall": torch.tensor([[0.25], [0.5]]),
            },
            {
                "steps": torch.tensor([0, 4]),
                "loss_steps": torch.arange(1, 5),
                "objectness": torch.full((2, 1, 6, 8), 9),
                "top_ns": torch.tensor([50]),
            },
            {"held_out": 3},
        ),
    }


ROWS = rows()

# Public, and given numbers, but tried elsewhere.
ELSEWHERE = {
    "Picture": "tests/test_pictures.py",
    "Steps": "is tried by those that derive from it",
    "Steps.draw": "is asked for the number of pictures or views",
    "Training": "is HeadTraining with another view",
    "Training.predict": "is given what `view` returns",
    "Training.inputs": "is given what `view` returns",
    "Training.losses": "is given what `view` returns",
    "HeadTraining.losses": "is given what `view` returns",
    "RoITraining": "is HeadTraining with another view",
    "mean_losses": "is given what the losses return",
    "pairwise_iou": "is given what `box_iou` or `label_anchors` has looked at",
    "Stages.from_nms": "is given the stages of `propose`",
    "fit_anchors": "tests/fit/test_fitting.py: its anchors are made by `one_map` and `pyramid`",
    "pyramid": "tests/fit/test_anchor_sets.py: each map's scales go to `cell_anchors`",
    **dict.fromkeys(
        ("AnchorSet.count", "AnchorSet.maps", "AnchorSet.with_shapes", "Resizing.apply", "Tally", "Tally.add"),
        "is given what `Annotations.batches` has looked at",
    ),
    **dict.fromkeys(
        ("Notes.add", "Pictures.add", "Pictures.name", "Pictures.place", "Reservoir", "halves"),
        "is given what a reader has looked at",
    ),
    **dict.fromkeys(
        ("suggest", "search_products", "product_snippets"), "is given what `compare` has looked at, or makes it itself"
    ),
}
VIEWS = ("explorers", "exercises", "figures")  # tests/explorers/test_inputs.py has the explorers


def public() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every public function, class that takes arguments, and method outside the views, by its qualified name."""
    for module in pkgutil.walk_packages(rpnviz.__path__, "rpnviz."):
        parts = module.name.split(".")[1:]
        if any(part.startswith(("_", *VIEWS)) for part in parts):
            continue
        for thing in vars(importlib.import_module(module.name)).values():
            if getattr(thing, "__module__", "") != module.name or getattr(thing, "__name__", "_").startswith("_"):
                continue
            if inspect.isfunction(thing):
                yield thing.__qualname__, thing
            elif inspect.isclass(thing):
                # A dataclass that looks at nothing is a record: it is handed out, not taken.
                if not dataclasses.is_dataclass(thing) or "__post_init__" in vars(thing):
                    yield thing.__qualname__, thing.__init__
                for name, method in vars(thing).items():
                    method = getattr(method, "__func__", method)  # of a classmethod
                    if inspect.isfunction(method) and not name.startswith("_"):
                        yield method.__qualname__, method


def takes_numbers(function: Callable[..., Any]) -> bool:
    annotations = [str(parameter.annotation) for parameter in inspect.signature(function).parameters.values()]
    return any(re.search(r"\b(Tensor|int|float)\b", annotation) for annotation in annotations)


def test_every_public_function_that_takes_numbers_has_a_row() -> None:
    wanted = {name for name, function in public() if takes_numbers(function)}
    assert {"box_iou", "Grid", "Grid.centre", "RPNHead.forward", "Normalisation"} <= wanted
    assert wanted == set(ROWS) | set(ELSEWHERE)
    assert not set(ROWS) & set(ELSEWHERE)


def test_every_argument_that_takes_numbers_is_in_its_row() -> None:
    functions = dict(public())
    for name, row in ROWS.items():
        given = {**row.tensors, **row.settings}
        for parameter in inspect.signature(functions[name]).parameters.values():
            if re.search(r"\bTensor\b", str(parameter.annotation)) and parameter.name != "pictures":
                assert parameter.name in given, (name, parameter.name)


# --- kinds of numbers -------------------------------------------------------------------------------------------------


def turned(values: Tensor) -> Any:
    """The same numbers in an array that runs backwards through memory."""
    return np.ascontiguousarray(values.numpy()[..., ::-1])[..., ::-1]


KINDS: dict[str, Callable[[Tensor], Any]] = {
    "half": lambda t: t.half(),
    "bfloat16": lambda t: t.bfloat16(),
    "float64": lambda t: t.double(),
    "float32 array": lambda t: t.float().numpy(),
    "float64 array": lambda t: t.double().numpy(),
    "half array": lambda t: t.half().numpy(),
    "turned array": turned,
    "big-endian array": lambda t: t.numpy().astype(t.numpy().dtype.newbyteorder(">")),
    "read-only array": lambda t: np.frombuffer(t.numpy().tobytes(), t.numpy().dtype).reshape(t.shape),
    "lists": lambda t: t.tolist(),
    "strided": lambda t: torch.stack([t, t + 1], dim=-1)[..., 0],
    "with a gradient": lambda t: t.clone().float().requires_grad_(),
    "half with a gradient": lambda t: t.clone().half().requires_grad_(),
}
WHOLE_KINDS: dict[str, Callable[[Tensor], Any]] = {
    "int64": lambda t: t.long(),
    "int32": lambda t: t.int(),
    "int16 array": lambda t: t.numpy().astype(np.int16),
    "list of ints": lambda t: t.long().tolist(),
}


def same(got: Any, wanted: Any, exact: bool) -> None:
    """Compare two results part by part; floats are float32, or float64 if that is what was given."""
    if isinstance(wanted, Tensor):
        assert got.dtype == wanted.dtype or not exact
        assert got.shape == wanted.shape
        assert got.dtype not in (torch.half, torch.bfloat16)
        tolerance = 0.0 if exact else 1e-5
        torch.testing.assert_close(got.detach().double(), wanted.detach().double(), rtol=tolerance, atol=tolerance)
    elif dataclasses.is_dataclass(wanted):
        for field in dataclasses.fields(wanted):
            same(getattr(got, field.name), getattr(wanted, field.name), exact)
    elif isinstance(wanted, (tuple, list)):
        assert len(got) == len(wanted)
        for one, other in zip(got, wanted, strict=True):
            same(one, other, exact)
    elif isinstance(wanted, dict):
        assert got == wanted and set(map(type, got)) == set(map(type, wanted))
    elif isinstance(wanted, float):
        assert type(got) is float and got == pytest.approx(wanted, abs=1e-5)
    else:
        assert got == wanted and type(got) is type(wanted)


def parts(result: Any) -> Iterator[Tensor]:
    """All tensors in a result."""
    if isinstance(result, Tensor):
        yield result
    elif dataclasses.is_dataclass(result):
        for field in dataclasses.fields(result):
            yield from parts(getattr(result, field.name))
    elif isinstance(result, (tuple, list)):
        for part in result:
            yield from parts(part)


def kinds_of(row: Row, argument: str) -> dict[str, Callable[[Tensor], Any]]:
    values = row.tensors[argument]
    return {**KINDS, **WHOLE_KINDS} if bool((values == values.round()).all()) else KINDS


NAMED = [(name, argument) for name, row in ROWS.items() for argument in row.tensors]


@pytest.mark.parametrize(("name", "argument"), NAMED)
def test_each_argument_may_have_any_type_beside_float32(name: str, argument: str) -> None:
    row = ROWS[name]
    wanted = row.run()
    for kind, convert in kinds_of(row, argument).items():
        got = row.run(**{argument: convert(row.tensors[argument])})
        try:
            same(got, wanted, exact="float64" not in kind)
        except AssertionError as error:
            raise AssertionError(f"{argument} as {kind}") from error


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.tensors])
def test_all_arguments_may_have_the_same_other_type(name: str) -> None:
    row = ROWS[name]
    wanted = row.run()
    for kind, convert in KINDS.items():
        got = row.run(**{argument: convert(values) for argument, values in row.tensors.items()})
        try:
            same(got, wanted, exact="float64" not in kind)
        except AssertionError as error:
            raise AssertionError(f"all as {kind}") from error


@pytest.mark.parametrize(("name", "argument"), NAMED)
def test_gradients_flow_where_they_are_meant_to(name: str, argument: str) -> None:
    row = ROWS[name]
    found = []
    for dtype in (torch.float32, torch.half):
        leaf = row.tensors[argument].clone().to(dtype).requires_grad_()
        with torch.enable_grad():
            results = [part for part in parts(row.run(**{argument: leaf})) if part.is_floating_point()]
        if argument not in row.differentiable:
            weights = any(part.requires_grad for part in parts(row.run()))  # those of a network
            assert weights or not any(part.requires_grad for part in results)
            continue
        sum(part.sum() for part in results if part.requires_grad).backward()  # type: ignore[union-attr]
        assert leaf.grad is not None and leaf.grad.dtype == dtype and torch.isfinite(leaf.grad).all()
        found.append(leaf.grad.float())
    if found:
        torch.testing.assert_close(found[1], found[0], rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize(("name", "argument"), NAMED)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused_by_name(name: str, argument: str, value: float) -> None:
    row = ROWS[name]
    spoilt = row.tensors[argument].clone().float()
    spoilt.view(-1)[-1] = value
    if name == "Replay" and argument in ("proposals", "scores") and math.isnan(value):
        return  # NaN is a proposal that there was not
    with pytest.raises(ValueError, match=rf"^{argument}\b"):
        row.run(**{argument: spoilt})


NO_TABLES: dict[str, Any] = {
    "a word": "0, 1",
    "words": ["0", "1"],
    "ragged lists": [[0.0, 1], [0.0]],
    "nothing": [None],
    "a dict": {"boxes": 1},
    "complex": torch.zeros(4, 4, dtype=torch.complex64),
    "sparse": torch.eye(4).to_sparse(),
    "five dimensions": torch.zeros(1, 1, 1, 1, 1),
}


@pytest.mark.parametrize(("name", "argument"), NAMED)
@pytest.mark.parametrize("bad", NO_TABLES.values(), ids=NO_TABLES)
def test_what_is_no_table_of_numbers_is_refused_by_name(name: str, argument: str, bad: Any) -> None:
    if argument == "differences" and isinstance(bad, Tensor) and bad.ndim == 5:
        return  # smooth L1 takes any shape
    with pytest.raises(ValueError, match=rf"^{argument}\b"):
        ROWS[name].run(**{argument: bad})


# --- single numbers ---------------------------------------------------------------------------------------------------

SINGLE = [
    (name, setting)
    for name, row in ROWS.items()
    for setting, value in row.settings.items()
    if isinstance(value, (int, float, tuple)) and not isinstance(value, bool)
]


def each(value: Any, convert: Callable[[Any], Any]) -> Any:
    return tuple(map(convert, value)) if isinstance(value, tuple) else convert(value)


@pytest.mark.parametrize(("name", "setting"), SINGLE)
def test_numpys_numbers_are_numbers(name: str, setting: str) -> None:
    row = ROWS[name]
    wanted, value = row.run(), row.settings[setting]
    whole = not isinstance(value[0] if isinstance(value, tuple) else value, float)
    for convert in (np.int64, np.int32, np.uint16, torch.tensor) if whole else (np.float64, np.float32, torch.tensor):
        same(row.run(**{setting: each(value, convert)}), wanted, exact=True)
    if isinstance(value, tuple):
        same(row.run(**{setting: list(value)}), wanted, exact=True)
        same(row.run(**{setting: np.array(value)}), wanted, exact=True)


@pytest.mark.parametrize(("name", "setting"), SINGLE)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -(2**70), "3", None, [1, 2, 3], 1j])
def test_what_is_no_single_number_is_refused_by_name(name: str, setting: str, bad: Any) -> None:
    if bad is None and setting in ("n_cls", "n_reg"):
        return  # the number that was sampled
    row = ROWS[name]
    with pytest.raises(ValueError, match=rf"\b{setting}\b"):
        row.run(**{setting: each(row.settings[setting], lambda _: bad)})


# --- limits -----------------------------------------------------------------------------------------------------------

# Each just above its limit: without it a gigabyte or two would be asked for, and not all the memory there is.
TOO_MUCH: dict[str, tuple[Callable[[], Any], str]] = {  # more of it in tests/bad_inputs
    "its bins": (
        lambda: ROWS["RoIHead.forward"].run(proposals=BOXES[:1].expand(1_400_000, 4)),
        "proposals make 274,400,000 values in their bins; at most 268,435,456",
    ),
    "a recorded run": (
        lambda: ROWS["Replay"].run(objectness=torch.zeros(1, 1, 1, 1).expand(2, 1, 6000, 6000)),
        "objectness and proposals are 72,001,600 bytes; at most 67,108,864",
    ),
}


@pytest.mark.parametrize(("call", "message"), TOO_MUCH.values(), ids=TOO_MUCH)
def test_what_would_fill_the_memory_is_refused_by_name(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        call()


def test_what_a_lesson_asks_for_is_within_the_limits() -> None:
    assert align_one_box(torch.ones(512, 40, 60), torch.tensor([0.0, 0, 60, 40]), sampling_ratio=0).output.min() == 1
    assert len(grid_anchors(Grid.floor((2160, 3840)), cell_anchors())) == 135 * 240 * 9  # a picture in 4K


# --- faults that were seen --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16])
def test_anchors_of_half_cells_are_not_rounded_to_half(dtype: torch.dtype) -> None:
    """In bfloat16 they were off by up to 5.67 px: 724 + 8 px has no place among its eight digits."""
    cells, grid = cell_anchors(), Grid.paper()
    anchors = grid_anchors(grid, cells.to(dtype))
    assert torch.equal(anchors, grid_anchors(grid, cells.to(dtype).float()))
    assert (anchors - grid_anchors(grid, cells)).abs().max() == (cells.to(dtype) - cells).abs().max() <= 1


def test_what_comes_out_of_autocast_goes_on_in_float32() -> None:
    torch.manual_seed(0)
    head, roi_head, features = RPNHead(8, 4).eval(), RoIHead(8, 3).eval(), maps(8)[None]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        objectness, pred_bbox_deltas = head(features)
        assert objectness.dtype == pred_bbox_deltas.dtype == torch.bfloat16
        answers = flatten_head(objectness, pred_bbox_deltas)
        anchors = grid_anchors(GRID, BOXES)
        stages = propose(*answers, anchors, SIZE)
        found = detect(features, stages.proposals, roi_head, GRID, score_thresh=0.0)
        labels = label_anchors(anchors, OTHERS, SIZE, 0.5, 0.25)
        inds = sample_minibatch(labels.labels, 32)
        targets = regression_targets(anchors, OTHERS, labels.matched_idxs)
        losses = rpn_losses(*answers, labels.labels, targets, *inds)
    wanted = propose(objectness[0].permute(1, 2, 0).flatten().float(), answers[1], anchors, SIZE)
    assert torch.equal(stages.proposals, wanted.proposals) and stages.scores.dtype == torch.float32
    assert found.boxes.dtype == torch.float32 and {loss.dtype for loss in losses} == {torch.float32}
    bins = detect(features, stages.proposals, roi_head, GRID, score_thresh=0.0)  # without autocast
    torch.testing.assert_close(found.boxes[:1], bins.boxes[:1], atol=1.0, rtol=0.02)


def test_networks_in_half_take_any_features() -> None:
    for network, given in ((RPNHead(4, 2).half(), ()), (RoIHead(4, 3).bfloat16(), (BOXES, GRID))):
        for features in (maps(4)[None], maps(4)[None].double(), maps(4)[None].half()):
            assert all(torch.isfinite(answer).all() for answer in network(features, *given))
    assert Backbone((2, 2, 2, 2, 2)).bfloat16()(maps(3, 32, 32)[None]).shape == (1, 512, 2, 2)


def test_a_grid_of_numpys_sizes_is_the_same_grid() -> None:
    sizes: Any = (np.int64(96), np.int32(128))
    grid = Grid.floor(sizes)
    assert grid == GRID and hash(grid) == hash(GRID) and {type(side) for side in grid.image_size} == {int}


def test_a_scale_without_its_list_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"^scales must be one or more finite numbers above 0 and at most 16,777,216; got 128"
    ):
        cell_anchors(128)  # type: ignore[arg-type]


@pytest.mark.parametrize(("pos", "neg", "argument"), [([0, 3], [1], "pos"), ([0], [1, 3], "neg"), ([1], [], "pos")])
def test_a_loss_over_other_labels_than_it_says_is_refused(pos: list[int], neg: list[int], argument: str) -> None:
    inds = {"sampled_pos_inds": torch.tensor(pos), "sampled_neg_inds": torch.tensor(neg).long()}
    with pytest.raises(ValueError, match=rf"^sampled_{argument}_inds must name anchors of label .*, whose label is"):
        ROWS["rpn_losses"].run(**inds)
    with pytest.raises(ValueError, match=r"^sampled_pos_inds must be whole numbers, 0 to 3; got -1"):
        ROWS["rpn_losses"].run(sampled_pos_inds=torch.tensor([-1]))


@pytest.mark.parametrize("name", ["n_cls", "n_reg"])
def test_nothing_is_divided_by_nothing(name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be a whole number of at least 1; got 0"):
        ROWS["Normalisation"].run(**{name: 0})


def test_no_boxes_may_be_an_empty_list() -> None:
    assert box_iou([], BOXES).shape == (0, 4)  # type: ignore[arg-type]
    assert not (label_anchors(BOXES, [], SIZE).labels == 1).any()  # type: ignore[arg-type]


def test_a_refusal_is_a_sentence_and_not_a_table() -> None:
    with pytest.raises(ValueError, match=r"got \[0, 0, 0, 0, 0, 0, \.\.\.\]$"):
        cell_anchors([0] * 100_000)
