/**
 * The newest notifications and which of them are unread, kept by the browser for all its tabs.
 *
 * Two records, so that tabs that write at the same time don't undo each other's work: the list is a function of the
 * log and a place in it, and every tab writes the same; what is read is one number that only grows.
 */

import { Cursor } from "../transports/cursor.js";

/** @import {Notification} from "../notifications/notification.js" */
/** @import {LoggedEvent} from "../transports/framing.js" */

/**
 * @typedef {Pick<Notification, "id" | "title" | "message" | "level" | "link" | "posted_at"> &
 *   {topic: string, seq: number, topics: string[]}} Entry
 *   `topic` and `seq` are those of the event that posted it; `topics` are all over which it reaches this person
 */

const PUBLIC_TOPIC = "notifications";
const MOST_ENTRIES = 30;
const MOST_CHARACTERS = 280; // of a message; the list shows its beginning

/** Dispatches `change` whenever there is something else to show. */
export class Inbox extends EventTarget {
  /**
   * Newest first.
   *
   * @type {Entry[]}
   */
  entries = [];

  /**
   * The place in the log that the entries are of; null for a browser that has never been here.
   *
   * @type {string | null}
   */
  cursor = null;

  #storage;
  #listKey;
  #readKey;
  /** @type {Seqs} */
  #readUpTo = {};

  /**
   * @param {Storage | null} storage  null where the browser keeps none for us: then this page remembers for itself
   * @param {string} owner  who is signed in; empty: nobody. Each has records of their own, and those of others go
   */
  constructor(storage, owner) {
    super();
    this.#storage = storage;
    const own = owner && `${owner}.`;
    this.#listKey = `bell.${own}list`;
    this.#readKey = `bell.${own}read`;
    for (const key of Object.keys(storage ?? {})) {
      if (/^bell\.\d/.test(key) && (own === "" || !key.startsWith(`bell.${own}`))) storage?.removeItem(key);
    }
    const { cursor, entries } = this.#stored() ?? { cursor: null, entries: [] };
    this.cursor = cursor;
    this.entries = entries;
    this.#readUpTo = this.#storedReadUpTo();
  }

  get unreadCount() {
    return this.entries.filter((entry) => this.isUnread(entry)).length;
  }

  /** @param {Entry} entry */
  isUnread({ topic, seq }) {
    return seq > (this.#readUpTo[topic] ?? 0);
  }

  /**
   * Take what an event says. Taking it again changes nothing.
   *
   * @param {LoggedEvent} event
   * @param {string | null} cursor  the place after it
   */
  take({ topic, seq, type, data }, cursor) {
    this.cursor = cursor;
    const isKnown = this.entries.some(({ id }) => id === data?.id);
    if (type === "notification.recalled") this.#withdraw(data?.id, topic);
    else if (data === null) return this.#keep(); // recalled since
    else if (type === "notification.posted" && !isKnown) {
      this.#add({ ...entryOf(data), topic, seq, topics: [topic] });
    } else if (isKnown) this.#replace(data.id, (old) => ({ ...old, ...entryOf(data), topics: including(old.topics, topic) }));
    this.#keep();
  }

  /**
   * Go on from here with what is listed.
   *
   * @param {string | null} cursor
   */
  moveTo(cursor) {
    this.cursor = cursor;
    this.#keep();
  }

  /** Forget everything: what comes next does not follow what was here. */
  clear() {
    this.entries = [];
    this.#readUpTo = {};
    this.#write(this.#readKey, "{}");
    this.moveTo(null);
  }

  markAllRead() {
    for (const { topic, seq } of this.entries) this.#readUpTo[topic] = Math.max(this.#readUpTo[topic] ?? 0, seq);
    this.#write(this.#readKey, JSON.stringify(this.#readUpTo));
    this.#changed();
  }

  /** Take over what another tab marked as read. */
  takeRead() {
    this.#readUpTo = this.#storedReadUpTo();
    this.#changed();
  }

  /** @param {Entry} entry */
  #add(entry) {
    this.entries = [entry, ...this.entries].slice(0, MOST_ENTRIES);
  }

  /**
   * It stays while it reaches this person over another topic.
   *
   * @param {number | undefined} id
   * @param {string} topic
   */
  #withdraw(id, topic) {
    this.#replace(id, (old) => ({ ...old, topics: old.topics.filter((other) => other !== topic) }));
    this.entries = this.entries.filter(({ topics }) => topics.length > 0);
  }

  /**
   * @param {number | undefined} id
   * @param {(old: Entry) => Entry} change
   */
  #replace(id, change) {
    this.entries = this.entries.map((entry) => (entry.id === id ? change(entry) : entry));
  }

  #keep() {
    // A tab that lags behind leaves the record of one that is ahead alone.
    if (!isAhead(this.#stored()?.cursor, this.cursor)) {
      this.#write(this.#listKey, JSON.stringify({ cursor: this.cursor, entries: this.entries }));
    }
    this.#changed();
  }

  /** @returns {{cursor: string, entries: Entry[]} | null} */
  #stored() {
    try {
      const { cursor, entries } = JSON.parse(this.#storage?.getItem(this.#listKey) ?? "");
      Cursor.parse(cursor);
      return entries.every(isEntry) ? { cursor, entries } : null;
    } catch {
      return null; // nothing kept, or nothing of ours
    }
  }

  #storedReadUpTo() {
    return seqsIn(this.#storage?.getItem(this.#readKey));
  }

  /**
   * @param {string} key
   * @param {string} value
   */
  #write(key, value) {
    try {
      this.#storage?.setItem(key, value);
    } catch {
      // Full: the page goes on with what it holds in memory.
    }
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/**
 * @param {string | undefined} stored
 * @param {string | null} ours
 */
function isAhead(stored, ours) {
  if (!stored || !ours) return false;
  const [there, here] = [Cursor.parse(stored), Cursor.parse(ours)];
  if (there.epoch !== here.epoch) return false;
  return there.topics.some((topic) => (there.position(topic) ?? 0) > (here.position(topic) ?? 0));
}

/** @param {Notification} data */
function entryOf({ id, title, message, level, link, posted_at }) {
  const beginning = message.length > MOST_CHARACTERS ? `${message.slice(0, MOST_CHARACTERS)}…` : message;
  return { id, title, message: beginning, level, link, posted_at };
}

/** @param {any} entry */
function isEntry(entry) {
  const { seq, topic, topics, title, message } = entry ?? {};
  const isWhole = Number.isSafeInteger(seq) && Array.isArray(topics);
  return isWhole && [topic, title, message].every((text) => typeof text === "string");
}

/**
 * @param {string[]} topics
 * @param {string} topic
 */
function including(topics, topic) {
  return topics.includes(topic) ? topics : [...topics, topic];
}

/**
 * Read what was kept as JSON: topic -> seq.
 *
 * @typedef {Record<string, number>} Seqs
 *
 * @param {string | null | undefined} text
 * @returns {Seqs}  empty where nothing was kept, or nothing of ours
 */
export function seqsIn(text) {
  try {
    const seqs = JSON.parse(text ?? "{}");
    return typeof seqs === "object" && seqs !== null ? seqs : { [PUBLIC_TOPIC]: Number(seqs) || 0 };
  } catch {
    return {};
  }
}
