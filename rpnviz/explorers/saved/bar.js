// @ts-check
// What a saved page offers below an explorer: a link to it as it stands, its picture, a piece of HTML that embeds it, the
// lecturer's mode, and the list of its keys.

import { h, setText } from "../common/elements.js";
import { download } from "../common/files.js";
import { LECTURE_KEYS, lectureMode, PRESENTER_KEY } from "./lecture.js";
import { asPng, pictureOf } from "./picture.js";

/** @typedef {import("../common/model.js").Model} Model */

const SAID_FOR = 6000; // ms
/** @type {[string, string][]} */
const COMMON_KEYS = [
  ["Tab, Shift + Tab", "the next control, the one before"],
  ["← → on a slider", "one step; PageUp, PageDown: several; Home, End: to its ends"],
  ["Space", "switch a box on or off, press a button"],
  ["?", "this list"],
];

/** Whether it is now in the clipboard: a page may not be allowed to, or there may be none. @param {string} text */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** A dialog with a heading and a button that closes it. @param {string} title @param {...Node} children */
function dialog(title, ...children) {
  const close = h("button", { type: "button", click: () => element.close() }, "close");
  const element = h(
    "dialog",
    { class: "rpnviz-dialog", "aria-label": title },
    h("header", {}, h("h2", {}, title), close),
    ...children,
  );
  element.addEventListener("click", (/** @type {MouseEvent} */ event) => event.target === element && element.close()); // beside it
  return /** @type {HTMLDialogElement} */ (element);
}

/** @param {string} title @param {[string, string][]} keys */
const keyList = (title, keys) =>
  keys.length
    ? [
        h("h3", {}, title),
        h("dl", {}, ...keys.flatMap(([key, what]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, what)])),
      ]
    : [];

/** The address of the page itself, with a fragment. @param {string} fragment @param {boolean} embed */
function addressOf(fragment, embed = false) {
  const url = new URL(location.href);
  url.searchParams.delete("embed");
  url.hash = fragment;
  if (embed) url.search += `${url.search ? "&" : "?"}embed`;
  // Nobody else has this folder: the file is to lie beside the page that embeds it.
  return embed && url.protocol === "file:"
    ? url.href.slice(url.href.lastIndexOf("/", url.href.indexOf("?")) + 1)
    : url.href;
}

/** @typedef {{el: HTMLElement, root: HTMLElement, model: Model, moves: import("./link.js").Moves, presented: string,
 *   name: string, link: () => string, embedded: boolean}} Options link: the fragment for the explorer as it stands */
/** @typedef {(text: string) => void} Say */

/** A button that says what it is for. @param {string} text @param {string} what @param {() => void} click */
const button = (text, what, click) => h("button", { type: "button", what, click }, text);

/** The bar, put below the explorer's status line. @param {Options} options */
export function savedBar(options) {
  const { root, name, link, embedded } = options;
  const status = statusLine();
  const byHand = linkByHand();
  const keys = keyDialog(options);
  const showKeys = () => keys.open || keys.showModal();
  const embedding = embedDialog(root, link);
  const giveLink = () => copyLink(link(), byHand, status.say);
  const lecture = lectureSwitch(options, showKeys, giveLink, status.say);
  const keysButton = button("keys ?", "Lists the keys of this explorer.", showKeys);
  const save = (/** @type {"png" | "svg"} */ kind) => () => savePicture(root, name, kind, status.say);
  const buttons = embedded
    ? [wholePage(link), keysButton]
    : [
        button("copy link", "Copies the address of this page with the explorer as it stands now.", giveLink),
        button("save PNG", "Saves the panels as a picture, twice as fine as on a usual screen.", save("png")),
        button("save SVG", "Saves the panels as a drawing that stays sharp at any size.", save("svg")),
        button("embed", "A piece of HTML that shows this explorer in your own page.", embedding.open),
        lecture.button,
        keysButton,
      ];
  const about = { class: "rpnviz-tools", role: "group", "aria-label": "This explorer" };
  root.append(h("div", about, status.element, byHand, ...buttons), embedding.element, keys);
  const forgetKey = onQuestionMark(root, showKeys);
  return () => {
    status.destroy();
    lecture.leave();
    forgetKey();
  };
}

/** What has just been done, for some seconds. */
function statusLine() {
  const element = h("span", { class: "rpnviz-tools-said", role: "status" });
  let silence = 0;
  return {
    element,
    say: /** @type {Say} */ (
      (text) => {
        clearTimeout(silence);
        setText(element, text);
        silence = window.setTimeout(() => setText(element, ""), SAID_FOR);
      }
    ),
    destroy: () => clearTimeout(silence),
  };
}

/** Where a link stands that could not be copied; gone when the reader leaves it. */
function linkByHand() {
  const about = { class: "rpnviz-by-hand", readonly: true, hidden: true, "aria-label": "The link, to be copied" };
  const element = h("input", { type: "text", ...about });
  element.addEventListener("blur", () => (element.hidden = true));
  return element;
}

