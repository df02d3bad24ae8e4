"""A trait for numbers that are compared with limits."""

from __future__ import annotations

import math
from typing import Any

import traitlets as t


class Finite(t.Float[float, float]):
    """A Float that refuses NaN, which passes every comparison with a limit, and what is infinite."""

    def validate(self, obj: Any, value: Any) -> float:
        """Return the number, or raise a TraitError that names the trait."""
        value = super().validate(obj, value)
        if not math.isfinite(value):
            self.error(obj, value)
        return float(value)
