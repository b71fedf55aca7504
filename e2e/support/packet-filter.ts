import { existsSync, globSync } from "node:fs";
import { join } from "node:path";
import { unpackDebianPackages } from "../../packages/skerry/src/systemparts/debian-packages.ts";
import { ensureSystemParts } from "../../packages/skerry/src/systemparts/system-parts.ts";
import { sharedParts } from "./installation.ts";
import { run } from "./run.ts";

/** What `iptables-save` and `nft list ruleset` say on this machine, without counters and times. */
export async function packetFilterRules(): Promise<string> {
  const parts = await ensureSystemParts(sharedParts, { onDownload() {}, onNoMosquitto() {} });
  const unpacked = await unpackDebianPackages(["nftables"], join(sharedParts, "tests"));
  const nft = [join(unpacked, "usr/sbin/nft"), "/usr/sbin/nft"].find((path) => existsSync(path)) ?? "nft";
  const libraries = [
    ...globSync(join(unpacked, "{usr/lib,lib}/*-linux-gnu")),
    parts.environment["LD_LIBRARY_PATH"] ?? "",
  ].filter((folder) => folder !== "");
  const environment = { ...parts.environment, LD_LIBRARY_PATH: libraries.join(":") };
  const printed = [];
  for (const command of [["iptables-save"], [nft, "list", "ruleset"]]) {
    const { status, stdout, stderr } = await run(command, { environment });
    if (status !== 0) throw new Error(`${command.join(" ")} ended with ${status}: ${stderr}`);
    printed.push(`$ ${command.join(" ")}\n${withoutCounters(stdout)}`);
  }
  return printed.join("\n");
}

function withoutCounters(rules: string): string {
  return rules
    .split("\n")
    .filter((line) => !line.startsWith("#"))
    .map((line) => line.replace(/\[\d+:\d+\]/, "").replace(/counter packets \d+ bytes \d+/, "counter"))
    .join("\n");
}
