// @ts-check
// The proposal branch, as in rpnviz/proposals.py: decode → clip → min size → top-N → NMS → top-N, with every stage kept.
// No labels in it. Every stage is a list of indices into the N anchors, so that a view can follow one anchor through.
import { clip, decode } from "./boxes.js";
import { nms } from "./nms.js";

/** @typedef {import("./boxes.js").Size} Size */
/** @typedef {{preNmsTopN: number, postNmsTopN: number, nmsThresh: number, minSize: number}} Settings */
/**
 * What the network's answers come to, whatever the settings are.
 * @typedef {object} Moved
 * @property {Float32Array} allScores [N] objectness after the sigmoid
 * @property {Float32Array} decoded [N, 4] anchors moved by their deltas
 * @property {Float32Array} allBoxes [N, 4] the same, clipped to the picture
 * @property {Int32Array} byScore [N] all anchors, best score first
 */
/**
 * What became of each anchor on the way to a proposal.
 * @typedef {object} Chosen
 * @property {Int32Array} largeInds ascending; what is at least minSize high and wide
 * @property {Int32Array} preNmsInds best score first; the top-N of these
 * @property {Int32Array} nmsInds best first; what NMS keeps
 * @property {Int32Array} postNmsInds best first; the top-N of these: the proposals
 * @property {Int32Array} rank [N] place among preNmsInds, 0 is best, −1 if not among them
 * @property {Int32Array} suppressedBy [N] the kept anchor that suppressed this one at NMS, −1 if none did
 * @property {Float32Array} suppressedIou [N] the IoU of these two boxes, 0 if none did
 */
/** @typedef {Moved & Chosen} Stages */

/** py-faster-rcnn's, at test time; the defaults of Python's `propose`. @type {Settings} */
export const DEFAULTS = { preNmsTopN: 6000, postNmsTopN: 300, nmsThresh: 0.7, minSize: 16 };

const f32 = Math.fround;
const SMALLEST = 2 ** -126; // of float32's normal numbers: less is no area

/**
 * Turn the head's output into proposals.
 * @param {Float32Array} objectness [N] logits @param {Float32Array} predBboxDeltas [N, 4] @param {Float32Array} anchors [N, 4]
 * @param {Size} imageSize @param {Settings} settings @returns {Stages}
 */
export function propose(objectness, predBboxDeltas, anchors, imageSize, settings) {
  const moved = moveAnchors(objectness, predBboxDeltas, anchors, imageSize);
  return { ...moved, ...chooseBoxes(moved, settings) };
}

/**
 * The first half: what needs no setting, and is worked out once for a picture.
 * @param {Float32Array} objectness [N] logits @param {Float32Array} predBboxDeltas [N, 4] @param {Float32Array} anchors [N, 4]
 * @param {Size} imageSize @returns {Moved}
 */
export function moveAnchors(objectness, predBboxDeltas, anchors, imageSize) {
  // 1. Move every anchor by its deltas. To cross the border is no reason to drop one here.
  const decoded = decode(predBboxDeltas, anchors);
  // 2. Cut the boxes off at the border.
  const allBoxes = clip(decoded, imageSize);
  // Ranked by the logits, since sigmoids of large logits tie at 1; equal ones in the order of the list.
  const byScore = Int32Array.from(objectness.keys()).sort((a, b) => objectness[b] - objectness[a] || a - b);
  return { allScores: objectness.map((logit) => 1 / (1 + Math.exp(-logit))), decoded, allBoxes, byScore };
}

/**
 * The second half: what moves with the settings. The last of them, postNmsTopN, needs no other NMS: `kept` is then what
 * this function gave for the same other three.
 * @param {Moved} moved @param {Settings} settings @param {Chosen} [kept] @returns {Chosen}
 */
export function chooseBoxes(moved, settings, kept = suppressBoxes(moved, settings)) {
  // 6. The best of these are the proposals.
  return { ...kept, postNmsInds: kept.nmsInds.slice(0, settings.postNmsTopN) };
}

/** Steps 3 to 5. @param {Moved} moved @param {Settings} settings @returns {Chosen} with all that NMS keeps */
function suppressBoxes({ allBoxes, byScore }, { preNmsTopN, nmsThresh, minSize }) {
  // 3. Drop what is tiny now (in the degenerate case of minSize 0: what has no area).
  const isLarge = (/** @type {number} */ i) => hasSides(allBoxes, i, f32(Math.max(minSize, SMALLEST)));
  const largeInds = Int32Array.from(byScore.keys()).filter(isLarge);
  // 4. Keep the best N by score. A background score is no reason to drop: proposals are ranked, not classified.
  const preNmsInds = byScore.filter(isLarge).slice(0, preNmsTopN);
  const rank = new Int32Array(byScore.length).fill(-1);
  preNmsInds.forEach((anchor, place) => (rank[anchor] = place));
  // 5. Non-maximum suppression: go down the list, keep a box unless a kept one overlaps it more than nmsThresh.
  const { kept, ...suppressors } = nms(allBoxes, preNmsInds, nmsThresh);
  return { largeInds, preNmsInds, nmsInds: kept, postNmsInds: kept, rank, ...suppressors };
}

/** @param {Float32Array} boxes @param {number} i @param {number} least */
const hasSides = (boxes, i, least) =>
  f32(boxes[4 * i + 2] - boxes[4 * i]) >= least && f32(boxes[4 * i + 3] - boxes[4 * i + 1]) >= least;
