import { isSkerryError, type Logger } from "@skerry/base";
import { createLogger, systemClock } from "@skerry/base/platform";
import { tellFailed, tellReady } from "../supervisor/part-messages.ts";
import { printError } from "../terminal.ts";
import { EXIT_FAILED, EXIT_OK, EXIT_RESTART } from "./command.ts";

/**
 * Node.js cuts small buffers out of slabs of 64 KiB, and a slab lives as long as one of them: each TLS connection has one
 * of 9 bytes, which cost CloudCore 60 kB a node.
 */
const BUFFER_SLAB_BYTES = 512;

/** How long a service that has failed may take to stop. */
const FAILED_STOP_MS = 2_000;

/** What kind of a service it is. */
export interface ServiceOptions {
  /** It has a `shutDown`: SIGPWR is for it, from the start on. Other services are ended by that signal at once. */
  readonly hasShutdown?: boolean;
}

/** A started service, with facts for its supervisor. */
export interface RunningService {
  readonly service: AsyncDisposable;
  readonly facts?: Readonly<Record<string, string | number>>;
  /** What is done before it stops because the machine goes down (SIGPWR). */
  readonly shutDown?: () => Promise<void>;
}

/** A logger for a process: JSON lines for files and collectors, text at a terminal. */
export function processLogger(): Logger {
  return createLogger({
    clock: systemClock,
    format: process.stdout.isTTY ? "text" : "json",
    level: process.env["SKERRY_LOG_LEVEL"] === "debug" ? "debug" : "info",
    write: (line) => process.stdout.write(`${line}\n`),
  });
}

/**
 * Runs a service until SIGTERM, SIGINT, SIGPWR or the end of its supervisor, or until it calls `fail` or `restart`, then stops it
 * in order. Resolves with the exit code.
 */
export async function runService(
  start: (logger: Logger, fail: (error: unknown) => void, restart: () => void) => Promise<RunningService>,
  { hasShutdown = false }: ServiceOptions = {},
): Promise<number> {
  Buffer.poolSize = BUFFER_SLAB_BYTES;
  const stop = Promise.withResolvers<void>();
  let exitCode = EXIT_OK;
  const restart = (): void => {
    exitCode = EXIT_RESTART;
    stop.resolve();
  };
  stop.promise.catch(() => undefined); // It may fail while the service still starts; it is awaited below.
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => stop.resolve());
  process.on("disconnect", () => stop.resolve());
  const goesDown = Promise.withResolvers<void>();
  if (hasShutdown) process.on("SIGPWR", () => goesDown.resolve());
  const logger = processLogger();
  try {
    const { service, facts, shutDown } = await start(logger, stop.reject, restart);
    if (shutDown) void goesDown.promise.then(shutDown).then(stop.resolve, stop.reject);
    tellReady(facts);
    try {
      await stop.promise;
    } catch (error) {
      // What has failed may be unable to stop in order.
      setTimeout(() => process.exit(EXIT_FAILED), FAILED_STOP_MS).unref();
      await Promise.resolve(service[Symbol.asyncDispose]()).catch(() => undefined);
      throw error;
    }
    await service[Symbol.asyncDispose]();
    if (process.connected) process.disconnect();
    return exitCode;
  } catch (error) {
    tellFailed(error);
    printError(error);
    if (!isSkerryError(error)) logger.error("Ended by an error", { reason: String(error) });
    if (process.connected) process.disconnect();
    return EXIT_FAILED;
  }
}
