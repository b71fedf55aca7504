import { type JoinTokenScope, MAX_BATCH } from "@skerry/cloudcore";
import { isNodeName } from "@skerry/pki";
import { usageError } from "../errors.ts";

/** What a token is for when nothing is said. */
const DEFAULT_NODE = "edge-node-2";
const DEFAULT_TTL_MS = 86_400_000;
const UNITS_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const MAX_TTL_MS = 365 * 86_400_000;

/** Whom a token is for, of the options of `skerry token`. Throws SKERRY_USAGE. */
export function scopeOption(values: {
  readonly node?: string | undefined;
  readonly count?: string | undefined;
  readonly names?: string | undefined;
}): JoinTokenScope {
  const { node, count, names } = values;
  if (count === undefined && names === undefined) {
    const nodeName = node ?? DEFAULT_NODE;
    if (!isNodeName(nodeName))
      throw usageError(
        `--node needs a name of lower case letters, digits, "-" and ".", at most 253 long, not ${JSON.stringify(nodeName)}`,
      );
    return { kind: "node", nodeName };
  }
  if (node !== undefined) throw usageError("Use either --node, for one node, or --count with --names, for several");
  const number = Number(count);
  if (!Number.isInteger(number) || number < 1 || number > MAX_BATCH)
    throw usageError(`--count needs a number of nodes from 1 to ${MAX_BATCH}, not ${JSON.stringify(count ?? "")}`);
  if (names === undefined) return { kind: "batch", count: number };
  if (names.length > 253 || !/^[a-z0-9.*-]+$/.test(names))
    throw usageError(`--names needs a pattern like sensor-*, not ${JSON.stringify(names)}`);
  return { kind: "batch", count: number, namePattern: names };
}

/** The time of `--ttl`, such as `30m`, `12h` or `7d`, in ms. Throws SKERRY_USAGE. */
export function timeToLiveOption(text: string | undefined): number {
  if (text === undefined) return DEFAULT_TTL_MS;
  const [, number, unit = ""] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  const milliseconds = Number(number) * (UNITS_MS[unit] ?? 0);
  if (!(milliseconds > 0 && milliseconds <= MAX_TTL_MS))
    throw usageError(`--ttl needs a time like 30m, 12h or 7d, at most 365d, not ${JSON.stringify(text)}`);
  return milliseconds;
}
