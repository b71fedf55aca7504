import { randomBytes } from "node:crypto";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { describeError, type Logger } from "@skerry/base";
import { sendSignal } from "@skerry/base/platform";
import type {
  ContainerConfig,
  CreateContainerRequest,
  LinuxContainerResources,
} from "../../edged/platform/generated/cri.ts";
import { processCommand, searchPath } from "../command-line.ts";
import { notFound, refusedState, startFailed } from "../errors.ts";
import type { MachineAbility } from "./ability.ts";
import { mountsOf } from "./container-mounts.ts";
import { namespacesOf } from "./container-namespaces.ts";
import {
  groupLimits,
  isSameName,
  makeContainerFolder,
  refuseWhatCannotBe,
  signalOf,
  userOf,
} from "./container-plan.ts";
import {
  type Container,
  commandProcessId,
  type RunningContainer,
  readContainer,
  readEnd,
  saveRequest,
  saveState,
} from "./container-record.ts";
import { checkCommand } from "./container-root.ts";
import { ContainerStreams } from "./container-streams.ts";
import type { ControlGroups } from "./control-groups.ts";
import type { ImageStore, StoredImage } from "./image-store.ts";
import { type Launched, launchContainer } from "./launch-container.ts";
import type { LogPump } from "./log-pump.ts";
import { killRunning, stillRuns } from "./process-identity.ts";
import { removeTree } from "./remove-tree.ts";
import type { Sandboxes } from "./sandboxes.ts";
import type { ScriptFiles } from "./script-files.ts";
import type { WasmRunner } from "./wasm-runner.ts";

export interface ContainersOptions {
  readonly folder: string;
  readonly busybox: string;
  readonly ability: MachineAbility;
  readonly images: ImageStore;
  readonly sandboxes: Sandboxes;
  readonly scripts: ScriptFiles;
  readonly wasm: () => Promise<WasmRunner>;
  readonly groups: ControlGroups;
  readonly logger: Logger;
}

/** Containers that an earlier runtime started have no parent here that is told of their end. */
const ADOPTED_INTERVAL_MS = 500;
const STOP_POLL_MS = 20;
const KILL_LIMIT_MS = 10_000;

/** The containers of this node; they outlive this process, and another one finds them. */
export class Containers implements Disposable {
  readonly #options: ContainersOptions;
  readonly #all = new Map<string, Container>();
  readonly #streams = new ContainerStreams();
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
  running(id: string): RunningContainer {
    const container = this.get(id);
    const { run } = container.state;
    if (!run || container.end) throw refusedState(`the container ${id.slice(0, 12)} is not running`);
    return { ...container, state: { ...container.state, run } };
  }

  /** Where a container's output is read; undefined when it does not run. */
  outputOf(id: string): LogPump | undefined {
    return this.#streams.outputOf(id);
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
      await makeContainerFolder(folder, image, this.#options);
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
    const { sandboxes, groups } = this.#options;
    const container = this.get(id);
    const sandbox = sandboxes.get(container.sandboxId);
    if (container.state.run || container.end) throw refusedState(`the container ${id.slice(0, 12)} was started before`);
    if (!sandboxes.isReady(sandbox)) throw refusedState("the pod's sandbox is not running");
    const namespaces = await namespacesOf(container.config, sandbox, {
      ofPod: () => sandboxes.sharedProcesses(sandbox),
      ofContainer: (other) => this.running(other).state.run.main.processId,
    });
    const mounts = await mountsOf(container, sandbox);
    const pump = this.#streams.open(container, sandbox);
    let launched: Launched | undefined;
    try {
      await groups.create(id, groupLimits(container.config.linux?.resources)).catch((error: unknown) => {
        throw startFailed(`its limits cannot be set: ${describeError(error)}`);
      });
      launched = await launchContainer({ ...this.#options, container, namespaces, mounts });
      const { child, shim, main, makerId, input } = launched;
      if (input !== undefined) this.#streams.holdInput(id, input);
      pump.begun();
      container.state = { ...container.state, run: { startedAtMs: Date.now(), namespaces, shim, main, makerId } };
      if (child.exitCode === null && child.signalCode === null) child.once("exit", () => this.#ended(container));
      else this.#ended(container);
      await saveState(container);
      sandboxes.portsOf(sandbox)?.lookSoon();
    } catch (error) {
      killRunning(launched?.main, launched?.shim);
      this.#streams.close(id);
      await groups.remove(id);
      throw error;
    }
  }

  /** Asks the container to end, and kills it after the grace period; one that does not run is fine. */
  async stop(id: string, gracePeriodMs: number): Promise<void> {
    const container = this.#all.get(id);
    const run = container?.state.run;
    if (!container || !run || container.end) return;
    if (gracePeriodMs > 0) {
      sendSignal(commandProcessId(container, run), container.state.stopSignal);
      await this.#waitForEnd(container, gracePeriodMs);
    }
    if (!container.end) {
      // Its shim stays, to note the end.
      killRunning(run.main);
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
    this.#streams.close(id);
    await this.#options.groups.remove(id);
    await removeTree(container.folder);
  }

  /** Gives a running container other limits. @throws SkerryError `PROCESS_RUNTIME_*` */
  async limit(id: string, resources: LinuxContainerResources): Promise<void> {
    this.running(id);
    const limits = groupLimits(resources);
    try {
      await this.#options.groups.update(id, limits);
    } catch (error) {
      throw refusedState(`the kernel refuses these limits: ${describeError(error)}`);
    }
  }

  /** Nothing more comes for a container that reads the input of one client only. */
  endInput(id: string): void {
    this.#streams.endInput(id);
  }

  reopenLog(id: string): void {
    this.running(id);
    this.#streams.outputOf(id)?.reopen();
  }

  /** What runs goes on; only its output is not read any longer. */
  [Symbol.dispose](): void {
    clearInterval(this.#interval);
    this.#streams[Symbol.dispose]();
  }

  async #imageOf(config: ContainerConfig): Promise<StoredImage> {
    const name = config.image?.image ?? "";
    const image = await this.#options.images.find(name);
    if (!image) throw notFound(`The image ${name}`);
    return image;
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
    if (sandbox) this.#streams.open(container, sandbox).begun();
  }

  #lookAtAdopted(): void {
    for (const container of this.#adopted) if (!stillRuns(container.state.run?.shim)) this.#ended(container);
  }

  /** The shim has ended. */
  #ended(container: Container): void {
    this.#adopted.delete(container);
    container.end = readEnd(container.folder, this.#options.groups.wasOutOfMemory(container.id));
    const { run } = container.state;
    // A shim that was killed alone leaves its container behind.
    killRunning(run?.main);
    this.#streams.closeAtEnd(container.id);
  }

  async #waitForEnd(container: Container, limitMs: number): Promise<void> {
    const deadlineMs = performance.now() + limitMs;
    while (!container.end && performance.now() < deadlineMs)
      await new Promise((resolve) => setTimeout(resolve, STOP_POLL_MS));
  }
}
