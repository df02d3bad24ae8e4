"""The explorers' page code for the site: all modules of static/ in one classic script, each of them once.

A page from file:// may not import modules. So `import { a } from "./x.js"` becomes a look-up in a registry, and what a
module exports is registered under the name of its file (see loader.js).
"""

from __future__ import annotations

import re
from pathlib import Path

from rpnviz.explorers.base import STATIC

OWN = Path(__file__).parent / "static"
_IMPORT = re.compile(r'^import (\{[^}]*\}) from "\./([\w-]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:const|let|class|function\*?) (\w+))", re.MULTILINE)
_DEFAULT = re.compile(r"^export default \{ (\w+(?:, \w+)*) \};\n", re.MULTILINE)


def as_registered(name: str, source: str) -> str:
    """Write a module as a call of `rpnviz.define`.

    Raises:
        ValueError: if an import or an export is of a form that is not known here.
    """
    exported = [*_EXPORT.findall(source), *(word for found in _DEFAULT.findall(source) for word in found.split(", "))]
    body = _IMPORT.sub(r'const \1 = take("\2");' + "\n", source)
    body = _EXPORT.sub("", _DEFAULT.sub("", body))
    left = re.search(r"^(?:import|export)\b.*", body, re.MULTILINE)
    if left:
        raise ValueError(f"{name}: cannot register {left[0]!r}")
    return f'rpnviz.define("{name}", (take) => {{\n"use strict";\n{body}\nreturn {{ {", ".join(exported)} }};\n}});\n'


def write(folder: Path) -> None:
    """Write site.js (the loader and all modules), site.css, and the explorers' style sheets."""
    modules = [as_registered(path.name, path.read_text("utf-8")) for path in sorted(STATIC.glob("*.js"))]
    loader = (OWN / "loader.js").read_text("utf-8")
    (folder / "site.js").write_text("\n".join([loader, *modules]), encoding="utf-8")
    (folder / "site.css").write_text((OWN / "site.css").read_text("utf-8"), encoding="utf-8")
    for path in STATIC.glob("*.css"):
        (folder / path.name).write_text(path.read_text("utf-8"), encoding="utf-8")
