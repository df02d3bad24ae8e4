// @ts-check
// The network on top of the feature map, as in rpnviz/rpn.py: one 3 × 3 convolution, two 1 × 1, and the two losses.
// Shapes: A anchors a cell, h × w cells, N = h · w · A anchors in the order of `grid_anchors`. Objectness are logits.

import { binaryCrossEntropy, sigmoid, smoothL1, smoothL1Slope } from "./loss_ledger.js";
import { readSafetensors, tensorOf } from "./safetensors.js";

/** @typedef {import("./boxes.js").Size} Size */
/** @typedef {import("./convolution.js").Kernel} Kernel */
/** @typedef {import("./convolution.js").Place} Place */
/** @typedef {import("./safetensors.js").Tensors} Tensors */
/** @typedef {import("./backbone.js").OnLayer} OnLayer */

/** Where smooth L1 turns from a parabola into a line. */
export const BETA = 1 / 9;
export const RPN_LAYERS = ["conv", "cls_logits", "bbox_pred"];

export class RPNHead {
  /** @param {Kernel} kernel @param {Tensors} tensors conv, cls_logits, bbox_pred: .weight and .bias of each */
  constructor(kernel, tensors) {
    this.kernel = kernel;
    const conv = tensorOf(tensors, "conv.weight", [0, 0, 3, 3]);
    const [channels, inputs] = conv.shape;
    const logits = tensorOf(tensors, "cls_logits.weight", [0, channels, 1, 1]);
    const [anchors] = logits.shape;
    const deltas = tensorOf(tensors, "bbox_pred.weight", [4 * anchors, channels, 1, 1]);
    this.inChannels = inputs;
    this.numAnchors = anchors;
    this.conv = kernel.layer(conv, tensorOf(tensors, "conv.bias", [channels]));
    this.clsLogits = kernel.layer(logits, tensorOf(tensors, "cls_logits.bias", [anchors]));
    this.bboxPred = kernel.layer(deltas, tensorOf(tensors, "bbox_pred.bias", [4 * anchors]));
  }

  /** The trained head that belongs to a backbone. @param {Kernel} kernel @param {ArrayBuffer} file safetensors */
  static load(kernel, file) {
    return new RPNHead(kernel, readSafetensors(file));
  }

  /**
   * 1. The 3 × 3 convolution and its ReLU: the vector that every window becomes.
   * @param {Place} features in the kernel's memory, and so is what comes of them @param {OnLayer} onLayer
   */
  async windowVector(features, onLayer) {
    const vector = await this.kernel.convolve(features, this.conv, true);
    onLayer("conv");
    return vector;
  }

  /**
   * 2. Both answers are read off it: score and move the anchors of every cell.
   * @param {Place} vector as `windowVector` gave it @param {OnLayer} onLayer
   * @returns {Promise<{objectness: Float32Array, predBboxDeltas: Float32Array}>} [A][h][w], and [4A][h][w], whose channel
   *   is 4 · a + {dx, dy, dw, dh}
   */
  async answers(vector, onLayer) {
    const logits = await this.kernel.convolve(vector, this.clsLogits, false);
    const objectness = this.kernel.take(logits, this.numAnchors);
    onLayer("cls_logits");
    const deltas = await this.kernel.convolve(vector, this.bboxPred, false);
    const predBboxDeltas = this.kernel.take(deltas, 4 * this.numAnchors);
    onLayer("bbox_pred");
    return { objectness, predBboxDeltas };
  }
}

/**
 * Bring the output into the row order of the anchors, row (row · w + col) · A + a.
 * @param {Float32Array} objectness [A][h][w] @param {Float32Array} predBboxDeltas [4A][h][w] @param {Size} size (h, w)
 * @returns {{logits: Float32Array, deltas: Float32Array}} [N], and [N][4]
 */
export function flattenHead(objectness, predBboxDeltas, [h, w]) {
  return { logits: transposed(objectness, h * w), deltas: transposed(predBboxDeltas, h * w) };
}

/** [rows][columns] → [columns][rows]: brings the channels of a cell together, or apart again. @param {Float32Array} values @param {number} columns @returns {Float32Array} */
export function transposed(values, columns) {
  const [rows, found] = [values.length / columns, new Float32Array(values.length)];
  for (let column = 0, i = 0; column < columns; column++) {
    for (let row = 0; row < rows; row++) found[i++] = values[row * columns + column];
  }
  return found;
}

/**
 * The two losses of one picture's minibatch.
 * @param {Float32Array} objectness [N] logits @param {Float32Array} predBboxDeltas [N, 4]
 * @param {Int8Array} labels [N] read at the sampled indices only
 * @param {Float32Array} regressionTargets [N, 4] read at the positive indices only
 * @param {Int32Array} sampledPosInds their labels are 1 @param {Int32Array} sampledNegInds their labels are 0
 * @returns {{lossObjectness: number, lossRpnBoxReg: number}} 0 if nothing was sampled
 */
export function rpnLosses(objectness, predBboxDeltas, labels, regressionTargets, sampledPosInds, sampledNegInds) {
  // 1. Binary cross-entropy over all that was sampled.
  const sampledInds = [...sampledPosInds, ...sampledNegInds];
  const numSampled = Math.max(sampledInds.length, 1);
  const lossObjectness = sum(sampledInds, (i) => binaryCrossEntropy(objectness[i], labels[i]));
  // 2. Smooth L1 over the positives: background has no box to move to.
  const lossRpnBoxReg = sum(sampledPosInds, (i) =>
    sum([4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3], (k) => smoothL1(predBboxDeltas[k] - regressionTargets[k], BETA)),
  );
  return { lossObjectness: lossObjectness / numSampled, lossRpnBoxReg: lossRpnBoxReg / numSampled };
}

/**
 * How the sum of the two losses changes with each answer: 0 wherever nothing was sampled.
 * @param {Float32Array} objectness [N] logits @param {Float32Array} predBboxDeltas [N, 4] @param {Int8Array} labels [N]
 * @param {Float32Array} regressionTargets [N, 4] @param {Int32Array} sampledPosInds @param {Int32Array} sampledNegInds
 * @param {number} [share] of these losses in what is summed up
 * @returns {{objectness: Float32Array, deltas: Float32Array}} [N] and [N, 4]
 */
export function rpnSlopes(
  objectness,
  predBboxDeltas,
  labels,
  regressionTargets,
  sampledPosInds,
  sampledNegInds,
  share = 1,
) {
  const [ofObjectness, ofDeltas] = [new Float32Array(objectness.length), new Float32Array(predBboxDeltas.length)];
  const each = share / Math.max(sampledPosInds.length + sampledNegInds.length, 1);
  // 1. Of binary cross-entropy: how far the score is from the label.
  for (const i of [...sampledPosInds, ...sampledNegInds]) {
    ofObjectness[i] = each * (sigmoid(objectness[i]) - labels[i]);
  }
  // 2. Of smooth L1.
  for (const i of sampledPosInds) {
    for (let k = 4 * i; k < 4 * i + 4; k++) {
      ofDeltas[k] = each * smoothL1Slope(predBboxDeltas[k] - regressionTargets[k], BETA);
    }
  }
  return { objectness: ofObjectness, deltas: ofDeltas };
}

/** @param {Iterable<number>} values @param {(value: number) => number} of */
function sum(values, of) {
  let total = 0;
  for (const value of values) total += of(value);
  return total;
}
