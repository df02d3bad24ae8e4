// @ts-check
// The overview: all stations of the machine, what the picture and the window are at each, and where to read about it.

import { heatImage, lineStyles } from "../common/canvas_panel.js";
import { clamp } from "../common/compute/boxes.js";
import { h, setText } from "../common/elements.js";
import { thousands } from "../common/format.js";
import { commit, derived, typed } from "../common/model.js";
import { loadSheet } from "../common/packed.js";
import { loadPhoto } from "../common/photo.js";
import { defineView, group } from "../common/view.js";
import { thumbnail } from "./thumbnails.js";
import { wires } from "./wires.js";
import { OverviewScene } from "./work.js";

/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {ReturnType<typeof readStore>} Store */
/** @typedef {ReturnType<typeof readMoment>} Moment */
/** @typedef {import("../common/view.js").Context<Store>} Context */
/** @typedef {import("../common/view.js").Part<Moment>} Part */
/** @typedef {{name: string, part: string, title: string, what: string, notebook: string, file: string}} Station */

export const render = defineView({
  frame: {
    className: "rpnviz-overview",
    label: "Overview",
    hint: "Drag the window on the feature map: all stations follow. Point at a station to read what it does.",
    keys: [
      ["← → ↑ ↓ on the feature map", "move the window by one cell"],
      ["Shift + ← → ↑ ↓ there", "by five cells"],
      ["Home, End, PageUp, PageDown there", "to the first, last column; to the first, last row"],
    ],
  },
  traits: ["row", "col", "current", "scene"],
  store: readStore,
  moment: readMoment,
  parts: (context) => [machine(context)],
  say({ row, col, scene, nine }, { root }) {
    root.dataset.cell = `${row} ${col}`;
    const of = scene.reach(nine);
    return `Row ${row}, column ${col}: of its nine anchors ${positives(scene, nine)} positive, ${of[3]} among the best scores, ${of[4]} kept by NMS, ${of[5]} proposals.`;
  },
});

/** @param {{model: Model, redraw: () => void}} tools */
export function readStore({ model, redraw }) {
  const packed = () => /** @type {Record<string, any>} */ (model.get("scene"));
  const look = model.get("look");
  const heat = (/** @type {Uint8Array} */ values, /** @type {OverviewScene} */ { rows, columns }) =>
    heatImage(values, rows, columns, look.heat);
  const scene = derived(packed, (sent) => new OverviewScene(sent));
  const photo = loadPhoto(() => packed().photo, redraw);
  return {
    scene,
    photo: () => photo.bitmap,
    mean: derived(scene, (now) => typed(now.packed.mean, Uint8Array)),
    heat: derived(scene, (now) => heat(typed(now.packed.mean, Uint8Array), now)),
    crowd: derived(scene, (now) => heat(now.crowded(), now)),
    vectors: loadSheet(() => packed().vectors, packed().feature_size, redraw),
    stops: /** @type {string[]} */ (look.heat),
    styles: lineStyles(look),
    palette: /** @type {Record<string, string>} */ (look.palette),
  };
}

/** @param {Context} context */
export function readMoment({ model, store }) {
  const scene = store.scene();
  const row = clamp(/** @type {number} */ (model.get("row")), 0, scene.rows - 1);
  const col = clamp(/** @type {number} */ (model.get("col")), 0, scene.columns - 1);
  const first = scene.first(row, col);
  const { styles, palette, stops } = store;
  return {
    ...{ scene, row, col, styles, palette, stops, photo: store.photo(), mean: store.mean(), heat: store.heat() },
    ...{ crowd: store.crowd(), vectors: store.vectors() },
    nine: scene.shapes.map((_, a) => first + a),
    lit: /** @type {string[]} */ (model.get("covers")[model.get("current") || "00"]),
  };
}

/** @param {import("./work.js").OverviewScene} scene @param {number[]} nine */
const positives = (scene, nine) => nine.filter((anchor) => scene.kind(anchor) === "positive").length;

