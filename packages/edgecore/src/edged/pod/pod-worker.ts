import type { Pod, PodStatus } from "@skerry/api";
import { aborted } from "@skerry/base";
import { PodProbes } from "../probes/pod-probes.ts";
import type { PodServices } from "../services.ts";
import { SyncLoop } from "../sync-loop.ts";
import { AppliedResources } from "./applied-resources.ts";
import { resizeContainers } from "./container-resizer.ts";
import type { WaitReason } from "./container-status.ts";
import { FailedStarts } from "./failed-starts.ts";
import { deadlineFailure, untilDeadlineMs } from "./pod-deadline.ts";
import { gracePeriodSecondsOf, PodEnder } from "./pod-ender.ts";
import type { PodFailure } from "./pod-failure.ts";
import { PodKiller } from "./pod-killer.ts";
import { PodLauncher } from "./pod-launcher.ts";
import { PodNotices } from "./pod-notices.ts";
import { PodPaths } from "./pod-paths.ts";
import { type PodPlan, planPod } from "./pod-plan.ts";
import { PodPreparation } from "./pod-preparation.ts";
import { mentions, readyContainerIds } from "./pod-references.ts";
import { allContainers, type PodRuntimeState } from "./pod-runtime-state.ts";
import { PodStateReader } from "./pod-state-reader.ts";
import { podStatus } from "./pod-status.ts";
import { RestartBackOff } from "./restart-back-off.ts";
import { removeGarbage } from "./runtime-garbage.ts";
import type { PodIdentity } from "./runtime-names.ts";
import { StatusReporter } from "./status-reporter.ts";
import { waitReasons } from "./wait-reasons.ts";

