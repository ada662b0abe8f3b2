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
 * @typedef {Pick<Notification, "id" | "title" | "message" | "level" | "link" | "posted_at"> & {seq: number}} Entry
 *   `seq` is that of the event that posted it
 */

export const TOPIC = "notifications";
const LIST_KEY = "bell.list";
const READ_KEY = "bell.read";
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
  #readUpTo = 0;

  /** @param {Storage | null} storage  null where the browser keeps none for us: then this page remembers for itself */
  constructor(storage) {
    super();
    this.#storage = storage;
    const { cursor, entries } = this.#stored() ?? { cursor: null, entries: [] };
    this.cursor = cursor;
    this.entries = entries;
    this.#readUpTo = this.#storedReadUpTo();
  }

  get unreadCount() {
    return this.entries.filter((entry) => this.isUnread(entry)).length;
  }

  /** @param {Entry} entry */
  isUnread({ seq }) {
    return seq > this.#readUpTo;
  }

  /**
   * Take what an event says. Taking it again changes nothing.
   *
   * @param {LoggedEvent} event
   * @param {string | null} cursor  the place after it
   */
  take({ seq, type, data }, cursor) {
    this.cursor = cursor;
    const isKnown = this.entries.some(({ id }) => id === data?.id);
    if (type === "notification.recalled") this.entries = this.entries.filter(({ id }) => id !== data?.id);
    else if (data === null) return this.#keep(); // recalled since
    else if (type === "notification.posted" && !isKnown) this.#add({ ...entryOf(data), seq });
    else if (isKnown) this.entries = this.entries.map((old) => (old.id === data.id ? { ...old, ...entryOf(data) } : old));
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
    this.#readUpTo = 0;
    this.#write(READ_KEY, "0");
    this.moveTo(null);
  }

  markAllRead() {
    this.#readUpTo = Math.max(this.#readUpTo, ...this.entries.map(({ seq }) => seq));
    this.#write(READ_KEY, String(this.#readUpTo));
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

  #keep() {
    // A tab that lags behind leaves the record of one that is ahead alone.
    if (!isAhead(this.#stored()?.cursor, this.cursor)) {
      this.#write(LIST_KEY, JSON.stringify({ cursor: this.cursor, entries: this.entries }));
    }
    this.#changed();
  }

  /** @returns {{cursor: string, entries: Entry[]} | null} */
  #stored() {
    try {
      const { cursor, entries } = JSON.parse(this.#storage?.getItem(LIST_KEY) ?? "");
      Cursor.parse(cursor);
      return entries.every(isEntry) ? { cursor, entries } : null;
    } catch {
      return null; // nothing kept, or nothing of ours
    }
  }

  #storedReadUpTo() {
    return Number(this.#storage?.getItem(READ_KEY)) || 0;
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
  return there.epoch === here.epoch && (there.position(TOPIC) ?? 0) > (here.position(TOPIC) ?? 0);
}

/** @param {Notification} data */
function entryOf({ id, title, message, level, link, posted_at }) {
  const beginning = message.length > MOST_CHARACTERS ? `${message.slice(0, MOST_CHARACTERS)}…` : message;
  return { id, title, message: beginning, level, link, posted_at };
}

/** @param {any} entry */
function isEntry(entry) {
  return Number.isSafeInteger(entry?.seq) && typeof entry.title === "string" && typeof entry.message === "string";
}
