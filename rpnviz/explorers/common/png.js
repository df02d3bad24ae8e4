// @ts-check
// A picture as a file, which is what the traits hold: PNG, which loses nothing.

/**
 * @param {[number, number]} size (rows, columns) @param {(rgba: Uint8ClampedArray) => void} fill its pixels; they begin
 * transparent @returns {Promise<DataView>}
 */
export async function pngFile([height, width], fill) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const g = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const pixels = g.createImageData(width, height);
  fill(pixels.data);
  g.putImageData(pixels, 0, 0);
  const blob = await new Promise((/** @type {(blob: Blob | null) => void} */ resolve) => canvas.toBlob(resolve));
  if (!blob) throw new Error("this browser cannot make a file of the picture");
  return new DataView(await blob.arrayBuffer());
}
