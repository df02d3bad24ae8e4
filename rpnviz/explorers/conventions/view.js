// @ts-check
// The same picture by the conventions of eight projects: anchors, labels, and each setting that is not as in the paper
// (notebook 11).

import { labelWord, readLabel } from "../common/anchor.js";
import { anchorGeometry, drawMap, labelImage, mapPanel } from "../common/anchor_map.js";
import { lineStyles, Panel, swatch, thin } from "../common/canvas_panel.js";
import { checkbox, choice, h, setText } from "../common/elements.js";
import { thousands } from "../common/format.js";
import { commit, derived } from "../common/model.js";
import { loadDeflated } from "../common/packed.js";
import { loadPhoto } from "../common/photo.js";
import { table } from "../common/table.js";
import { defineView, group } from "../common/view.js";

/** @typedef {import("../common/anchor_map.js").Geometry} Geometry */
/** @typedef {import("../common/anchor_map.js").GridPlan} GridPlan */
/** @typedef {import("../common/anchor_map.js").Shapes} Shapes */
/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {{setting: string, name: string, paper: string, here: string, changed: number | null, what: string, source: string}} SettingRow changed: null where it is the paper's */
/**
 * @typedef {Shapes & {name: string, title: string, where: string, like: number[], first: number,
 *   counts: Record<string, number>, sampled: [number, number], proposals: number, relabelled: number | null,
 *   rows: SettingRow[]}} Convention like: the paper's shape of each anchor of a cell; first: of its bytes in `labels`
 */
/** @typedef {GridPlan & {map_strength: Record<string, number>, objects: {name: string, box: Box}[], conventions: Convention[]}} ConventionPlan */
/** @typedef {ReturnType<typeof readStore>} Store */
/** @typedef {ReturnType<typeof readMoment>} Moment */
/** @typedef {import("../common/view.js").Context<Store>} Context */
/** @typedef {import("../common/view.js").Part<Moment>} Part */

const HINT = "One square of the map is one anchor. Click, or walk with the arrows (Shift: a whole cell).";
const SAMPLED = 8; // this bit of an anchor's byte: it is in the minibatch
const OTHERS = 0.25; // how much of its colour an anchor keeps that has the same label in the paper
/** @type {[string, string, string][]} */
const COUNTED = [
  ["positive", "positive", "An object for the network."],
  ["negative", "negative", "Background for the network."],
  ["ignored", "ignored", "Neither: no loss."],
  ["crosses_border", "crosses border", "Left out before labelling, where the project does that."],
];

export const render = defineView({
  frame: {
    className: "rpnviz-conventions",
    label: "Eight conventions on one picture",
    hint: HINT,
    keys: [
      ["← → ↑ ↓ on the map", "the next anchor in that direction"],
      ["Shift + ← → ↑ ↓ there", "the same anchor of the next cell"],
    ],
  },
  traits: ["convention", "row", "col", "anchor"],
  local: { pointed: -1, changed: false, all: false }, // the anchor under the mouse; two switches of the view
  store: readStore,
  moment: readMoment,
  parts: (context) => [
    group("figure", {}, whose(context), anchorMap(context)),
    group("figure", {}, picture(context), about(), counts(context)),
    group("figure", { class: "rpnviz-differences" }, tableHead(context), settings(context)),
  ],
  say: ({ now, words, pointed }) =>
    pointed ? "" : `${now.title}: ${differing(now).length} settings are not the paper's. ${words}`,
});

/** The rows of what is not the paper's. @param {Convention} convention */
const differing = ({ rows }) => rows.filter(({ changed }) => changed !== null);

/** What stays from drawing to drawing. @param {{model: Model, redraw: () => void}} tools */
export function readStore({ model, redraw }) {
  const plan = /** @type {ConventionPlan} */ (model.get("plan"));
  const styles = lineStyles(model.get("look"));
  const bytes = loadDeflated(model.get("labels"), (unpacked) => new Uint8Array(unpacked), redraw);
  const geometries = plan.conventions.map((convention) => anchorGeometry({ ...plan, ...convention }));
  const chosen = () => plan.conventions.findIndex(({ name }) => name === model.get("convention"));
  const codes = (/** @type {number} */ c) => {
    const { first } = plan.conventions[c];
    return /** @type {Uint8Array} */ (bytes()).subarray(first, first + geometries[c].count);
  };
  return {
    ...{ plan, styles, geometries, chosen, codes },
    ready: () => bytes() !== null,
    geometry: () => geometries[chosen()],
    photo: loadPhoto(() => model.get("image"), redraw),
    /** The labels as pictures: all; those that the paper gives otherwise. */
    images: derived(
      () => (bytes() ? chosen() : -1),
      (c) => (c < 0 ? null : labelImages(plan, geometries[c], codes(c), codes(0), plan.conventions[c].like, styles)),
    ),
  };
}

/**
 * @param {ConventionPlan} plan @param {Geometry} geometry @param {Uint8Array} codes @param {Uint8Array} paper
 * @param {number[]} like @param {Record<string, import("../common/canvas_panel.js").LineStyle>} styles
 */
