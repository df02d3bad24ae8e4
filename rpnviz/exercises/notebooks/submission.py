"""Read functions out of a notebook without running it: their text, and the text of what they need.

A notebook's top-level code is taken apart into statements. A function's source are those that bind or change a name
which it needs (`import math`, `BETA = 1 / 9`, `boxes.append(box)`), and those that these need; nothing else is in it.
It stands as it stood when the function was checked: what is bound again further down does not count.
"""

from __future__ import annotations

import ast
import builtins
import json
import re
import symtable
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

MOST_BYTES = 50_000_000  # of a notebook; ours have up to 1.4 million
MUTATORS = frozenset(  # methods by which lists, sets and dicts change
    (
        *("add", "append", "clear", "discard", "extend", "insert", "pop"),
        *("popitem", "remove", "reverse", "setdefault", "sort", "update"),
    )
)
EVERYWHERE = frozenset((*dir(builtins), "display", "get_ipython", "__name__", "__file__", "__doc__"))
NO_PYTHON = (SyntaxError, ValueError, RecursionError, MemoryError)  # what Python raises for text that it cannot read


@dataclass(frozen=True)
class Piece:
    """A top-level statement.

    Attributes:
        text (str): of it.
        binds (frozenset[str]): the names that it defines; `from x import *` defines "*".
        imports (frozenset[str]): those of them that are imported.
        changes (frozenset[str]): the names whose values it changes: `table[0] = 1`, `table.sort()`.
        uses (frozenset[str]): the names that it takes from outside.
        checks (frozenset[str]): the names of the functions that it hands to `check`.
    """

    text: str
    binds: frozenset[str]
    imports: frozenset[str]
    changes: frozenset[str]
    uses: frozenset[str]
    checks: frozenset[str]


@dataclass
class Submission:
    """What a notebook holds.

    Attributes:
        path (Path): the notebook.
        pieces (list[Piece]): in the order of the cells.
        unread (list[str]): what is said of each cell that is no Python, and of statements that cannot be taken.
    """

    path: Path
    pieces: list[Piece] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def defines(self, name: str) -> bool:
        """Whether a function (or another thing) of this name is defined."""
        return any(name in piece.binds for piece in self.pieces)

    def source(self, name: str) -> str:
        """The text that defines `name`, with all that it needs; later statements come after earlier ones.

        Raises:
            ValueError: if the notebook does not define it.
        """
        if not self.defines(name):
            unread = f"; {' '.join(self.unread)}" if self.unread else ""
            raise ValueError(f"{name} is not defined in {self.path.name}{unread}")
        return "\n\n".join(piece.text for piece in self._needed(name)) + "\n"

    def left_out(self, name: str) -> str:
        """What could not be read, if `name` needs something that is defined nowhere else; else ""."""
        needed = self._needed(name)
        known = EVERYWHERE.union(*(piece.binds for piece in needed))
        missing = frozenset().union(*(piece.uses for piece in needed)) - known
        return " ".join(self.unread) if missing and "*" not in known else ""

    def _needed(self, name: str) -> list[Piece]:
        """The statements of a function's source, in order; what `__future__` says first."""
        end = max(i for i, piece in enumerate(self.pieces) if name in piece.binds | piece.changes | piece.checks)
        found: set[int] = set()
        wanted, asked = {name, "*"}, set[str]()
        while wanted - asked:
            asked.add(one := min(wanted - asked))
            makers = self._makers(one, end)
            found.update(makers)
            wanted.update(*(self.pieces[i].uses for i in makers))
        of_future = [piece for piece in self.pieces if piece.text.startswith("from __future__")]
        return of_future + [piece for i, piece in enumerate(self.pieces) if i in found and piece not in of_future]

    def _makers(self, name: str, end: int) -> list[int]:
        """The places of the statements that make a name what it is at `end`; if none binds it until there, of all."""
        imported = any(name in piece.imports for piece in self.pieces)  # what is done to a library stays in its process
        makers = [
            i for i, piece in enumerate(self.pieces) if name in piece.binds or (name in piece.changes and not imported)
        ]
        until = [i for i in makers if i <= end]
        return until if any(name in self.pieces[i].binds for i in until) else makers


