// @ts-check
// The controls of the linked explorer. Each writes a trait; `update` shows the traits as they are.

import { canAsk } from "../common/asking.js";
import { swatch } from "../common/canvas_panel.js";
import { checkbox, choice, explains, h, numberField, segmented, slider } from "../common/elements.js";
import { commit } from "../common/model.js";

/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {import("./panels.js").Moment} Moment */

const NO_KERNEL = "A saved page has no kernel to compute this: open the notebook.";
const HANDED = "These results were handed over, for one picture on one grid.";
const OWN_NEED_KERNEL = "Which picture. Your own need Python: open the notebook.";

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
  ["labels", "IoU labels", "", "Colour the anchors by their training label; off: colour by scale, dash by ratio."],
  [
    "minibatch",
    "minibatch",
    "",
    "The up to 256 anchors sampled for one training step, as dots on the map: nine places in a cell, columns scale, rows ratio.",
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
  ["positive", "positive", "Positive: IoU ≥ 0.7 with some object, or no anchor fits some object better."],
  ["negative", "negative", "Negative: IoU < 0.3 with every object."],
  ["ignored", "ignored", "Ignored: neither positive nor negative; it does not count in the loss."],
  ["crosses_border", "crosses border", "Crosses the border of the picture: left out of training."],
];

/** The column of layer switches, with the minibatch's seed and the number of proposals. @param {Model} model @param {Record<string, any>} styles */
export function layerSwitches(model, styles) {
  const switches = LAYERS.map(([name, label, style, what]) => ({
    name,
    ...checkbox({
      label,
      what,
      swatch: style ? swatch(styles[style]) : undefined,
      onChange(on) {
        const others = model.get("layers").filter((/** @type {string} */ other) => other !== name);
        commit(model, { layers: on ? [...others, name] : others });
      },
    }),
  }));
  const legend = h(
    "ul",
    { class: "rpnviz-labels" },
    ...LABELS.map(([style, words, what]) => h("li", { what }, swatch(styles[style], { length: 16 }), words)),
  );
  const seed = numberField({
    name: "Seed of the minibatch",
    className: "rpnviz-seed",
    max: 9999,
    what: "Seed: another number draws another 256 anchors.",
    onChange: (value) => commit(model, { seed: value }),
  });
  const top = slider({
    label: "top",
    name: "Number of proposals shown",
    min: 1,
    max: 300,
    className: "rpnviz-top-n",
    what: "How many of the proposals to draw, best score first.",
    onInput: (value) => commit(model, { top_n: value }),
  });
  /** @type {Moment["scene"] | null} */
  let limited = null;
  const limitSeed = (/** @type {Moment["scene"]} */ scene) => {
    if (limited === scene) return;
    limited = scene;
    let most = Object.keys(scene.packed.minibatches).length - 1;
    while (canAsk(model, "seed", most + 1)) most += 1;
    seed.element.max = String(most);
  };
  const rows = Object.fromEntries(
    switches.map(({ name, element }) => [name, h("div", { class: "rpnviz-layer" }, element)]),
  );
  rows.labels.append(legend);
  rows.minibatch.classList.add("rpnviz-layer-seed");
  rows.minibatch.append(h("label", { class: "rpnviz-seed-label" }, "seed ", seed.element));
  rows.proposals.append(top.element);
  return {
    element: h("fieldset", { class: "rpnviz-layers" }, h("legend", {}, "Layers"), ...Object.values(rows)),
    /** @param {Moment} moment */
    update({ layers, scene, topN }) {
      for (const { name, set } of switches) set(layers.has(name));
      legend.classList.toggle("rpnviz-off", !layers.has("labels"));
      seed.set(String(model.get("seed")));
      if (!model.get("has_kernel")) limitSeed(scene);
      top.set(topN);
    },
  };
}

/** Which grid. @param {Model} model */
export function gridSwitch(model) {
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
  if (grids.some(([value]) => value !== model.get("grid") && !canAsk(model, "grid", value)))
    control.disable(true, model.get("has_kernel") ? HANDED : NO_KERNEL);
  return { element: control.element, update: () => control.set(model.get("grid")) };
}

