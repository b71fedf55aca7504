import assert from "node:assert/strict";
import { test } from "node:test";
import { DueDevices } from "./due-devices.ts";

const anyone = (): boolean => true;

function takeAll(due: DueDevices, nowMs: number): string[] {
  const taken: string[] = [];
  for (let next = due.take(nowMs, anyone); next !== undefined; next = due.take(nowMs, anyone)) taken.push(next);
  return taken;
}

test("devices are taken when they are due, the longest waiting first", () => {
  const due = new DueDevices(0);
  due.add("c", 20);
  due.add("a", 0);
  due.add("b", 10);
  due.add("c", 30);
  assert.deepEqual(takeAll(due, 10), ["a", "b"]);
  assert.equal(due.nextMs(10), 20, "the earlier time counts");
  assert.deepEqual([due.has("c"), due.has("a")], [true, false]);
  assert.deepEqual(takeAll(due, 20), ["c"]);
  assert.equal(due.nextMs(20), Number.POSITIVE_INFINITY);
});

test("a device that has changed once does not wait behind those that change on and on", () => {
  const due = new DueDevices(0);
  const busy = Array.from({ length: 100 }, (_, index) => `busy-${index}`);
  for (const [index, device] of busy.entries()) due.add(device, index % 2);
  due.nextMs(0); // Half of them are due.
  for (const device of busy) due.changedAgain(device);
  due.add("quiet", 0);
  assert.equal(due.take(1, anyone), "quiet");
});

test("a device that changes on and on gets its turn however many others come", () => {
  const due = new DueDevices(0);
  due.add("busy", 0);
  due.nextMs(0);
  due.changedAgain("busy");
  const taken: (string | undefined)[] = [];
  for (let index = 0; index < 4; index++) {
    due.add(`quiet-${index}-a`, 0);
    due.add(`quiet-${index}-b`, 0);
    taken.push(due.take(0, anyone));
  }
  assert.ok(taken.includes("busy"), taken.join());
});

test("one that may not be taken now keeps its place", () => {
  const due = new DueDevices(0);
  due.add("a", 0);
  due.add("b", 0);
  assert.equal(
    due.take(0, (device) => device !== "a"),
    "b",
  );
  assert.equal(due.take(0, anyone), "a");
});

test("after a pause all are due at once, and one that is gone is not", () => {
  const due = new DueDevices(0);
  for (const device of ["a", "b", "c"]) due.add(device, 1_000);
  due.delete("b");
  due.hurry();
  assert.deepEqual(takeAll(due, 0), ["a", "c"]);
});

test("devices that change on and on are spread over the interval, one that changed once goes between them", () => {
  const due = new DueDevices(100);
  const names = ["a", "b", "c", "d"];
  for (const name of names) {
    due.add(name, 0);
    due.nextMs(0);
    due.changedAgain(name);
  }
  const taken: [string, number][] = [];
  for (let nowMs = 0; taken.length <= names.length; ) {
    if (nowMs === 25) due.add("once", 0);
    for (const name of takeAll(due, nowMs)) taken.push([name, nowMs]);
    const nextMs = due.nextMs(nowMs);
    if (nextMs === Number.POSITIVE_INFINITY) break;
    assert.ok(nextMs > nowMs, "no turn in vain");
    nowMs = nextMs;
  }
  assert.deepEqual(
    taken.filter(([name]) => name !== "once").map(([name]) => name),
    names,
  );
  assert.deepEqual(
    taken.find(([name]) => name === "once"),
    ["once", 25],
  );
  assert.ok((taken.at(-1)?.[1] ?? 0) <= 100, "all within the interval");
});

test("a device on its way is nothing to wait for", () => {
  const due = new DueDevices(100);
  due.add("a", 0);
  due.nextMs(0);
  due.changedAgain("a");
  assert.equal(
    due.take(0, () => false),
    undefined,
  );
  assert.equal(due.nextMs(0), Number.POSITIVE_INFINITY);
});
