"""The harness itself: what goes wrong in a page is seen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import SCRATCH
from tools.browser.lab import Notebook, find_chromium, listen, new_page


def test_troubles_of_a_page_are_collected(browser: Browser) -> None:
    notebook = Notebook(new_page(browser))
    listen(notebook.page, notebook)
    notebook.page.set_content("<p>hello</p>")
    assert notebook.troubles == []
    notebook.page.evaluate("() => console.error('first')")
    notebook.page.evaluate("() => void setTimeout(() => { throw new Error('second'); })")
    notebook.page.wait_for_event("pageerror")
    notebook.page.evaluate("() => fetch('https://example.com/third').catch(() => 0)")
    notebook.page.context.close()
    for what in ("console: first", "page error: second", "request to another host: https://example.com/third"):
        assert any(line.startswith(what) for line in notebook.troubles), notebook.troubles


def test_errors_of_the_kernel_are_collected(open_and_run: Callable[..., Notebook]) -> None:
    notebook = open_and_run("scratch", SCRATCH)
    notebook.page.evaluate("() => { window.kept = rpnvizComplaints.length; }")
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        notebook.execute("1 / 0")
    notebook.execute("import sys; print('careful', file=sys.stderr)")
    assert any("careful" in line for line in notebook.collect())
    notebook.page.evaluate("() => { rpnvizComplaints.length = kept; }")
    notebook.troubles.clear()


def test_kernels_have_no_network(open_and_run: Callable[..., Notebook]) -> None:
    notebook = open_and_run("scratch", SCRATCH)
    code = (
        "import socket\n"
        "def reach(host):\n"
        "    try:\n"
        "        socket.create_connection((host, 80), timeout=1)\n"
        "    except OSError as error:\n"
        "        return str(error)\n"
    )
    assert "network is blocked" in notebook.ask("reach('192.0.2.1')", code)
    assert "network is blocked" in notebook.ask("reach('example.com')")


def test_a_missing_browser_is_one_line_that_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    with pytest.raises(RuntimeError, match="apt-get install chromium") as failure:
        find_chromium()
    assert "\n" not in str(failure.value)
    assert "/nowhere/chromium" in str(failure.value)
