// @ts-check
// The lines from the network's outputs to the losses and to decoding, and from the anchors to both branches. Arrows between
// neighbours are the style sheet's.

import { svg } from "../common/elements.js";

/** A drawing over the stations, measured anew whenever these change their places. */
export function wires() {
  const element = svg("svg", { class: "rpnviz-wires", "aria-hidden": "true" });
  const observer = new ResizeObserver(() => draw(element));
  let observed = false;
  return {
    element,
    draw() {
      if (!observed && element.parentElement) observer.observe(element.parentElement);
      observed = true;
    },
    destroy: () => observer.disconnect(),
  };
}

/** @param {SVGElement} element */
function draw(element) {
  const root = /** @type {HTMLElement} */ (element.parentElement);
  const origin = root.getBoundingClientRect();
  const place = (/** @type {string} */ name) => {
    const { left, right, top, bottom } = /** @type {Element} */ (
      root.querySelector(`.rpnviz-at-${name}`)
    ).getBoundingClientRect();
    const [x, y] = [origin.left, origin.top];
    return { left: left - x, right: right - x, top: top - y, bottom: bottom - y };
  };
  if (origin.width < 700) return element.replaceChildren(); // a phone's: all below one another
  const [outputs, anchors, labels, losses, decode] = ["outputs", "anchors", "labels", "losses", "decode"].map(place);
  const gutter = (/** @type {{top: number}} */ to) => to.top - 14;
  const from = { x: outputs.right, y: (outputs.top + outputs.bottom) / 2 };
  const [bus, beside] = [origin.width - 8, (anchors.right + labels.left) / 2];
  const down = (/** @type {{left: number, right: number}} */ to) => to.left + 0.75 * (to.right - to.left);
  const height = (/** @type {{top: number, bottom: number}} */ one) => (one.top + one.bottom) / 2;
  const line = (/** @type {string} */ d) => svg("path", { d });
  const head = (/** @type {number} */ x, /** @type {number} */ y, /** @type {string} */ rest) =>
    svg("path", { class: "rpnviz-head", d: `M${x} ${y}${rest}` });
  element.replaceChildren(
    line(`M${from.x} ${from.y}H${bus}V${gutter(decode)}H${down(decode)}V${decode.top - 4}`),
    line(`M${bus} ${gutter(losses)}H${down(losses)}V${losses.top - 4}`),
    line(`M${anchors.right} ${height(anchors)}H${beside}V${height(labels)}H${labels.left - 6}`),
    line(`M${beside} ${height(anchors)}V${height(decode)}H${decode.left - 6}`),
    ...[losses, decode].map((to) => head(down(to), to.top, "l-4 -8h8z")),
    ...[labels, decode].map((to) => head(to.left - 1, height(to), "l-8 -4v8z")),
  );
}
