"""A minibatch of a picture's anchors, drawn by settings that can be moved."""

from __future__ import annotations

import torch
import traitlets as t
from torch import Tensor

from rpnviz.explorers.common.finite import Finite
from rpnviz.explorers.common.labelled import HasLabels
from rpnviz.targets import sample_minibatch

SAMPLING = ("seed", "batch_size_per_image", "positive_fraction")
MAX_SEED = 99


class HasMinibatch(HasLabels):
    """What `sample_minibatch` draws as the traits stand."""

    seed = t.Int(0, min=0, max=MAX_SEED, help="of the draw").tag(sync=True)
    batch_size_per_image = t.Int(256, min=1, max=512, help="how many are drawn in all").tag(sync=True)
    positive_fraction = Finite(0.5, min=0, max=1, help="at most this share is positive").tag(sync=True)

    @property
    def sampled(self) -> tuple[Tensor, Tensor]:
        """What `sample_minibatch` draws with these settings: positives and negatives."""
        generator = torch.Generator().manual_seed(self.seed)
        return sample_minibatch(self.found.labels, self.batch_size_per_image, self.positive_fraction, generator)

    @property
    def sampled_pos_inds(self) -> Tensor:
        """int64: rows of the positive anchors drawn, ascending."""
        return self.sampled[0]

    @property
    def sampled_neg_inds(self) -> Tensor:
        """int64: rows of the negative anchors drawn, ascending."""
        return self.sampled[1]
