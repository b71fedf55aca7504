import { OOM_SCRIPT } from "./scripts.ts";

/** Whose processes a container sees and is seen by. */
export type ProcessSharing =
  | { readonly kind: "own" }
  /** Those of the process with this id: its pod's, or another container's. */
  | { readonly kind: "joined"; readonly processId: number }
  /** All of the machine. */
  | { readonly kind: "machine" };

/** A container's place in its pod. */
export interface Namespaces {
  /** The process that holds the pod's namespaces. */
  readonly holderId: number;
  readonly network: boolean;
  readonly ipc: boolean;
  readonly hostname: boolean;
  readonly processes: ProcessSharing;
}

/** Who the process is, in its own eyes; outside it is always the account that runs the node. */
export interface ProcessIdentity {
  readonly userId: number;
  readonly groupId: number;
}

/** Where util-linux's programs are; busybox has some of the same names, which can less. */
export interface NamespaceTools {
  readonly unshare: string;
  readonly nsenter: string;
}

/** What enters a pod's namespaces. */
export function enterPod(
  { nsenter }: NamespaceTools,
  { holderId, network, ipc, hostname, processes }: Namespaces,
): string[] {
  return [
    nsenter,
    ...["--target", String(holderId), "--user", "--preserve-credentials"],
    ...(network ? ["--net"] : []),
    ...(ipc ? ["--ipc"] : []),
    ...(hostname ? ["--uts"] : []),
    ...(processes.kind === "joined" ? [`--pid=/proc/${processes.processId}/ns/pid`] : []),
    "--",
  ];
}

/**
 * What shows the processes of a joined namespace under /proc; only the owner of that namespace, the pod, may.
 * @param script PROC_SCRIPT
 */
export function showJoined({ unshare }: NamespaceTools, busybox: string, script: string): string[] {
  return [unshare, "--mount", "--propagation", "slave", "--", busybox, "sh", script, busybox];
}

/** What makes a container's own namespaces but that for mounts; the next process that it starts is in all of them. */
export function unshareContainer(
  { unshare }: NamespaceTools,
  { userId, groupId }: ProcessIdentity,
  { processes }: Namespaces,
): string[] {
  return [
    unshare,
    ...["--user", `--map-user=${userId}`, `--map-group=${groupId}`, "--keep-caps"],
    ...(processes.kind === "own" ? ["--pid"] : []),
    "--",
  ];
}

/**
 * What lets the kernel end the container's processes before others when memory is short. To keep one
 * longer than others nobody may ask for in a user namespace.
 * @param adjustment as in /proc/PID/oom_score_adj
 */
export function endSooner(busybox: string, adjustment: number): string[] {
  return adjustment > 0 ? [busybox, "sh", "-c", OOM_SCRIPT, "oom", String(adjustment)] : [];
}

/** What makes a container's mount namespace, which its shim stays out of. */
export function unshareMounts({ unshare }: NamespaceTools): string[] {
  return [unshare, "--mount", "--propagation", "slave", "--keep-caps", "--"];
}

/**
 * What gives up the powers that made the container's root, as the last step before its command.
 * @param lastCapability the kernel's highest
 */
export function giveUpPowers(busybox: string, { userId }: ProcessIdentity, lastCapability: number): string[] {
  return [
    // In a user namespace below, root cannot undo the mounts, such as that a volume is read-only.
    ...(userId === 0 ? [busybox, "unshare", "--user", "--map-root-user", "--mount", "--propagation", "slave"] : []),
    ...noPowers(busybox, lastCapability),
  ];
}

/** What a command in a running container begins with: it has no more powers than the container's own. */
export function noPowers(busybox: string, lastCapability: number): string[] {
  const none = Array.from({ length: lastCapability + 1 }, (_, number) => `-cap_${number}`).join(",");
  return [busybox, "setpriv", "--no-new-privs", "--ambient-caps", none, "--inh-caps", none];
}

/** A container's processes, as they are seen from outside. */
export interface ContainerProcesses {
  /** The container's first process. */
  readonly mainId: number;
  /** Has made the container's namespaces, and waits outside of its process namespace. */
  readonly makerId: number;
}

/**
 * What enters a running container. A namespace opens only to who is above it, so it goes the way that the container went:
 * the pod, the container, and for root the namespace below, in which mounts cannot be undone.
 */
export function enterContainer(
  tools: NamespaceTools,
  { mainId, makerId }: ContainerProcesses,
  namespaces: Namespaces,
  { userId }: ProcessIdentity,
): string[] {
  const step = (processId: number, ...options: string[]): string[] => [
    ...[tools.nsenter, "--target", String(processId), "--user", "--preserve-credentials"],
    ...options,
    "--",
  ];
  const pod = enterPod(tools, namespaces);
  if (namespaces.processes.kind !== "own") return [...pod, ...step(mainId, "--mount")];
  if (userId !== 0) return [...pod, ...step(mainId, "--pid", "--mount")];
  return [...pod, ...step(makerId, `--pid=/proc/${mainId}/ns/pid`), ...step(mainId, "--mount")];
}

/** What gives a command a terminal of the container's own: telnetd's standard streams are the other end of it. */
export function inTerminal(busybox: string, script: string): string[] {
  return [busybox, "telnetd", "-i", "-f", "/dev/null", "-l", script];
}
