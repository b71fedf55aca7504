import { describeError, isSkerryError, type RetrySchedule, type Timer, toBase64 } from "@skerry/base";
import type { DeviceMapper } from "@skerry/dmi";
import type { DeviceTwin } from "../devicetwin/index.ts";
import type { Deliverable, DeviceCatalogue } from "./device-catalogue.ts";
import type { DmiContext } from "./dmi-server.ts";
import { type MapperRecord, readDelivered, readDeliveredObjects, writeDelivered } from "./mapper-table.ts";

/** What a {@link MapperSession} lives on. */
export type MapperSessionContext = DmiContext & Pick<DeviceTwin, "once">;

/** So often an object is offered to a mapper that refuses it; then it waits for its next change or registration. */
const MAXIMUM_REFUSALS = 5;

/**
 * Keeps one mapper in line with what it is to have, by one call at a time. What it was given is remembered, so that
 * EdgeCore's restart repeats nothing and forgets nothing. A mapper that does not answer is tried again for ever, ever
 * more rarely.
 */
export class MapperSession implements AsyncDisposable {
  readonly mapper: MapperRecord;
  readonly #client: DeviceMapper;
  readonly #context: MapperSessionContext;
  readonly #catalogue: DeviceCatalogue;
  readonly #retry: RetrySchedule;
  /** Objects to look at; a set, so that many changes of one object are one call. */
  readonly #dirty = new Set<string>();
  readonly #refusals = new Map<string, number>();
  #working: Promise<void> | undefined;
  #retryTimer: Timer | undefined;
  #stopped = false;

  constructor(
    mapper: MapperRecord,
    client: DeviceMapper,
    parts: {
      readonly context: MapperSessionContext;
      readonly catalogue: DeviceCatalogue;
      readonly retry: RetrySchedule;
    },
  ) {
    this.mapper = mapper;
    this.#client = client;
    this.#context = parts.context;
    this.#catalogue = parts.catalogue;
    this.#retry = parts.retry;
  }

  /** Looks at all that the mapper has and is to have. */
  lookAtAll(): void {
    const { meta } = this.#context;
    this.look(meta.read((reader) => readDeliveredObjects(reader, this.mapper.protocol)));
    this.look(this.#catalogue.objects(this.mapper.protocol));
  }

  /** These objects may have changed. */
  look(objects: Iterable<string>): void {
    for (const object of objects) {
      this.#dirty.add(object);
      this.#refusals.delete(object);
    }
    if (this.#retryTimer === undefined) this.#work();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#retryTimer?.cancel();
    await this.#working;
  }

  #work(): void {
    this.#retryTimer = undefined;
    this.#working ??= this.#drain().finally(() => {
      this.#working = undefined;
    });
  }

  /** Never rejects. */
  async #drain(): Promise<void> {
    while (this.#dirty.size > 0)
      for (const object of this.#inOrder()) {
        if (this.#stopped) return;
        this.#dirty.delete(object);
        try {
          await this.#bring(object);
          this.#retry.reset();
        } catch (error) {
          this.#failed(object, error);
          return;
        }
      }
  }

  /** Models come before their devices and go after them. */
  #inOrder(): string[] {
    const wanted = new Set(this.#catalogue.objects(this.mapper.protocol));
    const rank = (object: string): number => (object.startsWith("device/") ? 1 : wanted.has(object) ? 0 : 2);
    return [...this.#dirty].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  }

  async #bring(object: string): Promise<void> {
    const { meta, logger } = this.#context;
    const { protocol, name } = this.mapper;
    const delivered = meta.read((reader) => readDelivered(reader, protocol, object));
    const wanted = this.#catalogue.find(protocol, object);
    const content = wanted && toBase64(wanted.bytes);
    const isPending = wanted?.kind === "device" && this.#context.once.isPending(deviceIdOf(object));
    if (content === delivered && !isPending) return;
    await this.#call(object, wanted, delivered !== undefined);
    if (this.#stopped) return; // Another registration has begun; what it gives counts.
    await meta.transaction((transaction) => writeDelivered(transaction, protocol, object, content));
    logger.debug("A mapper has been told of a change", { mapper: name, object });
    if (object.startsWith("device/") && !wanted) this.#lookAtModels();
    if (isPending && !this.#stopped) await this.#giveOnce(object);
  }

  /** The mapper has just answered, so it is there: what may be given to the device at most once is given now. */
  async #giveOnce(object: string): Promise<void> {
    const { once } = this.#context;
    const deviceId = deviceIdOf(object);
    const { values } = await once.begin(deviceId);
    const device = this.#catalogue.withOnce(object, values);
    if (values.size === 0 || device === undefined) return;
    try {
      await this.#client.updateDevice({ device });
    } catch (error) {
      const report = { mapper: this.mapper.name, object, reason: describeError(error) };
      this.#context.logger.warn("A mapper did not say that it took what its device is to do once", report);
      await once.forget(deviceId);
    }
  }

  /** With its last device a model goes too. */
  #lookAtModels(): void {
    const { protocol } = this.mapper;
    for (const object of this.#context.meta.read((reader) => readDeliveredObjects(reader, protocol)))
      if (object.startsWith("model/")) this.#dirty.add(object);
  }

  async #call(object: string, wanted: Deliverable | undefined, known: boolean): Promise<void> {
    const client = this.#client;
    const [kind, namespace = "", name = ""] = object.split("/");
    if (wanted?.kind === "device") {
      const { device } = wanted;
      await (known ? client.updateDevice({ device }) : client.registerDevice({ device }));
    } else if (wanted?.kind === "model") {
      const { model } = wanted;
      await (known ? client.updateDeviceModel({ model }) : client.createDeviceModel({ model }));
    } else if (kind === "device") await client.removeDevice({ deviceName: name, deviceNamespace: namespace });
    else await client.removeDeviceModel({ modelName: name, modelNamespace: namespace });
  }

  #failed(object: string, error: unknown): void {
    if (this.#stopped) return;
    const { logger, clock } = this.#context;
    const refused = isSkerryError(error, "DMI_REFUSED") || isSkerryError(error, "DMI_NOT_FOUND");
    const refusals = (this.#refusals.get(object) ?? 0) + (refused ? 1 : 0);
    if (refusals >= MAXIMUM_REFUSALS) {
      this.#refusals.delete(object);
      logger.warn("A mapper keeps refusing a change and is not asked again until the next one", {
        mapper: this.mapper.name,
        object,
        reason: describeError(error),
      });
    } else {
      if (refusals > 0) this.#refusals.set(object, refusals);
      this.#dirty.add(object);
      const report = { mapper: this.mapper.name, object, reason: describeError(error) };
      if (this.#retry.attempt === 0) logger.warn("A mapper could not be told of a change; it is tried again", report);
    }
    this.#retryTimer = clock.setTimer(this.#retry.nextDelayMs(), () => this.#work());
  }
}

function deviceIdOf(object: string): string {
  return object.slice("device/".length);
}
