import assert from "node:assert/strict";
import { test } from "node:test";

import { LineSplitter } from "../../apps/transports/static/transports/fetch_stream.js";
import { seededRandom } from "./rig/fake_clock.js";

const bytes = new TextEncoder().encode('{"a":1}\n{"b":"通知 🔔"}\n\n{"c":3}\nhalf');
const lines = ['{"a":1}', '{"b":"通知 🔔"}', '{"c":3}'];

test("lines come out whole, empty ones and an unfinished last one do not", () => {
  assert.deepEqual(new LineSplitter().feed(bytes), lines);
});

test("a line that arrives byte by byte, cut within its characters, comes out the same", () => {
  const splitter = new LineSplitter();
  assert.deepEqual([...bytes].flatMap((byte) => splitter.feed(Uint8Array.of(byte))), lines);
});

test("wherever the network cuts, the lines are the same", () => {
  for (let seed = 0; seed < 200; seed += 1) {
    const random = seededRandom(seed);
    const splitter = new LineSplitter();
    const seen = [];
    for (let at = 0; at < bytes.length; ) {
      const end = at + 1 + Math.floor(random() * 12);
      seen.push(...splitter.feed(bytes.subarray(at, end)));
      at = end;
    }
    assert.deepEqual(seen, lines, `seed ${seed}`);
  }
});

test("an unfinished line is completed by the next piece", () => {
  const splitter = new LineSplitter();
  assert.deepEqual(splitter.feed(new TextEncoder().encode('{"a":')), []);
  assert.deepEqual(splitter.feed(new TextEncoder().encode("1}\n")), ['{"a":1}']);
});
