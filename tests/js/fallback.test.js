/** Which transport carries the events, why, and for how long: the way down, and the way back up. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { subscribe } from "../../apps/transports/static/transports/client.js";
import { FakeStorage, event, fakePage, scripted } from "./rig/scripted_transport.js";

/** @import {TransportChange} from "../../apps/transports/static/transports/transport_choice.js" */
/** @import {Attempt} from "./rig/scripted_transport.js" */

const MINUTE_MS = 60_000;
const NAMES = ["best", "middle", "plain"];
const SERVER_IS_ILL = { reason: "503", isOnTheWay: false };

/**
 * Follow `news` over three scripted transports.
 *
 * @param {{page?: ReturnType<typeof fakePage>, names?: string[], unsupported?: string[]}} [options]
 */
async function follow({ page = fakePage(), names = NAMES, unsupported = [] } = {}) {
  /** @type {Attempt[]} */
  const attempts = [];
  const transports = names.map((name) => scripted(name, attempts).Scripted);
  for (const transport of transports) transport.supported = () => !unsupported.includes(transport.transportName);
  const feed = subscribe({ topics: ["news"], after: "k1~news:5", transports, environment: page.environment });
  /** @type {TransportChange[]} */
  const changes = [];
  /** @type {number[]} */
  const seen = [];
  feed.addEventListener("transportchange", ({ detail }) => changes.push(detail));
  feed.addEventListener("event", ({ detail }) => seen.push(detail.seq));
  await Promise.resolve(); // subscribe() starts once its caller has run to the end
  return {
    ...{ page, clock: page.clock, feed, attempts, changes, seen },
    get attempt() {
      return attempts[attempts.length - 1];
    },
    get tried() {
      return attempts.map(({ transportName }) => transportName);
    },
    /** Let the attempts so far be forgotten, and time pass until the next one. */
    waitForNext() {
      const { length } = attempts;
      while (attempts.length === length) page.clock.advance(page.clock.nextTimerMs ?? 0);
    },
    ready: () => attempts[attempts.length - 1].ready(feed.cursor ?? ""),
  };
}

/** @param {Awaited<ReturnType<typeof follow>>} follower  of which `best` fails and `middle` works */
function fallBack(follower) {
  follower.attempt.end({ message: "refused on the way" });
  follower.attempt.to.onReady({ cursor: null, heartbeatMs: 600 * MINUTE_MS, retryMs: null });
}

test("the first transport of the list is tried first, and kept where it works", async () => {
  const follower = await follow();
  follower.ready();
  follower.clock.advance(10_000);
  assert.deepEqual([follower.tried, follower.feed.transport, follower.changes], [["best"], "best", []]);
});

test("one that gets no connection is left for the next at once, and the change is told with its reason", async () => {
  const follower = await follow();
  fallBack(follower);
  assert.deepEqual(follower.tried, ["best", "middle"]);
  assert.equal(follower.feed.transport, "middle");
  const message = "best: could not connect (refused on the way)";
  assert.deepEqual(follower.changes, [{ from: "best", to: "middle", reason: "blocked", message }]);
});

test("one that stays silent is left after three seconds, and the last one of the list after ten", async () => {
  const follower = await follow();
  follower.clock.advance(2_999);
  assert.deepEqual(follower.tried, ["best"]);
  follower.clock.advance(1);
  follower.clock.advance(3_000);
  assert.deepEqual(follower.tried, NAMES);
  follower.clock.advance(9_999);
  assert.equal(follower.feed.state, "connecting");
  follower.ready();
  assert.deepEqual(follower.changes, [{
    ...{ from: "best", to: "plain", reason: "silent" },
    message: "best: nothing arrived for 3 s; middle: nothing arrived for 3 s",
  }]);
});

test("one cursor is kept when the transport changes", async () => {
  const follower = await follow();
  follower.ready();
  follower.attempt.events(6, 7);
  for (let death = 0; death < 2; death += 1) {
    follower.attempt.end();
    if (follower.feed.state === "waiting") follower.waitForNext();
    follower.ready();
  }
  assert.deepEqual(follower.tried, ["best", "best", "middle"]);
  assert.equal(follower.attempt.place.after, "k1~news:7");
});

