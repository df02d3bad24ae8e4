// @ts-check
// The second head, as in rpnviz/detection.py: what is in a proposal, and a better box for it; then detections, after a
// last NMS for each class. Shapes: K proposals of one picture, C classes with the background as number 0, D detections.

import { boxAt, clip, decode } from "./boxes.js";
import { batchedNms } from "./nms.js";
import { alignPoints, neighbours, toCells } from "./roi.js";
import { readSafetensors, tensorOf } from "./safetensors.js";

/** @typedef {import("./boxes.js").Size} Size */
/** @typedef {import("./grid.js").Grid} Grid */
/** @typedef {import("./boxes.js").Box} Box */
/** @typedef {import("./convolution.js").Kernel} Kernel */
/** @typedef {import("./safetensors.js").Tensors} Tensors */
/** Best first; a label is a place in CLASSES, never 0; proposalInds say which proposal each came from.
 * @typedef {{boxes: Float32Array, labels: Int32Array, scores: Float32Array, proposalInds: Int32Array}} Detections */

export const CLASSES = ["background", "person", "dog", "bicycle", "car", "bus", "traffic cone"];
export const BINS = 7; // RoIAlign makes 7 × 7 bins of every box
export const BOX_WEIGHTS = [10, 10, 5, 5]; // the head answers in tenths and fifths
export const MOST_PROPOSALS = 10_000; // 125 MB of bins
const POINTS = 2; // of RoIAlign, each way in a bin
const EACH = POINTS * POINTS * 4; // cells that a bin is interpolated from
const f = Math.fround;

export class RoIHead {
  /** @param {Kernel} kernel @param {Tensors} tensors conv, fc, cls_score, bbox_pred: .weight and .bias of each */
  constructor(kernel, tensors) {
    this.kernel = kernel;
    const layer = (/** @type {string} */ name, /** @type {number[]} */ shape) => {
      const weight = tensorOf(tensors, `${name}.weight`, shape);
      return kernel.layer(weight, tensorOf(tensors, `${name}.bias`, [weight.shape[0]]));
    };
    this.conv = layer("conv", [0, 0, 1, 1]);
    this.fc = layer("fc", [0, this.conv.outputs * BINS * BINS]);
    this.clsScore = layer("cls_score", [0, this.fc.outputs]);
    this.numClasses = this.clsScore.outputs;
    this.bboxPred = layer("bbox_pred", [4 * this.numClasses, this.fc.outputs]);
  }

  /** The trained head that belongs to a backbone. @param {Kernel} kernel @param {ArrayBuffer} file safetensors */
  static load(kernel, file) {
    return new RoIHead(kernel, readSafetensors(file));
  }

  /**
   * Name and move the proposals of one picture.
   * @param {Float32Array} features [512][h][w], the very map the RPN looked at @param {Float32Array} proposals [K][4], px
   * @param {Grid} grid how the feature map lies on the picture
   * @returns {Promise<{classLogits: Float32Array, boxRegression: Float32Array}>} [K][C], and [K][C][4]:
   *   (dx, dy, dw, dh) · BOX_WEIGHTS for each class
   */
  async forward(features, proposals, grid) {
    if (proposals.length > 4 * MOST_PROPOSALS) throw new Error(`proposals: takes up to ${MOST_PROPOSALS} of them`);
    const size = grid.featureSize;
    // 1. A narrow map.
    const map = this.kernel.put(features, this.conv.inputs, size);
    const narrow = this.kernel.take(await this.kernel.convolve(map, this.conv, true), this.conv.outputs); // [64][h][w]
    // 2. 7 × 7 bins of every box, whatever its size.
    const bins = roiAlign(narrow, size, proposals, grid); // [K][64][7][7]
    // 3. One vector a box; both answers are read off it.
    const vector = await this.kernel.linear(bins, this.fc, true); // [K][256]
    const classLogits = await this.kernel.linear(vector, this.clsScore, false);
    return { classLogits, boxRegression: await this.kernel.linear(vector, this.bboxPred, false) };
  }
}

/**
 * RoIAlign of many boxes, as `torchvision.ops.roi_align(…, aligned=True, sampling_ratio=2)`.
 * @param {Float32Array} map [channels][h][w] @param {Size} size @param {Float32Array} boxes [K][4], px @param {Grid} grid
 * @returns {Float32Array} [K][channels][BINS][BINS]
 */
