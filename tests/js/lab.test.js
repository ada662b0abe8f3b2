import assert from "node:assert/strict";
import { test } from "node:test";

import { offsetFrom } from "../../apps/lab/static/lab/clock.js";
import { experimentFrom, queryOf, usualExperiment } from "../../apps/lab/static/lab/experiment.js";
import { histogram, latencies, percentile } from "../../apps/lab/static/lab/figures.js";

/** @param {string} query */
const read = (query) => experimentFrom(new URLSearchParams(query));

test("an experiment's link reads back as that experiment", () => {
  const faults = [
    { name: "cut", atS: 3, durationS: 0 },
    { name: "buffer", atS: 5, durationS: 10 },
  ];
  const experiment = { ...usualExperiment(), rate: 50, seconds: 20, size: 1000, poll: 500, faults };
  assert.deepEqual(read(queryOf(experiment)), { experiment, odd: [], isGiven: true });
  for (const kind of /** @type {const} */ (["one", "burst"])) {
    assert.equal(read(queryOf({ ...usualExperiment(), kind })).experiment.kind, kind);
  }
});

test("an address without an experiment is the usual one, not to be run", () => {
  assert.deepEqual(read(""), { experiment: usualExperiment(), odd: [], isGiven: false });
});

for (const [query, odd, expected] of /** @type {[string, string, object][]} */ ([
  ["rate=900", "rate=900", { rate: 200 }],
  ["rate=0", "rate=0", { rate: 1 }],
  ["rate=many", "rate=many", { rate: 10 }],
  ["rate=", "rate=", { rate: 10 }],
  ["seconds=1e9", "seconds=1e9", { seconds: 60 }],
  ["size=-1", "size=-1", { size: 200 }],
  ["poll=NaN", "poll=NaN", { poll: 2_000 }],
  ["kind=explode", "kind=explode", { kind: "steady" }],
  ["faults=fire@3", "faults=fire@3", { faults: [] }],
  ["faults=buffer@9-3", "faults=buffer@9-3", { faults: [] }],
  ["faults=buffer@1-99", "faults=buffer@1-99", { faults: [] }],
  ["faults=cut@1-5", "faults=cut@1-5", { faults: [] }],
  ["faults=toString@1", "faults=toString@1", { faults: [] }],
  ["faults=constructor@1", "faults=constructor@1", { faults: [] }],
])) {
  test(`what a link asks for and the lab does not do is named, and brought to the nearest: ${query}`, () => {
    const { experiment, ...rest } = read(query);
    assert.deepEqual(rest, { odd: [odd], isGiven: true });
    assert.deepEqual(experiment, { ...usualExperiment(), ...expected });
  });
}

test("of several round trips the quickest tells the clock, and how far it may be wrong", () => {
  const samples = [
    { sentMs: 1_000, receivedMs: 1_200, serverMs: 6_190 },
    { sentMs: 2_000, receivedMs: 2_010, serverMs: 7_005 },
  ];
  assert.deepEqual(offsetFrom(samples), { offsetMs: 5_000, errorMs: 5 });
  assert.throws(() => offsetFrom([]), RangeError);
});

test("a percentile is a value that was measured; of nothing there is none", () => {
  const sorted = Array.from({ length: 100 }, (_, place) => place + 1);
  assert.equal(percentile(sorted, 0.5), 50);
  assert.equal(percentile(sorted, 0.99), 99);
  assert.equal(percentile([7], 0.5), 7);
  assert.equal(percentile([], 0.5), null);
});

test("a latency is counted by both clocks and never below nought", () => {
  const arrivals = [
    { appendedMs: 10_000, arrivedMs: 5_020 },
    { appendedMs: 10_010, arrivedMs: 5_009 },
  ];
  assert.deepEqual(latencies(arrivals, 5_000), [20, 0]);
});

test("a histogram counts each value once, bounds included, and the longest by themselves", () => {
  const counts = histogram([0, 5, 5.1, 10_000, 10_001]);
  assert.equal(counts.reduce((sum, one) => sum + one), 5);
  assert.deepEqual([counts[0], counts[1], counts.at(-2), counts.at(-1)], [2, 1, 1, 1]);
});
