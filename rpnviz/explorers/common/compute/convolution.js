// @ts-check
// Convolutions and poolings, by the kernel in WebAssembly (tools/kernel/conv.c). This module lays out its memory; the
// modules of the lesson say what is convolved with what.
//
// Numbers come and go as PyTorch has them: a map is [channels][h][w], its values row by row. In the kernel's memory a map
// has its channels innermost and a border of zeros, [h + 2][w + 2][channels]: what one window needs then lies side by side.

import { halved } from "./grid.js";
import { FUSED, SIMD } from "./kernel.js";
import { TILE, turnedWeights } from "./winograd.js";

/** @typedef {import("./boxes.js").Size} Size */
/** @typedef {import("./turns.js").Turn} Turn */
/** @typedef {import("./safetensors.js").Tensor} Tensor */
/** @typedef {(...numbers: number[]) => void} Loop */
/** @typedef {{conv: Loop, winograd: Loop, pool: Loop, memory: WebAssembly.Memory}} Exports */
/** @typedef {{size: number, turned: boolean, inputs: number, outputs: number, filled: number, weights: number, bias: number}} Layer
 *   size × size windows, `turned` for Winograd's way; `filled` are the outputs with those that fill up the last block;
 *   weights and bias are addresses in the memory */
/** @typedef {{buffer: 0 | 1, at: number, channels: number, h: number, w: number}} Place where a map lies in the memory */

export const BLOCK = 8; // output channels that the kernel sums up at a time
const CELLS = 4; // and cells of a row
const STACK = 1 << 16; // bytes at the beginning of the memory that are the kernel's own
const NUMBER = 4; // bytes
const VECTOR = 4; // numbers
const SLICE = 6e8; // multiplications between two turns: twenty milliseconds on a good machine
const FACTORS = 2 ** 20; // that are worked out before they are used: they should not leave the cache

export class Kernel {
  /** @param {WebAssembly.Instance} instance @param {Turn} turn */
  constructor(instance, turn) {
    this.exports = /** @type {Exports} */ (/** @type {unknown} */ (instance.exports));
    this.turn = turn;
    this.end = STACK; // of what is taken
    /** A layer reads a map in one of these and writes the next into the other. */
    this.buffers = [
      { at: 0, count: 0 },
      { at: 0, count: 0 },
    ];
    /** And Winograd's factors lie here. */
    this.factors = { at: 0, count: 0 };
  }

  /**
   * @param {Turn} turn what is awaited between two pieces of work
   * @throws if the browser or the page's policy does not let it run; says so in a sentence
   */
  static async load(turn) {
    return new Kernel(await instantiated(bestBinary()), turn);
  }

  /**
   * Put the weights of a convolution into the order in which the kernel reads them: [block][tap][input][BLOCK].
   * @param {Tensor} weight [outputs, inputs, size, size], or [outputs, inputs] of a linear layer @param {Tensor} bias
   * @returns {Layer}
   */
  layer(weight, bias) {
    const [outputs, inputs, size = 1] = weight.shape;
    const turned = size === 3 && inputs % VECTOR === 0;
    const [values, taps] = turned ? [turnedWeights(weight.values), TILE] : [weight.values, size * size];
    const filled = Math.ceil(outputs / BLOCK) * BLOCK;
    const [weights, biases] = [this.room(filled * inputs * taps), this.room(filled)];
    const to = this.numbers(weights, filled * inputs * taps).fill(0); // outputs that only fill up stay 0
    for (let output = 0, i = 0; output < outputs; output++) {
      const within = output % BLOCK;
      const block = (output - within) * inputs * taps + within;
      for (let input = 0; input < inputs; input++) {
        for (let tap = 0; tap < taps; tap++) to[block + (tap * inputs + input) * BLOCK] = values[i++];
      }
    }
    this.numbers(biases, filled).fill(0).set(bias.values);
    return { size, turned, inputs, outputs, filled, weights, bias: biases };
  }

