"""Exercise of notebook 02: slide a 3×3 window over the feature map."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Tensor

from rpnviz.exercises import references
from rpnviz.exercises.exercise import Arguments, Case, Draw, Exercise, Mistake
from rpnviz.exercises.figures.panels import case_figure
from rpnviz.exercises.figures.tables import Table, differing, tables
from rpnviz.exercises.tasks.strategies import picks, whole

VALUES = (1, 2, 3, 0, -1, -2)  # a failing case shrinks to ones: among zeros nothing would be seen


def _inputs(draw: Draw) -> Arguments:
    c, k, h, w = whole(draw, 1, 2), whole(draw, 1, 2), whole(draw, 3, 4), whole(draw, 3, 5)
    return picks(draw, (c, h, w), VALUES), picks(draw, (k, c, 3, 3), VALUES), picks(draw, (k,), VALUES)


def _larger() -> Arguments:
    g = torch.Generator().manual_seed(0)
    return torch.randn(16, 12, 18, generator=g), torch.randn(8, 16, 3, 3, generator=g), torch.randn(8, generator=g)


def _no_rim(features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return F.conv2d(features[None], weight, bias)[0]


def _repeated_rim(features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return F.conv2d(F.pad(features[None], (1, 1, 1, 1), mode="replicate"), weight, bias)[0]


def _from_the_corner(features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return F.conv2d(F.pad(features[None], (0, 2, 0, 2)), weight, bias)[0]


def _inside_only(features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    out = torch.zeros(len(weight), *features.shape[1:])
    out[:, 1:-1, 1:-1] = _no_rim(features, weight, bias)
    return out


def _no_bias(features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return references.sliding_window(features, weight, torch.zeros_like(bias))


def _flipped(features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return references.sliding_window(features, weight.flip(2, 3), bias)


def _turned(features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return references.sliding_window(features, weight.transpose(2, 3), bias)


def _first_channel(features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return references.sliding_window(features[:1], weight[:, :1], bias)


def _mean(features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return references.sliding_window(features, weight / weight[0].numel(), bias)


def _bias_each_channel(features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return references.sliding_window(features, weight, bias * len(features))


def _relu(features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return references.sliding_window(features, weight, bias).relu()


def _picture(case: Case) -> Figure:
    features, weight = case.arguments["features"], case.arguments["weight"]
    wrong = differing(case.got, case.wanted, WINDOW.tolerance)
    k = int(wrong.flatten(1).any(dim=1).int().argmax()) if wrong is not None else 0
    c = int(weight[k].abs().flatten(1).sum(dim=1).argmax())
    bias = f"bias[{k}] = {float(case.arguments['bias'][k]):g}"
    inputs = [Table(f"features[{c}] of {len(features)}", features[c]), Table(f"weight[{k}, {c}]; {bias}", weight[k, c])]
    shown = tables(_map(case.got, k), case.wanted[k], WINDOW.tolerance, case.raised)
    for table, name in zip(shown[::-1], (f"right result[{k}]", f"your result[{k}]"), strict=False):
        table.title = name
    return case_figure([*inputs, *shown], height=2.6)


def _map(got: object, k: int) -> object:
    return got[k] if isinstance(got, Tensor) and got.ndim == 3 and k < len(got) else got


WINDOW = Exercise(
    name="my_sliding_window",
    notebook="02",
    title="A 3×3 window slides over the map",
    arguments=("features", "weight", "bias"),
    returns=("the map",),
    reference=references.sliding_window,
    oracle="torch.nn.functional.conv2d",
    inputs=_inputs,
    larger=_larger,
    larger_words="16 channels of 12×18 into 8",
    mistakes=(
        Mistake(
            "no_rim",
            "You get two rows and two columns less: the window must also stand on the rim, where it reads zeros "
            "outside the map. F.pad(features, (1, 1, 1, 1)) puts them there.",
            _no_rim,
        ),
        Mistake(
            "rim_left_at_zero",
            "At the rim the window reads zeros outside the map, but the rest of it still counts. You leave the rim "
            "out.",
            _inside_only,
        ),
        Mistake("rim_repeated", "Outside the map stand zeros; you repeat its outermost values.", _repeated_rim),
        Mistake(
            "window_at_its_corner",
            "The window's middle stands on the place, not its upper left corner: rows row − 1 to row + 1.",
            _from_the_corner,
        ),
        Mistake("no_bias", "Add bias[k] to every place of output channel k.", _no_bias),
        Mistake(
            "bias_for_each_channel",
            "Add the bias once for each output, not once for each channel that goes in.",
            _bias_each_channel,
        ),
        Mistake(
            "window_flipped",
            "You turn the weights upside down, as a convolution does in mathematics. conv2d multiplies them as they "
            "are.",
            _flipped,
        ),
        Mistake("weights_transposed", "Rows and columns of the 3×3 weights are exchanged.", _turned),
        Mistake("one_channel", "Sum over all channels of the map, not the first alone.", _first_channel),
        Mistake("relu_left_in", "No ReLU here: what is below zero stays as it is.", _relu),
        Mistake("mean_for_sum", "The products are summed, not averaged.", _mean),
    ),
    hints=(
        "Put one row or column of zeros on each side of the map. Then for each place cut out the 3×3 piece of all "
        "channels, multiply it with the weights, and sum.",
        "patch = padded[:, row : row + 3, col : col + 3] is [C, 3, 3]; (weight * patch).sum(dim=(1, 2, 3)) + bias "
        "are the K numbers of the place.",
    ),
    picture=_picture,
)
