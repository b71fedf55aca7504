import { describeError, type Timer } from "@skerry/base";
import type { GrpcTransport } from "@skerry/grpc";
import type { DeviceTwin } from "../devicetwin/index.ts";
import type { DmiContext } from "./dmi-server.ts";
import { type MapperRecord, readDeliveredObjects } from "./mapper-table.ts";

const INTERVAL_MS = 10_000;
/** A mapper may register a moment before it listens. */
const MISSES = 2;

/**
 * Notices mappers that have ended: nobody listens on their sockets any more. Their devices' state becomes `unknown`,
 * because nobody could say otherwise (KubeEdge keeps the last state for ever); a mapper that comes back reports anew.
 */
export class MapperWatch implements AsyncDisposable {
  readonly #transport: Pick<GrpcTransport, "isServed">;
  readonly #context: DmiContext;
  readonly #twin: DeviceTwin;
  /** How often in a row nobody listened, by protocol. */
  readonly #misses = new Map<string, number>();
  readonly #mappers = new Map<string, MapperRecord>();
  #timer: Timer | undefined;
  #looking: Promise<void> | undefined;
  #stopped = false;

  constructor(transport: Pick<GrpcTransport, "isServed">, twin: DeviceTwin, context: DmiContext) {
    this.#transport = transport;
    this.#twin = twin;
    this.#context = context;
  }

  /** The mapper of its protocol has registered; it counts from now on. */
  add(mapper: MapperRecord): void {
    this.#mappers.set(mapper.protocol, mapper);
    this.#misses.delete(mapper.protocol);
    this.#timer ??= this.#context.clock.setTimer(INTERVAL_MS, () => this.#look());
  }

  /** There is no mapper of this protocol to watch any more. */
  remove(protocol: string): void {
    this.#mappers.delete(protocol);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#looking;
  }

  #look(): void {
    this.#looking = this.#lookAtAll().finally(() => {
      this.#timer =
        this.#stopped || this.#mappers.size === 0
          ? undefined
          : this.#context.clock.setTimer(INTERVAL_MS, () => this.#look());
    });
  }

  /** Never rejects. */
  async #lookAtAll(): Promise<void> {
    for (const mapper of [...this.#mappers.values()]) {
      const isServed = await this.#transport.isServed(mapper.socketPath);
      if (this.#stopped) return;
      if (this.#mappers.get(mapper.protocol) !== mapper) continue; // Another has registered meanwhile.
      const misses = isServed ? 0 : (this.#misses.get(mapper.protocol) ?? 0) + 1;
      this.#misses.set(mapper.protocol, misses);
      if (misses === MISSES) await this.#gone(mapper);
    }
  }

  async #gone({ name, protocol }: MapperRecord): Promise<void> {
    const { meta, logger } = this.#context;
    const devices = meta.read((reader) => readDeliveredObjects(reader, protocol)).filter(isDevice);
    logger.warn("A mapper has ended; the state of its devices is unknown until it is started again", {
      mapper: name,
      protocol,
      devices: devices.length,
    });
    for (const device of devices) {
      if (this.#stopped) return;
      try {
        await this.#twin.reportState(device.slice("device/".length), "unknown");
      } catch (error) {
        logger.debug("The state of a device whose mapper has ended could not be kept", {
          device,
          reason: describeError(error),
        });
      }
    }
  }
}

const isDevice = (object: string): boolean => object.startsWith("device/");
