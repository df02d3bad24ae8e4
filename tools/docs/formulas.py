"""The formulas of the series, each written once: an expression that SymPy sets and works out.

`python -m tools.docs.glossary` makes notebooks/formulas.ipynb of them. tests/tools/docs/test_formulas.py works out
every formula and holds it against the function that it names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy
from nbformat import NotebookNode, v4

from tools.docs.links import link_first_uses
from tools.docs.terms import Term
from tools.notebooks.run import METADATA

INDEXED = {name: sympy.IndexedBase(name) for name in ("H", "p", "l")}  # one number for each anchor
NAMED = {name: sympy.Symbol(name) for name in ("beta", "lamda", "N", "Q")}
OPENING = """# Formula sheet

Every formula of the series on one page, with the function that works it out and its place in the paper. Boxes are in
pixels of the picture: $a$ is an anchor, $g$ a box of the ground truth, $b$ a decoded box. Of a box, $x$ and $y$ are its
centre, $w$ and $h$ its sides; $x_1, y_1$ are its left and upper edge, $x_2, y_2$ its right and lower one.

The words are explained in the [glossary](glossary.ipynb). The way back to the lessons: [00 How do nine anchors come out
of a 3×3 window?](00_nine_anchors.ipynb)"""


@dataclass(frozen=True)
class Formula:
    """A few equations that belong together.

    Attributes:
        title: heading on the sheet.
        equations: what is on the left, in LaTeX, and the expression on the right, in SymPy's words.
        words: what they say. Markdown.
        code: the function or class that works it out, from rpnviz on.
        paper: where the paper has it, "" if it has not.
        elsewhere: what other projects do. Markdown.
    """

    title: str
    equations: dict[str, str]
    words: str
    code: str
    paper: str
    elsewhere: str = ""

    def expressions(self) -> list[sympy.Expr]:
        """The right sides, as they are written: nothing is worked out or put into another order."""
        return [sympy.parse_expr(text, local_dict=NAMED | INDEXED, evaluate=False) for text in self.equations.values()]

    def latex(self) -> str:
        """All equations, below one another."""
        options = {"order": "none", "ln_notation": True}
        rights = [sympy.latex(one, **options) for one in self.expressions()]
        lines = [rf"{left} &= {right}" for left, right in zip(self.equations, rights, strict=True)]
        return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"

    def function(self, left: str, *names: str) -> Callable[..., Any]:
        """One right side as a function of numbers.

        Args:
            left: which: what stands on its left.
            names: what it is a function of, in this order. A list of numbers begins with one that is not read.
        """
        expression = self.expressions()[list(self.equations).index(left)]
        arguments = [INDEXED.get(name) or NAMED.get(name) or sympy.Symbol(name) for name in names]
        made: Callable[..., Any] = sympy.lambdify(arguments, expression, modules=["math", {"Max": max, "Min": min}])
        return made


FORMULAS = {
    "size": Formula(
        "Size of a map",
        {r"n'": "floor((n + 2 * q - k) / s) + 1"},
        "$n$ is the side of a map, $n'$ that of the next one. The layer between them has a window of $k$, a stride "
        "of $s$ and $q$ zeros as padding at each side. A 3×3 convolution with padding 1 keeps the side, a pooling "
        "halves it.",
        "rpnviz.inspect.layers.layer_table",
        "",
        "Caffe, and so py-faster-rcnn, rounds up in poolings: 1000 becomes 63 where PyTorch makes 62 of it.",
    ),
    "receptive_field": Formula(
        "Receptive field and jump",
        {r"r'": "r + (k - 1) * j", r"j'": "j * s"},
        "$r$ is the side of the receptive field of a layer, $j$ its jump, both in pixels of the network's input. "
        "Start at the picture with $r = 1$ and $j = 1$, and go from layer to layer: $k$ is the side of its window, "
        "$s$ its own stride. At the end $j$ is the stride of the map. VGG-16: $r = 196$ at conv5_3, 228 after the "
        "RPN's window.",
        "rpnviz.inspect.layers.layer_table",
        "section 3.3, its result only",
    ),
    "anchor_shape": Formula(
        "Shape of an anchor",
        {"h": "s * sqrt(r)", "w": "s / sqrt(r)"},
        "$s$ is the scale, $r$ the ratio, height by width. The area is $s^2$ whatever $r$ is. Half sides are then "
        "rounded.",
        "rpnviz.anchors.cell_anchors",
        "section 3.3",
        "detectron2 does not round; py-faster-rcnn rounds before it multiplies; Mask_RCNN's ratio is width by height.",
    ),
    "anchor_place": Formula(
        "Place and number of an anchor",
        {
            "a_x": "(j + Rational(1, 2)) * S_x",
            "a_y": "(i + Rational(1, 2)) * S_y",
            r"\text{row}": "(i * w + j) * k + a",
            r"\text{anchors}": "h * w * k",
        },
        r"The cell in row $i$ and column $j$ of a map of $h \times w$ cells has $k$ anchors, $a = 0, \ldots, k - 1$. "
        "$S_x$ and $S_y$ are the strides. *row* is where the anchor stands in every list.",
        "rpnviz.anchors.grid_anchors",
        "section 3.1.1",
        "torchvision puts anchors on the cell's corner: it leaves the ½ out.",
    ),
    "iou": Formula(
        "IoU",
        {
            "w": "Max(Min(x_2, u_2) - Max(x_1, u_1), 0)",
            "h": "Max(Min(y_2, v_2) - Max(y_1, v_1), 0)",
            r"\text{IoU}": "w * h / (A + B - w * h)",
        },
        "$w$ and $h$ are the sides of what two boxes share. One has the edges $x_1, y_1, x_2, y_2$ and the area $A$, "
        "the other $u_1, v_1, u_2, v_2$ and $B$.",
        "rpnviz.boxes.box_iou",
        "section 3.1.2",
        "py-faster-rcnn adds 1 to every width and height: its boxes end with the last pixel.",
    ),
    "minibatch": Formula(
        "The minibatch",
        {"P": "Min(n_pos, floor(f * B))", "Q": "Min(n_neg, B - P)"},
        "$P$ positive and $Q$ negative anchors are drawn, out of $n_{pos}$ and $n_{neg}$. $B = 256$ is the size, $f "
        "= 0.5$ the largest share of positives. For the second head $B = 512$ and $f = 0.25$.",
        "rpnviz.targets.sample_minibatch",
        "section 3.1.3",
    ),
    "encode": Formula(
        "Deltas: from an anchor to a box",
        {
            "t_x": "(g_x - a_x) / a_w",
            "t_y": "(g_y - a_y) / a_h",
            "t_w": "log(g_w / a_w)",
            "t_h": "log(g_h / a_h)",
        },
        "The targets of a positive anchor: how far its centre has to go, in its own sides, and the logarithm of how "
        "much each side has to grow.",
        "rpnviz.boxes.encode",
        "equation 2",
        "Mask_RCNN divides these four by 0.1, 0.1, 0.2, 0.2; second heads do so nearly everywhere.",
    ),
    "decode": Formula(
        "Deltas: from an anchor to its decoded box",
        {
            "b_x": "a_x + d_x * a_w",
            "b_y": "a_y + d_y * a_h",
            "b_w": "a_w * exp(Min(d_w, c))",
            "b_h": "a_h * exp(Min(d_h, c))",
        },
        r"$d$ are the deltas that the network says. $c = \ln(1000 / 16)$ is the clamp: no side grows more than "
        "62.5-fold.",
        "rpnviz.boxes.decode",
        "equation 2, solved for the box",
        "The paper and py-faster-rcnn have no clamp.",
    ),
    "score": Formula(
        "Score",
        {r"\sigma(z)": "(1 + exp(-z)) ** (-1)"},
        "$z$ is the logit. The paper's two scores and their softmax say the same: then $z$ is object minus background.",
        "rpnviz.rpn.RPNHead",
        "section 3.1 and figure 3",
    ),
    "cross_entropy": Formula(
        "Cross-entropy",
        {"H": "-(y * log(s) + (1 - y) * log(1 - s))"},
        "The loss of one score $s$. $y$ is the label, 1 or 0. Its slope by the logit is $s - y$.",
        "rpnviz.inspect.loss_ledger.binary_cross_entropy",
        "equation 1, its L with the index cls",
    ),
    "smooth_l1": Formula(
        "Smooth L1",
        {r"\ell(d)": "Piecewise((d**2 / (2 * beta), Abs(d) < beta), (Abs(d) - beta / 2, True))"},
        "$d$ is a delta minus its target. A parabola up to β, then a line.",
        "rpnviz.inspect.loss_ledger.smooth_l1",
        "section 3.1.2, after Fast R-CNN: β = 1",
        "torchvision and py-faster-rcnn: β = 1/9. detectron2: plain L1, as if β were 0.",
    ),
    "losses": Formula(
        "The two losses",
        {
            r"L_{\text{objectness}}": "Sum(H[i], (i, 1, N)) / N",
            r"L_{\text{box}}": "Sum(p[i] * l[i], (i, 1, N)) / N",
        },
        "Sums over the $N$ anchors of the minibatch. $H_i$ is the cross-entropy of one, $l_i$ its smooth L1, added "
        "up over the four deltas; $p_i$ is 1 for a positive anchor, else 0. Both are divided by the number sampled.",
        "rpnviz.rpn.rpn_losses",
        "equation 1, with other divisors",
        "torchvision and py-faster-rcnn: the same. detectron2 divides by 256, however many were drawn.",
    ),
    "paper_loss": Formula(
        "The loss as the paper writes it",
        {"L": "Sum(H[i], (i, 1, N)) / N_cls + lamda * Sum(p[i] * l[i], (i, 1, N)) / N_reg"},
        r"$N_{cls} = 256$, $N_{reg} \approx 2400$ and $\lambda = 10$: so the box part is divided by 240, nearly the "
        "same as 256. That is why code has no λ.",
        "rpnviz.inspect.loss_ledger.minibatch_losses",
        "equation 1",
    ),
    "roi_align": Formula(
        "Where RoIAlign reads",
        {"y": "y_1 - Rational(1, 2) + (m + (q + Rational(1, 2)) / G) * (y_2 - y_1) / M"},
        "Height of the sampling points: the box, in cells, runs from $y_1$ to $y_2$; bin $m$ of $M$, point $q$ of "
        "$G$, both counted from 0. Whole numbers are the centres of cells, hence the first ½. Likewise for $x$.",
        "rpnviz.roi.align_one_box",
        "",
        "Mask R-CNN, section 3. torchvision's Faster R-CNN leaves the first ½ out (`aligned=False`).",
    ),
    "bilinear": Formula(
        "What RoIAlign reads there",
        {"v": "(1 - e) * (1 - f) * v_1 + (1 - e) * f * v_2 + e * (1 - f) * v_3 + e * f * v_4"},
        "Four cells lie around a point: $v_1, v_2$ above it, $v_3, v_4$ below, the left one first. $e$ and $f$ are "
        "what $y$ and $x$ have behind the point of the number. A bin is the mean of its points.",
        "rpnviz.roi.neighbours",
        "",
        "Mask R-CNN, figure 3.",
    ),
    "level": Formula(
        "Which level the second head reads",
        {r"\text{level}": "floor(4 + log(sqrt(w * h) / 224) / log(2))"},
        r"In a feature pyramid, of a proposal of $w \times h$ px; between the finest and the coarsest level that "
        "there is. No rule like this chooses the anchors of the RPN: there the IoU does.",
        "torchvision.ops.poolers.LevelMapper",
        "",
        "Lin et al. 2017 (FPN), equation 1.",
    ),
}


def sheet(terms: list[Term]) -> NotebookNode:
    """The page with all formulas; the first use of each term is linked."""
    words = link_first_uses([formula.words for formula in FORMULAS.values()], terms)
    entries = [_entry(formula, text) for formula, text in zip(FORMULAS.values(), words, strict=True)]
    texts = dict(zip(["opening", *FORMULAS], [OPENING, *entries], strict=True))
    cells = [v4.new_markdown_cell(text, id=name) for name, text in texts.items()]
    page: NotebookNode = v4.new_notebook(cells=cells, metadata=METADATA)
    return page


def _entry(formula: Formula, words: str) -> str:
    said = [("Code", f"`{formula.code}`"), ("Paper", formula.paper or "not in it"), ("Elsewhere", formula.elsewhere)]
    notes = "\n".join(f"- *{who}:* {what}" for who, what in said if what)
    return f"## {formula.title}\n\n$$\n{formula.latex()}\n$$\n\n{words}\n\n{notes}"
