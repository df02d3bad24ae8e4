"""What all explorers share: their page code, fallbacks for readers without a kernel, and errors that are seen.

An explorer is a thin Python class over plain ES modules in static/: core.js (page elements, the widget model), panel.js
(drawing) and a view of its own. It computes nothing: it hands over what the compute modules say.

    class WindowExplorer(RpnvizWidget):
        _esm = join_esm("window.js")            # core.js and panel.js are joined in by themselves
        row = t.Int(20, min=0, max=39).tag(sync=True)

        def figure(self) -> Figure: ...         # the still picture, from rpnviz.draw
        def describe(self) -> str: ...          # one sentence
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets  # type: ignore[import-untyped]
import traitlets as t
from matplotlib import colormaps
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from rpnviz import draw
from rpnviz.explorers.page import standalone_page

STATIC = Path(__file__).parent / "static"
SHARED = ("core.js", "panel.js")
HEAT_STOPS = 17  # of draw's colour map; linear in between, the eye sees no difference
LOOK = {
    "palette": draw.PALETTE,
    "lines": draw.LINE_STYLES,
    "heat": [to_hex(colormaps["magma"](i / (HEAT_STOPS - 1))) for i in range(HEAT_STOPS)],
}


def join_esm(*views: str) -> str:
    """Join core.js, panel.js and the named files of static/ into one ES module without imports.

    A file imports from another by `import { … } from "./NAME.js";`; those lines go, and so do the `export ` prefixes of
    all but the last file, which ends in `export default { render };`. All top-level names share one scope.
    """
    parts = []
    for name in (*SHARED, *views):
        source = without_imports((STATIC / name).read_text(encoding="utf-8"))
        parts.append(source if name == views[-1] else re.sub(r"^export ", "", source, flags=re.MULTILINE))
    return "\n".join(parts)


def without_imports(source: str) -> str:
    """Take the import lines out of a file of static/."""
    return re.sub(r'^import \{[^}]*\} from "\./[\w-]+\.js";\n', "", source, flags=re.MULTILINE)


class RpnvizWidget(anywidget.AnyWidget):
    """Base of every explorer; a subclass gives `_esm`, `figure` and `describe`."""

    _css = (STATIC / "rpnviz.css").read_text(encoding="utf-8")
    look = t.Dict(LOOK, read_only=True).tag(sync=True)
    error = t.Unicode("", read_only=True, help="what went wrong in Python, shown in the status line").tag(sync=True)
    has_kernel = t.Bool(True, read_only=True, help="False in a saved page").tag(sync=True)

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
        """What a page without a kernel is given."""
        return {**{name: getattr(self, name) for name in self.own_traits()}, "has_kernel": False}

    def own_traits(self) -> list[str]:
        """Names of the synced traits that are this explorer's and not of the widget machinery."""
        machinery = ipywidgets.DOMWidget.class_trait_names()
        return [name for name in self.trait_names(sync=True) if name not in machinery and not name.startswith("_")]

    @contextmanager
    def reporting(self, doing: str) -> Iterator[None]:
        """Show an exception in the view's status line and raise it still; nothing is swallowed."""
        self.set_trait("error", "")
        try:
            yield
        except Exception as error:
            self.set_trait("error", f"{doing}: {type(error).__name__}: {error}")
            raise

    def check_range(self, trait: str, value: int, low: int, high: int) -> int:
        """Return `value`, or raise a TraitError that names the trait and its range; for `@t.validate`."""
        if not low <= value <= high:
            raise t.TraitError(f"{trait}: got {value}, takes {low} to {high}")
        return value
