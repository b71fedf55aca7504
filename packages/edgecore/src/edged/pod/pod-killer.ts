import type { Container, Pod } from "@skerry/api";
import { describeError, sleep } from "@skerry/base";
import { hookText, lifecycleHook, runHook, stopSignal } from "../container/lifecycle-hooks.ts";
import { plainMessage } from "../errors.ts";
import type { RuntimeContainerStatus } from "../ports.ts";
import type { PodServices } from "../services.ts";
import { PodNotices } from "./pod-notices.ts";
import { allContainers, type PodRuntimeState } from "./pod-runtime-state.ts";
import { isSidecar } from "./restart-policy.ts";

/** However long its hook took or others had: so much time a container has to end, as the kubelet gives it. */
const LEAST_GRACE_SECONDS = 2;
/** How often it is looked whether a container has followed its own stop signal. */
const STOP_POLL_MS = 200;

/** How a container is ended. */
export interface KillOptions {
  readonly gracePeriodSeconds: number;
  /** Left out: the pod is no longer known, so nothing of its own is run. */
  readonly pod: Pod | undefined;
  readonly address: string | undefined;
  /** Settles when those have ended that this one outlives; the grace period is not exceeded for it. */
  readonly after?: Promise<unknown> | undefined;
}

/** Ends containers and sandboxes. */
export class PodKiller {
  readonly #services: PodServices;

  constructor(services: PodServices) {
    this.#services = services;
  }

  /**
   * Ends everything of the pod that runs: the containers at the same time, then its sidecars, the last one first, then
   * the sandboxes. All hooks run at once.
   */
  async killPod(
    state: PodRuntimeState,
    gracePeriodSeconds: number,
    pod: Pod | undefined,
    notices: PodNotices | undefined,
  ): Promise<void> {
    const options = { gracePeriodSeconds, pod, address: state.addresses[0] };
    const running = allContainers(state).filter((container) => container.state !== "exited");
    const kill = (container: RuntimeContainerStatus, after?: Promise<unknown>): Promise<void> => {
      notices?.container(container, "Normal", "Killing", `Stopping container ${container.name}`);
      return this.killContainer(container, { ...options, after });
    };
    const sidecars = (pod?.spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name);
    const ends = running.filter(({ name }) => !sidecars.includes(name)).map((container) => kill(container));
    for (const sidecar of sidecars.reverse()) {
      const before = Promise.allSettled(ends);
      ends.push(...running.filter(({ name }) => name === sidecar).map((container) => kill(container, before)));
    }
    await Promise.all(ends);
    for (const sandbox of state.sandboxes)
      if (sandbox.state === "ready") await this.#services.runtime.stopSandbox(sandbox.id);
  }

  /** Ends one container; its preStop hook's time counts towards the grace period. */
  async killContainer(container: RuntimeContainerStatus, options: KillOptions): Promise<void> {
    const { clock } = this.#services;
    const { gracePeriodSeconds, pod, address, after } = options;
    const startedMs = clock.monotonicMs();
    const left = (): number => gracePeriodSeconds - (clock.monotonicMs() - startedMs) / 1000;
    const spec = [...(pod?.spec.containers ?? []), ...(pod?.spec.initContainers ?? [])].find(
      ({ name }) => name === container.name,
    );
    const hurried = gracePeriodSeconds <= 0;
    if (pod && spec && !hurried && container.state === "running")
      await this.#runPreStop(pod, spec, { containerId: container.id, address, seconds: left() });
    if (after !== undefined && !hurried) await this.#settled(after, left());
    const graceSeconds = Math.max(Math.min(LEAST_GRACE_SECONDS, gracePeriodSeconds), left());
    const signal = spec && !hurried ? stopSignal(spec) : undefined;
    if (signal === undefined) await this.#services.runtime.stopContainer(container.id, graceSeconds);
    else await this.#stopBySignal(container, signal, graceSeconds);
  }

  /** Removes all that is left of the pod in the runtime. */
  async removePod(state: PodRuntimeState): Promise<void> {
    const { runtime } = this.#services;
    for (const container of allContainers(state)) await runtime.removeContainer(container.id);
    for (const sandbox of state.sandboxes) {
      await runtime.stopSandbox(sandbox.id);
      await runtime.removeSandbox(sandbox.id);
    }
  }

  /** Waits at most so long. */
  async #settled(others: Promise<unknown>, seconds: number): Promise<void> {
    const waiting = new AbortController();
    const time = sleep(this.#services.clock, Math.max(0, seconds) * 1000, waiting.signal).catch(() => undefined);
    await Promise.race([others, time]);
    waiting.abort();
  }

  /** CRI stops a container by its image's signal only, so the pod's own one is sent past it. */
  async #stopBySignal(container: RuntimeContainerStatus, signal: string, graceSeconds: number): Promise<void> {
    const { runtime, clock, logger } = this.#services;
    const deadlineMs = clock.monotonicMs() + graceSeconds * 1000;
    try {
      await runtime.signalContainer(container.id, signal);
    } catch (error) {
      const { id, name } = container;
      logger.warn("A container's own stop signal cannot be sent; it is stopped by its image's", {
        ...{ id, name, signal, error: describeError(error) },
      });
      await runtime.stopContainer(id, graceSeconds);
      return;
    }
    while (clock.monotonicMs() < deadlineMs) {
      const now = await runtime.containerStatus(container.id);
      if (now?.state !== "running") return;
      await sleep(clock, STOP_POLL_MS);
    }
    await runtime.stopContainer(container.id, 0);
  }

  async #runPreStop(
    pod: Pod,
    spec: Container,
    place: { readonly containerId: string; readonly address: string | undefined; readonly seconds: number },
  ): Promise<void> {
    const handler = lifecycleHook(spec, "preStop");
    if (!handler) return;
    const { containerId, address = "127.0.0.1", seconds } = place;
    const target = { containerId, address, timeoutSeconds: seconds, longestSleepSeconds: seconds };
    try {
      await runHook(handler, spec, target, this.#services);
    } catch (error) {
      const message = `PreStopHook failed: ${hookText(handler)}: ${plainMessage(error)}`;
      new PodNotices(this.#services.recorder, pod).container(spec, "Warning", "FailedPreStopHook", message);
    }
  }
}
