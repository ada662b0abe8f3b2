/**
 * One connection for all tabs of an origin.
 *
 * The tab that holds a Web Lock owns the connection, and tells the others over a BroadcastChannel what it brings. The
 * others queue for the lock, which the browser hands on when the owner closes, crashes or goes to sleep. An owner that
 * holds the lock and says nothing (a script that hangs) is asked, and if it does not answer, loses the lock.
 *
 * Silence is noticed by those who wait, not by a clock of the owner's: browsers slow down the timers of tabs in the
 * background, down to one a minute, but not what comes from the network or from other tabs.
 */

import { subscribe } from "./client.js";
import { Cursor } from "./cursor.js";
import { browser } from "./environment.js";
import { watchPage } from "./page_lifecycle.js";
import { Watchdog } from "./watchdog.js";

/** @import {StateDetail, SubscribeOptions, Subscription} from "./client.js" */
/** @import {LoggedEvent} from "./framing.js" */
/** @import {TransportOptions} from "./registry.js" */
/** @import {TransportChange} from "./transport_choice.js" */

/**
 * @typedef {object} Subscriber
 * @property {string[]} topics
 * @property {string | null} cursor
 * @property {(message: OwnersMessage) => void} receive
 * @property {() => void} goAlone
 * @property {() => void} hide
 * @property {() => void} return
 *
 * @typedef {{kind: "event", event: LoggedEvent}
 *   | {kind: "heartbeat", cursor: string | null}
 *   | {kind: "here", cursor: string | null}
 *   | {kind: "reset", cursor: string | null}
 *   | {kind: "state", detail: StateDetail, change: TransportChange | null, cursor: string | null}
 *   | {kind: "owner"}
 *   | {kind: "full", id: string}} OwnersMessage  `owner`: there is a new one, and it asks who
 *   follows; `here`: the answer to `ask`; `change`: the last one, for those who come later too
 *
 * @typedef {{kind: "follow", id: string, topics: string[], cursor: string}
 *   | {kind: "leave", id: string}
 *   | {kind: "ask"}
 *   | {kind: "hurry"}} FollowersMessage
 *
 * @typedef {Omit<SubscribeOptions, "topics" | "after"> & TransportOptions} ConnectionOptions
 */

const VERSION = 1; // of the messages: tabs that were open before an update talk among themselves
const MOST_TOPICS = 20; // of one subscription, see docs/PROTOCOL.md
// Together well below a heartbeat of the server's, which is 15 s.
const ASK_AFTER_MS = 4_000;
const ANSWER_WITHIN_MS = 2_000;

/** @type {Map<string, SharedConnection>} */
const connections = new Map();

/** This tab's end of it. */
export class SharedConnection {
  /** Where the connection is, as far as this tab heard. @type {Cursor | null} */
  cursor = null;

  #name;
  #options;
  #environment;
  #watchdog;
  #stopWatchingPage = () => {};
  /** The subscribers here, each with its name among those of all tabs. @type {Map<Subscriber, string>} */
  #subscribers = new Map();
  /** Those of them that take what arrives. @type {Set<Subscriber>} */
  #following = new Set();
  /** @type {BroadcastChannel | null} */
  #channel = null;
  /** Ends the waiting for the lock. */
  #presence = new AbortController();
  #isAsked = false;

  // While this tab is the owner
  #release = () => {};
  #isOwner = false;
  /** What each subscriber of each tab follows. @type {Map<string, string[]>} */
  #wanted = new Map();
  /** @type {string[]} */
  #topics = [];
  /** @type {Subscription | null} */
  #feed = null;
  /** @type {StateDetail | null} */
  #state = null;
  /** @type {TransportChange | null} */
  #change = null;
  /** The topics that were refused last, together. */
  #refused = "";

  /** Whether this browser can share at all. */
  static supported() {
    return globalThis.navigator?.locks !== undefined && globalThis.BroadcastChannel !== undefined;
  }

  /**
   * Return this tab's end of the connection that goes with these options.
   *
   * @param {ConnectionOptions} options
   */
  static with(options) {
    const { baseUrl = "", paths, transports } = options;
    const name = `feed ${VERSION} ${JSON.stringify([baseUrl, paths, transports])}`;
    const known = connections.get(name) ?? new SharedConnection(name, options);
    connections.set(name, known);
    return known;
  }

