"""A learner without a browser: a kernel of her own server, spoken to as JupyterLab does.

Messages go over the websocket in the layout v1.kernel.websocket.jupyter.org: how many parts and where each begins, as
64-bit numbers, then channel, header, parent header, metadata, content and buffers.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import queue
import struct
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import websocket

from benchmarks.hub import PATIENCE, Hub

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
PROTOCOL = "v1.kernel.websocket.jupyter.org"


@dataclass(frozen=True)
class Message:
    """What a kernel said: its kind, the number of the request it belongs to, its content."""

    kind: str
    parent: str
    content: dict[str, Any]


class CellError(Exception):
    """A cell raised an exception."""


class KernelClient:
    """One notebook's kernel."""

    def __init__(self, hub: Hub, learner: str, notebook: str) -> None:
        """Open a notebook of a learner, as her page does: a session, a kernel, its channels."""
        wanted = {"path": notebook, "name": notebook, "type": "notebook", "kernel": {"name": "python3"}}
        session = hub.ask(f"/user/{learner}/api/sessions", "POST", wanted)
        self._session = uuid.uuid4().hex
        self._socket = websocket.create_connection(
            f"{hub.url.replace('http', 'ws', 1)}/user/{learner}/api/kernels/{session['kernel']['id']}/channels"
            f"?session_id={self._session}",
            header=[f"Authorization: token {hub.token}"],
            subprotocols=[PROTOCOL],
        )
        self._frames: queue.Queue[bytes | None] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        """Take what comes as it comes, also while she waits for others: a server leaves whoever answers no ping."""
        with contextlib.suppress(OSError, websocket.WebSocketException):
            while isinstance(frame := self._socket.recv(), bytes):
                self._frames.put(frame)
        self._frames.put(None)

    def close(self) -> None:
        """Leave; the kernel goes on, as when a page is closed."""
        self._socket.close()

    def execute(self, code: str) -> Iterator[Message]:
        """Run a cell; yield what the kernel says until it is done.

        Raises:
            CellError: if the cell raises.
        """
        asked = {"code": code, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": True}
        number = self._send("execute_request", {**asked, "user_expressions": {}})
        for message in self._until_done(number, {"execute_reply", "idle"}):
            if message.kind == "error":
                raise CellError(f"{message.content['ename']}: {message.content['evalue']}")
            yield message

    def run(self, code: str) -> None:
        """Run a cell to its end."""
        for _ in self.execute(code):
            pass

    def ask(self, expression: str) -> str:
        """Return what an expression is in the kernel, in Python's words."""
        for message in self.execute(f"print(repr({expression}))"):
            if message.kind == "stream":
                return str(message.content["text"]).strip()
        raise CellError(f"{expression}: no answer")

    def move(self, model: str, **state: Any) -> None:
        """Tell a widget that its view was moved; return when the kernel has handled it."""
        content = {"comm_id": model, "data": {"method": "update", "state": state, "buffer_paths": []}}
        for _ in self._until_done(self._send("comm_msg", content), {"idle"}):
            pass

    def _send(self, kind: str, content: dict[str, Any]) -> str:
        number = uuid.uuid4().hex
        header = {"msg_id": number, "msg_type": kind, "session": self._session, "username": "", "version": "5.3"}
        header["date"] = "2000-01-01T00:00:00Z"
        parts = [b"shell", *(json.dumps(part).encode() for part in (header, {}, {}, content))]
        starts = [*itertools.accumulate((len(part) for part in parts), initial=8 * (len(parts) + 2))]
        self._socket.send_binary(struct.pack(f"<{len(starts) + 1}Q", len(starts), *starts) + b"".join(parts))
        return number

    def _until_done(self, number: str, missing: set[str]) -> Iterator[Message]:
        """What the kernel says to a request, until all of `missing` has come; a reply and "idle" come in any order."""
        while missing:
            frame = self._frames.get(timeout=PATIENCE)
            if frame is None:
                raise ConnectionError("the server has closed the connection")
            message = _read(frame)
            if message.parent == number:
                missing -= {message.content.get("execution_state") if message.kind == "status" else message.kind}
                yield message


def _read(frame: bytes) -> Message:
    count = int.from_bytes(frame[:8], "little")
    at = struct.unpack_from(f"<{count}Q", frame, 8)
    header, parent, _, content = (json.loads(frame[at[i] : at[i + 1]]) for i in (1, 2, 3, 4))
    return Message(header["msg_type"], parent.get("msg_id", ""), content)
