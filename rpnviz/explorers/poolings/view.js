// @ts-check
// Notebook 01: the last columns of the network's input, and which of them each pooling keeps.

import { lineStyles, Panel, swatch } from "../common/canvas_panel.js";
import { clamp } from "../common/compute/boxes.js";
import { h, OWN_KEYS, scroller, segmented, setText, slider } from "../common/elements.js";
import { frame } from "../common/explorer_frame.js";
import { commit, scheduler, typed, watch } from "../common/model.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */

const LEVELS = 5; // the input and four poolings
const [BEFORE, AFTER] = [52, 16]; // columns drawn before the last one, and room after it
const LINE_HEIGHT = 7; // of a level, in columns
const LENGTHS = /** @type {[number, string][]} */ ([
  [1000, "The picture's width."],
  [600, "The picture's height: rows are halved the same way."],
  [960, "The width that the paper's 60 columns stand for."],
  [640, "The height that its 40 rows stand for."],
]);
const NAMES = ["input", "pool1", "pool2", "pool3", "pool4"];

/** @param {{model: import("../common/model.js").Model, el: HTMLElement}} context */
export function render(context) {
  const { model } = context;
  const styles = lineStyles(model.get("look"));
  const [shortest, longest] = [model.get("shortest"), model.get("longest")];
  const counts = typed(model.get("counts"), Uint16Array);
  const stepsOf = () => {
    const place = (model.get("rounding") === "ceil" ? longest - shortest + 1 : 0) + model.get("length") - shortest;
    return counts.subarray(place * LEVELS, (place + 1) * LEVELS);
  };
  const ui = frame(context, {
    className: "rpnviz-poolings",
    label: "Which columns survive the poolings",
    hint: "Move the length by one and watch the right end. Press the arrow keys on the columns, or drag them sideways.",
    keys: [
      ["← → on the columns", "one column fewer, more"],
      ["Shift + ← → there", "sixteen"],
      ["↑ ↓ there", "one pooling fewer, more"],
    ],
  });
  const redraw = scheduler(draw);
  const setLength = (/** @type {number} */ value) => {
    const length = clamp(Math.round(value), shortest, longest);
    if (length !== model.get("length")) commit(model, { length });
  };

  const panel = new Panel({
    extent: [-BEFORE, 0, AFTER, LEVELS * LINE_HEIGHT],
    className: "rpnviz-columns rpnviz-drag-across",
    label: "the last columns; left and right change the length, up and down the number of poolings",
    what: "The right end. Top: pixel columns. Each box below is one column of that pooling's output, over the pixels it stands for.",
    attributes: { tabindex: 0, role: "application", ...OWN_KEYS },
    onResize: redraw,
  });
  panel.canvas.addEventListener("keydown", (event) => {
    const move = /** @type {Record<string, [number, number]>} */ ({
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    })[event.key];
    if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    if (move[0]) setLength(model.get("length") + move[0] * (event.shiftKey ? 16 : 1));
    else commit(model, { poolings: clamp(model.get("poolings") + move[1], 0, LEVELS - 1) });
  });
  let grip = /** @type {{x: number, length: number} | null} */ (null);
  panel.canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    panel.canvas.setPointerCapture(event.pointerId);
    grip = { x: panel.at(event)[0], length: model.get("length") };
  });
  panel.canvas.addEventListener("pointermove", (event) => {
    if (grip && panel.canvas.hasPointerCapture(event.pointerId)) setLength(grip.length + panel.at(event)[0] - grip.x);
  });
  panel.canvas.addEventListener("pointerup", () => (grip = null));
  /** @type {ImageBitmap | null} */
  let photo = null;
  createImageBitmap(new Blob([typed(model.get("image"), Uint8Array)])).then((bitmap) => {
    photo = bitmap;
    redraw();
  });

  const length = slider({
    label: "length, px",
    name: "length",
    min: shortest,
    max: longest,
    className: "rpnviz-length",
    what: "How many pixel columns the network's input has; for rows it is the same.",
    onInput: setLength,
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
  const buttons = LENGTHS.map(([value, what]) =>
    h("button", { type: "button", what, ...OWN_KEYS, click: () => setLength(value) }, String(value)),
  );
  const cells = NAMES.map(() => ["columns", "stands for", "what happened"].map(() => h("td")));
  const lines = NAMES.map((name, level) => h("tr", {}, h("th", { scope: "row" }, name), ...cells[level]));
  const heads = ["", "columns", "px each", "what happened"].map((text) =>
    h(text ? "th" : "td", text ? { scope: "col" } : {}, text),
  );
  const verdict = h("p", { class: "rpnviz-verdict" });
  const legend = (/** @type {string} */ text, /** @type {string} */ name) =>
    h("span", { class: "rpnviz-key" }, swatch(styles[name]), text);
  const aside = h("span", { class: "rpnviz-aside" });
  ui.body.append(
    h(
      "figure",
      {},
      h("figcaption", {}, "The right end", aside),
      panel.canvas,
      h(
        "div",
        { class: "rpnviz-poolings-legend" },
        legend("kept", "window"),
        legend("kept, from one column alone", "ignored"),
        legend("dropped", "crosses_border"),
      ),
    ),
    h(
      "div",
      { class: "rpnviz-asked" },
      h("div", { class: "rpnviz-lengths", role: "group", "aria-label": "length" }, ...buttons),
      length.element,
      poolings.element,
      rounding.element,
      scroller(
        "sizes",
        "",
        h("table", { class: "rpnviz-halvings" }, h("thead", {}, h("tr", {}, ...heads)), h("tbody", {}, ...lines)),
      ),
      verdict,
    ),
  );

  /** What became of an odd column. @param {number} before @param {number} after */
  function fate(before, after) {
    if (2 * after === before) return "pairs";
    return 2 * after < before ? "last one dropped" : "last one alone";
  }

  /** One box of a level, in columns of the picture that end at 0. @param {Box} box @param {string} style @param {string} text */
  function cell(box, style, text) {
    panel.box(
      box,
      { ...styles[style], width: style === "window" ? 0.6 : 1.6 },
      { fill: style === "window" ? 0.55 : 0.4 },
    );
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

  /** Beside each level how many columns it has. @param {Uint16Array} steps @param {number} shown */
  function drawCounts(steps, shown) {
    const { g, unit } = panel;
    g.font = `600 ${11.5 * unit}px system-ui, sans-serif`;
    Object.assign(g, { textAlign: "left", textBaseline: "middle", fillStyle: getComputedStyle(panel.canvas).color });
    for (let level = 0; level <= shown; level++) {
      g.fillText(`${NAMES[level]}: ${steps[level]}`, panel.x(0.8), panel.y((level + 0.5) * LINE_HEIGHT));
    }
  }

  function drawColumns(/** @type {Uint16Array} */ steps, /** @type {number} */ shown) {
    const end = steps[0];
    const [top, bottom] = [0.1 * LINE_HEIGHT, 0.9 * LINE_HEIGHT];
    if (photo) {
      const [from, share] = [Math.max(0, end - BEFORE), photo.width / end];
      panel.g.imageSmoothingEnabled = false;
      const y = [panel.y(top), panel.y(bottom) - panel.y(top)];
      panel.g.drawImage(
        photo,
        from * share,
        photo.height * 0.35,
        (end - from) * share,
        photo.height * 0.11,
        panel.x(from - end),
        y[0],
        (end - from) * panel.scale,
        y[1],
      );
    }
    for (let level = 1; level <= shown; level++) {
      const [side, before, after] = [2 ** level, steps[level - 1], steps[level]];
      const [y1, y2] = [level * LINE_HEIGHT + top, level * LINE_HEIGHT + bottom];
      const box = (/** @type {number} */ x1, /** @type {number} */ x2) =>
        /** @type {Box} */ ([Math.max(x1 - end, -BEFORE), y1, Math.min(x2 - end, 0), y2]);
      for (let column = Math.max(0, Math.floor((end - BEFORE) / side)); column < after; column++) {
        cell(box(column * side, (column + 1) * side), 2 * column + 1 === before ? "ignored" : "window", String(column));
      }
      if (2 * after < before) cell(box(((before - 1) * side) / 2, (before * side) / 2), "crosses_border", "×");
    }
  }

  function draw() {
    const [steps, shown] = [stepsOf(), model.get("poolings")];
    length.set(model.get("length"));
    poolings.set(shown);
    rounding.set(model.get("rounding"));
    setText(aside, `pixel columns ${Math.max(0, steps[0] - BEFORE)} to ${steps[0] - 1}`);
    NAMES.forEach((_, level) => {
      const known = level <= shown; // what is still to be guessed is not told
      const texts = [
        known ? String(steps[level]) : "?",
        String(2 ** level),
        known && level ? fate(steps[level - 1], steps[level]) : "",
      ];
      texts.forEach((text, k) => setText(cells[level][k], text));
      lines[level].classList.toggle("rpnviz-later", level > shown);
    });
    const lost = steps[0] - 16 * steps[4];
    const told =
      lost === 0
        ? "Divides exactly: rounding down or up makes no difference."
        : lost > 0
          ? `The ${lost} columns at the end have no column of the map over them.`
          : `The last column of the map hangs ${-lost} px over the end.`;
    if (shown < LEVELS - 1) setText(verdict, `${[...steps].slice(0, shown + 1).join(" → ")} → ?`);
    else
      setText(
        verdict,
        `${steps[0]} → ${steps[4]}. ${steps[0]} / 16 = ${(steps[0] / 16).toFixed(4).replace(/\.?0+$/, "")}. ${told}`,
      );
    if (panel.begin()) {
      drawColumns(steps, shown);
      drawCounts(steps, shown);
    }
    ui.root.dataset.steps = [...steps].join(" ");
    ui.say(`An odd last column is ${model.get("rounding") === "ceil" ? "kept" : "dropped"}: ${verdict.textContent}`);
  }

  ui.onDestroy(watch(model, ["length", "rounding", "poolings"], redraw));
  ui.onDestroy(() => panel.destroy());
  redraw();
  return () => ui.destroy();
}
