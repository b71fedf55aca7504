import { readFile, statfs } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { MachineLoad } from "../machine-check.ts";

/** As long as KubeEdge looks at the processors. */
const CPU_SAMPLE_MS = 100;

/** The {@link MachineLoad} of a Linux machine; `diskPath` names the disk. */
export function linuxLoad(diskPath: string): MachineLoad {
  return {
    async cpuPercent() {
      const before = await cpuTicks();
      await delay(CPU_SAMPLE_MS);
      const after = await cpuTicks();
      const total = after.total - before.total;
      return total > 0 ? (100 * (total - (after.idle - before.idle))) / total : 0;
    },
    async memoryPercent() {
      const text = await readFile("/proc/meminfo", "latin1");
      const kilobytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
      const total = kilobytes("MemTotal");
      return total > 0 ? (100 * (total - kilobytes("MemAvailable"))) / total : 0;
    },
    async diskPercent() {
      const { blocks, bavail, bfree } = await statfs(diskPath);
      const used = blocks - bfree;
      return used + bavail > 0 ? (100 * used) / (used + bavail) : 0;
    },
  };
}

async function cpuTicks(): Promise<{ readonly total: number; readonly idle: number }> {
  // user, nice, system, idle, iowait, irq, softirq, steal
  const ticks =
    /^cpu +([\d ]+)/
      .exec(await readFile("/proc/stat", "latin1"))?.[1]
      ?.split(" ")
      .map(Number) ?? [];
  return { total: ticks.slice(0, 8).reduce((sum, value) => sum + value, 0), idle: (ticks[3] ?? 0) + (ticks[4] ?? 0) };
}
