/** Each transport, and the client over it, against a server that fails in its own ways. The same tests for all five. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { EventSource } from "eventsource";

import { subscribe } from "../../apps/transports/static/transports/client.js";
import { browser } from "../../apps/transports/static/transports/environment.js";
import { TRANSPORTS, transportNamed } from "../../apps/transports/static/transports/registry.js";
import { FakeClock } from "./rig/fake_clock.js";
import { FeedServer } from "./rig/feed_server.js";
import { until } from "./rig/until.js";

/** @import {SubscribeOptions, StateDetail} from "../../apps/transports/static/transports/client.js" */
/** @import {TransportClass, TransportOptions, WireEntry} from "../../apps/transports/static/transports/registry.js" */
/** @import {TestContext} from "node:test" */

const POLLS = ["short_poll", "long_poll"];
const environment = { ...browser, EventSource: /** @type {any} */ (EventSource), random: () => 0 };

/** @param {TestContext} t @param {ConstructorParameters<typeof FeedServer>[0]} [options] */
async function served(t, options) {
  const server = new FeedServer(options);
  await server.start();
  t.after(() => server.stop());
  return server;
}

/**
 * @param {TestContext} t
 * @param {FeedServer} server
 * @param {TransportClass} transport
 * @param {Partial<SubscribeOptions & TransportOptions>} [options]
 */
function follow(t, server, transport, options = {}) {
  const quick = { intervalMs: 2, timeoutS: 0.2 };
  const feed = subscribe({ topics: ["news"], transports: [transport], baseUrl: server.url, environment, ...quick, ...options });
  t.after(() => feed.close());
  /** @type {string[]} */
  const seen = [];
  /** @type {StateDetail[]} */
  const states = [];
  /** @type {WireEntry[]} */
  const wire = [];
  feed.addEventListener("event", ({ detail }) => seen.push(`${detail.topic} ${detail.seq}`));
  feed.addEventListener("reset", ({ detail }) => seen.push(`reset ${detail.reason} ${detail.topics}`));
  feed.addEventListener("state", ({ detail }) => states.push(detail));
  feed.addEventListener("wire", ({ detail }) => wire.push(detail));
  return { feed, seen, states, wire };
}

/** @param {number[]} seqs */
const news = (...seqs) => seqs.map((seq) => `news ${seq}`);

