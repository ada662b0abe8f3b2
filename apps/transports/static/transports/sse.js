/**
 * Server-sent events: one request, answered for ever, through the browser's own `EventSource`.
 *
 * An `EventSource` reconnects by itself, and this one is not let: it would come back at a fixed pace, in step with all
 * other clients of a server that restarts; it stays silent for ever after any status but 200; and it knows nothing of
 * holes or of sleeping computers. It is closed at its first error, and the client opens the next one, `after` the last
 * event that was passed on.
 */

import { feedUrl, requestBytes } from "./address.js";
import { askWhy } from "./ask_why.js";
import { cutOff } from "./endings.js";
import { browser } from "./environment.js";
import { byteLength, deliverFrame } from "./framing.js";

/** @import {Listeners, Place, TransportOptions} from "./registry.js" */

// Events come without a name, which `EventSource` calls "message"; control frames come under their own.
const NAMES = ["message", "ready", "heartbeat", "reset", "close"];
const CLOSED = 2; // [spec] EventSource.CLOSED: it gave up, where CONNECTING means that it would try again

export class SseTransport {
  static transportName = "sse";
  static path = "/feed/sse";

  /**
   * @param {import("./environment.js").Environment} [environment]
   * @param {import("./token_source.js").TokenSource} [token]
   */
  static supported(environment = browser, token = undefined) {
    return environment.EventSource !== undefined && !token; // [spec] an EventSource sends no headers of ours
  }

  #site;
  #environment;
  #closing = new AbortController();
  /** @type {EventSource | null} */
  #source = null;

  /** @param {TransportOptions} [options] */
  constructor({ baseUrl = "", paths = {}, environment = browser } = {}) {
    this.#site = { baseUrl, paths, environment };
    this.#environment = environment;
  }

  /**
   * @param {Place} place
   * @param {Listeners} listeners
   */
  open(place, listeners) {
    const { EventSource, now } = this.#environment;
    if (!EventSource) throw new TypeError("there is no EventSource here; hand one in through `environment`");
    const url = feedUrl(SseTransport, place, this.#site);
    const askedAt = now();
    listeners.onWire({ direction: "request", url: url.href, bytes: requestBytes(url), ms: 0 });

    const source = (this.#source = new EventSource(url));
    for (const name of NAMES) {
      source.addEventListener(name, (message) => {
        const { data } = message;
        listeners.onWire({ direction: "frame", bytes: frameBytes(message), ms: now() - askedAt, text: data });
        deliverFrame(data, listeners);
      });
    }
    source.addEventListener("error", async () => {
      const { signal } = this.#closing;
      const isRefused = source.readyState === CLOSED;
      source.close();
      const why = isRefused ? await askWhy(place, this.#site, listeners, signal) : null;
      if (!signal.aborted) listeners.onClose(why ?? cutOff());
    });
  }

  close() {
    this.#closing.abort();
    this.#source?.close();
  }
}

/**
 * Count the bytes of a frame as the server wrote it: `EventSource` shows what is in its fields, not the fields.
 *
 * @param {MessageEvent<string>} message
 */
function frameBytes({ type, lastEventId, data }) {
  const name = type === "message" ? "" : `event: ${type}\n`;
  return byteLength(`${name}id: ${lastEventId}\ndata: ${data}\n\n`);
}
