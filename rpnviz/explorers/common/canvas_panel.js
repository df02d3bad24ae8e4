// @ts-check
// Drawing on a canvas in pixels of the picture, with a margin round it: anchors overhang, and that is a lesson.
import { clamp } from "./compute/boxes.js";
import { h, svg } from "./elements.js";

/** @typedef {import("./compute/boxes.js").Box} Box */
/** @typedef {{color: string, width: number, dash: number[], casing: string}} LineStyle width and dash in CSS pixels */
/** @typedef {{palette: Record<string, string>, lines: Record<string, {width: number, dash: number[]}>, heat: string[]}} Look */

/** @typedef {{place: Box, named: boolean}} Taken what a name may not cover, in pixels of the canvas: a tag, or a box that one names */

const SOLID = /** @type {number[]} */ ([]);
const ON_A_TAG = 100; // worse than all of a box
const caseOf = (/** @type {number} */ width) => (width > THIN ? 1.6 : 0.9); // dark on both sides together: never more than the line
const THIN = 1.3;
const FAR = 0.2; // a tag's height away is as bad as a fifth of a box hidden
const LITTLE = 0.06; // so much of a box is hidden by its name without harm

/**
 * The line of each kind of box, from what Python sends: colour and stroke together, so that colour is never all there is.
 * Every line has a dark casing and so shows on any picture, in any theme.
 * @param {Look} look the trait of that name @returns {Record<string, LineStyle>}
 */
export function lineStyles({ palette, lines }) {
  const casing = palette.casing;
  const named = Object.entries(lines).map(([name, line]) => [
    name,
    { ...line, color: palette[name] || casing, casing },
  ]);
  return Object.fromEntries(named);
}

/** The line of boxes that are there but not in question, where many are drawn. @param {LineStyle} style @returns {LineStyle} */
export const thin = (style) => ({ ...style, width: 1 });

/** "182×362". @param {Box} box px of the picture */
export const sizeText = ([x1, y1, x2, y2]) => `${Math.round(x2 - x1)}×${Math.round(y2 - y1)}`;

/** A canvas that covers `extent` of the picture's plane, sharp on any display. */
export class Panel {
  /**
   * @param {{extent: Box, className: string, label: string, what?: string, attributes?: Record<string, any>,
   *   onResize: () => void}} options
   */
  constructor({ extent, className, label, what, attributes = {}, onResize }) {
    this.canvas = /** @type {HTMLCanvasElement} */ (
      h("canvas", { class: `rpnviz-panel ${className}`, "aria-label": label, what, ...attributes })
    );
    this.g = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    this.store = document.createElement("canvas");
    this.stored = "";
    this.scale = 0;
    this.unit = 1;
    this.extent = extent;
    this.setExtent(extent);
    this.redraw = onResize;
    this.lent = false;
    this.observer = new ResizeObserver(onResize);
    this.observer.observe(this.canvas);
    Object.assign(this.canvas, { rpnvizPanel: this }); // saved_picture.js finds it there
  }

  /** @param {Box} extent */
  setExtent(extent) {
    this.extent = extent;
    this.canvas.style.aspectRatio = `${extent[2] - extent[0]} / ${extent[3] - extent[1]}`;
  }

  /** Fit the canvas to its place in the page and clear it; false while it has no size (a hidden tab). */
  begin() {
    const ratio = window.devicePixelRatio || 1;
    const width = Math.round(this.canvas.clientWidth * ratio);
    const height = Math.round(this.canvas.clientHeight * ratio);
    if (!width || !height) return false;
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    this.scale = width / (this.extent[2] - this.extent[0]);
    const inLecture = this.canvas.closest(".rpnviz-lecture") !== null; // all letters of one size, of the screen's height
    this.unit = ratio * (inLecture ? window.innerHeight / 550 : clamp(this.canvas.clientWidth / 520, 1, 1.8)); // lines and letters grow with the room
    this.g.clearRect(0, 0, width, height);
    return true;
  }

