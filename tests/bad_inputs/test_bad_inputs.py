"""Each row of the table: the sentence is said, and nothing else has happened."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import traitlets as t

from rpnviz.exercises import checking
from rpnviz.exercises.sandbox import starting
from tests.bad_inputs.given import GIVEN, WRITES, File, following
from tests.bad_inputs.leftovers import changed, children, files, more_than, running, settings
from tests.bad_inputs.table import ROWS, Row
from tests.fit.data_sets import FORMATS

PROCESSES = 4  # Node; the one from which workers are forked; a worker, with its keeper


@pytest.fixture(scope="module")
def others() -> set[int]:
    """The processes of other tests."""
    checking._worker.stop()
    starting._nursery.stop()
    return children()


@pytest.fixture(scope="module")
def say(others: set[int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Row], str]]:
    """Hand a row over; each kind was handed something once before, so that all it needs is loaded and runs."""
    with following() as follow, pytest.MonkeyPatch.context() as patch:
        patch.setenv("RPNVIZ_DATA", str(tmp_path_factory.mktemp("progress")))
        given = {**GIVEN, "a link": follow}

        def said(row: Row) -> str:
            try:
                return given[row.given_to](row.bad)
            except (ValueError, OSError, t.TraitError) as error:
                return f"{type(error).__name__}: {error}"

        for row in {row.given_to: row for row in ROWS}.values():
            patch.chdir(tmp_path_factory.mktemp("warm"))
            said(row)
        for body in ("return 3", "return box_iou(boxes1, boxes2)"):  # fonts for the drawing; a worker
            said(Row("my_box_iou", body, ""))
        yield said
        checking._worker.stop()


@pytest.fixture(scope="module")
def usual(say: Callable[[Row], str], others: set[int]) -> dict[str, int]:
    """What there is while functions can be checked."""
    return {**running(others), "processes": PROCESSES}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_it_is_a_sentence_and_nothing_else(
    row: Row,
    say: Callable[[Row], str],
    usual: dict[str, int],
    others: set[int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    before = settings()
    said = say(row)
    assert row.fits(said), said
    assert "Traceback" not in said
    assert changed(before, settings()) == []
    assert more_than(usual, others) == {}
    assert not list(tmp_path.rglob("*.unfinished"))
    _only_whole_files(row, files(tmp_path))


def _only_whole_files(row: Row, found: dict[str, bytes | None]) -> None:
    """What was given is as it was; what a command has written is whole."""
    if isinstance(row.bad, File):
        content = row.bad.content
        assert found.pop(row.bad.name) == (content if isinstance(content, bytes) else content.encode())
    if result := found.pop("fit.json", None):
        assert json.loads(result)["format"] in FORMATS
    assert WRITES.get(row.given_to, set()) <= set(found)
    assert not {name for name in found if name.endswith((".csv", ".html", ".tmp"))} - WRITES.get(row.given_to, set())


def test_the_table_has_all_kinds_and_no_row_twice() -> None:
    assert {row.given_to for row in ROWS} == {*GIVEN, "a link"}
    assert len(ROWS) >= 100 and len({row.name for row in ROWS}) == len(ROWS)
