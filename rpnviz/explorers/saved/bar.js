// @ts-check
// What a saved page offers below an explorer: a link to it as it stands, its picture, a piece of HTML that embeds it, the
// lecturer's mode, and the list of its keys.
import { h, setText } from "../common/elements.js";
import { LECTURE_KEYS, lectureMode, PRESENTER_KEY } from "./lecture.js";
import { asPng, download, pictureOf } from "./picture.js";

/** @typedef {import("../common/model.js").Model} Model */

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

/**
 * The bar, put below the explorer's status line.
 * @param {{el: HTMLElement, root: HTMLElement, model: Model, moves: import("./link.js").Moves, presented: string,
 *   name: string, link: () => string, embedded: boolean}} options link: the fragment for the explorer as it stands
 */
export function savedBar({ el, root, model, moves, presented, name, link, embedded }) {
  const said = h("span", { class: "rpnviz-tools-said", role: "status" });
  const byHand = h("input", {
    type: "text",
    class: "rpnviz-by-hand",
    readonly: true,
    hidden: true,
    "aria-label": "The link, to be copied",
  });
  let silence = 0;
  const say = (/** @type {string} */ text) => {
    clearTimeout(silence);
    setText(said, text);
    silence = window.setTimeout(() => setText(said, ""), 6000);
  };
  byHand.addEventListener("blur", () => (byHand.hidden = true));

  async function copyLink() {
    const fragment = link();
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

  /** @param {"png" | "svg"} kind */
  async function save(kind) {
    try {
      const picture = await pictureOf(root);
      download(
        kind === "svg" ? new Blob([picture.text], { type: "image/svg+xml" }) : await asPng(picture),
        `rpnviz-${name}.${kind}`,
      );
      say(`saved as rpnviz-${name}.${kind}`);
    } catch (error) {
      say(`not saved: ${error instanceof Error ? error.message : error}`);
    }
  }

  const snippet = h("textarea", { readonly: true, rows: 5, "aria-label": "HTML to embed the explorer" });
  const copySnippet = h(
    "button",
    {
      type: "button",
      click: async () => {
        const done = await copied(snippet.value);
        if (!done) snippet.select();
        setText(snippetSaid, done ? "copied" : "not copied: press Ctrl + C (⌘ C)");
      },
    },
    "copy",
  );
  const snippetSaid = h("span", { role: "status" });
  const embedding = dialog(
    "Embed this explorer",
    h(
      "p",
      {},
      `A piece of HTML for lecture notes or slides: the explorer alone, as it stands now.${location.protocol === "file:" ? " Put this file beside them." : ""}`,
    ),
    snippet,
    copySnippet,
    snippetSaid,
  );
  function embed() {
    const height = Math.ceil(root.getBoundingClientRect().height) + 16;
    const frame = h("iframe", {
      src: addressOf(link(), true),
      title: root.getAttribute("aria-label"),
      width: "100%",
      height,
      loading: "lazy",
      allow: "fullscreen; clipboard-write",
    });
    frame.style.border = "0";
    snippet.value = frame.outerHTML;
    setText(snippetSaid, "");
    embedding.showModal();
    snippet.focus();
    snippet.select();
    snippet.scrollTop = 0;
  }

  const ownKeys = /** @type {[string, string][]} */ (JSON.parse(root.dataset.keys || "[]"));
  const lectureKeys = [...(presented ? [PRESENTER_KEY] : []), ...LECTURE_KEYS];
  const list = dialog(
    "Keys",
    ...keyList("This explorer", ownKeys),
    ...keyList("Everywhere", COMMON_KEYS),
    ...keyList("Lecture mode", embedded ? [] : lectureKeys),
  );
  const showKeys = () => list.open || list.showModal();

  const lecture = lectureMode({
    el,
    root,
    model,
    moves,
    presented,
    onKeys: showKeys,
    onChange(on) {
      setText(lectureButton, on ? "leave" : "lecture mode");
      if (!on) lectureButton.focus({ preventScroll: true });
      say(on ? "Lecture mode: ? lists the keys, Esc leaves." : "");
    },
  });
  const button = (/** @type {string} */ text, /** @type {string} */ what, /** @type {() => void} */ click) =>
    h("button", { type: "button", what, click }, text);
  const lectureButton = button(
    "lecture mode",
    "The explorer alone on the whole screen, in large letters, moved by keys.",
    () => (el.classList.contains("rpnviz-lecture") ? lecture.leave() : lecture.enter()),
  );
  const keysButton = button("keys ?", "Lists the keys of this explorer.", showKeys);
  const whole = h(
    "a",
    {
      target: "_blank",
      what: "The page that this explorer comes from.",
      focus: () => whole.setAttribute("href", addressOf(link())),
      pointerenter: () => whole.setAttribute("href", addressOf(link())),
      href: addressOf(link()),
    },
    "open the page",
  );
  const buttons = embedded
    ? [whole, keysButton]
    : [
        button("copy link", "Copies the address of this page with the explorer as it stands now.", copyLink),
        button("save PNG", "Saves the panels as a picture, twice as fine as on a usual screen.", () => save("png")),
        button("save SVG", "Saves the panels as a drawing that stays sharp at any size.", () => save("svg")),
        button("embed", "A piece of HTML that shows this explorer in your own page.", embed),
        lectureButton,
        keysButton,
      ];
  const bar = h(
    "div",
    { class: "rpnviz-tools", role: "group", "aria-label": "This explorer" },
    said,
    byHand,
    ...buttons,
  );
  root.append(bar, embedding, list);

  /** "?" lists the keys: in the explorer, and with nothing focused where it is the only one. @param {KeyboardEvent} event */
  function onKey(event) {
    const target = /** @type {Element} */ (event.target);
    const here =
      root.contains(target) ||
      (target === document.body && document.querySelectorAll("[data-rpnviz-name]").length === 1);
    if (event.key !== "?" || !here || event.ctrlKey || event.metaKey || event.altKey) return;
    if (target.matches("input[type=text], input[type=number], select, textarea")) return;
    event.preventDefault();
    showKeys();
  }
  document.addEventListener("keydown", onKey);
  return () => {
    clearTimeout(silence);
    lecture.leave();
    document.removeEventListener("keydown", onKey);
  };
}
