import { type Environment, EvaluationError } from "@marcbachmann/cel-js";
import { type Cidr, cidrContains, type IpBytes, ipText, maskIp, parseCidr, parseIp } from "./ip-address.ts";

class CelIp {
  readonly bytes: IpBytes;
  constructor(bytes: IpBytes) {
    this.bytes = bytes;
  }

  toString(): string {
    return ipText(this.bytes);
  }
}

class CelCidr {
  readonly range: Cidr;
  constructor(range: Cidr) {
    this.range = range;
  }

  toString(): string {
    return `${ipText(this.range.address)}/${this.range.prefixLength}`;
  }
}

class IpFunctions {}

const toIp = (text: string): CelIp => {
  const bytes = parseIp(text);
  if (!bytes) throw new EvaluationError(`IP Address "${text}" parse error during conversion from string`);
  return new CelIp(bytes);
};

const toCidr = (text: string): CelCidr => {
  const range = parseCidr(text);
  if (!range) throw new EvaluationError(`network address parse error during conversion from string: ${text}`);
  return new CelCidr(range);
};

/** `ip`, `isIP`, `cidr` and `isCIDR` with their methods. */
export function registerNetworkFunctions(environment: Environment): void {
  const holds = ({ range }: CelCidr, { bytes }: CelIp): boolean => cidrContains(range, bytes);
  const holdsRange = ({ range }: CelCidr, { range: inner }: CelCidr): boolean =>
    inner.prefixLength >= range.prefixLength && cidrContains(range, inner.address);
  environment
    .registerType("net.IP", CelIp)
    .registerType("net.CIDR", CelCidr)
    .registerType("IpFunctions", IpFunctions)
    .registerConstant("ip", "IpFunctions", new IpFunctions())
    .registerFunction("isIP(string): bool", (text: string) => parseIp(text) !== undefined)
    .registerFunction("ip(string): net.IP", toIp)
    .registerFunction(
      "IpFunctions.isCanonical(string): bool",
      (_self: unknown, text: string) => String(toIp(text)) === text,
    )
    .registerFunction("string(net.IP): string", String)
    .registerFunction("net.IP.family(): int", ({ bytes }: CelIp) => (bytes.length === 4 ? 4n : 6n))
    .registerFunction("net.IP.isUnspecified(): bool", ({ bytes }: CelIp) => bytes.every((byte) => byte === 0))
    .registerFunction("net.IP.isLoopback(): bool", isLoopback)
    .registerFunction("net.IP.isLinkLocalMulticast(): bool", isLinkLocalMulticast)
    .registerFunction("net.IP.isLinkLocalUnicast(): bool", isLinkLocalUnicast)
    .registerFunction("net.IP.isGlobalUnicast(): bool", isGlobalUnicast)
    .registerOperator("net.IP == net.IP", (one: CelIp, other: CelIp) => String(one) === String(other))
    .registerFunction("isCIDR(string): bool", (text: string) => parseCidr(text) !== undefined)
    .registerFunction("cidr(string): net.CIDR", toCidr)
    .registerFunction("string(net.CIDR): string", String)
    .registerFunction("net.CIDR.ip(): net.IP", ({ range }: CelCidr) => new CelIp(range.address))
    .registerFunction("net.CIDR.prefixLength(): int", ({ range }: CelCidr) => BigInt(range.prefixLength))
    .registerFunction(
      "net.CIDR.masked(): net.CIDR",
      ({ range: { address, prefixLength } }: CelCidr) =>
        new CelCidr({ address: maskIp(address, prefixLength), prefixLength }),
    )
    .registerFunction("net.CIDR.containsIP(net.IP): bool", holds)
    .registerFunction("net.CIDR.containsIP(string): bool", (range: CelCidr, text: string) => holds(range, toIp(text)))
    .registerFunction("net.CIDR.containsCIDR(net.CIDR): bool", holdsRange)
    .registerFunction("net.CIDR.containsCIDR(string): bool", (range: CelCidr, text: string) =>
      holdsRange(range, toCidr(text)),
    )
    .registerOperator("net.CIDR == net.CIDR", (one: CelCidr, other: CelCidr) => String(one) === String(other));
}

function isIn(range: string, bytes: IpBytes): boolean {
  const parsed = parseCidr(range);
  return parsed !== undefined && cidrContains(parsed, bytes);
}

function isLoopback({ bytes }: CelIp): boolean {
  return isIn("127.0.0.0/8", bytes) || isIn("::1/128", bytes);
}

function isLinkLocalMulticast({ bytes }: CelIp): boolean {
  return isIn("224.0.0.0/24", bytes) || isIn("ff02::/16", bytes);
}

function isLinkLocalUnicast({ bytes }: CelIp): boolean {
  return isIn("169.254.0.0/16", bytes) || isIn("fe80::/10", bytes);
}

/** As in Go: neither unspecified, loopback, multicast, link-local nor the broadcast address. */
function isGlobalUnicast(ip: CelIp): boolean {
  const { bytes } = ip;
  const isMulticast = isIn("224.0.0.0/4", bytes) || isIn("ff00::/8", bytes);
  const isBroadcast = bytes.length === 4 && bytes.every((byte) => byte === 255);
  const isUnspecified = bytes.every((byte) => byte === 0);
  return !isUnspecified && !isLoopback(ip) && !isMulticast && !isLinkLocalUnicast(ip) && !isBroadcast;
}
