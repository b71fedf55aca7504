import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock, settle } from "@skerry/base/testing";
import { StartTurns } from "./start-turns.ts";

const never = new AbortController().signal;

/** Starts that end when told to. */
class Starts {
  readonly clock: ManualClock = new ManualClock();
  readonly busy: boolean[] = [];
  readonly turns: StartTurns = new StartTurns(this.clock, (isBusy) => this.busy.push(isBusy));
  readonly begun: number[] = [];
  readonly ends: (() => void)[] = [];

  start(number: number, signal: AbortSignal = never): Promise<void> {
    return this.turns.run(() => {
      this.begun.push(number);
      return new Promise((resolve) => this.ends.push(resolve));
    }, signal);
  }
}

test("ten pods start at once, the others in the order they came", async () => {
  const starts = new Starts();
  const all = Array.from({ length: 25 }, (_, number) => starts.start(number));
  await settle();
  assert.equal(starts.begun.length, 10);
  for (let ended = 0; ended < 25; ended++) {
    starts.ends[ended]?.();
    await settle();
    assert.ok(starts.begun.length <= ended + 11);
  }
  await Promise.all(all);
  assert.deepEqual(
    starts.begun,
    Array.from({ length: 25 }, (_, number) => number),
  );
  assert.deepEqual(starts.busy, [true, false]);
});

test("starts that are stuck hold the others up for ten seconds only", async () => {
  const starts = new Starts();
  for (let number = 0; number < 11; number++) void starts.start(number);
  await starts.clock.advance(9000);
  assert.equal(starts.begun.length, 10);
  await starts.clock.advance(2000);
  assert.equal(starts.begun.length, 11);
  await starts.clock.advance(9000);
  assert.deepEqual(starts.busy, [true, false]);
});

test("a pod that is deleted while it waits for its turn waits no longer, and takes nobody's", async () => {
  const starts = new Starts();
  for (let number = 0; number < 10; number++) void starts.start(number);
  const deleted = new AbortController();
  const waiting = starts.start(10, deleted.signal);
  const next = starts.start(11);
  deleted.abort(new Error("deleted"));
  await assert.rejects(waiting, /deleted/);
  starts.ends[0]?.();
  await settle();
  assert.deepEqual(starts.begun.slice(10), [11]);
  starts.ends[10]?.();
  await next;
});
