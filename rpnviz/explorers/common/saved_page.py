"""One self-contained page of an explorer: the very same view over a stand-in for the widget's model."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from typing import Any

from rpnviz.explorers.common import bundle
from rpnviz.explorers.common.page_network import NETWORK_MODULE

SAVED, SAVED_SHEET = "saved/open.js", "saved/saved.css"
OPEN = """{{
const {{ openSaved, revive }} = rpnviz.take("{saved}");
const read = (id) => JSON.parse(document.getElementById(id).textContent, revive);
const {{ render }} = rpnviz.take("{view}");
openSaved({{ el: document.getElementById("rpnviz-view"), state: read("rpnviz-state"), render{network} }});
}}"""

PAGE_CSS = """html { color-scheme: light dark }
body { max-width: 1640px; margin: 12px auto; padding: 0 12px }
@page { size: landscape; margin: 10mm }
@media print { html { color-scheme: light } body { margin: 0; padding: 0 } }"""

TAKE_NETWORK = f', network: {{ ...rpnviz.take("{NETWORK_MODULE}"), files: async () => read("rpnviz-network") }}'
NETWORK = '<script type="application/json" id="rpnviz-network">{}</script>\n'

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width">
<title>rpnviz: {title}</title>
<style>{css}</style>
</head>
<body>
<main>
<h1 class="rpnviz-live">{title}</h1>
<div id="rpnviz-view"></div>
</main>
<noscript>{title}</noscript>
<script type="application/json" id="rpnviz-state">{state}</script>
{network}<script type="module">{script}</script>
</body>
</html>
"""


def standalone_page(
    title: str, view: str, css: str, state: dict[str, Any], network: dict[str, bytes] | None = None
) -> str:
    """Return the page.

    Args:
        title: a sentence on what it shows.
        view: the module whose function `render({model, el})` draws it, e.g. "linked/view.js".
        css: the style sheet.
        state: what the model holds; JSON and bytes, nested at will; as `RpnvizWidget.saved_state` gives it.

        network: files of the neural network that the page can ask; none if left out.

    Nothing is loaded from anywhere, and the policy in the page's head forbids it: only the one script and the one style
    sheet whose hashes it names may run, and pictures come out of the page itself.
    """
    modules = [view, SAVED, *([NETWORK_MODULE] if network else [])]
    opening = OPEN.format(saved=SAVED, view=view, network=TAKE_NETWORK if network else "")
    script = f"\n{bundle.bundle(*modules)}\n{opening}"
    style = f"{PAGE_CSS}\n{css}\n{bundle.read(SAVED_SHEET)}"
    runs = " 'wasm-unsafe-eval'" if network else ""
    policy = f"default-src 'none'; script-src {_hash(script)}{runs}; style-src {_hash(style)}; img-src data: blob:"
    policy += "; worker-src blob:"  # the page's own modules, which read a picture beside it
    filled = {"state": _json(state), "network": NETWORK.format(_json(network)) if network else ""}
    return PAGE.format(policy=policy, title=html.escape(title), css=style, script=script, **filled)


def _json(value: Any) -> str:
    data = json.dumps(value, default=_binary, separators=(",", ":"))
    # In JSON "<" occurs inside strings only, and there it may be spelt like this: no text can close the script element.
    return data.replace("<", "\\u003c")


def _binary(value: Any) -> dict[str, str]:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"$bytes": base64.b64encode(value).decode("ascii")}
    raise TypeError(f"state: {type(value).__name__} is neither JSON nor bytes")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"
