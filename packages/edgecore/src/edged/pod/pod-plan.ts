import type { Container, ContainerStatus, Pod, PodStatus } from "@skerry/api";
import { type Resize, type Resources, resizeOf } from "../container/resize.ts";
import type { RuntimeContainerStatus, Sandbox } from "../ports.ts";
import type { FailedProbe } from "../probes/pod-probes.ts";
import { wasInterrupted } from "./interruption.ts";
import { isLive, type PodRuntimeState } from "./pod-runtime-state.ts";
import type { RestartBackOff } from "./restart-back-off.ts";
import { isSidecar, restartsAfter } from "./restart-policy.ts";
import { containerHash, containerHashAnnotation, restartCountOf } from "./runtime-names.ts";

/** A container to start. */
export interface PlannedStart {
  readonly container: Container;
  readonly init: boolean;
  readonly restartCount: number;
  /** The one before it, when there was one. */
  readonly previous: RuntimeContainerStatus | undefined;
}

/** A container that has to wait before it is started again. */
export interface PlannedWait {
  readonly container: Container;
  readonly remainingMs: number;
  readonly delayMs: number;
}

/** A container that must be replaced. */
export interface PlannedKill {
  readonly container: RuntimeContainerStatus;
  readonly why: string;
  /** Left out: the pod's own grace period. */
  readonly graceSeconds?: number;
}

/** A container whose limits are changed while it runs. */
export interface PlannedResize {
  readonly container: Container;
  readonly runs: RuntimeContainerStatus;
}

/** What has to be done so that a pod runs as it should. */
export type PodPlan =
  /** It has run its course. */
  | { readonly kind: "finished" }
  | {
      readonly kind: "run";
      /** Sandboxes that must go before anything starts. */
      readonly staleSandboxes: readonly Sandbox[];
      /** Undefined: the ready one is used. */
      readonly newSandboxAttempt: number | undefined;
      readonly kills: readonly PlannedKill[];
      /** Running containers whose limits are to be others. */
      readonly resizes: readonly PlannedResize[];
      readonly starts: readonly PlannedStart[];
      readonly waits: readonly PlannedWait[];
    };

/** What the decision depends on beside the pod and the runtime. */
export interface PlanContext {
  readonly backOff: RestartBackOff;
  readonly nowMs: number;
  /** The status last reported: what is known of containers that the runtime forgot. */
  readonly lastStatus: PodStatus | undefined;
  /** What a running container has now, where that is known. */
  readonly resourcesOf: (container: RuntimeContainerStatus) => Resources | undefined;
  /** Whether a running container has started, as its startup probe says. */
  readonly isStarted: (container: Container, containerId: string) => boolean;
  /** The container's liveness or startup probe, if it has failed for good. */
  readonly failedProbe: (containerId: string) => FailedProbe | undefined;
}

/** Decides what to do next for a pod that should run. Pure. */
export function planPod(pod: Pod, state: PodRuntimeState, context: PlanContext): PodPlan {
  const { lastStatus } = context;
  if (lastStatus?.phase === "Succeeded" || lastStatus?.phase === "Failed") return { kind: "finished" };
  const planner = new Planner(pod, state, context);
  return planner.plan();
}

class Planner {
  readonly #pod: Pod;
  readonly #state: PodRuntimeState;
  readonly #context: PlanContext;
  readonly #kills: PlannedKill[] = [];
  readonly #resizes: PlannedResize[] = [];
  readonly #starts: PlannedStart[] = [];
  readonly #waits: PlannedWait[] = [];

  constructor(pod: Pod, state: PodRuntimeState, context: PlanContext) {
    this.#pod = pod;
    this.#state = state;
    this.#context = context;
  }

