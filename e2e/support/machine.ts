import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";

/** What a start must not leave on the machine after its stop. */
export interface MachineState {
  readonly mounts: readonly string[];
  readonly interfaces: readonly string[];
  readonly processes: readonly string[];
  /** Shared with other installations on the machine; undefined while there are any. */
  readonly shared: { readonly forwarding: string; readonly controlGroups: readonly string[] } | undefined;
}

/** What of this installation is on the machine now. */
export function machineState(home: string): MachineState {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((path) => path.startsWith(home));
  const processes = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readQuietly(`/proc/${name}/cmdline`).replaceAll("\0", " "))
    .filter((command) => command.includes(home));
  const bridges = Object.keys(networkInterfaces()).filter((name) => name.startsWith("skr-"));
  const hash = createHash("sha256")
    .update(join(home, "edge-node-1", "network"))
    .digest("hex")
    .slice(0, 8);
  const interfaces = bridges.filter((name) => name === `skr-${hash}`);
  const isAlone = bridges.length === interfaces.length && !anotherContainerdRuns(home);
  return { mounts, processes, interfaces, shared: isAlone ? sharedState() : undefined };
}

function anotherContainerdRuns(home: string): boolean {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readQuietly(`/proc/${name}/cmdline`))
    .some((command) => /^[^\0]*containerd\0/.test(command) && !command.includes(home));
}

function sharedState(): MachineState["shared"] {
  return {
    forwarding: readQuietly("/proc/sys/net/ipv4/ip_forward").trim(),
    controlGroups: readdirSync("/sys/fs/cgroup", { withFileTypes: true })
      .flatMap((entry) => (entry.isDirectory() ? [entry.name, ...namesIn(`/sys/fs/cgroup/${entry.name}`)] : []))
      .filter((name) => name.startsWith("kubepods")),
  };
}

function readQuietly(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
