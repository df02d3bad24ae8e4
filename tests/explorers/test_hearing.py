"""What our views need of a kernel, asked of a real one by its own messages."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

from rpnviz.explorers.common import hearing
from rpnviz.explorers.common.hearing import _uninterrupted, hear_widgets

PATIENCE = 120  # seconds until what never comes is given up
SET_UP = f"""
import asyncio, runpy, ipywidgets

hear_widgets = runpy.run_path({hearing.__file__!r})["hear_widgets"]  # without the package: PyTorch takes its time
box, order, kernel = ipywidgets.Checkbox(), [], get_ipython().kernel
print(box.model_id)
"""
WAIT = """
box.value = False
print("waiting", flush=True)
while not box.value:
    hear_widgets()
order.append("waited")
print("went on", flush=True)
"""


@dataclass
class Asked:
    """A kernel, and all that it has said: kind, what it answers, and what is in it."""

    client: BlockingKernelClient
    manager: KernelManager
    box: str = ""
    said: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def begin(self, code: str) -> str:
        return str(self.client.execute(code, allow_stdin=False))

    def tick(self, on: bool = True) -> str:
        """Press the check box as a page does."""
        data = {"method": "update", "state": {"value": on}, "buffer_paths": []}
        message = self.client.session.msg("comm_msg", {"comm_id": self.box, "data": data})
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def listen_until(self, kind: str, request: str, **content: Any) -> None:
        while True:
            message = self.client.get_iopub_msg(timeout=PATIENCE)
            self.said.append((message["msg_type"], message["parent_header"].get("msg_id", ""), message["content"]))
            if self.said[-1] == (kind, request, {**message["content"], **content}):
                return

    def listen_until_printed(self, request: str, text: str) -> None:
        """A kernel may send one print in several messages."""
        while self.printed(request) != text:
            self.listen_until("stream", request)

    def end(self, request: str) -> str:
        """Wait for the end of a request; return what it has printed."""
        self.listen_until("status", request, execution_state="idle")
        return self.printed(request)

    def printed(self, request: str) -> str:
        return "".join(content["text"] for kind, by, content in self.said if (kind, by) == ("stream", request))

    def states(self, request: str) -> list[str]:
        return [content["execution_state"] for kind, by, content in self.said if (kind, by) == ("status", request)]

    def ask(self, expression: str) -> str:
        return self.end(self.begin(f"print({expression})")).strip()


@pytest.fixture(scope="module", autouse=True)
def interruptible() -> Iterator[None]:
    """A shell starts what it runs in the background deaf to interruptions, and so would be the kernel."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def _kernel(interruptible: None) -> Iterator[Asked]:
    manager, client = start_new_kernel(startup_timeout=PATIENCE)
    asked = Asked(client, manager)
    asked.box = asked.end(asked.begin(SET_UP)).strip()
    yield asked
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.fixture
def kernel(_kernel: Asked) -> Asked:
    _kernel.end(_kernel.begin("box.value = False; order.clear()"))
    _kernel.said.clear()
    return _kernel


def test_a_cell_that_waits_hears_the_page(kernel: Asked) -> None:
    cell = kernel.begin(WAIT)
    kernel.listen_until_printed(cell, "waiting\n")
    press = kernel.tick()
    assert kernel.end(cell) == "waiting\nwent on\n", "what it prints afterwards is still its own"
    assert (kernel.states(press), kernel.states(cell)) == (["busy", "idle"], ["busy", "idle"])


def test_cells_behind_it_wait_and_keep_their_order(kernel: Asked) -> None:
    """As with Run All: the page speaks when all cells have been asked for."""
    first = kernel.begin("print('began', flush=True)")
    cell = kernel.begin(WAIT)
    behind = [kernel.begin(f"order.append({number})") for number in range(5)]
    kernel.end(first)
    kernel.listen_until_printed(cell, "waiting\n")
    assert [kernel.states(request) for request in behind] == [[]] * 5
    kernel.tick()
    later = kernel.begin("order.append('later')")
    kernel.end(later)
    assert kernel.ask("order") == "['waited', 0, 1, 2, 3, 4, 'later']"
    assert [kernel.states(request) for request in behind] == [["busy", "idle"]] * 5


def test_what_was_said_before_the_cell_began_is_heard_too(kernel: Asked) -> None:
    """It lies in the kernel's queue by then, behind other cells."""
    before = kernel.begin(
        "print('computing', flush=True)\nwhile kernel.msg_queue.qsize() < 3: kernel.shell_stream.flush(1)"
    )
    kernel.listen_until_printed(before, "computing\n")
    cell, behind = kernel.begin(WAIT.replace("box.value = False", "")), kernel.begin("order.append('behind')")
    kernel.tick()
    kernel.end(cell)
    kernel.end(behind)
    assert kernel.ask("order") == "['waited', 'behind']"


def test_an_interruption_is_heard_while_it_waits_and_nothing_is_lost(kernel: Asked) -> None:
    idle = kernel.ask("kernel.saved_sigint_handler")
    cell = kernel.begin(WAIT)
    kernel.listen_until_printed(cell, "waiting\n")
    behind = kernel.begin("1")
    kernel.end(kernel.tick(on=False))  # heard, and it goes on waiting
    kernel.manager.interrupt_kernel()
    kernel.end(cell)
    kernel.end(behind)
    assert [content["ename"] for kind, _, content in kernel.said if kind == "error"] == ["KeyboardInterrupt"]
    assert kernel.ask("kernel.saved_sigint_handler") == idle, "an idle kernel takes an interruption as before"
    kernel.manager.interrupt_kernel()
    assert kernel.ask("6 * 7") == "42"


def test_an_interruption_in_the_middle_comes_at_the_end() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), _uninterrupted():
        signal.raise_signal(signal.SIGINT)
        done.append("all")
    assert done == ["all"]
    with _uninterrupted():
        pass
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_outside_of_a_cell_nothing_happens(kernel: Asked) -> None:
    before = signal.getsignal(signal.SIGINT)
    hear_widgets()  # no kernel here
    assert signal.getsignal(signal.SIGINT) is before
    in_a_thread = "import threading\nthread = threading.Thread(target=hear_widgets)\nthread.start()\nthread.join()"
    assert kernel.end(kernel.begin(in_a_thread)) == ""


def test_every_message_of_a_page_is_said_to_be_done_also_while_a_cell_awaits(kernel: Asked) -> None:
    """ipywidgets sends no further change before that: without it a view is deaf from then on (ipykernel 7.4)."""
    queue = "getattr(kernel, 'msg_queue', asyncio.Queue())"  # here it lies until the cell has ended, unless it is heard
    cell = kernel.begin(f"print('waiting')\nwhile not ({queue}.qsize() or box.value): await asyncio.sleep(0)")
    kernel.listen_until_printed(cell, "waiting\n")
    press = kernel.tick()
    kernel.end(cell)
    assert kernel.ask("box.value") == "True"
    assert kernel.states(press) == ["busy", "idle"]
