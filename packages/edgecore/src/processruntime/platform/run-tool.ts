import { spawn } from "node:child_process";
import { killTrees } from "@skerry/base/platform";

/** What a tool left. */
export interface ToolResult {
  /** Exit status; 128 and the signal's number when it was killed, -1 when it could not start. */
  readonly status: number;
  readonly output: Buffer;
  readonly errors: Buffer;
  readonly isTimedOut: boolean;
}

export interface ToolOptions {
  /** @default 30_000 */
  readonly timeoutMs?: number;
  /** Of each stream; what comes beyond is dropped. @default 1 MiB */
  readonly limitBytes?: number;
  readonly folder?: string;
  /** Beside what every tool gets. */
  readonly environment?: Readonly<Record<string, string>>;
}

const SIGKILL_STATUS = 137;
/** All that the machine's tools need. Nothing of a container's environment gets near them. */
export const TOOL_ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  LC_ALL: "C",
};

/** Runs a program of the machine to its end, without a shell; at the time limit it is killed with all below it. */
export function runTool(
  [program = "", ...parameters]: readonly string[],
  options: ToolOptions = {},
): Promise<ToolResult> {
  const { timeoutMs = 30_000, limitBytes = 1024 * 1024, folder, environment } = options;
  return new Promise((resolve) => {
    const child = spawn(program, parameters, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...TOOL_ENVIRONMENT, ...environment },
      ...(folder === undefined ? {} : { cwd: folder }),
    });
    let isTimedOut = false;
    const timer = setTimeout(() => {
      isTimedOut = true;
      killTrees([child.pid]);
      // Somebody outside of the tree may still hold the pipes open.
      child.stdout.destroy();
      child.stderr.destroy();
    }, timeoutMs);
    const output = gather(child.stdout, limitBytes);
    const errors = gather(child.stderr, limitBytes);
    const end = (status: number): void => {
      clearTimeout(timer);
      resolve({ status, output: output(), errors: errors(), isTimedOut });
    };
    child.once("error", (error) => {
      clearTimeout(timer);
      resolve({ status: -1, output: Buffer.alloc(0), errors: Buffer.from(error.message), isTimedOut });
    });
    child.once("close", (code) => end(code ?? SIGKILL_STATUS));
  });
}

function gather(stream: NodeJS.ReadableStream, limitBytes: number): () => Buffer {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on("data", (chunk: Buffer) => {
    const part = chunk.subarray(0, Math.max(0, limitBytes - bytes));
    bytes += part.length;
    if (part.length > 0) chunks.push(part);
  });
  stream.on("error", () => undefined);
  return () => Buffer.concat(chunks);
}
