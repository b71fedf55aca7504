import { type ChildProcess, spawn } from "node:child_process";
import { killTrees } from "@skerry/base/platform";
import { startFailed } from "../errors.ts";
import { identify, type ProcessIdentity } from "./process-identity.ts";
import { TOOL_ENVIRONMENT } from "./run-tool.ts";

const READY_TIMEOUT_MS = 30_000;

/**
 * Starts a process that holds namespaces, which says `ready`. It goes on when this process ends.
 * @throws SkerryError `PROCESS_RUNTIME_START_FAILED`
 */
export async function hold([program = "", ...parameters]: readonly string[]): Promise<ProcessIdentity> {
  const child = spawn(program, parameters, {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
    env: TOOL_ENVIRONMENT,
  });
  const told = await firstWord(child);
  const holder = identify(child.pid);
  if (told === "ready" && holder) return holder;
  killTrees([child.pid]);
  throw startFailed(`the pod's namespaces cannot be made: ${told}`);
}

/** What a starting process says first: `ready`, or why not. It goes on without us. */
function firstWord(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    let errors = "";
    const end = (word: string): void => {
      clearTimeout(timer);
      child.stdout?.destroy();
      child.stderr?.destroy();
      child.unref();
      resolve(word);
    };
    const timer = setTimeout(() => end(`not within ${READY_TIMEOUT_MS / 1000} s`), READY_TIMEOUT_MS);
    child.stdout?.once("data", (chunk: Buffer) => end(chunk.toString("utf8").trim()));
    child.stderr?.on("data", (chunk: Buffer) => {
      errors = (errors + chunk.toString("utf8")).slice(-1_000);
    });
    child.once("error", (error) => end(error.message));
    child.once("close", () => end(errors.trim() || "the process ended"));
  });
}
