// @ts-check
// Whether Python is there. JupyterLab, Notebook 7 and Voilà hand a widget their connection to the kernel; elsewhere, a view
// only notices that no answer comes (explorer_frame.js).

/** @typedef {import("./model.js").Model} Model */
/** @template Value @typedef {(sender: unknown, value: Value) => void} Slot */
/** @template Value @typedef {{connect: (slot: Slot<Value>) => void, disconnect: (slot: Slot<Value>) => void}} Signal */
/** @typedef {{header: {session: string}, content: {execution_state?: string}}} Message */
/**
 * What is used here of JupyterLab's IKernelConnection.
 * @typedef {{statusChanged: Signal<string>, connectionStatusChanged: Signal<string>, iopubMessage: Signal<Message>,
 *   disposed: Signal<void>, requestCommInfo: (content: {target_name: string}) => Promise<unknown>}} Kernel
 */
/**
 * The model of ipywidgets that a view's model stands for: how many messages Python has not answered, what waits until it
 * has, and the traits that Python has not sent back.
 * @typedef {{comm_live: boolean, _pending_msgs: number, _msg_buffer: Record<string, any> | null,
 *   _expectedEchoMsgIds: Map<string, string>, save: (values: Record<string, any>, how: {patch: true}) => void}} Widget
 */

const ENDS = ["restarting", "autorestarting", "terminating", "dead"];
const GONE = "Python was restarted: run all cells again.";
const CUT = "No connection to Python: trying again …";
const GIVEN_UP = "No connection to Python: choose Kernel ▸ Reconnect to Kernel.";

/** @type {WeakMap<Widget, object>} */
const lastToAsk = new WeakMap();

/**
 * Hear whether Python goes away, and tell it once it is back what it has missed.
 * @param {Model} model @param {() => void} changed called when there is another remark
 * @returns {{remark: () => string, stop: () => void}} remark: what to say, "" while Python is there
 */
export function hearConnection(model, changed) {
  const kernel = model.widget_manager?.kernel;
  if (!kernel?.iopubMessage) return { remark: () => "", stop() {} };
  const widget = /** @type {Widget} */ (/** @type {any} */ (model).set({})); // as in Backbone, `set` gives the model back
  const stops = /** @type {(() => void)[]} */ ([]);
  let remark = widget.comm_live ? "" : GONE;
  let session = "";

  /** @template Value @param {Signal<Value>} signal @param {(value: Value) => void} listener */
  function hear(signal, listener) {
    const slot = (/** @type {unknown} */ _, /** @type {Value} */ value) => listener(value);
    signal.connect(slot);
    stops.push(() => signal.disconnect(slot));
  }

  /** @param {string} next */
  function become(next) {
    if (remark === GONE || remark === next) return; // another Python does not know this view
    remark = next;
    changed();
  }

  hear(kernel.disposed, () => become(GONE));
  hear(kernel.statusChanged, (status) => ENDS.includes(status) && become(GONE));
  hear(kernel.iopubMessage, ({ header, content }) => {
    if (!["busy", "idle"].includes(content.execution_state || "")) return; // the server writes others in the kernel's name
    session ||= header.session; // each Python has one of its own: restarted from another tab, or while the line was cut
    if (session !== header.session) become(GONE);
  });
  hear(kernel.connectionStatusChanged, (status) => {
    become(status === "connected" ? "" : status === "connecting" ? CUT : GIVEN_UP);
    if (remark) return;
    const sent = unanswered(widget, model); // now: JupyterLab is about to put back what Python has
    const answered = kernel.requestCommInfo({ target_name: "jupyter.widget" }); // after all that was asked before
    lastToAsk.set(widget, sent); // of several views of one widget, and of several breaks
    answered.then(() => lastToAsk.get(widget) === sent && tellMissed(widget, sent), doNothing);
  });
  return { remark: () => remark, stop: () => stops.forEach((stop) => stop()) };
}

/** The kernel ended before it answered. */
function doNothing() {}

/** What Python was sent and has not sent back. @param {Widget} widget @param {Model} model */
function unanswered(widget, model) {
  return Object.fromEntries([...widget._expectedEchoMsgIds.keys()].map((name) => [name, model.get(name)]));
}

/**
 * What went into a line that was about to break is lost, and with it the answer, without which ipywidgets sends nothing
 * more. @param {Widget} widget @param {Record<string, any>} sent before the line broke
 */
function tellMissed(widget, sent) {
  if (widget._pending_msgs < 1) return;
  const missed = { ...sent, ...widget._msg_buffer };
  widget._pending_msgs = 0;
  widget._msg_buffer = null;
  widget.save(missed, { patch: true });
}
