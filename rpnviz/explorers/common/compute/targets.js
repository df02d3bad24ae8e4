// @ts-check
// The training branch, as in rpnviz/targets.py: anchors → labels → a sampled minibatch → regression targets. No network
// and no NMS in it. N anchors, M gt boxes of one picture.
import { insidePicture } from "./anchors.js";
import { boxIou, encode } from "./boxes.js";
import { randperm } from "./generator.js";

/** @typedef {import("./boxes.js").Size} Size */
/**
 * Which anchor fits which gt box best, before any threshold.
 * @typedef {object} Match
 * @property {Float32Array} iou [N] best IoU with any gt box, also of anchors that were dropped
 * @property {Int32Array} bestGtIdxs [N] the gt box of that IoU, −1 if no gt box overlaps the anchor
 * @property {Int32Array} bestForGtIdxs [N] the first gt box that no anchor fits better, ties included; −1 if none
 * @property {Float32Array} bestIouPerGt [M] the best IoU of any anchor that was not dropped with that gt box
 * @property {Int32Array} bestAnchorPerGt [M] the first anchor with that IoU, −1 if none overlaps the gt box
 * @property {Int32Array} numTied [M] how many anchors have that IoU
 */
/**
 * What `labelAnchors` found.
 * @typedef {object} Labels
 * @property {Int8Array} labels [N] 1 positive, 0 negative, −1 ignored
 * @property {Int32Array} matchedIdxs [N] the gt box a positive anchor has to move to, −1 for all others
 * @property {Uint8Array} crossesBoundary [N] 1: dropped before labelling because it crosses the picture's border
 * @property {Uint8Array} lowQuality [N] 1: positive by the best-per-gt rule alone
 */
/** @typedef {Labels & Match} AnchorLabels */
/** @typedef {{posInds: Int32Array, negInds: Int32Array}} Minibatch */

export const POSITIVE = 1;
export const NEGATIVE = 0;
export const IGNORED = -1;
const f32 = Math.fround;
const TIE = f32(1 - 1e-5); // IoUs that differ by less than this share are the same; why: rpnviz/targets.py

/**
 * Label each anchor as object, background or neither.
 * @param {Float32Array} anchors [N, 4] @param {Float32Array} gtBoxes [M, 4] @param {Size} imageSize
 * @param {number} [fgIouThresh] at or above it with some gt box: positive
 * @param {number} [bgIouThresh] below it with every gt box: negative
 * @param {boolean} [allowLowQualityMatches] the best anchors of a gt box are positive, ties included, whatever their IoU is
 * @param {boolean} [dropCrossBoundary] leave out anchors that cross the picture's border
 * @returns {AnchorLabels}
 */
export function labelAnchors(
  anchors,
  gtBoxes,
  imageSize,
  fgIouThresh = 0.7,
  bgIouThresh = 0.3,
  allowLowQualityMatches = true,
  dropCrossBoundary = true,
) {
  // 1. Compare every anchor with every gt box, on the picture.
  const matchQualityMatrix = boxIou(gtBoxes, anchors); // [M, N]
  // 2. Anchors that cross the border take no part: no gt box has its best anchor among them.
  const crossesBoundary = insidePicture(anchors, imageSize).map((inside) => Number(dropCrossBoundary && !inside));
  const found = match(matchQualityMatrix, crossesBoundary, gtBoxes.length / 4);
  const [foreground, background] = [f32(fgIouThresh), f32(bgIouThresh)];
  const labels = Int8Array.from(found.iou, (iou, i) => {
    // 3. Two thresholds: positive above, negative below, ignored between.
    let label = iou < background ? NEGATIVE : IGNORED;
    if (iou >= foreground && found.bestGtIdxs[i] >= 0) label = POSITIVE;
    // 4. No gt box shall go without: its best anchors are positive too, ties included.
    if (allowLowQualityMatches && found.bestForGtIdxs[i] >= 0) label = POSITIVE;
    return crossesBoundary[i] ? IGNORED : label;
  });
  return {
    labels,
    matchedIdxs: found.bestGtIdxs.map((gt, i) => (labels[i] === POSITIVE ? gt : -1)),
    crossesBoundary,
    lowQuality: Uint8Array.from(labels, (label, i) => Number(label === POSITIVE && found.iou[i] < foreground)),
    ...found,
  };
}

/**
 * Find the best gt box of each anchor, and the best anchors of each gt box among those that take part.
 * @param {Float32Array} matchQualityMatrix [M, N] IoU @param {Uint8Array} crossesBoundary [N] @param {number} numGt M
 * @returns {Match}
 */
