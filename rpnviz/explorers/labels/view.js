// @ts-check
// All anchors of a picture by label; the thresholds and both switches ask the kernel again (notebook 04).

import { lowQuality, readLabel, whyLabel } from "../common/anchor.js";
import { anchorGeometry, drawMap, labelImage, mapPanel } from "../common/anchor_map.js";
import { lockWithoutKernel } from "../common/asking.js";
import { lineStyles, Panel, swatch } from "../common/canvas_panel.js";
import { checkbox, h, setText } from "../common/elements.js";
import { besideThresholds, thousands } from "../common/format.js";
import { commit, derived, typed, watch } from "../common/model.js";
import { loadPhoto } from "../common/photo.js";
import { table } from "../common/table.js";
import { thresholdLine } from "../common/threshold_line.js";
import { defineView, group } from "../common/view.js";

/** @typedef {import("../common/anchor_map.js").Plan} Plan */
/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {{name: string, best_iou: number, tied: number, by_threshold: number, by_rule: number}} ObjectRow */
/** @typedef {ReturnType<typeof readStore>} Store */
/** @typedef {ReturnType<typeof readMoment>} Moment */
/** @typedef {import("../common/view.js").Context<Store>} Context */
/** @typedef {import("../common/view.js").Part<Moment>} Part */

const SETTINGS = ["bg_iou_thresh", "fg_iou_thresh", "allow_low_quality_matches", "drop_cross_boundary"];
const HINT =
  "One square of the map is one anchor. Point at it, or click and walk with the arrows (Shift: a whole cell).";
/** @type {[string, string, string][]} */
const COUNTED = [
  ["positive", "positive", "An object for the network. Pale squares: positive only as the best anchor of an object."],
  ["negative", "negative", "Background for the network: IoU below the lower threshold with every object."],
  ["ignored", "ignored", "Neither: no loss. IoU between the thresholds."],
  ["crosses_border", "crosses border", "Reaches beyond the picture: left out before labelling."],
];

export const render = defineView({
  frame: {
    className: "rpnviz-label-map",
    label: "All anchors by label",
    hint: HINT,
    keys: [
      ["← → ↑ ↓ on the map", "the next anchor in that direction"],
      ["Shift + ← → ↑ ↓ there", "the same anchor of the next cell"],
    ],
  },
  traits: [...SETTINGS, "codes", "selected"],
  local: { pointed: -1, object: -1 }, // the anchor under the mouse; the object of the row under mouse or focus
  store: readStore,
  moment: readMoment,
  parts: (context) => [
    group("figure", {}, anchorMap(context), ...settings(context), counts(context)),
    group("figure", {}, picture(context), about(), objectTable(context)),
  ],
  say: ({ counted: { positive, negative, ignored }, pointed, words }) =>
    pointed
      ? ""
      : `${thousands(positive)} positive, ${thousands(negative)} negative, ${thousands(ignored)} ignored. ${words}`,
  busy: () => "labelling",
  listen: ({ model, set }) => [watch(model, ["selected"], () => set({ pointed: -1 }))],
});

/** What stays from drawing to drawing. @param {{model: Model, redraw: () => void}} tools */
function readStore({ model, redraw }) {
  const plan = /** @type {Plan} */ (model.get("plan"));
  const geometry = anchorGeometry(plan);
  const styles = lineStyles(model.get("look"));
  return {
    plan,
    geometry,
    styles,
    iou: typed(model.get("iou"), Float32Array),
    owner: typed(model.get("best_gt"), Int16Array),
    photo: loadPhoto(() => model.get("image"), redraw),
    labels: derived(
      () => model.get("codes"),
      (sent, version) => {
        const codes = typed(sent, Uint8Array);
        const positives = [...codes.keys()].filter((i) => readLabel(codes[i]) === "positive");
        return { codes, version, positives, squares: labelImage(geometry, codes, styles, plan) };
      },
    ),
  };
}

/** @param {Context} context */
function readMoment({ model, store, local }) {
  const { geometry, iou, owner, plan } = store;
  const [bg, fg, best, drop] = SETTINGS.map((name) => model.get(name));
  const labels = store.labels();
  const shown = local.pointed >= 0 ? local.pointed : model.get("selected");
  const code = labels.codes[shown];
  const object = owner[shown] < 0 ? "" : plan.objects[owner[shown]].name;
  const nearest = object
    ? `best IoU ${besideThresholds(iou[shown], [bg, fg])} with ${object}`
    : "no overlap with any object";
  const label = readLabel(code);
  const why = whyLabel({ label, iou: iou[shown], object, lowQuality: lowQuality(code), bestOf: "" }, { bg, fg });
  return {
    ...labels,
    ...{ bg, fg, best, drop, shown, label },
    pointed: local.pointed >= 0,
    object: /** @type {number} */ (local.object),
    counted: /** @type {Record<string, number>} */ (model.get("counts")),
    rows: /** @type {ObjectRow[]} */ (model.get("object_rows")),
    iou: besideThresholds(iou[shown], [bg, fg]),
    owner: owner[shown],
    words: `${geometry.words(shown)}: ${nearest}; ${why}.`,
  };
}

