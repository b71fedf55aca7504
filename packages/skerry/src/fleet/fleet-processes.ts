import { type ChildProcess, spawn } from "node:child_process";
import { serverNode } from "../node-options.ts";
import { ownCommand } from "../supervisor/part-descriptions.ts";
import { type FleetPlan, type FleetSample, isFleetSample } from "./fleet-messages.ts";

/** How long the processes may take to end their sessions in order. */
const STOP_MS = 10_000;

/** The processes of a fleet, each with a part of its nodes. */
export class FleetProcesses implements AsyncDisposable {
  readonly #children: ChildProcess[];
  readonly #samples = new Map<number, FleetSample>();
  /** Processes that ended although nobody asked them to. */
  lost = 0;
  #stopping = false;

  /** `onDelivery` is called with each time that an object took to a node, ms. */
  constructor(plans: readonly FleetPlan[], onDelivery: (milliseconds: number) => void) {
    const [program = "", ...parameters] = ownCommand(["fleet-process"], serverNode);
    this.#children = plans.map((plan, index) => {
      const child = spawn(program, parameters, {
        stdio: ["ignore", "inherit", "inherit", "ipc"],
        env: { ...process.env, ...serverNode.environment },
      });
      child.on("message", (message) => {
        if (!isFleetSample(message)) return;
        message.deliveriesMs.forEach(onDelivery);
        this.#samples.set(index, message);
      });
      child.on("exit", () => {
        if (this.#stopping) return;
        this.lost += 1;
        this.#samples.delete(index);
      });
      child.on("error", () => undefined); // The exit is told too.
      child.send(plan);
      return child;
    });
  }

  get samples(): FleetSample[] {
    return [...this.#samples.values()];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#children.map(stopped));
  }
}

/** The end of its channel tells a process to stop. */
function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    child.once("exit", () => {
      clearTimeout(timer);
      resolve();
    });
    if (child.connected) child.disconnect();
  });
}