function match(matchQualityMatrix, crossesBoundary, numGt) {
  const numAnchors = crossesBoundary.length;
  const iou = new Float32Array(numAnchors);
  const [bestGtIdxs, bestForGtIdxs] = [new Int32Array(numAnchors).fill(-1), new Int32Array(numAnchors).fill(-1)];
  const [bestIouPerGt, bestAnchorPerGt] = [new Float32Array(numGt), new Int32Array(numGt).fill(-1)];
  const numTied = new Int32Array(numGt);
  for (let gt = 0; gt < numGt; gt++) {
    const ious = matchQualityMatrix.subarray(gt * numAnchors, (gt + 1) * numAnchors);
    for (let i = 0; i < numAnchors; i++) {
      // 1. The gt box that each anchor overlaps most.
      if (ious[i] > iou[i]) [iou[i], bestGtIdxs[i]] = [ious[i], gt];
      // 2. The highest IoU of each gt box with an anchor that takes part.
      if (ious[i] > bestIouPerGt[gt] && !crossesBoundary[i]) bestIouPerGt[gt] = ious[i];
    }
    if (!bestIouPerGt[gt]) continue; // no anchor overlaps this gt box
    // 3. All anchors that reach it.
    const least = f32(bestIouPerGt[gt] * TIE);
    for (let i = 0; i < numAnchors; i++) {
      if (ious[i] < least || crossesBoundary[i]) continue;
      numTied[gt] += 1;
      if (bestAnchorPerGt[gt] < 0) bestAnchorPerGt[gt] = i;
      if (bestForGtIdxs[i] < 0) bestForGtIdxs[i] = gt;
    }
  }
  return { iou, bestGtIdxs, bestForGtIdxs, bestIouPerGt, bestAnchorPerGt, numTied };
}

/**
 * Draw the anchors that the losses of this step see; all others are masked out. Missing positives are filled up with
 * negatives; missing negatives are not filled up.
 * @param {Int8Array} labels [N] @param {number} batchSizePerImage @param {number} positiveFraction at most this share is positive
 * @param {() => number} generator see generator.js @returns {Minibatch} both ascending
 */
export function sampleMinibatch(labels, batchSizePerImage, positiveFraction, generator) {
  const [positive, negative] = [POSITIVE, NEGATIVE].map((label) => indicesOf(labels, label));
  const numPos = Math.min(positive.length, Math.floor(batchSizePerImage * positiveFraction));
  const numNeg = Math.min(negative.length, batchSizePerImage - numPos);
  return { posInds: draw(positive, numPos, generator), negInds: draw(negative, numNeg, generator) };
}

/**
 * Draw from all anchors that have a label, without regard to which: what `sampleMinibatch` is there to prevent.
 * @param {Int8Array} labels [N] @param {number} batchSizePerImage @param {() => number} generator @returns {Minibatch}
 */
export function sampleUnbalanced(labels, batchSizePerImage, generator) {
  const labelled = indicesOf(labels, POSITIVE, NEGATIVE);
  const drawn = draw(labelled, Math.min(labelled.length, batchSizePerImage), generator);
  return {
    posInds: drawn.filter((i) => labels[i] === POSITIVE),
    negInds: drawn.filter((i) => labels[i] === NEGATIVE),
  };
}

/** Where one of the wanted labels is, ascending. @param {Int8Array} labels @param {...number} wanted */
function indicesOf(labels, ...wanted) {
  const found = [];
  for (let i = 0; i < labels.length; i++) if (wanted.includes(labels[i])) found.push(i);
  return Int32Array.from(found);
}

/** `count` of the indices, each set equally likely, in ascending order. @param {Int32Array} indices @param {number} count @param {() => number} generator */
const draw = (indices, count, generator) =>
  randperm(indices.length, generator)
    .subarray(0, count)
    .map((place) => indices[place])
    .sort();

/**
 * What each positive anchor's four deltas should be.
 * @param {Float32Array} anchors [N, 4] @param {Float32Array} gtBoxes [M, 4]
 * @param {Int32Array} matchedIdxs [N] gt index of a positive anchor, −1 for all others
 * @returns {Float32Array} [N, 4]; zeros where matchedIdxs is −1, which the loss never reads
 */
export function regressionTargets(anchors, gtBoxes, matchedIdxs) {
  const targets = new Float32Array(anchors.length);
  matchedIdxs.forEach((gt, i) => {
    if (gt < 0) return;
    const four = encode(gtBoxes.subarray(4 * gt, 4 * gt + 4), anchors.subarray(4 * i, 4 * i + 4));
    targets.set(four, 4 * i);
  });
  return targets;
}
