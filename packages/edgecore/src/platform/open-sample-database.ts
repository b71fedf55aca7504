import { type Clock, describeError, type Logger } from "@skerry/base";
import type { Database } from "@skerry/store";
import { telemetryMigrations } from "../telemetry/index.ts";
import { openOrReplace } from "./open-edge-database.ts";

/**
 * Opens the database of the ring of samples; a damaged one is moved aside. Undefined when it cannot be opened at all: a
 * node works without it, and what it reports still reaches the twins.
 */
export function openSampleDatabase(path: string, clock: Clock, logger: Logger): Database | undefined {
  try {
    // What the ring holds is spoken of when it is on the disk only, so it need not hold up all else until then.
    const options = { path, migrations: telemetryMigrations, cachePages: 64, syncsBeside: true };
    return openOrReplace(options, clock, (finding) =>
      logger.error("The database of samples is damaged and was moved aside; an empty one takes its place", {
        ...finding,
        lost: "samples that had not reached the cloud",
      }),
    );
  } catch (error) {
    logger.error("Samples of devices are not kept on this node", { path, reason: describeError(error) });
    return undefined;
  }
}
