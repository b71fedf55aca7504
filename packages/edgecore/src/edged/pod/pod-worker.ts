import type { Pod, PodStatus } from "@skerry/api";
import { aborted, describeError } from "@skerry/base";
import type { ObjectLookup } from "../container/environment.ts";
import type { PodFacts } from "../container/field-references.ts";
import { terminationMessage } from "../container/termination-message.ts";
import type { RuntimeContainerStatus } from "../ports.ts";
import { PodProbes } from "../probes/pod-probes.ts";
import type { PodServices } from "../services.ts";
import { SyncLoop } from "../sync-loop.ts";
import type { PreparedVolumes } from "../volumes/pod-volumes.ts";
import { ContainerStarter } from "./container-starter.ts";
import type { WaitReason } from "./container-status.ts";
import { nameResolution } from "./name-resolution.ts";
import { objectLookup } from "./object-lookup.ts";
import { PodKiller } from "./pod-killer.ts";
import { PodNotices } from "./pod-notices.ts";
import { PodPaths } from "./pod-paths.ts";
import { type PlannedStart, type PodPlan, planPod } from "./pod-plan.ts";
import { allContainers, type PodRuntimeState, readPodRuntimeState } from "./pod-runtime-state.ts";
import { podStatus } from "./pod-status.ts";
import { RestartBackOff } from "./restart-back-off.ts";
import { removeGarbage } from "./runtime-garbage.ts";
import { DEFAULT_GRACE_PERIOD_SECONDS, gracePeriodOf, type PodIdentity } from "./runtime-names.ts";
import { sandboxConfig } from "./sandbox-config.ts";
import { StatusReporter } from "./status-reporter.ts";
import { unsupportedFields } from "./unsupported-fields.ts";

/** Even when nothing happens a pod is looked at this often: volumes may have changed without anyone telling. */
const RESYNC_MS = 60_000;
const RETRY = { initialMs: 1000, maximumMs: 60_000 };
/** Delays between tries to have an image or a configuration. */
const FIRST_START_DELAY_MS = 10_000;
const LONGEST_START_DELAY_MS = 5 * 60_000;
const CONFIGURATION_RETRY_MS = 5000;
/** However soon something falls due: no pod is looked at more often without a cause. */
const LEAST_RESYNC_MS = 100;

