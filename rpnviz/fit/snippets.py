"""Anchors as other detectors' settings, ready to paste.

Source: torchvision, models/detection/anchor_utils.py (AnchorGenerator: sizes and aspect_ratios of each map; ratio is
h/w); detectron2, config/defaults.py (MODEL.ANCHOR_GENERATOR.SIZES, ASPECT_RATIOS: h/w); MMDetection, models/
task_modules/prior_generators/anchor_generator.py (scales × stride is √area, ratios: h/w; base_anchors are xyxy).
"""

from __future__ import annotations

from collections.abc import Sequence

from rpnviz.fit.anchor_sets import AnchorSet


def product_snippets(
    now: AnchorSet, anchors: AnchorSet, scales: Sequence[float], aspect_ratios: Sequence[float]
) -> dict[str, str]:
    """Settings for scales × ratios, each scale on its map.

    Args:
        now: the detector as it is.
        anchors: made of it by `AnchorSet.with_shapes`.
        scales: all of them, √area in px.
        aspect_ratios: the same for all maps.
    """
    homes = [[] for _ in anchors.lattices]  # type: list[list[float]]
    for scale in scales:
        (home,) = (i for i, one in enumerate(now.with_shapes("", [(scale, scale)]).lattices) if len(one.cells))
        homes[home].append(scale)
    used = [(one.stride, own) for one, own in zip(anchors.lattices, homes, strict=True) if own]
    sizes = ", ".join(_tuple(own) for _, own in used)
    per_map = ", ".join("[" + ", ".join(f"{scale:g}" for scale in own) + "]" for _, own in used)
    ratios = ", ".join(f"{ratio:g}" for ratio in aspect_ratios)
    note = f"# on the maps of stride {', '.join(f'{stride:g}' for stride, _ in used)} alone\n"
    note = note if len(used) < len(anchors.lattices) else ""
    tv_ratios = f"({_tuple(aspect_ratios)},) * {len(used)}"
    return {
        "torchvision": f"{note}AnchorGenerator(sizes=({sizes},), aspect_ratios={tv_ratios})",
        "detectron2": f"{note}cfg.MODEL.ANCHOR_GENERATOR.SIZES = [{per_map}]\n"
        f"cfg.MODEL.ANCHOR_GENERATOR.ASPECT_RATIOS = [[{ratios}]]",
        "MMDetection": note + _mmdetection(anchors, used, ratios),
    }


def _mmdetection(anchors: AnchorSet, used: list[tuple[float, list[float]]], ratios: str) -> str:
    """Its scales are factors that hold for all maps; what they cannot say becomes a list of boxes."""
    strides = ", ".join(f"{stride:g}" for stride, _ in used)
    if len(used) == 1:
        ((stride, own),) = used
        sizes = f"scales=[{', '.join(f'{scale / stride:g}' for scale in own)}]"
    elif all(len(own) == 1 for _, own in used):
        sizes = f"base_sizes=[{', '.join(f'{own[0]:g}' for _, own in used)}], scales=[1]"
    else:
        return list_snippets(anchors)["MMDetection"].partition("\n")[2]
    return f"anchor_generator=dict(type='AnchorGenerator', strides=[{strides}], ratios=[{ratios}], {sizes})"


def list_snippets(anchors: AnchorSet) -> dict[str, str]:
    """Settings for shapes that are no product: the list of them, xyxy round the origin, for each map that has some."""
    maps = [(one.stride, one.cells.tolist()) for one in anchors.lattices if len(one.cells)]
    rows = ",\n".join(
        "    torch.tensor([" + ", ".join(str([round(edge, 1) for edge in cell]) for cell in cells) + "])"
        for _, cells in maps
    )
    note = f"# maps of stride {', '.join(f'{stride:g}' for stride, _ in maps)}\n"
    listed = f"[\n{rows},\n]"
    return {
        "torchvision": f"{note}generator.cell_anchors = {listed}",
        "detectron2": f"{note}generator.cell_anchors = BufferList({listed})",
        "MMDetection": f"{note}generator.base_anchors = {listed}",
    }


def _tuple(values: Sequence[float]) -> str:
    return "(" + "".join(f"{value:g}, " for value in values).rstrip(" ") + ")"
