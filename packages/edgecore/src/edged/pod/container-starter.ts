import { dirname, join } from "node:path";
import type { Container, EphemeralContainer, Pod, Service } from "@skerry/api";
import { isSkerryError, unlessAborted } from "@skerry/base";
import { containerConfig } from "../container/container-config.ts";
import { containerMounts } from "../container/container-mounts.ts";
import { environmentOf, type ObjectLookup } from "../container/environment.ts";
import type { PodFacts } from "../container/field-references.ts";
import { hookText, lifecycleHook, runHook } from "../container/lifecycle-hooks.ts";
import { pullCredentials } from "../container/pull-credentials.ts";
import { unenforcedLimits } from "../container/resources.ts";
import { serviceVariables } from "../container/service-variables.ts";
import { plainMessage, targetNotRunning } from "../errors.ts";
import type { RuntimeImage, SandboxConfig } from "../ports.ts";
import type { PodServices } from "../services.ts";
import type { PreparedVolumes } from "../volumes/pod-volumes.ts";
import type { WaitReason } from "./container-status.ts";
import { hostsFile } from "./hosts-file.ts";
import { writeNameFile } from "./name-file.ts";
import { gracePeriodSecondsOf } from "./pod-ender.ts";
import { PodKiller } from "./pod-killer.ts";
import type { PodNotices } from "./pod-notices.ts";
import type { PodPaths } from "./pod-paths.ts";
import type { PlannedStart } from "./pod-plan.ts";
import { isLive, type PodRuntimeState } from "./pod-runtime-state.ts";
import { handlerOf } from "./runtime-handler.ts";

/** The kubelet waits for as long as a hook takes. */
const HOOK_TIMEOUT_SECONDS = 600;
const WRITABLE_BY_ALL = 0o666;

/** Where a container is started. */
export interface StartPlace {
  readonly pod: Pod;
  /** What the runtime had of the pod before the start. */
  readonly state: PodRuntimeState;
  readonly paths: PodPaths;
  readonly notices: PodNotices;
  readonly sandboxId: string;
  readonly sandbox: SandboxConfig;
  readonly addresses: readonly string[];
  readonly volumes: PreparedVolumes;
  readonly facts: PodFacts;
  readonly lookup: ObjectLookup;
  readonly signal: AbortSignal;
}

/** How a start ended. */
export type StartResult =
  | { readonly kind: "started" }
  /** Nothing runs; try again later. `pull` tells the longer delays of images from the others. */
  | { readonly kind: "failed"; readonly wait: WaitReason; readonly pull: boolean };

/** Pulls, creates and starts one container. Failures of the user's making become a waiting reason, as the kubelet's. */
export class ContainerStarter {
  readonly #services: PodServices;
  readonly #killer: PodKiller;

  constructor(services: PodServices) {
    this.#services = services;
    this.#killer = new PodKiller(services);
  }

  async start(start: PlannedStart, place: StartPlace): Promise<StartResult> {
    const { container } = start;
    const { runtime, images } = this.#services;
    let image: RuntimeImage;
    try {
      image = await images.provide(
        container,
        () => pullCredentials(place.pod, container.image ?? "", place.lookup),
        {
          tell: (type, reason, message) => place.notices.container(container, type, reason, message),
          progress: place.notices.ongoing(container, "Normal", "Pulling"),
        },
        place.signal,
      );
    } catch (error) {
      if (!isSkerryError(error, "EDGED_IMAGE_UNAVAILABLE")) throw error;
      return this.#imageFailed(container, place, String(error.details["reason"]), error.message);
    }

    let containerId: string;
    try {
      // Left over from a crash between creating and starting, or in a state nobody knows.
      if (start.previous && start.previous.state !== "exited" && start.previous.sandboxId === place.sandboxId) {
        await runtime.stopContainer(start.previous.id, 0);
        await runtime.removeContainer(start.previous.id);
      }
      const config = await this.#configure(start, image, place);
      containerId = await runtime.createContainer(place.sandboxId, config, place.sandbox);
    } catch (error) {
      place.signal.throwIfAborted();
      const configuration = isSkerryError(error) && error.code.startsWith("EDGED_");
      const message = plainMessage(error);
      place.notices.container(container, "Warning", "Failed", `Error: ${message}`);
      return failed(configuration ? "CreateContainerConfigError" : "CreateContainerError", message);
    }
    place.notices.container(container, "Normal", "Created", `Created container: ${container.name}`);

    // Deleted while it was made: what is left of it is removed with the pod.
    place.signal.throwIfAborted();
    try {
      await runtime.startContainer(containerId);
    } catch (error) {
      place.notices.container(container, "Warning", "Failed", `Error: ${plainMessage(error)}`);
      return failed("RunContainerError", plainMessage(error));
    }
    place.notices.container(container, "Normal", "Started", `Started container ${container.name}`);
    await this.#runPostStart(container, containerId, place);
    return { kind: "started" };
  }

