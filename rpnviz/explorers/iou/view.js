// @ts-check
// Two boxes on a picture, and their IoU worked out in numbers while they move (notebook 04).

import { planOf } from "../common/anchor_map.js";
import { lineStyles, Panel } from "../common/canvas_panel.js";
import { clamp, pairIou, sharedBox, sides } from "../common/compute/boxes.js";
import { choice, h, OWN_KEYS, setText } from "../common/elements.js";
import { besideThresholds, fixed, pixels, standsTo, thresholdText } from "../common/format.js";
import { commit } from "../common/model.js";
import { movable } from "../common/movable_box.js";
import { loadPhoto } from "../common/photo.js";
import { opensPictures } from "../common/picture_row.js";
import { thresholdLine } from "../common/threshold_line.js";
import { defineView, group } from "../common/view.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {{image_size: [number, number], extent: Box, objects: {name: string, box: Box}[],
 *   shapes: {name: string, width: number, height: number}[]}} Plan */
/** @typedef {ReturnType<typeof readStore>} Store */
/** @typedef {ReturnType<typeof readMoment>} Moment */
/** @typedef {import("../common/view.js").Context<Store>} Context */
/** @typedef {import("../common/view.js").Part<Moment>} Part */

const HINT = "Drag a box by its inside, or a corner. Keys: Tab to a box, arrows move it, Shift + arrows resize it.";
const OWN = "own"; // in a choice: none of what is offered
const STEPS = ["shared width", "shared height", "shared area", "anchor", "object", "union", "IoU"];

export const render = defineView({
  frame: {
    className: "rpnviz-iou",
    label: "Two boxes and their IoU",
    hint: HINT,
    keys: [
      ["← → ↑ ↓ on a box", "move it by two pixels"],
      ["Shift + ← → ↑ ↓ there", "resize it"],
    ],
  },
  traits: ["anchor", "gt", "bg_iou_thresh", "fg_iou_thresh"],
  opens: opensPictures({ network: false, answer: openPicture }),
  store: readStore,
  moment: readMoment,
  parts: (context) => [
    group("figure", {}, picture(context), thresholds(context)),
    group("figure", {}, choices(context), places(context), sumTable(), outcome(context), reason()),
  ],
  say: ({ anchor, gt, sum, label }) => {
    const [a, b] = [anchor, gt].map((box) => sides(box).map(pixels).join("×"));
    return `An anchor of ${a} px and an object of ${b} px: IoU ${fixed(sum.iou, 4)}, ${label}.`;
  },
  worksOut: ({ sum: { intersection, union, iou } }) => ({ intersection, union, iou }),
});

/** As explorer.py's `answer`. @param {import("../common/own_picture.js").Opened} opened */
async function openPicture({ file, get, imageSize }) {
  return { plan: { ...planOf(get("plan"), imageSize), objects: [] }, image: file };
}

/** What stays from drawing to drawing. @param {{model: Model, redraw: () => void}} tools */
function readStore({ model, redraw }) {
  return {
    plan: /** @type {Plan} */ (model.get("plan")),
    styles: lineStyles(model.get("look")),
    photo: loadPhoto(() => model.get("image"), redraw),
  };
}

/** @param {Context} context */
function readMoment({ model }) {
  const [anchor, gt] = ["anchor", "gt"].map((name) => /** @type {Box} */ (model.get(name)));
  const [bg, fg] = ["bg_iou_thresh", "fg_iou_thresh"].map((name) => /** @type {number} */ (model.get(name)));
  const sum = workOut(anchor, gt);
  return { anchor, gt, bg, fg, sum, ...verdict(sum.iou, bg, fg) };
}

/** The IoU with every step that leads to it. @param {Box} a @param {Box} b */
function workOut(a, b) {
  const shared = sharedBox(a, b);
  const [width, height] = sides(shared);
  const intersection = Math.max(width, 0) * Math.max(height, 0);
  const [areaA, areaB] = [a, b].map(sides).map(([w, hgt]) => w * hgt);
  return { shared, width, height, intersection, areaA, areaB, union: areaA + areaB - intersection, iou: pairIou(a, b) };
}

