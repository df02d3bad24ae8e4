// @ts-check
// A head in training, as rpnviz/rpn.py's RPNHead: the windows of some cells forwards through the 3 × 3 and the two 1 × 1,
// and the losses' gradient backwards. Shapes: A anchors a cell, C channels, K = C · taps of a window, W windows.
//
// Of single windows, a convolution is a product with a matrix [K, C]. The kernel (convolution.js) reads a matrix in blocks
// of outputs, [block][K][BLOCK]: so the weights lie in its memory for the whole training, and their gradient beside them.

import { BLOCK } from "./convolution.js";
import { halfValues } from "./half.js";
import { tensorOf } from "./safetensors.js";

/** @typedef {import("./boxes.js").Size} Size */
/** @typedef {import("./convolution.js").Kernel} Kernel */
/** @typedef {import("./convolution.js").Layer} Layer */
/** @typedef {import("./safetensors.js").Tensor} Tensor */
/** @typedef {import("./safetensors.js").Tensors} Tensors */
/** What a step sees of a picture: its features [h][w][C], float16, and the cells of its minibatch.
 * @typedef {{features: Uint16Array, cells: Int32Array}} Looked */

const NUMBER = 4; // bytes
const LEAST_ROWS = 4; // that the kernel takes
const TILE = 16; // numbers a side that are transposed at a time

export class TrainedHead {
  /**
   * @param {Kernel} kernel of its own: the memory is taken once, for the most windows that a step may look at
   * @param {Tensors} tensors as `newHead` makes them @param {number} mostWindows @param {Size} size (h, w) of the map
   */
  constructor(kernel, tensors, mostWindows, size) {
    const weight = tensorOf(tensors, "conv.weight", [0, 0, 0, 0]);
    this.kernel = kernel;
    this.size = size;
    this.kernelSize = weight.shape[2];
    this.channels = weight.shape[0];
    this.inputs = weight.values.length / this.channels; // K
    this.numAnchors = tensorOf(tensors, "cls_logits.bias", [0]).values.length;
    const [conv, answers] = [tapsFirst(weight), bothAnswers(tensors)];
    this.conv = kernel.layer(conv, tensorOf(tensors, "conv.bias", [this.channels]));
    this.answers = kernel.layer(answers.weight, answers.bias); // A logits, then 4A deltas
    const numbers = mostWindows * this.inputs;
    this.places = {
      gradient: kernel.room(conv.values.length),
      zeros: kernel.room(BLOCK),
      windows: kernel.room(numbers), // [W][K]
      turned: kernel.room(numbers), // [K][W]
      vector: kernel.room(mostWindows * this.channels), // [W][C]
      slopes: kernel.room(mostWindows * this.channels), // [C / BLOCK][W][BLOCK]: the loss by the vector
      answer: kernel.room(mostWindows * this.answers.filled), // [W][filled]
    };
    this.gradients = [this.answers.filled * this.channels, this.channels, this.answers.filled].map(
      (count) => new Float32Array(count),
    );
  }

  /** All that is trained: weights of the window, of the answers, and the biases of both. Views of the memory. */
  weights() {
    const { conv, answers, channels, inputs, kernel } = this;
    return [
      kernel.numbers(conv.weights, channels * inputs),
      kernel.numbers(answers.weights, answers.filled * channels),
      kernel.numbers(conv.bias, channels),
      kernel.numbers(answers.bias, answers.filled),
    ];
  }

  /**
   * Score and move the anchors of a few cells of some pictures.
   * @param {Looked[]} looked W cells in all @returns {Float32Array} [W][filled]: A logits, 4A deltas of each cell
   */
  atCells(looked) {
    const { conv, answers, kernel, places } = this;
    // 1. Cut the window of each cell out of its map, which goes on with zeros beyond its rim.
    const count = this.cut(looked);
    // 2. Of a single window, the convolution is a product with a matrix.
    product(kernel, places.windows, count, conv, places.vector, true);
    // 3. So are the two 1 × 1.
    product(kernel, places.vector, count, answers, places.answer, false);
    return kernel.numbers(places.answer, count * answers.filled);
  }

  /** @param {Looked[]} looked @returns {number} W, at least as many as the kernel takes */
  cut(looked) {
    const { channels, inputs, kernel, kernelSize, size } = this;
    const count = looked.reduce((sum, { cells }) => sum + cells.length, 0);
    const rows = Math.max(count, LEAST_ROWS);
    const [values, to] = [halfValues(), kernel.numbers(this.places.windows, rows * inputs).fill(0)];
    let at = 0;
    for (const { features, cells } of looked) {
      for (const cell of cells) {
        for (const from of tapsOf(cell, kernelSize, size)) {
          if (from >= 0) for (let c = 0; c < channels; c++) to[at + c] = values[features[from * channels + c]];
          at += channels;
        }
      }
    }
    return rows;
  }

  /**
   * From the loss by the answers to the loss by all that is trained.
   * @param {Float32Array} slopes [W][filled]: the loss by each answer of the last `atCells`; most are 0
   * @returns {Float32Array[]} the gradient of each of `weights`
   */
  backward(slopes) {
    const { answers, channels, gradients, inputs, kernel, places } = this;
    const count = slopes.length / answers.filled;
    // 1. Through the two 1 × 1, and through the ReLU: where it gave 0, nothing changes.
    this.throughAnswers(slopes, count);
    // 2. Of the window's weights: each window times what its vector should have been more or less.
    const windows = kernel.numbers(places.windows, count * inputs);
    transpose(windows, count, inputs, kernel.numbers(places.turned, count * inputs));
    for (let block = 0; block < channels / BLOCK; block++) {
      const weights = places.slopes + block * count * BLOCK * NUMBER;
      const to = places.gradient + block * inputs * BLOCK * NUMBER;
      product(kernel, places.turned, inputs, { inputs: count, filled: BLOCK, weights, bias: places.zeros }, to, false);
    }
    const [ofAnswers, ...ofBiases] = gradients;
    return [kernel.numbers(places.gradient, channels * inputs), ofAnswers, ...ofBiases];
  }

