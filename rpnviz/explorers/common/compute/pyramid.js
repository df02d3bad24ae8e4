// @ts-check
// A pyramid's anchors and proposals, as in rpnviz/inspect/pyramid.py: which level fits an object, top-N and NMS level by
// level, the best of all levels together. All boxes are in pixels of the network's input.
import { boxAt, clamp, pairIou } from "./boxes.js";
import { nms } from "./nms.js";

/** @typedef {import("./boxes.js").Box} Box */
/** @typedef {{size: [number, number], step: [number, number], cells: Box[]}} Lattice of a level: rows and columns; px from
 *   row to row and from column to column; the anchors of its first cell */
/** @typedef {{boxes: Float32Array, scores: Float32Array, levels: Uint8Array}} Top the best scores of each level, level by
 *   level, best first: clipped boxes, scores, and whose level each is of */
/** @typedef {{preNmsTopN: number, postNmsTopN: number, nmsThresh: number, minSize: number, scoreThresh: number}} Settings */
/** @typedef {{topInds: Int32Array, largeInds: Int32Array, nmsInds: Int32Array, postNmsInds: Int32Array}} Stages rows of Top:
 *   the last two best score first, the others level by level */

const f32 = Math.fround;

/** Anchor i of a level. @param {Lattice} lattice @param {number} i 0 for its first @returns {Box} */
export function anchorOf({ size, step, cells }, i) {
  const cell = Math.floor(i / cells.length);
  return placed(cells[i % cells.length], step, Math.floor(cell / size[1]), cell % size[1]);
}

/** @param {Box} box @param {[number, number]} step @param {number} row @param {number} col */
const placed = (box, [down, right], row, col) =>
  /** @type {Box} */ (box.map((edge, k) => f32(edge + (k % 2 ? row * down : col * right))));

/**
 * The anchor of a level that overlaps an object most. Its shapes stand at the points of a lattice, so the best place of a
 * shape is the point nearest to the object's centre: it is found and not searched.
 * @param {Lattice} lattice @param {Box} box the object
 * @returns {{iou: number, anchor: number, atMost: number}} atMost: the IoU if a shape could stand right on the object
 */
export function bestAnchor({ size, step, cells }, box) {
  const [x, y] = centre(box);
  const best = { iou: 0, anchor: 0, atMost: 0 };
  cells.forEach((cell, shape) => {
    const [cx, cy] = centre(cell);
    const [row, col] = [nearest(y - cy, step[0], size[0]), nearest(x - cx, step[1], size[1])];
    const iou = pairIou(placed(cell, step, row, col), box);
    if (iou > best.iou) Object.assign(best, { iou, anchor: (row * size[1] + col) * cells.length + shape });
    best.atMost = Math.max(best.atMost, pairIou(placed(cell, [y - cy, x - cx], 1, 1), box));
  });
  return best;
}

/** @param {Box} box @returns {[number, number]} */
const centre = ([x1, y1, x2, y2]) => [(x1 + x2) / 2, (y1 + y2) / 2];
/** @param {number} wanted px @param {number} step 0 if there is one only @param {number} many */
const nearest = (wanted, step, many) => (step ? clamp(Math.round(wanted / step), 0, many - 1) : 0);

/** How many anchors of a level reach an IoU with an object. @param {Lattice} lattice @param {Box} box @param {number} iou */
export function countReaching({ size, step, cells }, box, iou) {
  let count = 0;
  for (const cell of cells) {
    if (sizeBound(cell, box) < iou) continue; // nowhere
    const [top, bottom] = touching(cell[1], cell[3], box[1], box[3], step[0], size[0]);
    const [left, right] = touching(cell[0], cell[2], box[0], box[2], step[1], size[1]);
    for (let row = top; row <= bottom; row++) {
      for (let col = left; col <= right; col++) count += Number(pairIou(placed(cell, step, row, col), box) >= f32(iou));
    }
  }
  return count;
}

/** No IoU of two boxes is above the smaller area over the larger one. @param {Box} a @param {Box} b */
function sizeBound(a, b) {
  const [small, large] = [a, b].map(([x1, y1, x2, y2]) => (x2 - x1) * (y2 - y1)).sort((p, q) => p - q);
  return small / large + 1e-6; // float32
}

/** The first and the last place at which a span that begins at `low` still touches another. @returns {[number, number]}
 *  @param {number} low @param {number} high @param {number} from @param {number} to @param {number} step @param {number} many */
function touching(low, high, from, to, step, many) {
  if (!step) return [0, many - 1];
  return [clamp(Math.floor((from - high) / step), 0, many - 1), clamp(Math.ceil((to - low) / step), 0, many - 1)];
}

/** Boxes of all levels to proposals. @param {Top} top @param {Settings} settings @returns {Stages} */
export function proposeByLevel({ boxes, scores, levels }, settings) {
  // 1. The best scores of each level.
  const seen = /** @type {number[]} */ ([]);
  const topInds = Int32Array.from(levels.keys()).filter((row) => {
    seen[levels[row]] = (seen[levels[row]] || 0) + 1;
    return seen[levels[row]] <= settings.preNmsTopN;
  });
  // 2. Without what is tiny, or improbable.
  const largeInds = topInds.filter((row) => {
    const [x1, y1, x2, y2] = boxAt(boxes, row);
    const least = f32(settings.minSize);
    return f32(x2 - x1) >= least && f32(y2 - y1) >= least && scores[row] >= f32(settings.scoreThresh);
  });
  // 3. NMS, each level for itself.
  const kept = [...new Set(largeInds.map((row) => levels[row]))].flatMap((level) => [
    ...nms(
      boxes,
      largeInds.filter((row) => levels[row] === level),
      settings.nmsThresh,
    ).kept,
  ]);
  // 4. The best of all levels together.
  const nmsInds = Int32Array.from(kept.sort((a, b) => scores[b] - scores[a]));
  return { topInds, largeInds, nmsInds, postNmsInds: nmsInds.slice(0, settings.postNmsTopN) };
}
