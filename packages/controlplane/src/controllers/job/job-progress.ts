import type { Job, JobStatus, Pod } from "@skerry/api";
import { completionIndexOf, formatIndexes, parseIndexes } from "./completion-indexes.ts";
import { INDEX_FAILURE_COUNT } from "./job-names.ts";
import type { JobPods } from "./job-pods.ts";
import { failureOutcome } from "./pod-failure-policy.ts";

/** Most pods noted in the status as not yet counted, as Kubernetes has it; further ones wait for the next round. */
const UNCOUNTED_LIMIT = 500;

/** How far a Job has got, its ended pods included that are not counted for good yet. */
export interface JobProgress {
  /** The status with the counts; conditions and numbers of living pods are as they were. */
  readonly status: JobStatus;
  /** Pods that may lose their finalizer as soon as the status is stored. */
  readonly releasable: readonly Pod[];
  readonly succeededCount: number;
  readonly failedCount: number;
  readonly completedIndexes: ReadonlySet<number>;
  readonly failedIndexes: ReadonlySet<number>;
  /** Why the whole Job fails because of one pod. */
  readonly jobFailure?: string;
}

/**
 * Counts what has ended. A pod is first noted by its UID, then loses its finalizer, and then only is counted: so it
 * counts exactly once, whatever happens in between.
 */
export function jobProgress(job: Job, pods: JobPods): JobProgress {
  const counts = new Counts(job, pods.held);
  const releasable: Pod[] = [];
  for (const pod of pods.succeeded) if (counts.noteSuccess(pod)) releasable.push(pod);
  for (const pod of pods.failed) if (counts.noteFailure(pod)) releasable.push(pod);
  return counts.progress(releasable);
}

/** The status once these pods have lost their finalizers. */
export function afterRelease(status: JobStatus, released: readonly Pod[]): JobStatus {
  const uids = new Set(released.map(({ metadata }) => metadata.uid ?? ""));
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  const rest = (list: readonly string[]): string[] => list.filter((uid) => !uids.has(uid));
  const [moreSucceeded, moreFailed] = [succeeded.length - rest(succeeded).length, failed.length - rest(failed).length];
  return withCounts(
    status,
    (status.succeeded ?? 0) + moreSucceeded,
    (status.failed ?? 0) + moreFailed,
    rest(succeeded),
    rest(failed),
  );
}

class Counts {
  readonly #job: Job;
  readonly #isIndexed: boolean;
  readonly #succeededUids: Set<string>;
  readonly #failedUids: Set<string>;
  readonly #completedIndexes: Set<number>;
  readonly #failedIndexes: Set<number>;
  #succeeded: number;
  #failed: number;
  #jobFailure: string | undefined;

  constructor(job: Job, heldPods: readonly Pod[]) {
    const { status = {} } = job;
    this.#job = job;
    const { completions = 0, completionMode } = job.spec;
    this.#isIndexed = completionMode === "Indexed";
    this.#succeeded = status.succeeded ?? 0;
    this.#failed = status.failed ?? 0;
    this.#completedIndexes = parseIndexes(status.completedIndexes, completions);
    this.#failedIndexes = parseIndexes(status.failedIndexes, completions);
    const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
    const held = new Set(heldPods.map(({ metadata }) => metadata.uid ?? ""));
    // Those noted before that are no longer held are counted now.
    this.#succeededUids = new Set(succeeded.filter((uid) => held.has(uid)));
    this.#failedUids = new Set(failed.filter((uid) => held.has(uid)));
    this.#succeeded += succeeded.length - this.#succeededUids.size;
    this.#failed += failed.length - this.#failedUids.size;
  }

  /** @returns whether the pod may be released */
  noteSuccess(pod: Pod): boolean {
    const { uid = "" } = pod.metadata;
    if (!this.#isIndexed) return this.#note(this.#succeededUids, uid);
    const index = completionIndexOf(pod);
    const { completions = 0 } = this.#job.spec;
    // The index says it all: a second success of it counts for nothing.
    if (index !== undefined && index < completions) this.#completedIndexes.add(index);
    return true;
  }

  /** @returns whether the pod may be released */
  noteFailure(pod: Pod): boolean {
    const outcome = failureOutcome(this.#job, pod);
    if (outcome.action === "Ignore") return true;
    if (outcome.action === "FailJob") this.#jobFailure ??= outcome.message;
    const index = this.#isIndexed ? completionIndexOf(pod) : undefined;
    const { backoffLimitPerIndex } = this.#job.spec;
    if (index !== undefined && backoffLimitPerIndex !== undefined && !this.#completedIndexes.has(index)) {
      const isSpent = failureCountOf(pod) + 1 > backoffLimitPerIndex;
      if (isSpent || outcome.action === "FailIndex") this.#failedIndexes.add(index);
    }
    return this.#note(this.#failedUids, pod.metadata.uid ?? "");
  }

  progress(releasable: readonly Pod[]): JobProgress {
    const succeeded = this.#isIndexed ? this.#completedIndexes.size : this.#succeeded;
    const counted = withCounts(
      this.#job.status ?? {},
      succeeded,
      this.#failed,
      [...this.#succeededUids],
      [...this.#failedUids],
    );
    const { completedIndexes: _completed, failedIndexes: _failed, ...rest } = counted;
    const status: JobStatus = {
      ...rest,
      ...(this.#completedIndexes.size > 0 ? { completedIndexes: formatIndexes(this.#completedIndexes) } : {}),
      ...(this.#isIndexed && this.#job.spec.backoffLimitPerIndex !== undefined
        ? { failedIndexes: formatIndexes(this.#failedIndexes) }
        : {}),
    };
    return {
      status,
      releasable,
      succeededCount: succeeded + this.#succeededUids.size,
      failedCount: this.#failed + this.#failedUids.size,
      completedIndexes: this.#completedIndexes,
      failedIndexes: this.#failedIndexes,
      ...(this.#jobFailure === undefined ? {} : { jobFailure: this.#jobFailure }),
    };
  }

  #note(uids: Set<string>, uid: string): boolean {
    if (!uids.has(uid) && this.#succeededUids.size + this.#failedUids.size >= UNCOUNTED_LIMIT) return false;
    uids.add(uid);
    return true;
  }
}

/** How often the pod's index had failed before this pod. */
export function failureCountOf(pod: Pod): number {
  return Number.parseInt(pod.metadata.annotations?.[INDEX_FAILURE_COUNT] ?? "0", 10) || 0;
}

function withCounts(
  status: JobStatus,
  succeeded: number,
  failed: number,
  succeededUids: readonly string[],
  failedUids: readonly string[],
): JobStatus {
  const { succeeded: _succeeded, failed: _failed, ...rest } = status;
  return {
    ...rest,
    ...(succeeded > 0 ? { succeeded } : {}),
    ...(failed > 0 ? { failed } : {}),
    uncountedTerminatedPods: {
      ...(succeededUids.length > 0 ? { succeeded: [...succeededUids] } : {}),
      ...(failedUids.length > 0 ? { failed: [...failedUids] } : {}),
    },
  };
}
