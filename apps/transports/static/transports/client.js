/**
 * Follow topics through every break: one cursor, kept over reconnects; each event once, in order, none missing.
 *
 *     import { subscribe } from "./client.js";
 *
 *     const feed = subscribe({ topics: ["notifications"], after: cursor });
 *     feed.addEventListener("event", ({ detail }) => show(detail));
 *     feed.addEventListener("state", ({ detail }) => tell(detail.state));
 *
 * or, where a loop reads better: `for await (const event of feed) …`.
 *
 * The transport carries; the client keeps the place, checks what arrives against it, and decides when to try again.
 */

import { Backoff } from "./backoff.js";
import { Cursor, CursorError } from "./cursor.js";
import { fellSilent, fullOfHoles, garbled } from "./endings.js";
import { browser } from "./environment.js";
import { passedOn } from "./iteration.js";
import { watchPage } from "./page_lifecycle.js";
import { transportNamed } from "./registry.js";
import { TokenSource } from "./token_source.js";
import { count, noTraffic } from "./traffic.js";
import { TransportChoice } from "./transport_choice.js";
import { Watchdog } from "./watchdog.js";

/** @import {Ending} from "./endings.js" */
/** @import {LoggedEvent, Reset} from "./framing.js" */
/** @import {Listeners, Ready, Transport, TransportClass, TransportOptions, WireEntry} from "./registry.js" */
/** @import {Token} from "./token_source.js" */
/** @import {TransportChange} from "./transport_choice.js" */

const BEST_FIRST = ["websocket", "fetch_stream", "sse", "long_poll", "short_poll"];

// Whatever works answers much sooner. What does not answer in time may be a proxy that collects before it passes on.
const FIRST_FRAME_MS = 3_000;
const LAST_RESORT_MS = 10_000; // where nothing else is left to try, a slow network may take its time

/**
 * @typedef {object} SubscribeOptions
 * @property {string[]} topics  1 to 20
 * @property {string | null} [after]  where to start: a cursor, `start` (the oldest kept event) or `now`
 * @property {number | null} [last]  without `after`: start with the last N events of each topic (0 to 500); with it:
 *   go on with them where a reset says that the place is lost
 * @property {(string | TransportClass)[]} [transports]  which to try, best first, by their names in the registry; one
 *   alone is kept whatever comes. Left out: all five, from `websocket` to `short_poll`
 * @property {Token} [token]  sent instead of cookies, from pages of other origins too; without `sse`, which can't
 *
 * @typedef {SubscribeOptions & Omit<TransportOptions, "token">} Options
 *
 * @typedef {"connecting" | "live" | "waiting" | "closed" | "refused"} State
 *
 * @typedef {object} StateDetail
 * @property {State} state
 * @property {string} reason  why, in a word: `start`, `first-frame`, `fallback`, `better`, `hole`, `online`, `returned`, `visible`, `retry`,
 *   `hidden`, `silent`, `network`, `token`, `garbled`, `early`, `asked`, or a code or reason of the server's
 * @property {string} message  why, in words of the server's or the browser's, or empty
 * @property {number | null} waitMs  `waiting`: until the next attempt; null: until the page returns
 * @property {string} transport  which one
 *
 * @typedef {object} SubscriptionEvents  the `detail` of each
 * @property {LoggedEvent} event  its `data` is null where a later event recalled it
 * @property {Reset} reset  forget what you know of its topics; what comes next is not what follows
 * @property {StateDetail} state
 * @property {TransportChange} transportchange  another transport carries the events from now on
 * @property {{cursor: string | null}} heartbeat  nothing happened, and the connection lives
 * @property {WireEntry} wire  for people to look at
 */

/**
 * @template {string} Type
 * @typedef {CustomEvent<Type extends keyof SubscriptionEvents ? SubscriptionEvents[Type] : any>} Dispatched
 */

