/** A lane: one transport reading the run, and a record of all it did. */

import { subscribe } from "../transports/client.js";
import { browser } from "../transports/environment.js";
import { byteLength } from "../transports/framing.js";
import { nowMs } from "./clock.js";

/** @import {WireEntry} from "../transports/registry.js" */

const LINE = "/lab/line"; // the doors, behind the lab's meter and faults
const POLLS = ["short_poll", "long_poll"];

/**
 * @typedef {object} RequestRecord  times are in milliseconds since 1970, by our clock
 * @property {number} sentMs
 * @property {number | null} endedMs  null: still open
 *
 * @typedef {object} Arrival
 * @property {number} seq
 * @property {number} appendedMs  by the server's clock
 * @property {number} arrivedMs
 */

/** What the browser does to a tab that is left alone: it stops the page, and resumes it when somebody returns. */
export class Nap extends EventTarget {
  isOn = false;

  constructor() {
    super();
    for (const type of ["freeze", "resume", "visibilitychange"]) {
      document.addEventListener(type, () => this.dispatchEvent(new Event(type)));
    }
  }

  get visibilityState() {
    return document.visibilityState;
  }

  begin() {
    this.isOn = true;
    this.dispatchEvent(new Event("freeze"));
  }

  end() {
    this.isOn = false;
    this.dispatchEvent(new Event("resume"));
  }
}

export class Lane {
  /** @type {RequestRecord[]} */
  requests = [];
  /** @type {Arrival[]} */
  arrivals = [];
  /** @type {{atMs: number, state: string}[]} */
  states = [];
  /** What was here when the server gave its latest account. */
  tallied = { events: 0, eventBytes: 0 };
  state = "closed";
  message = "";
  counts = { events: 0, duplicates: 0, repairs: 0, reconnects: 0 };
  traffic = { requests: 0, bytesDown: 0 };
  /** When the connection that is live now became so; null: none is. @type {number | null} */
  liveSinceMs = null;
  #feed;
  #isPoll;
  #eventBytes = 0;

  /**
   * Begin to read.
   *
   * @param {string} name  of the transport
   * @param {object} run
   * @param {string} run.topic
   * @param {string} run.cursor  the place before the first event
   * @param {number} run.pollMs  the short poll's interval
   * @param {Nap} run.nap
   */
  constructor(name, { topic, cursor, pollMs, nap }) {
    this.name = name;
    this.#isPoll = POLLS.includes(name);
    this.#feed = subscribe({
      topics: [topic],
      after: cursor,
      transports: [name],
      baseUrl: LINE,
      intervalMs: pollMs,
      limit: 500,
      environment: { ...browser, document: nap },
    });
    this.#feed.addEventListener("event", ({ detail }) => {
      const { seq, time } = detail;
      this.arrivals.push({ seq, appendedMs: Date.parse(time), arrivedMs: nowMs() });
      this.#eventBytes += byteLength(JSON.stringify(detail));
    });
    this.#feed.addEventListener("wire", ({ detail }) => this.#note(detail));
    this.#feed.addEventListener("state", ({ detail: { state, message } }) => {
      const atMs = nowMs();
      this.states.push({ atMs, state });
      this.state = state;
      this.message = message;
      if (state !== "live") this.#endRequest(atMs);
      this.liveSinceMs = state === "live" ? atMs : null;
    });
    this.counts = this.#feed.counts;
    this.traffic = this.#feed.traffic;
  }

  /** The seq of the last event; 0: none yet. */
  get seq() {
    return this.arrivals.at(-1)?.seq ?? 0;
  }

  close() {
    this.#feed.close();
  }

  /** The server gave its account: keep beside it what was here by then. */
  tally() {
    this.tallied = { events: this.counts.events, eventBytes: this.#eventBytes };
  }

  /** @param {WireEntry} entry */
  #note({ direction }) {
    const atMs = nowMs();
    if (direction === "request") {
      this.#endRequest(atMs);
      this.requests.push({ sentMs: atMs, endedMs: null });
    }
    if (direction === "response" && this.#isPoll) this.#endRequest(atMs);
  }

  /** @param {number} atMs */
  #endRequest(atMs) {
    const last = this.requests.at(-1);
    if (last && last.endedMs === null) last.endedMs = atMs;
  }
}
