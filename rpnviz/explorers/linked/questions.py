"""What learners believe of anchors: questions above the linked explorer."""

from __future__ import annotations

from typing import Any

from rpnviz.anchors import inside_picture
from rpnviz.boxes import box_iou
from rpnviz.explorers.common.map_and_picture import size_name
from rpnviz.explorers.common.questions import Choice, Question
from rpnviz.explorers.linked.explorer import NUM_ANCHORS, LinkedExplorer


def nine_from_one_window(explorer: LinkedExplorer) -> Question:
    """How can a 3×3 window have nine anchors of other sizes?"""
    results = explorer.results
    best = divmod(int(results.stages.post_nms_inds[0]), NUM_ANCHORS)
    row, col = divmod(best[0], results.grid.feature_size[1])
    x1, y1, x2, y2 = results.grid.footprint(row, col)
    sizes = [size_name(box) for box in explorer.scene["cell_anchors"]]
    empty = _emptiest_cell(explorer)
    at = {"picture": explorer.picture, "grid": explorer.grid, "selected": -1, "map": "mean"}
    return Question(
        fact=1,
        text="One 3×3 window, and round it nine boxes of other sizes. How do they come out of it?",
        choices=(
            Choice(
                "The window cuts nine pieces out of the map, one for each size",
                f"What the window reads is framed on the map: 3×3 cells, {x2 - x1:.0f}×{y2 - y1:.0f} px of the "
                f"picture, the same cells for all nine boxes, and the smallest of those is {sizes[0]}.",
                {**at, "row": row, "col": col, "layers": ["anchors"]},
            ),
            Choice(
                "Nine windows of other sizes slide over the map, one after the other",
                f"One window slides; the map now shows what its output number {NUM_ANCHORS} says at every stop, "
                f"the score of the {sizes[-1]} box.",
                {**at, "row": row, "col": col, "layers": ["anchors"], "map": f"objectness {NUM_ANCHORS - 1}"}
                | {"selected": NUM_ANCHORS - 1},
            ),
            Choice(
                "They do not: they were there before, and the window judges them",
                f"Row {empty[0]}, column {empty[1]}: nothing is here, and the nine are here all the same, in the same "
                "sizes. They lay round this cell before any window came.",
                {**at, "row": empty[0], "col": empty[1], "layers": ["anchors", "ground_truth"]},
                right=True,
            ),
        ),
    )


def anchors_of_a_cell(explorer: LinkedExplorer) -> Question:
    """Is one feature pixel one anchor?"""
    results = explorer.results
    rows, cols = results.grid.feature_size
    number, cells = len(results.anchors), rows * cols
    row, col = explorer.row, explorer.col
    at = {"picture": explorer.picture, "grid": explorer.grid, "map": "mean"}
    return Question(
        fact=3,
        text=f"The feature map has {rows}×{cols} cells. How many anchors does this picture have?",
        choices=(
            Choice(
                f"{number:,}: nine at each cell",
                f"The last cell, row {rows - 1}, column {cols - 1}, and the last of its nine: number {number:,} = "
                f"{rows} · {cols} · {NUM_ANCHORS}.",
                {**at, "row": rows - 1, "col": cols - 1, "selected": NUM_ANCHORS - 1, "layers": ["anchors"]},
                right=True,
            ),
            Choice(
                f"{cells:,}: each cell is one anchor",
                f"This is one cell, and the table has {NUM_ANCHORS} rows for it: {NUM_ANCHORS} boxes, each with a "
                "label and a score of its own.",
                {**at, "row": row, "col": col, "selected": -1, "layers": ["anchors", "labels"]},
            ),
            Choice(
                f"{NUM_ANCHORS}: they travel with the window",
                "The dots are the anchors drawn for one training step, all over the map at once: none of them waits "
                "for the window to come by.",
                {**at, "row": row, "col": col, "selected": -1, "seed": 0, "layers": ["ground_truth", "minibatch"]},
            ),
        ),
    )


