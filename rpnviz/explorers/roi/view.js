// @ts-check
// Notebook 09: RoI pooling and RoIAlign of one box, side by side, cell by cell.

import { heatImage, Panel, swatch } from "../common/canvas_panel.js";
import { clamp } from "../common/compute/boxes.js";
import {
  alignPoints,
  largest,
  mean,
  neighbours,
  poolCells,
  toCells,
  toPixels,
  valueAt,
} from "../common/compute/roi.js";
import { checkbox, choice, h, OWN_KEYS, segmented, setText, slider } from "../common/elements.js";
import { frame } from "../common/explorer_frame.js";
import { commit, scheduler, typed, watch } from "../common/model.js";
import { movable } from "../common/movable_box.js";
import { arrows, binned, cellLines, cellTable, decimal, edgeTable, pointTable, side, view } from "./parts.js";
import { trace } from "./trace.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/model.js").Model} Model */

const HINT =
  "Drag the box on the picture or move it by arrow keys (Shift + arrows resize it); press a bin; drag a sampling point of RoIAlign.";
const NEAR = 11; // CSS pixels from which a sampling point can be gripped
const NUDGE = 0.1; // cells that a key moves a sampling point
const SETTINGS = ["box", "channel", "bin_row", "bin_col", "sampling_ratio", "aligned", "point", "probe"];

