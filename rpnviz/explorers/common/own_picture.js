// @ts-check
// A picture of the reader's own in an explorer: the traits own_picture and own_pixels (own_picture.py). Where there is a
// kernel, Python looks at it; a page without one looks at it by itself, and sets the traits that Python would.

import { ownPicture } from "./asking.js";
import { fittedPlace } from "./compute/pictures.js";
import { commit, typed, watch } from "./model.js";
import { PictureReader } from "./picture_reader.js";
import { pngFile } from "./png.js";
import { readScene, writeScene } from "./scene_file.js";

/** @typedef {import("./compute/boxes.js").Box} Box */
/** @typedef {import("./compute/boxes.js").Size} Size */
/** @typedef {import("./compute/grid.js").Grid} Grid */
/** @typedef {import("./compute/pictures.js").Picture} Picture */
/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./network_worker.js").Look} Look */
/** @typedef {import("./network_worker.js").CloseLook} CloseLook */
/** @typedef {import("./network_worker.js").LayerMaps} LayerMaps */
/** @typedef {import("./objects.js").Drawn} Drawn */
/**
 * What a page without a kernel needs to look at a picture.
 * @typedef {object} Opened
 * @property {string} name
 * @property {Size} imageSize
 * @property {DataView} file the picture, fitted, as a file that the view can draw
 * @property {Drawn[]} objects
 * @property {(name: string) => any} get a trait as it stands
 * @property {(grid: Grid) => Promise<Look>} look ask backbone and RPN
 * @property {(grid: Grid) => Promise<CloseLook>} lookClosely the same, and the vectors in between
 * @property {(grid: Grid) => Promise<LayerMaps>} layersOf what every layer makes of it
 * @property {import("./network.js").Network["detect"]} detect ask the second head
 */
/**
 * How an explorer shows a picture of the reader's own.
 * @typedef {object} Opens
 * @property {(opened: Opened) => Promise<Record<string, any>>} answer the traits that Python would set
 * @property {boolean} network whether that asks the network
 * @property {string[]} [again] traits that lead to another answer for the same picture
 */
/** @typedef {(sentence: string) => void} Say */

const LONGEST_NAME = 100; // letters
const NONE = { own_picture: {}, own_pixels: new DataView(new ArrayBuffer(0)) };

/** Show no picture of the reader's own any more. @param {Model} model @param {Record<string, any>} [values] to be set then */
export const leaveOwn = (model, values = {}) => commit(model, { ...NONE, ...values });

/** Opens pictures, and looks at them where Python does not. */
export class PictureOpener {
  /** @param {Model} model @param {Opens} opens @param {Say} say what is being done */
  constructor(model, opens, say) {
    this.model = model;
    this.opens = opens;
    this.say = say;
    this.before = /** @type {Record<string, any>} */ ({}); // of a page without a kernel: what it showed at first
    this.reader = new PictureReader();
    /** The page's own, if it has one. @type {import("./network.js").Network | undefined} */
    this.network = model.get("network")?.(() => say("fetching the network …"));
    this.cancelled = false;
    this.stop = watch(model, ["own_picture"], () => this.restore());
  }

  destroy() {
    this.stop();
    this.close();
  }

  /** Give back what reading and looking took. */
  close() {
    this.reader.close();
    this.network?.close();
  }

  /** Whether one can be opened here: a page that has no network in it cannot ask it. */
  get canOpen() {
    const { model, opens } = this;
    if ((model.get("handed") || []).includes("own_picture")) return false;
    return Boolean(model.get("has_kernel") || !opens.network || model.get("network"));
  }

