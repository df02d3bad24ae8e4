// @ts-check
// Notebook 02: the 3×3 window and all the numbers on its way: 3×3×512 → 512 → 9 + 36.

import { heatImage, lineStyles, nearestOutline, Panel, shapeMark, swatch } from "../common/canvas_panel.js";
import { checkbox, h, slider } from "../common/elements.js";
import { fixed } from "../common/format.js";
import { around, centre, mapStage, pictureStage, shifted } from "../common/map_and_picture.js";
import { commit, derived, typed } from "../common/model.js";
import { loadHundredths, loadSheet } from "../common/packed.js";
import { opensPictures } from "../common/picture_row.js";
import { table } from "../common/table.js";
import { defineView, group } from "../common/view.js";
import { openWindow } from "./own_window.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/map_and_picture.js").AnchorShape} AnchorShape */
/** @typedef {import("../common/map_and_picture.js").Place} Place */
/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {ReturnType<typeof readStore>} Store */
/** @typedef {ReturnType<typeof readMoment>} Moment */
/** @typedef {import("../common/view.js").Context<Store>} Context */
/** @typedef {import("../common/view.js").Part<Moment>} Part */

const COLUMNS = 32; // of the sheets that show 512 channels
const TILE = 4; // three cells and a gap
const DELTAS = ["dx", "dy", "dw", "dh"];
const NEAR = 12; // px of the picture within which the mouse is at an anchor

export const render = defineView({
  frame: {
    className: "rpnviz-window",
    label: "The 3×3 window and the numbers on its way",
    hint: "Drag on the map, press the arrow keys there, or press on the picture. Point at anything to learn what it is.",
    keys: [
      ["← → ↑ ↓ on the map", "move the window by one cell"],
      ["Shift + ← → ↑ ↓ there", "by five cells"],
      ["PageUp, PageDown there", "five rows up, down"],
      ["Home, End there", "to the first, last column"],
    ],
  },
  traits: ["row", "col", "channel", "selected", "show_anchors"],
  opens: opensPictures({ network: true, answer: openWindow }),
  store: readStore,
  moment: readMoment,
  parts: (context) => [
    featureMap(context),
    picture(context),
    group("div", { class: "rpnviz-flow" }, covered(context), vector(context), outputs(context)),
  ],
  say({ row, col, outputs: here }, { root, store: { anchors, channels } }) {
    root.dataset.cell = `${row} ${col}`;
    if (!here) return "";
    const logits = here.map(({ logit }) => logit);
    const best = logits.indexOf(Math.max(...logits));
    const numbers = `${9 * channels} numbers, then ${channels}, then ${anchors.length} logits and ${4 * anchors.length} deltas`;
    const highest = `Highest logit ${fixed(logits[best])}, of the anchor ${anchors[best].name}.`;
    return `The 3×3 window at row ${row}, column ${col}: ${numbers}. ${highest}`;
  },
});

/** What stays from drawing to drawing. @param {{model: Model, redraw: () => void}} tools */
function readStore({ model, redraw }) {
  const look = model.get("look");
  const place = /** @type {Place} */ (model.get("place"));
  const [rows, cols] = place.feature_size;
  const channels = /** @type {number} */ (model.get("num_channels"));
  const features = loadSheet(() => model.get("features"), place.feature_size, redraw);
  const meanMap = typed(model.get("mean_map"), Uint8Array);
  return {
    ...{ place, rows, cols, channels, features, heat: look.heat, styles: lineStyles(look) },
    anchors: /** @type {AnchorShape[]} */ (model.get("anchors")),
    sheetRows: Math.ceil(channels / COLUMNS),
    vectors: loadSheet(() => model.get("vectors"), place.feature_size, redraw),
    objectness: loadHundredths(model.get("objectness"), redraw),
    deltas: loadHundredths(model.get("deltas"), redraw),
    /** The map of a channel, or of the mean of all, in colours; null until it is there. */
    map: derived(
      () => (model.get("channel") < 0 || features() ? model.get("channel") : null),
      (channel) => {
        const values = channel < 0 ? meanMap : features()?.map(channel);
        return channel === null || !values ? null : heatImage(values, rows, cols, look.heat);
      },
    ),
  };
}

