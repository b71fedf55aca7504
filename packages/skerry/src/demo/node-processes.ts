import type { Clock } from "@skerry/base";
import { demoStepFailed } from "../errors.ts";
import { nodeContainersPaths } from "../nodecontainers/node-containers.ts";
import { descendants, sendSignal } from "../nodecontainers/process-table.ts";
import { shimsOf } from "../nodecontainers/remove-containers.ts";
import { runCommand } from "../run-command.ts";
import type { SkerryHome } from "../skerry-home.ts";
import { askSupervisor, type SupervisorStatus } from "../supervisor/control-channel.ts";
import type { SystemParts } from "../systemparts/system-parts.ts";
import { eventually } from "./eventually.ts";

/** The processes of the edge node, as an operator with root sees and kills them. */
export class NodeProcesses {
  readonly #home: SkerryHome;
  readonly #node: string;
  readonly #parts: SystemParts;
  readonly #clock: Clock;

  constructor(home: SkerryHome, node: string, parts: SystemParts, clock: Clock) {
    this.#home = home;
    this.#node = node;
    this.#parts = parts;
    this.#clock = clock;
  }

  /** Running containers by `ctr`: their ids and first processes. */
  async tasks(): Promise<ReadonlyMap<string, number>> {
    const { socketPath } = nodeContainersPaths(this.#home.nodeFolder(this.#node));
    const listed = await runCommand(
      [this.#parts.ctr, "--address", socketPath, "--namespace", "k8s.io", "tasks", "list"],
      {
        environment: this.#parts.environment,
      },
    );
    return new Map(
      [...listed.matchAll(/^(\S+)\s+(\d+)\s+RUNNING/gm)].map((match) => [match[1] ?? "", Number(match[2])]),
    );
  }

  /** Kills the first process of a container. */
  async killContainer(id: string): Promise<void> {
    const processId = (await this.tasks()).get(id);
    if (!sendSignal(processId, "SIGKILL")) throw demoStepFailed(`ctr lists the container ${id} as running`, 0, "");
  }

  /** Kills EdgeCore with -9, as a crash would; resolves when its supervisor has started it again. */
  async killEdgeCore(): Promise<void> {
    const before = await this.#edgeCore();
    sendSignal(before, "SIGKILL");
    await eventually(this.#clock, "EdgeCore runs again", async () => {
      const now = await this.#edgeCore();
      return now !== undefined && now !== before ? true : undefined;
    });
  }

  /** Kills all containers and EdgeCore at once: what a power cut leaves. */
  async killEverything(): Promise<void> {
    const shims = shimsOf(nodeContainersPaths(this.#home.nodeFolder(this.#node)).socketPath);
    const edgeCore = await this.#edgeCore();
    sendSignal(edgeCore, "SIGKILL");
    for (const processId of [...descendants(shims), ...shims]) sendSignal(processId, "SIGKILL");
    await eventually(this.#clock, "EdgeCore runs again", async () => {
      const now = await this.#edgeCore();
      return now !== undefined && now !== edgeCore ? true : undefined;
    });
  }

  async #edgeCore(): Promise<number | undefined> {
    const status = (await askSupervisor(this.#home, { command: "status" })) as SupervisorStatus;
    const part = status.parts.find(({ name }) => name === `edgecore ${this.#node}`);
    return part?.state.kind === "running" ? part.processId : undefined;
  }
}
