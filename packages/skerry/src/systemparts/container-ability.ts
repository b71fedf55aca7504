import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { containersUnavailable, needsRoot } from "../errors.ts";
import { lastLines, tryCommand } from "../run-command.ts";
import type { SystemParts } from "./system-parts.ts";

/** What containers can have on this machine. */
export interface ContainerAbility {
  /** `overlayfs`, or `native` (copies) where the file system cannot be an overlay's upper side. */
  readonly snapshotter: "overlayfs" | "native";
  /** Whether processes may lower their OOM score; without it containerd must not try. */
  readonly mayLowerOomScore: boolean;
}

/**
 * Runs a smallest container with runc, so that a machine on which none can run is found out before anything starts.
 * Throws SKERRY_NEEDS_ROOT or SKERRY_CONTAINERS_UNAVAILABLE. Leaves nothing behind.
 */
export async function checkContainerAbility(parts: SystemParts, scratch: string): Promise<ContainerAbility> {
  if (process.getuid?.() !== 0) throw needsRoot("The edge node");
  mkdirSync(scratch, { recursive: true });
  const folder = mkdtempSync(join(scratch, "check-"));
  const id = `skerry-check-${process.pid}`;
  const runc = [parts.runc, "--root", join(folder, "runc")];
  const limits = { environment: parts.environment, timeoutMs: 20_000 };
  try {
    const bundle = join(folder, "bundle");
    for (const sub of ["proc", "dev", "sys"]) mkdirSync(join(bundle, "rootfs", sub), { recursive: true });
    copyFileSync(parts.busybox, join(bundle, "rootfs/busybox"));
    writeFileSync(join(bundle, "config.json"), JSON.stringify(smallestContainer(id)));
    const result = await tryCommand([...runc, "run", "--bundle", bundle, id], limits);
    if (result.status !== 0) throw containersUnavailable(lastLines(result.stderr, 2));
    return {
      snapshotter: (await overlayWorks(folder)) ? "overlayfs" : "native",
      mayLowerOomScore: mayLowerOomScore(),
    };
  } finally {
    await tryCommand([...runc, "delete", "--force", id], limits);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** An OCI runtime configuration with the namespaces that a pod's container has. */
function smallestContainer(id: string): unknown {
  return {
    ociVersion: "1.0.2",
    process: { user: { uid: 0, gid: 0 }, args: ["/busybox", "true"], cwd: "/", env: ["PATH=/"] },
    root: { path: "rootfs" },
    hostname: id,
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755", "size=65536k"] },
    ],
    linux: {
      cgroupsPath: `/${id}`,
      namespaces: ["pid", "network", "ipc", "uts", "mount"].map((type) => ({ type })),
    },
  };
}

async function overlayWorks(folder: string): Promise<boolean> {
  const [lower, upper, work, merged] = ["lower", "upper", "work", "merged"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
    string,
  ];
  for (const path of [lower, upper, work, merged]) mkdirSync(path);
  const options = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
  const mounted = await tryCommand(["mount", "-t", "overlay", "overlay", "-o", options, merged]);
  if (mounted.status === 0) await tryCommand(["umount", merged]);
  return mounted.status === 0;
}

/** CAP_SYS_RESOURCE, bit 24 of the effective capabilities. */
function mayLowerOomScore(): boolean {
  const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(readStatus())?.[1] ?? "0";
  return (BigInt(`0x${capabilities}`) & (1n << 24n)) !== 0n;
}

function readStatus(): string {
  try {
    return readFileSync("/proc/self/status", "utf8");
  } catch {
    return "";
  }
}
