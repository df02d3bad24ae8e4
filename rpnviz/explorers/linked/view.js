// @ts-check
// The linked explorer: one window, seen on the feature map and on the picture, in the table and in the funnels.

import { canAsk, ownPicture } from "../common/asking.js";
import { heatImage, lineStyles, Panel } from "../common/canvas_panel.js";
import { clamp } from "../common/compute/boxes.js";
import { h, OWN_KEYS, slider } from "../common/elements.js";
import { commit, derived, scheduler, typed, watch } from "../common/model.js";
import { ObjectEditor } from "../common/object_editor.js";
import { loadPhoto } from "../common/photo.js";
import { opensPictures } from "../common/picture_row.js";
import { defineView, group } from "../common/view.js";
import { anchorsSwitch, gridSwitch, jumpChoice, layerSwitches, mapChoice, pictureChoice, sizeOf } from "./controls.js";
import { asksAboutCover, patchGrip, readCover } from "./cover.js";
import { funnels } from "./funnels.js";
import { outputs } from "./outputs.js";
import { openScene } from "./own_scene.js";
import {
  anchorSentence,
  anchorUnder,
  drawMap,
  drawPicture,
  mapExtent,
  pictureExtent,
  pictureSentence,
  summary,
} from "./panels.js";
import { Scene } from "./scene.js";
import { settings } from "./settings.js";
import { anchorTable } from "./table.js";
import { onlyWith, partsShown, stepOn, tourBar, unfoldsForOwn } from "./tour.js";
import { isHanded, stationsOf, WORK_TRAITS } from "./work.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {{positive: ArrayLike<number>, negative: ArrayLike<number>, all: Set<number>}} Minibatch */
/** @typedef {ReturnType<typeof readStore>} Store */
/** @typedef {ReturnType<typeof readMoment>} Moment */
/** @typedef {import("../common/view.js").Context<Store>} Context */
/** @typedef {import("../common/view.js").Part<Moment>} Part */

export const render = defineView({
  frame: {
    className: "rpnviz-linked",
    label: "Linked explorer",
    hint: "Drag on the map, click on the picture, or press the arrow keys (Shift: five cells). Point at anything to read here what it is.",
    keys: [
      ["← → ↑ ↓ on the map or the picture", "move the window by one cell"],
      ["Shift + ← → ↑ ↓ there", "by five cells"],
      ["Home, End there", "to the first, last column"],
      ["PageUp, PageDown there", "to the first, last row"],
      ["Esc there", "no anchor stands out any more"],
      ["↑ ↓ in the table", "the anchor above, below; Space makes it stand out"],
    ],
  },
  traits: [
    ...["row", "col", "selected", "layers", "map", "top_n", "grid", "picture"],
    ...["scene", "extra_channel", "extra_minibatch", "patch", "covered", ...WORK_TRAITS],
    ...["quiet", "alone", "step", "guide"],
  ],
  local: { hot: -1 }, // the anchor under the mouse or the focus
  opens: opensPictures({ network: true, answer: openScene, again: ["grid"] }),
  store: readStore,
  moment: readMoment,
  parts(context) {
    const [shown, editor] = picture(context);
    const left = group(
      "figure",
      { class: "rpnviz-left" },
      group("figcaption", {}, "Feature map", mapChoice(context), sizeOf("map")),
      onlyWith("window", rowSlider(context)),
      featureMap(context),
      onlyWith("window", colSlider(context)),
      jumpChoice(context),
    );
    const right = group(
      "figure",
      {},
      group("figcaption", {}, "Picture", pictureChoice(context), sizeOf("picture"), anchorsSwitch(context)),
      shown,
    );
    return [
      tourBar(context),
      funnels(),
      group(
        "div",
        { class: "rpnviz-stage" },
        onlyWith("map", left),
        group("div", { class: "rpnviz-room" }, onlyWith("picture", right), outputs(context)),
        group("div", { class: "rpnviz-side rpnviz-loud" }, gridSwitch(context), layerSwitches(context)),
      ),
      anchorTable(context),
      ...(isHanded(context.model.get("scene")) ? [] : [settings(context, editor)]),
    ];
  },
  say(now, { root, what }) {
    root.dataset.cell = `${now.row} ${now.col}`;
    root.classList.toggle("rpnviz-hushed", now.hushed);
    if (now.hot >= 0) what(anchorSentence(now, now.hot));
    return summary(now);
  },
  busy: missing,
  listen: (context) => [...keepPlace(context), ...asksAboutCover(context.model), unfoldsForOwn(context.model)],
});

