import { dirname, join, normalize } from "node:path";
import type {
  DiskUse,
  FileStatus,
  FileSystem,
  GrpcHealthRequest,
  GrpcServingStatus,
  HostFacts,
  HostInfo,
  HostPressure,
  Mounts,
  NetworkCheck,
  ProbeHttpRequest,
} from "../ports.ts";

type Entry =
  | { readonly kind: "directory"; mode: number }
  | { readonly kind: "file"; data: Uint8Array; mode: number }
  | { readonly kind: "symlink"; readonly target: string };

const LINK_DEPTH_LIMIT = 20;

/** Files in memory, with symlinks. */
export class FakeFileSystem implements FileSystem {
  readonly #entries = new Map<string, Entry>([["/", { kind: "directory", mode: 0o755 }]]);

  /** Folders that were given to a group with all in them. */
  readonly shared: [path: string, groupId: number][] = [];
  /** Groups that single folders and files were given to, by path. */
  readonly groups: Map<string, number> = new Map();

  /** Text of a file, symlinks followed; undefined when it is not there. */
  text(path: string): string | undefined {
    const entry = this.#follow(path)?.entry;
    return entry?.kind === "file" ? new TextDecoder().decode(entry.data) : undefined;
  }

  /** All paths, sorted. */
  paths(): string[] {
    return [...this.#entries.keys()].sort();
  }

  async readFile(path: string, limitBytes: number, part: "start" | "tail" = "start"): Promise<Uint8Array | undefined> {
    const entry = this.#follow(path)?.entry;
    if (entry?.kind !== "file") return undefined;
    return part === "tail" ? entry.data.slice(-limitBytes) : entry.data.slice(0, limitBytes);
  }

  async writeFile(path: string, data: Uint8Array, mode: number): Promise<void> {
    const real = this.#follow(path)?.path ?? this.#inRealParent(path);
    if (this.#entries.get(dirname(real))?.kind !== "directory") throw failure("ENOENT", path);
    this.#entries.set(real, { kind: "file", data: data.slice(), mode });
  }

  async makeDirectory(path: string, mode: number): Promise<void> {
    const found = this.#follow(path);
    if (found?.entry.kind === "directory") return;
    if (found) throw failure("EEXIST", path);
    await this.makeDirectory(dirname(path), mode);
    this.#entries.set(this.#inRealParent(path), { kind: "directory", mode });
  }

  async listDirectory(path: string): Promise<string[]> {
    const real = this.#follow(path)?.path;
    if (real === undefined) return [];
    const prefix = real === "/" ? "/" : `${real}/`;
    return [...this.#entries.keys()]
      .filter((key) => key !== "/" && key.startsWith(prefix) && !key.slice(prefix.length).includes("/"))
      .map((key) => key.slice(prefix.length))
      .sort();
  }

  async status(path: string): Promise<FileStatus | undefined> {
    const entry = this.#entries.get(this.#inRealParent(path));
    if (!entry) return undefined;
    const sizeBytes = entry.kind === "file" ? entry.data.length : 0;
    const mode = entry.kind === "symlink" ? 0o777 : entry.mode;
    return { kind: entry.kind, sizeBytes, mode, groupId: this.groups.get(path) ?? 0 };
  }

  async realPath(path: string): Promise<string | undefined> {
    return this.#follow(path)?.path;
  }

  async readLink(path: string): Promise<string | undefined> {
    const entry = this.#entries.get(this.#inRealParent(path));
    return entry?.kind === "symlink" ? entry.target : undefined;
  }

  async symlink(target: string, path: string): Promise<void> {
    const real = this.#inRealParent(path);
    if (this.#entries.has(real)) throw failure("EEXIST", path);
    this.#entries.set(real, { kind: "symlink", target });
  }

  async rename(from: string, to: string): Promise<void> {
    const source = this.#inRealParent(from);
    const target = this.#inRealParent(to);
    const entry = this.#entries.get(source);
    if (!entry) throw failure("ENOENT", from);
    for (const [key, value] of [...this.#entries]) {
      if (key !== source && !key.startsWith(`${source}/`)) continue;
      this.#entries.delete(key);
      this.#entries.set(target + key.slice(source.length), value);
    }
  }

  async remove(path: string): Promise<void> {
    const real = this.#inRealParent(path);
    for (const key of [...this.#entries.keys()])
      if (key === real || key.startsWith(`${real}/`)) this.#entries.delete(key);
  }

  async diskUse(path: string): Promise<DiskUse> {
    const real = this.#inRealParent(path);
    const within = [...this.#entries].filter(([key]) => key === real || key.startsWith(`${real}/`));
    const bytes = within.reduce((sum, [, entry]) => sum + (entry.kind === "file" ? entry.data.length : 0), 0);
    return { bytes, inodes: within.length };
  }

  async setGroup(path: string, groupId: number, mode: number): Promise<void> {
    this.groups.set(path, groupId);
    const entry = this.#follow(path)?.entry;
    if (entry && entry.kind !== "symlink") entry.mode = mode;
  }

  async shareTree(path: string, groupId: number, _always: boolean): Promise<void> {
    this.shared.push([path, groupId]);
  }

  /** The path with the symlinks of its folders resolved, but not a last one. */
  #inRealParent(path: string): string {
    const clean = normalize(path).replace(/(.)\/$/, "$1");
    if (clean === "/") return clean;
    const parent = this.#follow(dirname(clean))?.path ?? dirname(clean);
    return join(parent, clean.slice(clean.lastIndexOf("/") + 1));
  }

  #follow(path: string, depth = 0): { path: string; entry: Entry } | undefined {
    if (depth > LINK_DEPTH_LIMIT) throw failure("ELOOP", path);
    let current = "/";
    for (const part of normalize(path).split("/").filter(Boolean)) {
      const next = join(current, part);
      const entry = this.#entries.get(next);
      if (!entry) return undefined;
      if (entry.kind === "symlink") {
        const target = this.#follow(
          entry.target.startsWith("/") ? entry.target : join(current, entry.target),
          depth + 1,
        );
        if (!target) return undefined;
        current = target.path;
      } else current = next;
    }
    const entry = this.#entries.get(current);
    return entry && { path: current, entry };
  }
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

/** Mounts that are only remembered. */
export class FakeMounts implements Mounts {
  readonly mounted: Set<string> = new Set();

  async mountMemory(path: string, _sizeBytes: number | undefined): Promise<void> {
    this.mounted.add(path);
  }

  async unmount(path: string): Promise<void> {
    this.mounted.delete(path);
  }

  async listBelow(path: string): Promise<string[]> {
    return [...this.mounted]
      .filter((mount) => mount === path || mount.startsWith(`${path}/`))
      .sort()
      .reverse();
  }
}

/** A small machine that never changes unless the test changes it. */
export class FakeHost implements HostInfo {
  factsValue: HostFacts = {
    architecture: "x64",
    operatingSystem: "linux",
    osImage: "Fake Linux 1",
    kernelVersion: "6.1.0",
    machineId: "machine-1",
    systemUuid: "machine-1",
    bootId: "boot-1",
    cpuCount: 2,
    memoryBytes: 1024 ** 3,
    cgroups: { cpu: true, memory: true, hugePages: true },
    hugePageBytes: { "1Gi": 0, "2Mi": 0 },
  };
  pressureValue: HostPressure = {
    memoryAvailableBytes: 512 * 1024 ** 2,
    diskDevice: 1,
    diskTotalBytes: 16 * 1024 ** 3,
    diskAvailableBytes: 8 * 1024 ** 3,
    diskInodes: 1_000_000,
    diskInodesFree: 900_000,
    processIds: 32_768,
    processIdsFree: 32_000,
  };
  readonly processes: Map<string, number> = new Map();
  addressValues: readonly string[] = ["192.0.2.10"];

  async facts(): Promise<HostFacts> {
    return this.factsValue;
  }

  async pressure(_diskPath: string): Promise<HostPressure> {
    return this.pressureValue;
  }

  async processCounts(): Promise<ReadonlyMap<string, number>> {
    return this.processes;
  }

  async addresses(): Promise<readonly string[]> {
    return this.addressValues;
  }
}

/** A network where everything answers, unless the test says otherwise. */
export class FakeNetworkCheck implements NetworkCheck {
  /** Answer by `host:port`; `undefined` means that there is none. */
  readonly httpAnswers: Map<string, number | undefined> = new Map();
  readonly unreachable: Set<string> = new Set();
  /** What gRPC servers say, by `host:port/service`. */
  readonly grpcAnswers: Map<string, GrpcServingStatus> = new Map();

  async httpStatus(request: ProbeHttpRequest): Promise<number> {
    const key = `${request.host}:${request.port}`;
    const answer = this.httpAnswers.has(key) ? this.httpAnswers.get(key) : 200;
    if (answer === undefined) throw new Error(`no answer from ${key}`);
    return answer;
  }

  async tcpConnect(host: string, port: number, _timeoutMs: number): Promise<void> {
    if (this.unreachable.has(`${host}:${port}`)) throw new Error(`${host}:${port} is unreachable`);
  }

  async grpcHealth({ host, port, service }: GrpcHealthRequest): Promise<GrpcServingStatus> {
    return this.grpcAnswers.get(`${host}:${port}/${service}`) ?? "SERVING";
  }
}
