import type { Pod } from "@skerry/api";
import { unlessAborted } from "@skerry/base";
import type { PodProbes } from "../probes/pod-probes.ts";
import type { PodServices } from "../services.ts";
import type { AppliedResources } from "./applied-resources.ts";
import { resizeContainers } from "./container-resizer.ts";
import { FailedStarts } from "./failed-starts.ts";
import { refreshNameFile } from "./name-file.ts";
import { deadlineFailure, untilDeadlineMs } from "./pod-deadline.ts";
import { EVICTED, gracePeriodSecondsOf, type PodEnder } from "./pod-ender.ts";
import type { PodFailure } from "./pod-failure.ts";
import { PodKiller } from "./pod-killer.ts";
import { PodLauncher } from "./pod-launcher.ts";
import { PodNotices } from "./pod-notices.ts";
import type { PodPaths } from "./pod-paths.ts";
import { type PodPlan, planPod } from "./pod-plan.ts";
import { PodPreparation } from "./pod-preparation.ts";
import type { PodReport, PodReportParts } from "./pod-report.ts";
import { PodResizing } from "./pod-resizing.ts";
import { allContainers, type PodRuntimeState } from "./pod-runtime-state.ts";
import type { PodStateReader } from "./pod-state-reader.ts";
import { RestartBackOff } from "./restart-back-off.ts";
import { removeGarbage } from "./runtime-garbage.ts";
import type { PodIdentity } from "./runtime-names.ts";
import type { StatusReporter } from "./status-reporter.ts";
import { waitReasons } from "./wait-reasons.ts";

/** Even when nothing happens a pod is looked at this often: volumes may have changed without anyone telling. */
const RESYNC_MS = 60_000;
/** However soon something falls due: no pod is looked at more often without a cause. */
const LEAST_RESYNC_MS = 100;
/**
 * A new pod without room fails only after so long: those that the cloud knows to be gone may still be going here, since
 * what it says of several pods does not come in one order.
 */
const ROOM_PATIENCE_MS = 5000;
const ROOM_RETRY_MS = 1000;
/** How often a pod asks for the room that its new resources need. */
const RESIZE_RETRY_MS = 5000;

/** What of its worker the runner works with. */
export interface PodRunnerParts extends PodReportParts {
  readonly paths: PodPaths;
  readonly ender: PodEnder;
  readonly report: PodReport;
  /** Ends whatever is being started. */
  readonly signal: () => AbortSignal;
}

/** Takes one pod a step nearer to running as it should, or to the end of its course. */
export class PodRunner {
  readonly #services: PodServices;
  readonly #identity: PodIdentity;
  readonly #paths: PodPaths;
  readonly #reporter: StatusReporter;
  readonly #reader: PodStateReader;
  readonly #launcher: PodLauncher;
  readonly #killer: PodKiller;
  readonly #ender: PodEnder;
  readonly #probes: PodProbes;
  readonly #backOff: RestartBackOff;
  readonly #failedStarts: FailedStarts;
  readonly #preparation: PodPreparation;
  readonly #resources: AppliedResources;
  readonly #resizing: PodResizing;
  readonly #report: PodReport;
  readonly #signal: () => AbortSignal;
  #withoutRoomSinceMs: number | undefined;

  constructor(services: PodServices, identity: PodIdentity, parts: PodRunnerParts) {
    this.#services = services;
    this.#identity = identity;
    this.#paths = parts.paths;
    this.#reporter = parts.reporter;
    this.#reader = parts.reader;
    this.#ender = parts.ender;
    this.#probes = parts.probes;
    this.#resources = parts.resources;
    this.#resizing = new PodResizing(services.admission, identity.uid, parts.resources);
    this.#report = parts.report;
    this.#signal = parts.signal;
    this.#backOff = new RestartBackOff(services.clock);
    this.#failedStarts = new FailedStarts(services.clock);
    this.#preparation = new PodPreparation(services, identity, parts.paths, parts.signal);
    this.#launcher = new PodLauncher(services, parts.paths, this.#backOff, this.#failedStarts);
    this.#killer = new PodKiller(services);
  }

  /** Whatever could not be had may be there now. */
  retryAll(): void {
    this.#failedStarts.retryAll();
    this.#preparation.askAgain();
  }

  /** An object that was missing has arrived or changed. */
  objectChanged(type: string, name: string): void {
    this.#preparation.objectArrived(type, name);
    this.#failedStarts.retryConfigurations();
  }

  /** Containers that could not be configured may be by now. */
  retryConfigurations(): void {
    this.#failedStarts.retryConfigurations();
  }

