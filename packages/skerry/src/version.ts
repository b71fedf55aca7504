import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { invariant } from "@skerry/base";

/** Skerry's version, from the package that this file is shipped in. */
export function skerryVersion(): string {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    try {
      const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version?: string };
      if (manifest.version !== undefined) return manifest.version;
    } catch {
      // Not in this folder.
    }
  }
  invariant(false, "Skerry is shipped with its package.json");
}
