"""JupyterLab on the learner's folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rpnviz.start.folder import FIRST, Fate


def tell(folder: Path, fates: Sequence[Fate]) -> str:
    """Say what became of the notebooks: one line for the folder, one for each that has a newer version beside it."""
    counts = {what: sum(fate.what == what for fate in fates) for what in ("new", "updated", "same", "yours")}
    named = {"new": "new", "updated": "updated", "same": "as they were", "yours": "changed by you and left as they are"}
    parts = [f"{count} {named[what]}" for what, count in counts.items() if count]
    lines = [f"{folder}: {', '.join(parts)}"] if parts else [f"{folder}:"]
    for fate in fates:
        if fate.what == "beside":
            changed, count = fate.cells
            lines.append(
                f"{fate.name} was changed by you and stays. This version's is beside it: {fate.beside} "
                f"({changed} of its {count} cells are not in yours)."
            )
    return "\n".join(lines)


def open_lab(folder: Path, arguments: Sequence[str]) -> None:
    """Run JupyterLab on the first notebook of a folder, until it is stopped.

    Args:
        folder: what JupyterLab shows.
        arguments: more for JupyterLab, such as "--no-browser".
    """
    from jupyterlab.labapp import LabApp

    LabApp.launch_instance([str(folder.resolve() / FIRST), *arguments])
