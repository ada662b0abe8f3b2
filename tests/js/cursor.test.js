import assert from "node:assert/strict";
import { test } from "node:test";

import { Cursor, CursorError } from "../../apps/transports/static/transports/cursor.js";

test("a cursor reads back as the text that it was read from, topics sorted", () => {
  assert.equal(Cursor.parse("k3f9~notifications:41,chat.lobby:7").text, "k3f9~chat.lobby:7,notifications:41");
  assert.equal(Cursor.parse("k3f9~").text, "k3f9~");
});

test("a cursor knows the place in each of its topics, and of no other", () => {
  const cursor = Cursor.parse("k3f9~chat.lobby:7,notifications:0");
  assert.equal(cursor.epoch, "k3f9");
  assert.equal(cursor.position("chat.lobby"), 7);
  assert.equal(cursor.position("notifications"), 0);
  assert.equal(cursor.position("user.7"), undefined);
});

test("advancing moves one topic and leaves the cursor that it started from as it was", () => {
  const before = Cursor.parse("k3f9~chat.lobby:7,notifications:41");
  assert.equal(before.advanced("notifications", 42).text, "k3f9~chat.lobby:7,notifications:42");
  assert.equal(before.advanced("user.7", 1).text, "k3f9~chat.lobby:7,notifications:41,user.7:1");
  assert.equal(before.text, "k3f9~chat.lobby:7,notifications:41");
});

test("replacing takes over the epoch and the named topics, and keeps the others", () => {
  const before = Cursor.parse("old~chat.lobby:7,notifications:41");
  const after = before.replaced(Cursor.parse("new~chat.lobby:1,notifications:2"), ["chat.lobby"]);
  assert.equal(after.text, "new~chat.lobby:1,notifications:41");
  assert.equal(before.replaced(Cursor.parse("new~"), ["chat.lobby"]).text, "new~notifications:41");
});

for (const text of [
  ..."|now|start|~a:1|K3~a:1|k3|k3~a|k3~a:|k3~:1|k3~a:-1|k3~a:01|k3~a:1.5".split("|"),
  ..."k3~a:1,|k3~a:1,a:2|k3~A:1|k3~a b:1".split("|"),
  "k3~a:9007199254740993", // reads as another number in a browser
  "k3~a:1~b:2",
  `k3~${"a".repeat(100)}:1`,
  "k3~a:1\n",
]) {
  test(`${JSON.stringify(text)} is no cursor, and the error says what arrived`, () => {
    assert.throws(() => Cursor.parse(text), (error) => {
      assert(error instanceof CursorError);
      assert.match(error.message, /^cursor '/);
      assert(error.message.length < 250);
      return true;
    });
  });
}
