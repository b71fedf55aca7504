import type { Clock, Timer } from "@skerry/base";
import type { ClientErrors, GrpcTransport, UnaryCall, UnaryClient, UnaryServerOptions } from "@skerry/grpc";
import type { CrashPoints } from "./crash-points.ts";
import type { ProcessLife } from "./process-life.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** A process on the machine. */
export interface SocketOwner {
  readonly life: ProcessLife;
  /** Where its calls may be its last. */
  readonly crashPoints?: CrashPoints;
}

interface Server {
  readonly owner: SocketOwner;
  readonly options: UnaryServerOptions;
  /** End calls that wait for an answer. */
  readonly broken: Set<() => void>;
}

/** The sockets of one machine, for gRPC between its processes: what is called arrives soon, unless a process dies. */
export class SimulatedSockets {
  readonly #clock: Clock;
  readonly #random: SeededRandom;
  readonly #servers = new Map<string, Server>();

  constructor(clock: Clock, random: SeededRandom) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Sockets as one process sees them. */
  transport(owner: SocketOwner): GrpcTransport {
    return {
      serve: async (options) => {
        const server: Server = { owner, options, broken: new Set() };
        this.#servers.set(options.socketPath, server);
        return { [Symbol.asyncDispose]: async () => this.#end(options.socketPath, server) };
      },
      client: (socketPath, errors) => this.#client(owner, socketPath, errors),
      isServed: (socketPath) =>
        owner.life.whileAlive(
          new Promise((resolve) => {
            this.#soon(() => resolve(this.#servers.has(socketPath)));
          }),
        ),
    };
  }

  /** A process has died: who waits for its answers hears that the connection has ended. */
  drop(life: ProcessLife): void {
    for (const [path, server] of this.#servers) if (server.owner.life === life) this.#end(path, server);
  }

  #end(path: string, server: Server): void {
    if (this.#servers.get(path) === server) this.#servers.delete(path);
    for (const breakOff of [...server.broken]) breakOff();
  }

  #client({ life, crashPoints }: SocketOwner, socketPath: string, errors: ClientErrors): UnaryClient {
    const call = (each: UnaryCall): Promise<Uint8Array> => life.whileAlive(this.#call(life, socketPath, each, errors));
    return {
      call: (each) => {
        if (!life.alive) return new Promise(() => {});
        return crashPoints ? crashPoints.around("dmi", () => call(each)) : call(each);
      },
      [Symbol.asyncDispose]: async () => {},
    };
  }

  #call(caller: ProcessLife, socketPath: string, call: UnaryCall, errors: ClientErrors): Promise<Uint8Array> {
    const { method, request, timeoutMs, signal } = call;
    return new Promise((resolve, reject) => {
      const timers: Timer[] = [];
      let leave = (): void => {};
      const settle = (how: () => void): void => {
        for (const timer of timers) timer.cancel();
        leave();
        how();
      };
      const refuse = (error: Error): void => settle(() => reject(error));
      const unavailable = (): void => refuse(errors.unavailable(socketPath, new Error("the connection has ended")));
      signal?.addEventListener("abort", unavailable, { once: true });
      timers.push(this.#clock.setTimer(timeoutMs, () => refuse(errors.timeout(method, timeoutMs))));
      const arrive = (): void => {
        if (!caller.alive) return;
        const server = this.#servers.get(socketPath);
        const handle = server?.options.methods.get(method);
        if (!server || !handle) {
          unavailable();
          return;
        }
        server.broken.add(unavailable);
        leave = () => server.broken.delete(unavailable);
        handle(request).then(
          (answer) => timers.push(this.#soon(() => settle(() => resolve(answer)))),
          (error: unknown) => {
            const { code, message } = server.options.statusOf(error);
            timers.push(this.#soon(() => refuse(errors.failed(method, code, message))));
          },
        );
      };
      timers.push(this.#soon(arrive));
    });
  }

  #soon(act: () => void): Timer {
    return this.#clock.setTimer(this.#random.between(1, 5), act);
  }
}
