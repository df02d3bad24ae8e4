// @ts-check
// What the views with a map of all anchors show (labelled.py, HasAnchorMap): where each anchor lies, and its label.

import { anchorGeometry, shapePlan } from "./anchor_map.js";
import { foldedShapes, SHAPES, shapesOf } from "./anchor_shapes.js";
import { cellAnchors } from "./compute/anchors.js";
import { boxAt, pairIou } from "./compute/boxes.js";
import { anchorsOf, LABEL_RULES, labelling } from "./labelling.js";
import { commit, derived, watch } from "./model.js";

/** @typedef {import("./anchor_map.js").GridPlan & {map_strength: Record<string, number>}} MapPlan strength: how much of its colour a label shows */
/** @typedef {import("./model.js").Model} Model */

/** The traits that decide. */
export const MAP_SETTINGS = [...LABEL_RULES, ...SHAPES, "objects", "selected"];

/** The plan; geometry and labels as the traits stand. @param {Model} model */
export function labelMap(model) {
  const plan = /** @type {MapPlan} */ (model.get("plan"));
  const geometry = derived(
    () => JSON.stringify(SHAPES.map((name) => model.get(name))),
    () => anchorGeometry({ ...plan, ...shapePlan(...shapesOf(model)) }),
  );
  const anchors = derived(geometry, () => anchorsOf(plan, cellAnchors(...shapesOf(model))));
  return { plan, geometry, labelled: labelling(model, anchors, plan.image_size) };
}

/** The anchor that is selected; the last, where a link names one that there is not. @param {Model} model @param {number} count */
export const selectedOf = (model, count) => Math.min(model.get("selected"), count - 1);

/**
 * The anchor of the same cell that is most like the selected one, of other scales and ratios.
 * @param {Model} model @param {import("./anchor_map.js").Geometry} geometry @param {number[]} scales @param {number[]} ratios
 */
function likeSelected(model, { columns, count, place }, scales, ratios) {
  const { row, col, a } = place(selectedOf(model, count));
  const before = boxAt(cellAnchors(...shapesOf(model)), a);
  const ious = shapePlan(scales, ratios).cells.map((cell) => pairIou(before, cell));
  return (row * columns + col) * ious.length + ious.indexOf(Math.max(...ious));
}

/** Keep an anchor selected where there are fewer than before. @param {Model} model @param {() => {count: number}} geometry */
export const keepSelected = (model, geometry) =>
  watch(model, SHAPES, () => {
    const last = selectedOf(model, geometry().count);
    if (last !== model.get("selected")) commit(model, { selected: last });
  });

/**
 * The controls of scales and ratios; the anchor that is shown stays where it is.
 * @param {{model: Model, store: {geometry: () => import("./anchor_map.js").Geometry}}} context
 */
export const mapShapes = ({ model, store }) =>
  foldedShapes({ model }, (...given) => ({ selected: likeSelected(model, store.geometry(), ...given) }));
