import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom } from "@skerry/base/testing";
import { newMessage } from "@skerry/link";
import { defaultSessionPolicy, LinkSession } from "./link-session.ts";
import { FakeConnection } from "./testing/fake-cloud.ts";

for (const direction of ["sent", "received"] as const)
  test(`an idle link that is cut right after a message was ${direction} is found within 10 s, whenever that is`, async () => {
    // From right after a ping to right before the next one.
    for (let idleMs = 40_100; idleMs < 60_100; idleMs += 1_000) {
      const clock = new ManualClock();
      const random = new SeededRandom();
      const connection = new FakeConnection(() => undefined, { "skerry-delivery": "1" });
      let endedAtMs = Number.POSITIVE_INFINITY;
      const onEnd = (): void => {
        endedAtMs = clock.monotonicMs();
      };
      const ports = { clock, random, logger: silentLogger };
      const session = new LinkSession(connection, ports, defaultSessionPolicy, {
        onMessage: () => undefined,
        onEnd,
      });
      session.start();
      await clock.advance(idleMs);
      const route = { source: "edgecontroller", group: "resource", operation: "update", resource: "r" } as const;
      const message = newMessage({ clock, random }, route, {});
      if (direction === "sent") session.send(message);
      else connection.deliver(message);
      connection.alive = false;
      await clock.advance(60_000);
      assert.ok(endedAtMs - idleMs <= 10_000, `after ${endedAtMs - idleMs} ms, cut at ${idleMs} ms`);
      assert.equal(clock.timerCount, 0);
    }
  });

test("messages of a busy link set no timer anew", async () => {
  const clock = new ManualClock();
  const random = new SeededRandom();
  const connection = new FakeConnection(() => undefined, { "skerry-delivery": "1" });
  const events = { onMessage: () => undefined, onEnd: () => undefined };
  let timers = 0;
  const counting = {
    now: () => clock.now(),
    monotonicMs: () => clock.monotonicMs(),
    setTimer: (delayMs: number, callback: () => void) => {
      timers++;
      return clock.setTimer(delayMs, callback);
    },
  };
  const ports = { clock: counting, random, logger: silentLogger };
  const session = new LinkSession(connection, ports, defaultSessionPolicy, events);
  session.start();
  await clock.advance(60_000);
  const before = timers;
  const route = { source: "edgecontroller", group: "resource", operation: "update", resource: "r" } as const;
  for (let count = 0; count < 1_000; count++) {
    await clock.advance(count % 100 === 0 ? 1 : 0);
    session.send(newMessage({ clock, random }, route, {}));
  }
  assert.ok(timers - before <= 1, `${timers - before} timers`);
  session.end("over");
});
