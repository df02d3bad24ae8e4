// @ts-check
// Curves over the steps of a training, with a cursor. SVG, so that letters, lines and colours are the page's own.
import { clamp } from "./compute/boxes.js";
import { svg } from "./elements.js";
import { thousands } from "./format.js";

/** @typedef {import("./canvas_panel.js").LineStyle} LineStyle */
/** @typedef {{line: LineStyle, x: ArrayLike<number>, y: ArrayLike<number>, raw?: ArrayLike<number>, strong?: boolean}} Curve
 *   raw: drawn thin behind the curve */

const HEADROOM = 1.3; // above the curve, for single steps; what is still higher is cut off

/** The least round number at or above a value: 0.68 → 0.8. @param {number} value @param {number[]} [round] */
export function roundAbove(value, round = [1, 2, 4, 6, 8, 10]) {
  const unit = 10 ** Math.floor(Math.log10(value || 1));
  return unit * (round.find((step) => step * unit >= value * (1 - 1e-9)) || 10);
}

/**
 * Where the x axis has numbers. @param {number} steps @param {boolean} logarithmic
 */
export function stepTicks(steps, logarithmic) {
  if (logarithmic) return [0, 10, 100, 1000, 10000].filter((tick) => tick * 1.8 < steps).concat(steps);
  const apart = Math.max(1, roundAbove(steps / 6, [1, 2, 5, 10])); // there is no half step
  return Array.from({ length: Math.floor(steps / apart) + 1 }, (_, i) => i * apart);
}

/** 0.5 → "0.5", 0.25 → "0.25", 1 → "1". @param {number} value */
const short = (value) => String(Number(value.toFixed(3)));

/** A curve and its casing; both dashed, so that gaps are gaps. @param {string} d @param {LineStyle} line @param {number} width */
function strokes(d, { color, casing, dash }, width) {
  const dashes = { d, "stroke-dasharray": dash.join(" ") };
  return [
    svg("path", { ...dashes, stroke: casing, "stroke-width": width + 1 }),
    svg("path", { ...dashes, stroke: color, "stroke-width": width }),
  ];
}

/** A short piece of a curve, for legends. @param {LineStyle} line */
export function curveSwatch(line) {
  const root = svg("svg", { class: "rpnviz-swatch", width: 18, height: 10, "aria-hidden": "true" });
  root.append(...strokes("M0 5H18", line, line.width));
  return root;
}

/** @typedef {(value: number) => number} Scale from a value to a place on the chart, px */

/** @param {ArrayLike<number>} xs @param {ArrayLike<number>} ys @param {Scale} x @param {Scale} y */
function path(xs, ys, x, y) {
  let d = "";
  for (let i = 0; i < ys.length; i++) d += `${i ? "L" : "M"}${x(xs[i]).toFixed(1)} ${y(ys[i]).toFixed(1)}`;
  return d;
}

/** The single steps, thin. @param {Curve[]} curves @param {Scale} x @param {Scale} y */
function behind(curves, x, y) {
  const look = { "stroke-width": 0.8, opacity: 0.55 };
  return curves.flatMap(({ line, x: xs, raw }) =>
    raw ? [svg("path", { d: path(xs, raw, x, y), stroke: line.color, ...look })] : [],
  );
}

/** @param {Curve[]} curves @param {Scale} x @param {Scale} y */
const inFront = (curves, x, y) =>
  curves.flatMap(({ line, x: xs, y: ys, strong }) =>
    strokes(path(xs, ys, x, y), line, strong ? line.width * 1.5 : line.width),
  );

/** What the y axis must have room for. @param {Curve[]} curves */
function highest(curves) {
  let most = 0;
  for (const { y, raw } of curves)
    for (const value of Array.from(y)) most = Math.max(most, raw ? HEADROOM * value : value);
  return most;
}

/** Hear where it is pressed, and while that moves. @param {SVGElement} root @param {(pixels: number) => void} hear from the left */
function hearDrag(root, hear) {
  const at = (/** @type {PointerEvent} */ event) => hear(event.clientX - root.getBoundingClientRect().left);
  root.classList.add("rpnviz-pickable");
  root.addEventListener("pointerdown", (event) => {
    root.setPointerCapture(event.pointerId);
    at(event);
  });
  root.addEventListener("pointermove", (event) => root.hasPointerCapture(event.pointerId) && at(event));
}

/**
 * @param {{label: string, what: string, steps: number, top?: number, logarithmic?: boolean, onPick?: (step: number) => void,
 *   onResize: () => void}} options top: of the y axis, if not what the curves need; onPick: hears where it is pressed
 */
export function chart({ label, what, steps, top, logarithmic = false, onPick, onResize }) {
  const root = svg("svg", { class: "rpnviz-chart", role: "img", "aria-label": label, "data-what": what });
  const [grid, curves, cursor] = [svg("g", {}), svg("g", {}), svg("path", { class: "rpnviz-cursor" })];
  root.append(grid, curves, cursor);
  const bend = logarithmic ? Math.log1p : (/** @type {number} */ step) => step;
  const unbend = logarithmic ? Math.expm1 : (/** @type {number} */ place) => place;
  let area = { left: 0, right: 1, top: 0, bottom: 1 };
  const x = (/** @type {number} */ step) => area.left + (area.right - area.left) * (bend(step) / bend(steps));
  const observer = new ResizeObserver(onResize);
  observer.observe(root);

  if (onPick) {
    hearDrag(root, (pixels) => {
      const share = (pixels - area.left) / (area.right - area.left);
      onPick(unbend(clamp(share, 0, 1) * bend(steps)));
    });
  }

  return {
    element: root,
    /** @param {Curve[]} drawn */
    draw(drawn) {
      const [width, height] = [root.clientWidth, root.clientHeight];
      if (!width || !height) return;
      const em = parseFloat(getComputedStyle(root).fontSize);
      area = { left: 3.1 * em, right: width - 1.6 * em, top: 0.6 * em, bottom: height - 1.5 * em };
      const end = top || roundAbove(highest(drawn) || 1);
      const y = (/** @type {number} */ value) => area.bottom - (area.bottom - area.top) * clamp(value / end, 0, 1);
      grid.replaceChildren();
      for (const value of [0, end / 2, end]) {
        grid.append(svg("path", { d: `M${area.left} ${y(value)}H${area.right}` }));
        grid.append(
          svg("text", { x: area.left - 0.5 * em, y: y(value) + 0.35 * em, "text-anchor": "end" }, short(value)),
        );
      }
      for (const tick of stepTicks(steps, logarithmic)) {
        grid.append(svg("path", { d: `M${x(tick)} ${area.bottom}v${0.3 * em}` }));
        grid.append(svg("text", { x: x(tick), y: area.bottom + 1.3 * em, "text-anchor": "middle" }, thousands(tick)));
      }
      curves.replaceChildren(...behind(drawn, x, y), ...inFront(drawn, x, y));
    },
    /** Put the cursor at a step. @param {number} step */
    point(step) {
      cursor.setAttribute("d", `M${x(step)} ${area.top}V${area.bottom}`);
    },
    destroy: () => observer.disconnect(),
  };
}
