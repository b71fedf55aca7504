import { rm } from "node:fs/promises";
import { runTool } from "./run-tool.ts";

/**
 * Removes a folder with all in it. A container may have left folders that even their owner may not enter; root of a user
 * namespace may.
 */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 2 });
  } catch {
    await runTool(["unshare", "--user", "--map-root-user", "rm", "-rf", "--one-file-system", "--", path]);
    await rm(path, { recursive: true, force: true });
  }
}
