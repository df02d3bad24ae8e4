"""The conventions of eight projects, each setting with the place in the project's own files that says so.

Values were read there, or computed with these files; tests/inspect/conventions.json has what they give, and how it was
made. torchvision is asked itself by the tests. A place is a file and a word to search for in it: lines move.

Projects with a pyramid of maps are shown by their settings for one map of stride 16, where they have such:
detectron2's defaults, MMDetection's "C4". All are given the paper's three scales, so that a difference is one of rules;
only CTPN has shapes of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from rpnviz.inspect.conventions import Convention


@dataclass(frozen=True)
class Project:
    """Where a convention comes from.

    Attributes:
        title (str): its name, with what it is shown by.
        repository (str): owner and name at GitHub, or where the text is.
        version (str): a release, or the first letters of the commit whose files were read.
        sources (dict[str, str]): for each setting that differs from the paper's, a file and the word to search for.
    """

    title: str
    repository: str
    version: str
    sources: dict[str, str]


PAPER = Convention("paper")
_STDS = (10.0, 10.0, 5.0, 5.0)  # one over the standard deviations 0.1, 0.1, 0.2, 0.2

CONVENTIONS = {
    "paper": PAPER,
    "py-faster-rcnn": replace(
        PAPER,
        name="py-faster-rcnn",
        sides="16 px base rounded",
        extra_pixel=1,
        beta=1 / 9,
        n_cls="sampled",
        n_reg="sampled",
        pre_nms_top_n=(12000, 6000),
        min_size=16,
    ),
    "torchvision": replace(
        PAPER,
        name="torchvision",
        offset=0.0,
        drop_cross_boundary=False,
        clamp="above",
        beta=1 / 9,
        n_cls="sampled",
        n_reg="sampled",
        pre_nms_top_n=(2000, 1000),
        post_nms_top_n=(2000, 1000),
        min_size=1e-3,
        first="the best for NMS",
        scores_per_anchor=1,
    ),
    "detectron2": replace(
        PAPER,
        name="detectron2",
        offset=0.0,
        sides="not rounded",
        order="scale by scale",
        drop_cross_boundary=False,
        clamp="above",
        beta=0.0,
        n_reg=256,
        pre_nms_top_n=(12000, 6000),
        post_nms_top_n=(2000, 1000),
        first="the best for NMS",
        scores_per_anchor=1,
    ),
    "MMDetection": replace(
        PAPER,
        name="MMDetection",
        offset=0.0,
        sides="not rounded",
        drop_cross_boundary=False,
        least_best_iou=0.3,
        taker="the object it is best for",
        clamp="above and below",
        beta=0.0,
        n_cls="sampled",
        n_reg="sampled",
        pre_nms_top_n=(12000, 6000),
        post_nms_top_n=(2000, 1000),
        first="the best for NMS",
        scores_per_anchor=1,
    ),
    "Mask_RCNN": replace(
        PAPER,
        name="Mask_RCNN",
        offset=0.0,
        sides="not rounded",
        ratio="width / height",
        drop_cross_boundary=False,
        crowd="no negatives there",
        weights=_STDS,
        n_cls="sampled",
        n_reg="4 × positives",
        pre_nms_top_n=(6000, 6000),
        post_nms_top_n=(2000, 1000),
        first="the best for NMS",
    ),
    "simple-faster-rcnn": replace(
        PAPER,
        name="simple-faster-rcnn",
        sides="not rounded",
        beta=1 / 9,
        n_cls="sampled",
        n_reg="sampled",
        pre_nms_top_n=(12000, 6000),
        min_size=16,
    ),
    "CTPN": replace(
        PAPER,
        name="CTPN",
        shapes="10 heights, 16 px wide",
        batch_size_per_image=300,
        extra_pixel=1,
        vertical_only=True,
        beta=1 / 9,
        n_cls="sampled",
        n_reg="positives + 1",
        pre_nms_top_n=(12000, 12000),
        post_nms_top_n=(1000, 1000),
        min_size=8,
    ),
}

_FASTER, _RPN = "lib/fast_rcnn/config.py", "lib/rpn/"
_TV = "torchvision/models/detection/"
_D2, _D2_DEFAULTS = "detectron2/modeling/", "detectron2/config/defaults.py"
_MM, _MM_C4 = "mmdet/models/", "configs/_base_/models/faster-rcnn_r50-caffe-c4.py"
_MATTERPORT, _MATTERPORT_CONFIG = "mrcnn/model.py", "mrcnn/config.py"
_CREATOR = "model/utils/creator_tool.py"
_MSR = "utils/rpn_msr/"

PROJECTS = {
    "paper": Project("the paper", "arXiv 1506.01497", "v3", {}),
    "py-faster-rcnn": Project(
        "py-faster-rcnn",
        "rbgirshick/py-faster-rcnn",
        "54d2576",
        {
            "sides": f"{_RPN}generate_anchors.py: _ratio_enum",
            "extra_pixel": "lib/fast_rcnn/bbox_transform.py: bbox_transform_inv",
            "beta": "models/pascal_voc/VGG16/faster_rcnn_end2end/train.prototxt: sigma",
            "n_cls": "models/pascal_voc/VGG16/faster_rcnn_end2end/train.prototxt: SoftmaxWithLoss",
            "n_reg": f"{_RPN}anchor_target_layer.py: num_examples",
            "pre_nms_top_n": f"{_FASTER}: RPN_PRE_NMS_TOP_N",
            "min_size": f"{_FASTER}: RPN_MIN_SIZE",
        },
    ),
    "torchvision": Project(
        "torchvision",
        "pytorch/vision",
        "0.29",
        {
            "offset": f"{_TV}anchor_utils.py: shifts_x",
            "drop_cross_boundary": f"{_TV}rpn.py: assign_targets_to_anchors",
            "clamp": f"{_TV}_utils.py: bbox_xform_clip",
            "beta": f"{_TV}rpn.py: beta=1 / 9",
            "n_cls": f"{_TV}rpn.py: binary_cross_entropy_with_logits",
            "n_reg": f"{_TV}rpn.py: sampled_inds.numel()",
            "pre_nms_top_n": f"{_TV}faster_rcnn.py: rpn_pre_nms_top_n_train",
            "post_nms_top_n": f"{_TV}faster_rcnn.py: rpn_post_nms_top_n_test",
            "min_size": f"{_TV}rpn.py: self.min_size",
            "first": f"{_TV}rpn.py: _get_top_n_idx",
            "scores_per_anchor": f"{_TV}rpn.py: cls_logits",
        },
    ),
    "detectron2": Project(
        "detectron2, its default of one map",
        "facebookresearch/detectron2",
        "60d7a1f",
        {
            "offset": f"{_D2_DEFAULTS}: ANCHOR_GENERATOR.OFFSET",
            "sides": f"{_D2}anchor_generator.py: generate_cell_anchors",
            "order": f"{_D2}anchor_generator.py: for size in sizes",
            "drop_cross_boundary": f"{_D2_DEFAULTS}: RPN.BOUNDARY_THRESH",
            "clamp": f"{_D2}box_regression.py: _DEFAULT_SCALE_CLAMP",
            "beta": f"{_D2_DEFAULTS}: RPN.SMOOTH_L1_BETA",
            "n_reg": f"{_D2}proposal_generator/rpn.py: normalizer",
            "pre_nms_top_n": f"{_D2_DEFAULTS}: RPN.PRE_NMS_TOPK_TRAIN",
            "post_nms_top_n": f"{_D2_DEFAULTS}: RPN.POST_NMS_TOPK_TEST",
            "first": f"{_D2}proposal_generator/proposal_utils.py: topk_idx",
            "scores_per_anchor": f"{_D2}proposal_generator/rpn.py: objectness_logits",
        },
    ),
    "MMDetection": Project(
        "MMDetection, its configuration C4",
        "open-mmlab/mmdetection",
        "3.3.0",
        {
            "offset": f"{_MM}task_modules/prior_generators/anchor_generator.py: center_offset",
            "sides": f"{_MM}task_modules/prior_generators/anchor_generator.py: base_anchors",
            "drop_cross_boundary": f"{_MM_C4}: allowed_border",
            "least_best_iou": f"{_MM_C4}: min_pos_iou",
            "taker": f"{_MM}task_modules/assigners/max_iou_assigner.py: gt_max_assign_all",
            "clamp": f"{_MM}task_modules/coders/delta_xywh_bbox_coder.py: wh_ratio_clip",
            "beta": f"{_MM_C4}: L1Loss",
            "n_cls": f"{_MM}task_modules/samplers/sampling_result.py: avg_factor",
            "n_reg": f"{_MM}task_modules/samplers/sampling_result.py: avg_factor",
            "pre_nms_top_n": f"{_MM_C4}: nms_pre",
            "post_nms_top_n": f"{_MM_C4}: max_per_img",
            "first": f"{_MM}dense_heads/rpn_head.py: topk_inds",
            "scores_per_anchor": f"{_MM_C4}: use_sigmoid",
        },
    ),
    "Mask_RCNN": Project(
        "Mask_RCNN by matterport",
        "matterport/Mask_RCNN",
        "0038eff",
        {
            "offset": "mrcnn/utils.py: shifts_y",
            "sides": "mrcnn/utils.py: generate_anchors",
            "ratio": "mrcnn/utils.py: ratios of width/height",
            "drop_cross_boundary": f"{_MATTERPORT}: build_rpn_targets",
            "crowd": f"{_MATTERPORT}: no_crowd_bool",
            "weights": f"{_MATTERPORT_CONFIG}: RPN_BBOX_STD_DEV",
            "n_cls": f"{_MATTERPORT}: rpn_class_loss_graph",
            "n_reg": f"{_MATTERPORT}: rpn_bbox_loss_graph",
            "pre_nms_top_n": f"{_MATTERPORT_CONFIG}: PRE_NMS_LIMIT",
            "post_nms_top_n": f"{_MATTERPORT_CONFIG}: POST_NMS_ROIS_INFERENCE",
            "first": f"{_MATTERPORT}: pre_nms_limit",
        },
    ),
    "simple-faster-rcnn": Project(
        "simple-faster-rcnn-pytorch",
        "chenyuntc/simple-faster-rcnn-pytorch",
        "2fc727e",
        {
            "sides": "model/utils/bbox_tools.py: generate_anchor_base",
            "beta": "utils/config.py: rpn_sigma",
            "n_cls": "trainer.py: F.cross_entropy",
            "n_reg": "trainer.py: _fast_rcnn_loc_loss",
            "pre_nms_top_n": f"{_CREATOR}: n_train_pre_nms",
            "min_size": f"{_CREATOR}: min_size",
        },
    ),
    "CTPN": Project(
        "CTPN as in text-detection-ctpn",
        "eragonruan/text-detection-ctpn",
        "3310ca3",
        {
            "shapes": f"{_MSR}generate_anchors.py: heights",
            "batch_size_per_image": f"{_MSR}config.py: RPN_BATCHSIZE",
            "extra_pixel": "utils/bbox/bbox_transform.py: bbox_transform_inv",
            "vertical_only": "utils/bbox/bbox_transform.py: pred_ctr_x",
            "beta": "nets/model_train.py: sigma2",
            "n_cls": "nets/model_train.py: rpn_cross_entropy",
            "n_reg": "nets/model_train.py: fg_keep",
            "pre_nms_top_n": f"{_MSR}config.py: RPN_PRE_NMS_TOP_N",
            "post_nms_top_n": f"{_MSR}config.py: RPN_POST_NMS_TOP_N",
            "min_size": f"{_MSR}config.py: RPN_MIN_SIZE",
        },
    ),
}


def differing(convention: Convention) -> list[str]:
    """The settings in which a convention is not the paper's, in the order of the work."""
    names = (field.name for field in fields(Convention) if field.name != "name")
    return [name for name in names if getattr(convention, name) != getattr(PAPER, name)]
