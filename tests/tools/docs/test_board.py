"""The board drawings are those that the script draws, stay within their edges and are shown in the teaching guide."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tools.docs import board
from tools.docs.board import DRAWINGS, FOLDER

SVG = "{http://www.w3.org/2000/svg}"
every_drawing = pytest.mark.parametrize("name", DRAWINGS)
OUTSIDE = """(svg) => {
  const { width, height } = svg.viewBox.baseVal;
  return [...svg.querySelectorAll("text, rect, polyline, circle")].filter((part) => {
    const box = part.getBBox();
    return box.x < 0 || box.y < 0 || box.x + box.width > width || box.y + box.height > height;
  }).map((part) => part.textContent || part.outerHTML);
}"""
OVERLAPS = """(svg) => {
  const texts = [...svg.querySelectorAll("text")].map((text) => [text.textContent, text.getBBox()]);
  const meets = (a, b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
  const on = ([, a], i) => texts.slice(i + 1).filter(([, b]) => meets(a, b)).map(([name]) => name);
  return texts.flatMap(on);
}"""


def words(name: str) -> list[str]:
    return [str(text.text) for text in ET.fromstring(DRAWINGS[name]().svg()).iter(f"{SVG}text")]


def test_what_is_committed_is_what_the_script_draws() -> None:
    assert board.main(["--check"]) == 0
    assert {path.stem for path in FOLDER.iterdir()} == set(DRAWINGS)


def test_check_names_what_is_stale_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert board.main([], tmp_path) == 0
    (tmp_path / "chain.svg").write_text("older")
    capsys.readouterr()
    assert board.main(["--check"], tmp_path) == 1
    assert capsys.readouterr().out == "chain.svg: not what is drawn now\n"
    assert (tmp_path / "chain.svg").read_text() == "older"
    assert board.main([], tmp_path) == 0 and board.main(["--check"], tmp_path) == 0


@every_drawing
def test_nothing_is_cut_and_no_words_lie_on_others(name: str, browser: Browser) -> None:
    page = browser.new_page()
    page.set_content(DRAWINGS[name]().svg())
    assert page.locator("svg").evaluate(OUTSIDE) == []
    assert page.locator("svg").evaluate(OVERLAPS) == []
    page.close()


@every_drawing
def test_the_guide_shows_it_with_a_sentence(name: str) -> None:
    guide = (FOLDER.parent / "teaching.md").read_text("utf-8")
    (sentence,) = re.findall(rf"!\[([^\]]+)\]\(board/{name}\.svg\)", guide)
    assert len(sentence) > 60


def test_numbers_on_the_board() -> None:
    assert {"512 numbers", "9 scores", "36 = 9 × 4 deltas"} <= set(words("window"))
    assert {"37 × 62", "38 × 63", "40 × 60", "37½?", "62½?"} <= set(words("halves"))
    assert "IoU = ½ ÷ 1½ = 0.33" in words("labels")
    assert {"21,600", "8,144", "256", "6,000", "300"} <= set(words("branches"))
    assert "IoU of A and B 0.60, of B and C 0.60, of A and C 0.33" in words("chain")
