// @ts-check
// What is drawn at each station, small: lines are thin, and nothing is written in it.

import { Panel } from "../common/canvas_panel.js";
import { OWN_KEYS } from "../common/elements.js";
import { arrowKeys } from "../common/keys.js";
import { dragging } from "../common/map_and_picture.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("./view.js").Moment} Moment */
/** @typedef {(panel: Panel, now: Moment) => void} Draw */

const MARGIN = 0.1; // share of the picture's sides drawn beyond its border
const DRAWN = 100; // proposals; more cannot be told apart
const CLEAR = "transparent"; // no room for a casing
const SQUARE = /** @type {Box} */ ([0, 0, 100, 60]);

/** @type {Record<string, Draw>} */
const DRAW = {
  picture(panel, now) {
    photo(panel, now);
    windowOn(panel, now);
  },
  convolutions: layers,
  map(panel, now) {
    panel.image(now.heat, now.scene.frame, true);
    windowOn(panel, now);
  },
  window: block,
  vector,
  outputs,
  anchors(panel, now) {
    photo(panel, now);
    for (const anchor of now.nine) thin(panel, now.scene.anchor(anchor), now.styles.anchor);
    panel.dot(...now.scene.centre(now.row, now.col), now.styles.window, 2.5);
  },
  labels(panel, now) {
    photo(panel, now, 0.35);
    for (const box of now.scene.packed.gt_boxes) thin(panel, box, now.styles.ground_truth);
    for (const anchor of now.nine) thin(panel, now.scene.anchor(anchor), now.styles[now.scene.kind(anchor)]);
  },
  minibatch(panel, now) {
    photo(panel, now, 0.6);
    const { negative, positive } = now.scene.drawn;
    for (const anchor of negative) dot(panel, now, anchor, "negative", 1.3);
    for (const anchor of positive) dot(panel, now, anchor, "positive", 2);
  },
  losses,
  training,
  decode(panel, now) {
    photo(panel, now, 0.35);
    for (const anchor of now.nine) thin(panel, now.scene.moved(anchor), now.styles.proposal);
  },
  clip(panel, now) {
    photo(panel, now, 0.35);
    for (const anchor of now.nine) thin(panel, now.scene.decoded(anchor), now.styles.proposal);
  },
  top(panel, now) {
    panel.image(now.crowd, now.scene.frame, true);
    windowOn(panel, now);
  },
  nms(panel, now) {
    photo(panel, now, 0.35);
    const best = [...now.scene.order.subarray(0, DRAWN)].reverse();
    for (const anchor of best.filter((one) => !now.scene.places.has(one)))
      thin(panel, now.scene.decoded(anchor), now.styles.negative, 0.5);
    for (const anchor of best.filter((one) => now.scene.places.has(one)))
      thin(panel, now.scene.decoded(anchor), now.styles.proposal);
  },
  proposals(panel, now) {
    photo(panel, now, 0.35);
    for (const anchor of now.scene.proposals.slice(0, DRAWN).reverse())
      thin(panel, now.scene.decoded(anchor), now.styles.proposal, 0.8);
  },
  roi,
};

/**
 * @param {{redraw: () => void}} context @param {string} name of the station @param {string} title
 * @param {(row: number, col: number) => void} onMove
 */
export function thumbnail({ redraw }, name, title, onMove) {
  const moves = name === "map";
  const panel = new Panel({
    extent: SQUARE,
    className: moves ? "rpnviz-map" : "rpnviz-small",
    label: moves ? "feature map; arrow keys move the window" : title,
    onResize: redraw,
    attributes: moves ? { tabindex: 0, role: "application", ...OWN_KEYS } : { role: "img" },
  });
  let now = /** @type {Moment | null} */ (null);
  if (moves) hear(panel, () => /** @type {Moment} */ (now), onMove);
  return {
    element: panel.canvas,
    /** @param {Moment} moment */
    draw(moment) {
      now = moment;
      const [, , width, height] = moment.scene.frame;
      const plain = ["convolutions", "window", "vector", "outputs", "losses", "training"].includes(name);
      const beyond = plain ? 0 : MARGIN;
      const whole = /** @type {Box} */ ([
        -beyond * width,
        -beyond * height,
        (1 + beyond) * width,
        (1 + beyond) * height,
      ]);
      panel.setExtent(name === "roi" ? around(moment, whole) : whole);
      if (panel.begin()) DRAW[name](panel, moment);
    },
    destroy: () => panel.destroy(),
  };
}

