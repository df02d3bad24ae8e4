"""The learner's progress: her file, readable, never lost, one key to forget it."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path

import platformdirs
import pytest

from rpnviz.exercises import EXERCISES, check, check_source, forget, progress
from rpnviz.exercises import progress_file as module
from rpnviz.exercises.progress_file import progress_file, record
from tests.exercises.conftest import typed
from tests.exercises.solutions import SOLUTIONS

ROOT = Path(__file__).parents[2]
OURS = '{"format": "rpnviz progress, version 1"'


def content() -> dict[str, dict[str, object]]:
    written = json.loads(progress_file().read_text("utf-8"))
    assert written["format"] == "rpnviz progress, version 1"
    exercises: dict[str, dict[str, object]] = written["exercises"]
    return exercises


def test_checks_are_counted_and_a_pass_is_kept() -> None:
    assert progress().done == [] and not progress_file().exists()
    check(typed("return boxes1"))
    assert content()["my_box_iou"] == {"verdict": "not yet", "checks": 1, "passed": ""}
    assert "tried 1 time\n" in str(progress())
    check(typed("return box_iou(boxes1, boxes2)"))
    first = content()["my_box_iou"]
    assert first["checks"] == 2 and first["passed"]
    check(typed("raise ValueError"))
    assert content()["my_box_iou"] == {"verdict": "error", "checks": 3, "passed": first["passed"]}
    assert progress().done == ["my_box_iou"]
    assert f"04  my_box_iou           right since {first['passed']}" in str(progress())
    assert str(progress()).startswith("1 of 16 exercises done.")


def test_what_is_not_written_and_what_is_graded_is_no_progress() -> None:
    check(typed("..."))
    check(3)  # type: ignore[arg-type]
    check_source(SOLUTIONS["my_recall"], "my_recall")
    assert not progress_file().exists()


def test_done_is_in_the_order_of_the_series() -> None:
    for name in reversed(EXERCISES):
        record(name, "pass")
    assert progress().done == list(EXERCISES)
    table = progress()._repr_mimebundle_()["text/html"]
    assert table.count("<tr>") == 17 and "16 of 16" in table
    assert list(progress_file().parent.iterdir()) == [progress_file()]  # nothing unfinished lies about


def test_forget_deletes_the_file() -> None:
    record("my_nms", "pass")
    assert forget() is True and not progress_file().exists() and progress().done == []
    assert forget() is False


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1, 2]",
        "null",
        '{"format": "rpnviz progress, version 2", "exercises": {}}',
        f"{OURS}}}",
        f'{OURS}, "exercises": []}}',
        f'{OURS}, "exercises": {{"my_nms": 3}}}}',
        f'{OURS}, "exercises": {{"my_nms": {{"verdict": "pass", "checks": "3", "passed": ""}}}}}}',
        "[" * 100_000,
        "caf\u00e9",
    ],
    ids=range(11),
)
def test_damaged_or_foreign_file_is_put_aside_and_told(text: str) -> None:
    progress_file().parent.mkdir(parents=True)
    for number in (1, 2):
        progress_file().write_bytes(text.encode("latin-1"))
        with pytest.warns(
            UserWarning, match=f"damaged or not from this program; it is now progress-kept-{number}.json"
        ):
            assert progress().done == []
        assert progress_file().with_name(f"progress-kept-{number}.json").read_bytes() == text.encode("latin-1")
    record("my_nms", "pass")
    assert progress().done == ["my_nms"]


def test_exercise_of_another_version_is_kept() -> None:
    record("my_future_exercise", "pass")
    record("my_nms", "pass")
    assert set(content()) == {"my_future_exercise", "my_nms"} and progress().done == ["my_nms"]


def test_file_that_cannot_be_written_does_not_stop_a_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("RPNVIZ_DATA", str(tmp_path / "file"))
    with pytest.warns(UserWarning, match="your progress could not be kept"):
        assert check(typed("return box_iou(boxes1, boxes2)")).verdict == "pass"


def test_without_the_variable_it_lies_in_the_users_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("RPNVIZ_DATA")
    monkeypatch.setattr(platformdirs, "user_data_path", lambda name, appauthor: tmp_path / name)
    assert progress_file() == tmp_path / "rpnviz" / "progress.json"


def test_interrupted_writing_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    record("my_nms", "pass")
    before = progress_file().read_bytes()

    def fails(self: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises(KeyboardInterrupt):
        record("my_recall", "pass")
    assert progress_file().read_bytes() == before
    assert list(progress_file().parent.iterdir()) == [progress_file()]


def test_two_notebooks_that_write_at_once_lose_nothing() -> None:
    code = "from rpnviz.exercises.progress_file import record\nfor _ in range(40): record('my_nms', 'pass')"
    writers = [subprocess.Popen([sys.executable, "-W", "error", "-c", code], cwd=ROOT) for _ in range(3)]
    assert [writer.wait(120) for writer in writers] == [0, 0, 0]
    assert content()["my_nms"]["checks"] == 120
    assert list(progress_file().parent.iterdir()) == [progress_file()]


def test_a_lock_that_was_left_behind_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOCK_SECONDS", 0.05)
    lock = progress_file().with_name("progress.lock")
    lock.mkdir(parents=True)
    record("my_nms", "pass")
    assert progress().done == ["my_nms"] and not lock.exists()


def test_a_check_leaves_nothing_beside_the_notebook(tmp_path: Path) -> None:
    code = (
        "from rpnviz.exercises import check\n"
        "def my_recall(iou, top_n): return float((iou[:, :top_n].amax(dim=1) >= 0.5).double().mean())\n"
        "assert check(my_recall).verdict == 'pass'"
    )
    folder = tmp_path / "work"
    folder.mkdir()
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {root!r})\n{code}"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(folder.iterdir()) == []


def test_no_warning_where_all_is_well() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        record("my_nms", "pass")
        assert progress().done == ["my_nms"]
