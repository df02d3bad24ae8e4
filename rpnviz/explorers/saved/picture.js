// @ts-check
// An explorer's panels as a picture to keep: SVG with real lines, boxes and letters over the embedded photo, and PNG made
// of that. Panels draw once more into a context that writes SVG; charts are SVG already.
import { h } from "../common/elements.js";

/** @typedef {import("../common/canvas_panel.js").Panel} Panel */

const SVG_SPACE = "http://www.w3.org/2000/svg";
const FONT = "system-ui, sans-serif";
const BETWEEN = 16; // px between the panels and round them
const [TITLE, TEXT, NAME] = [20, 14, 13]; // sizes of letters

/** Letters that XML cannot hold, whatever they are escaped to. @param {string} text */
const legible = (text) =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the letters that are looked for
  text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu, "\ufffd");

/** @param {string} tag @param {Record<string, any>} attributes @param {...(Node | string)} children */
function node(tag, attributes, ...children) {
  const element = document.createElementNS(SVG_SPACE, tag);
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined) element.setAttribute(name, String(value));
  element.append(...children.map((child) => (typeof child === "string" ? legible(child) : child)));
  return element;
}

/** Two decimals are finer than any display. @param {number} value */
const two = (value) => Math.round(value * 100) / 100;

const probe = /** @type {CanvasRenderingContext2D} */ (
  h("canvas", { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true })
);
const known = /** @type {Map<string, [string, number]>} */ (new Map());

/** Any CSS colour as "#rrggbb" and an opacity, which every program reads. @param {string} color @returns {[string, number]} */
function plainColour(color) {
  let plain = known.get(color);
  if (!plain) {
    probe.clearRect(0, 0, 1, 1);
    probe.fillStyle = color;
    probe.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = probe.getImageData(0, 0, 1, 1).data;
    plain = [`#${[red, green, blue].map((part) => part.toString(16).padStart(2, "0")).join("")}`, two(alpha / 255)];
    known.set(color, plain);
  }
  return plain;
}

/** A piece of a bitmap as a data: address. @param {CanvasImageSource} source @param {number[]} piece x, y, width, height */
function pictureAddress(source, [x, y, width, height]) {
  const canvas = h("canvas", { width: Math.max(1, Math.round(width)), height: Math.max(1, Math.round(height)) });
  const g = canvas.getContext("2d", { willReadFrequently: true });
  g.drawImage(source, x, y, width, height, 0, 0, canvas.width, canvas.height);
  const { data } = g.getImageData(0, 0, canvas.width, canvas.height);
  const photo =
    data.length > 200_000 &&
    data.every((/** @type {number} */ value, /** @type {number} */ i) => i % 4 < 3 || value === 255);
  return canvas.toDataURL(photo ? "image/jpeg" : "image/png", 0.92);
}

/** As much of CanvasRenderingContext2D as the panels use, writing SVG elements; a test compares the two. */
export class SvgContext {
  fillStyle = "black";
  strokeStyle = "black";
  lineWidth = 1;
  globalAlpha = 1;
  font = `10px ${FONT}`;
  textAlign = "start";
  textBaseline = "alphabetic";
  imageSmoothingEnabled = true;
  imageSmoothingQuality = "low";
  /** @type {number[]} */
  dash = [];
  path = "";
  /** @type {Record<string, any>[]} */
  saved = [];

  /** @param {Element} into */
  constructor(into) {
    this.into = into;
  }

  save() {
    const {
      fillStyle,
      strokeStyle,
      lineWidth,
      globalAlpha,
      font,
      textAlign,
      textBaseline,
      imageSmoothingEnabled,
      dash,
    } = this;
    this.saved.push({
      fillStyle,
      strokeStyle,
      lineWidth,
      globalAlpha,
      font,
      textAlign,
      textBaseline,
      imageSmoothingEnabled,
      dash,
    });
  }

  restore() {
    Object.assign(this, this.saved.pop());
  }

