/**
 * Notifications that show up in a corner for a while, without taking the focus.
 *
 * They stay as long as somebody points at them or has the focus among them. What doesn't fit is counted; all of it is
 * in the bell's list.
 */

import { rowOf } from "./entry_row.js";
import { say } from "./words.js";

/** @import {Entry} from "./inbox.js" */

const MOST_TOASTS = 3;
const SHOWN_MS = 8_000;
const SPEAK_AFTER_MS = 200; // so that what comes together is spoken of once

export class Toasts {
  #region = /** @type {HTMLElement} */ (document.getElementById("toasts"));
  #list = /** @type {HTMLElement} */ (document.getElementById("toast-list"));
  #more = /** @type {HTMLElement} */ (document.getElementById("toasts-more"));
  // A page that shows the notifications itself speaks for them, and has none.
  #announcement = document.getElementById("bell-announcement");
  #moreCount = 0;
  /** @type {Entry[]} */
  #unspoken = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #speaking;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #leaving;

  constructor() {
    for (const type of ["pointerenter", "focusin"]) this.#region.addEventListener(type, () => this.#pause());
    for (const type of ["pointerleave", "focusout"]) this.#region.addEventListener(type, () => this.#resume());
    this.#region.addEventListener("keydown", (event) => {
      const toast = /** @type {HTMLElement} */ (event.target).closest("li");
      if (event.key === "Escape" && toast) this.#dismiss(toast);
    });
  }

  /** @param {Entry} entry */
  show(entry) {
    const toast = rowOf("toast-template", entry);
    toast.querySelector(".toast-close")?.addEventListener("click", () => this.#dismiss(toast));
    this.#list.append(toast);
    for (const old of this.#toasts.slice(0, -MOST_TOASTS)) {
      old.remove();
      this.#moreCount += 1;
    }
    this.#show();
    this.#resume();
    this.#unspoken.push(entry);
    this.#speaking ??= setTimeout(() => this.#speak(), SPEAK_AFTER_MS);
  }

  /**
   * Keep a toast true to what was edited or recalled since.
   *
   * @param {(id: number) => Entry | undefined} find
   */
  refresh(find) {
    for (const toast of this.#toasts) {
      const entry = find(Number(toast.dataset.id));
      const title = toast.querySelector(".bell-entry-title");
      if (!entry) toast.remove();
      else if (title) title.textContent = entry.title;
    }
    this.#show();
  }

  /** Take all of them away: the person saw them in the list. */
  clear() {
    this.#list.replaceChildren();
    this.#show();
  }

  get #toasts() {
    return /** @type {HTMLElement[]} */ ([...this.#list.children]);
  }

  #show() {
    const isEmpty = this.#toasts.length === 0;
    if (isEmpty) this.#moreCount = 0;
    this.#region.hidden = isEmpty;
    this.#more.hidden = this.#moreCount === 0;
    this.#more.textContent = say("more", { count: this.#moreCount });
  }

  /** @param {HTMLElement} toast */
  #dismiss(toast) {
    const next = toast.nextElementSibling ?? toast.previousElementSibling;
    const hadFocus = toast.contains(document.activeElement);
    toast.remove();
    this.#show();
    if (!hadFocus) return;
    const place = next?.querySelector(".toast-close") ?? document.getElementById("bell-button");
    /** @type {HTMLElement | null} */ (place)?.focus();
  }

  #pause() {
    clearTimeout(this.#leaving);
  }

  #resume() {
    this.#pause();
    if (this.#region.matches(":hover, :focus-within")) return;
    this.#leaving = setTimeout(() => this.clear(), SHOWN_MS);
  }

  #speak() {
    this.#speaking = undefined;
    const [{ level, title }, ...others] = this.#unspoken;
    const count = this.#unspoken.length;
    this.#unspoken = [];
    if (!this.#announcement) return;
    const one = () => say("posted", { level: say(level), title });
    this.#announcement.textContent = others.length === 0 ? one() : say("manyPosted", { count });
  }
}