/** @param {Context} context */
function readMoment({ model, store }) {
  const [row, col, channel, selected] = ["row", "col", "channel", "selected"].map(
    (name) => /** @type {number} */ (model.get(name)),
  );
  return {
    ...{ row, col, channel, selected },
    showAnchors: /** @type {boolean} */ (model.get("show_anchors")),
    at: centre(model),
    map: store.map(),
    features: store.features(),
    vectors: store.vectors(),
    outputs: readOutputs(store, row * store.cols + col),
  };
}

/** Logit and deltas of each anchor at a cell; null until they are there. @param {Store} store @param {number} cell */
function readOutputs({ anchors, cols, deltas, objectness, rows }, cell) {
  const [logits, moves] = [objectness(), deltas()];
  if (!logits || !moves) return null;
  const cells = rows * cols;
  return anchors.map((_, a) => ({
    logit: logits[a * cells + cell],
    deltas: DELTAS.map((__, k) => moves[(4 * a + k) * cells + cell]),
  }));
}

/** Make an anchor stand out, −1: none. @param {Model} model @param {number} anchor */
function select(model, anchor) {
  if (anchor !== model.get("selected")) commit(model, { selected: anchor });
}

/** The map of a channel with the window, and which channel. @param {Context} context @returns {Part} */
function featureMap({ model, store: { channels, styles }, redraw }) {
  const map = mapStage(model, {
    what: "The feature map. The square is the 3×3 window; at the rim it covers zeros.",
    header: ["Feature map"],
    redraw,
  });
  const channel = slider({
    label: "channel",
    name: "channel on the map",
    min: -1,
    max: channels - 1,
    className: "rpnviz-channel",
    what: `Which of the ${channels} channels the map shows; at the far left, their mean.`,
    format: (value) => (value < 0 ? "mean" : String(value)),
    onInput: (value) => commit(model, { channel: value }),
  });
  map.element.append(channel.element);
  return {
    element: map.element,
    draw(now) {
      channel.set(now.channel);
      if (now.map) map.draw(now.map, styles.window);
    },
    destroy: () => map.panel.destroy(),
  };
}

/** The picture with footprint and receptive field, and the anchors. @param {Context} context @returns {Part} */
function picture({ model, store: { anchors, place, styles }, redraw }) {
  const all = checkbox({
    label: `its ${anchors.length} anchors`,
    what: "The reference boxes that give the output channels their meaning. The window does not see them.",
    onChange: (on) => commit(model, { show_anchors: on }),
  });
  const legend = (/** @type {string} */ text, /** @type {string} */ name, /** @type {string} */ what) =>
    h("span", { class: "rpnviz-key", what }, swatch(styles[name]), text);
  const stage = pictureStage(model, {
    margin: 0.08,
    redraw,
    what: "The picture: where the window's numbers come from. Nothing is cut out of it.",
    header: [
      "Picture",
      legend("footprint", "window", "The window's 3×3 cells, laid on the picture."),
      legend("receptive field", "receptive_field", "All the pixels that the window's outputs can depend on."),
      all.element,
    ],
  });
  const { panel } = stage;
  panel.canvas.addEventListener("pointermove", (event) => {
    if (!model.get("show_anchors") || event.buttons) return;
    const boxes = anchors.map(({ box }) => shifted(box, centre(model)));
    select(model, nearestOutline(boxes, ...panel.at(event), NEAR));
  });
  panel.canvas.addEventListener("pointerleave", () => select(model, -1));
  return {
    element: stage.element,
    draw({ at, selected, showAnchors }) {
      all.set(showAnchors);
      if (!stage.draw()) return;
      const boxes = anchors.map(({ box }) => shifted(box, at));
      if (showAnchors) for (const box of boxes) panel.box(box, styles.anchor, { alpha: selected < 0 ? 1 : 0.5 });
      if (selected >= 0) panel.box(boxes[selected], styles.anchor, { strong: true });
      panel.box(around(at, place.half.receptive_field), styles.receptive_field);
      panel.box(around(at, place.half.window), styles.window);
      if (selected >= 0) panel.tags([{ text: anchors[selected].name, box: boxes[selected], style: styles.anchor }]);
    },
    destroy: () => panel.destroy(),
  };
}

