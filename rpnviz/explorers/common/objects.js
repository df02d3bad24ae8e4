// @ts-check
// The objects of the picture as they stand: the trait `objects` (objects.py). A hand changes them by object_editor.js.

/** @typedef {import("./compute/boxes.js").Box} Box */
/** @typedef {import("./model.js").Model} Model */
/** @typedef {{name: string, box: Box}} Drawn */

/** The objects as they stand, told apart: "car", "dog 1", "dog 2". @param {Model} model @returns {Drawn[]} */
export const objectsOf = (model) => numbered(/** @type {Drawn[]} */ (model.get("objects")));

/** @param {Drawn[]} objects @returns {Drawn[]} */
function numbered(objects) {
  const names = objects.map(({ name }) => name || "object");
  return objects.map(({ box }, i) => {
    const several = names.filter((name) => name === names[i]).length > 1;
    return {
      name: several ? `${names[i]} ${names.slice(0, i + 1).filter((n) => n === names[i]).length}` : names[i],
      box,
    };
  });
}