  /** @param {number[]} dash */
  setLineDash(dash) {
    this.dash = dash;
  }

  clearRect() {} // only ever the whole, before anything is drawn

  beginPath() {
    this.path = "";
  }

  /** @param {number} x @param {number} y */
  moveTo(x, y) {
    this.path += `M${two(x)} ${two(y)}`;
  }

  /** @param {number} x @param {number} y */
  lineTo(x, y) {
    this.path += `L${two(x)} ${two(y)}`;
  }

  /** @param {number} x @param {number} y @param {number} width @param {number} height */
  rect(x, y, width, height) {
    this.path += `M${two(x)} ${two(y)}h${two(width)}v${two(height)}h${two(-width)}z`;
  }

  /** Always a whole circle. @param {number} x @param {number} y @param {number} radius */
  arc(x, y, radius) {
    const half = (/** @type {number} */ to) => `a${two(radius)} ${two(radius)} 0 1 1 ${two(to)} 0`;
    this.path += `M${two(x - radius)} ${two(y)}${half(2 * radius)}${half(-2 * radius)}z`;
  }

  #filled() {
    const [fill, opacity] = plainColour(this.fillStyle);
    return { fill, "fill-opacity": opacity * this.globalAlpha < 1 ? two(opacity * this.globalAlpha) : undefined };
  }

  #stroked() {
    const [stroke, opacity] = plainColour(this.strokeStyle);
    return {
      fill: "none",
      stroke,
      "stroke-width": two(this.lineWidth),
      "stroke-opacity": opacity * this.globalAlpha < 1 ? two(opacity * this.globalAlpha) : undefined,
      "stroke-dasharray": this.dash.length ? this.dash.map(two).join(" ") : undefined,
    };
  }

  /** Nothing that cannot be seen. @param {string} tag @param {Record<string, any>} attributes @param {...string} text */
  #add(tag, attributes, ...text) {
    if (attributes["fill-opacity"] === 0 || attributes["stroke-opacity"] === 0) return;
    this.into.append(node(tag, attributes, ...text));
  }

  fill() {
    this.#add("path", { d: this.path, ...this.#filled() });
  }

  stroke() {
    this.#add("path", { d: this.path, ...this.#stroked() });
  }

  /** @param {number} x @param {number} y @param {number} width @param {number} height */
  fillRect(x, y, width, height) {
    this.#add("rect", { ...upright(x, y, width, height), ...this.#filled() });
  }

  /** @param {number} x @param {number} y @param {number} width @param {number} height */
  strokeRect(x, y, width, height) {
    this.#add("rect", { ...upright(x, y, width, height), ...this.#stroked() });
  }

  /** @param {string} text */
  measureText(text) {
    probe.font = this.font;
    return probe.measureText(text);
  }

  /** @param {string} text @param {number} x @param {number} y */
  fillText(text, x, y) {
    const [, weight, size] = /^(?:(\d+) )?([\d.]+)px/.exec(this.font) || [];
    const anchor = /** @type {Record<string, string>} */ ({ center: "middle", end: "end", right: "end" })[
      this.textAlign
    ];
    const middle = this.textBaseline === "middle" ? 0.35 * Number(size) : 0; // few programs read dominant-baseline
    const at = {
      x: two(x),
      y: two(y + middle),
      "font-size": two(Number(size)),
      "font-weight": weight,
      "text-anchor": anchor,
    };
    this.#add("text", { ...at, "font-family": FONT, ...this.#filled() }, text);
  }

  /** The three forms of drawImage. @param {any} source @param {number[]} numbers */
  drawImage(source, ...numbers) {
    const whole = [0, 0, source.width, source.height];
    const [piece, to] = numbers.length > 4 ? [numbers.slice(0, 4), numbers.slice(4)] : [whole, numbers];
    const [x, y, width = source.width, height = source.height] = to;
    // Pieces may reach beyond the bitmap; what is not there is not drawn.
    const [left, top] = [Math.max(piece[0], 0), Math.max(piece[1], 0)];
    const [right, bottom] = [Math.min(piece[0] + piece[2], source.width), Math.min(piece[1] + piece[3], source.height)];
    if (!(right > left && bottom > top)) return;
    const [wide, high] = [width / piece[2], height / piece[3]];
    this.into.append(
      node("image", {
        ...upright(
          x + (left - piece[0]) * wide,
          y + (top - piece[1]) * high,
          (right - left) * wide,
          (bottom - top) * high,
        ),
        preserveAspectRatio: "none",
        "image-rendering": this.imageSmoothingEnabled ? undefined : "pixelated",
        opacity: this.globalAlpha < 1 ? two(this.globalAlpha) : undefined,
        href: pictureAddress(source, [left, top, right - left, bottom - top]),
      }),
    );
  }
}

