import { existsSync, mkdirSync, readdirSync, readlinkSync, symlinkSync, unlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { partsIncomplete } from "../errors.ts";
import { unpackDebianPackages, unpackedFolders } from "./debian-packages.ts";
import { type FetchPorts, fetchMissing } from "./fetch-missing.ts";
import { findProgram, programFolders } from "./find-program.ts";

/** The system programs that every edge node needs, wherever they come from. */
export interface CommonParts {
  /** Statically linked, for images. */
  readonly busybox: string;
  readonly mosquitto: string | undefined;
  /** slirp4netns, for the process runtime. */
  readonly slirp: string | undefined;
  /** What the programs need in their environment: PATH, and library folders where they were unpacked. */
  readonly environment: Readonly<Record<string, string>>;
  /** Names of the programs that were unpacked by Skerry rather than found on the machine. */
  readonly unpacked: readonly string[];
}

/** The system programs of an edge node with containerd. */
export interface SystemParts extends CommonParts {
  readonly containerd: string;
  readonly ctr: string;
  readonly runc: string;
  /** Folder of the CNI plugins. */
  readonly cniFolder: string;
  readonly iptables: string;
  /** Beside iptables; an old or small machine may have none. */
  readonly ip6tables: string;
}

type PartName = "containerd" | "ctr" | "shim" | "runc" | "cni" | "iptables" | "busybox" | "mosquitto" | "slirp";

/** Which Debian package holds a part. */
const PACKAGES: Readonly<Record<PartName, string>> = {
  containerd: "containerd",
  ctr: "containerd",
  shim: "containerd",
  runc: "runc",
  cni: "containernetworking-plugins",
  iptables: "iptables",
  busybox: "busybox-static",
  mosquitto: "mosquitto",
  slirp: "slirp4netns",
};

/** Plugins that the pod network uses: systemparts/pod-network.ts. */
const CNI_PLUGINS = ["bridge", "host-local", "loopback", "portmap", "firewall"];

/** Finds the system parts on the machine or in what was unpacked before. Missing ones are undefined. */
function locate(folder: string): LocatedParts {
  const roots = unpackedFolders(folder);
  const unpackedPrograms = roots.flatMap((root) =>
    ["bin", "sbin", "usr/bin", "usr/sbin"].map((sub) => join(root, sub)),
  );
  const folders = [...programFolders(), ...unpackedPrograms];
  const cniFolders = [
    "/opt/cni/bin",
    "/usr/lib/cni",
    "/usr/libexec/cni",
    ...roots.map((root) => join(root, "usr/lib/cni")),
  ];
  // Only Debian's busybox-static is known to be without libraries; the machine's own `busybox` may need some.
  const busybox = findProgram("busybox", [
    ...unpackedPrograms,
    ...(existsSync("/usr/share/doc/busybox-static") ? programFolders() : []),
  ]);
  return {
    containerd: findProgram("containerd", folders),
    ctr: findProgram("ctr", folders),
    shim: findProgram("containerd-shim-runc-v2", folders),
    runc: findProgram("runc", folders),
    cni: cniFolders.find((cni) => CNI_PLUGINS.every((plugin) => existsSync(join(cni, plugin)))),
    // Debian makes the plain name only when the package is installed.
    iptables: findProgram("iptables", folders) ?? findProgram("xtables-nft-multi", unpackedPrograms),
    busybox,
    mosquitto: findProgram("mosquitto", folders),
    slirp: findProgram("slirp4netns", folders),
    roots,
  };
}

/** What a node without a container engine needs. */
const COMMON_NAMES: readonly PartName[] = ["busybox", "mosquitto"];

/** What is told while the parts are looked for. */
export interface PartsListener {
  readonly onDownload: (packages: readonly string[]) => void;
  /** Mosquitto cannot be had: the node has the embedded broker. */
  readonly onNoMosquitto: (reason: Error) => void;
  /** slirp4netns cannot be had: pods of the process runtime reach nothing outside of their networks. */
  readonly onNoSlirp?: (reason: Error) => void;
}

/**
 * Finds the system parts, and downloads those that the machine lacks into `folder`. A machine on which Mosquitto cannot
 * be had does without it. Throws SKERRY_PARTS_… errors.
 */
export async function ensureSystemParts(folder: string, listener: PartsListener): Promise<SystemParts> {
  const missing = (): PartName[] => missingParts(locate(folder)).filter((name) => name !== "slirp");
  await fetchParts(missing(), folder, listener);
  const parts = findSystemParts(folder);
  if (!parts) throw partsIncomplete(missing(), folder);
  return parts;
}

/**
 * Like {@link ensureSystemParts}, for a node without a container engine.
 * @param mayLeadOut whether slirp4netns would be of any use on this machine
 */
export async function ensureCommonParts(
  folder: string,
  listener: PartsListener,
  mayLeadOut: boolean,
): Promise<CommonParts> {
  const missing = (): PartName[] => missingParts(locate(folder)).filter((name) => COMMON_NAMES.includes(name));
  await fetchParts(missing(), folder, listener);
  if (mayLeadOut && locate(folder).slirp === undefined) {
    const { onDownload } = listener;
    const noSlirp = await fetchMissing([], [PACKAGES.slirp], { onDownload, unpack: unpackInto(folder) });
    if (noSlirp) listener.onNoSlirp?.(noSlirp);
  }
  const parts = findCommonParts(folder);
  if (!parts) throw partsIncomplete(missing(), folder);
  return parts;
}

async function fetchParts(missing: readonly PartName[], folder: string, listener: PartsListener): Promise<void> {
  const packagesOf = (names: readonly PartName[]): string[] => [...new Set(names.map((name) => PACKAGES[name]))];
  const noMosquitto = await fetchMissing(
    packagesOf(missing.filter((name) => name !== "mosquitto")),
    packagesOf(missing.filter((name) => name === "mosquitto")),
    { onDownload: listener.onDownload, unpack: unpackInto(folder) },
  );
  if (noMosquitto) listener.onNoMosquitto(noMosquitto);
}

function unpackInto(folder: string): FetchPorts["unpack"] {
  return (packages, limits) => {
    mkdirSync(folder, { recursive: true });
    return unpackDebianPackages(packages, folder, limits);
  };
}

/** Like {@link findSystemParts}, for a node without a container engine. */
export function findCommonParts(folder: string): CommonParts | undefined {
  const { busybox, mosquitto, slirp, roots } = locate(folder);
  if (!busybox) return undefined;
  return {
    busybox,
    mosquitto,
    slirp,
    environment: environmentOf([busybox], roots),
    unpacked: [busybox, mosquitto ?? "", slirp ?? ""].filter((path) => path.startsWith(folder)),
  };
}

/** The system parts that are here now, found or unpacked; undefined when one is missing. Downloads nothing. */
export function findSystemParts(folder: string): SystemParts | undefined {
  const { containerd, ctr, runc, cni, iptables, busybox, shim, mosquitto, slirp, roots } = locate(folder);
  if (!(containerd && ctr && runc && cni && iptables && busybox && shim)) return undefined;
  const names = linkNames(join(folder, "bin"), iptables, folder);
  const tables = iptables.startsWith(folder) ? names : dirname(iptables);
  const modules = roots
    .flatMap((root) => libraryFolders(root))
    .map((library) => join(library, "xtables"))
    .find((path) => existsSync(path));
  return {
    containerd,
    ctr,
    runc,
    cniFolder: cni,
    iptables: join(tables, "iptables"),
    ip6tables: join(tables, "ip6tables"),
    busybox,
    mosquitto,
    slirp,
    environment: {
      ...environmentOf([join(names, "iptables"), containerd, ctr, runc, shim, iptables, busybox], roots),
      ...(modules ? { XTABLES_LIBDIR: modules } : {}),
    },
    unpacked: [containerd, runc, cni, iptables, busybox, mosquitto ?? ""].filter((path) => path.startsWith(folder)),
  };
}

/** Where programs find each other, and the libraries of those that were unpacked. */
function environmentOf(programs: readonly string[], roots: readonly string[]): Record<string, string> {
  const libraries = roots.flatMap((root) => libraryFolders(root));
  const folders = [...programs.map((path) => dirname(path)), ...programFolders()];
  return {
    PATH: [...new Set(folders)].join(":"),
    ...(libraries.length > 0 ? { LD_LIBRARY_PATH: libraries.join(":") } : {}),
  };
}

type LocatedParts = Record<PartName, string | undefined> & { readonly roots: readonly string[] };

function missingParts(located: LocatedParts): PartName[] {
  return (Object.keys(PACKAGES) as PartName[]).filter((name) => located[name] === undefined);
}

/** A folder in which the plain iptables names point to the unpacked program, which looks at the name it is called by. */
function linkNames(bin: string, iptables: string, folder: string): string {
  mkdirSync(bin, { recursive: true });
  if (!iptables.startsWith(folder)) return bin;
  const target = relative(bin, iptables); // Still right when the folder is reached by another path.
  for (const name of [
    "iptables",
    "iptables-save",
    "iptables-restore",
    "ip6tables",
    "ip6tables-save",
    "ip6tables-restore",
  ]) {
    const link = join(bin, name);
    const before = linkTarget(link);
    if (before === target) continue;
    if (before !== undefined) unlinkSync(link);
    symlinkSync(target, link);
  }
  return bin;
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function libraryFolders(root: string): string[] {
  return ["usr/lib", "lib"]
    .map((sub) => join(root, sub))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder, { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && entry.name.includes("-linux-gnu"))
        .map((entry) => join(folder, entry.name)),
    );
}
