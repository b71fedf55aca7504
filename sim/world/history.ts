/** Something that happened in the world and that a checker may judge. Times are virtual milliseconds. */
export type HistoryEvent =
  | {
      readonly kind: "object-stored";
      readonly atMs: number;
      readonly key: string;
      readonly uid: string;
      readonly version: string;
    }
  | { readonly kind: "object-deleted"; readonly atMs: number; readonly key: string; readonly uid: string }
  | {
      readonly kind: "container-start-asked";
      readonly atMs: number;
      readonly podUid: string;
      readonly containerId: string;
    }
  /** Seen now and then by the machine: a container whose pod's deletion the edge has committed. */
  | {
      readonly kind: "deleted-pod-runs";
      readonly atMs: number;
      readonly podUid: string;
      readonly containerId: string;
    }
  | {
      readonly kind: "container-started";
      readonly atMs: number;
      readonly podUid: string;
      readonly container: string;
      readonly containerId: string;
    }
  /** The device's client heard the desired value of its property `target`. */
  | { readonly kind: "desired-told"; readonly atMs: number; readonly value: string }
  | { readonly kind: "twin-reported"; readonly atMs: number; readonly value: string }
  | {
      readonly kind: "twin-accepted";
      readonly atMs: number;
      readonly device: string;
      readonly property: string;
      readonly value: string;
    }
  | {
      readonly kind: "edge-started";
      readonly atMs: number;
      readonly knownPods: readonly string[];
      readonly machineRestarted: boolean;
      readonly linkUp: boolean;
    }
  | { readonly kind: "edge-stopped"; readonly atMs: number; readonly how: string }
  | { readonly kind: "known-pods-running"; readonly atMs: number }
  /** Runtime or disk began or ceased to fail: what the edge owes by a time, it owes from now on. */
  | { readonly kind: "machine-troubled"; readonly atMs: number }
  | { readonly kind: "fault"; readonly atMs: number; readonly what: string }
  | { readonly kind: "operation"; readonly atMs: number; readonly what: string };

/** The event without its time, which the history adds. */
export type NewHistoryEvent = HistoryEvent extends infer E ? (E extends HistoryEvent ? Omit<E, "atMs"> : never) : never;

/** What happened, in order; the only thing checkers read besides the final state. */
export class History {
  readonly events: HistoryEvent[] = [];
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  add(event: NewHistoryEvent): void {
    this.events.push({ ...event, atMs: this.#nowMs() } as HistoryEvent);
  }

  /** One line an event, for people; equal for equal seeds. */
  text(): string {
    return this.events
      .map(({ kind, atMs, ...facts }) => `${(atMs / 1000).toFixed(3).padStart(9)}s ${kind} ${JSON.stringify(facts)}`)
      .join("\n");
  }
}
