/**
 * Everything outside this folder that the client touches: network, clock, chance, page.
 *
 * The client and its transports take these from one object, so that a test hands in its own and a program under Node
 * hands in an `EventSource` (Node has none by default).
 *
 * @typedef {object} Environment
 * @property {typeof globalThis.fetch} fetch
 * @property {typeof globalThis.EventSource | undefined} EventSource
 * @property {typeof globalThis.WebSocket | undefined} WebSocket
 * @property {(callback: () => void, delayMs: number) => unknown} setTimeout
 * @property {(timer: any) => void} clearTimeout
 * @property {() => number} now  milliseconds; must go on while the computer sleeps
 * @property {() => number} random  from 0 (inclusive) to 1 (exclusive)
 * @property {EventTarget | undefined} window  tells of pagehide, pageshow, online
 * @property {(EventTarget & {visibilityState?: string}) | undefined} document  of visibilitychange, freeze, resume
 * @property {Pick<Storage, "getItem" | "setItem"> | undefined} [sessionStorage]
 * @property {string | undefined} href  the page's own address, which relative ones start from
 */

/** @type {Environment} */
export const browser = {
  // `fetch` and the timers insist on being called as functions of the window, not of this object.
  fetch: (input, init) => globalThis.fetch(input, init),
  get EventSource() {
    return globalThis.EventSource;
  },
  get WebSocket() {
    return globalThis.WebSocket;
  },
  setTimeout: (callback, delayMs) => globalThis.setTimeout(callback, delayMs),
  clearTimeout: (timer) => globalThis.clearTimeout(timer),
  // Not performance.now(), which on some systems stands still while the computer sleeps.
  now: () => Date.now(),
  random: () => Math.random(),
  get window() {
    return globalThis.window;
  },
  get document() {
    return globalThis.document;
  },
  get sessionStorage() {
    return globalThis.sessionStorage;
  },
  get href() {
    return globalThis.location?.href;
  },
};
