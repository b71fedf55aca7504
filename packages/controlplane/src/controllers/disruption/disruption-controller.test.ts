import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Deployment,
  deployments,
  type PodDisruptionBudget,
  podDisruptionBudgets,
  type ReplicaSet,
  replicaSets,
} from "@skerry/api";
import { ReplicaSetController } from "../replicaset/replica-set-controller.ts";
import { type ControllerWorld, controllerWorld, playKubelet } from "../testing/controller-world.ts";
import { listPods, setPodStatus } from "../testing/pod-states.ts";
import { DisruptionController } from "./disruption-controller.ts";

const target = { resource: podDisruptionBudgets, namespace: "default", name: "web" };

async function start(replicas: number, spec: PodDisruptionBudget["spec"]): Promise<ControllerWorld> {
  const world = await controllerWorld((ports, informers) => [
    new ReplicaSetController(ports, informers),
    new DisruptionController(ports, informers),
  ]);
  const labels = { app: "web" };
  const replicaSet: ReplicaSet = {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: { name: "web" },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: "c", image: "i" }] } },
    },
  };
  await world.api.create({ resource: replicaSets, namespace: "default" }, replicaSet);
  const budget: PodDisruptionBudget = {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: "web" },
    spec: { selector: { matchLabels: labels }, ...spec },
  };
  await world.api.create({ resource: podDisruptionBudgets, namespace: "default" }, budget);
  await world.clock.settle();
  return world;
}

/** `allowed healthy/desired of expected`, and the condition's reason. */
async function shown(world: ControllerWorld): Promise<string> {
  const { status } = await world.api.get<PodDisruptionBudget>(target);
  const { disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods, conditions } = status ?? {};
  return `${disruptionsAllowed} ${currentHealthy}/${desiredHealthy} of ${expectedPods} ${conditions?.[0]?.reason}`;
}

test("a budget allows what is beyond the least number of healthy pods", async () => {
  await using world = await start(3, { minAvailable: 2 });
  assert.equal(await shown(world), "0 0/2 of 3 InsufficientPods");
  await playKubelet(world);
  assert.equal(await shown(world), "1 3/2 of 3 SufficientPods");
  const [pod] = await listPods(world);
  assert.ok(pod);
  await setPodStatus(world, pod, { phase: "Running", conditions: [{ type: "Ready", status: "False" }] });
  assert.equal(await shown(world), "0 2/2 of 3 InsufficientPods");
});

test("percentages are of what the controllers want, not of what there is", async () => {
  await using world = await start(4, { maxUnavailable: "25%" });
  await playKubelet(world);
  assert.equal(await shown(world), "1 4/3 of 4 SufficientPods");
  await using other = await start(3, { minAvailable: "50%" });
  await playKubelet(other);
  assert.equal(await shown(other), "1 3/2 of 3 SufficientPods");
});

test("an eviction that was allowed counts until the pod is gone or nothing came of it", async () => {
  await using world = await start(2, { minAvailable: 1 });
  await playKubelet(world);
  const [pod] = await listPods(world);
  const since = new Date(world.clock.now()).toISOString();
  const status = { disruptedPods: { [pod?.metadata.name ?? ""]: since } };
  await world.api.patch({ ...target, subresource: "status" }, { type: "merge", body: { status } });
  await world.clock.settle();
  assert.equal(await shown(world), "0 1/1 of 2 InsufficientPods");
  await world.clock.advance(125_000);
  assert.equal(await shown(world), "1 2/1 of 2 SufficientPods");
});

test("a Deployment counts once though a rollout has its pods in two ReplicaSets", async () => {
  await using world = await start(2, { maxUnavailable: 1 });
  const template = { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "i" }] } };
  const selector = { matchLabels: { app: "web" } };
  const deployment: Deployment = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: { replicas: 3, selector, template },
  };
  const { metadata } = await world.api.create({ resource: deployments, namespace: "default" }, deployment);
  const owner = { apiVersion: "apps/v1", kind: "Deployment", name: "web", uid: metadata.uid ?? "", controller: true };
  const old = { resource: replicaSets, namespace: "default", name: "web" };
  await world.api.patch(old, { type: "merge", body: { metadata: { ownerReferences: [owner] } } });
  const next: ReplicaSet = {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: { name: "web-next", ownerReferences: [owner] },
    spec: { replicas: 2, selector, template },
  };
  await world.api.create({ resource: replicaSets, namespace: "default" }, next);
  await world.clock.settle();
  await playKubelet(world);
  assert.equal((await listPods(world)).length, 4);
  assert.equal(await shown(world), "2 4/2 of 3 SufficientPods");
});
