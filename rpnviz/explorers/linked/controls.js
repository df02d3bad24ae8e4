// @ts-check
// The controls of the linked explorer. Each writes a trait, and draws the traits as they are.

import { NO_LABEL } from "../common/anchor.js";
import { canAsk } from "../common/asking.js";
import { swatch } from "../common/canvas_panel.js";
import { checkbox, choice, explains, h, numberField, segmented, setText, slider } from "../common/elements.js";
import { commit } from "../common/model.js";
import { pictureList } from "../common/picture_list.js";
import { group } from "../common/view.js";
import { coverSwitch } from "./cover.js";
import { isHanded } from "./work.js";

/** @typedef {import("./scene.js").Scene} Scene */
/** @typedef {import("./view.js").Context} Context */
/** @typedef {import("./view.js").Part} Part */

const NO_KERNEL = "A saved page has no kernel to compute this: open the notebook.";
const HANDED = "These results were handed over, for one picture on one grid.";
const WHICH = "Which picture. At the end of the status line you can open one of your own.";

/** Name of the layer, its words, the style of its swatch, what it is. @type {[string, string, string, string][]} */
const LAYERS = [
  [
    "anchors",
    "anchors",
    "",
    "The nine anchors of the window's cell, to scale: the same shapes at every position. They may overhang the picture.",
  ],
  [
    "receptive_field",
    "receptive field",
    "receptive_field",
    "All of the picture that the window's outputs depend on. Six of the nine anchors are longer than it.",
  ],
  [
    "ground_truth",
    "ground truth",
    "ground_truth",
    "The objects somebody marked: the anchors are labelled by their IoU with these boxes.",
  ],
  ["labels", "IoU labels", "", "Draw each anchor in the line of its training label; off: all in one line."],
  [
    "minibatch",
    "minibatch",
    "",
    "The anchors sampled for one training step, up to 256 in the paper, as dots on the map: nine places in a cell, columns scale, rows ratio.",
  ],
  [
    "predictions",
    "decoded boxes",
    "proposal",
    "What the network makes of the nine: each moved by its four deltas. Point at a row of the table to see one alone.",
  ],
  [
    "proposals",
    "proposals after NMS",
    "proposal",
    "The best boxes that survive non-maximum suppression, from all positions.",
  ],
];

/** @type {[string, string, string][]} */
const LABELS = [
  [
    "positive",
    "positive",
    "Positive: IoU at or above the upper threshold with some object, or no anchor fits some object better.",
  ],
  ["negative", "negative", "Negative: IoU below the lower threshold with every object."],
  ["ignored", "ignored", "Ignored: neither positive nor negative; it does not count in the loss."],
  ["crosses_border", "crosses border", `Crosses the border of the picture: ${NO_LABEL}.`],
];

/** The column of layer switches, with the minibatch's seed and the number of proposals. @param {Context} context @returns {Part} */
export function layerSwitches(context) {
  const below = /** @type {Record<string, Part>} */ ({
    labels: labelLegend(context),
    minibatch: seedField(context),
    proposals: topSlider(context),
  });
  const rows = LAYERS.map(([name, label, style, what]) => {
    const className = name === "minibatch" ? "rpnviz-layer rpnviz-layer-seed" : "rpnviz-layer";
    const parts = [layerSwitch(context, name, label, style, what), ...(below[name] ? [below[name]] : [])];
    return group("div", { class: className }, ...parts);
  });
  return group("fieldset", { class: "rpnviz-layers" }, h("legend", {}, "Layers"), ...rows, coverSwitch(context));
}

/** @param {Context} context @param {string} name @param {string} label @param {string} style of its swatch, "" for none @param {string} what @returns {Part} */
function layerSwitch({ model, store: { styles } }, name, label, style, what) {
  const box = checkbox({
    label,
    what,
    swatch: style ? swatch(styles[style]) : undefined,
    onChange(on) {
      const others = model.get("layers").filter((/** @type {string} */ other) => other !== name);
      commit(model, { layers: on ? [...others, name] : others });
    },
  });
  return { element: box.element, draw: ({ layers }) => box.set(layers.has(name)) };
}

