import {
  type CronJob,
  cronJobs as cronJobsResource,
  type Job,
  jobs as jobsResource,
  type KubernetesObject,
} from "@skerry/api";
import { describeError, type Logger, toKubernetesTime } from "@skerry/base";
import { isApiError, objectKey, WorkQueue } from "@skerry/kube";
import { BY_CONTROLLER, type ClusterInformers } from "../cluster-informers.ts";
import type { Controller, ControllerPorts } from "../controller-ports.ts";
import { EventRecorder } from "../event-recorder.ts";
import { finishedCondition } from "../job/job-verdict.ts";
import { liveObject } from "../live-object.ts";
import { isNamespaceGoing } from "../namespace/namespace-state.ts";
import { controllerOf, controllerReference } from "../owner-references.ts";
import { writeStatus } from "../write-status.ts";
import { WrittenVersions } from "../written-versions.ts";
import { cronDue } from "./cron-due.ts";
import { type CronSchedule, parseCronSchedule } from "./cron-schedule.ts";

/** Annotation with the time of the schedule that a Job serves. */
const SCHEDULED_TIMESTAMP = "batch.kubernetes.io/cronjob-scheduled-timestamp";
/** Time zones keep changing their rules, and clocks jump: nobody sleeps for longer. */
const LONGEST_SLEEP_MS = 3_600_000;

/** Makes Jobs at the times of CronJobs' schedules, and clears away the old ones. */
export class CronJobController implements Controller {
  readonly #ports: ControllerPorts;
  readonly #informers: ClusterInformers;
  readonly #logger: Logger;
  readonly #events: EventRecorder;
  readonly #queue: WorkQueue;
  readonly #written = new WrittenVersions();
  readonly #listening = new DisposableStack();

