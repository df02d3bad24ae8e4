"""Firefox, spoken to in WebDriver BiDi over its own WebSocket: https://www.w3.org/TR/webdriver-bidi/."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import websocket

from tools.browser import actions
from tools.browser.page import PATIENCE, SCREEN, Engine, Page

EVENTS = ["log.entryAdded", "network.beforeRequestSent", "network.fetchError", "network.responseCompleted"]
# Whatever is not this machine has no address; nothing is asked before the first page, and nothing after the last.
SETTINGS = """user_pref("network.dns.disabled", true);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
"""
# The function sees no name that is not the page's.
_CALL = "async function () { return JSON.stringify(await (FUNCTION)(JSON.parse(arguments[0]))); }"


class Firefox(Engine):
    """A headless Firefox with a profile of its own."""

    name = "firefox"

    def __init__(self, program: str) -> None:
        """Start it.

        Args:
            program: path of firefox-esr or firefox.
        """
        self._profile = Path(tempfile.mkdtemp(prefix="rpnviz-firefox-"))
        (self._profile / "user.js").write_text(SETTINGS)
        self._process = subprocess.Popen(
            [program, "--headless", "--profile", str(self._profile), "--remote-debugging-port", "0"],
            env={**os.environ, "HOME": str(self._profile)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._pages: dict[str, FirefoxPage] = {}
        self._number = 0
        try:
            self._socket = websocket.create_connection(self._address(), timeout=PATIENCE + 10, suppress_origin=True)
            self.send("session.new", capabilities={})
            self.send("session.subscribe", events=EVENTS)
        except BaseException:
            self._end()
            raise

    def _address(self) -> str:
        """Where it listens, which it writes into its profile."""
        said, give_up = self._profile / "WebDriverBiDiServer.json", time.monotonic() + PATIENCE
        while self._process.poll() is None and time.monotonic() < give_up:
            with contextlib.suppress(OSError, ValueError):
                server = json.loads(said.read_text())
                return f"ws://{server['ws_host']}:{server['ws_port']}/session"
            time.sleep(0.05)  # there is nothing to wait on but the file
        raise RuntimeError(f"Firefox did not start; it ended with {self._process.poll()}")

    def send(self, command: str, **parameters: Any) -> dict[str, Any]:
        """Give a command of the protocol and return its result; events that come meanwhile go to their pages.

        Raises:
            RuntimeError: with what Firefox says of a command that failed.
        """
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": command, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv())
            if message["type"] == "event":
                self._note(message["method"], message["params"])
            elif message["id"] == self._number:
                if message["type"] == "error":
                    raise RuntimeError(f"Firefox: {command}: {message['message'][:500]}")
                result: dict[str, Any] = message["result"]
                return result

    def _note(self, event: str, said: dict[str, Any]) -> None:
        page = self._pages.get(said.get("context") or said.get("source", {}).get("context", ""))
        trouble = _trouble(event, said)
        if page and trouble and trouble not in page.noted:
            page.noted.append(trouble)

    def new_page(self) -> FirefoxPage:
        """Open an empty page in a window of its own."""
        context = self.send("browsingContext.create", type="window")["context"]
        self._pages[context] = FirefoxPage(self, context)
        self._pages[context].resize(*SCREEN)
        return self._pages[context]

    def close(self) -> None:
        """End Firefox and remove its profile."""
        with contextlib.suppress(OSError, RuntimeError, websocket.WebSocketException):
            self.send("browser.close")
        self._end()

    def _end(self) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._profile, ignore_errors=True)


def _trouble(event: str, said: dict[str, Any]) -> str | None:
    """What an event says that went wrong, in one line; None if nothing did."""
    if event == "log.entryAdded":
        return f"{said['type']}: {(said['text'] or '')[:300]}" if said["level"] == "error" else None
    url = said["request"]["url"]
    if event == "network.fetchError":
        return f"failed: {url[:200]}: {said['errorText']}"
    if event == "network.responseCompleted":
        status = said["response"]["status"]
        return f"{status}: {url[:200]}" if status >= 400 else None
    parts = urlsplit(url)
    foreign = parts.scheme in ("http", "https", "ws", "wss") and parts.hostname != "127.0.0.1"
    return f"request to another host: {url[:200]}" if foreign else None


class FirefoxPage(Page):
    """A page in Firefox."""

    def __init__(self, firefox: Firefox, context: str) -> None:
        """Take a browsing context that is open."""
        self._firefox, self._context = firefox, context
        self.noted: list[str] = []

    def _send(self, command: str, **parameters: Any) -> dict[str, Any]:
        return self._firefox.send(command, context=self._context, **parameters)

    @property
    def troubles(self) -> list[str]:
        """What has gone wrong until now."""
        self.evaluate("() => new Promise((done) => setTimeout(done))")  # what has been said comes before the answer
        return self.noted

    def open(self, address: str) -> None:
        """Go there."""
        self._send("browsingContext.navigate", url=address, wait="complete")

    def evaluate(self, function: str, given: Any = None) -> Any:
        """Call a function in the page."""
        found = self._firefox.send(
            "script.callFunction",
            functionDeclaration=_CALL.replace("FUNCTION", function),
            arguments=[{"type": "string", "value": json.dumps(given)}],
            awaitPromise=True,
            target={"context": self._context},
        )
        if found["type"] == "exception":
            raise RuntimeError(f"Firefox: {found['exceptionDetails']['text'][:1000]}")
        return json.loads(found["result"].get("value", "null"))

    def press(self, *keys: str) -> None:
        """Press keys."""
        self._send("input.performActions", actions=actions.keyboard(*keys))

    def move(self, spots: Sequence[actions.Spot]) -> None:
        """Go along the spots with the button down."""
        self._send("input.performActions", actions=actions.mouse(spots))

    def upload(self, selector: str, path: Path) -> None:
        """Choose a file."""
        (field,) = self._send("browsingContext.locateNodes", locator={"type": "css", "value": selector})["nodes"]
        self._send("input.setFiles", element={"sharedId": field["sharedId"]}, files=[str(path)])

    def resize(self, width: int, height: int) -> None:
        """Make the window's inside this large."""
        self._send("browsingContext.setViewport", viewport={"width": width, "height": height})

    def screenshot(self) -> bytes:
        """Return what is in the window."""
        return base64.b64decode(self._send("browsingContext.captureScreenshot")["data"])

    def close(self) -> None:
        """Close the window."""
        self._send("browsingContext.close")
