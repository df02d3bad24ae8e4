"""Each formula of the sheet, worked out, is what the function that it names gives."""

from __future__ import annotations

import importlib
import inspect
import math
import re
from typing import Any

import pytest
import torch
from docutils.utils.math.latex2mathml import tex2mathml
from torchvision.ops.poolers import LevelMapper

from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.backbone import Backbone
from rpnviz.boxes import box_area, box_iou, decode, encode
from rpnviz.grid import Grid
from rpnviz.inspect.layers import layer_table
from rpnviz.inspect.loss_ledger import NORMALISATIONS, binary_cross_entropy, minibatch_losses, smooth_l1
from rpnviz.roi import align_one_box, neighbours
from rpnviz.rpn import BETA, RPNHead, rpn_losses
from rpnviz.targets import sample_minibatch
from tools.docs.formulas import FORMULAS, sheet
from tools.docs.links import OWN
from tools.docs.terms import read_terms

BOXES = torch.tensor([[100.0, 100, 200, 200], [13, 59, 269, 315], [0, 0, 7.5, 30]])
OTHERS = torch.tensor([[110.0, 120, 210, 260], [141, 187, 318, 543], [300, 300, 310, 310]])
every_formula = pytest.mark.parametrize("name", FORMULAS)


def centres(boxes: torch.Tensor) -> list[list[float]]:
    """[x, y, w, h] of each box."""
    size = boxes[:, 2:] - boxes[:, :2]
    return torch.cat([boxes[:, :2] + size / 2, size], dim=1).tolist()


def test_sizes_and_receptive_fields_of_all_layers() -> None:
    side = FORMULAS["size"].function("n'", "n", "k", "s", "q")
    field = FORMULAS["receptive_field"].function("r'", "r", "k", "j")
    jump = FORMULAS["receptive_field"].function("j'", "j", "s")
    size, r, j = Grid.floor().input_size, 1, 1
    layers = layer_table(Backbone(), Grid.floor(), RPNHead())
    for layer in layers:
        padding = 1 if layer.kernel == 3 else 0
        size = tuple(side(n, layer.kernel, layer.stride, padding) for n in size)
        r, j = field(r, layer.kernel, j), jump(j, layer.stride)
        assert (size, r, j) == (layer.size, layer.receptive_field, layer.jump)
    assert (layers[-2].receptive_field, layers[-1].receptive_field) == (196, 228)


def test_shapes_and_places_of_anchors() -> None:
    shape, place, grid = FORMULAS["anchor_shape"], FORMULAS["anchor_place"], Grid.paper()
    height, width = shape.function("h", "s", "r"), shape.function("w", "s", "r")
    for ratio, three in zip((0.5, 1, 2), cell_anchors().view(3, 3, 4), strict=True):
        for scale, cell in zip((128, 256, 512), three, strict=True):
            assert cell[2:].tolist() == [round(width(scale, ratio) / 2), round(height(scale, ratio) / 2)]
    anchors, (h, w), (stride_y, stride_x) = grid_anchors(grid, cell_anchors()), grid.feature_size, grid.stride
    row = place.function(r"\text{row}", "i", "j", "a", "w", "k")(24, 13, 4, w, 9)
    x, y = place.function("a_x", "j", "S_x")(13, stride_x), place.function("a_y", "i", "S_y")(24, stride_y)
    assert centres(anchors[[row]])[0] == pytest.approx([x, y, 256, 256])
    assert place.function(r"\text{anchors}", "h", "w", "k")(h, w, 9) == len(anchors) == 21_600


def test_iou_of_every_pair() -> None:
    formula = FORMULAS["iou"]
    names = {"w": ("x_1", "x_2", "u_1", "u_2"), "h": ("y_1", "y_2", "v_1", "v_2")}
    width, height = (formula.function(side, *names[side]) for side in ("w", "h"))
    iou = formula.function(r"\text{IoU}", "w", "h", "A", "B")
    for i, (x1, y1, x2, y2) in enumerate(BOXES.tolist()):
        for j, (u1, v1, u2, v2) in enumerate(OTHERS.tolist()):
            areas = float(box_area(BOXES)[i]), float(box_area(OTHERS)[j])
            made = iou(width(x1, x2, u1, u2), height(y1, y2, v1, v2), *areas)
            assert made == pytest.approx(float(box_iou(BOXES, OTHERS)[i, j]))


@pytest.mark.parametrize(
    ("there", "size", "share"), [((20, 10_000), 256, 0.5), ((200, 50), 256, 0.5), ((9, 90), 5, 0.5)]
)
def test_how_many_are_drawn(there: tuple[int, int], size: int, share: float) -> None:
    positive = FORMULAS["minibatch"].function("P", "n_pos", "f", "B")(there[0], share, size)
    negative = FORMULAS["minibatch"].function("Q", "n_neg", "B", "P")(there[1], size, positive)
    drawn = sample_minibatch(torch.tensor([1] * there[0] + [0] * there[1]), size, share)
    assert [len(inds) for inds in drawn] == [positive, negative]


