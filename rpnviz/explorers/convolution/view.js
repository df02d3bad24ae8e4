// @ts-check
// Notebook 02: one channel under the window × one filter → nine products → one number; then 512 channels, then 512 filters.

import { canAsk } from "../common/asking.js";
import { heatImage, lineStyles, Panel } from "../common/canvas_panel.js";
import { oneOutput } from "../common/compute/convolution_steps.js";
import { explains, h, OWN_KEYS, setText, slider } from "../common/elements.js";
import { fixed } from "../common/format.js";
import { around, centre, mapStage, pictureStage } from "../common/map_and_picture.js";
import { commit, derived, typed, watch } from "../common/model.js";
import { loadDeflated, loadSheet } from "../common/packed.js";
import { defineView, group } from "../common/view.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/compute/convolution_steps.js").OneOutput} OneOutput */
/** @typedef {import("../common/map_and_picture.js").Place} Place */
/** @typedef {import("../common/model.js").Model} Model */
/** @typedef {import("../common/packed.js").Sheet} Sheet */
/** @typedef {{adds: string, takes_away: string}} Signs colours: orange adds, blue takes away */
/** @typedef {ReturnType<typeof readStore>} Store */
/** @typedef {ReturnType<typeof readMoment>} Moment */
/** @typedef {import("../common/view.js").Context<Store>} Context */
/** @typedef {import("../common/view.js").Part<Moment>} Part */

const TILE = 20; // as explorer.py has it
const COLUMNS = 32; // of the sheets that show 512 channels
const DIGITS = 3;
const MOST = 5; // channels that are named because they add most

export const render = defineView({
  frame: {
    className: "rpnviz-convolution",
    label: "One number of a convolution, taken apart",
    hint: "Move the window on the map. Point at any number to see what made it.",
    keys: [
      ["← → ↑ ↓ on the map", "move the window by one cell"],
      ["Shift + ← → ↑ ↓ there", "by five cells"],
      ["PageUp, PageDown there", "five rows up, down"],
      ["Home, End there", "to the first, last column"],
      ["Tab among the products", "what made each of them"],
    ],
  },
  traits: ["row", "col", "channel", "output", "tile_features", "filter_weights"],
  local: { pointed: -1, pointedOutput: -1, cell: -1 },
  store: readStore,
  moment: readMoment,
  parts: (context) => [
    group("div", { class: "rpnviz-column" }, featureMap(context), picture(context)),
    group(
      "div",
      { class: "rpnviz-column" },
      nineProducts(context),
      group("div", { class: "rpnviz-both" }, channelSums(context), allOutputs(context)),
    ),
  ],
  listen: ({ model }) => [watch(model, ["row", "col"], () => follow(model)), follow(model)],
  busy: ({ made }) => (made ? "" : "Python looks up the numbers …"),
  say({ row, col, channel, output, made }, { root, store: { channels } }) {
    root.dataset.cell = `${row} ${col}`;
    const where = `The 3×3 window at row ${row}, column ${col}`;
    if (!made) return `${where}. The exact numbers there are not in this page; Python has them.`;
    const sum = `nine products of channel ${channel} and filter ${output} add up to ${number(made.channelSums[channel])}`;
    const all = `all ${channels} channels and the bias to ${number(made.beforeRelu)}, after the ReLU ${number(made.afterRelu)}`;
    return `${where}: ${sum}; ${all}.`;
  },
});

/** @param {number} value */
const number = (value) => fixed(value, DIGITS);

/** Which part of the map a cell lies in. @param {Model} model */
function tileOf(model) {
  const across = Math.ceil(model.get("place").feature_size[1] / TILE);
  return Math.floor(model.get("row") / TILE) * across + Math.floor(model.get("col") / TILE);
}

/** Without a kernel the page itself asks for the part of the map that the window is on; Python follows by itself. @param {Model} model */
function follow(model) {
  const tile = tileOf(model);
  if (!model.get("has_kernel") && tile !== model.get("tile") && canAsk(model, "tile", tile)) commit(model, { tile });
  return () => {};
}

