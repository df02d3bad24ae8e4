// @ts-check
// All anchors as a map (notebooks 04 and 05): each cell is split into its anchors, scales left to right, ratios top to
// bottom, so that one square is one anchor. Its unit is a cell.

import { LABELS, lowQuality, placeText, readLabel } from "./anchor.js";
import { Panel } from "./canvas_panel.js";
import { cellAnchors } from "./compute/anchors.js";
import { boxAt, clamp } from "./compute/boxes.js";
import { Grid } from "./compute/grid.js";
import { h, OWN_KEYS } from "./elements.js";
import { arrowKeys } from "./keys.js";

/** @typedef {import("./compute/boxes.js").Box} Box */
/** @typedef {import("./compute/boxes.js").Size} Size */
/** @typedef {import("./canvas_panel.js").LineStyle} LineStyle */
/** @typedef {{image_size: Size, extent: Box, feature_size: Size, stride: Size, grid: string}} GridPlan */
/** @typedef {{cells: Box[], scales: number, anchor_names: string[]}} Shapes the anchors of a cell, and how many of them are of one ratio */
/** @typedef {GridPlan & Shapes} Plan */

/**
 * The plan of another picture, as payload.py's `grid_plan`.
 * @template {GridPlan} T
 * @param {T} plan @param {Size} imageSize @returns {T}
 */
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

/** As payload.py's `shape_plan`. @param {number[]} scales @param {number[]} ratios @returns {Shapes} */
export function shapePlan(scales, ratios) {
  const short = (/** @type {number} */ value) => String(Number(value.toPrecision(6))); // as Python's :g
  const cells = cellAnchors(scales, ratios);
  return {
    cells: Array.from({ length: cells.length / 4 }, (_, a) => boxAt(cells, a)),
    scales: scales.length,
    anchor_names: ratios.flatMap((ratio) => scales.map((scale) => `scale ${short(scale)}, ratio ${short(ratio)}`)),
  };
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
    ...{ rows, columns, scales, ratios },
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
    /** Which square of the map it is, from the left and from the top. @param {number} i @returns {[number, number]} */
    square(i) {
      const { row, col, a } = place(i);
      return [col * scales + (a % scales), row * ratios + Math.floor(a / scales)];
    },
    /** A part of the map, given in squares. @param {Box} squares @returns {Box} */
    inCells: ([x1, y1, x2, y2]) => [x1 / scales, y1 / ratios, x2 / scales, y2 / ratios],
    /** The anchor of a square; of the nearest one beside the map. @param {number} x @param {number} y */
    ofSquare(x, y) {
      const [sx, sy] = [clamp(x, 0, columns * scales - 1), clamp(y, 0, rows * ratios - 1)];
      const [col, row] = [Math.floor(sx / scales), Math.floor(sy / ratios)];
      return (row * columns + col) * perCell + (sy % ratios) * scales + (sx % scales);
    },
    /** A box of the picture on the map. @param {Box} box @returns {Box} */
    onMap: ([x1, y1, x2, y2]) => [x1 / strideX, y1 / strideY, x2 / strideX, y2 / strideY],
  };
}

/** @typedef {ReturnType<typeof anchorGeometry>} Geometry */

/** @param {string} hex "#rrggbb" */
const rgbOf = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

/** A colour half way to white: that of an anchor which is positive only as the best. @param {string} hex "#rrggbb" */
export const paler = (hex) => `rgb(${rgbOf(hex).map((c) => Math.round((c + 255) / 2))})`;

/**
 * One pixel an anchor, in the colour of its label; one that is positive only as the best is paler.
 * @param {Geometry} geometry @param {Uint8Array} codes see readLabel @param {Record<string, LineStyle>} styles
 * @param {Record<string, number>} strengths how much of its colour a label shows @param {number} [fade] how much of it all is left: 1 everything
 */
export function labelImage(geometry, codes, styles, strengths, fade = 1) {
  const [width, height] = [geometry.columns * geometry.scales, geometry.rows * geometry.ratios];
  const canvas = h("canvas", { width, height });
  const g = canvas.getContext("2d");
  const image = g.createImageData(width, height);
  const colours = LABELS.map((label) => {
    const strength = strengths[label] * fade;
    const dark = rgbOf(styles[label].casing);
    return (/** @type {boolean} */ pale) =>
      rgbOf(styles[label].color)
        .map((c) => (pale ? c + (255 - c) * 0.45 : c))
        .map((c, k) => c * strength + dark[k] * (1 - strength));
  });
  const byCode = Array.from({ length: 8 }, (_, code) => colours[LABELS.indexOf(readLabel(code))](lowQuality(code)));
  codes.forEach((code, i) => {
    const [x, y] = geometry.square(i);
    image.data.set([...byCode[code], 255], 4 * (y * width + x));
  });
  g.putImageData(image, 0, 0);
  return /** @type {HTMLCanvasElement} */ (canvas);
}

/**
 * The map as a panel: point at an anchor or walk with the arrows (Shift: a whole cell).
 * @param {{geometry: () => Geometry, label: string, what: string, selected: () => number, onSelect: (i: number) => void,
 *   onPoint: (i: number) => void, onResize: () => void}} options geometry: as it stands; onPoint: −1 when the mouse leaves
 */
export function mapPanel({ geometry, label, what, selected, onSelect, onPoint, onResize }) {
  const at = (/** @type {MouseEvent} */ event) => {
    const [{ scales, ratios, ofSquare }, [x, y]] = [geometry(), panel.at(event)];
    return ofSquare(Math.floor(x * scales), Math.floor(y * ratios));
  };
  const key = arrowKeys((dx, dy, { shiftKey }) => {
    const { scales, ratios, square, ofSquare } = geometry();
    const [x, y] = square(selected());
    const [stepX, stepY] = shiftKey ? [scales, ratios] : [1, 1];
    onSelect(ofSquare(x + dx * stepX, y + dy * stepY));
  });
  const { rows, columns } = geometry();
  const panel = new Panel({
    extent: [0, 0, columns, rows],
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
 * @param {Panel} panel @param {Geometry} geometry @param {HTMLCanvasElement} image
 * @param {{objects: {box: Box}[], style: LineStyle}} drawn
 */
export function drawMap(panel, geometry, image, { objects, style }) {
  panel.image(image, panel.extent, true);
  const { g } = panel;
  g.strokeStyle = "rgb(16 19 26 / 45%)";
  g.lineWidth = panel.unit * 0.5;
  g.beginPath();
  for (let col = 1; col < geometry.columns; col++) {
    g.moveTo(panel.x(col), 0);
    g.lineTo(panel.x(col), panel.canvas.height);
  }
  for (let row = 1; row < geometry.rows; row++) {
    g.moveTo(0, panel.y(row));
    g.lineTo(panel.canvas.width, panel.y(row));
  }
  g.stroke();
  for (const { box } of objects) panel.box(geometry.onMap(box), { ...style, width: 1 }, { alpha: 0.8 });
}
