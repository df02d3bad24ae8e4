"""`rpnviz site`: built once, kept, served; without packages, room or a browser it says so."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
import webbrowser
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
from nbformat import v4
from playwright.sync_api import Browser

from benchmarks.series import LOOK_AT_ROOT
from rpnviz.__main__ import main
from rpnviz.site import executed, pages
from rpnviz.start import site
from tools.browser.lab import new_page
from tools.notebooks.run import METADATA

ROOT = Path(__file__).parent.parent.parent
VIEW = """import sys
from rpnviz.explorers import IouExplorer
print("a library", "warns", file=sys.stderr)
IouExplorer()"""
WRONG = "import random\n1 / 0"


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Ctrl-C arrives here and in what is started, also if the tests run in the background, where it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def notebook(path: Path, *cells: Any) -> Path:
    nbformat.write(v4.new_notebook(cells=list(cells), metadata=METADATA), path)
    return path


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of caches in which a site of one small notebook lies in the place of the whole one."""
    folder = tmp_path_factory.mktemp("Übung 1, 目")
    series = folder / "series"
    series.mkdir()
    text, table = v4.new_markdown_cell("# 00 · Why?\n\nSo."), v4.new_markdown_cell("| |\n|---|\n| **00** this one |")
    notebook(series / "00_small.ipynb", text, v4.new_code_cell(VIEW), table)
    for name in (pages.PAGE, pages.SHEET):
        notebook(series / name, v4.new_markdown_cell(f"# {name}"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        place = site.site_folder()
        patch.setattr(pages, "notebooks_folder", lambda: series)
        patch.setattr(pages, "_readme", lambda: "# rpnviz\n\nMoves.\n\n## Start\n\n    rpnviz site\n\n## End\n")
        (place.parent / "of another version").mkdir(parents=True)
        site.build_site(place, print)
        yield folder


def test_it_is_built_whole_and_alone(cache: Path) -> None:
    """And what a library of another year writes on stderr is no part of it."""
    place = site.site_folder()
    assert place.is_relative_to(cache) and site.is_built(place)
    assert list(place.parent.iterdir()) == [place]
    page = (place / "00_small.html").read_text("utf-8")
    assert 'data-view="iou/view.js"' in page and "a library warns" not in page


def test_the_command_opens_it_and_it_moves_without_a_kernel(cache: Path, browser: Browser, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "rpnviz", "site"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "BROWSER": f"{sys.executable} -c pass %s"}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        (address,) = re.findall(r"http://127\.0\.0\.1:\d+/", running.stdout.readline())
        page = new_page(browser)
        page.goto(address)
        page.get_by_role("link", name="00 · Why?").first.click()
        view = page.locator(".rpnviz-mount .rpnviz")
        view.wait_for()
        view.evaluate("view => { window.measured = view; }")
        page.wait_for_function(f"() => ({LOOK_AT_ROOT})().split('|').length > 1")
        before = page.evaluate(f"({LOOK_AT_ROOT})()")
        view.locator("[tabindex='0']").first.press("ArrowRight")
        page.wait_for_function(f"before => ({LOOK_AT_ROOT})() !== before", arg=before)
        page.context.close()
        running.send_signal(signal.SIGINT)
        assert running.stdout.read().startswith("Ended.")
    assert running.returncode == 0


def test_what_is_served_and_what_is_said_without_a_browser(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    got: list[str] = []

    def no_browser(address: str) -> bool:
        for name in ("index.html", "site.js", "site.css", "still.webp"):
            with urllib.request.urlopen(address + name) as answer:
                got.append(answer.headers["Content-Type"])
        return False

    def said(text: str) -> None:
        print(text)
        if "No browser" in text:
            signal.raise_signal(signal.SIGINT)

    for name in ("index.html", "site.js", "site.css", "still.webp"):
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(SimpleHTTPRequestHandler, "guess_type", lambda *_: "text/plain")  # as on some Windows
    monkeypatch.setattr(webbrowser, "open", no_browser)
    site.serve(tmp_path, said)
    assert got == ["text/html", "text/javascript", "text/css", "image/webp"]
    assert "No browser was found: open this address" in capsys.readouterr().out
    assert not [one for one in threading.enumerate() if "serve" in one.name]


def test_another_version_or_another_pytorch_has_a_site_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {site.site_folder()}
    monkeypatch.setattr(site, "_version", lambda name: "99" if name == "torch" else "1")
    names.add(site.site_folder())
    monkeypatch.setattr(site, "_version", lambda name: "1")
    names.add(site.site_folder())
    monkeypatch.setattr("rpnviz.__version__", "99")
    names.add(site.site_folder())
    assert len(names) == 4


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of caches without a site; what would build one fails the test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(pages, "build", lambda *_, **__: pytest.fail("is built"))
    return tmp_path


def test_missing_packages_are_named(
    empty: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def version(name: str) -> str:
        if name == "furo":
            raise PackageNotFoundError(name)
        return "7.4" if name == "sphinx" else "2030"

    monkeypatch.setattr(site, "version", version)
    assert main(["site"]) == 1
    assert 'not here yet: python -m pip install "furo>=2024.8.6" "sphinx>=8.1"\n' in capsys.readouterr().err
    assert list(empty.iterdir()) == []


def test_a_place_without_room_or_that_cannot_be_written(
    empty: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=40_000_000))
    with pytest.raises(SystemExit) as status:
        main(["site"])
    assert status.value.code == 2 and "takes 300 MB while it is made, and " in (said := capsys.readouterr().err)
    assert f"{empty / 'rpnviz/site'} has 40 MB left" in said
    monkeypatch.setenv("XDG_CACHE_HOME", str(empty / "a file"))
    (empty / "a file").touch()
    with pytest.raises(SystemExit):
        main(["site"])
    assert f"cannot be written into {empty / 'a file/rpnviz/site'}: Not a directory" in capsys.readouterr().err


def test_an_interrupted_build_is_no_site_and_keeps_what_has_run(
    empty: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(target: Path, kept: Path, **_: Any) -> None:
        (kept / "00_small").mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr(pages, "build", interrupted)
    assert main(["site"]) == 128 + signal.SIGINT
    assert "What has run is kept" in capsys.readouterr().out
    (unfinished,) = site.site_folder().parent.iterdir()
    assert (unfinished / "00_small").is_dir() and not site.is_built(site.site_folder())


def test_a_build_that_another_one_has_overtaken_has_its_site(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def overtaken(target: Path, kept: Path, **_: Any) -> None:
        target.mkdir()
        (target / "index.html").touch()
        raise FileNotFoundError(kept)

    monkeypatch.setattr(pages, "build", overtaken)
    site.build_site(site.site_folder(), print)
    monkeypatch.setattr(pages, "build", lambda *_, **__: (_ for _ in ()).throw(RuntimeError("00: 1 / 0")))
    monkeypatch.setenv("XDG_CACHE_HOME", str(empty / "other"))
    with pytest.raises(RuntimeError, match="1 / 0"):
        site.build_site(site.site_folder(), print)


def test_a_notebook_that_goes_wrong_is_named_and_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is run by this Python, whatever is registered as "python3", and finds no files of where the reader stands."""
    (kernel := tmp_path / "jupyter" / "kernels" / "python3").mkdir(parents=True)
    spec = {"argv": [sys.executable, "-c", "another Python"], "display_name": "other", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "random.py").write_text("raise SystemExit('a file of the reader is run')")
    monkeypatch.chdir(tmp_path / "here")
    path = notebook(tmp_path / "05_wrong.ipynb", v4.new_code_cell(WRONG))
    with pytest.raises(RuntimeError, match=r"^05_wrong\.ipynb: cell 1 .*: ZeroDivisionError: division by zero$"):
        executed.run(path, tmp_path / "kept", strict=False)
    assert list((tmp_path / "kept").iterdir()) == []
