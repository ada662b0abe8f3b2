/**
 * When the page goes away, when it comes back, and when the network does.
 *
 * A page with an open connection is not kept for the Back button (the back/forward cache), or is kept with a dead
 * connection that still calls itself open. So connections are closed on the way out and opened again on the way in.
 */

/** @import {Environment} from "./environment.js" */

/**
 * Call back at the turns of the page's life. Does nothing where there is no page, as under Node.
 *
 * @param {Environment} environment
 * @param {object} callbacks
 * @param {() => void} callbacks.onHide  the page may never run again; close connections now
 * @param {() => void} callbacks.onReturn  the page runs again after onHide
 * @param {() => void} callbacks.onVisible  the person looks at the page; the computer may have slept
 * @param {() => void} callbacks.onOnline  the network returned; connections of the old one are dead or dying
 * @returns {() => void}  stops listening
 */
export function watchPage({ window, document }, { onHide, onReturn, onVisible, onOnline }) {
  const listening = new AbortController();

  /** @type {(target: EventTarget | undefined, type: string, listener: () => void) => void} */
  const on = (target, type, listener) => target?.addEventListener(type, listener, { signal: listening.signal });

  on(window, "pagehide", onHide);
  on(window, "pageshow", onReturn); // also fires after the first load, where there is nothing to return from
  on(document, "freeze", onHide); // Chromium stops the scripts of tabs that were long in the background
  on(document, "resume", onReturn);
  on(window, "online", onOnline);
  on(document, "visibilitychange", () => {
    if (document?.visibilityState === "visible") onVisible();
  });

  return () => listening.abort();
}
