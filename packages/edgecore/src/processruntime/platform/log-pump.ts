import { closeSync, constants, mkdirSync, openSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { dirname } from "node:path";
import { LogEntries } from "../log-entries.ts";
import type { TerminalOutput } from "../terminal-bytes.ts";

/**
 * Writes what a container says to its log. It reads named pipes, which the container holds open too: while no runtime
 * runs, output waits in them, and the next one goes on reading.
 */
export class LogPump implements Disposable {
  readonly #path: string;
  readonly #terminal: TerminalOutput | undefined;
  readonly #sockets: Socket[] = [];
  /** Writers of our own, so that a pipe has no end before the container has opened it. */
  readonly #keepers: number[] = [];
  readonly #ended: Promise<unknown>;
  readonly #listeners = new Set<(stream: "stdout" | "stderr", chunk: Buffer) => void>();
  #file: number | undefined;
  #lostEntries = 0;

  /**
   * @param pipes paths of the named pipes
   * @param terminal what takes the terminal's bytes out of those of `stdout`, where the container has one
   */
  constructor(path: string, pipes: Readonly<Record<"stdout" | "stderr", string>>, terminal?: TerminalOutput) {
    this.#path = path;
    this.#terminal = terminal;
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    this.reopen();
    const ends: Promise<void>[] = [];
    for (const stream of ["stdout", "stderr"] as const) ends.push(this.#read(stream, pipes[stream]));
    this.#ended = Promise.all(ends);
  }

  /** Entries that the disk refused. */
  get lostEntries(): number {
    return this.#lostEntries;
  }

  /** Resolves when the container and all that it started have closed their output. */
  get ended(): Promise<unknown> {
    return this.#ended;
  }

  /** The container has its pipes open, or never will. */
  begun(): void {
    for (const keeper of this.#keepers.splice(0)) closeSync(keeper);
  }

  /** Goes on in a file of the same name, after the old one was renamed. */
  reopen(): void {
    const before = this.#file;
    this.#file = openSync(this.#path, "a", 0o640);
    if (before !== undefined) closeSync(before);
  }

  /** Shows the output to somebody besides; returns what ends that. */
  watch(listener: (stream: "stdout" | "stderr", chunk: Buffer) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  [Symbol.dispose](): void {
    this.begun();
    for (const socket of this.#sockets) socket.destroy();
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #read(stream: "stdout" | "stderr", pipe: string): Promise<void> {
    const entries = new LogEntries(stream);
    this.#keepers.push(openSync(pipe, constants.O_RDWR));
    const socket = new Socket({
      fd: openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK),
      readable: true,
      writable: false,
    });
    this.#sockets.push(socket);
    const terminal = stream === "stdout" ? this.#terminal : undefined;
    socket.on("data", (bytes) => {
      const chunk = terminal ? Buffer.from(terminal.take(bytes)) : bytes;
      this.#write(entries.take(chunk, Date.now()));
      for (const listener of this.#listeners) listener(stream, chunk);
    });
    socket.on("error", () => socket.destroy());
    return new Promise((resolve) => {
      socket.once("close", () => {
        this.#write(entries.finish(Date.now()));
        resolve();
      });
    });
  }

  #write(entries: readonly Buffer[]): void {
    if (entries.length === 0 || this.#file === undefined) return;
    try {
      writeSync(this.#file, Buffer.concat(entries));
    } catch {
      this.#lostEntries += entries.length; // A full disk must not stop the container.
    }
  }
}
