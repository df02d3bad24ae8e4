// @ts-check
// A box on a picture that can be dragged by its inside or a corner, and moved by keys (notebooks 04 and 06).
import { clamp, sides } from "./compute/boxes.js";
import { h, OWN_KEYS } from "./elements.js";
import { pixels } from "./format.js";
import { arrowKeys } from "./keys.js";

/** @typedef {import("./compute/boxes.js").Box} Box */

export const SMALLEST = 8; // px: a box that can still be gripped
const STEP = 2; // px of one key press
const CORNERS = ["00", "20", "02", "22"]; // which x and which y of [x1, y1, x2, y2] a grip moves: x at 0 or 2, y one further
export const EVERYWHERE = /** @type {Box} */ ([-Infinity, -Infinity, Infinity, Infinity]);

/** @typedef {{within: Box, snap: (pixels: number) => number}} Room */

/** The box moved, no farther than its room. @param {Box} box @param {number} dx @param {number} dy @param {Room} room */
function shifted([x1, y1, x2, y2], dx, dy, { within, snap }) {
  const x = clamp(snap(x1 + dx), within[0], within[2] - (x2 - x1));
  const y = clamp(snap(y1 + dy), within[1], within[3] - (y2 - y1));
  return /** @type {Box} */ ([x, y, x + x2 - x1, y + y2 - y1]);
}

/** The box with one corner moved. @param {Box} box @param {string} corner @param {number} dx @param {number} dy @param {Room} room */
function pulled(box, corner, dx, dy, { within, snap }) {
  const result = /** @type {Box} */ ([...box]);
  for (const [i, d] of /** @type {[number, number][]} */ ([
    [Number(corner[0]), dx],
    [Number(corner[1]) + 1, dy],
  ])) {
    const at = snap(box[i] + d);
    const other = box[(i + 2) % 4]; // the edge across
    result[i] = i < 2 ? clamp(at, within[i], other - SMALLEST) : clamp(at, other + SMALLEST, within[i]);
  }
  return result;
}

/**
 * A box to grip: an element over the canvas, with its keys, its name and four corners. The canvas below draws it.
 * @param {{name: string, what: string, panel: import("./canvas_panel.js").Panel, get: () => Box, move: (box: Box) => void,
 *   snap?: (pixels: number) => number, within?: () => Box}} options snap: edges come to rest there; within: the panel if left out
 */
export function movable({ name, what, panel, get, move, snap = Math.round, within }) {
  const room = () => ({ within: within?.() || panel.extent, snap });
  /** @type {{corner: string | null, from: [number, number], box: Box} | null} */
  let grip = null;
  const down = (/** @type {PointerEvent} */ event) => {
    const corner = /** @type {Element} */ (event.target).getAttribute("data-corner");
    grip = { corner, from: panel.at(event), box: get() };
    element.setPointerCapture(event.pointerId);
    element.focus();
    event.preventDefault();
  };
  const drag = (/** @type {PointerEvent} */ event) => {
    if (!grip) return;
    const [dx, dy] = panel.at(event).map((value, axis) => value - /** @type {any} */ (grip).from[axis]);
    move(grip.corner ? pulled(grip.box, grip.corner, dx, dy, room()) : shifted(grip.box, dx, dy, room()));
  };
  const key = arrowKeys((dx, dy, { shiftKey }) =>
    move(shiftKey ? pulled(get(), "22", dx * STEP, dy * STEP, room()) : shifted(get(), dx * STEP, dy * STEP, room())),
  );
  const stop = () => (grip = null);
  const element = h(
    "div",
    {
      class: "rpnviz-movable",
      tabindex: 0,
      role: "application",
      "aria-roledescription": "movable box",
      what,
      pointerdown: down,
      pointermove: drag,
      pointerup: stop,
      pointercancel: stop,
      keydown: key,
      ...OWN_KEYS,
    },
    ...CORNERS.map((corner) => h("i", { "data-corner": corner })),
  );
  return {
    element,
    /**
     * @param {Box} box @param {number} level the smaller box lies on top, or it could not be gripped inside the larger
     * @param {string} [called]
     */
    place(box, level, called = name) {
      const { extent } = panel;
      const [width, height] = sides(extent);
      const percent = (/** @type {number} */ value, /** @type {number} */ whole) => `${(100 * value) / whole}%`;
      const [w, hgt] = sides(box);
      const at = { left: percent(box[0] - extent[0], width), top: percent(box[1] - extent[1], height) };
      Object.assign(element.style, at, { width: percent(w, width), height: percent(hgt, height), zIndex: level });
      element.setAttribute(
        "aria-label",
        `${called}: ${pixels(w)} by ${pixels(hgt)}, left ${pixels(box[0])}, top ${pixels(box[1])}`,
      );
    },
  };
}
