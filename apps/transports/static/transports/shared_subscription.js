/**
 * The same as `subscribe`, over one connection for all tabs of this origin.
 *
 *     import { subscribeShared } from "./shared_subscription.js";
 *
 *     const feed = subscribeShared({ topics: ["notifications"], after: cursor });
 *
 * Each tab keeps a place of its own. It reads by short polls up to where the shared connection is, and from there on
 * takes what that brings; it reads again whenever something is missing. So the tab that holds the connection may go at
 * any moment, in the middle of an event too.
 */

import { Subscription, subscribe } from "./client.js";
import { Cursor } from "./cursor.js";
import { passedOn } from "./iteration.js";
import { SharedConnection } from "./shared_connection.js";

/** @import {Dispatched, Options, StateDetail, State, SubscribeOptions, SubscriptionEvents} from "./client.js" */
/** @import {LoggedEvent} from "./framing.js" */
/** @import {TransportOptions} from "./registry.js" */
/** @import {OwnersMessage} from "./shared_connection.js" */
/** @import {TransportChange} from "./transport_choice.js" */

/** @typedef {Pick<Subscription, Exclude<keyof Subscription, "traffic">>} SharedFeed */

const PAUSE_MS = 100; // between the polls of a tab that catches up

/**
 * Follow topics, together with the other tabs that pass the same `baseUrl`, `paths` and `transports`.
 *
 * A browser without Web Locks or BroadcastChannel (or a page that is not served over HTTPS) gets a connection of its
 * own, and so does a tab with a token: what one may read is not the other tabs' affair. There is no `wire` event and no `traffic`: what goes over the wire belongs to no tab.
 *
 * @param {Options} options
 * @returns {SharedFeed}
 * @throws {TypeError} no topics
 * @throws {CursorError} `after` is not a cursor
 */
export function subscribeShared(options) {
  const { token, ...shared } = options;
  return SharedConnection.supported() && token === undefined ? new SharedSubscription(shared) : subscribe(options);
}

/** A running subscription over the shared connection. */
class SharedSubscription extends EventTarget {
  /** @type {State} */
  state = "connecting";
  message = "";
  counts = { events: 0, duplicates: 0, repairs: 0, resets: 0, connections: 0, reconnects: 0 };
  transport = "";
  /** @type {number | null} */
  liveSince = null;
  topics;

  #options;
  #start;
  #connection;
  #isFollowing = false;
  /** @type {Cursor | null} */
  #cursor = null;
  /** The last one told. @type {TransportChange | null} */
  #change = null;
  /** @type {Subscription | null} */
  #reader = null;

