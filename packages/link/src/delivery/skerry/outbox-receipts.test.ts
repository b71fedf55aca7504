import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isOutboxMessageId, OutboxReceipts, outboxMessageId } from "./outbox-receipts.ts";

const STREAM = "00000000-0000-4000-8000-000000000001";

test("ids of the outbox are told from others", () => {
  assert.ok(isOutboxMessageId(outboxMessageId(STREAM, 7)));
  for (const other of ["", STREAM, "outbox:7", `outbox:${STREAM}:`, `outbox:${STREAM}:7x`])
    assert.ok(!isOutboxMessageId(other), other);
});

test("a message whose answer was lost is done once, over sessions too; one that failed is tried again", () => {
  const receipts = new OutboxReceipts();
  assert.equal(receipts.receive("a", 0), "new");
  assert.equal(receipts.receive("a", 1), "pending");
  receipts.answer("a", true);
  receipts.sessionBegins();
  assert.equal(receipts.receive("a", 2), "done");
  assert.equal(receipts.receive("b", 2), "new");
  receipts.answer("b", false);
  assert.equal(receipts.receive("b", 3), "new");
  assert.equal(receipts.duplicateCount, 2);
});

test("a message that nobody answers is handled again after a while, and at once in a new session", () => {
  const receipts = new OutboxReceipts(64, 1_000);
  receipts.receive("a", 0);
  assert.equal(receipts.receive("a", 999), "pending");
  assert.equal(receipts.receive("a", 1_000), "new");
  receipts.sessionBegins();
  assert.equal(receipts.receive("a", 1_001), "new");
});

test("whatever happens, nothing among the newest that was done is new again, and memory is bounded", () => {
  const limit = 4;
  const step = fc.record({
    kind: fc.constantFrom("receive" as const, "succeed" as const, "fail" as const, "session" as const),
    id: fc.constantFrom("a", "b", "c", "d", "e", "f"),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const receipts = new OutboxReceipts(limit, 1_000);
      /** The newest ids, in the order in which they were last heard of; one that fell out is forgotten for good. */
      let order: string[] = [];
      const done = new Set<string>();
      for (const { kind, id } of steps) {
        if (kind === "receive") {
          const verdict = receipts.receive(id, 0);
          if (done.has(id) && order.includes(id)) assert.equal(verdict, "done");
          if (verdict === "new") order = [...order.filter((other) => other !== id), id].slice(-limit);
          if (verdict === "new") done.delete(id);
        }
        if (kind === "succeed" || kind === "fail") {
          receipts.answer(id, kind === "succeed");
          order = order.filter((other) => other !== id);
          if (kind === "succeed") order = [...order, id].slice(-limit);
          if (kind === "succeed") done.add(id);
          else done.delete(id);
        }
        if (kind === "session") {
          receipts.sessionBegins();
          order = order.filter((other) => done.has(other));
        }
        assert.ok(receipts.size <= limit);
      }
      for (const id of order) if (done.has(id)) assert.equal(receipts.receive(id, 0), "done");
    }),
    { numRuns: 500 },
  );
});
