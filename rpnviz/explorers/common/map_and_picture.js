// @ts-check
// What the explorers of notebooks 02 and 03 share: the map with its window and sliders at the left, the picture at the
// right.

import { Panel } from "./canvas_panel.js";
import { clamp } from "./compute/boxes.js";
import { Grid } from "./compute/grid.js";
import { h, OWN_KEYS, setText, slider } from "./elements.js";
import { commit, typed } from "./model.js";

/** @typedef {import("./compute/boxes.js").Box} Box */
/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./canvas_panel.js").LineStyle} LineStyle */
/**
 * How the map lies on the picture, in its pixels; sizes and stride are (y, x), half sides (x, y).
 * @typedef {{name: string, image_size: [number, number], input_size: [number, number], ceil_mode: boolean,
 *   feature_size: [number, number], stride: [number, number],
 *   half: {window: [number, number], receptive_field: [number, number]}}} Place
 */
/** @typedef {{name: string, box: Box}} AnchorShape box: round (0, 0) */

const STEPS = /** @type {Record<string, [number, number]>} */ ({
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  PageUp: [-5, 0],
  PageDown: [5, 0],
  Home: [0, -1e6],
  End: [0, 1e6],
});

/**
 * What Python answers when a picture of the reader's own is opened: `MapAndPicture.answer`.
 * @param {import("./own_picture.js").Opened} opened
 */
export function openPlaced({ file, get, imageSize }) {
  const place = placeOn(Grid.named(get("place").name, imageSize));
  const [rows, cols] = Grid.named(get("grid_name") || place.name, imageSize).featureSize;
  return { place, image: file, row: Math.min(get("row"), rows - 1), col: Math.min(get("col"), cols - 1) };
}

/** How the map lies on the picture: as it was sent, or on another grid that is chosen in the page. @param {Model} model @returns {Place} */
export function placeOf(model) {
  const sent = /** @type {Place} */ (model.get("place"));
  const name = model.get("grid_name") || sent.name;
  return name === sent.name ? sent : placeOn(Grid.named(name, sent.image_size));
}

/** As map_and_picture.py's `place`. @param {Grid} grid @returns {Place} */
export function placeOn(grid) {
  const half = ([x1, y1, x2, y2] = /** @type {Box} */ ([0, 0, 0, 0])) =>
    /** @type {[number, number]} */ ([(x2 - x1) / 2, (y2 - y1) / 2]);
  return {
    ...{ name: grid.name, image_size: grid.imageSize, input_size: grid.inputSize, ceil_mode: grid.ceilMode },
    ...{ feature_size: grid.featureSize, stride: grid.stride },
    half: { window: half(grid.footprint(0, 0)), receptive_field: half(grid.receptiveField(0, 0)) },
  };
}

/** Move the window, not beyond the map. @param {Model} model @param {number} row @param {number} col */
export function moveTo(model, row, col) {
  const [rows, cols] = placeOf(model).feature_size;
  const to = { row: clamp(Math.floor(row), 0, rows - 1), col: clamp(Math.floor(col), 0, cols - 1) };
  if (to.row !== model.get("row") || to.col !== model.get("col")) commit(model, to);
}

/** Centre of the window's cell in the picture. @param {Model} model @returns {[number, number]} */
export function centre(model) {
  const [strideY, strideX] = placeOf(model).stride;
  return [(model.get("col") + 0.5) * strideX, (model.get("row") + 0.5) * strideY];
}

/** A box round a point. @param {[number, number]} centre @param {[number, number]} half @returns {Box} */
export const around = ([x, y], [halfX, halfY]) => [x - halfX, y - halfY, x + halfX, y + halfY];

/** An anchor at a point. @param {Box} box @param {[number, number]} centre @returns {Box} */
export const shifted = (box, [x, y]) => [box[0] + x, box[1] + y, box[2] + x, box[3] + y];

/**
 * Drag with the pointer: `onAt` hears every place, from the press on.
 * @param {Panel} panel @param {(x: number, y: number) => void} onAt
 */
