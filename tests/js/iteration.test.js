/** A subscription in a `for await` loop. */

import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";

import { subscribe } from "../../apps/transports/static/transports/client.js";
import { RefusedError } from "../../apps/transports/static/transports/iteration.js";
import { event, fakePage, scripted } from "./rig/scripted_transport.js";

async function followed() {
  const { Scripted, attempts } = scripted();
  const { environment } = fakePage();
  const feed = subscribe({ topics: ["news"], after: "k1~news:5", transports: [Scripted], environment });
  await Promise.resolve(); // subscribe() starts once its caller has run to the end
  attempts[0].ready("k1~news:5");
  return { feed, attempt: attempts[0] };
}

test("a loop sees events and resets in their order, and ends when the subscription is closed", async () => {
  const { feed, attempt } = await followed();
  /** @type {string[]} */
  const seen = [];
  const looping = (async () => {
    for await (const passed of feed) seen.push("reason" in passed ? passed.reason : `seq ${passed.seq}`);
  })();
  attempt.to.onEvents([event("news", 6), event("news", 7)], null);
  attempt.to.onReset({ reason: "trimmed", topics: ["news"], cursor: "k1~news:90" });
  attempt.events(91);
  await new Promise((resolve) => setImmediate(resolve));
  attempt.events(92);
  feed.close();
  await looping;
  assert.deepEqual(seen, ["seq 6", "seq 7", "trimmed", "seq 91", "seq 92"]);
});

test("a refusal is thrown into the loop, in the server's words", async () => {
  const { feed, attempt } = await followed();
  const looping = (async () => {
    for await (const _ of feed);
  })();
  attempt.end({ final: true, message: "you may not read 'news'" });
  await assert.rejects(looping, new RefusedError("you may not read 'news'"));
});

test("a loop that is left stops listening, and leaves the subscription open", async () => {
  const { feed, attempt } = await followed();
  const looping = (async () => {
    for await (const _ of feed) break;
  })();
  attempt.events(6);
  await looping;
  assert.equal(feed.state, "live");
  for (const type of ["event", "reset", "state"]) assert.deepEqual(getEventListeners(feed, type), []);
});
