// @ts-check
// Winograd's convolution takes the weights of a 3 × 3 window as 4 × 4: why, and how it goes on, is said in
// tools/kernel/conv.c.

export const TILE = 4 * 4;

/** Along one axis, the weights p, q, r become p, (p + q + r) / 2, (p − q + r) / 2, r. */
const TURN = [
  [1, 0, 0],
  [0.5, 0.5, 0.5],
  [0.5, -0.5, 0.5],
  [0, 0, 1],
];
/** Along both: of each of the 4 × 4, the shares of the 3 × 3. */
const SHARES = TURN.flatMap((alongY) => TURN.map((alongX) => alongY.flatMap((y) => alongX.map((x) => y * x))));

/** @param {Float32Array} values windows of 3 × 3, one after the other @returns {Float32Array} the same windows, 4 × 4 */
export function turnedWeights(values) {
  const found = new Float32Array((values.length / 9) * TILE);
  for (let window = 0, out = 0; window < values.length; window += 9) {
    for (const shares of SHARES) {
      let sum = 0;
      for (let tap = 0; tap < 9; tap++) sum += shares[tap] * values[window + tap];
      found[out++] = sum;
    }
  }
  return found;
}