  /**
   * Bring a map into the memory; a row at a time, which stays in the cache while its channels are put side by side.
   * @param {Float32Array} values [channels][h][w] @param {number} channels @param {Size} size
   */
  put(values, channels, [h, w]) {
    const map = this.blank(0, channels, [h, w]);
    const to = this.numbersOf(map);
    for (let y = 0; y < h; y++) {
      for (let channel = 0; channel < channels; channel++) {
        const [from, at] = [(channel * h + y) * w, ((y + 1) * (w + 2) + 1) * channels + channel];
        for (let x = 0; x < w; x++) to[at + x * channels] = values[from + x];
      }
    }
    return map;
  }

  /** A copy of a map as PyTorch has it. @param {Place} map @param {number} [outputs] the first so many channels */
  take(map, outputs = map.channels) {
    const { h, w, channels } = map;
    const [values, found] = [this.numbersOf(map), new Float32Array(outputs * h * w)];
    for (let y = 0; y < h; y++) {
      for (let channel = 0; channel < outputs; channel++) {
        const [from, to] = [((y + 1) * (w + 2) + 1) * channels + channel, (channel * h + y) * w];
        for (let x = 0; x < w; x++) found[to + x] = values[from + x * channels];
      }
    }
    return found;
  }

  /** A convolution that keeps the map's size, and its ReLU. @param {Place} map @param {Layer} layer @param {boolean} relu */
  async convolve(map, layer, relu) {
    if (map.channels !== layer.inputs) throw new Error(`a map of ${map.channels} channels, takes ${layer.inputs}`);
    if (map.w < CELLS) throw new Error(`a map of ${map.w} columns, takes ${CELLS} at least`);
    const to = this.blank(map.buffer ? 0 : 1, layer.filled, [map.h, map.w]);
    await (layer.turned ? this.byTiles(map, layer, to, relu) : this.byRows(map, layer, to, relu));
    return to;
  }

  /** @param {Place} map @param {Layer} layer @param {Place} to @param {boolean} relu */
  byRows(map, { size, inputs, filled, weights, bias }, to, relu) {
    const work = map.w * inputs * filled * size * size; // of a row
    return this.inSlices(map.h, SLICE / work, (from, until) =>
      this.exports.conv(map.at, weights, bias, to.at, map.w, inputs, filled, size, Number(relu), from, until),
    );
  }

  /**
   * Winograd's way: two rows of the map are a row of tiles. @param {Place} map @param {Layer} layer @param {Place} to
   * @param {boolean} relu
   */
  byTiles({ at, h, w }, { inputs, filled, weights, bias }, to, relu) {
    const across = Math.ceil(w / 2);
    const each = across * TILE * inputs; // factors of a row of tiles
    const rows = Math.max(1, Math.floor(Math.min(SLICE / (each * filled), FACTORS / each)));
    const factors = this.reserve(this.factors, rows * each + CELLS * TILE * inputs).at;
    return this.inSlices(Math.ceil(h / 2), rows, (from, until) =>
      this.exports.winograd(at, weights, bias, to.at, factors, h, w, inputs, filled, Number(relu), from, until),
    );
  }

  /** A 2 × 2 max pooling of what comes from a ReLU. @param {Place} map @param {boolean} ceilMode an odd last row is kept */
  async pool(map, ceilMode) {
    const { channels } = map;
    const to = this.blank(map.buffer ? 0 : 1, channels, [halved(map.h, ceilMode), halved(map.w, ceilMode)]);
    await this.inSlices(to.h, to.h, (from, until) =>
      this.exports.pool(map.at, to.at, map.w, to.w, channels, from, until),
    );
    return to;
  }

