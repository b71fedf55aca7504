import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, constants, openSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { killTrees } from "@skerry/base/platform";
import {
  endSooner,
  enterPod,
  giveUpPowers,
  inTerminal,
  type Namespaces,
  showJoined,
  unshareContainer,
  unshareMounts,
} from "../container-command.ts";
import { handedOver, handedToTerminal } from "../container-environment.ts";
import { startFailed } from "../errors.ts";
import { INNER_BUSYBOX, INNER_TERMINAL } from "../scripts.ts";
import { isWasmModule } from "../wasm-module.ts";
import type { MachineAbility } from "./ability.ts";
import type { Container } from "./container-record.ts";
import type { ControlGroups } from "./control-groups.ts";
import { childrenOf, identify, type ProcessIdentity } from "./process-identity.ts";
import { TOOL_ENVIRONMENT } from "./run-tool.ts";
import type { ScriptFiles } from "./script-files.ts";
import { type WasmRunner, wasmCommand } from "./wasm-runner.ts";

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
  /** Asked only for what runs modules. */
  readonly wasm: () => Promise<WasmRunner>;
  readonly groups: ControlGroups;
}

/** A container that has begun. */
export interface Launched {
  /** Ends when the container ends. */
  readonly child: ChildProcess;
  readonly shim: ProcessIdentity;
  readonly main: ProcessIdentity;
  readonly makerId: number;
  /** Holds open what the container reads, where that ends with the first client's input. */
  readonly input: number | undefined;
}

const START_TIMEOUT_MS = 60_000;

/**
 * Starts a container's process, which goes on when this process ends.
 * @throws SkerryError `PROCESS_RUNTIME_START_FAILED`
 */
export async function launchContainer(options: LaunchOptions): Promise<Launched> {
  const { container, namespaces } = options;
  const { folder, state, config } = container;
  const isTerminal = config.tty === true;
  const wasm = isWasmModule(state.command.words) ? await options.wasm() : undefined;
  const input = config.stdin === true && config.stdinOnce === true && !isTerminal ? openInput(folder) : undefined;
  const files = standardFiles(container, input !== undefined);
  let child: ChildProcess;
  try {
    const [program = "", ...parameters] = chain(options, wasm);
    const { command } = state;
    child = spawn(program, parameters, {
      stdio: [...files.streams, "pipe", ...files.more],
      cwd: folder,
      detached: true,
      env: {
        ...TOOL_ENVIRONMENT,
        ...(isTerminal
          ? handedToTerminal({ ...command, words: commandWords(container, wasm) })
          : handedOver(command.environment)),
      },
    });
  } finally {
    for (const file of [...files.streams, ...files.more]) closeSync(file);
  }
  const told = await toldByChild(child);
  if (told === "ready") {
    // `nsenter --pid` starts a process of its own; what has ended already is nobody.
    const makerId = namespaces.processes.kind === "joined" ? (childrenOf(child.pid ?? 0)[0] ?? 0) : (child.pid ?? 0);
    const [mainId] = childrenOf(makerId);
    return { child, shim: identify(child.pid) ?? NOBODY, main: identify(mainId) ?? NOBODY, makerId, input };
  }
  killTrees([child.pid]);
  if (input !== undefined) closeSync(input);
  throw startFailed(`the container's root cannot be made: ${told}`);
}

/** A process that has ended before it was looked at; its shim has noted how. */
const NOBODY: ProcessIdentity = { processId: 0, startTicks: "", bootId: "" };

/** Everything up to the container's command. */
function chain(options: LaunchOptions, wasm: WasmRunner | undefined): string[] {
  const { container, namespaces, mounts, busybox, ability, scripts, groups } = options;
  const { user, command } = container.state;
  const isTerminal = container.config.tty === true;
  const security = container.config.linux?.securityContext;
  const own: readonly BindMount[] = [
    { from: busybox, to: INNER_BUSYBOX, isReadOnly: true },
    { from: scripts.terminal, to: INNER_TERMINAL, isReadOnly: true },
    ...(wasm?.mounts ?? []),
  ];
  return [
    ...groups.joining(container.id),
    ...enterPod(ability.tools, namespaces),
    ...(namespaces.processes.kind === "joined" ? showJoined(ability.tools, busybox, scripts.proc) : []),
    ...unshareContainer(ability.tools, user, namespaces),
    ...[busybox, "sh", scripts.shim, container.folder],
    ...endSooner(busybox, Number(container.config.linux?.resources?.oomScoreAdj ?? 0n)),
    ...unshareMounts(ability.tools),
    ...[busybox, "sh", scripts.container, busybox],
    // Nobody can know it, so that no link in an image leads there.
    `.skerry-${randomBytes(16).toString("hex")}`,
    command.workingDirectory,
    ability.overlay ? "overlay" : "copy",
    namespaces.processes.kind === "own" ? "own" : "shared",
    security?.readonlyRootfs === true ? "ro" : "rw",
    isTerminal ? "terminal" : "pipes",
    ...[...own, ...mounts].flatMap(({ from, to, isReadOnly }) => [from, to, isReadOnly ? "ro" : "rw"]),
    "--",
    ...giveUpPowers(INNER_BUSYBOX, user, ability.lastCapability),
    ...(isTerminal ? inTerminal(INNER_BUSYBOX, INNER_TERMINAL) : commandWords(container, wasm)),
  ];
}

function commandWords(container: Container, wasm: WasmRunner | undefined): readonly string[] {
  const { words } = container.state.command;
  return wasm ? wasmCommand(wasm, words, container.config.tty !== true) : words;
}

/** The writing end of what a container reads, kept here: once it is closed the container's input has ended. */
function openInput(folder: string): number {
  return openSync(join(folder, "stdin"), constants.O_RDWR | constants.O_NONBLOCK);
}

/**
 * What a container begins with. Both ends of the named pipes are open at the container, so that nobody's end is the end of
 * its output, or of its input but where that is wanted.
 * @param hasWriter whether somebody holds the other end of its input
 */
function standardFiles(
  { folder, config }: Container,
  hasWriter: boolean,
): { readonly streams: readonly number[]; readonly more: readonly number[] } {
  const isTerminal = config.tty === true;
  const access = hasWriter ? constants.O_RDONLY : constants.O_RDWR;
  const streams = [
    // A terminal's size comes this way too.
    config.stdin === true || isTerminal
      ? openSync(join(folder, "stdin"), access)
      : openSync("/dev/null", constants.O_RDONLY),
    openSync(join(folder, "stdout"), constants.O_RDWR),
    openSync(join(folder, "stderr"), constants.O_RDWR),
  ];
  if (!isTerminal) return { streams, more: [] };
  return {
    streams,
    more: [openSync("/dev/null", constants.O_RDONLY), openSync(join(folder, "terminal-exit"), "w", 0o600)],
  };
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
