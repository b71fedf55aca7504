import { usageError } from "../errors.ts";
import type { Settings } from "../settings.ts";

/** The port of an option. Throws SKERRY_USAGE. */
export function portOption(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw usageError(`${option} needs a port number between 1 and 65535, not ${JSON.stringify(text)}`);
  return port;
}

/** The number of an option, from 1 on. Throws SKERRY_USAGE. */
export function countOption(text: string | undefined, option: string, most: number): number | undefined {
  if (text === undefined) return undefined;
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > most)
    throw usageError(`${option} needs a number between 1 and ${most}, not ${JSON.stringify(text)}`);
  return count;
}

/** The range of `--pod-subnet`. Throws SKERRY_USAGE. */
export function subnetOption(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  const valid =
    match?.slice(1, 5).every((part) => Number(part) < 256) && Number(match?.[5]) >= 16 && Number(match?.[5]) <= 28;
  if (!valid) throw usageError(`--pod-subnet needs an IPv4 range like 10.99.0.0/24, not ${JSON.stringify(text)}`);
  return text;
}

/** The runtime of `--runtime`. Throws SKERRY_USAGE. */
export function runtimeOption(text: string | undefined): Settings["runtime"] | undefined {
  if (text === undefined || text === "containerd" || text === "process" || text === "auto") return text;
  throw usageError(`--runtime is containerd, process or auto, not ${JSON.stringify(text)}`);
}