  #imageFailed(container: Container, place: StartPlace, reason: string, message: string): StartResult {
    const text = reason === "ErrImagePull" ? `Failed to pull image "${container.image ?? ""}": ${message}` : message;
    place.notices.container(container, "Warning", "Failed", text);
    if (reason === "ErrImagePull") place.notices.container(container, "Warning", "Failed", `Error: ${reason}`);
    return { kind: "failed", wait: { reason, message }, pull: true };
  }

  async #configure(
    start: PlannedStart,
    image: RuntimeImage,
    place: StartPlace,
  ): Promise<ReturnType<typeof containerConfig>> {
    const { container, restartCount } = start;
    const { fileSystem, machine, config } = this.#services;
    const host = await machine.hostFacts();
    const variables = await environmentOf(container, place.facts, place.lookup, this.#ofServices(place.pod));
    const terminationLog = place.paths.terminationLog(container.name, restartCount);
    await fileSystem.makeDirectory(dirname(terminationLog), 0o755);
    await fileSystem.writeFile(terminationLog, new Uint8Array(), WRITABLE_BY_ALL);
    await fileSystem.writeFile(
      place.paths.hostsFile,
      await hostsFile(place.pod, config.clusterDomain, place.addresses, fileSystem),
      0o644,
    );
    const features = await machine.runtimeFeatures();
    const recursiveReadOnlyMounts = handlerOf(place.pod, features)?.recursiveReadOnlyMounts ?? false;
    const nameFile = await writeNameFile(place.pod, place.addresses, place.paths, this.#services);
    const settings = { hostsFile: place.paths.hostsFile, nameFile, terminationLog, recursiveReadOnlyMounts };
    const mounts = await containerMounts(place.pod, container, place.volumes.paths, variables, settings, fileSystem);
    const unenforced = unenforcedLimits(place.pod, container, host);
    if (unenforced.length > 0)
      place.notices.container(
        container,
        "Warning",
        "LimitsNotEnforced",
        `This machine has no control groups for ${unenforced.join(" and ")}; the container runs without that limit`,
      );
    const { pod } = place;
    const devices = await this.#services.devices.provide(pod, container, place.signal);
    const made = containerConfig({
      pod,
      container,
      image,
      restartCount,
      nodeName: config.nodeName,
      variables,
      mounts,
      devices,
      userRange: place.sandbox.userRange,
      host,
      seccompDefault: config.seccompDefault,
      profileFolder: join(config.rootDirectory, "seccomp"),
      ...targetOf(start, place.state),
    });
    if (features.noSeccomp === true && made.seccomp.kind === "runtime-default")
      place.notices.container(
        container,
        "Warning",
        "SeccompNotEnforced",
        "This runtime filters no system calls; the container runs without its profile RuntimeDefault",
      );
    return made;
  }

  #ofServices({ metadata, spec }: Pod): ReadonlyMap<string, string> {
    const services = this.#services.meta.list<Service>("service");
    return serviceVariables(services, metadata.namespace ?? "default", spec.enableServiceLinks ?? true);
  }

  async #runPostStart(container: Container, containerId: string, place: StartPlace): Promise<void> {
    const handler = lifecycleHook(container, "postStart");
    if (!handler) return;
    const { runtime } = this.#services;
    const target = {
      containerId,
      address: place.addresses[0] ?? "127.0.0.1",
      timeoutSeconds: HOOK_TIMEOUT_SECONDS,
      signal: place.signal,
    };
    try {
      await unlessAborted(place.signal, runHook(handler, container, target, this.#services));
    } catch (error) {
      place.signal.throwIfAborted();
      const message = `PostStartHook failed: ${hookText(handler)}: ${plainMessage(error)}`;
      place.notices.container(container, "Warning", "FailedPostStartHook", message);
      const { pod, addresses } = place;
      const started = await runtime.containerStatus(containerId);
      const end = { gracePeriodSeconds: gracePeriodSecondsOf(pod), pod, address: addresses[0] };
      if (started?.state === "running") await unlessAborted(place.signal, this.#killer.killContainer(started, end));
    }
  }
}

/** Which container's processes an ephemeral container sees. @throws `EDGED_TARGET_NOT_RUNNING` */
function targetOf({ container }: PlannedStart, state: PodRuntimeState): { readonly processNamespaceOf?: string } {
  const { targetContainerName = "" }: EphemeralContainer = container;
  if (targetContainerName === "") return {};
  const target = state.containers.get(targetContainerName)?.[0];
  if (!isLive(state, target) || !target) throw targetNotRunning(container.name, targetContainerName);
  return { processNamespaceOf: target.id };
}

function failed(reason: string, message: string): StartResult {
  return { kind: "failed", wait: { reason, message }, pull: false };
}
