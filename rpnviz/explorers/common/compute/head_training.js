// @ts-check
// One step after the other of a head's training on the features of a fixed backbone, as rpnviz/train/head.py:
// pictures → labels → minibatch → losses → gradient → weights. Shapes: A anchors a cell, N anchors, W windows.

import { AdamW, oneCycle } from "./adamw.js";
import { cellAnchors, gridAnchors } from "./anchors.js";
import { manualSeed, randint } from "./generator.js";
import { newHead } from "./new_head.js";
import { rpnLosses, rpnSlopes } from "./rpn.js";
import { labelAnchors, regressionTargets, sampleMinibatch, sampleUnbalanced } from "./targets.js";
import { TrainedHead } from "./trained_head.js";

/** @typedef {import("./convolution.js").Kernel} Kernel */
/** @typedef {import("./grid.js").Grid} Grid */
/** @typedef {import("./targets.js").Minibatch} Minibatch */
/** @typedef {import("./variants.js").Variant} Variant */
/** One way to see a picture, as it is or mirrored: features [h][w][C], float16, and gt boxes [M, 4] with them.
 * @typedef {{features: Uint16Array, gtBoxes: Float32Array}} View */
/** Labels [N] and targets [N, 4] of a view: they follow from anchors and objects alone.
 * @typedef {{labels: Int8Array, targets: Float32Array}} Labelled */
/** @typedef {{lossObjectness: number, lossRpnBoxReg: number}} Losses */
/** What a step looks at in one view. @typedef {Labelled & Minibatch & {features: Uint16Array, cells: Int32Array}} Sampled */

const BATCH_SIZE = 2; // views a step
const BATCH_SIZE_PER_IMAGE = 256;
const POSITIVE_FRACTION = 0.5;
const MAX_LR = 1e-3;

export class HeadTraining {
  /**
   * @param {Kernel} kernel of its own @param {[View, View][]} pictures each as it is, and mirrored
   * @param {Grid} grid @param {Variant} variant @param {number} steps of the run @param {number} seed
   */
  constructor(kernel, pictures, grid, variant, steps, seed) {
    const [cells, size] = [cellAnchors(variant.scales), grid.featureSize];
    const channels = pictures[0][0].features.length / (size[0] * size[1]);
    const tensors = newHead(seed, channels, cells.length / 4, variant.kernelSize);
    this.head = new TrainedHead(kernel, tensors, BATCH_SIZE * BATCH_SIZE_PER_IMAGE, size);
    this.anchors = gridAnchors(grid, cells);
    this.optimizer = new AdamW(this.head.weights().map((values) => values.length));
    this.generator = manualSeed(seed);
    this.labelled = /** @type {Map<View, Labelled>} */ (new Map());
    this.step = 0; // steps taken
    this.steps = steps;
    this.pictures = pictures;
    this.grid = grid;
    this.variant = variant;
  }

  /** Take a step. @returns {Losses} averaged over the views of the step */
  advance() {
    const { head } = this;
    // 1. Draw the views, then the minibatch of each. The network is not asked.
    const views = Array.from({ length: BATCH_SIZE }, () => this.drawView());
    const sampled = views.map((view) => this.drawMinibatch(view));
    // 2. Only the windows of their cells go through the head.
    const answers = head.atCells(sampled);
    // 3. The two losses, and how their sum changes with each answer.
    const { losses, slopes } = this.lossesOf(sampled, answers);
    // 4. How it changes with each weight, and a step downhill.
    const gradients = head.backward(slopes);
    this.optimizer.step(head.weights(), gradients, oneCycle(this.step, this.steps, MAX_LR));
    this.step += 1;
    return losses;
  }

