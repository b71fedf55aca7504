import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject, JsonValue } from "@skerry/base";
import fc from "fast-check";
import { fromOlderDevice, toOlderDevice } from "./older-device-versions.ts";

const written: JsonObject = {
  apiVersion: "devices.kubeedge.io/v1alpha2",
  kind: "Device",
  metadata: { name: "lamp", labels: { description: "lamp" } },
  spec: {
    deviceModelRef: { name: "lamp-model" },
    nodeSelector: { nodeSelectorTerms: [{ matchExpressions: [{ key: "", operator: "In", values: ["edge-1"] }] }] },
  },
  status: {
    twins: [
      {
        propertyName: "red",
        desired: { metadata: { type: "string" }, value: "OFF" },
        reported: { metadata: { timestamp: "1", type: "string" }, value: "0" },
      },
    ],
  },
};

const newer: JsonObject = {
  apiVersion: "devices.kubeedge.io/v1beta1",
  kind: "Device",
  metadata: { name: "meter", namespace: "default" },
  spec: {
    deviceModelRef: { name: "meter-model" },
    nodeName: "edge-1",
    protocol: { protocolName: "modbus", configData: { slaveID: 1 } },
    properties: [
      {
        name: "level",
        collectCycle: 500,
        reportToCloud: false,
        desired: { value: "1" },
        visitors: { protocolName: "modbus", configData: { offset: 2 } },
        pushMethod: { http: { hostName: "here" } },
      },
      { name: "plain" },
    ],
    methods: [{ name: "Set", propertyNames: ["level"] }],
  },
};

const member = (value: JsonValue | undefined, name: string): JsonValue | undefined =>
  (value as JsonObject | undefined)?.[name];

test("a device of v1alpha2 reads as it was written, with what the edge has reported since", () => {
  const stored = fromOlderDevice(written);
  assert.deepEqual(stored["spec"], {
    deviceModelRef: { name: "lamp-model" },
    nodeName: "edge-1",
    protocol: { protocolName: "", configData: {} },
    properties: [{ name: "red", reportToCloud: true, desired: { value: "OFF", metadata: { type: "string" } } }],
  });
  const status = { state: "online", twins: [{ propertyName: "red", reported: { value: "7" } }] };
  const { metadata, spec, status: shown } = toOlderDevice({ ...stored, status }, "v1alpha2");
  assert.deepEqual([metadata, spec], [written["metadata"], written["spec"]]);
  const desired = { metadata: { type: "string" }, value: "OFF" };
  assert.deepEqual(shown, {
    state: "online",
    twins: [{ propertyName: "red", reported: { value: "7" }, desired }],
  });
});

test("an update by a client of v1alpha2 keeps what v1alpha2 cannot say", () => {
  const seen = toOlderDevice(newer, "v1alpha2");
  assert.deepEqual(member(fromOlderDevice(seen), "spec"), newer["spec"], "unchanged");
  const twins = [{ propertyName: "level", desired: { value: "2" } }];
  const { properties, methods } = fromOlderDevice({ ...seen, status: { twins } })["spec"] as {
    properties: JsonObject[];
    methods: JsonValue;
  };
  assert.deepEqual(properties[0], {
    ...(member(newer["spec"], "properties") as JsonObject[])[0],
    desired: { value: "2" },
  });
  assert.deepEqual(methods, member(newer["spec"], "methods"));
});

test("a later change in v1beta1 is what v1alpha2 shows, not what was once written", () => {
  const stored = fromOlderDevice(written);
  const changed = structuredClone(stored);
  const [property] = member(changed["spec"], "properties") as JsonObject[];
  if (property) property["desired"] = { value: "ON" };
  const [twin] = member(toOlderDevice(changed, "v1alpha2")["status"], "twins") as JsonObject[];
  assert.deepEqual(member(twin, "desired"), { value: "ON" });
});

test("a model keeps its bounds and its visitors over v1alpha2", () => {
  const model: JsonObject = {
    apiVersion: "devices.kubeedge.io/v1beta1",
    kind: "DeviceModel",
    metadata: { name: "meter-model" },
    spec: {
      protocol: "modbus",
      properties: [
        {
          name: "t",
          type: "FLOAT",
          accessMode: "ReadWrite",
          minimum: "0",
          maximum: "100.0",
          visitors: { configData: {} },
        },
        { name: "on", type: "BOOLEAN" },
      ],
    },
  };
  const seen = toOlderDevice(model, "v1alpha2");
  assert.deepEqual(member(seen["spec"], "properties"), [
    { name: "t", type: { float: { accessMode: "ReadWrite", minimum: 0, maximum: 100 } } },
    { name: "on", type: { boolean: {} } },
  ]);
  assert.deepEqual(fromOlderDevice(seen)["spec"], model["spec"]);
});

test("a model of v1alpha1 gives its visitors to all its devices, and reads as it was written", () => {
  const older: JsonObject = {
    apiVersion: "devices.kubeedge.io/v1alpha1",
    kind: "DeviceModel",
    metadata: { name: "boiler" },
    spec: {
      properties: [
        { name: "level", type: { int: { accessMode: "ReadWrite", maximum: 100 } } },
        { name: "label", type: { string: { accessMode: "ReadOnly" } } },
      ],
      propertyVisitors: [{ propertyName: "level", modbus: { register: "HoldingRegister", offset: 2, limit: 1 } }],
    },
  };
  const stored = fromOlderDevice(older);
  const configData = { register: "HoldingRegister", offset: 2, limit: 1 };
  assert.deepEqual(member(stored["spec"], "properties"), [
    {
      name: "level",
      type: "INT",
      accessMode: "ReadWrite",
      maximum: "100",
      visitors: { protocolName: "modbus", configData },
    },
    { name: "label", type: "STRING", accessMode: "ReadOnly" },
  ]);
  assert.deepEqual(toOlderDevice(stored, "v1alpha1"), older);
  assert.equal(toOlderDevice(stored, "v1alpha2")["apiVersion"], "devices.kubeedge.io/v1alpha2");
});

test("nothing that JSON can say makes the conversion fail, nor do annotations that somebody has changed", () => {
  fc.assert(
    fc.property(
      fc.jsonValue(),
      fc.jsonValue(),
      fc.constantFrom("Device", "DeviceModel"),
      fc.constantFrom("skerry.io/v1alpha2-form", "skerry.io/v1beta1-spec"),
      (any, text, kind, annotation) => {
        const value = any as JsonValue;
        const metadata = { name: "x", annotations: { [annotation]: JSON.stringify(text) } };
        for (const spec of [value, { properties: [value], propertyVisitors: [value], nodeName: value }])
          for (const convert of [fromOlderDevice, (object: JsonObject) => toOlderDevice(object, "v1alpha1")])
            convert({ kind, metadata, spec, status: { twins: [value] } });
      },
    ),
  );
});
