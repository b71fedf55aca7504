import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Deployment,
  deployments,
  type Event,
  events,
  type Pod,
  pods,
  type ReplicaSet,
  replicaSets,
} from "@skerry/api";
import type { JsonObject } from "@skerry/base";
import { ReplicaSetController } from "../replicaset/replica-set-controller.ts";
import { type ControllerWorld, controllerWorld, playKubelet } from "../testing/controller-world.ts";
import { DeploymentController } from "./deployment-controller.ts";

const target = { resource: deployments, namespace: "default", name: "web" };

function deployment(spec: Partial<Deployment["spec"]> = {}, image = "app:1"): Deployment {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", annotations: { owner: "me", "kubectl.kubernetes.io/last-applied-configuration": "{}" } },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image }] } },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      ...spec,
    },
  };
}

const start = (): Promise<ControllerWorld> =>
  controllerWorld((ports, informers) => [
    new DeploymentController(ports, informers),
    new ReplicaSetController(ports, informers),
  ]);
const create = async (world: ControllerWorld, object: Deployment): Promise<void> => {
  await world.api.create({ resource: deployments, namespace: "default" }, object);
  await world.clock.settle();
};
const setImage = async (world: ControllerWorld, image: string): Promise<void> => {
  const body = { spec: { template: { spec: { containers: [{ name: "c", image }] } } } };
  await world.api.patch(target, { type: "strategic", body });
  await world.clock.settle();
};
const patchSpec = async (world: ControllerWorld, spec: JsonObject): Promise<void> => {
  await world.api.patch(target, { type: "merge", body: { spec } });
  await world.clock.settle();
};
const get = (world: ControllerWorld): Promise<Deployment> => world.api.get<Deployment>(target);
const replicaSetsOf = async (world: ControllerWorld): Promise<ReplicaSet[]> =>
  (await world.api.list<ReplicaSet>({ resource: replicaSets })).items;
const images = async (world: ControllerWorld): Promise<string[]> =>
  (await world.api.list<Pod>({ resource: pods })).items
    .filter(({ metadata }) => !metadata.deletionTimestamp)
    .map(({ spec }) => spec.containers[0]?.image ?? "")
    .sort();
const condition = (object: Deployment, type: string): string | undefined => {
  const found = object.status?.conditions?.find((each) => each.type === type);
  return found && `${found.status} ${found.reason}`;
};
/** What `kubectl rollout status` waits for. */
const isRolledOut = ({ metadata, spec, status = {} }: Deployment): boolean =>
  (metadata.generation ?? 0) <= (status.observedGeneration ?? 0) &&
  (status.updatedReplicas ?? 0) >= (spec.replicas ?? 1) &&
  (status.replicas ?? 0) <= (status.updatedReplicas ?? 0) &&
  (status.availableReplicas ?? 0) >= (status.updatedReplicas ?? 0);
const rollOut = async (world: ControllerWorld, watch: () => Promise<void> = async () => {}): Promise<void> => {
  for (let round = 0; round < 30 && !isRolledOut(await get(world)); round++) {
    await playKubelet(world);
    await watch();
  }
  assert.ok(isRolledOut(await get(world)), JSON.stringify((await get(world)).status));
};

test("a new Deployment gets a ReplicaSet and its pods, and tells when it is rolled out", async () => {
  await using world = await start();
  await create(world, deployment());
  assert.equal(condition(await get(world), "Available"), "False MinimumReplicasUnavailable");
  await rollOut(world);
  const done = await get(world);
  assert.equal(condition(done, "Available"), "True MinimumReplicasAvailable");
  assert.equal(condition(done, "Progressing"), "True NewReplicaSetAvailable");
  assert.equal(done.metadata.annotations?.["deployment.kubernetes.io/revision"], "1");
  const { observedGeneration, replicas, updatedReplicas, readyReplicas, availableReplicas, unavailableReplicas } =
    done.status ?? {};
  assert.deepEqual(
    [observedGeneration, replicas, updatedReplicas, readyReplicas, availableReplicas, unavailableReplicas],
    [1, 3, 3, 3, 3, undefined],
  );
  const [replicaSet] = await replicaSetsOf(world);
  assert.match(replicaSet?.metadata.name ?? "", /^web-[b-z2-9]+$/);
  assert.deepEqual(replicaSet?.metadata.annotations, {
    owner: "me",
    "deployment.kubernetes.io/revision": "1",
    "deployment.kubernetes.io/desired-replicas": "3",
    "deployment.kubernetes.io/max-replicas": "4",
  });
  const told = (await world.api.list<Event>({ resource: events })).items.map(({ message }) => message);
  assert.ok(told.includes(`Scaled up replica set ${replicaSet?.metadata.name} from 0 to 3`));
});

test("a rolling update never goes beyond maxSurge nor below maxUnavailable", async () => {
  await using world = await start();
  await create(
    world,
    deployment({ replicas: 4, strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } } }),
  );
  await rollOut(world);
  await setImage(world, "app:2");
  await rollOut(world, async () => {
    const all = (await world.api.list<Pod>({ resource: pods })).items.filter(
      ({ metadata }) => !metadata.deletionTimestamp,
    );
    assert.ok(all.length <= 5, `${all.length} pods`);
    const ready = all.filter(({ status }) => status?.conditions?.some(({ type }) => type === "Ready"));
    assert.ok(ready.length >= 3, `${ready.length} ready`);
  });
  assert.deepEqual(await images(world), ["app:2", "app:2", "app:2", "app:2"]);
  assert.equal((await get(world)).metadata.annotations?.["deployment.kubernetes.io/revision"], "2");
});

