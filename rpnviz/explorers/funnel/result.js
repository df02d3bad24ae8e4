// @ts-check
// What became of every anchor on its way to a proposal, read from what Python sends (notebook 08).
import { fateText } from "../common/anchor.js";
import { clamp } from "../common/compute/boxes.js";
import { thousands, thresholdText } from "../common/format.js";
import { typed } from "../common/model.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */

const NMS = 5; // numbers of stages, as in funnel.STAGES
const NOBODY = 0xffff;

/**
 * @param {{dropped_at: DataView, by_score: DataView, suppressed_by: DataView, suppressed_iou: DataView, left: number[]}} result
 */
export function readResult(result) {
  const droppedAt = typed(result.dropped_at, Int8Array);
  const byScore = typed(result.by_score, Uint16Array);
  const by = typed(result.suppressed_by, Uint16Array);
  const iou = typed(result.suppressed_iou, Uint16Array);
  const [reached, , proposals] = result.left.slice(NMS - 1);
  const rank = new Int32Array(byScore.length).fill(-1); // among those that reach NMS
  const place = new Int32Array(byScore.length).fill(-1); // among the proposals
  let [ranked, placed] = [0, 0];
  for (const i of byScore) {
    if (droppedAt[i] >= NMS) rank[i] = ranked++;
    if (droppedAt[i] > NMS + 1) place[i] = placed++;
  }
  const suppressor = (/** @type {number} */ i) => (by[i] === NOBODY ? -1 : by[i]);
  return {
    suppressor,
    /** Anchors that are left after a stage, or were dropped by it; best score first. @param {number} stage @param {string} side */
    list: (stage, side) =>
      Array.from(byScore).filter((i) => (side === "left" ? droppedAt[i] > stage : droppedAt[i] === stage)),
    /** @param {number} i @param {number} stage */
    isLeft: (i, stage) => droppedAt[i] > stage,
    /** Is this the stage that drops it? @param {number} i @param {number} stage */
    isDropped: (i, stage) => droppedAt[i] === stage,
    /** Where an anchor ended, in words. @param {number} i */
    fate(i) {
      const large = droppedAt[i] === NMS - 1; // or fell out before
      const box = {
        place: place[i],
        rank: rank[i],
        suppressor: rank[suppressor(i)] ?? -1,
        iou: iou[i] / NOBODY,
        large,
      };
      return fateText(box, { proposals, reached });
    },
  };
}

/** A box cut off at the border, as boxes.clip does. @param {Box} box @param {number} width @param {number} height @returns {Box} */
export const clipped = ([x1, y1, x2, y2], width, height) => [
  clamp(x1, 0, width),
  clamp(y1, 0, height),
  clamp(x2, 0, width),
  clamp(y2, 0, height),
];

/** What a stage does, and why it drops what it drops. @param {Record<string, any>} settings as answered @param {number} gone @returns {string[]} */
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