test("one that dies young twice is left, and its reason told", async () => {
  const follower = await follow();
  for (let death = 0; death < 2; death += 1) {
    follower.ready();
    follower.clock.advance(5_000);
    follower.attempt.end({ message: "the connection was lost" });
    if (death === 0) follower.waitForNext();
  }
  follower.ready();
  assert.deepEqual(follower.tried, ["best", "best", "middle"]);
  assert.equal(follower.changes[0].reason, "cut");
  assert.match(follower.changes[0].message, /^best: cut 2 times within 20 s of connecting/);
});

test("one whose connections live is kept, however often they end", async () => {
  const follower = await follow();
  for (let death = 0; death < 5; death += 1) {
    follower.ready();
    follower.clock.advance(21_000);
    follower.attempt.end();
    follower.waitForNext();
  }
  assert.deepEqual(new Set(follower.tried), new Set(["best"]));
});

test("a server that asks to reconnect, however soon, is no reason to leave", async () => {
  const follower = await follow();
  for (let restart = 0; restart < 5; restart += 1) {
    follower.ready();
    follower.attempt.end({ reason: "drain", isOnTheWay: false });
    follower.waitForNext();
  }
  assert.deepEqual(new Set(follower.tried), new Set(["best"]));
});

test("while the server is ill nobody is to blame: after it the best transport is in use again", async () => {
  const follower = await follow();
  for (let round = 0; round < 4; round += 1) {
    follower.attempt.end(); // of which a WebSocket can't tell that it was a 502
    follower.attempt.end(SERVER_IS_ILL);
    assert.equal(follower.feed.state, "waiting");
    follower.waitForNext();
  }
  follower.ready();
  assert.deepEqual([follower.feed.transport, follower.changes], ["best", []]);
});

test("while none gets through, all are tried, and after a wait all again from the best down", async () => {
  const follower = await follow();
  for (const _ of NAMES) follower.attempt.end();
  assert.equal(follower.feed.state, "waiting");
  follower.waitForNext();
  follower.ready();
  assert.deepEqual(follower.tried, [...NAMES, "best"]);
  assert.deepEqual(follower.changes, []);
});

test("a better one is tried again after a minute, beside the one in use, and takes over with its first frame", async () => {
  const follower = await follow();
  fallBack(follower);
  const middle = follower.attempt;
  middle.events(6);
  follower.clock.advance(MINUTE_MS - 1);
  assert.deepEqual(follower.tried, ["best", "middle"]);
  follower.clock.advance(1);
  const best = follower.attempt;
  assert.deepEqual([best.transportName, best.place.after], ["best", "k1~news:6"]);
  middle.events(7); // it carries on meanwhile
  assert.equal(follower.feed.transport, "middle");

  best.ready("k1~news:6");
  best.events(7, 8);
  middle.events(8, 9);
  assert.deepEqual(follower.seen, [6, 7, 8]);
  assert.deepEqual([middle.isClosed, best.isClosed, follower.feed.transport], [true, false, "best"]);
  assert.deepEqual(follower.changes.at(-1), {
    ...{ from: "middle", to: "best", reason: "better", message: "best works again" },
  });
  best.end();
  follower.waitForNext();
  assert.equal(follower.attempt.transportName, "best");
});

test("a better one that does not work yet gets its next chances later and later, half an hour apart in the end", async () => {
  const follower = await follow();
  fallBack(follower);
  /** @type {number[]} */
  const chancesMin = [];
  let known = follower.attempts.length;
  const start = follower.clock.now();
  while (chancesMin.length < 8) {
    follower.clock.advance(10_000);
    if (follower.attempts.length === known) continue;
    known += 1;
    chancesMin.push(Math.round((follower.clock.now() - start) / MINUTE_MS));
    assert.equal(follower.attempt.transportName, "best");
    follower.attempt.end();
  }
  assert.deepEqual(chancesMin.map((at, index) => at - (chancesMin[index - 1] ?? 0)), [1, 2, 4, 8, 16, 30, 30, 30]);
  assert.equal(follower.feed.transport, "middle");
  assert.equal(follower.feed.state, "live");
});

