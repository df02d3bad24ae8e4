// @ts-check
// The objects of the picture as they stand: the trait `objects` (objects.py). A hand changes them by object_editor.js.

import { ownPicture } from "./asking.js";
import { fittedPlace } from "./compute/pictures.js";

/** @typedef {import("./compute/boxes.js").Box} Box */
/** @typedef {import("./model.js").Model} Model */
/** @typedef {{name: string, box: Box}} Drawn */

/** The objects as they stand, told apart: "car", "dog 1", "dog 2". @param {Model} model @returns {Drawn[]} */
export const objectsOf = (model) => toldApart(/** @type {Drawn[]} */ (model.get("objects")));

/** Their names, numbered where there are several of a kind. @param {Drawn[]} objects @returns {Drawn[]} */
function toldApart(objects) {
  const names = objects.map(({ name }) => name || "object");
  return objects.map(({ box }, i) => {
    const several = names.filter((name) => name === names[i]).length > 1;
    return {
      name: several ? `${names[i]} ${names.slice(0, i + 1).filter((n) => n === names[i]).length}` : names[i],
      box,
    };
  });
}

/** Where the picture lies in what is shown; beside a fitted one there is padding. @param {Model} model @param {[number, number]} imageSize @returns {Box} */
export function photoFrame(model, [height, width]) {
  const own = ownPicture(model);
  if (!own) return [0, 0, width, height];
  const { offset, size } = fittedPlace(own.file_size);
  return [offset[1], offset[0], offset[1] + size[1], offset[0] + size[0]];
}