/** @param {Context} context @returns {Part} */
function labelLegend({ store: { styles } }) {
  const lines = LABELS.map(([style, words, what]) => h("li", { what }, swatch(styles[style], { length: 16 }), words));
  const element = h("ul", { class: "rpnviz-labels" }, ...lines);
  return { element, draw: ({ layers }) => element.classList.toggle("rpnviz-off", !layers.has("labels")) };
}

/** @param {Context} context @returns {Part} */
function seedField({ model }) {
  const sent = model.get("scene"); // of what is handed over there is one scene
  const field = numberField({
    name: "Seed of the minibatch",
    className: "rpnviz-seed",
    max: isHanded(sent) && !model.get("has_kernel") ? Object.keys(sent.minibatches).length - 1 : 9999,
    what: "Seed: another number draws other anchors.",
    onChange: (value) => commit(model, { seed: value }),
  });
  return {
    element: h("label", { class: "rpnviz-seed-label" }, "seed ", field.element),
    draw: ({ seed }) => field.set(String(seed)),
  };
}

/** @param {Context} context @returns {Part} */
function topSlider({ model }) {
  const top = slider({
    label: "top",
    name: "Number of proposals shown",
    min: 1,
    max: 300,
    className: "rpnviz-top-n",
    what: "How many of the proposals to draw, best score first.",
    onInput: (value) => commit(model, { top_n: value }),
  });
  return { element: top.element, draw: ({ topN }) => top.set(topN) };
}

/** Which grid. @param {Context} context @returns {Part} */
export function gridSwitch({ model }) {
  const grids = [
    [
      "paper",
      "40×60",
      "40×60: the paper's round figure; the picture is resampled to 640×960 first, so that four halvings divide exactly.",
    ],
    ["floor", "37×62", "37×62: what PyTorch gives for 600×1000; each pooling drops an odd last row or column."],
    ["ceil", "38×63", "38×63: what Caffe gives for 600×1000; each pooling keeps an odd last row or column."],
  ];
  const control = segmented({
    label: "Size of the feature map",
    className: "rpnviz-grid",
    options: grids.map(([value, label, what]) => ({ value, label, what })),
    onChange: (grid) => commit(model, { grid }),
  });
  return {
    element: control.element,
    draw({ wanted }) {
      const fixed = grids.some(([value]) => value !== wanted.grid && !canAsk(model, "grid", value));
      control.disable(fixed, model.get("has_kernel") ? HANDED : NO_KERNEL);
      control.set(wanted.grid);
    },
  };
}

/** One of the nine anchors, or all. @param {Context} context @returns {Part} */
export function anchorsSwitch({ model }) {
  const control = segmented({
    label: "Which of the nine anchors are drawn",
    className: "rpnviz-only",
    options: [
      {
        value: "1",
        label: "one anchor",
        what: "Draws one of the nine: the one chosen in the table, or the best of them.",
      },
      { value: "9", label: "all nine", what: "Draws all nine anchors of the window's cell." },
    ],
    onChange: (value) => commit(model, { alone: value === "1" }),
  });
  return {
    element: control.element,
    draw({ alone, layers }) {
      control.set(alone ? "1" : "9");
      control.element.classList.toggle("rpnviz-unseen", !layers.has("anchors"));
    },
  };
}

/** How large it is, where the choice of another is folded away. @param {"map" | "picture"} which @returns {Part} */
export function sizeOf(which) {
  const element = h("span", { class: "rpnviz-size" });
  return {
    element,
    draw({ scene: { rows, columns, frame } }) {
      setText(element, which === "map" ? `${rows}×${columns} cells` : `${frame[3]}×${frame[2]} pixels`);
    },
  };
}

/** Which picture. @param {Context} context @returns {Part} */
export function pictureChoice({ model }) {
  const list = pictureList(model, { label: "Picture", what: WHICH });
  list.element.classList.add("rpnviz-loud");
  return {
    element: list.element,
    draw({ wanted, pictures }) {
      const known = pictures.filter((name) => name === wanted.picture || canAsk(model, "picture", name));
      const alone = list.show(known, wanted.picture) < 2;
      list.element.disabled = alone;
      explains(list.element, alone ? (model.get("has_kernel") ? HANDED : NO_KERNEL) : WHICH);
    },
  };
}

