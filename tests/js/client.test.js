/** What the client does whatever the transport: order, holes, resets, waits, and the page's comings and goings. */

import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";

import { subscribe } from "../../apps/transports/static/transports/client.js";
import { CursorError } from "../../apps/transports/static/transports/cursor.js";
import { event, fakePage, scripted } from "./rig/scripted_transport.js";

/** @import {SubscribeOptions} from "../../apps/transports/static/transports/client.js" */

/**
 * Follow `news` over a scripted transport.
 *
 * @param {Partial<SubscribeOptions>} [options]
 */
async function follow(options = { after: "k1~news:5" }) {
  const page = fakePage();
  const { Scripted, attempts } = scripted();
  const feed = subscribe({ topics: ["news"], transports: [Scripted], environment: page.environment, ...options });
  /** @type {number[]} */
  const seen = [];
  /** @type {string[]} */
  const told = [];
  feed.addEventListener("event", ({ detail }) => seen.push(detail.seq));
  feed.addEventListener("reset", ({ detail }) => told.push(`reset ${detail.reason}`));
  feed.addEventListener("state", ({ detail }) => told.push(`${detail.state} ${detail.reason}`));
  await Promise.resolve(); // subscribe() starts once its caller has run to the end
  return {
    ...{ page, clock: page.clock, feed, attempts, seen, told },
    get attempt() {
      return attempts[attempts.length - 1];
    },
  };
}

test("a subscription connects once its caller's listeners are in place, from the place given", async () => {
  const { attempt, told } = await follow({ after: "k1~news:5", last: 20 });
  assert.deepEqual(attempt.place, { topics: ["news"], after: "k1~news:5", last: 20 });
  assert.deepEqual(told, ["connecting start"]);
});

test("live means that the server's first frame arrived", async () => {
  const { attempt, feed, told } = await follow();
  assert.equal(feed.state, "connecting");
  attempt.ready("k1~news:5");
  assert.equal(feed.state, "live");
  assert.deepEqual(told, ["connecting start", "live first-frame"]);
});

test("events are passed on in order, and the cursor is past each one by the time a listener sees it", async () => {
  const { attempt, feed, seen } = await follow();
  /** @type {(string | null)[]} */
  const places = [];
  feed.addEventListener("event", () => places.push(feed.cursor));
  attempt.ready("k1~news:5");
  attempt.events(6, 7);
  assert.deepEqual(seen, [6, 7]);
  assert.deepEqual(places, ["k1~news:6", "k1~news:7"]);
});

test("an event that was recalled is passed on with null data", async () => {
  const { attempt, feed } = await follow();
  /** @type {unknown[]} */
  const data = [];
  feed.addEventListener("event", ({ detail }) => data.push(detail.data));
  attempt.ready("k1~news:5");
  attempt.to.onEvents([event("news", 6, null)], null);
  assert.deepEqual(data, [null]);
});

test("duplicates are dropped and counted", async () => {
  const { attempt, feed, seen } = await follow();
  attempt.ready("k1~news:5");
  attempt.events(4, 5, 6, 6, 7);
  assert.deepEqual(seen, [6, 7]);
  assert.equal(feed.counts.duplicates, 3);
  assert.equal(feed.cursor, "k1~news:7");
});

test("what stands behind a hole is not passed on: the client reads again from before it, at once", async () => {
  const follower = await follow();
  follower.attempt.ready("k1~news:5");
  follower.attempt.events(6, 8, 9);
  assert.deepEqual(follower.seen, [6]);
  assert.equal(follower.feed.counts.repairs, 1);
  assert.equal(follower.attempts.length, 2);
  assert.equal(follower.attempts[0].isClosed, true);
  assert.equal(follower.attempt.place.after, "k1~news:6");

  follower.attempt.ready("k1~news:6");
  follower.attempt.events(7, 8, 9);
  assert.deepEqual(follower.seen, [6, 7, 8, 9]);
});

test("a hole with nothing behind it shows in the next heartbeat", async () => {
  const follower = await follow();
  follower.attempt.ready("k1~news:5");
  follower.attempt.events(6);
  follower.attempt.to.onHeartbeat({ cursor: "k1~news:7" });
  assert.equal(follower.feed.counts.repairs, 1);
  assert.equal(follower.attempt.place.after, "k1~news:6");
});

