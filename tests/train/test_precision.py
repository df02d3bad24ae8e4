"""Which precision is used: bfloat16 where it is clearly faster, found out once, and asked for in one place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from unittest import mock

import pytest
import torch

from rpnviz.train import precision
from rpnviz.train.precision import autocast, bfloat16_is_faster

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def not_yet_known() -> Iterator[None]:
    bfloat16_is_faster.cache_clear()
    yield
    bfloat16_is_faster.cache_clear()


@pytest.mark.parametrize(
    ("in_float32", "in_bfloat16", "faster"),
    [
        (1.0, 0.3, True),
        (1.0, 0.79, True),
        (1.0, 0.81, False),  # not clearly
        (1.0, 1.0, False),
        (1.0, 15.0, False),  # a CPU without instructions for it
    ],
)
def test_on_a_cpu_it_is_tried(
    in_float32: float, in_bfloat16: float, faster: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "_seconds", lambda bfloat16: in_bfloat16 if bfloat16 else in_float32)
    assert bfloat16_is_faster("cpu") is faster
    with autocast(torch.device("cpu")):
        assert torch.is_autocast_enabled("cpu") is faster
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype is (torch.bfloat16 if faster else torch.float32)


def test_a_slow_moment_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([9.0, 9.0, 1.0, 9.0, 9.0, 0.5, 9.0, 9.0])  # float32 and bfloat16 in turns; the first two warm up
    monkeypatch.setattr(precision, "_seconds", lambda bfloat16: next(moments))
    assert bfloat16_is_faster("cpu")


def test_the_first_time_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([0.1, 0.01, *[1.0] * 6])
    monkeypatch.setattr(precision, "_seconds", lambda bfloat16: next(moments))
    assert not bfloat16_is_faster("cpu")


def test_it_is_tried_once_and_leaves_threads_and_random_numbers_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = mock.Mock(wraps=precision._seconds)
    monkeypatch.setattr(precision, "_seconds", tried)
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    torch.set_num_threads(2)
    try:
        said = bfloat16_is_faster("cpu")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert bfloat16_is_faster("cpu") is said
    assert tried.call_args_list == [mock.call(bfloat16=False), mock.call(bfloat16=True)] * (precision.ROUNDS + 1)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("asker", [torch.no_grad, torch.inference_mode, partial(torch.autocast, "cpu")])
def test_it_is_found_out_wherever_it_is_asked(asker: Callable[[], AbstractContextManager[object]]) -> None:
    with asker():
        assert bfloat16_is_faster("cpu") in (True, False)


def test_threads_are_given_back_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(bfloat16: bool) -> float:
        raise RuntimeError("no memory")

    monkeypatch.setattr(precision, "_seconds", fail)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with pytest.raises(RuntimeError, match="no memory"):
            bfloat16_is_faster("cpu")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("supported", [True, False])
def test_a_gpu_is_asked_for_its_own_instructions(supported: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = mock.Mock(return_value=supported)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", asked)
    monkeypatch.setattr(precision, "_seconds", None)
    assert bfloat16_is_faster("cuda") is supported
    asked.assert_called_once_with(including_emulation=False)
    assert bfloat16_is_faster("mps") is False


@pytest.mark.parametrize("folder", ["rpnviz", "tools"])
def test_nobody_else_decides(folder: str) -> None:
    """Whatever trains or extracts features asks `precision`: `torch.autocast` stands nowhere else."""
    texts = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in (ROOT / folder).rglob("*.py")}
    found = [path for path, text in texts.items() if "torch.autocast" in text or "torch.amp" in text]
    assert found == ["rpnviz/train/precision.py"] * (folder == "rpnviz")
