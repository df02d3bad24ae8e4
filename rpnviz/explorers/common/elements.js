// @ts-check
// Page elements: native controls with their names, texts that are never markup.

/** JupyterLab takes arrow keys and letters for its commands, unless the focused element itself carries this. */
export const OWN_KEYS = { "data-lm-suppress-shortcuts": "true" };

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
  const show = (/** @type {number} */ value) => {
    const text = format(value);
    setText(output, text);
    if (text !== input.value) input.setAttribute("aria-valuetext", text);
  };
  input.addEventListener("input", () => {
    show(Number(input.value));
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
        show(value); // which may lie beyond its ends
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
      if (!input.matches(":focus")) input.value = value;
    },
  };
}
