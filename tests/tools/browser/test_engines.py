"""The interface to the three browsers: it does in each what it says, and tells what goes wrong."""

from __future__ import annotations

import functools
import http.server
import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.explorers.page_code import ask_page
from tools.browser import engines
from tools.browser.page import PATIENCE, Engine, Page

PAGE = """<!doctype html><meta charset="utf-8"><title>all that is done to it</title>
<body style="margin: 0; background: rgb(0, 0, 255)">
<input type="file"><button onclick="done.push('click')">press</button><div style="width: 100px; height: 100px"></div>
<script>
const done = [];
addEventListener("keydown", ({ key, shiftKey }) => done.push(`${key} ${shiftKey}`));
const box = document.querySelector("div");
for (const kind of ["pointerdown", "pointerup"]) {
  box.addEventListener(kind, (e) => done.push(`${kind} ${e.clientX - box.offsetLeft} ${e.clientY - box.offsetTop}`));
}
</script>"""
FAULTY = """<!doctype html><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'">
<script>console.log("nothing"); console.warn("nothing"); FAULT</script>"""
FAULTS = {
    "console": ("console.error('on purpose')", "on purpose"),
    "thrown": ("throw new Error('on purpose')", "on purpose"),
    "thrown later": ("setTimeout(() => { throw new Error('on purpose'); })", "on purpose"),
    "rejected": ("Promise.reject(new TypeError('on purpose'))", "on purpose"),
    "refused": ("new Image().src = 'https://example.com/refused.png'", "example.com/refused.png"),
    "no JavaScript": ("let purpose; let purpose;", "purpose"),
}


@pytest.fixture
def page(engine: Engine) -> Iterator[Page]:
    """A page in which things may go wrong."""
    page = engine.new_page()
    yield page
    page.close()


def opened(page: Page, folder: Path, text: str) -> Page:
    (folder / "page.html").write_text(text, encoding="utf-8")
    page.open((folder / "page.html").as_uri())
    return page


def told(page: Page, words: str) -> list[str]:
    """Wait until the page's troubles have these words; what is refused, say, is told a moment later."""
    give_up = time.monotonic() + PATIENCE
    while not any(words in trouble for trouble in page.troubles):
        assert time.monotonic() < give_up, page.troubles
    return page.troubles


def test_keys_and_pointer_arrive(page: Page, tmp_path: Path) -> None:
    opened(page, tmp_path, PAGE)
    page.press("a", "Shift+ArrowRight", "+", "Space")
    page.click("button")
    page.drag("div", (20, 10))
    assert page.evaluate("() => done.filter((one) => !one.startsWith('Shift'))") == [
        *("a false", "ArrowRight true", "+ false", "  false"),
        *("click", "pointerdown 50 50", "pointerup 70 60"),
    ]
    assert page.troubles == []


def test_a_file_is_chosen(page: Page, tmp_path: Path) -> None:
    (tmp_path / "chosen.txt").write_text("what is in it")
    opened(page, tmp_path, PAGE).upload("input", tmp_path / "chosen.txt")
    assert page.evaluate("() => document.querySelector('input').files[0].text()") == "what is in it"


def test_json_goes_in_and_out_and_promises_are_kept(page: Page) -> None:
    given = {"a": [1.5, None, "é", True], "b": "x" * 3_000_000}
    assert page.evaluate("async (given) => { await 0; return given; }", given) == given
    assert page.evaluate("() => undefined") is None
    assert page.wait_for("(at) => performance.now() > at && 'later'", 50) == "later"
    for fails in ("() => { throw new TypeError('on purpose'); }", "() => Promise.reject(new Error('on purpose'))"):
        with pytest.raises(RuntimeError, match="on purpose"):
            page.evaluate(fails)


def test_a_window_has_the_size_that_is_asked_for(page: Page, tmp_path: Path) -> None:
    opened(page, tmp_path, PAGE)
    assert page.evaluate("() => [innerWidth, innerHeight]") == [1366, 768]
    page.resize(360, 740)
    assert page.evaluate("() => [innerWidth, innerHeight]") == [360, 740]
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    assert picture.size == (360, 740)
    assert picture.getpixel((350, 700)) == (0, 0, 255)


@pytest.mark.parametrize("fault", FAULTS)
def test_what_goes_wrong_is_told(page: Page, tmp_path: Path, fault: str) -> None:
    code, words = FAULTS[fault]
    opened(page, tmp_path, FAULTY.replace("FAULT", code))
    assert not any("nothing" in trouble for trouble in told(page, words))


def test_what_does_not_come_is_told(page: Page, tmp_path: Path) -> None:
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        (tmp_path / "page.html").write_text(
            '<!doctype html><link rel="icon" href="data:,"><script src="none.js"></script>'
        )
        page.open(f"http://127.0.0.1:{server.server_port}/page.html")
        told(page, "/none.js")
        page.evaluate("() => fetch('https://example.com/other').catch(() => 0)")
        told(page, "request to another host: https://example.com/other")
        server.shutdown()


def test_pages_do_not_know_of_each_other(engine: Engine, page: Page, tmp_path: Path) -> None:
    opened(page, tmp_path, PAGE)
    other = engine.new_page()
    assert other.evaluate("() => document.title") == ""
    page.press("a")
    assert page.evaluate("() => done") == ["a false"]
    other.close()
    assert page.evaluate("() => document.title") == "all that is done to it"


def test_a_module_of_the_page_is_asked_in_every_browser(engine: Engine) -> None:
    assert ask_page(engine, "common/format.js", "export const ask = (given) => thousands(given);", 21600) == "21,600"


def test_a_missing_browser_is_one_line_that_names_its_packages(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    for name in ("BROWSERS", "CHROMIUM", "FIREFOX"):
        monkeypatch.delenv(name, raising=False)
    assert engines.main() == 1
    said = capsys.readouterr().err
    for package in ("chromium", "firefox-esr", "webkit2gtk-driver", "xvfb", "python3-gi", "gir1.2-webkit2-4.1"):
        assert package in said
    assert said.count("\n") == 1
    monkeypatch.setenv("BROWSERS", "chromium firefox")
    engines.main()
    assert "webkit" not in capsys.readouterr().err


@pytest.mark.parametrize("names", ["", "chromium opera"])
def test_other_browsers_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], names: str
) -> None:
    monkeypatch.setenv("BROWSERS", names)
    assert engines.main() == 1
    assert "takes some of chromium firefox webkit" in capsys.readouterr().err


def test_starting_one_that_is_missing_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIREFOX", "/nowhere/firefox")
    with pytest.raises(RuntimeError, match="FIREFOX=/nowhere/firefox"), engines.start("firefox"):
        pass
