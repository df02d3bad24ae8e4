// @ts-check
// Weights: the notebooks' own safetensors files, of float16 or float32. A file may come from anywhere, so nothing in it
// is believed before it has been looked at.
//
// A file is: 8 bytes, how long the header is; the header, JSON {name: {dtype, shape, data_offsets: [from, to]}}; the
// numbers of all tensors. All is little-endian, as is every machine that a browser runs on.

import { fromHalf } from "./half.js";

/** @typedef {{shape: number[], values: Float32Array}} Tensor */
/** @typedef {Map<string, Tensor>} Tensors */

const NUMBER_BYTES = new Map([
  ["F16", 2],
  ["F32", 4],
]);
const MOST_HEADER_BYTES = 1_000_000;

/**
 * @param {ArrayBuffer} file @returns {Tensors}
 * @throws if it is no such file, with a sentence that says why not
 */
export function readSafetensors(file) {
  // 1. The header, if it can be one.
  const headerLength = file.byteLength < 8 ? Infinity : Number(new DataView(file).getBigUint64(0, true));
  if (headerLength > Math.min(file.byteLength - 8, MOST_HEADER_BYTES)) {
    throw new Error(
      `weights: not a safetensors file, or cut off: its header does not fit into ${file.byteLength} bytes`,
    );
  }
  const data = file.slice(8 + headerLength);
  // 2. Every tensor that it names.
  const entries = Object.entries(headerOf(new Uint8Array(file, 8, headerLength)));
  return new Map(
    entries.filter(([name]) => name !== "__metadata__").map(([name, entry]) => [name, readTensor(name, entry, data)]),
  );
}

/** @param {Uint8Array} bytes @returns {object} */
function headerOf(bytes) {
  let header = null;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    // said below
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) {
    throw new Error("weights: not a safetensors file: its header is not a JSON object");
  }
  return header;
}

/** @param {string} name @param {any} entry as the header has it @param {ArrayBuffer} data @returns {Tensor} */
function readTensor(name, entry, data) {
  const { dtype, shape, data_offsets: offsets } = entry ?? {};
  const bytes = NUMBER_BYTES.get(dtype);
  if (!bytes) throw new Error(`weights: ${name} is of ${dtype}, takes F16 or F32`);
  if (!areCounts(shape) || !areCounts(offsets) || offsets.length !== 2) {
    throw new Error(`weights: ${name} has a shape or data_offsets that are not whole numbers`);
  }
  const [from, to] = offsets;
  const needed = shape.reduce((product, length) => product * length, bytes);
  if (to > data.byteLength || to - from !== needed) {
    const takes = `${needed} bytes for [${shape.join(", ")}]`;
    throw new Error(
      `weights: ${name} lies at bytes ${from} to ${to} of ${data.byteLength}, takes ${takes}; is the file cut off?`,
    );
  }
  const numbers = data.slice(from, to);
  return { shape, values: dtype === "F16" ? fromHalf(new Uint16Array(numbers)) : new Float32Array(numbers) };
}

/** @param {any} values @returns {values is number[]} */
const areCounts = (values) => Array.isArray(values) && values.every((n) => Number.isSafeInteger(n) && n >= 0);

/**
 * The tensor of a name, if it has the right shape; 0 in `shape` is any length. @param {Tensors} tensors
 * @param {string} name @param {number[]} shape @returns {Tensor}
 */
export function tensorOf(tensors, name, shape) {
  const tensor = tensors.get(name);
  if (!tensor) throw new Error(`weights: there is no ${name}; are they from another network?`);
  if (tensor.shape.length !== shape.length || shape.some((length, i) => length && length !== tensor.shape[i])) {
    const takes = shape.map((length) => length || "any").join(", ");
    throw new Error(`weights: ${name} has the shape [${tensor.shape.join(", ")}], takes [${takes}]`);
  }
  if (!tensor.values.every(Number.isFinite)) throw new Error(`weights: ${name} is not finite`);
  return tensor;
}