/** The filters that can be looked at here: all where there is a kernel, else those that were recorded. @param {Model} model @returns {number[]} */
function offeredBy(model) {
  const all = Array.from({ length: model.get("num_channels") }, (_, output) => output);
  return all.filter((output) => output === model.get("output") || canAsk(model, "output", output));
}

/** What stays from drawing to drawing. @param {{model: Model, redraw: () => void}} tools */
function readStore({ model, redraw }) {
  const look = model.get("look");
  const [rows, cols] = /** @type {Place} */ (model.get("place")).feature_size;
  const channels = /** @type {number} */ (model.get("num_channels"));
  const features = loadSheet(() => model.get("features"), [rows, cols], redraw);
  const tile = derived(
    () => model.get("tile_features"),
    (file) => loadDeflated(file, (bytes) => new Float32Array(bytes), redraw),
  );
  return {
    ...{ rows, cols, channels, features, styles: lineStyles(look), heat: look.heat, offered: offeredBy(model) },
    place: /** @type {Place} */ (model.get("place")),
    signs: /** @type {Signs} */ (look.signs),
    vectors: loadSheet(() => model.get("vectors"), [rows, cols], redraw),
    tile: () => tile()(),
    weights: derived(
      () => model.get("filter_weights"),
      (file) => typed(file, Float32Array),
    ),
    maps: /** @type {Map<number, HTMLCanvasElement>} */ (new Map()),
  };
}

/** @param {Context} context */
function readMoment({ model, store, local }) {
  const [row, col, chosen, output] = ["row", "col", "channel", "output"].map(
    (name) => /** @type {number} */ (model.get(name)),
  );
  const answered = model.get("answered");
  const there = answered.tile === tileOf(model) && answered.output === output && store.tile();
  const window = there ? windowAt(there, row % TILE, col % TILE, store.channels) : null;
  const channel = local.pointed < 0 ? chosen : /** @type {number} */ (local.pointed);
  return {
    ...{ row, col, channel, chosen, output, window, at: centre(model), cell: /** @type {number} */ (local.cell) },
    pointedOutput: /** @type {number} */ (local.pointedOutput),
    weights: store.weights(),
    bias: /** @type {number} */ (model.get("bias")),
    made: window && oneOutput(window, store.weights(), model.get("bias")),
    map: mapOf(store, channel),
    vectors: store.vectors(),
  };
}

/** What the window covers, [C][3][3]. @param {Float32Array} tile [C][TILE + 2][TILE + 2] @param {number} row @param {number} col @param {number} channels */
function windowAt(tile, row, col, channels) {
  const side = TILE + 2;
  return Float32Array.from({ length: 9 * channels }, (_, i) => {
    const [c, k] = [Math.floor(i / 9), i % 9];
    return tile[(c * side + row + Math.floor(k / 3)) * side + col + (k % 3)];
  });
}

/** The map of a channel in colours, null until it is there. @param {Store} store @param {number} channel */
function mapOf({ cols, features, heat, maps, rows }, channel) {
  const sheet = features();
  if (!sheet) return null;
  const image = maps.get(channel) || heatImage(sheet.map(channel), rows, cols, heat);
  maps.set(channel, image);
  return image;
}

/** The map of the channel with the window. @param {Context} context @returns {Part} */
function featureMap({ model, store: { channels, styles }, redraw }) {
  const map = mapStage(model, {
    what: "One channel of the feature map. The square is the 3×3 window; at the rim it covers zeros, the padding.",
    header: ["Feature map"],
    redraw,
  });
  const channel = slider({
    label: "channel",
    name: "channel under the window",
    max: channels - 1,
    className: "rpnviz-channel",
    what: `Which of the ${channels} channels the map and the nine products show.`,
    onInput: (value) => commit(model, { channel: value }),
  });
  map.element.append(channel.element);
  return {
    element: map.element,
    draw(now) {
      channel.set(now.channel);
      if (!now.map) return;
      map.draw(now.map, styles.window);
      if (now.cell < 0) return;
      const [x, y] = [now.col - 1 + (now.cell % 3), now.row - 1 + Math.floor(now.cell / 3)];
      map.panel.box([x, y, x + 1, y + 1], styles.window, { strong: true });
    },
    destroy: () => map.panel.destroy(),
  };
}

