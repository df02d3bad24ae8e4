"""Read functions out of a notebook without running it: their text, and the text of what they need.

A notebook's top-level code is taken apart into pieces: imports, functions, classes, and assignments that call nothing
but arithmetic (`BETA = 1 / 9`, `LIMIT = math.log(62.5)`). A function's source is the pieces it needs, and those that
these need; nothing else is in it.
"""

from __future__ import annotations

import ast
import builtins
import json
import symtable
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

MOST_BYTES = 50_000_000  # of a notebook; ours have up to 1.4 million
LOOPS = (ast.Await, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.NamedExpr)
ARITHMETIC = frozenset(("float", "int", "abs", "min", "max", "round", "sum", "len", "tuple", "list", "torch.tensor"))


ASSIGNMENTS = (ast.Assign, ast.AnnAssign, ast.AugAssign)


@dataclass(frozen=True)
class Piece:
    """A top-level statement: its text, the names it defines and those it uses, and whether it is an assignment.

    `from x import *` defines "*".
    """

    text: str
    defines: frozenset[str]
    uses: frozenset[str]
    assigns: bool


@dataclass
class Submission:
    """What a notebook holds.

    Attributes:
        path (Path): the notebook.
        pieces (list[Piece]): in the order of the cells.
        unread (list[str]): what is said of each cell that is no Python.
    """

    path: Path
    pieces: list[Piece] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def defines(self, name: str) -> bool:
        """Whether a function (or another thing) of this name is defined."""
        return any(name in piece.defines for piece in self.pieces)

    def source(self, name: str) -> str:
        """The text that defines `name`, with all that it needs; later definitions come after earlier ones.

        Raises:
            ValueError: if the notebook does not define it.
        """
        if not self.defines(name):
            unread = f"; {' '.join(self.unread)}" if self.unread else ""
            raise ValueError(f"{name} is not defined in {self.path.name}{unread}")
        wanted = {name, "*"}
        while True:
            chosen = [piece for piece in self.pieces if piece.defines & wanted]
            more = frozenset().union(*(piece.uses for piece in chosen)) - wanted
            if not more:
                return "\n\n".join(piece.text for piece in chosen) + "\n"
            wanted |= more


def read_notebook(path: Path) -> Submission:
    """Read a notebook.

    Raises:
        ValueError: if the file is not there, too large, or no notebook; says which.
    """
    submission = Submission(path)
    for number, source in enumerate(_code_cells(path), 1):
        try:
            with warnings.catch_warnings(action="ignore"):  # of odd escapes, say: they are the learner's
                text = _python(source)
                tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            where = f" in line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
            what = error.msg if isinstance(error, SyntaxError) else type(error).__name__
            submission.unread.append(f"Code cell {number} is not Python: {what}{where}.")
            continue
        submission.pieces += _pieces(tree, text.splitlines())
    submission.pieces = _complete(submission.pieces)
    return submission


def _complete(pieces: list[Piece]) -> list[Piece]:
    """All but assignments of what is not there: `row = explorer.row`, where a call has made the explorer."""
    known = frozenset(dir(builtins)).union(*(piece.defines for piece in pieces))
    kept = [piece for piece in pieces if not piece.assigns or piece.uses <= known]
    return kept if len(kept) == len(pieces) else _complete(kept)


def _code_cells(path: Path) -> Iterator[str]:
    try:
        content: Any = json.loads(_bytes_of(path))  # UTF-8, with or without a mark at its beginning, or UTF-16
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{path.name} is not a notebook: it is not JSON") from error
    cells = content.get("cells") if isinstance(content, dict) else None
    if not isinstance(cells, list):
        raise ValueError(f"{path.name} is not a notebook of format 4: it has no list of cells")
    for cell in cells:
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            source = cell.get("source", "")
            yield source if isinstance(source, str) else "".join(map(str, source if isinstance(source, list) else []))


def _bytes_of(path: Path) -> bytes:
    try:
        if not path.exists():
            raise ValueError(f"{path.name} cannot be read: No such file")
        if not path.is_file():
            raise ValueError(f"{path.name} is not a file")
        if (size := path.stat().st_size) > MOST_BYTES:
            raise ValueError(f"{path.name} has {size / 1e6:.0f} MB, more than {MOST_BYTES / 1e6:.0f} MB")
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path.name} cannot be read: {error.strerror}") from error


def _python(source: str) -> str:
    """A cell as plain Python: its magics and commands become calls, as IPython makes them."""
    first, _, rest = source.partition("\n")
    if first.startswith("%%"):  # %%time: the rest is Python; %%bash: it is not, and will not parse
        source = f"\n{rest}"
    transformed: str = TransformerManager().transform_cell(source)  # type: ignore[no-untyped-call]
    return transformed


def _pieces(tree: ast.Module, lines: list[str]) -> Iterator[Piece]:
    for node in tree.body:
        defines = _defined_by(node)
        if defines:
            decorators = getattr(node, "decorator_list", [])
            start = min([node.lineno, *(one.lineno for one in decorators)])
            # a line of its own: `x = 1; y = 2` is two statements, and none of them is cut out of the middle
            text = ast.unparse(node) if _shares_a_line(node, tree) else "\n".join(lines[start - 1 : node.end_lineno])
            yield Piece(text, frozenset(defines), _used_by(text), isinstance(node, ASSIGNMENTS))


def _used_by(text: str) -> frozenset[str]:
    """The names that a statement takes from outside; a function's own variables are not among them."""
    top = symtable.symtable(text, "<cell>", "exec")
    tables, names = list(top.get_children()), {one.get_name() for one in top.get_symbols() if one.is_referenced()}
    while tables:
        table = tables.pop()
        tables += table.get_children()
        names |= {one.get_name() for one in table.get_symbols() if one.is_global() and one.is_referenced()}
    return frozenset(names)


def _shares_a_line(node: ast.stmt, tree: ast.Module) -> bool:
    return any(
        o is not node and o.lineno <= (node.end_lineno or 0) and node.lineno <= (o.end_lineno or 0) for o in tree.body
    )


def _defined_by(node: ast.stmt) -> set[str]:
    """The names that an import, a function, a class, or an assignment of mere arithmetic defines; else none."""
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, ASSIGNMENTS) and all(map(_is_harmless, _run_by(node))):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = [one for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)]
        return {one.id for one in names if isinstance(one.ctx, ast.Store)}
    return set()


def _run_by(node: ast.AST) -> Iterator[ast.AST]:
    """All that runs when a statement does: not what a lambda in it holds, which runs when that is called."""
    yield node
    if not isinstance(node, ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from _run_by(child)


def _is_harmless(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        called = ast.unparse(node.func)
        return called in ARITHMETIC or called.startswith("math.")
    return not isinstance(node, LOOPS)
