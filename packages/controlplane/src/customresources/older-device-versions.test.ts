import assert from "node:assert/strict";
import { test } from "node:test";
import { kubeEdgeDefinitions } from "@skerry/api";
import { startTestApiServer, type TestApiServer } from "../testing/test-api-server.ts";

const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const GROUP = "/apis/devices.kubeedge.io";
const OLDEST = `${GROUP}/v1alpha1/namespaces/default`;
const OLDER = `${GROUP}/v1alpha2/namespaces/default`;
const NEWER = `${GROUP}/v1beta1/namespaces/default`;

const model = (accessMode: string): object => ({
  apiVersion: "devices.kubeedge.io/v1alpha2",
  kind: "DeviceModel",
  metadata: { name: "counter-model", namespace: "default" },
  spec: { properties: [{ name: "status", type: { string: { accessMode, defaultValue: "" } } }] },
});

const device = {
  apiVersion: "devices.kubeedge.io/v1alpha2",
  kind: "Device",
  metadata: { name: "counter" },
  spec: {
    deviceModelRef: { name: "counter-model" },
    nodeSelector: { nodeSelectorTerms: [{ matchExpressions: [{ key: "", operator: "In", values: ["edge-1"] }] }] },
  },
  status: {
    twins: [{ propertyName: "status", desired: { value: "OFF" }, reported: { value: "0" } }],
  },
};

async function withDefinitions(server: TestApiServer): Promise<void> {
  for (const body of kubeEdgeDefinitions.filter(({ spec }) => spec.group === "devices.kubeedge.io"))
    assert.equal((await server.call("POST", CRDS, { body })).status, 201);
}

async function withDevices(accessMode: string): Promise<TestApiServer> {
  const server = await startTestApiServer();
  await withDefinitions(server);
  assert.equal((await server.call("POST", `${OLDER}/devicemodels`, { body: model(accessMode) })).status, 201);
  return server;
}

const desiredOf = ({ body }: { body: Record<string, unknown> }): unknown =>
  (body["spec"] as { properties: { desired?: { value: string } }[] }).properties[0]?.desired?.value;
const twinOf = ({ body }: { body: Record<string, unknown> }): unknown =>
  (body["status"] as { twins: unknown[] }).twins[0];

test("a v1alpha2 device is served in both versions, and v1beta1 stays the preferred one", async () => {
  await using server = await withDevices("ReadWrite");
  const created = await server.call("POST", `${OLDER}/devices`, { body: device });
  assert.equal(created.status, 201, JSON.stringify(created.body));
  const newer = await server.call("GET", `${NEWER}/devices/counter`);
  assert.equal(desiredOf(newer), "OFF");
  assert.equal(newer.body["apiVersion"], "devices.kubeedge.io/v1beta1");
  assert.equal(newer.body["status"], undefined, "what a manifest calls reported nobody has reported");
  const older = await server.call("GET", `${OLDER}/devices/counter`);
  assert.deepEqual(older.body["spec"], device.spec);
  const group = await server.call("GET", GROUP);
  assert.deepEqual(group.body["preferredVersion"], {
    groupVersion: "devices.kubeedge.io/v1beta1",
    version: "v1beta1",
  });
});

test("a v1alpha2 client's patch of the wanted value leaves what the edge has reported", async () => {
  await using server = await withDevices("ReadWrite");
  await server.call("POST", `${OLDER}/devices`, { body: device });
  const contentType = "application/merge-patch+json";
  const twins = [{ propertyName: "status", reported: { value: "41" } }];
  await server.call("PATCH", `${NEWER}/devices/counter`, { contentType, body: { status: { twins } } });
  const body = { status: { twins: [{ propertyName: "status", desired: { value: "ON" } }] } };
  const patched = await server.call("PATCH", `${OLDER}/devices/counter`, { contentType, body });
  assert.equal(patched.status, 200, JSON.stringify(patched.body));
  assert.deepEqual(twinOf(patched), {
    propertyName: "status",
    reported: { value: "41" },
    desired: { value: "ON" },
  });
  assert.equal(desiredOf(await server.call("GET", `${NEWER}/devices/counter`)), "ON");
  const again = await server.call("PATCH", `${OLDER}/devices/counter`, { contentType, body });
  const versionOf = (object: Record<string, unknown>): unknown =>
    (object["metadata"] as { resourceVersion: string }).resourceVersion;
  assert.equal(versionOf(again.body), versionOf(patched.body), "the same once more is no change");
});