test("going back to an earlier template reuses its ReplicaSet under a new revision", async () => {
  await using world = await start();
  await create(world, deployment());
  await rollOut(world);
  await setImage(world, "app:2");
  await rollOut(world);
  await setImage(world, "app:1");
  await rollOut(world);
  assert.deepEqual(await images(world), ["app:1", "app:1", "app:1"]);
  const list = await replicaSetsOf(world);
  assert.equal(list.length, 2);
  const revisions = list.map(({ metadata }) => metadata.annotations?.["deployment.kubernetes.io/revision"]).sort();
  assert.deepEqual(revisions, ["2", "3"]);
  assert.equal((await get(world)).metadata.annotations?.["deployment.kubernetes.io/revision"], "3");
});

test("Recreate lets all old pods go before the first new one comes", async () => {
  await using world = await start();
  await create(world, deployment({ strategy: { type: "Recreate" } }));
  await rollOut(world);
  await setImage(world, "app:2");
  await rollOut(world, async () => {
    const all = (await world.api.list<Pod>({ resource: pods })).items.map(({ spec }) => spec.containers[0]?.image);
    assert.equal(new Set(all).size <= 1, true, String(all));
  });
  assert.deepEqual(await images(world), ["app:2", "app:2", "app:2"]);
});

test("a paused Deployment scales but does not roll out until it is resumed", async () => {
  await using world = await start();
  await create(world, deployment());
  await rollOut(world);
  await patchSpec(world, { paused: true });
  await setImage(world, "app:2");
  await patchSpec(world, { replicas: 4 });
  await playKubelet(world);
  assert.deepEqual(await images(world), ["app:1", "app:1", "app:1", "app:1"]);
  assert.equal(condition(await get(world), "Progressing"), "Unknown DeploymentPaused");
  await patchSpec(world, { paused: false });
  await rollOut(world);
  assert.deepEqual(await images(world), ["app:2", "app:2", "app:2", "app:2"]);
  assert.equal(condition(await get(world), "Progressing"), "True NewReplicaSetAvailable");
});

test("scaling in the middle of a rollout shares the new pods in proportion", async () => {
  await using world = await start();
  await create(
    world,
    deployment({
      replicas: 10,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } },
    }),
  );
  await rollOut(world);
  await setImage(world, "broken");
  await patchSpec(world, { replicas: 15 });
  const sizes = (await replicaSetsOf(world)).map(({ spec }) => spec.replicas ?? 0).sort((left, right) => left - right);
  assert.equal(sizes[0] !== undefined && sizes[1] !== undefined && sizes[0] + sizes[1] <= 18, true, String(sizes));
  assert.ok((sizes[0] ?? 0) > 5 && (sizes[1] ?? 0) > 8, String(sizes));
});

test("a rollout that makes no progress is told after its deadline", async () => {
  await using world = await start();
  await create(world, deployment({ progressDeadlineSeconds: 60 }));
  await world.clock.advance(70_000);
  assert.equal(condition(await get(world), "Progressing"), "False ProgressDeadlineExceeded");
  await rollOut(world);
  assert.equal(condition(await get(world), "Progressing"), "True NewReplicaSetAvailable");
});

test("old ReplicaSets beyond the history limit are deleted", async () => {
  await using world = await start();
  await create(world, deployment({ revisionHistoryLimit: 1 }));
  for (const image of ["app:2", "app:3", "app:4"]) {
    await rollOut(world);
    await setImage(world, image);
  }
  await rollOut(world);
  await world.clock.advance(1_000);
  const revisions = (await replicaSetsOf(world)).map(
    ({ metadata }) => metadata.annotations?.["deployment.kubernetes.io/revision"],
  );
  assert.deepEqual(revisions.sort(), ["3", "4"]);
});

test("a change of annotations alone (rollout restart's is in the template) creates no new ReplicaSet", async () => {
  await using world = await start();
  await create(world, deployment());
  await rollOut(world);
  await world.api.patch(target, { type: "merge", body: { metadata: { annotations: { note: "x" } } } });
  await world.clock.settle();
  assert.equal((await replicaSetsOf(world)).length, 1);
  const restarted = {
    spec: { template: { metadata: { annotations: { "kubectl.kubernetes.io/restartedAt": "now" } } } },
  };
  await world.api.patch(target, { type: "strategic", body: restarted });
  await world.clock.settle();
  await rollOut(world);
  assert.equal((await replicaSetsOf(world)).length, 2);
});

test("a cache of ReplicaSets that lags behind leads to no second ReplicaSet", async () => {
  await using world = await start();
  world.api.holdWatches(replicaSets);
  await create(world, deployment());
  await patchSpec(world, { minReadySeconds: 0, progressDeadlineSeconds: 601 });
  await world.clock.advance(10_000);
  assert.equal((await replicaSetsOf(world)).length, 1);
  world.api.releaseWatches();
  await world.clock.settle();
  await rollOut(world);
  assert.equal((await replicaSetsOf(world)).length, 1);
});