function labelImages(plan, geometry, codes, paper, like, styles) {
  const labels = codes.map((code) => code & ~SAMPLED);
  const all = labelImage(geometry, labels, styles, plan.map_strength);
  const changed = labels.map((code, i) => Number(noLabelIsOne(code) !== noLabelIsOne(paper[alike(i, like)])));
  if (!like.length) return { all, changed: all, count: 0 };
  const canvas = labelImage(geometry, labels, styles, plan.map_strength, OTHERS);
  const g = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  changed.forEach((is, i) => {
    const [x, y] = geometry.square(i);
    if (is) g.drawImage(all, x, y, 1, 1, x, y, 1, 1);
  });
  return { all, changed: canvas, count: changed.reduce((sum, is) => sum + is, 0) };
}

/** The paper's anchor of the same shape at the same cell. @param {number} i @param {number[]} like */
const alike = (i, like) => (like.length ? i - (i % like.length) + like[i % like.length] : 0);

/** The label in a byte, where to be ignored and to be left out is the same. @param {number} code */
const noLabelIsOne = (code) => {
  const label = readLabel(code);
  return label === "crosses_border" ? "ignored" : label;
};

/** @param {Context} context */
function readMoment({ model, store, local }) {
  const { plan, chosen, codes, ready } = store;
  const c = chosen();
  const [now, geometry] = [plan.conventions[c], store.geometries[c]];
  const most = now.cells.length - 1;
  const selected = (model.get("row") * geometry.columns + model.get("col")) * (most + 1);
  const shown = local.pointed >= 0 ? local.pointed : selected + Math.min(model.get("anchor"), most);
  return {
    ...{ c, now, geometry, shown, ready: ready(), images: store.images() },
    codes: ready() ? codes(c) : null,
    pointed: local.pointed >= 0,
    onlyChanged: /** @type {boolean} */ (local.changed),
    all: /** @type {boolean} */ (local.all),
    words: ready() ? wordsOf(store, c, shown) : "",
  };
}

/** Where an anchor lies, and its label here and by the paper. @param {Store} store @param {number} c @param {number} shown */
export function wordsOf({ plan, geometries, codes }, c, shown) {
  const { like } = plan.conventions[c];
  const code = codes(c)[shown];
  const label = (/** @type {number} */ byte) => labelWord(readLabel(byte));
  const drawn = code & SAMPLED ? ", in the minibatch" : "";
  const own = `${geometries[c].words(shown)}: ${label(code)}${drawn}`;
  if (c === 0 || !like.length) return `${own}.`;
  const other = codes(0)[alike(shown, like)];
  const same = noLabelIsOne(code) === noLabelIsOne(other);
  return `${own}; by the paper's rules ${same ? "the same" : label(other)}.`;
}

/** The switch. @param {Context} context @returns {Part} */
function whose({ model, store: { plan } }) {
  const select = choice({
    label: "convention",
    className: "rpnviz-convention",
    what: "convention: whose rules the map, the picture and the table follow.",
    onChange: (value) => commit(model, { convention: value }),
  });
  select.fill(plan.conventions.map(({ name, title }) => ({ value: name, label: title })));
  const where = h("span", { class: "rpnviz-where" });
  return {
    element: h("div", { class: "rpnviz-controls" }, h("label", {}, "convention ", select.element), where),
    draw({ now }) {
      select.set(now.name);
      setText(where, now.where);
    },
  };
}

/** The map of all anchors. @param {Context} context @returns {Part} */
function anchorMap({ model, store, redraw, set }) {
  const { plan, styles, geometry: current } = store;
  const place = (/** @type {number} */ i) => {
    const { row, col, a } = current().place(i);
    commit(model, { row, col, anchor: a });
  };
  const selected = () => {
    const [row, col, a] = ["row", "col", "anchor"].map((name) => model.get(name));
    const { columns, count, rows } = current();
    const perCell = count / columns / rows;
    return (row * columns + col) * perCell + Math.min(a, perCell - 1);
  };
  const panel = mapPanel({
    ...{ geometry: current, label: "Map of all anchors", what: HINT, selected },
    onSelect: (i) => {
      set({ pointed: -1 });
      place(i);
    },
    onPoint: (i) => set({ pointed: i }),
    onResize: redraw,
  });
  const style = styles.ground_truth;
  return {
    element: panel.canvas,
    draw({ c, geometry, images, onlyChanged, shown }) {
      if (!panel.begin() || !images) return;
      const image = onlyChanged ? images.changed : images.all;
      panel.backdrop(`${c} ${onlyChanged}`, () => drawMap(panel, geometry, image, { objects: plan.objects, style }));
      const [x, y] = geometry.square(shown);
      panel.box(geometry.inCells([x - 1, y - 1, x + 2, y + 2]), styles.window);
    },
    destroy: () => panel.destroy(),
  };
}

