import type { Pod, PodStatus } from "@skerry/api";
import { describeError } from "@skerry/base";
import type { ObjectLookup } from "../container/environment.ts";
import type { PodFacts } from "../container/field-references.ts";
import { plainMessage } from "../errors.ts";
import type { PodServices } from "../services.ts";
import type { PreparedVolumes } from "../volumes/pod-volumes.ts";
import { objectLookup } from "./object-lookup.ts";
import type { PodNotices } from "./pod-notices.ts";
import type { PodPaths } from "./pod-paths.ts";
import type { PodRuntimeState } from "./pod-runtime-state.ts";
import { limitsOfGroups } from "./provide-pod-group.ts";
import { refusedFields } from "./refused-fields.ts";
import type { PodIdentity } from "./runtime-names.ts";

/** What containers of a pod are given. */
export interface PodContext {
  readonly facts: PodFacts;
  readonly lookup: ObjectLookup;
}

/** Why none of the pod's containers may start. */
export interface Refusal {
  readonly kind: "unsupported" | "held";
  readonly message: string;
}

/** Gathers and makes ready what the containers of one pod need. */
export class PodPreparation {
  readonly #services: PodServices;
  readonly #identity: PodIdentity;
  readonly #paths: PodPaths;
  readonly #signal: () => AbortSignal;
  readonly #absentObjects = new Map<string, number>();

  /** @param signal ends whatever is being waited for */
  constructor(services: PodServices, identity: PodIdentity, paths: PodPaths, signal: () => AbortSignal) {
    this.#services = services;
    this.#identity = identity;
    this.#paths = paths;
    this.#signal = signal;
  }

  /** Objects that were not there may be there by now. */
  askAgain(): void {
    this.#absentObjects.clear();
  }

  objectArrived(type: string, name: string): void {
    this.#absentObjects.delete(`${type}/${name}`);
  }

  /** Why the pod cannot be run here, or not yet; undefined when it can. */
  async refusal(pod: Pod, last: PodStatus | undefined): Promise<Refusal | undefined> {
    const runtime = await this.#services.machine.runtimeFeatures();
    const fields = refusedFields(pod, { ...runtime, groupLimits: await limitsOfGroups(this.#services) });
    if (fields.length > 0) return { kind: "unsupported", message: `This node cannot carry out ${fields.join("; ")}` };
    if (!this.#services.held.isHeld(pod, last)) return undefined;
    return { kind: "held", message: "The pod is held until it is released on the node" };
  }

  async context(
    pod: Pod,
    state: PodRuntimeState,
    hostIps: readonly string[],
    last: PodStatus | undefined,
  ): Promise<PodContext> {
    const { machine, config, meta, clock } = this.#services;
    const podIps = pod.spec.hostNetwork === true && hostIps.length > 0 ? hostIps : state.addresses;
    const facts: PodFacts = {
      pod,
      nodeName: config.nodeName,
      hostIps,
      podIps: podIps.length > 0 ? podIps : (last?.podIPs ?? []).map(({ ip }) => ip),
      allocatable: await machine.allocatable(),
    };
    return { facts, lookup: objectLookup(meta, clock, this.#identity.namespace, this.#absentObjects, this.#signal) };
  }

  /**
   * Undefined when they cannot be made ready; then nothing new is started, what runs goes on.
   * @param needed containers wait for them, so that a failure is the pod's
   */
  async volumes(
    pod: Pod,
    { facts, lookup }: PodContext,
    needed: boolean,
    notices: PodNotices,
  ): Promise<PreparedVolumes | undefined> {
    const signal = this.#signal();
    try {
      return await this.#services.volumes.prepare(pod, this.#paths, facts, lookup, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      notices.pod("Warning", "FailedMount", `MountVolume.SetUp failed: ${plainMessage(error)}`);
      if (needed) throw error;
      this.#services.logger.warn("A running pod's volumes could not be updated; it is tried again", {
        pod: `${this.#identity.namespace}/${this.#identity.name}`,
        error: describeError(error),
      });
      return undefined;
    }
  }
}
