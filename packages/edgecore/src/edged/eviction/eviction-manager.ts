import type { ObjectReference, Pod } from "@skerry/api";
import { describeError } from "@skerry/base";
import { qualityOfService } from "../container/resources.ts";
import type { PodFailure } from "../pod/pod-failure.ts";
import type { HostPressure } from "../ports.ts";
import type { EdgedPorts, PodServices } from "../services.ts";
import { SyncLoop } from "../sync-loop.ts";
import { evictionMessage, refusalMessage } from "./eviction-message.ts";
import { exceededStorageLimit, hasStorageLimits } from "./local-storage-limits.ts";
import { couldHelp, isCritical, rankPods } from "./pod-ranking.ts";
import { type MeasuredDisk, type PodOnNode, PodUsageReader } from "./pod-usage-reader.ts";
import {
  isNearlyShort,
  isShort,
  type Observation,
  type PressureCondition,
  PressureWatch,
  resourceOf,
  type ShortResource,
  type WatchedSignal,
  type WatchedThreshold,
} from "./pressure.ts";

/** The kubelet's own period … */
const PERIOD_MS = 10_000;
/** … and a shorter one when little is left: edge machines are small. */
const ALERT_PERIOD_MS = 1000;
/** How long one evicted pod is waited for before the next goes. */
const LEAVING_LIMIT_MS = 30_000;
/** What a pod has when it must go at once, as with the kubelet. */
const IMMEDIATE_GRACE_SECONDS = 1;
const CONDITIONS: readonly PressureCondition[] = ["MemoryPressure", "DiskPressure", "PIDPressure"];
const MEMORY_TAINT = "node.kubernetes.io/memory-pressure";
const RETRY = { initialMs: ALERT_PERIOD_MS, maximumMs: PERIOD_MS };

/** A pod that may be evicted. */
export interface EvictablePod extends PodOnNode {
  /** Ends it, for good. */
  fail(failure: PodFailure): void;
  /** Whether it was ended and is not yet gone from the machine. */
  readonly isLeaving: boolean;
}

/** What the manager acts on. */
export interface EvictionOptions {
  /** Pods that are not over. */
  readonly pods: () => readonly EvictablePod[];
  /** Frees the disk of what nothing needs, before a pod has to go. */
  readonly reclaimDisk: () => Promise<void>;
  readonly conditionsChanged: () => void;
}

type EvictionPorts = Pick<
  PodServices,
  "host" | "runtime" | "fileSystem" | "usage" | "clock" | "random" | "logger" | "config" | "recorder" | "machine"
>;

/**
 * Keeps the machine alive when memory, disk, inodes or process ids run short: first what nothing needs goes, then the pod
 * that uses most beyond what it asked for, one at a time; and a pod that exceeds its own limits on the node's disk.
 */
export class EvictionManager implements AsyncDisposable {
  readonly #ports: EvictionPorts;
  readonly #options: EvictionOptions;
  readonly #usage: PodUsageReader;
  readonly #thresholds: readonly WatchedThreshold[];
  readonly #watch: PressureWatch;
  readonly #loop: SyncLoop;
  readonly #node: ObjectReference;
  #conditions: ReadonlySet<PressureCondition> = new Set();
  #leaving: { readonly pod: EvictablePod; readonly untilMs: number } | undefined;
  /** When it is to be looked again whether pods keep to their own limits; on the monotonic clock. */
  #limitsDueMs = 0;
  /** When something is to be done for the disk again, as nothing helped; on the monotonic clock. */
  #diskDueMs = 0;
  /** Told once, until something changes. */
  #toldNobodyFor: ShortResource | undefined;
  #imagePath: string | undefined;
  #hasOwnImageDisk = false;

  constructor(ports: EvictionPorts, options: EvictionOptions) {
    this.#ports = ports;
    this.#options = options;
    const { nodeName, eviction, reserved } = ports.config;
    this.#usage = new PodUsageReader(ports);
    this.#thresholds = [...eviction.thresholds, ...allocatableThresholds(eviction.thresholds, reserved.memoryBytes)];
    this.#watch = new PressureWatch(this.#thresholds, eviction.pressureTransitionMs);
    this.#node = { apiVersion: "v1", kind: "Node", name: nodeName, uid: nodeName };
    this.#loop = new SyncLoop(ports, "Looking for what runs short", RETRY, () => this.#synchronize());
  }