  /** @param {SubscribeOptions & TransportOptions} options */
  constructor({ topics, after = null, ...options }) {
    super();
    if (topics.length === 0) throw new TypeError("no topics were given; name at least one, such as 'notifications'");
    this.topics = [...topics];
    this.#start = after;
    if (after !== null && after !== "start" && after !== "now") this.#cursor = Cursor.parse(after);
    this.#options = options;
    this.#connection = SharedConnection.with(options);
    queueMicrotask(() => this.state === "connecting" && this.#join());
  }

  get cursor() {
    return this.#cursor?.text ?? this.#start;
  }

  [Symbol.asyncIterator]() {
    return passedOn(/** @type {any} */ (this));
  }

  /**
   * @template {string} Type
   * @override
   * @param {Type} type
   * @param {((event: Dispatched<Type>) => void) | EventListenerObject | null} listener
   * @param {AddEventListenerOptions | boolean} [options]
   */
  addEventListener(type, listener, options) {
    super.addEventListener(type, /** @type {EventListener} */ (listener), options);
  }

  /** Try again now, without waiting. */
  reconnect() {
    if (this.state === "closed") return;
    if (this.state === "refused") this.#join();
    this.#connection.hurry();
    this.#reader?.reconnect();
  }

  /** End for good. */
  close() {
    if (this.state === "closed") return;
    this.#leave();
    this.#setState({ state: "closed", reason: "asked" });
  }

  /**
   * Take what the shared connection brings.
   *
   * @param {OwnersMessage} message
   */
  receive(message) {
    switch (message.kind) {
      case "event":
        if (this.#isFollowing) this.#take(message.event);
        break;
      case "heartbeat":
        if (this.#keepsUpWith(message.cursor)) this.#dispatch("heartbeat", { cursor: this.cursor });
        break;
      case "here":
        this.#keepsUpWith(message.cursor);
        break;
      case "reset":
        if (this.#isFollowing) this.#read(); // the server tells each reader for itself, and minds its `last`
        break;
      case "state":
        if (message.detail.state === "live" && this.#reader?.state === "waiting") this.#reader.reconnect();
        if (!this.#keepsUpWith(message.cursor)) break;
        this.#tellChange(message.change);
        this.#setState(message.detail);
        break;
    }
  }

  /** @param {TransportChange | null} change */
  #tellChange(change) {
    const isNews = JSON.stringify(change) !== JSON.stringify(this.#change);
    this.#change = change;
    if (change && isNews) this.#dispatch("transportchange", change);
  }

  /** The connection has no room for our topics: read over one of our own. */
  goAlone() {
    this.#connection.leave(this);
    this.#read(true);
  }

  /** The page goes away, or to sleep. */
  hide() {
    this.#stopReading();
    this.#setState({ state: "waiting", reason: "hidden" });
  }

  /** The page is back. */
  return() {
    this.#setState({ state: "connecting", reason: "returned" });
    this.#read();
  }

  #join() {
    // First the connection, then the reading: what it brings meanwhile is noted in its cursor.
    this.#connection = SharedConnection.with(this.#options);
    this.#connection.join(this);
    this.#setState({ state: "connecting", reason: "start" });
    this.#read();
  }

  #leave() {
    this.#stopReading();
    this.#connection.leave(this);
  }

  /** @param {LoggedEvent} event */
  #take(event) {
    const seen = this.#cursor?.position(event.topic);
    if (seen === undefined || event.seq <= seen || !this.topics.includes(event.topic)) return;
    if (event.seq === seen + 1) {
      this.#pass(event);
      return;
    }
    this.counts.repairs += 1;
    this.#read();
  }

  /** @param {LoggedEvent} event */
  #pass(event) {
    this.#cursor = this.#cursor?.advanced(event.topic, event.seq) ?? null;
    this.counts.events += 1;
    this.#dispatch("event", event);
  }

  /**
   * @param {string | null} text  where the shared connection is
   * @returns {boolean} whether we are there too, and not reading still
   */
  #keepsUpWith(text) {
    if (!this.#isFollowing) return false;
    const there = text === null ? null : Cursor.parse(text);
    if (!there || (there.epoch === this.#cursor?.epoch && !this.#isBehind(there))) return true;
    this.#read();
    return false;
  }

  /** @param {Cursor | null} there */
  #isBehind(there) {
    return this.topics.some((topic) => (there?.position(topic) ?? 0) > (this.#cursor?.position(topic) ?? 0));
  }

  /** Read the log itself, from our place to where the shared connection is; alone: for good. */
  #read(alone = false) {
    this.#stopReading();
    const polls = { transports: ["short_poll"], intervalMs: PAUSE_MS, limit: 500 };
    const { topics, cursor } = this;
    const reader = subscribe({ ...this.#options, ...(alone ? {} : polls), topics, after: cursor });
    this.#reader = reader;
    const moved = () => (this.#cursor = Cursor.parse(reader.cursor ?? ""));
    reader.addEventListener("event", ({ detail }) => {
      moved();
      this.#pass(detail);
    });
    reader.addEventListener("reset", ({ detail }) => {
      moved();
      this.counts.resets += 1;
      this.#dispatch("reset", detail);
    });
    reader.addEventListener("heartbeat", () => {
      moved();
      const there = this.#connection.cursor;
      if (alone) this.#dispatch("heartbeat", { cursor: this.cursor });
      else if (there?.epoch !== this.#cursor?.epoch || !this.#isBehind(there)) this.#follow();
    });
    reader.addEventListener("transportchange", ({ detail }) => this.#tellChange(detail));
    reader.addEventListener("state", ({ detail }) => {
      if (this.#reader !== reader) return;
      if (detail.state === "refused") this.#leave();
      if (alone || ["waiting", "refused"].includes(detail.state)) this.#setState(detail);
    });
  }

  #follow() {
    this.#stopReading();
    this.#isFollowing = true;
    this.#connection.follow(this);
  }

  #stopReading() {
    this.#isFollowing = false;
    const reader = this.#reader;
    this.#reader = null;
    reader?.close();
  }

  /** @param {Partial<StateDetail> & {state: State, reason: string}} detail */
  #setState({ state, reason, message = "", waitMs = null, transport = this.transport }) {
    const isNews = state !== this.state || message !== this.message || transport !== this.transport || waitMs !== null;
    if (!isNews) return;
    if (state === "live" && this.state !== "live") this.counts.connections += 1;
    if (state === "connecting" && reason !== "start") this.counts.reconnects += 1;
    this.liveSince = state === "live" ? (this.liveSince ?? Date.now()) : null;
    Object.assign(this, { state, message, transport });
    this.#dispatch("state", { state, reason, message, waitMs, transport });
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
