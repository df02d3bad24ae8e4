// @ts-check
// Notebook 01: the layers one after the other, and how the receptive field of one unit grows on the picture.

import { heatImage, lineStyles, Panel, swatch } from "../common/canvas_panel.js";
import { clamp } from "../common/compute/boxes.js";
import { explains, h, OWN_KEYS, scroller, setText, slider } from "../common/elements.js";
import { frame } from "../common/explorer_frame.js";
import { dragging } from "../common/map_and_picture.js";
import { commit, scheduler, typed, watch } from "../common/model.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/**
 * @typedef {{name: string, kernel: number, stride: number, channels: number, vgg16: number, size: [number, number],
 *   jump: number, receptive_field: number, shown: [number, number]}} Layer sizes (h, w); jump and field in input px
 */

const MARGIN = 0.12;
const UNIT_STEPS = /** @type {Record<string, [number, number]>} */ ({
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
});
const ASKING = "Python looks up the channel …";

/** "640×960" @param {[number, number]} size */
const times = ([rows, cols]) => `${rows}×${cols}`;

/** Head and cell of each row of the table. @type {[string, string, (layer: Layer) => string][]} */
const ROWS = [
  ["output, h×w", "Rows and columns of what the layer puts out.", (l) => times(l.size)],
  ["channels", "How many maps of that size there are, in the network that is shown.", (l) => String(l.channels)],
  ["… in VGG-16", "The same in VGG-16: wider, and else alike.", (l) => String(l.vgg16)],
  [
    "kernel, stride",
    "How many neighbours the layer reads a side, and how far it moves on.",
    (l) => `${l.kernel}, ${l.stride}`,
  ],
  [
    "jump",
    "Pixels of the network's input from one unit of the layer to the next: all strides multiplied.",
    (l) => String(l.jump),
  ],
  [
    "receptive field",
    "Side of the square that one unit sees, in pixels of the network's input.",
    (l) => String(l.receptive_field),
  ],
];

