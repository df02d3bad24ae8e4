// @ts-check
// Runs inside the measured page. A "look" is a short string that differs wherever what the reader sees differs; the looks
// of all columns are recorded first, so that "the frame shows the new column" is a comparison and not a guess.

/** Make `window.meter`. @param {() => string} look what the reader sees now */
const startMeter = (look) => {
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
  const decoded = () => {
    const images = /** @type {NodeListOf<HTMLImageElement>} */ (document.querySelectorAll(".jp-OutputArea-output img"));
    return Promise.all([...images].map((img) => img.decode()));
  };

  const meter = {
    /** ms from the key press to the new picture, once `arm` was called; null if it did not come in time. */
    shown: /** @type {Promise<number | null>} */ (Promise.resolve(null)),

    /**
     * The look once it differs from `before` and has stayed the same for some frames; "" if that takes over a minute.
     * @param {string} before @param {number} frames
     */
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

    /** Whether the page shows this look within a minute. @param {string} expected */
    async comes(expected) {
      const end = performance.now() + 60_000;
      while (look() !== expected && performance.now() < end) await frame();
      return look() === expected;
    },

    /** The next key press is timed until the page shows `expected`. @param {string} expected @param {number} limit in ms */
    arm(expected, limit) {
      this.shown = new Promise((resolve) => {
        const pressed = async (/** @type {KeyboardEvent} */ event) => {
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

    /**
     * Make one change in each of looks.length frames; how many of these looks were on the screen in some frame.
     * @param {string[]} looks @param {(change: number) => void} push @param {number} limit in ms
     */
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
  Object.assign(window, { meter });
};
Object.assign(window, { startMeter });
