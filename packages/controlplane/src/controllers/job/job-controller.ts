import { type Job, type JobStatus, jobs as jobsResource, type Pod, pods as podsResource } from "@skerry/api";
import { type Logger, toKubernetesTime } from "@skerry/base";
import { isApiError, objectKey, WorkQueue } from "@skerry/kube";
import { BY_CONTROLLER, type ClusterInformers } from "../cluster-informers.ts";
import { findCondition } from "../conditions.ts";
import type { Controller, ControllerPorts } from "../controller-ports.ts";
import { liveObject } from "../live-object.ts";
import { controllerOf } from "../owner-references.ts";
import { claimPods, followPods, ownerKeysOf } from "../pods/claim-pods.ts";
import { PodControl, type PodFailure, UNSEEN_CHECK_MS } from "../pods/pod-control.ts";
import { writeStatus } from "../write-status.ts";
import { WrittenVersions } from "../written-versions.ts";
import { jobConditions } from "./job-conditions.ts";
import { JOB_CONTROLLER, JOB_TRACKING } from "./job-names.ts";
import { jobPlan } from "./job-plan.ts";
import { isTracked, type JobPods, jobPods } from "./job-pods.ts";
import { afterRelease, jobProgress } from "./job-progress.ts";
import { finishedCondition, jobVerdict, msUntilJobDeadline } from "./job-verdict.ts";

/** A second more than a deadline: timestamps have whole seconds. */
const ROUNDING_MS = 1_000;

/** Runs Jobs: keeps pods at work until enough have ended well, or too many badly, and counts each exactly once. */
export class JobController implements Controller {
  readonly #ports: ControllerPorts;
  readonly #informers: ClusterInformers;
  readonly #logger: Logger;
  readonly #pods: PodControl;
  readonly #queue: WorkQueue;
  /** Keys of pods that wait to be counted by a Job that is no more. */
  readonly #orphans: WorkQueue;
  /** UIDs of pods that lost their finalizer though the cache still shows it. */
  readonly #released = new Set<string>();
  readonly #written = new WrittenVersions();
  readonly #listening = new DisposableStack();

