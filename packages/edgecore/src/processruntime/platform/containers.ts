import { randomBytes } from "node:crypto";
import { mkdir, readdir, realpath, symlink } from "node:fs/promises";
import { constants as system } from "node:os";
import { join } from "node:path";
import { describeError, type Logger } from "@skerry/base";
import { sendSignal } from "@skerry/base/platform";
import {
  type ContainerConfig,
  type CreateContainerRequest,
  type Int64Value,
  NamespaceMode,
} from "../../edged/platform/generated/cri.ts";
import { processCommand, searchPath } from "../command-line.ts";
import { enterContainer, type Namespaces, noPowers } from "../container-command.ts";
import { handedOver } from "../container-environment.ts";
import { needsEngine, notFound, refusedState, startFailed } from "../errors.ts";
import { processIdentity } from "../image-user.ts";
import { EXEC_SCRIPT } from "../scripts.ts";
import type { MachineAbility } from "./ability.ts";
import { type Container, readContainer, readEnd, saveRequest, saveState } from "./container-record.ts";
import { checkCommand, imageText, writeResolvConf } from "./container-root.ts";
import type { ImageStore, StoredImage } from "./image-store.ts";
import { type BindMount, type Launched, launchContainer } from "./launch-container.ts";
import { LogPump } from "./log-pump.ts";
import { stillRuns } from "./process-identity.ts";
import { removeTree } from "./remove-tree.ts";
import { killTree, runTool } from "./run-tool.ts";
import type { Sandbox, Sandboxes } from "./sandboxes.ts";
import type { ScriptFiles } from "./script-files.ts";

export interface ContainersOptions {
  readonly folder: string;
  readonly busybox: string;
  readonly ability: MachineAbility;
  readonly images: ImageStore;
  readonly sandboxes: Sandboxes;
  readonly scripts: ScriptFiles;
  readonly logger: Logger;
}

/** A command to run in a container, with its environment. */
export interface ContainerCommand {
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** Containers that an earlier runtime started have no parent here that is told of their end. */
const ADOPTED_INTERVAL_MS = 500;
const STOP_POLL_MS = 20;
const KILL_LIMIT_MS = 10_000;
const INNER_BUSYBOX = "/dev/.skerry/busybox";

/** The containers of this node; they outlive this process, and another one finds them. */
export class Containers implements Disposable {
  readonly #options: ContainersOptions;
  readonly #all = new Map<string, Container>();
  readonly #logs = new Map<string, LogPump>();
  readonly #adopted = new Set<Container>();
  readonly #interval: NodeJS.Timeout;

  constructor(options: ContainersOptions) {
    this.#options = options;
    this.#interval = setInterval(() => this.#lookAtAdopted(), ADOPTED_INTERVAL_MS);
  }