for (const Transport of TRANSPORTS) {
  const name = Transport.transportName;
  const isPoll = POLLS.includes(name);

  test(`events from before and after connecting arrive in order, once [${name}]`, async (t) => {
    const server = await served(t);
    server.append("news");
    server.append("news");
    const { feed, seen } = follow(t, server, Transport, { after: "start" });
    await until(() => seen.length === 2);
    server.append("news");
    await until(() => seen.length === 3);
    server.append("news");
    await until(() => seen.length === 4);
    assert.deepEqual(seen, news(1, 2, 3, 4));
    assert.equal(feed.cursor, "k1~news:4");
    assert.deepEqual(feed.counts, { events: 4, duplicates: 0, repairs: 0, resets: 0, connections: 1, reconnects: 0 });
  });

  test(`without a place it starts at now, and tells the place before the first event [${name}]`, async (t) => {
    const server = await served(t);
    server.append("news");
    const { feed, seen } = follow(t, server, Transport);
    await until(() => feed.cursor === "k1~news:1");
    server.append("news");
    await until(() => seen.length === 1);
    assert.deepEqual(seen, news(2));
  });

  test(`last=2 starts with the last two of each topic [${name}]`, async (t) => {
    const server = await served(t);
    for (const topic of ["news", "news", "news", "chat"]) server.append(topic);
    const { feed, seen } = follow(t, server, Transport, { topics: ["news", "chat", "lab.a"], last: 2 });
    await until(() => seen.length === 3);
    assert.deepEqual(seen.sort(), ["chat 1", "news 2", "news 3"]);
    await until(() => feed.cursor === "k1~chat:1,lab.a:0,news:3", () => feed.cursor);
  });

  test(`a connection cut in mid-frame goes on where it was, without loss or repeat [${name}]`, async (t) => {
    const server = await served(t);
    for (let count = 0; count < 6; count += 1) server.append("news");
    // A cut answer to a poll is lost whole; its events come with the next one.
    server.fail({ cutAfter: 2 }, { cutAfter: 5 });
    const { feed, seen } = follow(t, server, Transport, { after: "start" });
    await until(() => seen.length >= 6, () => seen);
    assert.deepEqual(seen, news(1, 2, 3, 4, 5, 6));
    assert.equal(feed.counts.duplicates, 0);
    assert(server.requests.length >= 3);
  });

  test(`a hole is never passed on: it is read again, and counted [${name}]`, async (t) => {
    const server = await served(t);
    for (let count = 0; count < 4; count += 1) server.append("news");
    server.fail({ withhold: 2 });
    const { feed, seen } = follow(t, server, Transport, { after: "start" });
    await until(() => seen.length >= 4, () => seen);
    assert.deepEqual(seen, news(1, 2, 3, 4));
    assert.equal(feed.counts.repairs, 1);
  });

  test(`a hole with nothing behind it is found too [${name}]`, async (t) => {
    const server = await served(t);
    for (let count = 0; count < 3; count += 1) server.append("news");
    server.fail({ withhold: 3 });
    const { feed, seen } = follow(t, server, Transport, { after: "start" });
    await until(() => seen.length >= 3, () => seen);
    assert.deepEqual(seen, news(1, 2, 3));
    assert.equal(feed.counts.repairs, 1);
  });

  test(`a duplicate is dropped [${name}]`, async (t) => {
    const server = await served(t);
    for (let count = 0; count < 3; count += 1) server.append("news");
    server.fail({ repeat: 2 });
    const { feed, seen } = follow(t, server, Transport, { after: "start" });
    await until(() => seen.length >= 3);
    assert.deepEqual(seen, news(1, 2, 3));
    assert.deepEqual([feed.counts.duplicates, feed.counts.repairs], [1, 0]);
  });

  test(`a recalled event arrives with null data, and text in any script as it was [${name}]`, async (t) => {
    const server = await served(t);
    server.append("news", null);
    server.append("news", { title: "系统维护 🔔 \u2028 <script>" });
    const { feed } = follow(t, server, Transport, { after: "start" });
    /** @type {any[]} */
    const data = [];
    feed.addEventListener("event", ({ detail }) => data.push(detail.data));
    await until(() => data.length === 2);
    assert.deepEqual(data, [null, { title: "系统维护 🔔 \u2028 <script>" }]);
  });

  test(`a cursor of another epoch is reset, and reading goes on from the oldest event [${name}]`, async (t) => {
    const server = await served(t);
    server.append("news");
    server.append("news");
    const { feed, seen } = follow(t, server, Transport, { after: "old~news:1" });
    await until(() => seen.length === 3, () => seen);
    assert.deepEqual(seen, ["reset epoch news", ...news(1, 2)]);
    assert.equal(feed.cursor, "k1~news:2");
  });

  test(`a reset of one topic leaves the other where it was [${name}]`, async (t) => {
    const server = await served(t);
    for (const topic of ["news", "news", "chat", "chat"]) server.append(topic);
    const place = { topics: ["news", "chat"], after: "k1~chat:1,news:900", last: 1 };
    const { feed, seen } = follow(t, server, Transport, place);
    await until(() => seen.length === 3, () => seen);
    assert.equal(seen[0], "reset ahead news");
    assert.deepEqual(seen.slice(1).sort(), ["chat 2", "news 2"]);
    assert.deepEqual([feed.counts.repairs, feed.counts.duplicates], [0, 0]);
  });

  test(`a refusal is told in the server's words, and not asked again [${name}]`, async (t) => {
    const server = await served(t);
    const error = { code: "forbidden", message: "you may not read 'news'", hint: "sign in as somebody who may" };
    const refusal = { refuse: { status: 403, body: { error } } };
    server.fail(refusal, refusal); // SSE asks a second time, since EventSource does not tell why
    const { feed, states } = follow(t, server, Transport);
    await until(() => feed.state === "refused");
    assert.match(states.at(-1)?.message ?? "", /^you may not read 'news'/);
    assert.deepEqual(states.map(({ state }) => state), ["connecting", "refused"]);
    assert.equal(server.requests.length, name === "sse" ? 2 : 1);
  });

  test(`a refusal for now is tried again [${name}]`, async (t) => {
    const server = await served(t);
    const error = { code: "log_unavailable", message: "the event log can't be read right now", hint: "try again" };
    const refusal = { refuse: { status: 503, body: { error }, headers: { "Retry-After": "0" } } };
    server.fail(refusal, ...(name === "sse" ? [refusal] : []));
    const { feed, states } = follow(t, server, Transport);
    await until(() => feed.state === "live");
    assert.deepEqual(states.map(({ state }) => state), ["connecting", "waiting", "connecting", "live"]);
    assert.match(states[1].message, /can't be read right now/);
  });

  test(`a page of somebody else's in place of the feed is no feed [${name}]`, async (t) => {
    const server = await served(t);
    server.append("news");
    server.fail({ say: "<!doctype html><title>Welcome to the hotel</title>" });
    const { states, seen } = follow(t, server, Transport, { after: "start" });
    await until(() => seen.length === 1);
    assert.equal(states[1].state, "waiting");
    // EventSource drops what is not in its format, and tells only that the stream ended.
    assert.equal(states[1].reason, name === "sse" ? "network" : "garbled");
  });

  test(`a server that asks to reconnect is obeyed [${name}]`, async (t) => {
    const server = await served(t);
    server.append("news");
    server.fail({ close: { reason: "lifetime", retry_ms: 3 } });
    const { states, seen } = follow(t, server, Transport, { after: "start" });
    await until(() => seen.length === 1);
    assert.equal(states.find(({ state }) => state === "waiting")?.reason, isPoll ? "503" : "lifetime");
  });

  test(`a server that takes the request and says nothing is given up after ten seconds [${name}]`, async (t) => {
    const server = await served(t);
    server.append("news");
    server.fail({ silent: true });
    const clock = new FakeClock();
    const { now, setTimeout, clearTimeout } = clock;
    const stopped = { ...environment, now, setTimeout, clearTimeout };
    const { states, seen } = follow(t, server, Transport, { after: "start", environment: stopped });
    await until(() => server.requests.length === 1);
    clock.advance(9_999);
    assert.deepEqual(states.map(({ state }) => state), ["connecting"]);
    clock.advance(1);
    assert.equal(states[1].reason, "silent");
    clock.advance(0);
    await until(() => seen.length === 1);
  });

  test(`closing ends the connection, and nothing arrives any more [${name}]`, async (t) => {
    const server = await served(t);
    server.append("news");
    const { feed, seen, wire } = follow(t, server, Transport, { after: "start" });
    await until(() => seen.length === 1);
    if (name !== "short_poll") await until(() => server.open === 1);
    feed.close();
    await until(() => server.open === 0);
    const { length } = wire;
    server.append("news");
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(seen, news(1));
    assert.equal(wire.length, length);
    assert.equal(feed.cursor, "k1~news:1");
  });

  test(`closing gives up a request that has no answer yet [${name}]`, async (t) => {
    const server = await served(t);
    server.fail({ silent: true });
    const { feed } = follow(t, server, Transport);
    await until(() => server.open === 1);
    feed.close();
    await until(() => server.open === 0);
  });

  test(`a transport that its own listener closes says nothing more [${name}]`, async (t) => {
    const server = await served(t);
    for (let count = 0; count < 3; count += 1) server.append("news");
    const transport = new Transport({ baseUrl: server.url, environment, intervalMs: 2, timeoutS: 25 });
    t.after(() => transport.close());
    /** @type {string[]} */
    const told = [];
    const tell = (/** @type {string} */ what) => () => told.push(what);
    const place = { topics: ["news"], after: "start", last: null };
    transport.open(place, {
      ...{ onReady: tell("ready"), onHeartbeat: tell("heartbeat"), onReset: tell("reset") },
      ...{ onClose: tell("close"), onWire: () => {} },
      onEvents: () => {
        told.push("events");
        transport.close();
      },
    });
    await until(() => told.includes("events"));
    await until(() => server.open === 0);
    server.append("news");
    await fetch(`${server.url}/feed/poll?topic=news`); // as long as it takes to hear from the server
    assert.deepEqual(told, ["ready", "events"]);
  });

  test(`what goes over the wire is shown, with its bytes [${name}]`, async (t) => {
    const server = await served(t);
    server.append("news", { title: "通知" });
    const { seen, wire } = follow(t, server, Transport, { after: "start" });
    await until(() => seen.length === 1);
    const [request] = wire;
    assert.equal(request.direction, "request");
    assert.match(request.url ?? "", /^(http|ws):.*topic=news&after=start/);
    const carrier = wire.find(({ text }) => text?.includes("通知"));
    assert.equal(carrier?.direction, isPoll ? "response" : "frame");
    const around = { sse: "id: k1~news:1\ndata: \n\n", fetch_stream: "\n" }[name] ?? "";
    assert.equal(carrier?.bytes, Buffer.byteLength(carrier?.text ?? "") + around.length);
    assert.equal(typeof carrier?.ms, "number");
  });

  test(`what it cost is counted: requests, frames, bytes up and down [${name}]`, async (t) => {
    const server = await served(t);
    server.append("news");
    const { feed, seen, wire } = follow(t, server, Transport, { after: "start" });
    await until(() => seen.length === 1);
    const sum = (/** @type {WireEntry[]} */ entries) => entries.reduce((total, { bytes }) => total + bytes, 0);
    const requests = wire.filter(({ direction }) => direction === "request");
    assert.deepEqual(feed.traffic, {
      requests: requests.length,
      frames: isPoll ? 0 : 2, // the first one is `ready`
      bytesUp: sum(requests),
      bytesDown: sum(wire) - sum(requests),
    });
    const { pathname, search } = new URL(requests[0].url ?? "");
    assert.equal(requests[0].bytes, `${pathname}${search}`.length);
    assert(feed.traffic.bytesDown > 100);
  });

  test(`a door at another path is reached there [${name}]`, async (t) => {
    const server = await served(t);
    server.append("news");
    const paths = { [name]: `/under/a/path${Transport.path}` };
    const { seen } = follow(t, server, Transport, { after: "start", paths });
    await until(() => seen.length === 1);
    assert.equal(server.requests[0].pathname, paths[name]);
  });

  test(`a site below a path is reached there [${name}]`, async (t) => {
    const server = await served(t);
    server.append("news");
    const { seen } = follow(t, server, Transport, { after: "start", baseUrl: `${server.url}/under/a/path/` });
    await until(() => seen.length === 1);
    assert.equal(server.requests[0].pathname, `/under/a/path${Transport.path}`);
  });
}

test("a refusal that comes as a mere code is asked for in words [websocket]", async (t) => {
  const server = await served(t);
  const error = { code: "forbidden", message: "you may not read 'news'", hint: "sign in as somebody who may" };
  server.fail({ refuse: { status: 403 } }, { refuse: { status: 403, body: { error } } });
  const { feed, states } = follow(t, server, transportNamed("websocket"));
  await until(() => feed.state === "refused");
  assert.equal(states.at(-1)?.message, "you may not read 'news'; sign in as somebody who may");
  assert.equal(states.at(-1)?.reason, "forbidden");
});

test("a refusal that nobody explains is final all the same [websocket]", async (t) => {
  const server = await served(t);
  server.fail({ refuse: { status: 404 } });
  const { feed, states } = follow(t, server, transportNamed("websocket"));
  await until(() => feed.state === "refused");
  assert.equal(states.at(-1)?.message, "the server answered 404");
});

test("an EventSource is closed at its first error, before it reconnects by itself [sse]", async (t) => {
  const server = await served(t);
  server.append("news");
  server.fail({ cutAfter: 1 });
  /** @type {EventSource[]} */
  const sources = [];
  class Seen extends EventSource {
    /** @param {string | URL} url */
    constructor(url) {
      super(url);
      sources.push(this);
    }
  }
  const SseTransport = transportNamed("sse");
  const watched = { ...environment, EventSource: /** @type {any} */ (Seen) };
  const transport = new SseTransport({ baseUrl: server.url, environment: watched });
  t.after(() => transport.close());
  const ignore = () => {};
  const ended = await new Promise((resolve) => {
    const others = { onReady: ignore, onEvents: ignore, onHeartbeat: ignore, onReset: ignore, onWire: ignore };
    transport.open({ topics: ["news"], after: "start", last: null }, { ...others, onClose: resolve });
  });
  assert.equal(ended.reason, "network");
  assert.deepEqual(sources.map(({ readyState }) => readyState), [EventSource.CLOSED]);
});

test("a transport closed while it asks why it was refused says nothing more [sse]", async (t) => {
  const server = await served(t);
  server.fail({ refuse: { status: 403 } }, { silent: true });
  const SseTransport = transportNamed("sse");
  /** @type {Promise<Response>[]} */
  const asked = [];
  const fetch = (/** @type {any} */ url, /** @type {any} */ init) => {
    const answer = environment.fetch(url, init);
    asked.push(answer);
    return answer;
  };
  const transport = new SseTransport({ baseUrl: server.url, environment: { ...environment, fetch } });
  /** @type {string[]} */
  const told = [];
  const tell = (/** @type {string} */ what) => () => told.push(what);
  transport.open(
    { topics: ["news"], after: "start", last: null },
    {
      ...{ onReady: tell("ready"), onEvents: tell("events"), onHeartbeat: tell("heartbeat") },
      ...{ onReset: tell("reset"), onClose: tell("close"), onWire: () => {} },
    },
  );
  await until(() => server.open === 1);
  transport.close();
  await assert.rejects(asked[0], { name: "AbortError" });
  await new Promise((resolve) => setImmediate(resolve)); // all that follows from the rejection has run by then
  assert.deepEqual(told, []);
});

test("nothing new costs a 304 without a body [short_poll]", async (t) => {
  const server = await served(t);
  server.append("news");
  const { seen, wire } = follow(t, server, transportNamed("short_poll"), { after: "start" });
  await until(() => wire.filter(({ status }) => status === 304).length === 3);
  const empty = wire.filter(({ status }) => status === 304);
  assert(empty.every(({ bytes }) => bytes === 0));
  server.append("news");
  await until(() => seen.length === 2);
  assert.deepEqual(seen, news(1, 2));
});

test("a long backlog is read batch by batch without the pause between polls [short_poll]", async (t) => {
  const server = await served(t);
  for (let count = 0; count < 20; count += 1) server.append("news");
  const { seen } = follow(t, server, transportNamed("short_poll"), { after: "start", limit: 3, intervalMs: 600_000 });
  await until(() => seen.length === 20);
  assert.equal(server.requests.length, 7);
});

test("a server that answers empty before its time is not asked round and round [long_poll]", async (t) => {
  const server = await served(t);
  const { states } = follow(t, server, transportNamed("long_poll"), { after: "start", timeoutS: 25 });
  const empty = JSON.stringify({ events: [], cursor: "k1~news:0", reset: null, more: false });
  server.fail({}, { say: empty });
  await until(() => server.requests.length === 2);
  server.append("news"); // which ends the wait, and lets the fault speak
  await until(() => states.some(({ reason }) => reason === "early"));
});
