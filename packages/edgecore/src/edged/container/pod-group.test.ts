import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container, Pod } from "@skerry/api";
import { podGroup } from "./pod-group.ts";

type Resources = NonNullable<Container["resources"]>;

function pod(containers: readonly Resources[], inits: readonly (Resources & { isSidecar?: boolean })[] = []): Pod {
  const named = (resources: Resources, index: number): Container => ({ name: `c${index}`, image: "app:1", resources });
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", namespace: "default", uid: "uid-web" },
    spec: {
      containers: containers.map(named),
      initContainers: inits.map(({ isSidecar, ...resources }, index) => ({
        ...named(resources, index),
        name: `i${index}`,
        ...(isSidecar ? { restartPolicy: "Always" as const } : {}),
      })),
    },
  };
}

const summary = (of: Pod): readonly unknown[] => {
  const { qualityOfService, limits } = podGroup(of);
  return [qualityOfService, limits.cpuShares, limits.cpuQuotaUs, limits.memoryBytes];
};

test("a pod's group has the sum of what its containers ask for, and of their limits when all have some", () => {
  const one = { requests: { cpu: "250m" }, limits: { cpu: "500m", memory: "64Mi" } };
  assert.deepEqual(summary(pod([one, one])), ["Burstable", 512, 100_000, 128 * 1024 ** 2]);
  assert.deepEqual(summary(pod([one, { requests: { cpu: "750m" } }])), ["Burstable", 1024, 0, 0]);
  const whole = { limits: { cpu: "1", memory: "1Gi" } };
  assert.deepEqual(summary(pod([whole])), ["Guaranteed", 1024, 100_000, 1024 ** 3]);
  assert.deepEqual(summary(pod([{}, {}])), ["BestEffort", 2, 0, 0]);
});

test("init containers count by the largest one, with the sidecars before it", () => {
  const of = (cpu: string): Resources => ({ limits: { cpu, memory: "1Mi" } });
  const [, , quotaUs] = summary(pod([of("1")], [{ ...of("500m"), isSidecar: true }, of("2"), of("100m")]));
  assert.equal(quotaUs, 250_000);
  assert.equal(summary(pod([of("3")], [{ ...of("500m"), isSidecar: true }, of("2")]))[2], 350_000);
  assert.equal(summary(pod([of("1")], [{}]))[2], 0, "one without a limit leaves the pod without");
});

test("what a pod costs its runtime is added", () => {
  const web = pod([{ limits: { cpu: "1", memory: "1Mi" } }]);
  const overhead = { cpu: "250m", memory: "1Mi" };
  assert.deepEqual(summary({ ...web, spec: { ...web.spec, overhead } }), ["Guaranteed", 1280, 125_000, 2 * 1024 ** 2]);
});

test("what the pod itself says counts before its containers' sum", () => {
  const web = pod([{}, { limits: { memory: "8Gi" } }]);
  const resources = { requests: { cpu: "1" }, limits: { cpu: "2", memory: "1Gi" } };
  assert.deepEqual(summary({ ...web, spec: { ...web.spec, resources } }), ["Burstable", 1024, 200_000, 1024 ** 3]);
});
