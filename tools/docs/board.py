"""Draw the teaching guide's board drawings: docs/board/*.svg, few strokes each, to be copied with chalk.

    python -m tools.docs.board            write them
    python -m tools.docs.board --check    say which are not as they should be

Their numbers come from the package.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from rpnviz.anchors import cell_anchors, grid_anchors, inside_picture
from rpnviz.boxes import box_iou
from rpnviz.grid import Grid
from rpnviz.inspect.layers import halvings
from rpnviz.proposals import PRESETS
from rpnviz.roi import align_one_box, pool_one_box
from rpnviz.rpn import RPNHead
from tools.docs.svg import BLUE, GREEN, INK, RED, SOFT, Drawing, write_drawings

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "board"


def window() -> Drawing:
    """One stop of the window: what is computed, and what the nine outputs speak about."""
    head, nine = RPNHead(), cell_anchors()
    channels = head.conv.out_channels
    logits, deltas = head.cls_logits.out_channels, head.bbox_pred.out_channels
    board = Drawing(860, 330, "One stop of the 3×3 window, and the nine anchors that its outputs speak about")
    for row in range(8):
        for col in range(10):
            board.box(20 + 22 * col, 70 + 22 * row, 42 + 22 * col, 92 + 22 * row, SOFT)
    board.box(20 + 22 * 5, 70 + 22 * 3, 20 + 22 * 8, 70 + 22 * 6, BLUE, fill=BLUE)
    board.text(130, 52, "feature map")
    board.line((200, 169), (292, 169), colour=BLUE, arrow=True)
    board.text(262, 156, "3×3", BLUE)
    board.box(300, 90, 320, 248, BLUE, fill=BLUE)
    board.text(310, 272, f"{channels} numbers", BLUE)
    board.line((324, 140), (400, 110), colour=BLUE, arrow=True)
    board.line((324, 198), (400, 228), colour=BLUE, arrow=True)
    board.text(366, 174, "1×1", BLUE)
    board.text(408, 115, f"{logits} scores", BLUE, "start")
    board.text(408, 234, f"{deltas} = {logits} × 4 deltas", BLUE, "start")
    x, y, scale = 716, 168, 0.26
    board.box(x - 130, y - 78, x + 130, y + 78)
    for x1, y1, x2, y2 in (nine * scale).tolist():
        board.box(x + x1, y + y1, x + x2, y + y2, RED)
    board.dot(x, y, RED)
    board.text(x + 130, 34, "picture: nine anchors, there before", RED, "end")
    board.text(x, 310, "output k speaks about anchor k", RED)
    return board


def halves() -> Drawing:
    """Four poolings, and what becomes of half a row."""
    board = Drawing(860, 236, "Four halvings of 600 and of 1000: 37×62, 38×63, or 40×60")
    ways = [
        ("PyTorch drops the half", halvings(600), halvings(1000), INK),
        ("Caffe keeps it", halvings(600, ceil_mode=True), halvings(1000, ceil_mode=True), RED),
        ("resampled first", halvings(640), halvings(960), GREEN),
    ]
    for k, (words, rows, cols, colour) in enumerate(ways):
        y = 42 + 70 * k
        board.text(20, y + 14, words, colour, "start")
        for sizes, down in ((rows, 0), (cols, 28)):
            for i, size in enumerate(sizes):
                board.text(250 + 100 * i, y + down, f"{size}", colour)
                if sizes[i] * 2 != sizes[i - 1] and i:
                    board.text(198 + 100 * i, y + down - 12, f"{sizes[i - 1] // 2}½?", colour, size=12)
                if i:
                    board.line((178 + 100 * i, y + down - 5), (222 + 100 * i, y + down - 5), colour=colour, arrow=True)
        board.text(730, y + 16, f"{rows[-1]} × {cols[-1]}", colour, "start", 22)
    return board


def labels() -> Drawing:
    """The two thresholds and the third sentence; half of each box is a third."""
    half = box_iou(torch.tensor([[0.0, 0, 100, 80]]), torch.tensor([[50.0, 0, 150, 80]])).item()
    board = Drawing(860, 250, "The scale of IoU with its two thresholds, and two boxes half a width apart")
    left, length, y = 40, 460, 130

    def at(iou: float) -> float:
        return left + length * iou

    for low, high, words, colour in (
        (0, 0.3, "negative", RED),
        (0.3, 0.7, "ignored", SOFT),
        (0.7, 1, "positive", GREEN),
    ):
        board.line((at(low), y), (at(high), y), colour=colour, width=6)
        board.text(at((low + high) / 2), y - 16, words, colour)
    for iou in (0, 0.3, 0.7, 1):
        board.line((at(iou), y - 8), (at(iou), y + 8))
        board.text(at(iou), y + 30, f"{iou:g}")
    board.text(at(0.5), y + 58, "IoU of the anchor with its object, on the picture")
    for iou in (0.15, 0.5):
        board.line((at(iou), 66), (at(iou), 96), colour=GREEN, arrow=True)
    board.text(at(0), 54, "the best anchor of an object: positive all the same", GREEN, "start")
    board.box(590, 90, 690, 170, GREEN)
    board.box(640, 90, 740, 170, BLUE)
    board.box(640, 90, 690, 170, INK, fill=INK)
    board.text(665, 70, "half of each box is shared")
    board.text(665, 205, f"IoU = ½ ÷ 1½ = {half:.2f}")
    return board


def branches() -> Drawing:
    """Two stories that start at the same anchors and never meet."""
    grid = Grid.paper()
    anchors = grid_anchors(grid, cell_anchors())
    inside = int(inside_picture(anchors, grid.image_size).sum())
    use = PRESETS["py-faster-rcnn"]["test"]
    board = Drawing(860, 264, "Two branches from the anchors: labels for training, and proposals")
    board.text(70, 132, f"{len(anchors):,}", size=22)
    board.text(70, 156, "anchors")
    _chain(board, 70, RED, ["inside", "compared", "drawn", "two losses"], [f"{inside:,}", "1, 0, −1", "256", ""])
    board.text(500, 26, "training: asks the objects, never the network; no NMS", RED)
    top, most = f"{use['pre_nms_top_n']:,}", f"{use['post_nms_top_n']:,}"
    _chain(
        board,
        190,
        BLUE,
        ["scored, moved, clipped", "best scores", "NMS", "proposals"],
        [f"{len(anchors):,}", top, "0.7", most],
    )
    board.text(500, 246, "proposing: asks the scores, never the objects", BLUE)
    return board


def _chain(board: Drawing, y: int, colour: str, words: Sequence[str], counts: Sequence[str]) -> None:
    places = [240, 440, 600, 760]
    board.line((120, 132), (places[0] - 92, y), colour=colour, arrow=True)
    for i, (x, word, count) in enumerate(zip(places, words, counts, strict=True)):
        board.text(x, y - 4, count or word, colour, size=20 if count else 16)
        if count:
            board.text(x, y + 18, word, colour, size=14)
        if i:
            board.line((places[i - 1] + 52, y - 8), (x - 52, y - 8), colour=colour, arrow=True)


def chain() -> Drawing:
    """A suppresses B; B, being gone, suppresses nobody."""
    boxes = torch.tensor([[60.0, 60, 200, 200], [95, 60, 235, 200], [130, 60, 270, 200]])
    iou = box_iou(boxes, boxes)
    board = Drawing(860, 250, "Three boxes in a row: A suppresses B, and C stays")
    stays = list(zip("ABC", boxes.tolist(), (GREEN, SOFT, BLUE), ("", "6 5", ""), strict=True))
    for name, (x1, y1, x2, y2), colour, dash in sorted(stays, key=lambda one: one[3] == ""):
        board.box(x1, y1, x2, y2, colour, dash, fill="" if dash else colour)
        board.text(x1 + 14, y1 - 10, name, colour, size=20)
    words = [
        (f"IoU of A and B {iou[0, 1]:.2f}, of B and C {iou[1, 2]:.2f}, of A and C {iou[0, 2]:.2f}", INK),
        ("threshold 0.5; A scores best, then B, then C", INK),
        ("A is kept. It suppresses B.", GREEN),
        ("B is skipped: it suppresses nobody.", SOFT),
        ("C is kept.", BLUE),
    ]
    for k, (sentence, colour) in enumerate(words):
        board.text(330, 72 + 32 * k, sentence, colour, "start")
    return board


def bins() -> Drawing:
    """One row of cells: what RoI pooling takes of a box, and where RoIAlign reads."""
    row = torch.arange(6.0).view(1, 1, 6)
    left, right = 1.4, 4.6
    pooled = pool_one_box(row, torch.tensor([left, 0.0, right, 0.4]), output_size=(1, 2))
    aligned = align_one_box(row, torch.tensor([left, 0.0, right, 1.0]), output_size=(1, 2), sampling_ratio=2)
    board = Drawing(860, 270, "A box over six cells, cut into two bins by RoI pooling and by RoIAlign")
    start, cell = 160, 80

    def at(x: float) -> float:
        return start + cell * x

    for col in range(6):
        board.box(at(col), 70, at(col + 1), 110, SOFT)
        board.text(at(col + 0.5), 136, f"{col}", SOFT, size=13)
    board.box(at(left), 62, at(right), 118, BLUE)
    board.text(at(left), 44, f"{left}", BLUE)
    board.text(at(right), 44, f"{right}", BLUE)
    board.text(20, 96, "the box", BLUE, "start")
    board.text(20, 168, "RoI pooling", RED, "start")
    board.text(20, 236, "RoIAlign", GREEN, "start")
    for k, (first, last) in enumerate(pooled.cols.tolist()):
        y = 156 + 14 * k
        board.line((at(first), y), (at(last), y), colour=RED, width=6)
    board.text(at(6) + 16, 168, "whole cells, the largest", RED, "start", 14)
    middle = (left + right) / 2
    for first, last in ((left, middle), (middle, right)):
        board.line((at(first) + 3, 232), (at(last) - 3, 232), colour=GREEN, width=3)
    for x in aligned.xs.flatten().tolist():
        board.dot(at(x + 0.5), 232, GREEN, 6)
    board.text(at(6) + 16, 236, "where it lies, the mean", GREEN, "start", 14)
    return board


DRAWINGS: dict[str, Callable[[], Drawing]] = {
    draw.__name__: draw for draw in (window, halves, labels, branches, chain, bins)
}


def main(arguments: list[str] | None = None, folder: Path = FOLDER) -> int:
    """Run the command line; return the exit status."""
    return write_drawings(DRAWINGS, folder, arguments)


if __name__ == "__main__":
    sys.exit(main())
