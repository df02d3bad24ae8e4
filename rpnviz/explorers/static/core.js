// @ts-check
// What all explorers share apart from drawing (panel.js): page elements, the widget's model, the line that explains.
// Python joins core.js, panel.js and a view into one module (explorers/base.py): nothing is fetched, and the top-level
// names of the joined files share one scope.

/** @typedef {[number, number, number, number]} Box x1, y1, x2, y2 in pixels of the picture */
/**
 * The five methods of a widget model that a view may use; a saved page has a stand-in with just these.
 * @typedef {{get(name: string): any, set(name: string, value: any): void, on(event: string, listener: () => void): void,
 *   off(event: string, listener: () => void): void, save_changes(): void}} Model
 */

/** JupyterLab takes arrow keys and letters for its commands, unless the focused element itself carries this. */
export const OWN_KEYS = { "data-lm-suppress-shortcuts": "true" };

/** @param {number} value @param {number} low @param {number} high */
export const clamp = (value, low, high) => Math.max(low, Math.min(high, value));

/** 21600 → "21,600". @param {number} n */
export const thousands = (n) => String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ",");

/**
 * A typed array over a copy of the bytes: what arrives from the kernel may start at any offset, and a typed array may not.
 * @template T
 * @param {DataView} view
 * @param {new (buffer: ArrayBuffer) => T} Type
 * @returns {T}
 */
export function typed(view, Type) {
  const { buffer, byteOffset, byteLength } = view;
  return new Type(/** @type {ArrayBuffer} */ (buffer.slice(byteOffset, byteOffset + byteLength)));
}

/**
 * An element with attributes and children. Text becomes a text node, never markup. `what` is the sentence that the
 * status line shows while the mouse or the focus is on the element; functions become listeners; `style` is an object.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Node | string)} children
 * @returns {any}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else if (name === "style") Object.assign(element.style, value);
    else if (name === "what") explains(element, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children);
  return element;
}

/** An SVG element; text becomes a text node. @param {string} tag @param {Record<string, any>} [attributes] @param {...(Node | string)} children */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/**
 * Give an element its sentence for the status line, and for a screen reader; a picture is described by what it shows now.
 * @param {Element} element @param {string} text
 */
export function explains(element, text) {
  element.setAttribute("data-what", text);
  if (element.matches("input, select, button")) element.setAttribute("aria-description", text);
}

/** Write text only where it changed: a step then touches few nodes. @param {Node} node @param {string} text */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Set traits and tell Python. @param {Model} model @param {Record<string, any>} values */
export function commit(model, values) {
  for (const [name, value] of Object.entries(values)) model.set(name, value);
  model.save_changes();
}

/**
 * The file in which a page without a kernel has Python's answer to the traits as they are, "" if it was not recorded.
 * @typedef {{given: string[], files: Record<string, string>, last?: {name: string, values: string[]}}} Rule `files`: by
 *   the values of the traits `given`; with `last`, a file holds the answers to these values of one more trait
 * @param {Model} model @param {Rule} rule @param {Record<string, any>} [values] instead of the model's
 */
export function answerTo(model, { given, files, last }, values = {}) {
  const now = (/** @type {string} */ name) => String(name in values ? values[name] : model.get(name));
  return !last || last.values.includes(now(last.name)) ? files[given.map(now).join(" ")] || "" : "";
}

/** Whether anybody answers when a trait is set to a value: Python, or what was recorded. @param {Model} model @param {string} name @param {any} value */
export function canAsk(model, name, value) {
  if ((model.get("handed") || []).includes(name)) return false;
  if (model.get("has_kernel")) return true;
  const rules = /** @type {Rule[]} */ (model.get("answers") || []);
  return rules.some((rule) => (rule.last ? rule.last.name === name : rule.given.includes(name)) && answerTo(model, rule, { [name]: value }) !== "");
}

/**
 * Call the listener on each change of the named traits; the result removes it again.
 * @param {Model} model @param {string[]} names @param {() => void} listener
 */
export function watch(model, names, listener) {
  const events = names.map((name) => `change:${name}`);
  for (const event of events) model.on(event, listener);
  return () => events.forEach((event) => model.off(event, listener));
}

/**
 * Several changes in one task (row and col, say) cost one drawing. A microtask and not an animation frame: the picture
 * is then ready for the very frame that the key press leads to.
 * @param {() => void} draw
 */
