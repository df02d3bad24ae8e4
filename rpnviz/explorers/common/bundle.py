"""One script of many ES modules: for the widget, a saved page and the site; no Node, no build step.

The page's code is plain ES modules that import each other by relative path. Neither a widget's text nor a page from
file:// can follow such a path. So each module becomes a function, and its imports look-ups in modules.js:

    import { h } from "../common/elements.js";   const { h } = rpnviz.take("common/elements.js");
    export function frame() {}                   function frame() {} … return { frame };

A module is named by its path below explorers/. Each has a scope of its own, as in a browser. Comments and types stay
behind: they are a third of the text, and for whoever reads the repository. A widget's text goes deflated: each widget
brings its own, over the kernel's connection, which packs nothing.
"""

from __future__ import annotations

import base64
import posixpath
import re
import zlib
from functools import cache
from pathlib import Path

_COMMENT = re.compile(
    r"^[ \t]*(?://[^\n]*|/\*\*(?:[^*]|\*(?!/))*\*/[ \t]*)\n", re.MULTILINE
)  # that has its lines to itself
_TYPE = re.compile(r"/\*\* @(?:type|param) [^\n]*? \*/ ?")  # before a value, or within a line
_CSS_COMMENT = re.compile(r"[ \t]*/\*.*?\*/(?:[ \t]*\n)?", re.DOTALL)
_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)
EXPLORERS = Path(__file__).resolve().parent.parent
_IMPORT = re.compile(r'^import (\{[^}]*\}) from "(\.{1,2}/[\w./-]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:const|let|class|function\*?) (\w+))", re.MULTILINE)


def bundle(*names: str) -> str:
    """Write the named modules and all that they import, each once, as one script; `rpnviz.take(name)` then gives one.

    Args:
        *names: paths below explorers/, e.g. "linked/view.js".

    Raises:
        ValueError: if modules import each other in a circle, or in a form that is not known here.
    """
    order: list[str] = []
    for name in names:
        _visit(name, order, ())
    return "\n".join([_COMMENT.sub("", read("common/modules.js")), *map(_as_registered, order)])


def view_module(view: str) -> str:
    """Write a view as one ES module of the form that anywidget takes."""
    return f'{bundle(view)}\nexport default {{ render: rpnviz.take("{view}").render }};\n'


def widget_module(view: str) -> str:
    """Write a view as a widget hands it to its front end: unpacked there, it is `view_module`, a third of the bytes."""
    packed = base64.b64encode(zlib.compress(view_module(view).encode(), 9)).decode()
    return _COMMENT.sub("", read("common/unpacking.js")).replace("PACKED", packed)


def style_sheet(name: str) -> str:
    """Return a style sheet below explorers/ without its comments and indents."""
    return _INDENT.sub("", _CSS_COMMENT.sub("", read(name)))


def read(name: str) -> str:
    """Return the text of a file below explorers/."""
    return (EXPLORERS / name).read_text(encoding="utf-8")


def _visit(name: str, order: list[str], above: tuple[str, ...]) -> None:
    """Append a module to `order` after all that it imports; `above` are those that are waiting for it."""
    if name in above:
        raise ValueError(f"modules import each other in a circle: {' → '.join([*above, name])}")
    if name not in order:
        for _, target in _IMPORT.findall(read(name)):
            _visit(_resolve(name, target), order, (*above, name))
        order.append(name)


def _resolve(name: str, target: str) -> str:
    """Name the module that `name` means by a relative path."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), target))


@cache
def _as_registered(name: str) -> str:
    return as_registered(name, read(name))


def as_registered(name: str, source: str) -> str:
    """Write a module as a call of `rpnviz.define`.

    Raises:
        ValueError: if an import or an export is of a form that is not known here.
    """
    source = _TYPE.sub("", _COMMENT.sub("", source))
    body = _IMPORT.sub(lambda found: f'const {found[1]} = rpnviz.take("{_resolve(name, found[2])}");\n', source)
    body = _EXPORT.sub("", body)
    left = re.search(r"^(?:import|export)\b.*", body, re.MULTILINE)
    if left:
        raise ValueError(f"{name}: cannot register {left[0]!r}")
    exported = ", ".join(_EXPORT.findall(source))
    return f'rpnviz.define("{name}", () => {{\n"use strict";\n{body}\nreturn {{ {exported} }};\n}});\n'