/** The map of all anchors. @param {Context} context @returns {Part} */
function anchorMap({ model, store: { geometry, plan, styles }, redraw, set }) {
  const panel = mapPanel({
    geometry,
    label: "Map of all anchors",
    what: HINT,
    selected: () => model.get("selected"),
    onSelect: (i) => commit(model, { selected: i }),
    onPoint: (i) => set({ pointed: i }),
    onResize: redraw,
  });
  return {
    element: panel.canvas,
    draw({ version, squares, shown }) {
      if (!panel.begin()) return;
      panel.backdrop(String(version), () => drawMap(panel, geometry, squares, { plan, style: styles.ground_truth }));
      const [x, y] = geometry.square(shown);
      panel.box([x - 1, y - 1, x + 2, y + 2], styles.window);
    },
    destroy: () => panel.destroy(),
  };
}

/** The two thresholds and the two switches. @param {Context} context @returns {Part[]} */
function settings({ model, store: { styles } }) {
  const thresholds = thresholdLine({
    styles,
    onInput: (bg, fg) => commit(model, { bg_iou_thresh: bg, fg_iou_thresh: fg }),
  });
  const toggle = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string} */ what) =>
    checkbox({ label, what: `${name}: ${what}`, onChange: (on) => commit(model, { [name]: on }) });
  const best = toggle(
    "allow_low_quality_matches",
    "best anchor of each object",
    "the best anchors of an object are positive, whatever their IoU is.",
  );
  const drop = toggle(
    "drop_cross_boundary",
    "leave out border crossers",
    "anchors that reach beyond the picture get no label.",
  );
  lockWithoutKernel(model, [...thresholds.inputs, best.input, drop.input]);
  return [
    { element: thresholds.element, draw: ({ bg, fg }) => thresholds.set(bg, fg) },
    {
      element: h("div", { class: "rpnviz-controls" }, best.element, drop.element),
      draw(now) {
        best.set(now.best);
        drop.set(now.drop);
      },
    },
  ];
}

/** The four counts. @param {Context} context @returns {Part} */
function counts({ store: { styles } }) {
  const outs = COUNTED.map(() => h("b"));
  const spans = COUNTED.map(([key, name, what], i) => h("span", { what }, swatch(styles[key]), `${name} `, outs[i]));
  return {
    element: h("div", { class: "rpnviz-counts" }, ...spans),
    draw: ({ counted }) => COUNTED.forEach(([key], i) => setText(outs[i], thousands(counted[key]))),
  };
}

/** The picture with the positive anchors, or those of one object. @param {Context} context @returns {Part} */
function picture({ store: { geometry, owner, photo, plan, styles }, redraw }) {
  const [height, width] = plan.image_size;
  const panel = new Panel({
    extent: plan.extent,
    className: "rpnviz-picture",
    label: "The picture with its positive anchors",
    onResize: redraw,
    what: "The picture: objects in white, their positive anchors, and the anchor you point at. An orange object has no positive anchor.",
    attributes: { role: "img" },
  });
  return {
    element: panel.canvas,
    draw({ positives, object, rows, shown, label, iou }) {
      const bitmap = photo.bitmap;
      if (!panel.begin() || !bitmap) return;
      panel.backdrop("photo", () => panel.image(bitmap, [0, 0, width, height]));
      for (const i of positives) {
        const [its, alpha] = [owner[i] === object, object < 0 ? 0.4 : 0.9];
        if (object < 0 || its) panel.box(geometry.box(i), { ...styles.positive, width: 1.2 }, { alpha });
      }
      const lost = rows.map(hasNone);
      const style = (/** @type {number} */ m) => (lost[m] ? styles.negative : styles.ground_truth);
      plan.objects.forEach(({ box }, m) => panel.box(box, style(m), { strong: m === object || lost[m] }));
      panel.box(geometry.box(shown), styles[label], { strong: true });
      panel.tags([
        { text: `IoU ${iou}`, box: geometry.box(shown), style: styles[label] },
        ...plan.objects.map(({ name, box }, m) => ({
          text: lost[m] ? `${name}: no anchor` : name,
          box,
          style: style(m),
        })),
      ]);
    },
    destroy: () => panel.destroy(),
  };
}

/** What the anchor is that is pointed at, or chosen. @returns {Part} */
function about() {
  const element = h("p", { class: "rpnviz-about" });
  return { element, draw: ({ words }) => setText(element, words) };
}

/** A row for each object. @param {Context} context @returns {Part} */
function objectTable({ store: { plan }, set }) {
  const rows = table({
    label: "objects",
    className: "rpnviz-objects",
    heads: [
      { text: "object", what: "Point at a row: the object's positive anchors stand out." },
      { text: "best IoU", what: "The best IoU that any labelled anchor reaches with the object." },
      { text: "tied", what: "How many anchors share this best IoU." },
      { text: "by IoU", what: "Positive anchors of the object because their IoU reaches the upper threshold." },
      { text: "by best rule", what: "Positive anchors of the object only because it has no better ones." },
    ],
    rows: plan.objects.map(({ name }) => ({ head: [name] })),
    onPoint: (m) => set({ object: m }),
  });
  return {
    element: rows.element,
    draw({ rows: now, object, owner }) {
      rows.write(
        now.map(({ best_iou, tied, by_threshold, by_rule }) => [
          best_iou.toFixed(2),
          ...[tied, by_threshold, by_rule].map(thousands),
        ]),
      );
      rows.mark("rpnviz-none", (m) => hasNone(now[m]));
      rows.mark("rpnviz-hot", (m) => m === (object >= 0 ? object : owner));
    },
  };
}

/** No anchor of this object is positive. @param {ObjectRow} row */
const hasNone = ({ by_threshold, by_rule }) => by_threshold + by_rule === 0;
