"""Functions read out of notebooks: what goes with them, what does not, and notebooks that are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat import v4

from rpnviz.exercises.notebooks import submission
from rpnviz.exercises.notebooks.submission import read_notebook


def notebook(path: Path, *sources: str) -> Path:
    path.write_text(json.dumps(v4.new_notebook(cells=[v4.new_code_cell(source) for source in sources])), "utf-8")
    return path


def run(source: str) -> dict[str, Any]:
    scope: dict[str, Any] = {}
    exec(source, scope)
    return scope


def test_a_function_comes_with_what_it_needs_and_nothing_else(tmp_path: Path) -> None:
    path = notebook(
        tmp_path / "a.ipynb",
        "%matplotlib inline\nimport math, json\nfrom os import path as p\nraise SystemExit('run')",
        "BETA = 1 / 9\nLIMIT = open('/nowhere')\nprint('run')",
        "def helper(x):\n    return other(x) * BETA\n\n\ndef other(x):\n    return math.floor(x)",
        "!rm -rf nothing\ndef my_sum(x):\n    return helper(x) + 1",
        "def unrelated():\n    return p",
    )
    source = read_notebook(path).source("my_sum")
    assert run(source)["my_sum"](9.5) == 2
    assert "import math, json" in source
    assert not any(word in source for word in ("raise", "open", "print", "unrelated", "path as p", "get_ipython"))


def test_names_of_its_own_and_values_that_a_call_made_stay_behind(tmp_path: Path) -> None:
    path = notebook(
        tmp_path / "a.ipynb",
        "explorer = explore()\nrow = explorer.row\nbelow = row\nscale = 2",
        "def my_sum(values, row=scale):\n    row = row + 1\n    return [row + below for below in values]",
    )
    source = read_notebook(path).source("my_sum")
    assert run(source)["my_sum"]([1, 2]) == [4, 5]
    assert "explorer" not in source and "below = row" not in source
    assert not read_notebook(path).defines("below")


@pytest.mark.parametrize(
    "text",
    [
        "import math\nLIMIT = math.log(1000 / 16)\ndef my_sum():\n    return LIMIT",
        "LIMIT = 4\nLIMIT += float(0.14)\ndef my_sum():\n    return LIMIT",
        "import torch\nLIMIT = torch.tensor([1, 2])\ndef my_sum():\n    return LIMIT.sum() + 1.14",
        "my_sum = lambda: float('4.14')",
        "def helper():\n    return [4.14 for _ in range(1)]\n\nmy_sum = lambda: helper()[0]",
    ],
)
def test_arithmetic_and_lambdas_come_along(text: str, tmp_path: Path) -> None:
    source = read_notebook(notebook(tmp_path / "a.ipynb", text)).source("my_sum")
    assert run(source)["my_sum"]() == pytest.approx(4.14, abs=0.01)


@pytest.mark.parametrize(
    "text",
    ["x = [print(i) for i in (1, 2)]", "x = float(input())", "x += open('f').read()", "f = (lambda: 1)()"],
)
def test_what_calls_more_than_arithmetic_does_not(text: str, tmp_path: Path) -> None:
    assert read_notebook(notebook(tmp_path / "a.ipynb", text)).pieces == []


def test_later_definitions_count_and_statements_on_one_line_are_told_apart(tmp_path: Path) -> None:
    path = notebook(
        tmp_path / "a.ipynb",
        "A = 1; B = 2; print('run')",
        "def my_sum():\n    return A",
        "@staticmethod\ndef my_sum():\n    return A + B",
    )
    source = read_notebook(path).source("my_sum")
    assert "@staticmethod" in source and "print" not in source
    assert run(source)["my_sum"]() == 3


def test_cells_with_magics_are_read_and_those_that_are_no_python_are_named(tmp_path: Path) -> None:
    path = notebook(
        tmp_path / "a.ipynb",
        "%%time\ndef my_sum():\n    return 1",
        "%%bash\nfor i in 1 2; do echo $i; done",
        "help?\ndef my_nms(boxes)\n    return boxes",
    )
    found = read_notebook(path)
    assert run(found.source("my_sum"))["my_sum"]() == 1
    assert len(found.unread) == 2
    with pytest.raises(
        ValueError, match=r"my_nms is not defined in a\.ipynb; .*Code cell 3 is not Python: .* in line 2"
    ):
        found.source("my_nms")


def test_imports_of_everything_come_along(tmp_path: Path) -> None:
    path = notebook(tmp_path / "a.ipynb", "from math import *", "def my_sum():\n    return floor(1.5)")
    assert run(read_notebook(path).source("my_sum"))["my_sum"]() == 1


def test_functions_that_need_each_other_end(tmp_path: Path) -> None:
    path = notebook(tmp_path / "a.ipynb", "def a(n):\n    return b(n)\n\ndef b(n):\n    return a(n - 1) if n else 0")
    assert run(read_notebook(path).source("a"))["a"](3) == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"hello", "is not a notebook: it is not JSON"),
        (b"\xff\xfe\x00", "is not a notebook: it is not JSON"),
        (b"[" * 100_000, "is not a notebook: it is not JSON"),
        (b"[1, 2]", "is not a notebook of format 4"),
        (b'{"worksheets": []}', "is not a notebook of format 4"),
    ],
)
def test_what_is_no_notebook_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "a.ipynb"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=said):
        read_notebook(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_marks_at_the_beginning_of_a_file_are_no_fault(tmp_path: Path, encoding: str) -> None:
    """Editors and PowerShell on Windows write them."""
    path = notebook(tmp_path / "a.ipynb", "def my_sum():\n    return 'Łukasz'")
    path.write_text(path.read_text("utf-8"), encoding)
    assert run(read_notebook(path).source("my_sum"))["my_sum"]() == "Łukasz"


def test_missing_large_and_strange_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"a\.ipynb cannot be read: No such file"):
        read_notebook(tmp_path / "a.ipynb")
    with pytest.raises(ValueError, match="is not a file"):
        read_notebook(tmp_path)
    monkeypatch.setattr(submission, "MOST_BYTES", 100)
    with pytest.raises(ValueError, match=r"a\.ipynb has 0 MB, more than 0 MB"):
        read_notebook(notebook(tmp_path / "a.ipynb", "x = 1" * 100))


@given(cells=st.recursive(st.none() | st.text() | st.integers(), lambda c: st.lists(c) | st.dictionaries(st.text(), c)))
def test_no_json_makes_it_stumble(cells: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("any") / "a.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "code", "source": cells}, cells]}), "utf-8")
    assert not read_notebook(path).defines("my_sum")
