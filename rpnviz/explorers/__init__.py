"""The widgets: thin Python classes over the ES modules in static/. Nothing else in the package imports them."""

from rpnviz.explorers.linked import LinkedExplorer, explore

__all__ = ["LinkedExplorer", "explore"]
