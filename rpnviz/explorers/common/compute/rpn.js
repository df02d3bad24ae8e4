// @ts-check
// The two losses of the region proposal network, as in rpnviz/rpn.py.
import { binaryCrossEntropy, smoothL1 } from "./loss_ledger.js";

/** Where smooth L1 turns from a parabola into a line. */
export const BETA = 1 / 9;

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

/** @param {Iterable<number>} values @param {(value: number) => number} of */
function sum(values, of) {
  let total = 0;
  for (const value of values) total += of(value);
  return total;
}
