// @ts-check
// Non-maximum suppression of thousands of boxes at a threshold that moves: torchvision.ops.nms, and who suppressed whom.
// What happens at each turn is told, more slowly, by nms_steps.js.
import { boxArea, iouAt } from "./boxes.js";

/**
 * @typedef {object} Suppression
 * @property {Int32Array} kept rows of the boxes that are kept, best first
 * @property {Int32Array} suppressedBy [N] the kept row that suppressed each, −1 if none did
 * @property {Float32Array} suppressedIou [N] the IoU of these two, 0 if none did
 */

const f32 = Math.fround;
const ROUNDING = 1e-5; // of an IoU, and more

/**
 * Go down the list of boxes: keep a box unless a better kept one overlaps it more than the threshold.
 * @param {Float32Array} boxes [N, 4] @param {Int32Array} order rows that take part, best score first
 * @param {number} nmsThresh above it a box is suppressed; at it, both stay @returns {Suppression}
 */
export function nms(boxes, order, nmsThresh) {
  const suppressedBy = new Int32Array(boxes.length / 4).fill(-1);
  const suppressedIou = new Float32Array(boxes.length / 4);
  const found = new Int32Array(order.length);
  const shelves = shelvesByArea(boxArea(boxes), f32(nmsThresh));
  let count = 0;
  for (const row of order) {
    // 1. Is there a better kept box that overlaps this one too much? The best of them suppresses it.
    const near = shelves(row);
    let first = Infinity;
    for (const shelf of near) first = shelf.firstAbove(boxes, row, first);
    // 2. If not, it is kept.
    if (first === Infinity) {
      near[1].put(boxes, row, count);
      found[count++] = row;
    } else {
      suppressedBy[row] = found[first];
      suppressedIou[row] = iouAt(boxes, found[first], boxes, row);
    }
  }
  return { kept: found.slice(0, count), suppressedBy, suppressedIou };
}

/**
 * NMS for each class by itself, as torchvision.ops.batched_nms.
 * @param {Float32Array} boxes [N, 4] @param {Int32Array} order rows that take part, best score first
 * @param {ArrayLike<number>} labels [N] @param {number} nmsThresh @returns {Int32Array} rows that are kept, best first
 */
export function batchedNms(boxes, order, labels, nmsThresh) {
  const isKept = new Uint8Array(labels.length);
  for (const label of new Set(Array.from(order, (row) => labels[row]))) {
    const ofClass = order.filter((row) => labels[row] === label);
    for (const row of nms(boxes, ofClass, nmsThresh).kept) isKept[row] = 1;
  }
  return order.filter((row) => isKept[row]);
}

/**
 * Kept boxes in the order of their areas, in steps of the threshold. An IoU is at most the smaller area over the larger
 * one: so a box that is more than one step away cannot be above the threshold, and needs no look.
 * @param {Float32Array} areas @param {number} thresh
 */
function shelvesByArea(areas, thresh) {
  const step = Math.log(1 / Math.max(thresh, 1e-6)) + ROUNDING;
  const shelves = /** @type {Map<number, Shelf>} */ (new Map());
  const shelf = (/** @type {number} */ at) => {
    if (!shelves.has(at)) shelves.set(at, new Shelf(thresh));
    return /** @type {Shelf} */ (shelves.get(at));
  };
  return (/** @type {number} */ row) => {
    const at = Math.floor(Math.log(Math.max(areas[row], 1e-6)) / step);
    return [shelf(at - 1), shelf(at), shelf(at + 1)];
  };
}

const EACH = 6; // numbers of a kept box: its place among the kept, its edges, its area

/** Some of the kept boxes, best first, side by side in memory: NMS spends its time here. */
class Shelf {
  /** @param {number} thresh */
  constructor(thresh) {
    this.thresh = thresh;
    this.numbers = new Float64Array(16 * EACH);
    this.length = 0;
  }

  /** @param {Float32Array} boxes @param {number} row @param {number} place among the kept */
  put(boxes, row, place) {
    if (this.length === this.numbers.length) {
      const more = new Float64Array(2 * this.length);
      more.set(this.numbers);
      this.numbers = more;
    }
    const [x1, y1, x2, y2] = boxes.subarray(4 * row, 4 * row + 4);
    this.numbers.set([place, x1, y1, x2, y2, f32(f32(x2 - x1) * f32(y2 - y1))], this.length);
    this.length += EACH;
  }

  /**
   * The place of the first that overlaps a box too much, if it comes before `first`; else `first`.
   * @param {Float32Array} boxes @param {number} row @param {number} first
   */
  firstAbove(boxes, row, first) {
    const { numbers, length, thresh } = this;
    const [x1, y1, x2, y2] = [boxes[4 * row], boxes[4 * row + 1], boxes[4 * row + 2], boxes[4 * row + 3]];
    const area = f32(f32(x2 - x1) * f32(y2 - y1));
    for (let k = 0; k < length && numbers[k] < first; k += EACH) {
      const width = f32(Math.min(numbers[k + 3], x2) - Math.max(numbers[k + 1], x1)); // as in boxes.iouAt
      if (width <= 0) continue;
      const height = f32(Math.min(numbers[k + 4], y2) - Math.max(numbers[k + 2], y1));
      if (height <= 0) continue;
      const intersection = f32(width * height);
      if (f32(intersection / f32(f32(numbers[k + 5] + area) - intersection)) > thresh) return numbers[k];
    }
    return first;
  }
}
