import type { Pod, PodStatus } from "@skerry/api";
import { aborted, describeError } from "@skerry/base";
import type { ObjectLookup } from "../container/environment.ts";
import type { PodFacts } from "../container/field-references.ts";
import { plainMessage } from "../errors.ts";
import { PodProbes } from "../probes/pod-probes.ts";
import type { PodServices } from "../services.ts";
import { SyncLoop } from "../sync-loop.ts";
import type { PreparedVolumes } from "../volumes/pod-volumes.ts";
import type { WaitReason } from "./container-status.ts";
import { FailedStarts } from "./failed-starts.ts";
import { objectLookup } from "./object-lookup.ts";
import { deadlineFailure, untilDeadlineMs } from "./pod-deadline.ts";
import { gracePeriodSecondsOf, PodEnder } from "./pod-ender.ts";
import { PodKiller } from "./pod-killer.ts";
import { PodLauncher } from "./pod-launcher.ts";
import { PodNotices } from "./pod-notices.ts";
import { PodPaths } from "./pod-paths.ts";
import { type PodPlan, planPod } from "./pod-plan.ts";
import { mentions, readyContainerIds } from "./pod-references.ts";
import { allContainers, type PodRuntimeState } from "./pod-runtime-state.ts";
import { PodStateReader } from "./pod-state-reader.ts";
import { podStatus } from "./pod-status.ts";
import { RestartBackOff } from "./restart-back-off.ts";
import { removeGarbage } from "./runtime-garbage.ts";
import type { PodIdentity } from "./runtime-names.ts";
import { StatusReporter } from "./status-reporter.ts";
import { unsupportedFields } from "./unsupported-fields.ts";

