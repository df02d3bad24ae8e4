"""What all explorers share: their page code, fallbacks without a kernel, and errors that are seen.

An explorer is a folder: explorer.py, a thin Python class over the plain ES module view.js; figure.py, its still
picture; questions.py, what is asked above it. The class computes nothing: it hands over what the compute modules say.

    class WindowExplorer(RpnvizWidget):
        view = "window/view.js"                 # with all that it imports, see bundle.py
        row = t.Int(20, min=0, max=39).tag(sync=True)

        def figure(self) -> Figure: ...         # the still picture, from figure.py
        def describe(self) -> str: ...          # one sentence
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self

import anywidget
import ipywidgets
import traitlets as t
from matplotlib import colormaps
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from rpnviz.explorers.common import bundle
from rpnviz.explorers.common.page_network import network_files
from rpnviz.explorers.common.questions import Question, packed
from rpnviz.explorers.common.recorded import Recorded
from rpnviz.explorers.common.rules import Rule, rule_of
from rpnviz.explorers.common.saved_page import standalone_page
from rpnviz.figures.palette import LINE_STYLES, PALETTE, SIGNS
from rpnviz.figures.primitives import to_png

SHEET = "common/rpnviz.css"
HEAT_STOPS = 17  # of draw's colour map; linear in between, the eye sees no difference
LOOK = {
    "palette": PALETTE,
    "lines": LINE_STYLES,
    "signs": SIGNS,
    "heat": [to_hex(colormaps["magma"](i / (HEAT_STOPS - 1))) for i in range(HEAT_STOPS)],
}


class RpnvizWidget(anywidget.AnyWidget):
    """Base of every explorer; a subclass gives `view`, `figure` and `describe`."""

    view: ClassVar[str] = ""  # the module whose `render` draws it, below explorers/
    sheets: ClassVar[tuple[str, ...]] = ()  # its style sheets beside SHEET, below explorers/
    asks: ClassVar[tuple[str, ...]] = ()  # traits that Python answers when they change, see `answer`
    needs_python: ClassVar[str] = ""  # what a page without a kernel cannot do, and who does it
    unmoved: ClassVar[tuple[str, ...]] = ()  # traits that a saved page leaves as they are: following them takes Python
    networks: ClassVar[tuple[str, ...]] = ()  # what a page without a kernel asks about a picture of the reader's own
    presented: ClassVar[str] = ""  # the trait that a presenter's "next" and "previous" move
    _failures = 0  # shown so far
    _remark = ""  # stands in the status line while no error does
    _refusal = ""  # what the page was last told of a value that it may not set
    look = t.Dict(LOOK, read_only=True).tag(sync=True)
    error = t.Unicode("", read_only=True, help="what went wrong in Python, shown in the status line").tag(sync=True)
    has_kernel = t.Bool(True, read_only=True, help="False in a saved page").tag(sync=True)
    answered = t.Dict(read_only=True, help="the traits of `asks` that what is shown belongs to").tag(sync=True)
    questions: t.List[Any] = t.List(read_only=True, help="asked above the view, see `ask`").tag(sync=True)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Join the page code of a new kind of explorer."""
        if "view" in vars(cls):  # a widget also makes a class of its own for its traits
            cls._esm = bundle.widget_module(cls.view)
            cls._css = "".join(map(bundle.style_sheet, (SHEET, *cls.sheets)))
        super().__init_subclass__(**kwargs)

    # ---- what the page asks of Python ----------------------------------------------------------------------------

    def answer(self) -> dict[str, Any]:
        """Work out what the traits of `asks`, as they stand, lead to; whoever keeps some of it does so last of all.

        Returns:
            Traits, most of them read-only, and their values; they reach the page in one message.
        """
        raise NotImplementedError

    def start_answering(self) -> None:
        """Answer the traits of `asks` as they stand, and again whenever one of them changes."""
        self._answer_asked()
        self.observe(self._answer_asked, names=list(self.asks))

    def _answer_asked(self, _: Any = None) -> None:
        asked = {name: getattr(self, name) for name in self.asks}
        if asked == self.answered:
            return  # several changed at once, and the first notice has seen to all; or back after a failure
        with self.reporting("could not change what is shown", **self.answered):
            found = self.answer()
            with self.hold_sync():  # no view ever sees half of it
                for name, value in {**found, "answered": asked}.items():
                    self.set_trait(name, value)

    def recorded(self) -> list[Recorded]:
        """What the site records of Python's answers: that which is asked of Python and has few answers."""
        return []

    def on_demand(self) -> dict[str, Any]:
        """What the site's view loads when it needs it: by name, JSON and bytes, nested at will.

        There `model.get(name)` is a function that promises the value; elsewhere it is undefined.
        """
        return {}

    # ---- for readers without a kernel ----------------------------------------------------------------------------

    def figure(self) -> Figure:
        """Draw the explorer as it stands."""
        raise NotImplementedError

    def describe(self) -> str:
        """Say in a sentence what the explorer shows."""
        raise NotImplementedError

    def to_png(self) -> bytes:
        """Return `figure()` as a PNG file."""
        return to_png(self.figure())

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Add a picture and a sentence for readers that run no widgets: GitHub, print, screen readers."""
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        fallback = {"image/png": base64.b64encode(self.to_png()).decode(), "text/plain": self.describe()}
        return {**data, **fallback}, metadata

    def to_html(self, path: str | Path | None = None, with_network: bool = False) -> str:
        """Make one self-contained page of the explorer as it stands: it still moves, without kernel or network access.

        Args:
            path: where to write the page; None writes nothing.
            with_network: put the bundled neural network into the page, some ten megabytes: then pictures of the
                reader's own can be opened there, too, in an explorer that has to ask it.

        Returns:
            The page.
        """
        network = network_files(self.networks) if with_network else {}
        page = standalone_page(self.describe(), self.view, str(self._css), self.saved_state(), network)
        if path is not None:
            Path(path).write_text(page, encoding="utf-8")
        return page

    def saved_state(self) -> dict[str, Any]:
        """What a page without a kernel opens with: the traits, what may be done to them, and a name for links."""
        traits = {name: getattr(self, name) for name in self.own_traits()}
        name = type(self).__module__.split(".")[-2]  # its folder
        own = {"moves": self.moves(), "presented": self.presented, "needs_python": self.needs_python, "name": name}
        return {**traits, "has_kernel": False, **own}

    def own_traits(self) -> list[str]:
        """Names of the synced traits that are this explorer's and not of the widget machinery."""
        machinery = ipywidgets.DOMWidget.class_trait_names()
        return [name for name in self.trait_names(sync=True) if name not in machinery and not name.startswith("_")]

    def rules(self) -> dict[str, Rule]:
        """Rules for traits that do not say themselves what they take; in links they come first."""
        return {}

    def moves(self) -> dict[str, Rule]:
        """Rules for everything that a reader of a saved page may set; see `common.rules`.

        Raises:
            TypeError: if a trait is neither in `rules` nor in `unmoved` and does not say itself what it takes.
        """
        rules = {name: rule for name, rule in self.rules().items() if name not in self.unmoved}
        for name in self.own_traits():
            if name not in rules and name not in self.unmoved and not self.traits()[name].read_only:
                rules[name] = rule_of(name, self.traits()[name])
        return rules

    def ask(self, *makers: Callable[[Self], Question]) -> None:
        """Put questions above the view, one after the other, in place of those that were there.

        Each answer puts the view back as it stands now, and then moves it.

        Args:
            *makers: what makes each question for this explorer as it stands, e.g. of `labels.questions`.

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
        """What a reader may set, as it stands; a Dict or Bytes is no setting but a message from the page."""
        own = {name: self.traits()[name] for name in self.own_traits()}
        settable = [
            name for name, trait in own.items() if not trait.read_only and not isinstance(trait, (t.Dict, t.Bytes))
        ]
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
                self._refusal = self.error
            self.send_state([name for name in sync_data if name in self.keys])
            raise
        if self._refusal and self.error == self._refusal:  # it stands until the page sets what it may
            self.set_trait("error", self._remark)
