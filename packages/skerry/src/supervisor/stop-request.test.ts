import assert from "node:assert/strict";
import { test } from "node:test";
import { StopRequest } from "./stop-request.ts";

test("pods have their time in a graceful stop, until somebody wants it to be at once", async () => {
  const request = new StopRequest();
  request.ask("graceful");
  assert.equal(await request.asked, "graceful");
  const pods = Promise.withResolvers<void>();
  let isOver = false;
  const waiting = request.allowTime(pods.promise).then(() => {
    isOver = true;
  });
  request.ask("graceful");
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isOver, false);
  request.ask("at once");
  await waiting;
});

test("a graceful stop goes on when the pods have ended", async () => {
  const request = new StopRequest();
  request.ask("graceful");
  await request.allowTime(Promise.resolve());
});
