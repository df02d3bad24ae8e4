"""The README's moving picture: the script on a few frames, and the file that is committed."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.WebPImagePlugin import WebPImageFile
from playwright.sync_api import Browser, expect

import rpnviz
from tools.browser.lab import PATIENCE
from tools.docs.moving_picture import FRAME, OUT, SWITCHES, WIDTH, Film, film_page, still_of


@pytest.fixture(scope="module")
def film(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Film:
    explorer = rpnviz.explore("street-03").unfold()
    explorer.row, explorer.col = 20, 30
    return film_page(browser, explorer, tmp_path_factory.mktemp("film"))


def test_the_mouse_moves_the_explorer(film: Film, tmp_path: Path) -> None:
    film.hold(500)
    film.drag_window((24, 36), frames=3)
    root = film.page.locator(".rpnviz-linked")
    expect(root).to_have_attribute("data-cell", "24 36", timeout=PATIENCE)
    for name in SWITCHES:
        switch = film.page.get_by_role("checkbox", name=name, exact=True)
        before = switch.is_checked()
        film.click(name, frames=1)
        assert switch.is_checked() != before
    film.drag_top_n(200, frames=2)
    assert abs(int(film.page.get_by_role("slider", name="Number of proposals shown").input_value()) - 200) <= 5
    film.drag_window((10, 8), frames=2)
    expect(root).to_have_attribute("data-cell", "10 8", timeout=PATIENCE)

    film.write(tmp_path / "few.webp")
    assert still_of(tmp_path / "few.webp").is_file()
    with Image.open(tmp_path / "few.webp") as written:
        assert isinstance(written, WebPImageFile)
        assert written.n_frames == len(film.frames) > 5
        written.seek(1)
        second = np.asarray(written.convert("RGB"), dtype=int)
    assert np.abs(second - np.asarray(film.frames[1], dtype=int)).mean() < 4  # WebP loses little
    assert np.abs(second - np.asarray(film.frames[0], dtype=int)).mean() > 0.1


def test_what_stands_still_is_one_frame_shown_longer(film: Film) -> None:
    frames = len(film.frames)
    film.hold(100)
    film.hold(100)
    film.hold(300)
    assert len(film.frames) - frames <= 1
    assert film.shown[-1] >= 500


def durations(path: Path) -> list[int]:
    """ms of each frame of an animated WebP: bytes 12 to 15 of each ANMF chunk."""
    data, at, found = path.read_bytes(), 12, []
    while at < len(data):
        kind, size = struct.unpack("<4sI", data[at : at + 8])
        if kind == b"ANMF":
            found.append(int.from_bytes(data[at + 20 : at + 23], "little"))
        at += 8 + size + size % 2
    return found


def test_the_committed_file_moves_and_is_small() -> None:
    assert OUT.stat().st_size <= 1_500_000
    shown = durations(OUT)
    assert 8_000 <= sum(shown) <= 12_000
    assert min(shown) == FRAME <= 1000 / 12
    assert shown.count(FRAME) > 0.8 * len(shown)  # the others are held
    with Image.open(OUT) as moving:
        assert isinstance(moving, WebPImageFile)
        assert moving.is_animated and moving.n_frames == len(shown)
        assert moving.info["loop"] == 0  # for ever
        assert moving.width == WIDTH and 400 <= moving.height <= 560
        first = np.asarray(moving.convert("RGB"), dtype=int)
        moving.seek(moving.n_frames - 1)
        last = np.asarray(moving.convert("RGB"), dtype=int)
    upper = slice(0, 400)  # below it is the slider, which the film leaves where it pulled it
    assert np.abs(first[upper] - last[upper]).mean() < 6, "it ends where it began"
    assert first.std() > 40, "the first frame is a picture already"
    with Image.open(still_of(OUT)) as still:
        assert not getattr(still, "is_animated", False)
        assert np.abs(np.asarray(still.convert("RGB"), dtype=int) - first).mean() < 1
