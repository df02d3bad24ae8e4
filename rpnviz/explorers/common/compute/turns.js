// @ts-check
// Long work awaits a `turn` between two pieces of it. On the page others are served meanwhile: pointers, frames. In a
// worker nobody waits, and the turn is over at once.

/** @typedef {() => Promise<void>} Turn */

const SLICE = 10; // ms of work before the page has its turn

/** @type {Turn} */
export const nobodyWaits = async () => {};

/** Turns that are given when the work has gone on for some time. @returns {Turn} */
export function turnsOnThePage() {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < SLICE) return;
    await nextTask();
    since = performance.now();
  };
}

/** Behind whatever else the page has to do; setTimeout would wait 4 ms each time. @returns {Promise<void>} */
function nextTask() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
