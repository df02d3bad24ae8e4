// @ts-check
// Arrow keys on a canvas: what the explorers move by them, and JupyterLab must not hear.

const ARROWS = /** @type {Record<string, [number, number]>} */ ({
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
});

/**
 * A listener for keydown that hears the four arrows, and the keys of `more`.
 * @param {(dx: number, dy: number, event: KeyboardEvent) => void} onArrow steps of −1, 0 or 1
 * @param {Record<string, (event: KeyboardEvent) => void>} [more] by the name of the key
 */
export function arrowKeys(onArrow, more = {}) {
  return (/** @type {KeyboardEvent} */ event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    if (arrow) onArrow(...arrow, event);
    else if (event.key in more) more[event.key](event);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
}
