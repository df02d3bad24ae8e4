"""Solutions as a beginner writes them: plain loops, no use of the operations that they are compared with."""

from __future__ import annotations

SOLUTIONS = {
    "my_receptive_field": """
def my_receptive_field(steps):
    side, jump = 1, 1
    for kernel, stride in steps:
        side += (kernel - 1) * jump
        jump *= stride
    return side
""",
    "my_sliding_window": """
import torch

def my_sliding_window(features, weight, bias):
    channels, h, w = features.shape
    out = torch.zeros(len(weight), h, w)
    for k in range(len(weight)):
        for row in range(h):
            for col in range(w):
                total = bias[k].item()
                for i in range(3):
                    for j in range(3):
                        y, x = row + i - 1, col + j - 1
                        if 0 <= y < h and 0 <= x < w:
                            total += (features[:, y, x] * weight[k, :, i, j]).sum().item()
                out[k, row, col] = total
    return out
""",
    "my_cell_anchors": """
import math
import torch

def my_cell_anchors(scales, aspect_ratios):
    boxes = []
    for ratio in aspect_ratios:
        for scale in scales:
            height, width = scale * math.sqrt(ratio), scale / math.sqrt(ratio)
            boxes.append([-width / 2, -height / 2, width / 2, height / 2])
    return torch.tensor(boxes).round()
""",
    "my_grid_anchors": """
import torch

def my_grid_anchors(cells, feature_size, stride):
    anchors = []
    for row in range(feature_size[0]):
        for col in range(feature_size[1]):
            y, x = (row + 0.5) * stride[0], (col + 0.5) * stride[1]
            for x1, y1, x2, y2 in cells.tolist():
                anchors.append([x1 + x, y1 + y, x2 + x, y2 + y])
    return torch.tensor(anchors)
""",
    "my_box_iou": """
import torch

def area(box):
    return (box[2] - box[0]) * (box[3] - box[1])

def my_box_iou(boxes1, boxes2):
    iou = torch.zeros(len(boxes1), len(boxes2))
    for i, a in enumerate(boxes1.tolist()):
        for j, b in enumerate(boxes2.tolist()):
            width = max(0, min(a[2], b[2]) - max(a[0], b[0]))
            height = max(0, min(a[3], b[3]) - max(a[1], b[1]))
            iou[i, j] = width * height / (area(a) + area(b) - width * height)
    return iou
""",
    "my_label_anchors": """
import torch

def my_label_anchors(match_quality_matrix, fg_iou_thresh, bg_iou_thresh):
    rows = match_quality_matrix.tolist()
    labels = []
    for column in zip(*rows):
        best = max(column)
        label = 1 if best >= fg_iou_thresh else 0 if best < bg_iou_thresh else -1
        if any(value == max(row) for value, row in zip(column, rows)):
            label = 1
        labels.append(label)
    return torch.tensor(labels)
""",
    "my_sample_minibatch": """
import torch

def my_sample_minibatch(labels, batch_size_per_image, positive_fraction, generator):
    positives = [i for i, label in enumerate(labels.tolist()) if label == 1]
    negatives = [i for i, label in enumerate(labels.tolist()) if label == 0]
    num_pos = min(len(positives), int(batch_size_per_image * positive_fraction))
    num_neg = min(len(negatives), batch_size_per_image - num_pos)
    shuffled = torch.randperm(len(positives), generator=generator).tolist()
    pos_inds = [positives[i] for i in shuffled[:num_pos]]
    shuffled = torch.randperm(len(negatives), generator=generator).tolist()
    return pos_inds, [negatives[i] for i in shuffled[:num_neg]]
""",
    "my_encode": """
import math
import torch

def my_encode(gt_boxes, anchors):
    deltas = []
    for g, a in zip(gt_boxes.tolist(), anchors.tolist()):
        gw, gh, aw, ah = g[2] - g[0], g[3] - g[1], a[2] - a[0], a[3] - a[1]
        dx, dy = (g[0] + gw / 2 - a[0] - aw / 2) / aw, (g[1] + gh / 2 - a[1] - ah / 2) / ah
        deltas.append([dx, dy, math.log(gw / aw), math.log(gh / ah)])
    return torch.tensor(deltas)
""",
    "my_decode": """
import math
import torch

def my_decode(deltas, anchors):
    boxes, largest = [], math.log(1000 / 16)
    for (dx, dy, dw, dh), a in zip(deltas.tolist(), anchors.tolist()):
        aw, ah = a[2] - a[0], a[3] - a[1]
        x, y = a[0] + aw / 2 + dx * aw, a[1] + ah / 2 + dy * ah
        w, h = aw * math.exp(min(dw, largest)), ah * math.exp(min(dh, largest))
        boxes.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return torch.tensor(boxes)
""",
    "my_rpn_losses": """
import math

def smooth_l1(d, beta=1 / 9):
    return d * d / (2 * beta) if abs(d) < beta else abs(d) - beta / 2

def my_rpn_losses(objectness, pred_bbox_deltas, labels, regression_targets, sampled_pos_inds, sampled_neg_inds):
    pos, neg = sampled_pos_inds.tolist(), sampled_neg_inds.tolist()
    cross_entropy = 0.0
    for i in pos + neg:
        score = 1 / (1 + math.exp(-objectness[i].item()))
        cross_entropy -= math.log(score if labels[i] == 1 else 1 - score)
    box = 0.0
    for i in pos:
        for d in (pred_bbox_deltas[i] - regression_targets[i]).tolist():
            box += smooth_l1(d)
    return cross_entropy / len(pos + neg), box / len(pos + neg)
""",
    "my_port_head": """
import torch

def my_port_head(weight, num_ratios, num_scales, weights):
    out = torch.zeros_like(weight)
    for r in range(num_ratios):
        for s in range(num_scales):
            for k in range(4):
                out[4 * (r * num_scales + s) + k] = weight[4 * (s * num_ratios + r) + k] / weights[k]
    return out
""",
    "my_recall": """
def my_recall(iou, top_n):
    found = 0
    for row in iou.tolist():
        found += any(value >= 0.5 for value in row[:top_n])
    return found / len(iou)
""",
    "my_nms": """
def overlap(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)

def my_nms(boxes, scores, nms_thresh):
    boxes, scores = boxes.tolist(), scores.tolist()
    left, kept = sorted(range(len(boxes)), key=lambda row: -scores[row]), []
    while left:
        best, *rest = left
        kept.append(best)
        left = [row for row in rest if overlap(boxes[best], boxes[row]) <= nms_thresh]
    return kept
""",
    "my_propose_by_level": """
import torch

def overlap(a, b):
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(wide, 0) * max(high, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)

def my_propose_by_level(boxes, scores, level_sizes, pre_nms_top_n, nms_thresh, post_nms_top_n):
    boxes, scores, first, found = boxes.tolist(), scores.tolist(), 0, []
    for size in level_sizes:
        rows = sorted(range(first, first + size), key=lambda row: -scores[row])[:pre_nms_top_n]
        kept = []
        for row in rows:
            if all(overlap(boxes[row], boxes[other]) <= nms_thresh for other in kept):
                kept.append(row)
        found += kept
        first += size
    return torch.tensor(sorted(found, key=lambda row: -scores[row])[:post_nms_top_n])
""",
    "my_roi_align_bin": """
import torch

def value_at(channel, y, x):
    y, x = min(max(y, 0), len(channel) - 1), min(max(x, 0), len(channel[0]) - 1)
    top, left = int(y), int(x)
    bottom, right = min(top + 1, len(channel) - 1), min(left + 1, len(channel[0]) - 1)
    down, across = y - top, x - left
    upper = channel[top][left] * (1 - across) + channel[top][right] * across
    lower = channel[bottom][left] * (1 - across) + channel[bottom][right] * across
    return upper * (1 - down) + lower * down

def my_roi_align_bin(features, box, output_size, bin_row, bin_col, sampling_ratio):
    x1, y1, x2, y2 = box.tolist()
    high, wide = (y2 - y1) / output_size[0], (x2 - x1) / output_size[1]
    values = []
    for channel in features.tolist():
        total = 0.0
        for i in range(sampling_ratio):
            for j in range(sampling_ratio):
                y = y1 + (bin_row + (i + 0.5) / sampling_ratio) * high - 0.5
                x = x1 + (bin_col + (j + 0.5) / sampling_ratio) * wide - 0.5
                if -1 <= y <= len(channel) and -1 <= x <= len(channel[0]):
                    total += value_at(channel, y, x)
        values.append(total / sampling_ratio**2)
    return torch.tensor(values)
""",
    "my_size_iou": """
def my_size_iou(sizes, others):
    table = []
    for height, width in sizes.tolist():
        row = []
        for other_height, other_width in others.tolist():
            shared = min(height, other_height) * min(width, other_width)
            row.append(shared / (height * width + other_height * other_width - shared))
        table.append(row)
    return torch.tensor(table).reshape(len(sizes), len(others))
""",
}
