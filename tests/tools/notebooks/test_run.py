"""tools/notebooks/run.py on small notebooks: what it writes, what it refuses."""

from __future__ import annotations

import base64
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode, v4

from tools.notebooks import run

PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 2]);"
PICTURED = """
import base64, ipywidgets

class Pictured(ipywidgets.IntSlider):
    def _repr_mimebundle_(self, **kwargs):
        return super()._repr_mimebundle_(**kwargs) | {"image/png": base64.b64encode(b"png").decode()}

Pictured()
"""
TRAINING = """
import base64, ipywidgets

class Training(ipywidgets.IntSlider):
    drawn = 0

    def describe(self):
        return f"step {self.value}"

    def _repr_mimebundle_(self, **kwargs):
        self.drawn += 1
        drawn = base64.b64encode(f"step {self.value}, drawn {self.drawn}".encode()).decode()
        data = super()._repr_mimebundle_(**kwargs) | {"image/png": drawn, "text/plain": self.describe()}
        return data, {}

training, other = Training(), Training()
display(other, training)
"""
SWALLOWED = "import ipywidgets\nipywidgets.interactive_output(lambda x: 1 / x, {'x': ipywidgets.IntSlider(0)})\nNone"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(run, "NOTEBOOKS", tmp_path)
    return tmp_path


def write(path: Path, *sources: str) -> bytes:
    notebook = v4.new_notebook(cells=[v4.new_code_cell(source) for source in sources], metadata={"a": "relic"})
    nbformat.write(notebook, path)
    return path.read_bytes()


def test_writes_outputs_and_nothing_that_needs_a_kernel(folder: Path) -> None:
    path = folder / "00_fine.ipynb"
    write(path, "print('hello')", PLOT, PICTURED)
    ids = [cell.id for cell in nbformat.read(path, as_version=4).cells]
    assert run.main([]) == 0
    notebook = nbformat.read(path, as_version=4)
    assert [cell.id for cell in notebook.cells] == ids
    assert [cell.execution_count for cell in notebook.cells] == [1, 2, 3]
    assert notebook.cells[0].outputs[0].text == "hello\n"
    assert [set(cell.outputs[0].data) for cell in notebook.cells[1:]] == [{"image/png", "text/plain"}] * 2
    assert notebook.metadata == run.METADATA
    assert all(cell.metadata == {} for cell in notebook.cells)
    again = path.read_bytes()
    assert run.main(["00"]) == 0
    assert path.read_bytes() == again


def stills(cell: NotebookNode) -> list[tuple[str, str]]:
    """Sentence and picture of what a cell shows."""
    return [(o.data["text/plain"], base64.b64decode(o.data["image/png"]).decode()) for o in cell.outputs]


def test_an_explorer_that_goes_on_leaves_the_picture_of_where_it_came_to(folder: Path) -> None:
    path = folder / "00_training.ipynb"
    write(path, TRAINING, "'in between'", "training.value = 7", "training.value = 8\ntraining", "training.value = 9")
    assert run.main([]) == 0
    cells = nbformat.read(path, as_version=4).cells
    unchanged = ("step 0", "step 0, drawn 1")
    assert stills(cells[0]) == [unchanged, ("step 7", "step 7, drawn 2")], "as it stood before it was shown again"
    assert stills(cells[3]) == [("step 9", "step 9, drawn 4")]
    assert all(set(output.data) == {"image/png", "text/plain"} for i in (0, 3) for output in cells[i].outputs)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import sys\nprint('careful', file=sys.stderr)", "stderr: careful"),
        (SWALLOWED, "inside a widget: ZeroDivisionError"),
        (f"{TRAINING}\nTraining.describe = lambda self: 1 / 0", "the picture of an explorer: ZeroDivisionError"),
        ("import ipywidgets\nipywidgets.IntSlider()", "a widget without an image/png"),
        ("import socket\nsocket.create_connection(('192.0.2.1', 80), timeout=1)", "network is blocked"),
        ("import socket\nsocket.socket().connect(('192.0.2.1', 80))", "network is blocked"),
        ("import urllib.request\nurllib.request.urlopen('http://example.com')", "URLError"),
    ],
)
def test_what_is_wrong_is_said_and_not_written(
    folder: Path, source: str, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    before = write(folder / "00_wrong.ipynb", source)
    assert run.main([]) == 1
    assert said in capfd.readouterr().out
    assert (folder / "00_wrong.ipynb").read_bytes() == before


def test_check_writes_nothing(folder: Path) -> None:
    before = write(folder / "00_fine.ipynb", "print('hello')")
    assert run.main(["--check"]) == 0
    assert (folder / "00_fine.ipynb").read_bytes() == before


def test_an_unknown_name_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder / "00_fine.ipynb", "1")
    with pytest.raises(SystemExit) as status:
        run.main(["00", "17"])
    assert status.value.code == 2
    assert "no notebook starts with 17; notebooks/ has: 00_fine" in capsys.readouterr().err


def test_cells_without_ids_get_the_same_ones_every_time() -> None:
    made = []
    for _ in range(2):
        notebook = v4.new_notebook(cells=[v4.new_code_cell("1"), v4.new_code_cell("1"), v4.new_markdown_cell("a")])
        for cell in notebook.cells:
            del cell["id"]
        run.clean(notebook)
        made.append([cell.id for cell in notebook.cells])
    assert made[0] == made[1]
    assert len(set(made[0])) == 3
