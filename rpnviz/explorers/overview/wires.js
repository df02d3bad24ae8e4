// @ts-check
// The lines from the network's outputs to where they are used: the losses, and decoding. Arrows between neighbours are the
// style sheet's.

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
    return { left: left - x, right: right - x, top: top - y, bottom: bottom - y, middle: (left + right) / 2 - x };
  };
  const [from, losses, decode] = ["outputs", "losses", "decode"].map(place);
  if (decode.top < from.bottom + 1 || losses.left < from.left - 5000 || origin.width < 700) return element.replaceChildren();
  const gutter = (/** @type {{top: number}} */ to) => to.top - 13;
  const bus = origin.width - 8;
  const line = (/** @type {string} */ d) => svg("path", { d });
  const head = (/** @type {number} */ x, /** @type {number} */ y) => svg("path", { class: "rpnviz-head", d: `M${x - 5} ${y - 8}h10l-5 8z` });
  element.replaceChildren(
    line(`M${from.middle} ${from.bottom}V${gutter(losses)}H${losses.middle}V${losses.top - 6}`),
    line(`M${from.right} ${(from.top + from.bottom) / 2}H${bus}V${gutter(decode)}H${decode.middle}V${decode.top - 6}`),
    head(losses.middle, losses.top),
    head(decode.middle, decode.top),
  );
}
