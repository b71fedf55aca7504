import { closeSync } from "node:fs";
import { join } from "node:path";
import { TerminalOutput } from "../terminal-bytes.ts";
import type { Container } from "./container-record.ts";
import { LogPump } from "./log-pump.ts";
import type { Sandbox } from "./sandboxes.ts";

/** What this runtime holds open of containers: the ends at which their output is read, and the inputs that may end. */
export class ContainerStreams implements Disposable {
  readonly #logs = new Map<string, LogPump>();
  /** Ends that are held open so that a container's input goes on until its one client has ended it. */
  readonly #inputs = new Map<string, number>();

  /** Begins to read what a container writes, into its log. */
  open({ id, folder, config, state }: Container, sandbox: Sandbox): LogPump {
    const path = join(sandbox.config.logDirectory ?? folder, config.logPath ?? "container.log");
    const terminal = config.tty === true ? new TerminalOutput(state.run !== undefined) : undefined;
    const pump = new LogPump(path, { stdout: join(folder, "stdout"), stderr: join(folder, "stderr") }, terminal);
    this.#logs.set(id, pump);
    return pump;
  }

  /** Where a container's output is read; undefined when it does not run. */
  outputOf(id: string): LogPump | undefined {
    return this.#logs.get(id);
  }

  /** @param input the writing end of what the container reads */
  holdInput(id: string, input: number): void {
    this.#inputs.set(id, input);
  }

  /** Nothing more comes for a container that reads the input of one client only. */
  endInput(id: string): void {
    const input = this.#inputs.get(id);
    this.#inputs.delete(id);
    if (input !== undefined) closeSync(input);
  }

  close(id: string): void {
    this.endInput(id);
    this.#logs.get(id)?.[Symbol.dispose]();
    this.#logs.delete(id);
  }

  /** The container has ended: what it still said is read first. */
  closeAtEnd(id: string): void {
    this.endInput(id);
    const pump = this.#logs.get(id);
    if (pump) void pump.ended.then(() => this.close(id));
  }

  [Symbol.dispose](): void {
    for (const id of new Set([...this.#inputs.keys(), ...this.#logs.keys()])) this.close(id);
  }
}