/** What stays from drawing to drawing. @param {{model: Model, redraw: () => void}} tools */
function readStore({ model, redraw }) {
  const look = model.get("look");
  const packed = () => /** @type {Record<string, any>} */ (model.get("scene"));
  const stations = derived(packed, (sent) => stationsOf(model, sent));
  const scene = derived(
    () => stations().work(),
    (work) => new Scene(packed(), work),
  );
  const photo = derived(
    () => packed().picture, // on another grid it is the same one
    () => {
      const file = packed().photo;
      return loadPhoto(() => file, redraw);
    },
  );
  return {
    scene,
    photo: () => photo().bitmap,
    heat: heatMap(model, packed, scene, look.heat),
    minibatch: derived(
      () => stations().draw(),
      (drawn, version) =>
        drawn && { version, ...drawn, all: new Set([...Array.from(drawn.positive), ...Array.from(drawn.negative)]) },
    ),
    styles: lineStyles(look),
  };
}

/**
 * Gives the map shown as an image, null while it has not come.
 * @param {Model} model @param {() => Record<string, any>} packed @param {() => Scene} scene @param {string[]} stops of the colours
 */
function heatMap(model, packed, scene, stops) {
  const made = derived(packed, () => /** @type {Map<string, HTMLCanvasElement>} */ (new Map()));
  return () => {
    const map = /** @type {string} */ (model.get("map"));
    const values = made().has(map) ? null : mapValues(model, scene(), map);
    if (values) made().set(map, heatImage(values, scene().rows, scene().columns, stops));
    return made().get(map) || null;
  };
}

/** @param {Model} model @param {Scene} scene @param {string} map its name */
function mapValues(model, scene, map) {
  const [kind, number] = map.split(" ");
  if (kind === "objectness") return scene.objectness(Number(number));
  const { mean, channels, further } = scene.packed;
  const sent = channels[number] || further?.[number];
  const bytes = kind === "mean" ? mean : sent || extraChannel(model, scene, Number(number))?.values;
  return bytes ? typed(bytes, Uint8Array) : null;
}

/** The channel that came last beside the scenes, if it is of this scene. @param {Model} model @param {Scene} scene @param {number} channel */
function extraChannel(model, { packed }, channel) {
  const last = model.get("extra_channel");
  return last.channel === channel && last.picture === packed.picture && last.grid === packed.grid ? last : null;
}

/** @param {Context} context */
function readMoment({ model, store, local }) {
  const scene = store.scene();
  const row = clamp(/** @type {number} */ (model.get("row")), 0, scene.rows - 1);
  const col = clamp(/** @type {number} */ (model.get("col")), 0, scene.columns - 1);
  const first = scene.first(row, col);
  const nine = scene.shapes.map((_, a) => first + a);
  const hot = /** @type {number} */ (local.hot);
  const selected = /** @type {number} */ (model.get("selected"));
  return {
    ...{ scene, row, col, hot, selected, styles: store.styles },
    minibatch: store.minibatch(),
    // for what is drawn once and kept
    key: `${scene.packed.picture} ${ownPicture(model)?.number} ${scene.packed.grid} ${JSON.stringify(WORK_TRAITS.map((name) => model.get(name)))}`,
    nine,
    strong: hot >= 0 ? hot : selected, // which of the nine stands out, −1 for none
    drawn: model.get("alone") ? [selected >= 0 ? selected : bestOf(scene, nine)] : nine.map((_, a) => a), // of the nine
    alone: /** @type {boolean} */ (model.get("alone")),
    hushed: /** @type {boolean} */ (model.get("quiet") || stepOn(model) >= 0),
    shows: partsShown(model),
    layers: /** @type {Set<string>} */ (new Set(model.get("layers"))),
    topN: /** @type {number} */ (model.get("top_n")),
    seed: /** @type {number} */ (model.get("seed")),
    least: /** @type {number} */ (model.get("min_size")),
    batch: /** @type {number} */ (model.get("batch_size_per_image")),
    map: /** @type {string} */ (model.get("map")),
    heat: store.heat(),
    photo: store.photo(),
    cover: readCover(model, scene.size),
    wanted: { picture: /** @type {string} */ (model.get("picture")), grid: /** @type {string} */ (model.get("grid")) },
    pictures: /** @type {string[]} */ (model.get("pictures")), // names to choose from
  };
}

