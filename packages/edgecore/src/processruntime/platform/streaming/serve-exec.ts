import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { constants as system } from "node:os";
import { type Readable, Transform, type Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { killTrees } from "@skerry/base/platform";
import { sizeBytes, TerminalOutput, TerminalSizes, typedBytes } from "../../terminal-bytes.ts";
import type { ContainerCommand } from "../container-exec.ts";
import { TOOL_ENVIRONMENT } from "../run-tool.ts";
import type { ClientStreams } from "./command-session.ts";

/** What the command has started may go on and hold its output open; it is not waited for longer than this is quiet. */
const QUIET_MS = 1_000;
/** A command whose terminal is gone may still do something about it. */
const HANG_UP_MS = 2_000;

/** Runs a command in a container for a client, without a terminal; returns its exit code. Killed when the client goes. */
export async function serveExec(command: ContainerCommand, streams: ClientStreams, gone: AbortSignal): Promise<number> {
  const child = start(command, [streams.stdin ? "pipe" : "ignore", "pipe", "pipe"]);
  gone.addEventListener("abort", () => killRunning(child), { once: true });
  if (gone.aborted) killRunning(child);
  if (child.stdin) streams.stdin?.pipe(child.stdin);
  const outputs = [
    [child.stdout, streams.stdout],
    [child.stderr, streams.stderr],
  ] as const;
  for (const [from, to] of outputs) if (from) show(from, to);
  const closed = once(child, "close");
  closed.catch(() => undefined); // What could not start is told by the next line.
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  await Promise.race([closed, quiet(child, [streams.stdout, streams.stderr])]);
  return code ?? 128 + (signal ? system.signals[signal] : 0);
}

/** Like {@link serveExec}, for a command that has a terminal. */
export async function serveTerminal(
  command: ContainerCommand,
  streams: ClientStreams,
  gone: AbortSignal,
): Promise<number> {
  const child = start(command, ["pipe", "pipe", "ignore", "pipe"]);
  const { stdin, stdout } = child;
  if (!stdin || !stdout) throw new Error("the terminal has no streams");
  const closed = once(child, "close");
  const hangUp = (): void => {
    if (!isRunning(child)) return;
    stdin.destroy();
    const timer = setTimeout(() => killRunning(child), HANG_UP_MS);
    child.once("close", () => clearTimeout(timer));
  };
  gone.addEventListener("abort", hangUp, { once: true });
  if (gone.aborted) hangUp();
  const code = text(child.stdio[3] as Readable).catch(() => "");
  const terminal = new TerminalOutput();
  const shown = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const wasBegun = terminal.hasBegun;
      done(null, terminal.take(chunk));
      if (terminal.hasBegun && !wasBegun) streams.stdin?.pipe(typed()).pipe(stdin, { end: false });
    },
  });
  show(stdout.pipe(shown), streams.stdout);
  resize(streams.resize, stdin);
  await closed;
  const told = (await code).trim();
  if (told === "") throw new Error("the terminal has ended without its command's exit code");
  return Number(told);
}

/** Leads what is typed to a terminal. */
export function typed(): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      done(null, typedBytes(chunk));
    },
  });
}

/** Leads sizes to a terminal. */
export function resize(from: Readable | undefined, to: Writable): void {
  const sizes = new TerminalSizes();
  from?.on("data", (bytes: Buffer) => {
    for (const size of sizes.take(bytes)) if (to.writable) to.write(sizeBytes(size));
  });
}

function start({ words, environment }: ContainerCommand, stdio: ("pipe" | "ignore")[]): ChildProcess {
  const [program = "", ...parameters] = words;
  const child = spawn(program, parameters, { stdio, env: { ...TOOL_ENVIRONMENT, ...environment } });
  child.on("error", () => undefined); // Who waits for its end is told; here nobody may wait yet.
  for (const stream of child.stdio) stream?.on("error", () => undefined); // Its end is told by the process.
  return child;
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

/** Another process may have the id of one that has ended. */
function killRunning(child: ChildProcess): void {
  if (isRunning(child)) killTrees([child.pid]);
}

function show(from: Readable, to: Writable | undefined): void {
  if (to) from.pipe(to, { end: false });
  else from.resume();
}

/** Resolves when nothing has come for a while though the client took all. */
function quiet(child: ChildProcess, clients: readonly (Writable | undefined)[]): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      if (clients.some((client) => client && !client.destroyed && client.writableNeedDrain)) timer.refresh();
      else resolve();
    }, QUIET_MS);
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", () => timer.refresh());
    child.once("close", () => clearTimeout(timer));
  });
}
