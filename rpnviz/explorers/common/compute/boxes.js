// @ts-check
// Boxes as [x1, y1, x2, y2], as in rpnviz/boxes.py: area, IoU, clipping, and the four numbers (dx, dy, dw, dh) that the
// network regresses. A list of N boxes is one Float32Array of 4 · N numbers, in pixels of the picture.
//
// Each step is rounded to float32, as PyTorch rounds it, so that an IoU at a threshold falls on the same side here.

/** @typedef {[number, number, number, number]} Box x1, y1, x2, y2 in pixels of the picture */
/** @typedef {[number, number]} Size height and width, as everywhere in the lesson */

const f32 = Math.fround;
/** The largest dw, dh that is believed: a side grows at most 62.5-fold. */
export const BBOX_XFORM_CLIP = f32(Math.log(1000 / 16));
const FURTHEST = 2 ** 24; // px from the corner: float32 counts single pixels up to here

// ---- one box --------------------------------------------------------------------------------------------------------

/** @param {number} value @param {number} low @param {number} high */
export const clamp = (value, low, high) => Math.max(low, Math.min(high, value));

/** Box i of a list. @param {ArrayLike<number>} boxes @param {number} i @returns {Box} */
export const boxAt = (boxes, i) => [boxes[4 * i], boxes[4 * i + 1], boxes[4 * i + 2], boxes[4 * i + 3]];

/** Width and height. @param {Box} box @returns {[number, number]} */
export const sides = ([x1, y1, x2, y2]) => [x2 - x1, y2 - y1];

/** Where two boxes overlap; a side is negative where they lie apart. @param {Box} a @param {Box} b @returns {Box} */
export const sharedBox = (a, b) => [
  Math.max(a[0], b[0]),
  Math.max(a[1], b[1]),
  Math.min(a[2], b[2]),
  Math.min(a[3], b[3]),
];

/** Intersection over union of one pair; 0 where the union is empty. @param {Box} box1 @param {Box} box2 */
export const pairIou = (box1, box2) => iouAt(new Float32Array(box1), 0, new Float32Array(box2), 0);

// ---- lists of boxes -------------------------------------------------------------------------------------------------

/** A list of boxes. @param {Box[]} boxes @returns {Float32Array} */
export const listOf = (boxes) => new Float32Array(boxes.flat());

/** Area of each box, px². @param {Float32Array} boxes [N, 4] @returns {Float32Array} [N] */
export const boxArea = (boxes) => Float32Array.from({ length: boxes.length / 4 }, (_, i) => areaAt(boxes, i));

/** @param {Float32Array} boxes @param {number} i */
const areaAt = (boxes, i) => f32(f32(boxes[4 * i + 2] - boxes[4 * i]) * f32(boxes[4 * i + 3] - boxes[4 * i + 1]));

/**
 * Intersection over union of every pair.
 * @param {Float32Array} boxes1 [N, 4] @param {Float32Array} boxes2 [M, 4] @returns {Float32Array} [N, M]
 */
export function boxIou(boxes1, boxes2) {
  const [rows, columns] = [boxes1.length / 4, boxes2.length / 4];
  const ious = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) ious[i * columns + j] = iouAt(boxes1, i, boxes2, j);
  }
  return ious;
}

/**
 * Intersection over union of box i of one list and box j of another.
 * @param {Float32Array} boxes1 @param {number} i @param {Float32Array} boxes2 @param {number} j
 */
export function iouAt(boxes1, i, boxes2, j) {
  const [k, n] = [4 * i, 4 * j];
  // 1. How much the two share.
  const width = f32(Math.min(boxes1[k + 2], boxes2[n + 2]) - Math.max(boxes1[k], boxes2[n]));
  if (width <= 0) return 0;
  const height = f32(Math.min(boxes1[k + 3], boxes2[n + 3]) - Math.max(boxes1[k + 1], boxes2[n + 1]));
  if (height <= 0) return 0;
  const intersection = f32(width * height);
  // 2. How much they cover together: what they share counts once.
  const union = f32(f32(areaAt(boxes1, i) + areaAt(boxes2, j)) - intersection);
  // 3. The one over the other.
  return union > 0 ? f32(intersection / union) : 0;
}

/** Cut boxes off at the picture's border. @param {Float32Array} boxes [N, 4] @param {Size} imageSize @returns {Float32Array} [N, 4] */
export const clip = (boxes, [height, width]) =>
  boxes.map((edge, k) => Math.min(Math.max(edge, 0), k % 2 ? height : width));

/**
 * The deltas that would move each anchor onto its gt box:
 * tx = (gx − ax) / aw, ty = (gy − ay) / ah, tw = ln(gw / aw), th = ln(gh / ah); x, y are centres.
 * @param {Float32Array} gtBoxes [N, 4], one for each anchor @param {Float32Array} anchors [N, 4] @returns {Float32Array} [N, 4]
 */
export function encode(gtBoxes, anchors) {
  const targets = new Float32Array(anchors.length);
  for (let k = 0; k < anchors.length; k += 4) {
    for (const axis of [0, 1]) {
      const [gtSide, side] = [gtBoxes, anchors].map((boxes) => f32(boxes[k + axis + 2] - boxes[k + axis]));
      const gtCentre = f32(gtBoxes[k + axis] + f32(gtSide / 2));
      const centre = f32(anchors[k + axis] + f32(side / 2));
      targets[k + axis] = f32(gtCentre - centre) / side;
      targets[k + axis + 2] = Math.log(f32(gtSide / side));
    }
  }
  return targets;
}

/**
 * Move each anchor by its deltas: the inverse of `encode`. A box may reach beyond the picture.
 * @param {Float32Array} deltas [N, 4] @param {Float32Array} anchors [N, 4] @returns {Float32Array} [N, 4]
 */
export function decode(deltas, anchors) {
  const boxes = new Float32Array(anchors.length);
  for (let k = 0; k < anchors.length; k += 4) {
    decodeAxis(deltas, anchors, k, boxes); // x
    decodeAxis(deltas, anchors, k + 1, boxes); // y
  }
  return boxes;
}

/**
 * One of the two axes of one anchor: near edge at k, far edge at k + 2.
 * @param {Float32Array} deltas @param {Float32Array} anchors @param {number} k @param {Float32Array} boxes takes the result
 */
function decodeAxis(deltas, anchors, k, boxes) {
  const side = f32(anchors[k + 2] - anchors[k]);
  // 1. The centre moves by a share of the anchor's side.
  const centre = f32(f32(anchors[k] + f32(side / 2)) + f32(deltas[k] * side));
  // 2. The side grows by a factor.
  const half = f32(f32(side * f32(Math.exp(Math.min(deltas[k + 2], BBOX_XFORM_CLIP)))) / 2);
  boxes[k] = clamp(centre - half, -FURTHEST, FURTHEST);
  boxes[k + 2] = clamp(centre + half, -FURTHEST, FURTHEST);
}
