import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock, SeededRandom } from "@skerry/base/testing";
import fc from "fast-check";
import { decodeMessage, encodeMessage } from "../../message-codec.ts";
import { digestOf, isSameDigest, type SetEntry } from "./set-digest.ts";
import {
  digestReport,
  INVENTORY_PAGE,
  inventoryReports,
  setReportOf,
  setRequestMessage,
  setRequestOf,
} from "./set-messages.ts";

const stamp = { clock: new ManualClock(), random: new SeededRandom() };

const entry: fc.Arbitrary<SetEntry> = fc.record({
  type: fc.constantFrom("pod", "configmap", "device"),
  namespace: fc.constantFrom("", "default", "plant"),
  name: fc.constantFrom("a", "b", "ab", "web"),
  uid: fc.uuid(),
  resourceVersion: fc.nat(1_000_000).map(String),
});

test("a digest does not depend on the order, and any other version, UID or missing object changes it", () => {
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 40 }), fc.nat(), (entries, pick) => {
      const digest = digestOf(entries);
      assert.ok(isSameDigest(digest, digestOf([...entries].reverse())));
      const index = pick % entries.length;
      const [chosen] = entries.slice(index, index + 1);
      assert.ok(chosen);
      const rest = entries.toSpliced(index, 1);
      assert.ok(!isSameDigest(digest, digestOf(rest)));
      const newer = { ...chosen, resourceVersion: `${chosen.resourceVersion}0` };
      const other = { ...chosen, uid: chosen.uid.replace(/.$/, (digit) => (digit === "0" ? "1" : "0")) };
      assert.equal(isSameDigest(digest, digestOf([...rest, newer])), newer.resourceVersion === chosen.resourceVersion);
      assert.ok(!isSameDigest(digest, digestOf([...rest, other])));
    }),
  );
});

test("a digest tells the highest version as a number, not as a text", () => {
  const base = { type: "pod", namespace: "default", name: "a", uid: "u" };
  const versions = ["9", "10", "", "no number", "123456789012345678901234567890"];
  assert.equal(digestOf(versions.map((resourceVersion) => ({ ...base, resourceVersion }))).highest, versions[4]);
  assert.equal(digestOf([]).highest, "0");
});

test("questions and answers survive the way over the link", () => {
  for (const request of [
    { kind: "digest", types: ["pod", "node"] },
    { kind: "inventory", types: ["pod"] },
    { kind: "incarnation" },
  ] as const)
    assert.deepEqual(setRequestOf(decodeMessage(encodeMessage(setRequestMessage(stamp, request)))), request);
  const digests = new Map([["pod", digestOf([])]]);
  assert.deepEqual(setReportOf(digestReport(stamp, "question", digests)), {
    kind: "digest",
    requestId: "question",
    digests,
  });
});

test("an inventory comes in pages, the last one marked, also when there is nothing", () => {
  const entries = Array.from({ length: 2 * INVENTORY_PAGE + 1 }, (_, index) => ({
    type: "pod",
    namespace: "default",
    name: `p${index}`,
    uid: `u${index}`,
    resourceVersion: String(index),
  }));
  const reports = inventoryReports(stamp, "question", entries).map((message) => setReportOf(message));
  assert.deepEqual(
    reports.map((report) => report?.kind === "inventory" && report.isLast),
    [false, false, true],
  );
  assert.deepEqual(
    reports.flatMap((report) => (report?.kind === "inventory" ? report.entries : [])),
    entries,
  );
  assert.equal(inventoryReports(stamp, "question", []).length, 1);
});

test("an answer that is not well formed is none, whatever a node sends", () => {
  const good = digestReport(stamp, "question", new Map([["pod", digestOf([])]]));
  for (const content of [
    null,
    "digest",
    {},
    { digests: [] },
    { digests: { pod: { count: 1, sum: "short", highest: "1" } } },
    { digests: { pod: { count: 1, sum: "0123456789abcdef", highest: "-1" } } },
  ])
    assert.equal(setReportOf({ ...good, content }), undefined, JSON.stringify(content));
  const [inventory] = inventoryReports(stamp, "question", []);
  assert.ok(inventory);
  for (const entries of [[["pod", "default"]], [["pod", "default", "a", "u", 1]], [["x".repeat(2000), "", "", "", ""]]])
    assert.equal(setReportOf({ ...inventory, content: { page: 0, last: true, entries } }), undefined);
  const unasked = { ...good, header: { msg_id: "1", timestamp: 0 } };
  assert.equal(setReportOf(unasked), undefined);
});
