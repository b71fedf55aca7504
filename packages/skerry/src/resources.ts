import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { invariant } from "@skerry/base";

/** A folder that is shipped with Skerry, such as `examples/app`: beside the packages in a clone, or in the package. */
export function shippedFolder(path: string): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const candidate = join(folder, path);
    if (existsSync(candidate)) return candidate;
    invariant(folder !== dirname(folder), `${path} is shipped with Skerry`);
  }
}
