/** What a container has used. */
export interface ContainerUsage {
  readonly namespace: string;
  readonly pod: string;
  readonly podUid: string;
  readonly container: string;
  /** When it was measured; wall clock, ms. */
  readonly atMs: number;
  /** CPU time since the container's start. */
  readonly cpuNanos: number;
  readonly memoryWorkingSetBytes: number;
  readonly memoryUsageBytes: number;
  readonly memoryRssBytes: number;
  /** Of its writable layer. */
  readonly diskUsedBytes: number;
  readonly diskInodes: number;
}

/** What the whole machine has used. */
export interface MachineUsage {
  readonly atMs: number;
  /** CPU time since the machine's start, all processors together. */
  readonly cpuNanos: number;
  readonly memoryWorkingSetBytes: number;
  readonly memoryAvailableBytes: number;
  readonly diskTotalBytes: number;
  readonly diskAvailableBytes: number;
}

export interface Usage {
  readonly machine: MachineUsage;
  readonly containers: readonly ContainerUsage[];
}

/** The part of a measurement that `/metrics/resource` tells. */
export interface ResourceUsage {
  readonly machine: Pick<MachineUsage, "atMs" | "cpuNanos" | "memoryWorkingSetBytes">;
  readonly containers: readonly Pick<
    ContainerUsage,
    "namespace" | "pod" | "podUid" | "container" | "atMs" | "cpuNanos" | "memoryWorkingSetBytes"
  >[];
}

/** Measures the machine and its containers. */
export interface UsageSource {
  /** @throws SkerryError `RUNTIME_*` */
  read(): Promise<Usage>;
}

/** Use of the processors in billionths of one, between two measurements. */
export function nanoCores(
  before: { readonly atMs: number; readonly cpuNanos: number },
  now: { readonly atMs: number; readonly cpuNanos: number },
): number | undefined {
  const elapsedMs = now.atMs - before.atMs;
  // The counter begins anew with the container.
  if (elapsedMs <= 0 || now.cpuNanos < before.cpuNanos) return undefined;
  return Math.round((now.cpuNanos - before.cpuNanos) / (elapsedMs / 1000));
}
