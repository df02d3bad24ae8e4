"""What every still picture is made of: the figure, a box, a name, the picture, its objects, the legend.

State in, matplotlib Figure out: labels, IoUs and boxes are handed in, nothing is decided here.
Shapes: M ground-truth boxes, H × W picture; boxes are xyxy in its pixels.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox
from PIL import Image
from torch import Tensor

from rpnviz.figures.palette import LINE_STYLES, OUTSIDE, PALETTE

MARGIN = 0.12  # share of the picture's sides drawn beyond its border: anchors overhang, and that is a lesson
GREYS = tuple(range(0, 256, 17))  # from ink to paper
SOLID = {"dash_offset": 0, "dash_list": None}  # the casing stays solid under a dashed line


class Still(Figure):
    """A Figure that a notebook shows by itself, without pyplot and so without any global state."""

    sentence = ""

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        return {"image/png": to_png(self), "text/plain": self.sentence}


def to_png(figure: Figure) -> bytes:
    """Draw ``figure`` and return the PNG, in 256 colours: a quarter of the size. Same figure, same bytes.

    Ink and paper have the first colours, GREYS, to themselves: with others in their place it is a still for the dark.
    """
    figure.savefig(full := io.BytesIO(), format="png", dpi=100)
    pixels = np.asarray(Image.open(full).convert("RGB"))
    drawn = Image.fromarray(np.where(_is_ink(figure, pixels)[..., None], 0, pixels))
    few = drawn.quantize(256 - len(GREYS), Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    nearest = (pixels[..., 0].astype(np.float32) * (len(GREYS) - 1) / 255).round()
    index = np.where(_is_ink(figure, pixels), nearest, np.asarray(few, dtype=np.uint16) + len(GREYS))
    png = Image.fromarray(index.astype(np.uint8), "P")
    png.putpalette([*(part for grey in GREYS for part in (grey, grey, grey)), *(few.getpalette() or [])])
    png.save(buffer := io.BytesIO(), "PNG", optimize=True)
    return buffer.getvalue()


def _is_ink(figure: Figure, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Which pixels are paper, or words and lines on it: without any colour, and in no picture or map."""
    height = len(pixels)
    ink: npt.NDArray[np.bool_] = (pixels == pixels[..., :1]).all(axis=2)
    for ax in figure.axes:
        on_paper = len(set(to_rgb(ax.get_facecolor()))) == 1
        for part in ax.images if on_paper else [ax]:
            shown = Bbox.intersection(part.get_window_extent(), ax.get_window_extent())
            x1, y1, x2, y2 = (0, 0, -1, -1) if shown is None else (round(edge) for edge in shown.extents)
            ink[max(height - y2, 0) : height - y1 + 1, max(x1, 0) : x2 + 1] = False
    return ink


def new_still(width: float, height: float, sentence: str) -> Still:
    """Make an empty white figure of ``width`` × ``height`` inches of 100 pixels, under a title sentence."""
    figure = Still(figsize=(width, height), dpi=100, facecolor="white")
    figure.sentence = sentence
    figure.text(0.01, 1 - 0.2 / height, sentence, fontsize=11, va="center", parse_math=False)
    return figure


def line_of(style: str) -> dict[str, object]:
    """Return matplotlib's line properties for a key of LINE_STYLES, dark casing included."""
    look = LINE_STYLES[style]
    points = look["width"]
    return {
        "color": PALETTE[style],
        "linewidth": points,
        "linestyle": (0, tuple(length / points for length in look["dash"])) if look["dash"] else "solid",  # in widths
        "path_effects": [withStroke(linewidth=points + 1.2, foreground=PALETTE["casing"], dashes=SOLID)],
    }


def draw_box(ax: Axes, box: Sequence[float] | Tensor, style: str) -> None:
    """Draw one xyxy box in the line of ``style`` (a key of LINE_STYLES)."""
    x1, y1, x2, y2 = (float(v) for v in box)
    look = line_of(style)
    ax.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, joinstyle="miter", **look))  # type: ignore[arg-type]


def draw_name(ax: Axes, x: float, y: float, name: str) -> None:
    """Write ``name`` as plain text (never mathtext) on a tag whose lower left corner is (x, y)."""
    tag = {"facecolor": PALETTE["ground_truth"], "edgecolor": PALETTE["casing"], "linewidth": 0.5, "pad": 1.5}
    ax.text(x, y, name, fontsize=8, color=PALETTE["casing"], bbox=tag, va="bottom", clip_on=True, parse_math=False)


def draw_names(ax: Axes, boxes: Tensor, names: Sequence[str], style: str) -> None:
    """Write a name at each box (Tensor[N, 4]) on a tag of its colour, beside the others while there is room."""
    taken: list[tuple[float, float]] = []
    look = {"facecolor": PALETTE[style], "edgecolor": PALETTE["casing"], "linewidth": 0.5, "pad": 1.2}
    for (x1, y1, x2, y2), name in zip(boxes.tolist(), names, strict=True):
        corners = [(x1, y1, "left", "bottom"), (x2, y1, "right", "bottom"), (x1, y2, "left", "top")]
        corners += [(x2, y2, "right", "top"), (x1, y1, "left", "top"), (x2, y2, "right", "bottom")]
        x, y, across, up = max(corners, key=lambda corner: _room(ax, corner, taken))
        taken.append(_middle(ax, (x, y, across, up)))
        ax.text(x, y, name, fontsize=7, color=PALETTE["casing"], bbox=look, ha=across, va=up, parse_math=False)


def _middle(ax: Axes, corner: tuple[float, float, str, str]) -> tuple[float, float]:
    """Where the middle of a name at a corner is, in px of the figure."""
    x, y = ax.transData.transform(corner[:2])
    return x + (20 if corner[2] == "left" else -20), y + (8 if corner[3] == "bottom" else -8)


def _room(ax: Axes, corner: tuple[float, float, str, str], taken: Sequence[tuple[float, float]]) -> float:
    """How far the next name is, in widths or heights of a name; enough is enough, and the axes' edge is none."""
    x, y = _middle(ax, corner)
    frame = ax.get_window_extent()
    if not (frame.x0 + 24 < x < frame.x1 - 24 and frame.y0 + 9 < y < frame.y1 - 9):
        return -1
    return min([1.0, *(max(abs(x - other) / 46, abs(y - up) / 17) for other, up in taken)])


def show_picture(ax: Axes, image: npt.NDArray[np.uint8], margin: float = MARGIN) -> None:
    """Show ``image`` (uint8 [H, W, 3]) in picture pixels, with a dark band outside its border."""
    height, width = image.shape[:2]
    ax.imshow(image, extent=(0, width, height, 0), interpolation="bilinear")
    ax.set(facecolor=OUTSIDE, xticks=[], yticks=[])
    ax.set(xlim=(-margin * width, (1 + margin) * width), ylim=((1 + margin) * height, -margin * height))


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


def draw_thin(ax: Axes, boxes: Tensor, style: str) -> None:
    """Draw many boxes (Tensor[N, 4]) with thin lines in the colour of ``style``, without the dark casing."""
    x1, y1, x2, y2 = boxes.numpy().T
    around = np.stack([x1, y1, x2, y1, x2, y2, x1, y2, x1, y1], axis=1).reshape(-1, 5, 2)
    ax.add_collection(LineCollection(list(around), colors=PALETTE[style], linewidths=0.8, alpha=0.6), autolim=False)