  /** What the node is short of. */
  get conditions(): ReadonlySet<PressureCondition> {
    return this.#conditions;
  }

  /** As the kubelet admits: under pressure only what is critical, or asked for memory where only memory is short. */
  refuses(pod: Pod): string | undefined {
    const conditions = [...this.#conditions];
    if (conditions.length === 0 || isCritical(pod)) return undefined;
    const onlyMemory = conditions.every((condition) => condition === "MemoryPressure");
    if (onlyMemory && (qualityOfService(pod) !== "BestEffort" || toleratesMemoryPressure(pod))) return undefined;
    return refusalMessage(conditions);
  }

  start(): void {
    this.#loop.wake();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#loop[Symbol.asyncDispose]();
  }

  async #synchronize(): Promise<number> {
    const { clock } = this.#ports;
    let observations = await this.#observe();
    const { due, conditions } = this.#watch.update(observations, clock.monotonicMs());
    const isChanged = CONDITIONS.some((each) => conditions.has(each) !== this.#conditions.has(each));
    if (isChanged) {
      this.#conditions = conditions;
      this.#options.conditionsChanged();
    }
    if (clock.monotonicMs() >= this.#limitsDueMs) {
      this.#limitsDueMs = clock.monotonicMs() + PERIOD_MS;
      await this.#enforceLimits();
    }
    if (due.length === 0) this.#toldNobodyFor = undefined;
    const threshold = due.find((each) => !isOfDisk(each) || clock.monotonicMs() >= this.#diskDueMs);
    const isAlert = this.#thresholds.some((each) => isNearlyShort(each, observations));
    if (threshold === undefined) return isAlert ? ALERT_PERIOD_MS : PERIOD_MS;
    if (this.#isSomeoneLeaving()) return ALERT_PERIOD_MS;
    const resource = resourceOf(threshold);
    this.#ports.recorder.record(this.#node, "Warning", "EvictionThresholdMet", `Attempting to reclaim ${resource}`);
    if (isOfDisk(threshold)) {
      await this.#options.reclaimDisk();
      observations = await this.#observe();
      if (!isShort(threshold, observations, true)) return ALERT_PERIOD_MS;
    }
    const isEvicted = await this.#evictOne(threshold, observations);
    // All files were looked through in vain: a disk's next turn is later, that of memory and processes is not.
    if (isOfDisk(threshold) && !isEvicted) this.#diskDueMs = clock.monotonicMs() + PERIOD_MS;
    return ALERT_PERIOD_MS;
  }

  #isSomeoneLeaving(): boolean {
    if (this.#leaving?.pod.isLeaving && this.#ports.clock.monotonicMs() < this.#leaving.untilMs) return true;
    this.#leaving = undefined;
    return false;
  }

  /** Returns whether there was one. */
  async #evictOne(
    threshold: WatchedThreshold,
    observations: ReadonlyMap<WatchedSignal, Observation>,
  ): Promise<boolean> {
    const { logger, config } = this.#ports;
    const resource = resourceOf(threshold);
    const pods = this.#options.pods().filter(({ pod }) => !isCritical(pod));
    const usages = await this.#usage.measure(pods, resource, this.#measuredDisk(threshold));
    const [first] = rankPods(
      pods.flatMap((each, index) => {
        const usage = usages[index];
        return usage && couldHelp(usage, resource) ? [{ evictable: each, pod: each.pod, usage }] : [];
      }),
      resource,
    );
    if (!first) {
      if (this.#toldNobodyFor !== resource)
        logger.warn("The node runs short, and there is no pod that could be evicted", { resource });
      this.#toldNobodyFor = resource;
      return false;
    }
    this.#toldNobodyFor = undefined;
    const message = evictionMessage(first, threshold, observations);
    const ownGraceSeconds = first.pod.spec.terminationGracePeriodSeconds ?? Number.POSITIVE_INFINITY;
    const graceSeconds =
      threshold.graceMs === undefined
        ? IMMEDIATE_GRACE_SECONDS
        : Math.min(config.eviction.maxPodGraceSeconds, ownGraceSeconds);
    this.#evict(first.evictable, message, graceSeconds);
    return true;
  }

  async #enforceLimits(): Promise<void> {
    const pods = this.#options.pods().filter(({ pod }) => hasStorageLimits(pod) && !isCritical(pod));
    if (pods.length === 0) return;
    const uses = await this.#usage.localStorage(pods);
    for (const [index, each] of pods.entries()) {
      const use = uses[index];
      const message = use && exceededStorageLimit(each.pod, use);
      if (message !== undefined) this.#evict(each, message, IMMEDIATE_GRACE_SECONDS);
    }
  }

  #evict(evictable: EvictablePod, message: string, graceSeconds: number): void {
    const { clock, logger } = this.#ports;
    const { namespace = "default", name } = evictable.pod.metadata;
    logger.warn("A pod is evicted", { pod: `${namespace}/${name}`, why: message.trim() });
    evictable.fail({ reason: "Evicted", message, graceSeconds, isDisruption: true });
    const untilMs = clock.monotonicMs() + graceSeconds * 1000 + LEAVING_LIMIT_MS;
    this.#leaving = { pod: evictable, untilMs };
  }

  #measuredDisk({ signal }: WatchedThreshold): MeasuredDisk {
    if (!this.#hasOwnImageDisk) return "all";
    return signal.startsWith("imagefs") ? "images" : "node";
  }

  async #observe(): Promise<ReadonlyMap<WatchedSignal, Observation>> {
    const { host, machine, config } = this.#ports;
    const { memoryBytes } = await machine.hostFacts();
    const node = await host.pressure(config.rootDirectory);
    const images = await this.#imageDisk();
    this.#hasOwnImageDisk = images !== undefined && images.diskDevice !== node.diskDevice;
    const observations = new Map<WatchedSignal, Observation>([
      ["memory.available", { available: node.memoryAvailableBytes, capacity: memoryBytes }],
      ["pid.available", { available: node.processIdsFree, capacity: node.processIds }],
      ...diskObservations("nodefs", node),
      ...(images ? diskObservations("imagefs", images) : []),
    ]);
    // Measured only where it can differ from the machine's own memory: it asks the runtime for all containers.
    if (config.reserved.memoryBytes > 0) {
      const capacity = Math.max(0, memoryBytes - config.reserved.memoryBytes);
      const used = await this.#usage.totalMemoryBytes();
      observations.set("allocatableMemory.available", { available: capacity - used, capacity });
    }
    return observations;
  }