/** @param {string} fragment @param {HTMLInputElement} byHand @param {Say} say */
async function copyLink(fragment, byHand, say) {
  const address = addressOf(fragment);
  // Only now: while the reader moves, address and history stay as they are.
  try {
    history.replaceState(history.state, "", `#${fragment}`);
  } catch {
    // a page without an address of its own (srcdoc): the link is all there is
  }
  if (await copied(address)) return say("link copied");
  byHand.value = address;
  byHand.hidden = false;
  byHand.focus();
  byHand.select();
  say("not copied: press Ctrl + C (⌘ C)");
}

/** @param {HTMLElement} root @param {string} name @param {"png" | "svg"} kind @param {Say} say */
async function savePicture(root, name, kind, say) {
  try {
    const picture = await pictureOf(root);
    const blob = kind === "svg" ? new Blob([picture.text], { type: "image/svg+xml" }) : await asPng(picture);
    download(blob, `rpnviz-${name}.${kind}`);
    say(`saved as rpnviz-${name}.${kind}`);
  } catch (error) {
    say(`not saved: ${error instanceof Error ? error.message : error}`);
  }
}

/** The dialog with the piece of HTML that embeds the explorer. @param {HTMLElement} root @param {() => string} link */
function embedDialog(root, link) {
  const snippet = h("textarea", { readonly: true, rows: 5, "aria-label": "HTML to embed the explorer" });
  const said = h("span", { role: "status" });
  const copy = async () => {
    const done = await copied(snippet.value);
    if (!done) snippet.select();
    setText(said, done ? "copied" : "not copied: press Ctrl + C (⌘ C)");
  };
  const beside = location.protocol === "file:" ? " Put this file beside them." : "";
  const about = `A piece of HTML for lecture notes or slides: the explorer alone, as it stands now.${beside}`;
  const copyButton = h("button", { type: "button", click: copy }, "copy");
  const element = dialog("Embed this explorer", h("p", {}, about), snippet, copyButton, said);
  const open = () => {
    snippet.value = frameText(root, addressOf(link(), true));
    setText(said, "");
    element.showModal();
    snippet.focus();
    snippet.select();
    snippet.scrollTop = 0;
  };
  return { element, open };
}

/** A frame as high as the explorer, as HTML. @param {HTMLElement} root @param {string} src */
function frameText(root, src) {
  const frame = h("iframe", {
    src,
    title: root.getAttribute("aria-label"),
    width: "100%",
    height: Math.ceil(root.getBoundingClientRect().height) + 16,
    loading: "lazy",
    allow: "fullscreen; clipboard-write",
  });
  frame.style.border = "0";
  return frame.outerHTML;
}

/** The dialog that lists the keys. @param {Options} options */
function keyDialog({ root, presented, embedded }) {
  const own = /** @type {[string, string][]} */ (JSON.parse(root.dataset.keys || "[]"));
  const lecture = [...(presented ? [PRESENTER_KEY] : []), ...LECTURE_KEYS];
  return dialog(
    "Keys",
    ...keyList("This explorer", own),
    ...keyList("Everywhere", COMMON_KEYS),
    ...keyList("Lecture mode", embedded ? [] : lecture),
  );
}

/** The lecturer's mode, and the button for it. @param {Options} options @param {() => void} onKeys @param {() => void} onLink @param {Say} say */
function lectureSwitch({ el, root, model, moves, presented }, onKeys, onLink, say) {
  const toggle = () => (el.classList.contains("rpnviz-lecture") ? mode.leave() : mode.enter());
  const what = "The explorer alone on the whole screen, in large letters, moved by keys.";
  const element = button("lecture mode", what, toggle);
  const onChange = (/** @type {boolean} */ on) => {
    setText(element, on ? "leave" : "lecture mode");
    if (!on) element.focus({ preventScroll: true });
    say(on ? "Lecture mode: ? lists the keys, Esc leaves." : "");
  };
  const mode = lectureMode({ el, root, model, moves, presented, onKeys, onLink, onChange });
  return { button: element, leave: mode.leave };
}

/** A link to the page that an embedded explorer comes from, as the explorer stands. @param {() => string} link */
function wholePage(link) {
  const point = () => element.setAttribute("href", addressOf(link()));
  const about = { what: "The page that this explorer comes from.", focus: point, pointerenter: point };
  const element = h("a", { target: "_blank", ...about, href: addressOf(link()) }, "open the page");
  return element;
}

/**
 * "?" lists the keys: in the explorer, and with nothing focused where it is the only one.
 * @param {HTMLElement} root @param {() => void} showKeys
 */
function onQuestionMark(root, showKeys) {
  const listen = (/** @type {KeyboardEvent} */ event) => {
    const target = /** @type {Element} */ (event.target);
    const alone = () => document.querySelectorAll("[data-rpnviz-name]").length === 1;
    const here = root.contains(target) || (target === document.body && alone());
    if (event.key !== "?" || !here || event.ctrlKey || event.metaKey || event.altKey) return;
    if (target.matches("input[type=text], input[type=number], select, textarea")) return;
    event.preventDefault();
    showKeys();
  };
  document.addEventListener("keydown", listen);
  return () => document.removeEventListener("keydown", listen);
}
