// @ts-check
// What became of every anchor on its way to a proposal, as the view asks for it (notebook 08).
import { fateText } from "../common/anchor.js";
import { droppedAt, STAGES, scoreOrder } from "../common/compute/funnel.js";
import { thousands, thresholdText } from "../common/format.js";

/** @typedef {import("../common/compute/proposals.js").Stages} Stages */

const NMS = STAGES.indexOf("after NMS");

/** @param {Stages} stages */
export function readResult(stages) {
  const { postNmsInds, preNmsInds, rank, suppressedBy, suppressedIou } = stages;
  const [dropped, byScore] = [droppedAt(stages), scoreOrder(stages)];
  const place = new Int32Array(rank.length).fill(-1); // among the proposals
  postNmsInds.forEach((anchor, at) => (place[anchor] = at));
  const counts = { proposals: postNmsInds.length, reached: preNmsInds.length };
  return {
    /** @param {number} i */
    suppressor: (i) => suppressedBy[i],
    /** Anchors that are left after a stage, or were dropped by it; best score first. @param {number} stage @param {string} side */
    list: (stage, side) =>
      Array.from(byScore.filter((i) => (side === "left" ? dropped[i] > stage : dropped[i] === stage))),
    /** @param {number} i @param {number} stage */
    isLeft: (i, stage) => dropped[i] > stage,
    /** Is this the stage that drops it? @param {number} i @param {number} stage */
    isDropped: (i, stage) => dropped[i] === stage,
    /** Where an anchor ended, in words. @param {number} i */
    fate(i) {
      const large = dropped[i] === NMS - 1; // or fell out before
      const suppressor = suppressedBy[i] < 0 ? -1 : rank[suppressedBy[i]];
      return fateText({ place: place[i], rank: rank[i], suppressor, iou: suppressedIou[i], large }, counts);
    },
  };
}

/** What a stage does, and why it drops what it drops. @param {Record<string, any>} settings @param {number} gone @returns {string[]} */
export function explanations({ pre_nms_top_n: pre, post_nms_top_n: post, nms_thresh: thresh, min_size: size }, gone) {
  const dropped = (/** @type {string} */ why) =>
    gone ? `${thousands(gone)} are dropped: ${why}` : "Nobody is dropped.";
  return [
    "Nine anchors at every cell. They are the same for every picture.",
    "Each anchor is moved by its own four deltas, also those that cross the border. Nobody is dropped.",
    "Boxes are cut off at the picture's border. Nobody is dropped.",
    dropped(
      `less than ${Number(size)} px high or wide after clipping. A box that lay wholly outside has no area left.`,
    ),
    `${dropped(`not among the best ${thousands(pre)} scores.`)} There is no threshold on the score, only a rank.`,
    dropped(`each overlaps a better kept box with an IoU above ${thresholdText(thresh)}.`),
    dropped(`kept by NMS, but not among the best ${thousands(post)}.`),
  ];
}
