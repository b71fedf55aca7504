// Planted faults of devices: of each, `why` must name the first broken step.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Device, deviceModels, devices } from "@skerry/api";
import { assertBroken, at, healthy, NODE, NOW, World } from "./testing/world.ts";

const model = {
  apiVersion: "devices.kubeedge.io/v1beta1",
  kind: "DeviceModel",
  metadata: { name: "thermometer", namespace: "default" },
  spec: {
    properties: [
      { name: "temperature", type: "FLOAT", accessMode: "ReadOnly" },
      { name: "target", type: "FLOAT", accessMode: "ReadWrite", minimum: "5", maximum: "30" },
    ],
  },
};
const twin = (propertyName: string, value: string, observed?: string, seconds = -3) => ({
  propertyName,
  reported: { value, metadata: { timestamp: String(NOW + seconds * 1000) } },
  ...(observed === undefined
    ? {}
    : { observedDesired: { value: observed, metadata: { timestamp: String(NOW - 60_000) } } }),
});
const device = (spec: Device["spec"] = {}, status: object = {}): object => ({
  apiVersion: "devices.kubeedge.io/v1beta1",
  kind: "Device",
  metadata: { name: "thermometer", namespace: "default", creationTimestamp: at(-600) },
  spec: {
    deviceModelRef: { name: "thermometer" },
    nodeName: NODE,
    protocol: { protocolName: "modbus" },
    properties: [{ name: "temperature" }, { name: "target", desired: { value: "21" } }],
    ...spec,
  },
  status: { state: "online", twins: [twin("temperature", "19.5"), twin("target", "21.0", "21")], ...status },
});

/** The target, which the device says is 17, as its node follows it. */
function observed(value: string, metadata: Readonly<Record<string, string>>): object {
  const reported = { value: "17", metadata: { timestamp: String(Date.parse(at(0))) } };
  return { propertyName: "target", reported, observedDesired: { value, metadata } };
}

const deviceFaults: readonly (readonly [
  fault: string,
  title: string,
  code: string,
  found: RegExp,
  plant: object | undefined,
])[] = [
  ["a device that does not exist", "asked for", "WHY_DEVICE_UNKNOWN", /no device thermometer/, undefined],
  ["a device without a model", "model", "WHY_DEVICE_NO_MODEL", /names no model/, device({ deviceModelRef: {} })],
  [
    "a missing model",
    "model",
    "WHY_DEVICE_MODEL_MISSING",
    /default\/gone/,
    device({ deviceModelRef: { name: "gone" } }),
  ],
  [
    "a property that the model lacks",
    "model",
    "WHY_DEVICE_PROPERTY_UNKNOWN",
    /no property humidity/,
    device({ properties: [{ name: "humidity" }] }),
  ],
  [
    "a desired value of a read-only property",
    "model",
    "WHY_DEVICE_READ_ONLY",
    /temperature is read-only/,
    device({ properties: [{ name: "temperature", desired: { value: "1" } }] }),
  ],
  [
    "a desired value out of range",
    "model",
    "WHY_DEVICE_OUT_OF_RANGE",
    /should be 99.*5 to 30/,
    device({ properties: [{ name: "target", desired: { value: "99" } }] }),
  ],
  ["a device on no node", "has a node", "WHY_DEVICE_NO_NODE", /on no node/, device({ nodeName: "" })],
  [
    "a node that does not exist",
    "has a node",
    "WHY_DEVICE_NODE_UNKNOWN",
    /gone does not exist/,
    device({ nodeName: "gone" }),
  ],
  [
    "a driver that was never started",
    "driver",
    "WHY_DEVICE_NO_DRIVER",
    /nothing has ever reported/,
    { ...device(), status: {} },
  ],
  [
    "a device that is offline",
    "driver",
    "WHY_DEVICE_OFFLINE",
    /offline, last there 10m ago/,
    device({}, { state: "offline", lastOnlineTime: at(-600), twins: [twin("temperature", "19.5", undefined, -700)] }),
  ],
  [
    "a device whose last value is newer than its last word that it is there",
    "driver",
    "WHY_DEVICE_OFFLINE",
    /offline, last there 12s ago/,
    device({}, { state: "offline", lastOnlineTime: at(-780), twins: [twin("temperature", "19.5", undefined, -12)] }),
  ],
  [
    "a driver that has crashed",
    "driver",
    "WHY_DEVICE_DRIVER_SILENT",
    /no value has come for 20m/,
    device({}, { twins: [twin("temperature", "19", undefined, -1200)] }),
  ],
  [
    "a device that does not obey",
    "does as asked",
    "WHY_DEVICE_NOT_OBEYING",
    /should be 21, the device says 18/,
    device({}, { twins: [twin("target", "18", "21")] }),
  ],
  [
    "a wish that is on its way",
    "does as asked",
    "WHY_DEVICE_DESIRED_NOT_SEEN",
    /not confirmed the wish/,
    device({}, { twins: [twin("target", "18", "18")] }),
  ],
  [
    "a wish that a client on the node has overruled",
    "does as asked",
    "WHY_DEVICE_OVERRULED",
    /a client on the node has set 18/,
    device({}, { twins: [observed("18", { owner: "edge" })] }),
  ],
  [
    "a wish that was broken off and may take effect once only",
    "does as asked",
    "WHY_DEVICE_EFFECT_UNKNOWN",
    /nobody knows whether it is/,
    device({}, { twins: [observed("21", { owner: "cloud", effect: "unknown" })] }),
  ],
];

for (const [fault, title, code, found, plant] of deviceFaults)
  test(`why names ${fault} as a device's first broken step`, async () => {
    const world = await new World().node();
    await world.add(deviceModels, model);
    if (plant) await world.add(devices, plant);
    assertBroken(await world.whyDevice(), title, code, found);
  });

test("a device that does as asked is whole, and one on a node that is cut off says that", async () => {
  const world = await new World().node();
  await world.add(deviceModels, model);
  await world.add(devices, device());
  assert.equal((await world.whyDevice()).state, "whole");
  world.local = { ...healthy, isLinkCut: true };
  assertBroken(await world.whyDevice(), "node", "WHY_NODE_CUT", /node edge-1: the cable is pulled/);
});
