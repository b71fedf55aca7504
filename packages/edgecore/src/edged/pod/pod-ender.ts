import type { Pod } from "@skerry/api";
import { describeError } from "@skerry/base";
import type { PodServices } from "../services.ts";
import { type Interruption, SHUTDOWN_MESSAGE, TERMINATED } from "./interruption.ts";
import type { PodFailure } from "./pod-failure.ts";
import { PodKiller } from "./pod-killer.ts";
import { PodNotices } from "./pod-notices.ts";
import type { PodPaths } from "./pod-paths.ts";
import { allContainers, type PodRuntimeState } from "./pod-runtime-state.ts";
import type { PodStateReader } from "./pod-state-reader.ts";
import { DEFAULT_GRACE_PERIOD_SECONDS, gracePeriodOf } from "./runtime-names.ts";
import type { StatusReporter } from "./status-reporter.ts";

/** The kubelet's reason for pods that had to make room, and for those that found none. */
export const EVICTED = "Evicted";

/** The grace period of the pod's own specification. */
export function gracePeriodSecondsOf(pod: Pod): number {
  return pod.spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_PERIOD_SECONDS;
}

/** Brings one pod to its end, as gently as asked and as completely as possible. */
export class PodEnder {
  readonly #services: PodServices;
  readonly #paths: PodPaths;
  readonly #reader: PodStateReader;
  readonly #reporter: StatusReporter;
  readonly #killer: PodKiller;
  /** Set once the end has begun. */
  #graceSeconds: number | undefined;
  #removalReported = false;
  #isRemoved = false;
  /** However long the pod may have otherwise: the machine goes down by then. */
  #longestSeconds = Number.POSITIVE_INFINITY;
  /** Containers that ran when the machine began to go down: also where it took several attempts to end them. */
  readonly #interrupted = new Set<string>();
  #isInterruptionReported = false;

  constructor(services: PodServices, paths: PodPaths, reader: PodStateReader, reporter: StatusReporter) {
    this.#services = services;
    this.#paths = paths;
    this.#reader = reader;
    this.#reporter = reporter;
    this.#killer = new PodKiller(services);
  }

  /** It has run its course, or is made to: ends what still runs, and reports the end. */
  async finish(
    pod: Pod,
    state: PodRuntimeState,
    failure: PodFailure | undefined,
    reportEnd: (state: PodRuntimeState) => Promise<void>,
  ): Promise<void> {
    const notices = new PodNotices(this.#services.recorder, pod);
    const isLeft =
      state.sandboxes.some((sandbox) => sandbox.state === "ready") ||
      allContainers(state).some((container) => container.state !== "exited");
    if (failure?.isDisruption || failure?.notice)
      notices.pod("Warning", failure.reason, failure.notice ?? failure.message);
    if (isLeft) {
      // Deleted meanwhile, it may have to hurry.
      this.#graceSeconds = failure?.graceSeconds ?? gracePeriodSecondsOf(pod);
      await this.#killer.killPod(state, this.#graceSeconds, pod, notices);
      this.#graceSeconds = undefined;
    }
    if (isLeft || failure) await reportEnd(await this.#reader.read());
    if (pod.spec.hostUsers === false) await this.#services.userRanges.release(this.#paths);
    if (this.#reporter.last?.reason === EVICTED) await this.removeLeftovers();
  }

  /** The machine goes down: ends what runs within the time, to be started again afterwards. */
  async interrupt(
    pod: Pod,
    state: PodRuntimeState,
    graceSeconds: number,
    reportEnd: (state: PodRuntimeState, interruption: Interruption) => Promise<void>,
  ): Promise<void> {
    const running = allContainers(state).filter((container) => container.state === "running");
    for (const { id } of running) this.#interrupted.add(id);
    const isLeft = running.length > 0 || state.sandbox !== undefined;
    const isUnreported = this.#interrupted.size > 0 && !this.#isInterruptionReported;
    if (!isLeft && !isUnreported) return;
    if (isLeft) {
      const notices = new PodNotices(this.#services.recorder, pod);
      notices.pod("Warning", TERMINATED, SHUTDOWN_MESSAGE);
      await this.#killer.killPod(state, Math.min(graceSeconds, gracePeriodSecondsOf(pod)), pod, notices);
    }
    await reportEnd(await this.#reader.read(), { containerIds: this.#interrupted });
    this.#isInterruptionReported = true;
  }

  /** Nothing of it is left here, whatever the store still has. */
  get isRemoved(): boolean {
    return this.#isRemoved;
  }

  /** The cloud may have forgotten that it was told of the removal. */
  reportAgain(): void {
    this.#removalReported = false;
  }

  /** The cloud wants it gone: end it, report its end, then say that nothing is left. */
  async terminate(pod: Pod, reportEnd: (state: PodRuntimeState) => Promise<void>): Promise<void> {
    const state = await this.#reader.read();
    const wantedSeconds = pod.metadata.deletionGracePeriodSeconds ?? gracePeriodSecondsOf(pod);
    this.#graceSeconds = Math.min(wantedSeconds, this.#longestSeconds);
    const notices = new PodNotices(this.#services.recorder, pod);
    await this.#killer.killPod(state, this.#graceSeconds, pod, notices);
    if (this.#removalReported && state.sandboxes.length === 0) return;
    const ended = await this.#reader.read();
    await reportEnd(ended);
    await this.#killer.removePod(ended);
    await this.#removeFiles();
    if (!this.#removalReported) await this.#reporter.reportRemoved();
    this.#removalReported = true;
    this.#isRemoved = true;
  }

  /** It is over, and the disk is needed: all of it goes but its status. */
  async removeLeftovers(): Promise<void> {
    await this.#killer.removePod(await this.#reader.read());
    await this.#removeFiles();
  }

  /** The store no longer has it (deleted by force, or confirmed): nothing of it may run on. */
  async removeGone(): Promise<void> {
    const state = await this.#reader.read();
    // After a graceful end whatever is left has had its time.
    const wantedSeconds = this.#graceSeconds === undefined ? gracePeriodOf(allContainers(state)) : 0;
    this.#graceSeconds = Math.min(wantedSeconds, this.#longestSeconds);
    await this.#killer.killPod(state, this.#graceSeconds, undefined, undefined);
    await this.#killer.removePod(state);
    await this.#removeFiles();
    await this.#reporter.forget();
  }

  /** The machine goes down: neither an end under way nor a later one takes longer than this. */
  limit(graceSeconds: number): void {
    this.#longestSeconds = graceSeconds;
    this.hurry(graceSeconds);
  }

  /** If the grace period was shortened while the pod ends, the runtime is told, beside the call that still waits. */
  hurry(graceSeconds: number): void {
    if (this.#graceSeconds === undefined || graceSeconds >= this.#graceSeconds) return;
    this.#graceSeconds = graceSeconds;
    this.#reader
      .read()
      .then((state) => this.#killer.killPod(state, graceSeconds, undefined, undefined))
      .catch((error: unknown) =>
        this.#services.logger.warn("Ending a pod faster failed", { error: describeError(error) }),
      );
  }

  async #removeFiles(): Promise<void> {
    await this.#services.podGroups?.remove(this.#paths.uid);
    await this.#services.volumes.remove(this.#paths);
    await this.#services.fileSystem.remove(this.#paths.logs);
  }
}
