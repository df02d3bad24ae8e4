// @ts-check
// Resamples a picture that the page has decoded.

import { fitBitmap } from "./compute/pictures.js";
import { nobodyWaits } from "./compute/turns.js";
import { listen } from "./jobs.js";

/** @typedef {import("./compute/turns.js").Turn} Turn */

export class PictureJobs {
  /** @param {Turn} turn */
  constructor(turn) {
    this.turn = turn;
    this.bitmap = /** @type {ImageBitmap | null} */ (null);
  }

  /** @param {ImageBitmap} bitmap */
  take(bitmap) {
    this.bitmap = bitmap;
  }

  /** @returns {Promise<import("./compute/pictures.js").Picture>} */
  fit() {
    return fitBitmap(/** @type {ImageBitmap} */ (this.bitmap), this.turn);
  }
}

/** @param {import("./jobs.js").Scope} scope */
export const listenIn = (scope) => listen(scope, new PictureJobs(nobodyWaits));
