import { dirname, join } from "node:path";
import { describeError } from "@skerry/base";
import { PodPaths } from "./pod/pod-paths.ts";
import { nodeLabel, podNameLabel, podNamespaceLabel, podUidLabel, restartCountOf } from "./pod/runtime-names.ts";
import type { RuntimeContainer } from "./ports.ts";
import type { EdgedPorts } from "./services.ts";
import { SyncLoop } from "./sync-loop.ts";

const PERIOD_MS = 30_000;
const RETRY = { initialMs: PERIOD_MS, maximumMs: 5 * 60_000 };

/**
 * Keeps containers' logs bounded: a log that has grown too large is set aside as `<n>.log.<time>`, the runtime opens a
 * new one, and the oldest of those set aside are removed. The runtime itself never does this.
 */
export class LogRotator implements AsyncDisposable {
  readonly #ports: EdgedPorts;
  readonly #loop: SyncLoop;

  constructor(ports: EdgedPorts) {
    this.#ports = ports;
    this.#loop = new SyncLoop(ports, "Rotating container logs", RETRY, async () => {
      await this.#rotateAll();
      return PERIOD_MS;
    });
  }

  start(): void {
    this.#loop.wake();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#loop[Symbol.asyncDispose]();
  }

  async #rotateAll(): Promise<void> {
    const { runtime, config, logger } = this.#ports;
    for (const container of await runtime.listContainers({ [nodeLabel]: config.nodeName })) {
      if (container.state !== "running") continue;
      try {
        await this.#rotate(container);
      } catch (error) {
        logger.warn("A container's log could not be rotated", {
          container: container.name,
          error: describeError(error),
        });
      }
    }
  }

  async #rotate(container: RuntimeContainer): Promise<void> {
    const { fileSystem, runtime, config, clock } = this.#ports;
    const log = this.#logOf(container);
    const status = await fileSystem.status(log);
    if (status?.kind !== "file" || status.sizeBytes < config.containerLogMaxBytes) return;
    const time = new Date(clock.now()).toISOString().replaceAll(/[-:.]/g, "");
    const aside = `${log}.${time}`;
    await fileSystem.rename(log, aside);
    try {
      await runtime.reopenContainerLog(container.id);
    } catch (error) {
      // Otherwise the runtime would go on writing into a file that nobody looks for.
      await fileSystem.rename(aside, log);
      throw error;
    }
    const folder = dirname(log);
    const prefix = `${restartCountOf(container)}.log.`;
    const setAside = (await fileSystem.listDirectory(folder)).filter((name) => name.startsWith(prefix)).sort();
    const surplus = setAside.length - Math.max(0, config.containerLogMaxFiles - 1);
    for (const old of setAside.slice(0, Math.max(0, surplus))) await fileSystem.remove(join(folder, old));
  }

  #logOf(container: RuntimeContainer): string {
    const { config } = this.#ports;
    const identity = {
      uid: container.labels[podUidLabel] ?? "",
      namespace: container.labels[podNamespaceLabel] ?? "",
      name: container.labels[podNameLabel] ?? "",
    };
    const { logs } = new PodPaths(config.rootDirectory, config.podLogsDirectory, identity);
    return join(logs, PodPaths.logPath(container.name, restartCountOf(container)));
  }
}
