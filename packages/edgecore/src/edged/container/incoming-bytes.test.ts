import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { IncomingBytes } from "./incoming-bytes.ts";

const part = (ref: string, receivedBytes: number, totalBytes: number) => ({ ref, receivedBytes, totalBytes });

test("parts that are listed no longer count as whole, and those to come are added", () => {
  const bytes = new IncomingBytes();
  bytes.look([]);
  assert.equal(bytes.look([part("a", 10, 100), part("b", 0, 50)]), true);
  assert.deepEqual(bytes.sum, { receivedBytes: 10, totalBytes: 150 });
  assert.equal(bytes.look([part("b", 20, 50)]), true);
  assert.deepEqual(bytes.sum, { receivedBytes: 120, totalBytes: 150 });
  assert.equal(bytes.look([part("b", 20, 50)]), false);
  assert.equal(bytes.look([part("b", 20, 50), part("c", 1, 7)]), true);
  assert.deepEqual(bytes.sum, { receivedBytes: 121, totalBytes: 157 });
});

test("what an earlier pull has left does not count, unless this one goes on with it", () => {
  const bytes = new IncomingBytes();
  bytes.look([part("left", 40, 100), part("resumed", 5, 10)]);
  bytes.look([part("left", 40, 100), part("resumed", 6, 10)]);
  assert.deepEqual(bytes.sum, { receivedBytes: 6, totalBytes: 10 });
});

test("parts that vanish when a pull has failed count no more, those that are there already do", () => {
  const bytes = new IncomingBytes();
  bytes.look([]);
  bytes.look([part("whole", 5, 10), part("failed", 10, 100), part("other", 1, 50)]);
  bytes.look([part("failed", 10, 100), part("other", 1, 50)]);
  bytes.pullFailed();
  assert.equal(bytes.look([part("other", 1, 50)]), false);
  assert.deepEqual(bytes.sum, { receivedBytes: 11, totalBytes: 60 });
  assert.equal(bytes.look([]), true);
  assert.deepEqual(bytes.sum, { receivedBytes: 60, totalBytes: 60 });
});

test("a part whose size the registry does not tell leaves the total unknown", () => {
  const bytes = new IncomingBytes();
  bytes.look([]);
  bytes.look([part("a", 3, 0), part("b", 4, 9)]);
  assert.deepEqual(bytes.sum, { receivedBytes: 7, totalBytes: undefined });
});

test("whatever is listed, no more has arrived than there is, and what is kept is bounded", () => {
  const listed = fc.array(
    fc.record({
      ref: fc.nat(4000).map(String),
      receivedBytes: fc.nat(9),
      totalBytes: fc.nat(9).map((more) => more + 9),
    }),
    { maxLength: 3000 },
  );
  fc.assert(
    fc.property(fc.array(listed, { maxLength: 5 }), (looks) => {
      const bytes = new IncomingBytes();
      for (const look of looks) bytes.look(look);
      const { receivedBytes, totalBytes = 0 } = bytes.sum;
      assert.ok(receivedBytes <= totalBytes);
      assert.ok(totalBytes <= 2000 * 18);
    }),
    { numRuns: 30 },
  );
});
