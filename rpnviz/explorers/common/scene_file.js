// @ts-check
// The objects of a picture of the reader's own as a file: the JSON of data/README.md, which `Picture.open` reads, too. Its
// boxes are in pixels of the picture's file, those of the trait `objects` in pixels of what is shown.

import { clamp } from "./compute/boxes.js";

/** @typedef {import("./compute/boxes.js").Box} Box */
/** @typedef {import("./compute/boxes.js").Size} Size */
/** @typedef {import("./compute/pictures.js").Place} Place */
/** @typedef {import("./objects.js").Drawn} Drawn */

const MIN_VISIBLE_FRACTION = 0.35; // an object hidden more than this is not ground truth, as in pictures.py
const MOST_OBJECTS = 200; // as in rules.py
const LONGEST_NAME = 200;
const MAX_FILE_BYTES = 2 ** 20;

/** @param {Box} box @param {(edge: number, axis: 0 | 1) => number} move axis: 0 is y, as in a Place @param {number[]} limits within which rounding may not lead out @returns {Box} */
const moved = (box, move, [low0, low1, high0, high1]) =>
  /** @type {Box} */ (
    box.map((edge, i) => {
      const axis = i % 2 ? 0 : 1;
      return clamp(move(edge, axis), axis ? low0 : low1, axis ? high0 : high1);
    })
  );

/**
 * Write objects as a file. @param {string} picture name of its file @param {Size} fileSize @param {Drawn[]} objects
 * @param {Place} place where the picture lies in what is shown @returns {string}
 */
export function writeScene(picture, [height, width], objects, place) {
  const { scale, offset } = place;
  const toFile = (/** @type {number} */ edge, /** @type {0 | 1} */ axis) => (edge - offset[axis]) / scale[axis];
  const things = objects.map(({ name, box }) => ({
    name: name || "object",
    visible: moved(box, toFile, [0, 0, width, height]),
    visible_fraction: 1,
  }));
  return `${JSON.stringify({ picture, image_size: [height, width], objects: things }, null, 1)}\n`;
}

/**
 * Read what `writeScene`, or the package's own scenes, say.
 * @param {Blob & {name?: string}} file @param {Size} fileSize of the picture @param {Place} place @returns {Promise<Drawn[]>}
 * @throws with a sentence that names the file and what is wrong with it
 */
export async function readScene(file, fileSize, place) {
  const { scale, offset, size } = place;
  const toShown = (/** @type {number} */ edge, /** @type {0 | 1} */ axis) => edge * scale[axis] + offset[axis];
  const frame = [offset[1], offset[0], offset[1] + size[1], offset[0] + size[0]];
  try {
    if (file.size > MAX_FILE_BYTES) throw new Error("is larger than 1 MiB");
    const things = objectsIn(parsed(await file.text()), fileSize);
    return things.map(({ name, box }) => ({ name, box: moved(box, toShown, frame) }));
  } catch (error) {
    throw new Error(`${file.name || "the file"}: ${error instanceof Error ? error.message : error}`);
  }
}

/** @param {string} text @returns {any} */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("is not JSON");
  }
}

/** @param {any} scene @param {Size} fileSize @returns {Drawn[]} in pixels of the file */
function objectsIn(scene, [height, width]) {
  const things = Array.isArray(scene) ? scene : scene?.objects;
  if (!Array.isArray(things)) throw new Error('takes a list of objects, or one called "objects"');
  if (things.length > MOST_OBJECTS) throw new Error(`has ${things.length} objects, takes up to ${MOST_OBJECTS}`);
  const size = scene.image_size;
  if (size !== undefined && String(size) !== String([height, width])) {
    throw new Error(`is for a picture of ${size?.[1]}×${size?.[0]} pixels, and this one has ${width}×${height}`);
  }
  return things.map((thing, i) => readThing(thing, `objects[${i}]`, [height, width])).filter((one) => one !== null);
}

/** @param {any} thing @param {string} called @param {Size} size @returns {Drawn | null} null: too hidden */
function readThing(thing, called, [height, width]) {
  const { name, visible: box, visible_fraction: fraction } = Object(thing);
  if (typeof name !== "string" || name.length > LONGEST_NAME) {
    throw new Error(`${called} has no name of up to ${LONGEST_NAME} letters`);
  }
  if (typeof fraction !== "number" || !(fraction >= 0 && fraction <= 1)) {
    throw new Error(`${called} has no visible_fraction from 0 to 1`);
  }
  if (box === null || fraction <= MIN_VISIBLE_FRACTION) return null;
  const isBox = Array.isArray(box) && box.length === 4 && box.every(Number.isFinite);
  if (
    !isBox ||
    !(0 <= box[0] && box[0] < box[2] && box[2] <= width && 0 <= box[1] && box[1] < box[3] && box[3] <= height)
  )
    throw new Error(`${called} has no box within ${width}×${height} pixels: visible takes x1, y1, x2, y2`);
  return { name, box: /** @type {Box} */ (box) };
}
