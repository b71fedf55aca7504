import { execFile } from "node:child_process";

/** How a program ended and what it printed. */
export interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly folder?: string;
}

/** So long that only a hang reaches it. */
const LIMIT_MS = 10 * 60_000;

/** Runs a program to its end, whatever its status. */
export function run(command: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const [program = "", ...parameters] = command;
  return new Promise((resolve) => {
    const child = execFile(
      program,
      parameters,
      {
        timeout: LIMIT_MS,
        killSignal: "SIGKILL",
        maxBuffer: 64 * 1024 * 1024,
        ...(options.folder === undefined ? {} : { cwd: options.folder }),
        env: { ...process.env, ...options.environment },
      },
      (error, stdout, stderr) => {
        const status = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
        resolve({ status, stdout, stderr });
      },
    );
    child.stdin?.on("error", () => {}); // It may end without reading.
    child.stdin?.end(options.input ?? "");
  });
}

/** Runs a program and gives what it printed. @throws Error when it fails */
export async function runOk(...command: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await run(command);
  if (status !== 0) throw new Error(`${command.join(" ")} ended with ${status}: ${stderr}`);
  return stdout;
}
