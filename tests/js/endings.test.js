import assert from "node:assert/strict";
import { test } from "node:test";

import { closedByCode, refusedByStatus } from "../../apps/transports/static/transports/endings.js";

const NOW = Date.UTC(2026, 0, 1);

/** @param {number} status @param {ResponseInit["headers"]} [headers] @param {string} [body] */
const refused = (status, headers, body = '{"error":{"code":"no"}}') => refusedByStatus(new Response(body, { status, headers }), NOW);

for (const [status, isFinal] of /** @type {[number, boolean][]} */ ([
  ...[400, 401, 403, 404, 405, 410].map((status) => [status, true]),
  ...[408, 425, 429, 500, 502, 503, 504].map((status) => [status, false]),
])) {
  test(`a refusal with ${status} is ${isFinal ? "final" : "for now"}, over HTTP and on a WebSocket`, async () => {
    assert.equal((await refused(status)).final, isFinal);
    assert.equal(closedByCode(4000 + status, "").final, isFinal);
  });
}

test("a WebSocket that ends otherwise was cut off", () => {
  for (const code of [1000, 1001, 1006, 1012, 4000, 4399]) {
    assert.deepEqual([closedByCode(code, "").reason, closedByCode(code, "").final], ["network", false]);
  }
});

test("Retry-After is read in seconds and as a date; what can't be read, or is over, asks for no wait", async () => {
  for (const [header, notBeforeMs] of /** @type {[string, number][]} */ ([
    ["0", 0],
    ["120", 120_000],
    ["Thu, 01 Jan 2026 00:00:30 GMT", 30_000],
    ["Wed, 31 Dec 2025 23:59:00 GMT", 0],
    ["soon", 0],
  ])) {
    assert.equal((await refused(503, { "Retry-After": header })).notBeforeMs, notBeforeMs, header);
  }
  assert.equal((await refused(503)).notBeforeMs, 0);
});

test("a refusal has the server's words, its hint, and its code", async () => {
  const error = { code: "bad_cursor", message: "cursor '12x' is none", hint: "leave it out" };
  const ending = await refused(400, {}, JSON.stringify({ error }));
  assert.deepEqual([ending.reason, ending.message], ["bad_cursor", "cursor '12x' is none; leave it out"]);
});

test("a refusal by somebody else on the way has its status", async () => {
  for (const body of ["<h1>502 Bad Gateway</h1>", "null", "[]", "{}", ""]) {
    const ending = await refused(502, {}, body);
    assert.deepEqual([ending.reason, ending.message], ["502", "the server answered 502"], body);
  }
});

test("a refusal without the server's words is not its last word: another transport may get through", async () => {
  const blocked = await refused(403, {}, "<h1>Blocked by policy</h1>");
  assert.deepEqual([blocked.final, blocked.isOnTheWay], [false, true]);
});

test("a server that is ill for the moment is no reason for another transport", async () => {
  assert.equal((await refused(502, {}, "<h1>Bad Gateway</h1>")).isOnTheWay, false);
  assert.equal(closedByCode(4503, "").isOnTheWay, false);
});
