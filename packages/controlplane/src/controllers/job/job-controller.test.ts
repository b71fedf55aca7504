import assert from "node:assert/strict";
import { test } from "node:test";
import { type Event, events, type Job, type JobSpec, jobs, type Pod, pods } from "@skerry/api";
import { type ControllerWorld, controllerWorld } from "../testing/controller-world.ts";
import { ended, listPods, ready, setPodStatus } from "../testing/pod-states.ts";
import { JobController } from "./job-controller.ts";
import { COMPLETION_INDEX, JOB_TRACKING } from "./job-names.ts";

const target = { resource: jobs, namespace: "default", name: "work" };

const start = (): Promise<ControllerWorld> =>
  controllerWorld((ports, informers) => [new JobController(ports, informers)]);

async function create(world: ControllerWorld, spec: Partial<JobSpec> = {}): Promise<void> {
  const job: Job = {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "work" },
    spec: {
      parallelism: 1,
      ...(spec.parallelism === undefined && spec.completions === undefined ? { completions: 1 } : {}),
      backoffLimit: 6,
      selector: { matchLabels: { job: "work" } },
      template: {
        metadata: { labels: { job: "work" } },
        spec: { restartPolicy: "Never", containers: [{ name: "c", image: "i" }] },
      },
      ...spec,
    },
  };
  await world.api.create({ resource: jobs, namespace: "default" }, job);
  await world.clock.settle();
}

const jobOf = (world: ControllerWorld): Promise<Job> => world.api.get<Job>(target);
const conditionsOf = async (world: ControllerWorld): Promise<string[]> =>
  ((await jobOf(world)).status?.conditions ?? []).map(({ type, status, reason }) => `${type}=${status} ${reason}`);
const living = async (world: ControllerWorld): Promise<Pod[]> =>
  (await listPods(world)).filter(
    ({ metadata, status }) => !metadata.deletionTimestamp && !["Succeeded", "Failed"].includes(status?.phase ?? ""),
  );
const eventReasons = async (world: ControllerWorld): Promise<string[]> =>
  (await world.api.list<Event>({ resource: events })).items.map(({ reason = "" }) => reason);

/** Lets all pods that live end with this exit code. */
async function endAll(world: ControllerWorld, exitCode: number): Promise<void> {
  for (const pod of await living(world)) await setPodStatus(world, pod, ended(world, exitCode));
}

test("a Job runs its pod to the end, counts it once and says that it is complete", async () => {
  await using world = await start();
  await create(world);
  const [pod] = await listPods(world);
  assert.ok(pod);
  assert.ok(pod.metadata.finalizers?.includes(JOB_TRACKING));
  assert.deepEqual((await jobOf(world)).status, {
    startTime: "2026-01-01T00:00:00Z",
    active: 1,
    ready: 0,
    terminating: 0,
    uncountedTerminatedPods: {},
  });
  await setPodStatus(world, pod, ready(world));
  assert.equal((await jobOf(world)).status?.ready, 1);
  await endAll(world, 0);
  const { status } = await jobOf(world);
  assert.deepEqual(
    { succeeded: status?.succeeded, active: status?.active, uncounted: status?.uncountedTerminatedPods },
    { succeeded: 1, active: undefined, uncounted: {} },
  );
  assert.equal(status?.completionTime, "2026-01-01T00:00:00Z");
  assert.deepEqual(await conditionsOf(world), [
    "SuccessCriteriaMet=True CompletionsReached",
    "Complete=True CompletionsReached",
  ]);
  assert.deepEqual((await listPods(world))[0]?.metadata.finalizers ?? [], []);
  assert.deepEqual(await eventReasons(world), ["SuccessfulCreate", "Completed"]);
});

test("as many pods work at once as the parallelism says, until there are enough completions", async () => {
  await using world = await start();
  await create(world, { parallelism: 2, completions: 5 });
  for (const expected of [2, 2, 1]) {
    assert.equal((await living(world)).length, expected);
    await endAll(world, 0);
  }
  const { status } = await jobOf(world);
  assert.equal(status?.succeeded, 5);
  assert.equal((await conditionsOf(world)).at(-1), "Complete=True CompletionsReached");
});