  constructor(ports: ControllerPorts, informers: ClusterInformers) {
    this.#ports = ports;
    this.#informers = informers;
    this.#logger = ports.logger.child("cronjob-controller");
    this.#events = new EventRecorder(ports, "cronjob-controller");
    this.#queue = new WorkQueue({
      ...ports,
      logger: this.#logger,
      concurrency: 2,
      work: (key, signal) => this.#sync(key, signal),
    });
  }

  start(): void {
    const { cronJobs, jobs } = this.#informers;
    this.#listening.use(
      cronJobs.listen(({ type, object }) => {
        if (type === "deleted") this.#written.forget(object);
        this.#queue.add(objectKey(object));
      }),
    );
    this.#listening.use(
      jobs.listen(({ object }) => {
        const owner = controllerOf(object);
        if (owner?.kind === "CronJob") this.#queue.add(`${object.metadata.namespace ?? ""}/${owner.name}`);
      }),
    );
    this.#queue.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening.dispose();
    await this.#queue[Symbol.asyncDispose]();
    await this.#events[Symbol.asyncDispose]();
  }

  async #sync(key: string, signal: AbortSignal): Promise<void> {
    const cronJob = this.#informers.cronJobs.cache.get(key);
    if (!cronJob || this.#written.isStale(cronJob)) return;
    const own = this.#informers.jobs.cache.byIndex(BY_CONTROLLER, cronJob.metadata.uid ?? "");
    const noted = await this.#noteEnded(cronJob, own, signal);
    await this.#clearHistory(cronJob, own, signal);
    if (noted.metadata.deletionTimestamp || noted.spec.suspend) return;
    const schedule = this.#scheduleOf(noted);
    if (schedule) await this.#serve(key, noted, schedule, signal);
  }

  #scheduleOf(cronJob: CronJob): CronSchedule | undefined {
    const { schedule, timeZone } = cronJob.spec;
    try {
      return parseCronSchedule(schedule, timeZone);
    } catch (error) {
      const message = `unparseable schedule: ${JSON.stringify(schedule)} : ${describeError(error)}`;
      this.#events.record(cronJob, "Warning", "UnparseableSchedule", message);
      return undefined;
    }
  }

  /** Makes the Job of the time that is due, and sleeps until the next. */
  async #serve(key: string, cronJob: CronJob, schedule: CronSchedule, signal: AbortSignal): Promise<void> {
    const nowMs = this.#ports.clock.now();
    const due = cronDue(cronJob, schedule, nowMs);
    if (due.nextMs !== undefined) this.#queue.addAfter(key, Math.min(due.nextMs - nowMs, LONGEST_SLEEP_MS));
    if (due.dueMs === undefined) return;
    if (due.hasMissedMany) {
      const advice = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
      this.#events.record(cronJob, "Warning", "TooManyMissedTimes", advice);
    }
    if (due.isTooLate) {
      const message = `Missed scheduled time to start a job: ${toKubernetesTime(due.dueMs)}`;
      this.#events.record(cronJob, "Warning", "MissSchedule", message);
      return;
    }
    const active = cronJob.status?.active ?? [];
    if (cronJob.spec.concurrencyPolicy === "Forbid" && active.length > 0) {
      const message = "Not starting job because prior execution is running and concurrency policy is Forbid";
      this.#events.record(cronJob, "Normal", "JobAlreadyActive", message);
      return;
    }
    const isReplacing = cronJob.spec.concurrencyPolicy === "Replace";
    if (isReplacing) for (const { name = "" } of active) await this.#deleteJob(cronJob, name, signal);
    const job = await this.#create(cronJob, due.dueMs, signal);
    if (!job) return;
    const kept = isReplacing ? [] : active.filter(({ uid }) => uid !== job.metadata.uid);
    const status = {
      ...cronJob.status,
      active: [...kept, referenceTo(job)],
      lastScheduleTime: toKubernetesTime(due.dueMs),
    };
    await this.#writeStatus(cronJob, status, signal);
  }

  /** The Job that serves a time: its name says which, so none is made twice. */
  async #create(cronJob: CronJob, dueMs: number, signal: AbortSignal): Promise<Job | undefined> {
    const { namespace = "", name: own } = cronJob.metadata;
    const { metadata: template = {}, spec } = cronJob.spec.jobTemplate;
    const name = `${own}-${Math.floor(dueMs / 60_000)}`;
    const job: Job = {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: {
        name,
        ...(template.labels ? { labels: template.labels } : {}),
        annotations: { ...template.annotations, [SCHEDULED_TIMESTAMP]: toKubernetesTime(dueMs) },
        ownerReferences: [controllerReference(cronJob)],
      },
      spec: structuredClone(spec),
    };
    try {
      const created = await this.#ports.api.create({ resource: jobsResource, namespace }, job, { signal });
      this.#events.record(cronJob, "Normal", "SuccessfulCreate", `Created job ${name}`);
      return created;
    } catch (error) {
      if (isNamespaceGoing(error)) return undefined;
      if (isApiError(error, "AlreadyExists")) {
        const existing = await this.#ports.api.get<Job>({ resource: jobsResource, namespace, name }, signal);
        if (controllerOf(existing)?.uid === cronJob.metadata.uid) return existing;
      }
      const message = `Error creating job: ${describeError(error)}`;
      if (!signal.aborted) this.#events.record(cronJob, "Warning", "FailedCreate", message);
      throw error;
    }
  }

  /** Takes Jobs that have ended, or are no more, out of the active ones. */
  async #noteEnded(cronJob: CronJob, own: readonly Job[], signal: AbortSignal): Promise<CronJob> {
    const { active = [], ...status } = cronJob.status ?? {};
    const byUid = new Map(own.map((job) => [job.metadata.uid, job]));
    let lastSuccessfulTime = status.lastSuccessfulTime;
    const still = [];
    for (const reference of active) {
      const job = byUid.get(reference.uid);
      const finished = job && finishedCondition(job);
      if (finished) {
        const message = `Saw completed job: ${job.metadata.name}, condition: ${finished.type}`;
        this.#events.record(cronJob, "Normal", "SawCompletedJob", message);
        const { completionTime } = job.status ?? {};
        if (finished.type === "Complete" && completionTime && completionTime > (lastSuccessfulTime ?? ""))
          lastSuccessfulTime = completionTime;
      } else if (job || (await this.#exists(cronJob, reference.name ?? "", reference.uid ?? "", signal)))
        still.push(reference);
      else {
        const message = `Active job went missing: ${reference.name ?? ""}`;
        this.#events.record(cronJob, "Normal", "MissingJob", message);
      }
    }
    const next = {
      ...(still.length > 0 ? { active: still } : {}),
      ...status,
      ...(lastSuccessfulTime === undefined ? {} : { lastSuccessfulTime }),
    };
    return this.#writeStatus(cronJob, next, signal);
  }

  /** Asks the API server itself: the cache may lag behind. */
  async #exists(cronJob: CronJob, name: string, uid: string, signal: AbortSignal): Promise<boolean> {
    const { namespace = "" } = cronJob.metadata;
    const job = await liveObject(this.#ports.api, { resource: jobsResource, namespace, name }, signal);
    return job?.metadata.uid === uid;
  }

  async #clearHistory(cronJob: CronJob, own: readonly Job[], signal: AbortSignal): Promise<void> {
    const { successfulJobsHistoryLimit = 3, failedJobsHistoryLimit = 1 } = cronJob.spec;
    const started = (job: Job): string => job.status?.startTime ?? job.metadata.creationTimestamp ?? "";
    const oldestFirst = [...own].sort((left, right) => (started(left) < started(right) ? -1 : 1));
    for (const [type, limit] of [
      ["Complete", successfulJobsHistoryLimit],
      ["Failed", failedJobsHistoryLimit],
    ] as const) {
      const ended = oldestFirst.filter((job) => finishedCondition(job)?.type === type);
      for (const job of ended.slice(0, Math.max(0, ended.length - limit)))
        if (!job.metadata.deletionTimestamp) await this.#deleteJob(cronJob, job.metadata.name, signal);
    }
  }

  async #deleteJob(cronJob: CronJob, name: string, signal: AbortSignal): Promise<void> {
    const { namespace = "" } = cronJob.metadata;
    try {
      const options = { propagationPolicy: "Background", signal } as const;
      await this.#ports.api.delete({ resource: jobsResource, namespace, name }, options);
      this.#events.record(cronJob, "Normal", "SuccessfulDelete", `Deleted job ${name}`);
    } catch (error) {
      if (!isApiError(error, "NotFound")) throw error;
    }
  }

  async #writeStatus(cronJob: CronJob, status: NonNullable<CronJob["status"]>, signal: AbortSignal): Promise<CronJob> {
    const written = await writeStatus(this.#ports.api, cronJobsResource, cronJob, status, signal);
    if (written) this.#written.wrote(written);
    return written ?? cronJob;
  }
}

function referenceTo({
  apiVersion,
  kind,
  metadata,
}: KubernetesObject): NonNullable<NonNullable<CronJob["status"]>["active"]>[number] {
  const { namespace = "", name, uid = "", resourceVersion = "" } = metadata;
  return { apiVersion, kind, namespace, name, uid, resourceVersion };
}