def read_notebook(path: Path) -> Submission:
    """Read a notebook.

    Raises:
        ValueError: if the file is not there, too large, or no notebook; says which.
    """
    submission = Submission(path)
    for number, source in enumerate(_code_cells(path), 1):
        with warnings.catch_warnings(action="ignore"):  # of odd escapes, say: they are the learner's
            try:
                text = re.sub("\r\n?", "\n", _python(source))
                tree = ast.parse(text)
            except NO_PYTHON as error:
                where = f" in line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
                submission.unread.append(f"Code cell {number} is not Python: {_why(error)}{where}.")
                continue
            for node in tree.body:
                try:
                    submission.pieces.append(_piece(node, _text_of(node, tree, text)))
                except NO_PYTHON as error:  # `await` outside a function, say
                    submission.unread.append(f"Code cell {number}, line {node.lineno}, is left out: {_why(error)}.")
    return submission


def _why(error: BaseException) -> str:
    return str(error.msg) if isinstance(error, SyntaxError) else type(error).__name__


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
            raise ValueError(f"{path.name} is {size / 1e6:.0f} MB, more than {MOST_BYTES / 1e6:.0f} MB")
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


def _text_of(node: ast.stmt, tree: ast.Module, text: str) -> str:
    """The lines of a statement; of `x = 1; y = 2` none is cut out of the middle of the other."""
    end = node.end_lineno or node.lineno
    if any(o is not node and o.lineno <= end and node.lineno <= (o.end_lineno or 0) for o in tree.body):
        return ast.unparse(node)
    start = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
    return "\n".join(text.split("\n")[start - 1 : end])


def _piece(node: ast.stmt, text: str) -> Piece:
    """Look a statement over.

    Raises:
        SyntaxError: if it cannot run outside IPython.
    """
    compile(text, "<cell>", "exec", dont_inherit=True)
    top = symtable.symtable(text, "<cell>", "exec")
    bound = {one.get_name() for one in top.get_symbols() if one.is_assigned() or one.is_imported()}
    if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
        bound.add("*")
    return Piece(
        text,
        binds=frozenset(bound),
        imports=frozenset(one.get_name() for one in top.get_symbols() if one.is_imported()),
        changes=frozenset(_changed_by(node)),
        uses=_used_by(top),
        checks=frozenset(_checked_by(node)),
    )


def _used_by(top: symtable.SymbolTable) -> frozenset[str]:
    """The names that a statement takes from outside; a function's own variables are not among them."""
    tables, names = list(top.get_children()), {one.get_name() for one in top.get_symbols() if one.is_referenced()}
    while tables:
        table = tables.pop()
        tables += table.get_children()
        names |= {one.get_name() for one in table.get_symbols() if one.is_global() and one.is_referenced()}
    return frozenset(names)


def _run_by(node: ast.AST) -> Iterator[ast.AST]:
    """All that runs when a statement does: not what functions in it hold, which runs when they are called."""
    yield node
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        for child in ast.iter_child_nodes(node):
            yield from _run_by(child)


def _changed_by(statement: ast.stmt) -> Iterator[str]:
    """Names whose values it changes: by `x.y = 1`, by `x[0] = 1`, or by a method that is known to (`x.append(1)`)."""
    for node in _run_by(statement):
        if isinstance(node, (ast.Attribute, ast.Subscript)) and isinstance(node.ctx, (ast.Store, ast.Del)):
            yield from _root(node)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            method = node.func.attr
            if method in MUTATORS or re.fullmatch(r"[a-z]\w*[^_]_", method):  # fill_, as PyTorch has it
                yield from _root(node.func)


def _root(node: ast.AST) -> Iterator[str]:
    """The name that `x.y[0].z` begins with."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id


def _checked_by(statement: ast.stmt) -> Iterator[str]:
    for node in _run_by(statement):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Name):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called == "check":
                yield node.args[0].id