  /**
   * A linear layer: of many rows, it is a 1 × 1 convolution of a map that is one row high.
   * @param {Float32Array} rows [K][inputs] @param {Layer} layer @param {boolean} relu
   * @returns {Promise<Float32Array>} [K][outputs]
   */
  async linear(rows, layer, relu) {
    const { inputs, outputs } = layer;
    const count = rows.length / inputs;
    const map = this.blank(0, inputs, [1, Math.max(count, CELLS)]);
    const first = (map.w + 3) * inputs; // behind the border above and the one to the left
    this.numbersOf(map).fill(0).set(rows, first);
    const answer = await this.convolve(map, layer, relu);
    const [from, found] = [this.numbersOf(answer), new Float32Array(count * outputs)];
    for (let row = 0; row < count; row++) {
      const at = (answer.w + 3 + row) * answer.channels;
      found.set(from.subarray(at, at + outputs), row * outputs);
    }
    return found;
  }

  /** @param {number} rows @param {number} slice so many at a time @param {(from: number, until: number) => void} compute */
  async inSlices(rows, slice, compute) {
    const step = Math.max(1, Math.floor(slice));
    for (let from = 0; from < rows; from += step) {
      compute(from, Math.min(from + step, rows));
      await this.turn();
    }
  }

  /** Room for a map whose border is 0. @param {0 | 1} buffer @param {number} channels @param {Size} size @returns {Place} */
  blank(buffer, channels, [h, w]) {
    const row = (w + 2) * channels;
    const beyond = row + channels; // what the last tiles of a map with odd sides read
    const { at } = this.reserve(this.buffers[buffer], (h + 2) * row + beyond);
    const map = { buffer, at, channels, h, w };
    const values = this.numbersOf(map);
    values.fill(0, 0, row).fill(0, (h + 1) * row);
    for (let y = 1; y <= h; y++) {
      values.fill(0, y * row, y * row + channels);
      values.fill(0, (y + 1) * row - channels, (y + 1) * row);
    }
    return map;
  }

  /**
   * A place for so many numbers: the same as before if it is large enough. @param {{at: number, count: number}} place
   * @param {number} count
   */
  reserve(place, count) {
    if (place.count < count) Object.assign(place, { at: this.room(count), count });
    return place;
  }

  /** Take so many numbers of the memory, for good. @param {number} count @returns {number} their address */
  room(count) {
    const { memory } = this.exports;
    const at = this.end;
    this.end += Math.ceil(count / VECTOR) * VECTOR * NUMBER; // the next begins where a vector does
    const missing = this.end - memory.buffer.byteLength;
    if (missing > 0) grow(memory, missing);
    return at;
  }

  /** @param {Place} map with its border */
  numbersOf(map) {
    return this.numbers(map.at, (map.h + 2) * (map.w + 2) * map.channels);
  }

  /** Anew each time: when the memory grows, views of it come loose. @param {number} at @param {number} count */
  numbers(at, count) {
    return new Float32Array(this.exports.memory.buffer, at, count);
  }
}

/** With fused multiply-add if the browser has it; both give the same within rounding. @returns {Uint8Array<ArrayBuffer>} */
export function bestBinary() {
  const known = typeof WebAssembly === "object";
  const found = known && [FUSED, SIMD].map(bytesOf).find((binary) => WebAssembly.validate(binary));
  if (found) return found;
  const since = "Chrome 91, Firefox 89 and Safari 16.4";
  throw new Error(
    `this browser has no WebAssembly SIMD, without which the network would take minutes; browsers have it from ${since} on`,
  );
}

/** @param {string} text base64 @returns {Uint8Array<ArrayBuffer>} */
const bytesOf = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

/** @param {Uint8Array<ArrayBuffer>} binary */
async function instantiated(binary) {
  try {
    return (await WebAssembly.instantiate(binary)).instance;
  } catch (error) {
    const policy =
      "the policy of this page keeps the network from running, which needs 'wasm-unsafe-eval' in script-src";
    throw error instanceof WebAssembly.CompileError ? new Error(policy, { cause: error }) : error;
  }
}

/** @param {WebAssembly.Memory} memory @param {number} bytes */
function grow(memory, bytes) {
  try {
    memory.grow(Math.ceil(bytes / 65536));
  } catch (error) {
    const megabytes = Math.ceil((memory.buffer.byteLength + bytes) / 2 ** 20);
    throw new Error(`the browser does not give the network the ${megabytes} MB that it needs`, { cause: error });
  }
}
