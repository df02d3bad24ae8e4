// @ts-check
// The linked explorer: one window, seen on the feature map and on the picture, in the table and in the funnels.

import { canAsk } from "../common/asking.js";
import { heatImage, lineStyles, Panel } from "../common/canvas_panel.js";
import { clamp } from "../common/compute/boxes.js";
import { h, OWN_KEYS, scroller, slider } from "../common/elements.js";
import { frame } from "../common/explorer_frame.js";
import { commit, scheduler, typed, watch } from "../common/model.js";
import { gridSwitch, jumpChoice, layerSwitches, mapChoice, pictureChoice } from "./controls.js";
import { funnels } from "./funnels.js";
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
import { anchorTable } from "./table.js";

/** @typedef {import("./panels.js").Moment} Moment */

const HINT =
  "Drag on the map, click on the picture, or press the arrow keys (Shift: five cells). Point at anything to read here what it is.";
const MAP_WHAT =
  "The feature map and the 3×3 window on it. Drag, or arrow keys. At the rim the window overhangs: zeros are padded there.";
const TRAITS = [
  "row",
  "col",
  "selected",
  "layers",
  "map",
  "seed",
  "top_n",
  "grid",
  "picture",
  "scene",
  "extra_channel",
  "extra_minibatch",
  "error",
];

