"""The still picture of the overview, also that of the poster: the machine in three lines.

Shapes: A = 9 anchors of a cell, N anchors in all, M ground-truth boxes, h × w feature map, H × W picture.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise
from textwrap import wrap
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle
from torch import Tensor

from rpnviz.explorers.overview.thumbnails import DRAW
from rpnviz.figures.palette import PAPER
from rpnviz.figures.primitives import Still, new_still
from rpnviz.figures.stations import PARTS, STATIONS, Station
from rpnviz.grid import Grid
from rpnviz.proposals import Stages

INK, SOFT, GREY = PAPER["ink"], PAPER["soft"], PAPER["grey"]
SHAPE = 0.6  # of a thumbnail, height over width: the picture's
COLUMNS = 7  # of the lower lines, with the anchors at their left
LINES = {"network": 0, "training": 1, "proposals": 2}  # from above


@dataclass(frozen=True, eq=False)
class OverviewState:
    """What the overview shows at one moment; every result in it was computed elsewhere.

    Args:
        image (uint8 [H, W, 3]), gt_boxes (Tensor[M, 4]): the picture and its objects.
        grid (Grid), row, col (int): the map on it, and the cell under the window's centre.
        feature_map (uint8 [h, w]): the mean of all channels.
        vector (Tensor[K]), num_numbers (int): some of what the window becomes, and how many it has.
        scores (Tensor[A]), deltas, anchors (Tensor[A, 4]), kinds (Tensor[A]), here (Tensor[A]): of the cell; `here` are
            the numbers of its anchors.
        positive, negative (Tensor[P], Tensor[Q]): the minibatch.
        losses: classification and box regression of it.
        curve (Tensor[T]): the loss of the recorded training.
        stages (Stages): of the proposals.
        counts: see scene.counts_of.
    """

    image: npt.NDArray[np.uint8]
    gt_boxes: Tensor
    grid: Grid
    row: int
    col: int
    feature_map: npt.NDArray[np.uint8]
    vector: Tensor
    num_numbers: int
    scores: Tensor
    deltas: Tensor
    anchors: Tensor
    kinds: Tensor
    positive: Tensor
    negative: Tensor
    losses: tuple[float, float]
    curve: Tensor
    stages: Stages
    here: Tensor
    counts: dict[str, Any]

    def sentence(self) -> str:
        """What is shown, in a sentence."""
        kept = dict(self.stages.funnel())
        rows, cols = self.grid.feature_size
        return (
            f"The machine from the picture to {kept['proposals']} proposals: a {rows}×{cols} map, "
            f"{self.counts['anchors']:,} anchors; {self.figures()['minibatch']} train it. "
            f"The window stands at row {self.row}, column {self.col}."
        )

    def figures(self) -> dict[str, str]:
        """What is written at each station: its shape or count."""
        (height, width), (rows, cols) = self.grid.image_size, self.grid.feature_size
        kinds, stages = self.counts["labels"], self.stages.funnel()
        nine, drawn = len(self.scores), (len(self.positive), len(self.negative))
        left = dict(zip(("decode", "", "clip", "top", "nms", "proposals"), (f"{n:,}" for _, n in stages), strict=True))
        return {
            "picture": f"{height}×{width}×3",
            "convolutions": "13 convolutions, 4 poolings",
            "map": f"{rows}×{cols}×{self.num_numbers}",
            "window": f"3×3×{self.num_numbers}",
            "vector": f"{self.num_numbers} numbers",
            "outputs": f"{nine} + {4 * nine}",
            "anchors": f"{nine} of {self.counts['anchors']:,}",
            "labels": f"{kinds['positive']:,} positive",
            "minibatch": f"{drawn[0]} + {drawn[1]} = {sum(drawn)}",
            "losses": f"{self.losses[0]:.3f} + {self.losses[1]:.3f}",
            "training": f"{self.counts['steps']:,} steps",
            **{name: count for name, count in left.items() if name},
            "roi": f"7×7×{self.num_numbers} each",
        }


@dataclass(frozen=True)
class Frame:
    """Where the machine lies in a figure: edges in inches from its lower left corner, size of letters in points.

    `sentences` is the room below each station for what it does, in lines; 0 for none.
    """

    left: float
    bottom: float
    right: float
    top: float
    letters: float
    sentences: int = 0


def overview_figure(state: OverviewState, lit: Collection[str]) -> Still:
    """Draw the machine, grey but for the stations named in ``lit``."""
    figure = new_still(11.5, 6.6, state.sentence())
    draw_machine(figure, state, lit, Frame(0.15, 0.1, 11.35, 6.25, 8.5))
    return figure


def draw_machine(figure: Figure, state: OverviewState, lit: Collection[str], frame: Frame) -> dict[str, Axes]:
    """Draw all stations with their figures, and the arrows; returns the axes of each station by its name."""
    places, written = station_places(frame), state.figures()
    axes = {}
    for station in STATIONS:
        left, bottom, width, height = places[station.name]
        axes[station.name] = ax = _axes(figure, left, bottom, width, height)
        DRAW[station.name](ax, state)
        _write_station(ax, station, written[station.name], frame, station.name in lit)
    for part, words in PARTS.items():
        first = next(station.name for station in STATIONS if station.part == part)
        x, y = places[first][0], places[first][1] + places[first][3] + 2.9 * frame.letters / 72
        _write(figure, x, y, words, frame.letters, SOFT)
    _draw_arrows(figure, places, frame)
    return axes


def station_places(frame: Frame) -> dict[str, tuple[float, float, float, float]]:
    """Left, bottom, width and height of each station's thumbnail, in inches."""
    letter = frame.letters / 72
    gap, head, foot = 2.2 * letter, 4.2 * letter, (1.8 + 1.45 * frame.sentences) * letter
    across = frame.right - frame.left - gap
    width, wide = (across - (COLUMNS - 1) * gap) / COLUMNS, (across - 5 * gap) / 6
    highs = {part: SHAPE * (wide if part == "network" else width) for part in LINES}
    rest = frame.top - frame.bottom - sum(highs.values()) - 3 * (head + foot)
    places, y = {}, frame.top
    for part, high in highs.items():
        own = [station.name for station in STATIONS if station.part == part]
        each, start = (wide, frame.left) if part == "network" else (width, frame.left + width + gap)
        y -= head + high
        for i, name in enumerate(own):
            places[name] = (start + i * (each + gap), y, each, high)
        y -= foot + rest / 2
    middle = (places["labels"][1] + places["decode"][1]) / 2
    places["anchors"] = (frame.left, middle, width, highs["training"])
    return places


