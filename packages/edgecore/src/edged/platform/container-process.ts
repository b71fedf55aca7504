import { isJsonObject } from "@skerry/base";
import { signalFailed } from "../errors.ts";

/** The process of a container by what its runtime tells beside the status; undefined when it has none. */
export function processIdOf(info: Readonly<Record<string, string>>): number | undefined {
  try {
    const details: unknown = JSON.parse(info["info"] ?? "{}");
    const id = isJsonObject(details) ? details["pid"] : undefined;
    return typeof id === "number" && Number.isSafeInteger(id) && id > 1 ? id : undefined;
  } catch {
    return undefined; // Not JSON: a runtime that tells other things there.
  }
}

/** Sends a signal; a process that has ended is fine. @throws `EDGED_SIGNAL_FAILED` */
export function signalProcess(id: number | undefined, signal: string): void {
  if (id === undefined) throw signalFailed(signal, "the container runtime does not tell the container's process");
  try {
    process.kill(id, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw signalFailed(signal, String(error));
  }
}
