// @ts-check
// Notebook 02: the 3×3 window and all the numbers on its way: 3×3×512 → 512 → 9 + 36.

import { heatImage, lineStyles, nearestOutline, Panel, swatch } from "../common/canvas_panel.js";
import { checkbox, h, OWN_KEYS, scroller, setText, slider } from "../common/elements.js";
import { frame } from "../common/explorer_frame.js";
import { around, centre, mapStage, pictureStage, shifted } from "../common/map_and_picture.js";
import { commit, scheduler, typed, watch } from "../common/model.js";

const COLUMNS = 32; // of the sheets that show 512 channels
const TILE = 4; // three cells and a gap
const DELTAS = ["dx", "dy", "dw", "dh"];

/** −0.04 → "−0.04", and never "−0.00". @param {number} value */
const signed = (value) =>
  value
    .toFixed(2)
    .replace(/^-(?=0\.00$)/, "")
    .replace("-", "−");

/** @param {{model: import("../common/model.js").Model, el: HTMLElement}} context */
export function render(context) {
  const { model } = context;
  const { palette, heat } = model.get("look");
  const styles = lineStyles(model.get("look"));
  const anchors = /** @type {import("../common/map_and_picture.js").AnchorLook[]} */ (model.get("anchors"));
  const [rows, cols] = model.get("place").feature_size;
  const cells = rows * cols;
  const bytes = (/** @type {string} */ name) => typed(model.get(name), Uint8Array);
  const [meanMap, features, vectors] = ["mean_map", "features", "vectors"].map(bytes);
  const [objectness, deltas] = ["objectness", "deltas"].map((name) => typed(model.get(name), Float32Array));
  const channels = features.length / cells;
  const sheetRows = Math.ceil(channels / COLUMNS);
  const ui = frame(context, {
    className: "rpnviz-window",
    label: "The 3×3 window and the numbers on its way",
    hint: "Drag on the map, press the arrow keys there, or press on the picture. Point at anything to learn what it is.",
    keys: [
      ["← → ↑ ↓ on the map", "move the window by one cell"],
      ["Shift + ← → ↑ ↓ there", "by five cells"],
      ["PageUp, PageDown there", "five rows up, down"],
      ["Home, End there", "to the first, last column"],
    ],
  });

  const channel = slider({
    label: "channel",
    name: "channel on the map",
    min: -1,
    max: channels - 1,
    className: "rpnviz-channel",
    what: `Which of the ${channels} channels the map shows; at the far left, their mean.`,
    format: (value) => (value < 0 ? "mean" : String(value)),
    onInput: (value) => commit(model, { channel: value }),
  });
  const all = checkbox({
    label: `its ${anchors.length} anchors`,
    what: "The reference boxes that give the output channels their meaning. The window does not see them.",
    onChange: (on) => commit(model, { show_anchors: on }),
  });
  const legend = (/** @type {string} */ text, /** @type {string} */ name, /** @type {string} */ what) =>
    h("span", { class: "rpnviz-key", what }, swatch(styles[name]), text);
  const redraw = scheduler(draw);
  const map = mapStage(model, {
    what: "The feature map. The square is the 3×3 window; at the rim it covers zeros.",
    header: ["Feature map"],
    redraw,
  });
  const picture = pictureStage(model, {
    margin: 0.08,
    redraw,
    what: "The picture: where the window's numbers come from. Nothing is cut out of it.",
    header: [
      "Picture",
      legend("footprint", "window", "The window's 3×3 cells, laid on the picture."),
      legend("receptive field", "receptive_field", "All the pixels that the window's outputs can depend on."),
      all.element,
    ],
  });
  map.element.append(channel.element);

  const sheet = (/** @type {number} */ unit, /** @type {string} */ title, /** @type {string} */ what) => {
    const [wide, high] = [COLUMNS * unit, sheetRows * unit];
    const extent = /** @type {import("../common/compute/boxes.js").Box} */ ([0, 0, wide, high]);
    const attributes = { role: "img" };
    const panel = new Panel({ extent, className: "rpnviz-sheet", label: title, what, attributes, onResize: redraw });
    const element = h("figure", {}, h("figcaption", {}, title), panel.canvas);
    return { panel, wide, high, values: new Uint8Array(wide * high), element };
  };
  const tiles = sheet(
    TILE,
    `3×3×${channels} numbers`,
    "What the window covers: one little 3×3 square a channel, bright where near the channel's maximum.",
  );
  const vector = sheet(
    1,
    `→ 3×3 convolution → ${channels}`,
    "The vector that the window becomes. Every output on the right is read off these numbers.",
  );
  const table = numbers();
  const flow = h("div", { class: "rpnviz-flow" }, tiles.element, vector.element, table.element);
  ui.body.append(map.element, picture.element, flow);

  /** The nine logits and the 36 deltas: a real table. */
  function numbers() {
    const cellsOf = anchors.map(() => ["logit", ...DELTAS].map(() => h("td")));
    const bars = anchors.map(() => h("span", { class: "rpnviz-bar" }));
    const on = (/** @type {number} */ a) => {
      const what = `Output channel ${a}: objectness of the ${anchors[a].name} anchor, and its four deltas.`;
      const [enter, leave] = [() => select(a), () => select(-1)];
      return { tabindex: 0, what, ...OWN_KEYS, pointerenter: enter, focus: enter, pointerleave: leave, blur: leave };
    };
    const trs = anchors.map((look, a) => {
      const name = h("th", { scope: "row" }, swatch(look, { length: 26 }), ` ${look.name}`);
      const [logit, ...four] = cellsOf[a];
      return h("tr", on(a), name, logit, h("td", { class: "rpnviz-bars" }, bars[a]), ...four);
    });
    const head = ["anchor", "logit", "", ...DELTAS].map((text) =>
      h(text ? "th" : "td", text ? { scope: "col" } : {}, text),
    );
    const title = `→ 1×1 convolutions → ${anchors.length} logits, ${4 * anchors.length} deltas`;
    const rowsOf = h("table", {}, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...trs));
    return {
      trs,
      element: h("figure", {}, h("figcaption", {}, title), scroller("logits and deltas", "rpnviz-outputs", rowsOf)),
      /** @param {number} at the cell's number */
      show(at) {
        anchors.forEach((_, a) => {
          const logit = objectness[a * cells + at];
          setText(cellsOf[a][0], signed(logit));
          const half = 50 * Math.tanh(Math.abs(logit) / 8); // a bar for the eye; the number stands beside it
          const background = palette[logit < 0 ? "negative" : "positive"];
          Object.assign(bars[a].style, { left: `${logit < 0 ? 50 - half : 50}%`, width: `${half}%`, background });
          DELTAS.forEach((__, k) => setText(cellsOf[a][1 + k], signed(deltas[(4 * a + k) * cells + at])));
        });
      },
    };
  }

  /** @param {number} a */
  function select(a) {
    if (a !== model.get("selected")) commit(model, { selected: a });
  }

  let shownChannel = NaN;
  /** @type {HTMLCanvasElement} */
  let mapHeat;
  function heatOfMap() {
    const index = model.get("channel");
    const values = index < 0 ? meanMap : features.subarray(index * cells, (index + 1) * cells);
    if (index !== shownChannel) mapHeat = heatImage(values, rows, cols, heat);
    shownChannel = index;
    return mapHeat;
  }

  /** Fill the two sheets with the numbers of a cell. @param {number} row @param {number} col */
  function fillSheets(row, col) {
    for (let c = 0; c < channels; c++) {
      const [top, left] = [Math.floor(c / COLUMNS), c % COLUMNS];
      vector.values[top * COLUMNS + left] = vectors[c * cells + row * cols + col];
      for (let i = 0; i < 9; i++) {
        const [y, x] = [Math.floor(i / 3), i % 3];
        const [r, k] = [row - 1 + y, col - 1 + x];
        const inside = r >= 0 && r < rows && k >= 0 && k < cols;
        const at = (top * TILE + y) * tiles.wide + left * TILE + x;
        tiles.values[at] = inside ? features[c * cells + r * cols + k] : 0;
      }
    }
    for (const { panel, values, wide, high } of [tiles, vector]) {
      if (panel.begin()) panel.image(heatImage(values, high, wide, heat), [0, 0, wide, high], true);
    }
  }

  function draw() {
    const [row, col, selected] = ["row", "col", "selected"].map((name) => model.get(name));
    channel.set(model.get("channel"));
    all.set(model.get("show_anchors"));
    map.draw(heatOfMap(), styles.window);
    if (picture.draw()) {
      const { half } = model.get("place");
      const at = centre(model);
      const drawn = anchors.filter((_, a) => a === selected || model.get("show_anchors"));
      for (const look of drawn) picture.panel.box(shifted(look.box, at), look, { strong: look === anchors[selected] });
      picture.panel.box(around(at, half.receptive_field), styles.receptive_field);
      picture.panel.box(around(at, half.window), styles.window);
    }
    fillSheets(row, col);
    table.show(row * cols + col);
    table.trs.forEach((tr, a) => tr.classList.toggle("rpnviz-hot", a === selected));
    ui.root.dataset.cell = `${row} ${col}`;
    const logits = anchors.map((_, a) => objectness[a * cells + row * cols + col]);
    const best = logits.indexOf(Math.max(...logits));
    const numbersOf = `${9 * channels} numbers, then ${channels}, then ${anchors.length} logits and ${4 * anchors.length} deltas`;
    ui.say(
      `The 3×3 window at row ${row}, column ${col}: ${numbersOf}. Highest logit ${signed(logits[best])}, of the anchor ${anchors[best].name}.`,
    );
  }

  picture.panel.canvas.addEventListener("pointermove", (event) => {
    if (!model.get("show_anchors") || event.buttons) return;
    const boxes = anchors.map((look) => shifted(look.box, centre(model)));
    const nearest = nearestOutline(boxes, ...picture.panel.at(event), 12);
    select(nearest);
  });
  picture.panel.canvas.addEventListener("pointerleave", () => select(-1));
  ui.onDestroy(watch(model, ["row", "col", "channel", "selected", "show_anchors"], redraw));
  for (const panel of [map.panel, picture.panel, tiles.panel, vector.panel]) ui.onDestroy(() => panel.destroy());
  redraw();
  return () => ui.destroy();
}
