"""What all explorers share: their page code, fallbacks for readers without a kernel, and errors that are seen.

An explorer is a thin Python class over plain ES modules in static/: core.js (page elements, the widget model), panel.js
(drawing), question.js and frame.js (what stands round the view), and a view of its own. It computes nothing: it hands
over what the compute modules say.

    class WindowExplorer(RpnvizWidget):
        _esm = join_esm("window.js")            # SHARED is joined in by itself
        row = t.Int(20, min=0, max=39).tag(sync=True)

        def figure(self) -> Figure: ...         # the still picture, from rpnviz.draw
        def describe(self) -> str: ...          # one sentence
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self

import anywidget
import ipywidgets  # type: ignore[import-untyped]
import traitlets as t
from matplotlib import colormaps
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from rpnviz import draw
from rpnviz.explorers.moves import Rule, rule_of
from rpnviz.explorers.page import STATIC as STATIC
from rpnviz.explorers.page import standalone_page, without_imports
from rpnviz.explorers.questions import Question, packed

SHARED = ("core.js", "panel.js", "question.js", "frame.js")
HEAT_STOPS = 17  # of draw's colour map; linear in between, the eye sees no difference
LOOK = {
    "palette": draw.PALETTE,
    "lines": draw.LINE_STYLES,
    "heat": [to_hex(colormaps["magma"](i / (HEAT_STOPS - 1))) for i in range(HEAT_STOPS)],
}


def join_esm(*views: str) -> str:
    """Join SHARED and the named files of static/ into one ES module without imports.

    A file imports from another by `import { … } from "./NAME.js";`; those lines go, and so do the `export ` prefixes of
    all but the last file, which ends in `export default { render };`. All top-level names share one scope.
    """
    parts = []
    for name in (*SHARED, *views):
        source = without_imports(name)
        parts.append(source if name == views[-1] else re.sub(r"^export ", "", source, flags=re.MULTILINE))
    return "\n".join(parts)


class RpnvizWidget(anywidget.AnyWidget):
    """Base of every explorer; a subclass gives `_esm`, `figure` and `describe`."""

    unmoved: ClassVar[tuple[str, ...]] = ()  # traits that a saved page leaves as they are: following them takes Python
    presented: ClassVar[str] = ""  # the trait that a presenter's "next" and "previous" move
    _failures = 0  # shown so far
    _remark = ""  # stands in the status line while no error does
    _css = (STATIC / "rpnviz.css").read_text(encoding="utf-8")
    look = t.Dict(LOOK, read_only=True).tag(sync=True)
    error = t.Unicode("", read_only=True, help="what went wrong in Python, shown in the status line").tag(sync=True)
    has_kernel = t.Bool(True, read_only=True, help="False in a saved page").tag(sync=True)
    questions: t.List[Any] = t.List(read_only=True, help="asked above the view, see `ask`").tag(sync=True)

    def figure(self) -> Figure:
        """Draw the explorer as it stands."""
        raise NotImplementedError

    def describe(self) -> str:
        """Say in a sentence what the explorer shows."""
        raise NotImplementedError

    def to_png(self) -> bytes:
        """Return `figure()` as a PNG file."""
        return draw.to_png(self.figure())

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Add a picture and a sentence for readers that run no widgets: GitHub, print, screen readers."""
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        fallback = {"image/png": base64.b64encode(self.to_png()).decode(), "text/plain": self.describe()}
        return {**data, **fallback}, metadata

    def to_html(self, path: str | Path | None = None) -> str:
        """Make one self-contained page of the explorer as it stands: it still moves, without kernel or network.

        Args:
            path: where to write the page; None writes nothing.

        Returns:
            The page.
        """
        page = standalone_page(self.describe(), str(self._css), str(self._esm), self.saved_state())
        if path is not None:
            Path(path).write_text(page, encoding="utf-8")
        return page

    def saved_state(self) -> dict[str, Any]:
        """What a page without a kernel opens with: the traits, what may be done to them, and a name for links."""
        traits = {name: getattr(self, name) for name in self.own_traits()}
        name = type(self).__module__.rpartition(".")[2]
        return {**traits, "has_kernel": False, "moves": self.moves(), "presented": self.presented, "name": name}

    def own_traits(self) -> list[str]:
        """Names of the synced traits that are this explorer's and not of the widget machinery."""
        machinery = ipywidgets.DOMWidget.class_trait_names()
        return [name for name in self.trait_names(sync=True) if name not in machinery and not name.startswith("_")]

    def limits(self) -> dict[str, Rule]:
        """Rules for traits that do not say themselves what a saved page may set them to; they come first in links."""
        return {}

    def moves(self) -> dict[str, Rule]:
        """Rules for everything that a reader of a saved page may set; see `rpnviz.explorers.moves`.

        Raises:
            TypeError: if a trait is neither in `limits` nor in `unmoved` and does not say itself what it takes.
        """
        rules = self.limits()
        for name in self.own_traits():
            if name not in rules and name not in self.unmoved and not self.traits()[name].read_only:
                rules[name] = rule_of(name, self.traits()[name])
        return rules

    def ask(self, *makers: Callable[[Self], Question]) -> None:
        """Put questions above the view, one after the other, in place of those that were there.

        Each answer puts the view back as it stands now, and then moves it.

        Args:
            *makers: what makes each question for this explorer as it stands, e.g. of `beliefs_labels`.

        Raises:
            ValueError: if an answer would move what a page without a kernel cannot, or this view has nothing to answer
                a question with, say no objects; names question and trait.
        """
        rules = self.moves()
        self.set_trait("questions", [packed(self._question(make), rules, self._as_set()) for make in makers])

    def _question(self, make: Callable[[Self], Question]) -> Question:
        try:
            return make(self)
        except (LookupError, RuntimeError, ValueError) as error:  # the least of nothing, the 301st of 300
            name = getattr(make, "__name__", "question")
            nothing = "this view has nothing that shows its answer, takes another picture or other settings"
            raise ValueError(f"{name}: {nothing} ({type(error).__name__}: {error})") from error

    def _as_set(self) -> dict[str, Any]:
        """What a reader may set, as it stands; a Dict is no setting but a message from the page."""
        own = {name: self.traits()[name] for name in self.own_traits()}
        settable = [name for name, trait in own.items() if not trait.read_only and not isinstance(trait, t.Dict)]
        return {name: getattr(self, name) for name in settable}

    @contextmanager
    def reporting(self, doing: str, **back: Any) -> Iterator[None]:
        """Show an exception in the view's status line and raise it still; nothing is swallowed.

        Args:
            doing: what failed, for the status line.
            **back: traits, and to what they go back if it failed, so that the view stays as it was.
        """
        self.set_trait("error", self._remark)
        try:
            yield
        except Exception as error:
            try:
                with self.hold_trait_notifications():  # together: two thresholds may not cross
                    for name, value in back.items():
                        self.set_trait(name, value)
            finally:  # and only now: who hears that a trait went back may begin a report of its own
                self._show_failure(doing, error)
            raise

    def _show_failure(self, doing: str, error: Exception) -> None:
        self._failures += 1
        self.set_trait("error", f"{doing}: {type(error).__name__}: {error}")

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what the page sets. Whatever goes wrong is shown there, and the page goes back to what stands here."""
        shown_before = self._failures
        try:
            super().set_state(sync_data)
        except Exception as error:
            if self._failures == shown_before:
                self._show_failure(f"could not set {', '.join(sync_data)}", error)
            self.send_state([name for name in sync_data if name in self.keys])
            raise

    def check_range(self, trait: str, value: int, low: int, high: int) -> int:
        """Return `value`, or raise a TraitError that names the trait and its range; for `@t.validate`."""
        if not low <= value <= high:
            raise t.TraitError(f"{trait}: got {value}, takes {low} to {high}")
        return value
