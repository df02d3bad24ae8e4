"""Let a cell that waits hear the page.

A kernel handles one request after the other: what a widget says while a cell runs is handled after that cell, and after
every cell that was asked for before it. So a cell that waits for somebody's hand has to look for itself.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any

import zmq
from IPython import get_ipython

WIDGETS_SAY = ("comm_open", "comm_msg", "comm_close")


def hear_widgets() -> None:
    """Handle what widgets have said since the running cell began; all else stays queued, in its order.

    To be called by the cell's thread, over and over. Does nothing without a kernel, in another thread, and in a kernel
    that keeps no queue of its own (ipykernel 7): there the page is heard after the cell.
    """
    kernel: Any = getattr(get_ipython(), "kernel", None)
    queue = getattr(kernel, "msg_queue", None)
    if queue is None or threading.current_thread() is not threading.main_thread():
        return
    with _uninterrupted():
        kernel.shell_stream.flush(zmq.POLLIN)  # what has arrived goes into the queue
        for _ in range(queue.qsize()):
            request = queue.get_nowait()
            _, dispatch, arguments = request
            if dispatch == kernel.dispatch_shell and _kind(kernel, *arguments) in WIDGETS_SAY:
                _handle_inside_a_cell(kernel, *arguments)
            else:
                queue.put_nowait(request)


def _kind(kernel: Any, frames: list[Any]) -> str:
    _, parts = kernel.session.feed_identities(frames, copy=False)
    try:
        return str(kernel.session.deserialize(parts, content=False, copy=False)["msg_type"])
    except Exception:
        return "unreadable"  # the kernel says so when its turn comes


def _handle_inside_a_cell(kernel: Any, frames: list[Any]) -> None:
    """Let the kernel handle a message, then put back what it knows of the running cell: whose output, whose signals."""
    ident, parent, signals = kernel._parent_ident["shell"], kernel.get_parent("shell"), kernel.saved_sigint_handler
    try:
        kernel.dispatch_shell(frames).send(None)  # widgets' handlers await nothing: the first step is the last
    except StopIteration:
        pass
    finally:
        kernel.set_parent(ident, parent, channel="shell")
        kernel.saved_sigint_handler = signals


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Put off an interruption to the end, so that no request is lost on its way back into the queue."""
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt
