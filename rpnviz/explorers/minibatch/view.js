// @ts-check
// The minibatch: which anchors the losses of one step see (notebook 05).

import { labelWord, readLabel } from "../common/anchor.js";
import { drawMap, labelImage, mapPanel } from "../common/anchor_map.js";
import { SHAPES } from "../common/anchor_shapes.js";
import { lineStyles, Panel, swatch } from "../common/canvas_panel.js";
import { checkbox, h, OWN_KEYS, setText, slider } from "../common/elements.js";
import { thousands } from "../common/format.js";
import { keepSelected, labelMap, MAP_SETTINGS, mapShapes, selectedOf } from "../common/label_map.js";
import { labelRules } from "../common/label_rules.js";
import { commit, derived, watch } from "../common/model.js";
import { editedPicture, ObjectEditor } from "../common/object_editor.js";
import { opensLabelled } from "../common/open_labelled.js";
import { loadPhoto } from "../common/photo.js";
import { SAMPLING, sampling } from "../common/sampling.js";
import { table } from "../common/table.js";
import { defineView, group } from "../common/view.js";

/** @typedef {import("../common/anchor_map.js").Geometry} Geometry */
/** @typedef {import("../common/canvas_panel.js").LineStyle} LineStyle */
/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {ReturnType<typeof readStore>} Store */
/** @typedef {ReturnType<typeof readMoment>} Moment */
/** @typedef {import("../common/view.js").Context<Store>} Context */
/** @typedef {import("../common/view.js").Part<Moment>} Part */

const HINT =
  "A filled dot is a sampled positive anchor, a ring a sampled negative one. Point at the map, or click and walk with the arrows.";
const FADE = 0.35; // the labels behind the dots

