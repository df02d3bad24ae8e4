"""Still pictures: state in, matplotlib Figure out. For print, for slides, for readers without a kernel.

This module owns the one palette and the one grammar of lines; the explorers send both to the page, never repeat them.
Nothing here decides what is positive or which box survives: labels, IoUs and boxes are handed in.
Shapes: A = 9 anchors of a cell, M ground-truth boxes, h × w feature map, H × W picture; boxes are xyxy in its pixels.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from PIL import Image
from torch import Tensor

from rpnviz.boxes import check_boxes
from rpnviz.grid import Grid


class LineStyle(TypedDict):
    """How a line is drawn: ``width`` in points, ``dash`` as lengths on, off, … in points (empty: solid)."""

    width: float
    dash: list[float]


# Told apart by colour, by dash and by width: for colour-blind readers and grey print.
PALETTE: dict[str, str] = {
    "positive": "#00B386",
    "negative": "#E0562B",
    "ignored": "#F2C230",
    "crosses_border": "#A9ADBA",
    "ground_truth": "#FFFFFF",
    "window": "#33E6FF",
    "receptive_field": "#D58BFF",
    "proposal": "#4DA3FF",
    "sampled_positive": "#00B386",
    "sampled_negative": "#E0562B",
    "scale_128": "#00B8D9",
    "scale_256": "#FFAB00",
    "scale_512": "#E377C2",
    "casing": "#10131A",
}

LINE_STYLES: dict[str, LineStyle] = {
    "positive": {"width": 2.5, "dash": []},
    "negative": {"width": 1.4, "dash": []},
    "ignored": {"width": 1.8, "dash": [2, 2]},
    "crosses_border": {"width": 1.5, "dash": [6, 4]},
    "ground_truth": {"width": 1.6, "dash": []},
    "window": {"width": 2.5, "dash": []},
    "receptive_field": {"width": 1.8, "dash": [8, 2, 2, 2]},
    "proposal": {"width": 1.8, "dash": []},
    "sampled_positive": {"width": 2.5, "dash": []},
    "sampled_negative": {"width": 1.4, "dash": []},
    "ratio_0.5": {"width": 1.8, "dash": []},
    "ratio_1": {"width": 1.8, "dash": [6, 4]},
    "ratio_2": {"width": 1.8, "dash": [2, 2]},
}

IN_WORDS = {style: style.replace("_", " ") for style in LINE_STYLES}


@dataclass(frozen=True)
class LinkedState:
    """What the linked explorer shows at one moment; every result in it was computed elsewhere.

    Args:
        image (uint8 [H, W, 3]), grid (Grid), row, col (int): picture, map on it, cell under the window's centre.
        feature_map (float or uint8 [h, w]), map_name (str): what the map shows, and its name, e.g. "channel 17".
        anchors (Tensor[A, 4]): the anchors of the cell.
        labels (list[str], A entries), iou (Tensor[A]): key of LINE_STYLES of each, and its best IoU with an object.
        gt_boxes (Tensor[M, 4]), class_names (list[str]): the objects.
        decoded, proposals (Tensor[K, 4], optional): boxes predicted from the nine; survivors of NMS.
    """

    image: npt.NDArray[np.uint8]
    grid: Grid
    row: int
    col: int
    feature_map: npt.NDArray[np.floating] | npt.NDArray[np.uint8]
    map_name: str
    anchors: Tensor
    labels: list[str]
    iou: Tensor
    gt_boxes: Tensor
    class_names: list[str]
    decoded: Tensor | None = None
    proposals: Tensor | None = None


MARGIN = 0.12  # share of the picture's sides drawn beyond its border: anchors overhang, and that is a lesson
ROOM = 12  # px beyond a box that overhangs further
OUTSIDE = "#3A3F4B"
WINDOW_LINES = [("window", "3×3 window, and its footprint"), ("receptive_field", "receptive field: all that it sees")]
SOLID = {"dash_offset": 0, "dash_list": None}  # the casing stays solid under a dashed line


class Still(Figure):
    """A Figure that a notebook shows by itself, without pyplot and so without any global state."""

    sentence = ""

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        return {"image/png": to_png(self), "text/plain": self.sentence}


def to_png(figure: Figure) -> bytes:
    """Draw ``figure`` and return the PNG, in 256 colours: a quarter of the size. Same figure, same bytes."""
    figure.savefig(full := io.BytesIO(), format="png", dpi=100)
    few = Image.open(full).convert("RGB").quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.save(buffer := io.BytesIO(), "PNG", optimize=True)
    return buffer.getvalue()


def new_still(width: float, height: float, sentence: str) -> Still:
    """Make an empty white figure of ``width`` × ``height`` inches of 100 pixels, under a title sentence."""
    figure = Still(figsize=(width, height), dpi=100, facecolor="white")
    figure.sentence = sentence
    figure.text(0.01, 1 - 0.2 / height, sentence, fontsize=11, va="center", parse_math=False)
    return figure


def line_of(style: str, colour: str | None = None) -> dict[str, object]:
    """Return matplotlib's line properties for a key of LINE_STYLES, dark casing included."""
    look = LINE_STYLES[style]
    points = look["width"]
    return {
        "color": colour or PALETTE[style],
        "linewidth": points,
        "linestyle": (0, tuple(length / points for length in look["dash"])) if look["dash"] else "solid",  # in widths
        "path_effects": [withStroke(linewidth=points + 1.2, foreground=PALETTE["casing"], dashes=SOLID)],
    }


