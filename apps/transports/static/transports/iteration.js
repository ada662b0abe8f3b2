/** A subscription as something to loop over. */

/** @import {LoggedEvent, Reset} from "./framing.js" */
/** @import {Subscription} from "./client.js" */

/** The server refused the subscription, in its own words. */
export class RefusedError extends Error {
  name = "RefusedError";
}

/**
 * Yield what a subscription passes on from now on, in order: its events, and each reset in its place among them.
 *
 * What arrives while the loop's body is busy waits in memory. Leaving the loop leaves the subscription open.
 *
 * @param {Subscription} feed
 * @returns {AsyncGenerator<LoggedEvent | Reset, void, void>}  ends when the subscription is closed
 * @throws {RefusedError} the subscription is refused
 */
export async function* passedOn(feed) {
  /** @type {(LoggedEvent | Reset)[]} */
  const arrived = [];
  let wake = () => {};
  const listening = new AbortController();
  /** @param {LoggedEvent | Reset} what */
  const take = (what) => {
    arrived.push(what);
    wake();
  };
  feed.addEventListener("event", ({ detail }) => take(detail), listening);
  feed.addEventListener("reset", ({ detail }) => take(detail), listening);
  feed.addEventListener("state", () => wake(), listening);
  try {
    for (;;) {
      for (let what = arrived.shift(); what; what = arrived.shift()) yield what;
      if (feed.state === "closed") return;
      if (feed.state === "refused") throw new RefusedError(feed.message);
      await new Promise((resolve) => (wake = () => resolve(undefined)));
    }
  } finally {
    listening.abort();
  }
}
