// @ts-check
// What moves, resizes, draws, names and deletes the objects of a picture: an overlay for its panel, and a row of controls
// that opens it. All it does is to write the trait `objects`; whatever hangs on that follows while the hand moves.

import { ownPicture } from "./asking.js";
import { clamp } from "./compute/boxes.js";
import { checkbox, explains, h, OWN_KEYS } from "./elements.js";
import { commit } from "./model.js";
import { movable, SMALLEST } from "./movable_box.js";
import { objectsOf, photoFrame } from "./objects.js";

/** @typedef {import("./canvas_panel.js").Panel} Panel */
/** @typedef {import("./compute/boxes.js").Box} Box */
/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./objects.js").Drawn} Drawn */

const FIRST_SIDE = 160; // px of a box that is made by the button
const LONGEST_NAME = 200; // letters, as in rules.py
const HOW = "Drag a box, or a corner of it. Drag where there is none to draw one. Del deletes the box in focus.";

export class ObjectEditor {
  /** @param {{model: Model, panel: Panel, imageSize: [number, number], redraw: () => void}} options */
  constructor({ model, panel, imageSize, redraw }) {
    this.model = model;
    this.panel = panel;
    this.redraw = redraw;
    this.imageSize = imageSize;
    this.asOpened = this.objects;
    this.frame = photoFrame(model, imageSize);
    this.open = this.#toBeDrawn;
    this.chosen = -1;
    this.grips = /** @type {ReturnType<typeof movable>[]} */ ([]);
    this.sheet = drawingSheet(panel, () => this.frame, {
      begin: (box) => this.add(box),
      go: (box) => this.change(this.chosen, { box }),
    });
    /** Lies over the canvas, in one element with it. */
    this.layer = /** @type {HTMLElement} */ (
      h("div", { class: "rpnviz-object-layer", keydown: this.#onKey }, this.sheet)
    );
    this.controls = editorControls(this);
    /** The row of controls. */
    this.bar = /** @type {HTMLElement} */ (this.controls.element);
  }

  /** Begin with the objects as they are: another picture may have come. */
  begin() {
    this.asOpened = this.objects;
    this.frame = photoFrame(this.model, this.imageSize);
    this.open = this.#toBeDrawn;
  }

  /** A picture of the reader's own comes without objects: the next thing to do is to draw them. */
  get #toBeDrawn() {
    return ownPicture(this.model) !== null && this.objects.length === 0;
  }

  /** @returns {Drawn[]} */
  get objects() {
    return this.model.get("objects");
  }

  /** @param {Drawn[]} objects */
  write(objects) {
    commit(this.model, { objects });
  }

  /** @param {number} i @param {Partial<Drawn>} values */
  change(i, values) {
    this.write(this.objects.map((one, k) => (k === i ? { ...one, ...values } : one)));
  }

  /** @param {number} i */
  choose(i) {
    this.chosen = i;
    this.redraw();
  }

  /** One more, with the name of the one that was chosen. @param {Box} box */
  add(box) {
    const last = this.objects.at(this.chosen);
    this.write([...this.objects, { name: last ? last.name : "object", box }]);
    this.choose(this.objects.length - 1);
  }

  remove() {
    if (this.chosen < 0) return;
    this.write(this.objects.filter((_, k) => k !== this.chosen));
    this.choose(Math.min(this.chosen, this.objects.length - 1));
    this.draw(); // so that there is something to go to
    (this.grips[this.chosen]?.element || this.sheet).focus();
  }

  /** @param {boolean} open */
  show(open) {
    this.open = open;
    this.choose(open && this.objects.length ? 0 : -1);
  }

  #onKey = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Delete" && event.key !== "Backspace") return;
    event.preventDefault();
    this.remove();
  };

  draw() {
    const objects = objectsOf(this.model);
    this.chosen = Math.min(this.chosen, objects.length - 1);
    this.layer.hidden = !this.open;
    this.controls.draw();
    if (!this.open) return;
    this.#gripsFor(objects.length);
    const bySize = [...objects.keys()].sort((a, b) => areaOf(objects[b].box) - areaOf(objects[a].box));
    bySize.forEach((i, level) => this.grips[i].place(objects[i].box, level + 1, objects[i].name));
  }

  /** A grip for each object, made when it is first needed. @param {number} count */
  #gripsFor(count) {
    while (this.grips.length < count) this.grips.push(this.#grip(this.grips.length));
    this.grips.forEach(({ element }, i) => {
      if (i >= count) element.remove();
      else if (!element.isConnected || element.parentNode !== this.layer) this.layer.append(element);
    });
  }

  /** @param {number} i */
  #grip(i) {
    const grip = movable({
      name: "object",
      what: "The box of an object. Drag it or a corner; arrows move it, Shift + arrows resize it, Del deletes it.",
      panel: this.panel,
      get: () => this.objects[i].box,
      move: (box) => this.change(i, { box }),
      within: () => this.frame,
    });
    grip.element.addEventListener("focus", () => this.chosen !== i && this.choose(i));
    return grip;
  }
}

