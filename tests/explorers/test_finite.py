"""No number of an explorer becomes NaN or infinite: a comparison with a limit would let NaN pass."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import traitlets as t

from tests.explorers.every import every_explorer


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_every_number_refuses_what_is_not_finite(tmp_path: Path, value: float) -> None:
    tried = []
    for name, make in every_explorer(tmp_path).items():
        explorer = make()
        for trait, kind in explorer.traits(sync=True).items():
            numbers = isinstance(kind, t.List) and isinstance(kind._trait, t.Float)
            if kind.read_only or not (numbers or isinstance(kind, t.Float)) or trait not in explorer.own_traits():
                continue
            before = getattr(explorer, trait)
            with pytest.raises(t.TraitError, match=trait):
                setattr(explorer, trait, [value] * max(len(before), 2) if numbers else value)
            assert getattr(explorer, trait) == before
            tried.append(f"{name}.{trait}")
    assert {"detections.nms_thresh", "labels.fg_iou_thresh", "loss.deltas", "iou.anchor"} <= set(tried), tried
