import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { ConnectionCounters, ListeningPort } from "../listening-port.ts";
import type { ConnectionGuard } from "./connection-guard.ts";

/** Where a guarded server listens. */
export interface GuardedPort {
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
  /** Whether other processes may listen on the same port; the system spreads the connections over them. */
  readonly sharesPort?: boolean;
}

/** Opens the port of an HTTP or HTTPS server; rejects with what `failed` makes of the reason. */
export async function listenGuarded(
  server: Server,
  guard: ConnectionGuard,
  { address, port, sharesPort }: GuardedPort,
  failed: (cause: unknown) => Error,
): Promise<ListeningPort> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(failed(error)));
    server.listen({ port, host: address, reusePort: sharesPort ?? false }, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    get counters(): ConnectionCounters {
      return guard.counters;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      guard.closeAll();
      await closed;
    },
  };
}
