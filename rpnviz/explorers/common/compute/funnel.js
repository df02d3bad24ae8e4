// @ts-check
// Stage by stage from all anchors to the proposals, as in rpnviz/inspect/funnel.py: what is left, what was dropped where,
// which objects are covered.
import { boxIou } from "./boxes.js";

/** @typedef {import("./proposals.js").Stages} Stages */

export const STAGES = ["anchors", "decoded", "clipped", "large enough", "top-N by score", "after NMS", "proposals"];
const LARGE_ENOUGH = STAGES.indexOf("large enough");

/**
 * @typedef {object} Stage what one stage leaves
 * @property {string} name one of STAGES
 * @property {Int32Array} inds the anchors that are left, best score first
 * @property {Float32Array} bestIous [M] the best IoU of any of their boxes, where they are at this stage, with each object
 */

/**
 * Every stage of `propose`, with what is left of the objects.
 * @param {Stages} stages @param {Float32Array} anchors [N, 4] what it was given
 * @param {Float32Array} gtBoxes [M, 4]; only looked at here, `propose` never sees them @returns {Stage[]}
 */
export const stageByStage = (stages, anchors, gtBoxes) =>
  stagesLeft(stages, overlapsWith(stages, anchors, gtBoxes), gtBoxes.length / 4);

/**
 * The first half: the IoU of every box with every object, where the box is before, between and after the two moves.
 * @param {Pick<Stages, "decoded" | "allBoxes">} moved @param {Float32Array} anchors [N, 4] @param {Float32Array} gtBoxes [M, 4]
 * @returns {Float32Array[]} three of [M, N]
 */
export const overlapsWith = ({ decoded, allBoxes }, anchors, gtBoxes) =>
  [anchors, decoded, allBoxes].map((boxes) => boxIou(gtBoxes, boxes));

/**
 * The second half: what moves with the settings.
 * @param {Stages} stages @param {Float32Array[]} overlaps of `overlapsWith` @param {number} numGt M @returns {Stage[]}
 */
export function stagesLeft(stages, overlaps, numGt) {
  const [byScore, dropped] = [scoreOrder(stages), droppedAt(stages)];
  return STAGES.map((name, number) => {
    const inds = byScore.filter((anchor) => dropped[anchor] > number);
    return { name, inds, bestIous: bestIous(overlaps[Math.min(number, 2)], inds, numGt) };
  });
}

/** All anchors, best score first; those that reach NMS in its very order. @param {Stages} stages @returns {Int32Array} [N] */
export function scoreOrder({ allScores, byScore, preNmsInds, rank }) {
  let place = 0;
  return byScore
    .slice() // sorted by the logits; equal scores in the order of the list
    .sort((a, b) => allScores[b] - allScores[a] || a - b)
    .map((anchor) => (rank[anchor] < 0 ? anchor : preNmsInds[place++]));
}

/** The number in STAGES of the stage that drops each anchor, STAGES.length if none does. @param {Stages} stages @returns {Int8Array} [N] */
export function droppedAt({ byScore, largeInds, preNmsInds, nmsInds, postNmsInds }) {
  const dropped = new Int8Array(byScore.length).fill(LARGE_ENOUGH);
  [largeInds, preNmsInds, nmsInds, postNmsInds].forEach((left, i) => {
    for (const anchor of left) dropped[anchor] = LARGE_ENOUGH + 1 + i;
  });
  return dropped;
}

/**
 * The best IoU of any of some boxes with each object, as inspect/recall.py's `best_ious`.
 * @param {Float32Array} ious [M, N] @param {Int32Array} inds which of the N @param {number} numGt M @returns {Float32Array} [M]
 */
function bestIous(ious, inds, numGt) {
  const [best, count] = [new Float32Array(numGt), ious.length / Math.max(numGt, 1)];
  for (let gt = 0; gt < best.length; gt++) {
    for (let k = 0; k < inds.length; k++) best[gt] = Math.max(best[gt], ious[gt * count + inds[k]]);
  }
  return best;
}