  constructor(ports: ControllerPorts, informers: ClusterInformers) {
    this.#ports = ports;
    this.#informers = informers;
    this.#logger = ports.logger.child("job-controller");
    this.#pods = new PodControl(ports, "job-controller");
    this.#queue = new WorkQueue({
      ...ports,
      logger: this.#logger,
      concurrency: 5,
      work: (key, signal) => this.#sync(key, signal),
    });
    this.#orphans = new WorkQueue({
      ...ports,
      logger: this.#logger,
      work: (key, signal) => this.#releaseOrphan(key, signal),
    });
  }

  start(): void {
    const { jobs, pods } = this.#informers;
    this.#listening.use(
      jobs.listen(({ type, object }) => {
        this.#queue.add(objectKey(object));
        if (type !== "deleted") return;
        this.#pods.expectations.forget(object.metadata.uid ?? "");
        this.#written.forget(object);
        for (const pod of pods.cache.byIndex(BY_CONTROLLER, object.metadata.uid ?? "")) this.#enqueue(pod);
      }),
    );
    this.#listening.use(
      pods.listen(({ type, object: pod }) => {
        if (type === "deleted" || !isTracked(pod)) this.#released.delete(pod.metadata.uid ?? "");
      }),
    );
    this.#listening.use(followPods(pods, this.#pods, (pod) => this.#enqueue(pod)));
    this.#queue.start();
    this.#orphans.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening.dispose();
    await this.#queue[Symbol.asyncDispose]();
    await this.#orphans[Symbol.asyncDispose]();
    await this.#pods[Symbol.asyncDispose]();
  }

  #enqueue(pod: Pod): void {
    const { jobs } = this.#informers;
    const keys = ownerKeysOf(pod, "Job", jobs);
    for (const key of keys) this.#queue.add(key);
    if (isTracked(pod) && !keys.some((key) => jobs.cache.get(key))) this.#orphans.add(objectKey(pod));
  }

  async #sync(key: string, signal: AbortSignal): Promise<void> {
    const job = this.#informers.jobs.cache.get(key);
    if (!job || this.#written.isStale(job) || (job.spec.managedBy ?? JOB_CONTROLLER) !== JOB_CONTROLLER) return;
    const owned = await claimPods(this.#ports, this.#informers, job, jobsResource, signal);
    const pods = jobPods(job, owned, this.#released);
    const finished = finishedCondition(job);
    if (finished || job.metadata.deletionTimestamp) {
      for (const pod of pods.held) await this.#release(pod, signal);
      if (!job.metadata.deletionTimestamp) await this.#expire(key, job, finished?.lastTransitionTime, signal);
      return;
    }
    const failure = await this.#work(key, job, pods, signal);
    if (this.#pods.expectations.unseenCreations(job.metadata.uid ?? "").length > 0)
      this.#queue.addAfter(key, UNSEEN_CHECK_MS);
    if (failure) throw new Error(failure.message);
  }

  async #work(key: string, job: Job, pods: JobPods, signal: AbortSignal): Promise<PodFailure | undefined> {
    const { now: nowMs, text: now } = this.#time();
    const progress = jobProgress(job, pods);
    const verdict = jobVerdict(job, pods, progress, nowMs);
    const isSuspended = job.spec.suspend === true && !verdict;
    const isSettled = await this.#pods.isSettled(job, this.#informers.pods.resourceVersion, signal);
    let failure: PodFailure | undefined;
    if (verdict) failure = await this.#pods.deleteAll(job, this.#alive(job, pods), signal);
    else if (isSuspended) failure = await this.#deleteUncounted(job, this.#alive(job, pods), signal);
    else if (isSettled && !job.metadata.deletionTimestamp) {
      const plan = jobPlan(job, { ...pods, active: this.#alive(job, pods) }, progress, nowMs, this.#ports.random);
      failure =
        (await this.#deleteUncounted(job, plan.delete, signal)) ??
        (await this.#pods.createAll(job, plan.create, signal));
      if (plan.waitMs !== undefined) this.#queue.addAfter(key, plan.waitMs);
    }
    const unseenCount = this.#pods.expectations.unseenCreations(job.metadata.uid ?? "").length;
    const activeCount = this.#alive(job, pods).length + unseenCount;
    const terminatingCount = pods.active.length + pods.terminating.length - (activeCount - unseenCount);
    const { startTime } = job.status ?? {};
    const isResumed = !isSuspended && findCondition(job.status?.conditions, "Suspended")?.status === "True";
    const begin = isSuspended ? startTime : isResumed ? now : (startTime ?? now);
    const numbers: JobStatus = {
      ...progress.status,
      active: activeCount,
      ready: pods.readyCount,
      terminating: terminatingCount,
      ...(begin === undefined ? {} : { startTime: begin }),
    };
    let current = job;
    if (progress.releasable.length > 0) {
      // Whatever comes in between: what is noted by its UID is counted once its finalizer is gone.
      const conditions = jobConditions(job, verdict, isSuspended, false, now);
      current = await this.#writeStatus(job, { ...numbers, ...conditions.members }, signal);
      for (const pod of progress.releasable) await this.#release(pod, signal);
    }
    const counted = afterRelease(numbers, progress.releasable);
    const uncounted = counted.uncountedTerminatedPods ?? {};
    const isCounted = (uncounted.succeeded ?? []).length + (uncounted.failed ?? []).length === 0;
    const isOver = verdict !== undefined && activeCount + terminatingCount === 0 && isCounted;
    const outcome = jobConditions(job, verdict, isSuspended, isOver, now);
    await this.#writeStatus(current, { ...counted, ...outcome.members }, signal);
    for (const { type, reason, message } of outcome.events) this.#pods.events.record(job, type, reason, message);
    const deadlineMs = msUntilJobDeadline({ ...job, status: counted }, nowMs);
    if (deadlineMs !== undefined && !verdict) this.#queue.addAfter(key, deadlineMs + ROUNDING_MS);
    return failure;
  }

  /** Active pods that this controller has not just deleted. */
  #alive(job: Job, { active }: JobPods): Pod[] {
    return active.filter((pod) => !this.#pods.expectations.isBeingDeleted(job.metadata.uid ?? "", pod));
  }

  /** Deletes pods that are simply not needed: their end says nothing about the work. */
  async #deleteUncounted(job: Job, doomed: readonly Pod[], signal: AbortSignal): Promise<PodFailure | undefined> {
    for (const pod of doomed) await this.#release(pod, signal);
    return this.#pods.deleteAll(job, doomed, signal);
  }

  async #release(pod: Pod, signal: AbortSignal): Promise<void> {
    const { namespace = "", name, uid = "" } = pod.metadata;
    const body = { metadata: { uid, "$deleteFromPrimitiveList/finalizers": [JOB_TRACKING] } };
    try {
      const target = { resource: podsResource, namespace, name };
      await this.#ports.api.patch(target, { type: "strategic", body }, { signal });
    } catch (error) {
      if (!isApiError(error, "NotFound") && !isApiError(error, "Conflict") && !isApiError(error, "Invalid"))
        throw error;
    }
    const cached = this.#informers.pods.cache.get(objectKey(pod));
    if (cached && cached.metadata.uid === uid && isTracked(cached)) this.#released.add(uid);
  }

  async #releaseOrphan(key: string, signal: AbortSignal): Promise<void> {
    const pod = this.#informers.pods.cache.get(key);
    if (!pod || !isTracked(pod) || this.#released.has(pod.metadata.uid ?? "")) return;
    const owner = controllerOf(pod);
    if (owner?.kind === "Job" && (await this.#jobExists(pod, owner.name, owner.uid, signal))) return;
    await this.#release(pod, signal);
  }

  /** Asks the API server itself: the cache may lag behind. */
  async #jobExists(pod: Pod, name: string, uid: string, signal: AbortSignal): Promise<boolean> {
    const { namespace = "" } = pod.metadata;
    const job = await liveObject(this.#ports.api, { resource: jobsResource, namespace, name }, signal);
    return job?.metadata.uid === uid;
  }

  /** Deletes a finished Job some time after its end, when it says so. */
  async #expire(key: string, job: Job, finishedAt: string | undefined, signal: AbortSignal): Promise<void> {
    const { ttlSecondsAfterFinished } = job.spec;
    const finishedMs = Date.parse(finishedAt ?? "");
    if (ttlSecondsAfterFinished === undefined || Number.isNaN(finishedMs)) return;
    const waitMs = finishedMs + ttlSecondsAfterFinished * 1000 - this.#ports.clock.now();
    if (waitMs > 0) {
      this.#queue.addAfter(key, waitMs);
      return;
    }
    const { namespace = "", name, uid = "", resourceVersion = "" } = job.metadata;
    this.#logger.info("Deleting a Job that ended a while ago, as it asked", { namespace, job: name });
    try {
      const target = { resource: jobsResource, namespace, name };
      const preconditions = { uid, resourceVersion };
      await this.#ports.api.delete(target, { preconditions, propagationPolicy: "Foreground", signal });
    } catch (error) {
      if (!isApiError(error, "NotFound") && !isApiError(error, "Conflict")) throw error;
    }
  }

  async #writeStatus(job: Job, wanted: JobStatus, signal: AbortSignal): Promise<Job> {
    const { active = 0, ...others } = wanted;
    const status: JobStatus = active > 0 ? { ...others, active } : others;
    const written = await writeStatus(this.#ports.api, jobsResource, job, status, signal);
    if (written) this.#written.wrote(written);
    return written ?? job;
  }

  #time(): { readonly now: number; readonly text: string } {
    const now = this.#ports.clock.now();
    return { now, text: toKubernetesTime(now) };
  }
}
