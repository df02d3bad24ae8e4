// @ts-check
// Widths against heights, both logarithmic: a dot is an object, a frame with a number is a shape of anchor.
import { Panel } from "../common/canvas_panel.js";
import { clamp } from "../common/compute/boxes.js";

/** @typedef {import("../common/canvas_panel.js").LineStyle} LineStyle */
/** @typedef {import("./data.js").Sample} Sample */
/** @typedef {import("./data.js").Plan} Plan */
/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {[number, number]} Size (height, width) */
/** @typedef {{key: string, objects: number[], covered: ((i: number) => boolean) | null}} Cloud covered: null if nobody knows */

const PLANE = { width: 100, height: 70, left: 11, right: 95.5, top: 2, bottom: 64.5 };
const [LARGE, SMALL, MANY] = [2.6, 1.7, 800]; // half a dot, CSS pixels; that of many; how many that are
const REACH = 3; // within which the mouse finds a dot, of the plane
const [FRAME, RING] = [5, 7]; // half the frame of a shape, and of the object looked at, CSS pixels

/** Where the axes begin and end, px: all objects, all shapes, and some room. @param {Sample} sample @param {Plan} plan @returns {[number, number]} */
function limits(sample, plan) {
  const shapes = [...plan.shapes.map(({ size }) => size), ...plan.suggestions.flatMap((one) => one.shapes)];
  let [low, high] = [Infinity, -Infinity];
  const take = (/** @type {number} */ value) => {
    if (value > 0) [low, high] = [Math.min(low, value), Math.max(high, value)];
  };
  sample.sizes.forEach(take);
  shapes.flat().forEach(take);
  return low < high ? [low / 1.25, high * 1.25] : [8, 512];
}

/** Powers of two between two numbers, not more than there is room for. @param {number} low @param {number} high */
function ticks(low, high) {
  const [first, last] = [Math.ceil(Math.log2(low)), Math.floor(Math.log2(high))];
  const apart = Math.max(1, Math.ceil((last - first) / 9));
  const found = [];
  for (let power = first; power <= last; power += apart) found.push(2 ** power);
  return found;
}

/** The drawing; its places are those of a plane of its own, see PLANE. */
export class Scatter {
  /**
   * @param {{sample: Sample, plan: Plan, styles: Record<string, LineStyle>, attributes: Record<string, any>,
   *   onResize: () => void}} options
   */
  constructor({ sample, plan, styles, attributes, onResize }) {
    this.sample = sample;
    this.styles = styles;
    this.limits = limits(sample, plan);
    this.panel = new Panel({
      extent: [0, 0, PLANE.width, PLANE.height],
      className: "rpnviz-scatter",
      label: "Objects by width and height, with the shapes of the anchors",
      attributes,
      onResize,
    });
  }

  /** Where a size stands between the ends of an axis, 0 to 1. @param {number} size px */
  share(size) {
    const [low, high] = this.limits;
    return Math.log(clamp(size, low, high) / low) / Math.log(high / low);
  }

  /** @param {number} width px */
  x(width) {
    return PLANE.left + this.share(width) * (PLANE.right - PLANE.left);
  }

  /** @param {number} height px */
  y(height) {
    return PLANE.bottom - this.share(height) * (PLANE.bottom - PLANE.top);
  }

  /** Of an object. @param {number} i @returns {[number, number]} */
  place(i) {
    return [this.x(this.sample.width(i)), this.y(this.sample.height(i))];
  }

  /** Objects and axes, drawn anew only where there are others. @param {Cloud} cloud */
  cloud({ key, objects, covered }) {
    const { panel, styles } = this;
    const color = getComputedStyle(panel.canvas).color; // the axes' letters: those of the theme
    panel.backdrop(`${key} ${color} ${panel.unit}`, () => {
      this.#axes(color);
      if (!covered) return this.#dots(objects, styles.crosses_border, true);
      const others = objects.filter((i) => !covered(i));
      this.#dots(others, styles.negative, false);
      this.#dots(objects.filter(covered), styles.positive, true);
    });
  }

