"""A learner's function as text: what it is, and whether it is written yet."""

from __future__ import annotations

import ast
import inspect
import textwrap
import warnings
from collections.abc import Callable, Iterator
from typing import Any, TypeGuard


def source_of(function: Callable[..., Any]) -> str:
    """The text of a function; "" where there is none."""
    try:
        return textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError, IndentationError):
        return ""


def parse(source: str) -> ast.Module:
    """The code as a tree, without the warnings that belong to running it.

    Raises:
        SyntaxError: if it is no Python. Also for text with a zero byte in it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source)
        except ValueError as error:
            raise SyntaxError(str(error)) from error


def find_gap(tree: ast.Module, name: str) -> str:
    """Say where a function is not written yet: it still holds `...`, or nothing else; "" if it is written."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == name]
    if not functions:
        return ""
    body = functions[-1].body  # the last definition counts
    if ast.get_docstring(functions[-1]) is not None:
        body = body[1:]
    if all(_does_nothing(statement) for statement in body):
        return f"There is no code in {name} yet."
    lines = [node.lineno for statement in body for node in _outside_indices(statement) if _is_ellipsis(node)]
    return f"Line {min(lines)} of {name} still holds ‘...’: write your code in its place." if lines else ""


def _does_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Return):
        return statement.value is None or (
            isinstance(statement.value, ast.Constant) and statement.value.value in (None, ...)
        )
    if isinstance(statement, ast.Raise):
        return "NotImplementedError" in ast.unparse(statement)
    return isinstance(statement, ast.Pass) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    )


def _outside_indices(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those within [ ]: x[..., 0] is finished code."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(node, ast.Subscript) and child is node.slice):
            yield from _outside_indices(child)


def _is_ellipsis(node: ast.AST) -> TypeGuard[ast.Constant]:
    return isinstance(node, ast.Constant) and node.value is Ellipsis
