import type { DeliveryName } from "@skerry/link";
import type { SimulatedApi } from "../world/true-api.ts";

/** Which delivery the nodes speak; `mixed`: each its own. */
export type SimulatedProtocol = DeliveryName | "mixed";

/** One edge node of a world. */
export interface NodePlan {
  readonly delivery: DeliveryName;
  /** An outbox so small that it fills up. */
  readonly hasTightOutbox: boolean;
  /** A ring of samples so small that it overflows. */
  readonly hasTightRing?: boolean;
  /** A disk that loses what was not synced, below SQLite compiled to WebAssembly; else commits are whole and stay. */
  readonly hasUnsyncedDisk?: boolean;
  /** A container runtime that tells what happens to containers. */
  readonly hasRuntimeEvents?: boolean;
}

/** Something that happens at a moment. All its details follow from `salt`, so that acts can be left out singly. */
export interface ScheduledAct {
  readonly atMs: number;
  readonly kind: "work" | "fault";
  /** A name of the workload's or the faults' catalogue. */
  readonly what: string;
  /** Index of the node that it is about. */
  readonly node: number;
  readonly salt: number;
}

/** A whole life of a world: who is in it and what happens. The same schedule is the same run. */
export interface Schedule {
  /** Of everything that nobody decides: latencies, ids, jitter. */
  readonly seed: number;
  /** @default memory */
  readonly api?: SimulatedApi;
  readonly clouds: number;
  readonly nodes: readonly NodePlan[];
  /** In order of time. */
  readonly acts: readonly ScheduledAct[];
  /** When the faults stop. */
  readonly endMs: number;
}