def _axes(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    across, up = figure.get_size_inches()
    ax: Axes = figure.add_axes((left / across, bottom / up, width / across, height / up))
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.set_anchor("NW")
    return ax


def _write_station(ax: Axes, station: Station, written: str, frame: Frame, lit: bool) -> None:
    weight, colour = ("bold", INK) if lit else ("normal", GREY)
    size, figure = frame.letters, ax.get_figure(root=True)
    assert figure is not None
    x, y, width, height = _inches(ax)
    _write(figure, x, y + height + 0.7 * size / 72, station.title, 1.15 * size, colour, weight=weight)
    _write(figure, x, y - 1.1 * size / 72, written, size, SOFT)
    lines = wrap(station.what, int(width * 72 / (0.53 * size)))[: frame.sentences]
    for k, line in enumerate(lines):
        _write(figure, x, y - (2.6 + 1.35 * k) * size / 72, line, size, INK)
    if not lit:
        ax.add_patch(Rectangle((0, 0), 1, 1, transform=ax.transAxes, facecolor="white", alpha=0.7, zorder=50))


def _inches(ax: Axes) -> tuple[float, float, float, float]:
    """Left, bottom, width and height of the place of axes."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    across, up = figure.get_size_inches()
    x, y, width, height = ax.get_position(original=True).bounds
    return x * across, y * up, width * across, height * up


def _write(figure: Figure, x: float, y: float, words: str, size: float, colour: str, weight: str = "normal") -> None:
    across, up = figure.get_size_inches()
    look: dict[str, Any] = {
        "fontsize": size,
        "color": colour,
        "fontweight": weight,
        "va": "center",
        "parse_math": False,
    }
    figure.text(x / across, y / up, words, **look)


def _draw_arrows(figure: Figure, places: dict[str, tuple[float, float, float, float]], frame: Frame) -> None:
    """From neighbour to neighbour, from the anchors to both branches, from the outputs to losses and decoding."""
    lines = [[station.name for station in STATIONS if station.part == part] for part in LINES]
    for line in lines:
        for one, other in pairwise(line):
            _arrow(figure, [_right(places[one]), _left(places[other])])
    x, y = _right(places["anchors"])
    for branch in ("labels", "decode"):
        end_x, end_y = _left(places[branch])
        _arrow(figure, [(x, y), ((x + end_x) / 2, y), ((x + end_x) / 2, end_y), (end_x, end_y)])
    letter = frame.letters / 72
    bus = frame.right
    x, y, _, height = places["decode"]
    down = (places["decode"][0] + 0.75 * places["decode"][2], y + height + 1.7 * letter)
    start = _right(places["outputs"])
    above = y + height + 2.9 * letter
    _arrow(figure, [start, (bus, start[1]), (bus, above), (down[0], above), down])
    x, y, width, height = places["losses"]
    down = (x + 0.75 * width, y + height + 1.7 * letter)
    above = y + height + 2.9 * letter
    _arrow(figure, [(bus, above), (down[0], above), down])


def _left(place: tuple[float, float, float, float]) -> tuple[float, float]:
    return place[0] - 0.03, place[1] + place[3] / 2


def _right(place: tuple[float, float, float, float]) -> tuple[float, float]:
    return place[0] + place[2] + 0.03, place[1] + place[3] / 2


def _arrow(figure: Figure, points: list[tuple[float, float]]) -> None:
    """A line through points, in inches, with a head at its end."""
    across, up = figure.get_size_inches()
    shares = [(x / across, y / up) for x, y in points]
    look: dict[str, Any] = {
        "color": GREY,
        "linewidth": 1.2,
        "shrinkA": 0,
        "shrinkB": 0,
        "transform": figure.transFigure,
    }
    for one, other in pairwise(shares[:-1]):
        figure.add_artist(FancyArrowPatch(one, other, arrowstyle="-", **look))
    figure.add_artist(FancyArrowPatch(shares[-2], shares[-1], arrowstyle="-|>", mutation_scale=9, **look))
