// @ts-check
// Two small curves with the anchor's place on them: cross-entropy against the logit, smooth L1 against the difference.
import { clamp } from "../common/compute/boxes.js";
import { svg } from "../common/elements.js";

const [WIDTH, HEIGHT] = [300, 150];
const PLOT = { left: 26, right: 292, top: 8, bottom: 132 };
const POINTS = 121;

/**
 * Where the name of a dot stands: above it, or beside it where there is no room above; none over another.
 * @param {[number, number]} dot @param {number} side of the middle, −1 to 1 @param {[number, number][]} taken
 * @returns {[number, number]}
 */
function nameAt([x, y], side, taken) {
  const atTop = y < PLOT.top + 24;
  const tagX = atTop ? x - 16 * side : x;
  let tagY = atTop ? y + 4 : y - 8;
  const covered = (/** @type {[number, number]} */ [otherX, otherY]) =>
    Math.abs(otherX - tagX) < 18 && Math.abs(otherY - tagY) < 12.5;
  while (taken.some(covered)) tagY += atTop ? 1 : -1; // upwards, or beside the dot downwards
  return [tagX, tagY];
}

/**
 * A plot of one function, drawn anew when its shape changes; dots move on it.
 * @param {{label: string, x: [number, number], ticks: number[], top: number, topTicks: number[], names: string[]}} options
 */
export function curve({ label, x: [low, high], ticks, top, topTicks, names }) {
  const px = (/** @type {number} */ x) =>
    PLOT.left + ((clamp(x, low, high) - low) / (high - low)) * (PLOT.right - PLOT.left);
  const py = (/** @type {number} */ y) => PLOT.bottom - (clamp(y, 0, top) / top) * (PLOT.bottom - PLOT.top);
  const text = (/** @type {number} */ n) => String(n).replace("-", "−");
  const axes = svg(
    "g",
    { class: "rpnviz-axes" },
    svg("path", { d: `M${PLOT.left} ${PLOT.bottom}H${PLOT.right}M${px(0)} ${PLOT.top}V${PLOT.bottom}` }),
    ...ticks.map((x) => svg("text", { x: px(x), y: PLOT.bottom + 14, "text-anchor": "middle" }, text(x))),
    ...topTicks.map((y) => svg("text", { x: PLOT.left - 5, y: py(y) + 4, "text-anchor": "end" }, text(y))),
    ...topTicks.map((y) => svg("path", { d: `M${PLOT.left} ${py(y)}h4` })),
  );
  const line = svg("path", { class: "rpnviz-curve" });
  const zone = svg("rect", { class: "rpnviz-parabola", y: PLOT.top, height: PLOT.bottom - PLOT.top, width: 0 });
  const dots = names.map((name) => {
    const dot = svg("circle", { r: 4.5, class: "rpnviz-at" });
    return { dot, tag: svg("text", { "text-anchor": "middle", class: "rpnviz-at-name" }, name) };
  });
  const element = svg(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "rpnviz-plot", role: "img", "aria-label": label },
    zone,
    axes,
    line,
    ...dots.flatMap(({ dot, tag }) => [dot, tag]),
  );
  let drawn = "";
  return {
    element,
    /**
     * @param {string} key the shape's name @param {(x: number) => number} f
     * @param {number} half the middle −half to half is shaded: there the curve is a parabola
     */
    shape(key, f, half) {
      if (key === drawn) return;
      drawn = key;
      const xs = Array.from({ length: POINTS }, (_, i) => low + ((high - low) * i) / (POINTS - 1));
      line.setAttribute("d", xs.map((x, i) => `${i ? "L" : "M"}${px(x).toFixed(1)} ${py(f(x)).toFixed(1)}`).join(""));
      zone.setAttribute("x", String(px(-half)));
      zone.setAttribute("width", String(px(half) - px(-half)));
    },
    /** Put the dots, hollow at the edge for what lies beyond it; none is shown where there is no loss. @param {[number, number][]} points */
    put(points) {
      const taken = /** @type {[number, number][]} */ ([]); // where names stand
      dots.forEach(({ dot, tag }, i) => {
        for (const part of [dot, tag]) part.setAttribute("visibility", points.length ? "visible" : "hidden");
        if (!points.length) return;
        const [x, y] = [px(points[i][0]), py(points[i][1])];
        dot.classList.toggle("rpnviz-beyond", Math.abs(points[i][0]) > high || points[i][1] > top);
        dot.setAttribute("cx", x.toFixed(1));
        dot.setAttribute("cy", y.toFixed(1));
        const [tagX, tagY] = nameAt([x, y], Math.sign(points[i][0]), taken);
        taken.push([tagX, tagY]);
        tag.setAttribute("x", tagX.toFixed(1));
        tag.setAttribute("y", tagY.toFixed(1));
      });
    },
  };
}
