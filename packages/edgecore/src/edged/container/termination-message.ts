import { join } from "node:path";
import { PodPaths } from "../pod/pod-paths.ts";
import { restartCountOf, terminationMessagePolicyAnnotation } from "../pod/runtime-names.ts";
import type { FileSystem, RuntimeContainerStatus } from "../ports.ts";

const MESSAGE_LIMIT_BYTES = 4096;
const LOG_TAIL_BYTES = 4096;
const LOG_MESSAGE_LIMIT = 2048;
const LOG_LINES = 80;

/** What an ended container left as its last words. */
export async function terminationMessage(
  files: FileSystem,
  paths: PodPaths,
  container: RuntimeContainerStatus,
): Promise<string> {
  const restartCount = restartCountOf(container);
  const written = await files.readFile(paths.terminationLog(container.name, restartCount), MESSAGE_LIMIT_BYTES);
  if (written && written.length > 0) return new TextDecoder().decode(written);
  const fallsBack = container.annotations[terminationMessagePolicyAnnotation] === "FallbackToLogsOnError";
  if (!fallsBack || container.exitCode === 0) return "";
  const log = join(paths.logs, PodPaths.logPath(container.name, restartCount));
  const tail = await files.readFile(log, LOG_TAIL_BYTES, "tail");
  if (!tail) return "";
  // CRI log line: time, stream, whether the line ends here (F) or goes on (P), then the text.
  const lines = new TextDecoder()
    .decode(tail)
    .split("\n")
    .flatMap((line) => {
      const [, tag, text = ""] = /^\S+ (?:stdout|stderr) ([FP]) (.*)$/.exec(line) ?? [];
      return tag === undefined ? [] : [tag === "F" ? `${text}\n` : text];
    });
  return lines.slice(-LOG_LINES).join("").slice(-LOG_MESSAGE_LIMIT);
}
