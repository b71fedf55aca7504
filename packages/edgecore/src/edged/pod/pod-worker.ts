import type { Pod, PodStatus } from "@skerry/api";
import { aborted } from "@skerry/base";
import { asksForDevices } from "../devices/container-devices.ts";
import { PodProbes } from "../probes/pod-probes.ts";
import type { PodServices } from "../services.ts";
import { SyncLoop } from "../sync-loop.ts";
import { AppliedResources } from "./applied-resources.ts";
import { shutdownFailure } from "./interruption.ts";
import type { PlacedPod } from "./pod-admission.ts";
import { PodEnder } from "./pod-ender.ts";
import type { PodFailure } from "./pod-failure.ts";
import { PodNotices } from "./pod-notices.ts";
import { PodPaths } from "./pod-paths.ts";
import { mentions, readyContainerIds } from "./pod-references.ts";
import { PodReport } from "./pod-report.ts";
import { PodRunner } from "./pod-runner.ts";
import { PodStateReader } from "./pod-state-reader.ts";
import { removeGarbage } from "./runtime-garbage.ts";
import type { PodIdentity } from "./runtime-names.ts";
import { StatusReporter } from "./status-reporter.ts";

/** The kubelet's own longest wait after a failed look at a pod. */
const RETRY = { initialMs: 1000, maximumMs: 10_000 };

/**
 * Makes one pod, known by its UID, what the store says: running, or gone. Independent of all other pods. It acts only
 * on what the store and the runtime say now, so that it can be stopped and started anew at any point.
 */
export class PodWorker implements AsyncDisposable {
  readonly identity: PodIdentity;
  readonly #services: PodServices;
  readonly #onGone: () => void;
  readonly #paths: PodPaths;
  readonly #reporter: StatusReporter;
  readonly #reader: PodStateReader;
  readonly #ender: PodEnder;
  readonly #probes: PodProbes;
  readonly #loop: SyncLoop;
  readonly #report: PodReport;
  readonly #runner: PodRunner;
  #starting = new AbortController();
  #stopped = false;
  /** Reports the readiness of a pod that is being deleted, beside the loop that waits for its end. */
  #whileEnding: SyncLoop | undefined;
  /** Why others have decided that it is over; until it is. */
  #failure: PodFailure | undefined;
  /** Set once the machine goes down. */
  #shutdown: { readonly graceSeconds: number; readonly ended: PromiseWithResolvers<void> } | undefined;

  /**
   * @param last the status last reported, from an earlier run
   * @param onGone called once when nothing of the pod is left, here and in the store
   */
  constructor(services: PodServices, identity: PodIdentity, last: PodStatus | undefined, onGone: () => void) {
    this.identity = identity;
    this.#services = services;
    this.#onGone = onGone;
    this.#paths = new PodPaths(services.config.rootDirectory, services.config.podLogsDirectory, identity);
    this.#reporter = new StatusReporter(services.meta, identity, last);
    this.#reader = new PodStateReader(services, identity.uid, this.#paths);
    this.#ender = new PodEnder(services, this.#paths, this.#reader, this.#reporter);
    this.#probes = new PodProbes(
      services,
      {
        changed: () => (this.#whileEnding ?? this).wake(),
        unhealthy: (container, kind, message) => {
          const pod = this.pod;
          const title = `${kind[0]?.toUpperCase() ?? ""}${kind.slice(1)}`;
          if (pod) this.#notices(pod).container(container, "Warning", "Unhealthy", `${title} probe failed: ${message}`);
        },
      },
      readyContainerIds(last),
    );
    const resources = new AppliedResources(last);
    const parts = { reporter: this.#reporter, reader: this.#reader, probes: this.#probes, resources };
    this.#report = new PodReport(services, identity, parts);
    this.#runner = new PodRunner(services, identity, {
      ...{ ...parts, paths: this.#paths, ender: this.#ender, report: this.#report },
      signal: () => this.#starting.signal,
    });
    this.#loop = new SyncLoop(services, `Pod ${identity.namespace}/${identity.name}`, RETRY, () => this.#sync());
  }

  /** As it should run; undefined when it is gone. */
  get pod(): Pod | undefined {
    return this.#services.pods.get(this.identity);
  }

  /** What the runtime had of the pod when the worker last looked. */
  get seenSignature(): string {
    return this.#reader.seenSignature;
  }

  /** Something about the pod may have changed. */
  wake(): void {
    const { pod } = this;
    const ending = !pod || pod.metadata.deletionTimestamp !== undefined;
    // Whatever was about to start is no longer wanted.
    if (ending) this.#starting.abort(aborted());
    if (ending) this.#ender.hurry(pod?.metadata.deletionGracePeriodSeconds ?? 0);
    this.#loop.wake();
  }