def draw_box(ax: Axes, box: Sequence[float] | Tensor, style: str, colour: str | None = None) -> None:
    """Draw one xyxy box in the line of ``style`` (a key of LINE_STYLES), in ``colour`` if its own is not wanted."""
    x1, y1, x2, y2 = (float(v) for v in box)
    look = line_of(style, colour)
    ax.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, joinstyle="miter", **look))  # type: ignore[arg-type]


def draw_name(ax: Axes, x: float, y: float, name: str) -> None:
    """Write ``name`` as plain text (never mathtext) on a tag whose lower left corner is (x, y)."""
    tag = {"facecolor": PALETTE["ground_truth"], "edgecolor": PALETTE["casing"], "linewidth": 0.5, "pad": 1.5}
    ax.text(x, y, name, fontsize=8, color=PALETTE["casing"], bbox=tag, va="bottom", clip_on=True, parse_math=False)


def show_picture(ax: Axes, image: npt.NDArray[np.uint8], margin: float = MARGIN) -> None:
    """Show ``image`` (uint8 [H, W, 3]) in picture pixels, with a dark band outside its border."""
    height, width = image.shape[:2]
    ax.imshow(image, extent=(0, width, height, 0), interpolation="bilinear")
    ax.set(facecolor=OUTSIDE, xticks=[], yticks=[])
    ax.set(xlim=(-margin * width, (1 + margin) * width), ylim=((1 + margin) * height, -margin * height))


def show_map(ax: Axes, values: npt.ArrayLike, row: int, col: int) -> None:
    """Show a feature map [h, w] in cells, with the 3×3 window round (row, col); at the rim the window overhangs."""
    array = np.asarray(values)
    height, width = array.shape
    ax.imshow(array, cmap="magma", extent=(0, width, height, 0), interpolation="nearest")
    ax.set(facecolor=OUTSIDE, xticks=[], yticks=[], xlim=(-1, width + 1), ylim=(height + 1, -1))
    draw_box(ax, (col - 1, row - 1, col + 2, row + 2), "window")


def show_objects(ax: Axes, gt_boxes: Tensor, class_names: Sequence[str]) -> None:
    """Draw the ground-truth boxes (Tensor[M, 4]) with their names."""
    for box, name in zip(gt_boxes.tolist(), class_names, strict=True):
        draw_box(ax, box, "ground_truth")
        draw_name(ax, box[0], box[1], name)


