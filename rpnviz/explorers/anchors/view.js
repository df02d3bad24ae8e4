// @ts-check
// Notebook 03: the anchors of a cell to scale, every centre, all boxes of a shape; scales and ratios of one's own.

import { waitsFor } from "../common/asking.js";
import { heatImage, lineStyles, nearestOutline, swatch } from "../common/canvas_panel.js";
import { choice, h, OWN_KEYS, scroller, segmented, setText } from "../common/elements.js";
import { frame } from "../common/explorer_frame.js";
import { thousands } from "../common/format.js";
import { centre, mapStage, pictureStage, shifted } from "../common/map_and_picture.js";
import { commit, scheduler, typed, watch } from "../common/model.js";

const NEEDS_PYTHON = "Needs a running kernel: Python computes the anchors.";

/** @param {{model: import("../common/model.js").Model, el: HTMLElement}} context */
export function render(context) {
  const { model } = context;
  const { heat } = model.get("look");
  const styles = lineStyles(model.get("look"));
  const anchors = () => /** @type {import("../common/map_and_picture.js").AnchorLook[]} */ (model.get("anchors"));
  const cells = () => model.get("place").feature_size[0] * model.get("place").feature_size[1];
  const ui = frame(context, {
    className: "rpnviz-anchors",
    label: "Anchors: their shapes and their places",
    hint: "Drag on the map, press the arrow keys there, or press on the picture. Point at a row of the table.",
    keys: [
      ["← → ↑ ↓ on the map", "move the window by one cell"],
      ["Shift + ← → ↑ ↓ there", "by five cells"],
      ["PageUp, PageDown there", "five rows up, down"],
      ["Home, End there", "to the first, last column"],
    ],
  });
  const redraw = scheduler(draw);
  const map = mapStage(model, {
    what: "One square a cell: bright where many of the cell's anchors lie inside the picture, dark where few do.",
    header: ["Anchors inside, cell by cell"],
    redraw,
  });
  const mode = segmented({
    label: "what is drawn",
    className: "rpnviz-mode",
    options: [
      { value: "cell", label: "this cell", what: "The anchors of the window's cell, to scale." },
      { value: "centres", label: "every centre", what: "All centres; green: the selected shape lies inside there." },
      {
        value: "boxes",
        label: "every box of a shape",
        what: "The selected shape everywhere; grey: crosses the border.",
      },
    ],
    onChange: (value) =>
      commit(model, { mode: value, selected: value === "cell" ? -1 : Math.max(model.get("selected"), 0) }),
  });
  const picture = pictureStage(model, {
    margin: 0.2,
    what: "The picture, with room round it: an anchor may reach beyond the border.",
    header: ["Picture", mode.element],
    redraw,
  });
  const asking = controls();
  const table = shapes();
  const column = (/** @type {Element[]} */ ...parts) => h("div", { class: "rpnviz-column" }, ...parts);
  ui.body.append(column(map.element, asking.element), column(picture.element, table.element));

  /** Grid, preset, scales and ratios: what only Python can answer. */
  function controls() {
    const grid = segmented({
      label: "grid",
      className: "rpnviz-grids",
      options: [
        {
          value: "paper",
          label: "40×60",
          what: "The paper's round figure: the picture is resampled to 640×960 first.",
        },
        { value: "floor", label: "37×62", what: "Poolings drop an odd last row or column (PyTorch)." },
        { value: "ceil", label: "38×63", what: "Poolings keep an odd last row or column (Caffe)." },
      ],
      onChange: (value) => wish({ grid: value }),
    });
    const preset = choice({
      label: "anchors of",
      className: "rpnviz-preset",
      what: "Whose anchors: the paper's nine, the ten of the text detector CTPN, or your own.",
      onChange: (value) => wish({ preset: value }),
    });
    preset.fill([
      { value: "paper", label: "Faster R-CNN: nine" },
      { value: "ctpn", label: "CTPN: ten" },
      { value: "own", label: "your own" },
    ]);
    const field = (/** @type {string} */ name, /** @type {string} */ what) =>
      h("input", {
        ...{ type: "text", name, what, "aria-label": name, class: `rpnviz-${name}`, spellcheck: "false", ...OWN_KEYS },
        change: () => wish({ preset: "own" }),
        keydown: (/** @type {Event} */ event) => event.stopPropagation(), // else JupyterLab takes Enter: no change
      });
    const scales = field("scales", "√area of the anchors in pixels of the picture, separated by commas; press Enter.");
    const ratios = field("aspect_ratios", "height / width, separated by commas; then press Enter.");

    /** @param {Record<string, string>} change */
    function wish(change) {
      const asked = { preset: model.get("choice").preset, grid: model.get("place").name, ...change };
      const of = (/** @type {HTMLInputElement} */ { disabled, name, value }) =>
        disabled ? model.get("choice")[name] : value;
      if (asked.preset === "own") Object.assign(asked, { scales: of(scales), aspect_ratios: of(ratios) });
      commit(model, { wish: asked });
    }
    const row = (/** @type {string} */ text, /** @type {Element} */ element, tag = "label") =>
      h(tag, {}, h("span", {}, text), element);
    return {
      element: h(
        "div",
        { class: "rpnviz-asking" },
        row("grid", grid.element, "div"),
        row("anchors of", preset.element),
        row("scales, px", scales),
        row("ratios h/w", ratios),
      ),
      show() {
        const { preset: shown, scales: s, aspect_ratios: r } = model.get("choice");
        grid.set(model.get("place").name);
        preset.set(shown);
        const fixed = shown === "ctpn"; // ten heights of one width: made of no scales and ratios
        if (!model.get("error")) [scales.value, ratios.value] = fixed ? ["", ""] : [s, r]; // a slip of the hand stays, to be mended
        const alone = !model.get("has_kernel");
        if (alone) grid.disable(true, NEEDS_PYTHON);
        preset.element.disabled = alone;
        for (const input of [scales, ratios]) input.disabled = alone || fixed;
      },
    };
  }

  /** One row a shape: a real table. */
  function shapes() {
    const body = h("tbody");
    const total = h("td", { colspan: 4, class: "rpnviz-total" });
    const head = ["anchor, px", "√area", "h / w", "inside the picture"].map((text) => h("th", { scope: "col" }, text));
    /** @type {HTMLElement[]} */
    let trs = [];
    return {
      element: scroller(
        "anchors of a cell",
        "rpnviz-shapes",
        h("table", {}, h("thead", {}, h("tr", {}, ...head)), body, h("tfoot", {}, h("tr", {}, total))),
      ),
      fill() {
        const counts = model.get("counts");
        trs = anchors().map((look, a) => {
          const [wide, high] = [look.box[2] - look.box[0], look.box[3] - look.box[1]];
          const share = h("span", { class: "rpnviz-share" });
          share.style.width = `${(100 * counts[a]) / cells()}%`;
          const what = `Anchor ${a}, ${look.name} px: ${counts[a]} of its ${cells()} boxes lie inside the picture.`;
          const on = () => select(a);
          return h(
            "tr",
            {
              tabindex: 0,
              what,
              ...OWN_KEYS,
              pointerenter: on,
              focus: on,
              click: on,
              pointerleave: leave,
              blur: leave,
            },
            h("th", { scope: "row" }, swatch(look, { length: 26 }), ` ${look.name}`),
            h("td", {}, Math.sqrt(wide * high).toFixed(0)),
            h("td", {}, (high / wide).toFixed(2)),
            h(
              "td",
              { class: "rpnviz-count" },
              share,
              h("span", {}, `${thousands(counts[a])} of ${thousands(cells())}`),
            ),
          );
        });
        body.replaceChildren(...trs);
        const all = counts.reduce((/** @type {number} */ sum, /** @type {number} */ n) => sum + n, 0);
        setText(total, `${thousands(all)} of ${thousands(cells() * trs.length)} anchors lie inside the picture`);
      },
      /** @param {number} selected */
      show: (selected) => trs.forEach((tr, a) => tr.classList.toggle("rpnviz-hot", a === selected)),
    };
  }

  /** @param {number} a */
  function select(a) {
    if (a !== model.get("selected")) commit(model, { selected: a });
  }
  /** In the other modes the selected shape is what is drawn: it stays. */
  function leave() {
    if (model.get("mode") === "cell") select(-1);
  }

  /** @type {Uint8Array} */
  let inside;
  /** @type {HTMLCanvasElement} */
  let mapHeat;
  function refill() {
    const [rows, cols] = model.get("place").feature_size;
    const count = anchors().length;
    inside = typed(model.get("inside"), Uint8Array);
    const share = Uint8Array.from({ length: rows * cols }, (_, i) => {
      let sum = 0;
      for (let a = 0; a < count; a++) sum += inside[i * count + a];
      return (255 * sum) / count;
    });
    mapHeat = heatImage(share, rows, cols, heat);
    table.fill();
    asking.show();
    redraw();
  }

  /** Every centre or every box of one shape. @param {number} shape */
  function drawField(shape) {
    const {
      feature_size: [rows, cols],
      stride: [strideY, strideX],
    } = model.get("place");
    const { panel } = picture;
    const { g, unit, scale } = panel;
    const [x1, y1, x2, y2] = anchors()[shape].box;
    const dots = model.get("mode") === "centres";
    g.save();
    for (const wanted of [0, 1]) {
      const look = styles[wanted ? "positive" : "crosses_border"];
      const radius = (wanted ? 2 : 1.3) * unit;
      g.beginPath();
      for (let i = 0; i < rows * cols; i++) {
        if (inside[i * anchors().length + shape] !== wanted) continue;
        const [x, y] = [((i % cols) + 0.5) * strideX, (Math.floor(i / cols) + 0.5) * strideY];
        if (!dots) g.rect(panel.x(x + x1), panel.y(y + y1), (x2 - x1) * scale, (y2 - y1) * scale);
        else g.roundRect(panel.x(x) - radius, panel.y(y) - radius, 2 * radius, 2 * radius, radius);
      }
      Object.assign(g, { strokeStyle: dots ? look.casing : look.color, fillStyle: look.color, lineWidth: 0.6 * unit });
      g.globalAlpha = dots ? 1 : 0.45;
      if (dots) g.fill();
      g.stroke();
    }
    g.restore();
  }

  function draw() {
    const [row, col, selected] = ["row", "col", "selected"].map((name) => model.get(name));
    const at = centre(model);
    mode.set(model.get("mode"));
    map.draw(mapHeat, styles.window);
    const cell = row * model.get("place").feature_size[1] + col;
    const count = anchors().length;
    const within = inside.slice(cell * count, (cell + 1) * count).reduce((sum, n) => sum + n, 0);
    if (picture.draw()) {
      const looks = anchors();
      const alpha = selected < 0 ? 1 : 0.5;
      if (model.get("mode") !== "cell") drawField(Math.max(selected, 0));
      else looks.forEach((look, a) => a !== selected && picture.panel.box(shifted(look.box, at), look, { alpha }));
      if (selected >= 0) picture.panel.box(shifted(looks[selected].box, at), looks[selected], { strong: true });
      picture.panel.dot(...at, styles.window, 3);
    }
    table.show(selected);
    ui.root.dataset.cell = `${row} ${col}`;
    const here = `Row ${row}, column ${col}: ${within} of ${count} anchors lie inside the picture.`;
    const shape = anchors()[Math.max(selected, 0)].name;
    const everywhere = {
      centres: `The centres of all cells; marked where ${shape} lies inside.`,
      boxes: `${shape} at all cells.`,
    };
    ui.say([everywhere[/** @type {"centres" | "boxes"} */ (model.get("mode"))], here].filter(Boolean).join(" "));
  }

  picture.panel.canvas.addEventListener("pointermove", (event) => {
    if (model.get("mode") !== "cell" || event.buttons) return;
    const boxes = anchors().map((look) => shifted(look.box, centre(model)));
    const nearest = nearestOutline(boxes, ...picture.panel.at(event), 12);
    select(nearest);
  });
  picture.panel.canvas.addEventListener("pointerleave", leave);
  ui.onDestroy(watch(model, ["row", "col", "mode", "selected"], redraw));
  ui.onDestroy(watch(model, ["place", "anchors", "inside", "counts", "choice"], scheduler(refill)));
  ui.onDestroy(
    watch(model, ["wish", "answered", "error"], () =>
      ui.busy(waitsFor(model).length ? "Python computes the anchors …" : ""),
    ),
  );
  for (const panel of [map.panel, picture.panel]) ui.onDestroy(() => panel.destroy());
  refill();
  return () => ui.destroy();
}
