// @ts-check
// rpnviz/inspect/convolution.py: one number of a convolution, taken apart.

/** @typedef {ReturnType<typeof oneOutput>} OneOutput */

/**
 * One window of the map times one filter.
 * @param {Float32Array} window [C][3][3], zeros beyond the rim of the map @param {Float32Array} weights [C][3][3]
 * @param {number} bias
 */
export function oneOutput(window, weights, bias) {
  // 2. Multiply: each number with its own weight.
  const products = Float64Array.from(window, (number, i) => number * weights[i]); // [C][3][3]
  // 3. Add: the nine of a channel, then all channels, then the bias.
  const channelSums = Float64Array.from({ length: products.length / 9 }, (_, c) =>
    products.subarray(9 * c, 9 * c + 9).reduce((sum, product) => sum + product, 0),
  );
  const beforeRelu = channelSums.reduce((sum, one) => sum + one, 0) + bias;
  return { products, channelSums, beforeRelu, afterRelu: Math.max(beforeRelu, 0) };
}