/**
 * Follow topics.
 *
 * Starts once the code that called it has run to its end, so that listeners added there miss nothing.
 *
 * @param {Options} options
 * @returns {Subscription}
 * @throws {TypeError} no topics, an empty list of transports, or none that works here
 * @throws {RangeError} no such transport
 * @throws {CursorError} `after` is not a cursor
 */
export function subscribe(options) {
  return new Subscription(options);
}

/** A running subscription: an EventTarget that dispatches SubscriptionEvents. */
export class Subscription extends EventTarget {
  /** @type {State} */
  state = "connecting";

  /** Why it is in this state, in words of the server's or the browser's, or empty. */
  message = "";

  /**
   * What happened so far. A repair is a hole that was found and read again; a connection is an attempt that went live;
   * every attempt after the first is a reconnect, whether it went live or not.
   */
  counts = { events: 0, duplicates: 0, repairs: 0, resets: 0, connections: 0, reconnects: 0 };

  /** What it cost so far. */
  traffic = noTraffic();

  #topics;
  #start;
  #last;
  #choice;
  #options;
  #environment;
  #token;
  #backoff;
  #watchdog;
  #stopWatchingPage;
  /** @type {Cursor | null} */
  #cursor = null;
  /** @type {Transport | null} */
  #transport = null;
  /** Under way over a better transport, beside the one in use. @type {Transport | null} */
  #upgrade = null;
  /** @type {unknown} */
  #upgradeTimer = null;
  /** @type {number | null} */
  #liveSince = null;
  /** @type {string | null} */
  #repairedAt = null;
  #isHidden = false;
  /** @type {unknown} */
  #retry = null;
  #retryNotBefore = 0;

