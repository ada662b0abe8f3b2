/** A transport's page: notifications as they come, and what it took to bring them. */

import { subscribe } from "../transports/client.js";
import { ConnectionState } from "./connection_state.js";
import { element, texts } from "./page.js";
import { NotificationList } from "./notification_list.js";
import { WirePanel } from "./wire_panel.js";

const { transport = "sse", cursor, topics: names = "[]" } = element("live").dataset;
/** @type {string[]} over which notifications reach whoever is signed in */
const topics = JSON.parse(names);
const hangUp = /** @type {HTMLButtonElement} */ (element("hang-up"));
const list = new NotificationList(element("notifications"));
const state = new ConnectionState(element("connection"));
const wire = new WirePanel();

/** @param {string | undefined} after */
function connect(after) {
  // #region shown
  const feed = subscribe({ topics, after, transports: [transport] });

  feed.addEventListener("event", ({ detail: event }) => list.take(event));
  feed.addEventListener("reset", () => location.reload()); // the log can't go on from our place: start afresh
  feed.addEventListener("state", ({ detail }) => state.show(detail));
  feed.addEventListener("wire", ({ detail }) => wire.add(detail));
  // #endregion
  feed.addEventListener("state", ({ detail }) => {
    if (detail.state !== "refused") return;
    // Nobody may read this person's notifications here any more.
    list.withdrawPrivate();
    wire.forget();
  });
  for (const type of ["event", "heartbeat", "state"]) feed.addEventListener(type, () => wire.showPlace(feed.cursor));
  return feed;
}

let feed = connect(cursor);

hangUp.hidden = false;
hangUp.addEventListener("click", () => {
  const isOpen = hangUp.dataset.connected !== "false";
  if (isOpen) feed.close();
  else feed = connect(feed.cursor ?? undefined);
  hangUp.dataset.connected = String(!isOpen);
  hangUp.textContent = isOpen ? texts.connect : texts.hangUp;
});