/** @param {{model: import("../common/model.js").Model, el: HTMLElement}} context */
export function render({ model, el }) {
  const view = frame(
    { model, el },
    {
      className: "rpnviz-linked",
      label: "Linked explorer",
      hint: HINT,
      keys: [
        ["← → ↑ ↓ on the map or the picture", "move the window by one cell"],
        ["Shift + ← → ↑ ↓ there", "by five cells"],
        ["Home, End there", "to the first, last column"],
        ["PageUp, PageDown there", "to the first, last row"],
        ["Esc there", "no anchor stands out any more"],
        ["↑ ↓ in the table", "the anchor above, below; Space makes it stand out"],
      ],
    },
  );
  const look = model.get("look");
  const styles = lineStyles(look);
  const store = sceneStore(model, look.heat, redrawSoon);
  let hot = -1; // the anchor under the mouse or the focus, in this view only

  // ---- elements ------------------------------------------------------------------------------------------------
  const keys = { tabindex: 0, role: "application", keydown: onKey, ...OWN_KEYS };
  const map = new Panel({
    extent: mapExtent(store.scene()),
    className: "rpnviz-map rpnviz-drag",
    label: "Feature map; arrow keys move the window",
    what: MAP_WHAT,
    onResize: redrawSoon,
    attributes: { ...keys, pointerdown: drag, pointermove: drag },
  });
  const picture = new Panel({
    extent: pictureExtent(store.scene()),
    className: "rpnviz-picture rpnviz-drag",
    label: "Picture; arrow keys move the window",
    onResize: redrawSoon,
    attributes: { ...keys, pointerdown: drag, pointermove: point, pointerleave: () => setHot(-1) },
  });
  const row = slider({
    label: "row",
    name: "Row of the window",
    max: 0,
    className: "rpnviz-row",
    what: "Row of the 3×3 window on the feature map.",
    onInput: (value) => move({ row: value }),
  });
  const col = slider({
    label: "col",
    name: "Column of the window",
    max: 0,
    className: "rpnviz-col",
    what: "Column of the 3×3 window on the feature map.",
    onInput: (value) => move({ col: value }),
  });
  row.input.addEventListener("keydown", downMeansMore);
  const table = anchorTable({
    shapes: store.scene().shapes,
    style: styles.positive,
    onHot: setHot,
    onSelect: (a) => commit(model, { selected: model.get("selected") === a ? -1 : a }),
  });
  const counts = funnels();
  const controls = {
    layers: layerSwitches(model, styles),
    grid: gridSwitch(model),
    picture: pictureChoice(model),
    jump: jumpChoice(model),
    map: mapChoice(model),
  };
  row.element.classList.add("rpnviz-upright");
  view.body.append(
    counts.element,
    h(
      "div",
      { class: "rpnviz-stage" },
      h(
        "figure",
        { class: "rpnviz-left" },
        h("figcaption", {}, "Feature map", controls.map.element),
        row.element,
        map.canvas,
        col.element,
        controls.jump.element,
      ),
      h("figure", {}, h("figcaption", {}, "Picture", controls.picture.element), picture.canvas),
      h("div", { class: "rpnviz-side" }, controls.grid.element, controls.layers.element),
    ),
    scroller("table of the nine anchors", "", table.element),
  );

  // ---- drawing -------------------------------------------------------------------------------------------------
  /** @returns {Moment} */
  function moment() {
    const scene = store.scene();
    const [r, c] = [clamp(model.get("row"), 0, scene.rows - 1), clamp(model.get("col"), 0, scene.columns - 1)];
    const first = scene.first(r, c);
    return {
      scene,
      row: r,
      col: c,
      styles,
      palette: look.palette,
      key: `${scene.packed.picture} ${scene.packed.grid}`,
      nine: scene.shapes.map((_, a) => first + a),
      strong: hot >= 0 ? hot : model.get("selected"),
      layers: new Set(model.get("layers")),
      topN: model.get("top_n"),
      seed: model.get("seed"),
      minibatch: store.minibatch(),
      map: model.get("map"),
      heat: store.heat(),
      photo: store.photo(),
    };
  }

  function draw() {
    const now = moment();
    const { scene } = now;
    map.setExtent(mapExtent(scene));
    picture.setExtent(pictureExtent(scene));
    drawMap(map, now);
    drawPicture(picture, now);
    table.update(now, model.get("selected"));
    counts.update(now);
    row.set(now.row, scene.rows - 1);
    col.set(now.col, scene.columns - 1);
    for (const control of Object.values(controls)) control.update(now);
    if (hot >= 0) view.what(anchorSentence(now, hot));
    view.busy(store.waitingFor());
    view.root.dataset.cell = `${now.row} ${now.col}`;
    view.say(summary(now));
  }

  const redraw = scheduler(draw);
  function redrawSoon() {
    redraw();
  }

  // ---- input ---------------------------------------------------------------------------------------------------
  /** @param {{row?: number, col?: number}} to */
  function move(to) {
    const scene = store.scene();
    if (scene.packed.grid !== model.get("grid")) return; // its cells are about to change
    const values = { row: model.get("row"), col: model.get("col"), ...to };
    commit(model, { row: clamp(values.row, 0, scene.rows - 1), col: clamp(values.col, 0, scene.columns - 1) });
  }

  /** @param {PointerEvent} event */
  function drag(event) {
    if (!(event.buttons & 1) || !event.isPrimary) return; // a second finger zooms
    const panel = event.target === map.canvas ? map : picture;
    if (event.type === "pointerdown") {
      panel.canvas.setPointerCapture(event.pointerId);
      panel.canvas.focus({ preventScroll: true });
      event.preventDefault();
    }
    const [r, c] = store.scene().cellAt(...panel.at(event));
    move({ row: r, col: c });
  }

  /** @param {PointerEvent} event */
  function point(event) {
    drag(event);
    const now = moment();
    const [x, y] = picture.at(event);
    setHot(event.buttons ? -1 : anchorUnder(picture, now, x, y));
    if (hot < 0) view.what(pictureSentence(now, x, y, (5 * picture.unit) / picture.scale));
  }

  /** @param {number} a */
  function setHot(a) {
    if (a === hot) return;
    hot = a;
    redraw();
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    const step = event.shiftKey ? 5 : 1;
    const [r, c] = [model.get("row"), model.get("col")];
    const to = {
      ArrowLeft: { col: c - step },
      ArrowRight: { col: c + step },
      ArrowUp: { row: r - step },
      ArrowDown: { row: r + step },
      Home: { col: 0 },
      End: { col: Infinity },
      PageUp: { row: 0 },
      PageDown: { row: Infinity },
    }[event.key];
    if (to) move(to);
    else if (event.key === "Escape") commit(model, { selected: -1 });
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** The row slider stands upright with row 0 at the top, so Down must mean more. @param {KeyboardEvent} event */
  function downMeansMore(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    move({ row: model.get("row") + step });
  }

  /** Python keeps the window over the same place of the picture; without it the page does, and shows the mean for a channel it lacks. */
  let before = store.scene();
  let linked = model.get("grid") !== before.packed.grid; // a link's row and column are those of the grid that is to come
  const settle = scheduler(() => {
    const place = (linked ? store.scene() : before).centre(model.get("row"), model.get("col"));
    const [row, col] = store.scene().cellAt(...place);
    [before, linked] = [store.scene(), false];
    const shown = store.heat() || canAsk(model, "map", model.get("map"));
    commit(model, shown ? { row, col } : { row, col, map: "mean" });
  });
  if (!model.get("has_kernel")) {
    view.onDestroy(watch(model, ["scene"], settle));
    if (!linked) settle(); // a link's row may lie beyond this grid
  }
  view.onDestroy(watch(model, TRAITS, redraw));
  view.onDestroy(() => [map, picture].forEach((panel) => panel.destroy()));
  view.onDestroy(store.destroy);
  draw();
  return view.destroy;
}

/**
 * What has come from the kernel: the scene, and maps and minibatches that were asked for later.
 * @param {import("../common/model.js").Model} model @param {string[]} stops of the colour map @param {() => void} onPhoto
 */
function sceneStore(model, stops, onPhoto) {
  let packed = /** @type {Record<string, any>} */ ({});
  let scene = /** @type {Scene} */ (/** @type {unknown} */ (null));
  let photo = /** @type {ImageBitmap | null} */ (null);
  const heats = /** @type {Map<string, HTMLCanvasElement>} */ (new Map());
  const minibatches = /** @type {Map<number, import("./panels.js").Minibatch>} */ (new Map());

  const load = () => {
    if (packed === model.get("scene")) return scene;
    const before = packed.picture;
    packed = model.get("scene");
    scene = new Scene(packed);
    heats.clear();
    minibatches.clear();
    if (before !== packed.picture) loadPhoto(packed);
    return scene;
  };
  const loadPhoto = async (/** @type {Record<string, any>} */ of) => {
    photo = null;
    const bitmap = await createImageBitmap(new Blob([typed(of.photo, Uint8Array)]));
    if (of !== packed) return bitmap.close(); // another picture has come meanwhile
    photo = bitmap;
    onPhoto();
  };
  /** An answer that came later, if it is to this question. @param {string} trait @param {string} name @param {any} value */
  const answer = (trait, name, value) => {
    const extra = model.get(trait);
    return extra[name] === value && extra.picture === packed.picture && extra.grid === packed.grid ? extra : null;
  };
  const mapValues = (/** @type {string} */ map) => {
    const [kind, number] = map.split(" ");
    if (kind === "objectness") return scene.objectness(Number(number));
    const bytes =
      kind === "mean"
        ? packed.mean
        : packed.channels[number] || answer("extra_channel", "channel", Number(number))?.values;
    return bytes ? typed(bytes, Uint8Array) : null;
  };
  const heat = () => {
    const map = model.get("map");
    const values = heats.has(map) ? null : mapValues(map);
    if (values) heats.set(map, heatImage(values, scene.rows, scene.columns, stops));
    return heats.get(map) || null;
  };
  const minibatch = () => {
    const seed = model.get("seed");
    const sent = packed.minibatches[seed] || answer("extra_minibatch", "seed", seed);
    if (!minibatches.has(seed) && sent) {
      const [positive, negative] = [typed(sent.positive, Uint16Array), typed(sent.negative, Uint16Array)];
      minibatches.set(seed, { positive, negative, all: new Set([...positive, ...negative]) });
    }
    return minibatches.get(seed) || null;
  };
  const waitingFor = () => {
    if (!model.get("has_kernel") && model.get("error")) return "";
    const asking = model.get("has_kernel") ? "asking the kernel for" : "fetching";
    if (packed.picture !== model.get("picture")) return `${asking} ${model.get("picture")} …`;
    if (packed.grid !== model.get("grid")) return `${asking} the other grid …`;
    if (!heat()) return `${asking} ${model.get("map")} …`;
    return minibatch() ? "" : `${asking} seed ${model.get("seed")} …`;
  };
  return { scene: load, photo: () => photo, heat, minibatch, waitingFor, destroy: () => photo?.close() };
}
