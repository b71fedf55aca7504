import type { FleetSample } from "./fleet-messages.ts";

/** How a whole fleet stands. */
export interface FleetState {
  readonly nodes: number;
  readonly started: number;
  readonly joined: number;
  readonly connected: number;
  /** Undefined where the Kubernetes API is not known. */
  readonly ready: number | undefined;
  readonly containers: number;
  readonly sessions: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly lateMs: number;
  readonly residentBytes: number;
  readonly failure: string | undefined;
}

/** What a fleet has come to, for `-o json`. Times from the start of the first node. */
export interface FleetReport extends FleetState {
  readonly name: string;
  readonly delivery: string;
  readonly processes: number;
  readonly allConnectedMs: number | undefined;
  readonly allReadyMs: number | undefined;
  readonly ranMs: number;
  /** Objects with the annotation `skerry.io/sent-at` that arrived. */
  readonly deliveries: { readonly count: number; readonly medianMs: number; readonly p99Ms: number };
}

/** One state of the newest samples of all processes. */
export function fleetState(nodes: number, samples: readonly FleetSample[], ready: number | undefined): FleetState {
  const sum = (of: (sample: FleetSample) => number): number => samples.reduce((total, sample) => total + of(sample), 0);
  return {
    nodes,
    started: sum(({ started }) => started),
    joined: sum(({ joined }) => joined),
    connected: sum(({ connected }) => connected),
    ready,
    containers: sum(({ containers }) => containers),
    sessions: sum(({ sessions }) => sessions),
    sentBytes: sum(({ sentBytes }) => sentBytes),
    receivedBytes: sum(({ receivedBytes }) => receivedBytes),
    lateMs: Math.max(0, ...samples.map(({ lateMs }) => lateMs)),
    residentBytes: sum(({ residentBytes }) => residentBytes),
    failure: samples.findLast(({ failure }) => failure !== undefined)?.failure,
  };
}

/** Counts of times by their logarithm: percentiles within 2 %, whatever their number. */
export class TimeCounts {
  readonly #counts = new Map<number, number>();
  #total = 0;

  add(milliseconds: number): void {
    const bucket = Math.round(Math.log1p(milliseconds) * 50);
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + 1);
    this.#total += 1;
  }

  get total(): number {
    return this.#total;
  }

  /** The time below which `share` (0–1) of them lie, ms; 0 when there is none. */
  percentile(share: number): number {
    let seen = 0;
    for (const [bucket, count] of [...this.#counts].sort(([left], [right]) => left - right)) {
      seen += count;
      if (seen >= share * this.#total) return Math.round(Math.expm1(bucket / 50));
    }
    return 0;
  }
}
