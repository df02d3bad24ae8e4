// @ts-check
// All anchors as a map (notebooks 04 and 05): each cell is split into its nine anchors, scales left to right, ratios top
// to bottom, so that one square is one anchor. Its unit is such a square.

import { LABELS, lowQuality, placeText, readLabel } from "./anchor.js";
import { Panel } from "./canvas_panel.js";
import { clamp } from "./compute/boxes.js";
import { Grid } from "./compute/grid.js";
import { h, OWN_KEYS } from "./elements.js";
import { arrowKeys } from "./keys.js";

/** @typedef {import("./compute/boxes.js").Box} Box */
/** @typedef {import("./compute/boxes.js").Size} Size */
/** @typedef {import("./canvas_panel.js").LineStyle} LineStyle */
/** @typedef {{image_size: [number, number], extent: Box, feature_size: [number, number],
 *   stride: [number, number], cells: Box[], grid: string, scales: number, anchor_names: string[], map_strength: Record<string, number>}} Plan
 * map_strength: how much of its colour a label shows on the map */

/** The plan of another picture, as payload.py's `anchor_plan`. @param {Plan} plan @param {Size} imageSize @returns {Plan} */
export function planOf(plan, imageSize) {
  const { featureSize, stride } = Grid.named(plan.grid, imageSize);
  return { ...plan, ...picturePlanOf(plan, imageSize), feature_size: featureSize, stride };
}

/** As payload.py's `picture_plan`. @param {Pick<Plan, "image_size" | "extent">} plan @param {Size} imageSize */
export function picturePlanOf({ image_size: [, before], extent: [left] }, [height, width]) {
  const margin = -left / before; // as a share of the sides
  const extent = /** @type {Box} */ ([-margin * width, -margin * height, (1 + margin) * width, (1 + margin) * height]);
  return { image_size: /** @type {Size} */ ([height, width]), extent };
}

/** Where each anchor is on the picture and on the map. @param {Plan} plan */
export function anchorGeometry(plan) {
  const [rows, columns] = plan.feature_size;
  const [strideY, strideX] = plan.stride;
  const perCell = plan.cells.length;
  const { scales } = plan;
  const ratios = perCell / scales;
  const cellOf = (/** @type {number} */ i) => Math.floor(i / perCell);
  const place = (/** @type {number} */ i) => ({
    row: Math.floor(cellOf(i) / columns),
    col: cellOf(i) % columns,
    a: i % perCell,
  });
  return {
    rows,
    columns,
    scales,
    ratios,
    width: columns * scales,
    height: rows * ratios,
    count: rows * columns * perCell,
    place,
    /** Where it lies, in words. @param {number} i */
    words(i) {
      const { row, col, a } = place(i);
      return placeText(row, col, plan.anchor_names[a]);
    },
    /** Its box on the picture, px. @param {number} i @returns {Box} */
    box(i) {
      const { row, col, a } = place(i);
      const [x, y] = [(col + 0.5) * strideX, (row + 0.5) * strideY];
      const [x1, y1, x2, y2] = plan.cells[a];
      return [x + x1, y + y1, x + x2, y + y2];
    },
    /** Its square on the map. @param {number} i @returns {[number, number]} */
    square(i) {
      const { row, col, a } = place(i);
      return [col * scales + (a % scales), row * ratios + Math.floor(a / scales)];
    },
    /** The anchor whose square covers a point of the map; the nearest one beside it. @param {number} x @param {number} y */
    at(x, y) {
      const [sx, sy] = [clamp(Math.floor(x), 0, columns * scales - 1), clamp(Math.floor(y), 0, rows * ratios - 1)];
      const [col, row] = [Math.floor(sx / scales), Math.floor(sy / ratios)];
      return (row * columns + col) * perCell + (sy % ratios) * scales + (sx % scales);
    },
    /** A box of the picture in squares of the map. @param {Box} box @returns {Box} */
    onMap: ([x1, y1, x2, y2]) => [
      (x1 / strideX) * scales,
      (y1 / strideY) * ratios,
      (x2 / strideX) * scales,
      (y2 / strideY) * ratios,
    ],
  };
}

/** @param {string} hex "#rrggbb" */
const rgbOf = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

