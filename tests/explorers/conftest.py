"""An untrained network: the explorers' own behaviour does not depend on what was learnt."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from rpnviz.backbone import WIDTHS, Backbone
from rpnviz.explorers.linked.explorer import LinkedExplorer
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.rpn import RPNHead
from tests.explorers.small_scene import make_picture


@pytest.fixture(scope="session")
def network() -> tuple[Callable[[Picture, Grid], Tensor], RPNHead]:
    torch.manual_seed(0)
    head = RPNHead().eval()
    torch.nn.init.normal_(head.cls_logits.weight, std=0.3)  # the paper's 0.01 gives all anchors nearly one score
    torch.nn.init.normal_(head.bbox_pred.weight, std=0.1)
    return Backbone(WIDTHS["mini"]).eval().features, head


@pytest.fixture
def explorer(network: tuple[Callable[[Picture, Grid], Tensor], RPNHead]) -> LinkedExplorer:
    return LinkedExplorer(make_picture(), *network)


@pytest.fixture(scope="session")
def untouched(network: tuple[Callable[[Picture, Grid], Tensor], RPNHead]) -> LinkedExplorer:
    """One explorer for all tests that change nothing in it."""
    return LinkedExplorer(make_picture(), *network)
