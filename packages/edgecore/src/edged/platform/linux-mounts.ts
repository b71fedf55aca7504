import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { commandFailed } from "../errors.ts";
import type { Mounts } from "../ports.ts";

const run = promisify(execFile);
const COMMAND_TIMEOUT_MS = 10_000;

/**
 * The {@link Mounts} port over `mount` and `umount`. An account without root makes no mounts: what should be in memory
 * stays a folder then (docs/runtimes.md).
 */
export const linuxMounts: Mounts = {
  async mountMemory(path, sizeBytes) {
    if (process.getuid?.() !== 0) return;
    const options = sizeBytes === undefined ? "mode=0777" : `mode=0777,size=${Math.max(4096, Math.floor(sizeBytes))}`;
    await command("mount", ["-t", "tmpfs", "-o", options, "tmpfs", path]);
  },
  async unmount(path) {
    await command("umount", [path]);
  },
  async listBelow(path) {
    const table = await readFile("/proc/self/mountinfo", "utf8");
    const found = table
      .split("\n")
      .map((line) => unescapeOctal(line.split(" ")[4] ?? ""))
      .filter((mountPoint) => mountPoint === path || mountPoint.startsWith(`${path}/`));
    return found.sort((left, right) => right.length - left.length);
  },
};

async function command(program: string, parameters: readonly string[]): Promise<void> {
  try {
    await run(program, parameters, { timeout: COMMAND_TIMEOUT_MS });
  } catch (error) {
    throw commandFailed([program, ...parameters].join(" "), error);
  }
}

/** mountinfo writes spaces and the like as `\040`. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
