import { type ExecFileException, execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import type { IpFamily } from "@skerry/api";
import { rulesRefused } from "../errors.ts";
import type { PacketFilter } from "../packet-filter.ts";
import { type ChainNames, packetRules } from "../packet-rules.ts";
import { noteOfRules } from "./note-of-rules.ts";

const COMMAND_TIMEOUT_MS = 20_000;
/** Another program may hold the lock of the tables: containers' networks are made by the same program. */
const LOCK_SECONDS = "10";
/** How iptables ends when it is to empty a chain that is not there. */
const NO_SUCH_CHAIN = 1;

type Environment = Readonly<Record<string, string>>;

/** What changes the kernel's tables: by name or path. */
export interface IptablesPrograms {
  readonly iptables: string;
  readonly ip6tables: string;
  readonly environment: Environment;
}

interface Jump {
  readonly table: "nat" | "filter";
  readonly from: string;
  readonly chain: string;
  /** `last`: a mesh that leads addresses of Services itself and was there first goes first. */
  readonly place: "first" | "last";
}

/**
 * The names of the chains of one node; several nodes may be on one machine.
 * @param rootDirectory Edged's
 */
export function chainNames(rootDirectory: string): ChainNames {
  const hash = createHash("sha256").update(rootDirectory).digest("hex").slice(0, 8);
  return { services: `SKERRY-SVC-${hash}`, masquerade: `SKERRY-MASQ-${hash}`, filter: `SKERRY-FLT-${hash}` };
}

/** The names of the programs for a family. */
function programsOf(family: IpFamily): Programs {
  const program = family === "IPv6" ? "ip6tables" : "iptables";
  return { program, restore: `${program}-restore` };
}

interface Programs {
  readonly program: string;
  readonly restore: string;
}

/**
 * The packet filter by the programs of iptables, which the containers' networks are made with too.
 * @param environment of the programs, beside EdgeCore's own
 */
export function iptablesFilter(rootDirectory: string, family: IpFamily, environment: Environment = {}): PacketFilter {
  const programs = programsOf(family);
  const chains = chainNames(rootDirectory);
  let applied: string | undefined;
  let isNoted = false;
  return {
    async apply(services, nameServers, renewal) {
      const rules = packetRules(services, nameServers, chains, family);
      if (rules === applied && !renewal) return;
      if (!isNoted) isNoted = await note(rootDirectory, family);
      const isComplete = applied !== undefined && !renewal;
      applied = undefined;
      await run(programs.restore, ["-w", LOCK_SECONDS, "--noflush"], environment, rules);
      // A pod's network puts its own rule first when there is none, and so lets out what is to be refused.
      for (const jump of jumps(chains))
        if (!isComplete || jump.from === "FORWARD") await ensureJump(jump, programs, environment);
      applied = rules;
    },
  };
}

/**
 * Removes what {@link iptablesFilter} made for a node. Never throws; safe to call again.
 * @returns whether none of it is left; otherwise what may be left stays noted
 */
export async function removeRules(rootDirectory: string, programs: IptablesPrograms): Promise<boolean> {
  const { iptables, ip6tables, environment } = programs;
  let isGone = true;
  for (const [program, family] of [
    [iptables, "IPv4"],
    [ip6tables, "IPv6"],
  ] as const) {
    const file = noteOfRules(rootDirectory, family);
    if (await removeRulesBy(program, rootDirectory, environment))
      await rm(file, { force: true }).catch(() => undefined);
    // A machine without IPv6 never had any.
    else if (existsSync(file)) isGone = false;
  }
  return isGone;
}

async function removeRulesBy(program: string, rootDirectory: string, environment: Environment): Promise<boolean> {
  const chains = chainNames(rootDirectory);
  const attempt = async (table: string, ...parameters: string[]): Promise<ExecFileException | null> =>
    (await execute(program, ["-w", LOCK_SECONDS, "-t", table, ...parameters], environment)).error;
  for (const { table, from, chain } of jumps(chains)) await attempt(table, "-D", from, "-j", chain);
  let isGone = true;
  for (const [table, chain] of [
    ["nat", chains.services],
    ["nat", chains.masquerade],
    ["filter", chains.filter],
  ] as const) {
    const unemptied = await attempt(table, "-F", chain);
    if (unemptied?.code === NO_SUCH_CHAIN) continue;
    // A chain that is jumped to cannot be removed, so this tells of the jumps too.
    if (unemptied ?? (await attempt(table, "-X", chain))) isGone = false;
  }
  return isGone;
}

/** Whether it could be noted that there may be rules: a full disk is no reason not to make them. */
async function note(rootDirectory: string, family: IpFamily): Promise<boolean> {
  try {
    await mkdir(rootDirectory, { recursive: true });
    await writeFile(noteOfRules(rootDirectory, family), "");
    return true;
  } catch {
    return false;
  }
}

function jumps({ services, masquerade, filter }: ChainNames): Jump[] {
  return [
    { table: "nat", from: "PREROUTING", chain: services, place: "last" },
    { table: "nat", from: "OUTPUT", chain: services, place: "last" },
    { table: "nat", from: "POSTROUTING", chain: masquerade, place: "first" },
    { table: "filter", from: "INPUT", chain: filter, place: "first" },
    { table: "filter", from: "FORWARD", chain: filter, place: "first" },
    { table: "filter", from: "OUTPUT", chain: filter, place: "first" },
  ];
}

/** Makes the jump, or moves it to its place. @throws `SERVICES_RULES_REFUSED` */
async function ensureJump(
  { table, from, chain, place }: Jump,
  { program, restore }: Programs,
  environment: Environment,
): Promise<void> {
  const base = ["-w", LOCK_SECONDS, "-t", table];
  const jump = `${from} -j ${chain}`;
  const listed = await run(program, [...base, "-S", from], environment);
  const rules = listed.split("\n").filter((line) => line.startsWith("-A "));
  const position = rules.indexOf(`-A ${jump}`);
  if (position < 0) {
    await run(program, [...base, place === "first" ? "-I" : "-A", from, "-j", chain], environment);
    return;
  }
  // Other nodes of the machine put theirs first too.
  const isFirst = rules.slice(0, position).every((rule) => rule.startsWith(`-A ${from} -j SKERRY-`));
  if (place === "last" || isFirst) return;
  // In one step: there is no time without the jump, and what others change meanwhile is not touched.
  const move = [`*${table}`, `-D ${jump}`, `-I ${jump}`, "COMMIT", ""].join("\n");
  await run(restore, ["-w", LOCK_SECONDS, "--noflush"], environment, move);
}

/** @throws `SERVICES_RULES_REFUSED` */
async function run(...call: Parameters<typeof execute>): Promise<string> {
  const { error, stdout, stderr } = await execute(...call);
  const [program, parameters] = call;
  if (error) throw rulesRefused([program, ...parameters].join(" "), stderr.trim() || error);
  return stdout;
}

interface Ended {
  /** Why it did not end well. */
  readonly error: ExecFileException | null;
  readonly stdout: string;
  readonly stderr: string;
}

function execute(program: string, parameters: readonly string[], environment: Environment, input = ""): Promise<Ended> {
  return new Promise((resolve) => {
    const env = { ...process.env, ...environment };
    const child = execFile(program, parameters, { timeout: COMMAND_TIMEOUT_MS, env }, (error, stdout, stderr) =>
      resolve({ error, stdout, stderr }),
    );
    // A program that ends before it has read all tells why by its own end.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
  });
}
