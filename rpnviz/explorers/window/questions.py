"""What learners believe of the 3×3 window: questions above its explorer."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from rpnviz.explorers.common.questions import Choice, Question
from rpnviz.explorers.window.explorer import WindowExplorer
from rpnviz.grid import RECEPTIVE_FIELD_CONV5_3, RECEPTIVE_FIELD_WINDOW


def nine_sizes_of_one_vector(explorer: WindowExplorer) -> Question:
    """How can one 512-vector serve nine sizes?"""
    logits = explorer.logits  # [A, h, w]
    cols = logits.shape[2]
    most = logits.amax(dim=0)
    spread = (most - logits.amin(dim=0)).masked_fill(most < 0, 0)  # on an object
    apart = divmod(int(spread.argmax()), cols)
    high = divmod(int(logits[len(logits) // 2].argmax()), cols)
    here = logits[:, high[0], high[1]]
    best, names = len(logits) // 2, [anchor["name"] for anchor in explorer.anchors]
    numbers = explorer.num_channels
    middle = {"row": logits.shape[1] // 2, "col": cols // 2}
    return Question(
        fact=2,
        text=f"Nine boxes of nine sizes are judged from the same {numbers} numbers. How can that be?",
        choices=(
            Choice(
                f"Each box reads its own ninth of them, about {numbers // len(names)}",
                f"No part of the sheet is set aside: the logit of {names[best]}, {_minus(here[best], 1)}, is a sum "
                f"over all {numbers}, and so are the other eight.",
                {"row": high[0], "col": high[1], "selected": best, "show_anchors": True},
            ),
            Choice(
                "Each size has weights of its own: nine sums of the same numbers",
                f"Here the nine differ most: from {_minus(logits[:, apart[0], apart[1]].min(), 1)} to "
                f"{_minus(logits[:, apart[0], apart[1]].max(), 1)}, read off one vector by nine rows of weights.",
                {"row": apart[0], "col": apart[1], "selected": -1, "show_anchors": True},
                right=True,
            ),
            Choice(
                "It makes nine vectors, one for each size",
                f"There is one sheet of {numbers} at each place, wherever you go, and all nine bars stand beside it.",
                {**middle, "selected": -1, "show_anchors": False},
            ),
        ),
    )


def three_by_three(explorer: WindowExplorer) -> Question:
    """Why a 3×3 and not straight 1×1?"""
    rows, cols = explorer.grid.feature_size
    row, col = explorer.row, explorer.col
    x1, y1, x2, y2 = explorer.grid.footprint(row, col)
    names = [anchor["name"] for anchor in explorer.anchors]
    return Question(
        fact=13,
        text="Before the 9 + 36 numbers are read there is a 3×3 convolution. Why not read them off each cell with 1×1?",
        choices=(
            Choice(
                "With 1×1 the map would come out in another size",
                "Neither changes the size: the 3×3 answers even here in the corner, where it reads zeros beyond the "
                f"rim, so {rows}×{cols} go in and {rows}×{cols} come out.",
                {"row": 0, "col": 0, "show_anchors": False, "selected": -1},
            ),
            Choice(
                "A box needs 3×3 cells under it",
                f"The 3×3 cells cover {x2 - x1:.0f}×{y2 - y1:.0f} px, and the smallest box, drawn here, is {names[0]}: "
                "no box was ever fitted to the window.",
                {"row": row, "col": col, "show_anchors": True, "selected": 0},
            ),
            Choice(
                "To let the neighbours in",
                f"Nine cells light the sheet, not one: the field grows from {RECEPTIVE_FIELD_CONV5_3} to "
                f"{RECEPTIVE_FIELD_WINDOW} px.",
                {"row": row, "col": col, "show_anchors": False, "selected": -1},
                right=True,
            ),
        ),
    )


def nine_cells_nine_anchors(explorer: WindowExplorer) -> Question:
    """Is 3×3 = 9 the nine of the anchors?"""
    row, col, count = explorer.row, explorer.col, len(explorer.anchors)
    x, y = explorer.grid.centre(row, col)
    here = {"row": row, "col": col, "show_anchors": True}
    return Question(
        fact=26,
        text="3×3 cells in the window, 3×3 anchors a cell. With 4 scales and 3 ratios: how many anchors, which window?",
        choices=(
            Choice(
                "12 anchors, so the window covers 3×4 cells",
                f"These {count} boxes have nothing to do with the small square: it reads the map, they are written "
                "down on the picture.",
                {**here, "selected": 0},
            ),
            Choice(
                "12 anchors, and the same window of 3×3 cells",
                f"The table would have 12 rows instead of {count}; the 3×3×{explorer.num_channels} numbers read here "
                "would be these very ones.",
                {**here, "selected": -1},
                right=True,
            ),
            Choice(
                "Nine anchors: each cell of the window has one",
                f"All {count} boxes have one centre, ({x:.0f}, {y:.0f}), in the window's middle cell; each of the "
                "other eight cells has nine of its own.",
                {**here, "selected": len(explorer.anchors) - 1},
            ),
        ),
    )


def nine_or_eighteen(explorer: WindowExplorer) -> Question:
    """9 or 18 outputs?"""
    a = max(explorer.selected, 0)
    sure, unsure, background = (_nearest(explorer.logits[a], wanted) for wanted in (2, 0, -2))
    logit, other = sure.logit, 5
    score = float(torch.tensor([0.0, logit]).softmax(dim=0)[1])
    not_object = float(torch.tensor(background.logit).sigmoid())
    return Question(
        fact=11,
        text="The paper has two scores for each anchor, object and not object: 18. Here there are 9. Which say more?",
        choices=(
            Choice(
                "The same",
                f"The logit is {logit:.2f} here: the pairs (0, {logit:.2f}) and ({other}, {logit + other:.2f}) have "
                f"the same softmax as its sigmoid, {score:.2f}; only the difference counts.",
                {"row": sure.row, "col": sure.col, "selected": a},
                right=True,
            ),
            Choice(
                "18: two scores know more than one",
                f"The logit is {_minus(unsure.logit, 2)} here, no idea; a pair would say it with two equal numbers, "
                "and which two makes no difference.",
                {"row": unsure.row, "col": unsure.col, "selected": a},
            ),
            Choice(
                "18: one score cannot say 'background'",
                f"It does here: a logit of {_minus(background.logit, 2)} is a score of {not_object:.2f}, and the rest, "
                f"{1 - not_object:.2f}, is the score of background.",
                {"row": background.row, "col": background.col, "selected": a},
            ),
        ),
    )


class _Place(NamedTuple):
    row: int
    col: int
    logit: float


def _nearest(logits: Tensor, wanted: float) -> _Place:
    """Where a map of logits [h, w] comes nearest to a value."""
    row, col = divmod(int((logits - wanted).abs().argmin()), logits.shape[1])
    return _Place(row, col, float(logits[row, col]))


def _minus(value: Tensor | float, digits: int) -> str:
    """A number as the views write it, with a real minus sign."""
    return f"{float(value):.{digits}f}".replace("-", "−")
