// @ts-check
// Notebook 01: the layers one after the other, and how the receptive field of one unit grows on the picture.

import { waitsFor } from "../common/asking.js";
import { heatImage, lineStyles, Panel, swatch } from "../common/canvas_panel.js";
import { clamp } from "../common/compute/boxes.js";
import { explains, h, OWN_KEYS, scroller, setText, slider } from "../common/elements.js";
import { arrowKeys } from "../common/keys.js";
import { dragging } from "../common/map_and_picture.js";
import { commit, derived, typed } from "../common/model.js";
import { loadPhoto } from "../common/photo.js";
import { opensPictures } from "../common/picture_row.js";
import { defineView, group } from "../common/view.js";
import { mapOf, openLayers } from "./own_layers.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/model.js").Model} Model */
/**
 * @typedef {{name: string, kernel: number, stride: number, channels: number, vgg16: number, size: [number, number],
 *   jump: number, receptive_field: number, shown: [number, number]}} Layer sizes (h, w); jump and field in input px
 */
/** @typedef {{grid: string, image_size: [number, number], input_size: [number, number]}} Place */
/** @typedef {ReturnType<typeof readStore>} Store */
/** @typedef {ReturnType<typeof readMoment>} Moment */
/** @typedef {import("../common/view.js").Context<Store>} Context */
/** @typedef {import("../common/view.js").Part<Moment>} Part */

const MARGIN = 0.12;
const ALONE = "Needs a running kernel: Python has the other channels.";

/** "640×960" @param {[number, number]} size */
const times = ([rows, cols]) => `${rows}×${cols}`;

/** Head and cell of each row of the table. @type {[string, string, (layer: Layer) => string][]} */
const ROWS = [
  ["output, h×w", "Rows and columns of what the layer puts out.", (l) => times(l.size)],
  ["channels", "How many maps of that size there are, in the network that is shown.", (l) => String(l.channels)],
  ["… in VGG-16", "The same in VGG-16: wider, and otherwise alike.", (l) => String(l.vgg16)],
  [
    "kernel, stride",
    "How many neighbours the layer reads along each side, and how far it moves on.",
    (l) => `${l.kernel}, ${l.stride}`,
  ],
  [
    "jump",
    "Pixels of the network's input from one unit of the layer to the next: all strides multiplied.",
    (l) => String(l.jump),
  ],
  [
    "receptive field",
    "Side of the square that one unit sees, in pixels of the network's input.",
    (l) => String(l.receptive_field),
  ],
];

/** The lines of the card: the layer in words, and its sum. @type {[string, (now: Moment) => string][]} */
const CARD = [
  ["name", ({ layer }) => layer.name],
  ["shape", ({ layer }) => `${layer.channels} channels of ${times(layer.size)}`],
  ["unit", ({ row, col }) => `unit: row ${row}, column ${col}`],
  ["grows", () => "field = before + (kernel − 1) · jump before"],
  [
    "sum",
    ({ before, layer }) =>
      `${before.receptive_field} + (${layer.kernel} − 1) · ${before.jump} = ${layer.receptive_field}`,
  ],
  ["jump", ({ before, layer }) => `jump ${before.jump} · ${layer.stride} = ${layer.jump} px`],
  [
    "sees",
    ({ field: [x1, y1, x2, y2], beyond }) =>
      `All it sees: ${(x2 - x1).toFixed(0)} × ${(y2 - y1).toFixed(0)} px${beyond ? ", partly beyond the border: zeros" : " of the picture"}`,
  ],
];

export const render = defineView({
  frame: {
    className: "rpnviz-walk",
    label: "The layers, and what one unit of each sees",
    hint: "Move the layer slider. Drag on the map or on the picture, or press the arrow keys there, to take another unit.",
    keys: [
      ["← → ↑ ↓ on the map or the picture", "the next unit in that direction"],
      ["Shift + ← → ↑ ↓ there", "several units on"],
    ],
  },
  traits: ["layer", "channels", "x", "y", "maps"],
  opens: opensPictures({ network: true, answer: openLayers }),
  store: readStore,
  moment: readMoment,
  parts: (context) => [
    group("figure", {}, mapCaption(), channelMap(context), channelSlider(context)),
    group("figure", {}, pictureCaption(context), picture(context)),
    group("div", { class: "rpnviz-card" }, ...CARD.map(cardLine), lens(context)),
    group("div", { class: "rpnviz-way" }, layerSlider(context), walkTable(context)),
  ],
  say({ layer, row, col, channel, map }, { root }) {
    root.dataset.unit = `${layer.name} ${row} ${col}`;
    root.dataset.shown = map ? `${layer.name} ${channel}` : "";
    return `${layer.name}, ${layer.channels} channels of ${times(layer.size)}. Row ${row}, column ${col} sees ${layer.receptive_field} pixels a side.`;
  },
  busy: () => "Python looks up the channel …",
});