  /**
   * @param {string} name  the same in all tabs
   * @param {ConnectionOptions} options
   */
  constructor(name, options) {
    this.#name = name;
    this.#options = options;
    this.#environment = options.environment ?? browser;
    this.#watchdog = new Watchdog(this.#environment, () => this.#ownerIsSilent());
  }

  /** @param {Subscriber} subscriber */
  join(subscriber) {
    if (this.#subscribers.size === 0) {
      this.#enter();
      this.#stopWatchingPage = watchPage(this.#environment, {
        onHide: () => this.#hide(),
        onReturn: () => this.#return(),
        onVisible: () => this.hurry(),
        onOnline: () => {},
      });
    }
    this.#subscribers.set(subscriber, `${Date.now()}.${Math.random()}`);
  }

  /** @param {Subscriber} subscriber */
  leave(subscriber) {
    const id = this.#subscribers.get(subscriber);
    if (id === undefined) return;
    this.#tellOwner({ kind: "leave", id });
    this.#subscribers.delete(subscriber);
    this.#following.delete(subscriber);
    if (this.#subscribers.size > 0) return;
    this.#stopWatchingPage();
    this.#exit();
    connections.delete(this.#name);
  }

  /**
   * Bring what comes after the subscriber's place.
   *
   * @param {Subscriber} subscriber  one that joined, and that read up to `cursor` since then
   */
  follow(subscriber) {
    this.#following.add(subscriber);
    this.#introduce(subscriber);
  }

  /** Don't wait any longer before the next attempt: somebody looks. */
  hurry() {
    this.#tellOwner({ kind: "hurry" });
  }

  // Coming and going

  #enter() {
    this.#presence = new AbortController();
    this.#channel = new BroadcastChannel(this.#name);
    this.#channel.addEventListener("message", ({ data }) => this.#receive(data));
    this.#watchdog.startWithin(ANSWER_WITHIN_MS);
    this.#queue();
  }

  #exit() {
    this.#presence.abort();
    this.#watchdog.stop();
    this.#disown();
    this.#release();
    this.#channel?.close();
    this.#channel = null;
    this.#following.clear();
    this.cursor = null;
  }

  #hide() {
    if (!this.#channel) return;
    this.#exit();
    for (const subscriber of this.#subscribers.keys()) subscriber.hide();
  }

  #return() {
    if (this.#channel) return;
    this.#enter();
    for (const subscriber of this.#subscribers.keys()) subscriber.return();
  }

  // Who owns the connection

  /** Wait until the lock is free, and own the connection for as long as it is ours. */
  async #queue() {
    const { signal } = this.#presence;
    while (!signal.aborted) {
      try {
        await navigator.locks.request(this.#name, { signal }, () => this.#own(signal));
      } catch (error) {
        if (signal.aborted) return;
        this.#disown(); // the lock was taken away: we were silent for too long
        if (/** @type {Error} */ (error).name !== "AbortError") return void this.#own(signal); // no locks here
      }
    }
  }

  async #steal() {
    const { signal } = this.#presence;
    try {
      await navigator.locks.request(this.#name, { steal: true }, () => this.#own(signal));
    } catch {
      if (!signal.aborted) this.#disown();
    }
  }

  /** @param {AbortSignal} signal */
  #own(signal) {
    if (signal.aborted) return;
    this.#watchdog.stop();
    this.#isOwner = true;
    this.#tell({ kind: "owner" });
    return new Promise((resolve) => (this.#release = () => resolve(undefined)));
  }

  #disown() {
    if (!this.#isOwner) return;
    this.#isOwner = false;
    this.#wanted.clear();
    this.#topics = [];
    this.#state = null;
    this.#change = null;
    this.#hangUp();
    if (!this.#presence.signal.aborted) this.#watchdog.startWithin(ANSWER_WITHIN_MS);
  }

  #ownerIsSilent() {
    if (this.#isAsked) {
      this.#isAsked = false;
      this.#steal();
      return;
    }
    this.#isAsked = true;
    this.#watchdog.startWithin(ANSWER_WITHIN_MS);
    this.#channel?.postMessage({ kind: "ask" });
  }

  #ownerWasHeard() {
    if (this.#isOwner) return;
    if (!this.#isAsked) {
      this.#watchdog.feed();
      return;
    }
    this.#isAsked = false;
    // Not all at once: the answer to the first who asks is heard by all.
    this.#watchdog.startWithin(ASK_AFTER_MS + 1_000 * this.#environment.random());
  }

  // What is said

  /** @param {OwnersMessage | FollowersMessage} message */
  #receive(message) {
    switch (message.kind) {
      case "follow":
        if (this.#isOwner) this.#want(message.id, message.topics, Cursor.parse(message.cursor));
        return;
      case "leave":
        this.#wanted.delete(message.id);
        return;
      case "ask":
        if (this.#isOwner) this.#tell({ kind: "here", cursor: this.#feed?.cursor ?? null });
        return;
      case "hurry":
        if (this.#feed?.state === "waiting") this.#feed.reconnect();
        return;
      case "owner":
        this.#ownerWasHeard();
        for (const subscriber of this.#following) this.#introduce(subscriber);
        return;
      case "full":
        for (const [subscriber, id] of [...this.#subscribers]) if (id === message.id) subscriber.goAlone();
        return;
    }
    this.#ownerWasHeard();
    if (message.kind === "event") this.cursor = this.cursor?.advanced(message.event.topic, message.event.seq) ?? null;
    else if ("cursor" in message && message.cursor !== null) this.cursor = Cursor.parse(message.cursor);
    for (const subscriber of [...this.#subscribers.keys()]) subscriber.receive(message);
  }

  /** Say something as the owner: to the other tabs, and to this one. @param {OwnersMessage} message */
  #tell(message) {
    this.#channel?.postMessage(message);
    this.#receive(message);
  }

  /** @param {FollowersMessage} message */
  #tellOwner(message) {
    if (this.#isOwner) this.#receive(message);
    else this.#channel?.postMessage(message);
  }

  #tellState() {
    const connecting = { state: "connecting", reason: "start", message: "", waitMs: null, transport: "" };
    const detail = this.#state ?? /** @type {StateDetail} */ (connecting);
    this.#tell({ kind: "state", detail, change: this.#change, cursor: this.#feed?.cursor ?? null });
  }

  /** @param {Subscriber} subscriber */
  #introduce(subscriber) {
    const id = this.#subscribers.get(subscriber) ?? "";
    this.#tellOwner({ kind: "follow", id, topics: subscriber.topics, cursor: subscriber.cursor ?? "" });
  }

  // The connection itself

  /**
   * @param {string} id
   * @param {string[]} topics
   * @param {Cursor} cursor  the subscriber's place
   */
  #want(id, topics, cursor) {
    this.#wanted.set(id, topics);
    if (topics.every((topic) => this.#topics.includes(topic))) {
      this.#tellState();
      return;
    }
    const all = [...new Set([...this.#wanted.values()].flat())];
    if (all.length > MOST_TOPICS) {
      this.#wanted.delete(id);
      this.#tell({ kind: "full", id });
      return;
    }
    this.#connect(all, cursor);
  }

  /**
   * @param {string[]} topics
   * @param {Cursor} place  where to begin topics that were not followed until now
   */
  #connect(topics, place) {
    let cursor = this.#feed?.cursor ? Cursor.parse(this.#feed.cursor) : place;
    for (const topic of topics) {
      const seq = this.#topics.includes(topic) ? cursor.position(topic) : place.position(topic);
      if (seq !== undefined) cursor = cursor.advanced(topic, seq);
    }
    this.#hangUp();
    this.#topics = topics;
    // After a reset it goes on at the head: each subscriber reads for itself what it wants of the past.
    const feed = subscribe({ ...this.#options, topics, after: cursor.text, last: 0 });
    this.#feed = feed;
    feed.addEventListener("event", ({ detail: event }) => this.#tell({ kind: "event", event }));
    feed.addEventListener("heartbeat", () => this.#tell({ kind: "heartbeat", cursor: feed.cursor }));
    feed.addEventListener("reset", () => this.#tell({ kind: "reset", cursor: feed.cursor }));
    feed.addEventListener("transportchange", ({ detail }) => (this.#change = detail));
    feed.addEventListener("state", ({ detail }) => {
      if (this.#feed !== feed) return;
      if (detail.state === "refused" && this.#refused !== String(topics)) {
        this.#refused = String(topics);
        this.#regroup();
        return;
      }
      if (detail.state === "live") this.#refused = "";
      this.#state = detail;
      this.#tellState();
    });
  }

  /**
   * One topic that may not be read any more has all of them refused. Each subscriber reads for itself, is refused if it
   * was meant, and else follows again.
   */
  #regroup() {
    this.#wanted.clear();
    this.#topics = [];
    this.#hangUp();
    this.#tell({ kind: "reset", cursor: null });
  }

  #hangUp() {
    const feed = this.#feed;
    this.#feed = null;
    feed?.close();
  }
}
