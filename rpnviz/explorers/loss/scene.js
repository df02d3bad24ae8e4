// @ts-check
// One picture's answers, labels and minibatch as objects and settings stand: as in loss/anchors.py.

import { boxAt } from "../common/compute/boxes.js";
import { rpnLosses } from "../common/compute/rpn.js";
import { regressionTargets } from "../common/compute/targets.js";
import { anchorsOf, labelling } from "../common/labelling.js";
import { derived, typed } from "../common/model.js";
import { sampling } from "../common/sampling.js";
import { describeAnchor, tellingAnchors } from "./offered.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/compute/loss_ledger.js").Way} Way */
/** @typedef {import("../common/labelling.js").Labelled} Labelled */
/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {{key: string, whose: string, beta: number, n_cls: number | null, n_reg: number | null, box_weight: number}} Normalisation */
/**
 * The trait `plan`, and the network's answers: float32 [N] and [N, 4].
 * @typedef {{image_size: [number, number], extent: Box, grid: string, low: number[], high: number[], least: number[],
 *   most: number[], ways: Normalisation[]}} Plan
 */
/** @typedef {{objectness: Float32Array, deltas: Float32Array}} Answers */
/** @typedef {ReturnType<typeof sceneOf>} Scene */

/** What Python sent of the network's answers. @param {Model} model @returns {Answers} */
export function answersOf(model) {
  const { objectness, deltas } = model.get("said");
  return { objectness: typed(objectness, Float32Array), deltas: typed(deltas, Float32Array) };
}

/**
 * The scene, the anchors that are offered and what the minibatch is divided by; worked out again when a setting changes.
 * @param {Model} model @param {Plan} plan
 */
export function scenes(model, plan) {
  const [anchors, answers] = [anchorsOf(plan), answersOf(model)];
  const labelled = labelling(model, () => anchors, plan.image_size);
  const drawn = sampling(model, labelled);
  return derived(drawn, ({ posInds, negInds }) => {
    const scene = sceneOf({ anchors, answers, labelled: labelled(), posInds, negInds, extent: plan.extent });
    return {
      ...scene,
      offered: tellingAnchors(scene).map(([key, row]) => describeAnchor(scene, key, row)),
      ways: plan.ways.map((way) => dividing(way, scene.sampledInds.length)),
      tensorLosses: tensorLosses(scene, posInds, negInds),
    };
  });
}

/**
 * @param {{anchors: Float32Array, answers: Answers, labelled: Labelled, posInds: Int32Array, negInds: Int32Array, extent: Box}} found
 */
function sceneOf({ anchors, answers, labelled, posInds, negInds, extent }) {
  const { found, boxes, objects, bg, fg } = labelled;
  const targets = regressionTargets(anchors, boxes, found.matchedIdxs);
  const sampledInds = Int32Array.from([...posInds, ...negInds]);
  const four = (/** @type {Float32Array} */ values) =>
    Float32Array.from([...sampledInds].flatMap((row) => boxAt(values, row)));
  return {
    ...{ anchors, ...answers, targets, found, objects, extent, sampledInds },
    numPos: posInds.length,
    thresholds: [bg, fg],
    /** Row by row, the S of the minibatch. */
    sample: {
      objectness: Float32Array.from(sampledInds, (row) => answers.objectness[row]),
      deltas: four(answers.deltas),
      targets: four(targets),
      labels: Int8Array.from(sampledInds, (row) => found.labels[row]),
    },
  };
}

/** What one unit of each loss adds: as Normalisation.factors. @param {Normalisation} way @param {number} numSampled @returns {Way} */
function dividing({ key, whose, beta, n_cls: nCls, n_reg: nReg, box_weight: weight }, numSampled) {
  const sampled = Math.max(numSampled, 1);
  return { key, whose, beta, per_bce: 1 / (nCls ?? sampled), per_box: weight / (nReg ?? sampled) };
}

/** @param {Scene} scene @param {Int32Array} posInds @param {Int32Array} negInds @returns {[number, number]} */
function tensorLosses({ objectness, deltas, found, targets }, posInds, negInds) {
  const losses = rpnLosses(objectness, deltas, found.labels, targets, posInds, negInds);
  return [losses.lossObjectness, losses.lossRpnBoxReg];
}