/** @param {{model: Model, redraw: () => void}} tools */
function readStore({ model, redraw }) {
  const look = model.get("look");
  const place = /** @type {Place} */ (model.get("place"));
  const { image_size: image, input_size: input } = place;
  const layers = /** @type {Layer[]} */ (model.get("layers"));
  return {
    ...place,
    per: /** @type {[number, number]} */ ([image[1] / input[1], image[0] / input[0]]), // picture px of an input px: x, y
    layers,
    styles: lineStyles(look),
    photo: loadPhoto(() => model.get("image"), redraw),
    mapOf: mapsThatCame(model, layers, look.heat),
  };
}

/**
 * Gives the map of a layer in the channel shown, null while the page lacks it. Those of the channels chosen at the opening
 * came along; what Python was asked for is kept. A page that asked its own network has them all.
 * @param {Model} model @param {Layer[]} layers @param {string[]} heat
 */
function mapsThatCame(model, layers, heat) {
  const kept = /** @type {Map<string, HTMLCanvasElement>} */ (new Map());
  const every = /** @type {import("../common/network_worker.js").LayerMaps | undefined} */ (model.get("every_map"));
  const keep = (/** @type {Layer} */ { name, shown }, /** @type {number} */ channel, /** @type {Uint8Array} */ bytes) =>
    kept.set(`${name} ${channel}`, heatImage(bytes, ...shown, heat));
  const takeAnswer = derived(
    () => model.get("answered").wish,
    (wish) => {
      const layer = layers.find(({ name }) => name === wish.layer);
      if (layer) keep(layer, wish.channel, typed(model.get("extra_map"), Uint8Array));
    },
  );
  return (/** @type {Layer} */ layer) => {
    takeAnswer();
    const channel = model.get("channels")[layer.name];
    const key = `${layer.name} ${channel}`;
    const cameAlong = model.get("opened")[layer.name] === channel;
    if (!kept.has(key) && every) keep(layer, channel, mapOf(every, layer, channel));
    else if (!kept.has(key) && cameAlong) keep(layer, channel, typed(model.get("maps")[layer.name], Uint8Array));
    return kept.get(key) || null;
  };
}

/** The number of the layer shown. @param {Context} context */
const shownLayer = ({ model, store: { layers } }) =>
  Math.max(
    0,
    layers.findIndex(({ name }) => name === model.get("layer")),
  );

/** @param {Context} context */
function readMoment(context) {
  const { model, store } = context;
  const [height, width] = store.image_size;
  const index = shownLayer(context);
  const layer = store.layers[index];
  const unit = unitOf(context, layer);
  const [x1, y1, x2, y2] = unit.field;
  return {
    ...{ index, layer, ...unit },
    before: index ? store.layers[index - 1] : { receptive_field: 1, jump: 1 },
    fields: store.layers.slice(0, index).map((one) => unitOf(context, one).field),
    beyond: x1 < 0 || y1 < 0 || x2 > width || y2 > height,
    channel: /** @type {number} */ (model.get("channels")[layer.name]),
    map: store.mapOf(layer),
  };
}

/** Place of the unit at the point, and what it sees. @param {Context} context @param {Layer} layer */
function unitOf({ model, store }, { size, jump, receptive_field: side }) {
  const [perX, perY] = store.per;
  const row = clamp(Math.floor((model.get("y") * store.input_size[0]) / store.image_size[0] / jump), 0, size[0] - 1);
  const col = clamp(Math.floor((model.get("x") * store.input_size[1]) / store.image_size[1] / jump), 0, size[1] - 1);
  const [x, y] = [(col + 0.5) * jump, (row + 0.5) * jump];
  const field = [(x - side / 2) * perX, (y - side / 2) * perY, (x + side / 2) * perX, (y + side / 2) * perY];
  return {
    ...{ row, col, field: /** @type {Box} */ (field) },
    centre: /** @type {[number, number]} */ ([x * perX, y * perY]),
  };
}

/** Take the unit at a point. @param {Context} context @param {number} x @param {number} y picture px */
function takeUnit({ model, store }, x, y) {
  const [height, width] = store.image_size;
  const to = { x: clamp(x, 0, width), y: clamp(y, 0, height) };
  if (to.x !== model.get("x") || to.y !== model.get("y")) commit(model, to);
}

