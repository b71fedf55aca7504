import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeJobPath, nodeJobReportContent, parseNodeJobPath, readNodeJobReport } from "./node-jobs.ts";

test("a job's path is read by position, also of a job that is called node", () => {
  for (const job of ["pull", "node", "v1alpha2"]) {
    const path = { type: "imageprepulljob", job, node: "edge-1" } as const;
    assert.deepEqual(parseNodeJobPath(nodeJobPath(path)), path);
  }
});

test("what is no job's path is not taken for one", () => {
  for (const path of [
    undefined,
    "",
    "prepull/task-1/node/edge-1",
    "operations.kubeedge.io/v1alpha1/imageprepulljob/pull/node/edge-1",
    "operations.kubeedge.io/v1alpha2/otherjob/pull/node/edge-1",
    "operations.kubeedge.io/v1alpha2/toString/pull/node/edge-1",
    "operations.kubeedge.io/v1alpha2/imageprepulljob/pull/nodes/edge-1",
    "operations.kubeedge.io/v1alpha2/imageprepulljob//node/edge-1",
    "operations.kubeedge.io/v1alpha2/imageprepulljob/pull/node/",
    "operations.kubeedge.io/v1alpha2/imageprepulljob/pull/node/edge-1/more",
  ])
    assert.equal(parseNodeJobPath(path), undefined, path);
});

test("a report crosses the link with KubeEdge's members", () => {
  const report = {
    action: "Pull",
    succeeded: false,
    finishTime: "2026-01-02T03:04:05Z",
    reason: "no such image",
    extend: "[]",
  };
  assert.deepEqual(nodeJobReportContent(report), {
    action: "Pull",
    succ: false,
    finishTime: "2026-01-02T03:04:05Z",
    reason: "no such image",
    extend: "[]",
  });
  assert.deepEqual(readNodeJobReport(nodeJobReportContent({ ...report, jobUid: "uid-1" })), {
    ...report,
    jobUid: "uid-1",
  });
});

test("a report of another shape is none, and texts of absurd length are cut", () => {
  for (const content of [null, "no", 7, [], {}, { action: "Check" }, { action: 1, succ: true }])
    assert.equal(readNodeJobReport(content), undefined, JSON.stringify(content));
  const report = readNodeJobReport({ action: "Check", succ: true, reason: "x".repeat(10_000), finishTime: 5 });
  assert.equal(report?.reason.length, 2_000);
  assert.equal(report?.finishTime, "");
});