  /** Draw once into another context, in pixels of this canvas. @param {CanvasRenderingContext2D} g */
  async drawInto(g) {
    const front = this.g;
    [this.g, this.lent] = [g, true];
    this.redraw();
    await Promise.resolve(); // most views draw in a microtask
    [this.g, this.lent] = [front, false];
  }

  /** @param {number} x */
  x(x) {
    return (x - this.extent[0]) * this.scale;
  }

  /** @param {number} y */
  y(y) {
    return (y - this.extent[1]) * this.scale;
  }

  /** Where in the picture's plane a mouse event is. @param {MouseEvent} event @returns {[number, number]} */
  at(event) {
    const { left, top, width } = this.canvas.getBoundingClientRect();
    const perPixel = (this.extent[2] - this.extent[0]) / width;
    return [this.extent[0] + (event.clientX - left) * perPixel, this.extent[1] + (event.clientY - top) * perPixel];
  }

  /**
   * Draw what stays the same from step to step once, and copy it while `key` and size are the same.
   * @param {string} key @param {() => void} draw
   */
  backdrop(key, draw) {
    if (this.lent) return draw();
    const { width, height } = this.canvas;
    const stamp = `${key} ${width}×${height}`;
    if (stamp !== this.stored) {
      const front = this.g;
      this.store.width = width;
      this.store.height = height;
      this.g = /** @type {CanvasRenderingContext2D} */ (this.store.getContext("2d"));
      draw();
      this.g = front;
      this.stored = stamp;
    }
    this.g.drawImage(this.store, 0, 0);
  }

  /**
   * Draw a bitmap over a box. A feature map keeps its cells: pixelated.
   * @param {CanvasImageSource} bitmap @param {Box} box @param {boolean} [pixelated]
   */
  image(bitmap, [x1, y1, x2, y2], pixelated = false) {
    this.g.imageSmoothingEnabled = !pixelated;
    this.g.imageSmoothingQuality = "high";
    this.g.drawImage(bitmap, this.x(x1), this.y(y1), (x2 - x1) * this.scale, (y2 - y1) * this.scale);
  }

  /**
   * A box with its dark casing. @param {Box} box @param {LineStyle} style
   * @param {{alpha?: number, strong?: boolean, fill?: number}} [options] strong: stands out; fill: opacity of its inside
   */
  box([x1, y1, x2, y2], { color, width, dash, casing }, { alpha = 1, strong = false, fill = 0 } = {}) {
    const { g, unit } = this;
    const line = (strong ? Math.max(width, 1.6) * 1.6 : width) * unit;
    const rect = /** @type {Box} */ ([this.x(x1), this.y(y1), (x2 - x1) * this.scale, (y2 - y1) * this.scale]);
    g.save();
    if (fill) {
      g.globalAlpha = fill;
      g.fillStyle = color;
      g.fillRect(...rect);
    }
    g.globalAlpha = line > THIN * unit ? alpha : 0.6 * alpha;
    g.strokeStyle = casing;
    g.lineWidth = line + caseOf(line / unit) * unit;
    g.strokeRect(...rect);
    g.globalAlpha = alpha;
    g.strokeStyle = color;
    g.lineWidth = line;
    g.setLineDash(dash.map((length) => length * unit));
    g.strokeRect(...rect);
    g.restore();
  }

  /** A box full of one colour. @param {Box} box @param {string} color */
  fill([x1, y1, x2, y2], color) {
    this.g.fillStyle = color;
    this.g.fillRect(this.x(x1), this.y(y1), (x2 - x1) * this.scale, (y2 - y1) * this.scale);
  }

  /** A cased dot. @param {number} x @param {number} y @param {LineStyle} style @param {number} [radius] CSS pixels */
  dot(x, y, { color, casing }, radius = 2.6) {
    const { g, unit } = this;
    g.beginPath();
    g.arc(this.x(x), this.y(y), radius * unit, 0, 2 * Math.PI);
    g.fillStyle = color;
    g.strokeStyle = casing;
    g.lineWidth = 1.4 * unit;
    g.stroke();
    g.fill();
  }

