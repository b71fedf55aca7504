import { constants, openSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import type { RunningContainer } from "../container-record.ts";
import type { LogPump } from "../log-pump.ts";
import type { ClientStreams } from "./command-session.ts";
import { resize, typed } from "./serve-exec.ts";

/** Nothing holds up a container's output: a client that is behind by more than this is let go. */
const MOST_BEHIND_BYTES = 1024 * 1024;

/** What a client is attached to. */
export interface Attachable {
  readonly container: RunningContainer;
  readonly output: LogPump;
  /** Tells the container that its one client has no more input. */
  endInput(): void;
}

/** Shows a client what a container says from now on and leads its input there, until either ends. Returns 0. */
export async function serveAttach(
  { container, output, endInput }: Attachable,
  streams: ClientStreams,
  gone: AbortSignal,
): Promise<number> {
  const { folder, config } = container;
  const isTerminal = config.tty === true;
  const left = Promise.withResolvers<void>();
  gone.addEventListener("abort", () => left.resolve(), { once: true });
  const unwatch = output.watch((name, chunk) => {
    const client = name === "stdout" ? streams.stdout : streams.stderr;
    if (!client || client.destroyed) return;
    client.write(chunk);
    if (client.writableLength > MOST_BEHIND_BYTES)
      left.reject(new Error("the client reads more slowly than the container writes"));
  });
  const input = openInput(folder, config.stdin === true || isTerminal);
  try {
    if (input) {
      if (streams.stdin && config.stdin === true)
        (isTerminal ? streams.stdin.pipe(typed()) : streams.stdin).pipe(input, { end: false });
      if (isTerminal) resize(streams.resize, input);
      if (config.stdinOnce === true && !isTerminal) streams.stdin?.once("end", () => input.end(() => endInput()));
    }
    await Promise.race([output.ended, left.promise]);
    return 0;
  } finally {
    unwatch();
    input?.destroy();
    if (config.stdinOnce === true && streams.stdin) endInput();
  }
}

/** The way into what a container reads; undefined for one that reads nothing or has just ended. */
function openInput(folder: string, isRead: boolean): Socket | undefined {
  if (!isRead) return undefined;
  try {
    const file = openSync(join(folder, "stdin"), constants.O_WRONLY | constants.O_NONBLOCK);
    const socket = new Socket({ fd: file, readable: false, writable: true });
    socket.on("error", () => socket.destroy());
    return socket;
  } catch {
    return undefined;
  }
}
