"""Numbers of half the length, where that is faster: on GPUs and on some recent CPUs. On all others it is far slower."""

from __future__ import annotations

import time
from functools import cache

import torch
import torch.nn.functional as F

ROUNDS = 3
CLEARLY = 0.8  # of float32's time; a tie is no reason for fewer digits


def autocast(device: torch.device) -> torch.autocast:
    """The context in which a convolution is fastest on this machine: bfloat16 if that is quicker, else float32."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=bfloat16_is_faster(device.type))


@cache
def bfloat16_is_faster(device_type: str) -> bool:
    """Whether this machine computes a convolution and its gradients faster in bfloat16 than in float32.

    A GPU says so. A CPU does not: PyTorch computes bfloat16 on every one, with or without instructions for it. So it is
    tried, once, in some tenths of a second.

    Args:
        device_type: "cpu", "cuda", …
    """
    if device_type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device_type != "cpu":
        return False
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # threads that wait for each other on a busy machine would be timed instead
    try:
        seconds = [(_seconds(bfloat16=False), _seconds(bfloat16=True)) for _ in range(ROUNDS + 1)]
    finally:
        torch.set_num_threads(threads)
    in_float32, in_bfloat16 = map(min, zip(*seconds[1:], strict=True))  # the first was to warm up
    return bool(in_bfloat16 < CLEARLY * in_float32)


@torch.inference_mode(False)
@torch.enable_grad()  # whoever asks may need no gradients
def _seconds(bfloat16: bool) -> float:
    """How long one small convolution takes, forwards and backwards."""
    features, weight = torch.ones(1, 64, 32, 32), torch.ones(64, 64, 3, 3, requires_grad=True)
    started = time.perf_counter()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
        F.conv2d(features, weight).float().sum().backward()
    return time.perf_counter() - started
