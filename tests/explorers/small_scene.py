"""A small picture for the explorers' tests, a hostile name, and what opening a widget costs."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import torch
from ipywidgets.widgets.widget import _remove_buffers
from torchvision.models.detection import FasterRCNN

from rpnviz.inspect.mini_fpn import build_mini_fpn
from rpnviz.pictures import Picture

HOSTILE = "</script><img src=x onerror=alert(1)>"


def make_picture(name: str = "mine", names: tuple[str, ...] = ("car", "dog", "dog")) -> Picture:
    """600×1000, noise in smooth blobs, three objects: one that an anchor fits well, a tiny one, one at the border."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 255, (6, 10, 3), dtype=np.uint8)
    image = coarse.repeat(100, axis=0).repeat(100, axis=1)
    gt_boxes = torch.tensor([[300.0, 200, 560, 460], [800, 100, 830, 130], [0, 400, 120, 600]])
    return Picture(image, gt_boxes, list(names), name)


def drawn_pyramid() -> FasterRCNN:
    """Our detector with a pyramid, with weights that say something else at every place; its input is 300×500."""
    torch.manual_seed(0)
    model = build_mini_fpn().eval()
    for layer in (model.rpn.head.cls_logits, model.rpn.head.bbox_pred):
        torch.nn.init.normal_(layer.weight, std=0.1)
    model.transform.min_size, model.transform.max_size = (300,), 500
    return model


def payload(widget: Any) -> int:
    """Bytes that go to the page when the widget opens: JSON and buffers."""
    state, _, buffers = _remove_buffers(widget.get_state())
    return len(json.dumps(state).encode()) + sum(len(buffer) for buffer in buffers)
