"""`grade`: rows, summaries and the table, with a check that answers at once; and one real run of it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from rpnviz._files.tables import printable
from rpnviz.exercises import Result
from rpnviz.exercises.notebooks.grading import Row, as_csv, grade, summarise
from tests.exercises.notebooks.test_submission import notebook

RIGHT = "def my_nms(boxes, scores, nms_thresh):\n    return 'right'"
WRONG = "def my_nms(boxes, scores, nms_thresh):\n    return 'wrong'"
IOU = "def my_box_iou(boxes1, boxes2):\n    ..."


def check(source: str, name: str) -> Result:
    if "right" in source:
        return Result(name, "pass", "Right.")
    if "..." in source:
        return Result(name, "not written", "Nothing there.")
    return Result(name, "not yet", "Wrong.", hint="Sort.", mistake="unsorted", line=2, code="return 'wrong'")


def test_every_notebook_has_a_row_for_every_exercise_that_any_holds(tmp_path: Path) -> None:
    both = notebook(tmp_path / "both.ipynb", RIGHT, IOU)
    one = notebook(tmp_path / "one.ipynb", WRONG)
    rows = list(grade([both, one], check))
    assert rows == [
        [
            Row(str(both), "my_box_iou", "not written", "", "Nothing there."),
            Row(str(both), "my_nms", "pass", "", "Right."),
        ],
        [
            Row(str(one), "my_box_iou", "not found", "", "my_box_iou is not defined in one.ipynb"),
            Row(str(one), "my_nms", "not yet", "unsorted", "Wrong. In: return 'wrong' Sort."),
        ],
    ]
    assert summarise(rows[0]) == f"{both}: 1 of 2 passed: my_box_iou not written, my_nms pass"


def test_bad_files_have_a_row_and_do_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "bad.ipynb").write_text("hello")
    paths = [tmp_path / "none.ipynb", tmp_path / "bad.ipynb", notebook(tmp_path / "good.ipynb", RIGHT)]
    rows = list(grade(paths, check))
    assert [[row.verdict for row in each] for each in rows] == [["unreadable"], ["unreadable"], ["pass"]]
    assert summarise(rows[1]) == f"{paths[1]}: unreadable: bad.ipynb is not a notebook: it is not JSON"


def test_a_notebook_without_exercises_says_so(tmp_path: Path) -> None:
    ((row,),) = grade([notebook(tmp_path / "a.ipynb", "x = 1")], check)
    assert (row.exercise, row.verdict, row.message) == ("", "not found", "It holds none of the exercise functions.")


def cells_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


STARTS = [*"=+-@＝＋－＠", "\t", "\r", "\n", " =", "\t=", "\x00=", "\ufeff=", " ＝", "\u3000="]


@pytest.mark.parametrize("start", STARTS)
def test_no_cell_of_the_table_is_a_formula(start: str) -> None:
    text = f"{start}cmd|' /C calc'!A0"
    head, row = cells_of(as_csv([Row(text, "my_nms", "not yet", "", text)]))
    assert head == ["file", "exercise", "verdict", "mistake", "message"]
    assert row[0].startswith("'") and row[4].startswith("'")


def test_a_spreadsheet_with_semicolons_finds_no_formula_within_a_name() -> None:
    """Excel in German, Polish, French … divides a line at semicolons outside quotes."""
    content = as_csv([Row("x;=HYPERLINK(1);.ipynb", "my_nms", "pass")]).decode("utf-8-sig")
    cells = [cell for line in csv.reader(io.StringIO(content, newline=""), delimiter=";") for cell in line]
    assert not any(cell.startswith("=") for cell in cells)


def test_excel_reads_names_as_they_are() -> None:
    """Without the mark at its beginning it takes a table for one of the system's 8-bit letters."""
    content = as_csv([Row("Łukasz 学生 🦊.ipynb", "my_nms", "pass")])
    assert content.startswith(b"\xef\xbb\xbf") and content.count(b"\xef\xbb\xbf") == 1
    assert cells_of(content)[1][0] == "Łukasz 学生 🦊.ipynb"


def test_commas_quotes_and_lines_stay_in_their_cell() -> None:
    cells = ["a,b.ipynb", "my_nms", "not yet", "", 'says "no",\nthen stops']
    assert cells_of(as_csv([Row(*cells)]))[1] == cells


def test_names_that_no_file_can_hold_are_written() -> None:
    assert cells_of(as_csv([Row("a\udc80b.ipynb", "my_nms", "pass")]))[1][0] == "a b.ipynb"


def test_a_terminal_is_not_moved_by_names() -> None:
    assert printable("a\x1b[2J\nb") == "a�[2J�b"
