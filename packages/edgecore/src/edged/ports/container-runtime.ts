/** State of a pod's sandbox. */
export type SandboxState = "ready" | "not-ready";

/** State of a container in the runtime. */
export type ContainerRuntimeState = "created" | "running" | "exited" | "unknown";

/** A sandbox as the runtime lists it. */
export interface Sandbox {
  readonly id: string;
  readonly state: SandboxState;
  readonly attempt: number;
  /** Wall clock, milliseconds since the Unix epoch. */
  readonly createdAtMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A container as the runtime lists it. */
export interface RuntimeContainer {
  readonly id: string;
  readonly sandboxId: string;
  readonly name: string;
  readonly attempt: number;
  readonly state: ContainerRuntimeState;
  readonly createdAtMs: number;
  readonly imageId: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A container with what only its own status tells. Times are wall clock milliseconds, 0 when not there yet. */
export interface RuntimeContainerStatus extends RuntimeContainer {
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly exitCode: number;
  /** e.g. `OOMKilled`, `Error`, `Completed`. */
  readonly reason: string;
  readonly message: string;
  readonly image: string;
}

/** An image on the node. */
export interface RuntimeImage {
  readonly id: string;
  readonly repoTags: readonly string[];
  readonly sizeBytes: number;
  /** User the image runs as, when it is a number. */
  readonly userId?: number;
  /** User the image runs as, when it is a name. */
  readonly userName?: string;
}

/** A part of an image, such as a layer, that is on its way to the node. */
export interface IncomingPart {
  /** The runtime's name for it. */
  readonly ref: string;
  readonly receivedBytes: number;
  /** 0 where the registry does not say. */
  readonly totalBytes: number;
}

/** An image in the list of all. */
export interface ListedImage extends RuntimeImage {
  /** Its names by content, e.g. `example.com/app@sha256:…`. */
  readonly repoDigests: readonly string[];
  /** The runtime itself needs it. */
  readonly pinned: boolean;
}

export interface PortMapping {
  readonly protocol: "TCP" | "UDP" | "SCTP";
  readonly containerPort: number;
  readonly hostPort: number;
  readonly hostIp: string;
}

/** Which of the host's namespaces a pod shares. */
export interface HostNamespaces {
  readonly network: boolean;
  readonly pid: boolean;
  readonly ipc: boolean;
}

/** A seccomp or AppArmor profile; of a local one the file's path or the loaded profile's name. */
export type SecurityProfile =
  | { readonly kind: "unconfined" }
  | { readonly kind: "runtime-default" }
  | { readonly kind: "localhost"; readonly reference: string };

/** An SELinux label; empty parts are the runtime's to choose. */
export interface SeLinuxLabel {
  readonly user: string;
  readonly role: string;
  readonly type: string;
  readonly level: string;
}

/** Who a process runs as. */
export interface ProcessUser {
  readonly userId?: number;
  readonly groupId?: number;
  readonly supplementalGroups: readonly number[];
  /** The image's own groups do not count. Only where {@link RuntimeFeatures} has it. */
  readonly onlyTheseGroups: boolean;
}

/** The users of the machine that the users of a pod are: user 0 of the pod is `firstHostId`; groups are the same. */
export interface UserRange {
  readonly firstHostId: number;
  readonly length: number;
}

/** What one of the runtime's ways of running pods can. */
export interface RuntimeHandler {
  /** As a pod names it; empty: the runtime's default. */
  readonly name: string;
  readonly recursiveReadOnlyMounts: boolean;
  /** Whether it takes a {@link UserRange}. */
  readonly userNamespaces: boolean;
}

/** What a runtime says it can beyond the first version of CRI v1. */
export interface RuntimeFeatures {
  readonly onlyTheseGroups: boolean;
  /** Empty where it does not say; so do those before containerd 2.0. */
  readonly handlers: readonly RuntimeHandler[];
  /** Why pods with a network of their own reach nothing outside of it; left out where they do. */
  readonly noWayOut?: string | undefined;
  /** Which limits it enforces; left out where that is up to the machine's control groups. */
  readonly limits?: { readonly cpu: boolean; readonly memory: boolean } | undefined;
  /** Whether it takes a pod's control group by its folder, as the kubelet's driver `cgroupfs` gives it. */
  readonly takesGroupFolders?: boolean | undefined;
  /** It has no seccomp profile of its own, so that `RuntimeDefault` is none. */
  readonly noSeccomp?: boolean | undefined;
}

/** What a sandbox is made from. */
export interface SandboxConfig {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly attempt: number;
  readonly hostname: string;
  /** Absolute folder that log paths of containers are relative to. */
  readonly logDirectory: string;
  readonly dns?: {
    readonly servers: readonly string[];
    readonly searches: readonly string[];
    readonly options: readonly string[];
  };
  readonly portMappings: readonly PortMapping[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly hostNamespaces: HostNamespaces;
  readonly privileged: boolean;
  readonly user: ProcessUser;
  readonly seccomp: SecurityProfile;
  readonly seLinux: SeLinuxLabel | undefined;
  /** One of the runtime's handlers; empty: its default. */
  readonly runtimeHandler: string;
  readonly sysctls: Readonly<Record<string, string>>;
  /** Of a pod with a user namespace; left out: its users are the machine's. Only where its {@link RuntimeHandler} can. */
  readonly userRange?: UserRange | undefined;
  /** The pod's control group; left out: the runtime makes one for each container where it likes. */
  readonly controlGroup?: string | undefined;
}

export interface ContainerMount {
  readonly containerPath: string;
  readonly hostPath: string;
  readonly readOnly: boolean;
  /** What is mounted below it is read-only too. Only where the pod's {@link RuntimeHandler} can. */
  readonly recursiveReadOnly: boolean;
  readonly propagation: "private" | "host-to-container" | "bidirectional";
  /** On a machine with SELinux it gets the container's label. */
  readonly relabel: boolean;
}

/** A device of the machine in a container. */
export interface ContainerDevice {
  readonly containerPath: string;
  readonly hostPath: string;
  /** Some of `r` (read), `w` (write), `m` (make). */
  readonly permissions: string;
}

/** Limits as Linux control groups take them; 0 means not set. */
export interface LinuxResources {
  readonly cpuPeriodUs: number;
  readonly cpuQuotaUs: number;
  readonly cpuShares: number;
  readonly memoryLimitBytes: number;
  readonly oomScoreAdjustment: number;
  /** Page sizes as the hugetlb control group names them (`2MB`); others are not limited. */
  readonly hugePages: readonly { readonly pageSize: string; readonly limitBytes: number }[];
}

/** What a container is made from. */
export interface ContainerConfig {
  readonly name: string;
  readonly attempt: number;
  /** Id of the image, as pulling or looking it up returned it. */
  readonly imageId: string;
  /** The image as the user named it. */
  readonly image: string;
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly workingDirectory: string;
  readonly environment: readonly { readonly name: string; readonly value: string }[];
  readonly mounts: readonly ContainerMount[];
  readonly devices: readonly ContainerDevice[];
  /** Full names in the Container Device Interface, e.g. `vendor.com/gpu=0`; older runtimes do not know them. */
  readonly cdiDevices: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Relative to the sandbox's `logDirectory`. */
  readonly logPath: string;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly tty: boolean;
  readonly resources: LinuxResources;
  readonly privileged: boolean;
  readonly hostNamespaces: HostNamespaces;
  readonly shareProcessNamespace: boolean;
  /** Its sandbox's. */
  readonly userRange?: UserRange | undefined;
  /** Id of the container whose processes it sees; undefined: as the members above say. */
  readonly processNamespaceOf?: string;
  readonly user: ProcessUser;
  readonly readOnlyRootFilesystem: boolean;
  readonly noNewPrivileges: boolean;
  readonly addCapabilities: readonly string[];
  readonly dropCapabilities: readonly string[];
  readonly seccomp: SecurityProfile;
  /** Undefined: as the runtime does by itself. */
  readonly appArmor: SecurityProfile | undefined;
  readonly seLinux: SeLinuxLabel | undefined;
  /** Nothing of /proc is hidden or protected. */
  readonly unmaskedProc: boolean;
}

export interface ExecResult {
  readonly exitCode: number;
  readonly output: string;
}

export interface RegistryCredentials {
  readonly username: string;
  readonly password: string;
}

/** Selects sandboxes and containers by label; all must match. */
export type LabelFilter = Readonly<Record<string, string>>;

/**
 * A container runtime, shaped like the Container Runtime Interface v1. Each call has a deadline of its own; failures
 * are SkerryError `RUNTIME_UNAVAILABLE`, `RUNTIME_TIMEOUT`, `RUNTIME_CALL_FAILED` (its `details.grpcCode` says more).
 * Stopping or removing what is already gone succeeds.
 */
export interface ContainerRuntime extends AsyncDisposable {
  version(): Promise<{ readonly name: string; readonly version: string }>;
  /** Whether it can run containers now, and if not why. */
  status(): Promise<{ readonly ready: boolean; readonly message: string }>;
  features(): Promise<RuntimeFeatures>;
  listSandboxes(filter?: LabelFilter): Promise<Sandbox[]>;
  /** Addresses of the sandbox, the first one first; empty on the host's network. */
  sandboxAddresses(sandboxId: string): Promise<string[]>;
  runSandbox(config: SandboxConfig): Promise<string>;
  stopSandbox(sandboxId: string): Promise<void>;
  removeSandbox(sandboxId: string): Promise<void>;
  listContainers(filter?: LabelFilter): Promise<RuntimeContainer[]>;
  /** Undefined when there is no such container. */
  containerStatus(containerId: string): Promise<RuntimeContainerStatus | undefined>;
  createContainer(sandboxId: string, config: ContainerConfig, sandbox: SandboxConfig): Promise<string>;
  startContainer(containerId: string): Promise<void>;
  /** Asks it to end, after `gracePeriodSeconds` forces it. */
  stopContainer(containerId: string, gracePeriodSeconds: number): Promise<void>;
  /** Sends the signal, e.g. `SIGUSR1`, to the container's first process; one that has ended is fine. */
  signalContainer(containerId: string, signal: string): Promise<void>;
  /** Changes the limits of a running container. */
  updateContainerResources(containerId: string, resources: LinuxResources): Promise<void>;
  removeContainer(containerId: string): Promise<void>;
  reopenContainerLog(containerId: string): Promise<void>;
  /**
   * Calls `onChange` whenever the runtime tells that something happened to a container or sandbox. What it was is left to
   * listing, so that it does not matter in which order, how often, or whether at all each event comes. Resolves when the
   * runtime has ended the stream in order.
   * @throws `RUNTIME_CALL_FAILED` with gRPC code 12 where the runtime has no events; the signal's reason
   */
  watchContainers(onChange: () => void, signal: AbortSignal): Promise<void>;
  exec(containerId: string, command: readonly string[], timeoutSeconds: number): Promise<ExecResult>;
  /** The image when it is on the node. */
  findImage(image: string): Promise<RuntimeImage | undefined>;
  listImages(): Promise<ListedImage[]>;
  removeImage(imageId: string): Promise<void>;
  /** A folder on the file system that images are on; undefined when the runtime does not say. */
  imageFileSystemPath(): Promise<string | undefined>;
  /** What is on its way to the node now, of all images; undefined where the runtime does not tell. */
  incomingParts(): Promise<readonly IncomingPart[] | undefined>;
  /** Returns the image's id. */
  pullImage(image: string, credentials: RegistryCredentials | undefined, signal?: AbortSignal): Promise<string>;
}