def legend(figure: Figure, entries: Sequence[tuple[str, str]], columns: int, where: tuple[float, float]) -> None:
    """Explain lines: ``entries`` are (key of LINE_STYLES, words); ``where`` is the upper left corner, 0 to 1."""
    handles = [Line2D([], [], label=words, **line_of(style)) for style, words in entries]  # type: ignore[arg-type]
    look = {"fontsize": 9, "frameon": False, "handlelength": 2.4, "borderaxespad": 0, "columnspacing": 1.5}
    for text in figure.legend(handles=handles, loc="upper left", bbox_to_anchor=where, ncols=columns, **look).texts:
        text.set_parse_math(False)


def boxes_on_picture(
    image: npt.NDArray[np.uint8],
    boxes: Tensor,
    styles: Sequence[str],
    sentence: str,
    gt_boxes: Tensor | None = None,
    class_names: Sequence[str] = (),
) -> Still:
    """Draw boxes on a picture, also beyond its border: the view reaches as far as they do.

    Args:
        image (uint8 [H, W, 3]): the picture.
        boxes (Tensor[N, 4]): xyxy in picture pixels.
        styles (list[str], N entries): key of LINE_STYLES of each box.
        sentence: the title, and the text for those who do not see the figure.
        gt_boxes (Tensor[M, 4], optional): objects, drawn under the boxes.
        class_names (list[str], M entries): their names.
    """
    boxes = check_boxes(boxes, "boxes")
    figure = new_still(8, 5.5, sentence)
    ax = figure.add_axes((0.01, 0.09, 0.98, 0.84))
    show_picture(ax, image)
    if gt_boxes is not None:
        show_objects(ax, check_boxes(gt_boxes, "gt_boxes"), class_names)
    for box, style in zip(boxes.tolist(), styles, strict=True):
        draw_box(ax, box, style)
        (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
        ax.set_xlim(min(left, box[0] - ROOM), max(right, box[2] + ROOM))
        ax.set_ylim(max(bottom, box[3] + ROOM), min(top, box[1] - ROOM))
    used = sorted(set(styles)) + (["ground_truth"] if gt_boxes is not None else [])
    legend(figure, [(style, IN_WORDS[style]) for style in used], 6, (0.01, 0.07))
    return figure


def linked_figure(state: LinkedState) -> Still:
    """Draw the linked explorer as it stands: the map with its window, the picture with what belongs to the cell."""
    figure = new_still(11.5, 5.6, _linked_sentence(state))
    left, right = figure.add_axes((0.01, 0.32, 0.42, 0.575)), figure.add_axes((0.44, 0.18, 0.55, 0.75))
    show_map(left, state.feature_map, state.row, state.col)
    left.set_title(f"feature map: {state.map_name}", fontsize=9, loc="left", parse_math=False)
    show_picture(right, state.image)
    show_objects(right, state.gt_boxes, state.class_names)
    for box in (box for boxes in (state.proposals, state.decoded) if boxes is not None for box in boxes):
        draw_box(right, box, "proposal")
    draw_box(right, state.grid.receptive_field(state.row, state.col), "receptive_field")
    for a in sorted(range(len(state.labels)), key=lambda a: state.labels[a] == "positive"):  # positives on top
        draw_box(right, state.anchors[a], state.labels[a])
    draw_box(right, state.grid.footprint(state.row, state.col), "window")
    legend(figure, [*WINDOW_LINES, ("ground_truth", "ground truth"), ("proposal", "proposal")], 2, (0.01, 0.3))
    legend(figure, _nine_lines(state), 3, (0.01, 0.14))
    return figure


def _linked_sentence(state: LinkedState) -> str:
    x, y = state.grid.centre(state.row, state.col)
    said = ", ".join(f"{state.labels.count(label)} {IN_WORDS[label]}" for label in dict.fromkeys(state.labels))
    return f"Row {state.row}, column {state.col}: {len(state.labels)} anchors round pixel ({x:.0f}, {y:.0f}): {said}."


def _nine_lines(state: LinkedState) -> list[tuple[str, str]]:
    sizes = [f"{x2 - x1:.0f}×{y2 - y1:.0f} px" for x1, y1, x2, y2 in state.anchors.tolist()]
    nine = zip(sizes, state.labels, state.iou.tolist(), strict=True)
    return [(label, f"{size} · best IoU {iou:.2f} · {IN_WORDS[label]}") for size, label, iou in nine]