function roiAlign(map, size, boxes, grid) {
  const [cells, channels] = [size[0] * size[1], map.length / (size[0] * size[1])];
  const found = new Float32Array((boxes.length / 4) * channels * BINS * BINS);
  for (let box = 0, out = 0; 4 * box < boxes.length; box++) {
    const { at, shares } = cellsOfBins(toCells(boxAt(boxes, box), grid.stride), size);
    for (let channel = 0; channel < channels; channel++) {
      for (let i = 0; i < at.length; ) {
        let sum = 0;
        for (const end = i + EACH; i < end; i++) sum += map[channel * cells + at[i]] * shares[i];
        found[out++] = sum;
      }
    }
  }
  return found;
}

/** The cells that each bin is the weighted mean of, bin after bin. @param {Box} box in cells @param {Size} size */
function cellsOfBins(box, size) {
  const { ys, xs } = alignPoints(box, BINS, POINTS, true);
  const [at, shares] = [new Int32Array(BINS * BINS * EACH), new Float32Array(BINS * BINS * EACH)];
  let i = 0;
  const readAt = (/** @type {number} */ y, /** @type {number} */ x) => {
    for (const { row, col, weight } of neighbours(y, x, size)) {
      at[i] = row * size[1] + col;
      shares[i++] = weight / POINTS ** 2;
    }
  };
  for (const rows of ys) {
    for (const cols of xs) {
      for (const y of rows) for (const x of cols) readAt(y, x);
    }
  }
  return { at, shares };
}

/**
 * Turn the proposals of a picture into detections.
 * @param {Float32Array} features [512][h][w], the map the proposals came from @param {Float32Array} proposals [K][4], px
 * @param {RoIHead} head @param {Grid} grid
 * @param {number} scoreThresh a class must score above it
 * @param {number} nmsThresh of two boxes of one class that overlap more than it, the better stays; 1 keeps all
 * @param {number} maxDetections how many are kept at most
 * @returns {Promise<Detections>} one proposal can be found as several classes
 */
export async function detect(
  features,
  proposals,
  head,
  grid,
  scoreThresh = 0.05,
  nmsThresh = 0.5,
  maxDetections = 100,
) {
  // 1. Every proposal gets a score and a box for every class.
  const { classLogits, boxRegression } = await head.forward(features, proposals, grid);
  const scores = softmax(classLogits, head.numClasses); // [K][C]
  const boxes = decodedAndClipped(boxRegression, proposals, grid.imageSize); // [K][C][4]
  // 2. Here, unlike in the RPN, what is background is dropped, and what scores too low.
  const rows = Array.from(scores.keys());
  const found = rows.filter((row) => row % head.numClasses > 0 && scores[row] > f(scoreThresh));
  // 3. NMS once more, for each class by itself: a person may stand in front of a car.
  const order = Int32Array.from(found.sort((a, b) => scores[b] - scores[a]));
  const labels = Int32Array.from(scores.keys(), (row) => row % head.numClasses);
  const kept = batchedNms(boxes, order, labels, nmsThresh);
  // 4. The best.
  const best = kept.slice(0, maxDetections);
  return {
    boxes: Float32Array.from(Array.from(best).flatMap((row) => boxAt(boxes, row))),
    labels: best.map((row) => labels[row]),
    scores: Float32Array.from(best, (row) => scores[row]),
    proposalInds: best.map((row) => Math.floor(row / head.numClasses)),
  };
}

/** Of each row. @param {Float32Array} logits [K][classes] @param {number} classes @returns {Float32Array} */
function softmax(logits, classes) {
  const found = new Float32Array(logits.length);
  for (let at = 0; at < logits.length; at += classes) {
    const row = logits.subarray(at, at + classes);
    const most = Math.max(...row); // the exponential of what is left is at most 1
    const shares = Array.from(row, (logit) => Math.exp(logit - most));
    const sum = shares.reduce((a, b) => a + b, 0);
    for (let label = 0; label < classes; label++) found[at + label] = shares[label] / sum;
  }
  return found;
}

/**
 * `decode` and `clip` of rpnviz/boxes.py, for each class of each proposal.
 * @param {Float32Array} regression [K][C][4], in BOX_WEIGHTS @param {Float32Array} proposals [K][4]
 * @param {Size} imageSize (H, W) @returns {Float32Array} [K][C][4]
 */
function decodedAndClipped(regression, proposals, imageSize) {
  const classes = regression.length / proposals.length;
  const deltas = regression.map((delta, k) => delta / BOX_WEIGHTS[k % 4]);
  const each = deltas.map((_, k) => proposals[4 * Math.floor(k / (4 * classes)) + (k % 4)]);
  return clip(decode(deltas, each), imageSize);
}