/** Which label the thresholds give, and the comparison that says so. @param {number} iou @param {number} bg @param {number} fg */
export function verdict(iou, bg, fg) {
  const shown = besideThresholds(iou, [bg, fg]);
  const [toLower, toUpper] = [standsTo(iou, bg), standsTo(iou, fg)];
  if (toUpper >= 0) return { label: "positive", why: toUpper ? `${shown} ≥ ${thresholdText(fg)}` : atThreshold(shown) };
  const unless = "unless it is this object's best anchor";
  if (toLower < 0) return { label: "negative", why: `${shown} < ${thresholdText(bg)}, ${unless}` };
  return { label: "ignored", why: `${toLower ? `${shown} lies between` : atThreshold(shown)}, ${unless}` };
}

/** @param {string} iou */
const atThreshold = (iou) => `${iou} is at the threshold`;

/** The picture with both boxes, to be gripped. @param {Context} context @returns {Part} */
function picture({ model, store: { photo, plan, styles }, redraw }) {
  const [height, width] = plan.image_size;
  const panel = new Panel({
    extent: plan.extent,
    className: "rpnviz-picture",
    label: "The picture with two boxes",
    onResize: redraw,
    attributes: { role: "img" },
  });
  const grip = (/** @type {string} */ name, /** @type {string} */ trait, /** @type {string} */ what) =>
    movable({ name, panel, what, get: () => model.get(trait), move: (box) => commit(model, { [trait]: box }) });
  const object = "The object's box, drawn by a person: white. Arrows move it, Shift + arrows resize it.";
  const own = "The anchor, in the colour of its label. Arrows move it, Shift + arrows resize it.";
  const grips = { gt: grip("object", "gt", object), anchor: grip("anchor", "anchor", own) };
  return {
    element: h("div", { class: "rpnviz-two-boxes" }, panel.canvas, grips.gt.element, grips.anchor.element),
    draw({ anchor, gt, bg, fg, sum, label }) {
      const anchorOnTop = sum.areaA <= sum.areaB;
      grips.anchor.place(anchor, anchorOnTop ? 2 : 1);
      grips.gt.place(gt, anchorOnTop ? 1 : 2);
      const bitmap = photo.bitmap;
      if (!panel.begin() || !bitmap) return;
      panel.backdrop("photo", () => panel.image(bitmap, [0, 0, width, height]));
      if (sum.intersection) panel.box(sum.shared, { ...styles[label], width: 0.5 }, { fill: 0.45 });
      panel.box(gt, styles.ground_truth, { strong: true });
      panel.box(anchor, styles[label], { strong: true });
      panel.tags([
        { text: "object", box: gt, style: styles.ground_truth },
        { text: `anchor, IoU ${besideThresholds(sum.iou, [bg, fg])}`, box: anchor, style: styles[label] },
      ]);
    },
    destroy: () => panel.destroy(),
  };
}

/** The line with both thresholds, and where the IoU stands on it. @param {Context} context @returns {Part} */
function thresholds({ model, store: { styles } }) {
  const line = thresholdLine({
    styles,
    onInput: (bg, fg) => commit(model, { bg_iou_thresh: bg, fg_iou_thresh: fg }),
  });
  return {
    element: line.element,
    draw({ bg, fg, sum }) {
      line.set(bg, fg);
      line.mark(sum.iou);
    },
  };
}

/** Which object, and which of the nine shapes. @param {Context} context @returns {Part} */
function choices({ model, store: { plan } }) {
  const { objects, shapes } = plan;
  const entries = (/** @type {{name: string}[]} */ offered, /** @type {string} */ own) => [
    ...offered.map(({ name }, i) => ({ value: String(i), label: name })),
    { value: OWN, label: own },
  ];
  const object = choice({
    label: "object",
    what: "Which object of the picture the anchor is compared with.",
    onChange: (i) => i !== OWN && commit(model, { gt: objects[Number(i)].box }),
  });
  object.fill(entries(objects, "a box of your own"));
  const shape = choice({
    label: "shape of the anchor",
    what: "Give the anchor one of the nine shapes, round the same centre.",
    onChange: (i) => i !== OWN && commit(model, { anchor: reshaped(model.get("anchor"), shapes[Number(i)], plan) }),
  });
  shape.fill(entries(shapes, "a shape of your own"));
  const labels = [h("label", {}, "object ", object.element), h("label", {}, "anchor ", shape.element)];
  return {
    element: h("div", { class: "rpnviz-controls" }, ...labels),
    draw({ anchor, gt }) {
      const [w, hgt] = sides(anchor);
      object.set(indexOrOwn(objects.findIndex(({ box }) => String(box) === String(gt))));
      shape.set(indexOrOwn(shapes.findIndex(({ width, height }) => width === w && height === hgt)));
    },
  };
}

