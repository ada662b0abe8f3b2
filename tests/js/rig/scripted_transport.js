/** A transport that says what the test tells it to, and the page and clock around it. */

import { FakeClock, seededRandom } from "./fake_clock.js";
import { browser } from "../../../apps/transports/static/transports/environment.js";

/** @import {Listeners, Place, TransportClass} from "../../../apps/transports/static/transports/registry.js" */

/**
 * Return a transport class, and the list of its attempts, oldest first.
 *
 * @param {string} [name]  the transport's
 * @param {Attempt[]} [attempts]  where to list them, along with those of other transports
 * @returns {{Scripted: TransportClass, attempts: Attempt[]}}
 */
export function scripted(name = "scripted", attempts = []) {
  class Scripted extends Attempt {
    static transportName = name;
    static path = "/scripted";
    static supported = () => true;
    constructor() {
      super();
      this.transportName = name;
      attempts.push(this);
    }
  }
  return { Scripted, attempts };
}

export class Attempt {
  isClosed = false;
  transportName = "";
  /** @type {Place} */
  place = { topics: [], after: null, last: null };
  /** @type {Listeners | null} */
  #listeners = null;

  /** What the client listens with. */
  get to() {
    if (!this.#listeners) throw new Error("this attempt was not opened");
    return this.#listeners;
  }

  /**
   * @param {Place} place
   * @param {Listeners} listeners
   */
  open(place, listeners) {
    this.place = place;
    this.#listeners = listeners;
  }

  close() {
    this.isClosed = true;
  }

  /** @param {string} cursor */
  ready(cursor) {
    this.to.onReady({ cursor, heartbeatMs: 15_000, retryMs: 2_000 });
  }

  /** @param {number[]} seqs */
  events(...seqs) {
    for (const seq of seqs) this.to.onEvents([event("news", seq)], null);
  }

  /** @param {Partial<import("../../../apps/transports/static/transports/endings.js").Ending>} [ending] */
  end(ending = {}) {
    this.to.onClose({ reason: "network", message: "", final: false, isOnTheWay: true, ...{ retryMs: null, notBeforeMs: 0 }, ...ending });
  }
}

/**
 * @param {string} topic
 * @param {number} seq
 * @param {any} [data]
 */
export function event(topic, seq, data = { seq }) {
  return { topic, seq, type: "test.event", time: "2026-01-01T00:00:00.000Z", data };
}

/** A session's storage, as far as the client needs one. */
export class FakeStorage {
  /** @type {Map<string, string>} */
  items = new Map();

  /** @param {string} key */
  getItem(key) {
    return this.items.get(key) ?? null;
  }

  /** @param {string} key @param {string} text */
  setItem(key, text) {
    this.items.set(key, text);
  }
}

/** A page that a test can hide, show, and put to sleep. */
export function fakePage() {
  const clock = new FakeClock();
  const window = new EventTarget();
  const document = Object.assign(new EventTarget(), { visibilityState: "visible" });
  const environment = {
    ...browser,
    ...{ now: clock.now, setTimeout: clock.setTimeout, clearTimeout: clock.clearTimeout },
    random: seededRandom(7),
    sessionStorage: new FakeStorage(),
    ...{ window, document, href: "http://page.test/" },
  };
  return {
    clock,
    environment,
    /** @param {"pagehide" | "pageshow" | "online"} type */
    window: (type) => window.dispatchEvent(new Event(type)),
    /** @param {"visibilitychange" | "freeze" | "resume"} type */
    document: (type) => document.dispatchEvent(new Event(type)),
  };
}
