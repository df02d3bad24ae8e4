"""Numbers in the sentences that Python says of an explorer, written as the page writes them (format.js)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

import numpy as np

MOST_DIGITS = 20  # an IoU of 2e-8 is above a threshold of 0


def fixed(value: float, digits: int = 2) -> str:
    """−0.5 → "−0.50", and never "−0.00"."""
    text = f"{Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP):f}"  # as JavaScript rounds
    return text.replace("-", "−") if float(text) else text.lstrip("-")


def beside_thresholds(value: float, thresholds: Sequence[float] = (0.3, 0.7)) -> str:
    """Write an IoU in two digits, or in as many as it takes to stand beside thresholds where the number stands.

    0.2999 is no "0.30" beside 0.3, and only a threshold itself reads like it.
    """
    for digits in range(2, MOST_DIGITS + 1):
        text = fixed(value, digits)
        if all(_stands_to(value, threshold) == _stands_to(float(text), threshold) for threshold in thresholds):
            return text
    return str(value)


def _stands_to(value: float, threshold: float) -> float:
    """−1 below, 0 at, 1 above; as float32, which is what is compared."""
    return float(np.sign(np.float32(value) - np.float32(threshold)))