test("a better one that opens and stays silent misses its chance after three seconds", async () => {
  const follower = await follow();
  fallBack(follower);
  follower.clock.advance(MINUTE_MS + 3_000);
  assert.equal(follower.attempt.transportName, "best");
  assert.equal(follower.attempt.isClosed, true);
  assert.equal(follower.feed.state, "live");
});

test("the next page of the session begins with what worked", async () => {
  const page = fakePage();
  fallBack(await follow({ page }));
  const next = await follow({ page });
  assert.deepEqual(next.tried, ["middle"]);
  next.ready();
  assert.deepEqual([next.changes[0].from, next.changes[0].to, next.changes[0].reason], ["best", "middle", "blocked"]);
});

test("what was learnt of one address is not held against another", async () => {
  const page = fakePage();
  fallBack(await follow({ page }));
  const { Scripted, attempts } = scripted("best");
  const { environment } = page;
  const transports = [Scripted, scripted("middle", attempts).Scripted];
  subscribe({ topics: ["news"], transports, environment, paths: { best: "/elsewhere" } });
  await Promise.resolve();
  assert.equal(attempts[0].transportName, "best");
});

test("a storage that is missing, forbidden, full or filled by others changes nothing but the memory", async () => {
  const forbidden = () => {
    throw new DOMException("The operation is insecure.", "SecurityError");
  };
  const others = new FakeStorage();
  others.getItem = () => '{"best": 7, "middle": {"reason": "blocked"}}';
  const full = new FakeStorage();
  full.setItem = forbidden;
  for (const storage of [undefined, { getItem: forbidden, setItem: forbidden }, others, full]) {
    const page = fakePage();
    page.environment = { ...page.environment, sessionStorage: /** @type {any} */ (storage) };
    const follower = await follow({ page });
    fallBack(follower);
    assert.deepEqual(follower.tried, ["best", "middle"]);
  }
});

test("one transport alone is kept whatever comes, and nothing is remembered", async () => {
  const follower = await follow({ names: ["best"] });
  for (let failure = 0; failure < 5; failure += 1) {
    follower.attempt.end();
    follower.waitForNext();
  }
  follower.ready();
  assert.deepEqual(new Set(follower.tried), new Set(["best"]));
  assert.deepEqual(follower.changes, []);
  assert.equal(follower.page.environment.sessionStorage.items.size, 0);
});

test("another network gets the best transport tried first again", async () => {
  const follower = await follow();
  fallBack(follower);
  follower.page.window("online");
  assert.equal(follower.attempt.transportName, "best");
  follower.ready();
  assert.equal(follower.changes.at(-1)?.reason, "better");
});

test("what the browser lacks is passed over, and said", async () => {
  const follower = await follow({ unsupported: ["best"] });
  follower.ready();
  assert.deepEqual(follower.tried, ["middle"]);
  const message = "there is no best here";
  assert.deepEqual(follower.changes, [{ from: "best", to: "middle", reason: "unsupported", message }]);
  await assert.rejects(follow({ unsupported: NAMES }), /hand it in through 'environment'/);
});

test("a page that is hidden gives up the better transport's chance too", async () => {
  const follower = await follow();
  fallBack(follower);
  follower.clock.advance(MINUTE_MS);
  follower.page.window("pagehide");
  assert.equal(follower.attempt.isClosed, true);
  follower.attempt.to.onReady({ cursor: null, heartbeatMs: MINUTE_MS, retryMs: null });
  assert.equal(follower.feed.state, "waiting");
});

test("a hole in what an attempt brings is read again over the same transport", async () => {
  const follower = await follow();
  follower.ready();
  follower.attempt.to.onEvents([event("news", 8)], null);
  assert.deepEqual(follower.tried, ["best", "best"]);
  assert.equal(follower.feed.counts.repairs, 1);
});
