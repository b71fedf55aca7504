import type { Clock } from "@skerry/base";

interface Quiet {
  readonly mark: string;
  readonly sinceMs: number;
}

/**
 * Since when each node's part of a job has been the same. Times are of this process: what a CloudCore has not seen happen
 * it does not hold against a node.
 */
export class SilenceWatch {
  readonly #clock: Clock;
  readonly #jobs = new Map<string, Map<string, Quiet>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How long the node's part of the job has had this mark, in milliseconds. */
  quietMs(job: string, nodeName: string, mark: string): number {
    const nodes = this.#jobs.get(job) ?? new Map<string, Quiet>();
    this.#jobs.set(job, nodes);
    const nowMs = this.#clock.monotonicMs();
    const known = nodes.get(nodeName);
    if (known?.mark === mark) return nowMs - known.sinceMs;
    nodes.set(nodeName, { mark, sinceMs: nowMs });
    return 0;
  }

  /** The node has nothing to do for the job now. */
  forgetNode(job: string, nodeName: string): void {
    this.#jobs.get(job)?.delete(nodeName);
  }

  forget(job: string): void {
    this.#jobs.delete(job);
  }
}