/** The picture with the window's footprint. @param {Context} context @returns {Part} */
function picture({ model, store: { place, styles }, redraw }) {
  const stage = pictureStage(model, {
    margin: 0,
    redraw,
    what: "The picture, and the window's 3×3 cells laid on it. Press on an object to bring the window there.",
    header: ["Picture"],
  });
  return {
    element: stage.element,
    draw({ at }) {
      if (stage.draw()) stage.panel.box(around(at, place.half.window), styles.window);
    },
    destroy: () => stage.panel.destroy(),
  };
}

/** Window × weights = products → their sum. @param {Context} context @returns {Part} */
function nineProducts({ set, store: { signs } }) {
  const caption = h("figcaption");
  const tables = ["under the window", "weights of the filter", "nine products"].map((name, i) =>
    nineNumbers(name, i === 2, signs, set),
  );
  const sum = h("output", { class: "rpnviz-total", "aria-live": "off" });
  const marks = ["×", "=", "→"].map((sign) => h("span", { class: "rpnviz-sign", "aria-hidden": "true" }, sign));
  const total = h("figure", { class: "rpnviz-nine", "aria-label": "their sum" }, h("span", {}, "their sum"), sum);
  const row = h(
    "div",
    { class: "rpnviz-multiply" },
    tables[0].element,
    marks[0],
    tables[1].element,
    marks[1],
    tables[2].element,
    marks[2],
    total,
  );
  return {
    element: h("figure", {}, caption, row),
    draw({ cell, channel, made, output, weights, window }) {
      setText(caption, `Channel ${channel} × filter ${output}: nine products, one sum`);
      const part = (/** @type {ArrayLike<number>} */ all) => Array.from({ length: 9 }, (_, k) => all[9 * channel + k]);
      const [covered, factors, products] = [window, made && weights, made?.products].map((all) =>
        all ? part(all) : null,
      );
      const sentences = products?.map(
        (product, k) => `${number(covered?.[k] ?? 0)} × ${number(factors?.[k] ?? 0)} = ${number(product)}`,
      );
      [covered, factors, products].forEach((numbers, i) => tables[i].write(numbers, sentences, cell));
      setText(sum, made ? number(made.channelSums[channel]) : "…");
      tint(signs, sum, made ? made.channelSums[channel] : 0, made ? largest(made.channelSums) : 1);
      explains(
        total,
        products ? `${products.map(number).join(" + ").replaceAll("+ −", "− ")} = ${sum.textContent}` : "Not here.",
      );
    },
  };
}

/**
 * Three rows of three numbers. @param {string} name @param {boolean} stops whether the Tab key stops at each
 * @param {Signs} signs @param {(values: Record<string, any>) => void} set
 */
function nineNumbers(name, stops, signs, set) {
  const cells = Array.from({ length: 9 }, (_, k) => {
    const [enter, leave] = [() => set({ cell: k }), () => set({ cell: -1 })];
    const focus = stops ? { tabindex: 0, focus: enter, blur: leave, ...OWN_KEYS } : {};
    return h("td", { pointerenter: enter, pointerleave: leave, ...focus });
  });
  const rows = [0, 3, 6].map((k) => h("tr", {}, ...cells.slice(k, k + 3)));
  const caption = h("caption", {}, name);
  return {
    element: h("table", { class: "rpnviz-nine" }, caption, h("tbody", {}, ...rows)),
    /** @param {number[] | null} numbers @param {string[] | undefined} sentences @param {number} hot */
    write(numbers, sentences, hot) {
      const most = numbers ? largest(numbers) : 1;
      cells.forEach((cell, k) => {
        setText(cell, numbers ? number(numbers[k]) : "…");
        tint(signs, cell, numbers ? numbers[k] : 0, most);
        explains(cell, sentences ? sentences[k] : "The exact numbers there are not in this page; Python has them.");
        cell.classList.toggle("rpnviz-hot", k === hot);
      });
    },
  };
}

