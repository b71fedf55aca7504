/** What happened at one node, for a checker to judge. */
export type NodeFact =
  | {
      readonly kind: "object-stored";
      readonly key: string;
      readonly uid: string;
      readonly version: string;
      /** The only node that may have the object; undefined: any. */
      readonly owner: string | undefined;
    }
  | { readonly kind: "object-deleted"; readonly key: string; readonly uid: string }
  | { readonly kind: "container-start-asked"; readonly podUid: string; readonly containerId: string }
  /** Seen now and then by the machine: a container whose pod's deletion the edge has committed. */
  | { readonly kind: "deleted-pod-runs"; readonly podUid: string; readonly containerId: string }
  | {
      readonly kind: "container-started";
      readonly podUid: string;
      readonly container: string;
      readonly containerId: string;
      /** Others of its name that run in the pod. */
      readonly besides: readonly string[];
    }
  /** EdgeCore asked for the end of a running container whose pod it has and nobody has deleted. */
  | {
      readonly kind: "living-container-stopped";
      readonly podUid: string;
      readonly containerId: string;
      readonly call: string;
    }
  /** The device's client or driver heard its desired value. */
  | { readonly kind: "desired-told"; readonly device: string; readonly value: string }
  /** A user has set the device's desired value. */
  | { readonly kind: "desired-set"; readonly device: string; readonly value: string }
  | { readonly kind: "twin-reported"; readonly device: string; readonly value: string }
  | { readonly kind: "twin-accepted"; readonly device: string; readonly value: string }
  /** The API has another reported value of the device. */
  | { readonly kind: "twin-shown"; readonly device: string; readonly value: string }
  | {
      readonly kind: "edge-started";
      readonly knownPods: readonly string[];
      readonly machineRestarted: boolean;
      readonly linkUp: boolean;
    }
  | { readonly kind: "edge-stopped"; readonly how: string }
  /** EdgeCore is of an older version from now on, for a while. */
  | { readonly kind: "edge-outdated" }
  /** EdgeCore did not start on a database that a newer version has written. */
  | { readonly kind: "schema-refused" }
  | { readonly kind: "known-pods-running" }
  /** The edge's database was replaced by an older copy. */
  | { readonly kind: "database-restored" }
  /** The edge's ring of samples was. */
  | { readonly kind: "samples-restored" }
  /** The node has committed that it forgets all versions, because the cluster was restored. */
  | { readonly kind: "versions-forgotten" }
  /** The node said of each object what it holds. */
  | { readonly kind: "inventory-taken" }
  /** The node said that it could not store an object. */
  | { readonly kind: "object-refused" }
  /** Sessions with the node that a CloudCore believes in, when that changes. */
  | { readonly kind: "sessions"; readonly sessions: readonly ObservedSession[] }
  /** Nothing can be written to the disk, or can be again. */
  | { readonly kind: "disk-troubled"; readonly isOn: boolean }
  /** Runtime or disk began or ceased to fail: what the edge owes by a time, it owes from now on. */
  | { readonly kind: "machine-troubled" };

/** A session as its CloudCore sees it. */
export interface ObservedSession {
  readonly cloud: string;
  /** True time, in whole milliseconds. */
  readonly openedAtMs: number;
}

/** What happened in the world. */
export type WorldFact =
  /** What a CloudCore hears of the API server began or ceased to be wrong, late or nothing. */
  | { readonly kind: "api-troubled"; readonly isOn: boolean }
  | { readonly kind: "cloud-started"; readonly cloud: string }
  | { readonly kind: "cloud-stopped"; readonly cloud: string; readonly how: string }
  /** The API server's database was replaced by an older copy. */
  | { readonly kind: "cloud-restored" }
  /** The sink of samples was. */
  | { readonly kind: "sink-restored" }
  | { readonly kind: "fault"; readonly what: string }
  | { readonly kind: "operation"; readonly what: string };

/** Something that happened. Times are virtual milliseconds; without a node it concerns all. */
export type HistoryEvent = (NodeFact | WorldFact) & { readonly atMs: number; readonly node: string | undefined };

/** What happened, in order; the only thing checkers read besides the final state. */
export class History {
  readonly events: HistoryEvent[] = [];
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  add(node: string | undefined, fact: NodeFact | WorldFact): void {
    this.events.push({ atMs: this.#nowMs(), node, ...fact });
  }

  /** Where one node's facts are added. */
  of(node: string): NodeHistory {
    return { add: (fact) => this.add(node, fact) };
  }

  /** What concerns this node, in order. */
  eventsOf(node: string): HistoryEvent[] {
    return this.events.filter((event) => event.node === node || event.node === undefined);
  }

  /** One line an event, for people; equal for equal schedules. */
  text(): string {
    return this.events
      .map(
        ({ kind, atMs, node, ...facts }) =>
          `${(atMs / 1000).toFixed(3).padStart(9)}s ${node ?? "world"} ${kind} ${JSON.stringify(facts)}`,
      )
      .join("\n");
  }
}

/** Takes what happens at one node. */
export interface NodeHistory {
  add(fact: NodeFact | WorldFact): void;
}
