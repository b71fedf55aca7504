import assert from "node:assert/strict";
import { test } from "node:test";
import type { Status } from "@skerry/api";
import {
  errorStatusContent,
  errorStatusOf,
  isObjectResponse,
  objectOf,
  objectResponseContent,
} from "./object-response.ts";

const status: Status = {
  kind: "Status",
  apiVersion: "v1",
  metadata: {},
  status: "Failure",
  message: 'configmap "cm1" not found',
  reason: "NotFound",
  details: { name: "cm1", kind: "configmap" },
  code: 404,
};

test("a failure is written as KubeEdge writes it, in both forms, and read back", () => {
  const content = objectResponseContent({ kind: "error", status });
  assert.equal(
    JSON.stringify(content),
    '{"Object":null,"Err":{"ErrStatus":{"metadata":{},"status":"Failure","message":"configmap \\"cm1\\" not found","reason":"NotFound","details":{"name":"cm1","kind":"configmap"},"code":404}}}',
  );
  assert.deepEqual(errorStatusOf(content), status);
  assert.deepEqual(errorStatusOf(errorStatusContent(status)), status);
  assert.equal(objectOf(content), undefined);
});

test("an object is found bare and in an answer", () => {
  const object = { apiVersion: "v1", kind: "Pod", metadata: { name: "web" } };
  assert.deepEqual(objectOf(objectResponseContent({ kind: "object", object })), object);
  assert.deepEqual(objectOf({ ...object }), object);
  assert.equal(errorStatusOf(objectResponseContent({ kind: "object", object })), undefined);
});

test("an error that lost its text is still an error, and the zero object next to it no object", () => {
  const content = { Object: { metadata: { creationTimestamp: null }, spec: {} }, Err: {} };
  assert.ok(isObjectResponse(content));
  assert.equal(errorStatusOf(content)?.code, 500);
  assert.equal(objectOf(content), undefined);
});

test("texts and lists carry neither object nor failure", () => {
  for (const content of ["OK", null, 7, [], [{ metadata: {} }], {}]) {
    assert.equal(objectOf(content), undefined);
    assert.equal(errorStatusOf(content), undefined);
  }
});
