import type { Pod } from "@skerry/api";
import type { ObjectLookup } from "../container/environment.ts";
import type { PodFacts } from "../container/field-references.ts";
import { plainMessage } from "../errors.ts";
import type { SandboxConfig } from "../ports.ts";
import type { PodServices } from "../services.ts";
import type { PreparedVolumes } from "../volumes/pod-volumes.ts";
import { ContainerStarter } from "./container-starter.ts";
import type { FailedStarts } from "./failed-starts.ts";
import { fittingResolution, lacksClusterDns, type NameResolution, nameResolution } from "./name-resolution.ts";
import { PodNotices } from "./pod-notices.ts";
import type { PodPaths } from "./pod-paths.ts";
import type { PlannedStart } from "./pod-plan.ts";
import type { PodRuntimeState } from "./pod-runtime-state.ts";
import { limitPodGroup } from "./provide-pod-group.ts";
import type { RestartBackOff } from "./restart-back-off.ts";
import { sandboxConfig } from "./sandbox-config.ts";

/** What a start needs of the pod's present state. */
export interface LaunchContext {
  readonly pod: Pod;
  readonly state: PodRuntimeState;
  readonly facts: PodFacts;
  readonly lookup: ObjectLookup;
  readonly volumes: PreparedVolumes;
  readonly signal: AbortSignal;
}

/** Starts containers of one pod, first its sandbox where there is none. */
export class PodLauncher {
  readonly #services: PodServices;
  readonly #paths: PodPaths;
  readonly #starter: ContainerStarter;
  readonly #backOff: RestartBackOff;
  readonly #failedStarts: FailedStarts;

  constructor(services: PodServices, paths: PodPaths, backOff: RestartBackOff, failedStarts: FailedStarts) {
    this.#services = services;
    this.#paths = paths;
    this.#starter = new ContainerStarter(services);
    this.#backOff = backOff;
    this.#failedStarts = failedStarts;
  }

  /** @throws when the sandbox cannot be made or the start was given up; a container's own failure is noted instead */
  async launch(
    starts: readonly PlannedStart[],
    newSandboxAttempt: number | undefined,
    context: LaunchContext,
  ): Promise<void> {
    const { clock, recorder } = this.#services;
    const { pod, state, volumes, lookup, signal } = context;
    const notices = new PodNotices(recorder, pod);
    const attempt = newSandboxAttempt ?? state.sandbox?.attempt ?? 0;
    const sandbox = await this.#sandboxConfig(pod, attempt, notices);
    let sandboxId = state.sandbox?.id;
    let { addresses } = state;
    let { facts } = context;
    if (newSandboxAttempt !== undefined || sandboxId === undefined) {
      [sandboxId, addresses] = await this.#runSandbox(sandbox, notices);
      if (addresses.length > 0) facts = { ...facts, podIps: addresses };
      await this.#noteWayOut(sandbox, notices);
    }
    const place = {
      pod,
      state,
      paths: this.#paths,
      notices,
      sandboxId,
      sandbox,
      addresses,
      volumes,
      facts,
      lookup,
      signal,
    };
    for (const start of starts) {
      signal.throwIfAborted();
      const { container, previous } = start;
      const result = await this.#starter.start(start, place);
      // What could not even be made was not started again; it has delays of its own.
      const wasTried = result.kind === "started" || result.wait.reason === "RunContainerError";
      if (previous?.state === "exited" && wasTried)
        this.#backOff.restarted(container.name, previous.finishedAtMs, clock.now());
      if (result.kind === "started") {
        this.#failedStarts.started(container.name);
        continue;
      }
      const tries = this.#failedStarts.add(container, result.wait, result.pull);
      if (result.pull && tries > 1)
        notices.container(container, "Normal", "BackOff", `Back-off pulling image "${container.image ?? ""}"`);
    }
  }

  #sandboxConfig(pod: Pod, attempt: number, notices: PodNotices): Promise<SandboxConfig> {
    const { config, fileSystem, userRanges } = this.#services;
    return this.#noticingFailure(notices, async () => {
      const dns = this.#noticeNames(pod, await nameResolution(pod, config, fileSystem), notices);
      const controlGroup = await limitPodGroup(pod, this.#services, notices);
      const userRange = pod.spec.hostUsers === false ? await userRanges.provide(this.#paths) : undefined;
      return sandboxConfig(pod, config, attempt, this.#paths.logs, dns, { controlGroup, userRange });
    });
  }

  /** The resolution as far as programs can use it; what the pod does not get of it is told. */
  #noticeNames(pod: Pod, wanted: NameResolution, notices: PodNotices): NameResolution {
    const { resolution, cut } = fittingResolution(wanted);
    for (const message of cut) notices.pod("Warning", "DNSConfigForming", message);
    if (lacksClusterDns(pod, this.#services.config))
      notices.pod(
        "Warning",
        "MissingClusterDNS",
        'kubelet does not have ClusterDNS IP configured and cannot create Pod using "ClusterFirstWithHostNet" policy. Falling back to "Default" policy.',
      );
    return resolution;
  }

  #runSandbox(sandbox: SandboxConfig, notices: PodNotices): Promise<[id: string, addresses: readonly string[]]> {
    const { runtime, fileSystem } = this.#services;
    return this.#noticingFailure(notices, async () => {
      await fileSystem.makeDirectory(this.#paths.logs, 0o755);
      const id = await runtime.runSandbox(sandbox);
      return [id, await runtime.sandboxAddresses(id)];
    });
  }

  async #noteWayOut({ hostNamespaces }: SandboxConfig, notices: PodNotices): Promise<void> {
    const { noWayOut } = await this.#services.machine.runtimeFeatures();
    if (noWayOut === undefined || hostNamespaces.network) return;
    notices.pod(
      "Warning",
      "NoOutboundNetwork",
      `The pod reaches nothing outside of its own network: ${noWayOut}; hostNetwork: true lets it`,
    );
  }

  async #noticingFailure<T>(notices: PodNotices, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      notices.pod("Warning", "FailedCreatePodSandBox", `Failed to create pod sandbox: ${plainMessage(error)}`);
      throw error;
    }
  }
}
