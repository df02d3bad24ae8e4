"""One number of a convolution, taken apart: by hand, and against the convolution itself."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from rpnviz.inspect.convolution import one_output

FEATURES = torch.tensor([[1.0, 2, 0], [0, 3, 0], [4, 0, 5]])[None, None]  # one channel of 3×3 cells
WEIGHT = torch.tensor([[1.0, 1, 1], [1, 10, 1], [1, 1, 1]])[None, None]


def test_the_middle_by_hand() -> None:
    made = one_output(FEATURES, WEIGHT, torch.tensor([-50.0]), 1, 1, 0)
    assert made.products[0].tolist() == [[1, 2, 0], [0, 30, 0], [4, 0, 5]]
    assert made.channel_sums.tolist() == [42]  # 1 + 2 + 30 + 4 + 5
    assert (made.before_relu, made.after_relu) == (-8, 0)  # 42 − 50


def test_the_padding_is_zeros() -> None:
    made = one_output(FEATURES, WEIGHT, torch.tensor([0.5]), 0, 0, 0)
    assert made.window[0].tolist() == [[0, 0, 0], [0, 1, 2], [0, 0, 3]]
    assert made.after_relu == 15.5  # 10 · 1 + 2 + 3 + 0.5


@pytest.mark.parametrize(("row", "col"), [(0, 0), (3, 6), (2, 5), (0, 6)])
def test_every_filter_is_the_convolutions(row: int, col: int) -> None:
    some = torch.Generator().manual_seed(row)
    features, weight = torch.randn(1, 5, 4, 7, generator=some), torch.randn(3, 5, 3, 3, generator=some)
    bias = torch.randn(3, generator=some)
    whole = F.conv2d(features.double(), weight.double(), bias.double(), padding=1)[0]
    for output in range(3):
        made = one_output(features, weight, bias, row, col, output)
        assert made.before_relu == pytest.approx(float(whole[output, row, col]), abs=1e-12)
        assert made.after_relu == max(made.before_relu, 0)
        assert float(made.products.sum()) + made.bias == pytest.approx(made.before_relu, abs=1e-12)


@pytest.mark.parametrize(("wrong", "named"), [({"row": 3}, "row"), ({"col": -1}, "col"), ({"output": 1}, "output")])
def test_no_such_place_or_filter(wrong: dict[str, int], named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named}"):
        one_output(FEATURES, WEIGHT, torch.zeros(1), **{"row": 0, "col": 0, "output": 0, **wrong})


def test_a_filter_of_other_channels_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^weight"):
        one_output(FEATURES, WEIGHT.expand(1, 2, 3, 3), torch.zeros(1), 0, 0, 0)
