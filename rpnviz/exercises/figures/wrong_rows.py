"""The picture of a failing case whose result is a list of boxes: the rows that are wrong, drawn and in numbers."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure
from torch import Tensor

from rpnviz.exercises.exercise import Case
from rpnviz.exercises.figures.panels import Boxes, case_figure
from rpnviz.exercises.figures.tables import differing, tables

CORNERS = ("x1", "y1", "x2", "y2")


def wrong_rows(case: Case, boxes: Boxes, tolerance: float) -> Figure:
    """Draw a case.

    Args:
        case: its result should be Tensor[N, 4], xyxy.
        boxes: the panel to draw them into, beside what is in it.
        tolerance: of the exercise.
    """
    wrong = differing(case.got, case.wanted, tolerance)
    bad = [] if wrong is None else wrong.any(dim=1).nonzero().flatten().tolist()
    rows = (bad or list(range(len(case.wanted))))[:3]
    first = max(rows[0] - 1, 0)
    for row in rows:
        if wrong is not None:
            boxes.boxes.append((case.got[row].tolist(), "proposal", f"yours {row}"))
        boxes.boxes.append((case.wanted[row].tolist(), "compared", f"right {row}"))
    cut = slice(first, first + 8)
    got = case.got[cut] if isinstance(case.got, Tensor) and case.got.ndim == 2 else case.got
    look: dict[str, Any] = {"columns": CORNERS if isinstance(got, Tensor) and got.shape[-1:] == (4,) else ()}
    look |= {"rows": [str(row) for row in range(first, first + 8)], "wide": 1.1}
    return case_figure([boxes, *tables(got, case.wanted[cut], tolerance, case.raised, **look)], 3.4)