/** What is written at each station: its shape or count. @type {Record<string, (now: Moment) => string>} */
export const FIGURES = {
  picture: ({ scene: { frame } }) => `${frame[3]}×${frame[2]}×3`,
  convolutions: () => "13 convolutions, 4 poolings",
  map: ({ scene }) => `${scene.rows}×${scene.columns}×${scene.packed.num_numbers}`,
  window: ({ scene }) => `3×3×${scene.packed.num_numbers}`,
  vector: ({ scene }) => `${scene.packed.num_numbers} numbers`,
  outputs: ({ nine }) => `${nine.length} + ${4 * nine.length}`,
  anchors: ({ scene, nine }) => `${nine.length} of ${thousands(scene.size)}`,
  labels: ({ scene }) => `${thousands(countsOf(scene).labels.positive)} positive`,
  minibatch: ({ scene: { drawn } }) =>
    `${drawn.positive.length} + ${drawn.negative.length} = ${drawn.positive.length + drawn.negative.length}`,
  losses: ({ scene }) => scene.packed.losses.map((/** @type {number} */ loss) => loss.toFixed(3)).join(" + "),
  training: ({ scene }) => `${thousands(countsOf(scene).steps)} steps`,
  decode: (now) => stage(now, 0),
  clip: (now) => stage(now, 2),
  top: (now) => stage(now, 3),
  nms: (now) => stage(now, 4),
  proposals: (now) => stage(now, 5),
  roi: ({ scene }) => `7×7×${scene.packed.num_numbers} each`,
};

/** @param {OverviewScene} scene @returns {any} */
const countsOf = (scene) => scene.packed.counts;

/** How many are left after a stage, and of the nine. @param {Moment} now @param {number} k */
const stage = ({ scene, nine }, k) => `${thousands(scene.funnel[k][1])} · ${scene.reach(nine)[k]} of 9`;

/** @param {Context} context @returns {Part} */
function machine(context) {
  const stations = /** @type {Station[]} */ (context.model.get("stations"));
  const parts = Object.entries(/** @type {Record<string, string>} */ (context.model.get("parts")));
  const lines = parts.map(([part, words]) => {
    const own = stations.filter((one) => one.part === part).map((one) => station(context, one));
    return group(
      "section",
      { class: `rpnviz-lane rpnviz-line-${part}`, "aria-label": words },
      group("p", { class: "rpnviz-line-name" }, words),
      group("ol", { class: "rpnviz-line-stations" }, ...own),
    );
  });
  const stage = group("div", { class: "rpnviz-stage rpnviz-machine" }, ...lines);
  return group("div", { class: "rpnviz-wired" }, stage, wires());
}

/** @param {Context} context @param {Station} one @returns {Part} */
function station(context, { name, title, what, notebook, file }) {
  const picture = thumbnail(context, name, title, (row, col) => move(context, row, col));
  const figures = h("span", { class: "rpnviz-figures" });
  const words = `${what} (Notebook ${notebook})`;
  const pages = /** @type {string} */ (context.model.get("pages"));
  const link = pages
    ? h("a", { class: "rpnviz-name", href: file + pages, what: words, ...opener(file + pages) }, title)
    : h("button", { class: "rpnviz-name", type: "button", what: words }, title);
  const element = h(
    "li",
    { class: `rpnviz-station rpnviz-at-${name}`, "data-what": words },
    link,
    picture.element,
    figures,
  );
  return {
    element,
    draw(now) {
      setText(figures, FIGURES[name](now));
      element.classList.toggle("rpnviz-grey", !now.lit.includes(name));
      picture.draw(now);
    },
    destroy: picture.destroy,
  };
}

/** JupyterLab opens a notebook beside this one, if its address says where that lies. @param {string} file */
function opener(file) {
  const folder = decodeURIComponent(location.pathname).match(/\/(?:tree|notebooks)\/(.*\/)?[^/]+\.ipynb$/);
  if (!folder) return {};
  const path = JSON.stringify({ path: (folder[1] || "") + file });
  return { "data-commandlinker-command": "docmanager:open", "data-commandlinker-args": path };
}

/** @param {Context} context @param {number} row @param {number} col */
function move({ model, store }, row, col) {
  const { rows, columns } = store.scene();
  commit(model, { row: clamp(row, 0, rows - 1), col: clamp(col, 0, columns - 1) });
}
