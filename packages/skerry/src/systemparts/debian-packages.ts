import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { partsDownloadFailed, partsWithoutApt } from "../errors.ts";
import { lastLines, runCommand, tryCommand } from "../run-command.ts";
import { findProgram, programFolders } from "./find-program.ts";

/** Folders of unpacked packages are called so, with a hash of the packages' names. */
const UNPACKED_PREFIX = "debian-";

/** How long one apt-get run may take; slow links download about 40 MB. */
const APT_TIMEOUT_MS = 15 * 60_000;

/**
 * Downloads Debian packages, with those dependencies that the machine lacks, and unpacks them into one folder below
 * `folder`. Nothing is installed: apt works on its own cache (and package lists where the machine's do not do) in
 * `folder`, and checks the archive's signatures as always. Returns the folder they were unpacked in.
 */
export async function unpackDebianPackages(
  packages: readonly string[],
  folder: string,
  { timeoutMs = APT_TIMEOUT_MS }: { readonly timeoutMs?: number } = {},
): Promise<string> {
  const programs = programFolders();
  if (findProgram("apt-get", programs) === undefined || findProgram("dpkg-deb", programs) === undefined)
    throw partsWithoutApt(packages);
  const name = createHash("sha256")
    .update([...packages].sort().join(" "))
    .digest("hex")
    .slice(0, 8);
  const target = join(folder, `${UNPACKED_PREFIX}${name}`);
  if (existsSync(target)) return target;

  const cache = join(folder, "apt");
  const archives = join(cache, "archives");
  rmSync(archives, { recursive: true, force: true });
  mkdirSync(join(archives, "partial"), { recursive: true });
  const own = ["-o", `Dir::Cache=${cache}`, "-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User="];
  const install = ["install", "--yes", "--quiet=2", "--download-only", "--no-install-recommends", ...packages];
  const environment = { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" };
  const limits = { environment, timeoutMs };

  // The machine's package lists first; they may be absent or name versions that the archive no longer has.
  let result = await tryCommand(["apt-get", ...own, ...install], limits);
  if (result.status !== 0) {
    const lists = join(cache, "lists");
    mkdirSync(join(lists, "partial"), { recursive: true });
    const ownLists = [...own, "-o", `Dir::State::Lists=${lists}`];
    const updated = await tryCommand(["apt-get", ...ownLists, "update", "--quiet=2"], limits);
    result = await tryCommand(["apt-get", ...ownLists, ...install], limits);
    if (result.status !== 0)
      throw partsDownloadFailed(packages, lastLines(`${updated.stderr}\n${result.stderr || result.stdout}`));
  }

  const unpacking = join(folder, `unpacking-${process.pid}`);
  rmSync(unpacking, { recursive: true, force: true });
  mkdirSync(unpacking, { recursive: true });
  for (const archive of readdirSync(archives).filter((name) => name.endsWith(".deb")))
    await runCommand(["dpkg-deb", "--extract", join(archives, archive), unpacking]);
  renameSync(unpacking, target);
  rmSync(cache, { recursive: true, force: true });
  return target;
}

/** The folders that earlier runs unpacked packages in. */
export function unpackedFolders(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name.startsWith(UNPACKED_PREFIX))
    .map((entry) => join(folder, entry.name))
    .sort();
}