/** A listener for the arrows, on the map and on the picture. @param {Context} context */
function unitKeys(context) {
  const { image_size: image, layers, per } = context.store;
  return arrowKeys((dx, dy, { shiftKey }) => {
    const layer = layers[shownLayer(context)];
    const { centre } = unitOf(context, layer);
    const by = layer.jump * (shiftKey ? Math.max(5, 40 / layer.jump) : 1);
    const [x, y] = [dx, dy].map((step, k) => {
      const half = (layer.jump / 2) * per[k]; // the outermost units are centred half a unit in
      return clamp(centre[k] + step * by * per[k], half, image[1 - k] - half);
    });
    takeUnit(context, x, y);
  });
}

/** @returns {Part} */
function mapCaption() {
  const [name, aside] = [h("span"), h("span", { class: "rpnviz-aside" })];
  return {
    element: h("figcaption", {}, name, aside),
    draw({ layer, channel }) {
      setText(name, layer.name);
      setText(aside, `channel ${channel} of ${layer.channels}`);
    },
  };
}

/** One channel of the layer, by keys and by hand. @param {Context} context @returns {Part} */
function channelMap(context) {
  const { store, redraw } = context;
  const { input_size: input, per, styles } = store;
  const panel = new Panel({
    extent: [0, 0, input[1], input[0]],
    className: "rpnviz-map",
    label: "map of the layer; arrow keys move the unit",
    what: "One channel of the layer: bright where it is high. Early layers are shown four times coarser than they are.",
    attributes: { tabindex: 0, role: "application", keydown: unitKeys(context), ...OWN_KEYS },
    onResize: redraw,
  });
  dragging(panel, (x, y) => takeUnit(context, x * per[0], y * per[1]));
  const ask = asker(context);
  let last = /** @type {{map: HTMLCanvasElement, layer: Layer} | null} */ (null);
  return {
    element: panel.canvas,
    draw(now) {
      ask(now);
      const { layer, row, col, map } = now;
      const shown = map || (last?.layer === layer ? last.map : null); // the old one, greyed, until the answer is there
      if (!panel.begin() || !shown) return;
      last = { map: shown, layer };
      const { jump, shown: size } = layer;
      const step = Math.max(jump, input[0] / size[0] > 3 ? 4 : jump); // input px of a shown pixel
      panel.image(shown, [0, 0, size[1] * step, size[0] * step], true);
      const [x, y, half] = [(col + 0.5) * jump, (row + 0.5) * jump, jump / 2];
      if (jump * panel.scale > 5 * panel.unit) panel.box([x - half, y - half, x + half, y + half], styles.window);
      else panel.dot(x, y, styles.window, 3);
    },
    destroy: () => panel.destroy(),
  };
}

/**
 * Asks Python for the map that the page lacks, one question at a time; what could not be answered is asked again only after
 * something else was shown.
 * @param {Context} context
 */
function asker({ model }) {
  let asked = "";
  return (/** @type {Moment} */ { layer: { name }, channel, map }) => {
    const lacks = map ? "" : `${name} ${channel}`;
    if (lacks && (lacks === asked || !model.get("has_kernel") || waitsFor(model).length)) return;
    asked = lacks;
    if (lacks) commit(model, { wish: { layer: name, channel } });
  };
}

/** @param {Context} context @returns {Part} */
function channelSlider({ model }) {
  const number = slider({
    label: "channel",
    name: "channel of the layer",
    max: 0,
    className: "rpnviz-channel",
    what: "Which of the layer's channels the map shows.",
    onInput: (value) => commit(model, { channels: { ...model.get("channels"), [model.get("layer")]: value } }),
  });
  number.input.disabled = !model.get("has_kernel") && !model.get("every_map");
  if (number.input.disabled) for (const part of [number.element, number.input]) explains(part, ALONE);
  return { element: number.element, draw: ({ layer, channel }) => number.set(channel, layer.channels - 1) };
}

/** @param {Context} context */
function pictureCaption({ store: { styles } }) {
  const legend = (/** @type {string} */ text, /** @type {string} */ name, /** @type {string} */ what) =>
    h("span", { class: "rpnviz-key", what }, swatch(styles[name]), text);
  return h(
    "figcaption",
    {},
    "Picture",
    legend("one unit", "window", "The unit whose field is drawn; drag it."),
    legend("receptive field", "receptive_field", "All the pixels that the unit can depend on."),
  );
}