/** A start that failed and when it is tried again. */
interface FailedStart {
  readonly wait: WaitReason;
  readonly tries: number;
  readonly untilMs: number;
  readonly pull: boolean;
}

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
  readonly #starter: ContainerStarter;
  readonly #killer: PodKiller;
  readonly #probes: PodProbes;
  readonly #loop: SyncLoop;
  readonly #backOff = new RestartBackOff();
  readonly #failedStarts = new Map<string, FailedStart>();
  readonly #waitReasons = new Map<string, WaitReason>();
  readonly #terminationMessages = new Map<string, string>();
  readonly #ended = new Map<string, RuntimeContainerStatus>();
  readonly #addresses = new Map<string, readonly string[]>();
  readonly #absentObjects = new Map<string, number>();
  #starting = new AbortController();
  #stopped = false;
  #terminatingGraceSeconds: number | undefined;
  #removalReported = false;
  #checkedFields = false;
  #seenSignature = "";

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
    this.#starter = new ContainerStarter(services);
    this.#killer = new PodKiller(services);
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
    return this.#seenSignature;
  }

  /** Something about the pod may have changed. */
  wake(): void {
    const pod = this.#stored();
    const ending = !pod || pod.metadata.deletionTimestamp !== undefined;
    // Whatever was about to start is no longer wanted.
    if (ending) this.#starting.abort(aborted());
    if (ending && this.#terminatingGraceSeconds !== undefined) this.#hurry(pod);
    this.#loop.wake();
  }

  /** The cloud is back: what could not be had may be there now, what was reported may have been forgotten. */
  retryNow(): void {
    this.#failedStarts.clear();
    this.#absentObjects.clear();
    this.#removalReported = false;
    this.wake();
  }

  /** Whether the pod uses the ConfigMap or Secret. */
  uses(type: string, namespace: string, name: string): boolean {
    if (namespace !== this.identity.namespace) return false;
    const pod = this.#stored();
    // A quick and complete test: whatever way it is referred to, its name is somewhere in the specification.
    return pod !== undefined && (type === "configmap" || type === "secret") && mentions(pod.spec, name);
  }

  /** An object that was missing has arrived or changed. */
  objectChanged(type: string, name: string): void {
    this.#absentObjects.delete(`${type}/${name}`);
    for (const [container, start] of this.#failedStarts) if (!start.pull) this.#failedStarts.delete(container);
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
    if (!pod) return this.#removeGone();
    if (pod.metadata.deletionTimestamp !== undefined) return this.#terminate(pod);
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
    const state = await this.#readState();
    const failure = this.#deadlineFailure(pod);
    const plan: PodPlan = failure ? { kind: "finished" } : this.#plan(pod, state);
    this.#waitReasons.clear();
    if (plan.kind === "run") this.#collectWaitReasons(plan);
    const hostIp = await this.#services.machine.address();
    this.#probes.update(pod, state, hostIp);
    await this.#report(pod, state, plan.kind === "finished" && !failure);

    if (plan.kind === "finished") {
      const live = allContainers(state).some(({ state: now }) => now !== "exited");
      if (live || state.sandbox) {
        await this.#killer.killPod(state, graceOf(pod), pod, this.#notices(pod));
        await this.#report(pod, await this.#readState(), true, failure);
      }
      return undefined;
    }
    for (const sandbox of plan.staleSandboxes) await this.#services.runtime.stopSandbox(sandbox.id);
    for (const { container, why } of plan.kills) {
      this.#notices(pod).container(container, "Normal", "Killing", why);
      await this.#killer.killContainer(container, graceOf(pod), pod, state.addresses[0]);
    }
    const due = plan.starts.filter(({ container }) => !this.#isFailing(container.name));
    const context = await this.#context(pod, state, hostIp);
    const volumes = await this.#prepareVolumes(pod, context.facts, context.lookup, due.length > 0);
    if (plan.kills.length > 0) return LEAST_RESYNC_MS;
    if (due.length > 0 && volumes) {
      await this.#start(pod, state, plan.newSandboxAttempt, due, volumes, context);
      return 0;
    }
    await removeGarbage(state, this.#paths, this.#services.runtime, this.#services.fileSystem);
    const nowMs = clock.now();
    return Math.max(
      LEAST_RESYNC_MS,
      Math.min(
        RESYNC_MS,
        ...plan.waits.map(({ remainingMs }) => remainingMs),
        ...[...this.#failedStarts.values()].map(({ untilMs }) => untilMs - clock.monotonicMs()),
        (volumes?.refreshAtMs ?? Number.POSITIVE_INFINITY) - nowMs,
        this.#untilDeadlineMs(pod),
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
    for (const [name, failed] of this.#failedStarts) {
      if (!planned.has(name)) this.#failedStarts.delete(name);
      else this.#waitReasons.set(name, failed.wait);
    }
  }

  #isFailing(name: string): boolean {
    return (this.#failedStarts.get(name)?.untilMs ?? 0) > this.#services.clock.monotonicMs();
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
      this.#notices(pod).pod("Warning", "FailedMount", `MountVolume.SetUp failed: ${describeError(error)}`);
      if (needed) throw error;
      this.#services.logger.warn("A running pod's volumes could not be updated; it is tried again", {
        pod: `${this.identity.namespace}/${this.identity.name}`,
        error: describeError(error),
      });
      return undefined;
    }
  }

  async #start(
    pod: Pod,
    state: PodRuntimeState,
    newSandboxAttempt: number | undefined,
    starts: readonly PlannedStart[],
    volumes: PreparedVolumes,
    context: { facts: PodFacts; lookup: ObjectLookup },
  ): Promise<void> {
    const { runtime, config, fileSystem, clock } = this.#services;
    const notices = this.#notices(pod);
    const dns = await nameResolution(pod, config, fileSystem);
    const attempt = newSandboxAttempt ?? state.sandbox?.attempt ?? 0;
    const sandbox = sandboxConfig(pod, config.nodeName, attempt, this.#paths.logs, dns);
    let sandboxId = state.sandbox?.id;
    let { addresses } = state;
    let { facts } = context;
    if (newSandboxAttempt !== undefined || sandboxId === undefined) {
      try {
        await fileSystem.makeDirectory(this.#paths.logs, 0o755);
        sandboxId = await runtime.runSandbox(sandbox);
        addresses = await runtime.sandboxAddresses(sandboxId);
      } catch (error) {
        notices.pod("Warning", "FailedCreatePodSandBox", `Failed to create pod sandbox: ${describeError(error)}`);
        throw error;
      }
      if (addresses.length > 0) facts = { ...facts, podIps: addresses };
    }
    const { paths, signal } = { paths: this.#paths, signal: this.#starting.signal };
    const place = {
      pod,
      paths,
      notices,
      sandboxId,
      sandbox,
      addresses,
      volumes,
      facts,
      lookup: context.lookup,
      signal,
    };
    for (const start of starts) {
      signal.throwIfAborted();
      const { container, previous } = start;
      if (previous?.state === "exited") this.#backOff.restarted(container.name, previous.finishedAtMs, clock.now());
      const result = await this.#starter.start(start, place);
      if (result.kind === "started") this.#failedStarts.delete(container.name);
      else this.#startFailed(pod, container, result.wait, result.pull);
    }
  }

  #startFailed(pod: Pod, container: Pod["spec"]["containers"][number], wait: WaitReason, pull: boolean): void {
    const tries = (this.#failedStarts.get(container.name)?.tries ?? 0) + 1;
    const delayMs = pull
      ? Math.min(LONGEST_START_DELAY_MS, FIRST_START_DELAY_MS * 2 ** (tries - 1))
      : CONFIGURATION_RETRY_MS;
    const image = container.image ?? "";
    if (pull && tries > 1)
      this.#notices(pod).container(container, "Normal", "BackOff", `Back-off pulling image "${image}"`);
    const shown =
      wait.reason === "ErrImagePull" && tries > 1
        ? { reason: "ImagePullBackOff", message: `Back-off pulling image "${image}": ErrImagePull: ${wait.message}` }
        : wait;
    const untilMs = this.#services.clock.monotonicMs() + delayMs;
    this.#failedStarts.set(container.name, { wait: shown, tries, untilMs, pull });
  }

  /** The cloud wants it gone: end it, report its end, then say that nothing is left. */
  async #terminate(pod: Pod): Promise<number | undefined> {
    const state = await this.#readState();
    const graceSeconds = pod.metadata.deletionGracePeriodSeconds ?? graceOf(pod);
    this.#terminatingGraceSeconds = graceSeconds;
    this.#probes[Symbol.dispose]();
    await this.#killer.killPod(state, graceSeconds, pod, this.#notices(pod));
    if (state.sandboxes.length > 0 || !this.#removalReported) {
      const ended = await this.#readState();
      await this.#report(pod, ended, true);
      await this.#killer.removePod(ended);
      await this.#removeFiles();
    }
    if (!this.#removalReported) await this.#reporter.reportRemoved();
    this.#removalReported = true;
    return undefined;
  }

  /** The store no longer has it (deleted by force, or confirmed): nothing of it may run on. */
  async #removeGone(): Promise<undefined> {
    const state = await this.#readState();
    const graceSeconds = this.#terminatingGraceSeconds === undefined ? gracePeriodOf(allContainers(state)) : 0;
    this.#terminatingGraceSeconds ??= graceSeconds;
    this.#probes[Symbol.dispose]();
    await this.#killer.killPod(state, graceSeconds, undefined, undefined);
    await this.#killer.removePod(state);
    await this.#removeFiles();
    const { namespace, name } = this.identity;
    await this.#reporter.forget(this.#services.meta.get({ type: "pod", namespace, name }) === undefined);
    this.#onGone();
    return undefined;
  }

  async #removeFiles(): Promise<void> {
    await this.#services.volumes.remove(this.#paths);
    await this.#services.fileSystem.remove(this.#paths.logs);
  }

  /** The grace period was shortened while the pod was ending: the runtime is told, beside the call that still waits. */
  #hurry(pod: Pod | undefined): void {
    const graceSeconds = pod?.metadata.deletionGracePeriodSeconds ?? 0;
    if (graceSeconds >= (this.#terminatingGraceSeconds ?? 0)) return;
    this.#terminatingGraceSeconds = graceSeconds;
    this.#readState()
      .then((state) => this.#killer.killPod(state, graceSeconds, undefined, undefined))
      .catch((error: unknown) =>
        this.#services.logger.warn("Ending a pod faster failed", { error: describeError(error) }),
      );
  }

  async #readState(): Promise<PodRuntimeState> {
    const { runtime, fileSystem } = this.#services;
    const state = await readPodRuntimeState(runtime, this.identity.uid, this.#ended, this.#addresses);
    this.#seenSignature = state.signature;
    const present = new Set<string>();
    for (const container of allContainers(state)) {
      present.add(container.id);
      if (container.state !== "exited" || this.#terminationMessages.has(container.id)) continue;
      this.#terminationMessages.set(container.id, await terminationMessage(fileSystem, this.#paths, container));
    }
    for (const id of this.#terminationMessages.keys()) if (!present.has(id)) this.#terminationMessages.delete(id);
    return state;
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
      terminationMessages: this.#terminationMessages,
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

  #deadlineFailure(pod: Pod): { reason: string; message: string } | undefined {
    if (this.#untilDeadlineMs(pod) > 0) return undefined;
    return {
      reason: "DeadlineExceeded",
      message: "Pod was active on the node longer than the specified deadline",
    };
  }

  #untilDeadlineMs(pod: Pod): number {
    const startTime = this.#reporter.last?.startTime;
    const phase = this.#reporter.last?.phase;
    const deadlineSeconds = pod.spec.activeDeadlineSeconds;
    if (deadlineSeconds === undefined || startTime === undefined || phase === "Succeeded" || phase === "Failed")
      return Number.POSITIVE_INFINITY;
    return Date.parse(startTime) + deadlineSeconds * 1000 - this.#services.clock.now();
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

function graceOf(pod: Pod): number {
  return pod.spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_PERIOD_SECONDS;
}

/** Ids (without their scheme) of the containers that were ready when last reported. */
function readyContainerIds(last: PodStatus | undefined): Set<string> {
  const statuses = [...(last?.containerStatuses ?? []), ...(last?.initContainerStatuses ?? [])];
  return new Set(
    statuses.filter(({ ready }) => ready).map(({ containerID = "" }) => containerID.split("://")[1] ?? ""),
  );
}

function mentions(value: unknown, name: string): boolean {
  if (value === name) return true;
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value).some((member) => mentions(member, name));
}
