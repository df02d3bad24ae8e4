"""Execute the notebooks in fresh kernels without a network, and write them back the way they are committed.

    python -m tools.notebooks.run              every notebook of notebooks/
    python -m tools.notebooks.run 00 03        only those whose names start so
    python -m tools.notebooks.run --check      execute in memory, write nothing

A written notebook keeps its pictures (image/png) and sentences (text/plain) and loses what cannot be shown without a
kernel (widget views, widget state) and what changes from run to run (timestamps, versions). An explorer that goes on
after it was shown, such as a training, leaves the picture of where it came to, as its view would. Exit status: 0 when
every notebook ran clean, 1 when one had an error, wrote to stderr or showed a widget that brings no picture for readers
without a kernel (that notebook is not written), 2 for a wrong call.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
TIMEOUT = 900  # seconds a cell may take: only there so that a cell that hangs ends
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
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


def execute(notebook: NotebookNode, folder: Path) -> list[str]:
    """Run all cells in a fresh kernel; return what went wrong, one line each.

    Args:
        notebook (NotebookNode): changed in place: its outputs are replaced.
        folder (Path): where the kernel runs.
    """
    client = NotebookClient(
        notebook,
        timeout=TIMEOUT,
        kernel_name="python3",
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


def clean(notebook: NotebookNode) -> None:
    """Take out of an executed notebook what needs its kernel and what differs between two runs."""
    notebook["metadata"] = METADATA  # NotebookNode makes its own copy
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    used: set[str] = set()
    for cell in notebook.cells:
        cell["id"] = _stable_id(cell, used)
        cell.metadata.pop("execution", None)
        if cell.cell_type != "code":
            continue
        for output in cell.outputs:
            output.get("data", {}).pop(WIDGET_VIEW, None)
            output.get("metadata", {}).pop(WIDGET_VIEW, None)
        cell.outputs = [o for o in cell.outputs if o.get("data", True)]


def _stable_id(cell: NotebookNode, used: set[str]) -> str:
    """Keep the cell's own id; where it has none (or a copied one) derive it from the text, so that reruns agree."""
    own = str(cell.get("id") or "")
    repeat = 0
    while not own or own in used:
        own = hashlib.sha256(f"{cell.source}{repeat or ''}".encode()).hexdigest()[:8]
        repeat += 1
    used.add(own)
    return own


def chosen(names: list[str]) -> list[Path]:
    """Return the notebooks whose file names start with one of the given names; all of them for no names."""
    every = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
    found = [p for p in every if not names or any(p.name.startswith(Path(n).name) for n in names)]
    missing = [n for n in names if not any(p.name.startswith(Path(n).name) for p in every)]
    if missing or not found:
        have = ", ".join(p.stem for p in every) or "none"
        raise ValueError(f"no notebook starts with {', '.join(missing) or 'NN_'}; notebooks/ has: {have}")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="how a notebook's file name starts, as in 00")
    parser.add_argument("--check", action="store_true", help="execute in memory, write nothing")
    options = parser.parse_args(arguments)
    try:
        paths = chosen(options.names)
    except ValueError as error:
        parser.error(str(error))
    failed = 0
    for path in paths:
        started = time.perf_counter()
        notebook = nbformat.read(path, as_version=4)
        wrong = execute(notebook, path.parent)
        if not wrong and not options.check:
            clean(notebook)
            nbformat.write(notebook, path)
        failed += bool(wrong)
        verdict = "FAILED" if wrong else "ran clean" if options.check else "written"
        print(f"{path.name}: {verdict}, {time.perf_counter() - started:.1f} s", flush=True)
        for line in wrong:
            print("   ", line.replace("\n", "\n    "), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
