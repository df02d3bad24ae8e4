// @ts-check
// Notebook 03: the anchors of a cell to scale, every centre, where a shape fits; scales and ratios of one's own.

import { refusal, SHAPES, shapeFields } from "../common/anchor_shapes.js";
import { heatImage, lineStyles, nearestOutline, shapeMark } from "../common/canvas_panel.js";
import {
  ASPECT_RATIOS,
  cellAnchors,
  ctpnCellAnchors,
  gridAnchors,
  insidePicture,
  SCALES,
} from "../common/compute/anchors.js";
import { boxAt } from "../common/compute/boxes.js";
import { Grid } from "../common/compute/grid.js";
import { choice, h, OWN_KEYS, scroller, segmented, setText } from "../common/elements.js";
import { thousands } from "../common/format.js";
import { centre, mapStage, moveTo, openPlaced, pictureStage, placeOf, shifted } from "../common/map_and_picture.js";
import { commit, derived, watch } from "../common/model.js";
import { opensPictures } from "../common/picture_row.js";
import { defineView, group } from "../common/view.js";

/** @typedef {import("../common/canvas_panel.js").LineStyle} LineStyle */
/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/canvas_panel.js").Panel} Panel */
/** @typedef {import("../common/map_and_picture.js").AnchorShape} AnchorShape */
/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {"cell" | "centres" | "boxes"} Mode */
/** @typedef {ReturnType<typeof readStore>} Store */
/** @typedef {ReturnType<typeof readMoment>} Moment */
/** @typedef {ReturnType<typeof readAnswer>} Answer */
/** @typedef {import("../common/view.js").Context<Store>} Context */
/** @typedef {import("../common/view.js").Part<Moment>} Part */

const CHOICE = ["grid_name", "preset", ...SHAPES];
const NEAR = 12; // px of the picture within which the mouse is at an anchor
const MODES = [
  { value: "cell", label: "this cell", what: "The anchors of the window's cell, to scale." },
  { value: "centres", label: "every centre", what: "All centres; green: the selected shape lies inside there." },
  {
    value: "boxes",
    label: "where a shape fits",
    what: "Green area: here the centre may stand. Three boxes: two inside, one over the border.",
  },
];
const GRIDS = [
  { value: "paper", label: "40×60", what: "The paper's round figure: the picture is resampled to 640×960 first." },
  { value: "floor", label: "37×62", what: "Poolings drop an odd last row or column (PyTorch)." },
  { value: "ceil", label: "38×63", what: "Poolings keep an odd last row or column (Caffe)." },
];
const PRESETS = [
  { value: "paper", label: "Faster R-CNN: nine" },
  { value: "ctpn", label: "CTPN: ten" },
  { value: "own", label: "your own" },
];

export const render = defineView({
  frame: {
    className: "rpnviz-anchors",
    label: "Anchors: their shapes and their places",
    hint: "Drag on the map, press the arrow keys there, or press on the picture. Point at a row of the table.",
    keys: [
      ["← → ↑ ↓ on the map", "move the window by one cell"],
      ["Shift + ← → ↑ ↓ there", "by five cells"],
      ["PageUp, PageDown there", "five rows up, down"],
      ["Home, End there", "to the first, last column"],
    ],
  },
  traits: ["row", "col", "mode", "selected", ...CHOICE],
  opens: opensPictures({ network: false, answer: async (opened) => openPlaced(opened) }),
  store: readStore,
  moment: readMoment,
  parts: (context) => [
    group("div", { class: "rpnviz-column" }, featureMap(context), choices(context)),
    group("div", { class: "rpnviz-column" }, picture(context), shapes(context)),
  ],
  say(now, { root }) {
    root.dataset.cell = `${now.row} ${now.col}`;
    return [everywhere(now), here(now)].filter(Boolean).join(" ");
  },
  listen({ model, store }) {
    const stay = () => {
      moveTo(model, model.get("row"), model.get("col")); // on another grid's map
      select(model, Math.min(model.get("selected"), store.answer().anchors.length - 1));
    };
    stay(); // a link may name a cell that its grid has not
    return [watch(model, CHOICE, stay)];
  },
});

/** What the selected shape does at all cells. @param {Moment} now */
function everywhere({ answer, mode, shape }) {
  const { name } = answer.anchors[shape];
  if (mode === "centres") return `The centres of all cells; marked where ${name} lies inside.`;
  if (mode !== "boxes") return "";
  return room(answer, shape)
    ? `The green area: where the centre of ${name} may stand.`
    : `${name} fits nowhere: no place for its centre.`;
}

