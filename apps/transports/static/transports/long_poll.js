/**
 * Long poll: ask, let the server hold the question until there is news or time is up, ask again at once.
 *
 * News is as fast as with a stream, for one request each. Nothing is lost between two requests, since each one names
 * the place that the answer before it ended at.
 */

import { feedUrl, requestBytes } from "./address.js";
import { answeredEarly, cutOff, refusedByStatus } from "./endings.js";
import { browser } from "./environment.js";
import { byteLength, deliverBatch, parseBatch } from "./framing.js";
import { bearing } from "./token_source.js";

/** @import {Listeners, Place, TransportOptions} from "./registry.js" */

// The first question is not held: its answer proves that the way is open, and fixes the place to go on from.
const FIRST_TIMEOUT_S = 0;

export class LongPollTransport {
  static transportName = "long_poll";
  static path = "/feed/long-poll";

  static supported(environment = browser) {
    return typeof environment.fetch === "function";
  }

  #site;
  #environment;
  #timeoutS;
  #limit;
  #closing = new AbortController();

  /** @param {TransportOptions} [options] */
  constructor({ baseUrl = "", paths = {}, environment = browser, timeoutS = 25, limit, token } = {}) {
    this.#site = { baseUrl, paths, environment, token };
    this.#environment = environment;
    this.#timeoutS = timeoutS;
    this.#limit = limit;
  }

  /**
   * @param {Place} place
   * @param {Listeners} listeners
   */
  async open(place, listeners) {
    const { signal } = this.#closing;
    const { fetch, now } = this.#environment;
    let after = place.after;
    let ready = false;
    try {
      while (!signal.aborted) {
        const timeout = ready ? this.#timeoutS : FIRST_TIMEOUT_S;
        const url = feedUrl(LongPollTransport, { ...place, after, timeout, limit: this.#limit }, this.#site);
        const headers = await bearing(this.#site.token);
        const askedAt = now();
        listeners.onWire({ direction: "request", url: url.href, bytes: requestBytes(url), ms: 0 });

        const response = await fetch(url, { signal, cache: "no-store", headers });
        if (!response.ok) {
          listeners.onClose(await refusedByStatus(response, now()));
          return;
        }
        const text = await response.text();
        const { status } = response;
        const ms = now() - askedAt;
        listeners.onWire({ direction: "response", url: url.href, status, bytes: byteLength(text), ms, text });

        const batch = parseBatch(text);
        if (!ready) listeners.onReady({ cursor: null, heartbeatMs: this.#timeoutS * 1000, retryMs: null });
        ready = true;
        deliverBatch(batch, listeners);
        after = batch.cursor;

        // A server about to stop answers empty at once, and so may a proxy. Asked again at once, it would go on so.
        const empty = batch.events.length === 0 && batch.reset === null;
        if (empty && ms < (timeout * 1000) / 2) {
          listeners.onClose(answeredEarly());
          return;
        }
      }
    } catch (error) {
      if (!signal.aborted) listeners.onClose(cutOff(error));
    }
  }

  close() {
    this.#closing.abort();
  }
}
