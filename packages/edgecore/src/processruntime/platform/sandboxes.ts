import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describeError, type Logger, Mutex } from "@skerry/base";
import { PodSandboxConfig } from "../../edged/platform/generated/cri.ts";
import { notFound, refusedState, startFailed } from "../errors.ts";
import { freePodAddress } from "../pod-address.ts";
import { HOLDER_SCRIPT, PROCESS_HOLDER_SCRIPT } from "../scripts.ts";
import { hold } from "./holders.ts";
import { type OutboundAbility, startOutbound } from "./outbound-network.ts";
import { type HostPort, PodPorts } from "./pod-ports.ts";
import { childrenOf, killRunning, type ProcessIdentity, stillRuns } from "./process-identity.ts";
import { kernelSettings, refuseSandbox } from "./sandbox-plan.ts";
import { WaysOut } from "./ways-out.ts";

/** A pod's sandbox. */
export interface Sandbox {
  readonly id: string;
  readonly folder: string;
  readonly config: PodSandboxConfig;
  readonly createdAtMs: number;
  /** Holds the pod's namespaces. */
  readonly holder: ProcessIdentity;
  /** Holds the process namespace that containers share, once one of them wants that. */
  processHolder?: ProcessIdentity | undefined;
  /** Leads the pod's connections out; undefined where it has none, or is on the machine's network. */
  outbound?: ProcessIdentity | undefined;
  /** Undefined on the machine's network. */
  readonly address: string | undefined;
  isStopped: boolean;
}

/** What is kept of a sandbox on disk beside its configuration. */
export type SandboxState = Pick<
  Sandbox,
  "createdAtMs" | "holder" | "processHolder" | "outbound" | "address" | "isStopped"
>;

export interface SandboxesOptions {
  readonly folder: string;
  readonly busybox: string;
  readonly outbound: OutboundAbility;
  readonly logger: Logger;
}

const NODE_NAMESPACE = 2;

/** The sandboxes of this node: each a process that holds namespaces, and outlives this one. */
export class Sandboxes implements AsyncDisposable {
  readonly #options: SandboxesOptions;
  readonly #all = new Map<string, Sandbox>();
  readonly #ports = new Map<string, PodPorts>();
  readonly #waysOut: WaysOut | undefined;
  readonly #saving = new Mutex();

