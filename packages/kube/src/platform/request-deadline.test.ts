import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { RequestDeadline } from "./request-deadline.ts";

const NEVER_MS = 3_600_000;

test("a request ends when its time is over", async () => {
  using deadline = new RequestDeadline(1, undefined);
  await new Promise((resolve) => deadline.signal.addEventListener("abort", resolve));
  assert.ok(deadline.isOver);
});

test("a request ends with its caller's reason, at once when that is aborted already", () => {
  const caller = new AbortController();
  const reason = new Error("stopped");
  using deadline = new RequestDeadline(NEVER_MS, caller.signal);
  caller.abort(reason);
  using late = new RequestDeadline(NEVER_MS, caller.signal);
  for (const { signal, isOver } of [deadline, late]) assert.deepEqual([signal.reason, isOver], [reason, false]);
});

test("a request that is done leaves nothing at its caller's signal", () => {
  const caller = new AbortController();
  {
    using _deadline = new RequestDeadline(NEVER_MS, caller.signal);
    assert.equal(getEventListeners(caller.signal, "abort").length, 1);
  }
  assert.equal(getEventListeners(caller.signal, "abort").length, 0);
});
