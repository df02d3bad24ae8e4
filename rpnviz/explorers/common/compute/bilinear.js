// @ts-check
// PyTorch's `F.interpolate(x, size, mode="bilinear", antialias=True)` of one channel. Each number is rounded to float32
// where PyTorch has a float: with doubles the input would differ in the fourth digit.

/** @typedef {import("./boxes.js").Size} Size */
/** @typedef {{first: number, weights: Float32Array}} Taps the source values that make one value, and how much each counts */

const f = Math.fround;

/** Of each target value. @param {number} from @param {number} to sides of the two @returns {Taps[]} */
function tapsOf(from, to) {
  const scale = f(from / to);
  const reach = Math.max(scale, 1); // made smaller, all of the source has to count
  const narrowed = f(1 / reach);
  return Array.from({ length: to }, (_, i) => {
    const centre = f(scale * (i + 0.5));
    const first = Math.max(Math.trunc(f(centre - reach) + 0.5), 0);
    const last = Math.min(Math.trunc(f(centre + reach) + 0.5), from);
    const weights = Float32Array.from({ length: last - first }, (_, k) =>
      Math.max(1 - Math.abs(f((f(k + first - centre) + 0.5) * narrowed)), 0),
    );
    const sum = weights.reduce((total, weight) => f(total + weight), 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

/**
 * Along x, then along y. @param {Float32Array} values [height][width] @param {Size} from @param {Size} to
 * @returns {Float32Array} [h][w]
 */
export function resizeBilinear(values, [height, width], [h, w]) {
  const narrow = width === w ? values : resizeLines(values, { lines: height, from: width, to: w, step: 1 });
  return height === h ? narrow : resizeLines(narrow, { lines: 1, from: height, to: h, step: w });
}

/**
 * Lines of `from` points become lines of `to`; a point is `step` numbers side by side. So a row of pixels is a line whose
 * points are numbers, and a whole picture is a line whose points are rows.
 * @param {Float32Array} values @param {{lines: number, from: number, to: number, step: number}} what
 */
function resizeLines(values, { lines, from, to, step }) {
  const found = new Float32Array(lines * to * step);
  for (const [i, { first, weights }] of tapsOf(from, to).entries()) {
    for (let line = 0; line < lines; line++) {
      const [at, out] = [(line * from + first) * step, (line * to + i) * step];
      for (let n = 0; n < step; n++) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum = f(sum + values[at + k * step + n] * weights[k]);
        found[out + n] = sum;
      }
    }
  }
  return found;
}
