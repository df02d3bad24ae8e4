// @ts-check
// What all explorers share apart from drawing (panel.js) and their frame (frame.js): page elements, the widget's model.
// Python joins core.js, panel.js, question.js, frame.js and a view into one module (explorers/base.py): nothing is
// fetched, and the top-level names of the joined files share one scope.

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
  return rules.some(
    (rule) =>
      (rule.last ? rule.last.name === name : rule.given.includes(name)) &&
      answerTo(model, rule, { [name]: value }) !== "",
  );
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
 * A place for a table that may be wider or higher than there is room.
 * @param {string} label @param {string} className @param {...Node} children
 */
export function scroller(label, className, ...children) {
  return h(
    "div",
    { class: `rpnviz-scroll ${className}`, role: "group", "aria-label": label, ...OWN_KEYS },
    ...children,
  );
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
  const labels = options.map(({ label: text, what: own }, i) =>
    h("label", { what: own }, inputs[i], h("span", {}, text)),
  );
  return {
    element: h(
      "div",
      { class: `rpnviz-segmented ${className}`, role: "radiogroup", "aria-label": label, what },
      ...labels,
    ),
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
  const select = h("select", {
    class: className,
    "aria-label": label,
    what,
    change: () => onChange(select.value),
    ...OWN_KEYS,
  });
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
        else if (group.label !== entry.group) {
          group = h("optgroup", { label: entry.group });
          select.append(group);
        }
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
  const input = h("input", {
    type: "number",
    class: className,
    min: 0,
    max,
    placeholder,
    "aria-label": name,
    what,
    ...OWN_KEYS,
  });
  let last = "";
  const pass = () => {
    if (input.value === "")
      input.value = last; // emptied, or no number
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
