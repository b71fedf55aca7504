import assert from "node:assert/strict";
import { test } from "node:test";
import { type Application, applicationContent, parseApplication, parseApplicationOutcome } from "./application.ts";

/** As KubeEdge's edge writes it (wire.md 12.4). */
const recorded = {
  ID: "abc",
  Key: "/core/v1/pods/default/p1",
  Verb: "get",
  Nodename: "edge-1",
  Option: "e30=",
  ReqBody: null,
  Subresource: "",
  RespBody: null,
  Status: "InApplying",
  Reason: "",
  Error: { ErrStatus: { metadata: {} } },
  Timestamp: "0001-01-01T00:00:00Z",
};
const application: Application = {
  id: "abc",
  key: "/core/v1/pods/default/p1",
  verb: "get",
  nodeName: "edge-1",
  option: {},
  subresource: "",
};

test("an application is written and read as KubeEdge does", () => {
  assert.deepEqual(applicationContent(application), recorded);
  assert.deepEqual(parseApplication(recorded), application);
  const patch: Application = { ...application, verb: "patch", option: { Data: "äöü" }, requestBody: '{"a":"ß"}' };
  assert.deepEqual(parseApplication(applicationContent(patch)), patch);
});

test("an answer carries the object, or why there is none", () => {
  const approved = applicationContent(application, { kind: "approved", responseBody: '{"kind":"Pod"}' });
  assert.equal(approved["Status"], "Approved");
  assert.equal(approved["RespBody"], "eyJraW5kIjoiUG9kIn0=");
  assert.deepEqual(parseApplicationOutcome(approved), { kind: "approved", responseBody: '{"kind":"Pod"}' });
  const status = { code: 404, reason: "NotFound", message: "no such pod" } as const;
  const rejected = applicationContent(application, {
    kind: "rejected",
    status: { ...status, kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure" },
  });
  assert.equal(rejected["Status"], "Rejected");
  const outcome = parseApplicationOutcome(rejected);
  assert.ok(outcome?.kind === "rejected");
  assert.equal(outcome.status.code, 404);
  assert.equal(outcome.status.message, "no such pod");
});

test("a refusal without a Status has the text that came with it", () => {
  const outcome = parseApplicationOutcome({ ...recorded, Status: "Rejected", Reason: "dial failed" });
  assert.ok(outcome?.kind === "rejected");
  assert.deepEqual([outcome.status.code, outcome.status.message], [500, "dial failed"]);
});

test("what is no application is none", () => {
  for (const content of [
    null,
    "x",
    [],
    {},
    { ...recorded, ID: "" },
    { ...recorded, Verb: "deletecollection" },
    { ...recorded, Key: 7 },
    { ...recorded, Option: "bm8=" },
    { ...recorded, Option: 5 },
    { ...recorded, ReqBody: {} },
  ])
    assert.equal(parseApplication(content), undefined, JSON.stringify(content));
  for (const content of [null, {}, { Status: "InApplying" }, { Status: "Approved", RespBody: {} }])
    assert.equal(parseApplicationOutcome(content), undefined);
});
