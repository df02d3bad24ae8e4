"""The bundled network for a page without a kernel, which asks it about pictures of the reader's own (network.js)."""

from __future__ import annotations

from collections.abc import Iterable

from rpnviz._files.data import data_folder

NETWORK_MODULE = "common/network.js"  # in the script of a page that has the network; no other module imports it
BACKBONE_AND_RPN: tuple[str, ...] = ("backbone", "rpnHead")
AND_ROI_HEAD: tuple[str, ...] = (*BACKBONE_AND_RPN, "roiHead")
_FILES = {"backbone": "backbone_mini", "rpnHead": "rpn_head_mini", "roiHead": "roi_head_mini"}


def network_files(names: Iterable[str]) -> dict[str, bytes]:
    """The safetensors files of parts of the network, as the page calls them; 2 to 5 megabytes each."""
    return {name: (data_folder() / "weights" / f"{_FILES[name]}.safetensors").read_bytes() for name in names}
