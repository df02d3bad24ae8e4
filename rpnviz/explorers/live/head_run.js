// @ts-check
// A run of the live training, as runs.py: a head from random values in training, and what it makes of one picture.
// Shapes: h × w cells, K ≤ 50 proposals, M gt boxes of the picture that is watched.

import { boxIou } from "../common/compute/boxes.js";
import { Kernel } from "../common/compute/convolution.js";
import { Grid } from "../common/compute/grid.js";
import { HeadTraining } from "../common/compute/head_training.js";
import { sigmoid } from "../common/compute/loss_ledger.js";
import { propose } from "../common/compute/proposals.js";
import { flattenHead } from "../common/compute/rpn.js";
import { nobodyWaits } from "../common/compute/turns.js";
import { VARIANTS } from "../common/compute/variants.js";

/** @typedef {import("../common/compute/boxes.js").Size} Size */
/** @typedef {import("../common/compute/head_training.js").View} View */
/** What a head makes of the watched picture: the score of the best anchor of each cell × 255, the best proposals, and for
 * each object whether the best 10 and the best 50 of them cover it.
 * @typedef {{looked: number, map: Uint8Array, proposals: Float32Array, covered: [number, number][]}} Outcome */
/** What a run is given. watched: features [C][h][w] and gt boxes [M, 4] of the picture to look at.
 * @typedef {{name: string, steps: number, seed: number, imageSize: Size, pictures: [View, View][],
 *   watched: {features: Float32Array, gtBoxes: Float32Array}}} Setup */

const LOOK_EVERY = 10; // steps from one look at the watched picture to the next
const TOP_NS = [10, 50];
const SETTINGS = { preNmsTopN: 1000, postNmsTopN: 50, nmsThresh: 0.7, minSize: 16 };

export class HeadRun {
  /** @param {Kernel} kernel @param {Setup} setup */
  constructor(kernel, { name, steps, seed, imageSize, pictures, watched }) {
    this.grid = Grid.named("paper", imageSize);
    this.training = new HeadTraining(kernel, pictures, this.grid, VARIANTS[name], steps, seed);
    this.watched = watched;
  }

  /** With a kernel of its own. @param {Setup} setup */
  static async begin(setup) {
    return new HeadRun(await Kernel.load(nobodyWaits), setup);
  }

  /** Take one step; look at the watched picture now and then, and after the last step. */
  async advance() {
    const { training } = this;
    const losses = training.advance();
    const looks = training.step % LOOK_EVERY === 0 || training.step === training.steps;
    return { ...losses, outcome: looks ? await this.look() : null };
  }

  /** Ask the head, as it is now, about the watched picture. @returns {Promise<Outcome>} */
  async look() {
    const { grid, training, watched } = this;
    const { objectness, predBboxDeltas } = await training.head.forward(watched.features);
    const { logits, deltas } = flattenHead(objectness, predBboxDeltas, grid.featureSize);
    const { allBoxes, postNmsInds } = propose(logits, deltas, training.anchors, grid.imageSize, SETTINGS);
    const proposals = Float32Array.from([...postNmsInds].flatMap((i) => [...allBoxes.subarray(4 * i, 4 * i + 4)]));
    return {
      looked: training.step,
      map: bestOfCells(logits, training.head.numAnchors),
      proposals,
      covered: coveredBy(proposals, watched.gtBoxes),
    };
  }
}

/** The score of the best anchor of each cell × 255. @param {Float32Array} logits [h · w · A] @param {number} numAnchors A */
function bestOfCells(logits, numAnchors) {
  const map = new Uint8Array(logits.length / numAnchors);
  return map.map((_, cell) => {
    const best = Math.max(...logits.subarray(cell * numAnchors, (cell + 1) * numAnchors));
    return Math.round(sigmoid(best) * 255);
  });
}

/**
 * Which objects the best 10 and the best 50 cover at IoU 0.5.
 * @param {Float32Array} proposals [K, 4] @param {Float32Array} gtBoxes [M, 4] @returns {[number, number][]} [M], 1 or 0
 */
function coveredBy(proposals, gtBoxes) {
  const [ious, count] = [boxIou(gtBoxes, proposals), proposals.length / 4];
  return Array.from({ length: gtBoxes.length / 4 }, (_, gt) => {
    const of = ious.subarray(gt * count, (gt + 1) * count);
    const [ten, fifty] = TOP_NS.map((topN) => Number(of.subarray(0, topN).some((iou) => iou >= 0.5)));
    return [ten, fifty];
  });
}
