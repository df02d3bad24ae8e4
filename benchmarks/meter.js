// Runs inside the measured page. A "look" is a short string that differs wherever what the reader sees differs; the looks
// of all columns are recorded first, so that "the frame shows the new column" is a comparison and not a guess.
// @ts-check
(look) => {
  const channel = new MessageChannel();

  /** Call back in the next animation frame; resolves in the first task after that frame was produced. */
  const frame = (inside = () => {}) =>
    new Promise((resolve) =>
      requestAnimationFrame(() => {
        inside();
        channel.port1.onmessage = resolve;
        channel.port2.postMessage(0);
      }),
    );
  const decoded = () => Promise.all([...document.querySelectorAll(".jp-OutputArea-output img")].map((img) => img.decode()));

  window.meter = {
    /** The look once it differs from `before` and has stayed the same for some frames; "" if that takes over a minute. */
    async settle(before, frames) {
      let [last, same] = ["", 0];
      const end = performance.now() + 60_000;
      while (same < frames) {
        if (performance.now() > end) return "";
        await frame();
        const now = look();
        same = now === last && now !== before && now !== "" ? same + 1 : 0;
        last = now;
      }
      return last;
    },

    /** Whether the page shows this look within a minute. */
    async comes(expected) {
      const end = performance.now() + 60_000;
      while (look() !== expected && performance.now() < end) await frame();
      return look() === expected;
    },

    /** Arm: the next key press is timed until the page shows `expected`; `meter.shown` is ms, or null after `limit` ms. */
    arm(expected, limit) {
      this.shown = new Promise((resolve) => {
        const pressed = async (event) => {
          while (performance.now() - event.timeStamp < limit) {
            await frame();
            if (look() !== expected) continue;
            await decoded();
            return resolve(performance.now() - event.timeStamp);
          }
          resolve(null);
        };
        addEventListener("keydown", pressed, { capture: true, once: true });
      });
    },

    /** Make one change in each of looks.length frames; how many of these looks were on the screen in some frame. */
    async burst(looks, push, limit) {
      const seen = new Set();
      const note = () => seen.add(looks.indexOf(look()));
      for (let i = 0; i < looks.length; i++) {
        await frame(() => push(i));
        note();
      }
      const end = performance.now() + limit;
      while (!seen.has(looks.length - 1) && performance.now() < end) {
        await frame();
        note();
      }
      seen.delete(-1);
      return seen.size;
    },
  };
}