export function scheduler(draw) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    queueMicrotask(() => {
      waiting = false;
      draw();
    });
  };
}

/**
 * The outer element of an explorer: `body` for the view, below it the status line in one fixed place (what the element
 * under mouse or focus is; busy; errors of the kernel), the sentence that says what is shown now (it describes every
 * picture, and is their caption in print), and a live region that speaks it once the hand rests.
 * @param {{model: Model, el: HTMLElement}} context
 * @param {{className: string, label: string, hint: string, keys?: [string, string][]}} options hint: the status line while
 *   nothing is pointed at; keys: what the explorer's own keys do, beyond those of native controls, for the dialog of a saved page
 */
export function frame({ model, el }, { className, label, hint, keys = [] }) {
  const text = h("span", { class: "rpnviz-what" }, hint);
  const note = h("strong", { class: "rpnviz-note", role: "status" });
  const live = h("div", { class: "rpnviz-live", role: "status", "aria-live": "polite" });
  const body = h("div", { class: "rpnviz-body" });
  const status = h("div", { class: "rpnviz-status" }, text, note);
  const shown = h("p", { class: "rpnviz-shown", id: `rpnviz-${Math.random().toString(36).slice(2)}`, hidden: true });
  const root = h("section", { class: `rpnviz ${className}`, "aria-label": label, "aria-describedby": shown.id, "data-keys": JSON.stringify(keys) }, body, status, shown, live);
  const stops = /** @type {(() => void)[]} */ ([]);
  let speaking = 0;
  let busy = "";

  const what = (/** @type {string} */ sentence) => setText(text, sentence || hint);
  const point = (/** @type {Event} */ event) => {
    const target = /** @type {Element} */ (event.target).closest("[data-what]");
    if (target) what(target.getAttribute("data-what") || "");
  };
  root.addEventListener("pointerover", point);
  root.addEventListener("focusin", point);
  root.addEventListener("pointerleave", () => what(""));

  const showNote = () => {
    const error = model.get("error") || "";
    setText(note, busy || error);
    note.classList.toggle("rpnviz-error", !busy && error !== "");
    root.classList.toggle("rpnviz-busy", busy !== "");
    root.setAttribute("aria-busy", String(busy !== ""));
  };
  stops.push(watch(model, ["error"], showNote));
  showNote();
  el.append(root);

  // A table too large for its place scrolls in it, and only then the Tab key stops there.
  const places = new ResizeObserver(() => {
    for (const place of body.querySelectorAll(".rpnviz-scroll")) {
      const scrolls = place.scrollWidth > place.clientWidth || place.scrollHeight > place.clientHeight;
      if (scrolls) place.setAttribute("tabindex", "0");
      else place.removeAttribute("tabindex");
    }
  });
  places.observe(root);
  stops.push(() => places.disconnect());

  return {
    root,
    body,
    /** Show a sentence in the status line (hovering a box on a canvas, say). */
    what,
    /**
     * Say what is shown now: at once to whoever asks what a picture shows, aloud once nothing has changed for a moment.
     * @param {string} sentence
     */
    say(sentence) {
      setText(shown, sentence);
      for (const picture of body.querySelectorAll('canvas, [role="img"]')) picture.setAttribute("aria-describedby", shown.id);
      clearTimeout(speaking);
      speaking = window.setTimeout(() => setText(live, sentence), 400);
    },
    /** Show what the kernel is asked for, "" once it has answered. @param {string} sentence */
    busy(sentence) {
      busy = sentence;
      showNote();
    },
    /** @param {() => void} stop to be called when the view goes */
    onDestroy: (stop) => stops.push(stop),
    destroy() {
      clearTimeout(speaking);
      stops.forEach((stop) => stop());
      root.remove();
    },
  };
}

/**
 * A place for a table that may be wider or higher than there is room.
 * @param {string} label @param {string} className @param {...Node} children
 */
export function scroller(label, className, ...children) {
  return h("div", { class: `rpnviz-scroll ${className}`, role: "group", "aria-label": label, ...OWN_KEYS }, ...children);
}

/**
 * A native range input with its name and its value beside it.
 * @param {{label: string, name?: string, min?: number, max: number, step?: number, className?: string, what?: string,
 *   format?: (value: number) => string, onInput: (value: number) => void}} options name: what a screen reader says
 */
