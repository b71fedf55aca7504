import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { descendants, isAlive, killTrees, processes, sendSignal } from "@skerry/base/platform";
import { tryCommand } from "../run-command.ts";

/** How long containers may take to end by themselves before they are killed. */
const GRACE_MS = 3_000;
const KILL_MS = 10_000;

/**
 * Ends everything that the containerd at `socketPath` runs and removes what is left on the machine: containers, shims,
 * mounts below `nodeFolder`, control groups. It does not need containerd and works after a crash of any part; images
 * stay. Safe to call again.
 */
export async function removeContainers(nodeFolder: string, stateFolder: string, socketPath: string): Promise<void> {
  const shims = shimsOf(socketPath);
  const inContainers = descendants(shims);
  const groups = controlGroups(inContainers);
  for (const processId of inContainers) sendSignal(processId, "SIGTERM");
  await waitUntilGone(inContainers, GRACE_MS);
  killTrees(descendants(shims));
  await waitUntilGone(descendants(shims), KILL_MS);
  const rest = shimsOf(socketPath);
  for (const processId of rest) sendSignal(processId, "SIGKILL");
  await waitUntilGone(rest, KILL_MS);
  await unmountBelow([nodeFolder, stateFolder]);
  removeControlGroups(groups);
  rmSync(stateFolder, { recursive: true, force: true });
  await removeShimSockets();
}

/** The shims of the containerd at that socket: each its containerd's address on its command line. */
export function shimsOf(socketPath: string): number[] {
  return processes()
    .filter(({ command }) => command[0]?.includes("containerd-shim") && command.includes(socketPath))
    .map(({ processId }) => processId);
}

async function waitUntilGone(processIds: readonly number[], limitMs: number): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (processIds.some(isAlive) && performance.now() < deadline) await delay(50);
}

/** Unmounts what is mounted below the folders, the deepest first. */
async function unmountBelow(folders: readonly string[]): Promise<void> {
  for (let round = 0; round < 3; round++) {
    const mounted = mountPoints().filter((path) => folders.some((folder) => path.startsWith(`${folder}/`)));
    if (mounted.length === 0) return;
    for (const path of mounted.reverse()) await tryCommand(["umount", "--lazy", path]);
  }
}

/** The machine's mount points in the order they were mounted. */
export function mountPoints(): string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .trim()
    .split("\n")
    .map((line) =>
      (line.split(" ")[4] ?? "").replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8))),
    );
}

/** The control groups that the processes are in, as folders, the machine's own groups left out. */
function controlGroups(processIds: readonly number[]): string[] {
  const groups = new Set<string>();
  for (const processId of processIds) {
    const path = `/proc/${processId}/cgroup`;
    if (!existsSync(path)) continue;
    for (const line of readSafely(path).trim().split("\n")) {
      const [, controllers = "", group = "/"] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
      if (group === "/" || group.includes("..")) continue;
      const names =
        controllers === "" ? ["unified", "."] : [controllers.replace(/^name=/, ""), ...controllers.split(",")];
      for (const name of names) {
        const folder = join("/sys/fs/cgroup", name, group);
        if (existsSync(folder)) groups.add(folder);
      }
    }
  }
  return [...groups];
}

function readSafely(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Removes the groups and those above them that are empty now; a group in use refuses, which is right. */
function removeControlGroups(groups: readonly string[]): void {
  for (const group of [...groups].sort((one, other) => other.length - one.length)) {
    for (let folder = group; /\/(kubepods|k8s\.io|pod)/.test(folder); folder = join(folder, "..")) {
      try {
        rmdirSync(folder);
      } catch {
        break;
      }
    }
  }
}

/**
 * containerd's shims keep their sockets in a folder that cannot be chosen, and a killed shim leaves its own. Sockets
 * that nobody listens on go, whoever left them; the folder goes when it is empty.
 */
async function removeShimSockets(): Promise<void> {
  const sockets = "/run/containerd/s";
  if (!existsSync(sockets)) return;
  for (const name of readdirSync(sockets)) {
    const path = join(sockets, name);
    if (await isDeadSocket(path)) rmSync(path, { force: true });
  }
  for (const folder of [sockets, "/run/containerd"]) {
    try {
      rmdirSync(folder);
    } catch {
      return; // In use by another containerd.
    }
  }
}

function isDeadSocket(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(false);
    });
    socket.once("error", (error) => resolve("code" in error && error.code === "ECONNREFUSED"));
  });
}
