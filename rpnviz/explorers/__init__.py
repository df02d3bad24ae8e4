"""The widgets, a folder each. Nothing else in the package imports them.

    from rpnviz.explorers import LabelsExplorer, explore

Each is loaded when it is asked for. A new explorer is a folder and a line in EXPLORERS: tests, site, benchmarks and the
teaching guide go through that table.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rpnviz.explorers.common.base import RpnvizWidget
    from rpnviz.explorers.linked.explore import explore as explore

EXPLORERS = {  # folder → class, in the order of the series
    "linked": "LinkedExplorer",
    "overview": "OverviewExplorer",
    "layers": "LayersExplorer",
    "poolings": "PoolingsExplorer",
    "channels": "ChannelsExplorer",
    "window": "WindowExplorer",
    "convolution": "ConvolutionExplorer",
    "anchors": "AnchorsExplorer",
    "iou": "IouExplorer",
    "labels": "LabelsExplorer",
    "minibatch": "MinibatchExplorer",
    "loss": "LossExplorer",
    "live": "LiveExplorer",
    "replay": "ReplayExplorer",
    "nms": "NmsExplorer",
    "funnel": "FunnelExplorer",
    "roi": "RoIExplorer",
    "detections": "DetectionsExplorer",
    "pyramid": "PyramidExplorer",
    "conventions": "ConventionsExplorer",
    "fit": "FitExplorer",
    "precomputed": "PrecomputedExplorer",
}
__all__ = ["EXPLORERS", "explore", "load", *EXPLORERS.values()]


def load(name: str) -> type[RpnvizWidget]:
    """Return the class of an explorer.

    Args:
        name: its folder, of EXPLORERS.
    """
    found: type[RpnvizWidget] = getattr(import_module(f"{__name__}.{name}.explorer"), EXPLORERS[name])
    return found


def __getattr__(name: str) -> Any:
    """Load a class, or `explore`, when it is asked for."""
    if name == "explore":
        return import_module(f"{__name__}.linked.explore").explore
    for folder, kind in EXPLORERS.items():
        if kind == name:
            return load(folder)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
