import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { defaultPublishQueueLimits, type Publication, PublishQueue } from "./publish-queue.ts";

const publication = (topic: string): Publication => ({ topic, payload: "x" });

test("what was not acknowledged comes first, in order, on the next connection", () => {
  const queue = new PublishQueue({ ...defaultPublishQueueLimits, window: 2 });
  for (const topic of ["a", "b", "c"]) queue.push(publication(topic));
  const first = queue.take();
  const second = queue.take();
  assert.equal(queue.take(), undefined, "the window is full");
  assert.ok(first && second);
  queue.acknowledge(first);
  queue.startOver();
  assert.deepEqual([queue.take()?.topic, queue.take()?.topic], ["b", "c"]);
});

test("a publication that ends every connection is dropped, counted", () => {
  const queue = new PublishQueue({ ...defaultPublishQueueLimits, maximumAttempts: 2 });
  queue.push(publication("poison"));
  for (let attempt = 0; attempt < 2; attempt++) {
    assert.equal(queue.take()?.topic, "poison");
    queue.startOver();
  }
  assert.equal(queue.take(), undefined);
  assert.equal(queue.droppedCount, 1);
});

test("whatever happens, limits hold, the order stays, and nothing is lost uncounted", () => {
  const limits = { maximumCount: 4, maximumBytes: 30, window: 2, maximumAttempts: 3 };
  const action = fc.oneof(
    fc.record({ kind: fc.constant("push" as const), size: fc.integer({ min: 0, max: 20 }) }),
    fc.record({ kind: fc.constantFrom("take", "acknowledge", "startOver") }),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const queue = new PublishQueue(limits);
      const taken: Publication[] = [];
      let pushed = 0;
      let acknowledged = 0;
      let lastAcknowledged = -1;
      for (const current of actions) {
        if (current.kind === "push") {
          queue.push({ topic: String(pushed++), payload: "x".repeat("size" in current ? current.size : 0) });
        } else if (current.kind === "take") {
          const next = queue.take();
          if (next) taken.push(next);
        } else if (current.kind === "acknowledge") {
          const done = taken.shift();
          if (done) {
            queue.acknowledge(done);
            acknowledged++;
            assert.ok(Number(done.topic) > lastAcknowledged);
            lastAcknowledged = Number(done.topic);
          }
        } else {
          taken.length = 0;
          queue.startOver();
        }
        assert.ok(queue.length <= limits.maximumCount);
        assert.equal(pushed, acknowledged + queue.droppedCount + queue.length);
      }
    }),
  );
});
