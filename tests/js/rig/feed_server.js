/**
 * A small server that speaks the feed's wire over all five doors, from a log in memory, and fails when told to.
 *
 * Only for what the real server never does by itself: lose an event, cut a frame in two, refuse once and serve then.
 */

import { createServer } from "node:http";
import { WebSocketServer } from "ws";

import { event } from "./scripted_transport.js";

/** @import {IncomingMessage, ServerResponse} from "node:http" */
/** @import {Duplex} from "node:stream" */
/** @import {LoggedEvent} from "../../../apps/transports/static/transports/framing.js" */

/**
 * @typedef {object} Fault  what goes wrong with one request
 * @property {{status: number, body?: any, headers?: Record<string, string>}} [refuse]
 * @property {{reason: string, retry_ms: number}} [close]  a `close` frame right after `ready`; polls answer 503
 * @property {number} [withhold]  the seq of an event that is left out, while the cursor moves past it
 * @property {number} [repeat]  the seq of an event that is sent twice
 * @property {number} [cutAfter]  cut the connection in the middle of what follows the event with this seq
 * @property {string} [say]  answer 200 with this text, and end
 * @property {boolean} [silent]  take the request, and say nothing
 */

export class FeedServer {
  epoch = "k1";
  /** @type {Map<string, LoggedEvent[]>} */
  #log = new Map();
  /** @type {Fault[]} */
  #faults = [];
  /** @type {Set<() => void>} */
  #waiting = new Set();
  #http = createServer((request, response) => this.#serve(request, response));
  #sockets = new WebSocketServer({ noServer: true });
  url = "";
  /** Addresses asked for so far, oldest first. */
  requests = /** @type {URL[]} */ ([]);
  /** The token of each request so far, or undefined. */
  tokens = /** @type {(string | undefined)[]} */ ([]);
  /** Status of each answer so far, without those of WebSockets. */
  statuses = /** @type {number[]} */ ([]);
  /** Streams, and requests held or left without an answer, that are open now. */
  open = 0;

  constructor({ heartbeatMs = 50 } = {}) {
    this.heartbeatMs = heartbeatMs;
    this.#http.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
  }

