// @ts-check
// Predict first: the card above a view. A question and its choices; a tap on one says whether it is right, in one sentence,
// and moves the view, from how it stood when it was asked, to the place that shows why. Every sentence has its place from the
// start, so that nothing jumps.
import { ownPicture } from "./asking.js";
import { h, OWN_KEYS, setText } from "./elements.js";
import { commit, watch } from "./model.js";

/** @typedef {import("./model.js").Model} Model */
/** @typedef {{text: string, right: boolean, why: string, moves: Record<string, any>}} Choice as explorers/questions.py packs it */
/** @typedef {{text: string, veiled: boolean, asked: Record<string, any>, choices: Choice[]}} Question
 * veiled: the view shows the answer; asked: what a reader may set, as it stood */

const INVITATION = "Choose, and the view moves to the place that shows why. Then try the other answers.";
const LETTERS = "ABCD";

/** @param {boolean} right */
const rightOrNot = (right) => (right ? "right" : "no");

/** @param {Choice} choice @param {string} letter @param {() => void} pick */
function choiceButton({ text, right }, letter, pick) {
  const mark = h("span", { "aria-hidden": "true" }, right ? "✓" : "✗");
  return h(
    "button",
    { type: "button", "aria-pressed": "false", click: pick, ...OWN_KEYS },
    h("b", {}, letter),
    h("span", {}, text),
    h("span", { class: "rpnviz-quiz-verdict" }, mark, ` ${rightOrNot(right)}`),
  );
}

/**
 * One question; all that it has to say is in the page from the beginning, most of it not to be seen yet.
 * @param {Question} question @param {string} count "1 of 3" @param {(sentence: string) => void} speak
 * @param {(asked: Record<string, any>, moves: Record<string, any>) => void} go
 */
function oneQuestion({ text, asked, choices }, count, speak, go) {
  const id = `rpnviz-${Math.random().toString(36).slice(2)}`;
  const buttons = choices.map((choice, i) => choiceButton(choice, LETTERS[i], () => pick(i)));
  const whys = choices.map(({ right, why }, i) =>
    h("p", {}, h("b", {}, `${LETTERS[i]}: ${rightOrNot(right)}.`), ` ${why}`),
  );
  const sentences = [h("p", {}, INVITATION), ...whys];
  const element = h(
    "div",
    { class: "rpnviz-quiz-one" },
    h(
      "p",
      { class: "rpnviz-quiz-text", id },
      h("span", {}, count ? `Predict first, ${count}. ` : "Predict first. "),
      text,
    ),
    h(
      "div",
      {
        class: `rpnviz-quiz-choices ${choices.length > 3 ? "rpnviz-quiz-four" : ""}`,
        role: "group",
        "aria-labelledby": id,
      },
      ...buttons,
    ),
    h("div", { class: "rpnviz-quiz-whys" }, ...sentences),
  );

  /** @param {number} i the choice whose sentence is shown, -1 for none */
  function show(i) {
    buttons.forEach((button, k) => button.setAttribute("aria-pressed", String(k === i)));
    sentences.forEach((sentence, k) => sentence.classList.toggle("rpnviz-quiz-on", k === i + 1));
  }

  /** @param {number} i */
  function pick(i) {
    buttons[i].classList.add(choices[i].right ? "rpnviz-quiz-right" : "rpnviz-quiz-wrong");
    show(i);
    speak(whys[i].textContent || "");
    go(asked, choices[i].moves);
  }

  show(-1);
  return {
    element,
    /** As if nobody had answered. */
    reset() {
      for (const button of buttons) button.classList.remove("rpnviz-quiz-right", "rpnviz-quiz-wrong");
      show(-1);
      speak("");
    },
  };
}

/** @param {string} text @param {() => void} click */
const button = (text, click) => h("button", { type: "button", click, ...OWN_KEYS }, text);

/** Hides what a card asks, and shows it again. @param {HTMLElement} card @param {() => void} then */
function foldButton(card, then) {
  const fold = button("hide", () => {
    const folded = card.classList.toggle("rpnviz-quiz-folded");
    then();
    fold.setAttribute("aria-expanded", String(!folded));
    setText(fold, folded ? "show" : "hide");
  });
  fold.className = "rpnviz-quiz-fold";
  fold.setAttribute("aria-expanded", "true");
  return fold;
}

/**
 * Goes back to where a question was asked, and from there to the place that shows why. Where the first takes another
 * picture or grid, Python answers before the second, whose row may not exist until then.
 * @param {Model} model @param {() => boolean} waiting
 */
function mover(model, waiting) {
  let moves = /** @type {Record<string, any> | null} */ (null);
  function arrive() {
    if (!moves || waiting()) return;
    const values = moves;
    moves = null;
    commit(model, values);
  }
  /** @param {Record<string, any>} asked @param {Record<string, any>} then */
  function move(asked, then) {
    commit(model, asked);
    moves = then;
    queueMicrotask(arrive); // after the view has drawn, and knows whether it waits
  }
  return { arrive, move };
}

/**
 * The card of all questions, one at a time; hidden while there are none.
 * @param {Model} model @param {() => boolean} waiting whether the view waits for an answer of Python's
 * @param {(covered: boolean) => void} cover the view, whose answer is not to be read before there is a guess
 */
export function questionCard(model, waiting, cover) {
  const card = h("div", { class: "rpnviz-quiz", role: "group", "aria-label": "Predict first" }); // no landmark: a page has many
  const said = h("div", { class: "rpnviz-live", role: "status" });
  const speak = (/** @type {string} */ sentence) => setText(said, sentence);
  const { arrive, move } = mover(model, waiting);
  /** @param {Record<string, any>} asked @param {Record<string, any>} then */
  function go(asked, then) {
    uncover();
    move(asked, then);
  }

  let veiled = /** @type {boolean[]} */ ([]); // of each question, until the view was seen
  let now = 0;
  const veil = () => cover(Boolean(veiled[now]) && !card.hidden && !card.classList.contains("rpnviz-quiz-folded"));
  function uncover() {
    veiled = [];
    veil();
  }

  // They ask about the picture that was there at first.
  function hide() {
    card.hidden = !model.get("questions")?.length || ownPicture(model) !== null;
    veil();
  }

  function fill() {
    const questions = /** @type {Question[]} */ (model.get("questions") || []);
    const several = questions.length > 1;
    const all = questions.map((question, i) =>
      oneQuestion(question, several ? `${i + 1} of ${questions.length}` : "", speak, go),
    );
    veiled = questions.map((question) => question.veiled);
    now = 0;
    function turn() {
      all.forEach(({ element }, i) => element.classList.toggle("rpnviz-quiz-now", i === now));
      veil();
    }
    const next = button("next question", () => {
      now = (now + 1) % all.length;
      turn();
      speak(questions[now].text);
    });
    const again = button("ask again", () => all[now].reset());
    const bar = h("div", { class: "rpnviz-quiz-bar" }, ...(several ? [next] : []), again, foldButton(card, veil));
    card.classList.remove("rpnviz-quiz-folded");
    hide();
    card.replaceChildren(...all.map(({ element }) => element), bar, said);
    if (several) turn();
    else all[0]?.element.classList.add("rpnviz-quiz-now");
  }

  fill();
  const stops = [watch(model, ["questions"], fill), watch(model, ["own_picture"], hide)];
  return { element: card, arrive, uncover, destroy: () => stops.forEach((stop) => stop()) };
}
