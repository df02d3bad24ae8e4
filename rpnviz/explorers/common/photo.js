// @ts-check
// The picture as it comes from Python, a file, ready to be drawn.

import { typed } from "./model.js";

/**
 * Keep the bitmap of the file that `file()` gives; another file, another bitmap.
 * @param {() => DataView} file @param {() => void} onLoad
 */
export function loadPhoto(file, onLoad) {
  let of = /** @type {DataView | null} */ (null);
  let bitmap = /** @type {ImageBitmap | null} */ (null);
  const load = async (/** @type {DataView} */ wanted) => {
    const loaded = await createImageBitmap(new Blob([typed(wanted, Uint8Array)]));
    if (of !== wanted) return loaded.close(); // another picture has come meanwhile
    bitmap?.close();
    bitmap = loaded;
    onLoad();
  };
  return {
    /** The bitmap, null until it is there. */
    get bitmap() {
      const wanted = file();
      if (wanted !== of) {
        of = wanted;
        load(wanted);
      }
      return bitmap;
    },
  };
}