  /** Finds what an earlier runtime has left. */
  async open(): Promise<void> {
    await mkdir(this.#options.folder, { recursive: true, mode: 0o700 });
    for (const id of await readdir(this.#options.folder)) {
      const folder = join(this.#options.folder, id);
      try {
        this.#adopt(await readContainer(id, folder));
      } catch (error) {
        this.#options.logger.warn("What is left of a container cannot be read; it is removed", {
          container: id,
          reason: describeError(error),
        });
        await removeTree(folder);
      }
    }
  }

  list(): Container[] {
    return [...this.#all.values()];
  }

  find(id: string): Container | undefined {
    return this.#all.get(id);
  }

  /** @throws SkerryError `PROCESS_RUNTIME_NOT_FOUND` */
  get(id: string): Container {
    const container = this.#all.get(id);
    if (!container) throw notFound(`The container ${id}`);
    return container;
  }

  /** A container that runs. @throws SkerryError `PROCESS_RUNTIME_NOT_FOUND`, `PROCESS_RUNTIME_REFUSED` */
  running(id: string): Container & { readonly state: { readonly run: NonNullable<Container["state"]["run"]> } } {
    const container = this.get(id);
    const { run } = container.state;
    if (!run || container.end) throw refusedState(`the container ${id.slice(0, 12)} is not running`);
    return { ...container, state: { ...container.state, run } };
  }

  /** Where a container's output is read; undefined when it does not run. */
  outputOf(id: string): LogPump | undefined {
    return this.#logs.get(id);
  }

  /** @throws SkerryError `PROCESS_RUNTIME_*` */
  async create(request: CreateContainerRequest): Promise<Container> {
    const { config = {} } = request;
    const sandbox = this.#options.sandboxes.get(request.podSandboxId ?? "");
    for (const other of this.#all.values())
      if (other.sandboxId === sandbox.id && isSameName(other.config, config))
        throw refusedState(
          `the container ${config.metadata?.name ?? ""} of this attempt is there already: ${other.id}`,
        );
    refuseWhatCannotBe(config);
    const image = await this.#imageOf(config);
    const user = await userOf(config, image);
    const command = processCommand(image.config, {
      command: config.command ?? [],
      args: config.args ?? [],
      workingDirectory: config.workingDir ?? "",
      environment: (config.envs ?? []).map(({ key = "", value = "" }) => ({ name: key, value })),
    });
    const mounts = (config.mounts ?? []).map(({ containerPath = "" }) => containerPath);
    await checkCommand(image, command.words, searchPath(command.environment), command.workingDirectory, mounts);
    const id = randomBytes(32).toString("hex");
    const folder = join(this.#options.folder, id);
    const state = {
      createdAtMs: Date.now(),
      imageId: image.id,
      imageName: image.names[0] ?? image.id,
      user,
      command,
      stopSignal: signalOf(image.config.stopSignal),
    };
    const container: Container = { id, folder, sandboxId: sandbox.id, config, state, end: undefined };
    try {
      await this.#makeFolder(folder, image);
      await saveRequest(folder, request);
      await saveState(container);
    } catch (error) {
      await removeTree(folder);
      throw error;
    }
    this.#all.set(id, container);
    return container;
  }

  /** @throws SkerryError `PROCESS_RUNTIME_*` */
  async start(id: string): Promise<void> {
    const { busybox, ability, sandboxes, scripts } = this.#options;
    const container = this.get(id);
    const sandbox = sandboxes.get(container.sandboxId);
    if (container.state.run || container.end) throw refusedState(`the container ${id.slice(0, 12)} was started before`);
    if (!sandboxes.isReady(sandbox)) throw refusedState("the pod's sandbox is not running");
    const namespaces = await this.#namespacesOf(container.config, sandbox);
    const mounts = await mountsOf(container, sandbox);
    const pump = this.#openLog(container, sandbox);
    let launched: Launched | undefined;
    try {
      launched = await launchContainer({ container, namespaces, mounts, busybox, ability, scripts });
      const { child, shim, main, makerId } = launched;
      pump.begun();
      container.state = { ...container.state, run: { startedAtMs: Date.now(), namespaces, shim, main, makerId } };
      if (child.exitCode === null && child.signalCode === null) child.once("exit", () => this.#ended(container));
      else this.#ended(container);
      await saveState(container);
      sandboxes.portsOf(sandbox)?.lookSoon();
    } catch (error) {
      for (const each of [launched?.main, launched?.shim]) if (each && stillRuns(each)) killTree(each.processId);
      this.#logs.delete(id);
      pump[Symbol.dispose]();
      throw error;
    }
  }

  /** Asks the container to end, and kills it after the grace period; one that does not run is fine. */
  async stop(id: string, gracePeriodMs: number): Promise<void> {
    const container = this.#all.get(id);
    const run = container?.state.run;
    if (!container || !run || container.end) return;
    if (gracePeriodMs > 0) {
      sendSignal(run.main.processId, container.state.stopSignal);
      await this.#waitForEnd(container, gracePeriodMs);
    }
    if (!container.end) {
      // Its shim stays, to note the end.
      if (stillRuns(run.main)) killTree(run.main.processId);
      await this.#waitForEnd(container, KILL_LIMIT_MS);
    }
    if (!container.end) throw refusedState(`the container ${id.slice(0, 12)} does not end`);
  }

  /** Removes the container and all it has written; one that runs is killed. */
  async remove(id: string): Promise<void> {
    const container = this.#all.get(id);
    if (!container) return;
    await this.stop(id, 0);
    this.#all.delete(id);
    this.#adopted.delete(container);
    this.#closeLog(id);
    await removeTree(container.folder);
  }

  reopenLog(id: string): void {
    this.running(id);
    this.#logs.get(id)?.reopen();
  }

  /** What runs a command in a container. @throws SkerryError `PROCESS_RUNTIME_NOT_FOUND`, `PROCESS_RUNTIME_REFUSED` */
  commandIn(id: string, words: readonly string[]): ContainerCommand {
    const { state } = this.running(id);
    const { tools, lastCapability } = this.#options.ability;
    const processes = { mainId: state.run.main.processId, makerId: state.run.makerId };
    const enter = enterContainer(tools, processes, state.run.namespaces, state.user);
    const shell = [INNER_BUSYBOX, "sh", "-c", EXEC_SCRIPT, "exec", state.command.workingDirectory];
    return {
      words: [...enter, ...shell, ...noPowers(INNER_BUSYBOX, lastCapability), ...words],
      environment: handedOver(state.command.environment),
    };
  }

  /** What runs goes on; only its output is not read any longer. */
  [Symbol.dispose](): void {
    clearInterval(this.#interval);
    for (const id of [...this.#logs.keys()]) this.#closeLog(id);
  }

  async #imageOf(config: ContainerConfig): Promise<StoredImage> {
    const name = config.image?.image ?? "";
    const image = await this.#options.images.find(name);
    if (!image) throw notFound(`The image ${name}`);
    return image;
  }

  async #makeFolder(folder: string, image: StoredImage): Promise<void> {
    const { busybox, ability } = this.#options;
    await mkdir(folder, { mode: 0o700 });
    // The first is the container's root in the end: all its users enter.
    for (const sub of ["upper", "work", "root"]) await mkdir(join(folder, sub), { mode: 0o755 });
    const pipes = await runTool([busybox, "mkfifo", "-m", "600", "stdin", "stdout", "stderr"], { folder });
    if (pipes.status !== 0) throw startFailed(`named pipes cannot be made: ${pipes.errors.toString("utf8").trim()}`);
    await symlink(image.rootFolder, join(folder, "lower"));
    if (ability.overlay) return;
    const copied = await runTool(["cp", "-a", "--reflink=auto", image.rootFolder, join(folder, "copy")], {
      timeoutMs: 10 * 60_000,
    });
    if (copied.status !== 0) throw startFailed(`the image cannot be copied: ${copied.errors.toString("utf8").trim()}`);
  }

  async #namespacesOf(config: ContainerConfig, sandbox: Sandbox): Promise<Namespaces> {
    const wanted = config.linux?.securityContext?.namespaceOptions ?? {};
    const shares = (mode: number | undefined): boolean => mode === NamespaceMode.NODE;
    return {
      holderId: sandbox.holder.processId,
      network: sandbox.address !== undefined,
      hostname: sandbox.address !== undefined,
      ipc: !shares(wanted.ipc),
      processes:
        wanted.pid === NamespaceMode.NODE
          ? { kind: "machine" }
          : wanted.pid === NamespaceMode.CONTAINER
            ? { kind: "own" }
            : { kind: "joined", processId: await this.#options.sandboxes.sharedProcesses(sandbox) },
    };
  }

  #openLog(container: Container, sandbox: Sandbox): LogPump {
    const path = join(sandbox.config.logDirectory ?? container.folder, container.config.logPath ?? "container.log");
    const pump = new LogPump(path, {
      stdout: join(container.folder, "stdout"),
      stderr: join(container.folder, "stderr"),
    });
    this.#logs.set(container.id, pump);
    return pump;
  }

  #closeLog(id: string): void {
    this.#logs.get(id)?.[Symbol.dispose]();
    this.#logs.delete(id);
  }

  #adopt(container: Container): void {
    this.#all.set(container.id, container);
    const { run } = container.state;
    if (!run) return;
    if (!stillRuns(run.shim)) {
      this.#ended(container);
      return;
    }
    this.#adopted.add(container);
    const sandbox = this.#options.sandboxes.find(container.sandboxId);
    if (sandbox) this.#openLog(container, sandbox).begun();
  }

  #lookAtAdopted(): void {
    for (const container of this.#adopted) if (!stillRuns(container.state.run?.shim)) this.#ended(container);
  }

  /** The shim has ended. */
  #ended(container: Container): void {
    this.#adopted.delete(container);
    container.end = readEnd(container.folder);
    const { run } = container.state;
    // A shim that was killed alone leaves its container behind.
    if (run && stillRuns(run.main)) killTree(run.main.processId);
    const pump = this.#logs.get(container.id);
    if (pump) void pump.ended.then(() => this.#closeLog(container.id));
  }

  async #waitForEnd(container: Container, limitMs: number): Promise<void> {
    const deadlineMs = performance.now() + limitMs;
    while (!container.end && performance.now() < deadlineMs)
      await new Promise((resolve) => setTimeout(resolve, STOP_POLL_MS));
  }
}

function isSameName(one: ContainerConfig, other: ContainerConfig): boolean {
  return one.metadata?.name === other.metadata?.name && (one.metadata?.attempt ?? 0) === (other.metadata?.attempt ?? 0);
}

/** @throws SkerryError `PROCESS_RUNTIME_CANNOT` */
function refuseWhatCannotBe(config: ContainerConfig): void {
  const security = config.linux?.securityContext;
  if (security?.privileged === true) throw needsEngine("privileged containers");
  if (security?.namespaceOptions?.pid === NamespaceMode.TARGET)
    throw needsEngine("a container that sees another one's processes (kubectl debug --target)");
  if (config.tty === true) throw needsEngine("a container with a terminal (tty: true)");
  if ((config.devices?.length ?? 0) + (config.CDIDevices?.length ?? 0) > 0)
    throw needsEngine("devices of a device plugin");
  if (config.mounts?.some(({ propagation }) => propagation === 2)) throw needsEngine("mountPropagation Bidirectional");
}

async function userOf(config: ContainerConfig, image: StoredImage): Promise<Container["state"]["user"]> {
  const security = config.linux?.securityContext;
  const numberOf = (value: Int64Value | undefined): number | undefined =>
    value === undefined ? undefined : Number(value.value ?? 0n);
  const [users, groups] = await Promise.all([imageText(image, "/etc/passwd"), imageText(image, "/etc/group")]);
  const wanted = {
    userId: numberOf(security?.runAsUser),
    userName: security?.runAsUsername ?? "",
    groupId: numberOf(security?.runAsGroup),
  };
  const user = processIdentity(wanted, image.config.user, users, groups);
  if (!user)
    throw startFailed(
      `unable to find user ${wanted.userName || image.config.user}: no matching entries in passwd file`,
    );
  return user;
}

/** Links are followed here: inside of the container's root they would lead elsewhere. */
async function mountsOf(container: Container, sandbox: Sandbox): Promise<BindMount[]> {
  const mounts: BindMount[] = [];
  for (const { containerPath: to = "", hostPath = "", readonly } of container.config.mounts ?? []) {
    const from = await realpath(hostPath).catch((error: unknown) => {
      throw startFailed(`the volume for ${to} cannot be mounted: ${describeError(error)}`);
    });
    mounts.push({ from, to, isReadOnly: readonly === true });
  }
  if (mounts.some(({ to }) => to === "/etc/resolv.conf")) return mounts;
  const dns = sandbox.config.dnsConfig;
  const from = dns ? join(container.folder, "resolv.conf") : await realpath("/etc/resolv.conf");
  if (dns) await writeResolvConf(from, dns);
  return [...mounts, { from, to: "/etc/resolv.conf", isReadOnly: false }];
}

/** `SIGTERM`, `TERM` or `15`; what is none of them is SIGTERM. */
function signalOf(text: string): NodeJS.Signals {
  const byNumber = Object.entries(system.signals).find(([, number]) => String(number) === text)?.[0];
  const name = byNumber ?? (text.startsWith("SIG") ? text : `SIG${text}`);
  return name in system.signals ? (name as NodeJS.Signals) : "SIGTERM";
}