/** @param {{model: import("../common/model.js").Model, el: HTMLElement}} context */
export function render(context) {
  const { model } = context;
  const { heat } = model.get("look");
  const styles = lineStyles(model.get("look"));
  const layers = /** @type {Layer[]} */ (model.get("layers"));
  const {
    image_size: [height, width],
    input_size: [inputHeight, inputWidth],
  } = model.get("place");
  const [perY, perX] = [height / inputHeight, width / inputWidth]; // picture px of an input px
  const number = () =>
    Math.max(
      0,
      layers.findIndex(({ name }) => name === model.get("layer")),
    );
  const ui = frame(context, {
    className: "rpnviz-walk",
    label: "The layers, and what one unit of each sees",
    hint: "Move the layer slider. Drag on the map or on the picture, or press the arrow keys there, to take another unit.",
    keys: [
      ["← → ↑ ↓ on the map or the picture", "the next unit in that direction"],
      ["Shift + ← → ↑ ↓ there", "several units on"],
    ],
  });

  /** Place of the unit at the point, and what it sees. @param {Layer} layer */
  function unitOf({ size, jump, receptive_field: side }) {
    const row = clamp(Math.floor((model.get("y") * inputHeight) / height / jump), 0, size[0] - 1);
    const col = clamp(Math.floor((model.get("x") * inputWidth) / width / jump), 0, size[1] - 1);
    const [x, y] = [(col + 0.5) * jump, (row + 0.5) * jump];
    const field = [(x - side / 2) * perX, (y - side / 2) * perY, (x + side / 2) * perX, (y + side / 2) * perY];
    return {
      row,
      col,
      field: /** @type {Box} */ (field),
      centre: /** @type {[number, number]} */ ([x * perX, y * perY]),
    };
  }
  /** @param {number} x @param {number} y picture px */
  function take(x, y) {
    const to = { x: clamp(x, 0, width), y: clamp(y, 0, height) };
    if (to.x !== model.get("x") || to.y !== model.get("y")) commit(model, to);
  }
  /** @param {KeyboardEvent} event */
  function step(event) {
    const direction = UNIT_STEPS[event.key];
    if (!direction || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    const { jump } = layers[number()];
    const by = jump * (event.shiftKey ? Math.max(5, 40 / jump) : 1);
    const {
      centre: [x, y],
    } = unitOf(layers[number()]);
    const half = [(jump / 2) * perX, (jump / 2) * perY]; // the outermost units are centred half a unit in
    take(
      clamp(x + direction[1] * by * perX, half[0], width - half[0]),
      clamp(y + direction[0] * by * perY, half[1], height - half[1]),
    );
  }

  const redraw = scheduler(draw);
  const legend = (/** @type {string} */ text, /** @type {string} */ name, /** @type {string} */ what) =>
    h("span", { class: "rpnviz-key", what }, swatch(styles[name]), text);
  const mapName = h("span");
  const mapAside = h("span", { class: "rpnviz-aside" });
  const map = new Panel({
    extent: [0, 0, inputWidth, inputHeight],
    className: "rpnviz-map",
    label: "map of the layer; arrow keys move the unit",
    what: "One channel of the layer: bright where it is high. Early layers are shown four times coarser than they are.",
    attributes: { tabindex: 0, role: "application", keydown: step, ...OWN_KEYS },
    onResize: redraw,
  });
  dragging(map, (x, y) => take(x * perX, y * perY));
  const channel = slider({
    label: "channel",
    name: "channel of the layer",
    max: 0,
    className: "rpnviz-channel",
    what: "Which of the layer's channels the map shows. Python has the others.",
    onInput: (value) => commit(model, { channels: { ...model.get("channels"), [model.get("layer")]: value } }),
  });
  const alone = !model.get("has_kernel");
  channel.input.disabled = alone;
  if (alone)
    for (const part of [channel.element, channel.input])
      explains(part, "Needs a running kernel: Python has the other channels.");

  const picture = new Panel({
    extent: [-MARGIN * width, -MARGIN * height, (1 + MARGIN) * width, (1 + MARGIN) * height],
    className: "rpnviz-picture",
    label: "picture with what the unit sees; arrow keys move the unit",
    what: "Strong: all the pixels that the unit can depend on. Thin: the same for the layers before. Outside: zero padding.",
    attributes: { tabindex: 0, role: "application", keydown: step, ...OWN_KEYS },
    onResize: redraw,
  });
  dragging(picture, take);
  /** @type {ImageBitmap | null} */
  let photo = null;
  createImageBitmap(new Blob([typed(model.get("image"), Uint8Array)])).then((bitmap) => {
    photo = bitmap;
    redraw();
  });

  const lens = new Panel({
    extent: [0, 0, 1, 1],
    className: "rpnviz-lens",
    label: "the receptive field alone, enlarged",
    what: "The receptive field alone, enlarged: nothing else of the picture can reach this unit.",
    attributes: { role: "img" },
    onResize: redraw,
  });
  const card = station();
  const walk = walkTable();
  const layerSlider = slider({
    label: "layer",
    name: "layer",
    max: layers.length - 1,
    className: "rpnviz-layer-choice",
    what: "Which layer: from the first convolution to the window of the region proposal network.",
    format: (value) => layers[value].name,
    onInput: (value) => commit(model, { layer: layers[value].name }),
  });
  layerSlider.element.classList.add("rpnviz-over-columns");
  ui.body.append(
    h("figure", {}, h("figcaption", {}, mapName, mapAside), map.canvas, channel.element),
    h(
      "figure",
      {},
      h(
        "figcaption",
        {},
        "Picture",
        legend("one unit", "window", "The unit whose field is drawn; drag it."),
        legend("receptive field", "receptive_field", "All the pixels that the unit can depend on."),
      ),
      picture.canvas,
    ),
    card.element,
    h("div", { class: "rpnviz-way" }, layerSlider.element, walk.element),
  );

  /** The layer in words, and its sum. */
  function station() {
    const lines = Object.fromEntries(
      ["name", "shape", "unit", "grows", "sum", "jump", "sees"].map((key) => [
        key,
        h("p", { class: `rpnviz-card-${key}` }),
      ]),
    );
    return {
      element: h("div", { class: "rpnviz-card" }, ...Object.values(lines), lens.canvas),
      /** @param {number} index */
      show(index) {
        const layer = layers[index];
        const before = index ? layers[index - 1] : { receptive_field: 1, jump: 1 };
        const { row, col, field } = unitOf(layer);
        const on = [field[2] - field[0], field[3] - field[1]].map((side) => side.toFixed(0));
        const beyond = field[0] < 0 || field[1] < 0 || field[2] > width || field[3] > height;
        setText(lines.name, layer.name);
        setText(lines.shape, `${layer.channels} channels of ${times(layer.size)}`);
        setText(lines.unit, `unit: row ${row}, column ${col}`);
        setText(lines.grows, "field = before + (kernel − 1) · jump before");
        setText(
          lines.sum,
          `${before.receptive_field} + (${layer.kernel} − 1) · ${before.jump} = ${layer.receptive_field}`,
        );
        setText(lines.jump, `jump ${before.jump} · ${layer.stride} = ${layer.jump} px`);
        setText(
          lines.sees,
          `All it sees: ${on[0]} × ${on[1]} px${beyond ? ", partly beyond the border: zeros" : " of the picture"}`,
        );
        if (!lens.begin() || !photo) return;
        const [wide, high] = [lens.scale / (field[2] - field[0]), lens.scale / (field[3] - field[1])]; // screen px of a picture px
        lens.g.imageSmoothingEnabled = false;
        lens.g.drawImage(photo, -field[0] * wide, -field[1] * high, width * wide, height * high);
      },
    };
  }

  /** One column a layer: a real table. */
  function walkTable() {
    const columns = layers.map(() => /** @type {HTMLElement[]} */ ([]));
    const choose = (/** @type {number} */ i) => ({ click: () => commit(model, { layer: layers[i].name }) });
    const line = (
      /** @type {string} */ tag,
      /** @type {string} */ head,
      /** @type {string | undefined} */ what,
      /** @type {(layer: Layer) => string} */ say,
    ) =>
      h(
        "tr",
        { what },
        head ? h("th", { scope: "row" }, head) : h("td"),
        ...layers.map((layer, i) => {
          const cell = h(tag, { ...choose(i), ...(tag === "th" ? { scope: "col" } : {}) }, say(layer));
          columns[i].push(cell);
          return cell;
        }),
      );
    const head = line("th", "", undefined, ({ name }) => name.replace("RPN ", "RPN\u00a0"));
    const body = ROWS.map(([name, what, say]) => line("td", name, what, say));
    const element = scroller(
      "layers",
      "",
      h("table", { class: "rpnviz-way-table" }, h("thead", {}, head), h("tbody", {}, ...body)),
    );
    let seen = ""; // the layer that was brought into view, and in which width
    return {
      element,
      /** @param {number} current */
      show(current) {
        columns.forEach((cells, i) => {
          for (const cell of cells) {
            cell.classList.toggle("rpnviz-hot", i === current);
            cell.classList.toggle("rpnviz-later", i > current);
          }
          cells[0].setAttribute("aria-current", String(i === current));
        });
        const now = `${current} ${element.clientWidth}`;
        const { offsetLeft, offsetWidth } = columns[current][0];
        if (now !== seen) element.scrollLeft = offsetLeft + (offsetWidth - element.clientWidth) / 2; // into the middle
        seen = now;
      },
    };
  }

  // Maps of the channels chosen at the opening came along; Python is asked for another once, one question at a time.
  const cache = /** @type {Map<string, HTMLCanvasElement>} */ (new Map());
  let asked = "";
  let last = /** @type {{canvas: HTMLCanvasElement, layer: string} | null} */ (null);
  /** @param {Layer} layer @param {number} index of the channel @param {DataView} bytes */
  function keep(layer, index, bytes) {
    const canvas = heatImage(typed(bytes, Uint8Array), ...layer.shown, heat);
    cache.set(`${layer.name} ${index}`, canvas);
    return canvas;
  }
  /** @param {Layer} layer */
  function mapOf(layer) {
    const index = model.get("channels")[layer.name];
    const ready = cache.get(`${layer.name} ${index}`);
    if (ready) return ready;
    if (model.get("opened")[layer.name] === index) return keep(layer, index, model.get("maps")[layer.name]);
    if (!asked && !alone) {
      asked = `${layer.name} ${index}`;
      ui.busy(ASKING);
      commit(model, { wish: { layer: layer.name, channel: index } });
    }
    return last && last.layer === layer.name ? last.canvas : null; // the old one, greyed, until the answer is there
  }
  function hear() {
    const { layer: name, channel: index } = model.get("answered").wish;
    const layer = layers.find((one) => one.name === name);
    if (layer) keep(layer, index, model.get("extra_map"));
    asked = "";
    ui.busy("");
    redraw(); // asks again if the hand has moved on
  }

  function draw() {
    const index = number();
    const layer = layers[index];
    const { row, col, field, centre } = unitOf(layer);
    const shown = model.get("channels")[layer.name];
    layerSlider.set(index);
    channel.set(shown, layer.channels - 1);
    setText(mapName, layer.name);
    setText(mapAside, `channel ${shown} of ${layer.channels}`);
    card.show(index);
    walk.show(index);
    const canvas = mapOf(layer);
    if (map.begin() && canvas) {
      const step = Math.max(layer.jump, inputHeight / layer.shown[0] > 3 ? 4 : layer.jump); // input px of a shown pixel
      map.image(canvas, [0, 0, layer.shown[1] * step, layer.shown[0] * step], true);
      const [x, y] = [(col + 0.5) * layer.jump, (row + 0.5) * layer.jump];
      const half = layer.jump / 2;
      if (layer.jump * map.scale > 5 * map.unit) map.box([x - half, y - half, x + half, y + half], styles.window);
      else map.dot(x, y, styles.window, 3);
      last = { canvas, layer: layer.name };
    }
    if (picture.begin()) {
      if (photo) picture.image(photo, [0, 0, width, height]);
      const thin = { ...styles.receptive_field, width: 0.8, dash: [] };
      for (const before of layers.slice(0, index)) picture.box(unitOf(before).field, thin, { alpha: 0.55 });
      picture.box(field, styles.receptive_field, { strong: true });
      picture.dot(...centre, styles.window, 3);
    }
    ui.root.dataset.unit = `${layer.name} ${row} ${col}`;
    ui.root.dataset.shown = canvas === cache.get(`${layer.name} ${shown}`) ? `${layer.name} ${shown}` : "";
    ui.say(
      `${layer.name}, ${layer.channels} channels of ${times(layer.size)}. Row ${row}, column ${col} sees ${layer.receptive_field} pixels a side.`,
    );
  }

  ui.onDestroy(watch(model, ["layer", "channels", "x", "y"], redraw));
  ui.onDestroy(watch(model, ["maps"], redraw));
  ui.onDestroy(watch(model, ["answered"], scheduler(hear)));
  for (const panel of [map, picture, lens]) ui.onDestroy(() => panel.destroy());
  redraw();
  return () => ui.destroy();
}
