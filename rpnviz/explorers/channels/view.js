// @ts-check
// Notebook 01: all channels as a contact sheet, one of them as a light on the picture, ranked by what they answer to.

import { canAsk, ownPicture } from "../common/asking.js";
import { heatImage, lineStyles, Panel } from "../common/canvas_panel.js";
import { clamp } from "../common/compute/boxes.js";
import { h, OWN_KEYS, scroller, segmented, setText } from "../common/elements.js";
import { arrowKeys } from "../common/keys.js";
import { dragging } from "../common/map_and_picture.js";
import { commit, derived, typed } from "../common/model.js";
import { loadSheet } from "../common/packed.js";
import { loadPhoto } from "../common/photo.js";
import { pictureList } from "../common/picture_list.js";
import { opensPictures } from "../common/picture_row.js";
import { defineView, group } from "../common/view.js";
import { openSheet } from "./own_sheet.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {ReturnType<typeof readStore>} Store */
/** @typedef {ReturnType<typeof readMoment>} Moment */
/** @typedef {import("../common/view.js").Context<Store>} Context */
/** @typedef {import("../common/view.js").Part<Moment>} Part */

const GAP = 4; // cells between two tiles
const DARK = 0.78; // over a cell where the channel is silent
const ALONE = "Needs a running kernel: Python has the other pictures.";

export const render = defineView({
  frame: {
    className: "rpnviz-sheets",
    label: "The channels of the feature map",
    hint: "Press a tile, or press the arrow keys on the sheet. The picture is lit where that channel is bright.",
    keys: [
      ["← → on the sheet", "the channel before, the next"],
      ["↑ ↓ there", "a row up, down"],
      ["Home, End there", "to the first, last channel"],
    ],
  },
  traits: ["class_name", "channel", "picture", "shown", "image", "sheet", "boxes"],
  opens: opensPictures({ network: true, answer: openSheet }),
  store: readStore,
  moment: readMoment,
  parts: (context) => [
    group(
      "div",
      { class: "rpnviz-asking" },
      group("div", {}, h("span", {}, "rank by"), ranking(context)),
      group("label", {}, h("span", {}, "picture"), pictureChoice(context)),
    ),
    group("figure", {}, sheetCaption(context), contactSheet(context)),
    group("figure", {}, pictureCaption(), litPicture(context), fires(context)),
  ],
  say: ({ shown, words }) => `${shown}: ${words}`,
  busy: (_, { model }) => (model.get("has_kernel") ? "Python fetches the picture …" : "fetching the picture …"),
});

/** @param {{model: Model, redraw: () => void}} tools */
function readStore({ model, redraw }) {
  const look = model.get("look");
  const place = /** @type {{image_size: [number, number], feature_size: [number, number]}} */ (model.get("place"));
  const count = /** @type {number} */ (model.get("num_channels"));
  const orders = typed(model.get("orders"), Uint16Array);
  const byNumber = Uint16Array.from({ length: count }, (_, i) => i);
  const classes = /** @type {string[]} */ (model.get("classes"));
  return {
    ...{ ...place, count, classes, orders, styles: lineStyles(look) },
    columns: /** @type {number} */ (model.get("sheet_columns")),
    entries: /** @type {[string, string, number][]} */ (model.get("entries")),
    means: typed(model.get("means"), Float32Array),
    ratios: typed(model.get("ratios"), Float32Array),
    photo: loadPhoto(() => model.get("image"), redraw),
    /** The channels in the order of a class; −1: by number. @param {number} kind */
    order: (kind) => (kind < 0 ? byNumber : orders.subarray(kind * count, (kind + 1) * count)),
    tiles: derived(
      loadSheet(() => model.get("sheet"), place.feature_size, redraw),
      (sheet, version) =>
        sheet && { ...sheet, version, tint: heatImage(sheet.values, sheet.height, sheet.width, look.heat) },
    ),
  };
}

/** @param {Context} context */
function readMoment({ model, store }) {
  const className = /** @type {string} */ (model.get("class_name"));
  const channel = /** @type {number} */ (model.get("channel"));
  const kind = store.classes.indexOf(className); // −1: by number
  const order = store.order(kind);
  const lines = store.entries.flatMap(([name], at) => (name === className ? [at] : []));
  const mean = (/** @type {number} */ row) => store.means[row * store.count + channel];
  const pairs = lines.map((at) => [mean(2 * at), mean(2 * at + 1)]);
  const below = pairs.filter(([inside, outside]) => inside <= outside).length;
  const place = order.indexOf(channel);
  const ratio = store.ratios[kind * store.count + channel];
  const own = ownPicture(model);
  const unknown = own ? ` ${own.name} is not among them: nobody has marked its objects.` : "";
  return {
    own,
    ...{ className, channel, kind, order, place, lines, pairs },
    picture: /** @type {string} */ (model.get("picture")),
    shown: /** @type {string} */ (model.get("shown")),
    boxes: /** @type {{name: string, box: Box}[]} */ (model.get("boxes")),
    tiles: store.tiles(),
    words:
      kind < 0
        ? `Channel ${channel}. Choose a class to rank by.`
        : `Channel ${channel}, rank ${place + 1}: ${ratio.toFixed(1)} × as bright in a ${className}; darker there on ${below} of ${lines.length} pictures.${unknown}`,
  };
}

