import type { DeliveryName } from "@skerry/link";

/** What one process of a fleet is to run. */
export interface FleetPlan {
  /** `prefix-<first>` and on, so many. */
  readonly prefix: string;
  readonly first: number;
  readonly count: number;
  readonly nodesPerSecond: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly cloudHub: string;
  readonly cloudHttps: string;
  readonly token: string;
  readonly delivery: DeliveryName;
}

/** How one process of a fleet stands; counts are since its start but for those of this moment. */
export interface FleetSample {
  readonly kind: "sample";
  /** Nodes that were started, that have been connected once, and that are connected now. */
  readonly started: number;
  readonly joined: number;
  readonly connected: number;
  /** Containers that "run". */
  readonly containers: number;
  readonly sessions: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Since the last sample: from the time in {@link SENT_AT} until it was committed at the node. */
  readonly deliveriesMs: readonly number[];
  /** How late this process itself was since the last sample, at most: beyond some 100 ms it is the bottleneck. */
  readonly lateMs: number;
  readonly residentBytes: number;
  /** Why nodes could not be started, the newest. */
  readonly failure?: string;
}

/** Annotation of an object with the wall clock in ms when it was written, for measuring its way to the nodes. */
export const SENT_AT = "skerry.io/sent-at";

/** The name of a fleet's node. */
export function fleetNodeName(prefix: string, number: number): string {
  return `${prefix}-${String(number).padStart(5, "0")}`;
}

/** Whether something that came over IPC is a sample. */
export function isFleetSample(value: unknown): value is FleetSample {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "sample";
}

/** Whether something that came over IPC is a plan. */
export function isFleetPlan(value: unknown): value is FleetPlan {
  return typeof value === "object" && value !== null && "prefix" in value && "token" in value;
}