/** The picture with what the unit sees, by keys and by hand. @param {Context} context @returns {Part} */
function picture(context) {
  const { store, redraw } = context;
  const { photo, styles } = store;
  const [height, width] = store.image_size;
  const panel = new Panel({
    extent: [-MARGIN * width, -MARGIN * height, (1 + MARGIN) * width, (1 + MARGIN) * height],
    className: "rpnviz-picture",
    label: "picture with what the unit sees; arrow keys move the unit",
    what: "Strong: all the pixels that the unit can depend on. Thin: the same for the layers before. Outside: zero padding.",
    attributes: { tabindex: 0, role: "application", keydown: unitKeys(context), ...OWN_KEYS },
    onResize: redraw,
  });
  dragging(panel, (x, y) => takeUnit(context, x, y));
  const thin = { ...styles.receptive_field, width: 0.8, dash: [] };
  return {
    element: panel.canvas,
    draw({ field, fields, centre }) {
      const bitmap = photo.bitmap;
      if (!panel.begin()) return;
      if (bitmap) panel.image(bitmap, [0, 0, width, height]);
      for (const before of fields) panel.box(before, thin, { alpha: 0.55 });
      panel.box(field, styles.receptive_field, { strong: true });
      panel.dot(...centre, styles.window, 3);
    },
    destroy: () => panel.destroy(),
  };
}

/** One of CARD. @param {(typeof CARD)[number]} line @returns {Part} */
function cardLine([key, text]) {
  const element = h("p", { class: `rpnviz-card-${key}` });
  return { element, draw: (now) => setText(element, text(now)) };
}

/** The receptive field alone, enlarged. @param {Context} context @returns {Part} */
function lens({ store, redraw }) {
  const [height, width] = store.image_size;
  const panel = new Panel({
    extent: [0, 0, 1, 1],
    className: "rpnviz-lens",
    label: "the receptive field alone, enlarged",
    what: "The receptive field alone, enlarged: nothing else of the picture can reach this unit.",
    attributes: { role: "img" },
    onResize: redraw,
  });
  return {
    element: panel.canvas,
    draw({ field: [x1, y1, x2, y2] }) {
      const bitmap = store.photo.bitmap;
      if (!panel.begin() || !bitmap) return;
      const [wide, high] = [panel.scale / (x2 - x1), panel.scale / (y2 - y1)]; // screen px of a picture px
      panel.g.imageSmoothingEnabled = false;
      panel.g.drawImage(bitmap, -x1 * wide, -y1 * high, width * wide, height * high);
    },
    destroy: () => panel.destroy(),
  };
}

/** @param {Context} context @returns {Part} */
function layerSlider({ model, store: { layers } }) {
  const choice = slider({
    label: "layer",
    name: "layer",
    max: layers.length - 1,
    className: "rpnviz-layer-choice",
    what: "Which layer: from the first convolution to the window of the region proposal network.",
    format: (value) => layers[value].name,
    onInput: (value) => commit(model, { layer: layers[value].name }),
  });
  choice.element.classList.add("rpnviz-over-columns");
  return { element: choice.element, draw: ({ index }) => choice.set(index) };
}

/** One column a layer: a real table. @param {Context} context @returns {Part} */
function walkTable({ model, store: { layers } }) {
  const columns = layers.map(() => /** @type {HTMLElement[]} */ ([]));
  const cell = (/** @type {string} */ tag, /** @type {number} */ i, /** @type {string} */ text) => {
    const click = () => commit(model, { layer: layers[i].name });
    const made = h(tag, { click, scope: tag === "th" && "col" }, text);
    columns[i].push(made);
    return made;
  };
  const heads = layers.map(({ name }, i) => cell("th", i, name.replace("RPN ", "RPN\u00a0")));
  const rows = ROWS.map(([name, what, say]) =>
    h("tr", { what }, h("th", { scope: "row" }, name), ...layers.map((layer, i) => cell("td", i, say(layer)))),
  );
  const head = h("thead", {}, h("tr", {}, h("td"), ...heads));
  const element = scroller("layers", "", h("table", { class: "rpnviz-way-table" }, head, h("tbody", {}, ...rows)));
  let seen = ""; // the layer that was brought into view, and in which width
  return {
    element,
    draw({ index }) {
      columns.forEach((cells, i) => {
        for (const one of cells) {
          one.classList.toggle("rpnviz-hot", i === index);
          one.classList.toggle("rpnviz-later", i > index);
        }
        cells[0].setAttribute("aria-current", String(i === index));
      });
      const now = `${index} ${element.clientWidth}`;
      const { offsetLeft, offsetWidth } = columns[index][0];
      if (now !== seen) element.scrollLeft = offsetLeft + (offsetWidth - element.clientWidth) / 2; // into the middle
      seen = now;
    },
  };
}
