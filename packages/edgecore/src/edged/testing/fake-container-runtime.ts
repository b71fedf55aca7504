import { type Clock, SkerryError, sleep, type Timer, unlessAborted } from "@skerry/base";
import { GrpcCode } from "@skerry/grpc";
import type {
  ContainerConfig,
  ContainerRuntime,
  ContainerRuntimeState,
  ExecResult,
  IncomingPart,
  LabelFilter,
  LinuxResources,
  ListedImage,
  RegistryCredentials,
  RuntimeContainer,
  RuntimeContainerStatus,
  RuntimeFeatures,
  RuntimeImage,
  Sandbox,
  SandboxConfig,
} from "../ports.ts";
import type { FakeContainerEvents } from "./fake-container-events.ts";

/** What a container's process does. */
export interface FakeProgram {
  /** Undefined: it runs until it is stopped. */
  readonly endsAfterMs?: number;
  readonly exitCode?: number;
  /** It ignores the request to end; only the end of the grace period stops it. */
  readonly ignoresStop?: boolean;
}

interface FakeContainer {
  readonly id: string;
  readonly sandboxId: string;
  readonly config: ContainerConfig;
  readonly createdAtMs: number;
  state: ContainerRuntimeState;
  startedAtMs: number;
  finishedAtMs: number;
  exitCode: number;
  timer: Timer | undefined;
  /** Ends the waits of those who want it to end. */
  readonly ended: AbortController;
}

interface FakeSandbox {
  readonly id: string;
  readonly config: SandboxConfig;
  readonly createdAtMs: number;
  readonly address: string;
  ready: boolean;
}

const LOST_EXIT_CODE = 255;
const KILLED_EXIT_CODE = 137;
const STOPPED_EXIT_CODE = 143;

/**
 * A container runtime in memory, deterministic on the given clock. It outlives the Edged under test as a real one does,
 * and can be slow, fail, lose its processes (a power cut) or be away altogether.
 */
export class FakeContainerRuntime implements ContainerRuntime {
  readonly #clock: Clock;
  readonly #sandboxes = new Map<string, FakeSandbox>();
  readonly #containers = new Map<string, FakeContainer>();
  readonly #images = new Map<string, ListedImage>();
  readonly #failures: { method: string; error: Error }[] = [];
  #nextId = 1;
  #powerCuts = 0;
  #available = true;
  /** Every call takes this long. */
  delayMs = 0;
  /** With what programs end that follow the request to end. */
  stoppedExitCode: number = STOPPED_EXIT_CODE;
  /** What images can be pulled; all others are unknown to the registry. */
  readonly pullable: Set<string> = new Set();
  /** What images were pulled with, without those that needed none. */
  readonly credentialsUsed: RegistryCredentials[] = [];
  /** Behaviour by `<pod name>/<container name>`, `<container name>` or `*`. */
  readonly programs: Map<string, FakeProgram> = new Map();
  featuresValue: RuntimeFeatures = { onlyTheseGroups: false, handlers: [] };
  /** Limits that containers were given while they ran, by id. */
  readonly updatedResources: Map<string, LinuxResources> = new Map();
  /** Every call that changed something, in order, e.g. `startContainer web/app`. */
  readonly actions: string[] = [];
  /** What is on its way; left out: it does not tell. */
  incoming: readonly IncomingPart[] | undefined;
  /** Pulls of these wait until it is resolved. */
  readonly slowPulls: Map<string, Promise<void>> = new Map();
  /** Images whose pull is under way. */
  readonly pulling: Set<string> = new Set();
  /** Left out: it has none, as containerd 1.6. */
  events: FakeContainerEvents | undefined;
  /** Hears of each sandbox. */
  onSandbox: (config: SandboxConfig) => void = () => {};

  constructor(clock: Clock, images: readonly string[] = []) {
    this.#clock = clock;
    for (const image of images) this.addImage(image);
  }

  addImage(image: string, sizeBytes = 1000, pinned = false): void {
    const id = `sha256:${image}`;
    this.#images.set(image, { id, repoTags: [image], repoDigests: [], sizeBytes, userId: 0, pinned });
  }

  /** Whether calls are answered at all. */
  setAvailable(available: boolean): void {
    this.#available = available;
    if (!available) this.events?.breakOff();
  }

  /** The next call of this method fails. */
  failNext(method: keyof ContainerRuntime & string, message = "fault injected"): void {
    this.#failures.push({ method, error: callFailed(method, 2, message) });
  }

