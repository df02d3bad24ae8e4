"""What a page and its kernel tell each other, in bytes, read off the kernel's websocket."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page, WebSocket

BUNDLES = ("display_data", "execute_result", "update_display_data")


@dataclass
class Traffic:
    """Bytes so far, by kind: "comm" (widget messages), "bundle" (mime bundles but their PNG), "png", "other".

    A message counts as it is on the wire (header, content and buffers); both directions count.
    """

    count: Counter[str] = field(default_factory=Counter)

    def watch(self, page: Page) -> None:
        """Count every kernel websocket that the page opens from now on."""
        page.on("websocket", self._opened)

    def reset(self) -> None:
        """Start again from zero."""
        self.count.clear()

    @property
    def total(self) -> int:
        """Bytes of widget messages and mime bundles: what a view costs."""
        return self.count["comm"] + self.count["bundle"] + self.count["png"]

    def _opened(self, socket: WebSocket) -> None:
        if "/channels" in socket.url:
            socket.on("framereceived", self._message)
            socket.on("framesent", self._message)

    def _message(self, payload: str | bytes) -> None:
        header, content = _parts(payload)
        kind = str(header["msg_type"])
        if kind.startswith("comm_"):
            self.count["comm"] += len(payload)
        elif kind in BUNDLES:
            png = len(content()["data"].get("image/png", ""))
            self.count["png"] += png
            self.count["bundle"] += len(payload) - png
        else:
            self.count["other"] += len(payload)


def _parts(payload: str | bytes) -> tuple[dict[str, Any], Any]:
    """Return the header and a function for the content of a message (v1.kernel.websocket.jupyter.org, or JSON)."""
    if isinstance(payload, str):
        message = json.loads(payload)
        return message["header"], lambda: message["content"]
    count = int.from_bytes(payload[:8], "little")
    at = [int.from_bytes(payload[8 * i : 8 * i + 8], "little") for i in range(1, count + 1)]
    # channel, header, parent header, metadata, content, buffers …
    return json.loads(payload[at[1] : at[2]]), lambda: json.loads(payload[at[4] : at[5]])
