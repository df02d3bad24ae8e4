// @ts-check
// Scales and ratios of one's own: as text fields, and what is wrong with them (anchor_shapes.py says it in the same words).

import { ASPECT_RATIOS, cellAnchors, SCALES } from "./compute/anchors.js";
import { h, OWN_KEYS, setText } from "./elements.js";
import { commit } from "./model.js";
import { group } from "./view.js";

/** @typedef {import("./model.js").Model} Model */

/** The traits that decide. */
export const SHAPES = ["scales", "aspect_ratios"];
const LIMITS = /** @type {Record<string, [number, number]>} */ ({ scales: [4, 2000], aspect_ratios: [0.05, 20] });
const MOST_ANCHORS = 24; // of a cell

/** What is wrong with scales and ratios, in Python's words; "" if nothing is. @param {number[]} scales @param {number[]} ratios */
export function refusal(scales, ratios) {
  const lists = Object.entries({ scales, aspect_ratios: ratios });
  for (const [name, values] of lists) {
    const [low, high] = LIMITS[name];
    const odd = values.find((value) => !(value >= low && value <= high));
    if (odd !== undefined) return `${name}: got ${odd}, takes numbers from ${low} to ${high}`;
    if (!values.length) return `${name} must be one or more numbers`;
  }
  const count = scales.length * ratios.length;
  if (count > MOST_ANCHORS) return `scales × aspect_ratios: got ${count}, takes at most ${MOST_ANCHORS}`;
  const flat = cellAnchors(scales, ratios).some((edge) => edge === 0);
  return flat ? "scales with aspect_ratios: one rounds to a box without area" : "";
}

/** The two lists; the paper's, where a link asks for what nobody can draw. @param {Pick<Model, "get">} model @returns {[number[], number[]]} */
export function shapesOf(model) {
  const [scales, ratios] = SHAPES.map((name) => /** @type {number[]} */ (model.get(name)));
  return refusal(scales, ratios) ? [SCALES, ASPECT_RATIOS] : [scales, ratios];
}

/**
 * The two fields and the line for a slip of the hand, which stays in its field, to be mended.
 * @param {(taken: {scales: number[], aspect_ratios: number[]}) => void} onTake
 */
export function shapeFields(onTake) {
  const slip = h("p", { class: "rpnviz-slip", role: "alert" });
  const take = () => {
    const lists = fields.map(({ value }) => parse(value));
    const wrong = fields.findIndex((_, i) => lists[i].some(Number.isNaN));
    const problem =
      wrong < 0
        ? refusal(lists[0], lists[1])
        : `${fields[wrong].name}: got ${fields[wrong].value}, takes numbers separated by commas`;
    setText(slip, problem);
    if (!problem) onTake({ scales: lists[0], aspect_ratios: lists[1] });
  };
  const fields = numberLists(take);
  const row = (/** @type {string} */ text, /** @type {Element} */ field) => h("label", {}, h("span", {}, text), field);
  return {
    rows: [row("scales, px", fields[0]), row("ratios h/w", fields[1])],
    slip,
    forgive: () => setText(slip, ""),
    /** @param {number[]} scales @param {number[]} ratios [] where there are none */
    write: (scales, ratios) => [scales, ratios].forEach((list, i) => (fields[i].value = list.join(", "))),
  };
}

/** "128, 256 512" → three numbers; NaN for what is none. @param {string} text */
const parse = (text) =>
  text
    .split(/[\s,]+/)
    .filter(Boolean)
    .map(Number);

/** The text fields of scales and ratios. @param {() => void} onChange @returns {HTMLInputElement[]} */
function numberLists(onChange) {
  const field = (/** @type {string} */ name, /** @type {string} */ what) =>
    h("input", {
      ...{ type: "text", name, what, "aria-label": name, class: `rpnviz-${name}`, spellcheck: "false", ...OWN_KEYS },
      change: onChange,
      keydown: (/** @type {KeyboardEvent} */ event) => event.stopPropagation(), // else JupyterLab takes Enter: no change
    });
  return [
    field("scales", "√area of the anchors in pixels of the picture, separated by commas; press Enter."),
    field("aspect_ratios", "height / width, separated by commas; then press Enter."),
  ];
}

/**
 * The fields below a view, folded.
 * @param {{model: Model}} context @param {(scales: number[], ratios: number[]) => Record<string, any>} along other traits that change with them
 * @returns {import("./view.js").Part<any>}
 */
export function foldedShapes({ model }, along) {
  const take = (/** @type {number[]} */ scales, /** @type {number[]} */ ratios) =>
    commit(model, { scales, aspect_ratios: ratios, ...along(scales, ratios) });
  const fields = shapeFields(({ scales, aspect_ratios: ratios }) => take(scales, ratios));
  const back = () => {
    fields.forgive(); // also where nothing but the text in a field is another
    fields.write(SCALES, ASPECT_RATIOS);
    take(SCALES, ASPECT_RATIOS);
  };
  const what = "The nine anchors of the paper again.";
  const papers = h("button", { type: "button", what, click: back, ...OWN_KEYS }, "the paper's nine");
  const rows = h("div", { class: "rpnviz-asking" }, ...fields.rows, h("div", {}, papers), fields.slip);
  let shown = ""; // what is being typed is not written over before there is something else
  return group("details", { class: "rpnviz-fold" }, h("summary", {}, "Anchors: scales and ratios"), {
    element: rows,
    draw() {
      const [scales, ratios] = shapesOf(model);
      const now = JSON.stringify([scales, ratios]);
      if (now === shown) return;
      shown = now;
      fields.forgive();
      fields.write(scales, ratios);
    },
  });
}
