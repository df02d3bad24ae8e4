// @ts-check
// What stands round the view of every explorer: the questions above it, the line that explains below it, and the sentences
// for those who cannot see it.
import { hearConnection } from "./connection.js";
import { h, setText } from "./elements.js";
import { watch } from "./model.js";
import { questionCard } from "./question_card.js";
import { makeVeil } from "./veil.js";

/** @typedef {import("./model.js").Model} Model */

const SILENCE = 20_000; // ms

/**
 * The outer element of an explorer: its questions, if it has any; `body` for the view; below it the status line in one fixed place (what the element
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
  const root = h("section", { class: `rpnviz ${className}`, "aria-label": label, "data-keys": JSON.stringify(keys) });
  const veil = makeVeil({ root, body, shown }, () => card.uncover());
  const card = questionCard(model, () => python.isBusy(), veil.cover);
  root.append(card.element, veil.element, body, status, shown, live);
  const python = noteOfPython(model, root, note);
  const stops = [card.destroy, python.stop, stopTabWhereItScrolls(root)];
  const speaker = speaks(live, body);

  const what = (/** @type {string} */ sentence) => setText(text, sentence || hint);
  hearPointing(root, what);
  el.append(root);

  return {
    root,
    body,
    /** Put something into the status line, at its end. @param {Element} element */
    atEnd(element) {
      status.append(element);
      status.classList.add("rpnviz-opens");
    },
    /** Show a sentence in the status line (hovering a box on a canvas, say). */
    what,
    /**
     * Say what is shown now: at once to whoever asks what a picture shows, aloud once nothing has changed for a moment.
     * @param {string} sentence
     */
    say(sentence) {
      setText(shown, sentence);
      describe(body, shown.id);
      speaker.say(sentence);
    },
    /** Show what the kernel is asked for, "" once it has answered. @param {string} sentence */
    busy(sentence) {
      python.busy(sentence);
      card.arrive();
    },
    /** @param {() => void} stop to be called when the view goes */
    onDestroy: (stop) => stops.push(stop),
    destroy() {
      speaker.stop();
      stops.forEach((stop) => stop());
      root.remove();
    },
  };
}

/** The pictures of a view are described by an element. @param {HTMLElement} body @param {string} id */
function describe(body, id) {
  for (const picture of body.querySelectorAll('canvas, [role="img"]')) picture.setAttribute("aria-describedby", id);
}

/** Speaks once nothing has changed for a moment, and not of what is covered. @param {HTMLElement} live @param {HTMLElement} body */
function speaks(live, body) {
  let speaking = 0;
  const stop = () => clearTimeout(speaking);
  return {
    stop,
    /** @param {string} sentence */
    say(sentence) {
      stop();
      speaking = window.setTimeout(() => !body.inert && setText(live, sentence), 400);
    },
  };
}

/**
 * The note at the end of the status line. @param {Model} model @param {HTMLElement} root @param {HTMLElement} note
 */
function noteOfPython(model, root, note) {
  let busy = "";
  const silence = longSilence(() => show());
  const connection = hearConnection(model, () => show());
  const stopWatching = watch(model, ["error"], () => show());
  function show() {
    const away = connection.remark();
    writeNote(note, root, { away, busy: away ? "" : silence.remark() || busy, error: model.get("error") || "" });
  }
  show();
  return {
    isBusy: () => busy !== "",
    /** @param {string} sentence what the kernel is asked for, "" once it has answered */
    busy(sentence) {
      if (sentence !== busy) silence.over();
      if (sentence && model.get("has_kernel")) silence.begin();
      busy = sentence;
      show();
    },
    stop() {
      silence.over();
      connection.stop();
      stopWatching();
    },
  };
}

/**
 * What is said once the kernel has not answered for long: one that died, or was started again, never does, and not every
 * front end tells a view of it (connection.js). @param {() => void} show
 */
function longSilence(show) {
  let waiting = 0;
  let long = false;
  return {
    begin() {
      waiting ||= window.setTimeout(() => {
        long = true;
        show();
      }, SILENCE);
    },
    over() {
      clearTimeout(waiting);
      waiting = 0;
      long = false;
    },
    remark: () => (long ? "No answer yet. Does a cell run? After a restart, run all cells again." : ""),
  };
}

/**
 * That Python is away, or else what it is asked for, or else what went wrong. @param {HTMLElement} note @param {HTMLElement} root
 * @param {{away: string, busy: string, error: string}} said
 */
function writeNote(note, root, { away, busy, error }) {
  setText(note, away || busy || error);
  note.parentElement?.classList.toggle("rpnviz-noted", note.textContent !== "");
  note.classList.toggle("rpnviz-error", !away && !busy && error !== "");
  root.classList.toggle("rpnviz-busy", busy !== "");
  root.setAttribute("aria-busy", String(busy !== ""));
}

/** Say what the element under mouse or focus is. @param {HTMLElement} root @param {(sentence: string) => void} what */
function hearPointing(root, what) {
  const point = (/** @type {Event} */ event) => {
    const target = /** @type {Element} */ (event.target).closest("[data-what]");
    if (target) what(target.getAttribute("data-what") || "");
  };
  root.addEventListener("pointerover", point);
  root.addEventListener("focusin", point);
  root.addEventListener("pointerleave", () => what(""));
}

/** A table too large for its place scrolls in it, and only then the Tab key stops there. @param {HTMLElement} root */
function stopTabWhereItScrolls(root) {
  const places = new ResizeObserver(() => {
    for (const place of root.querySelectorAll(".rpnviz-body .rpnviz-scroll")) {
      const scrolls = place.scrollWidth > place.clientWidth || place.scrollHeight > place.clientHeight;
      if (scrolls) place.setAttribute("tabindex", "0");
      else place.removeAttribute("tabindex");
    }
  });
  places.observe(root);
  return () => places.disconnect();
}
