// @ts-check
// What decides over labels and minibatch, and the objects themselves, as controls: folded, below a view.

import { h, slider } from "./elements.js";
import { fixed } from "./format.js";
import { labelRules } from "./label_rules.js";
import { commit } from "./model.js";
import { group } from "./view.js";

/** @typedef {import("./canvas_panel.js").LineStyle} LineStyle */
/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./object_editor.js").ObjectEditor} ObjectEditor */
/** @typedef {import("./view.js").Part<any>} Part */
/** @typedef {{min: number, max: number, step: number, what: string}} Range what: what the trait does */

const SAMPLING_RANGES = /** @type {Record<string, Range>} */ ({
  seed: { min: 0, max: 99, step: 1, what: "another seed, another draw; in training every step draws anew." },
  batch_size_per_image: { min: 16, max: 512, step: 16, what: "how many anchors are drawn in all; 256 in the paper." },
  positive_fraction: {
    ...{ min: 0, max: 1, step: 0.05 },
    what: "at most this share of the minibatch is positive; one half in the paper.",
  },
});

/**
 * The row that edits objects, the rules of labels, the settings of the minibatch; and what a view has besides.
 * @param {{model: Model, store: {styles: Record<string, LineStyle>}}} context @param {ObjectEditor} editor
 * @param {string[]} sampling those of the minibatch's settings that stand here @param {...Part} more columns
 * @returns {Part}
 */
export function foldedSettings(context, editor, sampling, ...more) {
  const { model } = context;
  const rules = labelRules(context);
  const sliders = sampling.map((name) => traitSlider(model, name, SAMPLING_RANGES[name]));
  return group(
    "details",
    { class: "rpnviz-fold", open: editor.open },
    h("summary", {}, "Objects and settings: move them"),
    group(
      "div",
      { class: "rpnviz-setting-columns" },
      settingColumn("objects", { element: editor.bar }),
      settingColumn("labels", { element: rules.element, draw: () => rules.draw?.(rulesOf(model)) }),
      settingColumn("minibatch", ...sliders),
      ...more,
    ),
  );
}

/** @param {string} name @param {...Part} parts @returns {Part} */
export const settingColumn = (name, ...parts) => group("fieldset", {}, h("legend", {}, name), ...parts);

/** @param {Model} model */
const rulesOf = (model) => ({
  ...{ bg: model.get("bg_iou_thresh"), fg: model.get("fg_iou_thresh") },
  ...{ best: model.get("allow_low_quality_matches"), drop: model.get("drop_cross_boundary") },
});

/** A slider that is called as its trait. @param {Model} model @param {string} name @param {Range} range @returns {Part} */
export function traitSlider(model, name, { min, max, step, what }) {
  const format = step < 1 ? fixed : String;
  const onInput = (/** @type {number} */ value) => commit(model, { [name]: value });
  const control = slider({ label: name, min, max, step, what: `${name}: ${what}`, format, onInput });
  return { element: control.element, draw: () => control.set(model.get(name)) };
}
