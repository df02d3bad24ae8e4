// @ts-check
// How a widget's code arrives: deflated text, which becomes a module of its own. Written into the widget by bundle.py.

const packed = Uint8Array.from(atob("PACKED"), (letter) => letter.charCodeAt(0));

/** anywidget awaits what this promises before it shows a view. */
export default async function unpacked() {
  const text = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const code = new Blob([await new Response(text).text()], { type: "text/javascript" });
  const address = URL.createObjectURL(code);
  try {
    return (await import(address)).default;
  } finally {
    URL.revokeObjectURL(address);
  }
}
