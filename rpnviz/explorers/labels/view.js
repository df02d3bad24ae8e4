// @ts-check
// All anchors of a picture by label: thresholds, rules and the objects themselves can be moved (notebook 04).

import { lowQuality, NO_LABEL, readLabel, whyLabel } from "../common/anchor.js";
import { drawMap, labelImage, mapPanel, paler } from "../common/anchor_map.js";
import { SHAPES } from "../common/anchor_shapes.js";
import { lineStyles, Panel, swatch } from "../common/canvas_panel.js";
import { h, setText } from "../common/elements.js";
import { besideThresholds, thousands } from "../common/format.js";
import { keepSelected, labelMap, MAP_SETTINGS, mapShapes, selectedOf } from "../common/label_map.js";
import { labelRules } from "../common/label_rules.js";
import { commit, derived, watch } from "../common/model.js";
import { editedPicture, ObjectEditor } from "../common/object_editor.js";
import { opensLabelled } from "../common/open_labelled.js";
import { loadPhoto } from "../common/photo.js";
import { table } from "../common/table.js";
import { defineView, group } from "../common/view.js";

/** @typedef {import("../common/anchor_map.js").Geometry} Geometry */
/** @typedef {import("../common/canvas_panel.js").LineStyle} LineStyle */
/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/compute/targets.js").AnchorLabels} AnchorLabels */
/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {import("../common/objects.js").Drawn} Drawn */
/** @typedef {ReturnType<typeof objectRows>[number]} ObjectRow */
/** @typedef {ReturnType<typeof readStore>} Store */
/** @typedef {ReturnType<typeof readMoment>} Moment */
/** @typedef {import("../common/view.js").Context<Store>} Context */
/** @typedef {import("../common/view.js").Part<Moment>} Part */

const HINT =
  "One square of the map is one anchor. Point at it, or click and walk with the arrows (Shift: a whole cell).";
/** @type {[string, string, string][]} */
const COUNTED = [
  ["positive", "positive", "An object for the network. Pale squares: positive only as the best anchor of an object."],
  ["negative", "negative", "Background for the network: IoU below the lower threshold with every object."],
  ["ignored", "ignored", "Neither: no loss. IoU between the thresholds."],
  ["crosses_border", "crosses border", `Reaches beyond the picture: ${NO_LABEL}.`],
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
  traits: MAP_SETTINGS,
  local: { pointed: -1, object: -1 }, // the anchor under the mouse; the object of the row under mouse or focus
  opens: opensLabelled,
  store: readStore,
  moment: readMoment,
  parts: (context) => [
    group("figure", {}, anchorMap(context), labelRules(context), counts(context), mapShapes(context)),
    group("figure", {}, ...picture(context), about(), objectTable(context)),
  ],
  say: ({ counts: { positive, negative, ignored }, pointed, words }) =>
    pointed
      ? ""
      : `${thousands(positive)} positive, ${thousands(negative)} negative, ${thousands(ignored)} ignored. ${words}`,
  listen: ({ model, set, store }) => [
    watch(model, ["selected"], () => set({ pointed: -1 })),
    watch(model, SHAPES, () => set({ pointed: -1 })),
    keepSelected(model, store.geometry),
  ],
});

/** What stays from drawing to drawing. @param {{model: Model, redraw: () => void}} tools */
export function readStore({ model, redraw }) {
  const { plan, geometry, labelled } = labelMap(model);
  const styles = lineStyles(model.get("look"));
  return {
    plan,
    geometry,
    styles,
    photo: loadPhoto(() => model.get("image"), redraw),
    labelled,
    drawn: derived(labelled, ({ codes, objects, found }) => ({
      positives: [...codes.keys()].filter((i) => readLabel(codes[i]) === "positive"),
      squares: labelImage(geometry(), codes, styles, plan.map_strength),
      rows: objectRows(objects, found),
    })),
  };
}

/** A row for each object. @param {Drawn[]} objects @param {AnchorLabels} found */
const objectRows = (objects, { bestIouPerGt, lowQuality, matchedIdxs, numTied }) =>
  objects.map(({ name }, m) => {
    const count = (/** @type {number} */ byRule) =>
      matchedIdxs.reduce((n, gt, i) => n + Number(gt === m && lowQuality[i] === byRule), 0);
    return { name, bestIou: bestIouPerGt[m], tied: numTied[m], byThreshold: count(0), byRule: count(1) };
  });

/** @param {Context} context */
function readMoment({ model, store, local }) {
  const geometry = store.geometry();
  const labelled = store.labelled();
  const { bg, codes, fg, found, objects } = labelled;
  const shown = local.pointed >= 0 ? local.pointed : selectedOf(model, geometry.count);
  const nameOf = (/** @type {number} */ gt) => (gt < 0 ? "" : objects[gt].name);
  const [owner, iou] = [found.bestGtIdxs[shown], besideThresholds(found.iou[shown], [bg, fg])];
  const nearest = owner < 0 ? "no overlap with any object" : `best IoU ${iou} with ${nameOf(owner)}`;
  const label = readLabel(codes[shown]);
  const why = whyLabel(
    {
      ...{ label, iou: found.iou[shown], object: nameOf(owner) },
      ...{ lowQuality: lowQuality(codes[shown]), bestOf: nameOf(found.bestForGtIdxs[shown]) },
    },
    { bg, fg },
  );
  return {
    ...labelled,
    ...store.drawn(),
    ...{ geometry, shown, label, owner, iou },
    pointed: local.pointed >= 0,
    object: /** @type {number} */ (local.object),
    words: `${geometry.words(shown)}: ${nearest}; ${why}.`,
  };
}