  plan(): PodPlan {
    const { spec } = this.#pod;
    const sandbox = this.#state.sandbox;
    const staleSandboxes = this.#state.sandboxes.filter(({ id }) => id !== sandbox?.id);
    const initFailed = this.#planInitContainers();
    if (initFailed) return { kind: "finished" };
    if (this.#initialized()) {
      for (const container of spec.containers) this.#planContainer(container, false);
      const live = spec.containers.some((container) => isLive(this.#state, this.#latest(container.name)));
      const pending = [...this.#starts, ...this.#waits].some(({ container }) => spec.containers.includes(container));
      if (!live && !pending && this.#kills.length === 0) return { kind: "finished" };
    }
    if (sandbox) this.#planEphemeralContainers();
    const newestAttempt = this.#state.sandboxes[0]?.attempt;
    return {
      kind: "run",
      staleSandboxes: staleSandboxes.filter(({ state }) => state === "ready"),
      newSandboxAttempt: sandbox || this.#starts.length === 0 ? undefined : (newestAttempt ?? -1) + 1,
      kills: this.#kills,
      resizes: this.#resizes,
      starts: this.#starts,
      waits: this.#waits,
    };
  }

  #latest(name: string): RuntimeContainerStatus | undefined {
    return this.#state.containers.get(name)?.[0];
  }

  #latestHere(name: string): RuntimeContainerStatus | undefined {
    const latest = this.#latest(name);
    return latest?.sandboxId === this.#state.sandbox?.id ? latest : undefined;
  }

  #hasStarted(container: Container, latest: RuntimeContainerStatus | undefined): boolean {
    if (!isLive(this.#state, latest) || !latest) return false;
    return this.#context.isStarted(container, latest.id);
  }

  /** Whether the containers proper may start: all init containers of this sandbox are through. */
  #initialized(): boolean {
    const inits = this.#pod.spec.initContainers ?? [];
    if (this.#mainContainersBegan()) return true;
    return inits.every((container) => {
      const latest = this.#latestHere(container.name);
      if (isSidecar(container)) return this.#hasStarted(container, latest);
      return latest?.state === "exited" && latest.exitCode === 0;
    });
  }

  /** One that was started proves that the init containers were through, even if their traces are gone. */
  #mainContainersBegan(): boolean {
    if (!this.#state.sandbox) return !this.#anyMainContainerWouldStart();
    return this.#pod.spec.containers.some(({ name }) => this.#latestHere(name) !== undefined);
  }

  /** Without a sandbox, init containers run again only if something proper is going to start after them. */
  #anyMainContainerWouldStart(): boolean {
    return this.#pod.spec.containers.some((container) => this.#shouldStart(container, this.#latest(container.name)));
  }

  /** Returns whether the pod has failed because an init container did. */
  #planInitContainers(): boolean {
    const inits = this.#pod.spec.initContainers ?? [];
    const began = this.#mainContainersBegan();
    if (began && !this.#state.sandbox) return false;
    for (const container of inits) {
      const latest = this.#latestHere(container.name);
      if (isSidecar(container)) {
        this.#planContainer(container, true);
        // What comes after a sidecar may need it: it waits for its startup probe.
        if (!this.#hasStarted(container, latest) && !began) return false;
        continue;
      }
      if (began || (latest?.state === "exited" && latest.exitCode === 0)) continue;
      if (latest?.state === "exited" && !restartsAfter(this.#pod, container, latest.exitCode)) return true;
      this.#planContainer(container, true);
      return false;
    }
    return false;
  }

  /** They are started once, in a sandbox that is there, after what the pod itself needs. */
  #planEphemeralContainers(): void {
    for (const container of this.#pod.spec.ephemeralContainers ?? []) {
      const latest = this.#latest(container.name);
      const known = this.#context.lastStatus?.ephemeralContainerStatuses?.find(({ name }) => name === container.name);
      const hasRun = latest
        ? latest.state !== "created"
        : (known?.containerID ?? known?.state?.terminated) !== undefined;
      if (!hasRun) this.#starts.push({ container, init: false, restartCount: 0, previous: latest });
    }
  }

  #planContainer(container: Container, init: boolean): void {
    const latest = this.#latest(container.name);
    if (isLive(this.#state, latest) && latest) {
      const kill = this.#whyOutdated(container, latest);
      if (kill) this.#kills.push({ container: latest, ...kill });
      else if (this.#resizeOf(container, latest) === "in-place") this.#resizes.push({ container, runs: latest });
      return;
    }
    if (!(init && !isSidecar(container)) && !this.#shouldStart(container, latest)) return;
    const { backOff, nowMs } = this.#context;
    if (latest?.state === "exited") {
      const remainingMs = backOff.remainingMs(container.name, latest.finishedAtMs, nowMs);
      // A pod whose sandbox is gone (the machine was off) comes back at once.
      if (remainingMs > 0 && this.#state.sandbox) {
        this.#waits.push({ container, remainingMs, delayMs: backOff.delayMs(container.name) });
        return;
      }
    }
    this.#starts.push({ container, init, restartCount: this.#nextRestartCount(container.name), previous: latest });
  }

  #whyOutdated(container: Container, latest: RuntimeContainerStatus): Omit<PlannedKill, "container"> | undefined {
    const hash = latest.annotations[containerHashAnnotation];
    // Without our hash it is another kubelet's container of this very pod: adopted as it is.
    if (hash !== undefined && hash.length === 8 && hash !== containerHash(container))
      return { why: `Container ${container.name} definition changed, will be restarted` };
    if (this.#resizeOf(container, latest) === "restart")
      return { why: `Container ${container.name} resize requires restart` };
    const failed = this.#context.failedProbe(latest.id);
    if (!failed) return undefined;
    const { kind, graceSeconds } = failed;
    const why = `Container ${container.name} failed ${kind} probe, will be restarted`;
    return graceSeconds === undefined ? { why } : { why, graceSeconds };
  }

  #resizeOf(container: Container, latest: RuntimeContainerStatus): Resize {
    const applied = this.#context.resourcesOf(latest);
    return applied ? resizeOf(this.#pod, container, applied) : "none";
  }

  #shouldStart(container: Container, latest: RuntimeContainerStatus | undefined): boolean {
    if (latest?.state === "created" && latest.sandboxId === this.#state.sandbox?.id) return true;
    const exitCode = latest ? latest.exitCode : this.#lastKnownExitCode(container.name);
    if (exitCode === undefined) return true;
    // What did not end by itself, but was lost with its sandbox or ended by the machine's shutdown, has failed.
    const hasEnded =
      latest === undefined || (latest.state === "exited" && !wasInterrupted(this.#known(latest.name), latest.id));
    return restartsAfter(this.#pod, container, hasEnded ? exitCode : UNKNOWN_EXIT_CODE);
  }

  #known(name: string): ContainerStatus | undefined {
    return this.#context.lastStatus?.containerStatuses?.find((status) => status.name === name);
  }

  /** Exit code of a container that ran but that the runtime no longer knows; undefined when it never ran. */
  #lastKnownExitCode(name: string): number | undefined {
    const known = this.#known(name);
    if (wasInterrupted(known)) return UNKNOWN_EXIT_CODE;
    if (known?.state?.terminated) return known.state.terminated.exitCode;
    return known?.state?.running ? UNKNOWN_EXIT_CODE : undefined;
  }

  #nextRestartCount(name: string): number {
    const latest = this.#latest(name);
    if (latest) return latest.state === "created" ? restartCountOf(latest) : restartCountOf(latest) + 1;
    const { lastStatus } = this.#context;
    const known = [...(lastStatus?.containerStatuses ?? []), ...(lastStatus?.initContainerStatuses ?? [])].find(
      (status) => status.name === name,
    );
    return known?.containerID ? known.restartCount + 1 : 0;
  }
}

/** What Kubernetes reports for a container whose end nobody saw. */
export const UNKNOWN_EXIT_CODE = 137;