/** @param {{model: Model, el: HTMLElement}} context */
export async function render({ model, el }) {
  const {
    image_size: [high, wide],
    feature_size,
    stride,
    bins,
    proposals,
    channels,
    ranges,
    lines,
  } = model.get("plan");
  const size = /** @type {[number, number]} */ (feature_size);
  const [rows, cols] = size;
  const values = typed(model.get("features"), Float32Array);
  const { heat } = model.get("look");
  const photo = await createImageBitmap(new Blob([typed(model.get("image"), Uint8Array)]));
  const page = frame(
    { model, el },
    {
      className: "rpnviz-roi",
      label: "RoI pooling and RoIAlign of one box",
      hint: HINT,
      keys: [
        ["← → ↑ ↓ on the box", "move it by two pixels"],
        ["Shift + ← → ↑ ↓ there", "resize it"],
        ["← → ↑ ↓ on a map or an output", "choose the next bin"],
        ["Shift + ← → ↑ ↓ on RoIAlign's map", "move its sampling point"],
        ["Esc on a map or an output", "put a moved sampling point back"],
      ],
    },
  );
  const get = (/** @type {string} */ name) => model.get(name);

  /** All that follows from the settings: the one place where this page computes. */
  function workOut() {
    const [box, row, col, ratio] = ["box", "bin_row", "bin_col", "sampling_ratio"].map(get);
    const index = channels.indexOf(get("channel"));
    const map = values.subarray(index * rows * cols, (index + 1) * rows * cols);
    const inCells = toCells(box, stride);
    const cells = poolCells(inCells, size, bins);
    const points = alignPoints(inCells, bins, ratio, get("aligned"));
    const pooled = cells.rows.map((span) => cells.cols.map((other) => largest(map, cols, span, other)));
    const aligned = points.ys.map((ys) => points.xs.map((xs) => mean(map, size, ys, xs)));
    const own = points.ys[row].flatMap((y) => points.xs[col].map((x) => [y, x]));
    const point = clamp(get("point"), 0, own.length - 1);
    const probe = /** @type {[number, number]} */ (get("probe").length ? get("probe") : own[point]);
    return {
      box,
      row,
      col,
      index,
      map,
      inCells,
      cells,
      points,
      pooled,
      aligned,
      own,
      point,
      probe,
      dragged: get("probe").length > 0,
    };
  }

  /** Change settings and say what came of it; a dragged point goes back to its place unless it is what changes. @param {Record<string, any>} changes */
  function change(changes) {
    for (const [name, value] of Object.entries({ probe: [], ...changes })) model.set(name, value);
    const { pooled, aligned, map, probe, row, col } = workOut();
    commit(model, {
      worked_out: { pool: pooled[row][col].value, align: aligned[row][col], value: valueAt(map, size, ...probe) },
    });
  }
  const chooseBin = (/** @type {number} */ row, /** @type {number} */ col) =>
    change({ bin_row: clamp(row, 0, bins - 1), bin_col: clamp(col, 0, bins - 1), point: 0 });

  const redraw = scheduler(draw);
  const border = /** @type {Box} */ ([0, 0, wide, high]);
  const picture = new Panel({
    extent: border,
    className: "rpnviz-picture",
    label: "The picture with the box",
    attributes: { role: "img" },
    onResize: redraw,
  });
  const grip = movable({
    name: "box",
    panel: picture,
    get: () => get("box"),
    snap: (edge) => edge, // a key moves one coordinate alone
    move: (box) => change({ box: box.map((edge, i) => clamp(edge, 0, i % 2 ? high : wide)) }),
    what: "The box: solid. Dashed: the whole cells that RoI pooling takes instead. Arrows move it, Shift + arrows resize it.",
  });
  const proposal = choice({
    label: "proposal",
    what: "Which of the trained network's best proposals; move it on from there.",
    onChange: (i) => i !== "own" && change({ box: proposals[Number(i)], point: 0 }),
  });
  const named = proposals.map((/** @type {Box} */ [x1, y1, x2, y2], /** @type {number} */ i) => ({
    value: String(i),
    label: `${i + 1}: ${Math.round(x2 - x1)}×${Math.round(y2 - y1)} px`,
  }));
  proposal.fill([...named, { value: "own", label: "a box of your own" }]);
  const channel = slider({
    label: "channel",
    name: "channel of the feature map",
    max: channels.length - 1,
    className: "rpnviz-channel",
    what: `Which channel of the feature map: ${channels.length} of them. Both operations treat every channel alike.`,
    format: (i) => `#${channels[i]}`,
    onInput: (i) => change({ channel: channels[i] }),
  });
  const ratio = segmented({
    label: "sampling points of a bin, each way",
    what: "sampling_ratio: RoIAlign's points of a bin, each way. auto: as many as the bin is cells long.",
    options: [
      ["1", "1"],
      ["2", "2"],
      ["3", "3"],
      ["0", "auto"],
    ].map(([value, label]) => ({ value, label })),
    onChange: (value) => change({ sampling_ratio: Number(value), point: 0 }),
  });
  const half = checkbox({
    label: "aligned",
    what: "aligned: a cell's value sits at its centre, half a cell from its edge. Off: the half is forgotten, as in the first implementations.",
    onChange: (on) => change({ aligned: on }),
  });
  const edges = edgeTable();
  const plot = trace({ styles: lines, redraw });
  const [cellsOf, four] = [cellTable(), pointTable()];
  const point = slider({
    label: "point",
    name: "sampling point of the bin",
    min: 1,
    max: 4,
    className: "rpnviz-point",
    what: "Which of the bin's sampling points the table works out.",
    onInput: (value) => change({ point: value - 1 }),
  });
  const back = h(
    "button",
    {
      type: "button",
      what: "Put the dragged sampling point back on its grid (Escape).",
      click: () => change({}),
      ...OWN_KEYS,
    },
    "put back",
  );
  const key = (/** @type {string} */ text, /** @type {string} */ name) =>
    h("span", { class: "rpnviz-key" }, swatch(lines[name]), text);
  const [pool, align] = [
    side({
      name: "pool",
      title: "RoI pooling",
      keys: "arrow keys choose a bin",
      bins,
      table: cellsOf.nodes,
      redraw,
      onBin: chooseBin,
      what: "Dashed: the box after its edges are rounded to whole cells. Filled: the whole cells of the chosen bin; the dot is the largest.",
    }),
    side({
      name: "align",
      title: "RoIAlign",
      keys: "arrow keys choose a bin, Shift + arrows move its sampling point",
      bins,
      redraw,
      onBin: chooseBin,
      table: [four.caption, h("div", { class: "rpnviz-roi-row" }, point.element, back), four.table],
      what: "The box as it is, and its sampling points. Drag one of the chosen bin: lines lead to the four cells that it is read from.",
    }),
  ];
  page.body.append(
    h(
      "div",
      { class: "rpnviz-roi-left" },
      h("figcaption", {}, "Picture", key("box", "box"), key("whole cells", "whole")),
      h("div", { class: "rpnviz-two-boxes" }, picture.canvas, grip.element),
      h("label", {}, "proposal", proposal.element),
      channel.element,
      h(
        "div",
        { class: "rpnviz-roi-row" },
        h("span", { class: "rpnviz-roi-row" }, "points", ratio.element),
        half.element,
      ),
      edges.element,
      plot.element,
    ),
    pool.element,
    align.element,
  );

  /** @type {{index: number, image: HTMLCanvasElement | null}} */
  const shown = { index: -1, image: null };
  const brightness = (/** @type {number} */ value, /** @type {[number, number]} */ [low, top]) =>
    255 * Math.sqrt(clamp((value - low) / (top - low), 0, 1));
  const heatOf = (
    /** @type {ArrayLike<number>} */ numbers,
    /** @type {number} */ index,
    /** @type {number} */ down,
    /** @type {number} */ across,
  ) =>
    heatImage(
      Uint8Array.from(numbers, (value) => brightness(value, ranges[index])),
      down,
      across,
      heat,
    );

  /** The part of the map round the box. @param {Panel} panel @param {ReturnType<typeof workOut>} now */
  function drawMap(panel, { index, map, inCells }) {
    const extent = view(panel.extent, inCells);
    if (extent !== panel.extent) panel.setExtent(extent);
    if (!panel.begin()) return false;
    if (shown.index !== index) Object.assign(shown, { index, image: heatOf(map, index, rows, cols) });
    if (shown.image) panel.image(shown.image, [0, 0, cols, rows], true);
    cellLines(panel, size);
    return true;
  }

  /** @param {ReturnType<typeof workOut>} now */
  function drawPool(now) {
    const { row, col, cells, inCells, pooled } = now;
    const [[top, bottom], [left, right]] = [cells.rows[row], cells.cols[col]];
    const best = pooled[row][col];
    if (drawMap(pool.map, now)) {
      pool.map.box(inCells, lines.box);
      binned(pool.map, cells.rectangle, bins, lines.whole);
      pool.map.box([left, top, right, bottom], lines.chosen, { fill: 0.25 });
      if (best.row >= 0) pool.map.dot(best.col + 0.5, best.row + 0.5, lines.chosen, 5);
    }
    const count = Math.max(bottom - top, 0) * Math.max(right - left, 0);
    cellsOf.show(
      count
        ? `Bin (${row}, ${col}) = the largest of ${right - left}×${bottom - top} cells = ${decimal(best.value)}`
        : `Bin (${row}, ${col}) covers no cell: 0`,
      [top, bottom],
      [left, right],
      (y, x) => now.map[y * cols + x],
      best,
    );
    setText(
      pool.aside,
      `${cells.rectangle[2] - cells.rectangle[0]}×${cells.rectangle[3] - cells.rectangle[1]} whole cells`,
    );
  }

  /** @param {ReturnType<typeof workOut>} now */
  function drawAlign(now) {
    const { row, col, inCells, points, own, probe, dragged, aligned } = now;
    const [x1, y1, x2, y2] = inCells;
    const found = neighbours(...probe, size);
    if (drawMap(align.map, now)) {
      binned(align.map, inCells, bins, lines.box);
      const [w, hgt] = [(x2 - x1) / bins, (y2 - y1) / bins];
      const small = { ...lines.chosen, casing: "rgb(16 19 26 / 70%)" };
      for (const y of points.ys.flat()) for (const x of points.xs.flat()) align.map.dot(x + 0.5, y + 0.5, small, 1.3);
      align.map.box([x1 + col * w, y1 + row * hgt, x1 + (col + 1) * w, y1 + (row + 1) * hgt], lines.chosen, {
        fill: 0.2,
      });
      for (const [y, x] of own) align.map.dot(x + 0.5, y + 0.5, lines.chosen, 3);
      const [at, white] = [
        [probe[1] + 0.5, probe[0] + 0.5],
        { ...lines.chosen, color: "#fff", casing: "rgb(16 19 26 / 30%)" },
      ];
      for (const { row: r, col: c, weight } of found) {
        align.map.box([c, r, c + 1, r + 1], { ...white, width: 1.2 });
        align.map.line(/** @type {[number, number]} */ (at), [c + 0.5, r + 0.5], { ...white, width: 0.5 + 4 * weight });
      }
      align.map.dot(at[0], at[1], dragged ? { ...lines.chosen, color: white.color } : lines.chosen, 4.5);
    }
    const own4 = own
      .slice(0, 4)
      .map(([y, x]) => decimal(valueAt(now.map, size, y, x), 2))
      .join(" + ");
    const mean4 = own.length > 1 ? `(${own4}${own.length > 4 ? " + …" : ""}) / ${own.length} = ` : "";
    four.show(
      dragged
        ? `Dragged to row ${decimal(probe[0], 2)}, column ${decimal(probe[1], 2)}. The output keeps to the grid: ${decimal(aligned[row][col])}`
        : `Bin (${row}, ${col}) = ${mean4}${decimal(aligned[row][col])}`,
      found,
      (y, x) => now.map[y * cols + x],
    );
    point.set(now.point + 1, own.length);
    back.disabled = !dragged;
    setText(align.aside, `${decimal(x2 - x1, 2)}×${decimal(y2 - y1, 2)} cells, not rounded`);
  }

  function draw() {
    const now = workOut();
    const { box, row, col, index, inCells, cells, pooled, aligned } = now;
    const rectangle = toPixels(cells.rectangle, stride);
    grip.place(box, 1);
    edges.show(box, rectangle);
    const at = proposals.findIndex((/** @type {Box} */ other) => String(other) === String(box));
    proposal.set(at < 0 ? "own" : String(at));
    channel.set(index);
    ratio.set(String(get("sampling_ratio")));
    half.set(get("aligned"));
    if (picture.begin()) {
      picture.backdrop("photo", () => picture.image(photo, border));
      picture.box(rectangle, lines.whole);
      picture.box(box, lines.box);
    }
    drawPool(now);
    drawAlign(now);
    const values7 = [pooled.flat().map(({ value }) => value), aligned.flat()];
    [pool, align].forEach(({ output }, i) => {
      if (!output.begin()) return;
      output.image(heatOf(values7[i], index, bins, bins), [0, 0, bins, bins], true);
      output.box([col, row, col + 1, row + 1], lines.chosen, { strong: true });
    });
    const corner = /** @type {[number, number]} */ ([inCells[0], inCells[1]]);
    const same = [inCells[2] - inCells[0], inCells[3] - inCells[1]]
      .map((side) => side.toFixed(3))
      .concat([index, row, col, get("sampling_ratio"), get("aligned")].map(String));
    const result = { pool: pooled[row][col].value, align: aligned[row][col] };
    plot.add(same.join(), corner, result, () => spanRound(now));
    plot.draw(corner);
    page.root.dataset.bin = `${row} ${col}`;
    page.say(
      `A box of ${(box[2] - box[0]).toFixed(0)}×${(box[3] - box[1]).toFixed(0)} px, bin ${row}, ${col}: RoI pooling ${decimal(result.pool)}, RoIAlign ${decimal(result.align)}.`,
    );
  }

  /** The values within three cells of the chosen bin. @param {ReturnType<typeof workOut>} now @returns {[number, number]} */
  function spanRound({ cells, row, col, map }) {
    const around = (/** @type {[number, number]} */ [from, to], /** @type {number} */ limit) => [
      clamp(from - 3, 0, limit - 1),
      clamp(to + 3, 1, limit),
    ];
    const [[top, bottom], [left, right]] = [around(cells.rows[row], rows), around(cells.cols[col], cols)];
    const near = [];
    for (let y = top; y < bottom; y++) near.push(...map.subarray(y * cols + left, y * cols + right));
    const [low, most] = [Math.min(...near), Math.max(...near)];
    return [low, Math.max(most, low + 1e-6)];
  }

  // A press on RoIAlign's map grips a sampling point of the chosen bin, if one is near; any other press chooses a bin.
  const onMap = (/** @type {Panel} */ panel, /** @type {Box} */ box, /** @type {PointerEvent} */ event) => {
    const [x, y] = panel.at(event);
    const place = [(y - box[1]) / (box[3] - box[1]), (x - box[0]) / (box[2] - box[0])].map((share) =>
      Math.floor(share * bins),
    );
    if (place.every((i) => i >= 0 && i < bins)) chooseBin(place[0], place[1]);
  };
  pool.map.canvas.addEventListener("pointerdown", (event) => onMap(pool.map, workOut().cells.rectangle, event));
  const put = (/** @type {[number, number]} */ [y, x]) =>
    change({ probe: [clamp(y, 0, rows - 1), clamp(x, 0, cols - 1)] });
  align.map.canvas.classList.add("rpnviz-drag");
  align.map.canvas.addEventListener("pointerdown", (event) => {
    const { own, probe, inCells } = workOut();
    const [x, y] = align.map.at(event);
    const reach = (NEAR * (align.map.extent[2] - align.map.extent[0])) / align.map.canvas.clientWidth;
    const far = (/** @type {number[]} */ one) => Math.hypot(one[0] + 0.5 - y, one[1] + 0.5 - x);
    const nearest = own.reduce((best, one, i) => (far(one) < far(own[best]) ? i : best), 0);
    if (Math.min(far(probe), far(own[nearest])) > reach) return onMap(align.map, inCells, event);
    align.map.canvas.setPointerCapture(event.pointerId);
    if (far(probe) > reach) change({ point: nearest });
  });
  align.map.canvas.addEventListener("pointermove", (event) => {
    if (!align.map.canvas.hasPointerCapture(event.pointerId)) return;
    const [x, y] = align.map.at(event);
    put([y - 0.5, x - 0.5]);
  });
  for (const { map, output } of [pool, align]) {
    for (const { canvas } of [map, output]) {
      arrows(
        canvas,
        ([down, across], shift) => {
          const { row, col, probe } = workOut();
          if (shift && map === align.map) put([probe[0] + NUDGE * down, probe[1] + NUDGE * across]);
          else chooseBin(row + down, col + across);
        },
        () => change({}),
      );
    }
  }
  page.onDestroy(watch(model, SETTINGS, redraw));
  page.onDestroy(() =>
    [picture, pool.map, pool.output, align.map, align.output, plot.panel].forEach((panel) => panel.destroy()),
  );
  change({ probe: get("probe") }); // Python may not have asked the page yet
  draw();
  return page.destroy;
}
