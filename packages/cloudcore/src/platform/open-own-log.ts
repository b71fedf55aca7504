import { describeError } from "@skerry/base";
import { OwnLog } from "@skerry/base/platform";
import type { CloudCoreOptions } from "./cloud-core.ts";

/** A disk without room for the log stops nothing. */
export function openOwnLog(
  { config, clock, logger, ownLogFolder }: CloudCoreOptions,
  stack: AsyncDisposableStack,
): OwnLog | undefined {
  if (ownLogFolder === undefined || !config.cloudStream.enabled) return undefined;
  try {
    return stack.use(new OwnLog(ownLogFolder, clock));
  } catch (error) {
    logger.warn("CloudCore's own log cannot be kept for kubectl", { ownLogFolder, error: describeError(error) });
    return undefined;
  }
}
