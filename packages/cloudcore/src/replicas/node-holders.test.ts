import assert from "node:assert/strict";
import { test } from "node:test";
import { leases } from "@skerry/api";
import { toKubernetesMicroTime } from "@skerry/base";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import { nodeHolders } from "./node-holders.ts";

const nowMs = Date.UTC(2026, 0, 1);

test("each node is shown with the CloudCore of its session, and whether it is connected", async () => {
  const api = new MemoryKubernetesApi();
  const lease = (namespace: string, name: string, holder: string | undefined, agoMs: number): Promise<unknown> =>
    api.create(
      { resource: leases, namespace },
      {
        apiVersion: "coordination.k8s.io/v1",
        kind: "Lease",
        metadata: { name, namespace, ...(holder ? { annotations: { "skerry.io/cloudcore": holder } } : {}) },
        spec: { leaseDurationSeconds: 40, renewTime: toKubernetesMicroTime(nowMs - agoMs) },
      },
    );
  await lease("kube-node-lease", "edge-b", "cloud-1", 5_000);
  await lease("kube-node-lease", "edge-a", "cloud-2", 60_000);
  await lease("kube-node-lease", "kubeedge-1", undefined, 5_000);
  await lease("kubeedge", "session.kubeedge-1", "cloud-2", 500_000);
  await lease("kube-node-lease", "not-an-edge-node", undefined, 5_000);
  assert.deepEqual(await nodeHolders(api, { now: () => nowMs }), [
    { node: "edge-a", cloudCore: "cloud-2", connected: false },
    { node: "edge-b", cloudCore: "cloud-1", connected: true },
    { node: "kubeedge-1", cloudCore: "cloud-2", connected: true },
  ]);
});
