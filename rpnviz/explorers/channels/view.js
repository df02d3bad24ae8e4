// @ts-check
// Notebook 01: all channels as a contact sheet, one of them as a light on the picture, ranked by what they answer to.

import { canAsk } from "../common/asking.js";
import { heatImage, lineStyles, Panel } from "../common/canvas_panel.js";
import { clamp } from "../common/compute/boxes.js";
import { choice, h, OWN_KEYS, scroller, segmented, setText } from "../common/elements.js";
import { frame } from "../common/explorer_frame.js";
import { dragging } from "../common/map_and_picture.js";
import { commit, scheduler, typed, watch } from "../common/model.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */

const SENT_COLUMNS = 32; // tiles a row of the sheet as it arrives
const GAP = 4; // cells between two tiles
const DARK = 0.78; // over a cell where the channel is silent
const ALONE = "Needs a running kernel: Python has the other pictures.";

/** @param {{model: import("../common/model.js").Model, el: HTMLElement}} context */
export function render(context) {
  const { model } = context;
  const { heat } = model.get("look");
  const styles = lineStyles(model.get("look"));
  const {
    image_size: [height, width],
    feature_size: [rows, cols],
  } = model.get("place");
  const [count, columns] = [model.get("num_channels"), model.get("sheet_columns")];
  const classes = /** @type {string[]} */ (model.get("classes"));
  const entries = /** @type {[string, string, number][]} */ (model.get("entries"));
  const [means, ratios] = ["means", "ratios"].map((name) => typed(model.get(name), Float32Array));
  const orders = typed(model.get("orders"), Uint16Array);
  const byNumber = Uint16Array.from({ length: count }, (_, i) => i);
  const alone = !model
    .get("pictures")
    .some((/** @type {string} */ name) => name !== model.get("picture") && canAsk(model, "picture", name));
  const ui = frame(context, {
    className: "rpnviz-sheets",
    label: "The channels of the feature map",
    hint: "Press a tile, or press the arrow keys on the sheet. The picture is lit where that channel is bright.",
    keys: [
      ["← → on the sheet", "the channel before, the next"],
      ["↑ ↓ there", "a row up, down"],
      ["Home, End there", "to the first, last channel"],
    ],
  });
  const kind = () => classes.indexOf(model.get("class_name")); // −1: by number
  const order = () => (kind() < 0 ? byNumber : orders.subarray(kind() * count, (kind() + 1) * count));
  const take = (/** @type {number} */ place) => {
    const channel = order()[clamp(place, 0, count - 1)];
    if (channel !== model.get("channel")) commit(model, { channel });
  };

  const redraw = scheduler(draw);
  const [tileWide, tileHigh] = [cols + GAP, rows + GAP];
  const sheetRows = Math.ceil(count / columns);
  const sheet = new Panel({
    extent: [-GAP, -GAP, columns * tileWide, sheetRows * tileHigh],
    className: "rpnviz-sheet",
    label: "contact sheet of all channels; arrow keys go from tile to tile",
    what: "Every channel once, each in its own range of brightness. The first tile is the first of the ranking.",
    attributes: { tabindex: 0, role: "application", ...OWN_KEYS },
    onResize: redraw,
  });
  dragging(sheet, (x, y) => {
    const [col, row] = [Math.floor((x + GAP / 2) / tileWide), Math.floor((y + GAP / 2) / tileHigh)];
    take(clamp(row, 0, sheetRows - 1) * columns + clamp(col, 0, columns - 1));
  });
  sheet.canvas.addEventListener("keydown", (event) => {
    const steps = /** @type {Record<string, number>} */ ({
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: -columns,
      ArrowDown: columns,
      Home: -count,
      End: count,
    });
    const step = steps[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    const to = order().indexOf(model.get("channel")) + step;
    if ((to >= 0 && to < count) || Math.abs(step) === count) take(to);
  });
  const picture = new Panel({
    extent: [0, 0, width, height],
    className: "rpnviz-picture",
    label: "the picture, lit where the channel is bright",
    what: "Lit: cells where this channel is bright, each cell by itself. White boxes: the objects.",
    attributes: { role: "img" },
    onResize: redraw,
  });
  const ranking = segmented({
    label: "rank the channels",
    className: "rpnviz-class",
    what: "Rank by how many times brighter a channel is inside the boxes of a class than outside, over all pictures.",
    options: [{ value: "", label: "number" }, ...classes.map((name) => ({ value: name, label: name }))],
    onChange: (value) => {
      const at = classes.indexOf(value);
      commit(model, { class_name: value, ...(at < 0 ? {} : { channel: orders[at * count] }) });
    },
  });
  const other = choice({
    label: "picture",
    className: "rpnviz-pictures",
    what: alone ? ALONE : "Which picture the sheet and the light belong to.",
    onChange: (value) => {
      ui.busy(model.get("has_kernel") ? "Python fetches the picture …" : "fetching the picture …");
      commit(model, { picture: value });
    },
  });
  other.fill(model.get("pictures").map((/** @type {string} */ name) => ({ value: name, label: name })));
  other.element.disabled = alone;
  const sheetAside = h("span", { class: "rpnviz-aside" });
  const aside = h("span", { class: "rpnviz-aside" });
  const table = fires();
  const row = (/** @type {string} */ text, /** @type {Element} */ element, tag = "div") =>
    h(tag, {}, h("span", {}, text), element);
  ui.body.append(
    h("div", { class: "rpnviz-asking" }, row("rank by", ranking.element), row("picture", other.element, "label")),
    h("figure", {}, h("figcaption", {}, `${count} channels`, sheetAside), sheet.canvas),
    h("figure", {}, h("figcaption", {}, "Picture", aside), picture.canvas, table.element),
  );

  /** One row a picture that shows the class: inside against outside. A real table. */
  function fires() {
    const said = h("p", { class: "rpnviz-fires-said" });
    const body = h("tbody");
    const heads = ["picture", "inside", "outside", "times", "solid in, dashed out"];
    const head = h("thead", {}, h("tr", {}, ...heads.map((text) => h("th", { scope: "col" }, text))));
    const longest = Math.max(0, ...classes.map((name) => entries.filter(([one]) => one === name).length));
    let filled = NaN;
    /** @type {{at: number, tr: HTMLElement, cells: HTMLElement[], bars: HTMLElement[]}[]} */
    let lines = [];
    const fill = () => {
      const wanted = model.get("class_name");
      lines = entries.flatMap(([name, where, cells], at) => {
        if (name !== wanted) return [];
        const [numbers, bars] = [["", "", ""].map(() => h("td")), [h("i"), h("i")]];
        const what = `${where}: mean of the channel over the ${cells} cells in a ${name}, and over all others.`;
        const tr = h(
          "tr",
          { what },
          h("th", { scope: "row" }, where),
          ...numbers,
          h("td", { class: "rpnviz-fires-bar" }, ...bars),
        );
        return [{ at, tr, cells: numbers, bars }];
      });
      body.replaceChildren(...lines.map(({ tr }) => tr));
      filled = kind();
    };
    return {
      // as high as its longest, so that another class moves nothing
      element: h(
        "div",
        { style: { minHeight: `${1.5 * (longest + 1) + 2.9}em` } },
        said,
        scroller("pictures", "", h("table", { class: "rpnviz-fires" }, head, body)),
      ),
      show() {
        if (filled !== kind()) fill();
        const channel = model.get("channel");
        const pairs = lines.map(({ at }) => [means[2 * at * count + channel], means[(2 * at + 1) * count + channel]]);
        const most = Math.max(1e-9, ...pairs.flat());
        lines.forEach(({ tr, cells, bars, at }, i) => {
          const [inside, outside] = pairs[i];
          [inside.toFixed(2), outside.toFixed(2), `${(inside / Math.max(outside, 1e-9)).toFixed(1)} ×`].forEach(
            (text, k) => setText(cells[k], text),
          );
          bars.forEach((bar, k) => (bar.style.width = `calc(${(100 * pairs[i][k]) / most}% - 0.8em)`));
          tr.classList.toggle("rpnviz-none", inside <= outside);
          tr.classList.toggle("rpnviz-hot", entries[at][1] === model.get("shown"));
        });
        const at = order().indexOf(channel) + 1;
        const below = pairs.filter(([inside, outside]) => inside <= outside).length;
        const times = ratios[kind() * count + channel];
        const name = model.get("class_name");
        setText(
          said,
          kind() < 0
            ? `Channel ${channel}. Choose a class to rank by.`
            : `Channel ${channel}, rank ${at}: ${times.toFixed(1)} × as bright in a ${name}; darker there on ${below} of ${lines.length} pictures.`,
        );
      },
    };
  }

  /** @type {ImageBitmap | null} */
  let photo = null;
  /** @type {Uint8ClampedArray | null} */
  let tiles = null; // RGBA of the sheet as sent
  let tint = /** @type {HTMLCanvasElement | null} */ (null); // the same in the colours of a heat map
  let loading = 0;
  const sheetWide = SENT_COLUMNS * cols;
  async function load() {
    const turn = ++loading;
    const read = (/** @type {string} */ name) => createImageBitmap(new Blob([typed(model.get(name), Uint8Array)]));
    const [image, grey] = await Promise.all([read("image"), read("sheet")]);
    if (turn !== loading) return; // another picture has come since
    const canvas = h("canvas", { width: grey.width, height: grey.height });
    const g = canvas.getContext("2d", { willReadFrequently: true });
    g.drawImage(grey, 0, 0);
    photo = image;
    tiles = /** @type {Uint8ClampedArray} */ (g.getImageData(0, 0, grey.width, grey.height).data);
    tint = heatImage(
      Uint8Array.from({ length: tiles.length / 4 }, (_, i) => /** @type {any} */ (tiles)[4 * i]),
      grey.height,
      grey.width,
      heat,
    );
    sheet.stored = "";
    ui.busy("");
    redraw();
  }
  /** Upper left corner of a channel in the sheet as sent. @param {number} channel */
  const corner = (channel) => [(channel % SENT_COLUMNS) * cols, Math.floor(channel / SENT_COLUMNS) * rows];

  /** Dark where the channel is silent, clear where it is bright. @param {number} channel */
  function light(channel) {
    const canvas = h("canvas", { width: cols, height: rows });
    const g = canvas.getContext("2d");
    const shade = g.createImageData(cols, rows);
    const [x, y] = corner(channel);
    for (let i = 0; i < rows * cols; i++) {
      const value = /** @type {any} */ (tiles)[4 * ((y + Math.floor(i / cols)) * sheetWide + x + (i % cols))];
      shade.data[4 * i + 3] = DARK * (255 - value);
    }
    g.putImageData(shade, 0, 0);
    return canvas;
  }

  function draw() {
    const channel = model.get("channel");
    const place = order().indexOf(channel);
    ranking.set(model.get("class_name"));
    other.set(model.get("picture"));
    setText(
      sheetAside,
      kind() < 0 ? `channel ${channel}` : `channel ${channel}, rank ${place + 1} for ${model.get("class_name")}`,
    );
    setText(aside, `${model.get("shown")}, channel ${channel}`);
    table.show();
    if (sheet.begin() && tint) {
      sheet.backdrop(`${kind()} ${model.get("shown")}`, () =>
        order().forEach((one, i) => {
          const [x, y] = [(i % columns) * tileWide, Math.floor(i / columns) * tileHigh];
          sheet.g.imageSmoothingEnabled = true;
          sheet.g.drawImage(
            /** @type {any} */ (tint),
            corner(one)[0],
            corner(one)[1],
            cols,
            rows,
            sheet.x(x),
            sheet.y(y),
            cols * sheet.scale,
            rows * sheet.scale,
          );
        }),
      );
      const [x, y] = [(place % columns) * tileWide, Math.floor(place / columns) * tileHigh];
      sheet.box([x - GAP / 2, y - GAP / 2, x + cols + GAP / 2, y + rows + GAP / 2], styles.window, { strong: true });
    }
    if (picture.begin() && photo && tiles) {
      picture.image(photo, [0, 0, width, height]);
      picture.image(light(channel), [0, 0, width, height], true);
      const objects = /** @type {{name: string, box: Box}[]} */ (model.get("objects"));
      for (const { name, box } of objects)
        picture.box(box, styles.ground_truth, { strong: name === model.get("class_name") });
      picture.tags(objects.map(({ name, box }) => ({ text: name, box, style: styles.ground_truth })));
      ui.root.dataset.shown = `${model.get("shown")} ${channel}`;
    }
    ui.say(`${model.get("shown")}: ${table.element.firstElementChild?.textContent}`);
  }

  ui.onDestroy(watch(model, ["class_name", "channel", "picture"], redraw));
  ui.onDestroy(watch(model, ["shown"], scheduler(load)));
  for (const panel of [sheet, picture]) ui.onDestroy(() => panel.destroy());
  ui.onDestroy(() => loading++);
  load();
  redraw();
  return () => ui.destroy();
}
