"""The files of the built site: links, policies, what is shared."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from rpnviz.site.licences import BUNDLED
from rpnviz.site.policy import policy


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.images_without_text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.ids.add(named.get("id") or "")
        link = named.get("href") or named.get("src")
        if link and not (tag == "use" or link == "#"):
            self.links.append(link)
        if tag == "img" and not named.get("alt"):
            self.images_without_text.append(str(named.get("src")))


def read(site: Path) -> dict[Path, _Page]:
    return {path.resolve(): _Page(path.read_text("utf-8")) for path in site.rglob("*.html")}


def test_every_internal_link_leads_somewhere(site: Path) -> None:
    pages = read(site)
    followed = 0
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme in ("https", "data"):
                continue
            assert not parts.scheme and not parts.netloc, f"{path.name}: {link}"
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.is_file(), f"{path.name}: {link}"
            if parts.fragment:
                assert unquote(parts.fragment) in pages[target].ids, f"{path.name}: {link}"
            followed += 1
    assert followed > 500


def test_licences_of_what_is_not_ours_lie_there(site: Path) -> None:
    _, *parts = re.split(r"^={80}$\n", (site / "licences.txt").read_text("utf-8"), flags=re.MULTILINE)
    texts = dict(zip([name.split()[0] for name in parts[::2]], parts[1::2], strict=True))
    assert list(texts) == list(BUNDLED)
    assert all("copyright" in text.lower() and len(text) > 900 for text in texts.values())
    assert "gumshoe" in texts["furo"], "what a package holds of others"
    assert "licences.txt" in _Page((site / "index.html").read_text("utf-8")).links


def test_all_data_that_pages_and_data_name_are_there(site: Path) -> None:
    data = site / "_static" / "data"
    named: set[str] = set()
    for path in site.glob("*.html"):
        named |= set(re.findall(r'data-state="(\w+)"', path.read_text("utf-8")))
    assert named
    seen: set[str] = set()
    while named - seen:
        name = (named - seen).pop()
        seen.add(name)
        text = (data / f"{name}.js").read_text("utf-8")
        assert text.startswith(f'rpnviz.put("{name}",')
        named |= set(re.findall(r'"\$(?:file|later)":"(\w+)"', text))
        for files in re.findall(r'"files":\{([^}]*)\}', text):
            named |= set(re.findall(r':"(\w+)"', files))
    assert len(seen) > 100


def test_no_page_asks_another_host_or_lets_anything_inline_run(site: Path) -> None:
    for path in site.rglob("*.html"):
        text = path.read_text("utf-8")
        (said,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', text)
        assert said == policy(text)
        assert "'unsafe-eval'" not in said and "unsafe-inline" not in said and "http" not in said
        assert text.index("Content-Security-Policy") < text.index("<script")
        assert not re.findall(r'<(?:script|link|img|iframe)[^>]* (?:src|href)="(?:https?:)?//[^"]*"', text), path.name


def test_every_image_has_a_text(site: Path) -> None:
    for path, page in read(site).items():
        assert page.images_without_text == [], path.name


def test_page_code_is_there_once(site: Path) -> None:
    marker = 'rpnviz.define("linked/view.js"'
    assert [path.name for path in site.rglob("*.js") if marker in path.read_text("utf-8")] == ["site.js"]
    assert not [path.name for path in site.rglob("*.html") if marker in path.read_text("utf-8")]


def test_a_page_speaks_of_no_run_all(site: Path) -> None:
    assert not [path.name for path in site.glob("*.html") if "Run all cells" in path.read_text("utf-8")]
