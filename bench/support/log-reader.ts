import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** Reads a log with a command, from the beginning again when it was read to its end, until it is disposed of. */
export class LogReader implements AsyncDisposable {
  readBytes = 0;
  readonly #command: readonly string[];
  #isOn = true;
  #child: ChildProcess | undefined;
  readonly #reading: Promise<void>;

  constructor(command: readonly string[]) {
    this.#command = command;
    this.#reading = this.#read();
    // Told when it is disposed of.
    this.#reading.catch(() => undefined);
  }

  async #read(): Promise<void> {
    const [program = "", ...parameters] = this.#command;
    while (this.#isOn) {
      const child = spawn(program, parameters, { stdio: ["ignore", "pipe", "inherit"] });
      this.#child = child;
      child.stdout.on("data", (chunk: Buffer) => {
        this.readBytes += chunk.length;
      });
      const [status] = await once(child, "close");
      // It would be started again and again.
      if (this.#isOn && status !== 0) throw new Error(`${this.#command.join(" ")} ended with ${status}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOn = false;
    this.#child?.kill();
    await this.#reading;
  }
}
