"""The notebooks come into a learner's folder, and what she has changed there stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rpnviz._files.data import notebooks_folder
from rpnviz.start import folder as start
from rpnviz.start.folder import RECORD, Fate, count_differences, put_notebooks
from rpnviz.start.lab import tell

FIRST, SECOND = "00_first.ipynb", "01_second.ipynb"


def notebook(*cells: str) -> bytes:
    return json.dumps({"cells": [{"source": [cell]} for cell in cells]}).encode()


@pytest.fixture
def series(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the installed version has."""
    folder = tmp_path / "installed"
    folder.mkdir()
    (folder / FIRST).write_bytes(notebook("a", "b"))
    (folder / SECOND).write_bytes(notebook("c"))
    monkeypatch.setattr(start, "notebooks_folder", lambda: folder)
    return folder


@pytest.fixture
def mine(tmp_path: Path, series: Path) -> Path:
    """A learner's folder, the notebooks already in it."""
    put_notebooks(tmp_path / "mine")
    return tmp_path / "mine"


def what(fates: list[Fate]) -> list[str]:
    return [fate.what for fate in fates]


def upgrade(series: Path, monkeypatch: pytest.MonkeyPatch, version: str = "9.1") -> None:
    (series / FIRST).write_bytes(notebook("a", "new", "newer"))
    monkeypatch.setattr(start, "__version__", version)


def test_the_real_series_is_there() -> None:
    names = [path.name for path in notebooks_folder().glob("*.ipynb")]
    assert start.FIRST in names and "glossary.ipynb" in names


@pytest.mark.parametrize("name", ["mine", "with a space/and one more", "目/Übung"])
def test_all_come_into_a_new_folder(tmp_path: Path, series: Path, name: str) -> None:
    fates = put_notebooks(tmp_path / name)
    assert fates == [Fate(FIRST, "new"), Fate(SECOND, "new")]
    assert (tmp_path / name / FIRST).read_bytes() == notebook("a", "b")


def test_from_a_read_only_installation_they_can_be_written(tmp_path: Path, series: Path) -> None:
    for path in series.iterdir():
        path.chmod(0o444)
    put_notebooks(tmp_path / "mine")
    assert (tmp_path / "mine" / FIRST).stat().st_mode & 0o200


def test_a_second_time_nothing_changes(mine: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in mine.glob("*.ipynb")}
    assert what(put_notebooks(mine)) == ["same", "same"]
    assert {path.name: path.stat().st_mtime_ns for path in mine.glob("*.ipynb")} == before


def test_what_is_changed_stays_and_what_is_deleted_comes_back(mine: Path) -> None:
    (mine / FIRST).write_bytes(notebook("a", "my own"))
    (mine / SECOND).unlink()
    assert what(put_notebooks(mine)) == ["yours", "new"]
    assert (mine / FIRST).read_bytes() == notebook("a", "my own")


def test_a_newer_version_replaces_what_is_not_changed(
    mine: Path, series: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade(series, monkeypatch)
    assert what(put_notebooks(mine)) == ["updated", "same"]
    assert (mine / FIRST).read_bytes() == notebook("a", "new", "newer")


def test_a_newer_version_stands_beside_what_is_changed_and_the_difference_is_told(
    mine: Path, series: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (mine / FIRST).write_bytes(notebook("a", "my own"))
    upgrade(series, monkeypatch)
    fates = put_notebooks(mine)
    assert fates[0] == Fate(FIRST, "beside", "00_first (9.1).ipynb", (2, 3))
    assert (mine / FIRST).read_bytes() == notebook("a", "my own")
    assert (mine / "00_first (9.1).ipynb").read_bytes() == notebook("a", "new", "newer")
    assert "This version's is beside it: 00_first (9.1).ipynb (2 of its 3 cells are not in yours)." in tell(mine, fates)
    assert what(put_notebooks(mine)) == ["yours", "same"]  # it is offered once


@pytest.mark.parametrize("record", [None, b"", b"[1]", b"\xff", b'{"00_first.ipynb": 3}'])
def test_without_its_record_nothing_is_overwritten(mine: Path, record: bytes | None) -> None:
    (mine / FIRST).write_bytes(notebook("a", "my own"))
    (mine / RECORD).unlink()
    if record is not None:
        (mine / RECORD).write_bytes(record)
    (beside,) = [fate.beside for fate in put_notebooks(mine) if fate.beside]
    assert (mine / FIRST).read_bytes() == notebook("a", "my own")
    (mine / beside).write_bytes(notebook("mine too"))
    (mine / RECORD).unlink()
    assert what(put_notebooks(mine)) == ["yours", "same"]
    assert (mine / beside).read_bytes() == notebook("mine too")


def test_a_file_and_a_package_are_refused(tmp_path: Path, series: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="file is a file; name a folder"):
        put_notebooks(tmp_path / "file")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").touch()
    with pytest.raises(FileExistsError, match="package holds a Python package; name another folder"):
        put_notebooks(tmp_path / "package")
    assert [path.name for path in (tmp_path / "package").iterdir()] == ["__init__.py"]


@pytest.mark.parametrize("broken", [b"", b"no JSON", b"[]", b'{"cells": [{}]}', b'{"cells": 3}', b"\xff\xfe"])
def test_what_is_no_notebook_any_more_has_no_cell_of_ours(broken: bytes) -> None:
    assert count_differences(broken, notebook("a", "b")) == (2, 2)


def test_it_says_how_many_of_each(mine: Path) -> None:
    (mine / FIRST).write_bytes(notebook("my own"))
    assert tell(mine, put_notebooks(mine)) == f"{mine}: 1 as they were, 1 changed by you and left as they are"