  /** @param {Float32Array} slopes @param {number} count */
  throughAnswers(slopes, count) {
    const { answers, channels, gradients, kernel, places } = this;
    const vector = kernel.numbers(places.vector, count * channels);
    const weights = kernel.numbers(answers.weights, answers.filled * channels);
    const below = kernel.numbers(places.slopes, count * channels).fill(0);
    const [ofAnswers, ofBias, ofAnswersBias] = gradients.map((one) => one.fill(0));
    slopes.forEach((slope, i) => {
      if (!slope) return;
      const [row, output] = [Math.floor(i / answers.filled), i % answers.filled];
      const [block, within] = [Math.floor(output / BLOCK), output % BLOCK];
      ofAnswersBias[output] += slope;
      for (let c = 0; c < channels; c++) {
        const active = vector[row * channels + c];
        if (active <= 0) continue;
        const at = (block * channels + c) * BLOCK + within;
        const change = slope * weights[at];
        ofAnswers[at] += slope * active;
        below[(Math.floor(c / BLOCK) * count + row) * BLOCK + (c % BLOCK)] += change;
        ofBias[c] += change;
      }
    });
  }

  /**
   * Score and move the anchors of all cells, with the weights as they are now.
   * @param {Float32Array} features [C][h][w]
   * @returns {Promise<{objectness: Float32Array, predBboxDeltas: Float32Array}>} [A][h][w] and [4A][h][w]
   */
  async forward(features) {
    const { channels, kernel, kernelSize, numAnchors, size } = this;
    const conv = { ...this.conv, size: kernelSize, inputs: channels };
    const vector = await kernel.convolve(kernel.put(features, channels, size), conv, true);
    const both = kernel.take(await kernel.convolve(vector, this.answers, false), 5 * numAnchors);
    const logits = numAnchors * size[0] * size[1];
    return { objectness: both.slice(0, logits), predBboxDeltas: both.slice(logits) };
  }
}

/** [outputs][C][taps] → [outputs][taps][C]: as a map with its channels innermost has them. @param {Tensor} weight */
function tapsFirst({ shape: [outputs, channels, ...sides], values }) {
  const taps = sides[0] * sides[1];
  const turned = new Float32Array(values.length);
  for (let output = 0; output < outputs; output++) {
    const range = [output * channels * taps, (output + 1) * channels * taps];
    transpose(values.subarray(...range), channels, taps, turned.subarray(...range));
  }
  return { shape: [outputs, taps * channels], values: turned };
}

/** The two 1 × 1 as one: A logits, then 4A deltas. @param {Tensors} tensors */
function bothAnswers(tensors) {
  const [logits, deltas] = ["cls_logits", "bbox_pred"].map((name) => tensorOf(tensors, `${name}.weight`, [0, 0, 1, 1]));
  const [ofLogits, ofDeltas] = ["cls_logits", "bbox_pred"].map((name) => tensorOf(tensors, `${name}.bias`, [0]));
  const outputs = logits.shape[0] + deltas.shape[0];
  return {
    weight: { shape: [outputs, logits.shape[1]], values: Float32Array.of(...logits.values, ...deltas.values) },
    bias: { shape: [outputs], values: Float32Array.of(...ofLogits.values, ...ofDeltas.values) },
  };
}

/** The cells under a window, −1 beyond the rim. @param {number} cell @param {number} side @param {Size} size */
function tapsOf(cell, side, [h, w]) {
  const [row, col, reach] = [Math.floor(cell / w), cell % w, (side - 1) / 2];
  return Array.from({ length: side * side }, (_, tap) => {
    const [y, x] = [row + Math.floor(tap / side) - reach, col + (tap % side) - reach];
    return y >= 0 && y < h && x >= 0 && x < w ? y * w + x : -1;
  });
}

/** [rows][columns] → [columns][rows], tile by tile, which stays in the cache. @param {Float32Array} from @param {number} rows
 * @param {number} columns @param {Float32Array} to */
function transpose(from, rows, columns, to) {
  for (let top = 0; top < rows; top += TILE) {
    const bottom = Math.min(top + TILE, rows);
    for (let column = 0; column < columns; column++) {
      for (let row = top; row < bottom; row++) to[column * rows + row] = from[row * columns + column];
    }
  }
}

/**
 * [rows][inputs] · [block][inputs][BLOCK] + bias → [rows][filled]. For the kernel, a 1 × 1 convolution of a map that is
 * one row high and has a border. Of that it reads nothing: so the map may begin before the place of the first row, and even
 * below 0, since addresses are added up in 32 bits.
 * @param {Kernel} kernel @param {number} from address of the rows @param {number} rows
 * @param {Pick<Layer, "inputs" | "filled" | "weights" | "bias">} layer @param {number} to address of the answer
 * @param {boolean} relu
 */
function product(kernel, from, rows, { inputs, filled, weights, bias }, to, relu) {
  const border = (rows + 3) * NUMBER; // bytes a channel
  const [map, answer] = [from - border * inputs, to - border * filled];
  kernel.exports.conv(map, weights, bias, answer, rows, inputs, filled, 1, Number(relu), 0, 1);
}