test("a hole at the end of a batch shows in the batch's own cursor", async () => {
  const follower = await follow();
  follower.attempt.ready("k1~news:5");
  follower.attempt.to.onEvents([event("news", 6)], "k1~news:7");
  assert.deepEqual(follower.seen, [6]);
  assert.equal(follower.feed.counts.repairs, 1);
});

test("a hole that stays a hole is asked for at growing intervals, not round and round", async () => {
  const follower = await follow();
  for (let attempt = 0; attempt < 50; attempt += 1) {
    follower.attempt.ready("k1~news:5");
    follower.attempt.events(7);
    if (follower.feed.state === "waiting") follower.clock.advance(follower.clock.nextTimerMs ?? 0);
  }
  assert.deepEqual(follower.seen, []);
  assert.equal(follower.feed.counts.repairs, 50);
  assert(follower.clock.now() - 1_000_000 > 5 * 60_000, "50 repairs took less than five minutes");
});

test("a heartbeat in another epoch means that a reset was missed: read again", async () => {
  const follower = await follow();
  follower.attempt.ready("k1~news:5");
  follower.attempt.to.onHeartbeat({ cursor: "k2~news:1" });
  assert.equal(follower.feed.counts.repairs, 1);
});

test("a reset is told, clears the positions of its topics first, and leaves the others alone", async () => {
  const { attempt, feed, told } = await follow({ topics: ["news", "chat"], after: "k1~chat:3,news:90" });
  /** @type {string[]} */
  const seen = [];
  feed.addEventListener("event", ({ detail }) => seen.push(`${detail.topic} ${detail.seq}`));
  attempt.ready("k1~chat:3,news:40");
  attempt.to.onReset({ reason: "ahead", topics: ["news"], cursor: "k1~chat:3,news:40" });
  attempt.to.onEvents([event("news", 41)], null);
  attempt.to.onEvents([event("chat", 3)], null);
  attempt.to.onEvents([event("chat", 4)], null);
  assert.deepEqual(seen, ["news 41", "chat 4"]);
  assert.deepEqual(told.at(-1), "reset ahead");
  assert.equal(feed.cursor, "k1~chat:4,news:41");
  assert.deepEqual([feed.counts.resets, feed.counts.repairs, feed.counts.duplicates], [1, 0, 1]);
});

test("a reset for a new epoch takes it over", async () => {
  const { attempt, feed, seen } = await follow();
  attempt.ready("k2~news:0");
  attempt.to.onReset({ reason: "epoch", topics: ["news"], cursor: "k2~news:0" });
  attempt.events(1, 2);
  assert.deepEqual(seen, [1, 2]);
  assert.equal(feed.cursor, "k2~news:2");
});

test("the server's `ready` gives a place to the topics that have none, and moves no other", async () => {
  const { attempt, feed } = await follow({ topics: ["news", "chat"], after: "k1~news:5" });
  attempt.ready("k1~chat:12,news:9");
  assert.equal(feed.cursor, "k1~chat:12,news:5");
});

test("without a place to start from the cursor is unknown until the server tells", async () => {
  const { attempt, feed } = await follow({});
  assert.equal(feed.cursor, null);
  assert.deepEqual(attempt.place, { topics: ["news"], after: null, last: null });
  attempt.ready("k1~news:9");
  assert.equal(feed.cursor, "k1~news:9");
});

test("a named place is asked for again until the server has resolved it", async () => {
  const follower = await follow({ after: "start" });
  follower.attempt.end();
  follower.clock.advance(30_000);
  assert.equal(follower.attempt.place.after, "start");
  follower.attempt.ready("k1~news:0");
  follower.attempt.end();
  follower.clock.advance(30_000);
  assert.equal(follower.attempt.place.after, "k1~news:0");
});

test("a first batch places all topics before its first event is passed on", async () => {
  const { attempt, feed } = await follow({ topics: ["news", "chat", "lab.a"], last: 2 });
  /** @type {(string | null)[]} */
  const places = [];
  feed.addEventListener("event", () => places.push(feed.cursor));
  attempt.to.onReady({ cursor: null, heartbeatMs: 5_000, retryMs: null });
  attempt.to.onEvents([event("news", 8), event("chat", 3), event("news", 9)], "k1~chat:3,lab.a:0,news:9");
  assert.deepEqual(places, ["k1~chat:2,lab.a:0,news:8", "k1~chat:3,lab.a:0,news:8", "k1~chat:3,lab.a:0,news:9"]);
  assert.equal(feed.counts.repairs, 0);
});

