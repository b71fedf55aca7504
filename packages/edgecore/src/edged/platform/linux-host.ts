import { createHash } from "node:crypto";
import { readdir, readFile, stat, statfs } from "node:fs/promises";
import { arch, cpus, hostname, networkInterfaces, release, totalmem } from "node:os";
import { dirname } from "node:path";
import { machineIpv6Address } from "@skerry/base/platform";
import type { HostFacts, HostInfo, HostPressure } from "../ports.ts";
import { defaultInterfaces } from "./default-routes.ts";
import { processCounts } from "./process-counts.ts";

/** The {@link HostInfo} port over this Linux machine. */
export const linuxHost: HostInfo = {
  async facts(): Promise<HostFacts> {
    const machineId = (await firstText(["/etc/machine-id", "/var/lib/dbus/machine-id"])) ?? derivedMachineId();
    return {
      architecture: arch(),
      operatingSystem: "linux",
      osImage: await osImage(),
      kernelVersion: release(),
      machineId,
      systemUuid: (await firstText(["/sys/class/dmi/id/product_uuid"])) ?? machineId,
      bootId: (await firstText(["/proc/sys/kernel/random/boot_id"])) ?? "",
      cpuCount: Math.max(1, cpus().length),
      memoryBytes: totalmem(),
      cgroups: await controlGroups(),
      hugePageBytes: await hugePages(),
    };
  },
  async pressure(diskPath: string): Promise<HostPressure> {
    const memory = (await text("/proc/meminfo")) ?? "";
    const availableKi = Number(/^MemAvailable:\s+(\d+)/m.exec(memory)?.[1] ?? 0);
    const path = await existingParent(diskPath);
    const disk = await statfs(path);
    const limits = [await text("/proc/sys/kernel/pid_max"), await text("/proc/sys/kernel/threads-max")];
    const processIds = Math.min(...limits.map((limit) => Number(limit ?? 32_768)));
    const running = Number(/\d+\/(\d+)/.exec((await text("/proc/loadavg")) ?? "")?.[1] ?? 0);
    return {
      memoryAvailableBytes: availableKi * 1024,
      diskDevice: (await stat(path)).dev,
      diskTotalBytes: disk.blocks * disk.bsize,
      diskAvailableBytes: disk.bavail * disk.bsize,
      diskInodes: disk.files,
      diskInodesFree: disk.ffree,
      processIds,
      processIdsFree: processIds - running,
    };
  },
  processCounts,
  async addresses(): Promise<readonly string[]> {
    const interfaces = networkInterfaces();
    const candidates = Object.entries(interfaces).flatMap(([name, entries]) =>
      (entries ?? [])
        .filter((entry) => entry.family === "IPv4" && !entry.internal && !entry.address.startsWith("169.254."))
        .map((entry) => ({ name, address: entry.address })),
    );
    const [onDefaultRoute] = defaultInterfaces((await text("/proc/net/route")) ?? "");
    // Bridges are where pods live; others cannot reach the machine by them.
    const best =
      candidates.find(({ name }) => name === onDefaultRoute) ??
      candidates.find(({ name }) => !/^(cni|docker|br-|virbr|veth|skr-|lo)/.test(name)) ??
      candidates[0];
    return [best?.address ?? [], machineIpv6Address() ?? []].flat();
  },
};

/** The control groups that this process may make: those of an account without root limit nothing. */
async function controlGroups(): Promise<HostFacts["cgroups"]> {
  if (process.getuid?.() !== 0) return { cpu: false, memory: false, hugePages: false };
  const unified = await text("/sys/fs/cgroup/cgroup.controllers");
  if (unified !== undefined) {
    const controllers = unified.split(/\s+/);
    const has = (controller: string): boolean => controllers.includes(controller);
    return { cpu: has("cpu"), memory: has("memory"), hugePages: has("hugetlb") };
  }
  const mounted = (await text("/proc/self/mountinfo")) ?? "";
  const has = (controller: string): boolean => new RegExp(` - cgroup \\S+ \\S*\\b${controller}\\b`).test(mounted);
  return { cpu: has("cpu"), memory: has("memory"), hugePages: has("hugetlb") };
}

const HUGE_PAGES_FOLDER = "/sys/kernel/mm/hugepages";

async function hugePages(): Promise<HostFacts["hugePageBytes"]> {
  const found: Record<string, number> = {};
  for (const name of await readdir(HUGE_PAGES_FOLDER).catch(() => [])) {
    const sizeKi = Number(/^hugepages-(\d+)kB$/.exec(name)?.[1]);
    if (!(sizeKi > 0)) continue;
    const size =
      sizeKi % 1024 ** 2 === 0 ? `${sizeKi / 1024 ** 2}Gi` : sizeKi % 1024 === 0 ? `${sizeKi / 1024}Mi` : `${sizeKi}Ki`;
    found[size] = Number((await text(`${HUGE_PAGES_FOLDER}/${name}/nr_hugepages`)) ?? 0) * sizeKi * 1024;
  }
  return found;
}

async function osImage(): Promise<string> {
  const release = (await firstText(["/etc/os-release", "/usr/lib/os-release"])) ?? "";
  return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(release)?.[1] ?? "Linux";
}

/** A machine without a machine-id still needs one that stays: from its name. */
function derivedMachineId(): string {
  return createHash("sha256").update(hostname()).digest("hex").slice(0, 32);
}

async function existingParent(path: string): Promise<string> {
  try {
    await statfs(path);
    return path;
  } catch {
    const parent = dirname(path);
    return parent === path ? "/" : existingParent(parent);
  }
}

async function firstText(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const found = (await text(path))?.trim();
    if (found) return found;
  }
  return undefined;
}

async function text(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return undefined; // A file that this kernel or distribution does not have.
  }
}