export function slider({ label, name = label, min = 0, max, step = 1, className, what, format = String, onInput }) {
  const input = h("input", { type: "range", min, max, step, class: className, "aria-label": name, what, ...OWN_KEYS });
  const output = h("output", { "aria-live": "off" }); // the input itself says its value
  const show = () => {
    const text = format(Number(input.value));
    setText(output, text);
    if (text !== input.value) input.setAttribute("aria-valuetext", text);
  };
  input.addEventListener("input", () => {
    show();
    onInput(Number(input.value));
  });
  return {
    element: h("label", { class: "rpnviz-slider" }, h("span", {}, label), input, output),
    input,
    /** @param {number} value @param {number} [limit] a new maximum */
    set(value, limit) {
      if (limit !== undefined && Number(input.max) !== limit) input.max = String(limit);
      if (input.value !== String(value) || !output.textContent) {
        input.value = String(value);
        show();
      }
    },
  };
}

/**
 * A row of exclusive choices (native radio buttons).
 * @param {{label: string, className?: string, what?: string, options: {value: string, label: string, what?: string}[],
 *   onChange: (value: string) => void}} options
 */
export function segmented({ label, className = "", what, options, onChange }) {
  const group = `rpnviz-${Math.random().toString(36).slice(2)}`;
  const inputs = options.map(({ value, what: own }) =>
    h("input", { type: "radio", name: group, value, what: own || what, change: () => onChange(value), ...OWN_KEYS }),
  );
  const labels = options.map(({ label: text, what: own }, i) => h("label", { what: own }, inputs[i], h("span", {}, text)));
  return {
    element: h("div", { class: `rpnviz-segmented ${className}`, role: "radiogroup", "aria-label": label, what }, ...labels),
    /** @param {string} value */
    set: (value) => inputs.forEach((input) => (input.checked = input.value === value)),
    /** @param {boolean} off @param {string} reason shown in the status line */
    disable(off, reason) {
      for (const [i, input] of inputs.entries()) {
        input.disabled = off;
        for (const element of [input, labels[i]]) explains(element, off ? reason : options[i].what || what || "");
      }
    },
  };
}

/**
 * A check box with a swatch: the layer switch and its legend in one.
 * @param {{label: string, what?: string, swatch?: Element, onChange: (on: boolean) => void}} options
 */
export function checkbox({ label, what, swatch, onChange }) {
  const input = h("input", { type: "checkbox", what, change: () => onChange(input.checked), ...OWN_KEYS });
  return {
    element: h("label", { class: "rpnviz-switch", what }, input, h("span", {}, label), ...(swatch ? [swatch] : [])),
    input,
    /** @param {boolean} on */
    set: (on) => (input.checked = on),
  };
}

/**
 * A named select.
 * @param {{label: string, className?: string, what?: string, onChange: (value: string) => void}} options
 */
export function choice({ label, className = "", what, onChange }) {
  const select = h("select", { class: className, "aria-label": label, what, change: () => onChange(select.value), ...OWN_KEYS });
  return {
    element: select,
    /**
     * @param {{group?: string, value: string, label: string}[]} entries
     */
    fill(entries) {
      select.replaceChildren();
      let group = select;
      for (const entry of entries) {
        if (!entry.group) group = select;
        else if (group.label !== entry.group) select.append((group = h("optgroup", { label: entry.group })));
        group.append(h("option", { value: entry.value }, entry.label));
      }
    },
    /** @param {string} value */
    set: (value) => (select.value = value),
  };
}

/**
 * A small number field; a valid number is passed on by Enter, by its arrows, or when the focus goes; an
 * emptied field gets its value back.
 * @param {{name: string, className: string, max: number, placeholder?: string, what: string, onChange: (value: number) => void}} options
 */
export function numberField({ name, className, max, placeholder, what, onChange }) {
  const input = h("input", { type: "number", class: className, min: 0, max, placeholder, "aria-label": name, what, ...OWN_KEYS });
  let last = "";
  const pass = () => {
    if (input.value === "") input.value = last; // emptied, or no number
    else if (input.reportValidity()) onChange(Number(input.value));
  };
  input.addEventListener("change", pass);
  input.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => event.key === "Enter" && pass()); // a notebook swallows it
  return {
    element: input,
    /** Show a value, unless another is being typed. @param {string} value */
    set(value) {
      last = value;
      if (document.activeElement !== input) input.value = value;
    },
  };
}