test("an event of a topic that was not asked for is not passed on", async () => {
  const { attempt, feed } = await follow();
  attempt.ready("k1~news:5");
  attempt.to.onEvents([event("chat", 1)], null);
  assert.equal(feed.counts.events, 0);
  assert.equal(feed.cursor, "k1~news:5");
});

test("a cursor that is none ends the attempt, and the next one follows after a wait", async () => {
  for (const say of [
    (/** @type {any} */ to) => to.onReady({ cursor: "what?", heartbeatMs: 1, retryMs: 1 }),
    (/** @type {any} */ to) => to.onHeartbeat({ cursor: "what?" }),
    (/** @type {any} */ to) => to.onReset({ reason: "epoch", topics: ["news"], cursor: "" }),
  ]) {
    const { attempt, told } = await follow();
    say(attempt.to);
    assert.equal(told.at(-1), "waiting garbled");
    assert.equal(attempt.isClosed, true);
  }
});

test("a lost connection is opened again within the server's hint, from the last event passed on", async () => {
  const follower = await follow();
  follower.attempt.ready("k1~news:5");
  follower.attempt.events(6);
  follower.attempt.end({ retryMs: 400 });
  assert.equal(follower.feed.state, "waiting");
  follower.clock.advance(400);
  assert.equal(follower.attempts.length, 2);
  assert.equal(follower.attempt.place.after, "k1~news:6");
  assert.equal(follower.attempts[0].isClosed, true);
});

test("the wait is told in milliseconds, and is the wait", async () => {
  const follower = await follow();
  /** @type {(number | null)[]} */
  const waits = [];
  follower.feed.addEventListener("state", ({ detail }) => detail.state === "waiting" && waits.push(detail.waitMs));
  follower.attempt.end();
  assert.equal(waits.length, 1);
  assert.equal(follower.clock.nextTimerMs, waits[0]);
});

test("failures in a row wait longer and longer; a connection that outlived its wait is forgiven them", async () => {
  const follower = await follow();
  const { clock, feed } = follower;
  let longest = 0;
  for (let failure = 0; failure < 12; failure += 1) {
    follower.attempt.end();
    longest = Math.max(longest, clock.nextTimerMs ?? 0);
    clock.advance(clock.nextTimerMs ?? 0);
  }
  assert(longest > 8_000 && longest <= 30_000, `the longest wait was ${longest} ms`);

  follower.attempt.ready("k1~news:5");
  for (let beat = 0; beat < 10; beat += 1) {
    clock.advance(15_000);
    follower.attempt.to.onWire({ direction: "frame", bytes: 1, ms: 0 });
  }
  follower.attempt.end();
  assert(clock.nextTimerMs !== undefined && clock.nextTimerMs <= 2_000);
  assert.equal(feed.state, "waiting");
});

test("a connection that is cut right after its first frame, time and again, slows down", async () => {
  const follower = await follow();
  for (let attempt = 0; attempt < 50; attempt += 1) {
    follower.attempt.ready("k1~news:5");
    follower.attempt.end();
    follower.clock.advance(follower.clock.nextTimerMs ?? 0);
  }
  assert(follower.clock.now() - 1_000_000 > 5 * 60_000, "50 attempts took less than five minutes");
});

test("Retry-After is waited for in full, and the person's glance at the page does not shorten it", async () => {
  const follower = await follow();
  follower.attempt.end({ reason: "429", notBeforeMs: 60_000 });
  follower.page.document("visibilitychange");
  follower.page.window("online");
  follower.clock.advance(59_999);
  assert.equal(follower.attempts.length, 1);
  follower.clock.advance(2_001);
  assert.equal(follower.attempts.length, 2);
});

test("a close in place of the first frame is a refusal that passes: its time is the least to wait", async () => {
  const follower = await follow();
  const close = { reason: "too_often", isOnTheWay: false, retryMs: 60_000 };
  follower.attempt.end(close);
  follower.page.document("visibilitychange");
  follower.clock.advance(59_999);
  assert.equal(follower.attempts.length, 1);
  follower.clock.advance(30_001);
  assert.equal(follower.attempts.length, 2);
  // After the first frame it is a goodbye, and its time the most that is waited: the server spreads its clients.
  follower.attempt.ready("k1~news:5");
  follower.attempt.end({ ...close, reason: "drain" });
  follower.page.document("visibilitychange");
  assert.equal(follower.attempts.length, 3);
});