  /** @param {Options} options */
  constructor({ topics, after = null, last = null, transports = BEST_FIRST, environment = browser, ...rest }) {
    super();
    const { token, ...options } = rest;
    this.#token = token === undefined ? undefined : new TokenSource(token, environment);
    if (topics.length === 0) throw new TypeError("no topics were given; name at least one, such as 'notifications'");
    this.#topics = [...topics];
    this.#start = after;
    this.#last = last;
    if (after !== null && after !== "start" && after !== "now") this.#cursor = Cursor.parse(after);
    if (transports.length === 0) throw new TypeError("no transports were given; leave the list out for all of them");
    const classes = transports.map((one) => (typeof one === "string" ? transportNamed(one) : one));
    this.#choice = new TransportChoice(classes, environment, JSON.stringify([options.baseUrl, options.paths]), this.#token);
    this.#options = { ...options, environment, token: this.#token };
    this.#environment = environment;
    this.#backoff = new Backoff(environment.random);
    this.#watchdog = new Watchdog(environment, (silence) => this.#fellSilent(silence));
    this.#stopWatchingPage = watchPage(environment, {
      onHide: () => this.#hide(),
      onReturn: () => this.#return(),
      onVisible: () => this.#look(),
      onOnline: () => this.#moveToNewNetwork(),
    });
    queueMicrotask(() => this.state === "connecting" && this.#connect("start"));
  }

  /** The place after the last event passed on: `after` for a later subscription. Null until the server told one. */
  get cursor() {
    return this.#cursor?.text ?? this.#start;
  }

  /** The name of the transport in use, or of the one that is tried. */
  get transport() {
    return this.#choice.current.transportName;
  }

  /** When the connection went live, in milliseconds since 1970; null while there is none. */
  get liveSince() {
    return this.#liveSince;
  }

  /** Loop over events and resets: `for await (const event of feed)`; see `passedOn`. */
  [Symbol.asyncIterator]() {
    return passedOn(this);
  }

  /**
   * EventTarget's own, with types: `detail` is known by the event's name.
   *
   * @template {string} Type
   * @override
   * @param {Type} type
   * @param {((event: Dispatched<Type>) => void) | EventListenerObject | null} listener
   * @param {AddEventListenerOptions | boolean} [options]
   */
  addEventListener(type, listener, options) {
    super.addEventListener(type, /** @type {EventListener} */ (listener), options);
  }

  /** Try again now, without waiting: for a button. After `close` it does nothing. */
  reconnect() {
    if (this.state === "closed") return;
    this.#backoff.reset();
    this.#connect("asked");
  }

  /** End for good. */
  close() {
    if (this.state === "closed") return;
    this.#disconnect();
    this.#stopWatchingPage();
    this.#setState("closed", { reason: "asked" });
  }

  // Attempts

  /**
   * @param {string} reason
   * @param {string} [message]
   */
  #connect(reason, message) {
    this.#disconnect();
    const transportClass = this.#chooseTransport();
    if (reason !== "start") this.counts.reconnects += 1;
    this.#setState("connecting", { reason, message });
    if (this.state !== "connecting") return; // a listener closed the subscription
    const transport = new transportClass(this.#options);
    this.#transport = transport;
    this.#watchdog.startWithin(this.#choice.isLastResort ? LAST_RESORT_MS : FIRST_FRAME_MS);
    transport.open(this.#place, this.#listenersFor(transport));
  }

  /** The one place that decides what the next attempt goes over. */
  #chooseTransport() {
    return this.#choice.choose();
  }

  get #place() {
    return { topics: this.#topics, after: this.cursor, last: this.#last };
  }

  /**
   * @param {Transport} transport
   * @returns {Listeners}
   */
  #listenersFor(transport) {
    // A browser reports some errors late, when the attempt they belong to is given up and the next one under way.
    /** @type {<Args extends any[]>(listener: (...args: Args) => void) => (...args: Args) => void} */
    const whileCurrent = (listener) => (...args) => {
      if (this.#transport === transport) listener(...args);
    };
    return {
      onReady: whileCurrent((ready) => this.#ready(ready, "first-frame")),
      onEvents: whileCurrent((events, cursor) => this.#receive(events, cursor, transport)),
      onHeartbeat: whileCurrent(({ cursor }) => this.#receive([], cursor, transport)),
      onReset: whileCurrent((reset) => this.#reset(reset)),
      onClose: whileCurrent((ending) => this.#ended(ending)),
      onWire: (entry) => {
        if (this.#transport !== transport && this.#upgrade !== transport) return;
        // Our own requests count too: for a poll, silence is a request without an answer.
        if (this.state === "live" && this.#transport === transport) this.#watchdog.feed();
        count(this.traffic, entry);
        this.#dispatch("wire", entry);
      },
    };
  }

  #disconnect() {
    this.#environment.clearTimeout(this.#retry);
    this.#retry = null;
    this.#watchdog.stop();
    this.#stopUpgrade();
    this.#liveSince = null;
    const transport = this.#transport;
    this.#transport = null; // before close(), which may report its own end
    transport?.close();
  }

  /** @param {Ending} ending */
  #ended(ending) {
    // Forgive earlier failures only to a connection that outlived the wait before it. Forgiven at its first frame, a
    // connection that is cut right after it, time and again, would never slow down.
    const livedMs = this.#liveSince === null ? null : this.#environment.now() - this.#liveSince;
    this.#disconnect();
    const isReplaced = this.#token?.mayReplace(ending.reason);
    if (ending.final && !isReplaced) {
      this.#setState("refused", ending);
      return;
    }
    this.#backoff.hint(ending.retryMs);
    if (livedMs !== null && livedMs > this.#backoff.ceilingMs) this.#backoff.reset();
    if (this.#choice.ended(ending, livedMs)) {
      this.#connect("fallback", ending.message);
      return;
    }
    // A `close` in place of `ready` is a refusal that passes: its time is the least to wait, as with `Retry-After`.
    const leastMs = Math.max(ending.notBeforeMs, livedMs === null ? (ending.retryMs ?? 0) : 0);
    const waitMs = leastMs + this.#backoff.nextMs();
    this.#retryNotBefore = this.#environment.now() + leastMs;
    this.#retry = this.#environment.setTimeout(() => this.#connect("retry"), waitMs);
    this.#setState("waiting", { ...ending, waitMs });
  }

  // Back to a better transport

  #upgradeLater() {
    this.#stopUpgrade();
    const chance = this.#choice.nextChance;
    if (!chance) return;
    const { transport, inMs } = chance;
    this.#upgradeTimer = this.#environment.setTimeout(() => this.#tryUpgrade(transport), inMs);
  }

  /**
   * Try a better transport beside the one in use, which carries on until the better one's first frame is here.
   *
   * @param {TransportClass} transportClass
   */
  #tryUpgrade(transportClass) {
    const transport = (this.#upgrade = new transportClass(this.#options));
    /** @param {Ending} ending */
    const miss = (ending) => {
      if (this.#upgrade !== transport) return;
      this.#choice.missed(transportClass, ending);
      this.#upgradeLater();
    };
    this.#upgradeTimer = this.#environment.setTimeout(() => miss(fellSilent(FIRST_FRAME_MS)), FIRST_FRAME_MS);
    const listeners = this.#listenersFor(transport);
    transport.open(this.#place, {
      ...listeners,
      onReady: (ready) => {
        if (this.#upgrade !== transport) return;
        this.#upgrade = null;
        this.#disconnect();
        this.#transport = transport;
        this.#choice.promote(transportClass);
        this.#ready(ready, "better");
      },
      onClose: (ending) => (this.#transport === transport ? listeners.onClose(ending) : miss(ending)),
    });
  }

  #stopUpgrade() {
    this.#environment.clearTimeout(this.#upgradeTimer);
    const upgrade = this.#upgrade;
    this.#upgrade = null; // before close(), which may report its own end
    upgrade?.close();
  }

  // What arrives

  /**
   * @param {Ready} ready
   * @param {string} reason
   */
  #ready({ cursor, heartbeatMs, retryMs }, reason) {
    // The server's place counts only for topics that have none here. Where it differs from ours, a reset comes next.
    if (cursor !== null && !this.#parsed(cursor, (there) => this.#adoptMissing(there, []))) return;
    this.counts.connections += 1;
    this.#liveSince = this.#environment.now();
    this.#backoff.hint(retryMs);
    this.#watchdog.start(heartbeatMs);
    const change = this.#choice.worked();
    this.#upgradeLater();
    if (change) this.#dispatch("transportchange", change);
    if (this.#liveSince !== null) this.#setState("live", { reason });
  }

  /**
   * Pass on the events that follow the last ones, each once.
   *
   * @param {LoggedEvent[]} events
   * @param {string | null} cursorText  the place after them, where the server said so
   * @param {Transport} transport
   */
  #receive(events, cursorText, transport) {
    /** @type {Cursor | null} */
    let there = null;
    if (cursorText !== null) {
      const isCursor = this.#parsed(cursorText, (cursor) => {
        there = cursor;
        this.#adoptMissing(cursor, events);
      });
      if (!isCursor) return;
    }
    for (const event of events) {
      const seen = this.#cursor?.position(event.topic);
      if (!this.#cursor || seen === undefined) continue; // not a topic of ours
      if (event.seq <= seen) {
        this.counts.duplicates += 1;
        continue;
      }
      if (event.seq > seen + 1) {
        this.#repair();
        return;
      }
      this.#cursor = this.#cursor.advanced(event.topic, event.seq);
      this.counts.events += 1;
      this.#dispatch("event", event);
      if (this.#transport !== transport) return; // a listener closed the subscription
    }
    // A hole with nothing behind it shows only here: the server is past an event that never came.
    if (there && this.#isBehind(there)) this.#repair();
    else if (events.length === 0) this.#dispatch("heartbeat", { cursor: cursorText });
  }

  /** @param {Reset} reset */
  #reset(reset) {
    const isCursor = this.#parsed(reset.cursor, (there) => {
      this.#cursor = (this.#cursor ?? there).replaced(there, reset.topics);
    });
    if (!isCursor) return;
    this.counts.resets += 1;
    this.#dispatch("reset", reset);
  }

  /** Something is missing after our place: read again from there. */
  #repair() {
    this.counts.repairs += 1;
    const place = this.cursor;
    const isSecondTime = place === this.#repairedAt;
    this.#repairedAt = place;
    if (!isSecondTime) {
      this.#connect("hole");
      return;
    }
    // Twice in the same place: somebody on the way swallows events, and asking again at once would go round for ever.
    this.#ended(fullOfHoles());
  }

  /**
   * Give every topic of ours a place, so that a cursor saved at any moment speaks of all of them (one that leaves a
   * topic out would later start it at `now`).
   *
   * @param {Cursor} there  the server's place, after `events`
   * @param {LoggedEvent[]} events
   */
  #adoptMissing(there, events) {
    let cursor = this.#cursor ?? new Cursor(there.epoch, []);
    for (const topic of this.#topics) {
      if (cursor.position(topic) !== undefined) continue;
      const first = events.find((event) => event.topic === topic);
      const seq = first ? first.seq - 1 : there.position(topic);
      if (seq !== undefined) cursor = cursor.advanced(topic, seq);
    }
    this.#cursor = cursor;
  }

  /** @param {Cursor} there */
  #isBehind(there) {
    const here = this.#cursor;
    if (!here) return false;
    return (
      there.epoch !== here.epoch ||
      this.#topics.some((topic) => (there.position(topic) ?? 0) > (here.position(topic) ?? 0))
    );
  }

  /**
   * Use a cursor of the server's; end the attempt where it is none.
   *
   * @param {string} text
   * @param {(cursor: Cursor) => void} use
   * @returns {boolean} whether it was one
   */
  #parsed(text, use) {
    try {
      use(Cursor.parse(text));
      return true;
    } catch (error) {
      if (!(error instanceof CursorError)) throw error;
      this.#ended(garbled(text));
      return false;
    }
  }

  // Silence, sleep, and the page's comings and goings

  /** @param {{silentMs: number, limitMs: number}} silence */
  #fellSilent({ silentMs, limitMs }) {
    // So late that the timer itself was asleep, and the computer with it: no reason to wait any longer.
    if (silentMs > 2 * limitMs) {
      this.#connect("silent");
      return;
    }
    this.#ended(fellSilent(silentMs));
  }

  #hide() {
    if (this.#isOver) return;
    this.#isHidden = true;
    this.#disconnect();
    this.#setState("waiting", { reason: "hidden" });
  }

  #return() {
    if (!this.#isHidden) return;
    this.#isHidden = false;
    this.#connect("returned");
  }

  #look() {
    if (this.#isOver || this.#isHidden) return;
    if (this.state === "waiting" ? this.#mayHurry : this.#watchdog.isOverdue) this.#connect("visible");
  }

  #moveToNewNetwork() {
    if (this.#isOver || this.#isHidden || !this.#mayHurry) return;
    this.#backoff.reset();
    this.#choice.forget();
    this.#connect("online");
  }

  get #isOver() {
    return this.state === "closed" || this.state === "refused";
  }

  get #mayHurry() {
    return this.#environment.now() >= this.#retryNotBefore;
  }

  // Telling

  /**
   * @param {State} state
   * @param {{reason: string, message?: string, waitMs?: number | null}} why
   */
  #setState(state, { reason, message = "", waitMs = null }) {
    this.state = state;
    this.message = message;
    this.#dispatch("state", { state, reason, message, waitMs, transport: this.transport });
  }

  /**
   * @template {keyof SubscriptionEvents} Type
   * @param {Type} type
   * @param {SubscriptionEvents[Type]} detail
   */
  #dispatch(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
