"""Move the region proposal network of Faster R-CNN with your hands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rpnviz.explorers import explore as explore

__version__ = "0.1.0"
__all__ = ["__version__", "explore"]


def __getattr__(name: str) -> Any:
    """Load the explorers only when one is asked for: the compute modules need no widgets."""
    if name == "explore":
        from rpnviz.explorers import explore

        return explore
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
