// @ts-check
// What the network makes of one window: 512 numbers, and from them nine scores and 36 deltas. Only the tour shows it.

import { heatImage } from "../common/canvas_panel.js";
import { h, setText } from "../common/elements.js";
import { derived, typed } from "../common/model.js";

/** @typedef {import("./view.js").Context} Context */
/** @typedef {import("./view.js").Moment} Moment */
/** @typedef {import("./view.js").Part} Part */

const ROWS = 8; // of the 512 numbers, laid out as a sheet
const MOST = 1; // a delta of that size fills its bar
const NAMES = ["dx", "dy", "dw", "dh"];

/** @param {Context} context @returns {Part} */
export function outputs(context) {
  const [vector, scores] = [vectorSheet(context), scoreBars(context)];
  const element = h("div", { class: "rpnviz-tour-outputs" }, vector.element, scores.element);
  return {
    element,
    draw(now) {
      element.classList.toggle("rpnviz-unseen", !now.shows.has("vector"));
      if (!now.shows.has("vector")) return;
      vector.draw(now);
      scores.draw(now);
    },
  };
}

/** The 512 numbers at the stop that the tour is about; of other stops the page has not got them. @param {Context} context */
function vectorSheet({ model }) {
  const words = h("figcaption");
  const sheet = h("div", { class: "rpnviz-vector", role: "img", "aria-label": "512 numbers of one stop" });
  const image = derived(
    () => model.get("guide"),
    ({ vector }) => {
      const values = typed(vector, Uint8Array);
      return heatImage(values, ROWS, values.length / ROWS, model.get("look").heat);
    },
  );
  return {
    element: h("figure", {}, words, sheet),
    /** @param {Moment} now */
    draw({ row, col }) {
      const { row: atRow, col: atCol } = model.get("guide").asked;
      const isHere = row === atRow && col === atCol;
      sheet.classList.toggle("rpnviz-off", !isHere);
      if (sheet.firstChild !== image()) sheet.replaceChildren(image());
      const stop = `row ${atRow}, column ${atCol}`;
      setText(words, isHere ? `3×3×512 numbers under the window → 512 numbers` : `The 512 numbers at ${stop}`);
      sheet.setAttribute("aria-label", `512 numbers at ${stop}, bright where large`);
    },
  };
}

/** Live at every stop. @param {Context} context */
function scoreBars({ model, store }) {
  const deltas = derived(
    () => model.get("scene").deltas,
    (sent) => typed(sent, Float32Array),
  );
  const nine = store.scene().shapes.map(() => {
    const [score, bar] = [h("b"), h("i", { class: "rpnviz-score" })];
    const four = NAMES.map((name) => h("i", { class: "rpnviz-delta", title: name }));
    return { score, bar, four, element: h("li", {}, h("span", { class: "rpnviz-score-room" }, bar), score, ...four) };
  });
  const element = h(
    "figure",
    { class: "rpnviz-score-figure" },
    h("figcaption", {}, "→ 9 scores, and 36 deltas: dx dy dw dh of each of nine boxes"),
    h("ol", { class: "rpnviz-scores" }, ...nine.map((one) => one.element)),
  );
  return {
    element,
    /** @param {Moment} now */
    draw(now) {
      element.classList.toggle("rpnviz-unseen", !now.shows.has("outputs"));
      now.nine.forEach((anchor, a) => {
        const [score, { bar, four, score: said }] = [now.scene.score(anchor), nine[a]];
        setText(said, score.toFixed(2));
        bar.style.height = `${100 * score}%`;
        four.forEach((one, k) => setBar(one, within(deltas()[4 * anchor + k])));
      });
    },
  };
}

/** From the middle up, or down. @param {HTMLElement} bar @param {number} part −1 … 1 */
function setBar(bar, part) {
  bar.style.setProperty("--top", `${50 - 50 * Math.max(part, 0)}%`);
  bar.style.setProperty("--height", `${50 * Math.abs(part)}%`);
}

/** @param {number} delta */
const within = (delta) => Math.max(-1, Math.min(1, delta / MOST));
