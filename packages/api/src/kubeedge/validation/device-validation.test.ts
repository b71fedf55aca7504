import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject, JsonValue } from "@skerry/base";
import fc from "fast-check";
import { checkDevice, checkDeviceModel } from "./device-validation.ts";

const model: JsonObject = {
  protocol: "modbus",
  properties: [
    { name: "temperature", type: "FLOAT", accessMode: "ReadWrite", minimum: "-40", maximum: "80" },
    { name: "serial", type: "INT", accessMode: "ReadOnly" },
    { name: "on", type: "BOOLEAN", accessMode: "ReadWrite" },
  ],
};

function device(property: JsonObject, more: JsonObject = {}): JsonObject {
  return { deviceModelRef: { name: "thermo" }, properties: [property], ...more };
}

function told(findings: ReturnType<typeof checkDevice>): string[] {
  return findings.map(({ severity, field, message }) => `${severity} ${field}: ${message}`);
}

test("a device that fits its model has nothing to be told", () => {
  const property = {
    name: "temperature",
    desired: { value: "21.5" },
    visitors: { configData: { register: "HoldingRegister", offset: 2 } },
  };
  assert.deepEqual(told(checkDevice(device(property, { protocol: { protocolName: "modbus" } }), model)), []);
  assert.deepEqual(told(checkDeviceModel(model)), []);
});

test("each error names its property and its place", () => {
  const cases: readonly [JsonObject, string][] = [
    [{ name: "pressure" }, 'error spec.properties[0].name: the DeviceModel "thermo" has no property pressure'],
    [
      { name: "serial", desired: { value: "7" } },
      "error spec.properties[0].desired.value: property serial is read-only in its model",
    ],
    [
      { name: "temperature", desired: { value: "warm" } },
      'error spec.properties[0].desired.value: "warm" of property temperature is not of its type FLOAT',
    ],
    [
      { name: "temperature", desired: { value: "99" } },
      "error spec.properties[0].desired.value: 99 of property temperature is outside -40 to 80, its model's range",
    ],
    [
      { name: "on", desired: { value: "yes" } },
      'error spec.properties[0].desired.value: "yes" of property on is not of its type BOOLEAN',
    ],
    [{ name: "on", reportCycle: -1 }, "error spec.properties[0].reportCycle: of property on is negative"],
    [{ desired: { value: "1" } }, "error spec.properties[0].name: a property has no name"],
  ];
  for (const [property, expected] of cases) assert.deepEqual(told(checkDevice(device(property), model)), [expected]);
});

test("names are unique, in a device and in a model", () => {
  const twice = { properties: [{ name: "a" }, { name: "a" }] };
  assert.deepEqual(told(checkDeviceModel(twice)), [
    "error spec.properties[1].name: property names must be unique: a is there twice",
  ]);
  assert.equal(checkDevice({ ...twice }, undefined).filter(({ severity }) => severity === "error").length, 1);
});

test("a model's bounds are numbers of its type, in order", () => {
  const findings = checkDeviceModel({
    properties: [
      { name: "a", type: "INT", minimum: "1.5" },
      { name: "b", type: "FLOAT", minimum: "5", maximum: "4" },
      { name: "c", type: "STRING", maximum: "4" },
    ],
  });
  assert.deepEqual(told(findings), [
    'error spec.properties[0].minimum: "1.5" of property a is not of its type INT',
    "error spec.properties[1].minimum: of property b is greater than its maximum",
    "warning spec.properties[2].maximum: property c is no number, so this has no effect",
  ]);
});

test("what KubeEdge's tutorials do is not refused: a device before its model, cycles in nanoseconds, an empty desired value", () => {
  const property = {
    name: "temperature",
    desired: { value: "" },
    reportCycle: 1_000_000_000,
    visitors: { protocolName: "modbus", configData: {} },
  };
  assert.deepEqual(
    checkDevice(device(property), undefined).map(({ severity, field }) => [severity, field]),
    [
      ["warning", "spec.deviceModelRef.name"],
      ["warning", "spec.properties[0].reportCycle"],
      ["warning", "spec.properties[0].visitors.configData"],
    ],
  );
});

test("a visitor may be the model's, its device's, or a bit of both", () => {
  const template = {
    properties: [{ name: "t", visitors: { protocolName: "modbus", configData: { register: "InputRegister" } } }],
  };
  assert.deepEqual(told(checkDevice(device({ name: "t", visitors: { configData: { offset: 1 } } }), template)), []);
  assert.deepEqual(told(checkDevice(device({ name: "t" }), template)), [
    "warning spec.properties[0].visitors.configData: property t lacks offset for the protocol modbus",
  ]);
});

test("nothing that JSON can say makes the checks fail", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (first, second) => {
      const [spec, template] = [first as JsonValue, second as JsonValue];
      checkDevice({ properties: [spec], methods: spec, deviceModelRef: template }, { properties: [template, spec] });
      checkDevice(spec, template);
      checkDeviceModel(spec);
    }),
  );
});
