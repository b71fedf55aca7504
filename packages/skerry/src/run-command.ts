import { execFile } from "node:child_process";
import { commandFailed } from "./errors.ts";

/** What a finished command left. */
export interface CommandResult {
  /** Exit status; -1 when it could not start or was killed. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly folder?: string;
  /** @default 60000 */
  readonly timeoutMs?: number;
}

const OUTPUT_LIMIT_BYTES = 16 * 1024 * 1024;

/** Runs a command to its end, without a shell; never throws for its failure. */
export function tryCommand(command: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const [program = "", ...parameters] = command;
  return new Promise((resolve) => {
    execFile(
      program,
      parameters,
      {
        timeout: options.timeoutMs ?? 60_000,
        killSignal: "SIGKILL",
        maxBuffer: OUTPUT_LIMIT_BYTES,
        encoding: "utf8",
        ...(options.folder === undefined ? {} : { cwd: options.folder }),
        env: { ...process.env, ...options.environment },
      },
      (error, stdout, stderr) => {
        const status = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
        resolve({ status, stdout, stderr: stderr || (status === -1 ? (error?.message ?? "") : "") });
      },
    );
  });
}

/** Runs a command to its end and returns what it printed. Throws SKERRY_COMMAND_FAILED. */
export async function runCommand(command: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await tryCommand(command, options);
  if (result.status !== 0) throw commandFailed(command, lastLines(result.stderr || result.stdout));
  return result.stdout;
}

/** The end of a command's output, where its reason usually is. */
export function lastLines(text: string, count = 3): string {
  return text.trim().split("\n").slice(-count).join(" / ") || "no message";
}
