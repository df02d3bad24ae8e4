// @ts-check
// The nine anchors of the window's cell as a table: what each is, its label and why, what the network says of it.

import { restyle, swatch } from "../common/canvas_panel.js";
import { h, OWN_KEYS, scroller, setText } from "../common/elements.js";
import { boxText } from "../common/format.js";
import { commit } from "../common/model.js";
import { coverText } from "./cover.js";
import { anchorStyle, iouText } from "./panels.js";

/** @typedef {import("./view.js").Moment} Moment */
/** @typedef {import("./view.js").Context} Context */
/** @typedef {import("./view.js").Part} Part */

/** Heading, share of the width in %, explanation, and what a cell says. @type {[string, number, string, (moment: Moment, a: number) => string][]} */
const COLUMNS = [
  ["scale", 7.8, "Scale: the side of the square of the same area, in pixels of the picture.", () => ""],
  ["h/w", 2.9, "Aspect ratio: height divided by width.", ({ scene }, a) => String(scene.shapes[a].ratio)],
  [
    "box",
    11.8,
    "The anchor's corners x1 y1 x2 y2 in pixels of the picture, never of the feature map.",
    ({ scene, nine }, a) => boxText(scene.anchor(nine[a])),
  ],
  [
    "best IoU",
    10.8,
    "The largest IoU of the anchor (not of the predicted box) with any object, and which object that is.",
    ({ scene, nine }, a) => `${iouText(scene, nine[a])} ${scene.object(nine[a])}`,
  ],
  [
    "label, and why",
    24.9,
    "Positive: IoU at or above the upper threshold (0.7 in the paper), or the best of some object. Negative: below the lower one (0.3) with all. Between: ignored. Border crossers: dropped.",
    ({ scene, nine }, a) => scene.why(nine[a]),
  ],
  [
    "drawn",
    4.4,
    "Was the anchor drawn into this seed's minibatch? Only those count, 256 in the paper, in the loss of a training step.",
    ({ minibatch, nine }, a) => (minibatch?.all.has(nine[a]) ? "yes" : "–"),
  ],
  [
    "score",
    3.9,
    "What the network says: how likely the anchor covers an object. It is ranked by this, never dropped for being background.",
    ({ scene, nine }, a) => scene.score(nine[a]).toFixed(2),
  ],
  [
    "decoded box",
    11.6,
    "The anchor moved and stretched by its four deltas, then clipped to the picture.",
    ({ scene, nine }, a) => boxText(scene.decoded(nine[a])),
  ],
  [
    "fate",
    21.9,
    "Where the decoded box ends: too small, below the top scores, suppressed by a better box at NMS, or a proposal. While a part of the picture is covered: its score before and now.",
    ({ scene, nine, cover }, a) => (cover ? coverText(scene.score(nine[a]), cover, nine[a]) : scene.fate(nine[a])),
  ],
];

/** @type {[string, number, string][]} heading, columns it spans, explanation */
const GROUPS = [
  ["the anchor", 3, "An anchor is a reference box: the same nine at every position, whatever the picture shows."],
  [
    "training: its label",
    3,
    "Training branch: compare the anchor with the objects. No network output and no NMS in it.",
  ],
  [
    "proposals: what the network makes of it",
    3,
    "Proposal branch: score and move all anchors, then choose. No label in it.",
  ],
];

/** Mouse or focus on a row makes its anchor stand out; a click keeps it so. @param {Context} context @returns {Part} */
export function anchorTable(context) {
  const rows = context.store.scene().shapes.map((_, a) => anchorRow(context, a));
  const buttons = rows.map(({ button }) => button);
  const walk = (/** @type {KeyboardEvent} */ event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const at = buttons.indexOf(event.target);
    if (!step || !buttons[at + step]) return;
    event.preventDefault();
    buttons[at].tabIndex = -1;
    buttons[at + step].tabIndex = 0;
    buttons[at + step].focus();
  };
  const table = h(
    "table",
    {
      class: "rpnviz-table",
      "aria-label": "The nine anchors of this position",
      keydown: walk,
      pointerleave: () => context.set({ hot: -1 }),
    },
    h("colgroup", {}, ...COLUMNS.map(([, width]) => h("col", { style: { width: `${width}%` } }))),
    h(
      "thead",
      {},
      h("tr", {}, ...GROUPS.map(([text, colspan, what]) => h("th", { colspan, scope: "colgroup", what }, text))),
      h("tr", {}, ...COLUMNS.map(([text, , what]) => h("th", { scope: "col", what }, text))),
    ),
    h("tbody", {}, ...rows.map((row) => row.element)),
  );
  return {
    element: scroller("table of the nine anchors", "rpnviz-loud", table),
    draw: (now) => rows.forEach((row) => row.draw(now)),
  };
}

/** One of the nine. @param {Context} context @param {number} a */
function anchorRow({ model, store, set }, a) {
  const { scale, ratio } = store.scene().shapes[a];
  const line = swatch(store.styles.positive);
  const onSelect = () => commit(model, { selected: model.get("selected") === a ? -1 : a });
  const attributes = {
    type: "button",
    tabindex: a ? -1 : 0,
    "aria-label": `${scale} px, ratio ${ratio}`,
    focus: () => set({ hot: a }),
    blur: () => set({ hot: -1 }),
    click: onSelect,
    ...OWN_KEYS,
  };
  const button = h("button", attributes, line, `${scale} px`);
  const cells = COLUMNS.slice(1).map(() => h("td"));
  const onRow = {
    pointerenter: () => set({ hot: a }),
    click: (/** @type {Event} */ event) => button.contains(event.target) || onSelect(),
  };
  const element = h("tr", onRow, h("th", { scope: "row" }, button), ...cells);
  return {
    ...{ button, element },
    /** @param {Moment} now */
    draw(now) {
      const style = anchorStyle(now, a);
      if (line.dataset.style !== style.color + style.dash) restyle(line, style);
      line.dataset.style = style.color + style.dash;
      line.style.visibility = now.layers.has("labels") ? "" : "hidden"; // without labels all nine have one line
      cells.forEach((cell, k) => setText(cell, COLUMNS[k + 1][3](now, a)));
      element.classList.toggle("rpnviz-hot", a === now.strong);
      button.setAttribute("aria-pressed", String(a === now.selected));
    },
  };
}
