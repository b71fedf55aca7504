import type { Container, Pod } from "@skerry/api";
import type { JsonObject, Timer } from "@skerry/base";
import { numberAt } from "../json-access.ts";
import { isLive, type PodRuntimeState } from "../pod/pod-runtime-state.ts";
import type { RuntimeContainerStatus } from "../ports.ts";
import type { PodServices } from "../services.ts";
import { type ProbeKind, probeSettings, runProbe } from "./probe.ts";

const KINDS: readonly ProbeKind[] = ["startup", "liveness", "readiness"];

/** One probe of one container. */
interface RunningProbe {
  readonly kind: ProbeKind;
  readonly probe: JsonObject;
  readonly containerId: string;
  timer: Timer | undefined;
  /** On the monotonic clock: the end of its initial delay. */
  readonly beginsAtMs: number;
  successes: number;
  failures: number;
  /** What the thresholds say so far; undefined before the first verdict. */
  verdict: boolean | undefined;
}

/** A probe whose verdict ends its container. */
export interface FailedProbe {
  readonly kind: ProbeKind;
  /** The time that this probe gives the container to end; left out: the pod's counts. */
  readonly graceSeconds?: number;
}

/** What tells about probes: Events and the pod's worker. */
export interface ProbeObserver {
  readonly changed: () => void;
  readonly unhealthy: (container: Container, kind: ProbeKind, message: string) => void;
}

/** Asks the containers of one pod how they are. */
export class PodProbes implements Disposable {
  readonly #services: PodServices;
  readonly #observer: ProbeObserver;
  /** Containers that were ready before EdgeCore restarted stay so until a probe says otherwise. */
  readonly #readyBefore: ReadonlySet<string>;
  readonly #probes = new Map<string, RunningProbe>();
  #address = "";
  #isEnding = false;

  constructor(services: PodServices, observer: ProbeObserver, readyBefore: ReadonlySet<string>) {
    this.#services = services;
    this.#observer = observer;
    this.#readyBefore = readyBefore;
  }

  /** Begins with new containers and ends with those that are gone. */
  update(pod: Pod, state: PodRuntimeState, hostIp: string | undefined): void {
    this.#address = pod.spec.hostNetwork === true ? (hostIp ?? "127.0.0.1") : (state.addresses[0] ?? "");
    const wanted = new Set<string>();
    for (const container of [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]) {
      const latest = state.containers.get(container.name)?.[0];
      if (!latest || !isLive(state, latest)) continue;
      for (const kind of KINDS) {
        const probe = probeOf(container, kind);
        if (!probe) continue;
        const key = `${latest.id}/${kind}`;
        wanted.add(key);
        if (!this.#probes.has(key)) this.#begin(key, kind, container, probe, latest);
      }
    }
    for (const [key, probe] of this.#probes) {
      if (wanted.has(key)) continue;
      probe.timer?.cancel();
      this.#probes.delete(key);
    }
  }

  isStarted(container: Container, containerId: string): boolean {
    return this.#holds(container, containerId, "startup");
  }

  isReady(container: Container, containerId: string): boolean {
    return this.isStarted(container, containerId) && this.#holds(container, containerId, "readiness");
  }

  #holds(container: Container, containerId: string, kind: ProbeKind): boolean {
    if (!probeOf(container, kind)) return true;
    return this.#probes.get(`${containerId}/${kind}`)?.verdict ?? this.#readyBefore.has(containerId);
  }

  /** The probe for which the container must be restarted, because it is not alive or did not start. */
  failedProbe(containerId: string): FailedProbe | undefined {
    for (const kind of ["startup", "liveness"] as const) {
      const running = this.#probes.get(`${containerId}/${kind}`);
      if (running?.verdict !== false) continue;
      const graceSeconds = numberAt(running.probe, "terminationGracePeriodSeconds");
      return graceSeconds === undefined ? { kind } : { kind, graceSeconds };
    }
    return undefined;
  }

  /** The pod is being ended: whether a container lives is no question any more, whether it still serves is. */
  onlyReadiness(): void {
    this.#isEnding = true;
    for (const [key, { kind, verdict, timer }] of this.#probes) {
      // A startup probe that has succeeded is what readiness rests on.
      if (kind === "readiness" || (kind === "startup" && verdict === true)) continue;
      timer?.cancel();
      this.#probes.delete(key);
    }
  }

  [Symbol.dispose](): void {
    for (const probe of this.#probes.values()) probe.timer?.cancel();
    this.#probes.clear();
  }

  #begin(key: string, kind: ProbeKind, container: Container, probe: JsonObject, status: RuntimeContainerStatus): void {
    const { clock } = this.#services;
    const ranMs = Math.max(0, clock.now() - status.startedAtMs);
    const delayMs = Math.max(0, probeSettings(probe).initialDelayMs - ranMs);
    const running: RunningProbe = {
      kind,
      probe,
      containerId: status.id,
      timer: undefined,
      beginsAtMs: clock.monotonicMs() + delayMs,
      successes: 0,
      failures: 0,
      verdict: undefined,
    };
    this.#probes.set(key, running);
    this.#schedule(key, running, container, delayMs);
  }

  /** It has just started: nobody waits a whole period to hear whether it serves. */
  #askNow(key: string, container: Container): void {
    const running = this.#probes.get(key);
    if (!running) return;
    this.#schedule(key, running, container, Math.max(0, running.beginsAtMs - this.#services.clock.monotonicMs()));
  }

  #schedule(key: string, running: RunningProbe, container: Container, delayMs: number): void {
    // Whoever asks for it: no probe has two.
    running.timer?.cancel();
    running.timer = this.#services.clock.setTimer(delayMs, () => {
      this.#ask(key, running, container).catch((error: unknown) =>
        this.#services.logger.error("A probe failed unexpectedly", { container: container.name, error: String(error) }),
      );
    });
  }

  async #ask(key: string, running: RunningProbe, container: Container): Promise<void> {
    const { probe } = running;
    const settings = probeSettings(probe);
    // Until it has started, a container is asked only whether it has.
    if (running.kind === "startup" || this.isStarted(container, running.containerId)) {
      const { runtime, network } = this.#services;
      if (this.#isEnding && (await runtime.containerStatus(running.containerId))?.state !== "running") {
        this.#probes.delete(key);
        this.#observer.changed();
        return;
      }
      const result = await runProbe(probe, container, running.containerId, this.#address, runtime, network);
      if (this.#probes.get(key) !== running) return;
      running.successes = result.ok ? running.successes + 1 : 0;
      running.failures = result.ok ? 0 : running.failures + 1;
      if (!result.ok) this.#observer.unhealthy(container, running.kind, result.message);
      const before = running.verdict;
      if (running.successes >= settings.successThreshold) running.verdict = true;
      else if (running.failures >= settings.failureThreshold) running.verdict = false;
      if (running.verdict !== before) this.#observer.changed();
      if (running.kind === "startup" && running.verdict === true) {
        this.#askNow(`${running.containerId}/readiness`, container);
        return;
      }
    }
    this.#schedule(key, running, container, settings.periodMs);
  }
}

function probeOf(container: Container, kind: ProbeKind): JsonObject | undefined {
  return container[`${kind}Probe`];
}
