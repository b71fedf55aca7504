import type { EvictionSignal } from "@skerry/api";
import type { EdgedConfig } from "../config.ts";
import { amountOf } from "../eviction/pressure.ts";
import type { HostFacts } from "../ports.ts";

/** What pods together may ask of the node. */
export interface Allocatable {
  readonly cpuMilli: number;
  readonly memoryBytes: number;
  /** Of the file system that pods' files are on. */
  readonly storageBytes: number;
  /** By page size, e.g. `2Mi`. */
  readonly hugePageBytes: Readonly<Record<string, number>>;
}

/** As with the kubelet: all but what is reserved, set aside for huge pages, or below a hard threshold of eviction. */
export function allocatableOf(config: EdgedConfig, host: HostFacts, diskBytes: number): Allocatable {
  const { cpuMilli, memoryBytes, storageBytes } = config.reserved;
  const hugePageBytes = Object.values(host.hugePageBytes).reduce((sum, bytes) => sum + bytes, 0);
  const forMemory = memoryBytes + hugePageBytes + evictedBelow(config, "memory.available", host.memoryBytes);
  const forStorage = storageBytes + evictedBelow(config, "nodefs.available", diskBytes);
  return {
    cpuMilli: Math.max(0, host.cpuCount * 1000 - cpuMilli),
    memoryBytes: Math.max(0, host.memoryBytes - forMemory),
    storageBytes: Math.max(0, Math.floor(diskBytes - forStorage)),
    hugePageBytes: host.hugePageBytes,
  };
}

/** What pods cannot have because they would be evicted before: the hard threshold. */
function evictedBelow({ eviction }: EdgedConfig, signal: EvictionSignal, capacity: number): number {
  const hard = eviction.thresholds.find((each) => each.signal === signal && each.graceMs === undefined);
  return hard ? amountOf(hard.amount, capacity) : 0;
}
