import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { arch } from "node:os";
import { join } from "node:path";
import { sharedParts } from "./installation.ts";
import { run } from "./run.ts";

/** A kubectl package of Debian's archive, the same bytes wherever it comes from. */
interface PinnedPackage {
  /** @default "kubectl" */
  readonly name?: string;
  readonly debianVersion: string;
  /** Of the package's file, by architecture. */
  readonly sha256: Readonly<Record<string, string>>;
  /** As the archive of all that Debian ever had names files. */
  readonly sha1: Readonly<Record<string, string>>;
}

/** The versions of kubectl that the tests use. */
export type KubectlVersion = "1.20.2" | "1.32.3" | "1.36.4";

const PACKAGES: Readonly<Record<KubectlVersion, PinnedPackage>> = {
  "1.20.2": {
    name: "kubernetes-client",
    debianVersion: "1.20.5+really1.20.2-1.1+deb12u1",
    sha256: {
      amd64: "087c42dc26c847740043cdaa8b16db666be5591a1da957f822922aa1b677494e",
      arm64: "a80869df8ac3c5a5b17056a049a6b9b4ad9b521ff331d99d6362ee6a6fef6d02",
    },
    sha1: { amd64: "390d8864ed9bba991095fb96ba8844422ec009a7", arm64: "035a9d8e0e771b2dff5d578895254757d8939e97" },
  },
  "1.32.3": {
    debianVersion: "1.32.3+ds-2",
    sha256: {
      amd64: "9825aaf4c14913027aae04af8688e580459f781c829bd5de00cc4dc2cc5a867f",
      arm64: "b85800b5e2d2ecc958e2b9dfa7d4ce13b14e1175242de1f71acb4fa4b0b63212",
    },
    sha1: { amd64: "37df9446910831fc54d5af3f7c70e0b673d10d70", arm64: "894d75e2a99c65cbdac15d02c330b4ed967dc960" },
  },
  "1.36.4": {
    debianVersion: "1.36.4+ds-1",
    sha256: {
      amd64: "407dad9ec755a64ef8c96dd2f5c0c093f9d334193c91cc0ce8424928cd5734d3",
      arm64: "5710b3f09f454702b7342852021612d0215bbcaa2520cb539ff0105b1e349e2c",
    },
    sha1: { amd64: "617235bcc4910eefa630bc3da3b31955bc3e581e", arm64: "0cf54f3cc15f01cf17939d82e41517f5e279e32d" },
  },
};

const APT_HELPER = "/usr/lib/apt/apt-helper";
const SNAPSHOTS = "https://snapshot.debian.org/file";

/**
 * The path of a kubectl of exactly this version: Debian's package, unpacked and not installed, and kept for later runs.
 * It comes from the mirrors that the machine's apt uses, or, once they have a newer one, from Debian's snapshots.
 * @throws Error that names the version and what to do, when neither has it
 */
export async function pinnedKubectl(version: KubectlVersion): Promise<string> {
  const pinned = PACKAGES[version];
  const architecture = arch() === "x64" ? "amd64" : arch();
  const sha256 = pinned.sha256[architecture];
  const sha1 = pinned.sha1[architecture];
  if (sha256 === undefined || sha1 === undefined)
    throw new Error(`kubectl ${version} is pinned for amd64 and arm64 only, not for ${architecture}`);
  const folder = join(sharedParts, "tests", `kubectl-${version}-${architecture}`);
  const program = join(folder, "usr", "bin", "kubectl");
  if (existsSync(program)) return program;

  mkdirSync(join(sharedParts, "tests"), { recursive: true });
  const unpacking = mkdtempSync(join(sharedParts, "tests", "kubectl-"));
  try {
    const file = join(unpacking, "kubectl.deb");
    const name = `${pinned.name ?? "kubectl"}_${pinned.debianVersion}_${architecture}.deb`;
    const mirrors = (await mirrorsOfApt()).map((mirror) => `${mirror}pool/main/k/kubernetes/${name}`);
    await downloadFirst([...mirrors, `${SNAPSHOTS}/${sha1}`], file, sha256, version);
    const unpacked = await run(["dpkg-deb", "--extract", file, unpacking]);
    if (unpacked.status !== 0) throw new Error(`${name}: ${unpacked.stderr}`);
    rmSync(file);
    renameSync(unpacking, folder);
  } finally {
    rmSync(unpacking, { recursive: true, force: true });
  }
  return program;
}

/** The base addresses of the archives that this machine's apt is set to. */
async function mirrorsOfApt(): Promise<string[]> {
  const listed = await run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]);
  return [...new Set(listed.stdout.split("\n").filter((line) => line.startsWith("http")))];
}

async function downloadFirst(
  addresses: readonly string[],
  file: string,
  sha256: string,
  version: KubectlVersion,
): Promise<void> {
  const reasons: string[] = [];
  for (const address of addresses) {
    const loaded = await run([APT_HELPER, "download-file", address, file, `SHA256:${sha256}`]);
    if (loaded.status === 0) return;
    reasons.push(`${address}: ${(loaded.stderr || loaded.stdout).trim().split("\n").at(-1)}`);
  }
  throw new Error(
    `no archive has the pinned kubectl ${version} (SHA-256 ${sha256}):\n  ${reasons.join("\n  ")}\n` +
      "Check the network; if Debian has dropped this version, pin one that it has in e2e/support/pinned-kubectl.ts.",
  );
}
