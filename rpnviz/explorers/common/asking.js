// @ts-check
// The page asks Python by setting traits (base.py: `asks`), and Python answers by setting others; `answered` says to which
// values the answer belongs. A page without a kernel has the answers that were recorded for it, and no others.

/** @typedef {import("./model.js").Model} Model */
/**
 * @typedef {{given: string[], files: Record<string, string>, last?: {name: string, values: string[]}}} Rule `files`: by
 *   the values of the traits `given`; with `last`, a file holds the answers to these values of one more trait
 */

/** name; size of the file, (H, W); a number that tells it from the one before. @typedef {{name: string, file_size: [number, number], number: number}} Own */

/** The picture of the reader's own that was opened, null if none was (own_picture.py). @param {Model} model @returns {Own | null} */
export const ownPicture = (model) => (model.get("own_picture")?.name === undefined ? null : model.get("own_picture"));

/** The traits that Python has not yet answered. @param {Model} model */
export function waitsFor(model) {
  if (model.get("error")) return [];
  const answered = Object.entries(model.get("answered") || {});
  return answered
    .filter(([name, value]) => JSON.stringify(model.get(name)) !== JSON.stringify(value))
    .map(([name]) => name);
}

/**
 * The file in which a page without a kernel has Python's answer to the traits as they are, "" if it was not recorded.
 * @param {Model} model @param {Rule} rule @param {Record<string, any>} [values] instead of the model's
 */
export function answerTo(model, { given, files, last }, values = {}) {
  if (ownPicture(model) && !("picture" in values)) return ""; // nobody knew of it
  const now = (/** @type {string} */ name) => String(name in values ? values[name] : model.get(name));
  return !last || last.values.includes(now(last.name)) ? files[given.map(now).join(" ")] || "" : "";
}

/** Whether anybody answers when a trait is set to a value: Python, or what was recorded. @param {Model} model @param {string} name @param {any} value */
export function canAsk(model, name, value) {
  if ((model.get("handed") || []).includes(name)) return false;
  if (model.get("has_kernel")) return true;
  if (ownPicture(model) && name === "grid") return Boolean(model.get("network")); // the page asks its own network
  const rules = /** @type {Rule[]} */ (model.get("answers") || []);
  return rules.some(
    (rule) =>
      (rule.last ? rule.last.name === name : rule.given.includes(name)) &&
      answerTo(model, rule, { [name]: value }) !== "",
  );
}
