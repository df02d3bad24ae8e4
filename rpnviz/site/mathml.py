"""Formulas as MathML, which every browser draws itself: Sphinx's own ways need LaTeX, or scripts of another host."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from docutils.utils.math import latex2mathml
from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of it; `html_math_renderer` chooses it."""
    app.add_html_math_renderer("mathml", (_in_a_line, None), (_on_its_own, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _in_a_line(writer: Any, node: nodes.math) -> None:
    writer.body.append(latex2mathml.tex2mathml(node.astext()))
    raise nodes.SkipNode


def _on_its_own(writer: Any, node: nodes.math_block) -> None:
    formula = latex2mathml.tex2mathml(node.astext(), as_block=True)
    writer.body.append(f'<div class="rpnviz-formula">{formula}</div>')
    raise nodes.SkipNode
