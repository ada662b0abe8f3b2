import assert from "node:assert/strict";
import { test } from "node:test";

import { Backoff } from "../../apps/transports/static/transports/backoff.js";
import { seededRandom } from "./rig/fake_clock.js";

/** @param {Backoff} backoff @param {number} count */
function ceilings(backoff, count) {
  return Array.from({ length: count }, () => {
    const ceilingMs = backoff.ceilingMs;
    backoff.nextMs();
    return ceilingMs;
  });
}

test("the ceiling doubles from the server's hint up to half a minute", () => {
  const backoff = new Backoff(seededRandom(1));
  backoff.hint(1_000);
  assert.deepEqual(ceilings(backoff, 7), [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
});

test("without a hint the ceiling starts at two seconds; a hint that is no time changes nothing", () => {
  const backoff = new Backoff(seededRandom(1));
  for (const nothing of [null, undefined, 0, -5, NaN]) backoff.hint(nothing);
  assert.deepEqual(ceilings(backoff, 2), [2_000, 4_000]);
});

test("a wait is drawn evenly from nought to the ceiling", () => {
  for (const [random, waitMs] of [[0, 0], [0.25, 500], [0.999, 1998]]) {
    assert.equal(new Backoff(() => random).nextMs(), waitMs);
  }
});

test("a thousand clients of one restart come back spread over the hint, not together", () => {
  const random = seededRandom(42);
  const waits = Array.from({ length: 1000 }, () => new Backoff(random).nextMs());
  const perTenth = Array.from({ length: 10 }, (_, tenth) =>
    waits.filter((waitMs) => Math.floor(waitMs / 200) === tenth).length,
  );
  for (const count of perTenth) assert(count > 60 && count < 140, `a tenth of the time holds ${count} of 1000`);
});

test("a reset forgets the failures and keeps the hint", () => {
  const backoff = new Backoff(seededRandom(1));
  backoff.hint(500);
  backoff.nextMs();
  backoff.nextMs();
  backoff.reset();
  assert.equal(backoff.ceilingMs, 500);
});
