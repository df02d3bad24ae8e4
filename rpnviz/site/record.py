"""Write what the explorers of a notebook hold into files for the site; runs in the notebook's kernel, after its cells.

Every file is a script with one call, `rpnviz.put(NAME, VALUE)`: from file:// a page may load scripts and nothing else.
NAME is a hash of the content, so that pages share what they have in common. In VALUE, bytes stand as {"$bytes":
base64}, and many bytes as {"$file": NAME} of a file of their own. A file that {"$later": NAME} names is loaded when the
view asks for it: there stands a function that promises its content.

Where Python answers the view (another picture, say), answers are asked for here and kept: for each `Recorded` the site
has rules that lead from the values of traits to the file with the traits to set.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import ipywidgets

from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.page_network import network_files
from rpnviz.explorers.common.recorded import Recorded
from rpnviz.explorers.common.rules import Rule, one_of, whole
from rpnviz.explorers.linked.explorer import LinkedExplorer
from rpnviz.explorers.overview.explorer import OverviewExplorer
from rpnviz.grid import Grid

OWN_FILE = (
    32 * 1024
)  # bytes: pictures and tables of all anchors, which several explorers share; below it a request costs more


@dataclass(frozen=True)
class Change:
    """The traits that Python alone sets, before and after it was asked something."""

    before: dict[str, Any]
    after: dict[str, Any]

    def touches(self, name: str) -> bool:
        """Whether a trait is no longer what it was."""
        return bool(self.before[name] != self.after[name])


def on_demand(explorer: RpnvizWidget) -> dict[str, Any]:
    """What its page loads when it needs it: some megabytes of the network, when a reader opens a picture or trains."""
    network = {"network_files": network_files(explorer.networks)} if explorer.networks else {}
    return {**explorer.on_demand(), **network}


def recorded(explorer: RpnvizWidget, notebook: str) -> list[Recorded]:
    """What is recorded of an explorer in a notebook; all pictures of the linked one for the first notebook alone."""
    if isinstance(explorer, LinkedExplorer) and not notebook.startswith("00"):
        return []
    return explorer.recorded()


def save(folder: Path, notebook: str) -> None:
    """Write the files of all explorers of this kernel, and explorers.json: what each is, by model id."""
    folder.mkdir(parents=True, exist_ok=True)
    files = Files(folder)
    explorers = [one for one in ipywidgets.widgets.widget._instances.values() if isinstance(one, RpnvizWidget)]
    states = [one.saved_state() for one in explorers]  # of all, before the first is asked anything
    index = {}
    asked: dict[str, list[dict[str, Any]]] = {}  # two of a kind in one notebook answer alike
    for number, (explorer, state) in enumerate(zip(explorers, states, strict=True)):
        kind, rules = type(explorer).__name__, []
        asks = recorded(explorer, notebook)
        for question in asks:
            if f"{kind} {question}" not in asked:
                asked[f"{kind} {question}"] = record(explorer, question, files)
            rules += asked[f"{kind} {question}"]
        if isinstance(explorer, OverviewExplorer):
            state["pages"] = ".html"  # its stations lead to the site's pages
        state |= {name: {"$later": files.write(value)} for name, value in on_demand(explorer).items()}
        index[explorer.model_id] = {
            "needs_python": explorer.needs_python,
            "number": number,
            "links": links(explorer, explorers),
            "view": explorer.view,
            "quiet": bool(state.get("quiet")),
            "css": list(explorer.sheets),
            "asks": [[one["text"], [choice["text"] for choice in one["choices"]]] for one in state["questions"]],
            "state": files.write({**state, "moves": moves(state["moves"], asks), "answers": rules} if rules else state),
        }
    (folder / "explorers.json").write_text(json.dumps(index, indent=1), encoding="utf-8")


def moves(rules: dict[str, Rule], asks: list[Recorded]) -> dict[str, Rule]:
    """Widen what a link may set by what is recorded: other pictures and grids, whose maps may be larger."""
    wider = dict(rules)
    for name, values in [pair for question in asks for pair in [*question.given.items(), *question.then.items()]]:
        if wider.get(name, {}).get("kind") == "one_of":
            wider[name] = one_of([*wider[name]["choices"], *values])
    if len(wider.get("grid", {}).get("choices", [])) > 1:
        sizes = [Grid.named(name).feature_size for name in wider["grid"]["choices"]]
        wider["row"], wider["col"] = (whole(0, max(sides) - 1) for sides in zip(*sizes, strict=True))
    return wider


def links(explorer: RpnvizWidget, explorers: list[RpnvizWidget]) -> list[tuple[str, int, str]]:
    """List what `jslink` keeps in step with an explorer: its trait, the other's number, the other's trait."""
    pairs = [
        one
        for one in ipywidgets.widgets.widget._instances.values()
        if isinstance(one, ipywidgets.widgets.widget_link.Link)
    ]
    return [
        (pair.source[1], explorers.index(pair.target[0]), pair.target[1])
        for pair in pairs
        if pair.source[0] is explorer and pair.target[0] in explorers
    ]


def record(explorer: RpnvizWidget, question: Recorded, files: Files) -> list[dict[str, Any]]:
    """Ask an explorer a question, write the answers and return the rules; the explorer is left as it was.

    Returns:
        One rule for `given`, {given: names, files: values → file}, and one for each trait of `then`, which has `last`
        besides, {name, values}: in its file the answers stand by these values.
    """
    alone: dict[str, Change] = {}
    further: dict[str, dict[str, dict[str, Change]]] = {name: {} for name in question.then}
    with _as_it_was(explorer):
        for combination in product(*question.given.values()):
            alone[key(combination)] = _ask(explorer, dict(zip(question.given, combination, strict=True)))
            for name, values in question.then.items():
                before = getattr(explorer, name)
                further[name][key(combination)] = {key([value]): _ask(explorer, {name: value}) for value in values}
                setattr(explorer, name, before)
    names = list(question.given)
    rules: list[dict[str, Any]] = []
    if len(alone) > 1:
        written = {given: files.write(answer) for given, answer in _answers(alone).items()}
        rules.append({"given": names, "files": written})
    for name, groups in further.items():
        written = {given: files.write(_answers(changes)) for given, changes in groups.items()}
        last = {"name": name, "values": [key([value]) for value in question.then[name]]}
        rules.append({"given": names, "files": written, "last": last})
    return rules


def key(values: Iterable[Any]) -> str:
    """Write values as the page does: "street-03 paper", "0.15", "1"."""
    return " ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)


def _ask(explorer: RpnvizWidget, traits: dict[str, Any]) -> Change:
    def said() -> dict[str, Any]:
        return {name: getattr(explorer, name) for name in explorer.own_traits() if explorer.traits()[name].read_only}

    before = said()
    with explorer.hold_trait_notifications():  # else Python answers twice where two traits are set
        for name, value in traits.items():
            setattr(explorer, name, value)
    return Change(before, said())


def _answers(changes: dict[str, Change]) -> dict[str, dict[str, Any]]:
    """Keep of all answers the traits that any of them changed."""
    names = [name for name in next(iter(changes.values())).after if any(one.touches(name) for one in changes.values())]
    return {value: {name: one.after[name] for name in names} for value, one in changes.items()}


@contextmanager
def _as_it_was(explorer: RpnvizWidget) -> Iterator[None]:
    before = {name: getattr(explorer, name) for name in explorer.own_traits() if not explorer.traits()[name].read_only}
    yield
    with explorer.hold_trait_notifications():
        for name, value in before.items():
            setattr(explorer, name, value)


class Files:
    """A folder of scripts named by what they hold."""

    def __init__(self, folder: Path) -> None:
        """Write into `folder`."""
        self.folder = folder

    def write(self, value: Any) -> str:
        """Write a value, JSON and bytes nested at will, and return its name."""
        return self._put(json.dumps(value, default=self._binary, separators=(",", ":")))

    def _binary(self, value: Any) -> dict[str, str]:
        if not isinstance(value, (bytes, bytearray, memoryview)):
            raise TypeError(f"state: {type(value).__name__} is neither JSON nor bytes")
        text = base64.b64encode(value).decode("ascii")
        return {"$file": self._put(json.dumps({"$bytes": text}))} if len(value) >= OWN_FILE else {"$bytes": text}

    def _put(self, text: str) -> str:
        name = hashlib.sha256(text.encode()).hexdigest()[:16]
        (self.folder / f"{name}.js").write_text(f'rpnviz.put("{name}",{text});\n', encoding="utf-8")
        return name