/** @param {number} index */
const indexOrOwn = (index) => (index < 0 ? OWN : String(index));

/**
 * A box of another shape round the same centre, as far as there is room.
 * @param {Box} box @param {{width: number, height: number}} shape @param {Plan} plan @returns {Box}
 */
function reshaped([x1, y1, x2, y2], { width, height }, { extent }) {
  const x = clamp(Math.round((x1 + x2) / 2) - width / 2, extent[0], extent[2] - width);
  const y = clamp(Math.round((y1 + y2) / 2) - height / 2, extent[1], extent[3] - height);
  return [x, y, x + width, y + height];
}

/** Buttons that put the anchor where its IoU is easily worked out. @param {Context} context */
function places({ model, store: { plan } }) {
  const right = plan.image_size[1];
  const shifted = (/** @type {Box} */ [x1, y1, x2, y2], /** @type {number} */ share) => {
    const by = x2 + share * (x2 - x1) <= right ? share * (x2 - x1) : -share * (x2 - x1);
    return [x1 + by, y1, x2 + by, y2];
  };
  const inner = (/** @type {Box} */ [x1, y1, x2, y2]) => {
    const [dx, dy] = [(x2 - x1) / 4, (y2 - y1) / 4];
    return [x1 + dx, y1 + dy, x2 - dx, y2 - dy].map(Math.round);
  };
  const button = (/** @type {string} */ text, /** @type {(gt: Box) => number[]} */ place) =>
    h(
      "button",
      {
        type: "button",
        what: "Put the anchor there; drag on from there.",
        click: () => commit(model, { anchor: place(model.get("gt")) }),
        ...OWN_KEYS,
      },
      text,
    );
  return h(
    "div",
    { class: "rpnviz-controls", role: "group", "aria-label": "Put the anchor" },
    button("same box", (gt) => gt),
    button("half shifted", (gt) => shifted(gt, 0.5)),
    button("a box inside a box", inner),
    button("touching", (gt) => shifted(gt, 1)),
  );
}

/** The sum: what, how, result. One row for each step of the arithmetic. @returns {Part} */
function sumTable() {
  const lines = STEPS.map((name) => {
    const [how, result] = [h("td", { class: "rpnviz-how" }), h("td", { class: "rpnviz-result" })];
    return { how, result, row: h("tr", {}, h("th", { scope: "row" }, name), how, result) };
  });
  return {
    element: h("table", { class: "rpnviz-sum" }, h("tbody", {}, ...lines.map(({ row }) => row))),
    draw: ({ anchor, gt, sum }) =>
      written(anchor, gt, sum).forEach(([how, result], i) => {
        setText(lines[i].how, how);
        setText(lines[i].result, result);
      }),
  };
}

/** How and result of each of STEPS. @param {Box} a @param {Box} b @param {ReturnType<typeof workOut>} sum */
function written(a, b, { width, height, intersection, areaA, areaB, union, iou }) {
  const side = (/** @type {number} */ i) =>
    `min(${pixels(a[i + 2])}, ${pixels(b[i + 2])}) − max(${pixels(a[i])}, ${pixels(b[i])})`;
  const length = (/** @type {number} */ n) => (n < 0 ? `${pixels(n)} → 0` : pixels(n));
  return [
    [side(0), length(width)],
    [side(1), length(height)],
    [`${pixels(Math.max(width, 0))} × ${pixels(Math.max(height, 0))}`, pixels(intersection)],
    [sides(a).map(pixels).join(" × "), pixels(areaA)],
    [sides(b).map(pixels).join(" × "), pixels(areaB)],
    [`${pixels(areaA)} + ${pixels(areaB)} − ${pixels(intersection)}`, pixels(union)],
    [`${pixels(intersection)} / ${pixels(union)}`, fixed(iou, 4)],
  ];
}

/** The label. @param {Context} context @returns {Part} */
function outcome({ store: { styles } }) {
  const element = h("p", { class: "rpnviz-outcome" });
  return {
    element,
    draw({ label }) {
      setText(element, label);
      element.style.borderColor = styles[label].color;
    },
  };
}

/** Why it is this label. @returns {Part} */
function reason() {
  const element = h("p", { class: "rpnviz-outcome-why" });
  return { element, draw: ({ why }) => setText(element, why) };
}