/** What the window covers. @param {Context} context @returns {Part} */
function covered(context) {
  const { channels, cols, rows } = context.store;
  return sheet(context, {
    unit: TILE,
    title: `3×3×${channels} numbers`,
    what: "What the window covers: one little 3×3 square a channel, bright where near the channel's maximum.",
    fill({ features, row, col }, put) {
      if (!features) return false;
      for (let y = 0; y < 3; y++) {
        for (let x = 0; x < 3; x++) {
          const [r, k] = [row - 1 + y, col - 1 + x];
          const inside = r >= 0 && r < rows && k >= 0 && k < cols;
          for (let c = 0; c < channels; c++) put(c, y, x, inside ? features.at(c, r, k) : 0);
        }
      }
      return true;
    },
  });
}

/** What the 3×3 convolution makes of it. @param {Context} context @returns {Part} */
function vector(context) {
  const { channels } = context.store;
  return sheet(context, {
    unit: 1,
    title: `→ 3×3 convolution → ${channels}`,
    what: "The vector that the window becomes. Every output on the right is read off these numbers.",
    fill({ vectors, row, col }, put) {
      if (!vectors) return false;
      for (let c = 0; c < channels; c++) put(c, 0, 0, vectors.at(c, row, col));
      return true;
    },
  });
}

/**
 * A sheet with a place for each channel.
 * @param {Context} context
 * @param {{unit: number, title: string, what: string, fill: (now: Moment, put: (channel: number, y: number, x: number,
 *   value: number) => void) => boolean}} options unit: side of a place; fill: false while the numbers are not there
 * @returns {Part}
 */
function sheet({ store: { heat, sheetRows }, redraw }, { unit, title, what, fill }) {
  const [wide, high] = [COLUMNS * unit, sheetRows * unit];
  const extent = /** @type {Box} */ ([0, 0, wide, high]);
  const attributes = { role: "img" };
  const panel = new Panel({ extent, className: "rpnviz-sheet", label: title, what, attributes, onResize: redraw });
  const values = new Uint8Array(wide * high);
  const put = (
    /** @type {number} */ channel,
    /** @type {number} */ y,
    /** @type {number} */ x,
    /** @type {number} */ value,
  ) => {
    const [top, left] = [Math.floor(channel / COLUMNS) * unit, (channel % COLUMNS) * unit];
    values[(top + y) * wide + left + x] = value;
  };
  return {
    element: h("figure", {}, h("figcaption", {}, title), panel.canvas),
    draw(now) {
      if (panel.begin() && fill(now, put)) panel.image(heatImage(values, high, wide, heat), extent, true);
    },
    destroy: () => panel.destroy(),
  };
}

/** The nine logits and the 36 deltas. @param {Context} context @returns {Part} */
function outputs({ model, store: { anchors, styles } }) {
  const longest = Math.max(...anchors.flatMap(({ box: [x1, y1, x2, y2] }) => [x2 - x1, y2 - y1]));
  const rows = table({
    label: "logits and deltas",
    className: "rpnviz-outputs",
    heads: ["anchor", "logit", "", ...DELTAS].map((text) => ({ text })),
    rows: anchors.map(({ box, name }, a) => ({
      head: [shapeMark(box, longest, 14), ` ${name}`],
      what: `Output channel ${a}: objectness of the ${name} anchor, and its four deltas.`,
    })),
    onPoint: (a) => select(model, a),
  });
  const bars = rows.cells.map(([, cell]) => {
    const bar = h("span", { class: "rpnviz-bar" });
    cell.className = "rpnviz-bars";
    cell.append(bar);
    return bar;
  });
  const title = `→ 1×1 convolutions → ${anchors.length} logits, ${4 * anchors.length} deltas`;
  return {
    element: h("figure", {}, h("figcaption", {}, title), rows.element),
    draw({ outputs: here, selected }) {
      rows.mark("rpnviz-hot", (a) => a === selected);
      if (!here) return;
      rows.write(here.map(({ logit, deltas }) => [fixed(logit), "", ...deltas.map((delta) => fixed(delta))]));
      here.forEach(({ logit }, a) => {
        const half = 50 * Math.tanh(Math.abs(logit) / 8); // a bar for the eye; the number stands beside it
        const background = styles.proposal.color; // which side it lies on is its sign
        Object.assign(bars[a].style, { left: `${logit < 0 ? 50 - half : 50}%`, width: `${half}%`, background });
      });
    },
  };
}
