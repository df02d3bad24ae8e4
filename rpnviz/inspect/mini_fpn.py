"""A detector with a pyramid that needs no download: torchvision's Faster R-CNN and FPN on our own small backbone.

Shapes: 64 channels on each of five levels, strides 4, 8, 16, 32 and 64.
"""

from __future__ import annotations

from pathlib import Path

from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.ops import MultiScaleRoIAlign
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

from rpnviz._files.data import data_folder
from rpnviz._files.weights import read_matching_weights
from rpnviz.backbone import Backbone
from rpnviz.detection import BINS, CLASSES

SOURCES = {"15": "0", "22": "1", "29": "2"}  # layers of "mini": conv3_3, conv4_3 and conv5_3, each after its ReLU
CHANNELS = 64  # of each level
HIDDEN = 192  # of the second head
SCALES = (32, 64, 128, 256, 512)  # px of the network's input, one a level
FROZEN = "backbone.body."  # "mini" itself, whose weights lie in a file of their own


def build_mini_fpn() -> FasterRCNN:
    """Build the detector on "mini", whose weights stay as they are; all above it starts untrained.

    Source: Lin et al. 2017 (arXiv 1612.03144), section 3 and 4.1.
    Differs: two maps are made from the last one by convolutions, as RetinaNet does, where torchvision's Faster R-CNN
        pools it once: "mini" ends at stride 16, and large objects need a coarser one. 64 channels instead of 256.
    """
    body = Backbone.load("mini").requires_grad_(False)
    widths = [body.layers.get_submodule(str(int(layer) - 1)).out_channels for layer in SOURCES]
    backbone = BackboneWithFPN(body.layers, SOURCES, widths, CHANNELS, LastLevelP6P7(CHANNELS, CHANNELS))
    return FasterRCNN(
        backbone,
        min_size=600,
        max_size=1000,
        size_divisible=64,  # so that each halving of the padded picture comes out even
        rpn_anchor_generator=AnchorGenerator(tuple((s,) for s in SCALES), ((0.5, 1.0, 2.0),) * len(SCALES)),
        box_roi_pool=MultiScaleRoIAlign(["0", "1", "2", "p6"], output_size=BINS, sampling_ratio=2),
        box_head=TwoMLPHead(CHANNELS * BINS * BINS, HIDDEN),
        box_predictor=FastRCNNPredictor(HIDDEN, len(CLASSES)),
    )


def load_mini_fpn(weights: str | Path | None = None) -> FasterRCNN:
    """Load the detector as it was trained on our streets, ready for use.

    Args:
        weights: a file to read instead of the bundled one.

    Raises:
        ValueError: if the file holds no weights of this detector.
    """
    path = data_folder() / "weights" / "mini_fpn.safetensors" if weights is None else Path(weights)
    model = build_mini_fpn()
    wanted = {key: one for key, one in model.state_dict().items() if not key.startswith(FROZEN)}
    state = read_matching_weights(path, wanted, "mini_fpn")
    model.load_state_dict({key: one.float() for key, one in state.items()}, strict=False)
    return model.eval()
