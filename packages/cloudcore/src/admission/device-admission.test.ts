import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeviceModel } from "@skerry/api";
import type { JsonObject, JsonValue } from "@skerry/base";
import fc from "fast-check";
import { DeviceAdmission } from "./device-admission.ts";

const model: DeviceModel = {
  apiVersion: "devices.kubeedge.io/v1beta1",
  kind: "DeviceModel",
  metadata: { name: "lamp", namespace: "default" },
  spec: { properties: [{ name: "led", type: "INT", accessMode: "ReadOnly" }] },
};
const admission = new DeviceAdmission((namespace, name) =>
  namespace === "default" && name === "lamp" ? model : undefined,
);

function post(path: string, body: JsonValue): { status: number; response: JsonObject } {
  const answer = admission.handle({ method: "POST", path, body: new TextEncoder().encode(JSON.stringify(body)) });
  const text = new TextDecoder().decode(answer.body);
  return {
    status: answer.status,
    response: answer.status === 200 ? (JSON.parse(text) as { response: JsonObject }).response : {},
  };
}

function review(spec: JsonObject, more: JsonObject = {}): JsonObject {
  return { request: { uid: "u", operation: "CREATE", namespace: "default", object: { spec }, ...more } };
}

const readOnly = { deviceModelRef: { name: "lamp" }, properties: [{ name: "led", desired: { value: "1" } }] };

test("a wrong device is refused with what is wrong, and the review's uid", () => {
  assert.deepEqual(post("/devices", review(readOnly)).response, {
    uid: "u",
    allowed: false,
    status: {
      code: 422,
      reason: "Invalid",
      message: "spec.properties[0].desired.value: property led is read-only in its model",
    },
  });
});

test("what is only suspicious is a warning", () => {
  assert.deepEqual(post("/devices", review({ ...readOnly, deviceModelRef: { name: "later" } })).response, {
    uid: "u",
    allowed: true,
    warnings: ['spec.deviceModelRef.name: there is no DeviceModel "later" here yet'],
  });
});

test("a write that leaves the spec as it is passes, and so does a deletion", () => {
  assert.equal(
    post("/devices", review(readOnly, { operation: "UPDATE", oldObject: { spec: readOnly } })).response["allowed"],
    true,
  );
  assert.equal(post("/devices", review(readOnly, { operation: "DELETE" })).response["allowed"], true);
  assert.equal(
    post("/devices", review(readOnly, { operation: "UPDATE", oldObject: { spec: {} } })).response["allowed"],
    false,
  );
});

test("models are checked by themselves", () => {
  const twice = review({ properties: [{ name: "a" }, { name: "a" }] });
  assert.equal(post("/devicemodels", twice).response["allowed"], false);
});

test("what is no review is answered with an HTTP error, never with a failure", () => {
  assert.equal(admission.handle({ method: "GET", path: "/devices", body: new Uint8Array() }).status, 405);
  assert.equal(admission.handle({ method: "POST", path: "/devices", body: new TextEncoder().encode("?") }).status, 400);
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      post("/devices", value as JsonValue);
      post("/devices", {
        request: { uid: "u", operation: "UPDATE", object: value as JsonValue, oldObject: value as JsonValue },
      });
    }),
  );
});
