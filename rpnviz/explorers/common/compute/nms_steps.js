// @ts-check
// Non-maximum suppression, one box at a time, as in rpnviz/inspect/nms_steps.py: whose turn it is and what happens then.
import { iouAt } from "./boxes.js";

/**
 * What became of the boxes that take part: `order` are their rows, best score first; `rank` the place of each row in it
 * (−1: takes no part); `by` the row that suppressed each (−1: kept), `iou` the IoU of these two.
 * @typedef {{order: number[], rank: Int32Array, by: Int32Array, iou: Float32Array}} Run
 */

const f32 = Math.fround;

/**
 * Rows, best score first; equal scores in the order of the list, or the other way round.
 * @param {Float32Array} scores @param {boolean} reverseTies
 */
export function ranking(scores, reverseTies) {
  const rows = Array.from(scores, (_, row) => row);
  return rows.sort((a, b) => scores[b] - scores[a] || (reverseTies ? b - a : a - b));
}

/**
 * Go down the list of boxes, each having its turn.
 * @param {Float32Array} boxes [N, 4] @param {number[]} order rows that take part, best first
 * @param {number} nmsThresh above it a box is suppressed; at it, both stay
 * @param {boolean} suppressedToo let suppressed boxes suppress others as well: not NMS @returns {Run}
 */
export function nmsSteps(boxes, order, nmsThresh, suppressedToo) {
  const count = boxes.length / 4;
  const [rank, by, iou] = [new Int32Array(count).fill(-1), new Int32Array(count).fill(-1), new Float32Array(count)];
  const thresh = f32(nmsThresh);
  // 1. Best score first.
  order.forEach((row, place) => (rank[row] = place));
  order.forEach((row, place) => {
    // 3. A box that is still there is kept, and suppresses others. One that was suppressed suppresses none.
    if (by[row] >= 0 && !suppressedToo) return;
    // 2. Which boxes that come later, and are still there, overlap this one more than the threshold?
    for (const other of order.slice(place + 1)) {
      if (by[other] >= 0) continue;
      const overlap = iouAt(boxes, row, boxes, other);
      if (overlap > thresh) [by[other], iou[other]] = [row, overlap];
    }
  });
  return { order, rank, by, iou };
}

/** Rows that are kept, best first. @param {Run} run */
export const keptRows = ({ order, by }) => order.filter((row) => by[row] < 0);

/**
 * How a row stands once so many boxes have had their turn: "current" has it now, "falls" is suppressed by that one.
 * @param {Run} run @param {number} row @param {number} turns
 */
export function stateAfter({ rank, by }, row, turns) {
  if (rank[row] === turns - 1) return "current";
  const fell = by[row] < 0 ? Infinity : rank[by[row]] + 1; // at which turn
  if (fell <= turns) return fell === turns ? "falls" : "suppressed";
  return rank[row] < turns ? "kept" : "waiting";
}

/**
 * Rows that the box whose turn it is overlaps too much, and whether it may suppress them.
 * @param {Float32Array} boxes @param {Run} run @param {number} turns @param {number} thresh
 */
export function victims(boxes, run, turns, thresh) {
  const row = run.order[turns - 1];
  const later = run.order.slice(turns);
  const falls = later.filter((other) => run.by[other] === row);
  const there = later.filter((other) => run.by[other] < 0 || run.rank[run.by[other]] > turns - 1);
  return { falls, spares: there.filter((other) => iouAt(boxes, row, boxes, other) > f32(thresh)) };
}
