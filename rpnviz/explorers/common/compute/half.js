// @ts-check
// Numbers of 16 bits, float16: a sign, 5 bits of exponent, 10 of fraction. Float16Array would do it, but is not in every
// browser yet.

/** @param {Uint16Array} halves @returns {Float32Array} */
export function fromHalf(halves) {
  const [table, found] = [halfValues(), new Float32Array(halves.length)];
  for (let i = 0; i < halves.length; i++) found[i] = table[halves[i]];
  return found;
}

let halves = /** @type {Float32Array | null} */ (null);

/** What each of the 65,536 float16 stands for. @returns {Float32Array} */
export function halfValues() {
  halves ??= Float32Array.from({ length: 1 << 16 }, (_, half) => {
    const [sign, exponent, fraction] = [half & 0x8000 ? -1 : 1, (half >> 10) & 31, half & 1023];
    if (exponent === 31) return fraction ? Number.NaN : sign * Infinity;
    return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
  });
  return halves;
}

const SUBNORMAL = -14; // below this exponent, steps stay as wide as they are there

/** Each number's nearest float16, of two the even one, as Tensor.half. @param {Float32Array} values @returns {Uint16Array} */
export function toHalf(values) {
  const found = new Uint16Array(values.length);
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < values.length; i++) {
    const exponent = Math.max(((bits[i] >> 23) & 255) - 127, SUBNORMAL);
    const steps = Math.abs(values[i]) * 2 ** (10 - exponent); // 1,024 to 2,048; fewer if subnormal
    const above = Math.round(steps);
    const nearest = above - steps === 0.5 && above % 2 ? above - 1 : above;
    const half = Math.min((exponent - SUBNORMAL) * 1024 + nearest, 0x7c00); // what is larger is infinite
    found[i] = half | ((bits[i] >>> 16) & 0x8000);
  }
  return found;
}
