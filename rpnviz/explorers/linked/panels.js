// @ts-check
// The two panels of the linked explorer: the feature map, and the picture with what belongs to the window's cell.

import { NO_LABEL } from "../common/anchor.js";
import { nearestOutline, sizeText, thin } from "../common/canvas_panel.js";
import { besideThresholds, boxText, thousands } from "../common/format.js";

/** @typedef {import("../common/compute/boxes.js").Box} Box */
/** @typedef {import("../common/canvas_panel.js").LineStyle} LineStyle */
/** @typedef {import("./view.js").Moment} Moment */

const FEW = 3; // where more anchors are drawn, those that are not in question are thin
const DRAWN_LAST = ["crosses_border", "negative", "ignored", "positive"]; // the positive ones on top

/** The part of the plane that the map shows: one cell more all round, where the window overhangs. @param {Moment["scene"]} scene @returns {Box} */
export function mapExtent({ frame, strideX, strideY }) {
  return [-strideX, -strideY, frame[2] + strideX, frame[3] + strideY];
}

/** Wide enough that most overhanging anchors end inside it. @param {Moment["scene"]} scene @returns {Box} */
export function pictureExtent({ frame }) {
  const [across, down] = [0.09 * frame[2], 0.13 * frame[3]];
  return [-across, -down, frame[2] + across, frame[3] + down];
}

/** An anchor's line: that of its label, if labels are shown. @param {Moment} moment @param {number} a */
export const anchorStyle = ({ scene, layers, nine, styles }, a) =>
  layers.has("labels") ? styles[scene.kind(nine[a])] : styles.anchor;

/** An anchor's best IoU, so that it stands where its label says. @param {Moment["scene"]} scene @param {number} anchor */
export const iouText = (scene, anchor) => besideThresholds(scene.iou(anchor), Object.values(scene.work.thresholds));

/** @param {import("../common/canvas_panel.js").Panel} panel @param {Moment} moment */
export function drawMap(panel, moment) {
  if (!panel.begin()) return;
  const { scene, key, row, col, layers, minibatch, styles, heat } = moment;
  const dots = layers.has("minibatch") ? minibatch : null;
  panel.backdrop(`${key} ${heat ? moment.map : ""} ${dots ? moment.seed : ""}`, () => {
    const covered = /** @type {Box} */ ([0, 0, scene.columns * scene.strideX, scene.rows * scene.strideY]);
    if (heat) panel.image(heat, covered, true);
    for (const anchor of Array.from(dots?.negative || [])) panel.dot(...dotOf(scene, anchor), styles.negative, 1.7);
    for (const anchor of Array.from(dots?.positive || [])) panel.dot(...dotOf(scene, anchor), styles.positive, 2.5);
  });
  if (!moment.shows.has("window")) return;
  panel.box(scene.about(scene.packed.footprint, row, col), styles.window, { fill: 0.12 });
  const [x, y] = scene.centre(row, col);
  panel.dot(x, y, styles.window, 1.8);
}

/** The nine anchors of a cell have nine places in it: columns by scale, rows by ratio. @param {Moment["scene"]} scene @param {number} anchor @returns {[number, number]} */
function dotOf(scene, anchor) {
  const [row, col] = scene.cellOf(anchor);
  const a = anchor % scene.perCell;
  const scales = scene.packed.scales.length;
  const ratios = scene.packed.ratios.length;
  return [
    (col + ((a % scales) + 0.5) / scales) * scene.strideX,
    (row + (Math.floor(a / scales) + 0.5) / ratios) * scene.strideY,
  ];
}

/** @param {import("../common/canvas_panel.js").Panel} panel @param {Moment} moment */
export function drawPicture(panel, moment) {
  if (!panel.begin()) return;
  const { scene, key, row, col, layers, styles, photo } = moment;
  const proposals = layers.has("proposals") ? scene.proposals.slice(0, moment.topN) : [];
  const objects = layers.has("ground_truth") ? scene.objects : [];
  panel.backdrop(`${key} ${photo ? 1 : 0} ${moment.cover?.patch} ${proposals.length} ${objects.length}`, () => {
    if (photo) panel.image(photo, scene.frame);
    if (moment.cover) panel.fill(moment.cover.patch, COVER);
    for (const anchor of [...proposals].reverse()) panel.box(scene.decoded(anchor), styles.proposal, { alpha: 0.75 });
    for (const box of objects) panel.box(box, styles.ground_truth);
  });
  if (layers.has("receptive_field"))
    panel.box(scene.about(scene.packed.receptive_field, row, col), styles.receptive_field);
  if (layers.has("anchors")) drawAnchors(panel, moment);
  if (layers.has("predictions")) drawDecoded(panel, moment);
  const names = scene.objectNames();
  const taken = panel.tags(objects.map((box, i) => ({ text: names[i], box, style: styles.ground_truth })));
  if (moment.shows.has("window")) {
    panel.box(scene.about(scene.packed.footprint, row, col), styles.window, { fill: 0.18 });
    panel.dot(...scene.centre(row, col), styles.ground_truth, 3);
  }
  drawTags(panel, moment, taken);
}

const COVER = "rgb(124 116 104)"; // what the network sees as nothing

/** @param {import("../common/canvas_panel.js").Panel} panel @param {Moment} moment */
function drawAnchors(panel, moment) {
  const { scene, nine, strong, drawn, layers } = moment;
  const height = (/** @type {number} */ a) => (a === strong ? 9 : DRAWN_LAST.indexOf(scene.kind(nine[a])));
  const order = [...drawn].sort((a, b) => height(a) - height(b));
  for (const a of order) {
    const look = a === strong ? { strong: true, fill: 0.14 } : { alpha: strong < 0 ? 1 : 0.4 };
    const style = anchorStyle(moment, a);
    const asked = a === strong || !layers.has("labels") || scene.kind(nine[a]) === "positive";
    panel.box(scene.anchor(nine[a]), asked || drawn.length <= FEW ? style : thin(style), look);
  }
}

