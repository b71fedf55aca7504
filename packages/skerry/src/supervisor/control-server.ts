import { chmodSync, lstatSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { SkerryError } from "@skerry/base";

type ControlAnswer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: string; readonly message: string; readonly advice: string };

/** Requests are short; a longer line is no request of ours. */
const LONGEST_LINE_BYTES = 64 * 1024;

/**
 * Serves requests of this machine's commands over a unix socket that only its owner may use: one JSON line each,
 * answered by one JSON line. What comes is not checked: who may connect may do anything.
 */
export class ControlServer<Request> implements AsyncDisposable {
  readonly #path: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(path: string, handle: (request: Request) => Promise<unknown>) {
    this.#path = path;
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      socket.on("error", () => socket.destroy());
      let receivedBytes = 0;
      socket.on("data", (chunk) => {
        receivedBytes += chunk.length;
        if (receivedBytes > LONGEST_LINE_BYTES) socket.destroy();
      });
      const lines = createInterface({ input: socket }).on("error", () => socket.destroy());
      lines.once("line", (line) => {
        void answerTo(line, handle).then((answer) => socket.end(`${JSON.stringify(answer)}\n`));
      });
    });
  }

  async start(): Promise<void> {
    // What a crash left; but never another file, should somebody have named one.
    if (lstatSync(this.#path, { throwIfNoEntry: false })?.isSocket()) rmSync(this.#path, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.#path, resolve);
    });
    chmodSync(this.#path, 0o600);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    // An answer on its way (to `stop`) is let out.
    for (const socket of this.#sockets) socket.end();
    await closed;
  }
}

async function answerTo<Request>(line: string, handle: (request: Request) => Promise<unknown>): Promise<ControlAnswer> {
  try {
    return { ok: true, value: (await handle(JSON.parse(line) as Request)) ?? null };
  } catch (error) {
    const coded = error instanceof SkerryError ? error : undefined;
    return {
      ok: false,
      code: coded?.code ?? "SKERRY_INTERNAL",
      message: error instanceof Error ? error.message : String(error),
      advice: coded?.advice ?? "See the log of the part that was asked.",
    };
  }
}

/** Asks who serves the socket; throws the error that it answered, or `absent()` when nobody does. */
export async function askControl(path: string, request: object, absent: () => Error): Promise<unknown> {
  const socket = connect(path);
  const line = await new Promise<string>((resolve, reject) => {
    const refuse = (): void => reject(absent());
    socket.once("error", refuse);
    createInterface({ input: socket }).once("line", resolve).once("close", refuse).once("error", refuse);
    socket.write(`${JSON.stringify(request)}\n`);
  }).finally(() => socket.destroy());
  const answer = JSON.parse(line) as ControlAnswer;
  if (!answer.ok) throw new SkerryError(answer);
  return answer.value;
}
