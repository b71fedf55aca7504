import { closeSync, constants, existsSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tryCommand } from "../run-command.ts";
import type { SystemParts } from "../systemparts/system-parts.ts";

/** The machine's settings that pods with IPv6 change. */
export interface Ipv6Before {
  /** net.ipv6.conf.all.forwarding, which the bridge plugin turns on. */
  readonly forwarding: string;
  /** Interfaces that forwarded by themselves while that was off: setting it sets all of them. */
  readonly alone?: readonly string[];
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
  if (!isWritable("all", "forwarding")) return "net.ipv6.conf.all.forwarding cannot be set here";
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

/** @param settings the folder of the interfaces' settings */
export function readIpv6Before(settings: string = SETTINGS): Ipv6Before {
  const forwarding = read("all", "forwarding", settings) ?? "1";
  const interfaces = forwarding === "0" ? readdirSync(settings).filter((name) => name !== "all") : [];
  const forwards = (name: string): boolean => read(name, "forwarding", settings) === "1";
  const advertised = interfaces.filter((name) => read(name, "accept_ra", settings) === UNLESS_FORWARDING);
  return {
    forwarding,
    alone: interfaces.filter(forwards),
    advertised: advertised.filter((name) => !forwards(name)),
  };
}

/** A machine that forwards takes no address and route from routers any more, and would lose its own: it goes on with it. */
export function takeRouterAdvertisements({ advertised }: Ipv6Before): void {
  for (const name of advertised) write(name, "accept_ra", ALWAYS);
}

/** Makes it as it was. Never throws. */
export function restoreIpv6({ forwarding, alone = [], advertised }: Ipv6Before, settings: string = SETTINGS): void {
  if (forwarding === "0") {
    write("all", "forwarding", forwarding, settings);
    for (const name of alone) write(name, "forwarding", "1", settings);
  }
  for (const name of advertised)
    if (read(name, "accept_ra", settings) === ALWAYS) write(name, "accept_ra", UNLESS_FORWARDING, settings);
}

function read(name: string, setting: string, settings: string = SETTINGS): string | undefined {
  try {
    return readFileSync(join(settings, name, setting), "utf8").trim();
  } catch {
    return undefined; // An interface may go at any time.
  }
}

function write(name: string, setting: string, value: string, settings: string = SETTINGS): void {
  try {
    // Makes no file: an interface may have gone.
    writeFileSync(join(settings, name, setting), value, { flag: "r+" });
  } catch {
    // Best effort: nothing here is worth failing for.
  }
}

/** Without writing: the same value again would set it for all interfaces. */
function isWritable(name: string, setting: string): boolean {
  try {
    closeSync(openSync(join(SETTINGS, name, setting), constants.O_WRONLY));
    return true;
  } catch {
    return false;
  }
}
