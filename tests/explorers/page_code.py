"""A module of the page, run in an empty page without any explorer."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Protocol

from rpnviz.explorers.common import bundle
from rpnviz.explorers.common.saved_page import SAVED, standalone_page

RUN = """async ([code, given]) => {
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  return JSON.stringify(await (await import(url)).ask(given));
}"""


class Evaluating(Protocol):
    """A page of Playwright's, or of tools/browser/page.py."""

    def evaluate(self, function: str, given: Any = None, /) -> Any: ...

    def close(self) -> None: ...


class Opening(Protocol):
    """A browser: Playwright's, or one of tools/browser/engines.py."""

    def new_page(self) -> Evaluating: ...


def exports(name: str) -> list[str]:
    """What a module exports."""
    form = r"^export (?:async )?(?:const|let|class|function\*?) (\w+)"
    return re.findall(form, bundle.read(name), re.MULTILINE)


def importable(*names: str) -> str:
    """Modules and what they import as text for one `import`, with all that they export in reach of what is appended."""
    taken = (f'const {{ {", ".join(exports(name))} }} = rpnviz.take("{name}");' for name in names)
    return "\n".join([bundle.bundle(*names, SAVED), *taken, ""])


def ask_page(browser: Opening, name: str | Sequence[str], ask: str, given: Any) -> Any:
    """Return what `ask`, a module text that exports a function of this name, says of `given`; both are JSON.

    Takes the fixture `browser`, which is Chromium, or `engine`, which is each of the three in turn.
    """
    names = [name] if isinstance(name, str) else name
    page = browser.new_page()
    try:
        return json.loads(page.evaluate(RUN, [importable(*names) + ask, given]))
    finally:
        page.close()


def as_state(value: dict[str, Any]) -> str:
    """Write traits as a saved page holds them; `revive` of saved/open.js reads them back."""
    page = standalone_page("", "nms/view.js", "", value)
    return page.split('id="rpnviz-state">')[1].split("</script>")[0]