/** The best proposal with something round it, as a part like the whole. @param {Moment} now @param {Box} whole @returns {Box} */
function around({ scene }, whole) {
  const [best] = scene.proposals;
  if (best === undefined) return whole;
  const [x1, y1, x2, y2] = scene.decoded(best);
  const part = Math.max((x2 - x1) / (whole[2] - whole[0]), (y2 - y1) / (whole[3] - whole[1])) * 0.75;
  const [x, y] = [(x1 + x2) / 2, (y1 + y2) / 2];
  const [across, down] = [part * (whole[2] - whole[0]), part * (whole[3] - whole[1])];
  return [x - across, y - down, x + across, y + down];
}

/** Keys and a drag move the window. @param {Panel} panel @param {() => Moment} at @param {(row: number, col: number) => void} onMove */
function hear(panel, at, onMove) {
  const onArrow = (/** @type {number} */ dx, /** @type {number} */ dy, /** @type {KeyboardEvent} */ { shiftKey }) =>
    onMove(at().row + dy * (shiftKey ? 5 : 1), at().col + dx * (shiftKey ? 5 : 1));
  panel.canvas.addEventListener(
    "keydown",
    arrowKeys(onArrow, {
      Home: () => onMove(at().row, 0),
      End: () => onMove(at().row, Infinity),
      PageUp: () => onMove(0, at().col),
      PageDown: () => onMove(Infinity, at().col),
    }),
  );
  dragging(panel, (x, y) => onMove(...at().scene.cellAt(x, y)));
}

/** @param {Panel} panel @param {Moment} now @param {number} [dim] how much darker */
function photo(panel, now, dim = 0) {
  if (now.photo) panel.image(now.photo, now.scene.frame);
  panel.g.globalAlpha = dim;
  panel.fill(now.scene.frame, now.palette.casing);
  panel.g.globalAlpha = 1;
}

/** @param {Panel} panel @param {Moment} now */
function windowOn(panel, now) {
  panel.box(now.scene.about(now.scene.packed.footprint, now.row, now.col), now.styles.window, { fill: 0.25 });
}

/** @param {Panel} panel @param {Box} box @param {import("../common/canvas_panel.js").LineStyle} style @param {number} [alpha] */
function thin(panel, box, style, alpha = 1) {
  panel.box(box, { ...style, width: 1.3, casing: CLEAR }, { alpha });
}

/** At the centre of an anchor. @param {Panel} panel @param {Moment} now @param {number} anchor @param {string} style @param {number} radius */
function dot(panel, { scene, styles }, anchor, style, radius) {
  panel.dot(...scene.centre(...scene.cellOf(anchor)), { ...styles[style], casing: CLEAR }, radius);
}

/** Of what a bar could reach. @param {Record<string, string>} palette */
const faint = ({ crosses_border: grey }) => `${grey}55`;

/** A rectangle in shares of the panel. @param {Panel} panel @param {Box} box @param {string} color */
function share(panel, [x1, y1, x2, y2], color) {
  const { width, height } = panel.canvas;
  panel.g.fillStyle = color;
  panel.g.fillRect(x1 * width, y1 * height, (x2 - x1) * width, (y2 - y1) * height);
}

/** The thirteen convolutions in five blocks; a pooling between two halves the height. @param {Panel} panel @param {Moment} now */
function layers(panel, { palette }) {
  let at = 0.06;
  [2, 2, 3, 3, 3].forEach((count, block) => {
    const half = 0.44 * 0.72 ** block;
    for (let i = 0; i < count; i++, at += 0.062)
      share(panel, [at, 0.5 - half, at + 0.05, 0.5 + half], palette.proposal);
    at += 0.022;
  });
}

/** @param {Moment} now @param {number} value 0 … 255 */
const heatOf = ({ stops }, value) => stops[Math.round((value / 255) * (stops.length - 1))];