/** @param {ArrayLike<number>} numbers */
const largest = (numbers) => Math.max(1e-9, ...Array.from(numbers, Math.abs));

/** @param {string} hex @param {number} part 0 … 1 */
const faded = (hex, part) =>
  hex +
  Math.round(255 * part)
    .toString(16)
    .padStart(2, "0");

/** How much a number does to a sum. @param {Signs} signs @param {number} value @param {number} most @param {number} strength */
const colour = (signs, value, most, strength) =>
  faded(value < 0 ? signs.takes_away : signs.adds, Math.sqrt(Math.abs(value) / most) * strength);

/** @param {Signs} signs @param {HTMLElement} element @param {number} value @param {number} most */
const tint = (signs, element, value, most) => (element.style.backgroundColor = colour(signs, value, most, 0.42));

/** The sums of all channels, and what they add up to. @param {Context} context @returns {Part} */
function channelSums(context) {
  const {
    model,
    set,
    store: { channels, signs },
  } = context;
  const caption = h("figcaption", {}, `The same for all ${channels} channels`);
  const tiles = sheet(context, {
    label: `the sums of all ${channels} channels`,
    what: "One square a channel: orange adds, blue takes away. Point at one to see its nine products; press to keep it.",
    onPoint: (channel) => set({ pointed: channel }),
    onPick: (channel) => commit(model, { channel }),
  });
  const most = Array.from({ length: Math.min(MOST, channels) }, () => {
    const press = () => commit(model, { channel: Number(button.value) });
    const button = h("button", { type: "button", click: press, ...OWN_KEYS });
    return button;
  });
  const sums = h("p", { class: "rpnviz-adds" });
  return {
    element: h(
      "figure",
      {},
      caption,
      tiles.panel.canvas,
      h("div", { class: "rpnviz-largest", role: "group", "aria-label": "channels that add most" }, "most:", ...most),
      sums,
    ),
    draw(now) {
      const { made } = now;
      tiles.draw(
        now.channel,
        now.chosen,
        (channel) => (made ? colour(signs, made.channelSums[channel], tiles.most, 1) : ""),
        made?.channelSums,
      );
      const order = made
        ? Array.from(made.channelSums.keys()).sort(
            (a, b) => Math.abs(made.channelSums[b]) - Math.abs(made.channelSums[a]),
          )
        : [];
      most.forEach((button, i) => nameChannel(button, order[i] ?? -1, now));
      setText(sums, made ? inAll(made, now.bias, channels) : "…");
    },
    destroy: () => tiles.panel.destroy(),
  };
}

/** @param {HTMLButtonElement} button @param {number} channel −1 for none @param {Moment} now */
function nameChannel(button, channel, { chosen, made }) {
  const sum = made ? made.channelSums[channel] : 0;
  button.disabled = channel < 0;
  button.value = String(channel);
  setText(button, channel < 0 ? "…" : `${channel}: ${fixed(sum)}`);
  explains(button, `Channel ${channel} adds ${number(sum)}.`);
  button.setAttribute("aria-pressed", String(channel === chosen));
}

/** @param {OneOutput} made @param {number} bias @param {number} channels */
function inAll({ afterRelu, beforeRelu }, bias, channels) {
  const sums = `${channels} sums: ${number(beforeRelu - bias)}`;
  return `${sums}; ${bias < 0 ? "−" : "+"} bias ${number(Math.abs(bias))} = ${number(beforeRelu)}; ReLU → ${number(afterRelu)}`;
}

