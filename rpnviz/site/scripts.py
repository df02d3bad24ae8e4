"""The explorers' page code for the site, and its style sheets: one classic script, in it each module once."""

from __future__ import annotations

from pathlib import Path

from rpnviz.explorers import EXPLORERS, load
from rpnviz.explorers.common import bundle
from rpnviz.explorers.common.base import SHEET
from rpnviz.explorers.common.page_network import NETWORK_MODULE
from rpnviz.explorers.common.saved_page import SAVED, SAVED_SHEET

OWN = Path(__file__).parent / "static"


def write(folder: Path) -> None:
    """Write site.js (all modules and the loader), site.css, and the explorers' style sheets as they lie there."""
    kinds = [load(name) for name in EXPLORERS]
    views = sorted({kind.view for kind in kinds})
    loader = (OWN / "loader.js").read_text("utf-8")
    (folder / "site.js").write_text(f"{bundle.bundle(*views, SAVED, NETWORK_MODULE)}\n{loader}", encoding="utf-8")
    (folder / "site.css").write_text((OWN / "site.css").read_text("utf-8"), encoding="utf-8")
    for sheet in {SHEET, SAVED_SHEET, *(sheet for kind in kinds for sheet in kind.sheets)}:
        (folder / sheet).parent.mkdir(exist_ok=True)
        (folder / sheet).write_text(bundle.style_sheet(sheet), encoding="utf-8")
