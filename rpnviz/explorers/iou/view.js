// @ts-check
// Two boxes on a picture, and their IoU worked out in numbers while they move (notebook 04).

import { lineStyles, Panel } from "../common/canvas_panel.js";
import { clamp } from "../common/compute/boxes.js";
import { choice, h, OWN_KEYS, setText } from "../common/elements.js";
import { frame } from "../common/explorer_frame.js";
import { commit, scheduler, typed, watch } from "../common/model.js";
import { movable, number, size } from "../common/movable_box.js";
import { thresholdLine } from "../common/threshold_line.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/model.js").Model} Model */

/**
 * The one computation that the page does itself, to keep up with the hand. A test holds it against boxes.box_iou.
 * @param {Box} a @param {Box} b
 */
export function workOut(a, b) {
  const [width, height] = [0, 1].map((axis) => Math.min(a[axis + 2], b[axis + 2]) - Math.max(a[axis], b[axis]));
  const intersection = Math.max(width, 0) * Math.max(height, 0);
  const [areaA, areaB] = [a, b].map((box) => (box[2] - box[0]) * (box[3] - box[1]));
  const union = areaA + areaB - intersection;
  return { width, height, intersection, areaA, areaB, union, iou: union > 0 ? intersection / union : 0 };
}

/** @param {Box} gt @param {number} right the picture's right edge @returns {Record<string, {label: string, box: Box}>} */
function presets(gt, right) {
  const [w, hgt] = size(gt);
  const moved = (/** @type {number} */ share) => {
    const by = gt[2] + share * w <= right ? share * w : -share * w;
    return /** @type {Box} */ ([gt[0] + by, gt[1], gt[2] + by, gt[3]]);
  };
  const inner = /** @type {Box} */ ([gt[0] + w / 4, gt[1] + hgt / 4, gt[2] - w / 4, gt[3] - hgt / 4].map(Math.round));
  return {
    same: { label: "same box", box: gt },
    half: { label: "half shifted", box: moved(0.5) },
    inside: { label: "a box inside a box", box: inner },
    touching: { label: "touching", box: moved(1) },
  };
}

/** The sum as a table: what, how, result. One row for each step of the arithmetic. */
function sumTable() {
  const rows = Object.fromEntries(
    ["shared width", "shared height", "shared area", "anchor", "object", "union", "IoU"].map((name) => {
      const [how, result] = [h("td", { class: "rpnviz-how" }), h("td", { class: "rpnviz-result" })];
      return [name, { row: h("tr", {}, h("th", { scope: "row" }, name), how, result), how, result }];
    }),
  );
  const put = (/** @type {string} */ name, /** @type {string} */ how, /** @type {string} */ result) => {
    setText(rows[name].how, how);
    setText(rows[name].result, result);
  };
  return {
    element: h("table", { class: "rpnviz-sum" }, h("tbody", {}, ...Object.values(rows).map(({ row }) => row))),
    /** @param {Box} a @param {Box} b @param {ReturnType<typeof workOut>} sum */
    show(a, b, sum) {
      const side = (/** @type {number} */ i) =>
        `min(${number(a[i + 2])}, ${number(b[i + 2])}) − max(${number(a[i])}, ${number(b[i])})`;
      const length = (/** @type {number} */ n) => (n < 0 ? `${number(n)} → 0` : number(n));
      put("shared width", side(0), length(sum.width));
      put("shared height", side(1), length(sum.height));
      put(
        "shared area",
        `${number(Math.max(sum.width, 0))} × ${number(Math.max(sum.height, 0))}`,
        number(sum.intersection),
      );
      put("anchor", size(a).map(number).join(" × "), number(sum.areaA));
      put("object", size(b).map(number).join(" × "), number(sum.areaB));
      put("union", `${number(sum.areaA)} + ${number(sum.areaB)} − ${number(sum.intersection)}`, number(sum.union));
      put("IoU", `${number(sum.intersection)} / ${number(sum.union)}`, sum.iou.toFixed(4));
    },
  };
}

/** Which label the thresholds give, and the comparison that says so. @param {number} iou @param {number} bg @param {number} fg */
function verdict(iou, bg, fg) {
  const shown = iou.toFixed(2);
  if (iou >= fg) return { label: "positive", why: `${shown} ≥ ${fg.toFixed(2)}` };
  if (iou < bg)
    return { label: "negative", why: `${shown} < ${bg.toFixed(2)}, unless it is this object's best anchor` };
  return { label: "ignored", why: `${shown} lies between, unless it is this object's best anchor` };
}

const HINT = "Drag a box by its inside, or a corner. Keys: Tab to a box, arrows move it, Shift + arrows resize it.";

