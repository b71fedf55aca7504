import type { Environment } from "@marcbachmann/cel-js";
import { celText } from "./cel-text.ts";

const TIMESTAMP = "google.protobuf.Timestamp";
const DURATION = "google.protobuf.Duration";

/** Conversions of times and durations that the library has not; members of these formats are converted already. */
export function registerTimeFunctions(environment: Environment): void {
  const same = (value: unknown): unknown => value;
  environment
    .registerFunction(`timestamp(${TIMESTAMP}): ${TIMESTAMP}`, same)
    .registerFunction(`duration(${DURATION}): ${DURATION}`, same)
    .registerFunction(`string(${TIMESTAMP}): string`, celText)
    .registerFunction(`string(${DURATION}): string`, celText)
    .registerFunction(`int(${TIMESTAMP}): int`, (time: Date) => BigInt(Math.floor(time.getTime() / 1000)));
}