  /** @param {string} color */
  #axes(color) {
    const { g, unit } = this.panel;
    const [left, right, top, bottom] = this.#area();
    g.save();
    g.font = `${10.5 * unit}px system-ui, sans-serif`;
    g.fillStyle = color;
    g.strokeStyle = color;
    g.lineWidth = unit / 2;
    for (const tick of ticks(...this.limits)) this.#tick(tick);
    g.textBaseline = "alphabetic";
    g.textAlign = "right";
    g.fillText("width, px of the network's input", right - 4 * unit, bottom - 4 * unit);
    g.textAlign = "left";
    g.fillText("height, px", left + 4 * unit, top + 9 * unit);
    g.restore();
  }

  /** The plane's ends on the canvas: left, right, top, bottom. */
  #area() {
    const { panel } = this;
    return [panel.x(PLANE.left), panel.x(PLANE.right), panel.y(PLANE.top), panel.y(PLANE.bottom)];
  }

  /** A line of each direction, and its number. @param {number} size px */
  #tick(size) {
    const { g, unit } = this.panel;
    const [left, right, top, bottom] = this.#area();
    const [across, up] = [this.panel.x(this.x(size)), this.panel.y(this.y(size))];
    const text = size < 1 ? size.toFixed(2) : String(size);
    g.globalAlpha = 0.28;
    g.beginPath();
    g.moveTo(across, top);
    g.lineTo(across, bottom);
    g.moveTo(left, up);
    g.lineTo(right, up);
    g.stroke();
    g.globalAlpha = 1;
    g.textAlign = "center";
    g.textBaseline = "top";
    g.fillText(text, across, bottom + 3 * unit);
    g.textAlign = "right";
    g.textBaseline = "middle";
    g.fillText(text, left - 3 * unit, up);
  }

  /** Many of one kind. @param {number[]} objects @param {LineStyle} style @param {boolean} round */
  #dots(objects, { color, casing }, round) {
    const { g, unit } = this.panel;
    const half = (this.sample.count > MANY ? SMALL : LARGE) * unit;
    g.fillStyle = color;
    g.strokeStyle = casing;
    g.lineWidth = 1.2 * unit;
    g.beginPath(); // one path: every casing lies below every colour, so that a crowd keeps its colour
    for (const i of objects) {
      const [across, up] = this.place(i);
      const [x, y] = [this.panel.x(across), this.panel.y(up)];
      if (round) {
        g.moveTo(x + half, y);
        g.arc(x, y, half, 0, 2 * Math.PI);
      } else g.rect(x - half, y - half, 2 * half, 2 * half);
    }
    g.stroke();
    g.fill();
  }

  /** A square round a place. @param {number} across @param {number} up @param {number} half CSS pixels @returns {Box} */
  #square(across, up, half) {
    const by = (half * this.panel.unit) / this.panel.scale;
    return [across - by, up - by, across + by, up + by];
  }

  /** Frames of shapes, each with its number. @param {{size: Size, style: LineStyle, strong: boolean, text: string}[]} shapes */
  frames(shapes) {
    const at = shapes.map(({ size: [height, width] }) => this.#square(this.x(width), this.y(height), FRAME));
    shapes.forEach(({ style, strong }, i) => this.panel.box(at[i], { ...style, width: strong ? 2.4 : 1.4 }));
    this.panel.tags(shapes.map(({ text, style }, i) => ({ text, style, box: at[i] })));
  }

  /** Round the object that is looked at. @param {number} i */
  ring(i) {
    this.panel.box(this.#square(...this.place(i), RING), { ...this.styles.window, width: 1.6 });
  }

  /** The object nearest to a mouse event, −1 if none is near. @param {MouseEvent} event @param {number[]} objects */
  nearest(event, objects) {
    const [across, up] = this.panel.at(event);
    let [best, least] = [-1, REACH];
    for (const i of objects) {
      const [ownX, ownY] = this.place(i);
      const distance = Math.hypot(ownX - across, ownY - up);
      if (distance < least) [best, least] = [i, distance];
    }
    return best;
  }
}