export function dragging(panel, onAt) {
  const hear = (/** @type {PointerEvent} */ event) => onAt(...panel.at(event));
  panel.canvas.classList.add("rpnviz-drag");
  panel.canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary) return; // a second finger zooms
    panel.canvas.setPointerCapture(event.pointerId);
    hear(event);
  });
  panel.canvas.addEventListener("pointermove", (event) => {
    if (panel.canvas.hasPointerCapture(event.pointerId)) hear(event);
  });
}

/**
 * The map in cells, with the 3×3 window, the row and the column slider under it.
 * @param {Model} model
 * @param {{what: string, header: (Node | string)[], redraw: () => void}} options header: of the caption
 */
export function mapStage(model, { what, header, redraw }) {
  const place = () => placeOf(model);
  const extent = () => /** @type {Box} */ ([-1, -1, place().feature_size[1] + 1, place().feature_size[0] + 1]);
  const panel = new Panel({
    extent: extent(),
    className: "rpnviz-map",
    label: "feature map; arrow keys move the window",
    what,
    attributes: { tabindex: 0, role: "application", ...OWN_KEYS },
    onResize: redraw,
  });
  dragging(panel, (x, y) => moveTo(model, y, x));
  panel.canvas.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    const times = event.shiftKey ? 5 : 1;
    moveTo(model, model.get("row") + times * step[0], model.get("col") + times * step[1]);
  });
  const row = slider({
    label: "row",
    name: "row of the window",
    max: 0,
    className: "rpnviz-row",
    what: "Row of the cell under the window's centre.",
    onInput: (value) => moveTo(model, value, model.get("col")),
  });
  const col = slider({
    label: "col",
    name: "column of the window",
    max: 0,
    className: "rpnviz-col",
    what: "Column of the cell under the window's centre.",
    onInput: (value) => moveTo(model, model.get("row"), value),
  });
  const aside = h("span", { class: "rpnviz-aside" });
  return {
    element: h("figure", {}, h("figcaption", {}, ...header, aside), panel.canvas, row.element, col.element),
    panel,
    /** @param {HTMLCanvasElement} heat one pixel a cell @param {LineStyle} style of the window */
    draw(heat, style) {
      const [rows, cols] = place().feature_size;
      row.set(model.get("row"), rows - 1);
      col.set(model.get("col"), cols - 1);
      setText(aside, `row ${model.get("row")}, column ${model.get("col")}`);
      if (String(panel.extent) !== String(extent())) panel.setExtent(extent());
      if (!panel.begin()) return;
      panel.image(heat, [0, 0, cols, rows], true);
      panel.box(around([model.get("col") + 0.5, model.get("row") + 0.5], [1.5, 1.5]), style);
    },
  };
}

/**
 * The picture with a margin round it; a press or a drag on it brings the window there.
 * @param {Model} model
 * @param {{margin: number, what: string, header: (Node | string)[], redraw: () => void}} options margin: share of sides
 */
export function pictureStage(model, { margin, what, header, redraw }) {
  const [height, width] = placeOf(model).image_size;
  const panel = new Panel({
    extent: [-margin * width, -margin * height, (1 + margin) * width, (1 + margin) * height],
    className: "rpnviz-picture",
    label: "picture; press to bring the window there",
    what,
    attributes: { role: "img" },
    onResize: redraw,
  });
  dragging(panel, (x, y) => {
    const [strideY, strideX] = placeOf(model).stride;
    moveTo(model, y / strideY, x / strideX);
  });
  /** @type {ImageBitmap | null} */
  let photo = null;
  createImageBitmap(new Blob([typed(model.get("image"), Uint8Array)])).then((bitmap) => {
    photo = bitmap;
    redraw();
  });
  const aside = h("span", { class: "rpnviz-aside" });
  return {
    element: h("figure", {}, h("figcaption", {}, ...header, aside), panel.canvas),
    panel,
    /** Draw the picture; false while there is nothing to draw on. */
    draw() {
      const [x, y] = centre(model);
      setText(aside, `centre (${x.toFixed(0)}, ${y.toFixed(0)}) px`);
      if (!panel.begin()) return false;
      if (photo) panel.image(photo, [0, 0, width, height]);
      return true;
    },
  };
}
