import { readdirSync, readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { run } from "./run.ts";

/** What a start must not leave on the machine after its stop. */
export interface MachineState {
  readonly mounts: readonly string[];
  readonly interfaces: readonly string[];
  readonly processes: readonly string[];
  readonly forwarding: string;
  readonly controlGroups: readonly string[];
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
  return {
    mounts,
    processes,
    interfaces: Object.keys(networkInterfaces()).filter((name) => name.startsWith("skr-")),
    forwarding: readQuietly("/proc/sys/net/ipv4/ip_forward").trim(),
    controlGroups: readdirSync("/sys/fs/cgroup", { withFileTypes: true })
      .flatMap((entry) => (entry.isDirectory() ? [entry.name, ...namesIn(`/sys/fs/cgroup/${entry.name}`)] : []))
      .filter((name) => name.startsWith("kubepods")),
  };
}

/** The rules that CNI plugins made, of any network. Empty where there is no iptables. */
export async function cniRules(iptables: string, environment: Readonly<Record<string, string>>): Promise<string[]> {
  const listed = await Promise.all(
    ["nat", "filter"].map((table) => run([iptables, "-t", table, "-S"], { environment })),
  );
  return listed.flatMap(({ stdout }) => stdout.split("\n")).filter((line) => line.includes("CNI-"));
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