/**
 * A picture whose objects are edited: the panel with its overlay, and below it the row of controls.
 * @template Moment
 * @param {{panel: Panel, editor: ObjectEditor, photo: {bitmap: ImageBitmap | null}, draw: (now: Moment) => void}} options
 *   draw: what lies on the photo @returns {import("./view.js").Part<Moment>[]}
 */
export function editedPicture({ panel, editor, photo, draw }) {
  return [
    {
      element: h("div", { class: "rpnviz-two-boxes" }, panel.canvas, editor.layer),
      draw(now) {
        editor.draw();
        const { bitmap } = photo;
        if (!panel.begin() || !bitmap) return;
        const [height, width] = editor.imageSize;
        panel.backdrop("photo", () => panel.image(bitmap, [0, 0, width, height]));
        draw(now);
      },
      destroy: () => panel.destroy(),
    },
    { element: editor.bar },
  ];
}

/** @param {Box} box */
const areaOf = ([x1, y1, x2, y2]) => (x2 - x1) * (y2 - y1);

/**
 * The free ground on which a new box is drawn.
 * @param {Panel} panel @param {() => Box} frame @param {{begin: (box: Box) => void, go: (box: Box) => void}} then
 */
function drawingSheet(panel, frame, { begin, go }) {
  let from = /** @type {[number, number] | null} */ (null);
  let begun = false;
  const within = (/** @type {[number, number]} */ [x, y]) => {
    const [left, top, right, bottom] = frame();
    return [clamp(x, left, right), clamp(y, top, bottom)];
  };
  const drag = (/** @type {PointerEvent} */ event) => {
    if (!from) return;
    const [x, y] = within(panel.at(event));
    const box = /** @type {Box} */ (
      [Math.min(x, from[0]), Math.min(y, from[1]), Math.max(x, from[0]), Math.max(y, from[1])].map(Math.round)
    );
    if (box[2] - box[0] < SMALLEST || box[3] - box[1] < SMALLEST) return; // not yet, or too small to be gripped
    (begun ? go : begin)(box);
    begun = true;
  };
  const down = (/** @type {PointerEvent} */ event) => {
    if (event.button !== 0 || !event.isPrimary) return; // a second finger zooms
    [from, begun] = [/** @type {[number, number]} */ (within(panel.at(event))), false];
    sheet.setPointerCapture(event.pointerId);
    event.preventDefault();
  };
  const stop = () => (from = null);
  const sheet = h("div", {
    ...{ class: "rpnviz-drawing-sheet", tabindex: -1, what: HOW },
    ...{ pointerdown: down, pointermove: drag, pointerup: stop, pointercancel: stop },
  });
  return sheet;
}

/** The row of controls: open, name, new, delete, back. @param {ObjectEditor} editor */
function editorControls(editor) {
  const button = (/** @type {string} */ text, /** @type {string} */ what, /** @type {() => void} */ click) =>
    h("button", { type: "button", what, click, ...OWN_KEYS }, text);
  const open = checkbox({
    label: "edit objects",
    what: `Move, draw and delete objects. ${HOW}`,
    onChange: (on) => editor.show(on),
  });
  const name = h("input", {
    type: "text",
    class: "rpnviz-object-name",
    "aria-label": "name of the object",
    ...OWN_KEYS,
    keydown: (/** @type {KeyboardEvent} */ event) => event.stopPropagation(), // else JupyterLab takes Enter: no change
  });
  name.maxLength = LONGEST_NAME;
  explains(name, "What the chosen object is called.");
  name.addEventListener("change", () => editor.change(editor.chosen, { name: name.value }));
  const more = button("new", "One more object, in the middle of the picture.", () => {
    const [left, top, right, bottom] = editor.frame;
    const [x, y] = [Math.round((left + right) / 2), Math.round((top + bottom) / 2)];
    const half = Math.min(FIRST_SIDE, right - left, bottom - top) / 2;
    editor.add([x - half, y - half, x + half, y + half]);
  });
  const less = button("delete", "Delete the chosen object.", () => editor.remove());
  const back = button("as they were", "All objects as they were at first.", () => editor.write(editor.asOpened));
  const tools = h("span", { class: "rpnviz-object-tools" }, name, more, less, back);
  return {
    element: h("div", { class: "rpnviz-controls rpnviz-object-bar" }, open.element, tools),
    draw() {
      const { chosen, objects } = editor;
      open.set(editor.open);
      tools.hidden = !editor.open;
      if (!name.matches(":focus")) name.value = objects[chosen]?.name ?? "";
      name.disabled = less.disabled = chosen < 0;
      back.disabled = JSON.stringify(objects) === JSON.stringify(editor.asOpened);
    },
  };
}
