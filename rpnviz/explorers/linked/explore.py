"""Open the linked explorer on a picture."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from rpnviz.backbone import Backbone
from rpnviz.explorers.common.own_picture import GRIDS
from rpnviz.explorers.common.taken import AnyPicture, take_picture
from rpnviz.explorers.linked.explorer import LinkedExplorer
from rpnviz.feature_cache import cached_features
from rpnviz.rpn import RPNHead


def explore(
    picture: AnyPicture = "street-03",
    backbone: str = "mini",
    grid: str = "paper",
    weights: str | Path | None = None,
) -> LinkedExplorer:
    """Open the linked explorer, ready to move: one anchor and the objects, the rest folded away.

    Args:
        picture: name of a bundled picture, a `Picture`, or an array, which is fitted into 600×1000.
        backbone: "mini" (bundled), or "vgg16" (torchvision's weights, downloaded once; a picture takes some seconds the
            first time, see `cache`).
        grid: "paper" (40×60), "floor" (37×62) or "ceil" (38×63).
        weights: a file with the backbone's weights, instead of the bundled or downloaded ones; see `Backbone.load`.

    Returns:
        LinkedExplorer: shown by a notebook if it is the last line of a cell.

    Raises:
        ValueError: if a name is unknown; names those there are. If the picture cannot be shown, or `weights` does not
            hold this backbone.
        ConnectionError: if the weights have to be downloaded and cannot be.
    """
    if grid not in GRIDS:
        raise ValueError(f"grid: got {grid!r}, takes one of {', '.join(GRIDS)}")
    taken = take_picture(picture)
    head = RPNHead.load(backbone)  # first: no backbone is downloaded that has no head
    network = Backbone.load(backbone, weights)
    # "mini" takes less time than to find the file
    features_of = network.features if backbone == "mini" else partial(cached_features, network)
    explorer = LinkedExplorer(taken, features_of, head, grid, network.features).hush()
    if explorer.objects:  # four of its steps are about them
        explorer.prepare_tour()
    return explorer