/** @param {Context} context @returns {Part} */
function ranking({ model, store: { classes, count, orders } }) {
  const buttons = segmented({
    label: "rank the channels",
    className: "rpnviz-class",
    what: "Rank by how many times brighter a channel is inside the boxes of a class than outside, over all pictures.",
    options: [{ value: "", label: "number" }, ...classes.map((name) => ({ value: name, label: name }))],
    onChange: (value) => {
      const at = classes.indexOf(value);
      commit(model, { class_name: value, ...(at < 0 ? {} : { channel: orders[at * count] }) });
    },
  });
  return { element: buttons.element, draw: ({ className }) => buttons.set(className) };
}

/** @param {Context} context @returns {Part} */
function pictureChoice({ model }) {
  const names = /** @type {string[]} */ (model.get("pictures"));
  const alone = !names.some((name) => name !== model.get("picture") && canAsk(model, "picture", name));
  const what = alone ? ALONE : "Which picture the sheet and the light belong to.";
  const list = pictureList(model, { label: "picture", what });
  list.element.disabled = alone;
  return { element: list.element, draw: ({ picture }) => void list.show(names, picture) };
}

/** @param {Context} context @returns {Part} */
function sheetCaption({ store: { count } }) {
  const aside = h("span", { class: "rpnviz-aside" });
  return {
    element: h("figcaption", {}, `${count} channels`, aside),
    draw: ({ kind, channel, place, className }) =>
      setText(aside, kind < 0 ? `channel ${channel}` : `channel ${channel}, rank ${place + 1} for ${className}`),
  };
}

/** All channels, by keys and by hand. @param {Context} context @returns {Part} */
function contactSheet({ model, store, redraw }) {
  const { columns, count, styles } = store;
  const [rows, cols] = store.feature_size;
  const [tileWide, tileHigh] = [cols + GAP, rows + GAP];
  const sheetRows = Math.ceil(count / columns);
  const order = () => store.order(store.classes.indexOf(model.get("class_name")));
  const take = (/** @type {number} */ place) => {
    const channel = order()[clamp(place, 0, count - 1)];
    if (channel !== model.get("channel")) commit(model, { channel });
  };
  const step = (/** @type {number} */ by) => {
    const to = order().indexOf(model.get("channel")) + by;
    if (to >= 0 && to < count) take(to);
  };
  const panel = new Panel({
    extent: [-GAP, -GAP, columns * tileWide, sheetRows * tileHigh],
    className: "rpnviz-sheet",
    label: "contact sheet of all channels; arrow keys go from tile to tile",
    what: "Every channel once, each in its own range of brightness. The first tile is the first of the ranking.",
    attributes: {
      ...{ tabindex: 0, role: "application", ...OWN_KEYS },
      keydown: arrowKeys((dx, dy) => step(dx + dy * columns), { Home: () => take(0), End: () => take(count - 1) }),
    },
    onResize: redraw,
  });
  dragging(panel, (x, y) => {
    const [col, row] = [Math.floor((x + GAP / 2) / tileWide), Math.floor((y + GAP / 2) / tileHigh)];
    take(clamp(row, 0, sheetRows - 1) * columns + clamp(col, 0, columns - 1));
  });
  const at = (/** @type {number} */ i) => [(i % columns) * tileWide, Math.floor(i / columns) * tileHigh];
  return {
    element: panel.canvas,
    draw({ kind, shown, tiles, order: ordered, place }) {
      if (!panel.begin() || !tiles) return;
      panel.backdrop(`${kind} ${shown} ${tiles.version}`, () => {
        panel.g.imageSmoothingEnabled = true;
        ordered.forEach((one, i) => {
          const [[fromX, fromY], [x, y]] = [tiles.corner(one), at(i)];
          const to = /** @type {Box} */ ([panel.x(x), panel.y(y), cols * panel.scale, rows * panel.scale]);
          panel.g.drawImage(tiles.tint, fromX, fromY, cols, rows, ...to);
        });
      });
      const [x, y] = at(place);
      panel.box([x - GAP / 2, y - GAP / 2, x + cols + GAP / 2, y + rows + GAP / 2], styles.window, { strong: true });
    },
    destroy: () => panel.destroy(),
  };
}

