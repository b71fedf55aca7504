import { createHash } from "node:crypto";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CONTAINER_SCRIPT, PROC_SCRIPT, SHIM_SCRIPT, TERMINAL_SCRIPT } from "../scripts.ts";
import { WASI_SCRIPT } from "./wasi-script.ts";

/** Where the scripts are that containers begin with. */
export interface ScriptFiles {
  readonly shim: string;
  readonly container: string;
  readonly proc: string;
  /** Containers see it and start it. */
  readonly terminal: string;
  /** Node.js runs it. */
  readonly wasi: string;
}

/**
 * Writes the scripts into a folder, each under a name of its own text: shells go on reading the file while they run it, so
 * another version never takes its place.
 */
export async function writeScripts(folder: string): Promise<ScriptFiles> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const write = async (name: string, text: string, mode = 0o600): Promise<string> => {
    const path = join(folder, `${name}-${createHash("sha256").update(text).digest("hex").slice(0, 12)}.sh`);
    await writeFile(`${path}.new`, text, { mode });
    await rename(`${path}.new`, path);
    return path;
  };
  return {
    shim: await write("shim", SHIM_SCRIPT),
    container: await write("container", CONTAINER_SCRIPT),
    proc: await write("proc", PROC_SCRIPT),
    terminal: await write("terminal", TERMINAL_SCRIPT, 0o755),
    wasi: await write("wasi", WASI_SCRIPT),
  };
}
