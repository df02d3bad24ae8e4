// @ts-check
// Numbers in words: one way to write each kind. Minus signs are true ones.

/** @typedef {import("./compute/boxes.js").Box} Box */

const MOST_DIGITS = 20; // an IoU of 2e-8 is above a threshold of 0

/** 21600 → "21,600". @param {number} n */
export const thousands = (n) => String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ",");

/** −0.5 → "−0.50", and never "−0.00". @param {number} value @param {number} [digits] */
export const fixed = (value, digits = 2) =>
  value
    .toFixed(digits)
    .replace(/^-(?=0\.?0*$)/, "")
    .replace("-", "−");

/**
 * An IoU or a score beside thresholds: two digits, or as many as it takes to stand where the number stands. 0.2999 is
 * no "0.30" beside 0.3, and only a threshold itself reads like it.
 * @param {number} value @param {number[]} [thresholds]
 */
export function besideThresholds(value, thresholds = [0.3, 0.7]) {
  for (let digits = 2; digits <= MOST_DIGITS; digits++) {
    const text = value.toFixed(digits);
    if (thresholds.every((threshold) => standsTo(value, threshold) === standsTo(Number(text), threshold))) return text;
  }
  return String(value);
}

/** −1 below, 0 at, 1 above; numbers that come as float32 are at what float32 makes of the threshold. @param {number} value @param {number} threshold */
export const standsTo = (value, threshold) => Math.sign(Math.fround(value) - Math.fround(threshold));

/** A threshold: 0.3 → "0.30", 0.305 → "0.305". @param {number} value */
export const thresholdText = (value) => (Number(value.toFixed(2)) === value ? value.toFixed(2) : String(value));

/** Edges in whole pixels: "12 40 194 130". @param {Box} box */
export const boxText = (box) => box.map((edge) => fixed(edge, 0)).join(" ");

/** Half pixels are shown, whole ones without a point. @param {number} n */
export const pixels = (n) =>
  (n < 0 ? "−" : "") + (Number.isInteger(n) ? thousands(Math.abs(n)) : Math.abs(n).toFixed(Math.abs(n) < 1000 ? 1 : 0));
