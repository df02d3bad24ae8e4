// @ts-check
// Notebook 01: the last columns of the network's input, and which of them each pooling keeps.

import { lineStyles, Panel, swatch } from "../common/canvas_panel.js";
import { clamp } from "../common/compute/boxes.js";
import { h, OWN_KEYS, segmented, setText, slider } from "../common/elements.js";
import { arrowKeys } from "../common/keys.js";
import { commit, typed } from "../common/model.js";
import { loadPhoto } from "../common/photo.js";
import { opensPictures } from "../common/picture_row.js";
import { table } from "../common/table.js";
import { defineView, group } from "../common/view.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {ReturnType<typeof readStore>} Store */
/** @typedef {ReturnType<typeof readMoment>} Moment */
/** @typedef {import("../common/view.js").Context<Store>} Context */
/** @typedef {import("../common/view.js").Part<Moment>} Part */

const LEVELS = 5; // the input and four poolings
const [BEFORE, AFTER] = [52, 16]; // columns drawn before the last one, and room after it
const LINE_HEIGHT = 7; // of a level, in columns
const [TOP, BOTTOM] = [0.1 * LINE_HEIGHT, 0.9 * LINE_HEIGHT]; // of what is drawn in it
const LENGTHS = /** @type {[number, string][]} */ ([
  [1000, "The picture's width."],
  [600, "The picture's height: rows are halved the same way."],
  [960, "The width that the paper's 60 columns stand for."],
  [640, "The height that its 40 rows stand for."],
]);
const NAMES = ["input", "pool1", "pool2", "pool3", "pool4"];

export const render = defineView({
  frame: {
    className: "rpnviz-poolings",
    label: "Which columns survive the poolings",
    hint: "Move the length by one and watch the right end. Press the arrow keys on the columns, or drag them sideways.",
    keys: [
      ["← → on the columns", "one column fewer, more"],
      ["Shift + ← → there", "sixteen"],
      ["↑ ↓ there", "one pooling fewer, more"],
    ],
  },
  traits: ["length", "rounding", "poolings"],
  opens: opensPictures({ network: false, answer: async ({ file }) => ({ image: file }) }),
  store: readStore,
  moment: readMoment,
  parts: (context) => [
    group("figure", {}, caption(), columns(context), legend(context)),
    group("div", { class: "rpnviz-asked" }, lengths(context), ...controls(context), sizes(), verdict()),
  ],
  say({ words, rounding, steps }, { root }) {
    root.dataset.steps = steps.join(" ");
    return `An odd last column is ${rounding === "ceil" ? "kept" : "dropped"}: ${words}`;
  },
});

/** @param {{model: Model, redraw: () => void}} tools */
function readStore({ model, redraw }) {
  const [shortest, longest] = /** @type {number[]} */ ([model.get("shortest"), model.get("longest")]);
  const counts = typed(model.get("counts"), Uint16Array);
  return {
    styles: lineStyles(model.get("look")),
    photo: loadPhoto(() => model.get("image"), redraw),
    ...{ shortest, longest },
    /** How many columns there are at first and after each pooling. @param {number} length @param {string} rounding */
    stepsOf(length, rounding) {
      const place = (rounding === "ceil" ? longest - shortest + 1 : 0) + length - shortest;
      return Array.from(counts.subarray(place * LEVELS, (place + 1) * LEVELS));
    },
    /** @param {number} value */
    setLength(value) {
      const length = clamp(Math.round(value), shortest, longest);
      if (length !== model.get("length")) commit(model, { length });
    },
  };
}

/** @param {Context} context */
function readMoment({ model, store }) {
  const [length, rounding, shown] = ["length", "rounding", "poolings"].map((name) => model.get(name));
  const steps = store.stepsOf(length, rounding);
  return {
    ...{ length: /** @type {number} */ (length), rounding: /** @type {string} */ (rounding) },
    ...{ shown: /** @type {number} */ (shown), steps, words: verdictOf(steps, shown) },
  };
}

/** What became of the end. @param {number[]} steps @param {number} shown what is still to be guessed is not told */
function verdictOf(steps, shown) {
  if (shown < LEVELS - 1) return `${steps.slice(0, shown + 1).join(" → ")} → ?`;
  const lost = steps[0] - 16 * steps[4];
  const over = lost > 0 ? `The ${lost} columns at the end have no column of the map over them.` : "";
  const beyond = lost < 0 ? `The last column of the map hangs ${-lost} px over the end.` : "";
  const told = over || beyond || "Divides exactly: rounding down or up makes no difference.";
  const sixteenth = (steps[0] / 16).toFixed(4).replace(/\.?0+$/, "");
  return `${steps[0]} → ${steps[4]}. ${steps[0]} / 16 = ${sixteenth}. ${told}`;
}

