// @ts-check
// The nine anchors of the window's cell as a table: what each is, its label and why, what the network says of it.

import { restyle, swatch } from "../common/canvas_panel.js";
import { h, OWN_KEYS, setText } from "../common/elements.js";
import { besideThresholds, boxText } from "../common/format.js";
import { anchorStyle } from "./panels.js";

/** @typedef {import("./panels.js").Moment} Moment */

/** Heading, share of the width in %, explanation, and what a cell says. @type {[string, number, string, (moment: Moment, a: number) => string][]} */
const COLUMNS = [
  ["scale", 7.8, "Scale: the side of the square of the same area, in pixels of the picture.", () => ""],
  ["h/w", 2.9, "Aspect ratio: height divided by width.", ({ scene }, a) => String(scene.shapes[a].ratio)],
  [
    "box",
    12.2,
    "The anchor's corners x1 y1 x2 y2 in pixels of the picture, never of the feature map.",
    ({ scene, nine }, a) => boxText(scene.anchor(nine[a])),
  ],
  [
    "best IoU",
    10.8,
    "The largest IoU of the anchor (not of the predicted box) with any object, and which object that is.",
    ({ scene, nine }, a) => `${besideThresholds(scene.iou(nine[a]))} ${scene.object(nine[a])}`,
  ],
  [
    "label, and why",
    24.1,
    "Positive: IoU ≥ 0.7, or the best of some object. Negative: < 0.3 with all. Between: ignored. Border crossers: dropped.",
    ({ scene, nine }, a) => scene.why(nine[a]),
  ],
  [
    "in 256",
    4.4,
    "Was the anchor drawn into this seed's minibatch? Only those 256 count in the loss of a training step.",
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
    12.0,
    "The anchor moved and stretched by its four deltas, then clipped to the picture.",
    ({ scene, nine }, a) => boxText(scene.decoded(nine[a])),
  ],
  [
    "fate",
    21.9,
    "Where the decoded box ends: too small, below the top 6,000, suppressed by a better box at NMS, or a proposal.",
    ({ scene, nine }, a) => scene.fate(nine[a]),
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

/**
 * @param {{shapes: {scale: number, ratio: number}[], style: import("../common/canvas_panel.js").LineStyle,
 *   onHot: (a: number) => void, onSelect: (a: number) => void}} options
 *   onHot: mouse or focus is on a row (−1: on none); onSelect: a row was clicked
 */
export function anchorTable({ shapes, style, onHot, onSelect }) {
  const rows = shapes.map(({ scale, ratio }, a) => {
    const line = swatch(style);
    const button = h(
      "button",
      {
        type: "button",
        tabindex: a ? -1 : 0,
        "aria-label": `${scale} px, ratio ${ratio}`,
        focus: () => onHot(a),
        blur: () => onHot(-1),
        click: () => onSelect(a),
        ...OWN_KEYS,
      },
      line,
      `${scale} px`,
    );
    const cells = COLUMNS.slice(1).map(() => h("td"));
    const onRow = {
      pointerenter: () => onHot(a),
      click: (/** @type {Event} */ e) => button.contains(e.target) || onSelect(a),
    };
    return { line, button, cells, element: h("tr", onRow, h("th", { scope: "row" }, button), ...cells) };
  });

  const walk = (/** @type {KeyboardEvent} */ event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const at = rows.findIndex(({ button }) => button === event.target);
    if (!step || !rows[at + step]) return;
    event.preventDefault();
    rows[at].button.tabIndex = -1;
    rows[at + step].button.tabIndex = 0;
    rows[at + step].button.focus();
  };
  const element = h(
    "table",
    {
      class: "rpnviz-table",
      "aria-label": "The nine anchors of this position",
      keydown: walk,
      pointerleave: () => onHot(-1),
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

  /** @param {Moment} moment @param {number} selected */
  const update = (moment, selected) => {
    rows.forEach(({ line, button, cells, element: row }, a) => {
      const style = anchorStyle(moment, a);
      if (line.dataset.style !== style.color + style.dash) restyle(line, style);
      line.dataset.style = style.color + style.dash;
      cells.forEach((cell, k) => setText(cell, COLUMNS[k + 1][3](moment, a)));
      row.classList.toggle("rpnviz-hot", a === moment.strong);
      button.setAttribute("aria-pressed", String(a === selected));
    });
  };
  return { element, update };
}
