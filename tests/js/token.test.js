/** The client with a token: sent over every transport that can, renewed in time, asked for again when it counts no longer. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { EventSource } from "eventsource";

import { subscribe } from "../../apps/transports/static/transports/client.js";
import { browser } from "../../apps/transports/static/transports/environment.js";
import { TRANSPORTS } from "../../apps/transports/static/transports/registry.js";
import { TokenSource } from "../../apps/transports/static/transports/token_source.js";
import { FeedServer } from "./rig/feed_server.js";
import { until } from "./rig/until.js";

/** @import {Options, StateDetail} from "../../apps/transports/static/transports/client.js" */
/** @import {TestContext} from "node:test" */

const environment = { ...browser, EventSource: /** @type {any} */ (EventSource), random: () => 0 };
const CARRIERS = TRANSPORTS.map(({ transportName }) => transportName).filter((name) => name !== "sse");

/** @param {string} code */
const refusal = (code) => ({ refuse: { status: 401, body: { error: { code, message: "it counts no longer", hint: "x" } } } });

/** @param {TestContext} t @param {Partial<Options>} options @param {Parameters<FeedServer["fail"]>} faults */
async function follow(t, options, ...faults) {
  const server = new FeedServer();
  await server.start();
  t.after(() => server.stop());
  server.fail(...faults);
  const quick = { intervalMs: 2, timeoutS: 0.2 };
  const feed = subscribe({ topics: ["news"], baseUrl: server.url, environment, ...quick, ...options });
  t.after(() => feed.close());
  /** @type {StateDetail[]} */
  const states = [];
  feed.addEventListener("state", ({ detail }) => states.push(detail));
  return { feed, server, states };
}

for (const name of CARRIERS) {
  test(`a token goes along with every request, and never in the address [${name}]`, async (t) => {
    const { feed, server } = await follow(t, { transports: [name], token: "rtt_one" });
    await until(() => feed.state === "live");
    assert.deepEqual(new Set(server.tokens), new Set(["rtt_one"]));
    assert.ok(server.requests.every(({ href }) => !href.includes("rtt_")));
  });

  test(`a token that counts no longer is asked for again, where a function gives it [${name}]`, async (t) => {
    let number = 0;
    const token = async () => `rtt_${(number += 1)}`;
    const { feed, server } = await follow(t, { transports: [name], token }, refusal("token_expired"));
    await until(() => feed.state === "live");
    assert.deepEqual(server.tokens.slice(0, 2), ["rtt_1", "rtt_2"]);
    assert.equal(number, 2); // not for each request
  });

  test(`a token that is text and counts no longer is refused for good [${name}]`, async (t) => {
    const { feed, server, states } = await follow(t, { transports: [name], token: "rtt_old" }, refusal("token_expired"));
    await until(() => feed.state === "refused");
    assert.match(states.at(-1)?.message ?? "", /it counts no longer/);
    assert.equal(server.requests.length, 1);
  });

  test(`where no token can be had, the reason is told and it is tried again [${name}]`, async (t) => {
    let fails = true;
    const token = async () => {
      if (fails) throw new Error("the backend is away");
      return "rtt_one";
    };
    const { feed, server, states } = await follow(t, { transports: [name], token });
    await until(() => states.some(({ reason }) => reason === "token"));
    assert.match(states.find(({ reason }) => reason === "token")?.message ?? "", /the backend is away/);
    assert.equal(server.requests.length, 0);
    fails = false;
    feed.reconnect();
    await until(() => feed.state === "live");
  });
}

test("a stream that ends with its token goes on with another one", async (t) => {
  let number = 0;
  const token = () => `rtt_${(number += 1)}`;
  const options = { transports: ["fetch_stream"], token };
  const { feed, server } = await follow(t, options, { close: { reason: "token_expired", retry_ms: 1 } });
  await until(() => feed.counts.connections === 2);
  assert.deepEqual(server.tokens, ["rtt_1", "rtt_2"]);
});

test("with a token the transport that can't carry it is left out, and says why", async (t) => {
  const { feed } = await follow(t, { transports: ["sse", "fetch_stream"], token: "rtt_one" });
  /** @type {any[]} */
  const changes = [];
  feed.addEventListener("transportchange", ({ detail }) => changes.push(detail));
  await until(() => feed.state === "live");
  const message = "there is no sse here, or none that can carry a token";
  assert.deepEqual(changes, [{ from: "sse", to: "fetch_stream", reason: "unsupported", message }]);
  assert.throws(() => subscribe({ topics: ["news"], transports: ["sse"], token: "rtt_one", environment }), /carry a token/);
});

test("a token is renewed while a tenth of its life is left, once for all who wait", async () => {
  let now = 0;
  let asked = 0;
  const source = new TokenSource(async () => ({ token: `rtt_${(asked += 1)}`, expires_in: 100 }), { now: () => now });
  assert.deepEqual(await Promise.all([source.text(), source.text()]), ["rtt_1", "rtt_1"]);
  now = 89_999;
  assert.equal(await source.text(), "rtt_1");
  now = 90_000;
  assert.equal(await source.text(), "rtt_2");
});

test("a function that gives nothing gives no token", async () => {
  const source = new TokenSource(/** @type {any} */ (async () => undefined), { now: () => 0 });
  await assert.rejects(source.text(), /the function gave none/);
});
