import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestApiServer, type TestRequest } from "../testing/test-api-server.ts";

const MAPS = "/api/v1/namespaces/default/configmaps";

/** Requests, each with its status and the beginning of the answer's message. */
type Cases = readonly (readonly [
  method: string,
  url: string,
  status: number,
  message: string,
  request?: TestRequest,
])[];

async function check(cases: Cases): Promise<void> {
  await using server = await startTestApiServer();
  assert.equal((await server.call("POST", MAPS, { body: { metadata: { name: "a" } } })).status, 201);
  for (const [method, url, status, message, request] of cases) {
    const answer = await server.call(method, url, request);
    assert.equal(answer.status, status, `${method} ${url}: ${JSON.stringify(answer.body)}`);
    assert.equal(String(answer.body["message"] ?? "").slice(0, message.length), message);
  }
}

const LIST = 'ListOptions.meta.k8s.io "" is invalid: ';

test("a list is refused with options that say nothing together", () =>
  check([
    ["GET", `${MAPS}?resourceVersion=1&resourceVersionMatch=NotOlderThan`, 200, ""],
    [
      "GET",
      `${MAPS}?resourceVersionMatch=Exact`,
      422,
      `${LIST}resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided`,
    ],
    [
      "GET",
      `${MAPS}?resourceVersionMatch=Exact&resourceVersion=0`,
      422,
      `${LIST}resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"`,
    ],
    [
      "GET",
      `${MAPS}?sendInitialEvents=true`,
      422,
      `${LIST}sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list`,
    ],
    [
      "GET",
      `${MAPS}?watch=true&sendInitialEvents=true`,
      422,
      `${LIST}resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan`,
    ],
    [
      "GET",
      `${MAPS}?continue=x&resourceVersion=5`,
      400,
      "specifying resource version is not allowed when using continue",
    ],
    ["GET", `${MAPS}/a?resourceVersion=1`, 200, ""],
    ["GET", `${MAPS}/a?resourceVersion=999999`, 504, "Timeout: Too large resource version: 999999, current: "],
  ]));

test("a write is refused with options that are not known, in the words of its kind", () => {
  const merge = { body: {}, contentType: "application/merge-patch+json" };
  const body = { metadata: { name: "b" } };
  return check([
    [
      "POST",
      `${MAPS}?dryRun=foo`,
      422,
      'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["foo"]: supported values: "All"',
      { body },
    ],
    [
      "PUT",
      `${MAPS}/a?fieldValidation=foo`,
      422,
      'UpdateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "foo": supported values: "", "Ignore", "Strict", "Warn"',
      { body },
    ],
    [
      "PATCH",
      `${MAPS}/a?force=true`,
      422,
      'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
      merge,
    ],
    [
      "POST",
      `${MAPS}?fieldManager=${"x".repeat(129)}`,
      422,
      'CreateOptions.meta.k8s.io "" is invalid: fieldManager: Too long: may not be more than 128 bytes',
      { body },
    ],
    [
      "DELETE",
      `${MAPS}/a?propagationPolicy=foo`,
      422,
      'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "foo": supported values: "Foreground", "Background", "Orphan", "nil"',
    ],
    [
      "DELETE",
      `${MAPS}/a`,
      422,
      'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set',
      { body: { propagationPolicy: "Orphan", orphanDependents: true } },
    ],
  ]);
});

test("an object is neither made with a version nor renamed", () => {
  const renamed = "the name of the object (b) does not match the name on the URL (a)";
  const named = { body: { metadata: { name: "b" } }, contentType: "application/merge-patch+json" };
  return check([
    [
      "POST",
      MAPS,
      500,
      "resourceVersion should not be set on objects to be created",
      { body: { metadata: { name: "b", resourceVersion: "5" } } },
    ],
    ["POST", MAPS, 201, "", { body: { metadata: { name: "c", resourceVersion: "" } } }],
    ["PUT", `${MAPS}/a`, 400, renamed, { body: { metadata: { name: "b" } } }],
    ["PATCH", `${MAPS}/a`, 400, renamed, named],
    ["PATCH", `${MAPS}/a`, 200, "", { ...named, body: { metadata: { name: "a", labels: { x: "y" } } } }],
  ]);
});