/** A rectangle may be given by any of its corners; SVG wants the upper left. @param {number} x @param {number} y @param {number} width @param {number} height */
const upright = (x, y, width, height) => ({
  x: two(Math.min(x, x + width)),
  y: two(Math.min(y, y + height)),
  width: two(Math.abs(width)),
  height: two(Math.abs(height)),
});

const CHART_LOOKS = [
  "stroke-width",
  "stroke-dasharray",
  "stroke-linejoin",
  "stroke-opacity",
  "fill-opacity",
  "opacity",
  "font-size",
  "font-weight",
  "text-anchor",
];

/** A chart with what the style sheet says of it written into it. @param {Element} chart */
function plainChart(chart) {
  const copy = /** @type {Element} */ (chart.cloneNode(true));
  const originals = [chart, ...chart.querySelectorAll("*")];
  [copy, ...copy.querySelectorAll("*")].forEach((element, i) => {
    const look = getComputedStyle(originals[i]);
    for (const { name } of [...element.attributes])
      if (/^(class|style|role|tabindex|aria-.*|data-.*|on.*)$/.test(name)) element.removeAttribute(name);
    for (const name of CHART_LOOKS) element.setAttribute(name, look.getPropertyValue(name).replaceAll("px", ""));
    for (const name of ["fill", "stroke"]) {
      const [color, opacity] =
        look.getPropertyValue(name) === "none" ? ["none", 1] : plainColour(look.getPropertyValue(name));
      element.setAttribute(name, color);
      if (opacity < 1) element.setAttribute(`${name}-opacity`, String(opacity));
    }
    if (element.localName === "text") element.setAttribute("font-family", FONT);
    if (look.display === "none") element.setAttribute("display", "none");
  });
  return [...copy.childNodes];
}

