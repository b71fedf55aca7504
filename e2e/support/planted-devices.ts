/** A device with something wrong, and what `skerry why` must name as the first broken step. */
export interface PlantedDevice {
  readonly fault: string;
  readonly code: string;
  /** What the finding must name. */
  readonly names: RegExp;
  readonly name: string;
  readonly objects: readonly object[];
  /** What the API would not take of a new object, planted afterwards. */
  readonly changes?: readonly { readonly resource: readonly string[]; readonly patch: readonly object[] }[];
}

const MODEL = {
  protocol: "mqtt",
  properties: [{ name: "level", type: "INT", accessMode: "ReadWrite", minimum: "0", maximum: "10" }],
};

const modelOf = (name: string, spec: object = {}): object => ({
  apiVersion: "devices.kubeedge.io/v1beta1",
  kind: "DeviceModel",
  metadata: { name, namespace: "default" },
  spec: { ...MODEL, ...spec },
});

const deviceOf = (name: string, spec: object = {}): object => ({
  apiVersion: "devices.kubeedge.io/v1beta1",
  kind: "Device",
  metadata: { name, namespace: "default" },
  spec: {
    deviceModelRef: { name },
    nodeName: "edge-node-1",
    protocol: { protocolName: "mqtt" },
    properties: [{ name: "level", reportToCloud: true, desired: { value: "5" } }],
    ...spec,
  },
});

const propertyPatch = (member: string, value: string): readonly object[] => [
  { op: "replace", path: `/spec/properties/0/${member}`, value },
];

export const plantedDevices: readonly PlantedDevice[] = [
  {
    fault: "a device whose model is missing",
    code: "WHY_DEVICE_MODEL_MISSING",
    names: /default\/model-missing/,
    name: "model-missing",
    objects: [deviceOf("model-missing")],
  },
  {
    fault: "a wish that the model forbids since it changed",
    code: "WHY_DEVICE_READ_ONLY",
    names: /level/,
    name: "read-only",
    objects: [modelOf("read-only"), deviceOf("read-only")],
    changes: [{ resource: ["devicemodel", "read-only"], patch: propertyPatch("accessMode", "ReadOnly") }],
  },
  {
    fault: "a wish outside of what the model allows since it changed",
    code: "WHY_DEVICE_OUT_OF_RANGE",
    names: /0 to 3/,
    name: "out-of-range",
    objects: [modelOf("out-of-range"), deviceOf("out-of-range")],
    changes: [{ resource: ["devicemodel", "out-of-range"], patch: propertyPatch("maximum", "3") }],
  },
  {
    fault: "a device on a node that does not exist",
    code: "WHY_DEVICE_NODE_UNKNOWN",
    names: /nowhere/,
    name: "no-such-node",
    objects: [modelOf("no-such-node"), deviceOf("no-such-node", { nodeName: "nowhere" })],
  },
  {
    fault: "a device for which nothing speaks",
    code: "WHY_DEVICE_NO_DRIVER",
    names: /nothing has ever reported/,
    name: "no-driver",
    objects: [modelOf("no-driver"), deviceOf("no-driver")],
  },
];
