import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { TokenBucket } from "./token-bucket.ts";

test("a burst passes at once, then so many a second", () => {
  const bucket = new TokenBucket({ burst: 3, perSecond: 10 }, 0);
  assert.deepEqual(
    [0, 0, 0, 0, 0].map((nowMs) => bucket.take(nowMs)),
    [0, 0, 0, 100, 200],
  );
  assert.equal(bucket.take(1_000), 0);
});

test("whoever waits as long as is said never passes more than burst and rate allow", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 200 }), (gaps) => {
      const limit = { burst: 5, perSecond: 100 };
      const bucket = new TokenBucket(limit, 0);
      let nowMs = 0;
      let passed = 0;
      for (const gapMs of gaps) {
        nowMs += gapMs;
        const waitMs = bucket.take(nowMs);
        passed++;
        nowMs += waitMs;
        assert.ok(passed <= limit.burst + 1 + (nowMs * limit.perSecond) / 1000);
      }
    }),
  );
});