/** The counts, and the switch to what has changed. @param {Context} context @returns {Part} */
function counts({ store: { styles }, set }) {
  const outs = COUNTED.map(() => h("b"));
  const spans = COUNTED.map(([key, name, what], i) => h("span", { what }, swatch(styles[key]), `${name} `, outs[i]));
  const only = checkbox({
    label: "only what has another label than in the paper",
    what: "Fade all anchors that have the same label by the paper's rules.",
    onChange: (on) => set({ changed: on }),
  });
  const told = h("p", { class: "rpnviz-relabelled" });
  return {
    element: h("div", {}, h("div", { class: "rpnviz-counts" }, ...spans), only.element, told),
    draw({ now, onlyChanged }) {
      COUNTED.forEach(([key], i) => setText(outs[i], thousands(now.counts[key])));
      only.set(onlyChanged);
      only.input.disabled = now.relabelled === null;
      setText(told, relabelledText(now));
    },
  };
}

/** @param {Convention} convention */
function relabelledText({ relabelled, sampled: [positive, negative], proposals, name }) {
  const rest = `Minibatch: ${positive} positive, ${negative} negative. Proposals at test time: ${thousands(proposals)}.`;
  if (name === "paper") return rest;
  if (relabelled === null) return `Its anchors have other shapes than the paper's. ${rest}`;
  return `${thousands(relabelled)} anchors have another label than in the paper. ${rest}`;
}

/** The picture: objects, positive anchors, those of the cell. @param {Context} context @returns {Part} */
function picture({ store: { plan, styles, photo, geometries, codes }, redraw }) {
  const panel = new Panel({
    ...{ extent: plan.extent, className: "rpnviz-picture", label: "The picture with its anchors", onResize: redraw },
    what: "Thin green: all positive anchors. Sand: the anchors of the chosen cell; bold, in the line of its label, the chosen one. Dotted: the paper's anchor of the same output.",
    attributes: { role: "img" },
  });
  const [height, width] = plan.image_size;
  return {
    element: panel.canvas,
    draw({ c, now, geometry, shown, ready }) {
      if (!panel.begin()) return;
      if (photo.bitmap) panel.image(photo.bitmap, [0, 0, width, height]);
      if (!ready) return;
      codes(c).forEach((code, i) => {
        if (readLabel(code) === "positive")
          panel.box(geometry.box(i), { ...styles.positive, width: 1 }, { alpha: 0.45 });
      });
      for (const { box } of plan.objects) panel.box(box, styles.ground_truth);
      const perCell = now.cells.length;
      const a = shown % perCell;
      for (let i = shown - a; i < shown - a + perCell; i++) {
        if (i !== shown) panel.box(geometry.box(i), thin(styles.anchor), { alpha: 0.6 });
      }
      const style = styles[readLabel(codes(c)[shown])];
      panel.box(geometry.box(shown), style, { strong: true });
      const tags = [{ text: now.anchor_names[a], box: geometry.box(shown), style }];
      if (c !== 0 && perCell === geometries[0].count / geometries[0].rows / geometries[0].columns) {
        panel.box(geometries[0].box(shown), styles.compared, { strong: true });
        tags.push({ text: "the paper's", box: geometries[0].box(shown), style: styles.compared });
      }
      panel.tags(tags);
    },
    destroy: () => panel.destroy(),
  };
}

/** The anchor that is pointed at, or chosen. @returns {Part} */
function about() {
  const element = h("p", { class: "rpnviz-about" });
  return { element, draw: ({ words }) => setText(element, words) };
}

/** How many settings differ, and the switch to all. @param {Context} context @returns {Part} */
function tableHead({ set }) {
  const told = h("b");
  const all = checkbox({
    label: "all settings",
    what: "Show also the settings that are the paper's.",
    onChange: (on) => set({ all: on }),
  });
  return {
    element: h("div", { class: "rpnviz-controls" }, told, all.element),
    draw({ now, all: on }) {
      all.set(on);
      const count = differing(now).length;
      setText(told, `${count} of ${now.rows.length} settings are not the paper's`);
    },
  };
}

/** A row for each setting. @param {Context} _context @returns {Part} */
function settings(_context) {
  const rows = table({
    label: "settings",
    className: "rpnviz-settings-table",
    heads: [
      { text: "setting" },
      { text: "the paper" },
      { text: "here" },
      { text: "anchors changed", what: "How many anchors change on this picture if this setting alone is taken over." },
      { text: "what becomes of them" },
      { text: "file: word to search for", what: "Where the project says so: a file, and a word to search for in it." },
    ],
    rows: [],
  });
  return {
    element: rows.element,
    draw({ c, now, all }) {
      const shown = all || c === 0 ? now.rows : differing(now); // of the paper nothing differs
      rows.setRows(shown.map(({ name }) => name));
      rows.write(
        shown.map(({ paper, here, changed, what, source }) =>
          changed === null ? [paper, "the same", "", "", ""] : [paper, here, thousands(changed), what, source],
        ),
      );
      rows.mark("rpnviz-differs", (i) => shown[i].changed !== null);
    },
  };
}