/** @param {Moment} now */
function here({ answer: { anchors, inside }, row, col, cell }) {
  const count = anchors.length;
  const within = inside.subarray(cell * count, (cell + 1) * count).reduce((sum, n) => sum + n, 0);
  return `Row ${row}, column ${col}: ${within} of ${count} anchors lie inside the picture.`;
}

/** What stays from drawing to drawing. @param {{model: Model, redraw: () => void}} tools */
export function readStore({ model }) {
  const look = model.get("look");
  return {
    styles: lineStyles(look),
    answer: derived(
      () => JSON.stringify(CHOICE.map((name) => model.get(name))),
      (_, version) => readAnswer(model, look.heat, version),
    ),
  };
}

/** All that follows from the choice of grid and anchors. @param {Model} model @param {string[]} heat @param {number} version */
function readAnswer(model, heat, version) {
  const place = placeOf(model);
  const [preset, scales, ratios] = ["preset", "scales", "aspect_ratios"].map((name) => model.get(name));
  const cells = chosenCells(preset, scales, ratios);
  const anchors = shapesOf(cells);
  const grid = new Grid(place.name, place.image_size, place.input_size, place.ceil_mode);
  const all = gridAnchors(grid, cells);
  const inside = insidePicture(all, place.image_size); // cell by cell, of each its anchors
  const [rows, cols] = place.feature_size;
  const share = Uint8Array.from({ length: rows * cols }, (_, i) => {
    const own = inside.subarray(i * anchors.length, (i + 1) * anchors.length);
    return (255 * own.reduce((sum, n) => sum + n, 0)) / anchors.length;
  });
  return {
    ...{ version, place, anchors, inside, cells: rows * cols, preset, scales, ratios },
    counts: anchors.map((_, a) => inside.filter((_, i) => i % anchors.length === a).reduce((sum, n) => sum + n, 0)),
    shareInside: heatImage(share, rows, cols, heat),
  };
}

/** The anchors of a cell. @param {string} preset @param {number[]} scales @param {number[]} ratios @returns {Float32Array} */
function chosenCells(preset, scales, ratios) {
  if (preset === "ctpn") return ctpnCellAnchors();
  const own = preset === "own" && !refusal(scales, ratios); // a link may ask for what nobody can draw
  return own ? cellAnchors(scales, ratios) : cellAnchors();
}

/** Name and box of each anchor: as map_and_picture.py's `shapes`. @param {Float32Array} cells @returns {AnchorShape[]} */
const shapesOf = (cells) =>
  Array.from({ length: cells.length / 4 }, (_, a) => {
    const box = boxAt(cells, a);
    return { name: `${(box[2] - box[0]).toFixed(0)}×${(box[3] - box[1]).toFixed(0)}`, box };
  });

/** @param {Context} context */
function readMoment({ model, store }) {
  const answer = store.answer();
  const [row, col, selected] = ["row", "col", "selected"].map((name) => /** @type {number} */ (model.get(name)));
  return {
    ...{ answer, row, col, selected },
    cell: row * answer.place.feature_size[1] + col,
    at: centre(model),
    mode: /** @type {Mode} */ (model.get("mode")),
    shape: Math.max(selected, 0), // that "every centre" and "where a shape fits" draw
  };
}

/** Make an anchor stand out, −1: none. @param {Model} model @param {number} anchor */
function select(model, anchor) {
  if (anchor !== model.get("selected")) commit(model, { selected: anchor });
}

/** In the other modes the selected shape is what is drawn: it stays. @param {Model} model */
function leave(model) {
  if (model.get("mode") === "cell") select(model, -1);
}

/** The map of how many anchors lie inside, with the window. @param {Context} context @returns {Part} */
function featureMap({ model, store: { styles }, redraw }) {
  const map = mapStage(model, {
    what: "One square a cell: bright where many of the cell's anchors lie inside the picture, dark where few do.",
    header: ["Anchors inside, cell by cell"],
    redraw,
  });
  return {
    element: map.element,
    draw: ({ answer }) => map.draw(answer.shareInside, styles.window),
    destroy: () => map.panel.destroy(),
  };
}

