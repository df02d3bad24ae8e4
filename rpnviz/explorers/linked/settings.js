// @ts-check
// What decides over labels, minibatch and proposals of the linked explorer, and the objects themselves: folded, below.

import { h, numberField } from "../common/elements.js";
import { commit } from "../common/model.js";
import { foldedSettings, settingColumn, traitSlider } from "../common/settings.js";

/** @typedef {import("../common/object_editor.js").ObjectEditor} ObjectEditor */
/** @typedef {import("./view.js").Context} Context */
/** @typedef {import("./view.js").Part} Part */

const SAMPLING = ["batch_size_per_image", "positive_fraction"]; // the seed stands beside the layers
const NMS_RANGE = {
  ...{ min: 0, max: 1, step: 0.01 },
  what: "a box is suppressed if a better kept box overlaps it with an IoU above it.",
};
/** Trait, least, step, what it does. @type {[string, number, string, string][]} */
const FIELDS = [
  ["pre_nms_top_n", 1, "1", "this many of the best scores go into NMS."],
  ["post_nms_top_n", 1, "1", "at most this many proposals come out."],
  ["min_size", 0, "any", "smallest height and width of a box, in px."],
];

/** All settings, and the row that edits objects. @param {Context} context @param {ObjectEditor} editor @returns {Part} */
export function settings(context, editor) {
  const fields = FIELDS.map((one) => traitField(context, ...one));
  const nms = traitSlider(context.model, "nms_thresh", NMS_RANGE);
  const folded = foldedSettings(context, editor, SAMPLING, settingColumn("proposals", nms, ...fields));
  folded.element.classList.add("rpnviz-loud");
  return folded;
}

/** @param {Context} context @param {string} name @param {number} min @param {string} step @param {string} what @returns {Part} */
function traitField({ model, store }, name, min, step, what) {
  const scene = store.scene();
  const { element: input, set } = numberField({
    name,
    className: "rpnviz-number",
    max: name === "min_size" ? Math.min(scene.frame[2], scene.frame[3]) : scene.size,
    what: `${name}: ${what}`,
    onChange: (value) => commit(model, { [name]: value }),
  });
  Object.assign(input, { min: String(min), step });
  return {
    element: h("label", { class: "rpnviz-setting" }, `${name} `, input),
    draw: () => set(String(model.get(name))),
  };
}
