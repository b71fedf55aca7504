import type { Container, Pod } from "@skerry/api";
import { describeError } from "@skerry/base";
import { lifecycleHook, runHook } from "../container/lifecycle-hooks.ts";
import type { RuntimeContainerStatus } from "../ports.ts";
import type { PodServices } from "../services.ts";
import type { PodNotices } from "./pod-notices.ts";
import { allContainers, type PodRuntimeState } from "./pod-runtime-state.ts";

/** Ends containers and sandboxes. */
export class PodKiller {
  readonly #services: PodServices;

  constructor(services: PodServices) {
    this.#services = services;
  }

  /** Ends everything of the pod that runs: all containers at the same time, then the sandboxes. */
  async killPod(
    state: PodRuntimeState,
    gracePeriodSeconds: number,
    pod: Pod | undefined,
    notices: PodNotices | undefined,
  ): Promise<void> {
    const running = allContainers(state).filter((container) => container.state !== "exited");
    await Promise.all(
      running.map(async (container) => {
        notices?.container(container, "Normal", "Killing", `Stopping container ${container.name}`);
        await this.killContainer(container, gracePeriodSeconds, pod, state.addresses[0]);
      }),
    );
    for (const sandbox of state.sandboxes)
      if (sandbox.state === "ready") await this.#services.runtime.stopSandbox(sandbox.id);
  }

  /** Ends one container; its preStop hook's time counts towards the grace period. */
  async killContainer(
    container: RuntimeContainerStatus,
    gracePeriodSeconds: number,
    pod: Pod | undefined,
    address: string | undefined,
  ): Promise<void> {
    const { runtime, clock } = this.#services;
    const startedMs = clock.monotonicMs();
    const spec = pod?.spec.containers.find(({ name }) => name === container.name);
    if (spec && gracePeriodSeconds > 0 && container.state === "running")
      await this.#runPreStop(spec, container, gracePeriodSeconds, address);
    const usedSeconds = (clock.monotonicMs() - startedMs) / 1000;
    await runtime.stopContainer(container.id, Math.max(0, gracePeriodSeconds - usedSeconds));
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

  async #runPreStop(
    spec: Container,
    container: RuntimeContainerStatus,
    timeoutSeconds: number,
    address: string | undefined,
  ): Promise<void> {
    const handler = lifecycleHook(spec, "preStop");
    if (!handler) return;
    const { runtime, network, logger } = this.#services;
    const target = { containerId: container.id, address: address ?? "127.0.0.1", timeoutSeconds };
    try {
      await runHook(handler, spec, target, runtime, network);
    } catch (error) {
      logger.warn("A preStop hook failed; the container is stopped all the same", {
        container: container.name,
        error: describeError(error),
      });
    }
  }
}
