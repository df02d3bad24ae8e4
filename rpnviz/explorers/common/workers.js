// @ts-check
// Work beside the page, in a worker.
//
// It is made from a blob: of the page's own modules (modules.js), since a widget, a saved page and a page from file://
// have no address that a worker could be loaded from. A policy has to allow it: worker-src blob:, and 'wasm-unsafe-eval' in
// script-src where the kernel is needed.

/** brings: what all jobs are to have from now on (jobs.js). @typedef {{name: string, given: any[], brings?: any, onProgress?: (progress: any) => void, signal?: AbortSignal}} Job */

/**
 * A worker that waits for jobs; null if this page may have none.
 * @param {string} module as the registry names it; its `listenIn` says `ready` at once, `progress` meanwhile, and `answer` or
 *   `error` at the end of each job
 * @returns {Promise<Worker | null>}
 */
export async function startWorker(module) {
  const code = `${rpnviz.script(module)}\nrpnviz.take("${module}").listenIn(self);`;
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  try {
    const worker = new Worker(url); // some browsers throw here if the policy forbids it, others report it
    const ready = await new Promise((resolve) => {
      worker.onmessage = () => resolve(true);
      worker.onerror = () => resolve(false);
    });
    return ready ? worker : null;
  } catch {
    return null;
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** Let a worker do a job, one at a time. @param {Worker} worker @param {Job} job @returns {Promise<any>} */
export function byWorker(worker, { name, given, brings, onProgress = () => {}, signal }) {
  return new Promise((resolve, reject) => {
    if (signal) signal.onabort = () => reject(signal.reason);
    worker.onerror = (event) => reject(new Error(event.message || "the page's worker has ended"));
    worker.onmessage = ({ data: { progress, answer, error } }) => {
      if (progress) onProgress(progress);
      else if (answer) resolve(answer);
      else reject(new Error(error));
    };
    worker.postMessage({ name, given, brings }, brings instanceof ImageBitmap ? [brings] : []);
  });
}