/** Which picture. @param {Model} model */
export function pictureChoice(model) {
  const control = choice({
    label: "Picture",
    className: "rpnviz-pictures",
    what: "Which picture; the names of your own come from Python.",
    onChange: (picture) => commit(model, { picture }),
  });
  let filled = "";
  return {
    element: control.element,
    update() {
      const now = model.get("picture");
      const names = model
        .get("pictures")
        .filter((/** @type {string} */ name) => name === now || canAsk(model, "picture", name));
      if (filled !== String(names))
        control.fill(names.map((/** @type {string} */ name) => ({ value: name, label: name })));
      filled = String(names);
      control.set(model.get("picture"));
      control.element.disabled = names.length < 2;
      if (model.get("has_kernel") && names.length < 2) explains(control.element, HANDED);
      if (!model.get("has_kernel")) explains(control.element, names.length < 2 ? NO_KERNEL : OWN_NEED_KERNEL);
    },
  };
}

/** Put the window where an anchor fits an object best. @param {Model} model */
export function jumpChoice(model) {
  const control = choice({
    label: "Jump to the best anchor of an object",
    className: "rpnviz-jump",
    what: "Puts the window where the anchor is that fits this object best, of all that lie inside the picture.",
    onChange: (value) => value && jump(Number(value)),
  });
  /** @type {Moment["scene"] | null} */
  let scene = null;
  const jump = (/** @type {number} */ anchor) => {
    if (!scene) return;
    const [row, col] = scene.cellOf(anchor);
    commit(model, { row, col, selected: anchor % scene.perCell });
  };
  return {
    element: h("label", { class: "rpnviz-jump-line" }, "best anchor of", control.element),
    /** @param {Moment} moment */
    update(moment) {
      if (scene !== moment.scene) {
        scene = moment.scene;
        const reachable = scene
          .objectNames()
          .map((label, i) => ({ value: String(moment.scene.packed.best_anchors[i]), label }));
        control.fill([{ value: "", label: "jump to …" }, ...reachable.filter(({ value }) => value !== "-1")]);
      }
      const selected = model.get("selected");
      control.set(selected < 0 ? "" : String(moment.nine[selected]));
      if (control.element.selectedIndex < 0) control.set("");
    },
  };
}

/** Which map is shown: the mean, one channel of 512, or the objectness of one anchor. @param {Model} model */
export function mapChoice(model) {
  const control = choice({
    label: "What the map shows",
    className: "rpnviz-maps",
    what: "The feature map has 512 channels: see their mean, one of them, or the objectness that the network gives one of the nine anchors everywhere.",
    onChange: (map) => commit(model, { map }),
  });
  const number = numberField({
    name: "Channel",
    className: "rpnviz-channel",
    max: 511,
    placeholder: "0–511",
    what: "Any of the 512 channels, 0 to 511; those not in the list are fetched when you ask.",
    onChange: (channel) => commit(model, { map: `channel ${channel}` }),
  });
  const sentence = number.element.getAttribute("data-what");
  const limit = () => {
    const able = Array.from({ length: 512 }, (_, channel) => channel).some((channel) =>
      canAsk(model, "map", `channel ${channel}`),
    );
    number.element.disabled = !able;
    explains(number.element, able ? sentence : NO_KERNEL);
  };
  /** @type {Moment["scene"] | null} */
  let scene = null;
  let listed = /** @type {string[]} */ ([]);
  return {
    element: h("span", { class: "rpnviz-map-choice" }, control.element, number.element),
    /** @param {Moment} moment */
    update({ scene: now, map }) {
      if (scene !== now || !listed.includes(map)) {
        if (scene !== now && !model.get("has_kernel")) limit();
        scene = now;
        const channels = Object.keys(now.packed.channels).map((channel) => `channel ${channel}`);
        if (map.startsWith("channel") && !channels.includes(map)) channels.push(map);
        const entries = [
          { value: "mean", label: "mean of 512" },
          ...now.shapes.map(({ scale, ratio }, a) => ({
            group: "objectness of anchor",
            value: `objectness ${a}`,
            label: `objectness ${scale} px, ${ratio}`,
          })),
          ...channels.map((value) => ({ group: "some channels", value, label: value })),
        ];
        listed = entries.map(({ value }) => value);
        control.fill(entries);
      }
      control.set(map);
      number.set(map.startsWith("channel") ? map.slice("channel ".length) : "");
    },
  };
}