/** Grid, preset, scales and ratios. @param {Context} context @returns {Part} */
function choices({ model }) {
  const fields = shapeFields((taken) => commit(model, { preset: "own", ...taken }));
  const choose = (/** @type {Record<string, string>} */ values) => {
    fields.forgive();
    commit(model, values);
  };
  const grid = segmented({
    label: "grid",
    className: "rpnviz-grids",
    options: GRIDS,
    onChange: (value) => choose({ grid_name: value }),
  });
  const preset = choice({
    label: "anchors of",
    className: "rpnviz-preset",
    what: "Whose anchors: the paper's nine, the ten of the text detector CTPN, or your own.",
    onChange: (value) => choose({ preset: value }),
  });
  preset.fill(PRESETS);
  const row = (/** @type {string} */ text, /** @type {Element} */ element, tag = "label") =>
    h(tag, {}, h("span", {}, text), element);
  let shown = 0; // the answer that the controls show: what is being typed is not written over before there is another
  return {
    element: h(
      "div",
      { class: "rpnviz-asking" },
      row("grid", grid.element, "div"),
      row("anchors of", preset.element),
      ...fields.rows,
      fields.slip,
    ),
    draw({ answer }) {
      if (shown === answer.version) return;
      shown = answer.version;
      grid.set(answer.place.name);
      preset.set(answer.preset);
      fields.write(...written(answer));
    },
  };
}

/** What the fields say: the paper's numbers too; CTPN's ten are made of no scales and ratios. @param {Answer} answer @returns {[number[], number[]]} */
function written({ preset, scales, ratios }) {
  if (preset === "ctpn") return [[], []];
  return preset === "own" ? [scales, ratios] : [SCALES, ASPECT_RATIOS];
}

/** The picture with the anchors of a cell, or what becomes of a shape at all cells. @param {Context} context @returns {Part} */
function picture({ model, store, redraw }) {
  const mode = segmented({
    label: "what is drawn",
    className: "rpnviz-mode",
    options: MODES,
    onChange: (value) =>
      commit(model, { mode: value, selected: value === "cell" ? -1 : Math.max(model.get("selected"), 0) }),
  });
  const stage = pictureStage(model, {
    margin: 0.2,
    what: "The picture, with room round it: an anchor may reach beyond the border.",
    header: ["Picture", mode.element],
    redraw,
  });
  const { panel } = stage;
  panel.canvas.addEventListener("pointermove", (event) => {
    if (model.get("mode") !== "cell" || event.buttons) return;
    const boxes = store.answer().anchors.map(({ box }) => shifted(box, centre(model)));
    select(model, nearestOutline(boxes, ...panel.at(event), NEAR));
  });
  panel.canvas.addEventListener("pointerleave", () => leave(model));
  return {
    element: stage.element,
    draw(now) {
      mode.set(now.mode);
      if (!stage.draw()) return;
      const { at, selected } = now;
      const { anchors } = now.answer;
      if (now.mode === "cell") drawCell(panel, store.styles.anchor, now);
      else if (now.mode === "centres") drawCentres(panel, store.styles, now);
      else drawRoom(panel, store.styles, now);
      panel.dot(...at, store.styles.window, 3);
      if (selected < 0) return;
      const [{ name, box }, style] = [anchors[selected], store.styles.anchor];
      panel.box(shifted(box, at), style, { strong: true });
      panel.tags([{ text: name, box: shifted(box, at), style }]);
    },
    destroy: () => panel.destroy(),
  };
}

/** The anchors of the window's cell that do not stand out. @param {Panel} panel @param {LineStyle} style @param {Moment} now */
function drawCell(panel, style, { answer, at, selected }) {
  const alpha = selected < 0 ? 1 : 0.5;
  answer.anchors.forEach(({ box }, a) => a !== selected && panel.box(shifted(box, at), style, { alpha }));
}

/** Where the centre of a shape may stand, null if nowhere. @param {Answer} answer @param {number} shape @returns {Box | null} */
export function room({ anchors, place }, shape) {
  const [[x1, y1, x2, y2], [height, width]] = [anchors[shape].box, place.image_size];
  return x2 - x1 > width || y2 - y1 > height ? null : [-x1, -y1, width - x2, height - y2];
}

/**
 * The centres of all cells; those where the shape lies inside the picture come last, on top.
 * @param {Panel} panel @param {Record<string, LineStyle>} styles @param {Moment} now
 */
function drawCentres(panel, styles, { answer, shape }) {
  const { anchors, cells, inside } = answer;
  for (const wanted of [0, 1]) {
    const look = { ...styles[wanted ? "positive" : "crosses_border"], casing: "transparent" };
    for (let i = 0; i < cells; i++)
      if (inside[i * anchors.length + shape] === wanted) panel.dot(...cellCentre(answer, i), look, wanted ? 2 : 1.3);
  }
}

