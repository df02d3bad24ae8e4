"""The poster is what the script draws: A3, small, all words inside the page and apart, every number the package's."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from rpnviz.explorers.overview.explorer import OverviewExplorer
from rpnviz.figures.stations import STATIONS
from tools.docs import poster

MOST_BYTES = 1_500_000


@pytest.fixture(scope="module")
def explorer() -> OverviewExplorer:
    return poster.overview()


@pytest.fixture(scope="module")
def figure(explorer: OverviewExplorer) -> Figure:
    return poster.poster(explorer)


@pytest.fixture(scope="module")
def made(figure: Figure) -> dict[str, bytes]:
    return poster.files(figure)


def test_what_is_committed_is_what_the_script_draws(made: dict[str, bytes]) -> None:
    svg = (poster.FOLDER / "poster.svg").read_text("utf-8")
    assert poster.words(svg) == poster.words(made["poster.svg"].decode())
    assert poster.same_drawing(svg, made["poster.svg"].decode())


def test_another_number_or_place_is_another_drawing(made: dict[str, bytes]) -> None:
    svg = made["poster.svg"].decode()
    assert poster.same_drawing(svg, svg)
    assert not poster.same_drawing(svg, svg.replace("<!-- 1,457 -->", "<!-- 1,458 -->"))
    assert not poster.same_drawing(svg, svg.replace('height="', 'height="1', 1))


def test_the_same_figure_gives_the_same_bytes(figure: Figure, made: dict[str, bytes]) -> None:
    assert poster.files(figure) == made


def test_a3_and_small(made: dict[str, bytes]) -> None:
    wide, high = (side * 72 for side in poster.A3)
    svg, pdf = made["poster.svg"].decode(), made["poster.pdf"]
    size = re.search(r'<svg[^>]* width="([\d.]+)pt" height="([\d.]+)pt"', svg.replace("\n", " "))
    size = size or re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', svg)
    box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+) ?\]", pdf)
    assert size and box
    assert [float(one) for one in size.groups()] == pytest.approx([wide, high], abs=0.01)
    assert [float(one) for one in box.groups()] == pytest.approx([wide, high], abs=0.01)
    committed = sum((poster.FOLDER / name).stat().st_size for name in made)
    assert committed < MOST_BYTES and sum(map(len, made.values())) < MOST_BYTES


def test_fonts_are_outlines_or_embedded_and_nothing_is_loaded(made: dict[str, bytes]) -> None:
    svg, pdf = made["poster.svg"].decode(), made["poster.pdf"]
    assert "<text" not in svg and "font-family" not in svg
    assert not re.search(r'(?:href|src)="(?!#|data:)', svg)
    assert pdf.count(b"/FontFile2") >= 2  # plain and bold


def placed(figure: Figure) -> list[tuple[str, Any]]:
    FigureCanvasAgg(figure)  # which measures words
    figure.draw_without_rendering()
    texts = [one for one in figure.findobj(Text) if isinstance(one, Text) and one.get_text() and one.get_visible()]
    return [(one.get_text(), one.get_window_extent()) for one in texts]


def test_all_words_are_inside_and_none_lies_on_another(figure: Figure) -> None:
    boxes, (wide, high) = placed(figure), figure.get_size_inches() * figure.dpi
    for words, box in boxes:
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= wide and box.y1 <= high, words
    for (one, a), (other, b) in combinations(boxes, 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        down = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert across <= 0 or down <= 1, f"{one!r} lies on {other!r}"


def test_no_sentence_is_cut(explorer: OverviewExplorer, figure: Figure) -> None:
    text = " ".join(words for words, _ in placed(figure))
    for station in STATIONS:
        assert station.what.split()[-1] in text and station.title in text
        assert all(word in text for word in station.what.split()), station.name
    for written in explorer.state().figures().values():
        assert written in text
    assert poster.question() in text and "BSD-3-Clause" in text


def test_check_names_what_is_stale_and_writes_nothing(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert poster.main(["--check"], tmp_path) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"poster.{kind}: not what tools.docs.poster draws" for kind in ("svg", "pdf")
    ]
    assert list(tmp_path.iterdir()) == []