  /** A cased straight line. @param {[number, number]} from @param {[number, number]} to @param {LineStyle} style */
  line(from, to, { color, width, dash, casing }) {
    const { g, unit } = this;
    for (const [stroke, extra, pattern] of /** @type {[string, number, number[]][]} */ ([
      [casing, caseOf(width), SOLID],
      [color, 0, dash],
    ])) {
      g.strokeStyle = stroke;
      g.lineWidth = (width + extra) * unit;
      g.setLineDash(pattern.map((length) => length * unit));
      g.beginPath();
      g.moveTo(this.x(from[0]), this.y(from[1]));
      g.lineTo(this.x(to[0]), this.y(to[1]));
      g.stroke();
    }
    g.setLineDash(SOLID);
  }

  /**
   * Names at boxes: never cut by the edge of the canvas, never one over another or over what is named while there is room.
   * @param {{text: string, box: Box, style: LineStyle}[]} tags
   * @param {Taken[]} [taken] what is occupied already; the result of an earlier call; grows
   */
  tags(tags, taken = []) {
    taken.push(...tags.map(({ box }) => ({ place: this.#onCanvas(box), named: true })));
    const { g, unit } = this;
    g.save();
    g.font = `600 ${10.5 * unit}px system-ui, sans-serif`;
    g.textBaseline = "middle";
    const height = 14 * unit;
    for (const { text, box, style } of tags) {
      const width = g.measureText(text).width + 8 * unit;
      const place = this.#place(box, width, height, taken);
      taken.push({ place, named: false });
      g.fillStyle = style.casing;
      g.fillRect(place[0] - unit, place[1] - unit, width + 2 * unit, height + 2 * unit);
      g.fillStyle = style.color;
      g.fillRect(place[0], place[1], width, height);
      g.fillStyle = style.casing;
      g.fillText(text, place[0] + 4 * unit, place[1] + height / 2 + unit / 2);
    }
    g.restore();
    return taken;
  }

  /** A box in pixels of the canvas, as far as it shows. @param {Box} box @returns {Box} */
  #onCanvas(box) {
    const edge = 2 * this.unit;
    const [x1, x2] = [box[0], box[2]].map((x) => clamp(this.x(x), edge, this.canvas.width - edge));
    const [y1, y2] = [box[1], box[3]].map((y) => clamp(this.y(y), edge, this.canvas.height - edge));
    return [x1, y1, x2, y2];
  }

  /** The first place that costs least. @param {Box} box @param {number} width @param {number} height @param {Taken[]} taken @returns {Box} */
  #place(box, width, height, taken) {
    const [gap, edge] = [3 * this.unit, 2 * this.unit];
    const [right, bottom] = [this.canvas.width - edge - width, this.canvas.height - edge - height];
    const [x1, y1, x2, y2] = this.#onCanvas(box);
    const columns = [x1, x2 - width, (x1 + x2 - width) / 2];
    const rows = [y1 - height - gap, y2 + gap];
    const inside = [y1 + gap, y2 - height - gap];
    const sides = [x2 + gap, x1 - width - gap].flatMap((x) => [y1, y2 - height].map((y) => [x, y]));
    const across = (/** @type {number[]} */ some) => some.flatMap((y) => columns.map((x) => [x, y]));
    const places = [...across(rows), ...sides, ...across(inside)];
    for (let y = y1; y < bottom; y += height + edge) places.push(...across([y])); // then anywhere down its side
    let [best, least] = [/** @type {Box} */ ([0, 0, 0, 0]), Infinity];
    for (const [x, y] of places) {
      const [left, top] = [clamp(x, edge, right), clamp(y, edge, bottom)];
      const place = /** @type {Box} */ ([left, top, left + width, top + height]);
      const far = Math.max(place[1] - y2 - gap, 0) / height; // below what it names, in heights of a tag
      const cost = taken.reduce((sum, other) => sum + costOf(place, other, gap), FAR * far);
      if (cost < least) [best, least] = [place, cost];
      if (cost === 0) break;
    }
    return best;
  }

  destroy() {
    this.observer.disconnect();
  }
}

/** What it costs to lie on another tag, or on what is named: the share of it that is covered. @param {Box} a @param {Taken} taken @param {number} gap */
function costOf(a, { place: b, named }, gap) {
  const apart = named ? 0 : gap;
  const wide = Math.min(a[2], b[2]) - Math.max(a[0], b[0]) + apart;
  const high = Math.min(a[3], b[3]) - Math.max(a[1], b[1]) + apart;
  if (wide <= 0 || high <= 0) return 0;
  if (!named) return ON_A_TAG;
  const share = (wide * high) / Math.max((b[2] - b[0]) * (b[3] - b[1]), 1);
  return share < LITTLE ? 0 : share;
}

/**
 * Which box's outline is nearest to a point, −1 if none within `reach`.
 * @param {(Box | null)[]} boxes null: not to be found @param {number} x @param {number} y @param {number} reach picture px
 */
export function nearestOutline(boxes, x, y, reach) {
  let best = -1;
  let least = reach;
  boxes.forEach((box, i) => {
    if (!box) return;
    const outside = Math.hypot(Math.max(box[0] - x, 0, x - box[2]), Math.max(box[1] - y, 0, y - box[3]));
    const inside = Math.min(x - box[0], box[2] - x, y - box[1], box[3] - y);
    const distance = inside > 0 ? inside : outside;
    if (distance < least) [best, least] = [i, distance];
  });
  return best;
}

/**
 * A feature map as a small canvas, one pixel a cell.
 * @param {Uint8Array} values 0 … 255, row by row @param {number} rows @param {number} columns
 * @param {string[]} stops hex colours of the colour map, evenly spaced (look.heat)
 */
export function heatImage(values, rows, columns, stops) {
  const canvas = h("canvas", { width: columns, height: rows });
  const g = canvas.getContext("2d");
  const image = g.createImageData(columns, rows);
  const rgb = stops.map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  values.forEach((value, i) => {
    const place = (value / 255) * (rgb.length - 1);
    const low = Math.min(Math.floor(place), rgb.length - 2);
    const part = place - low;
    for (let k = 0; k < 3; k++) image.data[4 * i + k] = rgb[low][k] + (rgb[low + 1][k] - rgb[low][k]) * part;
    image.data[4 * i + 3] = 255;
  });
  g.putImageData(image, 0, 0);
  return /** @type {HTMLCanvasElement} */ (canvas);
}

/**
 * A short piece of a line, for legends and table rows.
 * @param {LineStyle} style @param {{length?: number}} [options]
 */
export function swatch(style, { length = 22 } = {}) {
  const paths = [0, 1].map(() => svg("path", { d: `M1 5H${length - 1}` }));
  const element = svg(
    "svg",
    { class: "rpnviz-swatch", width: length, height: 10, viewBox: `0 0 ${length} 10`, "aria-hidden": "true" },
    ...paths,
  );
  restyle(element, style);
  return element;
}

/**
 * The outline of an anchor, small: in tables a shape is told by itself.
 * @param {Box} box @param {number} longest side of the largest of them, px of the picture @param {number} [size] px of the page
 */
export function shapeMark([x1, y1, x2, y2], longest, size = 18) {
  const [wide, high] = [x2 - x1, y2 - y1].map((side) => Math.max(((size - 2) * side) / longest, 1.5));
  const rect = { x: (size - wide) / 2, y: (size - high) / 2, width: wide, height: high };
  const places = Object.fromEntries(Object.entries(rect).map(([name, value]) => [name, value.toFixed(1)]));
  const all = {
    class: "rpnviz-shape",
    width: size,
    height: size,
    viewBox: `0 0 ${size} ${size}`,
    "aria-hidden": "true",
  };
  return svg("svg", all, svg("rect", places));
}

/** Give a swatch another line. @param {Element} element @param {LineStyle} style */
export function restyle(element, { color, width, dash, casing }) {
  const [under, line] = element.children;
  under.setAttribute("stroke", casing);
  under.setAttribute("stroke-width", String(width + caseOf(width)));
  line.setAttribute("stroke-width", String(width));
  line.setAttribute("stroke", color);
  line.setAttribute("stroke-dasharray", dash.join(" "));
}