  /**
   * One step; returns after how many milliseconds the next is due, undefined when the pod is over.
   * @param decided why others have decided that it is over
   */
  async run(wanted: Pod, decided: PodFailure | undefined): Promise<number | undefined> {
    const { clock } = this.#services;
    const notices = new PodNotices(this.#services.recorder, wanted);
    const state = await this.#reader.read();
    const isNew = this.#reporter.last === undefined && state.sandboxes.length === 0;
    const rejection = decided === undefined && isNew ? await this.#rejection(wanted) : undefined;
    if (rejection === "wait") return ROOM_RETRY_MS;
    const pod = await this.#resizing.allocate(wanted, state, notices);
    const failure = decided ?? rejection ?? deadlineFailure(pod, this.#reporter.last, clock.now());
    const plan: PodPlan = failure ? { kind: "finished" } : this.#plan(pod, state);
    const isStarting = plan.kind === "run" && plan.starts.length > 0;
    const refusal = isStarting ? await this.#preparation.refusal(pod, this.#reporter.last) : undefined;
    const obstacles = { failedStarts: this.#failedStarts, refusal };
    this.#report.waitReasons = waitReasons(plan, this.#identity, obstacles, notices);
    this.#report.pendingResize = this.#resizing.pending;
    if (plan.kind === "finished" || plan.resizes.length === 0) this.#report.resizeError = undefined;
    const hostIps = await this.#services.machine.addresses();
    this.#resources.keepOnly(new Set(allContainers(state).map(({ id }) => id)));
    this.#probes.update(pod, state, hostIps[0]);
    // A new pod whose end is not reported yet is still a new one: after a crash it is rejected again.
    if (!rejection) await this.#report.report(pod, state, { ending: plan.kind === "finished" && !failure });

    if (plan.kind === "finished") {
      this.#probes.onlyReadiness();
      await this.#ender.finish(pod, state, failure, (ended) =>
        this.#report.report(pod, ended, { ending: true, failure }),
      );
      return undefined;
    }
    for (const sandbox of plan.staleSandboxes) await this.#services.runtime.stopSandbox(sandbox.id);
    for (const { container, why, graceSeconds: gracePeriodSeconds = gracePeriodSecondsOf(pod) } of plan.kills) {
      notices.container(container, "Normal", "Killing", why);
      const killed = this.#killer.killContainer(container, { gracePeriodSeconds, pod, address: state.addresses[0] });
      // A pod that is deleted meanwhile, or made to fail, has another time to end.
      await unlessAborted(this.#signal(), killed);
    }
    const resized = await resizeContainers(pod, plan.resizes, this.#resources, this.#services, notices);
    // The first error stays while there is any: each attempt may put it in other words, and a report may wake the pod.
    if ((resized.error === undefined) !== (this.#report.resizeError === undefined)) {
      this.#report.resizeError = resized.error;
      await this.#report.report(pod, state, { ending: false });
    }
    const startable = refusal === undefined ? plan.starts : [];
    const due = startable.filter(({ container }) => !this.#failedStarts.mustWait(container.name));
    const context = await this.#preparation.context(pod, state, hostIps, this.#reporter.last);
    const volumes =
      refusal === undefined ? await this.#preparation.volumes(pod, context, due.length > 0, notices) : undefined;
    if (plan.kills.length > 0 || resized.isAnyChanged) return LEAST_RESYNC_MS;
    if (due.length > 0 && volumes) {
      const launch = { pod, state, ...context, volumes, signal: this.#signal() };
      const start = (): Promise<void> => this.#launcher.launch(due, plan.newSandboxAttempt, launch);
      // A pod that has its sandbox already waits for no other.
      if (plan.newSandboxAttempt === undefined) await start();
      else await this.#services.turns.run(start, launch.signal);
      return 0;
    }
    await refreshNameFile(pod, state.addresses, this.#paths, this.#services);
    await removeGarbage(state, this.#paths, this.#services.runtime, this.#services.fileSystem);
    const nowMs = clock.now();
    return Math.max(
      LEAST_RESYNC_MS,
      Math.min(
        RESYNC_MS,
        ...plan.waits.map(({ remainingMs }) => remainingMs),
        this.#failedStarts.untilNextMs,
        this.#resizing.pending ? RESIZE_RETRY_MS : RESYNC_MS,
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
      resourcesOf: (container) => this.#resources.of(container),
      isStarted: (container, id) => this.#probes.isStarted(container, id),
      failedProbe: (id) => this.#probes.failedProbe(id),
    });
  }

  /** A node that is short of something starts nothing new that would make it worse, and none that finds no room. */
  async #rejection(pod: Pod): Promise<PodFailure | "wait" | undefined> {
    const { admission, clock } = this.#services;
    const message = this.#services.refuses(pod);
    if (message !== undefined) return { reason: EVICTED, message, isDisruption: true };
    const failure = await admission.admit(pod, this.#identity.uid);
    if (!failure) return undefined;
    this.#withoutRoomSinceMs ??= clock.monotonicMs();
    return clock.monotonicMs() - this.#withoutRoomSinceMs < ROOM_PATIENCE_MS ? "wait" : failure;
  }
}
