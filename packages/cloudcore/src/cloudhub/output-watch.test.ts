import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@skerry/base/testing";
import { FULL_AT_BYTES, OutputWatch, STUCK_MS } from "./output-watch.ts";

test("sending stops when much is held back and goes on when half of it is gone", async () => {
  const { connection, clock, events, watch } = watched();
  connection.bufferedBytes = FULL_AT_BYTES - 1;
  watch.sent();
  assert.deepEqual(events, []);
  connection.bufferedBytes = FULL_AT_BYTES;
  watch.sent();
  await clock.advance(STUCK_MS / 2);
  assert.deepEqual(events, ["full"]);
  connection.bufferedBytes = FULL_AT_BYTES / 2 - 1;
  await clock.advance(1_000);
  assert.deepEqual(events, ["full", "writable"]);
});

test("a peer that takes a little now and then is slow, one that takes nothing for a minute is stuck", async () => {
  const { connection, clock, events, watch } = watched();
  connection.bufferedBytes = FULL_AT_BYTES;
  watch.sent();
  for (let minute = 0; minute < 5; minute++) {
    connection.bufferedBytes -= 1;
    await clock.advance(STUCK_MS - 1_000);
  }
  assert.deepEqual(events, ["full"]);
  await clock.advance(STUCK_MS);
  assert.deepEqual(events, ["full", "stuck"]);
});

function watched() {
  const connection = { bufferedBytes: 0 };
  const clock = new ManualClock();
  const events: string[] = [];
  const watch = new OutputWatch({
    connection,
    clock,
    onWritable: (writable) => events.push(writable ? "writable" : "full"),
    onStuck: () => events.push("stuck"),
  });
  return { connection, clock, events, watch };
}
