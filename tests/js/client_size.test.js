/** The client stays small enough to read in one sitting. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { everything, MOST_BYTES, sizeOf } from "./client_size.js";

test("all of the client is at most 12 kB, minified and gzipped", async () => {
  const names = await everything();
  const { modules, compressed } = await sizeOf(names);
  assert.equal(modules.length, names.length);
  assert.ok(compressed <= MOST_BYTES, `it is ${compressed} bytes; npm run size shows where`);
});
