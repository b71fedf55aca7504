import type { GroupLimits } from "../edged/ports.ts";

/** What is written into one file of a control group. */
export interface GroupFile {
  readonly name: string;
  readonly text: string;
  /** Whether a kernel without this file is no reason to give up. */
  readonly isOptional: boolean;
}

export type Controller = "cpu" | "memory";

const DEFAULT_PERIOD_US = 100_000;

/** The files of a control group that hold such limits, in the order in which they are written. */
export function groupFiles(version: 1 | 2, controller: Controller, limits: GroupLimits): GroupFile[] {
  const file = (name: string, text: string | number, isOptional = false): GroupFile => ({
    name,
    text: String(text),
    isOptional,
  });
  const { cpuQuotaUs, cpuShares, memoryBytes } = limits;
  const period = limits.cpuPeriodUs || DEFAULT_PERIOD_US;
  if (controller === "memory") {
    // No swap beyond the memory, as the kubelet has it.
    if (version === 2)
      return [file("memory.max", memoryBytes || "max"), file("memory.swap.max", memoryBytes ? 0 : "max", true)];
    const bytes = memoryBytes || -1;
    const both = [file("memory.limit_in_bytes", bytes), file("memory.memsw.limit_in_bytes", bytes, true)];
    // The sum may never be the smaller one, so raising begins with it; one of the two ways fits.
    return [file("memory.memsw.limit_in_bytes", bytes, true), ...both];
  }
  if (version === 2)
    return [
      file("cpu.max", `${cpuQuotaUs > 0 ? cpuQuotaUs : "max"} ${period}`),
      ...(cpuShares > 0 ? [file("cpu.weight", weightOf(cpuShares))] : []),
    ];
  return [
    file("cpu.cfs_period_us", period),
    file("cpu.cfs_quota_us", cpuQuotaUs > 0 ? cpuQuotaUs : -1),
    ...(cpuShares > 0 ? [file("cpu.shares", cpuShares)] : []),
  ];
}

/** Shares of version 1 (2 to 262144) as a weight of version 2 (1 to 10000), as container runtimes do it. */
function weightOf(shares: number): number {
  return Math.min(10_000, Math.max(1, 1 + Math.floor(((shares - 2) * 9_999) / 262_142)));
}
