// @ts-check
// Opens a picture of the reader's own: by a button at the end of the status line, dropped on the view, or pasted. Then it
// is a row of its own, and says what is being done, what became of it, and what to think of it.

import { ownPicture, waitsFor } from "./asking.js";
import { h, OWN_KEYS, setText } from "./elements.js";
import { download } from "./files.js";
import { watch } from "./model.js";
import { leaveOwn, PictureOpener } from "./own_picture.js";

/** @typedef {import("./model.js").Model} Model */

/**
 * The row, for `defineView`. @param {import("./own_picture.js").Opens} opens
 * @returns {(explorer: {model: Model, root: HTMLElement}) => import("./view.js").Part<unknown>}
 */
export const opensPictures = (opens) => (explorer) => new PictureRow(explorer, opens);

class PictureRow {
  /**
   * @param {{model: Model, root: HTMLElement}} explorer root: where pictures may be dropped
   * @param {import("./own_picture.js").Opens} opens
   */
  constructor({ model, root }, opens) {
    this.model = model;
    this.opener = new PictureOpener(model, opens, (sentence) => this.tell(sentence));
    this.working = false;
    const take = (/** @type {File[]} */ files) => this.work(() => this.opener.open(files));
    this.row = rowElements(this.opener, take);
    this.element = /** @type {HTMLElement} */ (this.row.element);
    this.element.hidden = !this.opener.canOpen;
    this.stops = [
      watch(model, ["own_picture", "objects", "answered", "error"], () => this.show()),
      watch(model, opens.again || [], () => this.again()),
      hearFiles(root, take),
    ];
    this.show();
  }

  /** @param {string} sentence @param {boolean} [failed] */
  tell(sentence, failed = false) {
    const { element, said } = this.row;
    setText(said, sentence);
    said.classList.toggle("rpnviz-error", failed);
    element.classList.toggle("rpnviz-own-row", sentence !== ""); // a row of its own, where there is something to say
    element.parentElement?.classList.toggle("rpnviz-told", sentence !== "");
  }

  /** Do one thing, and say what went wrong. @param {() => Promise<void>} what */
  async work(what) {
    if (this.working) return; // what is dropped meanwhile
    this.working = true;
    this.show();
    try {
      await what();
      this.tell("");
    } catch (error) {
      const { name, message } = /** @type {Error} */ (error);
      const cancelled = name === "AbortError";
      this.tell(cancelled ? "" : message, !cancelled);
    }
    this.working = false;
    this.show();
    this.again(); // another grid may have been chosen meanwhile
  }

  again() {
    if (Object.keys(this.opener.unanswered).length) this.work(() => this.opener.lookAgain());
  }

  show() {
    const { model, opener, row, working } = this;
    const own = ownPicture(model);
    const asking = waitsFor(model).includes("own_picture");
    row.open.disabled = working || asking;
    row.cancel.hidden = !working;
    row.back.hidden = row.save.hidden = !own || working;
    row.save.hidden ||= model.get("objects") === undefined;
    if (working || row.said.classList.contains("rpnviz-error")) return;
    this.tell(own && !asking ? whatItIs(own, model.get("objects"), opener.opens.network) : "");
  }

  destroy() {
    this.stops.forEach((stop) => stop());
    this.opener.destroy();
  }
}

/** @param {import("./asking.js").Own} own @param {unknown[] | undefined} objects @param {boolean} network */
function whatItIs({ name, file_size: [height, width] }, objects, network) {
  const fitted = `${name}, ${width}×${height} pixels, fitted into 1000×600; it stays on this device.`;
  const invited = objects?.length === 0 ? " Draw a box round each object." : "";
  const honest = network ? " The network was trained on rendered streets: look where it fails, and why." : "";
  return fitted + invited + honest;
}

/** @param {PictureOpener} opener @param {(files: File[]) => void} take */
function rowElements(opener, take) {
  const button = (/** @type {string} */ text, /** @type {string} */ what, /** @type {() => void} */ click) =>
    h("button", { type: "button", what, click, ...OWN_KEYS }, text);
  const input = h("input", { type: "file", accept: "image/*,.json", multiple: true, hidden: true });
  input.addEventListener("change", () => {
    take([...input.files]);
    input.value = ""; // the same file may be chosen again
  });
  const open = button(
    "open a picture",
    "A picture of your own: choose it, drop it on the view, or paste it. Nothing of it leaves this device.",
    () => input.click(),
  );
  const back = button("close it", "Closes your picture, and shows again what was here at first.", () =>
    leaveOwn(opener.model),
  );
  const save = button("save boxes", "Saves the objects as JSON; Picture.open reads it from beside the picture.", () => {
    const scene = opener.scene();
    if (scene) download(new Blob([scene.text], { type: "application/json" }), scene.name);
  });
  const cancel = button("cancel", "Stops looking at it; what was here stays.", () => opener.cancel());
  const said = h("span", { class: "rpnviz-own-said", role: "status" });
  const element = h("div", { class: "rpnviz-own" }, input, open, cancel, back, save, said);
  return { element, open, back, save, cancel, said };
}

/**
 * Hear of files that are dropped on an element, or pasted while the focus is in it.
 * @param {HTMLElement} root @param {(files: File[]) => void} take
 */
function hearFiles(root, take) {
  const hasFiles = (/** @type {DataTransfer | null} */ data) => Boolean(data?.types.includes("Files"));
  const over = (/** @type {DragEvent} */ event) => {
    if (!hasFiles(event.dataTransfer)) return;
    event.preventDefault(); // else the browser leaves the page for the picture
    root.classList.add("rpnviz-dropping");
  };
  const leave = () => root.classList.remove("rpnviz-dropping");
  const hear = (/** @type {Event} */ event, /** @type {DataTransfer | null} */ data) => {
    leave();
    if (!hasFiles(data)) return;
    event.preventDefault();
    event.stopPropagation();
    take([...(data?.files || [])]);
  };
  const drop = (/** @type {DragEvent} */ event) => hear(event, event.dataTransfer);
  const paste = (/** @type {ClipboardEvent} */ event) => hear(event, event.clipboardData);
  /** @type {[string, (event: any) => void][]} */
  const heard = [
    ["dragenter", over],
    ["dragover", over],
    ["dragleave", leave],
    ["drop", drop],
    ["paste", paste],
  ];
  for (const [name, listener] of heard) root.addEventListener(name, listener);
  return () => heard.forEach(([name, listener]) => root.removeEventListener(name, listener));
}
