"""`python -m rpnviz` as it is called: grade with real checks and a process that must be stopped, progress, forget."""

from __future__ import annotations

import csv
import io
import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from rpnviz import __main__ as program
from rpnviz.__main__ import main
from rpnviz.exercises.notebooks import grading
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
    encoding = environment.get("PYTHONIOENCODING")
    return subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, encoding=encoding)


def read(table: Path) -> list[dict[str, str]]:
    with table.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def test_grade_tells_each_submission_its_own(tmp_path: Path, data: Path) -> None:
    paths = [notebook(tmp_path / f"{name}.ipynb", source).name for name, source in SUBMISSIONS.items()]
    done = call("grade", *paths, cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == ""
    rows = {Path(row["file"]).stem: row for row in read(tmp_path / "grades.csv")}
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
    assert [row["verdict"] for row in read(out)] == ["unreadable", "not written"]
    assert "none.ipynb: unreadable" in capsys.readouterr().out


def test_a_pipe_is_no_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "grades.csv")
    with pytest.raises(SystemExit):
        main(["grade", "a.ipynb", "--out", str(tmp_path / "grades.csv")])
    assert "grades.csv cannot be written: it is a device or a pipe" in capsys.readouterr().err


ODD = ("Łukasz.ipynb", "Žofie 学生 🦊.ipynb", "=cmd|' C'!A0.ipynb")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_console_that_knows_few_letters_costs_no_table(tmp_path: Path, data: Path, encoding: str) -> None:
    for name in ODD:
        notebook(tmp_path / name, SUBMISSIONS["stub"])
    done = call("grade", "*.ipynb", cwd=tmp_path, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert (done.returncode, done.stderr) == (0, "")
    assert {row["file"].removeprefix("'") for row in read(tmp_path / "grades.csv")} == set(ODD)
    assert {path.name for path in tmp_path.iterdir()} == {*ODD, "grades.csv"}  # nothing unfinished lies about


@pytest.mark.parametrize("arguments", [["progress"], ["forget"], ["--help"], ["grade", "--help"]])
def test_every_command_speaks_on_the_poorest_console(tmp_path: Path, data: Path, arguments: list[str]) -> None:
    done = call(*arguments, cwd=tmp_path, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 0 and done.stdout and done.stderr == ""


def test_what_the_shell_did_not_expand_is_expanded(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "week [3]"
    folder.mkdir()
    for name in ("b.ipynb", "a.ipynb", "x*.ipynb", "notes.txt"):
        notebook(folder / name, SUBMISSIONS["stub"])
    monkeypatch.chdir(tmp_path)
    arguments = ["week [3]/?.ipynb", "week [3]/x*.ipynb", "none*.ipynb"]
    assert main(["grade", *arguments]) == 1
    files = [row["file"] for row in read(Path("grades.csv"))]
    assert files == ["week [3]/a.ipynb", "week [3]/b.ipynb", "week [3]/x*.ipynb", "none*.ipynb"]
    assert "none*.ipynb: unreadable: none*.ipynb cannot be read: No such file" in capsys.readouterr().out


def test_a_reader_who_leaves_costs_no_table(tmp_path: Path, data: Path) -> None:
    for name in "abc":
        notebook(tmp_path / f"{name}.ipynb", SUBMISSIONS["stub"])
    reading, writing = os.pipe()
    os.close(reading)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", "rpnviz", "grade", "*.ipynb"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(read(tmp_path / "grades.csv")) == 3


@pytest.fixture
def graded_then(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Let grading go well once, and then end in an exception."""

    def end(exception: BaseException) -> None:
        def grade(paths: list[Path]) -> Any:
            yield [grading.Row(str(paths[0]), "my_nms", "pass")]
            raise exception

        monkeypatch.setattr(grading, "grade", grade)

    monkeypatch.chdir(tmp_path)
    return end


def test_what_was_graded_is_kept_when_grading_is_interrupted(
    graded_then: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    graded_then(KeyboardInterrupt())
    assert main(["grade", "a.ipynb", "b.ipynb"]) == 128 + signal.SIGINT
    assert [row["file"] for row in read(Path("grades.csv"))] == ["a.ipynb"]
    assert "Interrupted.\n1 row in grades.csv" in capsys.readouterr().out


def test_what_was_graded_is_kept_when_grading_breaks(graded_then: Any) -> None:
    graded_then(RuntimeError("the process that runs your functions does not start"))
    with pytest.raises(RuntimeError, match="does not start"):
        main(["grade", "a.ipynb", "b.ipynb"])
    assert [row["file"] for row in read(Path("grades.csv"))] == ["a.ipynb"]


def test_an_earlier_table_stays_when_nothing_was_graded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(paths: list[Path]) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(grading, "grade", interrupted)
    (tmp_path / "grades.csv").write_text("of last week")
    assert main(["grade", "a.ipynb", "--out", str(tmp_path / "grades.csv")]) == 130
    assert (tmp_path / "grades.csv").read_text() == "of last week"


def test_a_table_that_can_no_longer_be_written_is_printed(
    graded_then: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(program, "write_whole", full)
    graded_then(KeyboardInterrupt())
    with pytest.raises(SystemExit) as status:
        main(["grade", "Łukasz.ipynb"])
    said = capsys.readouterr()
    assert status.value.code == 2 and "grades.csv can no longer be written: No space left on device" in said.err
    printed = said.out[said.out.index('"file"') :]
    assert [row["file"] for row in csv.DictReader(io.StringIO(printed))] == ["Łukasz.ipynb"]


def test_progress_is_shown_and_forgotten(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from rpnviz.exercises.progress_file import record

    record("my_nms", "pass")
    assert main(["progress"]) == 0
    assert capsys.readouterr().out.startswith("1 of 16 exercises done.")
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
