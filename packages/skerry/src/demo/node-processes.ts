import type { Clock } from "@skerry/base";
import { sendSignal } from "@skerry/base/platform";
import { demoStepFailed } from "../errors.ts";
import type { NodeRuntime } from "../noderuntime/node-runtime.ts";
import type { SkerryHome } from "../skerry-home.ts";
import { askSupervisor, type SupervisorStatus } from "../supervisor/control-channel.ts";
import { eventually } from "./eventually.ts";

/** The processes of the edge node, as an operator sees and kills them. */
export class NodeProcesses {
  readonly #home: SkerryHome;
  readonly #node: string;
  readonly #runtime: NodeRuntime;
  readonly #clock: Clock;

  constructor(home: SkerryHome, node: string, runtime: NodeRuntime, clock: Clock) {
    this.#home = home;
    this.#node = node;
    this.#runtime = runtime;
    this.#clock = clock;
  }

  /** Running containers: their ids and first processes. */
  tasks(): Promise<ReadonlyMap<string, number>> {
    return this.#runtime.containers();
  }

  /** Kills the first process of a container. */
  async killContainer(id: string): Promise<void> {
    const processId = (await this.tasks()).get(id);
    if (!sendSignal(processId, "SIGKILL")) throw demoStepFailed(`the runtime has the container ${id} running`, 0, "");
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
    const edgeCore = await this.#edgeCore();
    sendSignal(edgeCore, "SIGKILL");
    await this.#runtime.killContainers();
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