/** Which of the nine fits an object best. @param {Scene} scene @param {number[]} nine */
const bestOf = (scene, nine) =>
  nine.reduce((best, anchor, a) => (scene.iou(anchor) > scene.iou(nine[best]) ? a : best), 0);

/** What the page lacks; much of what is set it has without an answer. @param {Moment} now @param {Context} context */
function missing({ scene: { packed }, wanted, heat, map, minibatch, seed }, { model }) {
  const asking = model.get("has_kernel") ? "asking the kernel for" : "fetching";
  if (packed.picture !== wanted.picture && !ownPicture(model)) return `${asking} ${wanted.picture} …`;
  if (packed.grid !== wanted.grid) return `${asking} the other grid …`;
  if (!heat) return `${asking} ${map} …`;
  return minibatch ? "" : `${asking} seed ${seed} …`;
}

/**
 * Python keeps the window over the same place of the picture, and shows another picture with its own objects; without it
 * the page does both, and shows the mean for a channel that it lacks.
 * @param {Context} context
 */
function keepPlace({ model, store }) {
  if (model.get("has_kernel")) return [];
  let before = store.scene();
  // A link's row and column are those of the grid that is to come, and its objects those of the picture.
  let linked = ["grid", "picture"].some((name) => model.get(name) !== before.packed[name]);
  const settle = scheduler(() => {
    const now = store.scene();
    const place = (linked ? now : before).centre(model.get("row"), model.get("col"));
    const [row, col] = now.cellAt(...place);
    const drawn = linked && JSON.stringify(model.get("objects")) !== JSON.stringify(before.packed.objects);
    const other = now.packed.picture !== before.packed.picture && !drawn ? { objects: now.packed.objects } : {};
    [before, linked] = [now, false];
    const shown = store.heat() || canAsk(model, "map", model.get("map"));
    commit(model, { row, col, ...other, ...(shown ? {} : { map: "mean" }) });
  });
  if (!linked) settle(); // a link's row may lie beyond this grid
  return [watch(model, ["scene"], settle)];
}

/** Move the window. @param {Context} context @param {{row?: number, col?: number}} to */
function move({ model, store }, to) {
  const scene = store.scene();
  if (scene.packed.grid !== model.get("grid")) return; // its cells are about to change
  const values = { row: model.get("row"), col: model.get("col"), ...to };
  commit(model, { row: clamp(values.row, 0, scene.rows - 1), col: clamp(values.col, 0, scene.columns - 1) });
}

