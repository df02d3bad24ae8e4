// @ts-check
// What decides over labels, minibatch and proposals of the linked explorer, and the objects themselves: folded, below.

import { h, numberField, slider } from "../common/elements.js";
import { fixed } from "../common/format.js";
import { labelRules } from "../common/label_rules.js";
import { commit } from "../common/model.js";
import { group } from "../common/view.js";

/** @typedef {import("../common/object_editor.js").ObjectEditor} ObjectEditor */
/** @typedef {import("./view.js").Context} Context */
/** @typedef {import("./view.js").Part} Part */

/** Trait, least, most, step, what it does. @type {[string, number, number, number, string][]} */
const SLIDERS = [
  ["batch_size_per_image", 16, 512, 16, "how many anchors are drawn in all; 256 in the paper."],
  ["positive_fraction", 0, 1, 0.05, "at most this share of the minibatch is positive; one half in the paper."],
  ["nms_thresh", 0, 1, 0.01, "a box is suppressed if a better kept box overlaps it with an IoU above it."],
];
/** Trait, least, step, what it does. @type {[string, number, string, string][]} */
const FIELDS = [
  ["pre_nms_top_n", 1, "1", "so many of the best scores go into NMS."],
  ["post_nms_top_n", 1, "1", "at most so many proposals come out."],
  ["min_size", 0, "any", "smallest height and width of a box, in px."],
];

/** All settings, and the row that edits objects. @param {Context} context @param {ObjectEditor} editor @returns {Part} */
export function settings(context, editor) {
  const { model } = context;
  const rules = labelRules(context);
  const sliders = SLIDERS.map((one) => traitSlider(context, ...one));
  const fields = FIELDS.map((one) => traitField(context, ...one));
  const column = (/** @type {string} */ name, /** @type {Part[]} */ ...parts) =>
    group("fieldset", {}, h("legend", {}, name), ...parts);
  return group(
    "details",
    { class: "rpnviz-fold" },
    h("summary", {}, "Objects and settings: move them"),
    group(
      "div",
      { class: "rpnviz-setting-columns" },
      column("objects", { element: editor.bar }),
      column("labels", { element: rules.element, draw: () => rules.draw?.(rulesOf(model)) }),
      column("minibatch", sliders[0], sliders[1]),
      column("proposals", sliders[2], ...fields),
    ),
  );
}

/** @param {import("../common/model.js").Model} model */
const rulesOf = (model) => ({
  ...{ bg: model.get("bg_iou_thresh"), fg: model.get("fg_iou_thresh") },
  ...{ best: model.get("allow_low_quality_matches"), drop: model.get("drop_cross_boundary") },
});

/** @param {Context} context @param {string} name @param {number} min @param {number} max @param {number} step @param {string} what @returns {Part} */
function traitSlider({ model }, name, min, max, step, what) {
  const format = step < 1 ? fixed : String;
  const onInput = (/** @type {number} */ value) => commit(model, { [name]: value });
  const control = slider({ label: name, min, max, step, what: `${name}: ${what}`, format, onInput });
  return { element: control.element, draw: () => control.set(model.get(name)) };
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
