/** The list of notifications: the rows that the server rendered, kept true by events. */

import { safeLink } from "../notifications/notification.js";
import { copyOf, element, fill, language, texts, write } from "./page.js";

/** @import {Notification} from "../notifications/notification.js" */
/** @import {LoggedEvent} from "../transports/framing.js" */

const PUBLIC_TOPIC = "notifications";
const MOST_ROWS = 50; // older ones leave the page, not the log
const timeFormat = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });

export class NotificationList {
  #list;
  #empty = element("empty");
  #announcement = element("announcement");

  /** @param {HTMLElement} list  holds one element per notification, newest first */
  constructor(list) {
    this.#list = list;
    // The server writes times in its own zone; people want theirs.
    for (const row of this.#rows()) showTime(row);
  }

  /**
   * Show what an event says. Taking the same one twice changes nothing: rows are known by their id.
   *
   * @param {LoggedEvent} event
   */
  take({ topic, type, data }) {
    if (data === null) return; // recalled since
    if (type === "notification.recalled") this.#remove(data.id, topic);
    else if (type === "notification.posted" || type === "notification.edited") this.#put(data, topic, type);
  }

  /** Take away what reached this reader alone, or as one of a group: nobody may read it here any more. */
  withdrawPrivate() {
    for (const row of this.#rows()) if (!topicsOf(row).has(PUBLIC_TOPIC)) row.remove();
    this.#empty.hidden = this.#list.childElementCount > 0;
    this.#announce("");
  }

  /** @returns {HTMLElement[]} */
  #rows() {
    return /** @type {HTMLElement[]} */ ([...this.#list.children]);
  }

  /** @param {number} id */
  #row(id) {
    return this.#rows().find((row) => row.dataset.id === String(id));
  }

  /**
   * @param {Notification} notification
   * @param {string} topic  over which it came
   * @param {string} type
   */
  #put(notification, topic, type) {
    const known = this.#row(notification.id);
    const row = known ?? copyOf("notification-template");
    fillRow(row, notification);
    const topics = topicsOf(row);
    row.dataset.topics = [...topics.add(topic)].join(" ");
    if (type === "notification.posted" && topics.size > 1) return; // the same, for another group of this reader
    if (!known) {
      const next = this.#rows().find((other) => isNewer(row, other));
      this.#list.insertBefore(row, next ?? null);
      for (const old of this.#rows().slice(MOST_ROWS)) old.remove();
    }
    this.#empty.hidden = true;
    // Restart the flash even if the last one still runs.
    row.classList.remove("is-fresh");
    void row.offsetWidth;
    row.classList.add("is-fresh");
    const words = type === "notification.posted" ? texts.posted : texts.edited;
    this.#announce(fill(words, { title: notification.title, level: texts[notification.level] ?? "" }));
  }

  /**
   * @param {number} id
   * @param {string} topic  over which it was recalled; it stays while it reaches this reader over another one
   */
  #remove(id, topic) {
    const row = this.#row(id);
    if (!row) return;
    const topics = topicsOf(row);
    topics.delete(topic);
    row.dataset.topics = [...topics].join(" ");
    if (topics.size > 0) return;
    const title = row.querySelector(".notification-title")?.textContent ?? "";
    row.remove();
    this.#empty.hidden = this.#list.childElementCount > 0;
    this.#announce(fill(texts.recalled, { title }));
  }

  /** @param {string} words  for those who don't see the list */
  #announce(words) {
    this.#announcement.textContent = words;
  }
}

/** @param {HTMLElement} row */
function topicsOf(row) {
  return new Set(row.dataset.topics?.split(" ").filter(Boolean));
}

/**
 * @param {HTMLElement} row
 * @param {Notification} notification
 */
function fillRow(row, { id, title, message, level, link, posted_by, posted_at }) {
  row.dataset.id = String(id);
  row.dataset.level = level;
  row.dataset.postedAt = posted_at;
  write(row, ".notification-level", texts[level] ?? level);
  write(row, ".notification-by", posted_by);
  write(row, ".notification-title", title);
  write(row, ".notification-message", message).hidden = message === "";
  const more = /** @type {HTMLElement} */ (row.querySelector(".notification-more"));
  const href = safeLink(link);
  more.hidden = href === null;
  if (href !== null) /** @type {HTMLAnchorElement} */ (more.firstElementChild).href = href;
  showTime(row);
}

/** @param {HTMLElement} row */
function showTime(row) {
  const time = /** @type {HTMLTimeElement} */ (row.querySelector("time"));
  const postedAt = row.dataset.postedAt ?? "";
  time.dateTime = postedAt;
  const date = new Date(postedAt);
  if (!Number.isNaN(date.getTime())) time.textContent = timeFormat.format(date);
}

/**
 * @param {HTMLElement} row
 * @param {HTMLElement} other
 */
function isNewer(row, other) {
  const difference = Date.parse(row.dataset.postedAt ?? "") - Date.parse(other.dataset.postedAt ?? "");
  return difference === 0 ? Number(row.dataset.id) > Number(other.dataset.id) : difference > 0;
}
