// @ts-check
// A link to an explorer as it stands: the fragment of the page's address names the explorer and its traits,
// #explorer=linked&row=20&col=30&…. What comes in by an address is checked against the rules that came with the page
// (common/rules.py); a link is taken whole or not at all.

/**
 * @typedef {{kind: string, min: number, max: number, at_most?: string, choices: (string | number)[], each: [number, number][],
 *   or_none: boolean, within: [number, number, number, number], most: number, longest: number}} Rule only what its kind needs
 */
/** @typedef {Record<string, Rule>} Moves */

const LONGEST = 16000; // letters of a fragment; ours have some hundred, or 50 an object
const WHOLE = /^-?\d{1,9}$/;
const NUMBER = /^-?\d{1,9}(\.\d{1,9})?(e-\d{1,2})?$/;

/** @param {string} text @param {RegExp} form @param {number} low @param {number} high */
function numberWithin(text, form, low, high) {
  const value = form.test(text) ? Number(text) : NaN;
  return value >= low && value <= high ? value : undefined;
}

/** @param {string} text @param {[number, number][]} limits */
function numbersWithin(text, limits) {
  const parts = text.split(",");
  if (parts.length !== limits.length) return undefined;
  const values = parts.map((part, i) => numberWithin(part, NUMBER, ...limits[i]));
  return values.includes(undefined) ? undefined : /** @type {number[]} */ (values);
}

/** The value that a text stands for, undefined if the rule does not allow it. @type {Record<string, (text: string, rule: Rule) => any>} */
const READERS = {
  whole: (text, { min, max }) => numberWithin(text, WHOLE, min, max),
  number: (text, { min, max }) => numberWithin(text, NUMBER, min, max),
  switch: (text) => (text === "1" || text === "0" ? text === "1" : undefined),
  one_of: (text, { choices }) => choices.find((choice) => String(choice) === text),
  some_of(text, { choices }) {
    const chosen = text ? text.split(",") : [];
    const known = chosen.every((one, i) => choices.includes(one) && chosen.indexOf(one) === i);
    return known ? choices.filter((choice) => chosen.includes(/** @type {string} */ (choice))) : undefined;
  },
  numbers: (text, { each, or_none }) => (or_none && !text ? [] : numbersWithin(text, each)),
  list(text, { min, max, most }) {
    const parts = text.split(",");
    const limits = parts.map(() => /** @type {[number, number]} */ ([min, max]));
    return parts.length <= most ? numbersWithin(text, limits) : undefined;
  },
  box: (text, { within, or_none }) => (or_none && !text ? [] : boxWithin(text, within)),
  objects(text, { within, most, longest }) {
    const objects = text ? text.split(";").map((one) => readObject(one, within, longest)) : [];
    return objects.length > most || objects.includes(undefined) ? undefined : objects;
  },
};

/** @param {string} text @param {[number, number, number, number]} within */
function boxWithin(text, [left, top, right, bottom]) {
  const box = numbersWithin(text, [
    [left, right],
    [top, bottom],
    [left, right],
    [top, bottom],
  ]);
  return box && box[0] < box[2] && box[1] < box[3] ? box : undefined;
}

/** An object as `spelt` writes it: "car,10,20,110,90". @param {string} text @param {[number, number, number, number]} within @param {number} longest */
function readObject(text, within, longest) {
  const [, spelling, edges] = text.match(/^([^,]*),(.*)$/) || [];
  const [name, box] = [unescaped(spelling || ""), boxWithin(edges || "", within)];
  return name !== undefined && name.length <= longest && box ? { name, box } : undefined;
}

/** @param {string} text */
function unescaped(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined; // a % that stands for nothing
  }
}

/** What a rule takes, in words. @param {Rule} rule */
function takes({ kind, min, max, choices, each, within, most }) {
  if (kind === "switch") return "0 or 1";
  if (kind === "one_of" || kind === "some_of")
    return `${kind === "one_of" ? "one" : "some"} of ${shortened(choices.join(", "), 60)}`;
  if (kind === "numbers") return `${each.length} numbers, ${each.map(([low, high]) => `${low} to ${high}`).join(", ")}`;
  if (kind === "list") return `1 to ${most} numbers, ${min} to ${max}`;
  if (kind === "objects") return `up to ${most} of name,x1,y1,x2,y2 within ${within.join(",")}`;
  return kind === "box" ? `x1,y1,x2,y2 within ${within.join(",")}` : `${min} to ${max}`;
}

/** @param {string} text @param {number} length */
const shortened = (text, length) => (text.length > length ? `${text.slice(0, length)}…` : text);

/**
 * What a fragment asks for.
 * @param {string} fragment without its # @param {Moves} moves
 * @param {Record<string, any>} opening the traits as the page opens; they hold for what the fragment does not name
 * @returns {{values: Record<string, any>, problem: string}} problem: "" if there is none; else the values are the opening's
 */
export function readLink(fragment, moves, opening) {
  const refused = (/** @type {string} */ problem) => ({ values: { ...opening }, problem });
  if (fragment.length > LONGEST) return refused("it is too long");
  const values = { ...opening };
  const named = new Set();
  for (const [trait, text] of new URLSearchParams(fragment)) {
    if (trait === "explorer") continue;
    const shown = shortened(trait, 20);
    if (!Object.hasOwn(moves, trait)) return refused(`there is nothing here called ${shown}`);
    if (named.has(trait)) return refused(`${shown} stands there twice`);
    named.add(trait);
    values[trait] = READERS[moves[trait].kind](text, moves[trait]);
    if (values[trait] === undefined)
      return refused(`${shown} is ${shortened(text, 20) || "empty"}, takes ${takes(moves[trait])}`);
  }
  for (const [trait, { at_most }] of Object.entries(moves)) {
    if (at_most && values[trait] > values[at_most]) return refused(`${trait} is above ${at_most}`);
  }
  return { values, problem: "" };
}

/** Which explorer a fragment is for, null if it does not say. @param {string} fragment */
export const addressee = (fragment) => new URLSearchParams(fragment).get("explorer");

/** A value as a link spells it; of a number five decimals, which nobody can tell from more. @param {any} value @returns {string} */
function spelt(value) {
  if (Array.isArray(value)) return value.map(spelt).join(value.some((one) => one.box) ? ";" : ",");
  if (value?.box) return [encodeURIComponent(value.name), ...value.box.map(spelt)].join(",");
  if (typeof value === "number") return String(Number(value.toFixed(5)));
  return typeof value === "boolean" ? String(Number(value)) : value;
}

/**
 * The fragment of an explorer as it stands: every trait, so that a link keeps its meaning when the page one day opens
 * differently.
 * @param {string} name @param {Moves} moves @param {(trait: string) => any} get
 */
export function writeLink(name, moves, get) {
  const pairs = Object.keys(moves).map((trait) => [trait, spelt(get(trait))]);
  return new URLSearchParams([["explorer", name], ...pairs]).toString().replaceAll("%2C", ",");
}