/** Put the window where an anchor fits an object best. @param {Context} context @returns {Part} */
export function jumpChoice({ model, store }) {
  const control = choice({
    label: "Jump to the best anchor of an object",
    className: "rpnviz-jump",
    what: "Puts the window at the anchor that fits this object best, of all that lie inside the picture.",
    onChange: (value) => value && jump(Number(value)),
  });
  const jump = (/** @type {number} */ anchor) => {
    const scene = store.scene();
    const [row, col] = scene.cellOf(anchor);
    commit(model, { row, col, selected: anchor % scene.perCell });
  };
  let filled = /** @type {Scene | null} */ (null);
  const fill = (/** @type {Scene} */ scene) => {
    const best = scene.objectNames().map((label, i) => ({ value: String(scene.work.bestAnchors[i]), label }));
    control.fill([{ value: "", label: "jump to …" }, ...best.filter(({ value }) => value !== "-1")]);
    filled = scene;
  };
  return {
    element: h("label", { class: "rpnviz-jump-line rpnviz-loud" }, "best anchor of", control.element),
    draw({ scene, selected, nine }) {
      if (filled !== scene) fill(scene);
      control.set(selected < 0 ? "" : String(nine[selected]));
      if (control.element.selectedIndex < 0) control.set("");
    },
  };
}

/** Which map is shown: the mean, one channel of 512, or the objectness of one anchor. @param {Context} context @returns {Part} */
export function mapChoice(context) {
  return group("span", { class: "rpnviz-map-choice rpnviz-loud" }, mapList(context), channelField(context));
}

/** The maps that have come with the scene, and the one that is shown. @param {Context} context @returns {Part} */
function mapList({ model }) {
  const control = choice({
    label: "What the map shows",
    className: "rpnviz-maps",
    what: "The feature map has 512 channels: see their mean, one of them, or the objectness that the network gives one of the nine anchors everywhere.",
    onChange: (map) => commit(model, { map }),
  });
  let filled = /** @type {Scene | null} */ (null);
  let listed = /** @type {string[]} */ ([]);
  return {
    element: control.element,
    draw({ scene, map }) {
      if (filled !== scene || !listed.includes(map)) {
        const entries = mapEntries(scene, map);
        listed = entries.map(({ value }) => value);
        control.fill(entries);
        filled = scene;
      }
      control.set(map);
    },
  };
}

/** @param {Scene} scene @param {string} map */
function mapEntries({ packed, shapes }, map) {
  const channels = Object.keys(packed.channels).map((channel) => `channel ${channel}`);
  if (map.startsWith("channel") && !channels.includes(map)) channels.push(map);
  return [
    { value: "mean", label: "mean of 512" },
    ...shapes.map(({ scale, ratio }, a) => ({
      group: "objectness of anchor",
      value: `objectness ${a}`,
      label: `objectness ${scale} px, ${ratio}`,
    })),
    ...channels.map((value) => ({ group: "some channels", value, label: value })),
  ];
}

/** @param {Context} context @returns {Part} */
function channelField({ model }) {
  const sentence = "Any of the 512 channels, 0 to 511; those not in the list are fetched when you ask.";
  const number = numberField({
    name: "Channel",
    className: "rpnviz-channel",
    max: 511,
    placeholder: "0–511",
    what: sentence,
    onChange: (channel) => commit(model, { map: `channel ${channel}` }),
  });
  let limited = /** @type {Scene | null} */ (null);
  const limit = (/** @type {Scene} */ scene) => {
    const able =
      scene.packed.further ||
      Array.from({ length: 512 }, (_, i) => i).some((i) => canAsk(model, "map", `channel ${i}`));
    number.element.disabled = !able;
    explains(number.element, able ? sentence : NO_KERNEL);
    limited = scene;
  };
  return {
    element: number.element,
    draw({ scene, map }) {
      if (limited !== scene && !model.get("has_kernel")) limit(scene); // on the site other scenes have none recorded
      number.set(map.startsWith("channel") ? map.slice("channel ".length) : "");
    },
  };
}
