import { setTimeout as delay } from "node:timers/promises";
import type { LogReader } from "./log-reader.ts";
import { processorMs } from "./process-time.ts";
import { waitUntil } from "./shipped-skerry.ts";

export interface BesideLogOptions {
  /** A round of the work that is timed; its samples in ms. */
  readonly work: () => Promise<readonly number[]>;
  readonly startLog: () => LogReader;
  /** Whose processor's time is counted, by name. */
  readonly processIds: ReadonlyMap<string, number>;
  /** At least so many without a log, and with one. */
  readonly samples: number;
}

export interface BesideLog {
  readonly quiet: readonly number[];
  readonly loaded: readonly number[];
  readonly readBytes: number;
  readonly readMs: number;
  /** The processor's time that each process used for a megabyte of log, in ms, by name. */
  readonly costsMs: ReadonlyMap<string, number>;
}

const LOG_BYTES = 100e6;
/** A slow network does not carry so much in any useful time. */
const LOG_LIMIT_MS = 3 * 60_000;
/** After a log, until what was on its way has gone. */
const SETTLE_MS = 1_000;

/**
 * Does work in rounds that take turns, with no log and while one is read, so that both see the same machine; until there
 * are enough samples of both, and 100 MB of the log were read or three minutes spent on it.
 */
export async function besideLog({ work, startLog, processIds, samples }: BesideLogOptions): Promise<BesideLog> {
  const [quiet, loaded]: [number[], number[]] = [[], []];
  const costs = new Map([...processIds.keys()].map((name) => [name, 0]));
  const add = (usedMs: ReadonlyMap<string, number>, sign: 1 | -1): void => {
    for (const [name, value] of usedMs) costs.set(name, (costs.get(name) ?? 0) + sign * value);
  };
  let [readBytes, readMs, pairedBytes] = [0, 0, 0];
  while (loaded.length < samples || (readBytes < LOG_BYTES && readMs < LOG_LIMIT_MS)) {
    const isPaired = quiet.length < samples;
    if (isPaired) {
      await delay(SETTLE_MS);
      add(await used(processIds, async () => quiet.push(...(await work()))), -1);
    }
    const beganMs = performance.now();
    const usedMs = await used(processIds, async () => {
      await using log = startLog();
      await waitUntil("the log comes", () => log.readBytes > 0 || undefined, 1);
      loaded.push(...(await work()));
      readBytes += log.readBytes;
      if (isPaired) pairedBytes += log.readBytes;
    });
    readMs += performance.now() - beganMs;
    // What the work itself costs is taken off with its round without a log.
    if (isPaired) add(usedMs, 1);
  }
  const costsMs = new Map([...costs].map(([name, costMs]) => [name, costMs / (pairedBytes / 1e6)]));
  return { quiet, loaded, readBytes, readMs, costsMs };
}

/** The processor's time that each process used while something was done, in ms. */
async function used(
  processIds: ReadonlyMap<string, number>,
  act: () => Promise<unknown>,
): Promise<ReadonlyMap<string, number>> {
  const times = (): (readonly [string, number])[] => [...processIds].map(([name, id]) => [name, processorMs(id)]);
  const before = new Map(times());
  await act();
  return new Map(times().map(([name, timeMs]) => [name, timeMs - (before.get(name) ?? 0)]));
}
