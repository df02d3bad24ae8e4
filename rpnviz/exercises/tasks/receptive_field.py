"""Exercise of notebook 01: how far one unit sees."""

from __future__ import annotations

import math
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from rpnviz.exercises import references
from rpnviz.exercises.exercise import Arguments, Case, Draw, Exercise, Mistake
from rpnviz.exercises.figures.panels import INK, bare, case_figure, title
from rpnviz.exercises.figures.tables import got_and_wanted
from rpnviz.exercises.tasks.strategies import rows
from rpnviz.figures.palette import PALETTE

Steps = list[tuple[int, int]]


KERNELS, STRIDES = (3, 2, 1, 4, 5), (1, 2, 3)  # the usual ones first: a failing case shrinks to them


def _inputs(draw: Draw) -> Arguments:
    drawn = rows(draw, 0, 5, (0, len(KERNELS) - 1), (0, len(STRIDES) - 1))
    return ([(KERNELS[kernel], STRIDES[stride]) for kernel, stride in drawn],)


def _larger() -> Arguments:
    return ([(3, 1 + (i % 20 == 0)) for i in range(200)],)


def _grow(steps: Steps, jump_first: bool = False, stride: bool = True) -> int:
    side, jump = 1, 1
    for kernel, step in steps:
        jump *= step if jump_first and stride else 1
        side += (kernel - 1) * jump
        jump *= step if stride and not jump_first else 1
    return side


def _no_stride(steps: Steps) -> int:
    return _grow(steps, stride=False)


def _strides_added(steps: Steps) -> int:
    side, jump = 1, 1
    for kernel, step in steps:
        side, jump = side + (kernel - 1) * jump, jump + step
    return side


def _pair_swapped(steps: Steps) -> int:
    return references.receptive_field([(stride, kernel) for kernel, stride in steps])


def _first_kernel(steps: Steps) -> int:
    return _grow(steps) if steps else 0


def _own_stride_too(steps: Steps) -> int:
    return _grow(steps, jump_first=True)


def _last_to_first(steps: Steps) -> int:
    return references.receptive_field(steps[::-1])


def _whole_kernels(steps: Steps) -> int:
    side, jump = 1, 1
    for kernel, step in steps:
        side, jump = side + kernel * jump, jump * step
    return side


def _product(steps: Steps) -> int:
    return math.prod(kernel for kernel, _ in steps)


def _jump(steps: Steps) -> int:
    return math.prod(stride for _, stride in steps)


def _last_stride_only(steps: Steps) -> int:
    side, before = 1, 1
    for kernel, step in steps:
        side, before = side + (kernel - 1) * before, step
    return side


@dataclass
class Pyramid:
    """One unit on top, below it those it depends on, layer by layer down to the pixels, all to scale."""

    steps: Steps
    wide: float = 3.0
    ticks: bool = False

    def draw(self, ax: Axes) -> None:
        """Draw it."""
        title(ax, "one unit, and all that it depends on, layer by layer")
        bare(ax)
        counts = [1]
        for kernel, stride in reversed(self.steps):
            counts.append((counts[-1] - 1) * stride + kernel)
        jumps = [math.prod(stride for _, stride in self.steps[:i]) for i in range(len(self.steps) + 1)][::-1]
        side = counts[-1]
        for row, (count, jump) in enumerate(zip(counts, jumps, strict=True)):
            self._row(ax, row, count, jump, side)
        ax.set(xlim=(-side * 0.62 - 1, side / 2 + 0.5), ylim=(len(counts) + 0.1, -0.1))

    def _row(self, ax: Axes, row: int, count: int, jump: int, side: int) -> None:
        last = row == len(self.steps)
        for i in range(count):
            x = (i - (count - 1) / 2) * jump
            colour = PALETTE["receptive_field"] if last else PALETTE["window"]
            ax.add_patch(Rectangle((x - 0.42, row + 0.12), 0.84, 0.66, facecolor=colour, edgecolor=INK, linewidth=0.5))
        name = f"{count} {'pixel' if last else 'unit'}{'s' if count > 1 else ''}"
        if not last:
            kernel, stride = self.steps[-1 - row]
            name += f"\nkernel {kernel}, stride {stride}"
        ax.text(-side * 0.62 - 1, row + 0.45, name, fontsize=8, va="center", color=INK, parse_math=False)


def _picture(case: Case) -> Figure:
    steps = case.arguments["steps"]
    look = {"rows": [""], "columns": ["px"], "wide": 0.8}
    return case_figure([Pyramid(steps), *got_and_wanted(case, 0, **look)], 1.2 + 0.42 * (len(steps) + 1))


RECEPTIVE_FIELD = Exercise(
    name="my_receptive_field",
    notebook="01",
    title="Receptive field of one unit",
    arguments=("steps",),
    returns=("the side",),
    reference=references.receptive_field,
    oracle="counting the units layer by layer",
    inputs=_inputs,
    larger=_larger,
    larger_words="200 layers",
    mistakes=(
        Mistake(
            "strides_ignored",
            "After a layer of stride 2 neighbouring units lie 2 pixels apart: a later kernel reaches twice as far. You "
            "leave the strides out.",
            _no_stride,
        ),
        Mistake(
            "own_stride_too_early",
            "A layer's stride spreads the units that come after it. Its own kernel still works at the old distance: "
            "add first, then multiply the distance by the stride.",
            _own_stride_too,
        ),
        Mistake(
            "last_stride_only",
            "The distance between units is the product of all strides so far, not that of the layer before alone.",
            _last_stride_only,
        ),
        Mistake(
            "wrong_end_first",
            "The steps come first layer first, and you go through them in the other direction. Growing by (kernel − "
            "1) · distance goes from the first to the last; (n − 1) · stride + kernel from the last to the first.",
            _last_to_first,
        ),
        Mistake(
            "kernel_not_kernel_minus_one",
            "The outermost of k neighbours lie k − 1 steps apart: a layer adds (kernel − 1) · distance.",
            _whole_kernels,
        ),
        Mistake(
            "strides_added",
            "Distances multiply: after strides of 2 and 2 neighbours lie 4 pixels apart, and after a stride of 1 as "
            "far as before.",
            _strides_added,
        ),
        Mistake("pair_swapped", "A step is (kernel, stride), the kernel first.", _pair_swapped),
        Mistake("empty_list", "Without any layer a unit is a pixel itself: the side is 1, not 0.", _first_kernel),
        Mistake("kernels_multiplied", "Kernels do not multiply: two layers of 3 see 5, not 9.", _product),
        Mistake(
            "distance_returned",
            "That is the product of the strides: how far apart neighbouring units lie, not how far one sees.",
            _jump,
        ),
    ),
    hints=(
        "Start with one unit of the last layer. How many neighbouring units of the layer before does it read? And "
        "these, of the one before that?",
        "n neighbouring units depend on (n − 1) · stride + kernel units of the layer before. Begin with n = 1 and go "
        "from the last step to the first.",
    ),
    picture=_picture,
)