  /** The page's own network; between two jobs it hears no `cancel`. */
  get #looker() {
    if (this.cancelled) throw new DOMException("cancelled", "AbortError");
    if (!this.network) throw new Error("this page has no network that could look at a picture");
    return this.network;
  }

  /**
   * Open a picture, its objects, or both.
   * @param {File[]} files @throws with a sentence that says what is wrong with them; then nothing has changed
   */
  async open(files) {
    const isScene = (/** @type {File} */ { name, type }) => type === "application/json" || /\.json$/i.test(name);
    const [scenes, pictures] = [files.filter(isScene), files.filter((file) => !isScene(file))];
    if (pictures.length > 1 || scenes.length > 1) throw new Error("one picture at a time, and one file of boxes");
    if (scenes.length && this.model.get("objects") === undefined) throw new Error("this view has no objects");
    if (pictures.length) return this.#openPicture(pictures[0], scenes[0]);
    const own = ownPicture(this.model);
    if (!own) throw new Error(`${scenes[0].name}: these are boxes; open their picture first, or both at once`);
    commit(this.model, { objects: await readScene(scenes[0], own.file_size, fittedPlace(own.file_size)) });
  }

  /** @param {File} file @param {File | undefined} scene */
  async #openPicture(file, scene) {
    this.cancelled = false;
    this.say(`reading ${file.name} …`);
    try {
      const picture = await this.reader.openPicture(file);
      const { fileSize, image } = picture;
      const objects = scene ? await readScene(scene, fileSize, fittedPlace(fileSize)) : [];
      const number = (ownPicture(this.model)?.number || 0) + 1;
      const own = { name: [...file.name].slice(0, LONGEST_NAME).join(""), file_size: fileSize, number };
      const values = {
        ...(this.model.get("objects") === undefined ? {} : { objects }),
        ...{ own_picture: own, own_pixels: new DataView(image.buffer) },
      };
      const answer = this.model.get("has_kernel") ? {} : await this.#answer(picture, own.name, objects, values);
      this.#remember({ ...answer, ...values });
      commit(this.model, { ...answer, ...values });
    } finally {
      this.close(); // their memory goes back
    }
  }

  /** The traits of `again` that this page has not answered yet, and what it answered last. @returns {Record<string, any>} */
  get unanswered() {
    if (!ownPicture(this.model) || this.model.get("has_kernel")) return {};
    const answered = this.model.get("answered") || {};
    const waiting = (this.opens.again || []).filter((name) => this.model.get(name) !== answered[name]);
    return Object.fromEntries(waiting.map((name) => [name, answered[name]]));
  }

  /** Look at the picture that is shown once more, as the traits of `again` now stand; if that fails, they go back. */
  async lookAgain() {
    const own = ownPicture(this.model);
    const back = this.unanswered;
    if (!own) return;
    this.cancelled = false;
    const image = typed(this.model.get("own_pixels"), Uint8ClampedArray);
    const picture = {
      image,
      imageSize: /** @type {Size} */ ([600, 1000]),
      fileSize: own.file_size,
      ...fittedPlace(own.file_size),
    };
    try {
      commit(this.model, await this.#answer(picture, own.name, this.model.get("objects"), {}));
    } catch (error) {
      commit(this.model, back);
      throw error;
    } finally {
      this.close();
    }
  }

  /**
   * What Python would answer. @param {Picture} picture @param {string} name @param {Drawn[]} objects
   * @param {Record<string, any>} values the traits that are set with it
   */
  async #answer(picture, name, objects, values) {
    const asked = Object.keys(this.model.get("answered") || {});
    const now = (/** @type {string} */ trait) => (trait in values ? values[trait] : this.model.get(trait));
    const answered = Object.fromEntries(asked.map((trait) => [trait, now(trait)])); // before another is chosen
    const file = await asFile(picture);
    const progress = (/** @type {{name: string, done: number, all: number}} */ { name: layer, done, all }) =>
      this.say(`${layer}: layer ${done} of ${all} …`);
    const answer = await this.opens.answer({
      ...{ name, imageSize: picture.imageSize, file, objects },
      get: (trait) => this.model.get(trait),
      look: (grid) => this.#looker.lookAt(picture, grid, progress),
      lookClosely: (grid) => this.#looker.lookClosely(picture, grid, progress),
      layersOf: (grid) => this.#looker.layersOf(picture, grid, progress),
      detect: (...given) => this.#looker.detect(...given),
    });
    return { ...answer, answered };
  }

  /** @param {Record<string, any>} values about to be set */
  #remember(values) {
    if (ownPicture(this.model)) return;
    const traits = [...Object.keys(values), ...(this.opens.again || [])];
    this.before = Object.fromEntries(traits.map((trait) => [trait, this.model.get(trait)]));
  }

  /** Python shows again what was there before; without it the page does. */
  restore() {
    if (ownPicture(this.model) || this.model.get("has_kernel")) return;
    const before = this.before;
    this.before = {};
    commit(this.model, before);
  }

  cancel() {
    this.cancelled = true;
    this.reader.cancel();
    this.network?.cancel();
  }

  /** The objects as a file. @returns {{name: string, text: string} | null} null if there is no picture of the reader's own */
  scene() {
    const own = ownPicture(this.model);
    if (!own) return null;
    const text = writeScene(own.name, own.file_size, this.model.get("objects"), fittedPlace(own.file_size));
    return { name: `${own.name.replace(/\.\w+$/, "")}.json`, text };
  }
}

/** A picture as a file that a view can draw. @param {Picture} picture */
const asFile = ({ image, imageSize }) =>
  pngFile(imageSize, (rgba) => {
    for (let i = 0, at = 0; i < image.length; i += 3, at += 4) {
      rgba.set(image.subarray(i, i + 3), at);
      rgba[at + 3] = 255;
    }
  });