/** Even when nothing happens a pod is looked at this often: volumes may have changed without anyone telling. */
const RESYNC_MS = 60_000;
/** The kubelet's own longest wait after a failed look at a pod. */
const RETRY = { initialMs: 1000, maximumMs: 10_000 };
/** The kubelet's reason for pods that had to make room, and for those that found none. */
const EVICTED = "Evicted";
/** However soon something falls due: no pod is looked at more often without a cause. */
const LEAST_RESYNC_MS = 100;

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
  readonly #launcher: PodLauncher;
  readonly #killer: PodKiller;
  readonly #ender: PodEnder;
  readonly #probes: PodProbes;
  readonly #loop: SyncLoop;
  readonly #backOff: RestartBackOff;
  readonly #failedStarts: FailedStarts;
  readonly #preparation: PodPreparation;
  readonly #resources: AppliedResources;
  #waitReasons: ReadonlyMap<string, WaitReason> = new Map();
  #starting = new AbortController();
  #stopped = false;
  /** Why others have decided that it is over; until it is. */
  #failure: PodFailure | undefined;

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
    this.#backOff = new RestartBackOff(services.clock);
    this.#failedStarts = new FailedStarts(services.clock);
    this.#resources = new AppliedResources(last);
    this.#preparation = new PodPreparation(services, identity, this.#paths, () => this.#starting.signal);
    this.#launcher = new PodLauncher(services, this.#paths, this.#backOff, this.#failedStarts);
    this.#killer = new PodKiller(services);
    this.#ender = new PodEnder(services, this.#paths, this.#reader, this.#reporter);
    this.#probes = new PodProbes(
      services,
      {
        changed: () => this.wake(),
        unhealthy: (container, kind, message) => {
          const pod = this.#stored();
          const title = `${kind[0]?.toUpperCase() ?? ""}${kind.slice(1)}`;
          if (pod) this.#notices(pod).container(container, "Warning", "Unhealthy", `${title} probe failed: ${message}`);
        },
      },
      readyContainerIds(last),
    );
    this.#loop = new SyncLoop(services, `Pod ${identity.namespace}/${identity.name}`, RETRY, () => this.#sync());
  }

  /** What the runtime had of the pod when the worker last looked. */
  get seenSignature(): string {
    return this.#reader.seenSignature;
  }

  /** Something about the pod may have changed. */
  wake(): void {
    const pod = this.#stored();
    const ending = !pod || pod.metadata.deletionTimestamp !== undefined;
    // Whatever was about to start is no longer wanted.
    if (ending) this.#starting.abort(aborted());
    if (ending) this.#ender.hurry(pod?.metadata.deletionGracePeriodSeconds ?? 0);
    this.#loop.wake();
  }

  /** The pod with the place of its files, unless it is over, being deleted or being ended. */
  get living(): { readonly pod: Pod; readonly paths: PodPaths } | undefined {
    const pod = this.#stored();
    const phase = this.#reporter.last?.phase;
    const isOver = phase === "Succeeded" || phase === "Failed" || this.#failure !== undefined;
    return !pod || isOver || pod.metadata.deletionTimestamp !== undefined ? undefined : { pod, paths: this.#paths };
  }

  /** Whether it was made to fail and is not gone yet. */
  get isFailing(): boolean {
    return this.#failure !== undefined;
  }

  /** Gives back what of its ended containers is on the disk; of a pod that is over everything, its logs too. */
  async reclaimDisk(): Promise<void> {
    const { runtime, fileSystem } = this.#services;
    const phase = this.#reporter.last?.phase;
    if (phase === "Succeeded" || phase === "Failed") await this.#ender.removeLeftovers();
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

  /** Reports the status also if the cloud had it. */
  reportAgain(): void {
    this.#reporter.reportAgain();
    this.wake();
  }

  /** The cloud is back: what could not be had may be there now, what was reported may have been forgotten. */
  retryNow(): void {
    this.#failedStarts.retryAll();
    this.#preparation.askAgain();
    this.#ender.reportAgain();
    this.wake();
  }

  /** Whether the pod uses the ConfigMap or Secret. */
  uses(type: string, namespace: string, name: string): boolean {
    if (namespace !== this.identity.namespace) return false;
    const pod = this.#stored();
    return pod !== undefined && (type === "configmap" || type === "secret") && mentions(pod.spec, name);
  }

  /** An object that was missing has arrived or changed. */
  objectChanged(type: string, name: string): void {
    this.#preparation.objectArrived(type, name);
    this.#failedStarts.retryConfigurations();
    this.wake();
  }

  /** Ends the work; containers stay as they are. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#starting.abort(aborted());
    this.#probes[Symbol.dispose]();
    await this.#loop[Symbol.asyncDispose]();
  }

  #stored(): Pod | undefined {
    return this.#services.pods.get(this.identity);
  }

  async #sync(): Promise<number | undefined> {
    const pod = this.#stored();
    if (!pod || pod.metadata.deletionTimestamp !== undefined) {
      this.#failure = undefined;
      this.#probes[Symbol.dispose]();
      return pod ? this.#terminate(pod) : this.#removeGone();
    }
    if (this.#starting.signal.aborted && !this.#stopped) this.#starting = new AbortController();
    try {
      return await this.#run(pod);
    } catch (error) {
      // Its deletion, seen in the middle of a start, is what this very loop does next.
      if (this.#starting.signal.aborted) return 0;
      throw error;
    }
  }

  async #run(pod: Pod): Promise<number | undefined> {
    const { clock } = this.#services;
    const notices = this.#notices(pod);
    const state = await this.#reader.read();
    const failure =
      this.#failure ?? this.#refusal(pod, state) ?? deadlineFailure(pod, this.#reporter.last, clock.now());
    const plan: PodPlan = failure ? { kind: "finished" } : this.#plan(pod, state);
    const isStarting = plan.kind === "run" && plan.starts.length > 0;
    const refusal = isStarting ? await this.#preparation.refusal(pod, this.#reporter.last) : undefined;
    const obstacles = { failedStarts: this.#failedStarts, refusal };
    this.#waitReasons = waitReasons(plan, this.identity, obstacles, notices);
    const hostIp = await this.#services.machine.address();
    this.#resources.keepOnly(new Set(allContainers(state).map(({ id }) => id)));
    this.#probes.update(pod, state, hostIp);
    await this.#report(pod, state, plan.kind === "finished" && !failure);

    if (plan.kind === "finished") {
      const live = allContainers(state).some(({ state: now }) => now !== "exited");
      if (failure?.isDisruption) notices.pod("Warning", failure.reason, failure.message);
      const graceSeconds = failure?.graceSeconds ?? gracePeriodSecondsOf(pod);
      if (live || state.sandbox) await this.#killer.killPod(state, graceSeconds, pod, notices);
      if (live || state.sandbox || failure) await this.#report(pod, await this.#reader.read(), true, failure);
      if (this.#reporter.last?.reason === EVICTED) await this.#ender.removeLeftovers();
      this.#failure = undefined;
      return undefined;
    }
    for (const sandbox of plan.staleSandboxes) await this.#services.runtime.stopSandbox(sandbox.id);
    for (const { container, why, graceSeconds: gracePeriodSeconds = gracePeriodSecondsOf(pod) } of plan.kills) {
      notices.container(container, "Normal", "Killing", why);
      await this.#killer.killContainer(container, { gracePeriodSeconds, pod, address: state.addresses[0] });
    }
    const isResized = await resizeContainers(pod, plan.resizes, this.#resources, this.#services, notices);
    const startable = refusal === undefined ? plan.starts : [];
    const due = startable.filter(({ container }) => !this.#failedStarts.mustWait(container.name));
    const context = await this.#preparation.context(pod, state, hostIp, this.#reporter.last);
    const volumes =
      refusal === undefined ? await this.#preparation.volumes(pod, context, due.length > 0, notices) : undefined;
    if (plan.kills.length > 0 || isResized) return LEAST_RESYNC_MS;
    if (due.length > 0 && volumes) {
      const launch = { pod, state, ...context, volumes, signal: this.#starting.signal };
      await this.#launcher.launch(due, plan.newSandboxAttempt, launch);
      return 0;
    }
    await removeGarbage(state, this.#paths, this.#services.runtime, this.#services.fileSystem);
    const nowMs = clock.now();
    return Math.max(
      LEAST_RESYNC_MS,
      Math.min(
        RESYNC_MS,
        ...plan.waits.map(({ remainingMs }) => remainingMs),
        this.#failedStarts.untilNextMs,
        (volumes?.refreshAtMs ?? Number.POSITIVE_INFINITY) - nowMs,
        untilDeadlineMs(pod, this.#reporter.last, nowMs),
      ),
    );
  }

  #plan(pod: Pod, state: PodRuntimeState): PodPlan {
    return planPod(pod, state, {
      backOff: this.#backOff,
      nowMs: this.#services.clock.now(),
      lastStatus: this.#reporter.last,
      resourcesOf: (container) => this.#resources.of(container),
      failedProbe: (id) => this.#probes.failedProbe(id),
    });
  }

  /** A node that is short of something starts nothing new that would make it worse. */
  #refusal(pod: Pod, state: PodRuntimeState): PodFailure | undefined {
    if (this.#reporter.last !== undefined || state.sandboxes.length > 0) return undefined;
    const message = this.#services.refuses(pod);
    return message === undefined ? undefined : { reason: EVICTED, message, isDisruption: true };
  }

  async #terminate(pod: Pod): Promise<undefined> {
    await this.#ender.terminate(pod, (ended) => this.#report(pod, ended, true));
  }

  async #removeGone(): Promise<undefined> {
    await this.#ender.removeGone();
    this.#onGone();
  }

  async #report(pod: Pod, state: PodRuntimeState, ending: boolean, failure?: PodFailure): Promise<void> {
    const { machine, clock } = this.#services;
    const status = podStatus({
      pod,
      state,
      waitReasons: this.#waitReasons,
      terminationMessages: this.#reader.terminationMessages,
      isReady: (container, id) => this.#probes.isReady(container, id),
      isStarted: (container, id) => this.#probes.isStarted(container, id),
      ending,
      resourcesOf: (container) => this.#resources.of(container),
      runtimeName: (await machine.runtimeVersion()).name,
      recursiveReadOnlyMounts: (await machine.runtimeFeatures()).recursiveReadOnlyMounts,
      nowMs: clock.now(),
      last: this.#reporter.last,
      hostIp: await machine.address(),
      failure,
      isHeld: this.#services.held.isHeld(pod, this.#reporter.last),
    });
    await this.#reporter.report(this.#services.pods.inCloud(this.identity), status, clock.monotonicMs());
  }

  #notices(pod: Pod): PodNotices {
    return new PodNotices(this.#services.recorder, pod);
  }
}