/** @param {{model: Model, el: HTMLElement}} context */
export async function render({ model, el }) {
  const {
    image_size: [pictureHeight, pictureWidth],
    extent,
    objects,
    shapes,
  } = model.get("plan");
  const styles = lineStyles(model.get("look"));
  const photo = await createImageBitmap(new Blob([typed(model.get("image"), Uint8Array)]));
  const page = frame(
    { model, el },
    {
      className: "rpnviz-iou",
      label: "Two boxes and their IoU",
      hint: HINT,
      keys: [
        ["← → ↑ ↓ on a box", "move it by two pixels"],
        ["Shift + ← → ↑ ↓ there", "resize it"],
      ],
    },
  );
  const border = /** @type {Box} */ ([0, 0, pictureWidth, pictureHeight]);
  const boxOf = (/** @type {string} */ name) => /** @type {Box} */ (model.get(name));

  /** @param {Record<string, any>} values */
  const change = (values) => {
    const { anchor = boxOf("anchor"), gt = boxOf("gt") } = values;
    const { intersection, union, iou } = workOut(anchor, gt);
    commit(model, { ...values, worked_out: { intersection, union, iou } });
  };

  const panel = new Panel({
    extent,
    className: "rpnviz-picture",
    label: "The picture with two boxes",
    onResize: () => draw(),
    attributes: { role: "img" },
  });
  const grips = {
    gt: movable({
      name: "object",
      panel,
      get: () => boxOf("gt"),
      move: (gt) => change({ gt }),
      what: "The object's box, drawn by a person: white. Arrows move it, Shift + arrows resize it.",
    }),
    anchor: movable({
      name: "anchor",
      panel,
      get: () => boxOf("anchor"),
      move: (anchor) => change({ anchor }),
      what: "The anchor, in the colour of its label. Arrows move it, Shift + arrows resize it.",
    }),
  };

  const button = (/** @type {string} */ key) =>
    h(
      "button",
      {
        type: "button",
        what: "Put the anchor there; drag on from there.",
        ...OWN_KEYS,
        click: () => change({ anchor: presets(boxOf("gt"), pictureWidth)[key].box }),
      },
      presets(border, pictureWidth)[key].label,
    );
  const object = choice({
    label: "object",
    what: "Which object of the picture the anchor is compared with.",
    onChange: (i) => i !== "own" && change({ gt: objects[Number(i)].box }),
  });
  object.fill([
    ...objects.map((/** @type {any} */ { name }, /** @type {number} */ i) => ({ value: String(i), label: name })),
    { value: "own", label: "a box of your own" },
  ]);
  const shape = choice({
    label: "shape of the anchor",
    what: "Give the anchor one of the nine shapes, round the same centre.",
    onChange: (i) => {
      if (i === "own") return;
      const [x1, y1, x2, y2] = boxOf("anchor");
      const { width, height } = shapes[Number(i)];
      const x = clamp(Math.round((x1 + x2) / 2) - width / 2, extent[0], extent[2] - width);
      const y = clamp(Math.round((y1 + y2) / 2) - height / 2, extent[1], extent[3] - height);
      change({ anchor: [x, y, x + width, y + height] });
    },
  });
  shape.fill([
    ...shapes.map((/** @type {any} */ { name }, /** @type {number} */ i) => ({ value: String(i), label: name })),
    { value: "own", label: "a shape of your own" },
  ]);
  const thresholds = thresholdLine({
    styles,
    onInput: (bg, fg) => commit(model, { bg_iou_thresh: bg, fg_iou_thresh: fg }),
  });
  const sum = sumTable();
  const outcome = h("p", { class: "rpnviz-outcome" });
  const outcomeWhy = h("p", { class: "rpnviz-outcome-why" });

  page.body.append(
    h(
      "figure",
      {},
      h("div", { class: "rpnviz-two-boxes" }, panel.canvas, grips.gt.element, grips.anchor.element),
      thresholds.element,
    ),
    h(
      "figure",
      {},
      h(
        "div",
        { class: "rpnviz-controls" },
        h("label", {}, "object ", object.element),
        h("label", {}, "anchor ", shape.element),
      ),
      h(
        "div",
        { class: "rpnviz-controls", role: "group", "aria-label": "Put the anchor" },
        ...["same", "half", "inside", "touching"].map(button),
      ),
      sum.element,
      outcome,
      outcomeWhy,
    ),
  );

  function draw() {
    const [anchor, gt] = [boxOf("anchor"), boxOf("gt")];
    const [bg, fg] = [model.get("bg_iou_thresh"), model.get("fg_iou_thresh")];
    const result = workOut(anchor, gt);
    const { label, why } = verdict(result.iou, bg, fg);
    const anchorOnTop = result.areaA <= result.areaB;
    grips.anchor.place(anchor, anchorOnTop ? 2 : 1);
    grips.gt.place(gt, anchorOnTop ? 1 : 2);
    sum.show(anchor, gt, result);
    thresholds.set(bg, fg);
    thresholds.mark(result.iou);
    object.set(indexOrOwn(objects.findIndex((/** @type {any} */ { box }) => String(box) === String(gt))));
    const [width, height] = size(anchor);
    shape.set(indexOrOwn(shapes.findIndex((/** @type {any} */ one) => one.width === width && one.height === height)));
    setText(outcome, label);
    outcome.style.borderColor = styles[label].color;
    setText(outcomeWhy, why);
    const [a, b] = [anchor, gt].map((box) => size(box).map(number).join("×"));
    page.say(`An anchor of ${a} px and an object of ${b} px: IoU ${result.iou.toFixed(4)}, ${label}.`);
    if (!panel.begin()) return;
    panel.backdrop("photo", () => panel.image(photo, border));
    if (result.intersection) {
      const shared = /** @type {Box} */ (
        anchor.map((edge, i) => (i < 2 ? Math.max(edge, gt[i]) : Math.min(edge, gt[i])))
      );
      panel.box(shared, { ...styles[label], width: 0.5 }, { fill: 0.45 });
    }
    panel.box(gt, styles.ground_truth, { strong: true });
    panel.box(anchor, styles[label], { strong: true });
    panel.tags([
      { text: "object", box: gt, style: styles.ground_truth },
      { text: `anchor, IoU ${result.iou.toFixed(2)}`, box: anchor, style: styles[label] },
    ]);
  }

  const redraw = scheduler(draw);
  page.onDestroy(watch(model, ["anchor", "gt", "bg_iou_thresh", "fg_iou_thresh"], redraw));
  page.onDestroy(() => panel.destroy());
  change({}); // Python may not have asked the page yet
  draw();
  return page.destroy;
}

/** @param {number} index */
const indexOrOwn = (index) => (index < 0 ? "own" : String(index));
