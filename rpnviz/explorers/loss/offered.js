// @ts-check
// The anchors that the view offers: the telling ones of the minibatch, and one that was left out. As in loss/anchors.py.

import { boxAt, sides } from "../common/compute/boxes.js";
import { writeLedger } from "../common/compute/loss_ledger.js";
import { BETA } from "../common/compute/rpn.js";
import { IGNORED } from "../common/compute/targets.js";
import { besideThresholds } from "../common/format.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("./scene.js").Scene} Scene */
/** @typedef {ReturnType<typeof describeAnchor>} Offered */

const ROOM = 100; // px round an anchor in close up
const TIE = 1e-5; // as in rpnviz/targets.py

/**
 * Pick the anchors to offer, by their row among the N; at least one, and none twice.
 * @param {Scene} scene @returns {[string, number][]} key, row
 */
export function tellingAnchors({ found, objectness, sample, sampledInds, numPos }) {
  const { iou, labels, crossesBoundary } = found;
  const [pos, neg] = [[...sampledInds.subarray(0, numPos)], [...sampledInds.subarray(numPos)]];
  const ignored = [...labels.keys()].filter((row) => labels[row] === IGNORED && !crossesBoundary[row]);
  const byIou = (/** @type {number} */ row) => iou[row];
  const byLogit = (/** @type {number} */ row) => objectness[row];
  const picked = /** @type {[string, number][]} */ ([]);
  if (pos.length) {
    const losses = pos.map((_, i) => boxLoss(sample, i));
    picked.push(["best", largest(pos, byIou)], ["worst", smallest(pos, byIou)]);
    picked.push(["far", pos[firstLargest(losses)]], ["unsure", smallest(pos, byLogit)]);
  }
  if (neg.length) picked.push(["alarm", largest(neg, byLogit)], ["easy", smallest(neg, byLogit)]);
  if (ignored.length) picked.push(["out", largest(ignored, byIou)]);
  if (!picked.length) picked.push(["rest", largest([...iou.keys()], byIou)]);
  return picked.filter(([, row], i) => picked.findIndex(([, other]) => other === row) === i);
}

/** The first with the largest value. @param {number[]} rows @param {(row: number) => number} by */
const largest = (rows, by) => rows.reduce((best, row) => (by(row) > by(best) ? row : best));

/** @param {number[]} rows @param {(row: number) => number} by */
const smallest = (rows, by) => largest(rows, (row) => -by(row));

/** The first of those that are as large as the largest, but for the last digits: targets are rounded to float32. @param {number[]} losses */
function firstLargest(losses) {
  const least = Math.max(...losses) * (1 - TIE);
  return losses.findIndex((loss) => loss >= least);
}

/** @param {Scene["sample"]} sample @param {number} i */
function boxLoss({ deltas, targets, labels }, i) {
  return writeLedger({ logit: 0, deltas: boxAt(deltas, i), label: labels[i], targets: boxAt(targets, i) }, BETA)
    .boxLoss;
}

/** All there is to know of one anchor. What is not in the minibatch has no label. @param {Scene} scene @param {string} key @param {number} row */
export function describeAnchor(scene, key, row) {
  const { anchors, deltas, extent, found, objectness, objects, sampledInds, targets, thresholds } = scene;
  const [box, at, nearest] = [boxAt(anchors, row), sampledInds.indexOf(row), found.bestGtIdxs[row]];
  const match = at >= 0 ? found.matchedIdxs[row] : -1;
  return {
    ...{ key, row, box, at },
    size: sides(box)
      .map((side) => side.toFixed(0))
      .join("×"),
    object: nearest >= 0 ? objects[nearest].name : "",
    gt: match >= 0 ? objects[match].box : null,
    label: at >= 0 ? found.labels[row] : IGNORED,
    lowQuality: found.lowQuality[row] === 1,
    iou: found.iou[row],
    iouText: besideThresholds(found.iou[row], thresholds),
    view: closeUp(box, extent),
    logit: objectness[row],
    deltas: /** @type {number[]} */ (boxAt(deltas, row)),
    targets: /** @type {number[]} */ (boxAt(targets, row)),
  };
}

/**
 * The part of the plane round an anchor, in the shape of the whole; never more than the whole.
 * @param {Box} box @param {Box} extent the whole @returns {Box}
 */
function closeUp(box, extent) {
  const [whole, own] = [sides(extent), sides(box)];
  const share = Math.min(1, Math.max(...own.map((side, axis) => (side + 2 * ROOM) / whole[axis])));
  const middle = [0, 1].map((axis) => {
    const half = (share * whole[axis]) / 2;
    const at = (box[axis] + box[axis + 2]) / 2;
    return { at: Math.min(Math.max(at, extent[axis] + half), extent[axis + 2] - half), half };
  });
  const [x, y] = middle;
  return [x.at - x.half, y.at - y.half, x.at + x.half, y.at + y.half];
}
