import assert from "node:assert/strict";
import { test } from "node:test";
import { kubeEdgeDefinitions } from "@skerry/api";
import { startTestApiServer, type TestApiServer } from "../testing/test-api-server.ts";

const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const ROOT = "/apis/devices.kubeedge.io/v1beta1/namespaces/default";

async function withDevices(): Promise<TestApiServer> {
  const server = await startTestApiServer();
  for (const body of kubeEdgeDefinitions.filter(({ spec }) => spec.group === "devices.kubeedge.io"))
    assert.equal((await server.call("POST", CRDS, { body })).status, 201);
  return server;
}

function model(accessMode: string): object {
  const spec = { properties: [{ name: "led", type: "INT", accessMode }] };
  return { apiVersion: "devices.kubeedge.io/v1beta1", kind: "DeviceModel", metadata: { name: "lamp" }, spec };
}

function device(desired: string): object {
  const properties = [{ name: "led", desired: { value: desired } }];
  const spec = { deviceModelRef: { name: "lamp" }, nodeName: "edge-1", properties };
  return { apiVersion: "devices.kubeedge.io/v1beta1", kind: "Device", metadata: { name: "lamp-1" }, spec };
}

test("a device that its model forbids is refused, with the property's name", async () => {
  await using server = await withDevices();
  await server.call("POST", `${ROOT}/devicemodels`, { body: model("ReadWrite") });
  const refused = await server.call("POST", `${ROOT}/devices`, { body: device("bright") });
  assert.equal(refused.status, 422);
  assert.equal(
    refused.body["message"],
    'Device.devices.kubeedge.io "lamp-1" is invalid: spec.properties[0].desired.value: "bright" of property led is not of its type INT',
  );
  assert.equal((await server.call("POST", `${ROOT}/devices`, { body: device("1") })).status, 201);
});

test("a device may come before its model, and its status is written whatever the model says meanwhile", async () => {
  await using server = await withDevices();
  assert.equal((await server.call("POST", `${ROOT}/devices`, { body: device("1") })).status, 201);
  await server.call("POST", `${ROOT}/devicemodels`, { body: model("ReadOnly") });
  const patch = (body: object) =>
    server.call("PATCH", `${ROOT}/devices/lamp-1`, { body, contentType: "application/merge-patch+json" });
  assert.equal((await patch({ status: { state: "online" } })).status, 200);
  assert.equal((await patch({ spec: { nodeName: "edge-2" } })).status, 422);
});

test("what is only suspicious is stored with a warning, told once as long as the spec stays", async () => {
  await using server = await withDevices();
  const visited = { ...device("1") } as { spec: { properties: object[] } };
  visited.spec.properties = [{ name: "led", visitors: { protocolName: "modbus", configData: { register: "Foo" } } }];
  const created = await server.send("POST", `${ROOT}/devices`, { body: visited });
  assert.equal(created.status, 201);
  const warnings = created.headers["warning"] ?? "";
  assert.match(warnings, /spec\.deviceModelRef\.name: /, "the model is missing");
  assert.match(warnings, /spec\.properties\[0\]\.visitors\.configData: property led lacks offset/);
  const labelled = await server.send("PATCH", `${ROOT}/devices/lamp-1`, {
    body: { metadata: { labels: { a: "b" } } },
    contentType: "application/merge-patch+json",
  });
  assert.equal(labelled.status, 200);
  assert.equal(labelled.headers["warning"], undefined);
});

test("a model with a property named twice is refused", async () => {
  await using server = await withDevices();
  const body = { ...model("ReadOnly"), spec: { properties: [{ name: "a" }, { name: "a" }] } };
  const refused = await server.call("POST", `${ROOT}/devicemodels`, { body });
  assert.equal(refused.status, 422);
  assert.match(String(refused.body["message"]), /property names must be unique: a is there twice/);
});
