/**
 * Fetch stream: one request, answered for ever, read piece by piece with `fetch`; one JSON text a line.
 *
 * What an `EventSource` does, with what it can't: the status and the words of a refusal, request headers, any method.
 */

import { feedUrl, requestBytes } from "./address.js";
import { cutOff, refusedByStatus } from "./endings.js";
import { browser } from "./environment.js";
import { byteLength, deliverFrame } from "./framing.js";
import { bearing } from "./token_source.js";

/** @import {Listeners, Place, TransportOptions} from "./registry.js" */

export class FetchStreamTransport {
  static transportName = "fetch_stream";
  static path = "/feed/stream";

  static supported(environment = browser) {
    return typeof environment.fetch === "function" && typeof globalThis.ReadableStream === "function";
  }

  #site;
  #environment;
  #closing = new AbortController();

  /** @param {TransportOptions} [options] */
  constructor({ baseUrl = "", paths = {}, environment = browser, token } = {}) {
    this.#site = { baseUrl, paths, environment, token };
    this.#environment = environment;
  }

  /**
   * @param {Place} place
   * @param {Listeners} listeners
   */
  async open(place, listeners) {
    const { signal } = this.#closing;
    const { fetch, now } = this.#environment;
    const url = feedUrl(FetchStreamTransport, place, this.#site);
    try {
      const headers = await bearing(this.#site.token);
      const askedAt = now();
      listeners.onWire({ direction: "request", url: url.href, bytes: requestBytes(url), ms: 0 });
      const response = await fetch(url, { signal, cache: "no-store", headers });
      const { status } = response;
      listeners.onWire({ direction: "response", url: url.href, status, bytes: 0, ms: now() - askedAt });
      if (!response.ok || !response.body) {
        listeners.onClose(await refusedByStatus(response, now()));
        return;
      }
      const lines = new LineSplitter();
      const reader = response.body.getReader(); // Safari can't loop over a body with `for await`
      for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
        for (const line of lines.feed(piece.value)) {
          if (signal.aborted) return; // a line before this one made the client close
          listeners.onWire({ direction: "frame", bytes: byteLength(line) + 1, ms: now() - askedAt, text: line });
          deliverFrame(line, listeners);
        }
      }
      listeners.onClose(cutOff());
    } catch (error) {
      if (!signal.aborted) listeners.onClose(cutOff(error));
    }
  }

  close() {
    this.#closing.abort();
  }
}

/**
 * Cut a stream of bytes into lines.
 *
 * Pieces end where the network pleases: in the middle of a line, or of a character. What is not yet a whole line waits
 * for the next piece; at the end of the stream it is half an event, and dropped.
 */
export class LineSplitter {
  #decoder = new TextDecoder();
  #rest = "";

  /**
   * Take a piece of the stream.
   *
   * @param {Uint8Array} bytes
   * @returns {string[]} the lines that it completes, without their ends; empty ones are left out
   */
  feed(bytes) {
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split("\n");
    this.#rest = lines.pop() ?? "";
    return lines.filter((line) => line !== "");
  }
}