/** What the window covers, with all channels behind one another. @param {Panel} panel @param {Moment} now */
function block(panel, now) {
  const { scene, row, col, mean } = now;
  const { width, height } = panel.canvas;
  const side = 0.2 * height;
  for (let k = 7; k >= 0; k--) {
    const [left, top] = [0.18 * width + k * 0.055 * width, 0.34 * height - k * 0.035 * height];
    for (let i = 0; i < 9; i++) {
      const [y, x] = [row - 1 + Math.floor(i / 3), col - 1 + (i % 3)];
      const within = y >= 0 && x >= 0 && y < scene.rows && x < scene.columns;
      panel.g.fillStyle = heatOf(now, within ? mean[y * scene.columns + x] : 0);
      panel.g.strokeStyle = now.palette.window;
      panel.g.lineWidth = 0.6 * panel.unit;
      const place = /** @type {Box} */ ([left + (i % 3) * side, top + Math.floor(i / 3) * side, side, side]);
      panel.g.fillRect(...place);
      panel.g.strokeRect(...place);
    }
  }
}

/** Some of the vector's numbers, as a strip in four rows. @param {Panel} panel @param {Moment} now */
function vector(panel, now) {
  const { vectors, row, col } = now;
  if (!vectors) return;
  for (let i = 0; i < 64; i++) {
    const [x, y] = [0.06 + (i % 16) * 0.055, 0.24 + Math.floor(i / 16) * 0.13];
    share(panel, [x, y, x + 0.05, y + 0.115], heatOf(now, vectors.at(i, row, col)));
  }
}

/** Nine rows: the score as a bar, the four deltas to the left and right of their zero. @param {Panel} panel @param {Moment} now */
function outputs(panel, { scene, nine, palette }) {
  nine.forEach((anchor, a) => {
    const [top, bottom] = [0.06 + a * 0.1, 0.13 + a * 0.1];
    share(panel, [0.05, top, 0.3, bottom], faint(palette));
    share(panel, [0.05, top, 0.05 + 0.25 * scene.score(anchor), bottom], palette.positive);
    scene.deltasOf(anchor).forEach((delta, k) => {
      const [zero, tip] = [0.43 + k * 0.15, 0.43 + k * 0.15 + 0.06 * Math.max(-1, Math.min(1, delta))];
      share(panel, [zero - 0.004, top, zero + 0.004, bottom], palette.crosses_border);
      share(panel, [Math.min(zero, tip), top, Math.max(zero, tip), bottom], palette.proposal);
    });
  });
}

/** The two losses as bars. @param {Panel} panel @param {Moment} now */
function losses(panel, { scene: { packed }, palette }) {
  const most = Math.max(...packed.losses);
  packed.losses.forEach((/** @type {number} */ loss, /** @type {number} */ k) => {
    const top = 0.2 + 0.34 * k;
    share(panel, [0.08, top, 0.92, top + 0.24], faint(palette));
    share(panel, [0.08, top, 0.08 + (0.84 * loss) / most, top + 0.24], k ? palette.proposal : palette.positive);
  });
}

/** The loss of the recorded training. @param {Panel} panel @param {Moment} now */
function training(panel, { scene: { packed }, palette }) {
  const most = Math.max(...packed.curve);
  packed.curve.forEach((/** @type {number} */ loss, /** @type {number} */ i) => {
    const x = 0.06 + (0.88 * i) / packed.curve.length;
    share(panel, [x, 0.92 - (0.8 * loss) / most, x + 0.022, 0.92], palette.negative);
  });
}

/** The best proposal, cut into 7×7. @param {Panel} panel @param {Moment} now */
function roi(panel, now) {
  photo(panel, now, 0.2);
  const [best] = now.scene.proposals;
  if (best === undefined) return;
  const [x1, y1, x2, y2] = now.scene.decoded(best);
  for (let i = 1; i < 7; i++) {
    const [x, y] = [x1 + ((x2 - x1) * i) / 7, y1 + ((y2 - y1) * i) / 7];
    const line = { ...now.styles.proposal, width: 0.6, casing: CLEAR };
    panel.line([x, y1], [x, y2], line);
    panel.line([x1, y], [x2, y], line);
  }
  thin(panel, [x1, y1, x2, y2], now.styles.window);
}
