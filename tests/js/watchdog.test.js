import assert from "node:assert/strict";
import { test } from "node:test";

import { browser } from "../../apps/transports/static/transports/environment.js";
import { Watchdog } from "../../apps/transports/static/transports/watchdog.js";
import { FakeClock } from "./rig/fake_clock.js";

function watched() {
  const clock = new FakeClock();
  /** @type {{silentMs: number, limitMs: number}[]} */
  const silences = [];
  const { now, setTimeout, clearTimeout } = clock;
  const watchdog = new Watchdog({ ...browser, now, setTimeout, clearTimeout }, (silence) => silences.push(silence));
  return { clock, silences, watchdog };
}

test("silence for two and a half heartbeats is reported, once", () => {
  const { clock, silences, watchdog } = watched();
  watchdog.start(15_000);
  clock.advance(37_499);
  assert.deepEqual(silences, []);
  clock.advance(1);
  assert.deepEqual(silences, [{ silentMs: 37_500, limitMs: 37_500 }]);
  clock.advance(1_000_000);
  assert.equal(silences.length, 1);
});

test("whatever is heard starts the time anew, without a new timer", () => {
  const { clock, silences, watchdog } = watched();
  watchdog.start(10_000);
  clock.advance(20_000);
  watchdog.feed();
  assert.equal(clock.nextTimerMs, 5_000);
  clock.advance(24_999);
  assert.deepEqual(silences, []);
  clock.advance(1);
  assert.deepEqual(silences, [{ silentMs: 25_000, limitMs: 25_000 }]);
});

test("a stopped watchdog is quiet and never overdue", () => {
  const { clock, silences, watchdog } = watched();
  watchdog.start(10_000);
  watchdog.stop();
  clock.advance(1_000_000);
  assert.deepEqual(silences, []);
  assert.equal(watchdog.isOverdue, false);
});

test("after a sleep it is overdue before its timer runs", () => {
  const { clock, silences, watchdog } = watched();
  watchdog.start(10_000);
  assert.equal(watchdog.isOverdue, false);
  clock.sleep(60_000);
  assert.equal(watchdog.isOverdue, true);
  clock.advance(0);
  assert.deepEqual(silences, [{ silentMs: 60_000, limitMs: 25_000 }]);
});