/**
 * Where the centre of a shape may stand, and three of its boxes: the first and the last inside, and one a cell further.
 * @param {Panel} panel @param {Record<string, LineStyle>} styles @param {Moment} now
 */
function drawRoom(panel, styles, { answer, shape }) {
  const area = room(answer, shape);
  if (area) panel.box(area, styles.positive, { alpha: 0.9, fill: 0.35 });
  for (const { cell, style } of examples(answer, shape)) {
    const at = cellCentre(answer, cell);
    panel.box(shifted(answer.anchors[shape].box, at), styles[style]);
    panel.dot(...at, styles[style]);
  }
}

/** @param {Answer} answer @param {number} shape @returns {{cell: number, style: string}[]} */
export function examples({ anchors, cells, inside, place }, shape) {
  const fits = Array.from({ length: cells }, (_, i) => i).filter((i) => inside[i * anchors.length + shape]);
  const [rows, cols] = place.feature_size;
  if (!fits.length) return [{ cell: Math.floor(rows / 2) * cols + Math.floor(cols / 2), style: "crosses_border" }];
  const [first, last] = [fits[0], fits[fits.length - 1]];
  const beyond = last + cols + 1;
  const over = last % cols < cols - 1 && beyond < cells ? [{ cell: beyond, style: "crosses_border" }] : [];
  return [...over, { cell: first, style: "positive" }, { cell: last, style: "positive" }];
}

/** @param {Answer} answer @param {number} cell @returns {[number, number]} px of the picture */
function cellCentre(
  {
    place: {
      feature_size: [, cols],
      stride: [strideY, strideX],
    },
  },
  cell,
) {
  return [((cell % cols) + 0.5) * strideX, (Math.floor(cell / cols) + 0.5) * strideY];
}

/** One row a shape: a real table. @param {Context} context @returns {Part} */
function shapes({ model }) {
  const body = h("tbody");
  const total = h("td", { colspan: 4, class: "rpnviz-total" });
  const head = ["anchor, px", "√area", "h / w", "inside the picture"].map((text) => h("th", { scope: "col" }, text));
  let shown = 0; // the answer that the rows are of
  let rows = /** @type {HTMLElement[]} */ ([]);
  return {
    element: scroller(
      "anchors of a cell",
      "rpnviz-shapes",
      h("table", {}, h("thead", {}, h("tr", {}, ...head)), body, h("tfoot", {}, h("tr", {}, total))),
    ),
    draw({ answer, selected }) {
      if (shown !== answer.version) {
        shown = answer.version;
        rows = answer.anchors.map((_, anchor) => shapeRow(model, answer, anchor));
        body.replaceChildren(...rows);
        const all = answer.counts.reduce((sum, n) => sum + n, 0);
        const every = answer.cells * rows.length;
        setText(total, `${thousands(all)} of ${thousands(every)} anchors lie inside the picture`);
      }
      rows.forEach((row, anchor) => row.classList.toggle("rpnviz-hot", anchor === selected));
    },
  };
}

/** @param {Model} model @param {Answer} answer @param {number} anchor @returns {HTMLElement} */
function shapeRow(model, { anchors, cells, counts }, anchor) {
  const [{ box, name }, count] = [anchors[anchor], counts[anchor]];
  const longest = Math.max(...anchors.flatMap(({ box: [x1, y1, x2, y2] }) => [x2 - x1, y2 - y1]));
  const [wide, high] = [box[2] - box[0], box[3] - box[1]];
  const share = h("span", { class: "rpnviz-share" });
  share.style.width = `${(100 * count) / cells}%`;
  const what = `Anchor ${anchor}, ${name} px: ${count} of its ${cells} boxes lie inside the picture.`;
  const [on, off] = [() => select(model, anchor), () => leave(model)];
  return h(
    "tr",
    { tabindex: 0, what, ...OWN_KEYS, pointerenter: on, focus: on, click: on, pointerleave: off, blur: off },
    h("th", { scope: "row" }, shapeMark(box, longest), ` ${name}`),
    h("td", {}, Math.sqrt(wide * high).toFixed(0)),
    h("td", {}, (high / wide).toFixed(2)),
    h("td", { class: "rpnviz-count" }, share, h("span", {}, `${thousands(count)} of ${thousands(cells)}`)),
  );
}
