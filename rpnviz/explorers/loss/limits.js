// @ts-check
// How far an answer may be moved, worked out once a picture: as loss/limits.py, where it is explained. Order everywhere:
// logit, dx, dy, dw, dh.

import { insidePicture } from "../common/compute/anchors.js";

/** @typedef {import("../common/compute/boxes.js").Size} Size */
/** @typedef {number[][]} Rows some of five numbers */

const [LOW, HIGH] = [
  [-10, -2, -2, -3, -3],
  [10, 2, 2, 5, 5],
];
const SMALLEST = 1; // px: a side of an object

/**
 * @param {Float32Array} objectness [N] @param {Float32Array} predBboxDeltas [N, 4] @param {Float32Array} anchors [N, 4]
 * @param {Size} imageSize
 */
export function findLimits(objectness, predBboxDeltas, anchors, imageSize) {
  const answers = Array.from(objectness, (logit, i) => [logit, ...predBboxDeltas.subarray(4 * i, 4 * i + 4)]);
  const inside = insidePicture(anchors, imageSize);
  const [low, high] = hull([LOW, HIGH, ...answers.filter((_, i) => inside[i])]);
  const [least, most] = hull([low, high, ...answers, ...targets(anchors, imageSize)]);
  return { low, high, least, most };
}

/** No target of an object that overlaps its anchor lies beyond these. @param {Float32Array} anchors @param {Size} imageSize @returns {Rows} */
function targets(anchors, [height, width]) {
  const room = [width, height];
  const sides = [0, 1].map((axis) => {
    let [smallest, largest] = [Infinity, 0];
    for (let i = axis; i < anchors.length; i += 4) {
      const side = anchors[i + 2] - anchors[i];
      [smallest, largest] = [Math.min(smallest, side), Math.max(largest, side)];
    }
    return { smallest, largest };
  });
  const shift = sides.map(({ smallest }, axis) => (room[axis] / smallest + 1) / 2); // two boxes that touch
  const shrunk = sides.map(({ largest }) => Math.log(SMALLEST / largest));
  const grown = sides.map(({ smallest }, axis) => Math.log(room[axis] / smallest));
  return [
    [0, ...shift.map((most) => -most), ...shrunk],
    [0, ...shift, ...grown],
  ];
}

/** The least and the most of each column, in whole numbers. @param {Rows} rows @returns {[number[], number[]]} */
function hull(rows) {
  const [lows, highs] = [[...rows[0]], [...rows[0]]];
  for (const row of rows) {
    row.forEach((value, k) => {
      lows[k] = Math.min(lows[k], value);
      highs[k] = Math.max(highs[k], value);
    });
  }
  return [lows.map(Math.floor), highs.map(Math.ceil)];
}