/** The map of all anchors. @param {Context} context @returns {Part} */
function anchorMap({ model, store: { geometry: current, styles }, redraw, set }) {
  const panel = mapPanel({
    geometry: current,
    label: "Map of all anchors",
    what: HINT,
    selected: () => selectedOf(model, current().count),
    onSelect: (i) => commit(model, { selected: i }),
    onPoint: (i) => set({ pointed: i }),
    onResize: redraw,
  });
  return {
    element: panel.canvas,
    draw({ codes, geometry, version, positives, squares, shown, objects }) {
      if (!panel.begin()) return;
      panel.backdrop(String(version), () => {
        drawMap(panel, geometry, squares, { objects, style: styles.ground_truth });
        for (const i of positives) panel.box(larger(geometry, i, 0.4), bead(styles, codes[i]), { fill: 1 });
      });
      panel.box(larger(geometry, shown, 1), styles.window);
    },
    destroy: () => panel.destroy(),
  };
}

/** The square of an anchor and a rim about it, in cells. @param {Geometry} geometry @param {number} i @param {number} rim in squares */
function larger({ inCells, square }, i, rim) {
  const [x, y] = square(i);
  return inCells([x - rim, y - rim, x + 1 + rim, y + 1 + rim]);
}

/** How a positive anchor looks on the map; paler if only as the best. @param {Record<string, LineStyle>} styles @param {number} code */
const bead = ({ positive }, code) => ({
  ...positive,
  width: 0.6,
  color: lowQuality(code) ? paler(positive.color) : positive.color,
});

/** The four counts. @param {Context} context @returns {Part} */
function counts({ store: { styles } }) {
  const outs = COUNTED.map(() => h("b"));
  const spans = COUNTED.map(([key, name, what], i) => h("span", { what }, swatch(styles[key]), `${name} `, outs[i]));
  return {
    element: h("div", { class: "rpnviz-counts" }, ...spans),
    draw: ({ counts }) => COUNTED.forEach(([key], i) => setText(outs[i], thousands(counts[key]))),
  };
}

/** The picture with the positive anchors, or those of one object. @param {Context} context @returns {Part[]} */
function picture({ model, store: { photo, plan, styles }, redraw }) {
  const { image_size: size, extent } = plan;
  const panel = new Panel({
    ...{ extent, className: "rpnviz-picture", label: "The picture with its positive anchors", onResize: redraw },
    what: "The picture: objects in white, their positive anchors, and the anchor you point at. An orange object has no positive anchor.",
    attributes: { role: "img" },
  });
  const editor = new ObjectEditor({ model, panel, imageSize: size, redraw });
  return editedPicture({
    panel,
    editor,
    photo,
    draw: (/** @type {Moment} */ now) => drawAnchors(panel, styles, now),
  });
}

/** Objects, their positive anchors, the anchor shown. @param {Panel} panel @param {Record<string, LineStyle>} styles @param {Moment} now */
function drawAnchors(panel, styles, { geometry, positives, object, objects, found, rows, shown, label, iou }) {
  for (const i of positives) {
    const [its, alpha] = [found.bestGtIdxs[i] === object, object < 0 ? 0.4 : 0.9];
    if (object < 0 || its) panel.box(geometry.box(i), { ...styles.positive, width: 1.2 }, { alpha });
  }
  const lost = rows.map(hasNone);
  const style = (/** @type {number} */ m) => (lost[m] ? styles.lost : styles.ground_truth);
  objects.forEach(({ box }, m) => panel.box(box, style(m), { strong: m === object || lost[m] }));
  panel.box(geometry.box(shown), styles[label], { strong: true });
  const tags = objects.map(({ name, box }, m) => ({
    text: lost[m] ? `${name}: no anchor` : name,
    box,
    style: style(m),
  }));
  const lowFirst = tags.sort((one, other) => one.box[3] - one.box[1] - (other.box[3] - other.box[1])); // least room
  panel.tags([{ text: `IoU ${iou}`, box: geometry.box(shown), style: styles[label] }, ...lowFirst]);
}

/** What the anchor is that is pointed at, or chosen. @returns {Part} */
function about() {
  const element = h("p", { class: "rpnviz-about" });
  return { element, draw: ({ words }) => setText(element, words) };
}

/** A row for each object. @param {Context} context @returns {Part} */
function objectTable({ set }) {
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
    rows: [],
    onPoint: (m) => set({ object: m }),
  });
  return {
    element: rows.element,
    draw({ rows: now, object, owner }) {
      rows.setRows(now.map(({ name }) => name));
      rows.write(
        now.map(({ bestIou, tied, byThreshold, byRule }) => [
          bestIou.toFixed(2),
          ...[tied, byThreshold, byRule].map(thousands),
        ]),
      );
      rows.mark("rpnviz-none", (m) => hasNone(now[m]));
      rows.mark("rpnviz-hot", (m) => m === (object >= 0 ? object : owner));
    },
  };
}

/** No anchor of this object is positive. @param {ObjectRow} row */
const hasNone = ({ byThreshold, byRule }) => byThreshold + byRule === 0;
