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


def test_names_of_its_own_bring_nothing_along(tmp_path: Path) -> None:
    path = notebook(
        tmp_path / "a.ipynb",
        "explorer = explore()\nrow = explorer.row\nbelow = row\nscale = 2",
        "def my_sum(values, row=scale):\n    row = row + 1\n    return [row + below for below in values]",
    )
    source = read_notebook(path).source("my_sum")
    assert run(source)["my_sum"]([1, 2]) == [4, 5]
    assert "explorer" not in source and "below = row" not in source


NEEDED = [
    "import math\nLIMIT = math.log(1000 / 16)\ndef my_sum():\n    return LIMIT",
    "LIMIT = 4\nLIMIT += float(0.14)\ndef my_sum():\n    return LIMIT",
    "import torch\nLIMIT = torch.tensor([1, 2])\ndef my_sum():\n    return LIMIT.sum() + 1.14",
    "my_sum = lambda: float('4.14')",
    "def helper():\n    return [4.14 for _ in range(1)]\n\nmy_sum = lambda: helper()[0]",
    "try:\n    import math\nexcept ImportError:\n    pass\ndef my_sum():\n    return math.pi + 1",
    "import torch\ndevice = torch.device('cuda' if torch.cuda.is_available() else 'cpu')\n"
    "def my_sum():\n    return torch.tensor(4.14, device=device).item()",
    "class Box:\n    size = 4.14\nbx = Box()\ndef my_sum():\n    return bx.size",
    "if 1:\n    def my_sum():\n        return 4.14\nelse:\n    my_sum = None",
    "with open('EMPTY') as file:\n    text = file.read()\ndef my_sum():\n    return len(text) + 4.14",
    "for size in (1, 2, 4):\n    pass\ndef my_sum():\n    return size + 0.14",
    "parts = []\nfor i in (1, 2):\n    parts.append(i)\nparts.extend([1])\ndef my_sum():\n    return sum(parts) + 0.14",
    "class Box:\n    pass\nbx = Box()\nbx.size = 4.14\ndef my_sum():\n    return bx.size",
    "import torch\nsize = torch.zeros(1)\nsize.fill_(4)[0]\nsize[0] += 0.14\ndef my_sum():\n    return size.item()",
    "def my_sum():\n    return my_sum.size\nmy_sum.size = 4.14",
    "(low, high), *_ = [(4, 0.14), 1]\ndef my_sum():\n    return low + high",
    "def twice(f):\n    return lambda: 2 * f()\n@twice\ndef my_sum():\n    return 2.07",
    "values = [y := x for x in (1, 4)]\ndef my_sum(of=values[-1]):\n    return of + 0.14",
    "def helper(x: 'Nowhere'):\n    return x\ndef my_sum():\n    return helper(4.14)",
    "import math\nfrom __future__ import annotations\ndef my_sum(x: Nowhere = 0):\n    return math.pi + 1",
]


@pytest.mark.parametrize("text", NEEDED)
def test_what_it_needs_comes_along_however_it_is_made(text: str, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").touch()
    cells = text.replace("EMPTY", str(tmp_path / "empty.txt")).split("\nfrom __future__")
    cells[1:] = ["from __future__" + cell for cell in cells[1:]]
    source = read_notebook(notebook(tmp_path / "a.ipynb", *cells)).source("my_sum")
    assert run(source)["my_sum"]() == pytest.approx(4.14, abs=0.01)


@pytest.mark.parametrize(
    "text",
    [
        "print('run')",
        "raise SystemExit('run')",
        "[print(i) for i in (1, 2)]",
        "x = float(input())",
        "torch.set_default_dtype(torch.float64)",  # what is done to a library stays in the notebook's process
        "torch.zeros = None",
        "my_sum([1])",
        "row = explorer.row",
        "for row in explorer:\n    explorer.row = row",
        "assert my_sum([1]) == 1",
        "get_ipython().system('ls')",
    ],
)
def test_what_it_does_not_need_stays_behind(text: str, tmp_path: Path) -> None:
    cells = (
        "import torch\nexplorer = print('run')",
        text,
        "def my_sum(values):\n    return torch.tensor(values).sum()",
        text,
    )
    assert read_notebook(notebook(tmp_path / "a.ipynb", *cells)).source("my_sum") == f"import torch\n\n{cells[2]}\n"


def test_it_is_taken_as_it_stood_when_it_was_checked(tmp_path: Path) -> None:
    """As `check` saw it on the way down, `scale` is 2: what is bound again below is for the next exercise."""
    path = notebook(
        tmp_path / "a.ipynb",
        "scale = 1",
        "def my_sum(x):\n    return helper(x) * scale",
        "scale = 2\ndef helper(x):\n    return x",
        "check(my_sum)",
        "scale = 3\ndef my_other(x):\n    return scale",
        "def helper(x):\n    return None",
    )
    assert run(read_notebook(path).source("my_sum"))["my_sum"](10) == 20
    assert run(read_notebook(path).source("my_other"))["my_other"](10) == 3


def test_without_a_check_what_comes_below_counts_only_if_nothing_came_above(tmp_path: Path) -> None:
    path = notebook(
        tmp_path / "a.ipynb",
        "scale = 1",
        "def my_sum(x):\n    return helper(x) * scale",
        "scale = 2\ndef helper(x):\n    return x",
    )
    assert run(read_notebook(path).source("my_sum"))["my_sum"](10) == 10


def test_lines_are_counted_as_python_counts_them(tmp_path: Path) -> None:
    """A form feed or a line separator within a text begins no line."""
    path = notebook(tmp_path / "a.ipynb", "x = 'a\u2028b'\ny = '\x0c'\r\ndef my_sum():\n    return 1", "z = 2")
    assert run(read_notebook(path).source("my_sum"))["my_sum"]() == 1
    assert read_notebook(path).source("y") == "y = '\x0c'\n"


def test_what_is_missing_is_said_with_the_reason(tmp_path: Path) -> None:
    path = notebook(
        tmp_path / "a.ipynb",
        "import asyncio\nbeta = await asyncio.sleep(0, 1)",
        "def helper(x)\n    return x",
        "def my_sum(x):\n    return beta * x",
        "def my_nms(x):\n    return helper(x)",
        "def my_other(x):\n    return unknown + len(x)",
        "def my_recall(x):\n    return display(x)",
    )
    found = read_notebook(path)
    said = "Code cell 1, line 2, is left out: 'await' outside function. "
    said += "Code cell 2 is not Python: expected ':' in line 1."
    assert [found.left_out(name) for name in ("my_sum", "my_nms", "my_other", "my_recall")] == [said, said, said, ""]


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
    with pytest.raises(ValueError, match=r"a\.ipynb is 0 MB, more than 0 MB"):
        read_notebook(notebook(tmp_path / "a.ipynb", "x = 1" * 100))


@given(cells=st.recursive(st.none() | st.text() | st.integers(), lambda c: st.lists(c) | st.dictionaries(st.text(), c)))
def test_no_json_makes_it_stumble(cells: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("any") / "a.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "code", "source": cells}, cells]}), "utf-8")
    assert not read_notebook(path).defines("my_sum")
