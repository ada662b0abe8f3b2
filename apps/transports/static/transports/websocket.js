/**
 * WebSocket: one connection for both directions. The feed uses one of them.
 *
 * A socket that opened proves little (a proxy may have opened it); the server's first frame does. A server can't refuse
 * a WebSocket in words before it is open, so it opens it and closes it with 4000 + the HTTP status that says the same.
 */

import { feedUrl, requestBytes } from "./address.js";
import { askWhy } from "./ask_why.js";
import { closedByCode, cutOff } from "./endings.js";
import { browser } from "./environment.js";
import { byteLength, deliverFrame } from "./framing.js";

/** @import {Listeners, Place, TransportOptions} from "./registry.js" */

const PROTOCOL = "feed.v1.json";

export class WebSocketTransport {
  static transportName = "websocket";
  static path = "/feed/ws";

  static supported(environment = browser) {
    return environment.WebSocket !== undefined;
  }

  #site;
  #environment;
  #closing = new AbortController();
  /** @type {WebSocket | null} */
  #socket = null;

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
    const { WebSocket, now } = this.#environment;
    if (!WebSocket) throw new TypeError("there is no WebSocket here; hand one in through `environment`");
    const url = feedUrl(WebSocketTransport, place, this.#site);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const { signal } = this.#closing;
    const { token } = this.#site;
    // A page can't give a WebSocket headers. Of the two names that it offers the server chooses the first.
    let protocols;
    try {
      protocols = token ? [PROTOCOL, `bearer.${await token.text()}`] : [];
    } catch (error) {
      if (!signal.aborted) listeners.onClose(cutOff(error));
      return;
    }
    if (signal.aborted) return;
    const askedAt = now();
    listeners.onWire({ direction: "request", url: url.href, bytes: requestBytes(url), ms: 0 });

    const socket = (this.#socket = new WebSocket(url, protocols));
    socket.addEventListener("message", ({ data }) => {
      // Node's sockets hand out what had arrived before they were closed; a browser's don't.
      if (signal.aborted) return;
      listeners.onWire({ direction: "frame", bytes: byteLength(data), ms: now() - askedAt, text: data });
      deliverFrame(data, listeners);
    });
    socket.addEventListener("close", async ({ code, reason }) => {
      const hasNoWords = code >= 4400 && reason === "";
      const why = hasNoWords ? await askWhy(place, this.#site, listeners, signal) : null;
      if (!signal.aborted) listeners.onClose(why ?? closedByCode(code, reason));
    });
  }

  close() {
    this.#closing.abort();
    this.#socket?.close();
  }
}