test("a refusal is final: told with the server's words, and not asked again", async () => {
  const follower = await follow();
  /** @type {string[]} */
  const messages = [];
  follower.feed.addEventListener("state", ({ detail }) => messages.push(detail.message));
  follower.attempt.end({ reason: "forbidden", message: "you may not read 'news'", final: true });
  assert.equal(follower.feed.state, "refused");
  assert.deepEqual(messages, ["you may not read 'news'"]);
  follower.clock.advance(1_000_000);
  follower.page.window("online");
  follower.page.window("pagehide");
  follower.page.window("pageshow");
  follower.page.document("visibilitychange");
  assert.equal(follower.attempts.length, 1);
  assert.equal(follower.feed.state, "refused");
});

test("a person may ask to try again, from a wait or a refusal", async () => {
  const follower = await follow();
  follower.attempt.end();
  follower.feed.reconnect();
  assert.equal(follower.attempts.length, 2);
  follower.attempt.end({ final: true });
  follower.feed.reconnect();
  assert.equal(follower.attempts.length, 3);
  assert.equal(follower.told.at(-1), "connecting asked");
});

test("an attempt without a first frame within ten seconds is given up", async () => {
  const follower = await follow();
  follower.clock.advance(9_999);
  assert.equal(follower.feed.state, "connecting");
  follower.clock.advance(1);
  assert.equal(follower.told.at(-1), "waiting silent");
  assert.equal(follower.attempts[0].isClosed, true);
});

test("frames that are not the first one do not keep an attempt alive that has none", async () => {
  const follower = await follow();
  follower.clock.advance(9_000);
  follower.attempt.to.onWire({ direction: "response", bytes: 0, ms: 9_000, status: 200 });
  follower.clock.advance(1_000);
  assert.equal(follower.told.at(-1), "waiting silent");
});

test("a live connection that falls silent for 2.5 heartbeats is given up; anything on the wire keeps it", async () => {
  const follower = await follow();
  follower.attempt.ready("k1~news:5");
  follower.clock.advance(30_000);
  follower.attempt.to.onWire({ direction: "frame", bytes: 1, ms: 0 });
  follower.clock.advance(37_499);
  assert.equal(follower.feed.state, "live");
  follower.clock.advance(1);
  assert.equal(follower.told.at(-1), "waiting silent");
});

test("after a sleep a silent connection is replaced at once, without a wait", async () => {
  const follower = await follow();
  follower.attempt.ready("k1~news:5");
  follower.clock.sleep(3_600_000);
  follower.clock.advance(0); // the timer runs an hour late
  assert.equal(follower.attempts.length, 2);
  assert.equal(follower.told.at(-1), "connecting silent");
});

test("a page that becomes visible replaces a connection that fell silent, and keeps one that lives", async () => {
  const follower = await follow();
  follower.attempt.ready("k1~news:5");
  follower.page.document("visibilitychange");
  assert.equal(follower.attempts.length, 1);
  follower.clock.sleep(40_000);
  follower.page.document("visibilitychange");
  assert.equal(follower.attempts.length, 2);
  assert.equal(follower.told.at(-1), "connecting visible");
});

test("a page that becomes visible, or a network that returns, ends a wait", async () => {
  for (const [turn, reason] of [["visibilitychange", "visible"], ["online", "online"]]) {
    const follower = await follow();
    follower.attempt.end();
    if (turn === "online") follower.page.window("online");
    else follower.page.document("visibilitychange");
    assert.equal(follower.attempts.length, 2);
    assert.equal(follower.told.at(-1), `connecting ${reason}`);
  }
});

test("a network that returns replaces a connection that still calls itself live", async () => {
  const follower = await follow();
  follower.attempt.ready("k1~news:5");
  follower.attempt.events(6);
  follower.page.window("online");
  assert.equal(follower.attempts[0].isClosed, true);
  assert.equal(follower.attempt.place.after, "k1~news:6");
});