def longer_than_the_field(explorer: LinkedExplorer) -> Question:
    """Can an anchor be larger than the receptive field?"""
    results = explorer.results
    x1, y1, x2, y2 = explorer.scene["receptive_field"]
    cells = explorer.scene["cell_anchors"]
    longer = [a for a, (u1, v1, u2, v2) in enumerate(cells) if u2 - u1 > x2 - x1 or v2 - v1 > y2 - y1]
    best = next(i for i in results.stages.post_nms_inds.tolist() if i % NUM_ANCHORS in longer)
    (row, col), a = divmod(best // NUM_ANCHORS, results.grid.feature_size[1]), best % NUM_ANCHORS
    field, size = f"{x2 - x1:.0f}×{y2 - y1:.0f}", size_name(cells[a])
    at = {"picture": explorer.picture, "grid": explorer.grid, "map": "mean", "row": row, "col": col}
    layers = ["anchors", "receptive_field", "ground_truth"]
    return Question(
        fact=12,
        text=f"The window's outputs depend on {field} px of the picture. Can they judge an anchor of {size} px?",
        choices=(
            Choice(
                "Yes: by the part that it sees",
                f"{len(longer)} of the nine are longer than the field, and meant to be: from its middle one can tell "
                "how far a large thing reaches, as the blue boxes do here.",
                {**at, "selected": -1, "layers": [*layers, "predictions"]},
                right=True,
            ),
            Choice(
                "No: a box has to be seen whole",
                f"This one reaches beyond the field, and its score is {float(results.stages.all_scores[best]):.2f}: "
                f"{results.stages.fate(best)}.",
                {**at, "selected": a, "layers": layers},
            ),
            Choice(
                "Yes: for a large anchor the window looks at more of the picture",
                f"With the smallest anchor selected the field is the same {field} px: it belongs to the window, not to "
                "the anchor.",
                {**at, "selected": 0, "layers": layers},
            ),
        ),
    )


def border_in_use(explorer: LinkedExplorer) -> Question:
    """What happens to border anchors in training and at test?"""
    stages, crosses = explorer.results.stages, explorer.results.found.crosses_boundary
    size, proposed = explorer.results.grid.image_size, stages.post_nms_inds
    from_crossing = proposed[crosses[proposed]]
    on_objects = box_iou(stages.all_boxes[from_crossing], explorer.results.picture.gt_boxes).amax(dim=1)
    best, fitting = int(from_crossing[0]), int(from_crossing[1:][on_objects[1:].argmax()])
    reaching = proposed[~inside_picture(stages.decoded[proposed], size)]
    cut = next(i for i in reaching.tolist() if i not in (best, fitting))
    return Question(
        fact=15,
        text="The paper leaves anchors that cross the picture's border out of training. And at test time?",
        choices=(
            Choice(
                "They are left out again",
                f"The selected row of the table says both: it crosses the border, and at test time it is "
                f"{stages.fate(best)}.",
                _at_anchor(explorer, best) | {"layers": ["anchors", "labels", "predictions"]},
            ),
            Choice(
                "They take part, and what reaches out is cut off",
                f"{len(from_crossing)} of the {len(proposed)} proposals come from such anchors. This is "
                f"{stages.fate(fitting)}, and its box has an IoU of {float(on_objects[1:].max()):.2f} with an object.",
                _at_anchor(explorer, fitting) | {"layers": ["anchors", "labels", "predictions"]},
                right=True,
            ),
            Choice(
                "They take part, but a box that reaches out is dropped",
                f"{len(stages.decoded):,} are decoded, {len(stages.all_boxes):,} are left after clipping. The box "
                f"selected reached out, was cut at the border, and is {stages.fate(cut)}.",
                _at_anchor(explorer, cut) | {"layers": ["ground_truth", "predictions"]},
            ),
        ),
    )


def _emptiest_cell(explorer: LinkedExplorer) -> tuple[int, int]:
    """The cell at which the best IoU of the nine is least, of those where most of the nine lie inside the picture."""
    found = explorer.results.found
    inside = (~found.crosses_boundary).view(-1, NUM_ANCHORS).sum(dim=1)
    best = found.iou.view(-1, NUM_ANCHORS).amax(dim=1)
    row, col = divmod(int(best.where(inside == inside.max(), 1).argmin()), explorer.results.grid.feature_size[1])
    return row, col


def _at_anchor(explorer: LinkedExplorer, i: int) -> dict[str, Any]:
    """The moves to an anchor of the picture shown."""
    row, col = divmod(i // NUM_ANCHORS, explorer.results.grid.feature_size[1])
    at = {"picture": explorer.picture, "grid": explorer.grid, "map": "mean"}
    return {**at, "row": row, "col": col, "selected": i % NUM_ANCHORS}
