import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonValue } from "@skerry/base";
import fc from "fast-check";
import { checkDevice, checkDeviceModel } from "../validation/device-validation.ts";
import { convertOlderDevices } from "./older-device-forms.ts";

const model = {
  apiVersion: "devices.kubeedge.io/v1alpha2",
  kind: "DeviceModel",
  metadata: { name: "sensor-tag", namespace: "default" },
  spec: {
    protocol: "modbus",
    properties: [
      {
        name: "temperature",
        description: "degrees",
        type: { int: { accessMode: "ReadWrite", minimum: -40, maximum: 100, unit: "°C", defaultValue: 1 } },
      },
      { name: "enabled", type: { string: { accessMode: "ReadOnly" } } },
    ],
  },
};

const device = {
  apiVersion: "devices.kubeedge.io/v1alpha2",
  kind: "Device",
  metadata: { name: "sensor-tag-1", namespace: "default", labels: { description: "cellar" } },
  spec: {
    deviceModelRef: { name: "sensor-tag" },
    protocol: { modbus: { slaveID: 1 }, common: { com: { serialPort: "/dev/ttyS0", baudRate: 9600, parity: "even" } } },
    nodeSelector: { nodeSelectorTerms: [{ matchExpressions: [{ key: "", operator: "In", values: ["edge-1"] }] }] },
    propertyVisitors: [
      {
        propertyName: "temperature",
        collectCycle: 500_000_000,
        reportCycle: 1_000_000_000,
        modbus: { register: "CoilRegister", offset: 2, limit: 1, scale: 1 },
      },
    ],
    data: { dataTopic: "$ke/events/device/+/data/update", dataProperties: [{ propertyName: "temperature" }] },
  },
  status: { twins: [{ propertyName: "temperature", desired: { value: "20", metadata: { type: "string" } } }] },
};

test("a device and its model of v1alpha2 become v1beta1, which passes the checks", () => {
  const { objects, notes } = convertOlderDevices([model, device]);
  const [newModel, newDevice] = objects as { apiVersion: string; spec: JsonValue }[];
  assert.deepEqual(newModel, {
    apiVersion: "devices.kubeedge.io/v1beta1",
    kind: "DeviceModel",
    metadata: model.metadata,
    spec: {
      protocol: "modbus",
      properties: [
        {
          name: "temperature",
          description: "degrees",
          type: "INT",
          accessMode: "ReadWrite",
          minimum: "-40",
          maximum: "100",
          unit: "°C",
        },
        { name: "enabled", type: "STRING", accessMode: "ReadOnly" },
      ],
    },
  });
  assert.deepEqual(newDevice, {
    apiVersion: "devices.kubeedge.io/v1beta1",
    kind: "Device",
    metadata: device.metadata,
    spec: {
      deviceModelRef: { name: "sensor-tag" },
      nodeName: "edge-1",
      protocol: {
        protocolName: "modbus",
        configData: { slaveID: 1, communicateMode: "RTU", baudRate: 9600, parity: "even", serialName: "/dev/ttyS0" },
      },
      properties: [
        {
          name: "temperature",
          collectCycle: 500,
          reportCycle: 1000,
          reportToCloud: true,
          visitors: {
            protocolName: "modbus",
            configData: { register: "CoilRegister", offset: 2, limit: 1, scale: 1 },
          },
          desired: { value: "20", metadata: { type: "string" } },
        },
      ],
    },
  });
  assert.deepEqual(checkDeviceModel(newModel?.spec), []);
  assert.deepEqual(checkDevice(newDevice?.spec, newModel?.spec), []);
  assert.equal(notes.length, 2, "the default value and the data section are told");
});

test("visitors of a v1alpha1 model go to its devices", () => {
  const { propertyVisitors, ...spec } = device.spec;
  const older = { apiVersion: "devices.kubeedge.io/v1alpha1" };
  const { objects } = convertOlderDevices([
    { ...device, ...older, spec },
    { ...model, ...older, spec: { ...model.spec, propertyVisitors } },
  ]);
  const [converted] = objects as { spec: { properties: { name: string; collectCycle: number }[] } }[];
  assert.deepEqual(
    converted?.spec.properties.map(({ name, collectCycle }) => [name, collectCycle]),
    [["temperature", 500]],
  );
});

test("a v1alpha1 model's visitors are the defaults of devices that come later, and its cycles are told", () => {
  const { objects, notes } = convertOlderDevices([
    {
      ...model,
      apiVersion: "devices.kubeedge.io/v1alpha1",
      spec: {
        properties: [{ name: "temperature", type: { int: { accessMode: "ReadOnly" } } }],
        propertyVisitors: device.spec.propertyVisitors,
      },
    },
  ]);
  const [converted] = objects as { spec: JsonValue }[];
  const visitors = { protocolName: "modbus", configData: { register: "CoilRegister", offset: 2, limit: 1, scale: 1 } };
  assert.deepEqual(converted?.spec, {
    properties: [{ name: "temperature", type: "INT", accessMode: "ReadOnly", visitors }],
  });
  assert.deepEqual(notes, ["sensor-tag: a model has no cycles any more; set those of temperature in its devices"]);
});

test("the connection of a v1alpha1 Modbus device is taken out of its own section", () => {
  const protocolOf = (protocol: JsonValue): unknown => {
    const older = { ...device, apiVersion: "devices.kubeedge.io/v1alpha1", spec: { ...device.spec, protocol } };
    return (convertOlderDevices([older]).objects as { spec: { protocol: JsonValue } }[])[0]?.spec.protocol;
  };
  assert.deepEqual(protocolOf({ modbus: { tcp: { ip: "10.0.0.1", port: 502, slaveID: "1" } } }), {
    protocolName: "modbus",
    configData: { communicateMode: "TCP", ip: "10.0.0.1", port: 502, slaveID: "1" },
  });
  assert.deepEqual(protocolOf({ modbus: { rtu: { serialPort: "/dev/ttyS0", baudRate: 9600, slaveID: 1 } } }), {
    protocolName: "modbus",
    configData: { communicateMode: "RTU", baudRate: 9600, slaveID: 1, serialName: "/dev/ttyS0" },
  });
});

test("a cycle of less than a millisecond is taken for milliseconds", () => {
  const [visitor] = device.spec.propertyVisitors;
  const propertyVisitors = [{ ...visitor, collectCycle: 5_000 }];
  const { objects } = convertOlderDevices([{ ...device, spec: { ...device.spec, propertyVisitors } }]);
  const [converted] = objects as { spec: { properties: { collectCycle: number; reportCycle: number }[] } }[];
  assert.deepEqual(
    converted?.spec.properties.map(({ collectCycle, reportCycle }) => [collectCycle, reportCycle]),
    [[5_000, 1_000]],
  );
});

test("other objects stay as they are, and nothing that JSON can say makes it fail", () => {
  const pod = { apiVersion: "v1", kind: "Pod" };
  assert.deepEqual(convertOlderDevices([pod, null]).objects, [pod, null]);
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom("Device", "DeviceModel"), (value, kind) => {
      const any = value as JsonValue;
      convertOlderDevices([
        { apiVersion: "devices.kubeedge.io/v1alpha2", kind, spec: any, status: any, metadata: any },
      ]);
      const spec = { properties: [any], propertyVisitors: [any], protocol: any, nodeSelector: any };
      convertOlderDevices([{ apiVersion: "devices.kubeedge.io/v1alpha2", kind, spec, status: { twins: [any] } }]);
    }),
  );
});
