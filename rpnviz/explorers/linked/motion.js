// @ts-check
// The window slides by itself: along straight ways from cell to cell, at one speed.

import { clamp } from "../common/compute/boxes.js";

/** @typedef {[number, number]} Cell row, col */

const SPEED = 11; // cells a second
const [SHORTEST, LONGEST] = [0.5, 8]; // seconds: a way over all cells takes the longest

/** Whether the reader's system asks for none of it. */
export const isStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** How far one cell is from another. @param {Cell} a @param {Cell} b */
const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);

/** The cell that lies so far along a way. @param {Cell[]} way @param {number} far @returns {Cell} */
export function along(way, far) {
  let left = far;
  for (let i = 1; i < way.length; i++) {
    const length = distance(way[i - 1], way[i]);
    const part = length ? left / length : 1;
    if (part <= 1 && length) {
      const between = (/** @type {0 | 1} */ k) => Math.round(way[i - 1][k] + (way[i][k] - way[i - 1][k]) * part);
      return [between(0), between(1)];
    }
    left -= length;
  }
  return way[way.length - 1];
}

/**
 * Slide along a way.
 * @param {Cell[]} way from its first cell to its last @param {(cell: Cell) => void} onCell
 * @returns {() => void} stops it where it is
 */
export function slide(way, onCell) {
  const length = way.slice(1).reduce((sum, cell, i) => sum + distance(way[i], cell), 0);
  const seconds = clamp(length / SPEED, SHORTEST, LONGEST);
  let start = 0;
  let frame = requestAnimationFrame(function step(now) {
    start ||= now;
    const part = Math.min((now - start) / (1000 * seconds), 1);
    onCell(along(way, part * length));
    if (part < 1) frame = requestAnimationFrame(step);
  });
  return () => cancelAnimationFrame(frame);
}
