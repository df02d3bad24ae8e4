"""The stations stand in the notebooks' order and on their files; the strip is small, says where we are, and links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rpnviz.figures.stations import COVERS, NOTEBOOKS, PARTS, STATIONS, here

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"


def test_the_table_names_every_notebook_and_its_file() -> None:
    assert list(NOTEBOOKS.values()) == sorted(path.stem for path in FOLDER.glob("[0-9]*.ipynb"))
    assert all(file.startswith(f"{number}_") for number, file in NOTEBOOKS.items())
    assert list(COVERS) == list(NOTEBOOKS)


def test_every_station_has_a_line_and_a_notebook_that_covers_it() -> None:
    names = [station.name for station in STATIONS]
    assert len(set(names)) == len(names)
    assert {station.part for station in STATIONS} == set(PARTS)
    for station in STATIONS:
        assert station.name in COVERS[station.notebook], station.name
        assert station.what.endswith((".", "?"))
    assert all(lit and set(lit) <= set(names) for lit in COVERS.values())


@pytest.mark.parametrize("number", COVERS)
def test_the_strip_lights_the_stations_of_its_notebook_alone(number: str) -> None:
    data = here(number)._repr_mimebundle_()
    links = re.findall(r"<a [^>]*>.*?</a>", data["text/html"])
    assert len(links) == len(STATIONS)
    for station, link in zip(STATIONS, links, strict=True):
        assert f'href="{NOTEBOOKS[station.notebook]}.ipynb"' in link
        lit = station.name in COVERS[number] and number != "00"
        assert ("<b>" in link and 'aria-current="step"' in link) == lit, station.name
        assert re.sub(r"<.*?>", "", link) == station.short
    assert data["text/plain"].startswith("You are here: ") and len(data["text/html"]) < 6000


def test_two_strips_have_one_style() -> None:
    styles = {here(number).html.partition("<nav")[0] for number in COVERS}
    assert len(styles) == 1 and "http" not in styles.pop()


def test_what_is_no_notebook_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^notebook: got '14', takes one of 00, 01"):
        here("14")
