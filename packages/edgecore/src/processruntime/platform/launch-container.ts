import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, constants, openSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import {
  enterPod,
  giveUpPowers,
  type Namespaces,
  showJoined,
  unshareContainer,
  unshareMounts,
} from "../container-command.ts";
import { handedOver } from "../container-environment.ts";
import { startFailed } from "../errors.ts";
import type { MachineAbility } from "./ability.ts";
import type { Container } from "./container-record.ts";
import { childrenOf, identify, type ProcessIdentity } from "./process-identity.ts";
import { killTree, TOOL_ENVIRONMENT } from "./run-tool.ts";
import type { ScriptFiles } from "./script-files.ts";

/** A host path that a container sees. */
export interface BindMount {
  readonly from: string;
  readonly to: string;
  readonly isReadOnly: boolean;
}

/** What a launch is made from. */
export interface LaunchOptions {
  readonly container: Container;
  readonly namespaces: Namespaces;
  readonly mounts: readonly BindMount[];
  readonly busybox: string;
  readonly ability: MachineAbility;
  readonly scripts: ScriptFiles;
}

/** A container that has begun. */
export interface Launched {
  /** Ends when the container ends. */
  readonly child: ChildProcess;
  readonly shim: ProcessIdentity;
  readonly main: ProcessIdentity;
  readonly makerId: number;
}

const START_TIMEOUT_MS = 60_000;
/** What every container sees as its own program of last resort: scripts.ts. */
const INNER_BUSYBOX = "/dev/.skerry/busybox";

/**
 * Starts a container's process, which goes on when this process ends.
 * @throws SkerryError `PROCESS_RUNTIME_START_FAILED`
 */
export async function launchContainer(options: LaunchOptions): Promise<Launched> {
  const { container, namespaces } = options;
  const { folder, state, config } = container;
  const files = standardFiles(folder, config.stdin === true);
  let child: ChildProcess;
  try {
    const [program = "", ...parameters] = chain(options);
    child = spawn(program, parameters, {
      stdio: [...files, "pipe"],
      cwd: folder,
      detached: true,
      env: { ...TOOL_ENVIRONMENT, ...handedOver(state.command.environment) },
    });
  } finally {
    for (const file of files) closeSync(file);
  }
  const told = await toldByChild(child);
  if (told === "ready") {
    // `nsenter --pid` starts a process of its own; what has ended already is nobody.
    const makerId = namespaces.processes.kind === "joined" ? (childrenOf(child.pid ?? 0)[0] ?? 0) : (child.pid ?? 0);
    const [mainId] = childrenOf(makerId);
    return { child, shim: identify(child.pid) ?? NOBODY, main: identify(mainId) ?? NOBODY, makerId };
  }
  killTree(child.pid);
  throw startFailed(`the container's root cannot be made: ${told}`);
}

/** A process that has ended before it was looked at; its shim has noted how. */
const NOBODY: ProcessIdentity = { processId: 0, startTicks: "", bootId: "" };

/** Everything up to the container's command. */
function chain({ container, namespaces, mounts, busybox, ability, scripts }: LaunchOptions): string[] {
  const { user, command } = container.state;
  const security = container.config.linux?.securityContext;
  return [
    ...enterPod(ability.tools, namespaces),
    ...(namespaces.processes.kind === "joined" ? showJoined(ability.tools, busybox, scripts.proc) : []),
    ...unshareContainer(ability.tools, user, namespaces),
    ...[busybox, "sh", scripts.shim, container.folder],
    ...unshareMounts(ability.tools),
    ...[busybox, "sh", scripts.container, busybox],
    // Nobody can know it, so that no link in an image leads there.
    `.skerry-${randomBytes(16).toString("hex")}`,
    command.workingDirectory,
    ability.overlay ? "overlay" : "copy",
    namespaces.processes.kind === "own" ? "own" : "shared",
    security?.readonlyRootfs === true ? "ro" : "rw",
    ...mounts.flatMap(({ from, to, isReadOnly }) => [from, to, isReadOnly ? "ro" : "rw"]),
    "--",
    ...giveUpPowers(INNER_BUSYBOX, user, ability.lastCapability),
    ...command.words,
  ];
}

/** Both ends of the named pipes are open at the container: nobody's end is the end of its output. */
function standardFiles(folder: string, hasInput: boolean): number[] {
  return [
    hasInput ? openSync(join(folder, "stdin"), constants.O_RDWR) : openSync("/dev/null", constants.O_RDONLY),
    openSync(join(folder, "stdout"), constants.O_RDWR),
    openSync(join(folder, "stderr"), constants.O_RDWR),
  ];
}

/** `ready`, or what went wrong. */
function toldByChild(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    const report = child.stdio[3] as Readable;
    let text = "";
    const end = (word: string): void => {
      clearTimeout(timer);
      report.destroy();
      resolve(word);
    };
    const timer = setTimeout(() => end(`not within ${START_TIMEOUT_MS / 1000} s`), START_TIMEOUT_MS);
    report.on("data", (chunk: Buffer) => {
      text = (text + chunk.toString("utf8")).slice(-2_000);
      if (/^ready$/m.test(text)) end("ready");
    });
    report.on("error", () => undefined);
    child.once("error", (error) => end(error.message));
    child.once("close", () => end(text.trim().split("\n").at(-1) || "its process ended"));
    child.unref();
  });
}
