import type { Clock } from "@skerry/base";
import type { Usage, UsageSource } from "../../edgestream/metrics/usage.ts";

/** What each pod's one container uses, as the test says. */
export class FakeUsage implements UsageSource {
  readonly #clock: Clock;
  /** By pod name. */
  readonly memoryBytes: Map<string, number> = new Map();
  readonly diskBytes: Map<string, number> = new Map();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async read(): Promise<Usage> {
    const atMs = this.#clock.now();
    const pods = new Set([...this.memoryBytes.keys(), ...this.diskBytes.keys()]);
    return {
      machine: {
        ...{ atMs, cpuNanos: 0, memoryWorkingSetBytes: 0, memoryAvailableBytes: 0 },
        ...{ diskTotalBytes: 0, diskAvailableBytes: 0 },
      },
      containers: [...pods].map((pod) => ({
        ...{ namespace: "default", pod, podUid: `uid-${pod}`, container: "app", atMs, cpuNanos: 0 },
        ...{ memoryUsageBytes: 0, memoryRssBytes: 0, memoryWorkingSetBytes: this.memoryBytes.get(pod) ?? 0 },
        ...{ diskUsedBytes: this.diskBytes.get(pod) ?? 0, diskInodes: 1 },
      })),
    };
  }
}
