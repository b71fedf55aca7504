import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { describeError, type Logger } from "@skerry/base";
import { portInUse } from "../errors.ts";
import { listeningPorts } from "../listening-ports.ts";
import { TOOL_ENVIRONMENT } from "./run-tool.ts";

/** A port of the machine that leads into a pod. */
export interface HostPort {
  readonly hostIp: string;
  readonly hostPort: number;
  readonly containerPort: number;
}

const MOST_CONNECTIONS = 256;
const INTERVAL_MS = 1_000;
/** After a container's start its ports are looked for more often. */
const SOON_MS: readonly number[] = [30, 60, 120, 250, 500, 750];

/**
 * Leads TCP connections into a pod's own network: what its processes listen on is reached at the pod's address, a
 * loopback address of this machine, and at the ports that it has on the machine. Each connection goes through a small
 * process inside of the pod's network.
 */
export class PodPorts implements AsyncDisposable {
  readonly #address: string;
  readonly #holderId: number;
  readonly #busybox: string;
  readonly #logger: Logger;
  readonly #servers = new Map<number, Server>();
  readonly #hostServers: Server[] = [];
  readonly #connections = new Set<Socket>();
  readonly #told = new Set<number>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #interval: NodeJS.Timeout;
  #looking: Promise<void> | undefined;
  #refused = 0;
  #isClosed = false;

  constructor(options: {
    readonly address: string;
    readonly holderId: number;
    readonly busybox: string;
    readonly logger: Logger;
  }) {
    this.#address = options.address;
    this.#holderId = options.holderId;
    this.#busybox = options.busybox;
    this.#logger = options.logger;
    this.#interval = setInterval(() => void this.#look(), INTERVAL_MS);
  }

  /** Connections that were turned away because there were too many. */
  get refused(): number {
    return this.#refused;
  }

  /** @throws SkerryError `PROCESS_RUNTIME_PORT_IN_USE` */
  async open(hostPorts: readonly HostPort[]): Promise<void> {
    for (const { hostIp, hostPort, containerPort } of hostPorts) {
      const server = this.#serverFor(containerPort);
      try {
        await listen(server, hostPort, hostIp || "0.0.0.0");
      } catch (error) {
        throw portInUse(hostPort, `another pod or program (${describeError(error)})`);
      }
      this.#hostServers.push(server);
    }
  }

  /** A container has just started: its ports are there soon. */
  lookSoon(): void {
    if (this.#isClosed) return;
    for (const delayMs of SOON_MS) {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        void this.#look();
      }, delayMs);
      this.#timers.add(timer);
    }
  }

  /**
   * A connection to a port inside, on its loopback address: the process whose standard streams it is.
   * @param errors whether what goes wrong is told on its standard error
   */
  connect(port: number, errors: "pipe" | "ignore" = "ignore"): ChildProcess {
    const enter = ["--target", String(this.#holderId), "--user", "--net", "--preserve-credentials", "--"];
    return spawn("nsenter", [...enter, this.#busybox, "nc", "127.0.0.1", String(port)], {
      stdio: ["pipe", "pipe", errors],
      env: TOOL_ENVIRONMENT,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#interval);
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#looking; // It may be about to listen.
    for (const connection of this.#connections) connection.destroy();
    const servers = [...this.#servers.values(), ...this.#hostServers];
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  /** Never rejects. */
  #look(): Promise<void> {
    this.#looking ??= this.#bringUpToDate()
      .catch((error: unknown) =>
        this.#logger.debug("The ports of a pod cannot be read", {
          address: this.#address,
          reason: describeError(error),
        }),
      )
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }

  async #bringUpToDate(): Promise<void> {
    const tables = await Promise.all(
      ["tcp", "tcp6"].map((name) => readFile(`/proc/${this.#holderId}/net/${name}`, "latin1").catch(() => "")),
    );
    const wanted = new Set(tables.flatMap(listeningPorts));
    for (const [port, server] of this.#servers)
      if (!wanted.has(port)) {
        this.#servers.delete(port);
        server.close();
      }
    for (const port of wanted) if (!this.#isClosed && !this.#servers.has(port)) await this.#add(port);
  }

  async #add(port: number): Promise<void> {
    const server = this.#serverFor(port);
    try {
      await listen(server, port, this.#address);
      this.#servers.set(port, server);
      this.#told.delete(port);
    } catch (error) {
      if (this.#told.has(port)) return;
      this.#told.add(port);
      this.#logger.warn("A pod's port cannot be reached at the pod's address", {
        address: this.#address,
        port,
        reason: describeError(error),
      });
    }
  }

  #serverFor(port: number): Server {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#relay(socket, port));
    server.on("error", () => undefined); // What matters is told by listen().
    return server;
  }

  #relay(socket: Socket, port: number): void {
    if (this.#connections.size >= MOST_CONNECTIONS) {
      this.#refused += 1;
      socket.destroy();
      return;
    }
    this.#connections.add(socket);
    const child = this.connect(port);
    socket.on("error", () => socket.destroy());
    child.on("error", () => socket.destroy());
    child.stdin?.on("error", () => undefined);
    if (child.stdin) socket.pipe(child.stdin);
    child.stdout?.pipe(socket);
    child.once("close", () => socket.destroySoon());
    socket.once("close", () => {
      this.#connections.delete(socket);
      child.kill("SIGKILL");
    });
  }
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => reject(error);
    server.once("error", onError);
    server.listen({ port, host }, () => {
      server.off("error", onError);
      resolve();
    });
  });
}