  /**
   * The two losses, averaged over the views, and how their sum changes with each answer.
   * @param {Sampled[]} sampled @param {Float32Array} answers [W][filled]
   */
  lossesOf(sampled, answers) {
    const { answers: layer, numAnchors } = this.head;
    const slopes = new Float32Array(answers.length);
    const losses = { lossObjectness: 0, lossRpnBoxReg: 0 };
    let from = 0;
    for (const { cells, labels, targets, posInds, negInds } of sampled) {
      const until = from + cells.length * layer.filled;
      const { objectness, deltas } = toAnchors(cells, answers.subarray(from, until), numAnchors, labels.length);
      const minibatch = /** @type {const} */ ([objectness, deltas, labels, targets, posInds, negInds]);
      const ofView = rpnLosses(...minibatch);
      losses.lossObjectness += ofView.lossObjectness / sampled.length;
      losses.lossRpnBoxReg += ofView.lossRpnBoxReg / sampled.length;
      toAnswers(cells, rpnSlopes(...minibatch, 1 / sampled.length), numAnchors, slopes.subarray(from, until));
      from = until;
    }
    return { losses, slopes };
  }

  /** A picture, as it is or mirrored. @returns {View} */
  drawView() {
    const picture = this.pictures[randint(this.pictures.length, this.generator)];
    return picture[randint(2, this.generator)];
  }

  /** Draw a view's minibatch by the rules. @param {View} view @returns {Sampled} */
  drawMinibatch(view) {
    const { generator, head, labelled, variant } = this;
    const known = labelled.get(view) ?? this.label(view);
    labelled.set(view, known);
    const minibatch = variant.balanced
      ? sampleMinibatch(known.labels, BATCH_SIZE_PER_IMAGE, POSITIVE_FRACTION, generator)
      : sampleUnbalanced(known.labels, BATCH_SIZE_PER_IMAGE, generator);
    // On some cells stand several that were drawn.
    const cells = [...minibatch.posInds, ...minibatch.negInds].map((i) => Math.floor(i / head.numAnchors));
    return { ...known, ...minibatch, features: view.features, cells: Int32Array.from(new Set(cells)).sort() };
  }

  /** The labels of all anchors in a view, by the rules. @param {View} view @returns {Labelled} */
  label({ gtBoxes }) {
    const { anchors, grid, variant } = this;
    const { bestPerGt, dropCrossBoundary } = variant;
    const rules = /** @type {const} */ ([0.7, 0.3, bestPerGt, dropCrossBoundary]);
    const { labels, matchedIdxs } = labelAnchors(anchors, gtBoxes, grid.imageSize, ...rules);
    return { labels, targets: regressionTargets(anchors, gtBoxes, matchedIdxs) };
  }
}

/**
 * Some windows' answers -> the rows of their anchors; the losses read no other row.
 * @param {Int32Array} cells W @param {Float32Array} answers [W][filled] @param {number} numAnchors A @param {number} count N
 * @returns {{objectness: Float32Array, deltas: Float32Array}} [N] and [N, 4]
 */
function toAnchors(cells, answers, numAnchors, count) {
  const [objectness, deltas] = [new Float32Array(count), new Float32Array(4 * count)];
  const filled = answers.length / cells.length;
  cells.forEach((cell, row) => {
    const of = answers.subarray(row * filled, row * filled + 5 * numAnchors);
    objectness.set(of.subarray(0, numAnchors), cell * numAnchors);
    deltas.set(of.subarray(numAnchors), 4 * cell * numAnchors);
  });
  return { objectness, deltas };
}

/**
 * The way back: what lies in the rows of the anchors of some cells -> where their windows' answers lie.
 * @param {Int32Array} cells W @param {{objectness: Float32Array, deltas: Float32Array}} ofAnchors @param {number} numAnchors A
 * @param {Float32Array} answers [W][filled], to be filled
 */
function toAnswers(cells, { objectness, deltas }, numAnchors, answers) {
  const filled = answers.length / cells.length;
  cells.forEach((cell, row) => {
    const first = cell * numAnchors;
    answers.set(objectness.subarray(first, first + numAnchors), row * filled);
    answers.set(deltas.subarray(4 * first, 4 * (first + numAnchors)), row * filled + numAnchors);
  });
}
