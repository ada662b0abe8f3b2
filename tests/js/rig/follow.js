/**
 * Follow topics of a running site over one transport, and print what happens: one JSON text a line.
 *
 *     node follow.js https://example.org sse '{"topics": ["notifications"], "after": "start"}'
 *
 * Ends with its standard input.
 */

import { EventSource } from "eventsource";

import { subscribe } from "../../../apps/transports/static/transports/client.js";
import { browser } from "../../../apps/transports/static/transports/environment.js";

const [baseUrl, transport, options] = process.argv.slice(2);
const environment = {
  ...browser,
  EventSource: /** @type {any} */ (EventSource),
  random: () => Math.random() / 20, // short waits: up to 1.5 s where a page would wait up to half a minute
};
const feed = subscribe({ baseUrl, transports: [transport], environment, intervalMs: 50, ...JSON.parse(options) });

for (const type of ["event", "reset", "state"]) {
  feed.addEventListener(type, ({ detail }) => {
    process.stdout.write(`${JSON.stringify({ [type]: detail, cursor: feed.cursor, counts: feed.counts })}\n`);
  });
}
process.stdin.resume();
process.stdin.on("end", () => feed.close());
