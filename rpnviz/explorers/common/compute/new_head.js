// @ts-check
// The random weights of an untrained head, as `Variant.new_head` in rpnviz/train/variants.py.

import { manualSeed, normal, skip } from "./generator.js";

/** @typedef {import("./safetensors.js").Tensors} Tensors */

const STD = 0.01; // section 3.1.3 of the paper

/**
 * @param {number} seed @param {number} channels C @param {number} numAnchors A @param {number} kernelSize of the window
 * @returns {Tensors} conv, cls_logits, bbox_pred: .weight and .bias of each
 */
export function newHead(seed, channels, numAnchors, kernelSize) {
  const layers = /** @type {[string, number[]][]} */ ([
    ["conv", [channels, channels, kernelSize, kernelSize]],
    ["cls_logits", [numAnchors, channels, 1, 1]],
    ["bbox_pred", [4 * numAnchors, channels, 1, 1]],
  ]);
  const generator = manualSeed(seed);
  // 1. PyTorch gives each layer weights and biases as it makes it. Nobody needs them.
  for (const [, shape] of layers) skip(countOf(shape) + shape[0], generator);
  // 2. The head draws its own. Biases are 0.
  const tensors = /** @type {Tensors} */ (new Map());
  for (const [name, shape] of layers) {
    tensors.set(`${name}.weight`, { shape, values: normal(countOf(shape), STD, generator) });
    tensors.set(`${name}.bias`, { shape: [shape[0]], values: new Float32Array(shape[0]) });
  }
  return tensors;
}

/** @param {number[]} shape */
const countOf = (shape) => shape.reduce((product, length) => product * length, 1);
