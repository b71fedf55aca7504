import assert from "node:assert/strict";
import { test } from "node:test";
import { ConcurrencyLimit } from "./concurrency-limit.ts";
import { settle } from "./testing/index.ts";

test("no more works run at once than allowed, and the others follow in order", async () => {
  const limit = new ConcurrencyLimit(2);
  const began: number[] = [];
  const ends: (() => void)[] = [];
  const works = [1, 2, 3, 4].map((number) =>
    limit.run(() => {
      began.push(number);
      return new Promise<number>((resolve) => ends.push(() => resolve(number)));
    }),
  );
  await settle();
  assert.deepEqual([began, limit.waiting], [[1, 2], 2]);
  ends[1]?.();
  await settle();
  assert.deepEqual([began, limit.waiting], [[1, 2, 3], 1]);
  ends[0]?.();
  ends[2]?.();
  await settle();
  ends[3]?.();
  assert.deepEqual(await Promise.all(works), [1, 2, 3, 4]);
});

test("a work that fails makes room too", async () => {
  const limit = new ConcurrencyLimit(1);
  const failed = limit.run(() => Promise.reject(new Error("no")));
  const next = limit.run(async () => "done");
  await assert.rejects(failed, /no/);
  assert.equal(await next, "done");
});

test("urgent works take every second turn, and the others are not left behind", async () => {
  const limit = new ConcurrencyLimit(1);
  const began: string[] = [];
  const work = (name: string) => async (): Promise<void> => void began.push(name);
  const names = ["first", "a", "b", "c", "urgent 1", "urgent 2"];
  await Promise.all(names.map((name) => limit.run(work(name), name.startsWith("urgent"))));
  assert.deepEqual(began, ["first", "urgent 1", "a", "urgent 2", "b", "c"]);
});
