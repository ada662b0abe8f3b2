/**
 * Short poll: ask, take what there is, ask again some seconds later.
 *
 * News is as late as the interval is long, and most answers say "nothing". Those cost little: the server's ETag is the
 * place it answered up to, so "nothing since" is a 304 without a body.
 */

import { feedUrl, requestBytes } from "./address.js";
import { cutOff, refusedByStatus } from "./endings.js";
import { browser } from "./environment.js";
import { byteLength, deliverBatch, parseBatch } from "./framing.js";
import { bearing } from "./token_source.js";

/** @import {Listeners, Place, TransportOptions} from "./registry.js" */

const ANSWER_MS = 5_000; // no read takes this long; the watchdog counts from each request

export class ShortPollTransport {
  static transportName = "short_poll";
  static path = "/feed/poll";

  static supported(environment = browser) {
    return typeof environment.fetch === "function";
  }

  #site;
  #environment;
  #intervalMs;
  #limit;
  #closing = new AbortController();
  /** @type {unknown} */
  #pause = null;

  /** @param {TransportOptions} [options] */
  constructor({ baseUrl = "", paths = {}, environment = browser, intervalMs = 5_000, limit, token } = {}) {
    this.#site = { baseUrl, paths, environment, token };
    this.#environment = environment;
    this.#intervalMs = intervalMs;
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
    /** @type {Record<string, string>} */
    const known = {};
    let ready = false;
    try {
      while (!signal.aborted) {
        const url = feedUrl(ShortPollTransport, { ...place, after, limit: this.#limit }, this.#site);
        const headers = await bearing(this.#site.token, known);
        const askedAt = now();
        listeners.onWire({ direction: "request", url: url.href, bytes: requestBytes(url), ms: 0 });

        // "no-store" keeps the browser's own cache out of it: a 304 comes through as a 304.
        const response = await fetch(url, { signal, cache: "no-store", headers });
        if (!response.ok && response.status !== 304) {
          listeners.onClose(await refusedByStatus(response, now()));
          return;
        }
        const text = await response.text();
        const { status } = response;
        const ms = now() - askedAt;
        listeners.onWire({ direction: "response", url: url.href, status, bytes: byteLength(text), ms, text });

        const batch = status === 304 ? null : parseBatch(text);
        if (!ready) listeners.onReady({ cursor: null, heartbeatMs: ANSWER_MS, retryMs: null });
        ready = true;
        if (batch) {
          deliverBatch(batch, listeners);
          after = batch.cursor;
          known["If-None-Match"] = response.headers.get("ETag") ?? "";
        } else {
          listeners.onHeartbeat({ cursor: after });
        }
        const more = batch && (batch.more || batch.reset);
        if (!more && !signal.aborted) await this.#sleep(this.#intervalMs);
      }
    } catch (error) {
      if (!signal.aborted) listeners.onClose(cutOff(error));
    }
  }

  close() {
    this.#closing.abort();
    this.#environment.clearTimeout(this.#pause);
  }

  /** @param {number} ms */
  #sleep(ms) {
    return new Promise((resolve) => {
      this.#pause = this.#environment.setTimeout(() => resolve(undefined), ms);
    });
  }
}
