/** What is at a path. */
export interface FileStatus {
  readonly kind: "file" | "directory" | "symlink" | "socket" | "character-device" | "block-device" | "other";
  readonly sizeBytes: number;
  /** Permission bits, e.g. 0o755. */
  readonly mode: number;
  /** Undefined where EdgeCore's account cannot give files to groups: there it says nothing. */
  readonly groupId: number | undefined;
}

/** What files take up. */
export interface DiskUse {
  readonly bytes: number;
  readonly inodes: number;
}

/** The node's files. Paths are absolute. Failures are Node-style errors with a `code` (`ENOENT`, `ENOSPC`, …). */
export interface FileSystem {
  /** At most `limitBytes` from the end (`tail`) or the start of the file. Undefined when it is not there. */
  readFile(path: string, limitBytes: number, part?: "start" | "tail"): Promise<Uint8Array | undefined>;
  /** Writes the file whole; the mode is set whatever the umask. */
  writeFile(path: string, data: Uint8Array, mode: number): Promise<void>;
  /** Makes the folder and its parents, all with the mode whatever the umask; what exists is left as it is. */
  makeDirectory(path: string, mode: number): Promise<void>;
  listDirectory(path: string): Promise<string[]>;
  /** Status of the path itself (a symlink is not followed). Undefined when it is not there. */
  status(path: string): Promise<FileStatus | undefined>;
  /** The path with all symlinks resolved. Undefined when it is not there. */
  realPath(path: string): Promise<string | undefined>;
  readLink(path: string): Promise<string | undefined>;
  symlink(target: string, path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Removes the file or the folder with all in it; a missing one is fine. Never crosses into a mount. */
  remove(path: string): Promise<void>;
  /** Gives the folder or file (not what is in it) to a group, with the mode. */
  setGroup(path: string, groupId: number, mode: number): Promise<void>;
  /**
   * Gives the folder and all in it to a group that may then read and write it; what is made there later has the group
   * too. Owners stay, symlinks are not followed.
   * @param always also when the folder itself has the group and mode already
   */
  shareTree(path: string, groupId: number, always: boolean): Promise<void>;
  /** What the file or folder takes up with all in it, mounts left out; nothing when it is not there. */
  diskUse(path: string): Promise<DiskUse>;
}

/** Mounts that Edged itself makes. */
export interface Mounts {
  mountMemory(path: string, sizeBytes: number | undefined): Promise<void>;
  unmount(path: string): Promise<void>;
  /** Mount points below the folder, the deepest first. */
  listBelow(path: string): Promise<string[]>;
}

/** Facts about the machine that seldom change. */
export interface HostFacts {
  readonly architecture: string;
  readonly operatingSystem: string;
  readonly osImage: string;
  readonly kernelVersion: string;
  readonly machineId: string;
  readonly systemUuid: string;
  readonly bootId: string;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  /** Whether the control groups for these limits are there. */
  readonly cgroups: { readonly cpu: boolean; readonly memory: boolean; readonly hugePages: boolean };
  /** Memory set aside for huge pages, in bytes by page size as Kubernetes names it, e.g. `2Mi`. */
  readonly hugePageBytes: Readonly<Record<string, number>>;
}

/** How full the machine is. */
export interface HostPressure {
  readonly memoryAvailableBytes: number;
  /** Which file system it is; the same for two paths on one. */
  readonly diskDevice: number;
  readonly diskTotalBytes: number;
  readonly diskAvailableBytes: number;
  /** 0 where the file system does not count them. */
  readonly diskInodes: number;
  readonly diskInodesFree: number;
  readonly processIds: number;
  readonly processIdsFree: number;
}

/** The machine that the node runs on. */
export interface HostInfo {
  facts(): Promise<HostFacts>;
  /** `diskPath` names the file system to look at. */
  pressure(diskPath: string): Promise<HostPressure>;
  /** How many processes there are of each container, by the containers' ids. */
  processCounts(): Promise<ReadonlyMap<string, number>>;
  /** The addresses that other machines reach this one by, IPv4 first; never loopback ones. None without any network. */
  addresses(): Promise<readonly string[]>;
}

export interface ProbeHttpRequest {
  readonly scheme: "HTTP" | "HTTPS";
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly timeoutMs: number;
}

export interface GrpcHealthRequest {
  readonly host: string;
  readonly port: number;
  /** Empty: the server as a whole. */
  readonly service: string;
  readonly timeoutMs: number;
}

export type GrpcServingStatus = "UNKNOWN" | "SERVING" | "NOT_SERVING" | "SERVICE_UNKNOWN";

/** Small network checks: probes, lifecycle hooks, whether a registry answers. */
export interface NetworkCheck {
  /** Status code of a GET; throws when there is no answer in time. Redirects are not followed. */
  httpStatus(request: ProbeHttpRequest): Promise<number>;
  /** Throws when no TCP connection is made in time. */
  tcpConnect(host: string, port: number, timeoutMs: number): Promise<void>;
  /** What a server says of itself by the gRPC health protocol; throws when there is no answer in time. */
  grpcHealth(request: GrpcHealthRequest): Promise<GrpcServingStatus>;
}
