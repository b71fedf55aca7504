import type { TelemetrySinkConfig } from "@skerry/api";
import { type Clock, describeError, isSkerryError, type Logger } from "@skerry/base";
import { SqliteDatabase } from "@skerry/store/platform";
import {
  SqliteTelemetrySink,
  TelemetryRetention,
  type TelemetrySink,
  telemetrySinkMigrations,
} from "../telemetry/index.ts";

/** Opens a place for samples. @throws SkerryError `STORE_…` */
export async function openTelemetrySink(
  config: Exclude<TelemetrySinkConfig, { kind: "none" }>,
): Promise<TelemetrySink> {
  if (config.kind === "sqlite")
    return new SqliteTelemetrySink(new SqliteDatabase({ path: config.path, migrations: telemetrySinkMigrations }));
  // Loaded only where it is used.
  const { PostgresTelemetrySink } = await import("./postgres-telemetry-sink.ts");
  return new PostgresTelemetrySink(config.url);
}

/** A sink that also forgets what is too old. */
export interface RunningTelemetrySink extends AsyncDisposable {
  readonly sink: TelemetrySink;
}

/**
 * Starts the configured place for samples; undefined when there is none, or when it cannot be opened: pods and devices do
 * not wait for it, and the nodes keep their samples meanwhile.
 */
export async function startTelemetrySink(
  config: TelemetrySinkConfig,
  clock: Clock,
  logger: Logger,
): Promise<RunningTelemetrySink | undefined> {
  if (config.kind === "none") return undefined;
  let sink: TelemetrySink;
  try {
    sink = await openTelemetrySink(config);
  } catch (error) {
    logger.error("Samples of devices are not stored here; nodes keep them", {
      reason: describeError(error),
      advice: isSkerryError(error) ? error.advice : "Correct skerry.telemetry in cloudcore.yaml and restart CloudCore.",
    });
    return undefined;
  }
  const retention = new TelemetryRetention({ sink, clock, logger, maximumAgeMs: config.maximumAgeMs });
  retention.start();
  return {
    sink,
    async [Symbol.asyncDispose]() {
      await retention[Symbol.asyncDispose]();
      await sink[Symbol.asyncDispose]();
    },
  };
}
