"""A front end of our own: a page that shows a widget as strange hosts do, and its Python without a kernel.

What Jupyter's front ends do not have in common is set here: how isolated the page is, and how late messages arrive. The
messages are ipywidgets' own, with their buffers; only ZeroMQ is not there.
"""

from __future__ import annotations

import base64
import html
import json
from dataclasses import dataclass, field
from typing import Any

from comm import get_comm_manager
from comm.base_comm import BaseComm
from ipywidgets.widgets.widget import _remove_buffers
from playwright.sync_api import Frame, Page

from rpnviz.explorers.common.base import RpnvizWidget

Message = dict[str, Any]


class Wire(BaseComm):
    """A comm whose other end is no kernel's front end: what is sent is kept until it is fetched."""

    sent: list[Message]

    def publish_msg(self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **_: Any) -> None:
        """Keep what Python says. Echoes are passed over, as by a front end of ipywidgets 7."""
        if data and data.get("method") == "update":
            self.sent.append(as_json(data["state"], data["buffer_paths"], buffers or []))


def as_json(state: Any, paths: list[Any], buffers: list[Any]) -> Message:
    """A message as text can carry it, which is all that some bridges have."""
    return {"state": state, "paths": paths, "buffers": [base64.b64encode(one).decode() for one in buffers]}


@dataclass
class Host:
    """An explorer's Python, and the frame of a page that shows it."""

    explorer: RpnvizWidget
    wire: Wire
    alive: bool = True  # or nothing that comes is heard
    sizes: list[int] = field(default_factory=list)  # letters of each message, both ways

    @classmethod
    def of(cls, explorer: RpnvizWidget) -> Host:
        wire = Wire(primary=False)
        wire.sent = []
        get_comm_manager().register_comm(wire)
        explorer.comm = wire
        return cls(explorer, wire)

    def exchange(self, message: Message | None) -> list[Message]:
        """What a page's request does: it brings what was set there, and takes home what Python has said since."""
        if not self.alive:
            return []
        if message:
            self.sizes.append(len(json.dumps(message)))
            buffers = [base64.b64decode(one) for one in message["buffers"]]
            content = {"method": "update", "state": message["state"], "buffer_paths": message["paths"]}
            self.wire.handle_msg({"content": {"data": content}, "buffers": buffers})
        said, self.wire.sent = self.wire.sent, []
        self.sizes += [len(json.dumps(one)) for one in said]
        return said

    def show(self, page: Page, *, policy: str, shadow: bool, look: str) -> Frame:
        """Show it in a frame that is nobody's origin.

        Args:
            page: an empty page.
            policy: Content-Security-Policy of the frame.
            shadow: whether the view stands in a shadow root, with its style sheet.
            look: CSS of the host itself.
        """
        state, paths, buffers = _remove_buffers(self.explorer.get_state())
        first = as_json(state, paths, buffers)
        self.sizes.append(len(json.dumps(first)))
        page.expose_function(
            "exchange", lambda message: self.exchange(message) if message != "open" else [first, shadow]
        )
        head = f'<meta http-equiv="Content-Security-Policy" content="{policy}"><style>{look}</style>'
        inner = f"<!doctype html>{head}<body><script>{HOST}</script>"
        frame = f'<iframe sandbox="allow-scripts" style="{WHOLE}" srcdoc="{html.escape(inner)}"></iframe>'
        page.set_content(f"<script>{RELAY}</script>{frame}")
        page.wait_for_selector("iframe")
        return page.frames[1]


# A frame that is nobody's origin reaches only whom it is in, by messages.
RELAY = """addEventListener("message", async ({ source, data: { number, message } }) => {
  source.postMessage({ number, answer: await exchange(message) }, "*");
});"""
WHOLE = "width: 100%; height: 740px; border: 0"
# A request is under way at a time, what is set meanwhile goes together with the next, and each answer has a task of its
# own: a slow line, on which the page is always ahead of what Python says.
HOST = """
const LATE = 40; // ms
const bytes = (text) => new DataView(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
const text = (view) => {
  const { buffer, byteOffset, byteLength } = view.buffer ? view : new Uint8Array(view);
  return btoa(Array.from(new Uint8Array(buffer, byteOffset, byteLength), (one) => String.fromCharCode(one)).join(""));
};
const isBytes = (value) => value instanceof ArrayBuffer || ArrayBuffer.isView(value);
function opened({ state, paths, buffers }) {
  paths.forEach((path, i) => {
    let place = state;
    for (const step of path.slice(0, -1)) place = place[step];
    place[path.at(-1)] = bytes(buffers[i]);
  });
  return state;
}
const waiting = {};
addEventListener("message", ({ data: { number, answer } }) => waiting[number]?.(answer));
let number = 0;
const exchange = (message) => new Promise((done) => {
  waiting[++number] = done;
  parent.postMessage({ number, message }, "*");
});
const pause = () => new Promise((done) => setTimeout(done, LATE));
function makeModel(values) {
  const listeners = {};
  let changed = {};
  let asking = false;
  const take = (name, value) => {
    if (values[name] === value) return;
    values[name] = value;
    for (const listener of [...(listeners[`change:${name}`] || [])]) listener();
  };
  async function ask(message) {
    for (const answer of await exchange(message)) {
      await pause();
      const state = opened(answer);
      for (const [name, value] of Object.entries(state)) if (!(name in changed)) values[name] = value;
      for (const name in state) for (const listener of [...(listeners[`change:${name}`] || [])]) listener();
    }
  }
  async function send() {
    if (asking) return;
    asking = true;
    while (Object.keys(changed).length) {
      const names = Object.keys(changed).filter((name) => isBytes(changed[name]));
      const state = Object.fromEntries(Object.entries(changed).filter(([name]) => !names.includes(name)));
      const message = { state, paths: names.map((name) => [name]), buffers: names.map((name) => text(changed[name])) };
      changed = {};
      await pause();
      await ask(message);
    }
    asking = false;
  }
  return {
    get: (name) => values[name],
    set(name, value) {
      changed[name] = value;
      take(name, value);
    },
    save_changes: () => void send(),
    on: (event, listener) => (listeners[event] ||= []).push(listener),
    off: (event, listener) => (listeners[event] = listeners[event]?.filter((one) => one !== listener)),
    poll: () => ask(null),
  };
}
(async () => {
  const [first, shadow] = await exchange("open");
  const model = makeModel(opened(first));
  window.model = model;
  const host = document.body.appendChild(document.createElement("div"));
  const place = shadow ? host.attachShadow({ mode: "open" }) : host;
  const style = place.appendChild(document.createElement("style"));
  style.textContent = model.get("_css");
  const el = place.appendChild(document.createElement("div"));
  const address = URL.createObjectURL(new Blob([model.get("_esm")], { type: "text/javascript" }));
  let widget = (await import(address)).default;
  if (typeof widget === "function") widget = await widget();
  await widget.initialize?.({ model });
  await widget.render({ model, el });
})();
"""