/** A listener for the keys that move the window. @param {Context} context */
function windowKeys(context) {
  const { model } = context;
  return (/** @type {KeyboardEvent} */ event) => {
    const step = event.shiftKey ? 5 : 1;
    const [row, col] = [model.get("row"), model.get("col")];
    const to = {
      ArrowLeft: { col: col - step },
      ArrowRight: { col: col + step },
      ArrowUp: { row: row - step },
      ArrowDown: { row: row + step },
      Home: { col: 0 },
      End: { col: Infinity },
      PageUp: { row: 0 },
      PageDown: { row: Infinity },
    }[event.key];
    if (to) move(context, to);
    else if (event.key === "Escape") commit(model, { selected: -1 });
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
}

/**
 * A panel on which keys and a drag move the window.
 * @param {Context} context @param {{extent: Box, className: string, label: string, what?: string}} options
 */
function windowPanel(context, options) {
  const panel = new Panel({
    ...options,
    onResize: context.redraw,
    attributes: { tabindex: 0, role: "application", keydown: windowKeys(context), ...OWN_KEYS },
  });
  const drag = (/** @type {PointerEvent} */ event) => {
    if (!(event.buttons & 1) || !event.isPrimary) return; // a second finger zooms
    if (event.type === "pointerdown") {
      panel.canvas.setPointerCapture(event.pointerId);
      panel.canvas.focus({ preventScroll: true });
      event.preventDefault();
    }
    const [row, col] = context.store.scene().cellAt(...panel.at(event));
    move(context, { row, col });
  };
  panel.canvas.addEventListener("pointerdown", drag);
  panel.canvas.addEventListener("pointermove", drag);
  return panel;
}

/** @param {Context} context @returns {Part} */
function featureMap(context) {
  const panel = windowPanel(context, {
    extent: mapExtent(context.store.scene()),
    className: "rpnviz-map rpnviz-drag",
    label: "Feature map; arrow keys move the window",
    what: "The feature map and the 3×3 window on it. Drag, or arrow keys. At the rim the window overhangs: zeros are padded there.",
  });
  return {
    element: panel.canvas,
    draw(now) {
      panel.setExtent(mapExtent(now.scene));
      drawMap(panel, now);
    },
    destroy: () => panel.destroy(),
  };
}

/** The picture with all that belongs to the window's cell, and what edits its objects. @param {Context} context @returns {[Part, ObjectEditor]} */
function picture(context) {
  const { local, model, redraw, set, store, what } = context;
  const panel = windowPanel(context, {
    extent: pictureExtent(store.scene()),
    className: "rpnviz-picture rpnviz-drag",
    label: "Picture; arrow keys move the window",
  });
  panel.canvas.addEventListener("pointermove", (event) => {
    const [now, [x, y]] = [readMoment(context), panel.at(event)];
    set({ hot: event.buttons ? -1 : anchorUnder(panel, now, x, y) });
    if (local.hot < 0) what(pictureSentence(now, x, y, (5 * panel.unit) / panel.scale));
  });
  panel.canvas.addEventListener("pointerleave", () => set({ hot: -1 }));
  const editor = new ObjectEditor({ model, panel, imageSize: store.scene().packed.image_size, redraw });
  const patch = patchGrip({ model, panel, redraw });
  const pictureShown = derived(
    () => store.scene().packed.photo,
    () => {
      editor.begin();
      if (editor.open) editor.bar.closest("details")?.setAttribute("open", "");
    },
  );
  const part = {
    element: h("div", { class: "rpnviz-two-boxes" }, panel.canvas, patch.element, editor.layer),
    draw(/** @type {Moment} */ now) {
      pictureShown();
      patch.draw();
      panel.setExtent(pictureExtent(now.scene));
      editor.draw();
      drawPicture(panel, now);
    },
    destroy: () => panel.destroy(),
  };
  return [part, editor];
}

/** Upright, with row 0 at the top. @param {Context} context @returns {Part} */
function rowSlider(context) {
  const row = slider({
    label: "row",
    name: "Row of the window",
    max: 0,
    className: "rpnviz-row",
    what: "Row of the 3×3 window on the feature map.",
    onInput: (value) => move(context, { row: value }),
  });
  row.element.classList.add("rpnviz-upright");
  row.input.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]; // there Down must mean more
    if (!step) return;
    event.preventDefault();
    move(context, { row: context.model.get("row") + step });
  });
  return { element: row.element, draw: (now) => row.set(now.row, now.scene.rows - 1) };
}

/** @param {Context} context @returns {Part} */
function colSlider(context) {
  const col = slider({
    label: "col",
    name: "Column of the window",
    max: 0,
    className: "rpnviz-col",
    what: "Column of the 3×3 window on the feature map.",
    onInput: (value) => move(context, { col: value }),
  });
  return { element: col.element, draw: (now) => col.set(now.col, now.scene.columns - 1) };
}
