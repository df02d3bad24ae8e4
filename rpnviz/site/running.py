"""Execute a notebook in a fresh kernel of this Python, without a network.

An explorer that goes on after it was shown, such as a training, leaves the picture of where it came to, as its view
would.
"""

from __future__ import annotations

import ast
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
TIMEOUT = 900  # seconds a cell may take: only there so that a cell that hangs ends
# Runs in the kernel before the first cell. Proxies alone would not do: plain sockets ignore them.
GUARD = """
def _refuse_the_network():
    import ipaddress, socket

    def is_local(host):
        try:
            return host in ("", "localhost", None) or ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    def guarded(call):
        def connect(self, address):
            if isinstance(address, tuple) and not is_local(address[0]):
                raise OSError(f"the network is blocked while notebooks are run: {address[0]}")
            return call(self, address)

        return connect

    def resolve(host, *args, **kwargs):
        host = host.decode() if isinstance(host, bytes) else host
        if not is_local(host):
            raise socket.gaierror(f"the network is blocked while notebooks are run: {host}")
        return getaddrinfo(host, *args, **kwargs)

    getaddrinfo = socket.getaddrinfo
    socket.socket.connect = guarded(socket.socket.connect)
    socket.socket.connect_ex = guarded(socket.socket.connect_ex)
    socket.getaddrinfo = resolve


_refuse_the_network()
del _refuse_the_network
"""
# Asked after each cell: which of the explorers shown have more to say by now, and what.
RETOLD = """__import__("json").dumps({{
    name: explorer._repr_mimebundle_()[0]
    for name, sentence in {sentences!r}.items()
    for explorer in [__import__("ipywidgets").widgets.widget._instances.get(name)]
    if hasattr(explorer, "describe") and explorer.describe() != sentence
}})"""


def offline_environment(home: Path) -> dict[str, str]:
    """Return the environment of a kernel that sees no network and none of the user's own settings.

    Args:
        home (Path): an empty folder that lives as long as the kernel.
    """
    startup = home / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00-offline.py").write_text(GUARD)
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    local = dict.fromkeys(("no_proxy", "NO_PROXY"), "127.0.0.1,localhost")
    own = {"IPYTHONDIR": str(home / "ipython"), "RPNVIZ_DATA": str(home / "data")}
    return {**os.environ, **nowhere, **local, **own}


class _ThisPython(AsyncKernelManager):
    """Starts this Python, also where somebody has registered another one as "python3"."""

    def _kernel_spec_manager_default(self) -> KernelSpecManager:
        return KernelSpecManager(kernel_dirs=[])


def execute(notebook: NotebookNode, folder: Path, strict: bool = True) -> list[str]:
    """Run all cells in a fresh kernel; return what went wrong, one line each.

    Args:
        notebook (NotebookNode): changed in place: its outputs are replaced.
        folder (Path): where the kernel runs.
        strict (bool): whether words on stderr are wrong; else they are taken out. A library of a year that we do not
            know may warn there of something.
    """
    client = NotebookClient(
        notebook,
        timeout=TIMEOUT,
        kernel_name="python3",
        kernel_manager_class=_ThisPython,
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=40"],  # the kernel's own start-up remarks are not the notebook's
        resources={"metadata": {"path": str(folder)}},
    )
    stills = Stills(client)
    client.on_cell_executed = stills.keep_true
    with tempfile.TemporaryDirectory(prefix="rpnviz-") as home:
        try:
            client.execute(env=offline_environment(Path(home)))
        except CellExecutionError:
            pass  # its output says it, and in one line
        except (CellTimeoutError, DeadKernelError) as error:
            return [*troubles(notebook), str(error).strip()]
    if not strict:
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    return [*troubles(notebook), *stills.wrong]


class Stills:
    """The stills of the explorers that a notebook has shown, each where it was shown last.

    Attributes:
        wrong: what went wrong, one line each.
    """

    def __init__(self, client: NotebookClient) -> None:
        """Nothing is shown yet."""
        self._client = client
        self._shown: dict[str, NotebookNode] = {}
        self.wrong: list[str] = []

    async def keep_true(self, cell: NotebookNode, **_: Any) -> None:
        """After a cell, replace those whose sentence is no longer true."""
        for output in cell.get("outputs", []):
            if {WIDGET_VIEW, "image/png"} <= set(output.get("data", {})):
                self._shown[output["data"][WIDGET_VIEW]["model_id"]] = output
        if self._shown:
            for name, data in (await self._retold()).items():
                self._shown[name]["data"].update(data)

    async def _retold(self) -> dict[str, dict[str, Any]]:
        sentences = {name: output["data"]["text/plain"] for name, output in self._shown.items()}
        question = {"retold": RETOLD.format(sentences=sentences)}
        assert self._client.kc
        request = self._client.kc.execute("", silent=True, user_expressions=question, allow_stdin=False)
        reply: Any = await self._client.async_wait_for_reply(request)
        answer = reply["content"]["user_expressions"]["retold"]
        if answer["status"] != "ok":
            self.wrong.append(f"the picture of an explorer: {answer['ename']}: {answer['evalue']}")
            return {}
        told: dict[str, dict[str, Any]] = json.loads(ast.literal_eval(answer["data"]["text/plain"]))
        return told


def troubles(notebook: NotebookNode) -> list[str]:
    """List error and stderr outputs, also of Output widgets (which swallow errors), and widgets without a picture.

    Args:
        notebook (NotebookNode): just executed, with its widget state and views still in it.
    """
    found = []
    for number, cell in enumerate(notebook.cells, 1):
        for output in cell.get("outputs", []):
            found += [f"cell {number} ({cell.source.strip()[:60]!r}): {said}" for said in _complaint(output)]
    state = notebook.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {}).get("state", {})
    for model in state.values():
        for output in model["state"].get("outputs", []) or []:
            found += [f"inside a widget: {said}" for said in _complaint(output)]
    return found


def _complaint(output: Any) -> Iterator[str]:
    if output["output_type"] == "error":
        yield f"{output['ename']}: {output['evalue']}"
    elif output["output_type"] == "stream" and output["name"] == "stderr":
        yield f"stderr: {output['text'].strip()}"
    elif WIDGET_VIEW in output.get("data", {}) and "image/png" not in output["data"]:
        yield "a widget without an image/png beside it"