/** What the network makes of the anchors: the boxes, and lines from corner to corner. @param {import("../common/canvas_panel.js").Panel} panel @param {Moment} moment */
function drawDecoded(panel, { scene, nine, drawn, strong, styles }) {
  const many = strong < 0 && drawn.length > FEW;
  const corner = { ...styles.proposal, width: many ? 0.5 : 0.8 };
  const line = many ? thin(styles.proposal) : styles.proposal;
  nine.forEach((anchor, a) => {
    if (!drawn.includes(a) || (strong >= 0 && a !== strong)) return;
    const [from, to] = [scene.anchor(anchor), scene.decoded(anchor)];
    for (const [x, y] of [
      [0, 1],
      [2, 1],
      [0, 3],
      [2, 3],
    ])
      panel.line([from[x], from[y]], [to[x], to[y]], corner);
    panel.box(to, line, { strong: a === strong });
  });
}

/** IoU and score of the one that stands out, else of the best. @param {import("../common/canvas_panel.js").Panel} panel @param {Moment} moment @param {import("../common/canvas_panel.js").Taken[]} taken */
function drawTags(panel, moment, taken) {
  const { scene, nine, strong, layers, styles } = moment;
  const best = (/** @type {(anchor: number) => number} */ value) =>
    strong >= 0 ? strong : nine.reduce((most, anchor, a) => (value(anchor) > value(nine[most]) ? a : most), 0);
  const [fitting, likely] = [best(scene.iou), best(scene.score)];
  const tags = [];
  if (layers.has("anchors") && layers.has("labels") && (strong >= 0 || scene.iou(nine[fitting]) > 0)) {
    tags.push({
      text: `IoU ${iouText(scene, nine[fitting])}`,
      box: scene.anchor(nine[fitting]),
      style: anchorStyle(moment, fitting),
    });
  } else if (layers.has("anchors") && strong >= 0) {
    const box = scene.anchor(nine[strong]);
    tags.push({ text: sizeText(box), box, style: styles.anchor });
  }
  if (layers.has("predictions")) {
    tags.push({
      text: `score ${scene.score(nine[likely]).toFixed(2)}`,
      box: scene.decoded(nine[likely]),
      style: styles.proposal,
    });
  }
  panel.tags(tags, taken);
}

/** Which of the nine anchors has its outline under the mouse, −1 if none. @param {import("../common/canvas_panel.js").Panel} panel @param {Moment} moment @param {number} x @param {number} y */
export function anchorUnder(panel, { scene, nine, layers }, x, y) {
  if (!layers.has("anchors")) return -1;
  return nearestOutline(
    nine.map((anchor) => scene.anchor(anchor)),
    x,
    y,
    (6 * panel.unit) / panel.scale,
  );
}

/** A sentence on one of the nine. @param {Moment} moment @param {number} a */
export function anchorSentence({ scene, nine }, a) {
  const { scale, ratio } = scene.shapes[a];
  const anchor = nine[a];
  const whose = scene.object(anchor);
  const iou = whose ? `best IoU ${iouText(scene, anchor)} with ${whose}` : "overlaps no object";
  return `Anchor of ${scale} px, h/w ${ratio}: ${iou}; ${scene.why(anchor)}. Score ${scene.score(anchor).toFixed(2)}: ${scene.fate(anchor)}.`;
}

/** What is at a point of the picture. @param {Moment} moment @param {number} x @param {number} y @param {number} reach picture px */
export function pictureSentence({ scene, row, col, layers }, x, y, reach) {
  const object = layers.has("ground_truth") ? nearestOutline(scene.objects, x, y, reach) : -1;
  if (object >= 0) {
    const best = scene.work.bestAnchors[object];
    const fit =
      best < 0 ? "no anchor inside the picture overlaps it" : `its best anchor reaches IoU ${iouText(scene, best)}`;
    return `Ground truth: ${scene.objectNames()[object]}, box ${boxText(scene.objects[object])}; ${fit}.`;
  }
  const [x1, y1, x2, y2] = scene.frame;
  if (x < x1 || y < y1 || x > x2 || y > y2) {
    return `Outside the picture. Anchors that overhang get ${NO_LABEL}; as proposals they are clipped to the picture.`;
  }
  const within = (/** @type {Box} */ box) => x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3];
  if (within(scene.about(scene.packed.footprint, row, col))) {
    return "The footprint of the 3×3 window: three strides across and down. The nine anchors have their centre in the middle of it.";
  }
  if (layers.has("receptive_field") && within(scene.about(scene.packed.receptive_field, row, col))) {
    return "The receptive field: all that the window sees. Larger anchors reach beyond it: the network guesses the rest.";
  }
  return "The picture. Click or drag: the window goes to the cell there. Point at an anchor's line: its row in the table lights up.";
}

/** For screen readers. @param {Moment} moment */
export function summary({ scene, row, col, nine }) {
  const kinds = nine.map((anchor) => scene.kind(anchor));
  const said = [...new Set(kinds)].map(
    (kind) => `${kinds.filter((other) => other === kind).length} ${kind.replace("_", " ")}`,
  );
  const best = Math.max(...nine.map(scene.iou));
  return `Row ${row}, column ${col}: ${said.join(", ")}; best IoU ${besideThresholds(best, Object.values(scene.work.thresholds))}. ${thousands(scene.size)} anchors in all.`;
}