  /** The pod with the place of its files, unless it is over, being deleted or being ended. */
  get living(): { readonly pod: Pod; readonly paths: PodPaths } | undefined {
    const pod = this.pod;
    const isOver = this.isOver || this.#failure !== undefined;
    return !pod || isOver || pod.metadata.deletionTimestamp !== undefined ? undefined : { pod, paths: this.#paths };
  }

  /** The pod with the status last reported; undefined before the first, and when it is gone. */
  get reported(): { readonly pod: Pod; readonly status: PodStatus } | undefined {
    const { pod } = this;
    const status = this.#reporter.last;
    return pod && status && { pod, status };
  }

  /** The pod while it takes room on the node; it has its place already if a status of it was ever reported. */
  get placed(): PlacedPod | undefined {
    const { pod } = this;
    if (!pod || this.isOver || this.#ender.isRemoved) return undefined;
    return { uid: this.identity.uid, pod, isKnown: this.#reporter.last !== undefined };
  }

  /** Whether it was made to fail and is not gone yet. */
  get isFailing(): boolean {
    return this.#failure !== undefined;
  }

  /** Whether it has run its course, for good. */
  get isOver(): boolean {
    const phase = this.#reporter.last?.phase;
    return phase === "Succeeded" || phase === "Failed";
  }

  /** Gives back what of its ended containers is on the disk; of a pod that is over everything, its logs too. */
  async reclaimDisk(): Promise<void> {
    const { runtime, fileSystem } = this.#services;
    if (this.isOver) await this.#ender.removeLeftovers();
    else await removeGarbage(await this.#reader.read(), this.#paths, runtime, fileSystem, "previous-too");
  }

  /** Lets the pod start if it was held; returns whether it was. */
  release(): boolean {
    const pod = this.living?.pod;
    const { held } = this.#services;
    if (!pod || !held.isHeld(pod, this.#reporter.last)) return false;
    held.release(this.identity.uid);
    this.wake();
    return true;
  }

  /** Ends the pod for good, whatever it is doing. */
  fail(failure: PodFailure): void {
    this.#failure = failure;
    this.#starting.abort(aborted());
    this.#loop.wake();
  }

  /**
   * The machine goes down: ends the pod within the time, and starts nothing of it any more; what may be started again is,
   * when EdgeCore is. Resolves when it has ended.
   */
  shutDown(graceSeconds: number): Promise<void> {
    this.#shutdown ??= { graceSeconds, ended: Promise.withResolvers() };
    this.#ender.limit(this.#shutdown.graceSeconds);
    this.#starting.abort(aborted());
    this.#loop.wake();
    return this.#shutdown.ended.promise;
  }

  /** Reports the status also if the cloud had it. */
  reportAgain(): void {
    this.#reporter.reportAgain();
    this.wake();
  }

  /** The cloud is back: what could not be had may be there now, what was reported may have been forgotten. */
  retryNow(): void {
    this.#runner.retryAll();
    this.#ender.reportAgain();
    this.wake();
  }

  /** Whether the pod uses the ConfigMap or Secret. */
  uses(type: string, namespace: string, name: string): boolean {
    if (namespace !== this.identity.namespace) return false;
    const pod = this.pod;
    return pod !== undefined && (type === "configmap" || type === "secret") && mentions(pod.spec, name);
  }

  /** An object that was missing has arrived or changed. */
  objectChanged(type: string, name: string): void {
    this.#runner.objectChanged(type, name);
    this.wake();
  }

  /** There are other devices on the node than before. */
  devicesChanged(): void {
    const pod = this.living?.pod;
    if (!pod || !asksForDevices(pod)) return;
    this.#runner.retryConfigurations();
    this.wake();
  }

  /** Ends the work; containers stay as they are. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#starting.abort(aborted());
    this.#probes[Symbol.dispose]();
    await this.#loop[Symbol.asyncDispose]();
  }

  async #sync(): Promise<number | undefined> {
    const shutdown = this.#shutdown;
    const again = await this.#work();
    shutdown?.ended.resolve();
    return again;
  }

  async #work(): Promise<number | undefined> {
    const { pod } = this;
    if (!pod || pod.metadata.deletionTimestamp !== undefined) {
      this.#failure = undefined;
      return pod ? this.#terminate(pod) : this.#removeGone();
    }
    if (this.#starting.signal.aborted && !this.#stopped) this.#starting = new AbortController();
    if (this.#shutdown) return this.#interrupt(pod, this.#shutdown.graceSeconds);
    try {
      const again = await this.#runner.run(pod, this.#failure);
      if (again === undefined) this.#failure = undefined;
      return again;
    } catch (error) {
      // Its deletion, seen in the middle of a start, is what this very loop does next.
      if (this.#starting.signal.aborted) return 0;
      throw error;
    }
  }

  async #interrupt(pod: Pod, graceSeconds: number): Promise<undefined> {
    const state = await this.#reader.read();
    this.#probes[Symbol.dispose]();
    const failure = this.isOver ? undefined : shutdownFailure(pod, graceSeconds);
    if (this.isOver || failure)
      await this.#ender.finish(pod, state, failure, (ended) =>
        this.#report.report(pod, ended, { ending: true, failure }),
      );
    else
      await this.#ender.interrupt(pod, state, graceSeconds, (ended, interruption) =>
        this.#report.report(pod, ended, { ending: false, interruption }),
      );
  }

  async #terminate(pod: Pod): Promise<undefined> {
    this.#probes.onlyReadiness();
    const { namespace, name } = this.identity;
    await using readiness = new SyncLoop(this.#services, `Readiness of pod ${namespace}/${name}`, RETRY, async () => {
      await this.#report.report(pod, await this.#reader.read(), { ending: false });
      return undefined;
    });
    this.#whileEnding = readiness;
    await this.#ender.terminate(pod, async (ended) => {
      this.#probes[Symbol.dispose]();
      // Nothing is reported after the end.
      await readiness[Symbol.asyncDispose]();
      await this.#report.report(pod, ended, { ending: true });
    });
  }

  async #removeGone(): Promise<undefined> {
    this.#probes[Symbol.dispose]();
    await this.#ender.removeGone();
    this.#onGone();
  }

  #notices(pod: Pod): PodNotices {
    return new PodNotices(this.#services.recorder, pod);
  }
}