for (const [away, back] of [["pagehide", "pageshow"], ["freeze", "resume"]]) {
  test(`${away} closes the connection, and ${back} opens the next one at the same place, at once`, async () => {
    const follower = await follow();
    const { page } = follower;
    const turn = (/** @type {any} */ type) => (type.startsWith("page") ? page.window(type) : page.document(type));
    follower.attempt.ready("k1~news:5");
    follower.attempt.events(6);
    turn(away);
    assert.equal(follower.attempts[0].isClosed, true);
    assert.equal(follower.told.at(-1), "waiting hidden");
    follower.clock.advance(1_000_000);
    page.window("online");
    assert.equal(follower.attempts.length, 1);

    turn(back);
    assert.equal(follower.attempts.length, 2);
    assert.equal(follower.attempt.place.after, "k1~news:6");
    assert.equal(follower.told.at(-1), "connecting returned");
  });
}

test("the pageshow of a page's first load changes nothing", async () => {
  const follower = await follow();
  follower.page.window("pageshow");
  assert.equal(follower.attempts.length, 1);
});

test("an error that the browser reports late, of an attempt given up, is not heard", async () => {
  const follower = await follow();
  follower.attempt.ready("k1~news:5");
  const old = follower.attempt;
  follower.page.window("pagehide");
  follower.page.window("pageshow");
  follower.attempt.ready("k1~news:5");
  old.end();
  old.events(6);
  assert.equal(follower.feed.state, "live");
  assert.deepEqual(follower.seen, []);
});

test("closing is for good, and stops even the rest of a batch", async () => {
  const follower = await follow();
  follower.feed.addEventListener("event", () => follower.feed.close());
  follower.attempt.ready("k1~news:5");
  follower.attempt.to.onEvents([event("news", 6), event("news", 7)], "k1~news:7");
  assert.deepEqual(follower.seen, [6]);
  assert.equal(follower.feed.cursor, "k1~news:6");
  follower.feed.reconnect();
  follower.page.window("online");
  follower.clock.advance(1_000_000);
  assert.equal(follower.attempts.length, 1);
  assert.equal(follower.told.at(-1), "closed asked");
  assert.equal(follower.clock.nextTimerMs, undefined);
  assert.deepEqual(getEventListeners(follower.page.environment.window, "online"), []);
});

test("a subscription that is closed when told that it connects does not connect", async () => {
  const follower = await follow();
  follower.feed.addEventListener("state", ({ detail }) => detail.reason === "retry" && follower.feed.close());
  follower.attempt.end();
  follower.clock.advance(30_000);
  assert.equal(follower.attempts.length, 1);
  assert.equal(follower.feed.state, "closed");
  assert.equal(follower.clock.nextTimerMs, undefined);
});

test("a subscription closed before it began never connects", async () => {
  const { environment } = fakePage();
  const { Scripted, attempts } = scripted();
  subscribe({ topics: ["news"], transports: [Scripted], environment }).close();
  await Promise.resolve();
  assert.equal(attempts.length, 0);
});

test("what can't work is said at once, with what to do", () => {
  const { environment } = fakePage();
  assert.throws(() => subscribe({ topics: [], environment }), /name at least one/);
  assert.throws(() => subscribe({ topics: ["news"], transports: [], environment }), /leave the list out/);
  assert.throws(() => subscribe({ topics: ["news"], transports: ["pigeon"], environment }), /choose one of short_poll/);
  assert.throws(() => subscribe({ topics: ["news"], after: "41", environment }), CursorError);
});

test("whatever faults come, listeners see each event once and in order", async () => {
  for (let seed = 1; seed <= 100; seed += 1) {
    const { seededRandom } = await import("./rig/fake_clock.js");
    const random = seededRandom(seed);
    const follower = await follow({ after: "k1~news:0" });
    const head = 40;
    for (let turn = 0; follower.seen.length < head; turn += 1) {
      assert(turn < 2_000, `seed ${seed} never got through: ${follower.seen}`);
      if (follower.feed.state === "waiting") follower.clock.advance(follower.clock.nextTimerMs ?? 0);
      const { attempt } = follower;
      if (follower.feed.state === "connecting") attempt.ready(attempt.place.after ?? "");
      // A server that sends on from the place asked for, over a line that loses, repeats and cuts.
      const next = Number((attempt.place.after ?? "").split(":")[1]) + 1;
      for (let seq = next; seq <= head; seq += 1) {
        if (random() < 0.9) attempt.events(seq);
        if (random() < 0.1) attempt.events(Math.max(1, seq - 1));
        if (random() < 0.05) attempt.end();
      }
      attempt.to.onHeartbeat({ cursor: `k1~news:${head}` });
    }
    assert.deepEqual(follower.seen, Array.from({ length: head }, (_, index) => index + 1), `seed ${seed}`);
  }
});
