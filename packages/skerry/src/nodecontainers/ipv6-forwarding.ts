import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tryCommand } from "../run-command.ts";
import type { SystemParts } from "../systemparts/system-parts.ts";

/** The machine's settings that pods with IPv6 change. */
export interface Ipv6Before {
  /** net.ipv6.conf.all.forwarding, which the bridge plugin turns on. */
  readonly forwarding: string;
  /** Interfaces that take their address and route from routers as long as the machine forwards nothing. */
  readonly advertised: readonly string[];
}

const SETTINGS = "/proc/sys/net/ipv6/conf";
const UNLESS_FORWARDING = "1";
const ALWAYS = "2";

/** Made and removed again, to see what the kernel can. */
const TRIAL = `SKERRY-TRY-${process.pid}`;

/** Why pods cannot have IPv6 on this machine; undefined when they can. Leaves all as it was. */
export async function ipv6Problem(parts: Pick<SystemParts, "ip6tables" | "environment">): Promise<string | undefined> {
  if (!existsSync("/proc/net/if_inet6")) return "the kernel has no IPv6";
  if (read("all", "disable_ipv6") !== "0") return "IPv6 is switched off (net.ipv6.conf.all.disable_ipv6)";
  if (!write("all", "forwarding", read("all", "forwarding") ?? "0"))
    return "net.ipv6.conf.all.forwarding cannot be set here";
  return masqueradeProblem(parts);
}

/** The plugins make such a rule for each pod, which does not start where they cannot. */
async function masqueradeProblem({
  ip6tables,
  environment,
}: Pick<SystemParts, "ip6tables" | "environment">): Promise<string | undefined> {
  const nat = (...parameters: string[]): ReturnType<typeof tryCommand> =>
    tryCommand([ip6tables, "-w", "5", "-t", "nat", ...parameters], { environment });
  const made = await nat("-N", TRIAL);
  const { status, stderr } = made.status === 0 ? await nat("-A", TRIAL, "-j", "MASQUERADE") : made;
  if (made.status === 0) for (const end of ["-F", "-X"]) await nat(end, TRIAL);
  return status === 0 ? undefined : `ip6tables does not work: ${stderr.trim().split("\n")[0] ?? ""}`;
}

export function readIpv6Before(): Ipv6Before {
  const forwarding = read("all", "forwarding") ?? "1";
  const interfaces = forwarding === "0" ? readdirSync(SETTINGS).filter((name) => name !== "all") : [];
  return { forwarding, advertised: interfaces.filter((name) => read(name, "accept_ra") === UNLESS_FORWARDING) };
}

/** A machine that forwards takes no address and route from routers any more, and would lose its own: it goes on with it. */
export function takeRouterAdvertisements({ advertised }: Ipv6Before): void {
  for (const name of advertised) write(name, "accept_ra", ALWAYS);
}

/** Makes it as it was. Never throws. */
export function restoreIpv6({ forwarding, advertised }: Ipv6Before): void {
  if (forwarding === "0") write("all", "forwarding", forwarding);
  for (const name of advertised) if (read(name, "accept_ra") === ALWAYS) write(name, "accept_ra", UNLESS_FORWARDING);
}

function read(name: string, setting: string): string | undefined {
  try {
    return readFileSync(join(SETTINGS, name, setting), "utf8").trim();
  } catch {
    return undefined; // An interface may go at any time.
  }
}

/** Whether it could be set. */
function write(name: string, setting: string, value: string): boolean {
  try {
    writeFileSync(join(SETTINGS, name, setting), value);
    return true;
  } catch {
    return false;
  }
}