test("a v1alpha2 device that wants a read-only property to change is refused by the property's name", async () => {
  await using server = await withDevices("ReadOnly");
  const refused = await server.call("POST", `${OLDER}/devices`, { body: device });
  assert.equal(refused.status, 422);
  assert.match(String(refused.body["message"]), /property status is read-only in its model/);
});

test("v1alpha1 devices and models are taken as they are, and read in every version", async () => {
  await using server = await startTestApiServer();
  await withDefinitions(server);
  const apiVersion = "devices.kubeedge.io/v1alpha1";
  const oldModel = {
    ...model("ReadWrite"),
    apiVersion,
    spec: {
      properties: [{ name: "status", type: { int: { accessMode: "ReadWrite", maximum: 9, defaultValue: 1 } } }],
      propertyVisitors: [
        { propertyName: "status", modbus: { register: "CoilRegister", offset: 3 }, collectCycle: 5e8 },
      ],
    },
  };
  const created = await server.send("POST", `${OLDEST}/devicemodels`, { body: oldModel });
  assert.equal(created.status, 201, String(created.body));
  assert.deepEqual(created.headers["warning"]?.match(/"[^"]*"/g), [
    '"counter-model: a model has no cycles any more; set those of status in its devices"',
    '"counter-model: the default value of property status has no place any more"',
  ]);
  const oldDevice = { ...device, apiVersion, status: { twins: [{ propertyName: "status", desired: { value: "3" } }] } };
  assert.equal((await server.call("POST", `${OLDEST}/devices`, { body: oldDevice })).status, 201);
  assert.equal(desiredOf(await server.call("GET", `${NEWER}/devices/counter`)), "3");
  const visitors = { protocolName: "modbus", configData: { register: "CoilRegister", offset: 3 } };
  const newerModel = await server.call("GET", `${NEWER}/devicemodels/counter-model`);
  assert.deepEqual((newerModel.body["spec"] as { properties: unknown[] }).properties, [
    { name: "status", type: "INT", accessMode: "ReadWrite", maximum: "9", visitors },
  ]);
  for (const path of [OLDEST, OLDER])
    assert.deepEqual((await server.call("GET", `${path}/devices/counter`)).body["spec"], oldDevice.spec);
  const tooMuch = {
    ...oldDevice,
    metadata: { name: "second" },
    status: { twins: [{ propertyName: "status", desired: { value: "10" } }] },
  };
  const refused = await server.call("POST", `${OLDEST}/devices`, { body: tooMuch });
  assert.equal(refused.status, 422);
});

test("a warning about a name that is not ASCII is sent as UTF-8", async () => {
  await using server = await startTestApiServer();
  await withDefinitions(server);
  const properties = [{ name: "größe", type: { string: { accessMode: "ReadOnly", defaultValue: "…" } } }];
  const body = { ...model("ReadOnly"), spec: { properties } };
  const { headers } = await server.send("POST", `${OLDER}/devicemodels`, { body });
  assert.match(Buffer.from(headers["warning"] ?? "", "latin1").toString("utf8"), /property größe/);
});

test("a v1alpha2 object that makes no v1beta1 one is refused", async () => {
  await using server = await withDevices("ReadOnly");
  const wrong = { ...device, spec: { ...device.spec, protocol: { customizedProtocol: { configData: [] } } } };
  assert.equal((await server.call("POST", `${OLDER}/devices`, { body: { ...wrong, status: {} } })).status, 201);
  const body = { ...model("Sometimes"), metadata: { name: "odd" } };
  const refused = await server.call("POST", `${OLDER}/devicemodels`, { body });
  assert.equal(refused.status, 422, JSON.stringify(refused.body));
});
