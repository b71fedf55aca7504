import type { Pod } from "@skerry/api";
import type { PodProbes } from "../probes/pod-probes.ts";
import type { PodServices } from "../services.ts";
import type { AppliedResources } from "./applied-resources.ts";
import type { WaitReason } from "./container-status.ts";
import type { Interruption } from "./interruption.ts";
import type { ResizeObstacle } from "./pod-admission.ts";
import type { PodFailure } from "./pod-failure.ts";
import type { PodRuntimeState } from "./pod-runtime-state.ts";
import type { PodStateReader } from "./pod-state-reader.ts";
import { podStatus } from "./pod-status.ts";
import { handlerOf } from "./runtime-handler.ts";
import type { PodIdentity } from "./runtime-names.ts";
import type { StatusReporter } from "./status-reporter.ts";

/** What of its worker a pod's status is made from. */
export interface PodReportParts {
  readonly reporter: StatusReporter;
  readonly reader: PodStateReader;
  readonly probes: PodProbes;
  readonly resources: AppliedResources;
}

/** What a report says beside what the runtime has. */
export interface ReportedEnd {
  /** The pod is over or being deleted: what does not run will not run again. */
  readonly ending: boolean;
  readonly failure?: PodFailure | undefined;
  readonly interruption?: Interruption;
}

/** Makes the status of one pod and reports it. */
export class PodReport {
  readonly #services: PodServices;
  readonly #identity: PodIdentity;
  readonly #parts: PodReportParts;
  /** Why containers wait, by name. */
  waitReasons: ReadonlyMap<string, WaitReason> = new Map();
  /** Why the pod keeps the resources it has. */
  pendingResize: ResizeObstacle | undefined;
  /** Why the runtime does not give it those that it has a place for. */
  resizeError: string | undefined;

  constructor(services: PodServices, identity: PodIdentity, parts: PodReportParts) {
    this.#services = services;
    this.#identity = identity;
    this.#parts = parts;
  }

  async report(pod: Pod, state: PodRuntimeState, end: ReportedEnd): Promise<void> {
    const { machine, clock, held, pods } = this.#services;
    const { reporter, reader, probes, resources } = this.#parts;
    const status = podStatus({
      ...{ pod, state, failure: undefined, ...end },
      waitReasons: this.waitReasons,
      pendingResize: this.pendingResize,
      resizeError: this.resizeError,
      terminationMessages: reader.terminationMessages,
      isReady: (container, id) => probes.isReady(container, id),
      isStarted: (container, id) => probes.isStarted(container, id),
      resourcesOf: (container) => resources.of(container),
      runtimeName: (await machine.runtimeVersion()).name,
      recursiveReadOnlyMounts: handlerOf(pod, await machine.runtimeFeatures())?.recursiveReadOnlyMounts ?? false,
      nowMs: clock.now(),
      last: reporter.last,
      hostIps: await machine.addresses(),
      isHeld: held.isHeld(pod, reporter.last),
    });
    const before = reporter.last;
    await reporter.report(pods.inCloud(this.#identity), status, clock.monotonicMs());
    if (reporter.last !== before) this.#services.statusChanged();
  }
}
