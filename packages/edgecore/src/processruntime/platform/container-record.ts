import { existsSync, readFileSync, statSync } from "node:fs";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ContainerConfig, CreateContainerRequest } from "../../edged/platform/generated/cri.ts";
import type { ProcessCommand } from "../command-line.ts";
import type { Namespaces, ProcessIdentity as User } from "../container-command.ts";
import { isWasmModule } from "../wasm-module.ts";
import { childrenOf, type ProcessIdentity } from "./process-identity.ts";

/** What is kept of a container on disk beside its configuration. */
export interface ContainerState {
  readonly createdAtMs: number;
  readonly imageId: string;
  readonly imageName: string;
  readonly user: User;
  readonly command: ProcessCommand;
  readonly stopSignal: NodeJS.Signals;
  /** Once it was started. */
  readonly run?: ContainerRun;
}

/** A container's process. */
export interface ContainerRun {
  readonly startedAtMs: number;
  readonly namespaces: Namespaces;
  /** Waits for the container's end and notes its exit code. */
  readonly shim: ProcessIdentity;
  /** The container's first process. */
  readonly main: ProcessIdentity;
  /** Has made the container's namespaces: {@link ContainerProcesses}. */
  readonly makerId: number;
}

/** How a container's process has ended. */
export interface ContainerEnd {
  readonly exitCode: number;
  readonly finishedAtMs: number;
  readonly reason: string;
}

/** A container. */
export interface Container {
  readonly id: string;
  readonly folder: string;
  readonly sandboxId: string;
  readonly config: ContainerConfig;
  state: ContainerState;
  end: ContainerEnd | undefined;
}

/** A container that runs. */
export type RunningContainer = Container & { readonly state: { readonly run: ContainerRun } };

/** Who hears a container's signals: with a helper before the command it is not the first process. */
export function commandProcessId({ config, state }: Container, { main }: ContainerRun): number {
  // telnetd, its shell, the command (scripts.ts); or a shell and Node.js (wasm-module.ts).
  const helpers = config.tty === true ? 2 : isWasmModule(state.command.words) ? 1 : 0;
  let processId: number | undefined = main.processId;
  for (let left = helpers; left > 0 && processId !== undefined; left--) processId = childrenOf(processId)[0];
  return processId ?? main.processId;
}

const KILLED_EXIT_CODE = 137;

/** Keeps what the container is made from. */
export async function saveRequest(folder: string, request: CreateContainerRequest): Promise<void> {
  await writeFile(join(folder, "request.pb"), CreateContainerRequest.encode(request).finish(), { mode: 0o600 });
}

export async function saveState({ folder, state }: Container): Promise<void> {
  const path = join(folder, "state.json");
  await writeFile(`${path}.new`, JSON.stringify(state), { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** What was kept of a container. */
export async function readContainer(id: string, folder: string): Promise<Container> {
  const request = CreateContainerRequest.decode(await readFile(join(folder, "request.pb")));
  const state = JSON.parse(await readFile(join(folder, "state.json"), "utf8")) as ContainerState;
  return {
    id,
    folder,
    sandboxId: request.podSandboxId ?? "",
    config: request.config ?? {},
    state,
    end: undefined,
  };
}

/**
 * How the container has ended, by what its shim noted; one whose shim was killed too, or the whole machine, ended like a
 * killed one.
 * @param wasOutOfMemory whether the kernel killed a process of it for that
 */
export function readEnd(folder: string, wasOutOfMemory: boolean): ContainerEnd {
  const path = join(folder, "exit");
  if (!existsSync(path)) return { exitCode: KILLED_EXIT_CODE, finishedAtMs: Date.now(), reason: "Error" };
  const exitCode = Number(readFileSync(path, "latin1").trim() || KILLED_EXIT_CODE);
  const reason = exitCode === 0 ? "Completed" : wasOutOfMemory ? "OOMKilled" : "Error";
  return { exitCode, finishedAtMs: statSync(path).mtimeMs, reason };
}
