import { createHash } from "node:crypto";
import { chmodSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { SkerryError } from "@skerry/base";
import { notRunning } from "../errors.ts";
import { shortSocketPath } from "../nodecontainers/node-containers.ts";
import type { SkerryHome } from "../skerry-home.ts";
import type { RelayStatus } from "./link-relay.ts";
import type { PartState } from "./supervised-process.ts";

/** What the running supervisor can be asked. */
export type ControlRequest =
  | { readonly command: "status" }
  | { readonly command: "stop" }
  | { readonly command: "cut"; readonly node: string }
  | { readonly command: "restore"; readonly node: string };

/** How everything does. */
export interface SupervisorStatus {
  readonly ready: boolean;
  readonly processId: number;
  readonly parts: readonly {
    readonly name: string;
    readonly state: PartState;
    readonly processId: number | undefined;
    readonly restarts: number;
  }[];
  readonly links: readonly ({ readonly node: string } & RelayStatus)[];
  /** None on a machine whose node joined another machine's cloud. */
  readonly kubeconfig?: string;
}

type ControlAnswer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: string; readonly message: string; readonly advice: string };

/** Requests are short; a longer line is no request of ours. */
const LONGEST_LINE_BYTES = 64 * 1024;

/** The unix socket on which the supervisor of this home listens; only its owner may connect. */
export function controlSocketPath(home: SkerryHome): string {
  const hash = createHash("sha256").update(home.folder).digest("hex").slice(0, 12);
  return shortSocketPath(join(home.run, "control.sock"), `control-${hash}`);
}

/** Serves requests, one JSON line each, answered by one JSON line. */
export class ControlServer implements AsyncDisposable {
  readonly #path: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(path: string, handle: (request: ControlRequest) => Promise<unknown>) {
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
    rmSync(this.#path, { force: true });
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

async function answerTo(line: string, handle: (request: ControlRequest) => Promise<unknown>): Promise<ControlAnswer> {
  try {
    return { ok: true, value: (await handle(JSON.parse(line) as ControlRequest)) ?? null };
  } catch (error) {
    const coded = error instanceof SkerryError ? error : undefined;
    return {
      ok: false,
      code: coded?.code ?? "SKERRY_INTERNAL",
      message: error instanceof Error ? error.message : String(error),
      advice: coded?.advice ?? "See the supervisor's log.",
    };
  }
}

/** Asks the supervisor of this home. Throws SKERRY_NOT_RUNNING, or the error it answered. */
export async function askSupervisor(home: SkerryHome, request: ControlRequest): Promise<unknown> {
  const socket = connect(controlSocketPath(home));
  const line = await new Promise<string>((resolve, reject) => {
    const refuse = (): void => reject(notRunning(home.folder));
    socket.once("error", refuse);
    createInterface({ input: socket }).once("line", resolve).once("close", refuse).once("error", refuse);
    socket.write(`${JSON.stringify(request)}\n`);
  }).finally(() => socket.destroy());
  const answer = JSON.parse(line) as ControlAnswer;
  if (!answer.ok) throw new SkerryError(answer);
  return answer.value;
}