test("a work queue, a Job without completions, is over when one pod ended well and none is left", async () => {
  await using world = await start();
  await create(world, { parallelism: 3 });
  const [first, ...others] = await living(world);
  assert.ok(first);
  await setPodStatus(world, first, ended(world, 0));
  assert.equal((await living(world)).length, 2);
  assert.deepEqual(await conditionsOf(world), []);
  for (const pod of others) await setPodStatus(world, pod, ended(world, 0));
  assert.equal((await conditionsOf(world)).at(-1), "Complete=True CompletionsReached");
});

test("failed pods are replaced with growing delays, and the Job fails beyond its back-off limit", async () => {
  await using world = await start();
  await create(world, { backoffLimit: 1 });
  await endAll(world, 1);
  assert.equal((await living(world)).length, 0);
  await world.clock.advance(9_000);
  assert.equal((await living(world)).length, 0);
  await world.clock.advance(1_000);
  assert.equal((await living(world)).length, 1);
  await endAll(world, 1);
  await world.clock.advance(600_000);
  assert.equal((await living(world)).length, 0);
  const { status } = await jobOf(world);
  assert.equal(status?.failed, 2);
  assert.deepEqual(await conditionsOf(world), [
    "FailureTarget=True BackoffLimitExceeded",
    "Failed=True BackoffLimitExceeded",
  ]);
  assert.equal(status?.conditions?.[1]?.message, "Job has reached the specified backoff limit");
  assert.ok((await eventReasons(world)).includes("BackoffLimitExceeded"));
});

test("a Job that is active for too long fails, and its pods go", async () => {
  await using world = await start();
  await create(world, { activeDeadlineSeconds: 30 });
  await world.clock.advance(29_000);
  assert.deepEqual(await conditionsOf(world), []);
  await world.clock.advance(3_000);
  assert.equal((await conditionsOf(world)).at(-1), "Failed=True DeadlineExceeded");
  assert.equal((await living(world)).length, 0);
});

test("a suspended Job has no pods, and begins anew when it is resumed", async () => {
  await using world = await start();
  await create(world, { suspend: true });
  assert.equal((await listPods(world)).length, 0);
  assert.deepEqual(await conditionsOf(world), ["Suspended=True JobSuspended"]);
  await world.clock.advance(60_000);
  await world.api.patch(target, { type: "merge", body: { spec: { suspend: false } } });
  await world.clock.settle();
  assert.equal((await listPods(world)).length, 1);
  assert.equal((await jobOf(world)).status?.startTime, "2026-01-01T00:01:00Z");
  await world.api.patch(target, { type: "merge", body: { spec: { suspend: true } } });
  await world.clock.settle();
  assert.equal((await living(world)).length, 0);
  assert.equal((await jobOf(world)).status?.failed, undefined);
});

test("each index of an Indexed Job is done by a pod that knows its number", async () => {
  await using world = await start();
  await create(world, { completionMode: "Indexed", completions: 3, parallelism: 2 });
  const first = await living(world);
  assert.deepEqual(first.map(({ metadata }) => metadata.annotations?.[COMPLETION_INDEX]).sort(), ["0", "1"]);
  const pod = first.find(({ metadata }) => metadata.annotations?.[COMPLETION_INDEX] === "1");
  assert.ok(pod);
  assert.match(pod.metadata.name, /^work-1-/);
  assert.equal(pod.spec.hostname, "work-1");
  assert.equal(pod.spec.containers[0]?.env?.[0]?.name, "JOB_COMPLETION_INDEX");
  await setPodStatus(world, pod, ended(world, 0));
  assert.equal((await jobOf(world)).status?.completedIndexes, "1");
  await endAll(world, 0);
  const { status } = await jobOf(world);
  assert.equal(status?.completedIndexes, "0-2");
  assert.equal(status?.succeeded, 3);
  assert.equal((await conditionsOf(world)).at(-1), "Complete=True CompletionsReached");
});

test("with a limit per index one bad index does not stop the others, and fails the Job at the end", async () => {
  await using world = await start();
  await create(world, {
    completionMode: "Indexed",
    completions: 2,
    parallelism: 2,
    backoffLimitPerIndex: 1,
    backoffLimit: 2_147_483_647,
  });
  const bad = async (): Promise<void> => {
    const pod = (await living(world)).find(({ metadata }) => metadata.annotations?.[COMPLETION_INDEX] === "0");
    assert.ok(pod);
    await setPodStatus(world, pod, ended(world, 1));
  };
  await bad();
  await world.clock.advance(10_000);
  await bad();
  assert.equal((await jobOf(world)).status?.failedIndexes, "0");
  await endAll(world, 0);
  assert.equal((await conditionsOf(world)).at(-1), "Failed=True FailedIndexes");
});