  async start() {
    await new Promise((resolve) => this.#http.listen(0, "127.0.0.1", () => resolve(undefined)));
    const address = this.#http.address();
    if (address === null || typeof address === "string") throw new Error("the server has no port");
    this.url = `http://127.0.0.1:${address.port}`;
  }

  async stop() {
    this.#sockets.clients.forEach((socket) => socket.terminate());
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  /** Let things go wrong, one fault a request, in this order. @param {Fault[]} faults */
  fail(...faults) {
    this.#faults.push(...faults);
  }

  /** @param {string} topic @param {any} [data] */
  append(topic, data) {
    const events = this.#log.get(topic) ?? [];
    events.push(event(topic, events.length + 1, data === undefined ? { text: `${topic} ${events.length + 1}` } : data));
    this.#log.set(topic, events);
    for (const wake of [...this.#waiting]) wake();
  }

  /** @param {string} topic */
  #head(topic) {
    return this.#log.get(topic)?.length ?? 0;
  }

  /** @param {URL} url */
  #resolve(url) {
    const topics = url.searchParams.getAll("topic");
    const after = url.searchParams.get("after");
    const last = url.searchParams.get("last");
    const [epoch, rest = ""] = after?.includes("~") ? after.split("~") : [this.epoch];
    const parts = rest.split(",").filter(Boolean);
    const known = new Map(parts.map((part) => [part.split(":")[0], Number(part.split(":")[1])]));
    const place = new Reader(this, topics);
    const broken = topics.filter((topic) => epoch !== this.epoch || (known.get(topic) ?? 0) > this.#head(topic));
    for (const topic of topics) {
      const beginning = last === null ? 0 : Math.max(0, this.#head(topic) - Number(last));
      const now = last !== null && after === null ? beginning : this.#head(topic);
      place.positions.set(topic, after === "start" || broken.includes(topic) ? beginning : (known.get(topic) ?? now));
    }
    const reason = epoch !== this.epoch ? "epoch" : "ahead";
    return { place, reset: broken.length > 0 ? { reason, topics: broken, cursor: place.cursor } : null };
  }

  /** @param {string} topic @param {number} seq */
  after(topic, seq) {
    return (this.#log.get(topic) ?? []).slice(seq);
  }

  /**
   * @param {IncomingMessage} request
   * @param {ServerResponse} response
   */
  async #serve(request, response) {
    const url = new URL(request.url ?? "", this.url);
    this.requests.push(url);
    this.tokens.push(request.headers.authorization?.replace(/^Bearer /, ""));
    const fault = this.#faults.shift() ?? {};
    response.on("finish", () => this.statuses.push(response.statusCode));
    if (fault.silent) {
      this.open += 1;
      response.on("close", () => (this.open -= 1));
      return;
    }
    if (fault.refuse) {
      response.writeHead(fault.refuse.status, { "Content-Type": "application/json", ...fault.refuse.headers });
      response.end(JSON.stringify(fault.refuse.body ?? {}));
      return;
    }
    const path = url.pathname.replace(/^\/under\/a\/path/, "");
    if (path === "/feed/poll") this.#poll(request, response, url, fault);
    else if (path === "/feed/long-poll") await this.#longPoll(response, url, fault);
    else if (path === "/feed/sse") this.#stream(response, url, fault, "text/event-stream", sseFrame);
    else if (path === "/feed/stream") this.#stream(response, url, fault, "application/x-ndjson", jsonLine);
    else response.writeHead(404).end();
  }

  /** @param {IncomingMessage} request @param {ServerResponse} response @param {URL} url @param {Fault} fault */
  #poll(request, response, url, fault) {
    const { place, reset } = this.#resolve(url);
    const limit = Number(url.searchParams.get("limit") ?? 100);
    const events = reset ? [] : place.next(limit);
    const etag = `W/"${place.cursor}"`;
    if (!reset && request.headers["if-none-match"] === etag) {
      response.writeHead(304).end();
      return;
    }
    answer(response, { ETag: etag }, batch(place, events, reset), events, fault);
  }

  /** @param {ServerResponse} response @param {URL} url @param {Fault} fault */
  async #longPoll(response, url, fault) {
    const { place, reset } = this.#resolve(url);
    const until = Date.now() + Number(url.searchParams.get("timeout") ?? 25) * 1000;
    let events = reset ? [] : place.next(100);
    this.open += 1;
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    while (!reset && events.length === 0 && Date.now() < until && !gone.signal.aborted) {
      await this.#moved(until - Date.now(), gone.signal);
      events = place.next(100);
    }
    this.open -= 1;
    answer(response, {}, batch(place, events, reset), events, fault);
  }

  /**
   * @param {ServerResponse} response
   * @param {URL} url
   * @param {Fault} fault
   * @param {string} type
   * @param {(frame: any, cursor: string) => string} framed
   */
  #stream(response, url, fault, type, framed) {
    response.writeHead(200, { "Content-Type": type, "Cache-Control": "no-cache, no-transform" });
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    /** @type {Line} */
    const line = {
      send: (frame, cursor) => response.write(framed(frame, cursor)),
      sendHalf: (frame, cursor) => response.write(framed(frame, cursor).slice(0, 30)),
      say: (text) => response.write(text),
      end: () => response.end(),
      cut: () => response.destroy(),
      gone: gone.signal,
    };
    this.#follow(url, fault, line);
  }

  /** @param {IncomingMessage} request @param {Duplex} stream @param {Buffer} head */
  #upgrade(request, stream, head) {
    const url = new URL(request.url ?? "", this.url);
    this.requests.push(url);
    this.tokens.push(/^feed\.v1\.json, ?bearer\.(.*)$/.exec(request.headers["sec-websocket-protocol"] ?? "")?.[1]);
    const fault = this.#faults.shift() ?? {};
    this.#sockets.handleUpgrade(request, stream, head, (socket) => {
      if (fault.silent) {
        this.open += 1;
        socket.on("close", () => (this.open -= 1));
        return;
      }
      if (fault.refuse) {
        socket.close(4000 + fault.refuse.status, fault.refuse.body?.error?.message ?? "");
        return;
      }
      const gone = new AbortController();
      socket.on("close", () => gone.abort());
      /** @type {Line} */
      const line = {
        send: (frame) => socket.send(JSON.stringify(frame)),
        // The first half of a text frame of 100 bytes, straight onto the wire (RFC 6455, section 5.2).
        sendHalf: () => stream.write(Buffer.concat([Buffer.from([0x81, 100]), Buffer.from('{"topic":"news","seq":')])),
        say: (text) => socket.send(text),
        end: () => socket.close(4000, "bye"),
        cut: () => setTimeout(() => stream.destroy(), 5), // after what was sent has left
        gone: gone.signal,
      };
      this.#follow(url, fault, line);
    });
  }

  /** @param {URL} url @param {Fault} fault @param {Line} line */
  async #follow(url, fault, line) {
    if (fault.say !== undefined) {
      line.say(`${fault.say}\n\n`);
      line.end();
      return;
    }
    const { place, reset } = this.#resolve(url);
    const ready = { control: "ready", cursor: place.cursor, heartbeat_s: this.heartbeatMs / 1000, retry_ms: 1 };
    line.send(ready, place.cursor);
    if (fault.close) {
      line.send({ control: "close", cursor: place.cursor, ...fault.close }, place.cursor);
      line.end();
      return;
    }
    if (reset) line.send({ control: "reset", ...reset }, place.cursor);
    this.open += 1;
    while (!line.gone.aborted) {
      const events = place.next(100);
      for (const next of events) {
        if (next.seq !== fault.withhold) line.send(next, place.cursorAt(next));
        if (next.seq === fault.repeat) line.send(next, place.cursorAt(next));
        if (next.seq === fault.cutAfter) {
          line.sendHalf(next, place.cursor);
          line.cut();
          this.open -= 1;
          return;
        }
      }
      if (events.length > 0) continue;
      const hasMoved = await this.#moved(this.heartbeatMs, line.gone);
      if (!hasMoved && !line.gone.aborted) line.send({ control: "heartbeat", cursor: place.cursor }, place.cursor);
    }
    this.open -= 1;
  }

  /**
   * Wait for the next append: true; or for the time to pass or the client to go: false.
   *
   * @param {number} timeoutMs
   * @param {AbortSignal} gone
   * @returns {Promise<boolean>}
   */
  #moved(timeoutMs, gone) {
    return new Promise((resolve) => {
      const settle = (/** @type {boolean} */ hasMoved) => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        gone.removeEventListener("abort", leave);
        resolve(hasMoved);
      };
      const wake = () => settle(true);
      const leave = () => settle(false);
      const timer = setTimeout(leave, timeoutMs);
      this.#waiting.add(wake);
      gone.addEventListener("abort", leave);
    });
  }
}

