/** The client under Node, with nothing handed in: no page, no `EventSource`, no storage. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { subscribe } from "../../apps/transports/static/transports/client.js";
import { FeedServer } from "./rig/feed_server.js";

/** @import {TransportChange} from "../../apps/transports/static/transports/transport_choice.js" */

/** @param {FeedServer} server */
async function firstThree(server) {
  const feed = subscribe({ topics: ["news"], after: "start", baseUrl: server.url });
  /** @type {TransportChange[]} */
  const changes = [];
  feed.addEventListener("transportchange", ({ detail }) => changes.push(detail));
  /** @type {number[]} */
  const seqs = [];
  for await (const event of feed) {
    if ("seq" in event && seqs.push(event.seq) === 3) feed.close();
  }
  return { seqs, changes, transport: feed.transport };
}

test("a program reads topics over a WebSocket", async (t) => {
  const server = new FeedServer();
  await server.start();
  t.after(() => server.stop());
  for (let count = 0; count < 3; count += 1) server.append("news");
  assert.deepEqual(await firstThree(server), { seqs: [1, 2, 3], changes: [], transport: "websocket" });
});

test("a program whose WebSocket is cut at once, time and again, reads on over a fetch stream", async (t) => {
  const server = new FeedServer();
  await server.start();
  t.after(() => server.stop());
  for (let count = 0; count < 3; count += 1) server.append("news");
  server.fail({ cutAfter: 1 }, { cutAfter: 2 });
  const { seqs, changes, transport } = await firstThree(server);
  assert.deepEqual([seqs, transport], [[1, 2, 3], "fetch_stream"]);
  assert.deepEqual([changes[0].from, changes[0].reason], ["websocket", "cut"]);
});