/** @returns {Part} */
function caption() {
  const aside = h("span", { class: "rpnviz-aside" });
  return {
    element: h("figcaption", {}, "The right end of the picture", aside),
    draw: ({ steps: [end] }) => setText(aside, `pixel columns ${Math.max(0, end - BEFORE)} to ${end - 1}`),
  };
}

/** The columns themselves, by keys and by hand. @param {Context} context @returns {Part} */
function columns({ model, store, redraw }) {
  const panel = new Panel({
    extent: [-BEFORE, 0, AFTER, LEVELS * LINE_HEIGHT],
    className: "rpnviz-columns rpnviz-drag-across",
    label: "the last columns; left and right change the length, up and down the number of poolings",
    what: "The right end. Top: pixel columns. Each box below is one column of that pooling's output, over the pixels it stands for.",
    attributes: {
      ...{ tabindex: 0, role: "application", ...OWN_KEYS },
      keydown: arrowKeys((dx, dy, { shiftKey }) => {
        if (dx) store.setLength(model.get("length") + dx * (shiftKey ? 16 : 1));
        else commit(model, { poolings: clamp(model.get("poolings") + dy, 0, LEVELS - 1) });
      }),
    },
    onResize: redraw,
  });
  dragSideways(panel, () => model.get("length"), store.setLength);
  return {
    element: panel.canvas,
    draw({ steps, shown }) {
      if (!panel.begin()) return;
      if (store.photo.bitmap) drawStrip(panel, store.photo.bitmap, steps[0]);
      for (let level = 1; level <= shown; level++) drawLevel(panel, store.styles, steps, level);
      for (let level = shown + 1; level < LEVELS; level++) drawLater(panel, store.styles, steps[0], level);
      drawCounts(panel, steps, shown);
    },
    destroy: () => panel.destroy(),
  };
}

/** @param {Panel} panel @param {() => number} length @param {(length: number) => void} onMove */
function dragSideways(panel, length, onMove) {
  let grip = /** @type {{x: number, length: number} | null} */ (null);
  panel.canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    panel.canvas.setPointerCapture(event.pointerId);
    grip = { x: panel.at(event)[0], length: length() };
  });
  panel.canvas.addEventListener("pointermove", (event) => {
    if (grip && panel.canvas.hasPointerCapture(event.pointerId)) onMove(grip.length + panel.at(event)[0] - grip.x);
  });
  panel.canvas.addEventListener("pointerup", () => {
    grip = null;
  });
}

/** The pixel columns: a strip of the picture. @param {Panel} panel @param {ImageBitmap} photo @param {number} end */
function drawStrip(panel, photo, end) {
  const [from, share] = [Math.max(0, end - BEFORE), photo.width / end];
  const strip = /** @type {Box} */ ([from * share, photo.height * 0.35, (end - from) * share, photo.height * 0.11]);
  const [x, y] = [panel.x(from - end), panel.y(TOP)];
  panel.g.imageSmoothingEnabled = false;
  panel.g.drawImage(photo, ...strip, x, y, (end - from) * panel.scale, panel.y(BOTTOM) - y);
}

/** The columns of one pooling's output. @param {Panel} panel @param {Record<string, any>} styles @param {number[]} steps @param {number} level */
function drawLevel(panel, styles, steps, level) {
  const end = steps[0];
  const [side, before, after] = [2 ** level, steps[level - 1], steps[level]];
  const [y1, y2] = [level * LINE_HEIGHT + TOP, level * LINE_HEIGHT + BOTTOM];
  const box = (/** @type {number} */ x1, /** @type {number} */ x2) =>
    /** @type {Box} */ ([Math.max(x1 - end, -BEFORE), y1, Math.min(x2 - end, 0), y2]);
  for (let column = Math.max(0, Math.floor((end - BEFORE) / side)); column < after; column++) {
    const style = 2 * column + 1 === before ? "half_fed" : "window";
    drawCell(panel, styles, box(column * side, (column + 1) * side), style, String(column));
  }
  if (2 * after < before) {
    drawCell(panel, styles, box(((before - 1) * side) / 2, (before * side) / 2), "dropped", "×");
  }
}

/**
 * One box of a level, in columns of the picture that end at 0.
 * @param {Panel} panel @param {Record<string, any>} styles @param {Box} box @param {string} style @param {string} text
 */
