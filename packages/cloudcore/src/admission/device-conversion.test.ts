import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject, JsonValue } from "@skerry/base";
import { convertDevices } from "./device-conversion.ts";

const older = {
  apiVersion: "devices.kubeedge.io/v1alpha2",
  kind: "DeviceModel",
  metadata: { name: "lamp", namespace: "default", uid: "1" },
  spec: { properties: [{ name: "led", type: { int: { accessMode: "ReadOnly" } } }] },
};

function post(request: JsonValue): { readonly status: number; readonly response: JsonObject } {
  const { status, body } = convertDevices({
    method: "POST",
    body: new TextEncoder().encode(JSON.stringify({ request })),
  });
  const text = new TextDecoder().decode(body);
  return { status, response: status === 200 ? (JSON.parse(text) as { response: JsonObject }).response : {} };
}

test("objects of v1alpha2 are answered as v1beta1, and back as they were", () => {
  const { response } = post({ uid: "u", desiredAPIVersion: "devices.kubeedge.io/v1beta1", objects: [older] });
  assert.deepEqual([response["uid"], response["result"]], ["u", { status: "Success" }]);
  const [newer] = response["convertedObjects"] as JsonObject[];
  assert.deepEqual(newer?.["spec"], { properties: [{ name: "led", type: "INT", accessMode: "ReadOnly" }] });
  const back = post({ uid: "v", desiredAPIVersion: older.apiVersion, objects: [newer ?? null] });
  assert.deepEqual(back.response["convertedObjects"], [older]);
});

test("objects of v1alpha1 are answered as v1beta1, and as v1alpha2", () => {
  const first = { ...older, apiVersion: "devices.kubeedge.io/v1alpha1" };
  for (const version of ["v1beta1", "v1alpha2"]) {
    const desiredAPIVersion = `devices.kubeedge.io/${version}`;
    const { response } = post({ uid: "u", desiredAPIVersion, objects: [first] });
    const [converted] = response["convertedObjects"] as JsonObject[];
    assert.equal(converted?.["apiVersion"], desiredAPIVersion);
    const back = post({ uid: "v", desiredAPIVersion: first.apiVersion, objects: [converted ?? null] });
    assert.deepEqual(back.response["convertedObjects"], [first]);
  }
});

test("other kinds and versions are refused with what is converted", () => {
  const pod = { apiVersion: "v1", kind: "Pod", metadata: {} };
  for (const [objects, desiredAPIVersion] of [
    [[pod], "devices.kubeedge.io/v1beta1"],
    [[older, { ...older, apiVersion: "devices.kubeedge.io/v1" }], "devices.kubeedge.io/v1beta1"],
    [[older], "devices.kubeedge.io/v2"],
  ] as const) {
    const { response } = post({ uid: "u", desiredAPIVersion, objects: [...objects] });
    assert.match(JSON.stringify(response["result"]), /"Failure".*CloudCore converts Devices and DeviceModels/);
  }
});

test("what is no review is told so", () => {
  for (const request of [null, "x", { uid: 1, objects: [] }, { uid: "u" }]) assert.equal(post(request).status, 400);
  assert.equal(convertDevices({ method: "GET", body: new Uint8Array() }).status, 405);
});
