import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { collectGarbage } from "./garbage-collector.ts";

test("what nothing holds is gone after a collection, however Node.js was started", async () => {
  const leftBehind = new WeakRef({ of: "a handshake" });
  // A reference that was just made lasts until the present task ends.
  await setImmediate();
  collectGarbage();
  assert.equal(leftBehind.deref(), undefined);
});
