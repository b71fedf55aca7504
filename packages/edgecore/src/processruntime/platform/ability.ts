import { access, constants, mkdir, mkdtemp, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { NamespaceTools } from "../container-command.ts";
import { namespacesRefused } from "../errors.ts";
import type { LimitAbility } from "./control-groups.ts";
import type { OutboundAbility } from "./outbound-network.ts";
import { removeTree } from "./remove-tree.ts";
import { runTool, TOOL_ENVIRONMENT } from "./run-tool.ts";

/** What this machine lets the account do. */
export interface MachineAbility {
  readonly tools: NamespaceTools;
  /** Whether containers can share their image's files; else each has a copy of them. */
  readonly overlay: boolean;
  /** The kernel's highest capability. */
  readonly lastCapability: number;
}

const NAMESPACES = [
  "--user",
  "--map-user=0",
  "--map-group=0",
  "--keep-caps",
  "--mount",
  "--pid",
  "--fork",
  "--net",
  "--ipc",
  "--uts",
  "--mount-proc",
];
const OVERLAY_SCRIPT =
  "mkdir lower upper work root && mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work,userxattr root";

/**
 * Tries out what containers need. Leaves nothing behind.
 * @param scratch a folder on the file system that containers will be on
 * @throws SkerryError `PROCESS_RUNTIME_NO_NAMESPACES`
 */
export async function checkAbility(scratch: string): Promise<MachineAbility> {
  const tools = { unshare: await programPath("unshare"), nsenter: await programPath("nsenter") };
  const namespaces = await runTool([tools.unshare, ...NAMESPACES, "true"]);
  if (namespaces.status !== 0)
    throw namespacesRefused(namespaces.errors.toString("utf8").trim().split("\n").at(-1) || "unshare failed");
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(scratch, "check-"));
  try {
    const mounting = [tools.unshare, "--user", "--map-root-user", "--mount", "sh", "-c", OVERLAY_SCRIPT];
    const overlay = await runTool(mounting, { folder });
    const last = Number(await readFile("/proc/sys/kernel/cap_last_cap", "latin1"));
    return { tools, overlay: overlay.status === 0, lastCapability: last };
  } finally {
    await removeTree(folder);
  }
}

/** @throws SkerryError `PROCESS_RUNTIME_NO_NAMESPACES` */
async function programPath(name: string): Promise<string> {
  for (const folder of (TOOL_ENVIRONMENT["PATH"] ?? "").split(":")) {
    const path = join(folder, name);
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  throw namespacesRefused(`there is no program ${name}, which comes with util-linux`);
}

/** What containers have here, for people. */
export function describeAbility({ overlay }: MachineAbility, outbound: OutboundAbility, limits: LimitAbility): string {
  return [
    "no container engine: user, mount, process and network namespaces",
    overlay ? "files by overlayfs" : "each container has a copy of its image",
    outbound.kind === "none"
      ? `pods are reached from this machine and reach nothing outside unless hostNetwork (${outbound.reason})`
      : "pods are reached from this machine, and reach what it reaches",
    ...(limits.cpu && limits.memory ? ["limits by control groups"] : []),
    ...(limits.cpu ? [] : ["limits of CPU are not enforced"]),
    ...(limits.memory ? [] : ["limits of memory are not enforced"]),
  ].join("; ");
}
