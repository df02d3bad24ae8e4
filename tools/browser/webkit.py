"""WebKitGTK, spoken to in classic WebDriver through its WebKitWebDriver: https://www.w3.org/TR/webdriver2/.

WebKitGTK needs a screen, so an Xvfb of its own stands behind it.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.browser import actions
from tools.browser.page import PATIENCE, SCREEN, Engine, Page

WINDOW = Path(__file__).with_name("webkit_window.py")
# The function sees no name that is not the page's.
_CALL = """(async (call, given) => JSON.stringify((await call(given)) ?? null))(
  FUNCTION, JSON.parse(arguments[0]),
).then(
  (value) => arguments[1]({ value }),
  (error) => arguments[1]({ error: `${error}\\n${error?.stack ?? ""}` }),
);"""
_ERROR = re.compile(r"CONSOLE (?:\w+ )?ERROR")


class WebKit(Engine):
    """WebKitGTK on a screen that nobody sees."""

    name = "webkit"

    def __init__(self, driver: str, xvfb: str, python: str) -> None:
        """Start screen, driver and browser.

        Args:
            driver: path of WebKitWebDriver.
            xvfb: path of Xvfb.
            python: path of the Python that can import gi.
        """
        self._folder = Path(tempfile.mkdtemp(prefix="rpnviz-webkit-"))
        self.log = self._folder / "console.log"
        self.log.touch()
        self._running: list[subprocess.Popen[bytes]] = []
        try:
            environment = {**os.environ, "DISPLAY": self._screen(xvfb), "HOME": str(self._folder)}
            self._url = self._driver(driver, environment)
            self._session = self._new_session(python)
            self._first = self._shown = self.send("GET", f"{self._session}/window")
        except BaseException:
            self._end()
            raise

    def _screen(self, xvfb: str) -> str:
        """Start Xvfb; it chooses the number of a display that is free, and says it once it is ready."""
        read, write = os.pipe()
        command = [xvfb, "-displayfd", str(write), "-screen", "0", "1920x1200x24", "-nolisten", "tcp"]
        process = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL, start_new_session=True)
        self._running.append(process)
        os.close(write)
        with os.fdopen(read) as said:
            number = said.readline().strip()
        if not number:
            raise RuntimeError("WebKitGTK: Xvfb did not start")
        return f":{number}"

    def _driver(self, driver: str, environment: dict[str, str]) -> str:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [driver, f"--port={port}"]
        process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, start_new_session=True)
        self._running.append(process)
        url, give_up = f"http://127.0.0.1:{port}", time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < give_up:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{url}/status", timeout=2).close()
                return url
            time.sleep(0.05)  # there is nothing to wait on but the port
        raise RuntimeError("WebKitGTK: WebKitWebDriver did not start")

    def _new_session(self, python: str) -> str:
        browser = {"binary": python, "args": [str(WINDOW), str(self.log)]}
        asked = {"capabilities": {"alwaysMatch": {"webkitgtk:browserOptions": browser}}}
        try:
            session = f"/session/{self.send('POST', '/session', asked)['sessionId']}"
        except RuntimeError as error:
            raise RuntimeError(f"{error}\n{self.log.read_text()[-2000:]}") from error
        milliseconds = (PATIENCE + 10) * 1000
        self.send("POST", f"{session}/timeouts", {"script": milliseconds, "pageLoad": milliseconds})
        return session

    def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Give a command of the protocol and return its value.

        Raises:
            RuntimeError: with what the driver says of a command that failed.
        """
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._url}{path}", method=method, data=data)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE + 20) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"WebKitGTK: {path.split('/')[-1]}: {error.read().decode()[:500]}") from error

    def command(self, window: str, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Give a command to one of the windows."""
        if window != self._shown:
            self.send("POST", f"{self._session}/window", {"handle": window})
            self._shown = window
        return self.send(method, f"{self._session}{path}", body)

    def new_page(self) -> WebKitPage:
        """Open an empty page in a window of its own; the first one stays, for the others come out of it."""
        page = WebKitPage(self, self.command(self._first, "POST", "/window/new", {"type": "window"})["handle"])
        page.resize(*SCREEN)
        return page

    def close(self) -> None:
        """End browser, driver and screen."""
        with contextlib.suppress(OSError, RuntimeError):
            self.send("DELETE", self._session)
        self._end()

    def _end(self) -> None:
        for process in reversed(self._running):
            os.killpg(process.pid, signal.SIGKILL)  # with the browser, which is the driver's child
            process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


class WebKitPage(Page):
    """A page in WebKitGTK."""

    def __init__(self, webkit: WebKit, window: str) -> None:
        """Take a window that is open."""
        self._webkit, self._window = webkit, window
        self._from = webkit.log.stat().st_size

    def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return self._webkit.command(self._window, method, path, body)

    @property
    def troubles(self) -> list[str]:
        """What has gone wrong until now, in this page and in those that were open beside it."""
        self.evaluate("() => new Promise((done) => setTimeout(done))")
        written = self._webkit.log.read_bytes()[self._from :].decode("utf-8", "replace")
        return list(dict.fromkeys(line[:400] for line in written.splitlines() if _ERROR.search(line)))

    def open(self, address: str) -> None:
        """Go there."""
        self._send("POST", "/url", {"url": address})

    def evaluate(self, function: str, given: Any = None) -> Any:
        """Call a function in the page."""
        script = {"script": _CALL.replace("FUNCTION", function), "args": [json.dumps(given)]}
        found = self._send("POST", "/execute/async", script)
        if "error" in found:
            raise RuntimeError(f"WebKitGTK: {found['error'][:1000]}")
        return json.loads(found["value"])

    def press(self, *keys: str) -> None:
        """Press keys."""
        self._send("POST", "/actions", {"actions": actions.keyboard(*keys)})

    def move(self, spots: Sequence[actions.Spot]) -> None:
        """Go along the spots with the button down."""
        self._send("POST", "/actions", {"actions": actions.mouse(spots)})

    def upload(self, selector: str, path: Path) -> None:
        """Choose a file."""
        found = self._send("POST", "/element", {"using": "css selector", "value": selector})
        (element,) = found.values()
        self._send("POST", f"/element/{element}/value", {"text": str(path)})

    def resize(self, width: int, height: int) -> None:
        """Make the window's inside this large; it has no rim."""
        self._send("POST", "/window/rect", {"width": width, "height": height})
        self.wait_for("([width, height]) => innerWidth === width && innerHeight === height", [width, height])

    def screenshot(self) -> bytes:
        """Return what is in the window."""
        return base64.b64decode(self._send("GET", "/screenshot"))

    def close(self) -> None:
        """Close the window."""
        self._send("DELETE", "/window")
