/** The bell on every page: a count, a list that survives a reload, toasts, and the desktop if the person wants it. */

import { subscribe } from "../transports/client.js";
import { subscribeShared } from "../transports/shared_subscription.js";
import { DesktopNotifications } from "./desktop.js";
import { rowOf } from "./entry_row.js";
import { Inbox } from "./inbox.js";
import { Toasts } from "./toasts.js";
import { say } from "./words.js";

/** @import {TransportChange} from "../transports/transport_choice.js" */
/** @import {Entry} from "./inbox.js" */

const PAST = 20; // what a browser that comes for the first time is shown, and one whose place the log has lost

const { owner = "", topics: names = "[]" } = element("bell").dataset;
/** @type {string[]} over which notifications reach whoever is signed in */
const topics = JSON.parse(names);

const storage = openStorage();
const inbox = new Inbox(storage, owner);
const toasts = new Toasts();
const desktop = new DesktopNotifications(storage);

/** @type {WeakMap<Entry, HTMLElement>} */
const rows = new WeakMap();
/** @type {TransportChange | null} */
let change = null;
const panel = element("bell-panel");
const list = element("bell-list");
const desktopSwitch = /** @type {HTMLInputElement} */ (element("bell-desktop").querySelector("input"));

element("bell").hidden = false;
inbox.addEventListener("change", showInbox);
showInbox();
showDesktop();

element("bell-read").addEventListener("click", () => inbox.markAllRead());
panel.addEventListener("toggle", () => {
  if (panel.matches(":popover-open")) toasts.clear();
});
desktopSwitch.addEventListener("change", async () => {
  if (desktopSwitch.checked) await desktop.switchOn();
  else desktop.switchOff();
  showDesktop();
});
addEventListener("storage", ({ key }) => {
  if (key?.startsWith("bell.desktop")) showDesktop();
  else inbox.takeRead();
});

if (inbox.cursor === null) lookBack();
else follow();

/** Fill the list of a browser that has never been here with what is not news any more, then follow. */
function lookBack() {
  const past = subscribe({ topics, last: PAST, transports: ["short_poll"], intervalMs: 0 });
  past.addEventListener("event", ({ detail: event }) => inbox.take(event, past.cursor));
  past.addEventListener("state", ({ detail }) => ["waiting", "refused"].includes(detail.state) && showState(detail));
  past.addEventListener("heartbeat", () => {
    past.close();
    inbox.moveTo(past.cursor);
    inbox.markAllRead();
    follow();
  });
}

function follow() {
  const feed = subscribeShared({ topics, after: inbox.cursor, last: PAST });
  feed.addEventListener("event", ({ detail: event }) => {
    inbox.take(event, feed.cursor);
    toasts.refresh(find);
    desktop.refresh(find);
    const entry = inbox.entries.find(({ topic, seq }) => topic === event.topic && seq === event.seq);
    if (!entry || !inbox.isUnread(entry)) return;
    if (document.hidden) desktop.show(entry);
    else if (!panel.matches(":popover-open")) toasts.show(entry);
  });
  feed.addEventListener("reset", () => {
    inbox.clear();
    desktop.forget();
  });
  feed.addEventListener("transportchange", ({ detail }) => (change = detail));
  feed.addEventListener("state", ({ detail }) => {
    showState(detail);
    if (detail.state === "refused" && owner !== "") forgetAll();
    element("bell-way").textContent = detail.state === "live" ? way(detail.transport) : "";
  });
}

/**
 * Tell what carries the events, and why it is not the best one.
 *
 * @param {string} transport
 */
function way(transport) {
  if (!change || change.reason === "better") return say("over", { to: say(transport) });
  return say(`changed_${change.reason}`, { from: say(change.from), to: say(change.to) });
}

/** Nobody may read this person's notifications here any more; they go from the page and from the browser. */
function forgetAll() {
  inbox.clear();
  toasts.clear();
  desktop.refresh(find);
}

/** @param {number} id */
function find(id) {
  return inbox.entries.find((entry) => entry.id === id);
}

function showInbox() {
  const count = inbox.unreadCount;
  element("bell-count").textContent = String(count);
  element("bell-count").hidden = count === 0;
  element("bell-unread").textContent = count === 0 ? "" : say(count === 1 ? "unreadOne" : "unreadMany", { count });
  element("bell-read").hidden = count === 0;
  element("bell-empty").hidden = inbox.entries.length > 0;
  list.hidden = inbox.entries.length === 0;
  showEntries();
}

/** Rows that stay are left where they are: one of them may have the focus. */
function showEntries() {
  const shown = inbox.entries.map((entry) => {
    const row = rows.get(entry) ?? rowOf("bell-entry-template", entry);
    rows.set(entry, row);
    row.classList.toggle("is-unread", inbox.isUnread(entry));
    return row;
  });
  for (const row of [...list.children]) if (!shown.includes(/** @type {HTMLElement} */ (row))) row.remove();
  shown.forEach((row, place) => {
    if (list.children[place] !== row) list.insertBefore(row, list.children[place] ?? null);
  });
}

function showDesktop() {
  const { state } = desktop;
  element("bell-desktop").hidden = false;
  desktopSwitch.checked = state === "on";
  desktopSwitch.disabled = state === "blocked" || state === "unsupported";
  const notes = { on: "desktopOn", off: "desktopOn", blocked: "desktopBlocked", unsupported: "desktopUnsupported" };
  element("bell-desktop-note").textContent = say(notes[state]);
}

/** @param {{state: string, message: string}} detail */
function showState({ state, message }) {
  element("bell-state").dataset.state = state;
  element("bell-state").textContent = say(state, { reason: message });
}

/** @returns {Storage | null} */
function openStorage() {
  try {
    return localStorage;
  } catch {
    return null; // closed to us: private windows, blocked cookies
  }
}

/** @param {string} id */
function element(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element with the id '${id}'; look into bell/_bell.html`);
  return found;
}
