"""What learners believe of IoU: a question above the IoU explorer."""

from __future__ import annotations

import torch

from rpnviz.anchors import cell_anchors
from rpnviz.boxes import box_area, pair_iou
from rpnviz.explorers.common.questions import Choice, Question
from rpnviz.explorers.iou.explorer import IouExplorer
from rpnviz.grid import Grid


def where_is_iou(explorer: IouExplorer) -> Question:
    """Is IoU computed on the feature map?"""
    grid = Grid.paper(explorer.picture.image_size)
    (stride_y, stride_x), thresholds = grid.stride, {"bg_iou_thresh": 0.3, "fg_iou_thresh": 0.7}
    small = torch.tensor([480.0, 300.0, 530.0, 345.0])
    beside = small + torch.tensor([9.0, 6.0, 9.0, 6.0])
    cells = torch.tensor([stride_x, stride_y, stride_x, stride_y])
    shared, in_cells = pair_iou(small, beside), pair_iou((small / cells).round(), (beside / cells).round())
    window = grid.footprint(0, 0)
    seen = f"{window[2] - window[0]:.0f}×{window[3] - window[1]:.0f}"
    objects = explorer.picture.gt_boxes
    largest = objects[int(box_area(objects).argmax())]
    middle = ((largest[:2] + largest[2:]) / 2).round()
    over = cell_anchors()[4] + torch.cat([middle, middle])
    far = small + torch.tensor([0.0, 0.0, 1.0, 1.0])
    return Question(
        fact=5,
        text="The IoU of an anchor and an object: what is it computed on?",
        choices=(
            Choice(
                "On the feature map, in whole cells",
                f"The IoU of these two is {shared:.2f}. Rounded to whole cells they would be one and the same box, IoU "
                f"{in_cells:.2f}: the map is far too coarse.",
                {"anchor": beside.tolist(), "gt": small.tolist(), **thresholds},
            ),
            Choice(
                "On the picture, in its pixels",
                f"The anchor is one pixel wider and higher than the object, and the IoU, {pair_iou(small, far):.3f}, "
                "tells them apart. Two boxes are all that it needs.",
                {"anchor": far.tolist(), "gt": small.tolist(), **thresholds},
                right=True,
            ),
            Choice(
                "In the window, with what it sees of the object",
                f"This anchor and this object are much larger than the window's {seen} px, and their IoU is "
                f"{pair_iou(over, largest):.2f}: whole boxes are compared.",
                {"anchor": over.tolist(), "gt": largest.tolist(), **thresholds},
            ),
        ),
    )
