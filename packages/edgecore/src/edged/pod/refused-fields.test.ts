import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "@skerry/api";
import type { JsonObject, JsonValue } from "@skerry/base";
import { type NodeFeatures, REFUSED_FIELDS, refusedFields } from "./refused-fields.ts";

const podOf = (container: JsonObject, spec: JsonObject = {}): Pod =>
  ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web" },
    spec: { containers: [{ name: "app", image: "app:1", ...container }], ...spec },
  }) as unknown as Pod;

/** A pod with one member in a part of this type. */
const PLACES: Readonly<Record<string, (part: JsonObject) => Pod>> = {
  PodSpec: (part) => podOf({}, { initContainers: [{ name: "side", restartPolicy: "Always" }], ...part }),
  PodSecurityContext: (part) => podOf({}, { securityContext: part }),
  Container: (part) => podOf(part),
  ContainerRestartRule: (part) => podOf({ restartPolicyRules: [part] }),
  VolumeMount: (part) => podOf({ volumeMounts: [{ name: "data", mountPath: "/data", ...part }] }),
  ResourceRequirements: (part) => podOf({ resources: part }),
};

/** A value with which the field asks for something; left out: a text. */
const ASKING: Readonly<Record<string, JsonValue>> = {
  "PodSpec.hostUsers": false,
  "PodSpec.os": { name: "windows" },
  "PodSpec.resources": { limits: { cpu: "1" } },
  "PodSecurityContext.supplementalGroupsPolicy": "Strict",
  "VolumeMount.recursiveReadOnly": "Enabled",
};
const NO_GROUPS = { cpu: false, memory: false };
const OLD_RUNTIME: NodeFeatures = { onlyTheseGroups: false, handlers: [], groupLimits: NO_GROUPS };
const NEW_RUNTIME: NodeFeatures = {
  onlyTheseGroups: true,
  handlers: [
    { name: "", recursiveReadOnlyMounts: true, userNamespaces: true },
    { name: "sealed", recursiveReadOnlyMounts: false, userNamespaces: false },
  ],
  groupLimits: NO_GROUPS,
};

for (const { type, member } of REFUSED_FIELDS)
  test(`a pod with ${type}.${member} is refused`, () => {
    const pod = PLACES[type]?.({ [member]: ASKING[`${type}.${member}`] ?? "asked" });
    assert.ok(pod, `a pod with a ${type}`);
    const refused = refusedFields(pod, OLD_RUNTIME);
    assert.equal(refused.length, 1);
    assert.match(refused[0] ?? "", new RegExp(`${member} \\(`));
  });

test("a pod is not refused for what asks for nothing, nor for what works", () => {
  const container = {
    volumeDevices: [],
    securityContext: { procMount: "Unmasked", privileged: true },
    volumeMounts: [{ name: "data", mountPath: "/data", recursiveReadOnly: "IfPossible" }],
    livenessProbe: { grpc: { port: 9000 }, terminationGracePeriodSeconds: 1 },
    restartPolicyRules: [{ action: "Restart" }],
    resources: { limits: { cpu: "1", memory: "1Gi", "hugepages-2Mi": "2Mi", "ephemeral-storage": "1Gi" }, claims: [] },
  };
  const spec = {
    os: { name: "linux" },
    hostUsers: true,
    subdomain: "plant",
    resourceClaims: [],
    resources: { limits: { cpu: "2" } },
    initContainers: [{ name: "prepare", image: "app:1" }],
  };
  assert.deepEqual(refusedFields(podOf(container, spec), OLD_RUNTIME), []);
});

test("what a runtime says it can is not refused", () => {
  const spec = { securityContext: { supplementalGroupsPolicy: "Strict" }, hostUsers: false };
  const mounts = { volumeMounts: [{ name: "data", mountPath: "/data", readOnly: true, recursiveReadOnly: "Enabled" }] };
  assert.deepEqual(refusedFields(podOf(mounts, spec), NEW_RUNTIME), []);
});

test("what the runtime can counts for the handler that the pod asks for", () => {
  const mounts = { volumeMounts: [{ name: "data", mountPath: "/data", readOnly: true, recursiveReadOnly: "Enabled" }] };
  for (const runtimeClassName of ["sealed", "unheard-of"])
    assert.equal(refusedFields(podOf(mounts, { runtimeClassName, hostUsers: false }), NEW_RUNTIME).length, 2);
});

for (const shared of ["hostNetwork", "hostPID", "hostIPC"])
  test(`a pod with ${shared} is refused users of its own, whatever the runtime can`, () => {
    const refused = refusedFields(podOf({}, { hostUsers: false, [shared]: true }), NEW_RUNTIME);
    assert.deepEqual(refused, ["spec.hostUsers (not together with hostNetwork, hostPID or hostIPC)"]);
  });

test("a pod is refused for a limit of a resource that no device plugin can offer, of init containers too", () => {
  const limited = { name: "prepare", image: "app:1", resources: { limits: { gpu: "1", "example.com/gpu": "1" } } };
  assert.deepEqual(refusedFields(podOf({}, { initContainers: [limited] }), OLD_RUNTIME), [
    "container prepare: resources.limits[gpu] (this node has no such resource)",
  ]);
});

test("limits of the pod as a whole are taken where each container that runs beside others has its own", () => {
  const resources = { limits: { cpu: "1" } };
  const beside = { name: "side", image: "app:1", restartPolicy: "Always", resources };
  const spec = { resources, initContainers: [beside] };
  assert.deepEqual(refusedFields(podOf({ resources }, spec), OLD_RUNTIME), []);
  assert.equal(refusedFields(podOf({}, spec), OLD_RUNTIME).length, 1);
});

test("limits of the pod as a whole are taken where its control group enforces each of them, and refused otherwise", () => {
  const beside = { name: "side", image: "app:1", restartPolicy: "Always" };
  const countRefused = (limits: JsonObject, groupLimits: { cpu: boolean; memory: boolean }): number =>
    refusedFields(podOf({}, { resources: { limits }, initContainers: [beside] }), { ...OLD_RUNTIME, groupLimits })
      .length;
  assert.equal(countRefused({ cpu: "1", memory: "1Gi" }, { cpu: true, memory: true }), 0);
  assert.equal(countRefused({ cpu: "1" }, { cpu: true, memory: false }), 0);
  assert.equal(countRefused({ cpu: "1", memory: "1Gi" }, { cpu: true, memory: false }), 1);
  assert.equal(countRefused({ "hugepages-2Mi": "2Mi" }, { cpu: true, memory: true }), 1, "a group has none of those");
});
