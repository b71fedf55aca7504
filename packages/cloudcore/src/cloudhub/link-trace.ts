import type { DeliveryCounters, DeliveryName, TrafficReport } from "@skerry/link";
import type { SessionBacklog } from "./node-session.ts";

/** What a Node says of its link's byte budget. */
export interface LinkBudgetTrace {
  /** As it was written. */
  readonly annotation: string;
  /** What the node last reported of it. */
  readonly condition: string;
  /** About what crossed within the last day, IP traffic. */
  readonly lastDayBytes: number;
}

/** How a node's link is, and what crossed it, as this CloudCore knows it; plain data. Times are wall clock in ms. */
export interface LinkTrace {
  readonly node: string;
  readonly atMs: number;
  readonly link:
    | {
        readonly state: "connected";
        readonly sinceMs: number;
        readonly delivery: DeliveryName;
        readonly counters: DeliveryCounters;
        readonly backlog: SessionBacklog;
      }
    | { readonly state: "offline"; readonly sinceMs: number; readonly reason: string }
    /** It has not connected to this CloudCore since that started. */
    | { readonly state: "not-seen" };
  /** The link's byte budget; left out where the Node has none, and where the Node was not asked. */
  readonly budget?: LinkBudgetTrace;
  /** Bytes of WebSocket frames over the node's sessions with this CloudCore; see `ipBytes` for the network's. */
  readonly traffic: TrafficReport;
}