test("a pod failure policy ends the Job at once, or takes no notice", async () => {
  await using world = await start();
  await create(world, {
    podReplacementPolicy: "Failed",
    podFailurePolicy: {
      rules: [
        { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
        { action: "FailJob", onExitCodes: { operator: "In", values: [42] } },
      ],
    },
  });
  const [disrupted] = await living(world);
  assert.ok(disrupted);
  const conditions = [{ type: "DisruptionTarget", status: "True" }];
  await setPodStatus(world, disrupted, { ...ended(world, 1), conditions });
  await world.clock.advance(10_000);
  assert.equal((await jobOf(world)).status?.failed, undefined);
  const [pod] = await living(world);
  assert.ok(pod);
  await setPodStatus(world, pod, ended(world, 42));
  const { status } = await jobOf(world);
  assert.equal((await conditionsOf(world)).at(-1), "Failed=True PodFailurePolicy");
  assert.equal(
    status?.conditions?.at(-1)?.message,
    `Container c for pod default/${pod.metadata.name} failed with exit code 42 matching FailJob rule at index 1`,
  );
});

test("a success policy ends the Job as soon as the indexes that matter are done", async () => {
  await using world = await start();
  await create(world, {
    completionMode: "Indexed",
    completions: 3,
    parallelism: 3,
    successPolicy: { rules: [{ succeededIndexes: "0" }] },
  });
  const leader = (await living(world)).find(({ metadata }) => metadata.annotations?.[COMPLETION_INDEX] === "0");
  assert.ok(leader);
  await setPodStatus(world, leader, ended(world, 0));
  assert.equal((await living(world)).length, 0);
  assert.equal((await conditionsOf(world)).at(-1), "Complete=True SuccessPolicy");
});

test("a success policy that names a billion indexes holds nothing up and waits for those that there are", async () => {
  await using world = await start();
  await create(world, {
    completionMode: "Indexed",
    completions: 2,
    parallelism: 2,
    successPolicy: { rules: [{ succeededIndexes: "0-999999999" }] },
  });
  const [first] = await living(world);
  assert.ok(first);
  await setPodStatus(world, first, ended(world, 0));
  assert.equal((await living(world)).length, 1);
  await endAll(world, 0);
  assert.equal((await conditionsOf(world)).at(-1), "Complete=True SuccessPolicy");
});

test("a pod that somebody deletes counts as failed and is replaced", async () => {
  await using world = await start();
  await create(world);
  const [pod] = await living(world);
  await world.api.delete({ resource: pods, namespace: "default", name: pod?.metadata.name ?? "" });
  await world.clock.settle();
  await world.clock.advance(10_000);
  assert.equal((await jobOf(world)).status?.failed, 1);
  assert.equal((await living(world)).length, 1);
});

test("a finished Job is deleted after its time to live", async () => {
  await using world = await start();
  await create(world, { ttlSecondsAfterFinished: 60 });
  await endAll(world, 0);
  await world.clock.advance(59_000);
  assert.equal((await jobOf(world)).metadata.deletionTimestamp, undefined);
  await world.clock.advance(2_000);
  const job = await jobOf(world).catch(() => undefined);
  assert.ok(job === undefined || job.metadata.deletionTimestamp !== undefined);
});

test("pods of a Job that is gone are let go", async () => {
  await using world = await start();
  await create(world);
  await world.api.delete(target, { propagationPolicy: "Background" });
  await world.clock.settle();
  assert.deepEqual((await listPods(world))[0]?.metadata.finalizers ?? [], []);
});

test("an ended pod is counted once though the answer to the first count got lost", async () => {
  await using world = await start();
  await create(world, { completions: 2, parallelism: 2 });
  const [first] = await living(world);
  assert.ok(first);
  world.api.holdWatches(jobs);
  await setPodStatus(world, first, ended(world, 0));
  await world.clock.advance(30_000);
  world.api.releaseWatches();
  await world.clock.advance(30_000);
  assert.equal((await jobOf(world)).status?.succeeded, 1);
  assert.equal((await listPods(world)).length, 2);
});
