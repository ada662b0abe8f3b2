/**
 * Notifications of the operating system, for people who look elsewhere: once a browser, however many tabs it has.
 *
 * A tab in sight holds a Web Lock, shared with others in sight; while anybody holds it, nothing is shown. Of the tabs in
 * the background, the one that gets the notification's own lock shows it. A tab that crashes loses its locks.
 */

import { seqsIn } from "./inbox.js";

/** @import {Entry} from "./inbox.js" */

const CHOICE_KEY = "bell.desktop";
const SHOWN_KEY = "bell.desktop.shown"; // the seq of the newest one shown, for each topic
const SIGHT_LOCK = "bell.in-sight";
const TURN_LOCK = "bell.desktop"; // and topic and seq
const TURN_MS = 10_000; // by then all tabs had the event, and see what was noted as shown: storage is slower than locks

export class DesktopNotifications {
  /** Whether this browser could, if the person and it allow. */
  static isSupported = "Notification" in window && window.isSecureContext && "locks" in navigator;

  #storage;
  #isUnsupported = !DesktopNotifications.isSupported;
  /** @type {Map<number, Notification>} */
  #shown = new Map();
  /** @type {(() => void) | null} */
  #leaveSight = null;

  /** @param {Storage | null} storage */
  constructor(storage) {
    this.#storage = storage;
    if (this.#isUnsupported) return;
    this.#watchSight();
    document.addEventListener("visibilitychange", () => this.#watchSight());
    addEventListener("pagehide", () => this.#leaveSight?.());
    addEventListener("pageshow", () => this.#watchSight());
  }

  /** @returns {"on" | "off" | "blocked" | "unsupported"} */
  get state() {
    if (this.#isUnsupported) return "unsupported";
    if (Notification.permission === "denied") return "blocked";
    const isChosen = this.#storage?.getItem(CHOICE_KEY) === "on";
    return isChosen && Notification.permission === "granted" ? "on" : "off";
  }

  /** Switch on, and ask the person for permission: only to be called when they asked for it. */
  async switchOn() {
    if (!this.#isUnsupported && (await Notification.requestPermission()) === "granted") {
      this.#storage?.setItem(CHOICE_KEY, "on");
    }
  }

  switchOff() {
    this.#storage?.setItem(CHOICE_KEY, "off");
  }

  /**
   * Show a notification, unless a tab is in sight or another tab showed it.
   *
   * @param {Entry} entry
   */
  async show(entry) {
    if (this.state !== "on" || !document.hidden) return;
    const { held = [] } = await navigator.locks.query();
    if (held.some(({ name }) => name === SIGHT_LOCK)) return;
    await navigator.locks.request(`${TURN_LOCK} ${entry.topic} ${entry.seq}`, { ifAvailable: true }, (lock) => {
      const shownUpTo = seqsIn(this.#storage?.getItem(SHOWN_KEY));
      if (!lock || (shownUpTo[entry.topic] ?? 0) >= entry.seq) return;
      this.#storage?.setItem(SHOWN_KEY, JSON.stringify({ ...shownUpTo, [entry.topic]: entry.seq }));
      try {
        // The tag makes a second one with the same id replace the first, should two tabs show it after all.
        const shown = new Notification(entry.title, {
          body: entry.message,
          tag: `notification-${entry.id}`,
          lang: document.documentElement.lang,
        });
        shown.addEventListener("click", () => {
          window.focus();
          shown.close();
        });
        shown.addEventListener("close", () => this.#shown.delete(entry.id));
        this.#shown.set(entry.id, shown);
      } catch {
        this.#isUnsupported = true; // Chrome on Android has the class, and refuses to make one for a page
      }
      return new Promise((resolve) => setTimeout(resolve, TURN_MS));
    });
  }

  /**
   * Take away what was recalled.
   *
   * @param {(id: number) => Entry | undefined} find
   */
  refresh(find) {
    for (const [id, shown] of this.#shown) if (!find(id)) shown.close();
  }

  /** The log began anew: the numbers of its events mean other ones. */
  forget() {
    this.#storage?.removeItem(SHOWN_KEY);
  }

  #watchSight() {
    this.#leaveSight?.();
    this.#leaveSight = null;
    if (document.hidden) return;
    const left = new Promise((resolve) => (this.#leaveSight = () => resolve(undefined)));
    navigator.locks.request(SIGHT_LOCK, { mode: "shared" }, () => left);
  }
}
