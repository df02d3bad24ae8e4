"""Give every page a Content-Security-Policy: this site's own files, the inline code that is in the page, no more."""

from __future__ import annotations

import base64
import hashlib
from html.parser import HTMLParser
from pathlib import Path

# Not every browser takes 'self' for the files beside a page that was opened from file://; there the scheme is named.
OWN = "'self' file:"
AFTER = '<meta charset="utf-8">'


class _Inline(HTMLParser):
    """Collects inline scripts, style sheets and style attributes."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.attributes: list[str] = []
        self._open: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if named.get("style"):
            self.attributes.append(named["style"] or "")
        if tag == "style" or (tag == "script" and "src" not in named):
            self._open = self.styles if tag == "style" else self.scripts

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self._open.append(data)
            self._open = None


def policy(page: str) -> str:
    """Return the policy for a page: what is inline stands in it by its hash."""
    found = _Inline()
    found.feed(page)
    styles = _hashes(found.styles + found.attributes) + (" 'unsafe-hashes'" if found.attributes else "")
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {OWN} 'wasm-unsafe-eval'{_hashes(found.scripts)}",  # the kernel of the network in the page
            "worker-src blob:",  # made of the page's own scripts: it reads pictures and runs that network
            f"style-src {OWN}{styles}",
            f"img-src {OWN} data: blob:",
            "base-uri 'none'",
            f"form-action {OWN}",
        ]
    )


def _hashes(texts: list[str]) -> str:
    digests = [hashlib.sha256(text.encode()).digest() for text in dict.fromkeys(texts)]
    return "".join(f" 'sha256-{base64.b64encode(digest).decode('ascii')}'" for digest in digests)


def guard(folder: Path) -> None:
    """Write the policy into the head of every page of a built site.

    Raises:
        ValueError: if a page has no place for it.
    """
    for path in folder.rglob("*.html"):
        page = path.read_text("utf-8")
        if page.count(AFTER) != 1:
            raise ValueError(f"{path.name}: no {AFTER}")
        meta = f'{AFTER}\n    <meta http-equiv="Content-Security-Policy" content="{policy(page)}">'
        path.write_text(page.replace(AFTER, meta), encoding="utf-8")