def test_deltas_there_and_back() -> None:
    there, back = FORMULAS["encode"], FORMULAS["decode"]
    deltas = torch.tensor([[0.1, -0.4, 0.2, 0.3], [1.5, 0, 9, -2], [0, 0, 0, 4.2]])
    to_boxes, moved = encode(OTHERS, BOXES), centres(decode(deltas, BOXES))
    for n, (anchor, goal, by) in enumerate(zip(centres(BOXES), centres(OTHERS), deltas.tolist(), strict=True)):
        for i, (axis, side) in enumerate(zip("xywh", "whwh", strict=True)):
            names = ["g_" + axis, "a_" + axis, "a_" + side] if i < 2 else ["g_" + axis, "a_" + side]
            made = there.function(f"t_{axis}", *names)(*[goal[i], anchor[i], anchor[2 + i % 2]][: 3 if i < 2 else 2])
            assert made == pytest.approx(float(to_boxes[n, i]), abs=1e-5)
            if i < 2:
                made = back.function(f"b_{axis}", f"a_{axis}", f"d_{axis}", f"a_{side}")(
                    anchor[i], by[i], anchor[2 + i]
                )
            else:
                made = back.function(f"b_{axis}", f"a_{axis}", f"d_{axis}", "c")(anchor[i], by[i], math.log(1000 / 16))
            assert made == pytest.approx(moved[n][i], rel=1e-5)


@pytest.mark.parametrize("logit", [-9.0, -0.5, 0.0, 2.0])
def test_scores_and_their_loss(logit: float) -> None:
    score = FORMULAS["score"].function(r"\sigma(z)", "z")(logit)
    assert score == pytest.approx(float(torch.tensor(logit).sigmoid()), rel=1e-5)
    for label in (0.0, 1.0):
        loss = FORMULAS["cross_entropy"].function("H", "s", "y")(score, label)
        ours = binary_cross_entropy(torch.tensor([logit]), torch.tensor([label]))
        assert loss == pytest.approx(float(ours), rel=1e-5)


@pytest.mark.parametrize("beta", [1 / 9, 1.0])
def test_smooth_l1_on_both_branches(beta: float) -> None:
    curve = FORMULAS["smooth_l1"].function(r"\ell(d)", "d", "beta")
    differences = [-3.0, -0.4, -beta, -0.05, 0.0, 0.1, 0.9, 7.0]
    ours = smooth_l1(torch.tensor(differences), beta)
    assert [curve(d, beta) for d in differences] == pytest.approx(ours.tolist())


def test_both_sums_ours_and_the_papers() -> None:
    generator = torch.Generator().manual_seed(0)
    logits, deltas, targets = (torch.randn(6, *shape, generator=generator) for shape in ((), (4,), (4,)))
    labels = torch.tensor([1.0, 1, 0, 0, 0, 0])
    cross = [0.0, *binary_cross_entropy(logits, labels).tolist()]  # a sum begins at 1
    positive = [0.0, *labels.tolist()]

    def boxes(beta: float) -> list[float]:
        return [0.0, *smooth_l1(deltas - targets, beta).sum(dim=1).tolist()]

    formula = FORMULAS["losses"]
    made = (
        formula.function(r"L_{\text{objectness}}", "H", "N")(cross, 6),
        formula.function(r"L_{\text{box}}", "p", "l", "N")(positive, boxes(BETA), 6),
    )
    ours = rpn_losses(logits, deltas, labels.long(), targets, torch.arange(2), torch.arange(2, 6))
    assert made == pytest.approx([float(loss) for loss in ours])
    whole = FORMULAS["paper_loss"].function("L", "H", "p", "l", "N", "N_cls", "N_reg", "lamda")
    papers = minibatch_losses(logits, deltas, labels.long(), targets, NORMALISATIONS["paper"])
    assert whole(cross, positive, boxes(1.0), 6, 256, 2400, 10) == pytest.approx(float(sum(papers)))


def test_where_roi_align_reads_and_what() -> None:
    found = align_one_box(torch.arange(24.0).view(1, 4, 6), torch.tensor([1.4, 0.6, 4.6, 2.4]), (2, 2), 3)
    height = FORMULAS["roi_align"].function("y", "y_1", "y_2", "m", "M", "q", "G")
    ys = [height(0.6, 2.4, m, 2, q, 3) for m in range(2) for q in range(3)]
    assert ys == pytest.approx(found.ys.flatten().tolist())
    read = FORMULAS["bilinear"].function("v", "e", "f", "v_1", "v_2", "v_3", "v_4")
    at = neighbours(torch.tensor([[1.25, 2.5]]), (4, 6))
    values = torch.randn(4, 6)[at.rows, at.cols][0]
    assert read(0.25, 0.5, *values.tolist()) == pytest.approx(float((values * at.weights[0]).sum()), abs=1e-6)


@pytest.mark.parametrize("side", [20, 111, 113, 223, 225, 447, 449, 900])
def test_the_level_of_a_proposal(side: int) -> None:
    level = FORMULAS["level"].function(r"\text{level}", "w", "h")(side, side)
    mapped = LevelMapper(2, 5)([torch.tensor([[0.0, 0, side, side]])])
    assert min(max(level, 2), 5) == 2 + int(mapped)


@every_formula
def test_the_code_it_names_is_there_and_names_the_same_place_of_the_paper(name: str) -> None:
    formula = FORMULAS[name]
    module, _, function = formula.code.rpartition(".")
    code: Any = getattr(importlib.import_module(module), function)
    said = inspect.getdoc(code) or ""
    place = re.match(r"(section|equation) [\d.]*\d", formula.paper)
    if place and re.search(r"Ren et al\. 2015, ", said):
        assert place[0] in said


@every_formula
def test_the_site_can_set_it(name: str) -> None:
    formula = FORMULAS[name]
    assert "<math" in tex2mathml(formula.latex(), as_block=True)
    for inline in re.findall(r"\$([^$]+)\$", formula.words):
        assert "<math" in tex2mathml(inline)


def test_the_sheet_has_every_formula_and_links_its_words() -> None:
    cells = sheet(read_terms()).cells
    assert [cell.id for cell in cells] == ["opening", *FORMULAS]
    assert all(formula.latex() in cell.source for formula, cell in zip(FORMULAS.values(), cells[1:], strict=True))
    assert sum(len(OWN.findall(cell.source)) for cell in cells) > 20
