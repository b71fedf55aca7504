import { tryCommand } from "../run-command.ts";
import type { SystemParts } from "../systemparts/system-parts.ts";
import { overlaps, parseSubnet } from "./subnets.ts";

/** One family of a pods' network, as its rules know it. */
export interface NetworkRules {
  /** The CNI network's name. */
  readonly name: string;
  readonly subnet: string;
  /** iptables or ip6tables. */
  readonly program: string;
  readonly environment: SystemParts["environment"];
}

/** Deletes the rules that the CNI plugins made for a network, then the chains that belong to it. Never throws. */
export async function removeNetworkRules(rules: NetworkRules): Promise<void> {
  for (const table of ["nat", "filter"]) {
    await removeOwn(rules, table);
    await removeSharedChains(rules, table);
  }
}

async function removeOwn(rules: NetworkRules, table: string): Promise<void> {
  const range = parseSubnet(rules.subnet);
  const own = (await listRules(rules, table)).filter((rule) => {
    if (rule.includes(rules.name)) return true;
    const address = /(?<= )([\da-f.:]+)\/(?:32|128)\b/.exec(rule)?.[1];
    return address !== undefined && rule.startsWith("-A CNI-") && overlaps(parseSubnet(address), range);
  });
  const chains = new Set(own.flatMap((rule) => /-j (CNI-(?:DN-)?[0-9a-f]{16,})\b/.exec(rule)?.[1] ?? []));
  await removeRulesAndChains(rules, table, own, [...chains]);
}

/** The plugins' shared chains go when the last network's rules are gone. */
async function removeSharedChains(rules: NetworkRules, table: string): Promise<void> {
  const shared =
    table === "nat" ? ["CNI-HOSTPORT-DNAT", "CNI-HOSTPORT-MASQ", "CNI-HOSTPORT-SETMARK"] : ["CNI-FORWARD", "CNI-ADMIN"];
  const lines = await listRules(rules, table);
  if (lines.some((line) => line.startsWith("-A CNI-") && line.includes("name:"))) return;
  if (lines.some((line) => line.startsWith("-A CNI-FORWARD") && /\/(32|128)\b/.test(line))) return;
  const jumps = lines.filter((line) => shared.some((chain) => line.includes(`-j ${chain}`)));
  await removeRulesAndChains(rules, table, jumps, shared);
}

async function listRules(rules: NetworkRules, table: string): Promise<string[]> {
  const { stdout } = await change(rules, table, "-S");
  return stdout.split("\n").filter((line) => line.startsWith("-A "));
}

async function removeRulesAndChains(
  rules: NetworkRules,
  table: string,
  lines: readonly string[],
  chains: readonly string[],
): Promise<void> {
  for (const line of lines) await change(rules, table, "-D", ...splitRule(line.slice(3)));
  for (const chain of chains) await change(rules, table, "-F", chain);
  for (const chain of chains) await change(rules, table, "-X", chain);
}

function change(
  { program, environment }: NetworkRules,
  table: string,
  ...parameters: string[]
): ReturnType<typeof tryCommand> {
  return tryCommand([program, "-w", "5", "-t", table, ...parameters], { environment });
}

/** The words of a rule as iptables prints it: quoted with `"`, with backslashes inside. */
export function splitRule(rule: string): string[] {
  return [...rule.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(
    (match) => match[1]?.replace(/\\(.)/g, "$1") ?? match[2] ?? "",
  );
}
