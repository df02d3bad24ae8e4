// @ts-check
// The widget's model as the views use it; a saved page has a stand-in with the same five methods (saved/open.js).

/**
 * The five methods of a widget model that a view may use; a saved page has a stand-in with just these. Where there is a
 * kernel, `widget_manager` may have it: only connection.js asks for it.
 * @typedef {{get(name: string): any, set(name: string, value: any): any, on(event: string, listener: () => void): void,
 *   off(event: string, listener: () => void): void, save_changes(): void,
 *   widget_manager?: {kernel?: import("./connection.js").Kernel | null}}} Model
 */

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

/** Set traits and tell Python. @param {Model} model @param {Record<string, any>} values */
export function commit(model, values) {
  for (const [name, value] of Object.entries(values)) model.set(name, value);
  model.save_changes();
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
 * What is made of a value, made again only when there is another.
 * @template Value, Made
 * @param {() => Value} read @param {(value: Value, version: number) => Made} make version: 1 for the first, then 2, …
 */
export function derived(read, make) {
  let of = /** @type {Value | undefined} */ (undefined);
  let made = /** @type {Made} */ (/** @type {unknown} */ (undefined));
  let version = 0;
  return () => {
    const value = read();
    if (value !== of) {
      of = value;
      version += 1;
      made = make(value, version);
    }
    return made;
  };
}