/** Lines no longer than `width`. @param {string} text @param {number} width @param {string} font */
function wrapped(text, width, font) {
  probe.font = font;
  const lines = [""];
  for (const word of text.split(/\s+/)) {
    const longer = `${lines[lines.length - 1]} ${word}`.trim();
    if (probe.measureText(longer).width <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** Where the panels stand on the page, as rows of panels side by side. @param {HTMLElement} root */
function panelRows(root) {
  const shown = [...root.querySelectorAll("canvas.rpnviz-panel, svg[aria-label]")].filter(
    (panel) => panel.clientWidth && panel.clientHeight,
  );
  const placed = shown
    .map((panel) => ({ panel, at: panel.getBoundingClientRect() }))
    .sort((a, b) => a.at.top - b.at.top);
  const rows = /** @type {(typeof placed)[]} */ ([]);
  let bottom = -Infinity;
  for (const one of placed) {
    if (one.at.top >= bottom - 4) rows.push([]);
    rows[rows.length - 1].push(one);
    bottom = Math.max(bottom, one.at.bottom);
  }
  return rows.map((row) => row.sort((a, b) => a.at.left - b.at.left).map(({ panel }) => panel));
}

/**
 * The explorer's panels as they are now, with its title and the sentence that says what is seen: an SVG document.
 * @param {HTMLElement} root of the explorer
 */
export async function pictureOf(root) {
  const look = getComputedStyle(root);
  const [ink, paper] = [plainColour(look.color)[0], plainColour(look.backgroundColor)[0]];
  const title = root.getAttribute("aria-label") || "";
  const rows = panelRows(root);
  const widthOf = (/** @type {Element[]} */ row) =>
    row.reduce((sum, { clientWidth }) => sum + clientWidth + BETWEEN, BETWEEN);
  const width = Math.max(480, ...rows.map(widthOf));
  const body = node("g", {});
  const letters = (
    /** @type {number} */ x,
    /** @type {number} */ y,
    /** @type {number} */ size,
    /** @type {string} */ text,
    weight = 400,
  ) => node("text", { x, y, fill: ink, "font-family": FONT, "font-size": size, "font-weight": weight }, text);
  body.append(letters(BETWEEN, BETWEEN + TITLE, TITLE, title, 600));
  let y = 2 * BETWEEN + TITLE;
  for (const row of rows) {
    let x = BETWEEN;
    for (const panel of row) {
      const [wide, high] = [panel.clientWidth, panel.clientHeight];
      const name = (panel.getAttribute("aria-label") || "").split(";")[0];
      body.append(letters(x, y + NAME, NAME, name.charAt(0).toUpperCase() + name.slice(1), 600));
      body.append(await panelAt(panel, x, y + NAME + 7, wide, high));
      x += wide + BETWEEN;
    }
    y += NAME + 7 + Math.max(...row.map(({ clientHeight }) => clientHeight)) + BETWEEN;
  }
  const sentence = root.querySelector(".rpnviz-shown")?.textContent || "";
  for (const line of wrapped(sentence, width - 2 * BETWEEN, `${TEXT}px ${FONT}`)) {
    body.append(letters(BETWEEN, y + TEXT, TEXT, line));
    y += 1.4 * TEXT;
  }
  const height = Math.ceil(y + BETWEEN);
  const picture = node(
    "svg",
    { width, height, viewBox: `0 0 ${width} ${height}`, role: "img" },
    node("title", {}, title),
    node("desc", {}, sentence),
    node("rect", { width, height, fill: paper }),
    body,
  );
  return { text: new XMLSerializer().serializeToString(picture), width, height };
}

/** @param {Element} panel @param {number} x @param {number} y @param {number} width @param {number} height */
async function panelAt(panel, x, y, width, height) {
  const owner = /** @type {{rpnvizPanel?: Panel}} */ (/** @type {unknown} */ (panel)).rpnvizPanel;
  const canvas = /** @type {HTMLCanvasElement} */ (panel);
  const viewBox = owner
    ? `0 0 ${canvas.width} ${canvas.height}`
    : panel.getAttribute("viewBox") || `0 0 ${width} ${height}`;
  const frame = node("svg", { x, y, width, height, viewBox, preserveAspectRatio: owner ? "none" : undefined });
  const [fill, opacity] = plainColour(getComputedStyle(panel).backgroundColor);
  if (opacity) frame.append(node("rect", { width: "100%", height: "100%", fill }));
  if (owner) await owner.drawInto(/** @type {any} */ (new SvgContext(frame)));
  else frame.append(...plainChart(panel));
  return frame;
}

/** The same as a PNG, two pixels for one or finer. @param {{text: string, width: number, height: number}} picture @returns {Promise<Blob>} */
export async function asPng({ text, width, height }) {
  const address = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  const image = new Image(width, height);
  image.src = address;
  await image.decode();
  const finer = Math.min(Math.max(2, window.devicePixelRatio || 1), 8192 / Math.max(width, height));
  const canvas = h("canvas", { width: Math.round(width * finer), height: Math.round(height * finer) });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(address);
  return new Promise((resolve, reject) =>
    canvas.toBlob(
      (/** @type {Blob | null} */ blob) => (blob ? resolve(blob) : reject(new Error("too large"))),
      "image/png",
    ),
  );
}