/**
 * One pixel an anchor, in the colour of its label; one that is positive only as the best is paler.
 * @param {ReturnType<typeof anchorGeometry>} geometry @param {Uint8Array} codes see readLabel
 * @param {Record<string, LineStyle>} styles @param {Plan} plan @param {number} [fade] how much of it all is left: 1 everything
 */
export function labelImage(geometry, codes, styles, plan, fade = 1) {
  const canvas = h("canvas", { width: geometry.width, height: geometry.height });
  const g = canvas.getContext("2d");
  const image = g.createImageData(geometry.width, geometry.height);
  const colours = LABELS.map((label) => {
    const strength = plan.map_strength[label] * fade;
    const dark = rgbOf(styles[label].casing);
    return (/** @type {boolean} */ pale) =>
      rgbOf(styles[label].color)
        .map((c) => (pale ? c + (255 - c) * 0.45 : c))
        .map((c, k) => c * strength + dark[k] * (1 - strength));
  });
  const byCode = Array.from({ length: 8 }, (_, code) => colours[LABELS.indexOf(readLabel(code))](lowQuality(code)));
  codes.forEach((code, i) => {
    const [x, y] = geometry.square(i);
    image.data.set([...byCode[code], 255], 4 * (y * geometry.width + x));
  });
  g.putImageData(image, 0, 0);
  return /** @type {HTMLCanvasElement} */ (canvas);
}

/**
 * The map as a panel: point at an anchor or walk with the arrows (Shift: a whole cell).
 * @param {{geometry: ReturnType<typeof anchorGeometry>, label: string, what: string, selected: () => number, onSelect: (i: number) => void,
 *   onPoint: (i: number) => void, onResize: () => void}} options onPoint: −1 when the mouse leaves
 */
export function mapPanel({ geometry, label, what, selected, onSelect, onPoint, onResize }) {
  const at = (/** @type {MouseEvent} */ event) => geometry.at(...panel.at(event));
  const key = arrowKeys((dx, dy, { shiftKey }) => {
    const [x, y] = geometry.square(selected());
    const [stepX, stepY] = shiftKey ? [geometry.scales, geometry.ratios] : [1, 1];
    onSelect(geometry.at(x + dx * stepX, y + dy * stepY));
  });
  const panel = new Panel({
    extent: [0, 0, geometry.width, geometry.height],
    className: "rpnviz-anchor-map rpnviz-drag",
    label,
    what,
    onResize,
    attributes: {
      tabindex: 0,
      role: "application",
      "aria-roledescription": "map of all anchors",
      keydown: key,
      ...OWN_KEYS,
      pointermove: (/** @type {PointerEvent} */ event) =>
        event.buttons & 1 ? onSelect(at(event)) : onPoint(at(event)),
      pointerleave: () => onPoint(-1),
      pointerdown: (/** @type {PointerEvent} */ event) => {
        panel.canvas.setPointerCapture(event.pointerId);
        panel.canvas.focus();
        onSelect(at(event));
        event.preventDefault();
      },
    },
  });
  return panel;
}

/**
 * The map's background: labels, the lines between cells, the objects.
 * @param {Panel} panel @param {ReturnType<typeof anchorGeometry>} geometry @param {HTMLCanvasElement} image
 * @param {{objects: {box: Box}[], style: LineStyle}} drawn
 */
export function drawMap(panel, geometry, image, { objects, style }) {
  panel.image(image, panel.extent, true);
  const { g } = panel;
  g.strokeStyle = "rgb(16 19 26 / 45%)";
  g.lineWidth = panel.unit * 0.5;
  g.beginPath();
  for (let col = 1; col < geometry.columns; col++) {
    g.moveTo(panel.x(col * geometry.scales), 0);
    g.lineTo(panel.x(col * geometry.scales), panel.canvas.height);
  }
  for (let row = 1; row < geometry.rows; row++) {
    g.moveTo(0, panel.y(row * geometry.ratios));
    g.lineTo(panel.canvas.width, panel.y(row * geometry.ratios));
  }
  g.stroke();
  for (const { box } of objects) panel.box(geometry.onMap(box), { ...style, width: 1 }, { alpha: 0.8 });
}