/**
 * @typedef {object} Line  one open stream or socket
 * @property {(frame: any, cursor: string) => void} send
 * @property {(frame: any, cursor: string) => void} sendHalf
 * @property {(text: string) => void} say
 * @property {() => void} end
 * @property {() => void} cut
 * @property {AbortSignal} gone
 */

class Reader {
  /** @type {Map<string, number>} */
  positions = new Map();

  /** @param {FeedServer} server @param {string[]} topics */
  constructor(server, topics) {
    this.server = server;
    this.topics = topics;
  }

  get cursor() {
    const positions = [...this.positions].sort(([a], [b]) => (a < b ? -1 : 1));
    return `${this.server.epoch}~${positions.map(([topic, seq]) => `${topic}:${seq}`).join(",")}`;
  }

  /** @param {number} limit @returns {LoggedEvent[]} */
  next(limit) {
    const events = this.topics
      .flatMap((topic) => this.server.after(topic, this.positions.get(topic) ?? 0))
      .slice(0, limit);
    for (const { topic, seq } of events) this.positions.set(topic, seq);
    return events;
  }

  /** @param {LoggedEvent} event */
  cursorAt({ topic, seq }) {
    const then = new Reader(this.server, this.topics);
    then.positions = new Map([...this.positions, [topic, seq]]);
    return then.cursor;
  }
}

/** @param {Reader} place @param {LoggedEvent[]} events @param {any} reset */
function batch(place, events, reset) {
  const more = place.topics.some((topic) => place.server.after(topic, place.positions.get(topic) ?? 0).length > 0);
  return { events, cursor: place.cursor, reset, more };
}

/**
 * @param {ServerResponse} response
 * @param {Record<string, string>} headers
 * @param {ReturnType<typeof batch>} body
 * @param {LoggedEvent[]} events
 * @param {Fault} fault
 */
function answer(response, headers, body, events, fault) {
  const has = (/** @type {number | undefined} */ seq) => events.some((event) => event.seq === seq);
  if (fault.close) {
    response.writeHead(503, { "Retry-After": "0" }).end();
    return;
  }
  const faulty = events
    .filter((event) => event.seq !== fault.withhold)
    .flatMap((event) => (event.seq === fault.repeat ? [event, event] : [event]));
  const text = fault.say ?? JSON.stringify({ ...body, events: faulty });
  const length = Buffer.byteLength(text);
  response.writeHead(200, { "Content-Type": "application/json", "Content-Length": length, ...headers });
  if (has(fault.cutAfter)) response.write(text.slice(0, text.length / 2), () => response.destroy());
  else response.end(text);
}

/** @param {any} frame @param {string} cursor */
function sseFrame(frame, cursor) {
  const name = frame.control ? `event: ${frame.control}\n` : "";
  const retry = frame.retry_ms === undefined ? "" : `retry: ${frame.retry_ms}\n`;
  return `${name}id: ${cursor}\n${retry}data: ${JSON.stringify(frame)}\n\n`;
}

/** @param {any} frame */
function jsonLine(frame) {
  return `${JSON.stringify(frame)}\n`;
}