export const render = defineView({
  frame: {
    className: "rpnviz-minibatch",
    label: "The minibatch",
    hint: HINT,
    keys: [
      ["← → ↑ ↓ on the map", "the next anchor in that direction"],
      ["Shift + ← → ↑ ↓ there", "the same anchor of the next cell"],
    ],
  },
  traits: [...SAMPLING, ...MAP_SETTINGS],
  local: { pointed: -1, boxes: false }, // the anchor under the mouse; whether negatives are drawn as boxes
  opens: opensLabelled,
  store: readStore,
  moment: readMoment,
  parts: (context) => [
    group("figure", {}, anchorMap(context), settings(context), foldedRules(context), mapShapes(context)),
    group("figure", {}, ...picture(context), about(), foldedNumbers(context)),
  ],
  say: ({ pointed, pos, neg, counts: { positive, negative }, words }) =>
    pointed
      ? ""
      : `${thousands(pos.length + neg.length)} anchors drawn, of ${thousands(positive + negative)} with a label. ${words}`,
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
  const sampled = sampling(model, labelled);
  const drawn = derived(sampled, ({ posInds: pos, negInds: neg, seed, size, share }) => ({
    ...{ pos, neg, seed, size, share },
    most: Math.floor(size * share),
  }));
  const faded = derived(labelled, ({ codes }) => labelImage(geometry(), codes, styles, plan.map_strength, FADE));
  return { plan, geometry, styles, labelled, drawn, faded, photo: loadPhoto(() => model.get("image"), redraw) };
}

/** @param {Context} context */
function readMoment({ model, store, local }) {
  const geometry = store.geometry();
  const [labelled, drawn] = [store.labelled(), store.drawn()];
  const shown = local.pointed >= 0 ? local.pointed : selectedOf(model, geometry.count);
  const label = readLabel(labelled.codes[shown]);
  const isDrawn = drawn.pos.includes(shown) || drawn.neg.includes(shown);
  const ever = label === "positive" || label === "negative";
  const fate = isDrawn ? "in the minibatch" : ever ? "not drawn this time, masked out of the loss" : "never drawn";
  return {
    ...labelled,
    ...drawn,
    ...{ geometry, shown, label, faded: store.faded() },
    pointed: local.pointed >= 0,
    boxes: /** @type {boolean} */ (local.boxes),
    words: `${geometry.words(shown)}: ${labelWord(label)}, ${fate}.`,
  };
}

/** The map of all anchors with the sampled ones. @param {Context} context @returns {Part} */
function anchorMap({ model, store: { geometry: current, styles }, redraw, set }) {
  const panel = mapPanel({
    geometry: current,
    label: "Map of all anchors with the sampled ones",
    what: HINT,
    selected: () => selectedOf(model, current().count),
    onSelect: (i) => commit(model, { selected: i }),
    onPoint: (i) => set({ pointed: i }),
    onResize: redraw,
  });
  /** The middle of an anchor's square. @param {Geometry} geometry @param {number} i @returns {[number, number]} */
  const middle = ({ square, inCells }, i) => {
    const [x, y] = square(i);
    const [, , right, bottom] = inCells([0, 0, x + 0.5, y + 0.5]);
    return [right, bottom];
  };
  return {
    element: panel.canvas,
    draw({ geometry, version, faded, objects, pos, neg, shown }) {
      if (!panel.begin()) return;
      panel.backdrop(String(version), () => drawMap(panel, geometry, faded, { objects, style: styles.ground_truth }));
      for (const i of neg) ring(panel, ...middle(geometry, i), styles.negative);
      for (const i of pos) panel.dot(...middle(geometry, i), styles.positive, 3.2);
      const [x, y] = geometry.square(shown);
      panel.box(geometry.inCells([x - 1, y - 1, x + 2, y + 2]), styles.window);
    },
    destroy: () => panel.destroy(),
  };
}

/** A ring round a point. @param {Panel} panel @param {number} x @param {number} y @param {LineStyle} style */
function ring(panel, x, y, { color, casing }) {
  const { g, unit } = panel;
  for (const [stroke, width] of /** @type {[string, number][]} */ ([
    [casing, 2.8],
    [color, 1.3],
  ])) {
    g.beginPath();
    g.arc(panel.x(x), panel.y(y), 2.6 * unit, 0, 2 * Math.PI);
    g.strokeStyle = stroke;
    g.lineWidth = width * unit;
    g.stroke();
  }
}

/** The three settings of the draw, and two switches of the view. @param {Context} context @returns {Part} */
function settings({ model, set }) {
  const control = (/** @type {string} */ name, /** @type {string} */ label, /** @type {any} */ options) =>
    slider({ label, name, onInput: (value) => commit(model, { [name]: value }), ...options });
  const sliders = [
    control("seed", "seed", {
      max: 99,
      what: "seed: another seed, another draw from the same anchors. In training every step draws anew.",
    }),
    control("batch_size_per_image", "batch size", {
      min: 16,
      max: 512,
      step: 16,
      what: "batch_size_per_image: how many anchors are drawn in all; 256 in the paper.",
    }),
    control("positive_fraction", "positive fraction", {
      max: 1,
      step: 0.05,
      format: (/** @type {number} */ v) => v.toFixed(2),
      what: "positive_fraction: at most this share of the batch is positive; one half in the paper.",
    }),
  ];
  const next = () => commit(model, { seed: (model.get("seed") + 1) % 100 });
  const what = "The next seed: what the next training step would draw.";
  const again = h("button", { type: "button", what, click: next, ...OWN_KEYS }, "draw again");
  const boxes = checkbox({
    label: "negatives as boxes",
    what: "Show the sampled negative anchors as thin boxes instead of rings at their centres.",
    onChange: (on) => set({ boxes: on }),
  });
  const row = h("div", { class: "rpnviz-controls" }, again, boxes.element);
  return {
    element: h("div", { class: "rpnviz-settings" }, ...sliders.map(({ element }) => element), row),
    draw: ({ seed, size, share }) => [seed, size, share].forEach((value, i) => sliders[i].set(value)),
  };
}

/** How the anchors are labelled of which is drawn; folded. @param {Context} context @returns {Part} */
const foldedRules = (context) =>
  group("details", { class: "rpnviz-fold" }, h("summary", {}, "Labels: thresholds and rules"), labelRules(context));

/** The picture with the sample. @param {Context} context @returns {Part[]} */
function picture({ model, store: { photo, plan, styles }, redraw }) {
  const { image_size: size, extent } = plan;
  const panel = new Panel({
    ...{ extent, className: "rpnviz-picture", label: "The picture with the sample", onResize: redraw },
    what: "The picture: sampled positive anchors as boxes, the centres of sampled negative anchors as rings.",
    attributes: { role: "img" },
  });
  const editor = new ObjectEditor({ model, panel, imageSize: size, redraw });
  return editedPicture({
    panel,
    editor,
    photo,
    draw: (/** @type {Moment} */ now) => drawSample(panel, styles, now),
  });
}

/** Objects and the sample. @param {Panel} panel @param {Record<string, LineStyle>} styles @param {Moment} now */
function drawSample(panel, styles, { geometry, objects, pos, neg, shown, label, boxes }) {
  for (const { box } of objects) panel.box(box, styles.ground_truth);
  for (const i of neg) {
    const box = geometry.box(i);
    if (boxes) panel.box(box, { ...styles.negative, width: 0.8 }, { alpha: 0.35 });
    else ring(panel, (box[0] + box[2]) / 2, (box[1] + box[3]) / 2, styles.negative);
  }
  for (const i of pos) panel.box(geometry.box(i), { ...styles.positive, width: 1.2 });
  panel.box(geometry.box(shown), styles[label], { strong: true });
}

/** What the anchor is that is pointed at, or chosen. @returns {Part} */
function about() {
  const element = h("p", { class: "rpnviz-about" });
  return { element, draw: ({ words }) => setText(element, words) };
}

/** What the questions above the view ask: folded, so that no answer stands below its question. @param {Context} context */
const foldedNumbers = (context) =>
  group(
    "details",
    { class: "rpnviz-fold" },
    h("summary", {}, "The draw in numbers"),
    ...[batchBar(context), drawTable(context), masked()],
  );

/** The minibatch as one bar: how much of it is positive, where positives must stop. @param {Context} context @returns {Part} */
function batchBar({ store: { styles } }) {
  const [positive, negative] = [h("i"), h("i", { class: "rpnviz-thin" })];
  positive.style.backgroundColor = styles.positive.color;
  negative.style.backgroundColor = styles.negative.color;
  const limit = h("b");
  const what = "The minibatch. The line is the most that may be positive.";
  const attributes = { class: "rpnviz-batch-bar", role: "img", "aria-label": "the minibatch", what };
  return {
    element: h("div", attributes, positive, negative, limit),
    draw({ pos, neg, size, most }) {
      positive.style.width = `${(100 * pos.length) / size}%`;
      negative.style.width = `${(100 * neg.length) / size}%`;
      limit.style.left = `${(100 * most) / size}%`;
      limit.classList.toggle("rpnviz-flip", most > size / 2);
      setText(limit, `at most ${most} positive`);
    },
  };
}

/** What there is, what is wanted, what is drawn. @param {Context} context @returns {Part} */
function drawTable({ store: { styles } }) {
  const rows = table({
    label: "the minibatch in numbers",
    className: "rpnviz-draw",
    heads: ["", "there are", "wanted", "drawn", "left out"].map((text) => ({ text })),
    rows: ["positive", "negative"].map((name) => ({ head: [swatch(styles[name]), name] })),
  });
  return {
    element: rows.element,
    draw({ pos: { length: pos }, neg: { length: neg }, counts: { positive, negative }, size, share, most }) {
      rows.write([
        [
          thousands(positive),
          `up to ${most} = ${size} × ${share.toFixed(2)}`,
          thousands(pos),
          thousands(positive - pos),
        ],
        [thousands(negative), `${size - pos} = ${size} − ${pos}`, thousands(neg), thousands(negative - neg)],
      ]);
    },
  };
}

/** How many count in the loss. @returns {Part} */
function masked() {
  const element = h("p", { class: "rpnviz-masked" });
  return {
    element,
    draw({ geometry, pos, neg }) {
      const [all, drawn] = [geometry.count, pos.length + neg.length];
      const words = `${thousands(drawn)} count in the loss, ${thousands(all - drawn)} are masked.`;
      setText(element, `All ${thousands(all)} anchors are computed; ${words}`);
    },
  };
}