/** Even when nothing happens a pod is looked at this often: volumes may have changed without anyone telling. */
const RESYNC_MS = 60_000;
/** The kubelet's own longest wait after a failed look at a pod. */
const RETRY = { initialMs: 1000, maximumMs: 10_000 };
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
  readonly #waitReasons = new Map<string, WaitReason>();
  readonly #absentObjects = new Map<string, number>();
  #starting = new AbortController();
  #stopped = false;
  #checkedFields = false;

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

  /** Reports the status also if the cloud had it. */
  reportAgain(): void {
    this.#reporter.reportAgain();
    this.wake();
  }

  /** The cloud is back: what could not be had may be there now, what was reported may have been forgotten. */
  retryNow(): void {
    this.#failedStarts.retryAll();
    this.#absentObjects.clear();
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
    this.#absentObjects.delete(`${type}/${name}`);
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

  /** The pod as the store has it; undefined when it is gone, or when its name belongs to another pod by now. */
  #stored(): Pod | undefined {
    const { namespace, name, uid } = this.identity;
    const pod = this.#services.meta.get<Pod>({ type: "pod", namespace, name });
    return pod?.metadata.uid === uid ? pod : undefined;
  }

  async #sync(): Promise<number | undefined> {
    const pod = this.#stored();
    if (!pod || pod.metadata.deletionTimestamp !== undefined) {
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
    this.#tellUnsupported(pod);
    const state = await this.#reader.read();
    const failure = deadlineFailure(pod, this.#reporter.last, clock.now());
    const plan: PodPlan = failure ? { kind: "finished" } : this.#plan(pod, state);
    this.#waitReasons.clear();
    if (plan.kind === "run") this.#collectWaitReasons(plan);
    const hostIp = await this.#services.machine.address();
    this.#probes.update(pod, state, hostIp);
    await this.#report(pod, state, plan.kind === "finished" && !failure);

    if (plan.kind === "finished") {
      const live = allContainers(state).some(({ state: now }) => now !== "exited");
      if (live || state.sandbox) await this.#killer.killPod(state, gracePeriodSecondsOf(pod), pod, this.#notices(pod));
      if (live || state.sandbox || failure) await this.#report(pod, await this.#reader.read(), true, failure);
      return undefined;
    }
    for (const sandbox of plan.staleSandboxes) await this.#services.runtime.stopSandbox(sandbox.id);
    for (const { container, why } of plan.kills) {
      this.#notices(pod).container(container, "Normal", "Killing", why);
      await this.#killer.killContainer(container, gracePeriodSecondsOf(pod), pod, state.addresses[0]);
    }
    const due = plan.starts.filter(({ container }) => !this.#failedStarts.mustWait(container.name));
    const context = await this.#context(pod, state, hostIp);
    const volumes = await this.#prepareVolumes(pod, context.facts, context.lookup, due.length > 0);
    if (plan.kills.length > 0) return LEAST_RESYNC_MS;
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
      hasFailedProbe: (id) => this.#probes.hasFailed(id),
    });
  }

  #collectWaitReasons(plan: PodPlan & { kind: "run" }): void {
    const pod = this.#stored();
    for (const { container, delayMs } of plan.waits) {
      const seconds = delayMs / 1000;
      const { namespace, name, uid } = this.identity;
      const message = `back-off ${seconds}s restarting failed container=${container.name} pod=${name}_${namespace}(${uid})`;
      this.#waitReasons.set(container.name, { reason: "CrashLoopBackOff", message });
      if (pod)
        this.#notices(pod).container(
          container,
          "Warning",
          "BackOff",
          `Back-off restarting failed container ${container.name} in pod ${name}_${namespace}(${uid})`,
        );
    }
    const planned = new Set(plan.starts.map(({ container }) => container.name));
    for (const [name, wait] of this.#failedStarts.reasons(planned)) this.#waitReasons.set(name, wait);
  }

  async #context(
    pod: Pod,
    state: PodRuntimeState,
    hostIp: string | undefined,
  ): Promise<{ facts: PodFacts; lookup: ObjectLookup }> {
    const { machine, config, meta, clock } = this.#services;
    const host = await machine.hostFacts();
    const podIps = pod.spec.hostNetwork === true && hostIp ? [hostIp] : state.addresses;
    const facts: PodFacts = {
      pod,
      nodeName: config.nodeName,
      hostIp,
      podIps: podIps.length > 0 ? podIps : (this.#reporter.last?.podIPs ?? []).map(({ ip }) => ip),
      allocatable: { cpuMilli: host.cpuCount * 1000, memoryBytes: host.memoryBytes },
    };
    const signal = (): AbortSignal => this.#starting.signal;
    return { facts, lookup: objectLookup(meta, clock, this.identity.namespace, this.#absentObjects, signal) };
  }

  /** Undefined when they cannot be made ready; then nothing new is started, what runs goes on. */
  async #prepareVolumes(
    pod: Pod,
    facts: PodFacts,
    lookup: ObjectLookup,
    needed: boolean,
  ): Promise<PreparedVolumes | undefined> {
    try {
      return await this.#services.volumes.prepare(pod, this.#paths, facts, lookup, this.#starting.signal);
    } catch (error) {
      if (this.#starting.signal.aborted) throw error;
      this.#notices(pod).pod("Warning", "FailedMount", `MountVolume.SetUp failed: ${plainMessage(error)}`);
      if (needed) throw error;
      this.#services.logger.warn("A running pod's volumes could not be updated; it is tried again", {
        pod: `${this.identity.namespace}/${this.identity.name}`,
        error: describeError(error),
      });
      return undefined;
    }
  }

  async #terminate(pod: Pod): Promise<undefined> {
    await this.#ender.terminate(pod, (ended) => this.#report(pod, ended, true));
  }

  async #removeGone(): Promise<undefined> {
    await this.#ender.removeGone();
    this.#onGone();
  }

  async #report(
    pod: Pod,
    state: PodRuntimeState,
    ending: boolean,
    failure?: { readonly reason: string; readonly message: string },
  ): Promise<void> {
    const { machine, clock } = this.#services;
    const status = podStatus({
      pod,
      state,
      waitReasons: this.#waitReasons,
      terminationMessages: this.#reader.terminationMessages,
      isReady: (container, id) => this.#probes.isReady(container, id),
      isStarted: (container, id) => this.#probes.isStarted(container, id),
      ending,
      runtimeName: (await machine.runtimeVersion()).name,
      nowMs: clock.now(),
      last: this.#reporter.last,
      hostIp: await machine.address(),
      failure,
    });
    await this.#reporter.report(pod, status, clock.monotonicMs());
  }

  #tellUnsupported(pod: Pod): void {
    if (this.#checkedFields) return;
    this.#checkedFields = true;
    for (const field of unsupportedFields(pod))
      this.#notices(pod).pod("Warning", "FieldNotSupported", `This edge node does not support ${field} yet`);
  }

  #notices(pod: Pod): PodNotices {
    return new PodNotices(this.#services.recorder, pod);
  }
}