function drawCell(panel, styles, box, style, text) {
  const kept = style === "window";
  panel.box(box, { ...styles[style], width: kept ? 0.6 : 1.6 }, { fill: kept ? 0.55 : 0.4 });
  const { g, unit } = panel;
  if ((box[2] - box[0]) * panel.scale < 20 * unit) return;
  g.font = `600 ${10.5 * unit}px system-ui, sans-serif`;
  Object.assign(g, { textAlign: "center", textBaseline: "middle", fillStyle: styles.window.casing });
  const [x, y] = [panel.x((box[0] + box[2]) / 2), panel.y((box[1] + box[3]) / 2)];
  const wide = g.measureText(text).width + 6 * unit;
  g.fillRect(x - wide / 2, y - 7 * unit, wide, 14 * unit);
  g.fillStyle = "#fff";
  g.fillText(text, x, y + 0.5 * unit);
}

/** Room for a level that is still to be guessed. @param {Panel} panel @param {Record<string, any>} styles @param {number} end @param {number} level */
function drawLater(panel, styles, end, level) {
  const [y1, y2] = [level * LINE_HEIGHT + TOP, level * LINE_HEIGHT + BOTTOM];
  panel.box([-Math.min(end, BEFORE), y1, 0, y2], { ...styles.dropped, width: 0.8 }, { alpha: 0.6 });
}

/** Beside each level how many columns it has. @param {Panel} panel @param {number[]} steps @param {number} shown */
function drawCounts(panel, steps, shown) {
  const { g, unit } = panel;
  g.font = `600 ${11.5 * unit}px system-ui, sans-serif`;
  Object.assign(g, { textAlign: "left", textBaseline: "middle", fillStyle: getComputedStyle(panel.canvas).color });
  for (let level = 0; level < LEVELS; level++) {
    g.fillText(
      `${NAMES[level]}: ${level <= shown ? steps[level] : "?"}`,
      panel.x(0.8),
      panel.y((level + 0.5) * LINE_HEIGHT),
    );
  }
}

/** @param {Context} context */
function legend({ store: { styles } }) {
  const key = (/** @type {string} */ text, /** @type {string} */ name) =>
    h("span", { class: "rpnviz-key" }, swatch(styles[name]), text);
  return h(
    "div",
    { class: "rpnviz-poolings-legend" },
    key("kept", "window"),
    key("kept, from one column alone", "half_fed"),
    key("dropped", "dropped"),
  );
}

/** Lengths to start from. @param {Context} context */
function lengths({ store }) {
  const buttons = LENGTHS.map(([value, what]) =>
    h("button", { type: "button", what, ...OWN_KEYS, click: () => store.setLength(value) }, String(value)),
  );
  return h("div", { class: "rpnviz-lengths", role: "group", "aria-label": "length" }, ...buttons);
}

/** @param {Context} context @returns {Part[]} */
function controls({ model, store }) {
  const length = slider({
    label: "length, px",
    name: "length",
    min: store.shortest,
    max: store.longest,
    className: "rpnviz-length",
    what: "How many pixel columns the network's input has; for rows it is the same.",
    onInput: store.setLength,
  });
  const poolings = slider({
    label: "poolings",
    max: LEVELS - 1,
    className: "rpnviz-poolings-shown",
    what: "How many of the four poolings are drawn.",
    onInput: (value) => commit(model, { poolings: value }),
  });
  const rounding = segmented({
    label: "an odd last column is",
    className: "rpnviz-rounding",
    options: [
      { value: "floor", label: "dropped (PyTorch)", what: "Half a pair is no pair: the size is rounded down." },
      {
        value: "ceil",
        label: "kept (Caffe)",
        what: "A window with one column alone still counts: the size is rounded up.",
      },
    ],
    onChange: (value) => commit(model, { rounding: value }),
  });
  return [
    { element: length.element, draw: (now) => length.set(now.length) },
    { element: poolings.element, draw: (now) => poolings.set(now.shown) },
    { element: rounding.element, draw: (now) => rounding.set(now.rounding) },
  ];
}

/** A row for each level; what is still to be guessed is not told. @returns {Part} */
function sizes() {
  const rows = table({
    label: "sizes",
    className: "rpnviz-halvings",
    heads: ["", "columns", "px each", "what happened"].map((text) => ({ text })),
    rows: NAMES.map((name) => ({ head: [name] })),
  });
  return {
    element: rows.element,
    draw({ steps, shown }) {
      rows.write(
        NAMES.map((_, level) => [
          level <= shown ? String(steps[level]) : "?",
          String(2 ** level),
          level && level <= shown ? fate(steps[level - 1], steps[level]) : "",
        ]),
      );
      rows.mark("rpnviz-later", (level) => level > shown);
    },
  };
}

/** What became of an odd column. @param {number} before @param {number} after */
function fate(before, after) {
  if (2 * after === before) return "pairs";
  return 2 * after < before ? "last one dropped" : "last one alone";
}

/** @returns {Part} */
function verdict() {
  const element = h("p", { class: "rpnviz-verdict" });
  return { element, draw: ({ words }) => setText(element, words) };
}
