import { isIPv6 } from "node:net";
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

/** The ranges of `--pod-subnet`: one of IPv4, and one of IPv6 after a comma. Throws SKERRY_USAGE. */
export function subnetOption(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const [ipv4 = "", ipv6, ...more] = text.split(",");
  if (!isIPv4Range(ipv4) || (ipv6 !== undefined && !isIPv6Range(ipv6)) || more.length > 0)
    throw usageError(
      `--pod-subnet needs an IPv4 range like 10.99.0.0/24, or that and an IPv6 range like 10.99.0.0/24,fd00:99::/64, each with the first address of the range, not ${JSON.stringify(text)}`,
    );
  return text;
}

function isIPv4Range(text: string): boolean {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  const [, ...parts] = match ?? [];
  const length = Number(parts.pop());
  return (
    parts.every((part) => Number(part) < 256) && length >= 16 && length <= 28 && isFirst(parts.map(Number), 8, length)
  );
}

function isIPv6Range(text: string): boolean {
  const [address = "", length = "", ...more] = text.split("/");
  const bits = Number(length);
  if (!isIPv6(address) || address.includes("%") || !/^\d+$/.test(length) || more.length > 0) return false;
  const groups = groupsOf(address);
  const [first = 0] = groups;
  const isOfLink = (first & 0xffc0) === 0xfe80;
  const isMulticast = first >= 0xff00;
  return !isOfLink && !isMulticast && bits >= 16 && bits <= 112 && isFirst(groups, 16, bits);
}

/** The eight numbers of an IPv6 address. */
function groupsOf(address: string): number[] {
  // As a URL has it no group is an IPv4 address.
  const halves = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const [head = [], tail = []] = halves.map((half) => half.split(":").filter((group) => group !== ""));
  const zeros = new Array<string>(8 - head.length - tail.length).fill("0");
  return [...head, ...zeros, ...tail].map((group) => Number.parseInt(group, 16));
}

/** Whether an address is the first of its range: the plugin that gives out addresses takes no other. */
function isFirst(numbers: readonly number[], bitsEach: number, prefixLength: number): boolean {
  const bits = numbers.map((each) => each.toString(2).padStart(bitsEach, "0")).join("");
  return !bits.slice(prefixLength).includes("1");
}

/** The runtime of `--runtime`. Throws SKERRY_USAGE. */
export function runtimeOption(text: string | undefined): Settings["runtime"] | undefined {
  if (text === undefined || text === "containerd" || text === "process" || text === "auto") return text;
  throw usageError(`--runtime is containerd, process or auto, not ${JSON.stringify(text)}`);
}
