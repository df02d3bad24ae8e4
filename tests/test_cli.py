"""`python -m rpnviz` as it is called: grade with real checks and a process that must be stopped, progress, forget."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from rpnviz.__main__ import main
from tests.exercises.notebooks.test_submission import notebook

ROOT = Path(__file__).parent.parent
RIGHT = """import torch
from torchvision.ops import box_iou


def my_nms(boxes, scores, nms_thresh):
    left, kept = scores.argsort(descending=True), []
    while len(left):
        kept.append(int(left[0]))
        left = left[1:][box_iou(boxes[left[:1]], boxes[left[1:]])[0] <= nms_thresh]
    return kept"""
SUBMISSIONS = {
    "right": RIGHT,
    "suppresses-at": RIGHT.replace("<= nms_thresh", "< nms_thresh"),
    "endless": RIGHT.replace("kept.append(int(left[0]))", "continue"),
    "leaves": RIGHT.replace("while len(left):", "import os; os._exit(3)\n    while len(left):"),
    "raises": RIGHT.replace("kept.append(int(left[0]))", "kept.add(left[0])"),
    "hostile": "raise SystemExit('top-level code is run')\n" + RIGHT,
    "stub": "def my_nms(boxes, scores, nms_thresh):\n    ...",
}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RPNVIZ_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def call(*arguments: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rpnviz", *map(str, arguments)]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environ = {**os.environ, "PYTHONPATH": path, **environment}
    return subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True)


def test_grade_tells_each_submission_its_own(tmp_path: Path, data: Path) -> None:
    paths = [notebook(tmp_path / f"{name}.ipynb", source).name for name, source in SUBMISSIONS.items()]
    done = call("grade", *paths, cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == ""
    with (tmp_path / "grades.csv").open(newline="", encoding="utf-8") as file:
        rows = {Path(row["file"]).stem: row for row in csv.DictReader(file)}
    assert {name: row["verdict"] for name, row in rows.items()} == {
        "right": "pass",
        "suppresses-at": "not yet",
        "endless": "error",
        "leaves": "error",
        "raises": "error",
        "hostile": "pass",
        "stub": "not written",
    }
    assert rows["suppresses-at"]["mistake"]
    assert "kept.add(left[0])" in rows["raises"]["message"]
    assert "7 rows in grades.csv" in done.stdout
    assert len(done.stdout.splitlines()) == 8
    assert not (data / "progress.json").exists()  # a teacher's own progress is not the students'


def test_grade_with_a_bad_file_ends_with_1_and_grades_the_rest(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stub = notebook(tmp_path / "stub.ipynb", SUBMISSIONS["stub"])
    out = tmp_path / "table.csv"
    assert main(["grade", str(tmp_path / "none.ipynb"), str(stub), "--out", str(out)]) == 1
    assert [line.split(",")[2] for line in out.read_text("utf-8").splitlines()] == [
        *("verdict", "unreadable", "not written")
    ]
    assert "none.ipynb: unreadable" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["grade"], "the following arguments are required: NOTEBOOK"),
        (["grade", "a.ipynb", "--out", "/nowhere/grades.csv"], "--out: /nowhere/grades.csv cannot be written: No such"),
        (["grade", "a.ipynb", "--out", "/"], "--out: / cannot be written: it is a folder"),
        (["grade", "a.ipynb", "--out", ""], "--out: . cannot be written: it is a folder"),
        (["mark"], "invalid choice: 'mark'"),
    ],
)
def test_a_wrong_call_ends_with_2_and_says_why(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as status:
        main(arguments)
    assert status.value.code == 2
    assert said in capsys.readouterr().err


def test_progress_is_shown_and_forgotten(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from rpnviz.exercises.progress_file import record

    record("my_nms", "pass")
    assert main(["progress"]) == 0
    assert capsys.readouterr().out.startswith("1 of 13 exercises done.")
    assert main(["forget"]) == 0
    assert capsys.readouterr().out == "Forgotten: the file is deleted.\n"
    assert not (data / "progress.json").exists()
    assert main(["forget"]) == 0
    assert capsys.readouterr().out == "There was nothing to forget.\n"


def test_a_progress_file_that_cannot_be_read_or_deleted_is_told(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "progress.json" / "within").mkdir(parents=True)
    with pytest.warns(UserWarning, match="cannot be read"):
        assert main(["progress"]) == 0
    with pytest.raises(SystemExit) as status:
        main(["forget"])
    assert status.value.code == 2
    assert "progress.json" in capsys.readouterr().err


def test_the_console_script_is_this() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["scripts"] == {"rpnviz": "rpnviz.__main__:main"}