  /** Undefined while the runtime does not say where images are. */
  async #imageDisk(): Promise<HostPressure | undefined> {
    const { host, runtime, logger } = this.#ports;
    try {
      this.#imagePath ??= await runtime.imageFileSystemPath();
    } catch (error) {
      logger.debug("Where the runtime keeps images is not known yet", { error: describeError(error) });
    }
    return this.#imagePath === undefined ? undefined : host.pressure(this.#imagePath);
  }
}

function isOfDisk(threshold: WatchedThreshold): boolean {
  const resource = resourceOf(threshold);
  return resource === "ephemeral-storage" || resource === "inodes";
}

/** Some file systems make inodes as they need them and count none. */
function diskObservations(
  name: "nodefs" | "imagefs",
  { diskAvailableBytes, diskTotalBytes, diskInodesFree, diskInodes }: HostPressure,
): [WatchedSignal, Observation][] {
  return [
    [`${name}.available`, { available: diskAvailableBytes, capacity: diskTotalBytes }],
    ...(diskInodes > 0
      ? [[`${name}.inodesFree`, { available: diskInodesFree, capacity: diskInodes }] as [WatchedSignal, Observation]]
      : []),
  ];
}

function toleratesMemoryPressure({ spec }: Pod): boolean {
  return (spec.tolerations ?? []).some(
    ({ key, effect }) =>
      (key === undefined || key === MEMORY_TAINT) && (effect === undefined || effect === "NoSchedule"),
  );
}

/** What pods together may have is watched by the hard threshold for memory, as with the kubelet. */
function allocatableThresholds(
  thresholds: EdgedPorts["config"]["eviction"]["thresholds"],
  reservedMemoryBytes: number,
): WatchedThreshold[] {
  if (reservedMemoryBytes === 0) return [];
  return thresholds
    .filter(({ signal, graceMs }) => signal === "memory.available" && graceMs === undefined)
    .map((threshold) => ({ ...threshold, signal: "allocatableMemory.available" }));
}
