/** The first steps: a poll, a long poll and an event stream, without log, cursor or reconnecting. */

import { element, fill, texts } from "./page.js";

const MOST_LINES = 30;

/**
 * Write a line at the top of a demo's output.
 *
 * @param {string} demo
 * @param {unknown} value
 */
function print(demo, value) {
  const output = element(`${demo}-output`);
  const line = document.createElement("li");
  line.textContent = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  output.prepend(line);
  while (output.childElementCount > MOST_LINES) output.lastElementChild?.remove();
}

/**
 * Wait, unless stopped.
 *
 * @param {number} ms
 * @param {AbortSignal} signal
 */
function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve(undefined);
    });
  });
}

// #region shown
/** @type {Record<string, (signal: AbortSignal) => Promise<void>>} */
const demos = {
  /** Ask every five seconds. */
  async status(signal) {
    while (!signal.aborted) {
      const response = await fetch("/api/status", { signal });
      print("status", await response.json());
      await pause(5000, signal);
    }
  },

  /** Ask, wait as long as the server does, ask again. */
  async longPoll(signal) {
    while (!signal.aborted) {
      print("longPoll", texts.asking);
      const response = await fetch("/api/long-poll", { signal });
      print("longPoll", await response.json());
      if (!response.ok) await pause(3000, signal);
    }
  },

  /** Listen until the server says that it is over. */
  events(signal) {
    return new Promise((resolve, reject) => {
      const source = new EventSource("/events");
      source.onmessage = ({ data }) => print("events", JSON.parse(data));
      source.addEventListener("close", () => (source.close(), print("events", texts.over), resolve()));
      source.onerror = () => (source.close(), reject(new Error(texts.cut)));
      signal.addEventListener("abort", () => (source.close(), resolve()));
    });
  },
};
// #endregion

for (const [name, run] of Object.entries(demos)) {
  const button = /** @type {HTMLButtonElement} */ (element(`${name}-button`));
  /** @type {AbortController | null} */
  let running = null;

  button.addEventListener("click", async () => {
    if (running) {
      running.abort();
      return;
    }
    running = new AbortController();
    button.textContent = texts.stop;
    try {
      await run(running.signal);
    } catch (error) {
      if (!running.signal.aborted) print(name, fill(texts.failed, { reason: String(error) }));
    }
    running = null;
    button.textContent = texts.start;
  });
}