/** @returns {Part} */
function pictureCaption() {
  const aside = h("span", { class: "rpnviz-aside" });
  return {
    element: h("figcaption", {}, "Picture", aside),
    draw: ({ shown, channel }) => setText(aside, `${shown}, channel ${channel}`),
  };
}

/** The picture, lit where the channel is bright. @param {Context} context @returns {Part} */
function litPicture({ store, redraw, root }) {
  const [height, width] = store.image_size;
  const panel = new Panel({
    extent: [0, 0, width, height],
    className: "rpnviz-picture",
    label: "the picture, lit where the channel is bright",
    what: "Lit: cells where this channel is bright, each cell by itself. White boxes: the objects.",
    attributes: { role: "img" },
    onResize: redraw,
  });
  return {
    element: panel.canvas,
    draw({ shown, channel, className, tiles, boxes }) {
      const photo = store.photo.bitmap;
      if (!panel.begin() || !photo || !tiles) return;
      panel.image(photo, [0, 0, width, height]);
      panel.image(shade(store, tiles.map(channel)), [0, 0, width, height], true);
      for (const { name, box } of boxes) panel.box(box, store.styles.ground_truth, { strong: name === className });
      panel.tags(boxes.map(({ name, box }) => ({ text: name, box, style: store.styles.ground_truth })));
      root.dataset.shown = `${shown} ${channel}`;
    },
    destroy: () => panel.destroy(),
  };
}

/** Dark where the channel is silent, clear where it is bright. @param {Store} store @param {Uint8Array} map */
function shade({ feature_size: [rows, cols] }, map) {
  const canvas = h("canvas", { width: cols, height: rows });
  const g = canvas.getContext("2d");
  const image = g.createImageData(cols, rows);
  map.forEach((value, i) => {
    image.data[4 * i + 3] = DARK * (255 - value);
  });
  g.putImageData(image, 0, 0);
  return canvas;
}

/** One row a picture that shows the class: inside against outside. A real table. @param {Context} context @returns {Part} */
function fires({ store: { classes, entries } }) {
  const said = h("p", { class: "rpnviz-fires-said" });
  const body = h("tbody");
  const heads = ["picture", "inside", "outside", "times", "solid in, dashed out"];
  const head = h("thead", {}, h("tr", {}, ...heads.map((text) => h("th", { scope: "col" }, text))));
  const longest = Math.max(0, ...classes.map((name) => entries.filter(([one]) => one === name).length));
  const minHeight = `${1.5 * (longest + 1) + 2.9}em`; // as high as its longest, so that another class moves nothing
  let filled = NaN;
  let rows = /** @type {ReturnType<typeof fireRow>[]} */ ([]);
  const pictures = scroller("pictures", "", h("table", { class: "rpnviz-fires" }, head, body));
  return {
    element: h("div", { style: { minHeight } }, said, pictures),
    draw({ kind, lines, own, pairs, shown, words }) {
      pictures.hidden = !lines.length; // no head without rows
      if (filled !== kind) {
        rows = lines.map((at) => fireRow(entries[at]));
        body.replaceChildren(...rows.map(({ element }) => element));
        filled = kind;
      }
      const most = Math.max(1e-9, ...pairs.flat());
      rows.forEach((row, i) => row.show(pairs[i], most, own ? "" : shown));
      setText(said, words);
    },
  };
}

/** @param {[string, string, number]} entry class, picture, cells inside */
function fireRow([name, where, cells]) {
  const [numbers, bars] = [["", "", ""].map(() => h("td")), [h("i"), h("i")]];
  const what = `${where}: mean of the channel over the ${cells} cells in a ${name}, and over all others.`;
  const bar = h("td", { class: "rpnviz-fires-bar" }, ...bars);
  const element = h("tr", { what }, h("th", { scope: "row" }, where), ...numbers, bar);
  return {
    element,
    /** @param {number[]} pair inside, outside @param {number} most @param {string} shown the picture */
    show(pair, most, shown) {
      const [inside, outside] = pair;
      const times = `${(inside / Math.max(outside, 1e-9)).toFixed(1)} ×`;
      [inside.toFixed(2), outside.toFixed(2), times].forEach((text, k) => setText(numbers[k], text));
      bars.forEach((one, k) => {
        one.style.width = `calc(${(100 * pair[k]) / most}% - 0.8em)`;
      });
      element.classList.toggle("rpnviz-none", inside <= outside);
      element.classList.toggle("rpnviz-hot", where === shown);
    },
  };
}
