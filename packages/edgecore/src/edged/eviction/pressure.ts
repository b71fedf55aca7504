import type { EvictionAmount, EvictionSignal, EvictionThreshold } from "@skerry/api";

/** What is watched: what the configuration names, and the memory that pods together may have. */
export type WatchedSignal = EvictionSignal | "allocatableMemory.available";

/** A threshold on any of them. */
export interface WatchedThreshold extends Omit<EvictionThreshold, "signal"> {
  readonly signal: WatchedSignal;
}

/** How much of something is left, of how much. */
export interface Observation {
  readonly available: number;
  readonly capacity: number;
}

export type Observations = ReadonlyMap<WatchedSignal, Observation>;

/** Conditions of the Node that tell what is short. */
export type PressureCondition = "MemoryPressure" | "DiskPressure" | "PIDPressure";

/** As the kubelet and its users name what is short. */
export type ShortResource = "memory" | "ephemeral-storage" | "inodes" | "pids";

const CONDITIONS: Readonly<Record<WatchedSignal, PressureCondition>> = {
  "memory.available": "MemoryPressure",
  "allocatableMemory.available": "MemoryPressure",
  "nodefs.available": "DiskPressure",
  "nodefs.inodesFree": "DiskPressure",
  "imagefs.available": "DiskPressure",
  "imagefs.inodesFree": "DiskPressure",
  "pid.available": "PIDPressure",
};

const RESOURCES: Readonly<Record<WatchedSignal, ShortResource>> = {
  "memory.available": "memory",
  "allocatableMemory.available": "memory",
  "nodefs.available": "ephemeral-storage",
  "nodefs.inodesFree": "inodes",
  "imagefs.available": "ephemeral-storage",
  "imagefs.inodesFree": "inodes",
  "pid.available": "pids",
};

export function resourceOf({ signal }: WatchedThreshold): ShortResource {
  return RESOURCES[signal];
}

/** An amount of what there is. */
export function amountOf(amount: EvictionAmount, capacity: number): number {
  return amount.kind === "quantity" ? amount.value : capacity * amount.value;
}

/** Whether less is left than the threshold wants; what was not observed is not short. */
export function isShort(threshold: WatchedThreshold, observations: Observations, withReclaim = false): boolean {
  const observed = observations.get(threshold.signal);
  if (!observed) return false;
  const { amount, minimumReclaim } = threshold;
  const reclaim = withReclaim && minimumReclaim ? amountOf(minimumReclaim, observed.capacity) : 0;
  return observed.available < amountOf(amount, observed.capacity) + reclaim;
}

/** Whether so little is left that it may be short soon: memory and processes go within seconds, a disk does not. */
export function isNearlyShort({ signal, amount }: WatchedThreshold, observations: Observations): boolean {
  const observed = observations.get(signal);
  const factor = CONDITIONS[signal] === "DiskPressure" ? 1.1 : 2;
  return observed !== undefined && observed.available < factor * amountOf(amount, observed.capacity);
}

/** What follows from a look at the machine. */
export interface PressureVerdict {
  /** Thresholds that something must be reclaimed for now, memory first. */
  readonly due: readonly WatchedThreshold[];
  readonly conditions: ReadonlySet<PressureCondition>;
}

/**
 * Follows thresholds over time, as the kubelet does: one that was crossed stays so until its minimum is reclaimed, a soft
 * one counts after its grace, a condition outlasts its cause by the transition period, so that it does not flap. Times
 * are monotonic.
 */
export class PressureWatch {
  readonly #thresholds: readonly WatchedThreshold[];
  readonly #transitionMs: number;
  /** Crossed thresholds, with the time since when. */
  #crossedSinceMs = new Map<WatchedThreshold, number>();
  readonly #shortAtMs = new Map<PressureCondition, number>();

  constructor(thresholds: readonly WatchedThreshold[], transitionMs: number) {
    this.#thresholds = thresholds;
    this.#transitionMs = transitionMs;
  }

  update(observations: Observations, nowMs: number): PressureVerdict {
    const crossed = new Map<WatchedThreshold, number>();
    for (const threshold of this.#thresholds) {
      const sinceMs = this.#crossedSinceMs.get(threshold);
      if (isShort(threshold, observations, sinceMs !== undefined)) crossed.set(threshold, sinceMs ?? nowMs);
    }
    this.#crossedSinceMs = crossed;
    for (const { signal } of crossed.keys()) this.#shortAtMs.set(CONDITIONS[signal], nowMs);
    const conditions = new Set<PressureCondition>();
    for (const [condition, atMs] of this.#shortAtMs)
      if (atMs === nowMs || nowMs - atMs < this.#transitionMs) conditions.add(condition);
    const due = [...crossed]
      .filter(([{ graceMs }, sinceMs]) => nowMs - sinceMs >= (graceMs ?? 0))
      .map(([threshold]) => threshold)
      .sort((left, right) => urgency(left) - urgency(right));
    return { due, conditions };
  }
}

/** What kills a machine soonest comes first; hard thresholds before soft ones. */
function urgency({ signal, graceMs }: WatchedThreshold): number {
  return (CONDITIONS[signal] === "MemoryPressure" ? 0 : 2) + (graceMs === undefined ? 0 : 1);
}
