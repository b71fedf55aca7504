import { test } from "node:test";
import { deployments, persistentVolumeClaims } from "@skerry/api";
import { assertBroken, World } from "./testing/world.ts";

const unschedulable = (message: string) => ({
  conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message }],
});

test("why names a quota, replicas of 0 and a template that is not admitted where no pod was made", async () => {
  const workload = (replicas: number) => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace: "default" },
    spec: { replicas },
  });
  const quota = await new World().node();
  await quota.add(deployments, workload(1));
  await quota.event(
    "FailedCreate",
    'pods "web-1" is forbidden: exceeded quota: small, used: pods=1, limited: pods=1',
    "web-6d8f",
  );
  assertBroken(await quota.whyPod(), "asked for", "WHY_POD_QUOTA", /exceeded quota: small/);
  const invalid = await new World().node();
  await invalid.add(deployments, workload(1));
  await invalid.event("FailedCreate", 'Pod "web-1" is invalid', "web-6d8f");
  assertBroken(await invalid.whyPod(), "asked for", "WHY_POD_NOT_ADMITTED", /is invalid/);
  const none = await new World().node();
  await none.add(deployments, workload(0));
  assertBroken(await none.whyPod(), "asked for", "WHY_POD_NONE_WANTED", /replicas are 0/);
});

test("why names a taint, a cordoned and an offline node that keep a pod away", async () => {
  const taints = [
    ["dedicated", "gpu", "NoSchedule", "WHY_POD_TAINT", /dedicated=gpu:NoSchedule on edge-1/],
    ["node.kubernetes.io/unschedulable", "", "NoSchedule", "WHY_POD_NODE_CORDONED", /cordoned/],
    ["node.kubernetes.io/unreachable", "", "NoSchedule", "WHY_POD_NODE_NOT_READY", /offline \(edge-1\)/],
  ] as const;
  for (const [key, value, effect, code, found] of taints) {
    const world = await new World().node("True", { spec: { taints: [{ key, value, effect }] } });
    const refusal = `0/1 nodes are available: 1 node(s) had untolerated taint {${key}: ${value}}.`;
    await world.pod({ tolerations: [{ key: "other", operator: "Exists" }] }, unschedulable(refusal));
    assertBroken(await world.whyPod(), "has a node", code, found);
  }
});

test("why names the claim that keeps the scheduler from giving a pod a node", async () => {
  const claim = { name: "data", persistentVolumeClaim: { claimName: "data" } };
  const absent = await new World().node();
  await absent.pod(
    { volumes: [claim] },
    { phase: "Pending", ...unschedulable('persistentvolumeclaim "data" not found') },
  );
  assertBroken(await absent.whyPod(), "has a node", "WHY_POD_OBJECT_MISSING", /default\/data, which does not exist/);
  const unbound = await new World().node();
  await unbound.add(persistentVolumeClaims, {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: "data", namespace: "default" },
    status: { phase: "Pending" },
  });
  const refusal = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.";
  await unbound.pod({ volumes: [claim] }, { phase: "Pending", ...unschedulable(refusal) });
  assertBroken(await unbound.whyPod(), "has a node", "WHY_POD_CLAIM_UNBOUND", /has no volume/);
});
