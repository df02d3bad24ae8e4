// @ts-check
// What a head makes of a picture: the objectness map over it, its best proposals, and which objects they cover.
import { Panel } from "./canvas_panel.js";

/** @typedef {import("./compute/boxes.js").Box} Box */
/** @typedef {import("./canvas_panel.js").LineStyle} LineStyle */
/** @typedef {{image_size: [number, number], objects: {name: string, box: Box}[]}} Plan */

const OVER_PICTURE = 0.6; // how much of the map covers the picture
const FOREMOST = 10; // proposals that stand out

/**
 * @param {Plan} plan @param {{label: string, what: string, onResize: () => void}} options
 */
export function outcomePanel({ image_size: [height, width] }, { label, what, onResize }) {
  const attributes = { role: "img" };
  return new Panel({ extent: [0, 0, width, height], className: "rpnviz-picture", label, what, attributes, onResize });
}

/**
 * @param {Panel} panel
 * @param {{photo: CanvasImageSource | null, plan: Plan, heat: HTMLCanvasElement | null, proposals: Float32Array, topN: number,
 *   covered: boolean[] | null, styles: Record<string, LineStyle>}} shown heat: null for no map; covered: of each object
 */
export function drawOutcome(panel, { photo, plan, heat, proposals, topN, covered, styles }) {
  if (!panel.begin()) return;
  const [height, width] = plan.image_size;
  const border = /** @type {Box} */ ([0, 0, width, height]);
  if (photo) panel.image(photo, border);
  if (heat) {
    panel.g.globalAlpha = OVER_PICTURE;
    panel.image(heat, border, true);
    panel.g.globalAlpha = 1;
  }
  for (const { box } of plan.objects) panel.box(box, styles.ground_truth);
  for (let i = Math.min(topN, proposals.length / 4) - 1; i >= 0; i--) {
    const box = /** @type {Box} */ (Array.from(proposals.subarray(4 * i, 4 * i + 4)));
    const front = i < FOREMOST;
    panel.box(box, { ...styles.proposal, width: front ? 1.8 : 1 }, { alpha: front ? 1 : 0.6 });
  }
  if (!covered) return;
  const tags = plan.objects.map(({ name, box }, i) => ({
    text: `${name}: ${covered[i] ? "found" : "missed"}`,
    box,
    style: styles[covered[i] ? "ground_truth" : "lost"],
  }));
  panel.tags(tags);
}

/** "5 of 7 objects found". @param {boolean[]} covered */
export const found = (covered) => `${covered.filter(Boolean).length} of ${covered.length} objects found`;
