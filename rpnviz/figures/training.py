"""The stills of notebook 07: a picture with an objectness map and proposals, and curves over the steps of a training.

Like `draw`, whose lines and colours these are: results in, matplotlib Figure out, nothing computed here.
Shapes: h × w cells, H × W picture, K proposals, M gt boxes, T steps with a loss, S snapshots.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from torch import Tensor

from rpnviz.figures.palette import LINE_STYLES, PALETTE, LineStyle
from rpnviz.figures.primitives import Still, draw_box, legend, line_of, new_still, show_picture

# The line of each curve, a key of LINE_STYLES: what it is compared with is dashed; the more proposals count, the more
# of the line is there.
CURVE_LINES = {name: f"curve_{name}" for name in ("first", "second", "10", "50", "100", "300", "1000")}
OVER_PICTURE = 0.6  # how much of the map covers the picture


class CurveLook(LineStyle):
    """A line for the page: as in draw, with its colours."""

    color: str
    casing: str


def curve_looks() -> dict[str, CurveLook]:
    """The lines of CURVE_LINES, for the page."""
    return {
        name: {**LINE_STYLES[style], "color": PALETTE[style], "casing": PALETTE["casing"]}
        for name, style in CURVE_LINES.items()
    }


@dataclass(frozen=True)
class Scene:
    """What a head makes of a picture.

    Args:
        title: words above it.
        objectness (Tensor[h, w], optional): uint8, score of the best anchor of a cell × 255.
        proposals (Tensor[K, 4]): best first.
    """

    title: str
    objectness: Tensor | None
    proposals: Tensor


@dataclass(frozen=True)
class Curve:
    """A line over steps: `x` [T], `y` [T]; `raw` [T] is drawn thin behind it; `line` is a key of CURVE_LINES."""

    name: str
    line: str
    x: npt.ArrayLike
    y: npt.ArrayLike
    raw: npt.ArrayLike | None = None


@dataclass(frozen=True)
class Chart:
    """Curves over the steps of a training.

    Args:
        title: what is drawn.
        curves: the lines.
        steps: the last step.
        top: of the y axis; None for what the curves need.
        logarithmic: whether the first steps get more room.
        cursor: the step that is shown beside it.
    """

    title: str
    curves: Sequence[Curve]
    steps: int
    top: float | None = None
    logarithmic: bool = False
    cursor: int | None = None


def training_figure(
    image: npt.NDArray[np.uint8],
    gt_boxes: Tensor,
    scenes: Sequence[Scene],
    charts: Sequence[Chart],
    top_n: int,
    title: str,
    sentence: str,
) -> Still:
    """Draw two scenes side by side, and two charts under them.

    Args:
        image (uint8 [H, W, 3]): the picture.
        gt_boxes (Tensor[M, 4]): its objects.
        scenes: two.
        charts: two.
        top_n: how many proposals to draw.
        title: of the whole, short.
        sentence: the text for those who do not see the figure.
    """
    figure = new_still(11.5, 6.2, title)
    figure.sentence = sentence
    for number, (scene, chart) in enumerate(zip(scenes, charts, strict=True)):
        left = 0.01 + 0.5 * number
        ax = figure.add_axes((left, 0.39, 0.48, 0.49))
        draw_scene(ax, image, gt_boxes, scene, top_n)
        draw_chart(figure.add_axes((left + 0.045, 0.14, 0.43, 0.18)), chart)
    legend(figure, [("ground_truth", "object"), ("proposal", f"best {top_n} proposals")], 2, (0.02, 0.04))
    return figure


def draw_scene(ax: Axes, image: npt.NDArray[np.uint8], gt_boxes: Tensor, scene: Scene, top_n: int) -> None:
    """Draw the picture, the map over it, the objects and the best proposals."""
    height, width = image.shape[:2]
    show_picture(ax, image, margin=0)
    look = {"cmap": "magma", "vmin": 0, "vmax": 255, "alpha": OVER_PICTURE, "interpolation": "nearest"}
    if scene.objectness is not None:
        ax.imshow(scene.objectness.numpy(), extent=(0, width, height, 0), **look)  # type: ignore[arg-type]
    for style, boxes in (("ground_truth", gt_boxes), ("proposal", scene.proposals[:top_n].flip(0))):
        for box in boxes.tolist():
            draw_box(ax, box, style)
    ax.set(xlim=(0, width), ylim=(height, 0))
    ax.set_title(scene.title, fontsize=9, loc="left", parse_math=False)


def draw_chart(ax: Axes, chart: Chart) -> None:
    """Draw the curves, a legend in words, and the cursor."""
    for curve in chart.curves:
        style = CURVE_LINES[curve.line]
        if curve.raw is not None:
            ax.plot(curve.x, curve.raw, color=PALETTE[style], linewidth=0.6, alpha=0.5)
        look = line_of(style)
        look["path_effects"] = [withStroke(linewidth=LINE_STYLES[style]["width"] + 0.8, foreground=PALETTE["casing"])]
        ax.plot(curve.x, curve.y, label=curve.name, **look)  # type: ignore[arg-type]
    if chart.logarithmic:
        ax.set_xscale("symlog", linthresh=10)
        ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.set_xlim(0, max(chart.steps, 1))
    highest = max((float(np.asarray(curve.y).max(initial=0)) for curve in chart.curves), default=0) or 1
    ax.set_ylim(0, chart.top or 1.3 * highest)  # what single steps reach above that is cut off
    if chart.cursor is not None:
        ax.axvline(chart.cursor, color="black", linewidth=1)
    ax.set_title(chart.title, fontsize=9, loc="left", parse_math=False)
    ax.set_xlabel("step", fontsize=8)
    ax.tick_params(labelsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(
        fontsize=8,
        frameon=False,
        loc="upper left",
        bbox_to_anchor=(0.25, 1.3),
        ncols=5,
        handlelength=2.2,
        columnspacing=1,
    )