  /** Calls that were to fail do not. */
  clearFailures(): void {
    this.#failures.length = 0;
  }

  /** All processes are gone, what is on disk stays: a reboot or a power cut. */
  losePower(): void {
    this.#powerCuts++;
    this.events?.breakOff();
    for (const container of this.#containers.values())
      if (container.state === "running") this.#end(container, LOST_EXIT_CODE);
    for (const sandbox of this.#sandboxes.values()) sandbox.ready = false;
  }

  /** The runtime forgot everything: its state folder is gone. */
  loseEverything(): void {
    this.losePower();
    this.#containers.clear();
    this.#sandboxes.clear();
  }

  /** A container is gone without a trace, process and all. */
  loseContainer(id: string): void {
    this.#containers.get(id)?.timer?.cancel();
    this.#containers.delete(id);
  }

  /** The process of a container ends by itself. */
  endContainer(id: string, exitCode: number): void {
    const container = this.#containers.get(id);
    if (container?.state === "running") this.#end(container, exitCode);
  }

  /** Running containers as `<pod>/<container>` with their id, oldest first. */
  running(): {
    readonly name: string;
    readonly uid: string;
    readonly id: string;
    readonly sandboxId: string;
    readonly attempt: number;
  }[] {
    return [...this.#containers.values()]
      .filter(({ state }) => state === "running")
      .map((container) => ({
        name: this.#nameOf(container),
        uid: this.#sandboxes.get(container.sandboxId)?.config.uid ?? "",
        id: container.id,
        sandboxId: container.sandboxId,
        attempt: container.config.attempt,
      }));
  }

  /** UID of the pod that a container belongs to. */
  podOf(id: string): string | undefined {
    const container = this.#containers.get(id);
    return container && this.#sandboxes.get(container.sandboxId)?.config.uid;
  }

  /** The configuration a container was made from. */
  configOf(id: string): ContainerConfig | undefined {
    return this.#containers.get(id)?.config;
  }

  /** The variables a container was made with. */
  environmentOf(id: string): ReadonlyMap<string, string> {
    return new Map(this.configOf(id)?.environment.map(({ name, value }) => [name, value]));
  }

  /** The configuration of a container's sandbox. */
  sandboxConfigOf(containerId: string): SandboxConfig | undefined {
    return this.#sandboxes.get(this.#containers.get(containerId)?.sandboxId ?? "")?.config;
  }

  async version(): Promise<{ readonly name: string; readonly version: string }> {
    await this.#enter("version");
    return { name: "fake", version: "1.0.0" };
  }

  async status(): Promise<{ readonly ready: boolean; readonly message: string }> {
    await this.#enter("status");
    return { ready: true, message: "" };
  }

  async features(): Promise<RuntimeFeatures> {
    await this.#enter("features");
    return this.featuresValue;
  }

  async listSandboxes(filter: LabelFilter = {}): Promise<Sandbox[]> {
    await this.#enter("listSandboxes");
    return [...this.#sandboxes.values()]
      .filter(({ config }) => matches(config.labels, filter))
      .map(({ id, config, ready, createdAtMs }) => ({
        id,
        state: ready ? "ready" : "not-ready",
        attempt: config.attempt,
        createdAtMs,
        labels: config.labels,
        annotations: config.annotations,
      }));
  }

  async sandboxAddresses(sandboxId: string): Promise<string[]> {
    await this.#enter("sandboxAddresses");
    const sandbox = this.#sandboxes.get(sandboxId);
    return sandbox && !sandbox.config.hostNamespaces.network ? [sandbox.address] : [];
  }

  async runSandbox(config: SandboxConfig): Promise<string> {
    await this.#enter("runSandbox");
    for (const other of this.#sandboxes.values())
      if (other.config.uid === config.uid && other.config.attempt === config.attempt)
        throw callFailed("runSandbox", 6, `sandbox name of ${config.name} attempt ${config.attempt} is reserved`);
    const number = this.#nextId++;
    const id = `sandbox-${number}`;
    const address = `10.88.${Math.floor(number / 250)}.${(number % 250) + 1}`;
    this.#sandboxes.set(id, { id, config, createdAtMs: this.#clock.now(), address, ready: true });
    this.actions.push(`runSandbox ${config.name}`);
    this.events?.tell();
    this.onSandbox(config);
    return id;
  }

  async stopSandbox(sandboxId: string): Promise<void> {
    await this.#enter("stopSandbox");
    const sandbox = this.#sandboxes.get(sandboxId);
    if (!sandbox?.ready) return;
    for (const container of this.#containers.values())
      if (container.sandboxId === sandboxId && container.state === "running") this.#end(container, KILLED_EXIT_CODE);
    sandbox.ready = false;
    this.actions.push(`stopSandbox ${sandbox.config.name}`);
    this.events?.tell();
  }

  async removeSandbox(sandboxId: string): Promise<void> {
    await this.#enter("removeSandbox");
    for (const container of [...this.#containers.values()])
      if (container.sandboxId === sandboxId) this.#containers.delete(container.id);
    this.#sandboxes.delete(sandboxId);
    this.events?.tell();
  }

  async listContainers(filter: LabelFilter = {}): Promise<RuntimeContainer[]> {
    await this.#enter("listContainers");
    return [...this.#containers.values()].filter(({ config }) => matches(config.labels, filter)).map(toStatus);
  }

  async containerStatus(containerId: string): Promise<RuntimeContainerStatus | undefined> {
    await this.#enter("containerStatus");
    const container = this.#containers.get(containerId);
    return container && toStatus(container);
  }

  async createContainer(sandboxId: string, config: ContainerConfig, _sandbox: SandboxConfig): Promise<string> {
    await this.#enter("createContainer");
    if (!this.#sandboxes.get(sandboxId)?.ready) throw callFailed("createContainer", 2, "the sandbox is not running");
    for (const other of this.#containers.values())
      if (other.sandboxId === sandboxId && other.config.name === config.name && other.config.attempt === config.attempt)
        throw callFailed("createContainer", 6, `container name ${config.name} attempt ${config.attempt} is reserved`);
    const id = `container-${this.#nextId++}`;
    this.#containers.set(id, {
      id,
      sandboxId,
      config,
      createdAtMs: this.#clock.now(),
      state: "created",
      startedAtMs: 0,
      finishedAtMs: 0,
      exitCode: 0,
      timer: undefined,
      ended: new AbortController(),
    });
    this.events?.tell();
    return id;
  }

  async startContainer(containerId: string): Promise<void> {
    await this.#enter("startContainer");
    const container = this.#containers.get(containerId);
    if (container?.state !== "created") throw callFailed("startContainer", 5, `no created container ${containerId}`);
    if (!this.#sandboxes.get(container.sandboxId)?.ready)
      throw callFailed("startContainer", 2, "the sandbox is not running");
    container.state = "running";
    container.startedAtMs = this.#clock.now();
    const program = this.#programOf(container);
    const { endsAfterMs } = program;
    if (endsAfterMs !== undefined)
      container.timer = this.#clock.setTimer(endsAfterMs, () => this.#end(container, program.exitCode ?? 0));
    this.actions.push(`startContainer ${this.#nameOf(container)}`);
    this.events?.tell();
  }

  async stopContainer(containerId: string, gracePeriodSeconds: number): Promise<void> {
    await this.#enter("stopContainer");
    const container = this.#containers.get(containerId);
    if (container?.state !== "running") return;
    this.actions.push(`stopContainer ${this.#nameOf(container)}`);
    if (this.#programOf(container).ignoresStop) {
      await sleep(this.#clock, gracePeriodSeconds * 1000, container.ended.signal).catch(() => undefined);
      this.endContainer(containerId, KILLED_EXIT_CODE);
    } else {
      this.endContainer(containerId, this.stoppedExitCode);
    }
  }

  async signalContainer(containerId: string, signal: string): Promise<void> {
    await this.#enter("signalContainer");
    const container = this.#containers.get(containerId);
    if (container?.state !== "running") return;
    this.actions.push(`${signal} ${this.#nameOf(container)}`);
    if (!this.#programOf(container).ignoresStop) this.endContainer(containerId, 0);
  }

  async updateContainerResources(containerId: string, resources: LinuxResources): Promise<void> {
    await this.#enter("updateContainerResources");
    const container = this.#containers.get(containerId);
    if (container?.state !== "running") throw callFailed("updateContainerResources", 5, "it is not running");
    this.updatedResources.set(containerId, resources);
    this.actions.push(`updateContainerResources ${this.#nameOf(container)}`);
  }

  async removeContainer(containerId: string): Promise<void> {
    await this.#enter("removeContainer");
    this.#containers.get(containerId)?.timer?.cancel();
    this.#containers.delete(containerId);
    this.events?.tell();
  }

  async watchContainers(onChange: () => void, signal: AbortSignal): Promise<void> {
    const { events } = this;
    if (!events) throw callFailed("watchContainers", GrpcCode.unimplemented, "unknown method GetContainerEvents");
    if (!this.#available) throw runtimeAway();
    await events.watch(onChange, signal);
    throw runtimeAway();
  }

  async reopenContainerLog(_containerId: string): Promise<void> {
    await this.#enter("reopenContainerLog");
  }

  async exec(containerId: string, _command: readonly string[], _timeoutSeconds: number): Promise<ExecResult> {
    await this.#enter("exec");
    if (this.#containers.get(containerId)?.state !== "running") throw callFailed("exec", 2, "it is not running");
    return { exitCode: 0, output: "" };
  }

  async findImage(image: string): Promise<RuntimeImage | undefined> {
    await this.#enter("findImage");
    return this.#images.get(image);
  }

  async listImages(): Promise<ListedImage[]> {
    await this.#enter("listImages");
    return [...this.#images.values()];
  }

  async removeImage(imageId: string): Promise<void> {
    await this.#enter("removeImage");
    for (const [name, { id }] of this.#images) if (id === imageId) this.#images.delete(name);
    this.actions.push(`removeImage ${imageId}`);
  }

  async imageFileSystemPath(): Promise<string | undefined> {
    await this.#enter("imageFileSystemPath");
    return "/images";
  }

  async incomingParts(): Promise<readonly IncomingPart[] | undefined> {
    await this.#enter("incomingParts");
    return this.incoming;
  }

  async pullImage(image: string, credentials: RegistryCredentials | undefined, signal?: AbortSignal): Promise<string> {
    await this.#enter("pullImage");
    signal?.throwIfAborted();
    if (credentials) this.credentialsUsed.push(credentials);
    if (!this.pullable.has(image)) throw callFailed("pullImage", 5, `${image}: not found`);
    this.pulling.add(image);
    try {
      const slow = this.slowPulls.get(image) ?? Promise.resolve();
      await (signal ? unlessAborted(signal, slow) : slow);
    } finally {
      this.pulling.delete(image);
    }
    this.addImage(image);
    return `sha256:${image}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #enter(method: string): Promise<void> {
    const powerCuts = this.#powerCuts;
    if (this.delayMs > 0) await sleep(this.#clock, this.delayMs);
    // A turn later at least, as over a socket.
    else await Promise.resolve();
    // What was under way when the power went is not done afterwards.
    if (!this.#available || powerCuts !== this.#powerCuts) throw runtimeAway();
    const index = this.#failures.findIndex((failure) => failure.method === method);
    const [failure] = index < 0 ? [] : this.#failures.splice(index, 1);
    if (failure) throw failure.error;
  }

  #end(container: FakeContainer, exitCode: number): void {
    container.timer?.cancel();
    container.ended.abort();
    container.state = "exited";
    container.exitCode = exitCode;
    container.finishedAtMs = this.#clock.now();
    this.events?.tell();
  }

  #nameOf(container: FakeContainer): string {
    return `${this.#sandboxes.get(container.sandboxId)?.config.name ?? ""}/${container.config.name}`;
  }

  #programOf(container: FakeContainer): FakeProgram {
    const { programs } = this;
    return programs.get(this.#nameOf(container)) ?? programs.get(container.config.name) ?? programs.get("*") ?? {};
  }
}

function toStatus(container: FakeContainer): RuntimeContainerStatus {
  const { config } = container;
  return {
    id: container.id,
    sandboxId: container.sandboxId,
    name: config.name,
    attempt: config.attempt,
    state: container.state,
    createdAtMs: container.createdAtMs,
    labels: config.labels,
    annotations: config.annotations,
    startedAtMs: container.startedAtMs,
    finishedAtMs: container.finishedAtMs,
    exitCode: container.exitCode,
    reason: container.state === "exited" ? (container.exitCode === 0 ? "Completed" : "Error") : "",
    message: "",
    image: config.image,
    imageId: config.imageId,
  };
}

function matches(labels: Readonly<Record<string, string>>, filter: LabelFilter): boolean {
  return Object.entries(filter).every(([name, value]) => labels[name] === value);
}

function runtimeAway(): SkerryError {
  return new SkerryError({ code: "RUNTIME_UNAVAILABLE", message: "The fake runtime is away", advice: "None." });
}

function callFailed(method: string, grpcCode: number, message: string): SkerryError {
  return new SkerryError({
    code: "RUNTIME_CALL_FAILED",
    message,
    advice: "The fake runtime was told to fail.",
    details: { method, grpcCode },
  });
}