  constructor(options: SandboxesOptions) {
    this.#options = options;
    const { outbound, logger } = options;
    if (outbound.kind === "none") return;
    this.#waysOut = new WaysOut({
      start: (holderId) => startOutbound(outbound, holderId),
      list: () => this.list(),
      isReady: (sandbox) => this.isReady(sandbox),
      save: (sandbox) => this.#save(sandbox),
      logger,
    });
  }

  /** Finds what an earlier runtime has left running. */
  async open(): Promise<void> {
    await mkdir(this.#options.folder, { recursive: true, mode: 0o700 });
    for (const id of await readdir(this.#options.folder)) {
      const folder = join(this.#options.folder, id);
      try {
        const state = JSON.parse(await readFile(join(folder, "state.json"), "utf8")) as SandboxState;
        const config = PodSandboxConfig.decode(await readFile(join(folder, "config.pb")));
        const sandbox: Sandbox = { id, folder, config, ...state };
        this.#all.set(id, sandbox);
      } catch (error) {
        this.#options.logger.warn("What is left of a sandbox cannot be read; it is removed", {
          sandbox: id,
          reason: describeError(error),
        });
        await rm(folder, { recursive: true, force: true });
      }
    }
    for (const sandbox of this.#all.values())
      if (this.isReady(sandbox)) {
        await this.#openPortsAgain(sandbox);
        await this.#waysOut?.provide(sandbox);
      }
  }

  list(): Sandbox[] {
    return [...this.#all.values()];
  }

  /** @throws SkerryError `PROCESS_RUNTIME_NOT_FOUND` */
  get(id: string): Sandbox {
    const sandbox = this.#all.get(id);
    if (!sandbox) throw notFound(`The sandbox ${id}`);
    return sandbox;
  }

  find(id: string): Sandbox | undefined {
    return this.#all.get(id);
  }

  isReady(sandbox: Sandbox): boolean {
    return !sandbox.isStopped && stillRuns(sandbox.holder);
  }

  /** The way into a pod's network; undefined on the machine's. */
  portsOf(sandbox: Sandbox): PodPorts | undefined {
    return this.#ports.get(sandbox.id);
  }

  /**
   * @param runtimeHandler what the pod's RuntimeClass asks for; there is none here
   * @throws SkerryError `PROCESS_RUNTIME_START_FAILED`, `PROCESS_RUNTIME_PORT_IN_USE`, `PROCESS_RUNTIME_REFUSED`,
   * `PROCESS_RUNTIME_CANNOT`
   */
  async run(config: PodSandboxConfig, runtimeHandler: string): Promise<Sandbox> {
    refuseSandbox(config, runtimeHandler);
    const { uid = "", attempt = 0, name = "", namespace = "" } = config.metadata ?? {};
    for (const other of this.#all.values())
      if (other.config.metadata?.uid === uid && (other.config.metadata.attempt ?? 0) === attempt)
        throw refusedState(`the sandbox of ${namespace}/${name}, attempt ${attempt}, is there already: ${other.id}`);
    const isOwnNetwork = config.linux?.securityContext?.namespaceOptions?.network !== NODE_NAMESPACE;
    const id = randomBytes(32).toString("hex");
    const folder = join(this.#options.folder, id);
    await mkdir(folder, { mode: 0o700 });
    try {
      const holder = await this.#startHolder(config, isOwnNetwork);
      const address = isOwnNetwork ? this.#freeAddress() : undefined;
      const state = { createdAtMs: Date.now(), holder, address, isStopped: false };
      const sandbox: Sandbox = { id, folder, config, ...state };
      this.#all.set(id, sandbox);
      try {
        await writeFile(join(folder, "config.pb"), PodSandboxConfig.encode(config).finish(), { mode: 0o600 });
        await this.#save(sandbox);
        await this.#openPorts(sandbox);
        await this.#waysOut?.provide(sandbox);
      } catch (error) {
        await this.remove(id);
        throw error;
      }
      return sandbox;
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Ends the sandbox; its containers have ended before. */
  async stop(id: string): Promise<void> {
    const sandbox = this.#all.get(id);
    if (!sandbox || sandbox.isStopped) return;
    // First what others wait for: a disk that is full must not keep it.
    const ports = this.#ports.get(id);
    this.#ports.delete(id);
    await ports?.[Symbol.asyncDispose]();
    killRunning(sandbox.outbound, sandbox.processHolder, sandbox.holder);
    sandbox.isStopped = true;
    try {
      await this.#save(sandbox);
    } catch (error) {
      this.#options.logger.warn("That a sandbox was stopped cannot be noted", {
        sandbox: id,
        reason: describeError(error),
      });
    }
  }

  async remove(id: string): Promise<void> {
    const sandbox = this.#all.get(id);
    if (!sandbox) return;
    await this.stop(id);
    this.#all.delete(id);
    await rm(sandbox.folder, { recursive: true, force: true });
  }

  /** What runs goes on; only the ways in are closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#waysOut?.[Symbol.asyncDispose]();
    await Promise.all([...this.#ports.values()].map((ports) => ports[Symbol.asyncDispose]()));
    this.#ports.clear();
  }

  #freeAddress(): string {
    const range = createHash("sha256").update(this.#options.folder).digest().readUInt16BE();
    const used = this.list().flatMap(({ address }) => address ?? []);
    return freePodAddress(range, new Set(used));
  }

  /** Another program may have taken a port of the machine meanwhile: then the pod needs a new sandbox. */
  async #openPortsAgain(sandbox: Sandbox): Promise<void> {
    try {
      await this.#openPorts(sandbox);
    } catch (error) {
      this.#options.logger.warn("A sandbox's ports cannot be opened again; it is stopped", {
        sandbox: sandbox.id,
        reason: describeError(error),
      });
      await this.stop(sandbox.id);
    }
  }

  async #openPorts(sandbox: Sandbox): Promise<void> {
    if (sandbox.address === undefined) return;
    const { busybox, logger } = this.#options;
    const hostPorts = (sandbox.config.portMappings ?? []).flatMap((mapping): HostPort[] =>
      (mapping.hostPort ?? 0) > 0 && (mapping.protocol ?? 0) === 0
        ? [
            {
              hostIp: mapping.hostIp ?? "",
              hostPort: mapping.hostPort ?? 0,
              containerPort: mapping.containerPort ?? 0,
            },
          ]
        : [],
    );
    const ports = new PodPorts({ address: sandbox.address, holderId: sandbox.holder.processId, busybox, logger });
    this.#ports.set(sandbox.id, ports);
    await ports.open(hostPorts);
    ports.lookSoon();
  }

  /** The first process of the process namespace that containers of the pod share. @throws like {@link run} */
  async sharedProcesses(sandbox: Sandbox): Promise<number> {
    if (!stillRuns(sandbox.processHolder)) {
      const { busybox } = this.#options;
      const enter = ["--target", String(sandbox.holder.processId), "--user", "--preserve-credentials", "--"];
      const namespace = ["unshare", "--pid", "--fork", "--kill-child", "--"];
      const holder = [busybox, "sh", "-c", PROCESS_HOLDER_SCRIPT, "holder", busybox];
      sandbox.processHolder = await hold(["nsenter", ...enter, ...namespace, ...holder]);
      await this.#save(sandbox);
    }
    const first = sandbox.processHolder && childrenOf(sandbox.processHolder.processId)[0];
    if (first === undefined) throw startFailed("the pod's shared process namespace has ended");
    return first;
  }

  /** Starts the process that holds the pod's namespaces, and waits until they are ready. */
  #startHolder(config: PodSandboxConfig, isOwnNetwork: boolean): Promise<ProcessIdentity> {
    const { busybox } = this.#options;
    const { namespaceOptions = {} } = config.linux?.securityContext ?? {};
    const namespaces = [
      ...(isOwnNetwork ? ["--net", "--uts"] : []),
      ...(namespaceOptions.ipc === NODE_NAMESPACE ? [] : ["--ipc"]),
    ];
    const holder = [busybox, "sh", "-c", HOLDER_SCRIPT, "holder", busybox];
    const facts = [config.hostname ?? "", isOwnNetwork ? "own" : "host", ...kernelSettings(config)];
    return hold(["unshare", "--user", "--map-root-user", ...namespaces, "--", ...holder, ...facts]);
  }

  /** What is saved last is what the sandbox is then. */
  #save(sandbox: Sandbox): Promise<void> {
    return this.#saving.run(async () => {
      const { folder, createdAtMs, holder, processHolder, outbound, address, isStopped } = sandbox;
      const path = join(folder, "state.json");
      const state: SandboxState = { createdAtMs, holder, processHolder, outbound, address, isStopped };
      await writeFile(`${path}.new`, JSON.stringify(state), { mode: 0o600 });
      await rename(`${path}.new`, path);
    });
  }
}
