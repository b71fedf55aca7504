import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "@skerry/api";
import type { JsonObject, JsonValue } from "@skerry/base";
import { UNSUPPORTED_FIELDS, unsupportedFields } from "./unsupported-fields.ts";

const podOf = (container: JsonObject, spec: JsonObject = {}): Pod =>
  ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web" },
    spec: { containers: [{ name: "app", image: "app:1", ...container }], ...spec },
  }) as unknown as Pod;

/** A pod with one member in a part of this type. */
const PLACES: Readonly<Record<string, (part: JsonObject) => Pod>> = {
  PodSpec: (part) => podOf({}, part),
  PodSecurityContext: (part) => podOf({}, { securityContext: part }),
  Container: (part) => podOf(part),
  SecurityContext: (part) => podOf({ securityContext: part }),
  Lifecycle: (part) => podOf({ lifecycle: part }),
  Probe: (part) => podOf({ livenessProbe: part }),
  VolumeMount: (part) => podOf({ volumeMounts: [{ name: "data", mountPath: "/data", ...part }] }),
  ResourceRequirements: (part) => podOf({ resources: part }),
};

/** A value with which the field asks for something; left out: a text. */
const ASKING: Readonly<Record<string, JsonValue>> = {
  "PodSpec.hostUsers": false,
  "PodSpec.setHostnameAsFQDN": true,
  "PodSpec.os": { name: "windows" },
  "PodSecurityContext.supplementalGroupsPolicy": "Strict",
  "SecurityContext.procMount": "Unmasked",
  "VolumeMount.recursiveReadOnly": "Enabled",
};

for (const { type, member } of UNSUPPORTED_FIELDS)
  test(`${type}.${member} is told`, () => {
    const pod = PLACES[type]?.({ [member]: ASKING[`${type}.${member}`] ?? "asked" });
    assert.ok(pod, `a pod with a ${type}`);
    const told = unsupportedFields(pod);
    assert.equal(told.length, 1);
    assert.match(told[0] ?? "", new RegExp(`${member} \\(`));
  });

test("what asks for nothing, and what works, is not told", () => {
  const container = {
    volumeDevices: [],
    securityContext: { procMount: "Default", privileged: true },
    volumeMounts: [{ name: "data", mountPath: "/data", recursiveReadOnly: "Disabled" }],
    livenessProbe: { exec: { command: ["true"] } },
    resources: { limits: { cpu: "1", memory: "1Gi" }, claims: [] },
  };
  const spec = {
    os: { name: "linux" },
    hostUsers: true,
    subdomain: "",
    resourceClaims: [],
    initContainers: [{ name: "sidecar", image: "app:1", restartPolicy: "Always" }],
  };
  assert.deepEqual(unsupportedFields(podOf(container, spec)), []);
});

test("limits of other resources are told, of init containers too", () => {
  const limited = { name: "prepare", image: "app:1", resources: { limits: { "example.com/gpu": "1" } } };
  assert.deepEqual(unsupportedFields(podOf({}, { initContainers: [limited] })), [
    "container prepare: resources.limits[example.com/gpu] (not enforced)",
  ]);
});
