import type { Lease, Node } from "@skerry/api";
import { findCondition } from "../conditions.ts";

/** The signs of life last seen of a node. */
interface Heartbeat {
  readonly uid: string;
  readonly renewTime: string;
  readonly ready: string;
  readonly atMs: number;
}

/**
 * When each node was last heard of, by this process's own clock: a node is alive when its lease or its Ready heartbeat
 * changes, whatever time it writes there, so that a wrong clock on a node does no harm.
 */
export class NodeHeartbeats {
  readonly #heartbeats = new Map<string, Heartbeat>();

  /** Looks at the node and its lease; answers how long ago, in milliseconds, something last changed. */
  silenceMs(node: Node, lease: Lease | undefined, nowMs: number): number {
    const { name, uid = "" } = node.metadata;
    const renewTime = lease?.spec?.renewTime ?? "";
    const condition = findCondition(node.status?.conditions, "Ready");
    const known = this.#heartbeats.get(name);
    // Unknown is this controller's own verdict, no sign of life.
    const ready =
      condition?.status === "Unknown"
        ? (known?.ready ?? "")
        : `${condition?.status ?? ""} ${condition?.lastHeartbeatTime ?? ""}`;
    if (known && known.uid === uid && known.renewTime === renewTime && known.ready === ready) return nowMs - known.atMs;
    this.#heartbeats.set(name, { uid, renewTime, ready, atMs: nowMs });
    return 0;
  }

  /** The node is gone. */
  forget(name: string): void {
    this.#heartbeats.delete(name);
  }
}