/** What all filters make of this window; another filter is chosen here. @param {Context} context @returns {Part} */
function allOutputs(context) {
  const {
    model,
    set,
    store: { channels, offered, signs },
  } = context;
  const here = new Set(offered);
  const tiles = sheet(context, {
    label: `the outputs of all ${channels} filters`,
    what: "One square a filter: what it makes of this window, bright where near its largest anywhere. Press to take that filter apart.",
    onPoint: (output) => set({ pointedOutput: output }),
    onPick: (output) => here.has(output) && commit(model, { output }),
  });
  const filter = slider({
    label: "filter",
    name: "filter that is taken apart",
    max: offered.length - 1,
    className: "rpnviz-filter",
    what:
      here.size === channels
        ? `Which of the ${channels} filters is taken apart.`
        : `Which filter is taken apart; this page has the weights of ${here.size} of the ${channels}.`,
    format: (value) => String(offered[value]),
    onInput: (value) => commit(model, { output: offered[value] }),
  });
  const sentence = h("p", { class: "rpnviz-adds" });
  return {
    element: h(
      "figure",
      {},
      h("figcaption", {}, `The same with all ${channels} filters`),
      tiles.panel.canvas,
      filter.element,
      sentence,
    ),
    draw({ col, made, output, pointedOutput, row, vectors }) {
      filter.set(offered.indexOf(output));
      const colours = (/** @type {number} */ k) =>
        vectors ? faded(signs.adds, (vectors.at(k, row, col) / 255) * (here.has(k) ? 1 : 0.45)) : "";
      tiles.draw(pointedOutput, output, colours);
      setText(
        sentence,
        `Filter ${output} makes ${made ? number(made.afterRelu) : "…"}: one of the ${channels} numbers of the vector.`,
      );
    },
    destroy: () => tiles.panel.destroy(),
  };
}

/**
 * A square for each channel.
 * @param {Context} context
 * @param {{label: string, what: string, onPoint: (channel: number) => void, onPick: (channel: number) => void}} options
 */
function sheet({ redraw, store: { channels, styles } }, { label, what, onPoint, onPick }) {
  const rows = Math.ceil(channels / COLUMNS);
  const extent = /** @type {Box} */ ([0, 0, COLUMNS, rows]);
  const panel = new Panel({
    extent,
    className: "rpnviz-sheet",
    label,
    what,
    attributes: { role: "img" },
    onResize: redraw,
  });
  const under = (/** @type {PointerEvent} */ event) => {
    const [x, y] = panel.at(event).map(Math.floor);
    const channel = y * COLUMNS + x;
    return x >= 0 && x < COLUMNS && y >= 0 && channel < channels ? channel : -1;
  };
  panel.canvas.addEventListener("pointermove", (event) => event.pointerType === "mouse" && onPoint(under(event)));
  panel.canvas.addEventListener("pointerleave", () => onPoint(-1));
  panel.canvas.addEventListener("click", (event) => {
    const channel = under(/** @type {PointerEvent} */ (event));
    if (channel >= 0) onPick(channel);
  });
  const square = (/** @type {number} */ channel) => {
    const [x, y] = [channel % COLUMNS, Math.floor(channel / COLUMNS)];
    return /** @type {Box} */ ([x, y, x + 1, y + 1]);
  };
  return {
    panel,
    most: 1,
    /** @param {number} pointed @param {number} chosen @param {(channel: number) => string} colours @param {ArrayLike<number>} [sums] */
    draw(pointed, chosen, colours, sums) {
      if (sums) this.most = largest(sums);
      if (!panel.begin()) return;
      for (let channel = 0; channel < channels; channel++) {
        const fill = colours(channel);
        if (fill) panel.fill(square(channel), fill);
      }
      panel.box(square(chosen), styles.window);
      if (pointed >= 0 && pointed !== chosen) panel.box(square(pointed), styles.window);
    },
  };
}
