import assert from "node:assert/strict";
import { test } from "node:test";
import { type CronJob, cronJobs, type Event, events, type Job, jobs } from "@skerry/api";
import { type ControllerWorld, controllerWorld } from "../testing/controller-world.ts";
import { CronJobController } from "./cron-job-controller.ts";

const target = { resource: cronJobs, namespace: "default", name: "tick" };
const MINUTE_MS = 60_000;

const start = (): Promise<ControllerWorld> =>
  controllerWorld((ports, informers) => [new CronJobController(ports, informers)]);

async function create(world: ControllerWorld, spec: Partial<CronJob["spec"]> = {}): Promise<void> {
  const cronJob: CronJob = {
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: { name: "tick" },
    spec: {
      schedule: "*/5 * * * *",
      jobTemplate: {
        metadata: { labels: { from: "tick" } },
        spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "i" }] } } },
      },
      ...spec,
    },
  };
  await world.api.create({ resource: cronJobs, namespace: "default" }, cronJob);
  await world.clock.settle();
}

const cronJobOf = (world: ControllerWorld): Promise<CronJob> => world.api.get<CronJob>(target);
const jobsOf = async (world: ControllerWorld): Promise<Job[]> => (await world.api.list<Job>({ resource: jobs })).items;
const names = async (world: ControllerWorld): Promise<string[]> =>
  (await jobsOf(world)).map((job) => job.metadata.name);
const reasons = async (world: ControllerWorld): Promise<(string | undefined)[]> =>
  (await world.api.list<Event>({ resource: events })).items.map(({ reason }) => reason);
/** Plays the Job controller that sees a Job end. */
async function finish(world: ControllerWorld, name: string, type: "Complete" | "Failed"): Promise<void> {
  const now = new Date(world.clock.now()).toISOString();
  const status = {
    conditions: [{ type, status: "True", lastTransitionTime: now }],
    startTime: now,
    ...(type === "Complete" ? { completionTime: now } : {}),
  };
  const at = { resource: jobs, namespace: "default", name, subresource: "status" };
  await world.api.patch(at, { type: "merge", body: { status } });
  await world.clock.settle();
}
/** Name of the Job of a minute after the world began. */
const jobName = (minute: number): string => `tick-${Date.UTC(2026, 0, 1, 0, minute) / MINUTE_MS}`;

test("a Job is made at each time of the schedule, once", async () => {
  await using world = await start();
  await create(world);
  await world.clock.advance(4 * MINUTE_MS);
  assert.deepEqual(await names(world), []);
  await world.clock.advance(7 * MINUTE_MS);
  assert.deepEqual(await names(world), [jobName(5), jobName(10)]);
  const [job] = await jobsOf(world);
  assert.equal(job?.metadata.labels?.["from"], "tick");
  assert.equal(job?.metadata.annotations?.["batch.kubernetes.io/cronjob-scheduled-timestamp"], "2026-01-01T00:05:00Z");
  assert.equal(job?.metadata.ownerReferences?.[0]?.kind, "CronJob");
  const { status } = await cronJobOf(world);
  assert.equal(status?.active?.length, 2);
  assert.equal(status?.lastScheduleTime, "2026-01-01T00:10:00Z");
});

test("a Job that ended is no longer active, and old ones go beyond the limits", async () => {
  await using world = await start();
  await create(world, { successfulJobsHistoryLimit: 2, failedJobsHistoryLimit: 1 });
  for (const [minute, outcome] of [
    [5, "Complete"],
    [10, "Failed"],
    [15, "Complete"],
    [20, "Complete"],
    [25, "Failed"],
  ] as const) {
    await world.clock.advance(Date.UTC(2026, 0, 1, 0, minute) - world.clock.now());
    await finish(world, jobName(minute), outcome);
  }
  assert.deepEqual(await names(world), [jobName(15), jobName(20), jobName(25)]);
  const { status } = await cronJobOf(world);
  assert.equal(status?.active, undefined);
  assert.equal(status?.lastSuccessfulTime?.slice(0, 16), "2026-01-01T00:20");
  assert.ok((await reasons(world)).includes("SawCompletedJob"));
});

test("Forbid skips a time while a Job runs, Replace puts a new one in its place", async () => {
  await using world = await start();
  await create(world, { concurrencyPolicy: "Forbid" });
  await world.clock.advance(11 * MINUTE_MS);
  assert.deepEqual(await names(world), [jobName(5)]);
  assert.ok((await reasons(world)).includes("JobAlreadyActive"));
  await finish(world, jobName(5), "Complete");
  assert.deepEqual(await names(world), [jobName(10), jobName(5)].sort());
  await using other = await start();
  await create(other, { concurrencyPolicy: "Replace" });
  await other.clock.advance(11 * MINUTE_MS);
  assert.deepEqual(await names(other), [jobName(10)]);
  assert.equal((await cronJobOf(other)).status?.active?.length, 1);
});

test("a suspended CronJob makes no Jobs; resumed it serves only the last missed time", async () => {
  await using world = await start();
  await create(world, { suspend: true });
  await world.clock.advance(22 * MINUTE_MS);
  assert.deepEqual(await names(world), []);
  await world.api.patch(target, { type: "merge", body: { spec: { suspend: false } } });
  await world.clock.settle();
  assert.deepEqual(await names(world), [jobName(20)]);
});

test("a time missed by more than the deadline is told and left out", async () => {
  await using world = await start();
  await create(world, { suspend: true, startingDeadlineSeconds: 60 });
  await world.clock.advance(8 * MINUTE_MS);
  await world.api.patch(target, { type: "merge", body: { spec: { suspend: false } } });
  await world.clock.settle();
  assert.deepEqual(await names(world), []);
  assert.ok((await reasons(world)).includes("MissSchedule"));
  await world.clock.advance(3 * MINUTE_MS);
  assert.deepEqual(await names(world), [jobName(10)]);
});

test("the schedule is read in the CronJob's time zone", async () => {
  await using world = await start();
  await create(world, { schedule: "35 5 * * *", timeZone: "Asia/Kolkata" });
  await world.clock.advance(10 * MINUTE_MS);
  assert.deepEqual(await names(world), [jobName(5)]);
});

test("an unknown time zone is told, and the controller goes on", async () => {
  await using world = await start();
  await create(world, { timeZone: "Mars/Base" });
  await world.clock.advance(10 * MINUTE_MS);
  assert.deepEqual(await names(world), []);
  assert.ok((await reasons(world)).includes("UnparseableSchedule"));
});

test("a lost answer to a creation leads to no second Job", async () => {
  await using world = await start();
  await create(world);
  let lost = true;
  world.api.afterCreate = (object) => {
    if (object.kind !== "Job" || !lost) return;
    lost = false;
    throw new Error("the answer got lost");
  };
  await world.clock.advance(9 * MINUTE_MS);
  assert.deepEqual(await names(world), [jobName(5)]);
  assert.equal((await cronJobOf(world)).status?.active?.length, 1);
});
